// The panel: controls around the picture, tables and texts beneath it. It holds the state and nothing else does.

const CAPTIONS = { k: "border of k-means", m: "border of the mixture" };
const RIDGES = [0, 1e-6, 1e-4, 1e-2, 0.1, 1];
// While it plays: milliseconds a half step, first and later; how many half steps are slow; from where on whole rounds are taken.
const PACE = { first: 700, later: 70, slow: 8, single: 32 };
let labs = 0;

class Panel {
  // options: presets, fragment, inNotebook, onChange(state fragment, mixture)
  constructor(host, options) {
    this.host = host;
    this.options = options;
    this.id = `em-lab-${++labs}`;
    this.presets = options.presets;
    this.selected = null;
    this.playing = null;
    this.build();
    this.load(options.fragment || "", { silent: true });
    this.redraw = () => {
      this.plot.element.classList.add("dragging"); // no motion where nothing has happened
      this.draw();
      requestAnimationFrame(() => this.plot.element.classList.remove("dragging"));
    };
    this.resizing = new ResizeObserver(() => requestAnimationFrame(this.redraw));
    this.resizing.observe(this.plot.element);
    this.theming = new MutationObserver(this.redraw);
    this.theming.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    this.theming.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  }

  destroy() {
    this.pause();
    this.resizing.disconnect();
    this.theming.disconnect();
    this.host.replaceChildren();
  }

  // --- Building ---

