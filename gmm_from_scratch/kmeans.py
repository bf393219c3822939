"""k-means: Lloyd's two steps, the k-means++ start, and the estimator KMeans.

The functions are for reading: each says what is computed, in a few lines. The estimator gets the same fast, from
nearest.py, lloyd.py and seeding.py.
"""

from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

from .estimator import Estimator, column_names
from .exceptions import ConvergenceWarning, warn_caller
from .lloyd import run_lloyd, sum_of_distances
from .nearest import assign
from .seeding import plusplus
from .progress import bar
from .table import Table, as_table
from .threads import workers
from .validation import (
    check_choice,
    check_data,
    check_flag,
    check_floats,
    check_integer,
    check_labels,
    check_number,
    check_rng,
    check_sample_weight,
    check_verbose,
)


def assign_step(X, centers):
    """Return for each point the index of its nearest center: shape (N,).

    X: (N, D); centers: (K, D). A tie goes to the first center.

    >>> assign_step([[0.0], [4.0], [5.0]], [[1.0], [6.0]])
    array([0, 1, 1])
    """
    return cdist(check_data(X), _check_centers(centers, X), "sqeuclidean").argmin(axis=1)


def update_step(X, labels, centers, sample_weight=None):
    """Return for each cluster the mean of its points: shape (K, D).

    X: (N, D); labels: (N,); centers: (K, D), the present ones; sample_weight: (N,), how often each row counts.
    A cluster without points takes the point that lies farthest from its present center; of several such clusters,
    each takes its own.

    >>> update_step([[0.0], [4.0], [6.0]], [0, 1, 1], [[1.0], [6.0]])
    array([[0.],
           [5.]])
    """
    X, centers = check_data(X), _check_centers(centers, X)
    labels = check_labels(labels, len(X), len(centers))
    sample_weight = check_sample_weight(sample_weight, len(X))
    counts = np.bincount(labels, sample_weight, minlength=len(centers))
    empty = np.flatnonzero(counts == 0)
    if len(empty) > len(X):
        raise ValueError(f"centers has {len(empty)} clusters without points, more than the {len(X)} rows of X that could fill them.")
    farthest = np.argsort(-sample_weight * ((X - centers[labels]) ** 2).sum(axis=1), kind="stable")
    new_centers = np.empty_like(centers)
    for k in np.flatnonzero(counts):
        mine = labels == k
        new_centers[k] = sample_weight[mine] @ X[mine] / counts[k]
    new_centers[empty] = X[farthest[: len(empty)]]
    return new_centers


def inertia(X, labels, centers, sample_weight=None):
    """Return what k-means minimises, Σ_n |x_n - center of its cluster|², in squared units of X.

    X: (N, D); labels: (N,); centers: (K, D); sample_weight: (N,), how often each row counts.

    >>> float(inertia([[0.0], [4.0], [6.0]], [0, 1, 1], [[0.0], [5.0]]))
    2.0
    """
    X, centers = check_data(X), _check_centers(centers, X)
    labels = check_labels(labels, len(X), len(centers))
    return (check_sample_weight(sample_weight, len(X)) * ((X - centers[labels]) ** 2).sum(axis=1)).sum()


def kmeans_plusplus(X, n_clusters, rng=None, sample_weight=None, n_trials=1):
    """Return n_clusters rows of X as starting centers: the first at random, each next with probability ∝ distance².

    X: (N, D); rng: None, a seed or a numpy Generator; sample_weight: (N,), a factor of each probability.
    n_trials: draw so many candidates each time and keep the one that leaves the smallest sum of squared distances.
    Source: Arthur and Vassilvitskii (2007), section 2.2; several candidates: their concluding section.

    >>> kmeans_plusplus([[0.0], [0.0], [9.0]], 2, rng=0).tolist()
    [[0.0], [9.0]]
    """
    X, rng = check_data(X), check_rng(rng, "rng")
    n_clusters = check_integer("n_clusters", n_clusters, least=1, most=len(X), hint="There cannot be more clusters than points.")
    n_trials = check_integer("n_trials", n_trials, least=1)
    sample_weight = check_sample_weight(sample_weight, len(X))
    centers = X[[rng.choice(len(X), p=sample_weight / sample_weight.sum())]]
    nearest = sample_weight * ((X - centers[0]) ** 2).sum(axis=1)
    while len(centers) < n_clusters:
        if nearest.sum() == 0:
            raise ValueError(f"X has only {len(centers)} distinct rows, too few for {n_clusters} clusters. Ask for fewer clusters.")
        candidates = X[rng.choice(len(X), n_trials, p=nearest / nearest.sum())]
        with_each = [np.minimum(nearest, sample_weight * ((X - x) ** 2).sum(axis=1)) for x in candidates]
        best = np.argmin([distances.sum() for distances in with_each])
        centers, nearest = np.vstack([centers, candidates[best]]), with_each[best]
    return centers


