// The two charts beneath the picture: bound and KL of the last half steps, and the log-likelihood of all rounds.

const CHART = { width: 320, height: 190 };

function chart(name, ...children) {
  return make(
    "svg",
    { role: "img", "aria-label": name, viewBox: `0 0 ${CHART.width} ${CHART.height}`, class: "chart" },
    ...children,
  );
}

// Columns for the last half steps: the bound, and KL upon it, up to the log-likelihood. The foot of the columns is cut off.
function boundChart(run, i) {
  const from = Math.max(0, i - 4);
  const shown = run.steps.slice(from, i + 1);
  if (!shown.length) return chart("No mixture, so no log-likelihood");
  const tops = shown.map((step) => step.logLikelihood);
  const lows = shown.map((step) => step.bound ?? step.logLikelihood);
  const [low, high] = [Math.min(...lows), Math.max(...tops)];
  const span = high - low || Math.abs(high) * 1e-9 || 1;
  const [foot, head, left] = [CHART.height - 26, 24, 8];
  const y = (value) => foot - 30 - ((value - low) / span) * (foot - 30 - head);
  const width = (CHART.width - left) / 5;
  const columns = shown.flatMap((step, j) => {
    const [x, w] = [left + j * width + 6, width - 12];
    const top = y(step.logLikelihood);
    const bound = step.bound === undefined ? null : y(step.bound);
    const number = from + j;
    return [
      bound === null
        ? make("rect", { class: "unsplit", x, width: w, y: top, height: foot - top })
        : make("rect", { class: "bound", x, width: w, y: bound, height: foot - bound }),
      ...(bound !== null && bound - top > 0.5 ? [make("rect", { class: "kl", x, width: w, y: top, height: bound - top })] : []),
      make("line", { class: "top", x1: x - 4, x2: x + w + 4, y1: top, y2: top }),
      make("path", {
        class: "cut",
        d: `M${x - 3} ${foot - 9}l${w / 4 + 1.5} -5l${w / 4 + 1.5} 5l${w / 4 + 1.5} -5l${w / 4 + 1.5} 5`,
      }),
      make(
        "text",
        { x: x + w / 2, y: CHART.height - 9, "text-anchor": "middle", class: j === shown.length - 1 ? "now" : "" },
        step.phase === "start" ? "start" : `${step.phase} ${Math.ceil(number / 2)}`,
      ),
    ];
  });
  const last = shown[shown.length - 1];
  const said =
    last.bound === undefined
      ? `log-likelihood ${nats(last.logLikelihood)}, not yet split`
      : `bound ${nats(last.bound)} plus KL ${nats(last.kl, 4)} is the log-likelihood, ${nats(last.logLikelihood)}`;
  const hatch = make(
    "defs",
    {},
    make(
      "pattern",
      { id: "em-lab-hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      make("rect", { width: 6, height: 6, class: "hatch-ground" }),
      make("line", { x1: 0, x2: 0, y1: 0, y2: 6, class: "hatch-line" }),
    ),
  );
  const scale = make("text", { x: left, y: 12 }, high > low ? `lowest to highest: ${brief(high - low)} nats` : "");
  return chart(`The last half-steps as columns. Now: ${said}.`, hatch, ...columns, scale);
}

// The log-likelihood of every round, plateaus shaded, and where the reader stands.
function traceChart(run, i) {
  const trace = run.trace();
  if (!trace.length) return chart("No log-likelihood");
  const now = Math.floor(i / 2);
  const rounds = Math.max(trace.length - 1, 8);
  const [low, high] = [Math.min(...trace), Math.max(...trace)];
  const span = high - low || 1;
  const frame = { left: 64, right: 10, top: 14, bottom: 30 };
  const x = (t) => frame.left + (t / rounds) * (CHART.width - frame.left - frame.right);
  const y = (value) => CHART.height - frame.bottom - 8 - ((value - low) / span) * (CHART.height - frame.top - frame.bottom - 8);
  const foot = CHART.height - frame.bottom;
  const plateaus = plateausOf(trace, run.X.length);
  const dots =
    trace.length < 40 ? trace.map((value, t) => make("circle", { class: "round", cx: x(t), cy: y(value), r: 2.2 })) : [];
  return chart(
    `Log-likelihood by round: ${nats(trace[0], 1)} at the start, ${nats(trace[now], 1)} in round ${now}.` +
      plateaus.map(([from, to]) => ` Plateau from round ${from} to ${to}.`).join(""),
    ...plateaus.flatMap(([from, to]) => [
      make("rect", { class: "plateau", x: x(from - 1), width: x(to) - x(from - 1), y: frame.top, height: foot - frame.top }),
      make(
        "text",
        { x: (x(from - 1) + x(to)) / 2, y: foot - 6, "text-anchor": "middle" },
        x(to) - x(from - 1) > 50 ? "plateau" : "",
      ),
    ]),
    make("path", { class: "frame", d: `M${frame.left} ${frame.top}V${foot}H${CHART.width - frame.right}` }),
    make("polyline", {
      class: "trace",
      points: trace.map((value, t) => `${x(t).toFixed(1)},${y(value).toFixed(1)}`).join(" "),
    }),
    ...dots,
    make("line", { class: "here", x1: x(now), x2: x(now), y1: frame.top, y2: foot }),
    make("circle", { class: "here", cx: x(now), cy: y(trace[now]), r: 5 }),
    make("text", { x: frame.left - 9, y: y(high) + 4, "text-anchor": "end" }, nats(high, 1)),
    ...(high - low > 0 ? [make("text", { x: frame.left - 9, y: y(low) + 4, "text-anchor": "end" }, nats(low, 1))] : []),
    ...ticksBetween(0, rounds, 5)
      .filter(Number.isInteger)
      .map((t) => make("text", { x: x(t), y: foot + 16, "text-anchor": "middle" }, String(t))),
  );
}