  build() {
    const change = (part) => (event) => this.change(part(event.target.value));
    const select = (name, label, entries, part) => {
      const box = make("select", { id: `${this.id}-${name}`, onchange: change(part) }, entries.map(([value, text]) => make("option", { value }, text)));
      this[name] = box;
      return make("div", { class: "field" }, make("label", { for: box.id }, label), box);
    };
    const button = (name, text, act, attributes = {}) => (this[name] = make("button", { type: "button", onclick: act, ...attributes }, text));
    this.plot = new Plot(this.hands());

    const setup = make("div", { class: "setup", role: "group", "aria-label": "Data and model" },
      select("preset", "Points", Object.entries(this.presets).map(([key, { name }]) => [key, name]), (preset) => ({ preset, removed: [], added: [], ...this.anewUnlessByHand() })),
      select("K", "Components K", [1, 2, 3, 4, 5, 6].map((k) => [k, k]), (k) => ({ K: Number(k), ...this.anewUnlessByHand() })),
      select("family", "Covariances", FAMILIES.map((family) => [family, family]), (family) => ({ family })),
      select("start", "Start", Object.entries(STARTS), (start) => ({ start, hand: start === "hand" ? this.handNow() : null })),
      select("ridge", "Ridge", RIDGES.map((r) => [r, r ? brief(r) : "none"]), (r) => ({ ridge: Number(r) })),
      make("div", { class: "field" }, button("again", "Draw another start", () => this.change({ seed: (this.state.seed + 1) % 2 ** 32, start: this.state.start === "hand" ? "points" : this.state.start, hand: null }))),
    );

    const tools = make("div", { class: "tools", role: "group", "aria-label": "What the pointer does" },
      Object.entries(TOOLS).map(([tool, [name]]) => make("button", { type: "button", "data-tool": tool, "aria-pressed": String(tool === "move"), onclick: () => this.setTool(tool) }, name)));
    this.tools = tools;
    const borders = make("div", { class: "borders", role: "group", "aria-label": "Borders" },
      Object.entries(CAPTIONS).map(([key, caption]) =>
        make("label", {}, make("input", { type: "checkbox", value: key, onchange: () => this.toggleBorder(key) }), make("span", { class: `swatch ${key}`, "aria-hidden": "true" }), caption)));
    this.borders = borders;
    this.pointWords = make("p", { class: "point-words" });

    const transport = make("div", { class: "transport", role: "group", "aria-label": "Steps" },
      button("rewind", icon("M3 2h2v12H3zM14 2v12L6 8z"), () => this.goTo(0), { "aria-label": "Rewind to the start", title: "Rewind to the start" }),
      button("back", icon("M12 2v12L4 8z"), () => this.goTo(this.state.half - 1), { "aria-label": "One step back", title: "One step back" }),
      button("e", "E-step", () => this.step("E"), { class: "step" }),
      button("m", "M-step", () => this.step("M"), { class: "step" }),
      button("play", "Play", () => (this.playing ? this.pause() : this.startPlaying())),
    );

    this.title = make("p", { class: "title" });
    this.text = make("p", {});
    this.note = make("p", { class: "note" });
    this.message = make("div", { class: "message" }, this.title, this.text, this.note);
    this.live = make("p", { class: "spoken", role: "status", "aria-live": "polite" });
    const key = (name) => make("span", { class: `sample ${name}`, "aria-hidden": "true" });
    this.charts = [["Log-likelihood = ", key("bound"), " bound + ", key("kl"), " KL"], ["Log-likelihood, round by round"]].map((caption) =>
      make("figure", {}, make("figcaption", {}, caption), make("div", {}), make("p", { class: "key" })));
    this.componentTable = make("div", { class: "table", tabindex: 0, role: "region", "aria-label": "Table of the components" });
    this.respTable = make("div", { class: "table", tabindex: 0, role: "region", "aria-label": "Table of the responsibilities" });
    this.all = make("input", { type: "checkbox", onchange: () => this.drawRespTable() });
    this.respDetails = make("details", { ontoggle: () => this.drawRespTable() },
      make("summary", {}, "Responsibilities as a table"),
      make("label", {}, this.all, "all points, in their order (else the twelve least certain)"), this.respTable);
    this.shareText = make("input", { readonly: true, "aria-label": this.options.inNotebook ? "Python that restores this state" : "Link to this state" });
    this.shareDetails = make("details", { ontoggle: () => this.drawShare() },
      make("summary", {}, this.options.inNotebook ? "Keep this state" : "Share this state"),
      make("p", {}, this.options.inNotebook ? "This line makes a lab that begins here:" : "This link holds the points, the start and the step. Nothing is stored anywhere else."),
      make("div", { class: "copy" }, this.shareText, button("copyLink", "Copy", () => this.shareNow())));
    this.code = make("code", {});
    this.codeDetails = make("details", { ontoggle: () => this.drawCode() },
      make("summary", {}, "Export as Python"),
      make("p", {}, "A notebook cell that makes the same steps with the package and checks that it arrives at the same log-likelihood:"),
      make("pre", { tabindex: 0, "aria-label": "Python code" }, this.code),
      button("copyCode", "Copy", () => this.copy(this.code.textContent, this.copyCode)));
    this.root = make("div", { class: "em-lab-panel" },
      setup, make("div", { class: "above" }, tools, borders), this.plot.element, this.pointWords, transport, this.message, this.live,
      make("div", { class: "charts" }, this.charts), this.componentTable, this.respDetails, this.codeDetails, this.shareDetails);
    this.host.replaceChildren(this.root);
  }

  // What happens when the reader takes hold of something in the picture.
  hands() {
    return {
      select: (k) => {
        if (this.selected === k) return;
        this.selected = k;
        this.draw();
      },
      moveMean: (k, place) => this.changeHand((mixture) => (mixture.means[k] = place)),
      moveEllipse: (k, matrix) =>
        this.changeHand((mixture) => {
          if (mixture.family === "tied") mixture.covariances.fill(matrix);
          else mixture.covariances[k] = matrix;
        }),
      addPoint: (place) => {
        if (this.run.X.length >= MOST.points) return this.say(`The sheet is full: ${MOST.points} points.`);
        this.change(withPoint(this.state, place), { quiet: true });
      },
      erasePoint: (n) => n !== null && this.change(withoutPoint(this.state, this.presets, n), { quiet: true }),
      movePoint: (n, place) => {
        this.change(withPoint(withoutPoint(this.state, this.presets, n), place), { quiet: true });
        return this.run.X.length - 1; // the moved point is the last one now
      },
      settle: (kind) => {
        const what = { mean: "Mean moved", handle: "Ellipse changed", point: "Point moved", add: "Point added", erase: "Point removed" }[kind];
        this.say(`${what}: ${this.run.X.length} points, back at the start. ${this.logLikelihoodWords()}`);
        this.changed();
      },
      look: (n) => this.lookAt(n),
      penAt: (n) => this.say(n === null ? `Pen at ${this.plot.pen.map((c) => brief(c)).join(", ")}.` : this.lookAt(n)),
    };
  }

