"""How alike two groupings are, how well a grouping is separated, and which group of one is which group of the other.

The names of groups carry no meaning: two runs may find the same groups and number them differently.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from .validation import check_data, check_floats

BLOCK = 2**22       # how many distances are held at once: 32 MB


def adjusted_rand_index(labels_a, labels_b):
    """Return how far two groupings of the same points agree: 1 if equal up to names, about 0 if independent.

    labels_a, labels_b: (N,), whole numbers. The share of pairs of points on which the two agree (together in both or
    apart in both), rescaled so that chance gives 0; it can be negative. The order of the two does not matter.
    Raises ValueError or TypeError for labels that are not whole numbers or differ in length.
    Source: Hubert and Arabie (1985), equation 5.

    >>> adjusted_rand_index([0, 0, 1, 1], [1, 1, 0, 0])
    1.0
    >>> round(adjusted_rand_index([0, 0, 1, 1], [0, 0, 1, 2]), 3)
    0.571
    """
    _, a = _groups("labels_a", labels_a)
    _, b = _groups("labels_b", labels_b, len(a))
    both = np.unique(np.column_stack([a, b]), axis=0, return_counts=True)[1]    # the entries of the table that are not 0
    together = _pairs(both)                                     # pairs that are together in both
    together_a, together_b = _pairs(np.bincount(a)), _pairs(np.bincount(b))
    expected = together_a * together_b / max(_pairs(len(a)), 1.0)
    most = (together_a + together_b) / 2
    return float((together - expected) / (most - expected)) if most > expected else 1.0


def _pairs(counts):
    """Return Σ n (n - 1) / 2, the number of pairs within groups of these sizes."""
    counts = np.asarray(counts, float)
    return (counts * (counts - 1) / 2).sum()


def silhouette(X, labels):
    """Return the mean silhouette width, between -1 and 1: how much nearer points are to their own group than to the next.

    X: (N, D); labels: (N,), whole numbers, from 2 to N - 1 different ones. For each point, a is the mean distance to the
    others of its group, b the smallest mean distance to another group, and its width (b - a) / max(a, b); a group of
    one has width 0. Distances are Euclidean, so units matter. Memory stays flat; time grows with N².
    Raises ValueError or TypeError for bad data, and ValueError for too few or too many groups.
    Source: Rousseeuw (1987), section 2.

    >>> round(silhouette([[0.0], [1.0], [9.0], [10.0]], [0, 0, 1, 1]), 3)
    0.889
    """
    X = check_data(X)
    values, labels = _groups("labels", labels, len(X))
    if not 2 <= len(values) < len(X):
        raise ValueError(f"labels has {len(values)} different values for {len(X)} rows; a silhouette needs from 2 to {len(X) - 1}. "
                         "With one group, or one for each point, there is nothing to compare.")
    order = np.argsort(labels, kind="stable")                   # each group in one piece
    X, labels, sizes = X[order], labels[order], np.bincount(labels)
    first = np.cumsum(sizes) - sizes
    widths = np.empty(len(X))
    for start in range(0, len(X), max(1, BLOCK // len(X))):
        rows = slice(start, start + max(1, BLOCK // len(X)))
        sums = np.add.reduceat(cdist(X[rows], X), first, axis=1)                # to each group              (rows, K)
        own = np.arange(len(sums)), labels[rows]
        a = sums[own] / np.maximum(sizes[labels[rows]] - 1, 1)                  # to the others of its own   (rows,)
        means = sums / sizes
        means[own] = np.inf
        b = means.min(axis=1)                                                   # to the next group          (rows,)
        longer = np.maximum(a, b)
        widths[rows] = np.where((sizes[labels[rows]] > 1) & (longer > 0), (b - a) / np.where(longer > 0, longer, 1), 0)
    return float(widths.mean())


def match_labels(labels, reference):
    """Return `labels` with its groups renamed so that as many points as possible have the name they have in `reference`.

    labels, reference: (N,), whole numbers. Each name is used for one group only; groups left without a partner get
    names that the reference does not use. The grouping itself stays as it is.
    Raises ValueError or TypeError for labels that are not whole numbers or differ in length.
    Source: the assignment problem, Kuhn (1955).

    >>> match_labels([0, 0, 1, 1, 2], [7, 7, 7, 3, 3])
    array([7, 7, 3, 3, 8])
    """
    names, mine = _groups("labels", labels)
    known, theirs = _groups("reference", reference, len(mine))
    shared = np.bincount(mine * len(known) + theirs, minlength=len(names) * len(known)).reshape(len(names), len(known))
    partner, name = linear_sum_assignment(shared, maximize=True)
    renamed = np.full(len(names), -1)
    renamed[partner] = name
    renamed[renamed < 0] = np.arange(len(known), len(known) + (renamed < 0).sum())
    return np.append(known, known[-1] + 1 + np.arange(len(names)))[renamed[mine]]


def match_components(resp, reference_resp):
    """Return the order in which the components of one mixture correspond to those of another: (K,).

    resp, reference_resp: (N, K), the responsibilities of both for the same points. Component order[k] of the first is
    the partner of component k of the second: together, partners share as much responsibility as possible. Points
    decide, not means, so units and covariance families do not matter.
    Raises ValueError or TypeError for negative entries or different shapes.
    Source: the assignment problem, Kuhn (1955).

    >>> one = [[0.9, 0.1], [0.8, 0.2], [0.0, 1.0]]
    >>> other = [[0.2, 0.8], [0.1, 0.9], [0.9, 0.1]]
    >>> match_components(one, other)
    array([1, 0])
    """
    resp = _check_shares("resp", resp, (None, None))
    reference_resp = _check_shares("reference_resp", reference_resp, resp.shape)
    return linear_sum_assignment(reference_resp.T @ resp, maximize=True)[1]


def _check_shares(name, resp, shape):
    """Return what should be responsibilities, of that shape."""
    resp = check_floats(name, resp, shape)
    if not resp.size or (resp < 0).any():
        raise ValueError(f"{name} must have rows and columns, and no negative entry: give what predict_proba returns.")
    return resp


def _groups(name, labels, n_samples=None):
    """Return the different labels, sorted, and for each point the index of its own among them."""
    array = check_floats(name, labels, (n_samples,), hint="One label for each row is needed.")
    if not len(array) or (array != np.floor(array)).any() or (np.abs(array) >= 2**53).any():
        raise ValueError(f"{name} must be whole numbers, one for each point; use np.unique({name}, return_inverse=True)[1].")
    return np.unique(array.astype(int), return_inverse=True)
