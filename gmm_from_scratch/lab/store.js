// The state of the lab, one plain object, and what follows from it: points, start, run, address and Python.
//
// preset, removed, added: the points are those of the preset without the removed ones, then the added ones.
// K, family, ridge: the model. start, seed: its start; `hand` holds the mixture where start is "hand".
// half: how many half steps have been taken, E and M in turn. borders: "k" for k-means', "m" for the mixture's, "km".

const VERSION = "1";
const MOST = { points: 1000, K: 6, half: 1000 };
const STARTS = {
  points: "random points",
  plusplus: "k-means++ centers",
  kmeans: "k-means, run to its end",
  hand: "placed by hand",
};
const DEFAULTS = {
  preset: "faithful",
  removed: [],
  added: [],
  K: 2,
  family: "full",
  start: "points",
  seed: 2,
  hand: null,
  ridge: 0,
  half: 0,
  borders: "",
};

const rounded = (value, digits = 6) => Number(value.toPrecision(digits));

function pointsOf(state, presets) {
  const removed = new Set(state.removed);
  return [...presets[state.preset].points.filter((_, n) => !removed.has(n)), ...state.added];
}

// Remove point n, counted as pointsOf counts. The preset itself stays whole, so that a link can name it.
function withoutPoint(state, presets, n) {
  const removed = new Set(state.removed);
  const kept = presets[state.preset].points.map((_, i) => i).filter((i) => !removed.has(i));
  if (n < kept.length) return { ...state, removed: [...state.removed, kept[n]].sort((a, b) => a - b) };
  return { ...state, added: state.added.filter((_, i) => i !== n - kept.length) };
}

const withPoint = (state, place) => ({ ...state, added: [...state.added, place.map((c) => rounded(c, 5))] });

// A mixture as a hand start keeps it: six digits, so that a link restores it exactly. Null if that leaves no valid mixture.
function asHand(mixture, family) {
  const covariances = restrict(mixture.covariances, mixture.weights, family).map((matrix) => matrix.map((c) => rounded(c)));
  return {
    weights: mixture.weights.map((w) => rounded(w)),
    means: mixture.means.map((mean) => mean.map((c) => rounded(c))),
    covariances,
  };
}

// Return {mixture, centers} for the state's start, or {collapse} where a component of the start has no spread.
function startOf(state, X) {
  const { K, family, ridge } = state;
  const random = randomNumbers(state.seed);
  try {
    if (state.start === "hand") {
      const total = state.hand.weights.reduce((sum, w) => sum + w, 0);
      const weights = state.hand.weights.map((w) => w / total);
      return {
        mixture: { family, weights, means: state.hand.means, covariances: restrict(state.hand.covariances, weights, family) },
      };
    }
    if (state.start === "points") return { mixture: startFromPoints(X, K, family, ridge, random) };
    let centers = plusPlus(X, K, random);
    if (state.start === "kmeans") centers = runKMeans(X, centers);
    return { mixture: startFromLabels(X, assign(X, centers), K, family, ridge) };
  } catch (error) {
    if (!(error instanceof Collapse)) throw error;
    return { collapse: error };
  }
}

// What k-means makes of the same points.
const kmeansCentersOf = (state, X) => runKMeans(X, plusPlus(X, state.K, randomNumbers(state.seed)));

// A run of EM in half steps. Step 0 is the start, odd steps are E-steps, even ones M-steps.
class Run {
  constructor(state, X) {
    this.X = X;
    this.state = state;
    this.steps = [];
    this.collapse = null; // a Collapse, once there is no next step
    this.tooFew =
      X.length < state.K ? `There are ${X.length} points for ${state.K} components. Add points, or choose a smaller K.` : "";
    if (this.tooFew) return;
    const { mixture, collapse } = startOf(state, X);
    if (collapse) this.collapse = collapse;
    else this.steps.push({ phase: "start", mixture, logLikelihood: eStep(X, mixture).logLikelihood });
  }

  get last() {
    return this.steps.length - 1;
  }

  // Take steps until there are n, or until a component collapses.
  reach(n) {
    while (this.last < n && this.steps.length && !this.collapse) this.advance();
    return Math.min(n, Math.max(this.last, 0));
  }

