// What can be done with the picture: by mouse and finger, and all of it by keyboard too.

const TOOLS = {
  move: ["Move", "Drag a point, a mean, or a handle of an ellipse."],
  add: ["Add points", "Click or draw to add points."],
  erase: ["Erase", "Click or wipe to remove points."],
};

class Board extends Plot {
  // act: what follows when the reader takes hold of something: moveMean, moveEllipse, movePoint, addPoint, erasePoint, select,
  // look (at a point under the pointer), penAt (a point under the pen), settle (it has been let go).
  constructor(act) {
    super();
    this.act = act;
    this.tool = "move";
    this.listen();
  }

  nearest(place, reach) {
    let best = null;
    let least = reach * reach;
    this.view.X.forEach((x, n) => {
      const [sx, sy] = this.toScreen(x);
      const distance = (sx - place[0]) ** 2 + (sy - place[1]) ** 2;
      if (distance <= least) [best, least] = [n, distance];
    });
    return best;
  }

  // The covariance whose ellipse has handle `axis` at the offset (dx, dy) from its mean.
  covarianceWithHandle(k, axis, [dx, dy]) {
    const { family, covariances } = this.view.mixture;
    const [sx, sy] = this.scale;
    const axes = this.axesOnScreen(k);
    const length = Math.max(Math.hypot(dx, dy) / RADIUS, 1.2);
    if (family === "spherical") {
      const variance = (Math.max(Math.abs(axis ? dy : dx) / RADIUS, 1.2) / Math.abs(axis ? sy : sx)) ** 2;
      return [variance, 0, variance];
    }
    if (family === "diag") {
      const [xx, , yy] = covariances[k];
      const along = Math.max(Math.abs(axis ? dy : dx) / RADIUS, 1.2);
      return axis ? [xx, 0, (along / sy) ** 2] : [(along / sx) ** 2, 0, yy];
    }
    const far = Math.hypot(dx, dy) || 1;
    const [ux, uy] = [dx / far, dy / far];
    const mine = length ** 2;
    const other = axes[1 - axis].sd ** 2;
    this.directions[k] = axis ? [-uy, ux] : [ux, uy];
    return [
      (mine * ux * ux + other * uy * uy) / (sx * sx),
      ((mine - other) * ux * uy) / (sx * sy),
      (mine * uy * uy + other * ux * ux) / (sy * sy),
    ];
  }

