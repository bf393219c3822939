"""This machine's Chromium: where it is, how it is started, when a page in it is complete. As a script, says how to get one."""

import os
import shutil
import sys
from pathlib import Path

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge"]
PLACES = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
]

HOW_TO_GET_ONE = """\
No Chromium was found, so the browser tests are left out. To run them too, install one:
    Debian, Ubuntu   sudo apt-get install chromium
    Fedora           sudo dnf install chromium
    macOS            brew install --cask google-chrome
    elsewhere        set CHROMIUM to the path of Chromium, Chrome or Edge
and repeat the command: only what was left out will run."""


# Nothing of Chromium's own may reach out, and it runs as root in a container.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

# Every formula has become a MathJax container, and every picture is decoded, also those below the screen: one that is only
# loaded may be missing on a printed sheet.
READY = """async () => {
    if (document.querySelector('.math')) {
        if (!window.MathJax?.startup?.promise) return false;
        await MathJax.startup.promise;
    }
    document.querySelectorAll('img[loading=lazy]').forEach(image => (image.loading = 'eager'));
    await Promise.all([...document.images].map(image => image.decode()));
    return true;
}"""


def find_chromium():
    """Return the path of Chromium or a relative of it, or None."""
    if "CHROMIUM" in os.environ:
        return shutil.which(os.environ["CHROMIUM"])
    installed = [path for path in map(shutil.which, NAMES) if path]
    return next(iter(installed + [path for path in PLACES if Path(path).exists()]), None)


if __name__ == "__main__":
    if not find_chromium():
        sys.exit(HOW_TO_GET_ONE)
