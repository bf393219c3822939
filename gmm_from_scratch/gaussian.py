"""One Gaussian: its log density, samples, ellipse, marginal and conditional."""

from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular

from .exceptions import SingularCovarianceError
from .validation import check_data, check_floats, check_integer, check_number, check_rng


def cholesky_factor(covariance):
    """Return the lower triangle L with L Lᵀ = Σ.

    covariance: (D, D), symmetric and positive definite.
    Raises ValueError if it is not symmetric, up to what float32 rounds off, SingularCovarianceError if it is not positive definite
    or so close to it that the inverse has no correct digit.
    Source: Golub and Van Loan (2013), Matrix Computations, section 4.2.

    >>> cholesky_factor([[4.0, 2.0], [2.0, 5.0]])
    array([[2., 0.],
           [1., 2.]])
    """
    covariance = check_floats("covariance", covariance, (None, None), limit=1e210)
    if covariance.shape[0] != covariance.shape[1] or not len(covariance):
        raise ValueError(f"covariance has shape {covariance.shape}; expected a square matrix, (n_features, n_features).")
    variances = np.diag(covariance)
    sd = np.sqrt(np.abs(variances))
    if (np.abs(covariance - covariance.T) > 1e-5 * sd[:, None] * sd).any():
        raise ValueError("covariance is not symmetric; try (covariance + covariance.T) / 2.")
    try:
        L = cholesky(covariance, lower=True)
        unexplained = np.diag(L) ** 2 / variances       # share of each variance that earlier features do not explain
        singular = unexplained.min() < len(L) * np.finfo(float).eps
    except np.linalg.LinAlgError:
        singular = True
    if singular:
        raise SingularCovarianceError(
            f"covariance is not positive definite (smallest eigenvalue {np.linalg.eigvalsh(covariance)[0]:.3g}), so the Gaussian "
            "has no density. Drop constant or duplicate features, use more points, or add a small number to the diagonal.")
    return L


def _check_gaussian(mean, covariance):
    """Return mean (D,), covariance (D, D) and its Cholesky factor, checked to belong together."""
    L = cholesky_factor(covariance)
    return check_floats("mean", mean, (len(L),)), np.asarray(covariance, float), L


def log_gaussian(X, mean, covariance):
    """Return ln N(x_n | μ, Σ) for each row of X: shape (N,), in nats per point.

    X: (N, D); mean: (D,); covariance: (D, D), symmetric and positive definite.
    A density has the unit 1 / (product of the units of the features); it may exceed one.
    Raises ValueError for bad shapes or values, SingularCovarianceError if Σ has no inverse.
    Source: Bishop (2006), Pattern Recognition and Machine Learning, equation 2.43.

    >>> log_gaussian([[0.0], [1.0]], [0.0], [[1.0]]).round(4)
    array([-0.9189, -1.4189])
    """
    mean, _, L = _check_gaussian(mean, covariance)
    X = check_data(X, len(mean))
    U = solve_triangular(L, (X - mean).T, lower=True)            # L u_n = x_n - μ            (D, N)
    with np.errstate(over="ignore"):
        mahalanobis = (U**2).sum(axis=0)                         # (x_n - μ)ᵀ Σ⁻¹ (x_n - μ)   (N,)
    if not np.isfinite(mahalanobis).all():
        raise ValueError(f"X lies so far from the mean, in units of the covariance, that its distance overflows (row "
                         f"{mahalanobis.argmax()}). Drop such rows, or widen the covariance.")
    log_det = 2 * np.log(np.diag(L)).sum()                       # ln |Σ|
    return -0.5 * (len(mean) * np.log(2 * np.pi) + log_det + mahalanobis)


