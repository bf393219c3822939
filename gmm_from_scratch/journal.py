"""How far a fit has come, kept in a file after each round, so that another process can go on from there.

The file is a NumPy archive without pickled objects. It is written beside its place, and moved there when it is whole: whoever
reads it finds the state of this round or of the one before, never half of either.
"""

import hashlib
import json
import os
from io import BytesIO
from operator import eq
from pathlib import Path

import numpy as np

from .blocks import Unfinished
from .em import EMRun, Mixture
from .exceptions import SingularCovarianceError
from .forms import Point
from .validation import check_path, shown

FORMAT = "gmm_from_scratch.Journal, version 1"
SILENT = {"verbose", "verbose_interval"}        # parameters that do not change the answer
SAME = 1e-9                                     # data read again differ in the last digits, where they were cut otherwise


class Journal:
    """Where a fit stands, as GaussianMixture tells it round by round.

    path: the file, whose name ends in .npz; None keeps no file. place: where the fit stands, in words.
    Raises ValueError for a model whose fit cannot be interrupted, or a file that is not of the same fit.
    """

    def __init__(self, path, model):
        self.path, self.parameters, self.place = None, _described(model), "before the first round"
        if path is None:
            return
        self.path = Path(check_path("checkpoint", path))
        if self.path.suffix != ".npz":
            raise ValueError(f"checkpoint is {str(path)!r}; give a file name that ends in .npz.")
        for name in ("accelerate", "warm_start"):
            if getattr(model, name):
                raise ValueError(f"{name}=True and a checkpoint do not go together: the file holds a point, not the way that led to it. "
                                 f"Set {name}=False, or leave out checkpoint.")

    def read(self, table, rng):
        """Return what each finished start led to, an EMRun or an error, and the Unfinished run, or None; bring rng to where it was."""
        self.rng = rng
        self.centre, self.data = table.centre, {
            "rows": table.n_rows, "columns": table.n_features, "type": table.dtype.name, "sum of weights": table.total,
            "means of the columns": table.centre.tolist(), "standard deviations of the columns": table.spread.tolist()}
        if self.path is None or not self.path.exists():
            self.write([])                      # now, not after an hour, is the time to find that there is no such folder
            return [], None
        try:
            header, arrays = _load(self.path)
            outcomes, begun = _from_arrays(header, arrays, table.centre)
            others = [(what, [name for name in ours if not same(ours[name], header[what][name])])
                      for what, ours, same in (("parameters", self.parameters, eq), ("data", self.data, self._near))]
        except Exception as error:               # a foreign or damaged file can fail in any way
            raise ValueError(f"checkpoint is {str(self.path)!r}, which does not hold a whole checkpoint of a fit ({error}). Delete it, or "
                             "give another name, to begin anew.") from None
        for what, differ in others:
            if differ:
                changes = "; ".join(f"{name} was {_short(header[what][name])}, now {_short(getattr(self, what)[name])}" for name in differ)
                raise ValueError(f"checkpoint is {str(self.path)!r}, of a fit with other {what}: {changes}. Give the same {what} to go on "
                                 "with that fit, or another file name to begin a new one.")
        rng.bit_generator.state = header["rng"]
        self._note(outcomes, begun)
        return outcomes, begun

    def write(self, outcomes, begun=None):
        """Keep what the finished starts led to, and how far the next has come, if it has begun."""
        if self.path is not None:
            header, arrays = _to_arrays(outcomes, begun)
            header |= {"parameters": self.parameters, "data": self.data, "rng": self.rng.bit_generator.state}
            archive = BytesIO()
            np.savez(archive, format=FORMAT, header=json.dumps(header, default=np.ndarray.tolist), centre=self.centre, **arrays)
            _replace(self.path, archive.getvalue())
        self._note(outcomes, begun)

    def _note(self, outcomes, begun):
        if begun is not None:
            self.place = f"after round {len(begun.log_likelihoods) - 1} of start {len(outcomes) + 1}"
        elif outcomes:
            self.place = f"after start {len(outcomes)}"

    def _near(self, a, b):
        """Whether two numbers, texts, or lists of a number per column are the same up to rounding."""
        if isinstance(a, str | int):
            return a == b
        scale = np.array(self.data["standard deviations of the columns"]) if isinstance(a, list) else 0.0
        return np.shape(a) == np.shape(b) and bool((np.abs(np.subtract(a, b)) <= SAME * (np.abs(a) + scale)).all())


def _described(model):
    """Return the constructor's parameters by name, as JSON may hold them: an array by its shape and hash."""
    return {name: _value(value) for name, value in model.get_params().items() if name not in SILENT}


def _value(value):
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    bits = getattr(value, "bit_generator", None) or getattr(value, "_bit_generator", None)
    if bits is not None:
        return f"a generator, {type(bits).__name__}"
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):             # fit will say what is wrong with it
        return shown(value)
    return f"an array of shape {array.shape}, hash {hashlib.sha256(array.tobytes()).hexdigest()[:16]}"


def _short(value):
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + " ..."


def _to_arrays(outcomes, begun):
    """Return what JSON can hold of the runs, and the rest as arrays by name."""
    header, arrays = {"outcomes": [], "begun": None}, {}
    for i, outcome in enumerate(outcomes):
        if isinstance(outcome, SingularCovarianceError):
            header["outcomes"].append({"error": str(outcome), "component": outcome.component})
        else:
            header["outcomes"].append({"family": outcome.mixture.covariance_type, "converged": outcome.converged})
            arrays |= _named(f"run{i}", outcome.mixture, outcome.log_likelihoods)
    if begun is not None:
        header["begun"] = begun.point.family
        arrays |= _named("begun", *begun)
    return header, arrays


def _named(name, mixture, log_likelihoods):
    return {f"{name}_weights": mixture.weights, f"{name}_means": mixture.means, f"{name}_covariances": mixture.covariances,
            f"{name}_log_likelihoods": np.array(log_likelihoods)}


def _from_arrays(header, arrays, centre):
    """Return what _to_arrays was given. Means of an unfinished run are told from the centre of the table as it is now."""
    def of(name):
        return (arrays[f"{name}_{part}"] for part in ("weights", "means", "covariances", "log_likelihoods"))

    outcomes, begun = [], None
    for i, kept in enumerate(header["outcomes"]):
        if "error" in kept:
            outcomes.append(SingularCovarianceError(kept["error"], kept["component"]))
        else:
            weights, means, covariances, log_likelihoods = of(f"run{i}")
            outcomes.append(EMRun(Mixture(weights, means, covariances, kept["family"]), kept["converged"], log_likelihoods))
    if header["begun"] is not None:
        weights, means, covariances, log_likelihoods = of("begun")
        shift = arrays["centre"] - centre if arrays["centre"].shape == centre.shape else 0.0     # of other data: refused later
        begun = Unfinished(Point(header["begun"], weights, means + shift, covariances), log_likelihoods.tolist())
    return outcomes, begun


def _load(path):
    """Return the header and all arrays of a file; each entry has its checksum, which is looked at."""
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    if str(arrays["format"]) != FORMAT:
        raise ValueError(f"its format is {_short(str(arrays['format']))}")
    return json.loads(str(arrays["header"])), arrays


def _replace(path, content):
    """Write a file as a whole or not at all."""
    part = path.with_name(path.name + ".part")
    with open(part, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
