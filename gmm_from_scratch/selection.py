"""Choosing a model: AIC, BIC, ICL, held-out likelihood, the bootstrap likelihood-ratio test, the gap statistic.

Each rates a fit, so each is only as good as the search for that fit. `search` therefore starts EM in more than one way.
All likelihoods here are totals in nats. EM goes on until a round gains less than GAIN of them, however many rows there are.
"""

import warnings
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_triangular

from .blocks import run_em
from .covariances import FAMILIES, check_ridge
from .em import require_mixture, e_step, m_step, sample_mixture
from .exceptions import RidgeWarning, SingularCovarianceError
from .gaussian import cholesky_factor
from .kmeans import KMeans
from .starts import STARTS
from .validation import check_choice, check_data, check_integer, check_number, check_rng

KINDS = ("kmeans", "whitened_kmeans", "random_from_data")       # the kinds of start that `search` takes in turn
GAIN, REG_COVAR = 1e-3, 1e-6                                    # nats; squared units of X
THINNEST = 1e-4                                                 # a share of the data's variance


def aic(X, mixture):
    """Return Akaike's information criterion, -2 ln L + 2 p: lower is better. Source: Akaike (1974).

    X: (N, D); mixture: a Mixture, for a fitted model its mixture_. p: the number of free parameters.

    >>> X = [[-1.0], [1.0]]
    >>> round(aic(X, m_step(X, [[1.0], [1.0]])), 3)     # one Gaussian, mean 0, variance 1
    9.676
    """
    return float(-2 * _log_density(X, mixture).sum() + 2 * mixture.n_parameters)


def bic(X, mixture):
    """Return the Bayesian information criterion, -2 ln L + p ln N: lower is better. Source: Schwarz (1978).

    X: (N, D); mixture: a Mixture, for a fitted model its mixture_.
    mclust prints the opposite sign, 2 ln L - p ln N, of which the highest is best.

    >>> X = [[-1.0], [1.0]]
    >>> round(bic(X, m_step(X, [[1.0], [1.0]])), 3)     # one Gaussian, mean 0, variance 1
    7.062
    """
    log_density = _log_density(X, mixture)
    return float(-2 * log_density.sum() + mixture.n_parameters * np.log(len(log_density)))


def icl(X, mixture):
    """Return the integrated completed likelihood, BIC - 2 Σ_n ln max_k r_nk: lower is better.

    X: (N, D); mixture: a Mixture, for a fitted model its mixture_. The sum is a fee for points that lie between
    components: BIC counts the Gaussians that a density needs, ICL prefers groups that stand apart. As in mclust, each
    point counts for the component most responsible for it; mclust's sign is the opposite, highest is best.
    Source: Biernacki, Celeux and Govaert (2000).

    >>> from gmm_from_scratch import Mixture
    >>> between = Mixture([0.5, 0.5], [[-1.0], [1.0]], [[[1.0]], [[1.0]]])
    >>> X = [[0.0], [0.0]]
    >>> round(icl(X, between) - bic(X, between), 3)     # 2 · 2 ln 2: two points right between the two
    2.773
    """
    resp, _ = e_step(X, require_mixture("mixture", mixture))
    return bic(X, mixture) - 2 * float(np.log(resp.max(axis=1)).sum())


def _log_density(X, mixture):
    return e_step(X, require_mixture("mixture", mixture))[1]


class Search(NamedTuple):
    """What a search found: the runs of EM, best first, each an EMRun, and how many starts collapsed.

    >>> found = search([[0.0], [1.0], [9.0], [10.0]], 2, random_state=0)
    >>> best, worst = found.runs[0], found.runs[-1]
    >>> bool(best.log_likelihoods[-1] >= worst.log_likelihoods[-1]), found.n_collapsed
    (True, 0)
    """

    runs: list
    n_collapsed: int