  // --- State ---

  // Take over a state from a fragment; a bad one gives a message and the first example.
  load(fragment, { silent = false } = {}) {
    this.pause();
    const first = { ...DEFAULTS, ...("given" in this.presets ? { preset: "given" } : {}) };
    let fault = "";
    this.state = first;
    if (fragment) {
      try {
        this.state = fromFragment(fragment, this.presets);
      } catch (error) {
        fault = error.message;
      }
    }
    this.selected = null;
    this.restart(this.state.half);
    if (fault) this.message.dataset.fault = fault;
    else delete this.message.dataset.fault;
    this.draw();
    if (!silent || fault) this.say(fault || `Loaded. ${this.spokenStep()}`);
    this.changed();
  }

  // Change the state and begin anew.
  change(part, { quiet = false } = {}) {
    this.pause();
    delete this.message.dataset.fault;
    this.state = { ...this.state, ...part, half: 0 };
    if (this.state.start === "hand") this.state.hand = asHand({ ...this.state.hand }, this.state.family);
    if (this.selected !== null && this.selected >= this.state.K) this.selected = null;
    this.restart(0);
    this.draw();
    if (quiet) return;
    this.say(this.spokenStep());
    this.changed();
  }

  restart(half) {
    this.run = new Run(this.state, pointsOf(this.state, this.presets));
    this.state = { ...this.state, half: this.run.reach(half) };
    this.kmeansLines = null;
    if (this.boxOf !== this.state.preset) {
      this.boxOf = this.state.preset;
      this.box = boxAround(this.presets[this.state.preset].points);
      this.plot.pen = null;
    }
  }

  anewUnlessByHand() {
    return this.state.start === "hand" ? { start: "points", hand: null } : {};
  }

  // The mixture on the screen, as a start by hand.
  handNow() {
    const mixture = this.run.steps[this.state.half]?.mixture;
    if (mixture) return asHand(mixture, this.state.family);
    const [left, bottom, right, top] = this.box;
    const K = this.state.K;
    return {
      weights: Array(K).fill(rounded(1 / K)),
      means: Array.from({ length: K }, (_, k) => [rounded(left + ((right - left) * (k + 0.5)) / K), rounded((bottom + top) / 2)]),
      covariances: restrict(Array(K).fill([rounded(((right - left) / 10) ** 2), 0, rounded(((top - bottom) / 10) ** 2)]), Array(K).fill(1 / K), this.state.family),
    };
  }

  changeHand(edit) {
    const mixture = this.run.steps[this.state.half]?.mixture;
    if (!mixture) return;
    const copy = { ...mixture, means: mixture.means.map((mean) => [...mean]), covariances: mixture.covariances.map((matrix) => [...matrix]) };
    edit(copy);
    const hand = asHand(copy, this.state.family);
    if (hand.covariances.every(cholesky)) this.change({ start: "hand", hand }, { quiet: true });
  }

  // --- Steps ---

  nextPhase() {
    return this.state.half % 2 ? "M" : "E";
  }

  stuck() {
    return Boolean(this.run.tooFew || !this.run.steps.length || (this.run.collapse && this.state.half >= this.run.last) || this.state.half >= MOST.half);
  }

  step(phase) {
    this.pause();
    if (this.stuck()) return this.say(this.spokenStep());
    if (phase !== this.nextPhase())
      return this.say(phase === "M" ? "First the E-step: the M-step needs responsibilities." : "First the M-step: the responsibilities are those of these ellipses already.");
    this.goTo(this.state.half + 1);
  }

  goTo(half, { spoken = true } = {}) {
    if (spoken) this.pause();
    delete this.message.dataset.fault;
    this.state = { ...this.state, half: this.run.reach(Math.max(half, 0)) };
    this.draw();
    this.say(spoken ? this.spokenStep() : `${wordsFor(this.run, this.state.half).title}. ${this.logLikelihoodWords()}`);
    this.changed();
  }

