"""Where EM may begin. Each start is a Mixture made from the data; all but one are an M-step on some responsibilities.

Ten k-means starts usually are one start, since they end in the same clusters. Restarts should differ in kind.
Each function takes X as an array, (N, D), or as a table (table.py); options are covariance_type, reg_covar and, for an array,
sample_weight, as in em.m_step. Responsibilities are made block by block: no array of shape (N, K) is kept.

A start decides which optimum EM finds, not the digits of it. So k-means and k-means++ see a SAMPLE of a large X, and only the
M-step that follows sees all of it. The mean of 256 points is known to a sixteenth of their spread: near enough to begin.
"""

from dataclasses import replace
from functools import partial

import numpy as np
from scipy.spatial.distance import cdist

from .blocks import fit_responsibilities
from .exceptions import SingularCovarianceError
from .gaussian import cholesky_factor
from .kmeans import KMeans
from .nearest import Columns, farthest, nearest
from .seeding import plusplus
from .table import Table, open_table
from .validation import check_choice, check_floats, check_integer, check_labels, check_resp, check_rng

SAMPLE, SAMPLE_EACH = 4096, 256     # k-means sees so many rows, or so many for each cluster if that is more


def start_from_labels(X, labels, n_components, *, sample_weight=None, **options):
    """Return the mixture that one M-step makes of hard labels: each component is fitted to its own points.

    labels: (N,), from 0 to n_components - 1.

    >>> start_from_labels([[0.0], [2.0], [7.0], [9.0]], [0, 0, 1, 1], 2).means.ravel()
    array([1., 8.])
    """
    n_components = check_integer("n_components", n_components, least=1)
    with open_table(X, sample_weight) as table:
        labels = check_labels(labels, len(table), n_components)
        return _from_labels(table, partial(_given_labels, labels), n_components, options)


def start_from_means(X, means, *, sample_weight=None, **options):
    """Return the start that given means imply: weights and covariances of the points nearest to each mean.

    means: (K, D). A mean without points is seeded anew at the point that lies farthest from its own mean.

    >>> start = start_from_means([[0.0], [2.0], [7.0], [9.0]], [[1.5], [9.5]])
    >>> start.means.ravel(), start.weights
    (array([1.5, 9.5]), array([0.5, 0.5]))
    """
    with open_table(X, sample_weight) as table:
        means = check_floats("means", means, (None, table.n_features))
        if not len(means):
            raise ValueError("means is empty; at least one mean is needed.")
        means = _seed_dead(table, means)
        return replace(_from_nearest(table, means, options), means=means)


def start_from_kmeans(X, n_components, rng, *, sample_weight=None, **options):
    """Start from the clusters of one k-means run, on a sample if X is large.

    >>> sorted(start_from_kmeans([[0.0], [2.0], [7.0], [9.0]], 2, rng=0).means.ravel().tolist())
    [1.0, 8.0]
    """
    with open_table(X, sample_weight) as table:
        n_components, rng = _check_start(table, n_components, rng)
        find = _kmeans(_sample(table, n_components, rng), n_components, rng)
        return _from_labels(table, lambda part, rows: find(part.X[rows]), n_components, options)


def start_from_whitened_kmeans(X, n_components, rng, *, sample_weight=None, **options):
    """Start from k-means on data whose overall covariance has been made the identity, so that no column shouts.

    On a sample if X is large.

    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> metres, millimetres = (start_from_whitened_kmeans(X * [unit, 1], 2, rng=0).means for unit in (1, 1000))
    >>> np.allclose(millimetres, metres * [1000, 1])            # not so for k-means on X itself
    True
    """
    with open_table(X, sample_weight) as table:
        n_components, rng = _check_start(table, n_components, rng)
        whole = fit_responsibilities(table, _equal(1), 1, reg_covar=options.get("reg_covar", 0.0))
        L, sample = cholesky_factor(whole.covariances[0]), _sample(table, n_components, rng)

        def whiten(x, dtype=table.dtype):
            return np.linalg.solve(L, (x - whole.means[0]).T).T.astype(dtype)

        find = _kmeans(Table(whiten(sample.X), sample.weight, mapping=table.mapping), n_components, rng)
        return _from_labels(table, lambda part, rows: find(whiten(part.X[rows])), n_components, options)


