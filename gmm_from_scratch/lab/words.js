// What the lab says: each step in words, for readers who see the picture and for those who do not.

const TOLERANCE = 1e-3; // nats per row: the package's default `tol`
const AT_REST = 1e-9;
const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
const listed = (words) =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;

// {title, text, note, alarm} for half step i of a run. note: what to beware of; alarm: whether the run cannot go on.
function wordsFor(run, i) {
  const { state, X } = run;
  if (run.tooFew) return { title: "No start yet", text: run.tooFew, note: "", alarm: true };
  if (run.collapse && i >= run.last) return wordsForCollapse(run);
  const step = run.steps[i];
  const round = Math.ceil(i / 2);
  const title = i === 0 ? "Start" : `Round ${round}, ${step.phase}-step`;
  const note = [thinNote(step.mixture, state, X), i > 0 && step.phase === "M" ? stopNote(run, i) : ""]
    .filter(Boolean)
    .join(" ");
  return { title, text: { start: startText, E: eText, M: mText }[step.phase](run, i), note, alarm: false };
}

function startText({ state, steps }) {
  const K = steps[0].mixture.weights.length;
  const made = {
    points: `The means of ${plural(K, "component")} sit on randomly drawn points, and each component is as wide as all the data.`,
    plusplus:
      "The means are drawn far apart from each other (k-means++), and each component has the spread of the points nearest to its own.",
    kmeans: "k-means has run to its end, and each component has the mean and the spread of one of its clusters.",
    hand: "You have placed the components.",
  }[state.start];
  return `${made} The points are grey: nobody has asked yet where they belong. Press E-step.`;
}

function eText(run, i) {
  const { mixture, logLikelihood, bound } = run.steps[i];
  const { X } = run;
  const resp = run.resp(i);
  const K = mixture.weights.length;
  const shared = X.filter((_, n) => Math.max(...resp.subarray(n * K, n * K + K)) < CERTAIN).length;
  const before = run.steps[i - 1];
  const touch =
    before.phase === "start"
      ? "The bound touches the log-likelihood"
      : `The bound rose by ${nats(bound - before.bound, 4)} and touches the log-likelihood`;
  const doubt = shared
    ? `${shared} of ${X.length} points ${shared === 1 ? "is shared, drawn as a pie" : "are shared, drawn as pies"}`
    : "No point is in doubt";
  const asked = "Every point was asked: which component did you come from, and how sure is that? The ellipses stayed.";
  return `${asked} ${doubt}. ${touch}, ${nats(logLikelihood)}.`;
}

function mText(run, i) {
  const { logLikelihood, kl } = run.steps[i];
  const gain = logLikelihood - run.steps[i - 1].logLikelihood;
  const moved =
    "Each component took the share, the mean and the spread of its points, every point counting as much as it belongs. The colours stayed.";
  const climbed =
    gain >= 0
      ? `The log-likelihood rose by ${nats(gain, 4)} to ${nats(logLikelihood)}`
      : `The log-likelihood fell by ${nats(-gain, 4)} to ${nats(logLikelihood)}`;
  const why =
    gain >= -1e-9 * Math.abs(logLikelihood)
      ? ""
      : run.state.ridge
        ? " It may: the ridge is added after the step that maximises."
        : "";
  const gap = kl < 5e-5 ? "still touches the bound" : `lies ${nats(kl, 4)} above the bound: the colours are out of date again`;
  return `${moved} ${climbed}, and ${gap}.${why}`;
}

function stopNote(run, i) {
  const N = run.X.length;
  const gain = (run.steps[i].logLikelihood - run.steps[i - 2].logLikelihood) / N;
  const last = plateausOf(run.trace(i), N).pop();
  if (last && last[1] === i / 2 - 1)
    return `Rounds ${last[0]} to ${last[1]} were a plateau: little gain, and now it climbs again. From inside it looks like the end.`;
  if (Math.abs(gain) < AT_REST)
    return "Nothing moves any more. EM has come to rest, which does not say that no other place is better: try another start.";
  if (Math.abs(gain) < TOLERANCE)
    return (
      `This round gained ${gain.toExponential(1).replace("-", "−")} nats per point. The package would stop here (tol=1e-3). ` +
      "Is this the end, or a plateau? Press Play to go on."
    );
  return "";
}

