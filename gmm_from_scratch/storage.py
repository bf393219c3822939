"""Keep a fitted mixture in a file: a NumPy archive without pickled objects, so that opening one runs no code."""

import numpy as np

from .exceptions import not_fitted
from .mixture import GaussianMixture
from .validation import check_flag, check_floats, check_integer, check_path, shown

FORMAT = "gmm_from_scratch.GaussianMixture, version 1"


def save(model, path):
    """Write the parameters of a fitted GaussianMixture to `path`, a file name that ends in .npz.

    Raises TypeError for anything but a GaussianMixture, NotFittedError before fit, ValueError for another file name.

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.npz"
    >>> save(GaussianMixture(1).fit([[0.0], [2.0]]), path)
    >>> load(path).means_
    array([[1.]])
    """
    if not isinstance(model, GaussianMixture):
        raise TypeError(f"model is of type {type(model).__name__}; expected a GaussianMixture.")
    if not hasattr(model, "weights_"):
        raise not_fitted("model has not been fitted, so there is nothing to save. Call fit(X) first.")
    if not check_path("path", path).endswith(".npz"):
        raise ValueError(f"path is {shown(path)}; give a file name that ends in .npz.")
    names = {"feature_names": model.feature_names_in_.astype(str)} if hasattr(model, "feature_names_in_") else {}
    with open(path, "wb") as file:
        np.savez(file, **names, format=FORMAT, covariance_type=model.covariance_type_, weights=model.weights_, means=model.means_,
                 covariances=model.covariances_, lower_bounds=getattr(model, "lower_bounds_", np.empty(0)),
                 converged=model.converged_, n_iter=model.n_iter_)


def load(path):
    """Return the GaussianMixture that `save` wrote to `path`, ready to predict; its constructor's settings are not kept.

    Raises ValueError for a file that is not such a model, TypeError for what is no file name, FileNotFoundError if there is
    no such file.

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.npz"
    >>> save(GaussianMixture.from_parameters([1.0], [[3.0]], [[[4.0]]]), path)
    >>> load(path).predict([[0.0]])
    array([0])
    """
    refusal = f"path is {check_path('path', path)!r}, which does not hold a model written by gmm_from_scratch.save"
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            content = {name: archive[name] for name in archive.files}
    except (FileNotFoundError, IsADirectoryError):
        raise
    except Exception as error:                          # a foreign or damaged file can fail in any way
        raise ValueError(f"{refusal}: {error}") from None
    if str(content.get("format")) != FORMAT:
        raise ValueError(f"{refusal}.")
    try:
        model = GaussianMixture.from_parameters(content["weights"], content["means"], content["covariances"],
                                                str(content["covariance_type"]))
        model.converged_ = check_flag("converged", content["converged"][()])
        model.n_iter_ = check_integer("n_iter", content["n_iter"][()], least=0)
        bounds, names = check_floats("lower_bounds", content["lower_bounds"], (None,)), content.get("feature_names")
        if names is not None and (names.shape != (model.n_features_in_,) or names.dtype.kind != "U"):
            raise ValueError(f"feature_names has shape {names.shape} and type {names.dtype}; a text for each feature is needed.")
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{refusal}: {error}") from None
    if bounds.size:
        model.lower_bounds_, model.lower_bound_ = bounds, float(bounds[-1])
    if names is not None:
        model.feature_names_in_ = names.astype(object)
    return model
