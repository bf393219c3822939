"""The estimator GaussianMixture: starts, restarts, fit, predict, score, sample."""

from dataclasses import replace
from warnings import warn

import numpy as np

from .covariances import FAMILIES, check_covariances
from .em import Mixture, e_step, m_step, run_em, sample_mixture
from .exceptions import ConvergenceWarning, NotFittedError, SingularCovarianceError
from .kmeans import KMeans, assign_step, kmeans_plusplus
from .validation import check_choice, check_data, check_floats, check_integer, check_labels, check_number, check_rng


def start_from_labels(X, labels, n_components, *, covariance_type="full", reg_covar=1e-6):
    """Return the mixture that one M-step makes of hard labels: each component is fitted to its own points.

    X: (N, D); labels: (N,), from 0 to n_components - 1.
    """
    X, n_components = check_data(X), check_integer("n_components", n_components, least=1)
    labels = check_labels(labels, len(X), n_components)
    return m_step(X, np.eye(n_components)[labels], covariance_type=covariance_type, reg_covar=reg_covar)


def start_from_kmeans(X, n_components, rng, **options):
    """Start from the clusters of one k-means run."""
    X, n_components, rng = _check_start(X, n_components, rng)
    labels = KMeans(n_components, n_init=1, random_state=rng).fit(X).labels_
    return start_from_labels(X, labels, n_components, **options)


def start_from_plusplus(X, n_components, rng, **options):
    """Start from k-means++ centers, each with the points nearest to it."""
    X, n_components, rng = _check_start(X, n_components, rng)
    labels = assign_step(X, kmeans_plusplus(X, n_components, rng))
    return start_from_labels(X, labels, n_components, **options)


def start_from_responsibilities(X, n_components, rng, **options):
    """Start from random responsibilities. All means then lie near the overall mean: the weakest of the four."""
    X, n_components, rng = _check_start(X, n_components, rng)
    return m_step(X, rng.dirichlet(np.ones(n_components), size=len(X)), **options)


def start_from_points(X, n_components, rng, *, covariance_type="full", **options):
    """Start with random points as means, equal weights, and the covariance of all data for every component."""
    X, n_components, rng = _check_start(X, n_components, rng)
    pooled = m_step(X, np.full((len(X), n_components), 1 / n_components), covariance_type=covariance_type, **options)
    return replace(pooled, means=X[rng.choice(len(X), n_components, replace=False)])


def _check_start(X, n_components, rng):
    X = check_data(X)
    K = check_integer("n_components", n_components, least=1, most=len(X), hint="There cannot be more components than points.")
    return X, K, check_rng(rng, "rng")


STARTS = {
    "kmeans": start_from_kmeans,
    "k-means++": start_from_plusplus,
    "random": start_from_responsibilities,
    "random_from_data": start_from_points,
}