// The smallest variance of a component in any direction, in shares of the data's: columns in units of their own spread.
function thinnessOf(matrix, X) {
  const [vx, vy] = [0, 1].map((axis) => {
    const mean = X.reduce((sum, x) => sum + x[axis], 0) / X.length;
    return X.reduce((sum, x) => sum + (x[axis] - mean) ** 2, 0) / X.length || 1;
  });
  return axesOf([matrix[0] / vx, matrix[1] / Math.sqrt(vx * vy), matrix[2] / vy]).variances[1];
}

function thinNote(mixture, { ridge }, X) {
  const heldOpen = [];
  const thin = [];
  mixture.covariances.forEach((matrix, k) => {
    const smallest = axesOf(matrix).variances[1];
    if (ridge && smallest - ridge < 0.01 * ridge) heldOpen.push(LETTERS[k]);
    else if (thinnessOf(matrix, X) < 1e-4) thin.push(LETTERS[k]);
  });
  const held = heldOpen.length
    ? `Only the ridge holds ${listed(heldOpen)} open: its own variance is gone. ` +
      "Without a ridge this is a collapse. The ridge has not healed it, it hides it."
    : "";
  const warned = thin.length
    ? `${listed(thin)} ${thin.length > 1 ? "are" : "is"} very thin: less than a hundredth of the data's spread in one direction. ` +
      "A collapse may be near."
    : "";
  return [held, warned].filter(Boolean).join(" ");
}

function wordsForCollapse(run) {
  const { collapse, X, state } = run;
  const name = LETTERS[collapse.component];
  const larger = state.ridge ? ` larger than ${brief(state.ridge)}` : "";
  const cure = `What helps: another start, fewer components, the family “tied”, or a ridge${larger}, which only hides it.`;
  if (!run.steps.length)
    return {
      title: `This start gives no mixture: component ${name} has no spread`,
      text: `Its points are one only, or lie on one line: its variance is 0 in some direction, and it has no density. ${cure}`,
      note: "",
      alarm: true,
    };
  const round = Math.floor(run.last / 2) + 1;
  return {
    title: `Round ${round}, M-step: component ${name} has collapsed`,
    text: `${causeOf(run)} ${cure}`,
    note: "",
    alarm: true,
  };
}

function causeOf({ collapse, X, steps, last, state }) {
  if (collapse.empty) return "It is responsible for no point any more, so it has no mean.";
  const K = steps[last].mixture.weights.length;
  const { resp } = steps[last];
  const mine = X.filter((_, n) => resp[n * K + collapse.component] > 1e-6);
  const places = new Set(mine.map(String));
  const end =
    "Its density there is infinite, and so is the likelihood, which has no maximum. This is no success of the fit: a spike has been found.";
  if (state.family === "tied")
    return `All share one covariance, and around their means all points lie on lines of one direction: no variance across it. ${end}`;
  if (places.size === 1) {
    const [x, y] = mine[0];
    const many = mine.length > 1 ? `${mine.length} points at the very same place` : "a single point";
    return `It has shrunk onto ${many}, at ${brief(x)}, ${brief(y)}. One place has no spread: the variance is 0. ${end}`;
  }
  const line = state.family === "full" ? "one line" : "one line along an axis";
  return `It is left with ${plural(places.size, "point")} on ${line}. Across that line its variance is 0, to rounding. ${end}`;
}

// A point in words: where it lies, and whose it is.
function wordsForPoint(n, X, resp, K) {
  const place = `Point ${n + 1} at ${brief(X[n][0])}, ${brief(X[n][1])}`;
  if (!resp) return `${place}: not asked yet.`;
  return `${place}: ${Array.from(resp.subarray(n * K, n * K + K), (r, k) => `${LETTERS[k]} ${percent(r)}`).join(", ")}.`;
}

const percent = (share) =>
  share > 0 && share < 0.001 ? "<0.1 %" : share < 1 && share > 0.999 ? ">99.9 %" : `${(100 * share).toFixed(1)} %`;
