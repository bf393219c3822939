"""Hidden tests, run where the student's code is not: its functions are stand-ins, the data come from the class key."""

import ast
import builtins
import warnings
from typing import NamedTuple

import numpy as np
from key import draw
from session import Missing, RemoteError, StandIn, SubmissionError

from gmm_from_scratch.exercises import feedback


class Verdict(NamedTuple):
    """What one test cell earned, and what the student is told. It never holds an expected value."""

    points: float
    message: str


class Wrong(Exception):
    """An answer is wrong; the text says how, as far as the student may know."""


def check(answer, expected, **tolerances):
    """Demand that an answer is right; say, in stages, what is wrong with it, and never what is right."""
    said = feedback(answer, expected, **tolerances)
    if said != "Correct.":
        raise Wrong(said)


def demand(truth, message):
    """Demand that something holds."""
    if not truth:
        raise Wrong(message)


def refuses(kind, function, *args, **kwargs):
    """Demand that a call raises this kind of error."""
    try:
        function(*args, **kwargs)
    except RemoteError as error:
        demand(error.name == kind, f"For bad input it raised {error.name}; {kind} is wanted.")
    except (ValueError, TypeError) as error:                  # where the code under test is not a stand-in
        demand(type(error).__name__ == kind, f"For bad input it raised {type(error).__name__}; {kind} is wanted.")
    else:
        raise Wrong(f"Bad input went through; {kind} is wanted.")


def watch(thing):
    """Return a function or class of the submission whose calls may change the arrays given to them; else each call gets copies."""
    return thing.watched() if isinstance(thing, StandIn) else thing


def names_asked_for(code):
    """Return the names that a test takes from the notebook: those it reads and nowhere sets."""
    tree = ast.parse(code)
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    bound |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    return sorted(read - bound - set(dir(builtins)) - {"np", "rng", "student", "check", "demand", "refuses", "watch", "award"})


def judge(cell, look_up, key, assignment, student):
    """Run the hidden tests of a cell; look_up(name): what the notebook under test has by that name.

    The tests see: rng, a generator from the class key that is this student's and this cell's; student, the id from the class list;
    check, demand, refuses, watch; award(share), for part of the points; and whatever names of the notebook they use.
    """
    share = [1.0, ""]

    def award(part, message=""):
        share[:] = [min(max(float(part), 0.0), 1.0), str(message)]

    space = {"np": np, "rng": draw(key, assignment, student, cell.name), "student": student, "check": check, "demand": demand,
             "refuses": refuses, "watch": watch, "award": award}
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            space |= {name: look_up(name) for name in names_asked_for(cell.hidden)}
            exec(compile(cell.hidden, cell.name, "exec"), space)
    except (Wrong, Missing, SubmissionError) as error:
        return Verdict(0.0, str(error))
    except Exception as error:              # the test could not use what the submission gave
        return Verdict(0.0, f"The answer could not be used: {type(error).__name__}: {str(error)[:200]}")
    points = round(share[0] * cell.points, 2)
    return Verdict(points, share[1] or ("All tests passed." if points == cell.points else "Some tests passed."))
