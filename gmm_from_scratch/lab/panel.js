// The panel: controls around the picture, tables and texts beneath it. It holds the state and nothing else does.

// While it plays: milliseconds a half step, first and later; how many half steps are slow; from where on whole rounds are taken.
const PACE = { first: 700, later: 70, slow: 8, single: 32 };
let labs = 0;

class Panel extends Controls {
  // options: presets, fragment, inNotebook, onChange(state fragment, mixture)
  constructor(host, options) {
    super();
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
        const what = {
          mean: "Mean moved",
          handle: "Ellipse changed",
          point: "Point moved",
          add: "Point added",
          erase: "Point removed",
        }[kind];
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
      means: Array.from({ length: K }, (_, k) => [
        rounded(left + ((right - left) * (k + 0.5)) / K),
        rounded((bottom + top) / 2),
      ]),
      covariances: restrict(
        Array(K).fill([rounded(((right - left) / 10) ** 2), 0, rounded(((top - bottom) / 10) ** 2)]),
        Array(K).fill(1 / K),
        this.state.family,
      ),
    };
  }

  changeHand(edit) {
    const mixture = this.run.steps[this.state.half]?.mixture;
    if (!mixture) return;
    const copy = {
      ...mixture,
      means: mixture.means.map((mean) => [...mean]),
      covariances: mixture.covariances.map((matrix) => [...matrix]),
    };
    edit(copy);
    const hand = asHand(copy, this.state.family);
    if (hand.covariances.every(cholesky)) this.change({ start: "hand", hand }, { quiet: true });
  }

  // --- Steps ---

  nextPhase() {
    return this.state.half % 2 ? "M" : "E";
  }

  stuck() {
    return Boolean(
      this.run.tooFew ||
      !this.run.steps.length ||
      (this.run.collapse && this.state.half >= this.run.last) ||
      this.state.half >= MOST.half,
    );
  }

  step(phase) {
    this.pause();
    if (this.stuck()) return this.say(this.spokenStep());
    if (phase !== this.nextPhase())
      return this.say(
        phase === "M"
          ? "First the E-step: the M-step needs responsibilities."
          : "First the M-step: the responsibilities are those of these ellipses already.",
      );
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
    this.tools
      .querySelectorAll("button")
      .forEach((button) => set(button, "aria-pressed", String(button.dataset.tool === tool)));
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
      if (this.kmeansLines?.key !== key)
        this.kmeansLines = { key, lines: borderLines(kmeansScores(kmeansCentersOf(this.state, this.run.X)), K, box) };
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
      X: run.X,
      box: this.box,
      equal: preset.equal,
      columns: preset.columns,
      mixture: step?.mixture,
      resp: run.resp(state.half),
      selected: this.selected,
      trail: run.steps.filter((_, j) => j <= state.half && j % 2 === 0).map(({ mixture }) => mixture.means),
      borders: () => this.borderLines(), // asked for when the plot knows its size
    };
    this.plot.draw(view);
    this.drawControls();
    this.drawWords();
    this.drawCharts();
    this.componentTable.replaceChildren(...(step ? [componentTable(step.mixture, view.resp, preset.columns)] : []));
    this.drawRespTable();
    this.drawCode();
    this.drawShare();
  }

  drawControls() {
    const { state, run } = this;
    ["preset", "K", "family", "start"].forEach((name) => (this[name].value = state[name]));
    if (![...this.ridge.options].some((option) => Number(option.value) === state.ridge))
      this.ridge.append(make("option", { value: state.ridge }, brief(state.ridge)));
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
    bound.children[2].textContent = !step
      ? ""
      : step.bound === undefined
        ? `${nats(step.logLikelihood)}, not yet split`
        : `${nats(step.bound)} + ${nats(step.kl, 4)} = ${nats(step.logLikelihood)} nats`;
    trace.children[2].textContent = step ? `round ${Math.floor(state.half / 2)}: ${nats(step.logLikelihood)} nats` : "";
  }

  drawRespTable() {
    if (!this.respDetails.open) return;
    const { run, state } = this;
    const columns = this.presets[state.preset].columns;
    this.respTable.replaceChildren(respTable(run.X, run.resp(state.half), state.K, columns, this.all.checked));
  }

  drawCode() {
    if (this.codeDetails.open) this.code.textContent = this.python();
  }

  python() {
    return asPython(this.state, this.run, this.presets, this.state.half);
  }

  // The address of what is seen. Where a component has collapsed, it asks for the step that failed.
  fragment() {
    const failed = this.run.collapse && this.run.steps.length && this.state.half >= this.run.last;
    return toFragment({ ...this.state, half: this.state.half + (failed ? 1 : 0) });
  }

  link() {
    const fragment = this.fragment();
    return this.options.inNotebook
      ? `EMLab(${"given" in this.presets ? "X, " : ""}state="${fragment}")`
      : `${location.href.replace(/#.*/, "")}#${fragment}`;
  }

  drawShare() {
    if (this.shareDetails.open) this.shareText.value = this.link();
  }

  shareNow() {
    if (!this.options.inNotebook) history.replaceState(null, "", `#${this.fragment()}`);
    this.copy(this.link(), this.copyLink);
  }

  // Where the clipboard is closed to the page, as from disk in some browsers, the text is selected instead.
  async copy(text, button) {
    const done = await navigator.clipboard?.writeText(text).then(
      () => true,
      () => false,
    );
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
    this.options.onChange?.(this.fragment(), this.run.steps[this.state.half]?.mixture);
  }
}
