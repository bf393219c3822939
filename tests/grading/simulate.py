"""Notebooks as thirty and a few students may hand them in: right, wrong, broken and hostile. Assignment 2 throughout."""

import json
import os
import re
from typing import NamedTuple

from source import load

NAME = "2-e-step-and-m-step"
FULL = 28                               # points that the machine gives in assignment 2
RUBBISH = "import os\nfor descriptor in range(3, 40):\n    try:\n        os.write(descriptor, b'\\xff' * 5000)\n    except OSError:\n        pass"
FIND = """
import os
found = []
for folder, _, files in os.walk("/"):
    found += [os.path.join(folder, name) for name in files if name.endswith((".ipynb", ".key", ".db")) or name in ("key.py", "hidden.py")]
if found:
    raise SystemExit(str(found))
raise FileNotFoundError("no tests, no key, nobody else's work")
"""
NET = "import socket\nsocket.create_connection(('127.0.0.1', 80), timeout=2)"


def released_text(text):
    """Return the text of a cell without its hidden tests."""
    return re.sub(r"(?ms)^[ \t]*### BEGIN HIDDEN TESTS\n.*?^[ \t]*### END HIDDEN TESTS\n?", "", text)


def perfect(name, student):
    """Return the notebook of a student who wrote what the reference solution says."""
    notebook = json.loads(json.dumps(load(name).notebook))
    notebook["metadata"]["course"]["release"] = load(name).release
    for cell in notebook["cells"]:
        cell["source"] = re.sub(r"(?m)^[ \t]*### (?:BEGIN|END) SOLUTION\n?", "", released_text("".join(cell["source"])))
        if cell["source"].startswith('STUDENT = ""'):
            cell["source"] = f'STUDENT = "{student}"'
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "setup":
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "gmm_from_scratch 0.1.0\n"}]
    return notebook


def cell_of(notebook, grade_id):
    """Return the cell of that name."""
    return next(cell for cell in notebook["cells"] if cell["metadata"].get("nbgrader", {}).get("grade_id") == grade_id)


def answer(grade_id, text):
    """Return a change: another text in one cell."""
    def change(notebook):
        cell_of(notebook, grade_id)["source"] = text
    return change


def edit(grade_id, old, new):
    """Return a change: some words of one cell replaced."""
    def change(notebook):
        cell = cell_of(notebook, grade_id)
        assert old in cell["source"]
        cell["source"] = cell["source"].replace(old, new)
    return change


def extra(text, place=5):
    """Return a change: one more cell of code."""
    def change(notebook):
        notebook["cells"].insert(place, {"cell_type": "code", "metadata": {}, "source": text, "outputs": [], "execution_count": None})
    return change