class GaussianMixture:
    """A Gaussian mixture fitted by EM, with the parameters and fitted attributes of scikit-learn's class of that name.

    n_components: K. covariance_type: "full", "tied", "diag" or "spherical".
    tol: stop when a round gains less than this, in nats per row. max_iter: rounds per start.
    reg_covar: added to each variance, in squared units of X: a modelling choice, not a detail.
    n_init: how many starts to try; the highest likelihood wins. init_params: the kind of start (see STARTS).
    weights_init (K,), means_init (K, D), precisions_init (inverse covariances, in the family's shape): replace that
    part of the start. Given means alone, weights and covariances follow from assigning each point to its nearest mean.
    random_state: None, a seed or a numpy generator.

    After fit: weights_, means_, covariances_, converged_, n_iter_, n_features_in_;
    lower_bound_, the mean log-likelihood per row of exactly these parameters; lower_bounds_, that of every round.
    A start that collapses is dropped with a ConvergenceWarning; if all collapse, SingularCovarianceError is raised.

    >>> model = GaussianMixture(2, random_state=0).fit([[0.0], [1.0], [9.0], [10.0]])
    >>> sorted(model.means_.ravel().round(3).tolist())
    [0.5, 9.5]
    """

    def __init__(self, n_components=1, *, covariance_type="full", tol=1e-3, reg_covar=1e-6, max_iter=100, n_init=1,
                 init_params="kmeans", weights_init=None, means_init=None, precisions_init=None, random_state=None):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.weights_init = weights_init
        self.means_init = means_init
        self.precisions_init = precisions_init
        self.random_state = random_state

    def fit(self, X, y=None):
        """Estimate the mixture from X, (N, D), and return self. y is ignored.

        Raises ValueError or TypeError for bad data or parameters, SingularCovarianceError if every start collapses.
        """
        X, rng = check_data(X), check_rng(self.random_state)
        check_integer("n_components", self.n_components, least=1, most=len(X), hint="There cannot be more components than points.")
        check_choice("covariance_type", self.covariance_type, FAMILIES)
        check_choice("init_params", self.init_params, STARTS)
        n_init = check_integer("n_init", self.n_init, least=1)
        max_iter = check_integer("max_iter", self.max_iter, least=0)
        tol = check_number("tol", self.tol, least=0)
        reg_covar = check_number("reg_covar", self.reg_covar, least=0)
        runs, collapses = [], []
        for _ in range(n_init):
            try:
                runs.append(run_em(X, self._start(X, rng), tol=tol, max_iter=max_iter, reg_covar=reg_covar))
            except SingularCovarianceError as error:
                collapses.append(error)
        if not runs:
            raise SingularCovarianceError(
                f"all {n_init} starts collapsed, the last because {collapses[-1]} Or try a larger reg_covar (now {reg_covar:g}, in "
                f"squared units of X), fewer components, covariance_type='tied', or more starts.", collapses[-1].component)
        if collapses:
            warn(f"{len(collapses)} of {n_init} starts collapsed and were dropped; the first because {collapses[0]}",
                 ConvergenceWarning, stacklevel=2)
        best = max(runs, key=lambda run: run.log_likelihoods[-1])
        if not best.converged and max_iter > 0:
            warn(f"EM did not meet tol={tol:g} (gain in nats per row) within max_iter={max_iter} rounds. "
                 "Raise max_iter, or accept a larger tol.", ConvergenceWarning, stacklevel=2)
        self.weights_, self.means_, self.covariances_ = best.mixture.weights, best.mixture.means, best.mixture.covariances
        self.lower_bounds_ = best.log_likelihoods / len(X)
        self.lower_bound_ = float(self.lower_bounds_[-1])
        self.converged_, self.n_iter_ = best.converged, len(best.log_likelihoods) - 1
        self.n_features_in_ = X.shape[1]
        return self

    def _start(self, X, rng):
        """Return the mixture from which one run of EM begins."""
        K, D = self.n_components, X.shape[1]
        options = {"covariance_type": self.covariance_type, "reg_covar": self.reg_covar}
        given = {}
        if self.weights_init is not None:
            weights = given["weights"] = check_floats("weights_init", self.weights_init, (K,))
            if (weights <= 0).any() or abs(weights.sum() - 1) > 1e-6:
                raise ValueError(f"weights_init is {weights}, with sum {weights.sum():.6g}; the weights must be positive and sum to 1.")
        if self.means_init is not None:
            given["means"] = check_floats("means_init", self.means_init, (K, D))
        if self.precisions_init is not None:
            given["covariances"] = _inverse(self.precisions_init, K, D, self.covariance_type)
        if given.keys() >= {"means", "covariances"}:
            return Mixture(given.get("weights", np.full(K, 1 / K)), given["means"], given["covariances"], self.covariance_type)
        if "means" in given:
            start = start_from_labels(X, assign_step(X, given["means"]), K, **options)
        else:
            start = STARTS[self.init_params](X, K, rng, **options)
        return replace(start, **given)

    @property
    def mixture_(self):
        """The fitted parameters as one em.Mixture."""
        if not hasattr(self, "means_"):
            raise NotFittedError("this GaussianMixture has not been fitted yet; call fit(X) first.")
        return Mixture(self.weights_, self.means_, self.covariances_, self.covariance_type)

    def score_samples(self, X):
        """Return ln p(x_n), a log density in nats, for each row of X: shape (N,)."""
        return e_step(X, self.mixture_)[1]

    def score(self, X, y=None):
        """Return the mean of ln p(x_n) over the rows of X, in nats per row."""
        return float(self.score_samples(X).mean())

    def predict_proba(self, X):
        """Return the responsibilities: shape (N, K), each row with sum 1."""
        return e_step(X, self.mixture_)[0]

    def predict(self, X):
        """Return the component most responsible for each row of X: shape (N,)."""
        return self.predict_proba(X).argmax(axis=1)

    def fit_predict(self, X, y=None):
        """Fit, and return the component most responsible for each row."""
        return self.fit(X).predict(X)

    def sample(self, n_samples=1):
        """Return n_samples points drawn from the fitted mixture, (n_samples, D), and the component of each."""
        return sample_mixture(n_samples, self.mixture_, check_rng(self.random_state))

    def bic(self, X):
        """Return the Bayesian information criterion, -2 ln L + p ln N: lower is better. Source: Schwarz (1978)."""
        log_density = self.score_samples(X)
        return float(-2 * log_density.sum() + self.mixture_.n_parameters * np.log(len(log_density)))

    def aic(self, X):
        """Return Akaike's information criterion, -2 ln L + 2 p: lower is better. Source: Akaike (1974)."""
        return float(-2 * self.score_samples(X).sum() + 2 * self.mixture_.n_parameters)


def _inverse(precisions, n_components, n_features, covariance_type):
    """Return the covariances whose inverses are `precisions`, in the family's shape."""
    try:
        precisions = check_covariances(precisions, n_components, n_features, covariance_type)
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"precisions_init: {str(error).replace('covariance', 'precision')}") from None
    if np.min(np.einsum("...ii->...i", precisions) if covariance_type in ("full", "tied") else precisions) < 1e-200:
        raise ValueError("precisions_init has entries below 1e-200, whose inverse overflows. Use other units.")
    if covariance_type in ("diag", "spherical"):
        return 1 / precisions
    half = np.linalg.inv(np.linalg.cholesky(precisions))         # Λ = L Lᵀ, so Σ = L⁻ᵀ L⁻¹: symmetric to the last digit
    return np.swapaxes(half, -1, -2) @ half
