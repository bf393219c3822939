"""Comments on a reader's answer to an exercise, in stages: first its type, then its shape, then its values."""

import numpy as np


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
    if expected.ndim and isinstance(answer, list | tuple):
        return f"This is a {type(answer).__name__}. Wrap it in np.array(...)."
    answer, kind = np.asarray(answer), expected.dtype.kind
    wanted, kinds = {"f": ("Real numbers are", "f"), "b": ("Truth values are", "b")}.get(kind, ("Whole numbers are", "iu"))
    if answer.dtype.kind not in (kinds + "iu" if kind == "f" and not expected.ndim else kinds):
        return f"{wanted} wanted; {'these are' if answer.ndim else 'this is'} of type {answer.dtype}."
    if answer.shape != expected.shape:
        return f"The shape {answer.shape} should be {expected.shape}."
    if not np.isfinite(answer).all():
        return f"{'Some values are' if answer.ndim else 'This is'} nan or infinite. Look for a division by zero."
    if kind != "f":
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