  advance() {
    const { phase, mixture, resp } = this.steps[this.last];
    if (phase !== "E") {
      const { resp, logLikelihood } = eStep(this.X, mixture);
      this.steps.push({ phase: "E", mixture, resp, logLikelihood, bound: logLikelihood, kl: 0 });
      return;
    }
    try {
      const next = mStep(this.X, resp, this.state.K, this.state.family, this.state.ridge);
      const { logLikelihood } = eStep(this.X, next);
      this.steps.push({ phase: "M", mixture: next, logLikelihood, ...boundAndKL(this.X, resp, next) });
    } catch (error) {
      if (!(error instanceof Collapse)) throw error;
      this.collapse = error;
    }
  }

  // The responsibilities that step i goes by: its own after an E-step, the last E-step's after an M-step, none at the start.
  resp(i) {
    return i > 0 && this.steps[i] ? this.steps[i - (i % 2 ? 0 : 1)].resp : null;
  }

  // ln p(X) of the start and after each whole round, up to step i.
  trace(i = this.last) {
    return this.steps.filter((step, j) => j <= i && j % 2 === 0).map((step) => step.logLikelihood);
  }
}

// Rounds that gain little before a round that gains much: [[first, last], ...]. Known only afterwards.
function plateausOf(trace, N, shortest = 4) {
  const gains = trace.slice(1).map((value, t) => value - trace[t]);
  const ahead = gains.map((_, t) => Math.max(...gains.slice(t + 1), -Infinity));
  const slow = gains.map((gain, t) => ahead[t] > 4 * gain && ahead[t] > 1e-4 * N);
  const plateaus = [];
  slow.forEach((yes, t) => {
    if (!yes) return;
    if (slow[t - 1]) plateaus[plateaus.length - 1][1] = t + 1;
    else plateaus.push([t + 1, t + 1]);
  });
  return plateaus.filter(([from, to]) => to - from + 1 >= shortest);
}

// --- The address: everything in a few characters ---------------------------------------------------------------------

// Such as "lab=1;d=faithful;k=2;f=full;s=points;r=2;n=6". What is at its default is left out.
function toFragment(state) {
  const parts = [`lab=${VERSION}`, `d=${state.preset}`, `k=${state.K}`, `f=${state.family}`, `s=${state.start}`];
  const numbers = (list) => list.flat().join(",").replace(/e\+/g, "e");
  if (state.start !== "hand" || state.borders.includes("k")) parts.push(`r=${state.seed}`);
  if (state.removed.length) parts.push(`x=${numbers(state.removed)}`);
  if (state.added.length) parts.push(`a=${numbers(state.added)}`);
  if (state.start === "hand") {
    const { weights, means, covariances } = state.hand;
    parts.push(`w=${numbers(weights)}`, `m=${numbers(means)}`, `c=${numbers(covariances)}`);
  }
  if (state.ridge) parts.push(`g=${numbers([state.ridge])}`);
  if (state.half) parts.push(`n=${state.half}`);
  if (state.borders) parts.push(`b=${state.borders}`);
  return parts.join(";");
}

