"""The built book, served over http and from disk, and a Chromium that reports what its pages ask for and complain of."""

import sys
import threading
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "site"))
from chromium import FLAGS, HOW_TO_GET_ONE, READY, find_chromium  # noqa: E402
from serve import Handler  # noqa: E402

BOOK = ROOT / "_build" / "html"


@pytest.fixture(scope="session")
def addresses():
    """Return where the book is, by the way it is read: {"http": ..., "file": ...}."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=BOOK)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {"http": f"http://127.0.0.1:{server.server_port}", "file": BOOK.as_uri()}
        server.shutdown()


@pytest.fixture(scope="session")
def chromium():
    path = find_chromium()
    if path is None:
        pytest.fail(HOW_TO_GET_ONE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Visit:
    """One page in a browser window of its own, and everything it asked for or complained of."""

    def __init__(self, chromium, **options):
        self.context = chromium.new_context(**options)
        self.page = self.context.new_page()
        self.page.add_init_script(WATCH_SHIFTS)
        self.requests, self.complaints = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("requestfailed", lambda request: self.complaints.append(f"request failed: {request.url}"))
        self.page.on("pageerror", lambda error: self.complaints.append(f"exception: {error}"))
        self.page.on("console", self.listen)

    def listen(self, message):
        if message.type in ("warning", "error"):
            self.complaints.append(f"console {message.type}: {message.text} ({message.location.get('url')})")

    def open(self, address):
        """Load the page and wait until its mathematics and its pictures have been drawn."""
        self.page.goto(address, wait_until="load")
        self.page.wait_for_function(READY)
        return self.page


# By how much the page has moved under the reader's eyes (Cumulative Layout Shift).
WATCH_SHIFTS = """window.shifts = 0;
new PerformanceObserver(list => list.getEntries().forEach(entry => (shifts += entry.hadRecentInput ? 0 : entry.value)))
    .observe({type: 'layout-shift', buffered: true});"""


@pytest.fixture
def visit(chromium):
    """Return a function that opens a window: visit(address, **options of the window) -> Visit."""
    visits = []

    def open_window(address, **options):
        visits.append(Visit(chromium, **options))
        visits[-1].open(address)
        return visits[-1]

    yield open_window
    for each in visits:
        each.context.close()


@pytest.fixture
def visit_without_javascript(chromium):
    """Return a function that opens a page with scripts switched off."""
    context = chromium.new_context(java_script_enabled=False)

    def open_page(address):
        page = context.new_page()
        page.goto(address, wait_until="load")
        return page

    yield open_page
    context.close()