def sample_gaussian(n_samples, mean, covariance, rng=None):
    """Return n_samples independent draws: shape (n_samples, D).

    mean: (D,); covariance: (D, D); rng: None, a seed or a numpy Generator.
    If z is standard normal, then μ + L z has mean μ and covariance L Lᵀ = Σ.

    >>> sample_gaussian(1000, [3.0, -1.0], [[1.0, 0.0], [0.0, 4.0]], rng=0).shape
    (1000, 2)
    """
    mean, _, L = _check_gaussian(mean, covariance)
    n_samples = check_integer("n_samples", n_samples, least=1)
    return mean + check_rng(rng, "rng").standard_normal((n_samples, len(mean))) @ L.T


class Ellipse(NamedTuple):
    """The arguments of matplotlib.patches.Ellipse: centre, full width, full height, angle in degrees.

    >>> long = ellipse([0, 0], [[9, 0], [0, 1]], mass=0.95)
    >>> round(float(long.width / long.height), 3)
    3.0
    """

    xy: np.ndarray
    width: float
    height: float
    angle: float


def ellipse(mean, covariance, *, mass=0.95):
    """Return the ellipse of equal density that holds the share `mass` of a Gaussian in the plane.

    mean: (2,); covariance: (2, 2); mass: between 0 and 1.
    In two dimensions the squared Mahalanobis distance is chi-squared with two degrees of freedom. So an
    ellipse of r standard deviations holds 1 - exp(-r²/2): 39.3 % for r = 1 and 86.5 % for r = 2.

    >>> round(float(ellipse([0, 0], [[1, 0], [0, 1]], mass=0.3935).width / 2), 3)  # 39.35 %: one standard deviation
    1.0
    """
    mean, covariance, _ = _check_gaussian(mean, covariance)
    if len(mean) != 2:
        raise ValueError(f"an ellipse needs 2 features, the Gaussian has {len(mean)}; take two with marginal_gaussian first.")
    mass = check_number("mass", mass, least=0, below=1)
    variances, axes = np.linalg.eigh(covariance)                 # ascending: the last axis is the long one
    width, height = 2 * np.sqrt(-2 * np.log1p(-mass) * variances[::-1])
    return Ellipse(mean, width, height, np.degrees(np.arctan2(axes[1, 1], axes[0, 1])))


def marginal_gaussian(mean, covariance, features):
    """Return mean and covariance of the chosen features alone.

    mean: (D,); covariance: (D, D); features: a list of column indices.
    Source: Bishop (2006), equation 2.98.

    >>> marginal_gaussian([1, 2, 3], [[4, 1, 0], [1, 5, 0], [0, 0, 6]], [0, 2])
    (array([1., 3.]), array([[4., 0.],
           [0., 6.]]))
    """
    mean, covariance, _ = _check_gaussian(mean, covariance)
    features = _check_features(features, len(mean))
    return mean[features], covariance[np.ix_(features, features)]


def conditional_gaussian(mean, covariance, features, values):
    """Return mean and covariance of the other features, given that `features` take `values`.

    mean: (D,); covariance: (D, D); features: a list of column indices; values: as long as `features`.
    The others keep their order. Source: Bishop (2006), equations 2.81 and 2.82.

    >>> conditional_gaussian([0, 0], [[1, 0.8], [0.8, 1]], [1], [2.0])
    (array([1.6]), array([[0.36]]))
    """
    mean, covariance, _ = _check_gaussian(mean, covariance)
    known = _check_features(features, len(mean))
    values = check_floats("values", values, (len(known),))
    others = np.setdiff1d(np.arange(len(mean)), known)
    if not len(others):
        raise ValueError(f"features names all {len(mean)} features; leave at least one to be described.")
    cross = covariance[np.ix_(known, others)]
    slopes = cho_solve((cholesky_factor(covariance[np.ix_(known, known)]), True), cross).T      # Σ_ok Σ_kk⁻¹
    return mean[others] + slopes @ (values - mean[known]), covariance[np.ix_(others, others)] - slopes @ cross


def _check_features(features, n_features):
    chosen = [check_integer("features", int(f) if isinstance(f, np.integer) else f, least=0, most=n_features - 1)
              for f in np.atleast_1d(np.asarray(features, dtype=object))]
    if not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(f"features is {chosen}; name at least one column, each only once.")
    return chosen
