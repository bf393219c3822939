"""How sure are the parameters of a fitted mixture? Fit it again to data like the given ones, many times, and look at the spread."""

from typing import NamedTuple

import numpy as np

from .blocks import run_em
from .covariances import check_ridge
from .em import Mixture, e_step, sample_mixture
from .exceptions import ConvergenceWarning, SingularCovarianceError, not_fitted, warn_caller
from .metrics import match_components
from .mixture import GaussianMixture
from .selection import THINNEST, thinness
from .validation import check_choice, check_integer, check_number, check_rng

GAIN = 1e-5         # nats: a refit goes on until a round gains less, since one that stops near its start varies too little


class Parameters(NamedTuple):
    """Numbers that belong to weights (K,), means (K, D) and covariances (by family); of replicates, with one axis more in front.

    >>> Parameters(weights=np.array([0.02]), means=np.array([[0.1]]), covariances=np.array([[[0.3]]])).means
    array([[0.1]])
    """

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray


class Bootstrap(NamedTuple):
    """What a bootstrap tells of a fit.

    errors: the standard errors; lower, upper: the ends of the percentile intervals, entry by entry; replicates: the
    parameters of each refit, components in the order of the fit; n_collapsed: refits that were dropped.

    >>> X = np.random.default_rng(0).normal(size=(50, 1))
    >>> found = standard_errors(GaussianMixture(1).fit(X), X, n_bootstrap=20, random_state=0)
    >>> found.replicates.means.shape, found.n_collapsed
    ((20, 1, 1), 0)
    """

    errors: Parameters
    lower: Parameters
    upper: Parameters
    replicates: Parameters
    n_collapsed: int


def standard_errors(model, X, *, kind="nonparametric", n_bootstrap=200, level=0.95, max_iter=1000, thinnest=THINNEST, random_state=None):
    """Return the standard errors of a fitted mixture's parameters, and percentile intervals, as a Bootstrap.

    model: a fitted GaussianMixture; X: (N, D), the data it was fitted to, with a small tol, or the fit is no optimum.
    kind: "nonparametric" draws N rows of X with replacement, "parametric" N points from the fit, trusting its shape.
    EM starts again from the fit each time. Components have no names, so each refit's are matched to those of the fit by
    the responsibilities for X. n_bootstrap: how many times; 200 do for errors, the ends of intervals need more.
    level: the share of replicates between the ends of an interval. max_iter: rounds per refit. thinnest: a refit counts
    as collapsed if a component is thinner than this, as in `selection.search`.
    Nothing here sees that another optimum fits as well, nor that the family is wrong.
    Raises ValueError or TypeError for bad input, NotFittedError before fit, SingularCovarianceError if fewer than two
    refits are left.
    Source: Efron and Tibshirani (1993), chapters 6 and 13; for mixtures McLachlan and Peel (2000), section 2.16.

    >>> X = np.random.default_rng(0).normal(size=(400, 1))
    >>> found = standard_errors(GaussianMixture(1).fit(X), X, random_state=0)
    >>> round(float(found.errors.means[0, 0]), 2), round(float(X.std() / np.sqrt(400)), 2)      # one Gaussian: sd / √N
    (0.05, 0.05)
    """
    if not isinstance(model, GaussianMixture):
        raise TypeError(f"model is of type {type(model).__name__}; expected a fitted GaussianMixture.")
    if not hasattr(model, "weights_"):
        raise not_fitted("model has not been fitted, so there is nothing to rate. Call fit(X) first.")
    X, fit, rng = model._check_new_data(X), model.mixture_, check_rng(random_state)
    check_choice("kind", kind, ("nonparametric", "parametric"))
    n_bootstrap = check_integer("n_bootstrap", n_bootstrap, least=2)
    level = check_number("level", level, least=0, below=1)
    max_iter = check_integer("max_iter", max_iter, least=1)
    thinnest = check_number("thinnest", thinnest, least=0, below=1)
    reg_covar = check_ridge(model.reg_covar, X.var(axis=0))
    resp, _ = e_step(X, fit)
    refits, n_cut = [], 0
    for _ in range(n_bootstrap):
        data = X[rng.integers(len(X), size=len(X))] if kind == "nonparametric" else sample_mixture(len(X), fit, rng)[0]
        try:
            run = run_em(data, fit, tol=GAIN / len(X), max_iter=max_iter, reg_covar=reg_covar, accelerate=True)
            if thinness(data, run.mixture, reg_covar) >= thinnest:
                refits.append(_reorder(run.mixture, match_components(e_step(X, run.mixture)[0], resp)))
                n_cut += not run.converged
        except SingularCovarianceError:
            pass
    if len(refits) < 2:
        raise SingularCovarianceError(f"{n_bootstrap - len(refits)} of {n_bootstrap} refits collapsed, so there is no spread to measure. "
                                      "Use fewer components or a simpler covariance_type for the model, or a larger reg_covar.")
    if n_cut:
        warn_caller(f"{n_cut} of {len(refits)} refits were cut short by max_iter={max_iter}, so the errors may be too small. "
                    "Raise max_iter.", ConvergenceWarning)
    replicates = Parameters(*(np.array([getattr(refit, name) for refit in refits]) for name in Parameters._fields))
    tail = (1 - level) / 2
    return Bootstrap(Parameters(*(values.std(axis=0, ddof=1) for values in replicates)),
                     Parameters(*(np.quantile(values, tail, axis=0) for values in replicates)),
                     Parameters(*(np.quantile(values, 1 - tail, axis=0) for values in replicates)),
                     replicates, n_bootstrap - len(refits))


def _reorder(mixture, order):
    """Return the mixture with component order[k] as its component k."""
    covariances = mixture.covariances if mixture.covariance_type == "tied" else mixture.covariances[order]
    return Mixture(mixture.weights[order], mixture.means[order], covariances, mixture.covariance_type)
