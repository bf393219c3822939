"""The gates: does a fit give the right things, of the right types and shapes? While one is broken, no law is asked."""

import numpy as np

from .covariances import FAMILIES, check_covariances
from .demands import Broken, demand, demand_small


def it_can_be_made_and_fitted(fit):
    for name in ("weights_", "means_", "covariances_", "predict_proba"):
        demand(hasattr(fit.model, name), f"After fit(X) the object has no {name}.", f"is it stored or defined, as self.{name}?")
    _results(fit)


def results_have_the_right_types(fit):
    for name, value in _results(fit):
        demand(isinstance(value, np.ndarray), f"{name} is of type {type(value).__name__}; a NumPy array is needed.",
                "what does np.array(...) make of it?")
        demand(value.dtype.kind == "f", f"{name} has entries of type {value.dtype}; real numbers (floats) are needed.",
                "are these labels, where responsibilities between 0 and 1 are wanted?" if "predict" in name else "what are its entries?")


def results_have_the_right_shapes(fit):
    (N, D), K = fit.X.shape, fit.n_components
    wanted = [((K,), "one weight for each component"), ((K, D), "rows are components, columns are features"),
              (FAMILIES[fit.family].shape(K, D), f"so {fit.family} covariances are stored"),
              ((N, K), "rows are points, columns are components")]
    for (name, value), (shape, meaning) in zip(_results(fit), wanted):
        demand(value.shape == shape, f"{name} has shape {value.shape}: {meaning}, so with N = {N} points, D = {D} features and "
                f"K = {K} components {shape} is expected.", "over which axis does each sum run?")


def results_are_finite(fit):
    for name, value in _results(fit):
        demand(np.isfinite(value).all(), f"{name} holds {(~np.isfinite(value)).sum()} entries that are nan or infinite.",
                "where do you divide by 0, or take the logarithm of 0? Did a density underflow?")


def weights_are_positive_and_sum_to_one(fit):
    demand((fit.model.weights_ > 0).all(), "weights_ has an entry that is not positive.", "can a component have no share of the points?")
    demand_small(fit.model.weights_.sum() - 1, 1e-6, "The sum of weights_ misses 1 by {}.",
                  "over which axis do the responsibilities sum to 1, and by what are the counts divided?")


def covariances_are_symmetric_and_positive_definite(fit):
    try:
        check_covariances(fit.model.covariances_, fit.n_components, fit.X.shape[1], fit.family)
    except ValueError as error:
        raise Broken(f"In covariances_, {error}", "is each a weighted average of (x - μ)(x - μ)ᵀ?") from None


def _results(fit):
    return [(name, getattr(fit.model, name)) for name in ("weights_", "means_", "covariances_")] + [("predict_proba(X)", fit.resp)]


GATES = (it_can_be_made_and_fitted, results_have_the_right_types, results_have_the_right_shapes, results_are_finite,
         weights_are_positive_and_sum_to_one, covariances_are_symmetric_and_positive_definite)