def start_from_plusplus(X, n_components, rng, *, sample_weight=None, **options):
    """Start from k-means++ centers, each with the points nearest to it; drawn from a sample if X is large.

    >>> sorted(start_from_plusplus([[0.0], [2.0], [97.0], [99.0]], 2, rng=0).means.ravel().tolist())
    [1.0, 98.0]
    """
    with open_table(X, sample_weight) as table:
        n_components, rng = _check_start(table, n_components, rng)
        try:
            centers = plusplus(_sample(table, n_components, rng), n_components, rng)
        except ValueError as error:                             # too few distinct rows: another kind of start may do
            raise SingularCovarianceError(str(error)) from None
        return _from_nearest(table, centers, options)


def start_from_random_responsibilities(X, n_components, rng, *, sample_weight=None, **options):
    """Start from random responsibilities. All means then lie near the overall mean: the weakest start of all.

    >>> X = np.linspace(0, 10, 1000)[:, None]
    >>> bool(abs(start_from_random_responsibilities(X, 3, rng=0).means - 5).max() < 0.5)
    True
    """
    with open_table(X, sample_weight) as table:
        n_components, rng = _check_start(table, n_components, rng)
        seed = int(rng.integers(2**63))
        return fit_responsibilities(table, partial(_random_responsibilities, seed, n_components), n_components, **options)


def start_from_points(X, n_components, rng, *, sample_weight=None, **options):
    """Start with random points as means, equal weights, and the covariance of all data for every component.

    >>> start_from_points([[0.0], [2.0], [4.0]], 2, rng=0).covariances.ravel().round(3)
    array([2.667, 2.667])
    """
    with open_table(X, sample_weight) as table:
        n_components, rng = _check_start(table, n_components, rng)
        pooled = fit_responsibilities(table, _equal(n_components), n_components, **options)
        weight = table.weight
        chosen = rng.choice(len(table), n_components, replace=False, p=None if weight is None else weight / weight.sum())
        return replace(pooled, means=table.take(chosen))


STARTS = {
    "kmeans": start_from_kmeans,
    "k-means++": start_from_plusplus,
    "random": start_from_random_responsibilities,
    "random_from_data": start_from_points,
    "whitened_kmeans": start_from_whitened_kmeans,
}
RESTARTS = ("random_from_data", "whitened_kmeans", "random_from_data", "k-means++")   # in turn, after a first "kmeans"


def kinds_of_start(init_params, n_init):
    """Return the kind of each of n_init starts: mixed if the first is "kmeans", else all as asked.

    >>> kinds_of_start("kmeans", 3)
    ['kmeans', 'random_from_data', 'whitened_kmeans']
    """
    kind, n_init = check_choice("init_params", init_params, STARTS), check_integer("n_init", n_init, least=1)
    if kind != "kmeans":
        return [kind] * n_init
    return [kind, *(RESTARTS[i % len(RESTARTS)] for i in range(n_init - 1))]


def start_from_given(X, init_params, n_components, *, sample_weight=None, **options):
    """Return the start that given labels (N,) or responsibilities (N, K) imply.

    >>> start_from_given([[0.0], [2.0], [7.0], [9.0]], [0, 0, 1, 1], 2).weights
    array([0.5, 0.5])
    """
    n_components = check_integer("n_components", n_components, least=1)
    with open_table(X, sample_weight) as table:
        if _n_axes(init_params) == 1:
            labels = check_labels(init_params, len(table), n_components, name="init_params")
            return _from_labels(table, partial(_given_labels, labels), n_components, options)
        resp = check_resp(init_params, len(table), name="init_params")
        if resp.shape[1] != n_components:
            raise ValueError(f"init_params holds responsibilities for {resp.shape[1]} components; n_components is {n_components}.")
        return fit_responsibilities(table, lambda part, rows: resp[part.rows_of_all(rows)].T, n_components, **options)