class KMeansStep(NamedTuple):
    """Centers (K, D), the nearest of them for each point (N,), and the inertia of the two together.

    >>> step = next(kmeans_steps([[0.0], [4.0], [6.0]], [[0.0], [5.0]]))
    >>> step.labels, float(step.inertia)
    (array([0, 1, 1]), 2.0)
    """

    centers: np.ndarray
    labels: np.ndarray
    inertia: float


def kmeans_steps(X, centers, sample_weight=None):
    """Yield a KMeansStep for the given centers, then one for each round of Lloyd's algorithm, without end.

    X: (N, D); centers: (K, D); sample_weight: (N,), how often each row counts. Source: Lloyd (1982).

    >>> steps = kmeans_steps([[0.0], [4.0], [6.0]], [[0.0], [4.0]])
    >>> [float(next(steps).inertia) for _ in range(3)]
    [4.0, 2.0, 2.0]
    """
    while True:
        labels = assign_step(X, centers)
        yield KMeansStep(centers, labels, inertia(X, labels, centers, sample_weight))
        centers = update_step(X, labels, centers, sample_weight)


class KMeans(Estimator):
    """k-means clustering, with the parameters, methods and fitted attributes of scikit-learn's class of the same name.

    n_clusters: how many clusters to make.
    init: "k-means++", "random" (rows of the data), an array of centers (n_clusters, n_features), or a function
    init(X, n_clusters, random_state) that returns such an array, called with a copy of X and a numpy.random.RandomState, the
    same in all starts, as in scikit-learn. "k-means++" is the greedy kind, as in scikit-learn: of
    2 + ln n_clusters candidates for each center, the one that lowers the inertia most is kept. It costs little more than
    one candidate, and ends in bad local optima less often.
    n_init: how many starts to try; the run with the smallest inertia is kept. "auto": 10 for "random" and for a
    function, 1 for "k-means++" and for an array (which is always one start).
    max_iter: rounds per start. tol: stop when the centers' summed squared shift falls to tol times the mean variance.
    verbose: print the inertia of each run, and count the runs on stderr if tqdm is installed.
    random_state: None, a seed or a numpy generator.
    copy_x and algorithm ("lloyd" or "elkan") are taken for scikit-learn's sake: the data are never changed, and both
    algorithms give Lloyd's answer.

    After fit: cluster_centers_ (K, D), labels_ (N,) int32, inertia_ (squared units of X), n_iter_, n_features_in_.

    >>> KMeans(2, random_state=0).fit([[0.0], [1.0], [9.0], [10.0]]).inertia_
    1.0
    """

    kind, fitted = "clusterer", "cluster_centers_"

    def __init__(self, n_clusters=8, *, init="k-means++", n_init="auto", max_iter=300, tol=1e-4, verbose=0, random_state=None,
                 copy_x=True, algorithm="lloyd"):
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state
        self.copy_x = copy_x
        self.algorithm = algorithm

    def fit(self, X, y=None, sample_weight=None):
        """Find the clusters of X, (N, D), and return self. y is ignored.

        X: an array, or a Table of one; read in blocks and never copied. float32 is computed with as float32 and summed as float64.
        sample_weight: (N,), how often each row counts; a weight of 2 equals two equal rows.
        """
        rng = check_rng(self.random_state)
        check_choice("algorithm", self.algorithm, ("lloyd", "elkan"))
        tol = check_number("tol", self.tol, least=0)
        max_iter = check_integer("max_iter", self.max_iter, least=1)
        verbose = check_verbose(self.verbose)
        check_flag("copy_x", self.copy_x)
        best = None
        with workers() as mapping, bar(None, "KMeans", "start", verbose) as progress:
            columns, table = column_names(X), (as_table if type(X) is Table else Table)(X, sample_weight, mapping=mapping)
            K = check_integer("n_clusters", self.n_clusters, least=1, most=table.n_counting,
                              hint="There cannot be more clusters than points.")
            for number, start in enumerate(self._starts(table, K, rng), 1):
                run = run_lloyd(table, start, tol * (table.spread**2).mean(), max_iter)
                progress.update()
                if verbose:
                    progress.write(f"KMeans, start {number}: inertia {run.inertia:.6g} after {run.n_iter} rounds")
                if best is None or run.inertia < best.inertia:
                    best = run
        if (n_used := len(np.unique(best.labels))) < K:
            warn_caller(f"only {n_used} of the n_clusters={K} clusters have rows; X may have fewer distinct rows than that. Ask for fewer "
                        "clusters.", ConvergenceWarning)
        if not best.settled:
            warn_caller(f"k-means did not settle within max_iter={max_iter} rounds. Raise max_iter, or accept a larger tol.",
                        ConvergenceWarning)
        self.cluster_centers_, self.labels_, self.inertia_, self.n_iter_ = best.centers, best.labels, best.inertia, best.n_iter
        self._remember(columns, table.n_features)
        return self

    def _starts(self, table, K, rng):
        """Return the starting centers of each run, made when they are asked for."""
        if not isinstance(self.init, str) and not callable(self.init):
            return [check_floats("init", self.init, (K, table.n_features))]
        if isinstance(self.init, str):
            check_choice("init", self.init, ("k-means++", "random"))
        if isinstance(self.n_init, str):
            check_choice("n_init", self.n_init, ("auto",))
            n_init = 1 if self.init == "k-means++" else 10
        else:
            n_init = check_integer("n_init", self.n_init, least=1, hint='Or give "auto".')
        if callable(self.init):
            state = np.random.RandomState(rng.integers(2**32))
            return (self._call_init(table, K, state) for _ in range(n_init))
        return (self._start(table, K, rng) for _ in range(n_init))

    def _call_init(self, table, K, state):
        try:
            centers = self.init(np.array(table.X, table.float_type, order="C"), K, random_state=state)
        except (TypeError, ValueError) as error:
            raise TypeError(f"init was called as init(X, {K}, random_state=a RandomState) and failed: {error}") from error
        return check_floats("init", centers, (K, table.n_features))

    def _start(self, table, K, rng):
        if self.init == "k-means++":
            try:
                return plusplus(table, K, rng, n_trials=2 + int(np.log(K)))
            except ValueError:                              # fewer distinct rows than clusters: fit says so in the end
                pass
        chance = None if table.weight is None else table.weight / table.weight.sum(dtype=float)
        return table.X[rng.choice(table.n_rows, K, replace=False, p=chance)]

    @contextmanager
    def _new_table(self, X, sample_weight=None):
        with workers() as mapping:
            yield self._check_new_data(X, lambda X: Table(X, sample_weight, mapping=mapping))

    def predict(self, X):
        """Return the index of the nearest center for each row of X: shape (N,), int32."""
        with self._new_table(X) as table:
            return assign(table, self.cluster_centers_)

    def fit_predict(self, X, y=None, sample_weight=None):
        """Fit, and return labels_."""
        return self.fit(X, sample_weight=sample_weight).labels_

    def transform(self, X):
        """Return the distance of each row of X to each center: shape (N, K), in units of X, float32 if X and the centers are."""
        with self._new_table(X) as table:
            distances = np.empty((table.n_rows, len(self.cluster_centers_)), np.result_type(table.float_type, self.cluster_centers_))

            def block(rows):
                distances[rows] = cdist(table.block(rows, float)[0], self.cluster_centers_)
                return []

            table.sum(block, table.n_features + distances.shape[1], float)
        return distances

    def fit_transform(self, X, y=None, sample_weight=None):
        """Fit, and return the distance of each row of X to each center."""
        return self.fit(X, sample_weight=sample_weight).transform(X)

    def score(self, X, y=None, sample_weight=None):
        """Return minus the inertia of X under the fitted centers."""
        with self._new_table(X, sample_weight) as table:
            return -sum_of_distances(table, assign(table, self.cluster_centers_), self.cluster_centers_)


def _check_centers(centers, X):
    centers = check_floats("centers", centers, (None, np.shape(X)[1]))
    if not len(centers):
        raise ValueError("centers is empty; at least one center is needed.")
    return centers
