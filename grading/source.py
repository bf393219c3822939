"""The assignments as their authors wrote them: one notebook each, with solutions and hidden tests, in assignments/."""

import hashlib
import json
import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "assignments"
REGION = r"(?ms)^[ \t]*### BEGIN {0}\n(.*?)^[ \t]*### END {0}\n?"


class Cell(NamedTuple):
    """One cell that nbgrader knows: its name, type, text, points, and what it is for."""

    name: str
    type: str
    text: str
    points: float
    is_test: bool                       # marked by the machine
    is_written: bool                    # marked by a person
    is_locked: bool
    hidden: str                         # the hidden tests in it


class Assignment(NamedTuple):
    """One assignment: its name (that of its file), the notebook as JSON, and its own settings."""

    name: str
    notebook: dict
    allowed: str                        # "scratch": nothing that solves the task; "all": the package and scikit-learn, too

    @property
    def cells(self):
        """The cells that nbgrader knows, by name, in order."""
        return {cell.name: cell for cell in map(_cell, self.notebook["cells"]) if cell}

    @property
    def title(self):
        """The heading of the notebook."""
        return re.match(r"# (.+)", text_of(self.notebook["cells"][0]))[1]

    @property
    def number(self):
        """1 for 1-kmeans-limits."""
        return int(self.name.split("-")[0])

    @property
    def release(self):
        """A short mark of this state of the assignment, which travels with the student's notebook."""
        return hashlib.sha256(json.dumps(self.notebook, sort_keys=True).encode()).hexdigest()[:10]


def text_of(cell):
    """Return the text of a cell of a notebook, which may be stored as lines."""
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(map(str, source))


def _cell(cell):
    meta = cell["metadata"].get("nbgrader")
    if not meta:
        return None
    text = text_of(cell)
    return Cell(meta["grade_id"], cell["cell_type"], text, float(meta.get("points", 0)), meta["grade"] and not meta["solution"],
                meta["grade"] and meta["solution"], meta["locked"], "".join(re.findall(REGION.format("HIDDEN TESTS"), text)))


def load(name):
    """Return the assignment of that name."""
    notebook = json.loads((FOLDER / f"{name}.ipynb").read_text("utf-8"))
    return Assignment(name, notebook, notebook["metadata"]["course"]["allowed"])


def names():
    """Return the names of all assignments, in order."""
    return sorted(path.stem for path in FOLDER.glob("*.ipynb"))