// The state that a fragment describes. Throws an Error, in words for the reader, where it describes none.
function fromFragment(fragment, presets) {
  const entries = fragment
    .replace(/^#/, "")
    .split(";")
    .map((part) => part.split("="));
  const found = Object.fromEntries(entries);
  const fail = (what) => {
    throw new Error(`This link cannot be read: ${what}. The lab shows its first example instead.`);
  };
  if (found.lab !== VERSION) fail(`it is of version ${found.lab || "unknown"}, and this page reads version ${VERSION}`);
  const known = ["lab", "d", "k", "f", "s", "r", "x", "a", "w", "m", "c", "g", "n", "b"];
  const strange = entries.find(([key, value]) => !known.includes(key) || value === undefined);
  if (strange) fail(`it has a part “${strange.join("=").slice(0, 20)}” that has no meaning here`);
  const number = (key, fallback, least, most, whole = true) => {
    if (!(key in found)) return fallback;
    const value = Number(found[key]);
    if (found[key] === "" || !(value >= least && value <= most) || (whole && !Number.isInteger(value)))
      fail(
        `${key} is “${found[key].slice(0, 20)}”, and must be ${whole ? "a whole number" : "a number"} from ${least} to ${most}`,
      );
    return value;
  };
  const numbers = (key, width, count) => {
    if (!(key in found)) return [];
    const list = found[key].split(",").map((text) => (text === "" ? NaN : Number(text)));
    if (!list.every((value) => Number.isFinite(value) && Math.abs(value) < 1e9))
      fail(`${key} holds something that is no number`);
    if (list.length % width || (count && list.length !== count * width))
      fail(`${key} holds ${list.length} numbers, not ${count ? count * width : "pairs"}`);
    return width === 1 ? list : Array.from({ length: list.length / width }, (_, i) => list.slice(i * width, (i + 1) * width));
  };
  const choice = (key, fallback, allowed) => {
    if (!(key in found)) return fallback;
    if (!allowed.includes(found[key])) fail(`“${found[key].slice(0, 20)}” is none of ${allowed.join(", ")}`);
    return found[key];
  };
  const preset = choice("d", DEFAULTS.preset, Object.keys(presets));
  const state = {
    preset,
    removed: numbers("x", 1),
    added: numbers("a", 2),
    K: number("k", DEFAULTS.K, 1, MOST.K),
    family: choice("f", DEFAULTS.family, FAMILIES),
    start: choice("s", DEFAULTS.start, Object.keys(STARTS)),
    seed: number("r", DEFAULTS.seed, 0, 2 ** 32 - 1),
    hand: null,
    ridge: number("g", 0, 0, 1e6, false),
    half: number("n", 0, 0, MOST.half),
    borders: choice("b", "", ["k", "m", "km"]),
  };
  const N = presets[preset].points.length;
  if (state.removed.some((n) => !Number.isInteger(n) || n < 0 || n >= N)) fail(`x names a point that ${preset} does not have`);
  if (N - state.removed.length + state.added.length > MOST.points) fail(`it has more than ${MOST.points} points`);
  if (state.start === "hand") {
    const [weights, means, covariances] = [numbers("w", 1, state.K), numbers("m", 2, state.K), numbers("c", 3, state.K)];
    if (![weights, means, covariances].every((list) => list.length === state.K))
      fail("it says “placed by hand” without saying where");
    if (!weights.every((w) => w > 0) || !covariances.every(cholesky))
      fail("a weight or a covariance in it belongs to no mixture");
    state.hand = { weights, means, covariances };
  }
  return state;
}

// --- The same in Python ----------------------------------------------------------------------------------------------

// The covariances in the shape in which the package stores them.
function asStored({ family, covariances }) {
  return {
    full: covariances.map(([xx, xy, yy]) => [
      [xx, xy],
      [xy, yy],
    ]),
    tied: [covariances[0].slice(0, 2), covariances[0].slice(1)],
    diag: covariances.map(([xx, , yy]) => [xx, yy]),
    spherical: covariances.map(([xx]) => xx),
  }[family];
}

// A notebook cell that reproduces the run up to where the reader stands, and asserts its log-likelihood.
function asPython(state, run, presets, half) {
  const list = (value) => (Array.isArray(value) ? `[${value.map(list).join(", ")}]` : String(value));
  const { code } = presets[state.preset];
  const lines = [];
  if (code) lines.push(`X = ${code}`);
  else lines.push(`X = np.array(${list(presets[state.preset].points)}).reshape(-1, 2)`);
  if (state.removed.length) lines.push(`X = np.delete(X, ${list(state.removed)}, axis=0)`);
  if (state.added.length) lines.push(`X = np.vstack([X, ${list(state.added)}])`);
  const step = run.steps[half];
  if (!step) return [...imports(["data"]), "", ...lines].join("\n");
  const { weights, means } = run.steps[0].mixture;
  const broken = run.collapse && half === run.last;
  lines.push(
    "start = Mixture(",
    `    weights=${list(weights)},`,
    `    means=${list(means)},`,
    `    covariances=${list(asStored(run.steps[0].mixture))},`,
    `    covariance_type="${state.family}",`,
    ")",
    `steps = em_steps(X, start, reg_covar=${state.ridge})`,
    `for step in islice(steps, ${Math.floor(half / 2)} + 1):           # the start, then ${Math.floor(half / 2)} rounds`,
    "    print(step.log_likelihood)",
    `assert np.isclose(step.log_likelihood, ${step.logLikelihood}, rtol=1e-9, atol=0)`,
  );
  if (broken)
    lines.push(
      "try:",
      "    next(steps)",
      '    raise AssertionError("the lab saw a collapse here")',
      "except SingularCovarianceError as error:",
      "    print(error)",
      `    assert error.component == ${run.collapse.component}`,
    );
  return [
    ...imports(["Mixture", ...(broken ? ["SingularCovarianceError"] : []), ...(code ? ["data"] : []), "em_steps"]),
    "",
    ...lines,
  ].join("\n");
}

const imports = (names) => [
  ...(names.includes("em_steps") ? ["from itertools import islice", ""] : []),
  "import numpy as np",
  "",
  `from gmm_from_scratch import ${names.join(", ")}`,
];
