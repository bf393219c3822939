"""Every page of the book in a real browser, as a reader meets it: over http and from disk, light, dark and on a phone."""

import json
import re
from urllib.parse import urlsplit
from zipfile import ZipFile

import pytest
from conftest import BOOK, ROOT

AXE = ROOT / "site" / "node_modules" / "axe-core" / "axe.min.js"
# All rules once; the other views differ in colours, or in sizes.
AXE_RULES = {
    "light": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    "dark": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
    "phone": {"type": "rule", "values": ["target-size", "scrollable-region-focusable", "region", "label-content-name-mismatch"]},
}
SCREENSHOTS = ROOT / "_build" / "screenshots"

PAGES = re.findall(r"(?:root|file): *(\S+)", (ROOT / "_toc.yml").read_text("utf-8"))
WIDGET_PAGES = [page for page in PAGES if 'class="stepper"' in (BOOK / f"{page}.html").read_text("utf-8")]
VIEWS = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
}

# What begins left of the page, or ends right of it with nothing around it that scrolls, cannot be read. (A clip path cuts on purpose.)
CUT_OFF = """() => [...document.querySelectorAll('article *')].filter(element => {
    const box = element.getBoundingClientRect();
    if (!box.width || element.closest('mjx-assistive-mml, .visually-hidden, [clip-path]')) return false;
    if (box.left < -1) return true;
    if (box.right < innerWidth + 1) return false;
    for (let around = element; around; around = around.parentElement)
        if (['auto', 'scroll'].includes(getComputedStyle(around).overflowX)) return false;
    return true;
}).map(element => element.outerHTML.slice(0, 200))"""

# At a desk a formula is read at one glance. On a phone it may scroll.
SCROLLING_FORMULAS = """() => [...document.querySelectorAll('article div.math mjx-container')]
    .filter(box => box.scrollWidth > box.clientWidth + 1).map(box => box.innerText)"""

# What is folded, but for code that only draws: that is not printed.
CLOSED = "document.querySelectorAll('details:not([open], .tag_hide-input > *)').length"

# On paper nothing scrolls: what is wider than its box is lost.
LOST_ON_PAPER = """() => [...document.querySelectorAll('article :is(pre, div.math mjx-container, .pst-scrollable-table-container, .output)')]
    .filter(box => box.clientWidth && box.scrollWidth > box.clientWidth + 1).map(box => box.innerText.slice(0, 100))"""
PAPER_WIDTH = 718  # CSS pixels of A4 without its margins

# Code that scrolls can be reached by keyboard, as soon as it has got its place.
IN_REACH = "[...document.querySelectorAll('article pre')].every(code => code.scrollWidth <= code.clientWidth || code.tabIndex === 0)"

# What is still fading in has not got its colours yet, and what slides not its place.
AT_REST = """document.getAnimations().filter(animation => animation.effect.getComputedTiming().endTime !== Infinity)
    .forEach(animation => animation.finish())"""


@pytest.mark.parametrize("way", ["http", "file"])
@pytest.mark.parametrize("page", PAGES)
def test_page_asks_no_other_host_and_logs_no_fault(visit, addresses, page, way):
    seen = visit(f"{addresses[way]}/{page}.html", **VIEWS["light" if way == "http" else "phone"])
    foreign = [url for url in seen.requests if not url.startswith((addresses[way], "data:", "blob:"))]
    assert not foreign
    assert not seen.complaints
    # The text stays about where it is while figures and formulas arrive: what Web Vitals calls good, on a busy machine too.
    assert seen.page.evaluate("shifts") < 0.1
    # Every formula in the page's source is one MathJax container, and none is an error message.
    source = (BOOK / f"{page}.html").read_text("utf-8")
    if 'class="math' in source:
        assert seen.page.locator("mjx-container").count() >= source.count('class="math')
    broken = "errors => errors.map(error => error.dataset.mjxError + ': ' + error.closest('p, li, td, div').innerText)"
    assert not seen.page.eval_on_selector_all("mjx-merror", broken)


