// The picture: points on a canvas, everything that can be taken hold of as SVG above it.

const LETTERS = ["A", "B", "C", "D", "E", "F"];
const DASHES = ["", "7 4", "9 3 2 3", "2 3", "10 3 2 3 2 3", "14 5"]; // the line styles of plots.py
const RADIUS = Math.sqrt(-2 * Math.log(0.05)); // standard deviations: an ellipse of this size holds 95 %
const CERTAIN = 0.95; // a point with a larger responsibility is drawn in one colour

const SVG = "http://www.w3.org/2000/svg";

// Make an element: make("button", {class: "x", onclick: f}, "text", child). Names that SVG knows become SVG.
const SVG_TAGS = new Set(["svg", "g", "path", "line", "rect", "circle", "text", "defs", "pattern", "clipPath", "polyline"]);
function make(tag, attributes = {}, ...children) {
  const element = SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else set(element, name, value);
  }
  element.append(...children.flat());
  return element;
}

// Set an attribute where it differs; null, undefined and false remove it.
function set(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? "" : value);
}

// Numbers at which an axis is marked: 1, 2 or 5 times a power of ten apart.
function ticksBetween(from, to, wanted) {
  const rough = (to - from) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
  const ticks = [];
  for (let i = Math.ceil(from / step); i * step <= to; i++) ticks.push(Number((i * step).toPrecision(10)));
  return ticks;
}

// The window onto the data: wide enough for all points and a margin around them.
function boxAround(points) {
  if (!points.length) return [0, 0, 10, 6];
  return [
    ...[0, 1].map((axis) => Math.min(...points.map((x) => x[axis]))),
    ...[0, 1].map((axis) => Math.max(...points.map((x) => x[axis]))),
  ].map((edge, i, box) => edge + (i < 2 ? -1 : 1) * 0.08 * (box[(i % 2) + 2] - box[i % 2] || 1));
}

let plots = 0;

class Plot {
  constructor() {
    this.pen = null; // the keyboard's place, [x, y]
    this.directions = []; // of each component, where its first handle was: so that it does not jump to the other end
    this.canvas = make("canvas", { "aria-hidden": "true" });
    this.axes = make("g", { class: "axes" });
    this.lines = make("g", { class: "borders" });
    this.trails = make("g", { class: "trails" });
    this.window = make("rect");
    const id = `em-lab-window-${++plots}`;
    const inside = (...parts) => make("g", { "clip-path": `url(#${id})` }, ...parts); // nothing is drawn over the numbers
    this.penMark = make("g", { class: "pen", tabindex: 0, role: "button" }, [
      make("circle", { r: 9 }),
      make("path", { d: "M-16 0H-4M4 0H16M0-16V-4M0 4V16" }),
    ]);
    this.components = LETTERS.map((letter, k) => this.makeComponent(letter, k));
    this.svg = make(
      "svg",
      { role: "application", "aria-label": "Plot of the points and components. The Tab key goes from one to the next." },
      make("defs", {}, make("clipPath", { id }, this.window)),
      inside(this.lines, this.trails, ...this.components.map((component) => component.rings)),
      this.penMark,
      this.components.map((component) => component.group),
    );
    this.paper = make("svg", { "aria-hidden": "true" }, this.axes); // beneath the points
    this.element = make("div", { class: "plot" }, this.paper, this.canvas, this.svg);
  }

  makeComponent(letter, k) {
    const color = `var(--component-${k})`;
    const ring = (kind) =>
      make("circle", {
        class: `moves ${kind}`,
        r: 1,
        stroke: color,
        "stroke-dasharray": DASHES[k],
        "vector-effect": "non-scaling-stroke",
      });
    const handle = (axis) =>
      make("g", { class: "moves handle", tabindex: 0, role: "button", "data-k": k, "data-axis": axis }, [
        make("circle", { class: "reach", r: 18 }),
        make("rect", { x: -6, y: -6, width: 12, height: 12, stroke: color }),
      ]);
    const mean = make("g", { class: "moves mean", tabindex: 0, role: "button", "data-k": k }, [
      make("circle", { class: "reach", r: 20 }),
      make("circle", { r: 11, stroke: color }),
      make("text", { "text-anchor": "middle", dy: "0.36em" }, letter),
    ]);
    const [outer, inner, handles] = [ring("outer"), ring("inner"), [handle(0), handle(1)]];
    return { outer, inner, mean, handles, rings: make("g", {}, outer, inner), group: make("g", {}, mean, handles) };
  }

