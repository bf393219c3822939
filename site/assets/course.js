// What the pages need beyond the theme. Loaded in the head and at once, since the next line must run before Font Awesome.

// Font Awesome would put its picture in the place of each <i>; the widgets' Play button then misses its own and stops.
window.FontAwesomeConfig = { autoReplaceSvg: "nest" };

// Fires first when the page is complete but no deferred script has run: Font Awesome has not yet made titles of <i title>.
document.addEventListener("readystatechange", nameThemeParts, { once: true });

document.addEventListener("DOMContentLoaded", () => {
  serveMathToWidgets();
  nameWidgets();
  letKeyboardScroll();
  printEverything();
});

// The widgets ask for MathJax 2; the page has MathJax 3.
function serveMathToWidgets() {
  if (!window.MathJax) return;
  MathJax.Hub = {
    Queue: (call) => MathJax.startup.promise.then(() => MathJax.typesetPromise(call[2] ? [call[2]] : undefined)),
  };
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

// The widgets are drawn after the page and carry no names: give each one its own as it appears.
function nameWidgets() {
  if (!document.querySelector('script[type="application/vnd.jupyter.widget-view+json"]')) return;
  const name = () => {
    document.querySelectorAll(".widget-slider").forEach((slider) => {
      const label = slider.querySelector(".widget-label")?.textContent.trim() || "Slider";
      slider.querySelectorAll(".noUi-handle, .widget-readout").forEach((part) => setOnce(part, "aria-label", label));
      slider.querySelectorAll(".widget-readout").forEach((readout) => setOnce(readout, "role", "textbox"));
    });
    document.querySelectorAll(".widget-play").forEach((play) => {
      ["Play or pause", "Back to the start", "Repeat"].forEach((label, i) => {
        const button = play.querySelectorAll("button")[i];
        if (button) setOnce(button, "aria-label", label);
      });
    });
  };
  new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
  name();
}

// Only on change: the observer above would otherwise call itself for ever.
function setOnce(element, attribute, value) {
  if (element.getAttribute(attribute) !== value) element.setAttribute(attribute, value);
}

// A wide table scrolls inside itself; without a tab stop, the arrow keys cannot reach its far side. (The theme does the
// same for code and output, MathJax for formulas.)
function letKeyboardScroll() {
  const observer = new ResizeObserver((entries) =>
    entries.forEach(({ target }) => {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }),
  );
  document.querySelectorAll(".pst-scrollable-table-container").forEach((table) => observer.observe(table));
}

// On paper nothing can be unfolded.
function printEverything() {
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((details) => (details.open = true));
  });
  addEventListener("afterprint", () => closed.forEach((details) => (details.open = false)));
}