@pytest.mark.parametrize("page", PAGES)
def test_page_fits_every_screen_and_paper_and_is_accessible(visit, addresses, page):
    seen = visit(f"{addresses['http']}/{page}.html", **VIEWS["light"]).page
    SCREENSHOTS.mkdir(exist_ok=True)
    for view in VIEWS:
        show(seen, view)
        seen.screenshot(path=SCREENSHOTS / f"{page.replace('/', '-')}-{view}.png", full_page=True)
    # What is folded has to be printed, and must be folded again afterwards.
    before = seen.evaluate(CLOSED)
    seen.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert seen.evaluate(CLOSED) == 0
    seen.evaluate("dispatchEvent(new Event('afterprint'))")
    assert seen.evaluate(CLOSED) == before
    # It has to fit and to be accessible too.
    seen.evaluate("document.querySelectorAll('details').forEach(details => (details.open = true))")
    for view, rules in AXE_RULES.items():
        show(seen, view)
        assert seen.evaluate("document.documentElement.scrollWidth") <= VIEWS[view]["viewport"]["width"]
        assert not seen.evaluate(CUT_OFF)
        assert view == "phone" or not seen.evaluate(SCROLLING_FORMULAS)
        assert not violations(seen, rules)
    seen.emulate_media(media="print")
    seen.set_viewport_size({"width": PAPER_WIDTH, "height": 1000})
    assert not seen.locator(".bd-sidebar-primary").is_visible() and not seen.locator(".bd-header-article").is_visible()
    assert not seen.locator(".tag_hide-input > details").filter(visible=True).count()
    assert seen.evaluate("document.documentElement.scrollWidth") <= PAPER_WIDTH
    assert not seen.evaluate(LOST_ON_PAPER)


def test_code_that_scrolls_is_in_reach_after_the_sidebar_has_slid_in(visit, addresses):
    page = visit(f"{addresses['http']}/{WIDGET_PAGES[0]}.html", **VIEWS["phone"]).page
    code = page.locator("article .cell:not(.tag_hide-input) .cell_input pre").first
    code.evaluate("code => (code.textContent = 'x'.repeat(120))")  # wider than its box at a desk, but only with the sidebar
    # The sidebar stops half-way, and the theme looks at the code while nothing scrolls.
    page.evaluate("addEventListener('resize', () => document.getAnimations().forEach(sliding => sliding.pause()))")
    page.set_viewport_size(VIEWS["light"]["viewport"])
    page.wait_for_function("code => code.getAttribute('tabindex') === '-1'", arg=code.element_handle())
    assert code.evaluate("code => code.scrollWidth <= code.clientWidth")
    page.evaluate(AT_REST)
    page.wait_for_function("code => code.scrollWidth > code.clientWidth && code.tabIndex === 0", arg=code.element_handle())


def test_browser_unfolds_what_it_prints(visit, addresses):
    page = visit(f"{addresses['http']}/{WIDGET_PAGES[0]}.html").page
    before = page.evaluate(CLOSED)
    page.evaluate(f"addEventListener('beforeprint', () => (window.closedOnPaper = {CLOSED}))")
    assert len(page.pdf(format="A4")) > 10_000
    assert 0 == page.evaluate("closedOnPaper") < before == page.evaluate(CLOSED)


@pytest.mark.parametrize("view", VIEWS)
def test_search_page_is_accessible(visit, addresses, view):
    seen = visit(f"{addresses['http']}/search.html?q=Gaussian", **VIEWS[view])
    seen.page.wait_for_selector("#search-results li a")
    assert not violations(seen.page, AXE_RULES[view])


@pytest.mark.parametrize("way", ["http", "file"])
def test_search_finds_a_word(visit, addresses, way):
    page = visit(f"{addresses[way]}/{PAGES[0]}.html", **VIEWS["light"]).page
    page.keyboard.press("Control+k")
    page.locator("input[type=search]:focus").fill("Gaussian")
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results li a")
    found = page.eval_on_selector_all("#search-results li a", "links => links.map(link => link.href)")
    assert any(urlsplit(address).path.endswith(f"/{PAGES[0]}.html") for address in found), found


# Which of its pictures a stepper shows, once it has arrived.
SHOWN = "([image, before]) => image.src !== before && image.complete && image.naturalWidth > 0"


