"""Checks of what callers pass in: each returns the value ready for use, or says what is wrong with it.

Every message states what was given, what is allowed and what to try.
"""

from numbers import Integral, Number, Real
from os import PathLike

import numpy as np


def shown(value):
    """Return a value as text for a message, cut where it is long; its type where Python cannot or will not write it out."""
    try:
        text = str(value) if isinstance(value, Number) else repr(value)
    except Exception:                                   # an integer of thousands of digits, or a faulty __repr__
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= 300 else text[:300] + " ..."


def check_floats(name, value, shape, *, limit=1e100, hint=""):
    """Return `value` as a finite float64 array of the given shape; None in `shape` leaves that axis free.

    Raises TypeError for what is not real numbers, ValueError for a wrong shape, NaN, infinity, or numbers beyond
    `limit`, whose squares would overflow.
    """
    if hasattr(value, "toarray"):
        raise TypeError(f"{name} is a sparse matrix; a dense array is needed. Try {name}.toarray().")
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array; masks are not used. Drop the masked rows, or fill them first.")
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} is ragged: its rows differ in length. Give every row the same number of entries.") from None
    if array.dtype.kind == "O" and all(isinstance(entry, Real) for entry in array.flat):
        try:
            array = array.astype(float)
        except OverflowError:
            raise ValueError(f"{name} holds whole numbers too large for a float. Use larger units.") from None
    if array.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: {name} has entries of type {array.dtype}. Give real and imaginary parts as columns.")
    if array.dtype.kind == "O":
        raise TypeError(f"{name} holds Python objects; each entry of this argument must be neither a string nor any other object, but a "
                        "number. Drop rows with missing values (None, NA), and leave out text and date columns, or turn them into numbers.")
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} has entries of type {array.dtype}; real numbers are needed. "
                        "Leave out text and date columns, or turn them into numbers first.")
    wanted = "(" + ", ".join("any" if length is None else str(length) for length in shape) + ("," if len(shape) == 1 else "") + ")"
    if array.ndim != len(shape) or any(length not in (None, given) for length, given in zip(shape, array.shape)):
        raise ValueError(f"{name} has shape {array.shape}; expected {wanted}. {hint}".rstrip())
    with np.errstate(over="ignore"):                    # a long double beyond float64 becomes infinite
        array = array.astype(float, copy=False)
    if not np.isfinite(array).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0]) if array.ndim else ""
        raise ValueError(f"{name} holds {np.size(array) - np.isfinite(array).sum()} entries that are NaN or infinite, "
                         f"the first at index {place}; finite numbers are needed. Drop those rows or fill the gaps first.")
    if array.size and np.abs(array).max() > limit:
        raise ValueError(f"{name} has entries as large as {np.abs(array).max():.3g}; at most {limit:.0e} is allowed, or squares overflow. "
                         "Use larger units.")
    return array


def check_data(X, n_features=None):
    """Return X as a float64 array of shape (n_samples, n_features), rows being points.

    Raises TypeError or ValueError as `check_floats` does, and ValueError for empty data.
    """
    X = check_floats("X", X, (None, None), hint="Reshape your data to (n_samples, n_features): for one feature "
                     "np.reshape(X, (-1, 1)), for one point np.reshape(X, (1, -1)).")
    for count, what in zip(X.shape, ("sample", "feature")):
        if count == 0:
            raise ValueError(f"X holds no data: it has 0 {what}(s) (shape={X.shape}) while a minimum of 1 is required.")
    if n_features is not None and X.shape[1] != n_features:
        raise ValueError(f"X has {X.shape[1]} columns, but the model has {n_features} features. "
                         "Give the same columns, in the same order, that the model was made for.")
    return X


def check_labels(labels, n_samples, n_groups=None, name="labels"):
    """Return `labels` as an array of n_samples integers, none negative, all less than n_groups if that is given."""
    array = check_floats(name, labels, (n_samples,))
    if (array != np.floor(array)).any() or (array < 0).any() or (array >= 2**53).any():
        raise ValueError(f"{name} must be the whole numbers 0, 1, 2, ...; use np.unique(labels, return_inverse=True)[1].")
    if n_groups is not None and len(array) and array.max() >= n_groups:
        raise ValueError(f"{name} go up to {array.max():.0f}, but there are {n_groups} groups, counted from 0: "
                         f"the highest label is {n_groups - 1}.")
    return array.astype(int)


def check_resp(resp, n_samples, name="resp"):
    """Return responsibilities as an array (n_samples, K), none negative, each row with sum 1."""
    resp = check_floats(name, resp, (n_samples, None))
    if not resp.size or (resp < 0).any() or np.abs(resp.sum(axis=1) - 1).max() > 1e-6:
        raise ValueError(f"{name} must hold no negative entry, and each of its rows must sum to 1. Divide each row by its sum.")
    return resp


def check_integer(name, value, *, least, most=None, hint=""):
    """Return `value` as an int between `least` and `most`."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name} is {shown(value)}; expected an integer. {hint}".rstrip())
    if value < least or most is not None and value > most:
        bounds = f"at least {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name} is {shown(value)}; expected an integer {bounds}. {hint}".rstrip())
    return int(value)


def check_number(name, value, *, least, below=np.inf, hint=""):
    """Return `value` as a finite float, at least `least` and less than `below`."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{name} is {shown(value)}; expected a number. {hint}".rstrip())
    try:
        number = float(value)               # first, since NumPy's small floats cannot be compared with large bounds
    except OverflowError:
        number = np.inf
    if not least <= number < min(below, 1e100):
        raise ValueError(f"{name} is {shown(value)}; expected a finite number, at least {least}"
                         + (f" and below {below}" if below < np.inf else "") + f". {hint}".rstrip())
    return number


def check_sample_weight(sample_weight, n_samples):
    """Return how often each row counts, (n_samples,), not negative and not all zero; None gives ones."""
    if sample_weight is None:
        return np.ones(n_samples)
    array = check_floats("sample_weight", sample_weight, (n_samples,))
    if (array < 0).any() or not array.any():
        raise ValueError("sample_weight is negative somewhere, or zero everywhere. Give each row the number of times it counts.")
    return array


def check_flag(name, value):
    """Return `value` as a bool if it is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} is {shown(value)}; give True or False.")
    return bool(value)


def check_verbose(value):
    """Return how much to report, a whole number; True counts as 1."""
    return check_integer("verbose", int(value) if isinstance(value, bool) else value, least=0)


def check_choice(name, value, choices):
    """Return `value` if it is one of `choices`."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} is {shown(value)}; choose one of {', '.join(repr(choice) for choice in choices)}.")
    return value


def check_path(name, value):
    """Return a file name as text. A number, which Python would take for a file that is open already, is none."""
    if not isinstance(value, str | PathLike):
        raise TypeError(f"{name} is {shown(value)}; expected a file name.")
    return str(value)


def check_rng(random_state, name="random_state"):
    """Return a numpy Generator made from None, an integer seed, a Generator or a RandomState.

    The global random state of NumPy is never read or changed.
    """
    if isinstance(random_state, np.random.Generator):
        return random_state
    if isinstance(random_state, np.random.RandomState):
        return np.random.Generator(random_state._bit_generator)
    if random_state is None or isinstance(random_state, Integral) and not isinstance(random_state, bool) and random_state >= 0:
        return np.random.default_rng(random_state)
    raise ValueError(f"{name} is {shown(random_state)}; give None, an integer of at least 0, or a numpy random generator.")
