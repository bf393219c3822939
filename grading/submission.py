"""What students handed in: whose it is, when it came, and a clean notebook made from it, whatever was done to the original."""

import csv
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from source import REGION, load, names, text_of

MAX_BYTES = 20 * 2**20
MAX_CELLS, MAX_CODE, MAX_TEXT, MAX_ALL = 300, 50_000, 10_000, 300_000      # cells; characters of a code cell, of another cell, of all
LATE_IN_CANVAS = re.compile(r"^([^_]+)_(LATE_)?(\d+)_(\d+)_")


class Student(NamedTuple):
    """A line of the class list; folder: how the name of the student's folder or file begins."""

    id: str
    last_name: str = ""
    first_name: str = ""
    email: str = ""
    folder: str = ""


class RosterProblem(ValueError):
    """A class list that cannot be used."""


class Handed(NamedTuple):
    """One notebook that was handed in."""

    student: str
    path: Path
    when: datetime
    notes: tuple


def read_roster(path):
    """Return the class list, {id: Student}, from a CSV file with the column student_id and any other fields of Student."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        # nbgrader's exporter writes names as they are: a comma in one, or a sign that begins a formula, would spoil the table
        rows = [{name: re.sub(r"[,\"\r\n]", " ", str(value or "")).strip().lstrip("=+-@") for name, value in row.items() if name}
                for row in csv.DictReader(file)]
    if not rows or "student_id" not in rows[0]:
        raise RosterProblem(f"{path} needs a line for each student and a column student_id; other columns: "
                            f"{', '.join(Student._fields[1:])}.")
    students = [Student(row.pop("student_id"), **{name: value for name, value in row.items() if name in Student._fields}) for row in rows]
    for student in students:                                # nbgrader makes a folder of the id, and looks for that by a pattern
        if not re.fullmatch(r"[^.\s/\\\[\]*?|][^/\\\[\]*?|]*", student.id):
            raise RosterProblem(f"{path}: the id {student.id!r} cannot name a folder. Write it without / \\ [ ] * ? | and, in the column "
                                "`folder`, how this student's folder begins.")
    if len({student.id.casefold() for student in students}) < len(students):
        raise RosterProblem(f"{path} holds an id twice.")
    return {student.id: student for student in students}


def collect(folder, roster):
    """Return all notebooks below a folder: one folder for each student, or one file for each, as the common systems pack them."""
    handed = []
    for path, parts in _files(folder):
        if path.suffix.lower() != ".ipynb":
            continue
        label = parts[0] if len(parts) > 1 else path.stem
        student, notes = _whose(label, roster)
        stamp = path.parent / "timestamp.txt"           # written by nbgrader; in what Moodle packs it could only come from the student
        written = stamp.is_file() and not stamp.is_symlink() and "_assignsubmission_" not in label and stamp.stat().st_size < 100
        when = _read_time(stamp.read_text("utf-8", "replace")) if written else None
        canvas = LATE_IN_CANVAS.match(label)
        notes += ["marked late by Canvas"] if canvas and canvas[2] else []
        handed.append(Handed(student, path, when or datetime.fromtimestamp(path.stat().st_mtime, UTC), tuple(notes)))
    return handed


def without_notebook(folder, roster):
    """Return [(student, what lies there)] for each folder or file, at the top, in which there is no notebook."""
    tops = {}
    for _, parts in _files(folder):
        tops.setdefault(parts[0], []).append(parts[-1])
    tops |= {path.name: [] for path in Path(folder).iterdir() if path.is_dir() and path.name not in tops and not _of_the_system(path.name)}
    return [(_whose(top, roster)[0], f"no notebook: {', '.join(sorted(names)[:5])[:200] or 'an empty folder'}")
            for top, names in sorted(tops.items()) if not any(name.lower().endswith(".ipynb") for name in names)]


def _files(folder):
    """Return [(path, its parts below the folder)] of all files that somebody handed in; links are not followed."""
    found = [(path, path.relative_to(folder).parts) for path in sorted(Path(folder).rglob("*"))]
    return [(path, parts) for path, parts in found
            if not any(map(_of_the_system, parts)) and path.is_file() and not path.is_symlink()]


def _of_the_system(name):
    return name.startswith(".") or name == "__MACOSX"           # checkpoints, and what macOS adds to a zip


def _whose(label, roster):
    """Return the student's id for the name of a folder or file: from the class list, or else the name itself."""
    begins = [student for student in roster.values() if student.folder and (label + "_").startswith(student.folder + "_")]
    longest = max((len(student.folder) for student in begins), default=0)
    fits = [student for student in roster.values() if label == student.id] or [s for s in begins if len(s.folder) == longest]
    if len(fits) == 1:
        return fits[0].id, []
    canvas = LATE_IN_CANVAS.match(label)
    if canvas and canvas[3] in roster:
        return canvas[3], []
    safe = re.sub(r"[^A-Za-z0-9.@-]+", "-", label).strip("-.") or "unnamed"
    if fits:
        return safe, [f"may be of {' or '.join(student.id for student in fits)}: make the column folder of the class list longer"]
    return safe, ["not in the class list"] if roster else []


def _read_time(text):
    try:
        when = datetime.fromisoformat(text.strip().removesuffix(" UTC"))
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


class Unreadable(Exception):
    """A file that is not a notebook."""


