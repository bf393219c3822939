"""A chapter in JupyterLite, as the button beneath its title opens it: it runs in the browser, and no other host is asked."""

import json
import threading
from functools import partial
from http.server import ThreadingHTTPServer

import pytest
from conftest import BOOK, ROOT, Visit
from serve import Handler as BookHandler

PYODIDE = ROOT / "site" / "pyodide"  # site/get_pyodide.py fetches it
CHAPTER = "09-7-penguins"

pytestmark = pytest.mark.skipif(not PYODIDE.is_dir(), reason="site/pyodide is missing: run site/get_pyodide.py, with a network")


class Handler(BookHandler):
    """Serves the built site, but Pyodide from our copy instead of its public host."""

    def translate_path(self, path):
        _, found, file = path.partition("/lite/pyodide/")
        return str(PYODIDE / file) if found else super().translate_path(path)

    def do_GET(self):
        if self.path.split("?")[0] != "/lite/jupyter-lite.json":
            return super().do_GET()
        config = json.loads((BOOK / "lite" / "jupyter-lite.json").read_text("utf-8"))
        data = config["jupyter-config-data"]
        data["exposeAppInBrowser"] = True  # as window.jupyterapp, which runs the cells
        data["litePluginSettings"]["@jupyterlite/pyodide-kernel-extension:kernel"]["pyodideUrl"] = "./pyodide/pyodide.js"
        body = json.dumps(config).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return self.wfile.write(body)


@pytest.fixture
def address():
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=BOOK)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


NOTEBOOK = "window.jupyterapp?.shell.currentWidget"
WIDGET = "application/vnd.jupyter.widget-view+json"
SECONDS = 1000


def test_a_chapter_runs_in_the_browser(chromium, address):
    visit = Visit(chromium, viewport={"width": 1280, "height": 900})
    page = visit.page
    page.goto(f"{address}/chapters/{CHAPTER}.html")
    page.get_by_role("link", name="Run this page in your browser").press("Enter")
    page.wait_for_function(f"{NOTEBOOK}?.sessionContext?.session?.kernel?.status === 'idle'", timeout=180 * SECONDS)
    page.evaluate("void jupyterapp.commands.execute('notebook:run-all-cells').then(() => (window.allHaveRun = true))")
    page.wait_for_function("window.allHaveRun", timeout=240 * SECONDS)
    every = page.evaluate(f"{NOTEBOOK}.content.model.toJSON()")["cells"]
    cells = [cell for cell in every if cell["cell_type"] == "code"]

    assert all(cell["execution_count"] for cell in cells)
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 2

    # JupyterLab draws only the cells near the screen.
    at = next(i for i, cell in enumerate(every) if WIDGET in str(cell.get("outputs")))
    page.evaluate(f"void {NOTEBOOK}.content.scrollToItem({at}, 'start')")
    shown = page.locator(".widget-html-content img:visible")
    before = shown.get_attribute("alt")
    page.locator(".noUi-base:visible").first.click()  # in the middle
    page.wait_for_function("before => [...document.querySelectorAll('.widget-html-content img')].some(image => "
                           "image.checkVisibility() && image.alt !== before)", arg=before)  # fmt: skip

    # The EM Lab, in the last cell of code: it draws with the widget's own JavaScript.
    last = max(i for i, cell in enumerate(every) if cell["cell_type"] == "code")
    page.evaluate(f"""([at, source]) => {{
        const notebook = {NOTEBOOK}.content;
        notebook.model.cells.get(at).sharedModel.setSource(source);
        notebook.activeCellIndex = at;
        void jupyterapp.commands.execute('notebook:run-cell').then(() => notebook.scrollToItem(at, 'start'));
    }}""", [last, "from gmm_from_scratch.em_lab import EMLab\nEMLab()"])
    page.wait_for_function("[...document.querySelectorAll('.em-lab canvas')].some(canvas => canvas.checkVisibility() && canvas.width > 100)",
                           timeout=30 * SECONDS)  # fmt: skip

    assert not [url for url in visit.requests if not url.startswith((address, "data:", "blob:"))]
    assert not [complaint for complaint in visit.complaints if complaint.startswith("exception")]
    visit.context.close()


def test_readers_take_the_tested_pyodide_from_its_public_host():
    config = json.loads((BOOK / "lite" / "jupyter-lite.json").read_text("utf-8"))["jupyter-config-data"]
    kernel = config["litePluginSettings"]["@jupyterlite/pyodide-kernel-extension:kernel"]
    version = json.loads((PYODIDE / "pyodide-lock.json").read_text("utf-8"))["info"]["version"]
    assert kernel["pyodideUrl"] == f"https://cdn.jsdelivr.net/pyodide/v{version}/full/pyodide.js"
    assert kernel["disablePyPIFallback"] is True