@pytest.mark.parametrize("page", WIDGET_PAGES)
def test_steppers_move_by_keyboard_by_mouse_and_by_play(visit, addresses, page):
    page = visit(f"{addresses['http']}/{page}.html").page
    for stepper in page.locator(".stepper").all():
        image, slider = stepper.locator("img").first, stepper.get_by_role("slider")
        before = first = image.evaluate("image => image.src")
        # Each act has to bring another picture: we wait for it, and a timeout is the failure.
        for act in (
            lambda slider=slider: slider.press("ArrowRight"),
            lambda slider=slider: slider.click(),  # in the middle
            lambda stepper=stepper: stepper.get_by_role("button", name="First").click(),
            lambda stepper=stepper: stepper.get_by_role("button", name="Play").click(),
        ):
            act()
            page.wait_for_function(SHOWN, arg=[image.element_handle(), before])
            before = image.evaluate("image => image.src")
            assert slider.get_attribute("aria-valuetext") == f"{slider.input_value()}: {image.get_attribute('alt')}"
        stepper.get_by_role("button", name="Pause").click()
        slider.press("End")
        page.wait_for_function(SHOWN, arg=[image.element_handle(), before])
        assert image.evaluate("image => image.src") == stepper.locator("img.still").evaluate("image => image.src") != first


@pytest.mark.parametrize("page", WIDGET_PAGES)
def test_steppers_answer_to_touch_on_a_phone_and_from_disk(visit, addresses, page):
    page = visit(f"{addresses['file']}/{page}.html", **VIEWS["phone"], has_touch=True).page
    for stepper in page.locator(".stepper").all():
        image = stepper.locator("img").first
        before = image.evaluate("image => image.src")
        stepper.get_by_role("button", name="Play").tap()
        page.wait_for_function(SHOWN, arg=[image.element_handle(), before])


def test_the_zip_opens_from_a_disk(visit, tmp_path):
    with ZipFile(BOOK / "gmm-from-scratch.zip") as archive:
        archive.extractall(tmp_path)
    folder = (tmp_path / "gmm-from-scratch").as_uri()
    seen = visit(f"{folder}/{WIDGET_PAGES[0]}.html")
    assert not seen.complaints and not [url for url in seen.requests if not url.startswith((folder, "data:"))]
    # JupyterLite needs a server and is not in the zip: the button leads to the published site.
    canonical = seen.page.locator("link[rel=canonical]").get_attribute("href").removesuffix(f"{WIDGET_PAGES[0]}.html")
    button = seen.page.get_by_role("link", name="Run this page in your browser")
    assert button.evaluate("link => link.href").startswith(f"{canonical}lite/notebooks/")


@pytest.mark.parametrize("page", PAGES)
def test_page_can_be_read_without_javascript(visit_without_javascript, addresses, page):
    page = visit_without_javascript(f"{addresses['file']}/{page}.html")
    parts = page.locator("article :is(h1, h2, h3, section > p, figure, table)")
    assert parts.count()
    hidden = "parts => parts.filter(part => !part.checkVisibility() && !part.closest('details')).map(part => part.outerHTML)"
    assert not parts.evaluate_all(hidden)
    # What is folded opens, and a stepper shows two of its pictures and says why no more.
    if folded := page.locator("article section > details").all():
        folded[0].locator("summary").click()
        assert folded[0].locator(":scope > :not(summary)").first.is_visible()
    for stepper in page.locator("article .stepper").all():
        assert [image.is_visible() for image in stepper.locator("img").all()] == [True, True]
        assert "needs JavaScript" in stepper.inner_text() and not stepper.get_by_role("slider").is_visible()


def show(page, view):
    """Turn the page to this view, and wait until it has taken its colours and its places."""
    page.set_viewport_size(VIEWS[view]["viewport"])
    page.emulate_media(color_scheme=VIEWS[view]["color_scheme"])
    turned = "([width, theme]) => innerWidth === width && document.documentElement.dataset.theme === theme"
    page.wait_for_function(turned, arg=[VIEWS[view]["viewport"]["width"], VIEWS[view]["color_scheme"]])
    page.evaluate(AT_REST)
    page.wait_for_function(IN_REACH)


def violations(page, rules, within="html"):
    """Return what axe finds wrong with the page as it stands, or with a part of it, in words that name the element."""
    page.evaluate(AT_REST)
    page.evaluate(AXE.read_text("utf-8"))
    # What MathJax draws is hidden from screen readers, and is thousands of elements; the MathML beside it is looked at.
    run = """([within, rules]) => axe.run({include: [within], exclude: ['mjx-math']}, {runOnly: rules, resultTypes: ['violations']})"""
    found = page.evaluate(run, [within, rules])["violations"]
    return [f"{fault['id']}: {fault['help']}: {json.dumps(node['html'])}" for fault in found for node in fault["nodes"]]