  place(event) {
    const { left, top } = this.svg.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  // What lies under the pointer: a handle or a mean before a point.
  under(event, reach) {
    const part = event.target.closest?.("[data-k]");
    if (part && part.dataset.axis !== undefined)
      return { kind: "handle", k: Number(part.dataset.k), axis: Number(part.dataset.axis) };
    if (part) return { kind: "mean", k: Number(part.dataset.k) };
    const n = this.nearest(this.place(event), reach);
    return n === null ? null : { kind: "point", n };
  }

  listen() {
    let held = null;
    let last = null;
    const reachOf = (event) => (event.pointerType === "touch" ? 18 : 9);
    this.svg.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      last = this.place(event);
      if (this.tool === "move") held = this.under(event, reachOf(event));
      else held = { kind: this.tool };
      if (!held) return this.act.select(null);
      event.preventDefault();
      this.svg.setPointerCapture(event.pointerId);
      this.element.classList.add("dragging");
      if (held.k !== undefined) {
        this.act.select(held.k);
        (held.kind === "mean" ? this.components[held.k].mean : this.components[held.k].handles[held.axis]).focus({
          preventScroll: true,
        });
      }
      if (held.kind === "add") this.act.addPoint(this.toData(last));
      if (held.kind === "erase") this.act.erasePoint(this.nearest(last, reachOf(event) + 4));
    });
    this.svg.addEventListener("pointermove", (event) => {
      const place = this.place(event);
      if (!held) return this.act.look(this.nearest(place, 9));
      if (Math.hypot(place[0] - last[0], place[1] - last[1]) < (held.kind === "add" ? 12 : 1)) return;
      last = place;
      if (held.kind === "mean") this.act.moveMean(held.k, this.toData(place));
      if (held.kind === "point") held.n = this.act.movePoint(held.n, this.toData(place));
      if (held.kind === "handle")
        this.act.moveEllipse(held.k, this.covarianceWithHandle(held.k, held.axis, this.offset(held.k, place)));
      if (held.kind === "add") this.act.addPoint(this.toData(place));
      if (held.kind === "erase") this.act.erasePoint(this.nearest(place, reachOf(event) + 4));
    });
    const release = () => {
      if (held) this.act.settle(held.kind);
      held = null;
      this.element.classList.remove("dragging");
    };
    this.svg.addEventListener("pointerup", release);
    this.svg.addEventListener("pointercancel", release);
    this.svg.addEventListener("pointerleave", () => held || this.act.look(null));
    // A finger scrolls the page, unless it draws or has taken hold of something.
    this.svg.addEventListener(
      "touchstart",
      (event) => {
        const touch = event.touches[0];
        if (this.tool !== "move" || this.under({ target: event.target, clientX: touch.clientX, clientY: touch.clientY }, 18))
          event.preventDefault();
      },
      { passive: false },
    );
    // On the element around it: an SVG that listens to the focus would become a stop of the Tab key itself.
    this.element.addEventListener("focusin", (event) => {
      const k = event.target.closest("[data-k]")?.dataset.k;
      if (k !== undefined) this.act.select(Number(k));
    });
    this.svg.addEventListener("keydown", (event) => this.key(event));
  }

  offset(k, place) {
    const [x, y] = this.toScreen(this.view.mixture.means[k]);
    return [place[0] - x, place[1] - y];
  }

  key(event) {
    const target = event.target.closest("[data-k], .pen");
    if (!target || event.altKey || event.ctrlKey || event.metaKey) return;
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const isPen = target.classList.contains("pen");
    if (!arrow && !(isPen && ["Enter", " ", "Delete", "Backspace", "PageUp", "PageDown"].includes(event.key))) return;
    event.preventDefault();
    event.stopPropagation(); // JupyterLab has uses of its own for arrows and Enter
    this.element.classList.add("dragging");
    if (isPen) this.keyOfPen(event, arrow);
    else if (target.dataset.axis === undefined) {
      const k = Number(target.dataset.k);
      this.act.moveMean(k, this.stepped(this.view.mixture.means[k], arrow, event.shiftKey ? 2 : 10));
      this.act.settle("mean");
    } else {
      const [k, axis] = [Number(target.dataset.k), Number(target.dataset.axis)];
      const { unit, sd } = this.axesOnScreen(k)[axis];
      const factor = RADIUS * sd * (1 - 0.08 * arrow[1]);
      const turn = (arrow[0] * 5 * Math.PI) / 180;
      const turned = [unit[0] * Math.cos(turn) - unit[1] * Math.sin(turn), unit[0] * Math.sin(turn) + unit[1] * Math.cos(turn)];
      const free = ["full", "tied"].includes(this.view.mixture.family);
      if (free || arrow[1])
        this.act.moveEllipse(
          k,
          this.covarianceWithHandle(
            k,
            axis,
            (free ? turned : unit).map((c) => c * factor),
          ),
        );
      this.act.settle("handle");
    }
    requestAnimationFrame(() => this.element.classList.remove("dragging"));
  }

  stepped(place, [dx, dy], pixels) {
    const [x, y] = this.toScreen(place);
    return this.toData([x + dx * pixels, y + dy * pixels]);
  }

  keyOfPen(event, arrow) {
    const { X } = this.view;
    const there = this.nearest(this.toScreen(this.pen), 12);
    if (arrow) {
      if (event.shiftKey && there !== null) {
        this.pen = this.stepped(X[there], arrow, 10);
        this.act.movePoint(there, this.pen);
        this.act.settle("point");
      } else {
        this.pen = this.stepped(this.pen, arrow, 10);
        this.act.penAt(this.nearest(this.toScreen(this.pen), 12));
      }
    } else if (event.key === "Enter" || event.key === " ") {
      this.act.addPoint(this.pen);
      this.act.settle("add");
    } else if (event.key.startsWith("Page")) {
      if (!X.length) return;
      const from = this.visited ?? -1;
      this.visited = (from + (event.key === "PageDown" ? 1 : -1 + (from < 0 ? 1 : 0)) + X.length) % X.length;
      this.pen = [...X[this.visited]];
      this.act.penAt(this.visited);
    } else {
      this.act.erasePoint(this.nearest(this.toScreen(this.pen), Infinity));
      this.act.settle("erase");
    }
    this.drawPen();
  }
}
