// Where the lab is put: into a notebook by anywidget, or into a page.

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
      model.set(
        "parameters",
        mixture
          ? { weights: mixture.weights, means: mixture.means, covariances: asStored(mixture), covariance_type: mixture.family }
          : {},
      );
      model.save_changes();
    },
  });
  const follow = () => model.get("state") !== panel.fragment() && panel.load(model.get("state"));
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
    const panels = [...document.querySelectorAll(".em-lab")].map(
      (host) => new Panel(host, { presets: PRESETS, fragment: isOurs(location.hash) ? location.hash : "" }),
    );
    const show = (hash) => {
      panels[0].load(hash);
      panels[0].host.scrollIntoView({
        block: "start",
        behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth",
      });
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
