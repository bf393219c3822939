// What stands around the picture: every control, every place for words and tables, made once.

const CAPTIONS = { k: "border of k-means", m: "border of the mixture" };
const RIDGES = [0, 1e-6, 1e-4, 1e-2, 0.1, 1];
const icon = (d) =>
  make("svg", { class: "icon", viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }, make("path", { d }));

class Controls {
  build() {
    const change = (part) => (event) => this.change(part(event.target.value));
    const select = (name, label, entries, part) => {
      const box = make(
        "select",
        { id: `${this.id}-${name}`, onchange: change(part) },
        entries.map(([value, text]) => make("option", { value }, text)),
      );
      this[name] = box;
      return make("div", { class: "field" }, make("label", { for: box.id }, label), box);
    };
    const button = (name, text, act, attributes = {}) =>
      (this[name] = make("button", { type: "button", onclick: act, ...attributes }, text));
    this.plot = new Board(this.hands());

    const setup = make(
      "div",
      { class: "setup", role: "group", "aria-label": "Data and model" },
      select(
        "preset",
        "Points",
        Object.entries(this.presets).map(([key, { name }]) => [key, name]),
        (preset) => ({ preset, removed: [], added: [], ...this.anewUnlessByHand() }),
      ),
      select(
        "K",
        "Components K",
        [1, 2, 3, 4, 5, 6].map((k) => [k, k]),
        (k) => ({ K: Number(k), ...this.anewUnlessByHand() }),
      ),
      select(
        "family",
        "Covariances",
        FAMILIES.map((family) => [family, family]),
        (family) => ({ family }),
      ),
      select("start", "Start", Object.entries(STARTS), (start) => ({ start, hand: start === "hand" ? this.handNow() : null })),
      select(
        "ridge",
        "Ridge",
        RIDGES.map((r) => [r, r ? brief(r) : "none"]),
        (r) => ({ ridge: Number(r) }),
      ),
      make(
        "div",
        { class: "field" },
        button("again", "Draw another start", () =>
          this.change({
            seed: (this.state.seed + 1) % 2 ** 32,
            start: this.state.start === "hand" ? "points" : this.state.start,
            hand: null,
          }),
        ),
      ),
    );

    const tools = make(
      "div",
      { class: "tools", role: "group", "aria-label": "What the pointer does" },
      Object.entries(TOOLS).map(([tool, [name]]) =>
        make(
          "button",
          { type: "button", "data-tool": tool, "aria-pressed": String(tool === "move"), onclick: () => this.setTool(tool) },
          name,
        ),
      ),
    );
    this.tools = tools;
    const borders = make(
      "div",
      { class: "borders", role: "group", "aria-label": "Borders" },
      Object.entries(CAPTIONS).map(([key, caption]) =>
        make(
          "label",
          {},
          make("input", { type: "checkbox", value: key, onchange: () => this.toggleBorder(key) }),
          make("span", { class: `swatch ${key}`, "aria-hidden": "true" }),
          caption,
        ),
      ),
    );
    this.borders = borders;
    this.pointWords = make("p", { class: "point-words" });

    const transport = make(
      "div",
      { class: "transport", role: "group", "aria-label": "Steps" },
      button("rewind", icon("M3 2h2v12H3zM14 2v12L6 8z"), () => this.goTo(0), {
        "aria-label": "Rewind to the start",
        title: "Rewind to the start",
      }),
      button("back", icon("M12 2v12L4 8z"), () => this.goTo(this.state.half - 1), {
        "aria-label": "One step back",
        title: "One step back",
      }),
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
    this.charts = [["Log-likelihood = ", key("bound"), " bound + ", key("kl"), " KL"], ["Log-likelihood, round by round"]].map(
      (caption) => make("figure", {}, make("figcaption", {}, caption), make("div", {}), make("p", { class: "key" })),
    );
    this.componentTable = make("div", { class: "table", tabindex: 0, role: "region", "aria-label": "Table of the components" });
    this.respTable = make("div", {
      class: "table",
      tabindex: 0,
      role: "region",
      "aria-label": "Table of the responsibilities",
    });
    this.all = make("input", { type: "checkbox", onchange: () => this.drawRespTable() });
    this.respDetails = make(
      "details",
      { ontoggle: () => this.drawRespTable() },
      make("summary", {}, "Responsibilities as a table"),
      make("label", {}, this.all, "all points, in their order (else the twelve least certain)"),
      this.respTable,
    );
    this.shareText = make("input", {
      readonly: true,
      "aria-label": this.options.inNotebook ? "Python that restores this state" : "Link to this state",
    });
    this.shareDetails = make(
      "details",
      { ontoggle: () => this.drawShare() },
      make("summary", {}, this.options.inNotebook ? "Keep this state" : "Share this state"),
      make(
        "p",
        {},
        this.options.inNotebook
          ? "This line makes a lab that begins here:"
          : "This link holds the points, the start and the step. Nothing is stored anywhere else.",
      ),
      make(
        "div",
        { class: "copy" },
        this.shareText,
        button("copyLink", "Copy", () => this.shareNow()),
      ),
    );
    this.code = make("code", {});
    this.codeDetails = make(
      "details",
      { ontoggle: () => this.drawCode() },
      make("summary", {}, "Export as Python"),
      make(
        "p",
        {},
        "A notebook cell that makes the same steps with the package and checks that it arrives at the same log-likelihood:",
      ),
      make("div", { class: "python", tabindex: 0, role: "region", "aria-label": "Python code" }, make("pre", {}, this.code)),
      button("copyCode", "Copy", () => this.copy(this.code.textContent, this.copyCode)),
    );
    this.root = make(
      "div",
      { class: "em-lab-panel" },
      setup,
      make("div", { class: "above" }, tools, borders),
      this.plot.element,
      this.pointWords,
      transport,
      this.message,
      this.live,
      make("div", { class: "charts" }, this.charts),
      this.componentTable,
      this.respDetails,
      this.codeDetails,
      this.shareDetails,
    );
    this.host.replaceChildren(this.root);
  }
}