def search(X, n_components, *, covariance_type="full", n_init=6, split=None, max_iter=1000, reg_covar=REG_COVAR, thinnest=THINNEST,
           random_state=None):
    """Run EM from n_init starts, of each kind in KINDS in turn, and return a Search with all of them, best first.

    X: (N, D). kmeans: the groups of a k-means run; whitened_kmeans: the same on data turned and scaled to covariance one,
    so that units and tilt do not matter; random_from_data: random rows as means, with the covariance of all data.
    split: a Mixture with one component fewer; each of its components is split in two in turn, which gives further starts.
    max_iter: rounds per start; reg_covar: added to each variance, in squared units of X, or "auto", as in GaussianMixture.
    thinnest: a run counts as collapsed if one of its components has, in some direction, less than this share of the
    variance that all data have there. Its likelihood has no bound; reg_covar alone keeps it finite, and hides it.
    Warns if reg_covar swamps a column: RidgeWarning. Raises ValueError or TypeError for bad input, SingularCovarianceError if
    every start collapses, or, with reg_covar=0, if a column of X is constant or follows from the others.

    >>> found = search([[0.0], [1.0], [9.0], [10.0]], 2, random_state=0)
    >>> len(found.runs), sorted(found.runs[0].mixture.means.ravel().round(3).tolist())
    (6, [0.5, 9.5])
    """
    X, rng = check_data(X), check_rng(random_state)
    K = check_integer("n_components", n_components, least=1, most=len(X), hint="There cannot be more components than points.")
    check_choice("covariance_type", covariance_type, FAMILIES)
    n_init = check_integer("n_init", n_init, least=1)
    reg_covar = check_ridge(reg_covar, X.var(axis=0))
    max_iter = check_integer("max_iter", max_iter, least=1)
    thinnest = check_number("thinnest", thinnest, least=0, below=1)
    if split is not None and require_mixture("split", split).means.shape != (K - 1, X.shape[1]):
        raise ValueError(f"split has {split.n_components} components and {split.n_features} features; "
                         f"expected {K - 1}, one fewer than n_components, and {X.shape[1]}.")
    options = {"covariance_type": covariance_type, "reg_covar": reg_covar}
    starts = [partial(STARTS[KINDS[i % len(KINDS)]], X, K, rng, **options) for i in range(n_init)]
    starts += [partial(split_component, X, split, k, **options) for k in range(K - 1) if split is not None]
    runs, collapses = [], []
    for start in starts:
        try:
            run = run_em(X, start(), tol=GAIN / len(X), max_iter=max_iter, reg_covar=reg_covar)
            if (share := thinness(X, run.mixture, reg_covar)) < thinnest:
                raise SingularCovarianceError(f"a component has only {share:.1e} of the data's variance in some direction.")
            runs.append(run)
        except SingularCovarianceError as error:
            collapses.append(error)
    if not runs:
        raise SingularCovarianceError(f"all {len(starts)} starts collapsed, the last because {collapses[-1]} Or try a larger reg_covar "
                                      f"(now {reg_covar:g}, in squared units of X), or fewer components.", collapses[-1].component)
    return Search(sorted(runs, key=lambda run: -run.log_likelihoods[-1]), len(collapses))