  gainPerPoint() {
    const { half } = this.state;
    const [now, before] = [this.run.steps[half - (half % 2)], this.run.steps[half - (half % 2) - 2]];
    return before ? (now.logLikelihood - before.logLikelihood) / this.run.X.length : Infinity;
  }

  // Play to where the package would stop; played again from there, to where nothing moves.
  startPlaying() {
    if (this.stuck()) return this.say(this.spokenStep());
    const threshold = Math.abs(this.gainPerPoint()) < TOLERANCE ? AT_REST : TOLERANCE;
    const next = () => {
      this.goTo(this.state.half + (this.state.half < PACE.single || this.state.half % 2 ? 1 : 2), { spoken: false });
      const arrived = this.stuck() || (this.nextPhase() === "E" && Math.abs(this.gainPerPoint()) < threshold);
      if (arrived) {
        this.pause();
        this.say(this.spokenStep());
      } else {
        this.playing = setTimeout(next, this.state.half < PACE.slow ? PACE.first : PACE.later);
      }
    };
    this.playing = setTimeout(next, 0);
    this.draw();
  }

  pause() {
    if (!this.playing) return;
    clearTimeout(this.playing);
    this.playing = null;
    this.drawPlay();
  }

  drawPlay() {
    const [sign, word] = this.playing ? ["M3 2h4v12H3zM9 2h4v12H9z", "Pause"] : ["M4 2v12l9-6z", "Play"];
    if (this.play.textContent !== word || !this.play.firstElementChild) this.play.replaceChildren(icon(sign), word);
  }

  // --- Saying and drawing ---

  say(words) {
    this.live.textContent = words;
  }

  spokenStep() {
    const { title, text, note } = wordsFor(this.run, this.state.half);
    return [title, text, note].filter(Boolean).join(". ").replace(/\.\. /g, ". ");
  }

  logLikelihoodWords() {
    const step = this.run.steps[this.state.half];
    return step ? `Log-likelihood ${nats(step.logLikelihood)}.` : "";
  }

  lookAt(n) {
    const resp = this.run.resp(this.state.half);
    const words = n === null || n === undefined ? TOOLS[this.plot.tool][1] : wordsForPoint(n, this.run.X, resp, this.state.K);
    this.pointWords.textContent = words;
    return words;
  }

  setTool(tool) {
    this.plot.tool = tool;
    this.plot.element.dataset.tool = tool;
    this.tools.querySelectorAll("button").forEach((button) => set(button, "aria-pressed", String(button.dataset.tool === tool)));
    this.lookAt(null);
  }

  toggleBorder(key) {
    const shown = new Set(this.state.borders);
    if (!shown.delete(key)) shown.add(key);
    this.state = { ...this.state, borders: ["k", "m"].filter((each) => shown.has(each)).join("") };
    this.draw();
    this.changed();
  }

  borderLines() {
    const { K, borders, half } = this.state;
    const box = this.plot.box || this.box;
    const step = this.run.steps[half];
    if (K < 2 || !step) return [];
    const lines = [];
    if (borders.includes("k")) {
      const key = box.join();
      if (this.kmeansLines?.key !== key) this.kmeansLines = { key, lines: borderLines(kmeansScores(kmeansCentersOf(this.state, this.run.X)), K, box) };
      lines.push({ kind: "k", lines: this.kmeansLines.lines });
    }
    if (borders.includes("m")) lines.push({ kind: "m", lines: borderLines(mixtureScores(step.mixture), K, box) });
    return lines;
  }

  draw() {
    const { state, run } = this;
    const preset = this.presets[state.preset];
    const step = run.steps[state.half];
    const view = {
      X: run.X, box: this.box, equal: preset.equal, columns: preset.columns, mixture: step?.mixture, resp: run.resp(state.half), selected: this.selected,
      trail: run.steps.filter((_, j) => j <= state.half && j % 2 === 0).map(({ mixture }) => mixture.means), borders: [],
    };
    this.plot.view = view;
    this.plot.resize();
    view.borders = this.borderLines();
    this.plot.draw(view);
    this.drawControls();
    this.drawWords();
    this.drawCharts();
    this.drawComponentTable(step?.mixture, view.resp);
    this.drawRespTable();
    this.drawCode();
    this.drawShare();
  }