  // --- Where things are ---

  resize() {
    const width = this.element.clientWidth;
    if (!width) return;
    const height = Math.round(Math.min(Math.max(width * 0.58, 270), 420));
    const margins = { left: 40, right: 8, top: 8, bottom: 36 };
    const frame = {
      x: margins.left,
      y: margins.top,
      width: width - margins.left - margins.right,
      height: height - margins.top - margins.bottom,
    };
    let [left, bottom, right, top] = this.view.box;
    if (this.view.equal) {
      const scale = Math.min(frame.width / (right - left), frame.height / (top - bottom));
      const [halfWidth, halfHeight] = [frame.width / scale / 2, frame.height / scale / 2];
      const [x, y] = [(left + right) / 2, (bottom + top) / 2];
      [left, bottom, right, top] = [x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight];
    }
    this.frame = frame;
    this.box = [left, bottom, right, top];
    this.scale = [frame.width / (right - left), -frame.height / (top - bottom)];
    Object.entries(frame).forEach(([name, value]) => set(this.window, name, value));
    [this.paper, this.svg].forEach((svg) => set(svg, "viewBox", `0 0 ${width} ${height}`));
    this.element.style.height = `${height}px`;
    const pixels = window.devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * pixels) || this.canvas.height !== Math.round(height * pixels)) {
      this.canvas.width = Math.round(width * pixels);
      this.canvas.height = Math.round(height * pixels);
    }
    this.drawAxes(width, height);
  }

  toScreen([x, y]) {
    return [this.frame.x + (x - this.box[0]) * this.scale[0], this.frame.y + (y - this.box[3]) * this.scale[1]];
  }

  toData([x, y]) {
    const inside = [
      Math.min(Math.max(x - this.frame.x, 0), this.frame.width),
      Math.min(Math.max(y - this.frame.y, 0), this.frame.height),
    ];
    return [this.box[0] + inside[0] / this.scale[0], this.box[3] + inside[1] / this.scale[1]];
  }

  onScreen([xx, xy, yy]) {
    const [sx, sy] = this.scale;
    return [xx * sx * sx, xy * sx * sy, yy * sy * sy];
  }

  // The two axes of an ellipse on the screen: [{unit: [x, y], sd}, ...], in pixels.
  axesOnScreen(k) {
    const [xx, xy, yy] = this.onScreen(this.view.mixture.covariances[k]);
    if (["diag", "spherical"].includes(this.view.mixture.family))
      return [
        { unit: [1, 0], sd: Math.sqrt(xx) },
        { unit: [0, -1], sd: Math.sqrt(yy) },
      ];
    const { variances, angle } = axesOf([xx, xy, yy]);
    const candidates = variances.flatMap((variance, i) =>
      [0, Math.PI].map((turn) => {
        const a = angle + i * (Math.PI / 2) + turn;
        return { unit: [Math.cos(a), Math.sin(a)], sd: Math.sqrt(variance), other: Math.sqrt(variances[1 - i]) };
      }),
    );
    const before = this.directions[k] || candidates[0].unit;
    const likeness = ({ unit }) => unit[0] * before[0] + unit[1] * before[1];
    const first = candidates.reduce((best, each) => (likeness(each) > likeness(best) + 1e-9 ? each : best));
    this.directions[k] = first.unit;
    return [first, { unit: [first.unit[1], -first.unit[0]], sd: first.other }];
  }

  // --- Drawing ---

  // view: {X, box, equal, columns, mixture, resp, trail, selected, borders: a function that returns [{kind, lines}]}
  draw(view) {
    this.view = view;
    this.resize();
    if (!this.frame) return;
    this.drawPoints();
    this.drawBorders();
    this.drawComponents();
    this.drawPen();
  }

  drawAxes(width, height) {
    const key = [width, height, ...this.box, ...this.view.columns].join();
    if (key === this.axesKey) return;
    this.axesKey = key;
    const { x, y, width: w, height: h } = this.frame;
    const across = ticksBetween(this.box[0], this.box[2], w / 90).map((tick) => {
      const px = this.toScreen([tick, 0])[0];
      return [
        make("line", { x1: px, x2: px, y1: y, y2: y + h }),
        make("text", { x: px, y: y + h + 15, "text-anchor": "middle" }, signed(tick)),
      ];
    });
    const up = ticksBetween(this.box[1], this.box[3], h / 60).map((tick) => {
      const py = this.toScreen([0, tick])[1];
      return [
        make("line", { x1: x, x2: x + w, y1: py, y2: py }),
        make("text", { x: x - 5, y: py + 4, "text-anchor": "end" }, signed(tick)),
      ];
    });
    this.axes.replaceChildren(
      make("rect", { x, y, width: w, height: h }),
      ...across.flat(),
      ...up.flat(),
      make("text", { class: "name", x: x + w, y: y + h + 31, "text-anchor": "end" }, this.view.columns[0]),
      make("text", { class: "name", x: x + 6, y: y + 15 }, this.view.columns[1]),
    );
  }

  drawPoints() {
    const { X, resp, mixture } = this.view;
    const style = getComputedStyle(this.element);
    const colors = LETTERS.map((_, k) => style.getPropertyValue(`--component-${k}`));
    const [ink, grey] = ["--ink", "--points"].map((name) => style.getPropertyValue(name));
    const pen = this.canvas.getContext("2d");
    const pixels = window.devicePixelRatio || 1;
    pen.setTransform(pixels, 0, 0, pixels, 0, 0);
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const K = mixture ? mixture.weights.length : 0;
    const size = X.length > 320 ? 3.6 : 4.4;
    pen.globalAlpha = 0.9;
    X.forEach((x, n) => {
      const [px, py] = this.toScreen(x);
      if (!resp) {
        pen.fillStyle = grey;
        return pen.fill(markerPath(0, px, py, size));
      }
      const row = resp.subarray(n * K, n * K + K);
      const leader = row.indexOf(Math.max(...row));
      const share = row[leader];
      if (share >= CERTAIN) {
        pen.fillStyle = colors[leader];
        return pen.fill(markerPath(leader, px, py, size));
      }
      // A shared point: a larger marker of the leading component's shape, cut like a pie.
      pen.save();
      pen.clip(markerPath(leader, px, py, size + 1.5));
      let angle = -Math.PI / 2;
      row.forEach((r, k) => {
        pen.beginPath();
        pen.moveTo(px, py);
        pen.arc(px, py, 2 * size + 4, angle, (angle += 2 * Math.PI * r));
        pen.fillStyle = colors[k];
        pen.fill();
      });
      pen.restore();
      pen.lineWidth = 0.75;
      pen.strokeStyle = ink;
      pen.stroke(markerPath(leader, px, py, size + 1.5));
    });
  }

  drawBorders() {
    this.lines.replaceChildren(
      ...this.view.borders().flatMap(({ kind, lines }) => lines.map((line) => this.lineThrough(line, { class: kind }))),
    );
  }

  // A line on the screen through places of the data.
  lineThrough(places, attributes) {
    const onScreen = (place) =>
      this.toScreen(place)
        .map((c) => c.toFixed(1))
        .join();
    return make("polyline", { ...attributes, points: places.map(onScreen).join(" ") });
  }

  drawComponents() {
    const { mixture, selected, columns } = this.view;
    const trail = this.view.trail || [];
    const K = mixture ? mixture.weights.length : 0;
    this.trails.replaceChildren(
      ...(trail.length > 1
        ? mixture.means.map((_, k) =>
            this.lineThrough(
              trail.map((means) => means[k]),
              { stroke: `var(--component-${k})` },
            ),
          )
        : []),
    );
    this.components.forEach(({ group, rings, outer, inner, mean, handles }, k) => {
      [group, rings].forEach((part) => (part.style.display = k < K ? "" : "none"));
      if (k >= K) return;
      const [x, y] = this.toScreen(mixture.means[k]);
      const L = cholesky(this.onScreen(mixture.covariances[k])) || [0.01, 0, 0.01];
      [
        [outer, RADIUS],
        [inner, 1],
      ].forEach(([ring, r]) => {
        ring.style.transform = `matrix(${[L[0] * r, L[1] * r, 0, L[2] * r, x, y].map((c) => c.toFixed(4)).join()})`;
      });
      mean.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
      const where = columns.map((name, i) => `${name} ${brief(mixture.means[k][i])}`).join(", ");
      set(mean, "aria-label", `Mean of component ${LETTERS[k]}: ${where}. Arrow keys move it.`);
      [group, rings].forEach((part) => part.classList.toggle("selected", k === selected));
      const axes = this.axesOnScreen(k);
      handles.forEach((handle, axis) => {
        const { unit, sd } = axes[axis];
        handle.style.transform = `translate(${(x + RADIUS * sd * unit[0]).toFixed(1)}px, ${(y + RADIUS * sd * unit[1]).toFixed(1)}px)`;
        const turns = ["full", "tied"].includes(mixture.family) ? " Left and right turn the ellipse." : "";
        set(
          handle,
          "aria-label",
          `Handle ${axis + 1} of the ellipse of component ${LETTERS[k]}. Up and down make it longer and shorter.${turns}`,
        );
      });
    });
  }

  drawPen() {
    if (!this.pen) this.pen = [(this.box[0] + this.box[2]) / 2, (this.box[1] + this.box[3]) / 2];
    const [x, y] = this.toScreen(this.pen);
    this.penMark.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
    set(
      this.penMark,
      "aria-label",
      `Pen at ${this.pen.map((c) => brief(c)).join(", ")}. Arrow keys move it, Enter adds a point, Delete removes the nearest, ` +
        "Page Up and Page Down go from point to point, Shift with arrows moves the point there.",
    );
  }
}