@contextmanager
def _warned_of_ridge(X, reg_covar=REG_COVAR, **options):
    """Yield the options of `search` with reg_covar as a number; if it swamps X, warn of that once, not in each search."""
    reg_covar = check_ridge(reg_covar, X.var(axis=0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RidgeWarning)
        yield options | {"reg_covar": reg_covar}


def split_component(X, mixture, component, *, covariance_type="full", reg_covar=REG_COVAR):
    """Return a mixture with one component more: `component` is cut in two by a plane through its mean, across its long axis.

    X: (N, D); mixture: a Mixture, for the responsibilities; component: its index. One M-step fits both halves.
    Raises SingularCovarianceError if a half is left with too few points.

    >>> X = [[0.0], [1.0], [9.0], [10.0]]
    >>> split_component(X, m_step(X, [[1.0]] * 4), 0).means
    array([[9.5],
           [0.5]])
    """
    resp, _ = e_step(X, require_mixture("mixture", mixture))
    k = check_integer("component", component, least=0, most=mixture.n_components - 1)
    own = resp[:, k]
    if own.sum() < np.finfo(float).tiny:
        raise SingularCovarianceError(f"component {k} is responsible for no point, so it cannot be split. Split another one.", k)
    axis = np.linalg.eigh(np.cov(np.transpose(X), aweights=own, ddof=0).reshape(mixture.n_features, -1))[1][:, -1]
    axis = axis if axis[np.abs(axis).argmax()] > 0 else -axis   # LAPACK leaves the sign open
    above = (X - mixture.means[k]) @ axis > 0
    resp = np.column_stack([np.delete(resp, k, axis=1), own * above, own * ~above])
    return m_step(X, resp, covariance_type=covariance_type, reg_covar=reg_covar)


def thinness(X, mixture, reg_covar=0.0):
    """Return the smallest variance that a component has in any direction, as a share of the data's variance there.

    X: (N, D); mixture: a Mixture; reg_covar: added to each variance of the data, in squared units of X. The smallest
    eigenvalue of S⁻¹ Σ_k over all components, S being the covariance of X: units and tilt do not matter.

    >>> X = [[-1.0], [1.0]]
    >>> thinness(X, m_step(X, [[1.0], [1.0]]))
    1.0
    """
    X = check_data(X, require_mixture("mixture", mixture).n_features)
    L = _data_factor(X, check_number("reg_covar", reg_covar, least=0))
    return float(min(np.linalg.eigvalsh(_whiten(_whiten(matrix, L).T, L))[0] for matrix in mixture.matrices))


def _data_factor(X, reg_covar):
    """Return L with L Lᵀ = the covariance of all data, reg_covar added to each variance."""
    covariance = np.cov(X.T, bias=True).reshape(X.shape[1], -1) + reg_covar * np.eye(X.shape[1])
    try:
        return cholesky_factor(covariance)
    except SingularCovarianceError as error:
        raise SingularCovarianceError(f"X does not vary in every direction: its {error}") from None


def _whiten(rows, L):
    """Return L⁻¹ v for each row v: data with covariance L Lᵀ then have covariance one."""
    return solve_triangular(L, rows.T, lower=True).T


def held_out_log_likelihood(X, n_components, *, covariance_type="full", n_folds=5, n_init=3, random_state=None, **options):
    """Return the mean of ln p(x_n) over rows that the fit has not seen, in nats per row: higher is better.

    X: (N, D), cut at random into n_folds parts; each part is rated by the best of n_init starts on all other parts.
    options: max_iter, reg_covar and thinnest of `search`. Raises as `search` does.
    Source: Smyth (2000).

    >>> X = np.random.default_rng(0).normal(size=(100, 1))
    >>> one, five = (held_out_log_likelihood(X, k, random_state=0) for k in (1, 5))
    >>> one > five
    True
    """
    X, rng = check_data(X), check_rng(random_state)
    n_folds = check_integer("n_folds", n_folds, least=2, most=len(X), hint="Each part needs a row.")
    folds = np.array_split(rng.permutation(len(X)), n_folds)    # the first is the largest
    check_integer("n_components", n_components, least=1, most=len(X) - len(folds[0]), hint="Each fit needs a point for each component.")
    total = 0.0
    with _warned_of_ridge(X, covariance_type=covariance_type, n_init=n_init, random_state=rng, **options) as options:
        for fold in folds:
            found = search(np.delete(X, fold, axis=0), n_components, **options)
            total += _log_density(X[fold], found.runs[0].mixture).sum()
    return float(total / len(X))


class LikelihoodRatioTest(NamedTuple):
    """2 ln (L_k+1 / L_k) for the data, the p-value, and the same statistic of each simulated data set, (n_bootstrap,).

    n_lost: how many more data sets were simulated on which all fits with k collapsed, so that they have no statistic.

    >>> LikelihoodRatioTest._fields
    ('statistic', 'p_value', 'null_statistics', 'n_lost')
    """

    statistic: float
    p_value: float
    null_statistics: np.ndarray
    n_lost: int = 0


def bootstrap_lrt(X, n_components, *, covariance_type="full", n_bootstrap=99, n_init=3, random_state=None, **options):
    """Test k = n_components against k + 1 by a parametric bootstrap of the likelihood ratio.

    X: (N, D). The statistic 2 ln (L_k+1 / L_k) has no χ² law here, so its law is simulated: n_bootstrap data sets are
    drawn from the fit with k, and both models are fitted to each as they were to X. With b of them at or above the
    data's statistic, the p-value is (1 + b) / (n_bootstrap + 1). The fits with k + 1 also start from the fit with k,
    each of its components split in two in turn; and as k components are a case of k + 1, the statistic is never negative
    (and 0 if all fits with k + 1 collapse). A simulated data set on which all fits with k collapse is drawn anew, since those
    of X did not.
    n_init: further starts of each fit. options: max_iter, reg_covar and thinnest of `search`. Raises as `search` does, and
    SingularCovarianceError if more than half of the simulated data sets are lost so.
    Source: McLachlan (1987); McLachlan and Peel (2000), chapter 6.

    >>> X = np.concatenate([np.linspace(-1, 1, 20), np.linspace(9, 11, 20)])[:, None]
    >>> bootstrap_lrt(X, 1, n_bootstrap=9, random_state=0).p_value
    0.1
    """
    X, rng = check_data(X), check_rng(random_state)
    check_integer("n_components", n_components, least=1, most=len(X) - 1, hint="One component more must not exceed the number of points.")
    n_bootstrap = check_integer("n_bootstrap", n_bootstrap, least=1)
    null, n_lost = [], 0
    with _warned_of_ridge(X, covariance_type=covariance_type, n_init=n_init, random_state=rng, **options) as options:
        statistic, fit = _likelihood_ratio(X, n_components, options)
        while len(null) < n_bootstrap:
            try:
                null.append(_likelihood_ratio(sample_mixture(len(X), fit, rng)[0], n_components, options)[0])
            except SingularCovarianceError as error:
                n_lost += 1
                if n_lost > n_bootstrap:
                    raise SingularCovarianceError(
                        f"X has a fit with k = {n_components}, but {n_lost} of {n_lost + len(null)} data sets simulated from that fit "
                        f"have none, so there is nothing to compare with. On the last, {error}", error.component) from None
    null = np.array(null)
    return LikelihoodRatioTest(statistic, (1 + int((null >= statistic).sum())) / (n_bootstrap + 1), null, n_lost)


def _likelihood_ratio(X, k, options):
    """Return 2 ln (L_k+1 / L_k), and the fit with k."""
    small = search(X, k, **options).runs[0]
    try:
        large = search(X, k + 1, split=small.mixture, **options).runs[0]
    except SingularCovarianceError:                             # what is left of k + 1 components is the fit with k
        return 0.0, small.mixture
    gain = float(large.log_likelihoods[-1] - small.log_likelihoods[-1])
    return 2 * max(gain, 0.0), small.mixture


class GapStatistic(NamedTuple):
    """For k = 1, 2, ...: n_clusters, the gaps in nats, and the errors s_k of the gaps. best: the k named, or None.

    >>> GapStatistic._fields
    ('n_clusters', 'gaps', 'errors', 'best')
    """

    n_clusters: np.ndarray
    gaps: np.ndarray
    errors: np.ndarray
    best: int | None


def gap_statistic(X, max_clusters=8, *, n_references=20, n_init=3, random_state=None):
    """Compare how far k-means tightens X with how far it tightens data without groups, for k from 1 to max_clusters.

    X: (N, D). Gap(k) is the mean of ln W_k over n_references data sets, drawn uniformly from the box around X along its
    principal axes, minus ln W_k of X; W_k is the inertia of the best of n_init runs. Named is the smallest k with
    Gap(k) >= Gap(k+1) - s_k+1, where s_k = sd · √(1 + 1/n_references) is the error of the simulation; None if no k
    below max_clusters qualifies. Units matter, as for k-means.
    Raises ValueError or TypeError for bad input. Source: Tibshirani, Walther and Hastie (2001), sections 3 and 4.

    >>> X = np.concatenate([np.linspace(-1, 1, 20), np.linspace(9, 11, 20)])[:, None]
    >>> gap_statistic(X, 4, random_state=0).best
    2
    """
    X, rng = check_data(X), check_rng(random_state)
    most = check_integer("max_clusters", max_clusters, least=2, most=len(X) - 1, hint="Below the number of points, W_k is positive.")
    n_references = check_integer("n_references", n_references, least=2)
    n_init = check_integer("n_init", n_init, least=1)
    n_distinct = len(np.unique(X, axis=0))
    if n_distinct <= most:
        raise ValueError(f"X has only {n_distinct} distinct rows; with max_clusters = {most} some W_k is zero. Lower max_clusters.")
    n_clusters = np.arange(1, most + 1)
    turned = (X - X.mean(axis=0)) @ np.linalg.svd(X - X.mean(axis=0), full_matrices=False)[2].T     # along the principal axes

    def log_dispersions(data):
        """Return ln W_k for each k."""
        return np.log([KMeans(k, n_init=n_init, random_state=rng).fit(data).inertia_ for k in n_clusters])

    references = [rng.uniform(turned.min(axis=0), turned.max(axis=0), turned.shape) for _ in range(n_references)]
    expected = np.array([log_dispersions(reference) for reference in references])
    gaps = expected.mean(axis=0) - log_dispersions(turned)
    errors = expected.std(axis=0) * np.sqrt(1 + 1 / n_references)
    qualify = np.flatnonzero(gaps[:-1] >= gaps[1:] - errors[1:])
    return GapStatistic(n_clusters, gaps, errors, int(n_clusters[qualify[0]]) if len(qualify) else None)