  drawControls() {
    const { state, run } = this;
    ["preset", "K", "family", "start"].forEach((name) => (this[name].value = state[name]));
    if (![...this.ridge.options].some((option) => Number(option.value) === state.ridge)) this.ridge.append(make("option", { value: state.ridge }, brief(state.ridge)));
    this.ridge.value = state.ridge;
    const next = this.stuck() ? null : this.nextPhase();
    set(this.e, "aria-disabled", String(next !== "E"));
    set(this.m, "aria-disabled", String(next !== "M"));
    set(this.rewind, "aria-disabled", String(state.half === 0));
    set(this.back, "aria-disabled", String(state.half === 0));
    set(this.play, "aria-disabled", String(!next));
    this.drawPlay();
    this.borders.querySelectorAll("input").forEach((input) => (input.checked = state.borders.includes(input.value)));
    if (!this.pointWords.textContent) this.lookAt(null);
    this.plot.element.classList.toggle("no-mixture", !run.steps.length);
  }

  drawWords() {
    const { title, text, note, alarm } = wordsFor(this.run, this.state.half);
    const fault = this.message.dataset.fault;
    this.title.textContent = fault ? "This link cannot be read" : title;
    this.text.textContent = fault ? fault.replace(/^This link cannot be read: (.)/, (_, first) => first.toUpperCase()) : text;
    this.note.textContent = fault ? "" : note;
    this.note.hidden = !this.note.textContent;
    this.message.classList.toggle("alarm", Boolean(alarm || fault));
  }

  drawCharts() {
    const { run, state } = this;
    const step = run.steps[state.half];
    const [bound, trace] = this.charts;
    bound.children[1].replaceChildren(boundChart(run, state.half));
    trace.children[1].replaceChildren(traceChart(run, state.half));
    bound.children[2].textContent = !step ? "" : step.bound === undefined ? `${nats(step.logLikelihood)}, not yet split` : `${nats(step.bound)} + ${nats(step.kl, 4)} = ${nats(step.logLikelihood)} nats`;
    trace.children[2].textContent = step ? `round ${Math.floor(state.half / 2)}: ${nats(step.logLikelihood)} nats` : "";
  }

  drawComponentTable(mixture, resp) {
    if (!mixture) return this.componentTable.replaceChildren();
    const counts = resp && countsOf(resp, this.state.K);
    const rows = mixture.weights.map((weight, k) => {
      const [xx, xy, yy] = mixture.covariances[k];
      const pair = (x, y) => `${x}, ${y}`;
      const values = [
        even(weight), counts ? counts[k].toFixed(1) : "–", pair(...mixture.means[k].map(even)),
        pair(even(Math.sqrt(xx)), even(Math.sqrt(yy))), nats(xy / Math.sqrt(xx * yy)),
      ];
      return make("tr", {}, make("th", { scope: "row" }, sampleOf(k), LETTERS[k]), values.map((value) => make("td", {}, value)));
    });
    const head = ["component", "weight", "points", "mean", "std. deviation", "correlation"].map((name) => make("th", { scope: "col" }, name));
    const caption = `The components. Mean and standard deviation: ${this.presets[this.state.preset].columns.join(", ")}`;
    this.componentTable.replaceChildren(make("table", {}, make("caption", {}, caption), make("thead", {}, make("tr", {}, head)), make("tbody", {}, rows)));
  }

  drawRespTable() {
    if (!this.respDetails.open) return;
    const { run, state } = this;
    const resp = run.resp(state.half);
    if (!resp) return this.respTable.replaceChildren(make("p", {}, "There are none before the first E-step."));
    const K = state.K;
    const row = (n) => resp.subarray(n * K, n * K + K);
    let order = run.X.map((_, n) => n);
    if (!this.all.checked) order = order.map((n) => [n, Math.max(...row(n))]).sort((a, b) => a[1] - b[1] || a[0] - b[0]).slice(0, 12).map(([n]) => n);
    const columns = this.presets[state.preset].columns;
    this.respTable.replaceChildren(
      make("table", {}, make("caption", {}, this.all.checked ? "All points" : "The least certain points"),
        make("thead", {}, make("tr", {}, ["point", ...columns, ...LETTERS.slice(0, K)].map((name) => make("th", { scope: "col" }, name)))),
        make("tbody", {}, order.map((n) => make("tr", {}, make("th", { scope: "row" }, String(n + 1)), run.X[n].map((c) => make("td", {}, even(c))), Array.from(row(n), (r) => make("td", {}, percent(r))))))));
  }

