// What the pages need beyond the theme. Loaded in the head and at once, since its first part must run before Font Awesome.

// Fires first when the page is complete but no deferred script has run: Font Awesome has not yet made titles of <i title>.
document.addEventListener("readystatechange", nameThemeParts, { once: true });

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".stepper").forEach(letStep);
  leadToPublishedSite();
  letKeyboardScroll();
  printEverything();
});

// A stepper (site/ext/light_pages.py): a slider and two buttons choose which of its pictures is shown.
function letStep(stepper) {
  const frames = JSON.parse(stepper.dataset.frames);
  const [image, slider, output] = ["img", "input", "output"].map((name) => stepper.querySelector(name));
  const [play, first] = [".play", ".first"].map((name) => stepper.querySelector(name));
  let timer = null;

  const show = (number) => {
    const [source, text] = frames[number];
    Object.assign(image, { loading: "eager", src: source, alt: text });
    slider.value = output.value = number;
    slider.setAttribute("aria-valuetext", `${number}: ${text}`);
  };
  const run = (going) => {
    clearInterval(timer);
    timer = going ? setInterval(next, stepper.dataset.interval) : null;
    play.textContent = going ? "Pause" : "Play";
  };
  const next = () => {
    if (slider.valueAsNumber < frames.length - 1) show(slider.valueAsNumber + 1);
    if (slider.valueAsNumber === frames.length - 1) run(false);
  };

  slider.addEventListener("input", () => (run(false), show(slider.valueAsNumber)));
  first.addEventListener("click", () => (run(false), show(0)));
  play.addEventListener("click", () => {
    const going = timer === null;
    if (going && slider.valueAsNumber === frames.length - 1) show(0);
    run(going);
  });
  // The other pictures are fetched when the reader comes near.
  const fetchAll = () => frames.forEach(([source]) => (new Image().src = source));
  ["pointerenter", "focusin"].forEach((event) => stepper.addEventListener(event, fetchAll, { once: true }));
  addEventListener("beforeprint", () => (run(false), show(0)));
}

// Read from a disk, the page has no server for what needs one: such links lead to the published site.
function leadToPublishedSite() {
  if (location.protocol !== "file:") return;
  const published = document.querySelector("link[rel=canonical]").href;
  document.querySelectorAll("a.needs-server").forEach((link) => (link.href = new URL(link.getAttribute("href"), published)));
}

// Names and roles that the theme leaves out or gives twice, so that the page makes sense to a screen reader.
function nameThemeParts() {
  // A name that differs from the words on the button cannot be said to speech control.
  document.querySelectorAll(".search-button-field").forEach((button) => button.removeAttribute("aria-label"));
  document.querySelectorAll(".theme-switch-button .theme-switch").forEach((icon) => {
    icon.setAttribute("aria-hidden", "true");
    icon.removeAttribute("title");
  });
  // The only part of the page outside any landmark.
  const logo = document.querySelector(".sidebar-primary-item");
  logo?.setAttribute("role", "region");
  logo?.setAttribute("aria-label", "Title of the book");
  // In the list of chapters, the arrow that opens the pages beneath one.
  document.querySelectorAll(".has-children > details > summary").forEach((summary) => {
    const chapter = summary.closest(".has-children").querySelector("a")?.textContent.trim();
    summary.setAttribute("aria-label", `Pages beneath ${chapter}`);
  });
  // docutils' role for these, doc-biblioentry, is deprecated, and its parent is no list.
  document.querySelectorAll("div.citation-list").forEach((list) => list.setAttribute("role", "list"));
  document.querySelectorAll("div.citation").forEach((entry) => entry.setAttribute("role", "listitem"));
}

// What scrolls inside itself needs a tab stop, or the arrow keys cannot reach its far side. The theme sees to it 300 ms after
// the window has changed: it misses what is unfolded later, and what still slides. (MathJax sees to formulas.)
function letKeyboardScroll() {
  const observer = new ResizeObserver((entries) =>
    entries.forEach(({ target }) => {
      if (target.scrollWidth > target.clientWidth || target.scrollHeight > target.clientHeight) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }),
  );
  const scrolling = "article :is(pre, .cell_output > .output, .pst-scrollable-table-container)";
  document.querySelectorAll(scrolling).forEach((box) => observer.observe(box));
}

// On paper nothing can be unfolded. (What only draws stays folded, and is not printed at all.)
function printEverything() {
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")].filter((details) => !details.matches(".tag_hide-input > *"));
    closed.forEach((details) => (details.open = true));
  });
  addEventListener("afterprint", () => closed.forEach((details) => (details.open = false)));
}