def read_notebook(path):
    """Return the notebook as JSON, with a list of cells in it; raise Unreadable for anything else."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise Unreadable(f"the file has {size >> 20} MB, more than {MAX_BYTES >> 20}: clear the outputs and hand it in again")
    try:
        notebook = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise Unreadable("the file is no notebook: not JSON") from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise Unreadable("the file is no notebook of version 4: it has no list of cells")
    for cell in cells:
        cell["metadata"] = cell["metadata"] if isinstance(cell.get("metadata"), dict) else {}
        cell["source"] = text_of(cell) if isinstance(cell.get("source"), str | list) else ""
    return notebook


def grade_id(cell):
    """Return the name that nbgrader gave the cell, or None."""
    meta = cell["metadata"].get("nbgrader")
    name = meta.get("grade_id") if isinstance(meta, dict) else None
    return name if isinstance(name, str) else None


def which_assignment(notebook, path):
    """Return the name of the assignment that the notebook belongs to, by its cells or else by its file's name; None if unknown."""
    ids = {grade_id(cell) for cell in notebook["cells"]}
    best = max(names(), key=lambda name: len(ids & set(load(name).cells)))
    if ids & set(load(best).cells):
        return best
    return next((name for name in names() if name in path.name), None)


def rebuild(assignment, notebook):
    """Return (a clean notebook, the cells to run, notes): locked cells as they were given out, answers as they were handed in.

    The cells to run: [(place in the clean notebook, is it the setup, its text)]; cells that hold tests are not among them.
    """
    known, cells, notes, seen, left = assignment.cells, [], [], set(), MAX_ALL
    originals = {cell["metadata"]["nbgrader"]["grade_id"]: cell for cell in assignment.notebook["cells"] if "nbgrader" in cell["metadata"]}
    if len(notebook["cells"]) > MAX_CELLS:
        notes.append(f"{len(notebook['cells'])} cells; the first {MAX_CELLS} count")
    for i, cell in enumerate(notebook["cells"][:MAX_CELLS]):
        most = min(left, MAX_CODE if cell.get("cell_type") == "code" else MAX_TEXT)
        if len(cell["source"]) > most:
            notes.append(f"cell {i + 1} has {len(cell['source'])} characters; cut off after {most}")
            cell = cell | {"source": cell["source"][:most]}
        left -= len(cell["source"])
        name = grade_id(cell)
        if name in seen:
            notes.append(f"cell {name} stands there twice; the first counts")
            name = None
        if name in known:
            seen.add(name)
            text = known[name].text if known[name].is_locked else cell["source"]
            if known[name].is_locked and cell["source"].strip() != _released(known[name].text).strip():
                notes.append(f"locked cell {name} was changed; restored")
            cells.append(_clean(originals[name], text))
        else:
            kind = cell.get("cell_type") if cell.get("cell_type") in ("code", "markdown", "raw") else "raw"
            cells.append(_clean({"cell_type": kind, "metadata": {}}, cell["source"], cell.get("outputs")))
    missing = [name for name in known if name not in seen]
    for name in missing:
        text = known[name].text if known[name].is_locked else ""
        setup = name == "setup"
        cells.insert(_after_student(cells) if setup else len(cells), _clean(originals[name], text))
    if missing:
        notes.append(f"{len(missing)} cells were deleted ({', '.join(missing[:4])}{' ...' * (len(missing) > 4)}); put back empty")
    clean = {"cells": [cell | {"id": f"c{i}"} for i, cell in enumerate(cells)], "nbformat": 4, "nbformat_minor": 5,
             "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}}
    to_run = [(i, grade_id(cell) == "setup", cell["source"]) for i, cell in enumerate(cells) if cell["cell_type"] == "code"
              and not (grade_id(cell) in known and known[grade_id(cell)].is_test)]
    return clean, to_run, notes


def _released(text):
    return re.sub(REGION.format("HIDDEN TESTS"), "", text)


def _after_student(cells):
    places = [i for i, cell in enumerate(cells) if cell["cell_type"] == "code" and re.search(r"(?m)^STUDENT\b", cell["source"])]
    return places[0] + 1 if places else 0


def _clean(like, text, outputs=None):
    """Return a cell with the type and metadata of another, and of its outputs only plain text and pictures."""
    cell = {"cell_type": like["cell_type"], "metadata": json.loads(json.dumps(like["metadata"])), "source": text}
    if like["cell_type"] == "code":
        outputs = map(_output, outputs[:20] if isinstance(outputs, list) else [])
        cell |= {"execution_count": None, "outputs": [out for out in outputs if out]}
    return cell


def _output(out):
    if not isinstance(out, dict):
        return None
    data = out["data"] if isinstance(out.get("data"), dict) else {}
    picture = data.get("image/png")
    if isinstance(picture, str) and re.fullmatch(r"[A-Za-z0-9+/=\s]{1,2000000}", picture):
        return {"output_type": "display_data", "metadata": {}, "data": {"image/png": picture}}
    text = data.get("text/plain") or out.get("text") or ""
    text = ("".join(map(str, text)) if isinstance(text, list) else str(text))[:3000]
    return {"output_type": "stream", "name": "stdout", "text": text} if text else None


def package_version(notebook):
    """Return the version of gmm_from_scratch with which the notebook was last run, as its setup cell printed it; or None."""
    for cell in notebook["cells"]:
        if grade_id(cell) == "setup":
            found = re.search(r"gmm_from_scratch (\d+(?:\.\w+)*)", json.dumps(cell.get("outputs", ""))[:100000])
            return found[1] if found else None
    return None