  drawCode() {
    if (this.codeDetails.open) this.code.textContent = this.python();
  }

  python() {
    return asPython(this.state, this.run, this.presets, this.state.half);
  }

  link() {
    const fragment = toFragment(this.state);
    return this.options.inNotebook ? `EMLab(${"given" in this.presets ? "X, " : ""}state="${fragment}")` : `${location.href.replace(/#.*/, "")}#${fragment}`;
  }

  drawShare() {
    if (this.shareDetails.open) this.shareText.value = this.link();
  }

  shareNow() {
    if (!this.options.inNotebook) history.replaceState(null, "", `#${toFragment(this.state)}`);
    this.copy(this.link(), this.copyLink);
  }

  // Where the clipboard is closed to the page, as from disk in some browsers, the text is selected instead.
  async copy(text, button) {
    const done = await navigator.clipboard?.writeText(text).then(() => true, () => false);
    if (!done) {
      const source = button.parentElement.querySelector("input, code");
      if (source.select) source.select();
      else getSelection().selectAllChildren(source);
    }
    this.say(done ? "Copied." : "Selected: press Ctrl and C to copy.");
    button.textContent = done ? "Copied" : "Selected";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  }

  changed() {
    this.options.onChange?.(toFragment(this.state), this.run.steps[this.state.half]?.mixture);
  }
}

const icon = (d) => make("svg", { class: "icon", viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }, make("path", { d }));

// A small picture of component k's marker and line, for the table.
function sampleOf(k) {
  const line = make("line", { x1: 0, x2: 34, y1: 7, y2: 7, stroke: `var(--component-${k})`, "stroke-width": 2, "stroke-dasharray": DASHES[k] });
  return make("svg", { viewBox: "0 0 34 14", width: 34, height: 14, "aria-hidden": "true" }, line);
}

// anywidget calls this: el is the place, model holds the traits of EMLab.
function render({ model, el }) {
  const points = model.get("points");
  const given = { name: "your points", code: "", columns: ["x1", "x2"], equal: false, points };
  el.classList.add("em-lab");
  const panel = new Panel(el, {
    presets: points.length ? { given, ...PRESETS } : PRESETS,
    fragment: model.get("state"),
    inNotebook: true,
    onChange: (fragment, mixture) => {
      model.set("state", fragment);
      model.set("parameters", mixture ? { weights: mixture.weights, means: mixture.means, covariances: asStored(mixture), covariance_type: mixture.family } : {});
      model.save_changes();
    },
  });
  const follow = () => model.get("state") !== toFragment(panel.state) && panel.load(model.get("state"));
  model.on("change:state", follow);
  return () => {
    model.off("change:state", follow);
    panel.destroy();
  };
}

// On a page: every element of class em-lab becomes a lab, and links to #lab=... on the same page set up the first.
function renderAll() {
  const begin = () => {
    const isOurs = (hash) => hash.startsWith("#lab=");
    const panels = [...document.querySelectorAll(".em-lab")].map((host) => new Panel(host, { presets: PRESETS, fragment: isOurs(location.hash) ? location.hash : "" }));
    const show = (hash) => {
      panels[0].load(hash);
      panels[0].host.scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    };
    addEventListener("hashchange", () => isOurs(location.hash) && show(location.hash));
    document.addEventListener("click", (event) => {
      const link = event.target.closest?.('a[href^="#lab="]');
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      history.pushState(null, "", link.getAttribute("href"));
      show(link.getAttribute("href"));
      panels[0].e.focus({ preventScroll: true });
    });
    if (panels.length && isOurs(location.hash)) panels[0].host.scrollIntoView();
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
}