def _check_start(table, n_components, rng):
    K = check_integer("n_components", n_components, least=1, most=table.n_counting, hint="There cannot be more components than points.")
    return K, check_rng(rng, "rng")


def _equal(n_components):
    return lambda part, rows: np.full((n_components, rows.stop - rows.start), 1 / n_components)


def _random_responsibilities(seed, n_components, part, rows):
    """Return r_nk drawn evenly from all that sum to 1, (K, B): the same for the same rows, whoever asks, and in which block."""
    rows = part.rows_of_all(rows)
    draws = np.random.Generator(np.random.PCG64(seed).advance(rows.start * n_components))       # one draw for each entry
    r = -np.log1p(-draws.random((rows.stop - rows.start, n_components)).T)                      # exponential variables
    return r / r.sum(axis=0)


def _given_labels(labels, part, rows):
    return labels[part.rows_of_all(rows)]


def _sample(table, n_components, rng):
    """Return the table itself if it is small, else some of its rows, drawn at random, by their weights if they have any."""
    size = max(SAMPLE, SAMPLE_EACH * n_components)
    if len(table) <= size:
        return table if type(table) is Table else table.part(table.take(np.arange(len(table))), table.weight)
    if table.weight is None:
        rows = rng.choice(len(table), size, replace=False)
    else:
        cumulative = np.cumsum(table.weight, dtype=float)
        rows = cumulative.searchsorted(rng.random(size) * cumulative[-1], side="right")
    return table.part(table.take(np.sort(rows)))


def _kmeans(sample, n_components, rng):
    """Return a function that gives to each of some rows the label of its cluster, of those that k-means finds in the sample."""
    model = KMeans(n_components, n_init=1, random_state=rng).fit(sample)
    look = nearest(Columns(sample, n_components), model.cluster_centers_)
    return lambda x: look(x)[0]


def _from_labels(table, find, n_components, options):
    """Return the mixture that one M-step makes of the labels that `find` gives to each slice of rows of each part."""
    ids = np.arange(n_components)[:, None]
    return fit_responsibilities(table, lambda part, rows: find(part, rows) == ids, n_components, **options)


def _from_nearest(table, means, options):
    look = nearest(Columns(table, len(means)), means)
    return _from_labels(table, lambda part, rows: look(part.X[rows])[0], len(means), options)


def _seed_dead(table, means):
    """Return the means, with the point farthest from its own mean in place of a mean that is nearest to no point."""
    numbers = table.n_features + 2 * len(means)
    dead = np.flatnonzero(table.sum_of_parts(partial(_count_nearest, means), numbers, float)[0] == 0)
    if not len(dead):
        return means
    ranked = sorted(table.sum_of_parts(partial(_farthest, means, len(dead)), numbers, float)[0])
    means = means.copy()
    means[dead] = table.take([row for _, row in ranked[:len(dead)]])
    return means


def _count_nearest(means, part):
    def count(rows):
        return [np.bincount(cdist(part.block(rows, float)[0], means, "sqeuclidean").argmin(axis=1), minlength=len(means))]
    return count


def _farthest(means, number, part):
    """Return a function of rows that gives, of those farthest from all means, minus their distance² and their place among all rows."""
    def find(rows):
        x, weight = part.block(rows, float)
        far = cdist(x, means, "sqeuclidean").min(axis=1) * (1 if weight is None else weight)
        return [farthest(far, number, part.rows_of_all(rows).start)]
    return find


def _n_axes(value):
    try:
        return np.ndim(value)
    except ValueError:                                      # ragged: check_resp says so
        return 2