// The shape of a component's marker, in the order of plots.py: circle, triangle, square, diamond, triangle downwards, plus.
function markerPath(k, x, y, size) {
  const path = new Path2D();
  if (k === 0) {
    path.arc(x, y, size, 0, 2 * Math.PI);
    return path;
  }
  const corners = {
    1: [
      [0, -1.25],
      [1.15, 0.9],
      [-1.15, 0.9],
    ],
    2: [
      [-0.95, -0.95],
      [0.95, -0.95],
      [0.95, 0.95],
      [-0.95, 0.95],
    ],
    3: [
      [0, -1.35],
      [1.35, 0],
      [0, 1.35],
      [-1.35, 0],
    ],
    4: [
      [0, 1.25],
      [1.15, -0.9],
      [-1.15, -0.9],
    ],
    5: [
      [-0.45, -1.2],
      [0.45, -1.2],
      [0.45, -0.45],
      [1.2, -0.45],
      [1.2, 0.45],
      [0.45, 0.45],
      [0.45, 1.2],
      [-0.45, 1.2],
      [-0.45, 0.45],
      [-1.2, 0.45],
      [-1.2, -0.45],
      [-0.45, -0.45],
    ],
  }[k];
  corners.forEach(([dx, dy], i) => path[i ? "lineTo" : "moveTo"](x + dx * size, y + dy * size));
  path.closePath();
  return path;
}

// A number for reading: three or four digits, with a true minus sign.
function brief(value, digits = 3) {
  const text =
    Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-4)
      ? value.toExponential(2)
      : String(Number(value.toPrecision(digits)));
  return text.replace("-", "−");
}

const signed = (value) => String(value).replace("-", "−");

// A number for a table: as brief, with its zeros.
const even = (value) => (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e3 ? signed(value.toPrecision(3)) : brief(value));

// A log-likelihood, or a difference of two: fixed digits after the point, so that rounds can be compared.
const nats = (value, digits = 2) => value.toFixed(digits).replace("-", "−");
