"""Comments on a reader's answer to an exercise, in stages: first its type, then its shape, then its values."""

import hashlib

import numpy as np

from .validation import check_choice, shown

KINDS = {"real": ("Real numbers are", "f"), "whole": ("Whole numbers are", "iu"), "truth": ("Truth values are", "b")}


def student_rng(student, assignment):
    """Return a numpy generator that is each student's own: the same id and assignment always draw the same numbers.

    student: the id, a text as in the class list (capitals and spaces around it do not matter); assignment: its number.
    Raises ValueError if the id is empty.

    >>> int(student_rng("ada", 1).integers(1000)) == int(student_rng(" Ada ", 1).integers(1000))
    True
    """
    if not isinstance(student, str) or not student.strip():
        raise ValueError(f"The id is {shown(student)}. Write yours, as it stands in the class list: STUDENT = \"...\".")
    digest = hashlib.sha256(f"{student.strip().casefold()}/{assignment}".encode()).hexdigest()
    return np.random.default_rng(int(digest, 16))


def first_look(answer, shape, kind="real"):
    """Return what is wrong with the form of an answer, or "Right type and shape." It knows nothing of the values.

    shape: the shape that is wanted, () for a single number; kind: "real", "whole" or "truth".

    >>> first_look(None, (3,))
    'Nothing returned yet.'
    >>> first_look(np.array([1, 2]), (3,), "whole")
    'The shape (2,) should be (3,).'
    >>> first_look(2.5, ())
    'Right type and shape.'
    """
    if answer is None or answer is ...:
        return "Nothing returned yet."
    wanted, kinds = KINDS[check_choice("kind", kind, KINDS)]
    if shape and isinstance(answer, list | tuple):
        return f"This is a {type(answer).__name__}. Wrap it in np.array(...)."
    answer = np.asarray(answer)
    if answer.dtype.kind not in (kinds + "iu" if kind == "real" and not shape else kinds):
        return f"{wanted} wanted; {'these are' if answer.ndim else 'this is'} of type {answer.dtype}."
    if answer.shape != shape:
        return f"The shape {answer.shape} should be {shape}."
    if not np.isfinite(answer).all():
        return f"{'Some values are' if answer.ndim else 'This is'} nan or infinite. Look for a division by zero."
    return "Right type and shape."


def feedback(answer, expected, *, rtol=1e-6, atol=1e-8):
    """Return what to say to an answer: "Correct.", or the first thing that is wrong with it. It never tells the expected values.

    expected: the right answer, a number, a text, or an array of numbers, of whole numbers or of truth values.
    rtol, atol: how far a real number may lie from the right one, relative to it and in its own units.

    >>> feedback(None, 1.0)
    'Nothing returned yet.'
    >>> feedback(np.array([0.5, 0.5, 0.0]), np.array([0.5, 0.5]))
    'The shape (3,) should be (2,).'
    >>> feedback(np.array([0.5, 0.4]), np.array([0.5, 0.5]))
    'Right shape, wrong values; the worst is at (1,).'
    """
    if answer is None:
        return "Nothing returned yet."
    if isinstance(expected, str):
        if not isinstance(answer, str):
            return f"A text is wanted; this is of type {type(answer).__name__}."
        return "Correct." if answer.strip().casefold() == expected.strip().casefold() else "Not this one."
    expected = np.asarray(expected)
    look = first_look(answer, expected.shape, {"f": "real", "b": "truth"}.get(expected.dtype.kind, "whole"))
    if look != "Right type and shape.":
        return look
    answer = np.asarray(answer)
    if expected.dtype.kind != "f":
        wrong = answer != expected
        off = wrong.astype(float)
    else:
        off = np.abs(answer - expected)
        wrong = off > atol + rtol * np.abs(expected)
    if not wrong.any():
        return "Correct."
    if not answer.ndim:
        return "Not this value."
    worst = np.unravel_index(off.argmax(), off.shape)
    return f"Right shape, wrong values; the worst is at ({', '.join(map(str, worst))}{',' if len(worst) == 1 else ''})."