def delete(*grade_ids):
    """Return a change: cells that are gone."""
    def change(notebook):
        notebook["cells"] = [c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") not in grade_ids]
    return change


def claim(student):
    """Return a change: another name in the first cell, and that student's numbers, typed in."""
    def change(notebook):
        next(c for c in notebook["cells"] if c["source"].startswith("STUDENT"))["source"] = f'STUDENT = "{student}"'
        cell_of(notebook, "numbers")["source"] = "my_resp = np.array([[0.98, 0.02]] * 4 + [[0.01, 0.99]] * 3)\nmy_means = np.array([4.1, 14.2])"
    return change


def tamper(notebook):
    """Empty the tests, give yourself a thousand points, and bend every checker within reach."""
    for cell in notebook["cells"]:
        meta = cell["metadata"].get("nbgrader", {})
        if meta.get("grade") and cell["cell_type"] == "code":
            cell["source"], meta["points"] = "pass", 1000
    for name in ("log-gaussian", "e-step", "m-step", "run", "numbers"):
        cell_of(notebook, name)["source"] = f"{name.replace('-', '_')} = lambda *args: None\nmy_resp = my_means = None"
    extra("""
import builtins, sys
import gmm_from_scratch.exercises as ours
ours.feedback = ours.first_look = lambda *args, **kwargs: "Correct."
np.allclose = np.testing.assert_allclose = lambda *args, **kwargs: True
builtins.AssertionError = builtins.Exception
import wire, runner
wire.encode = runner.encode = lambda value, *args: {"list": []}
""", 7)(notebook)


def old_package(notebook):
    """The output of a first cell that an older package printed, and an answer with a formula."""
    cell_of(notebook, "written-derivation")["source"] = r"It is $\frac{\sum_n w_n r_{nk} x_n}{\sum_n w_n r_{nk}}$."
    cell_of(notebook, "setup")["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "gmm_from_scratch 0.0.9\n"}]


def script(notebook):
    """Put markup that would run in the teacher's or a friend's browser."""
    evil = "<script>alert('gotcha')</script><img src=x onerror=alert('gotcha')>"
    notebook["cells"].insert(1, {"cell_type": "markdown", "metadata": {}, "source": evil})
    notebook["cells"].insert(2, {"cell_type": "code", "metadata": {}, "source": "1", "execution_count": 1, "outputs": [
        {"output_type": "display_data", "metadata": {}, "data": {"text/html": evil, "application/javascript": "alert('gotcha')"}}]})
    cell_of(notebook, "written-expectation")["source"] = evil


ALWAYS_EQUAL = """
class Yes(np.ndarray):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __array_priority__(self): return 1e9
def e_step(*args):
    return Yes((1,)), type("Any", (), {"__eq__": lambda self, other: True, "shape": (1,), "dtype": float})()
"""
NAIVE = """
def e_step(X, weights, means, covariances, beta):
    joint = np.array([w * np.exp(log_gaussian(X, m, C)) for w, m, C in zip(weights, means, covariances)]).T
    return joint**beta / (joint**beta).sum(axis=1, keepdims=True), np.log(joint.sum(axis=1))
"""
FORKS = "import os, time\nfor _ in range(10**6):\n    if os.fork() == 0:\n        time.sleep(10**6)"


BEND = """
def log_gaussian(X, mean, covariance):
    X[...], mean[...], covariance[...] = 0, 0, np.eye(len(mean))
    return np.full(len(X), -len(mean) / 2 * np.log(2 * np.pi))
def e_step(X, weights, means, covariances, beta):
    X[...], means[...], covariances[...] = 0, 0, np.eye(X.shape[1])
    shares = weights**beta / (weights**beta).sum()
    return np.tile(shares, (len(X), 1)), np.full(len(X), -X.shape[1] / 2 * np.log(2 * np.pi))
"""


class Case(NamedTuple):
    """One student: what was done to the perfect notebook, the machine's points, words that the report must hold."""

    changes: tuple = ()
    points: float = FULL
    says: str = ""
    when: str = "2026-11-30 12:00:00 UTC"


CASES = {
    **{f"perfect{i}": Case() for i in range(6)},
    "copied": Case((claim("perfect0"),), FULL - 4, "claims to be 'perfect0'"),
    "no-e-step": Case((answer("e-step", "def e_step(X, weights, means, covariances, beta):\n    ...  # YOUR CODE HERE"),), FULL - 15),
    "no-row-counts": Case((edit("m-step", "np.reshape(w, (-1, 1))", "1"),), FULL - 15),
    "no-two-pi": Case((edit("log-gaussian", "return -constant", "return len(mean) * np.log(2 * np.pi) / 2 - constant"),), FULL - 17),
    "underflows": Case((answer("e-step", NAIVE),), FULL - 3),
    "wrong-shape": Case((edit("run", "return np.array(trace)", "return trace"),), FULL - 4),
    "released": Case((), 0, "gave no id"),
    "empty-file": Case((), 0, "not JSON"),
    "not-json": Case((), 0, "not JSON"),
    "no-cells": Case((lambda notebook: notebook.update(cells=[]),), 0, "cells were deleted"),
    "hangs-in-a-cell": Case((extra("while True:\n    pass"),), FULL, "stopped after"),
    "hangs-when-called": Case((answer("e-step", "import time\ndef e_step(*args):\n    time.sleep(10**6)"),), FULL - 15, "stopped after"),
    "exits": Case((extra("import os\nos._exit(0)"),), FULL, "the process ended"),
    "deletes-cells": Case((delete("m-step", "test-m-step", "test-e-step", "setup", "written-derivation"),), FULL - 15, "cells were deleted"),
    "prints-a-gigabyte": Case((extra("while True:\n    print('x' * 10**6)"),), FULL, "printed more than"),
    "scikit-learn": Case((edit("log-gaussian", "def log", "import sklearn.mixture\ndef log"),), FULL - 21, "imports sklearn"),
    "uses-the-package": Case((answer("m-step", "from gmm_from_scratch import em\ndef m_step(X, resp, w):\n    return em.m_step(X, resp)"),),
                             FULL - 15, "uses gmm_from_scratch.em"),
    "overwrites-the-checker": Case((tamper,), 0, "was changed; restored"),
    "looks-for-the-tests": Case((edit("log-gaussian", "def log", FIND + "def log"),), FULL - 21),
    "forks": Case((extra(FORKS),), FULL),
    "eats-memory": Case((edit("m-step", "    mass =", "    x = np.ones(10**11)\n    mass ="),), FULL - 15),
    "phones-home": Case((extra(NET),), FULL),
    "talks-rubbish": Case((extra(RUBBISH),), FULL, "no answer"),
    "late-and-old": Case((old_package,), FULL, "last run with gmm_from_scratch 0.0.9", "2026-12-03 18:00:00 UTC"),
    "always-equal": Case((answer("e-step", ALWAYS_EQUAL),), FULL - 15),
    "bends-the-question": Case((answer("log-gaussian", BEND), answer("e-step", "")), FULL - 21),
    "script": Case((script,), FULL),
    "twice": Case((), FULL, "handed in more than once"),
}


def hand_in(folder, released, students):
    """Write the cases of these students into a folder, one folder for each."""
    for student in students:
        case = CASES[student]
        notebook = perfect(NAME, student)
        if student == "released":
            notebook = json.loads((released / "release" / f"{NAME}.ipynb").read_text("utf-8"))
        for change in case.changes:
            change(notebook)
        text = {"empty-file": "", "not-json": "my homework"}.get(student, json.dumps(notebook))
        path = folder / student / f"{NAME}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(text, "utf-8")
        (path.parent / "timestamp.txt").write_text(case.when, "utf-8")
    older = folder / "twice" / "draft" / f"{NAME}.ipynb"
    older.parent.mkdir()
    older.write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), "utf-8")
    os.utime(older, (1e9, 1e9))
