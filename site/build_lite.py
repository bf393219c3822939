"""Put JupyterLite beside the book: every notebook of chapters/ and a Python that runs in the reader's browser.

    python site/build_lite.py _build/html/lite [PYODIDE]

The notebooks of released/ are there, too: a teacher's copy may have that folder.

PYODIDE is where the browser's Python comes from: the address of a Pyodide distribution, or a folder on this machine,
which is then copied and served with the site. Without it, readers take it from Pyodide's public host.
"""

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "_build" / "lite"
PYODIDE = "https://cdn.jsdelivr.net/pyodide/v0.27.7/full"  # the version that tests/browser/test_lite.py runs
# What Pyodide does not bring; the last three are for the EM Lab.
ALL = "gmm_from_scratch", "ipywidgets", "comm", "anywidget", "psygnal", "typing_extensions"

# Ready before the first cell, after these also Pillow; scikit-learn comes when a cell imports it.
PACKAGES = ["numpy", "scipy", "matplotlib"]
# Where lite/pypi is, seen from the kernel's own script.
WHEELS = "../../../../pypi/"
# They would ask for icons that only a Jupyter server has, and for the date of a copy that a first visit does not have.
DISABLED = ["@jupyter-notebook/notebook-extension:tab-icon", "@jupyter-notebook/notebook-extension:checkpoints"]


def pack(package):
    """Make a wheel of an installed package, of its Python files without what was compiled for this machine; return its path."""
    installed, origin = distribution(package), Path(find_spec(package).origin)
    files = sorted(origin.parent.rglob("*")) if origin.name == "__init__.py" else [origin]
    name = f"{package}-{installed.version}"
    wheel = BUILD / f"{name}-py3-none-any.whl"
    with ZipFile(wheel, "w", ZIP_DEFLATED) as archive:
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts and file.suffix not in (".so", ".pyd"):
                archive.write(file, file.relative_to(origin.parents[1 if len(files) > 1 else 0]))
        for part in ("METADATA", "WHEEL"):
            archive.writestr(f"{name}.dist-info/{part}", installed.read_text(part))
    return wheel


def build_application(output, wheels):
    """Run `jupyter lite build`: the notebook application, and these wheels."""
    config = {
        "LiteBuildConfig": {
            "apps": ["notebooks", "edit"],  # the second shows the pages that a notebook links to
            "no_sourcemaps": True,
            "no_unused_shared_packages": True,
            "no_libarchive": True,
        },
        "PipliteAddon": {"piplite_urls": [str(wheel) for wheel in wheels]},
    }
    (BUILD / "jupyter_lite_config.json").write_text(json.dumps(config), "utf-8")
    command = [sys.executable, "-m", "jupyterlite_core", "build", "--lite-dir", BUILD, "--output-dir", output]
    done = subprocess.run(command, cwd=BUILD, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)


def configure(output, pyodide, wheels):
    """Say in the application's own file where Python is and what it starts with."""
    path = output / "jupyter-lite.json"
    config = json.loads(path.read_text("utf-8"))
    data = config["jupyter-config-data"]
    data["disabledExtensions"] = DISABLED
    data["litePluginSettings"]["@jupyterlite/pyodide-kernel-extension:kernel"].update(
        pyodideUrl=f"{pyodide}/pyodide.js",
        disablePyPIFallback=True,  # nothing but Pyodide is asked for elsewhere
        loadPyodideOptions={"packages": PACKAGES + [WHEELS + wheel.name for wheel in wheels]},
    )
    path.write_text(json.dumps(config, indent=1), "utf-8")


def put_contents(output):
    """Copy the chapters, and what a teacher has put into `released`, and list them as a Jupyter server would."""
    files, index = output / "files", output / "api" / "contents" / "all.json"
    now = datetime.now(UTC).isoformat(timespec="seconds")

    def entry(name, kind, **more):
        unread = {"size": None, "content": None, "format": None, "mimetype": None}
        return {"name": name, "path": name, "type": kind, "created": now, "last_modified": now, "writable": True, **unread, **more}

    kinds = {".ipynb": "notebook", ".md": "file"}
    sources = sorted(path for folder in ("chapters", "released") for path in (ROOT / folder).glob("*") if path.suffix in kinds)
    listed = [entry(source.name, kinds[source.suffix], size=source.stat().st_size) for source in sources]
    for folder in (files, index.parent):
        folder.mkdir(parents=True, exist_ok=True)
    for source in sources:
        shutil.copy(source, files)
    index.write_text(json.dumps(entry("", "directory", format="json", content=listed)), "utf-8")


if __name__ == "__main__":
    output = Path(sys.argv[1]).resolve()
    pyodide = (sys.argv[2:] or [""])[0] or PYODIDE
    for folder in (output, BUILD):
        shutil.rmtree(folder, ignore_errors=True)
    BUILD.mkdir(parents=True)
    wheels = [pack(package) for package in ALL]
    build_application(output, wheels)
    if Path(pyodide).is_dir():
        shutil.copytree(pyodide, output / "pyodide")
        pyodide = "./pyodide"
    configure(output, pyodide.rstrip("/"), wheels)
    put_contents(output)
