// The two tables beneath the picture.

// A small picture of component k's marker and line, for the table.
function sampleOf(k) {
  const line = make("line", {
    x1: 0,
    x2: 34,
    y1: 7,
    y2: 7,
    stroke: `var(--component-${k})`,
    "stroke-width": 2,
    "stroke-dasharray": DASHES[k],
  });
  return make("svg", { viewBox: "0 0 34 14", width: 34, height: 14, "aria-hidden": "true" }, line);
}

function table(caption, names, rows) {
  const head = make(
    "tr",
    {},
    names.map((name) => make("th", { scope: "col" }, name)),
  );
  return make("table", {}, make("caption", {}, caption), make("thead", {}, head), make("tbody", {}, rows));
}

// How many decimals a mean deserves: three digits of the spread around it.
const decimals = (spread) => Math.min(Math.max(2 - Math.floor(Math.log10(spread)), 0), 6);

// The components, a row each. resp: responsibilities, or null before the first E-step; columns: the names of the two axes.
function componentTable(mixture, resp, columns) {
  const counts = resp && countsOf(resp, mixture.weights.length);
  const rows = mixture.weights.map((weight, k) => {
    const [xx, xy, yy] = mixture.covariances[k];
    const correlation = nats(xy / Math.sqrt(xx * yy));
    const spread = [xx, yy].map(Math.sqrt);
    const mean = mixture.means[k].map((value, i) => nats(value, decimals(spread[i])));
    const values = [
      even(weight),
      counts ? counts[k].toFixed(1) : "–",
      mean.join(", "),
      spread.map(even).join(", "),
      correlation,
    ];
    return make(
      "tr",
      {},
      make("th", { scope: "row" }, sampleOf(k), LETTERS[k]),
      values.map((value) => make("td", {}, value)),
    );
  });
  const names = ["component", "weight", "points", "mean", "std. deviation", "correlation"];
  return table(`The components. Mean and standard deviation: ${columns.join(", ")}`, names, rows);
}

// The responsibilities, a row for each point: all in their order, or the twelve least certain.
function respTable(X, resp, K, columns, all) {
  if (!resp) return make("p", {}, "There are none before the first E-step.");
  const row = (n) => Array.from(resp.subarray(n * K, n * K + K));
  const largest = X.map((_, n) => Math.max(...row(n)));
  const order = X.map((_, n) => n);
  const shown = all ? order : order.sort((a, b) => largest[a] - largest[b] || a - b).slice(0, 12);
  const rows = shown.map((n) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, String(n + 1)),
      [...X[n].map(even), ...row(n).map(percent)].map((value) => make("td", {}, value)),
    ),
  );
  return table(all ? "All points" : "The least certain points", ["point", ...columns, ...LETTERS.slice(0, K)], rows);
}
