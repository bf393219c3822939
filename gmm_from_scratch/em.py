"""The EM algorithm for Gaussian mixtures, written as the textbook writes it.

Nothing here is tuned for speed. Source: Dempster, Laird and Rubin (1977); Bishop (2006), section 9.2.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from .covariances import check_covariances, count_parameters, covariance_matrices, estimate_covariances
from .exceptions import SingularCovarianceError
from .gaussian import log_gaussian, sample_gaussian
from .validation import check_data, check_floats, check_integer, check_number, check_resp, check_rng, check_sample_weight


@dataclass(frozen=True, eq=False)
class Mixture:
    """The parameters of a Gaussian mixture. One that exists is a valid model.

    weights: (K,), positive, with sum 1; means: (K, D).
    covariances: full (K, D, D), tied (D, D), diag (K, D), spherical (K,); each positive definite.
    Raises ValueError or TypeError for anything else, SingularCovarianceError for a covariance without inverse.

    >>> Mixture(weights=[0.3, 0.7], means=[[0.0], [5.0]], covariances=[[[1.0]], [[4.0]]]).n_parameters
    5
    """

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    covariance_type: str = "full"

    def __post_init__(self):
        means = check_floats("means", self.means, (None, None))
        if not means.size:
            raise ValueError(f"means has shape {means.shape}; at least one component and one feature are needed.")
        weights = check_floats("weights", self.weights, (len(means),))
        if (weights <= 0).any() or abs(weights.sum() - 1) > 1e-6:
            raise ValueError(f"weights are {weights}, with sum {weights.sum():.6g}; they must be positive and sum to 1. "
                             "Divide them by their sum, and leave out components of weight 0.")
        covariances = check_covariances(self.covariances, *means.shape, self.covariance_type)
        for name, array in [("weights", weights), ("means", means), ("covariances", covariances)]:
            object.__setattr__(self, name, array.copy())        # its own: nobody can make it invalid from outside

    @property
    def n_components(self):
        """K, the number of components."""
        return len(self.means)

    @property
    def n_features(self):
        """D, the number of features."""
        return self.means.shape[1]

    @property
    def n_parameters(self):
        """How many numbers the model was free to choose."""
        return count_parameters(self.n_components, self.n_features, self.covariance_type)

    @property
    def matrices(self):
        """The covariances as K matrices, whatever the family: (K, D, D)."""
        return covariance_matrices(self.covariances, self.n_components, self.n_features, self.covariance_type)


def require_mixture(name, value):
    """Return `value` if it is a Mixture.

    >>> require_mixture("start", [0.5, 0.5])
    Traceback (most recent call last):
    TypeError: start is of type list; expected a Mixture. After a fit, use model.mixture_.
    """
    if not isinstance(value, Mixture):
        raise TypeError(f"{name} is of type {type(value).__name__}; expected a Mixture. After a fit, use model.mixture_.")
    return value


def log_joint(X, mixture):
    """Return ln p(x_n, z_n = k) = ln π_k + ln N(x_n | μ_k, Σ_k): shape (N, K).

    X: (N, D). Raises ValueError or TypeError for bad data.

    >>> pair = Mixture([0.5, 0.5], [[0.0], [2.0]], [[[1.0]], [[1.0]]])
    >>> log_joint([[0.0], [1.0]], pair).round(3)
    array([[-1.612, -3.612],
           [-2.112, -2.112]])
    """
    X = check_data(X, require_mixture("mixture", mixture).n_features)
    components = zip(mixture.means, mixture.matrices)
    log_gaussians = [log_gaussian(X, mean, matrix) for mean, matrix in components]
    return np.log(mixture.weights) + np.stack(log_gaussians, axis=1)


def e_step(X, mixture):
    """Return the responsibilities r_nk = p(z_n = k | x_n) and ln p(x_n).

    X: (N, D). Shapes (N, K) and (N,). Each row of the responsibilities sums to one.
    Source: Bishop (2006), equation 9.23.

    >>> pair = Mixture([0.5, 0.5], [[0.0], [2.0]], [[[1.0]], [[1.0]]])
    >>> resp, log_density = e_step([[0.0], [1.0]], pair)
    >>> resp.round(3)
    array([[0.881, 0.119],
           [0.5  , 0.5  ]])
    """
    joint = log_joint(X, mixture)                  # ln p(x_n, z_n = k)   (N, K)
    log_density = logsumexp(joint, axis=1)         # ln p(x_n)            (N,)
    resp = np.exp(joint - log_density[:, None])    # r_nk                 (N, K)
    return resp, log_density


def m_step(X, resp, *, covariance_type="full", reg_covar=0.0, sample_weight=None):
    """Return the mixture that maximises Σ_nk r_nk ln p(x_n, z_n = k).

    X: (N, D); resp: (N, K), not negative, each row with sum 1.
    sample_weight: (N,), how often each row counts; None counts each once.
    reg_covar: added to each variance afterwards, in squared units of X.
    Raises SingularCovarianceError if a component is left with too few points.
    Source: Bishop (2006), equations 9.24 to 9.26.

    >>> model = m_step([[0.0], [2.0], [7.0]], [[1, 0], [1, 0], [0, 1]], reg_covar=0.1)
    >>> model.weights.round(3), model.means.ravel(), model.covariances.ravel()
    (array([0.667, 0.333]), array([1., 7.]), array([1.1, 0.1]))
    """
    X = check_data(X)
    sample_weight = check_sample_weight(sample_weight, len(X))
    resp = check_resp(resp, len(X)) * sample_weight[:, None]
    reg_covar = check_number("reg_covar", reg_covar, least=0)
    counts = resp.sum(axis=0)                # N_k = Σ_n r_nk             (K,)
    if counts.min() < np.finfo(float).tiny:
        raise SingularCovarianceError(
            f"component {counts.argmin()} is responsible for no point, so it has no "
            "mean. Use fewer components or another start.", int(counts.argmin()))
    weights = counts / counts.sum()          # π_k = N_k / N              (K,)
    means = resp.T @ X / counts[:, None]     # μ_k = Σ_n r_nk x_n / N_k   (K, D)
    covariances = estimate_covariances(      # Σ_k, as the family stores them
        X, resp, means, covariance_type=covariance_type, reg_covar=reg_covar)
    return Mixture(weights, means, covariances, covariance_type)


class EMStep(NamedTuple):
    """A mixture with what the E-step says of it: responsibilities (N, K) and ln p(X).

    >>> one = Mixture([1.0], [[0.0]], [[[1.0]]])
    >>> step = next(em_steps([[0.0], [1.0]], one))
    >>> step.resp.shape, round(float(step.log_likelihood), 4)
    ((2, 1), -2.3379)
    """

    mixture: Mixture
    resp: np.ndarray
    log_likelihood: float


def em_steps(X, start, *, reg_covar=0.0, sample_weight=None):
    """Yield an EMStep for the start, then one for each round of EM, without end.

    X: (N, D); start: a Mixture; sample_weight: (N,), how often each row counts.
    The likelihood of each step belongs to the parameters of that same step.

    >>> steps = em_steps([[0.0], [2.0]], Mixture([1.0], [[0.0]], [[[1.0]]]))
    >>> [float(next(steps).mixture.means[0, 0]) for _ in range(2)]
    [0.0, 1.0]
    """
    mixture = require_mixture("start", start)
    X = check_data(X, mixture.n_features)
    reg_covar = check_number("reg_covar", reg_covar, least=0)
    sample_weight = check_sample_weight(sample_weight, len(X))
    while True:
        resp, log_density = e_step(X, mixture)
        yield EMStep(mixture, resp, (sample_weight * log_density).sum())
        mixture = m_step(X, resp, covariance_type=mixture.covariance_type, reg_covar=reg_covar, sample_weight=sample_weight)


class EMRun(NamedTuple):
    """Where EM ended: the mixture, whether the tolerance was met, and ln p(X) of the start and of each round.

    >>> run = run_em([[0.0], [2.0]], Mixture([1.0], [[0.0]], [[[1.0]]]))
    >>> run.converged, run.log_likelihoods.round(4)
    (True, array([-3.8379, -2.8379, -2.8379]))
    """

    mixture: Mixture
    converged: bool
    log_likelihoods: np.ndarray


def run_em(X, start, *, tol=1e-3, max_iter=100, reg_covar=0.0, sample_weight=None, on_round=None):
    """Repeat EM until the log-likelihood gains less than `tol` nats per row, at most `max_iter` rounds.

    X: (N, D); start: a Mixture; max_iter=0 gives the start back with its likelihood.
    sample_weight: (N,), how often each row counts; on_round: called after each round with its number and ln p(X).
    A small gain says that the last step was short. It does not say that an optimum is near.

    >>> start = Mixture([0.5, 0.5], [[0.0], [6.0]], [[[1.0]], [[1.0]]])
    >>> run_em([[0.0], [2.0], [9.0], [10.0]], start).mixture.means.round(3).ravel()
    array([1. , 9.5])
    """
    X = check_data(X, require_mixture("start", start).n_features)
    tol = check_number("tol", tol, least=0)
    max_iter = check_integer("max_iter", max_iter, least=0)
    n_rows = check_sample_weight(sample_weight, len(X)).sum()
    trace, converged = [], False
    for n_iter, step in zip(range(max_iter + 1), em_steps(X, start, reg_covar=reg_covar, sample_weight=sample_weight)):
        trace.append(step.log_likelihood)
        if on_round is not None:
            on_round(n_iter, step.log_likelihood)
        converged = n_iter > 0 and bool(abs(trace[-1] - trace[-2]) < tol * n_rows)
        if converged:
            break
    return EMRun(step.mixture, converged, np.array(trace))


def sample_mixture(n_samples, mixture, rng=None):
    """Return n_samples points drawn from the mixture, (n_samples, D), and the component of each, (n_samples,).

    The generative story: draw a component by its weight, then a point from that component's Gaussian.

    >>> pair = Mixture([0.5, 0.5], [[0.0], [9.0]], [[[1.0]], [[1.0]]])
    >>> X, labels = sample_mixture(1000, pair, rng=0)
    >>> X.shape, sorted(set(labels.tolist()))
    ((1000, 1), [0, 1])
    """
    rng, mixture = check_rng(rng, "rng"), require_mixture("mixture", mixture)
    n_samples = check_integer("n_samples", n_samples, least=1)
    labels = rng.choice(mixture.n_components, size=n_samples, p=mixture.weights / mixture.weights.sum())
    X = np.empty((n_samples, mixture.n_features))
    for k in np.unique(labels):
        mine = labels == k
        X[mine] = sample_gaussian(int(mine.sum()), mixture.means[k], mixture.matrices[k], rng)
    return X, labels
