"""Where EM may begin. Each start is a Mixture made from the data; all but one are an M-step on some responsibilities.

Ten k-means starts usually are one start, since they end in the same clusters. Restarts should differ in kind.
"""

from dataclasses import replace

import numpy as np

from .em import m_step
from .gaussian import cholesky_factor
from .kmeans import KMeans, assign_step, kmeans_plusplus, update_step
from .validation import check_choice, check_data, check_floats, check_integer, check_labels, check_resp, check_rng


def start_from_labels(X, labels, n_components, **options):
    """Return the mixture that one M-step makes of hard labels: each component is fitted to its own points.

    X: (N, D); labels: (N,), from 0 to n_components - 1; options: those of m_step.

    >>> start_from_labels([[0.0], [2.0], [7.0], [9.0]], [0, 0, 1, 1], 2).means.ravel()
    array([1., 8.])
    """
    X, n_components = check_data(X), check_integer("n_components", n_components, least=1)
    return m_step(X, np.eye(n_components)[check_labels(labels, len(X), n_components)], **options)


def start_from_means(X, means, **options):
    """Return the start that given means imply: weights and covariances of the points nearest to each mean.

    X: (N, D); means: (K, D). A mean without points is seeded anew at the point that lies farthest from its own mean.

    >>> start = start_from_means([[0.0], [2.0], [7.0], [9.0]], [[1.5], [9.5]])
    >>> start.means.ravel(), start.weights
    (array([1.5, 9.5]), array([0.5, 0.5]))
    """
    X = check_data(X)
    means = check_floats("means", means, (None, X.shape[1]))
    if not len(means):
        raise ValueError("means is empty; at least one mean is needed.")
    labels = assign_step(X, means)
    dead = np.setdiff1d(np.arange(len(means)), labels)
    if len(dead):
        means = means.copy()
        means[dead] = update_step(X, labels, means)[dead]
        labels = assign_step(X, means)
    return replace(start_from_labels(X, labels, len(means), **options), means=means)


def start_from_kmeans(X, n_components, rng, **options):
    """Start from the clusters of one k-means run.

    >>> sorted(start_from_kmeans([[0.0], [2.0], [7.0], [9.0]], 2, rng=0).means.ravel().tolist())
    [1.0, 8.0]
    """
    X, n_components, rng = _check_start(X, n_components, rng)
    labels = KMeans(n_components, n_init=1, random_state=rng).fit(X, sample_weight=options.get("sample_weight")).labels_
    return start_from_labels(X, labels, n_components, **options)


def start_from_whitened_kmeans(X, n_components, rng, **options):
    """Start from k-means on data whose overall covariance has been made the identity, so that no column shouts.

    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> metres, millimetres = (start_from_whitened_kmeans(X * [unit, 1], 2, rng=0).means for unit in (1, 1000))
    >>> np.allclose(millimetres, metres * [1000, 1])            # not so for k-means on X itself
    True
    """
    X, n_components, rng = _check_start(X, n_components, rng)
    whole = m_step(X, np.ones((len(X), 1)), reg_covar=options.get("reg_covar", 0.0), sample_weight=options.get("sample_weight"))
    whitened = np.linalg.solve(cholesky_factor(whole.covariances[0]), (X - whole.means[0]).T).T
    labels = KMeans(n_components, n_init=1, random_state=rng).fit(whitened, sample_weight=options.get("sample_weight")).labels_
    return start_from_labels(X, labels, n_components, **options)


def start_from_plusplus(X, n_components, rng, **options):
    """Start from k-means++ centers, each with the points nearest to it.

    >>> sorted(start_from_plusplus([[0.0], [2.0], [97.0], [99.0]], 2, rng=0).means.ravel().tolist())
    [1.0, 98.0]
    """
    X, n_components, rng = _check_start(X, n_components, rng)
    centers = kmeans_plusplus(X, n_components, rng, options.get("sample_weight"))
    return start_from_labels(X, assign_step(X, centers), n_components, **options)


def start_from_random_responsibilities(X, n_components, rng, **options):
    """Start from random responsibilities. All means then lie near the overall mean: the weakest start of all.

    >>> X = np.linspace(0, 10, 1000)[:, None]
    >>> bool(abs(start_from_random_responsibilities(X, 3, rng=0).means - 5).max() < 0.5)
    True
    """
    X, n_components, rng = _check_start(X, n_components, rng)
    return m_step(X, rng.dirichlet(np.ones(n_components), size=len(X)), **options)


def start_from_points(X, n_components, rng, **options):
    """Start with random points as means, equal weights, and the covariance of all data for every component.

    >>> start_from_points([[0.0], [2.0], [4.0]], 2, rng=0).covariances.ravel().round(3)
    array([2.667, 2.667])
    """
    X, n_components, rng = _check_start(X, n_components, rng)
    pooled = m_step(X, np.full((len(X), n_components), 1 / n_components), **options)
    weight = options.get("sample_weight")
    chosen = rng.choice(len(X), n_components, replace=False, p=None if weight is None else weight / weight.sum())
    return replace(pooled, means=X[chosen])


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


def start_from_given(X, init_params, n_components, **options):
    """Return the start that given labels (N,) or responsibilities (N, K) imply.

    >>> start_from_given([[0.0], [2.0], [7.0], [9.0]], [0, 0, 1, 1], 2).weights
    array([0.5, 0.5])
    """
    X = check_data(X)
    n_components = check_integer("n_components", n_components, least=1)
    if np.ndim(np.asarray(init_params, dtype=object)) == 1:
        labels = check_labels(init_params, len(X), n_components, name="init_params")
        return start_from_labels(X, labels, n_components, **options)
    resp = check_resp(init_params, len(X), name="init_params")
    if resp.shape[1] != n_components:
        raise ValueError(f"init_params holds responsibilities for {resp.shape[1]} components; n_components is {n_components}.")
    return m_step(X, resp, **options)


def _check_start(X, n_components, rng):
    X = check_data(X)
    K = check_integer("n_components", n_components, least=1, most=len(X), hint="There cannot be more components than points.")
    return X, K, check_rng(rng, "rng")
