"""k-means: Lloyd's two steps, the k-means++ start, and the estimator KMeans."""

from typing import NamedTuple
from warnings import warn

import numpy as np
from scipy.spatial.distance import cdist

from .exceptions import ConvergenceWarning, NotFittedError
from .validation import check_choice, check_data, check_floats, check_integer, check_labels, check_number, check_rng


def assign_step(X, centers):
    """Return for each point the index of its nearest center: shape (N,).

    X: (N, D); centers: (K, D). A tie goes to the first center.

    >>> assign_step([[0.0], [4.0], [5.0]], [[1.0], [6.0]])
    array([0, 1, 1])
    """
    return cdist(check_data(X), _check_centers(centers, X), "sqeuclidean").argmin(axis=1)


def update_step(X, labels, centers):
    """Return for each cluster the mean of its points: shape (K, D).

    X: (N, D); labels: (N,); centers: (K, D), the present ones. A cluster without points takes the point that lies
    farthest from its present center; of several such clusters, each takes its own.

    >>> update_step([[0.0], [4.0], [6.0]], [0, 1, 1], [[1.0], [6.0]])
    array([[0.],
           [5.]])
    """
    X, centers = check_data(X), _check_centers(centers, X)
    labels = check_labels(labels, len(X), len(centers))
    counts = np.bincount(labels, minlength=len(centers))
    empty = np.flatnonzero(counts == 0)
    if len(empty) > len(X):
        raise ValueError(f"centers has {len(empty)} clusters without points, more than the {len(X)} rows of X that could fill them.")
    farthest = np.argsort(-((X - centers[labels]) ** 2).sum(axis=1), kind="stable")
    new_centers = np.empty_like(centers)
    for k in np.flatnonzero(counts):
        new_centers[k] = X[labels == k].mean(axis=0)
    new_centers[empty] = X[farthest[: len(empty)]]
    return new_centers


def inertia(X, labels, centers):
    """Return what k-means minimises, Σ_n |x_n - center of its cluster|², in squared units of X.

    X: (N, D); labels: (N,); centers: (K, D).

    >>> float(inertia([[0.0], [4.0], [6.0]], [0, 1, 1], [[0.0], [5.0]]))
    2.0
    """
    X, centers = check_data(X), _check_centers(centers, X)
    labels = check_labels(labels, len(X), len(centers))
    return ((X - centers[labels]) ** 2).sum()


def kmeans_plusplus(X, n_clusters, rng=None):
    """Return n_clusters rows of X as starting centers: the first at random, each next with probability ∝ distance².

    X: (N, D); rng: None, a seed or a numpy Generator. Source: Arthur and Vassilvitskii (2007), section 2.2.

    >>> kmeans_plusplus([[0.0], [0.0], [9.0]], 2, rng=0).tolist()
    [[9.0], [0.0]]
    """
    X, rng = check_data(X), check_rng(rng, "rng")
    n_clusters = check_integer("n_clusters", n_clusters, least=1, most=len(X), hint="There cannot be more clusters than points.")
    centers = X[[rng.integers(len(X))]]
    while len(centers) < n_clusters:
        nearest = cdist(X, centers, "sqeuclidean").min(axis=1)
        if nearest.sum() == 0:
            raise ValueError(f"X has only {len(centers)} distinct rows, too few for {n_clusters} clusters. Ask for fewer clusters.")
        centers = np.vstack([centers, X[rng.choice(len(X), p=nearest / nearest.sum())]])
    return centers


class KMeansStep(NamedTuple):
    """Centers (K, D), the nearest of them for each point (N,), and the inertia of the two together."""

    centers: np.ndarray
    labels: np.ndarray
    inertia: float


def kmeans_steps(X, centers):
    """Yield a KMeansStep for the given centers, then one for each round of Lloyd's algorithm, without end.

    X: (N, D); centers: (K, D). Source: Lloyd (1982).
    """
    while True:
        labels = assign_step(X, centers)
        yield KMeansStep(centers, labels, inertia(X, labels, centers))
        centers = update_step(X, labels, centers)


