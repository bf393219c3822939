"""The four covariance families: how each is stored, counted, estimated and written out as matrices.

All four start from the same K scatter matrices. A family is a restriction, and its maximum-likelihood
estimate is what that restriction keeps of them (Fraley and Raftery 2002, section 2; Celeux and Govaert 1995).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .exceptions import RidgeWarning, SingularCovarianceError, warn_caller
from .gaussian import cholesky_factor
from .validation import check_choice, check_data, check_floats, check_integer, check_number

RELATIVE_RIDGE = 1e-6       # reg_covar="auto": this share of the mean variance of the columns


class Family(NamedTuple):
    """What sets one covariance family apart from the others.

    >>> FAMILIES["diag"].shape(2, 3), FAMILIES["diag"].n_parameters(2, 3)
    ((2, 3), 6)
    """

    shape: Callable         # (K, D) -> the shape in which the covariances are stored
    n_parameters: Callable  # (K, D) -> how many numbers are free
    restrict: Callable      # scatter matrices (K, D, D), weights (K,) -> covariances as stored
    matrices: Callable      # covariances as stored, K, D -> matrices (K, D, D)


FAMILIES = {
    "full": Family(                                             # each component its own matrix
        shape=lambda K, D: (K, D, D),
        n_parameters=lambda K, D: K * D * (D + 1) // 2,
        restrict=lambda S, weights: S,
        matrices=lambda C, K, D: C),
    "tied": Family(                                             # one matrix for all
        shape=lambda K, D: (D, D),
        n_parameters=lambda K, D: D * (D + 1) // 2,
        restrict=lambda S, weights: np.einsum("k,kij->ij", weights, S),
        matrices=lambda C, K, D: np.broadcast_to(C, (K, D, D))),
    "diag": Family(                                             # each its own variances, no correlations
        shape=lambda K, D: (K, D),
        n_parameters=lambda K, D: K * D,
        restrict=lambda S, weights: np.einsum("kii->ki", S).copy(),
        matrices=lambda C, K, D: C[:, :, None] * np.eye(D)),
    "spherical": Family(                                        # each its own single variance
        shape=lambda K, D: (K,),
        n_parameters=lambda K, D: K,
        restrict=lambda S, weights: np.einsum("kii->k", S) / S.shape[1],
        matrices=lambda C, K, D: C[:, None, None] * np.eye(D)),
}


def estimate_covariances(X, resp, means, *, covariance_type="full", reg_covar=0.0):
    """Return the covariances of highest likelihood, given responsibilities and means, as the family stores them.

    X: (N, D); resp: (N, K), columns with a positive sum; means: (K, D), the weighted means.
    reg_covar: added to each variance, in squared units of X.
    full (K, D, D), tied (D, D), diag (K, D), spherical (K,).

    >>> estimate_covariances(np.array([[0.0], [2.0]]), np.ones((2, 1)), np.array([[1.0]]))
    array([[[1.]]])
    """
    family = FAMILIES[check_choice("covariance_type", covariance_type, FAMILIES)]
    X, reg_covar = check_data(X), check_number("reg_covar", reg_covar, least=0)
    resp = check_floats("resp", resp, (len(X), None))
    means = check_floats("means", means, (resp.shape[1], X.shape[1]))
    if not resp.size or (resp < 0).any() or (resp.sum(axis=0) <= 0).any():
        raise ValueError("resp must hold no negative entry, and each of its columns must have a positive sum.")
    counts = resp.sum(axis=0)                                                       # N_k
    scatter = np.empty((len(means), X.shape[1], X.shape[1]))
    for k, mean in enumerate(means):
        difference = X - mean                                                       # x_n - μ_k
        scatter[k] = (resp[:, k, None] * difference).T @ difference / counts[k]     # S_k
    return family.restrict(scatter + reg_covar * np.eye(X.shape[1]), counts / counts.sum())


def covariance_matrices(covariances, n_components, n_features, covariance_type="full"):
    """Return the covariances of any family as K matrices: shape (K, D, D).

    >>> covariance_matrices(np.array([4.0]), 1, 2, "spherical")
    array([[[4., 0.],
            [0., 4.]]])
    """
    family, covariances = _check_shape(covariances, n_components, n_features, covariance_type)
    return family.matrices(covariances, n_components, n_features)


def _check_shape(covariances, n_components, n_features, covariance_type):
    """Return the Family of that name and the covariances as a float array of its shape."""
    n_components = check_integer("n_components", n_components, least=1)
    n_features = check_integer("n_features", n_features, least=1)
    family = FAMILIES[check_choice("covariance_type", covariance_type, FAMILIES)]
    return family, check_floats("covariances", covariances, family.shape(n_components, n_features), limit=1e210)


def check_covariances(covariances, n_components, n_features, covariance_type="full"):
    """Return the covariances as a float array if each is symmetric, up to what float32 rounds off, and positive definite.

    Those returned are symmetric to the last digit.
    Raises ValueError for a wrong shape or an asymmetric matrix, SingularCovarianceError, with the component's
    index, for a matrix that is not positive definite.

    >>> check_covariances([4.0, 9.0], 2, 3, "spherical")
    array([4., 9.])
    """
    family, checked = _check_shape(covariances, n_components, n_features, covariance_type)
    variances_alone = covariance_type in ("diag", "spherical") and checked.min() > 0        # then there is no more to look for
    for k, matrix in enumerate([] if variances_alone else family.matrices(checked, n_components, n_features)):
        try:
            cholesky_factor(matrix)
        except SingularCovarianceError as error:
            raise SingularCovarianceError(f"component {k} has collapsed: its {error}", component=k) from None
        except ValueError as error:
            raise ValueError(f"component {k}: {error}") from None
    return checked if covariance_type in ("diag", "spherical") else (checked + np.swapaxes(checked, -1, -2)) / 2


def precision_factors(covariances, covariance_type="full"):
    """Return what turns deviations into standard normal ones: U with U Uᵀ = Σ⁻¹, in the family's shape.

    full and tied: upper triangles, (x - μ) @ U; diag and spherical: one over the standard deviations.

    >>> precision_factors(np.array([4.0, 9.0]), "spherical").round(3)
    array([0.5  , 0.333])
    """
    covariances = check_floats("covariances", covariances, (None,) * len(FAMILIES[check_choice(
        "covariance_type", covariance_type, FAMILIES)].shape(1, 1)), limit=1e210)
    if not covariances.size:
        raise ValueError("covariances is empty; at least one component and one feature are needed.")
    K, D = {"full": covariances.shape[:2], "tied": (1, len(covariances)), "diag": covariances.shape,
            "spherical": (len(covariances), 1)}[covariance_type]
    check_covariances(covariances, K, D, covariance_type)
    if covariance_type in ("diag", "spherical"):
        return 1 / np.sqrt(covariances)
    return np.swapaxes(np.linalg.inv(np.linalg.cholesky(covariances)), -1, -2)


def invert(covariances, covariance_type="full"):
    """Return the inverses, in the family's shape and symmetric to the last digit. It turns precisions back too.

    >>> invert(np.array([4.0, 8.0]), "spherical")
    array([0.25 , 0.125])
    """
    factors = precision_factors(covariances, covariance_type)
    return factors**2 if covariance_type in ("diag", "spherical") else factors @ np.swapaxes(factors, -1, -2)


def check_ridge(reg_covar, variances):
    """Return reg_covar as a number, to be added to each variance, and warn with RidgeWarning if it swamps a column.

    reg_covar: a number, or "auto": a millionth of the mean variance. variances: those of the columns of X, (D,).
    Raises TypeError or ValueError for another text or a number below 0.

    >>> check_ridge("auto", np.array([1.0, 3.0]))
    2e-06
    """
    if isinstance(reg_covar, str):
        check_choice("reg_covar", reg_covar, ("auto",))
        return RELATIVE_RIDGE * float(variances.mean())
    reg_covar = check_number("reg_covar", reg_covar, least=0, hint='Or give "auto".')
    if ((variances > 0) & (variances < 100 * reg_covar)).any():
        column = int(np.argmin(np.where(variances > 0, variances, np.inf)))
        warn_caller(f"reg_covar={reg_covar:g} swamps column {column} of X, whose variance is {variances[column]:.3g}. Both are in "
                    'squared units of X: rescale the column, or give a smaller number, or "auto".', RidgeWarning)
    return reg_covar


def count_parameters(n_components, n_features, covariance_type="full"):
    """Return how many numbers a Gaussian mixture is free to choose: weights, means and covariances.

    The weights sum to one, so only K - 1 of them are free.

    >>> count_parameters(2, 2, "full")      # 1 weight, 4 coordinates of means, 6 entries of covariances
    11
    """
    K = check_integer("n_components", n_components, least=1)
    D = check_integer("n_features", n_features, least=1)
    family = FAMILIES[check_choice("covariance_type", covariance_type, FAMILIES)]
    return (K - 1) + K * D + family.n_parameters(K, D)