class KMeans:
    """k-means clustering, with the parameters and fitted attributes of scikit-learn's class of the same name.

    n_clusters: how many clusters to make.
    init: "k-means++", "random" (rows of the data) or an array of centers, (n_clusters, n_features).
    n_init: how many starts to try; the run with the smallest inertia is kept. An array is one start.
    max_iter: rounds per start. tol: stop when the centers' summed squared shift falls to tol times the mean variance.
    random_state: None, a seed or a numpy generator.

    After fit: cluster_centers_ (K, D), labels_ (N,), inertia_ (squared units of X), n_iter_, n_features_in_.

    >>> KMeans(2, random_state=0).fit([[0.0], [1.0], [9.0], [10.0]]).inertia_
    1.0
    """

    def __init__(self, n_clusters=8, *, init="k-means++", n_init=10, max_iter=300, tol=1e-4, random_state=None):
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def fit(self, X, y=None):
        """Find the clusters of X, (N, D), and return self. y is ignored."""
        X, rng = check_data(X), check_rng(self.random_state)
        tol = check_number("tol", self.tol, least=0)
        max_iter = check_integer("max_iter", self.max_iter, least=1)
        n_init = check_integer("n_init", self.n_init, least=1)
        K = check_integer("n_clusters", self.n_clusters, least=1, most=len(X), hint="There cannot be more clusters than points.")
        if isinstance(self.init, str):
            check_choice("init", self.init, ("k-means++", "random"))
            starts = (kmeans_plusplus(X, K, rng) if self.init == "k-means++" else X[rng.choice(len(X), K, replace=False)]
                      for _ in range(n_init))
        else:
            starts = [check_floats("init", self.init, (K, X.shape[1]))]
        runs = [_run_lloyd(X, start, tol * X.var(axis=0).mean(), max_iter) for start in starts]
        best, self.n_iter_, converged = min(runs, key=lambda run: run[0].inertia)
        if not converged:
            warn(f"k-means did not settle within max_iter={max_iter} rounds. Raise max_iter, or accept a larger tol.",
                 ConvergenceWarning, stacklevel=2)
        self.cluster_centers_, self.labels_, self.inertia_ = best.centers, best.labels.astype(np.int32), float(best.inertia)
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        """Return the index of the nearest center for each row of X: shape (N,), int32."""
        return assign_step(check_data(X, self._fitted().n_features_in_), self.cluster_centers_).astype(np.int32)

    def fit_predict(self, X, y=None):
        """Fit, and return labels_."""
        return self.fit(X).labels_

    def transform(self, X):
        """Return the distance of each row of X to each center: shape (N, K), in units of X."""
        return cdist(check_data(X, self._fitted().n_features_in_), self.cluster_centers_)

    def score(self, X, y=None):
        """Return minus the inertia of X under the fitted centers."""
        labels = self.predict(X)
        return -float(inertia(X, labels, self.cluster_centers_))

    def _fitted(self):
        if not hasattr(self, "cluster_centers_"):
            raise NotFittedError("this KMeans has not been fitted yet; call fit(X) first.")
        return self


def _run_lloyd(X, start, tolerance, max_iter):
    """Return the last step, the number of rounds and whether the centers came to rest."""
    steps = kmeans_steps(X, start)
    before = next(steps)
    for n_iter, step in zip(range(1, max_iter + 1), steps):
        if ((step.centers - before.centers) ** 2).sum() <= tolerance:
            return step, n_iter, True
        before = step
    return step, n_iter, False


def _check_centers(centers, X):
    centers = check_floats("centers", centers, (None, np.shape(X)[1]))
    if not len(centers):
        raise ValueError("centers is empty; at least one center is needed.")
    return centers
