"""Lloyd's algorithm and the k-means++ start again, block by block: fast, and with memory of a few bytes a row.

Three ideas make it fast; the answers are those of kmeans.py, whose few lines say what is computed here.

1. Distances by a product. With φ = [1, z] and θ_k = [-½|c_k|², c_k], one matrix product of float32 gives
   θ_k φ = ½(|z|² - |z - c_k|²), largest for the nearest center. Rounding is bounded: where it could decide, and at ties,
   the distances of that row are taken again as kmeans.py takes them.
2. Most rows can be left alone. If the nearest center of a row is at distance d₁ and the next at d₂, its label cannot
   change until the two centers have moved by d₂ - d₁ together, its room. A row is looked at again when the centers have
   spent that room (Hamerly 2010, in simplified form: one number for all centers).
3. Only a row that changes its cluster changes the sums from which the centers are computed.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csc_array
from scipy.spatial.distance import cdist

from .table import rows_per_block
from .threads import sum_of_blocks

DOWN = 1 - 2.0**-21             # rooms are kept as float32: rounded down, never up
KEPT_BYTES = 8 << 20            # distances to all candidates of k-means++ are kept if they take no more than this


class Columns:
    """The rows of a table as float32, from an origin near which they lie, and how far off distances from products may be.

    size: how many rows make a block. rounding: computed values of ½|z - c_k|² differ, from one center to the other, by no more
    than this times |z|² + 2 max |c_k|² from what they should. That includes the last digits, which will hold k.
    """

    def __init__(self, table, n_centers):
        spread, offset = (table.spread**2).sum(), (table.centre**2).sum()
        self.table = table
        self.origin = table.centre.astype(table.X.dtype if table.X.dtype == np.float32 else float) * (offset > spread)
        self.dtype = np.dtype(np.float32 if 1e-24 < spread and spread + offset < 1e24 and n_centers <= 256 else float)
        self.n_marks = 1 << (n_centers - 1).bit_length()
        self.rounding = float((table.n_features + 6 + self.n_marks) * np.finfo(self.dtype).eps)
        self.size = rows_per_block((table.n_features + n_centers) // 2 + 4)

    def take(self, rows):
        """Return those rows of X, (B, D), for a slice or an array of indices."""
        X = self.table.X
        quick = not isinstance(rows, slice) and X.flags.c_contiguous and X.flags.aligned and X.dtype.isnative
        return X.take(rows, axis=0) if quick else X[rows]

    def shifted(self, x, dtype=None):
        """Return z = x - origin, (B, D)."""
        dtype = dtype or self.dtype
        if self.origin.any():
            x = x.astype(np.result_type(x, dtype), copy=False) - self.origin
        return x.astype(dtype, copy=False)

    def pieces(self, rows):
        """Cut a slice, or an array of indices, into pieces that fit the cache."""
        if isinstance(rows, slice):
            return [slice(a, min(a + self.size, rows.stop)) for a in range(rows.start, rows.stop, self.size)]
        return [rows[a:a + self.size] for a in range(0, len(rows), self.size)]


def nearest(columns, centers):
    """Return a function of rows (B, D) that gives the index of the nearest center, (B,), and the room, (B,).

    A room that is not positive says that the label was decided by exact distances, ties by the first center.
    """
    with np.errstate(all="ignore"):
        c = centers - columns.origin.astype(float)
        squares = 0.5 * (c * c).sum(axis=1)                                 # ½|c_k|²
        slack = float(columns.rounding * squares.max())                            # what keeps rounded distances positive
        theta = np.column_stack([squares + 2 * slack, np.ones(len(c)), -c]).astype(columns.dtype)
    integer = np.dtype(f"u{columns.dtype.itemsize}")
    marks, ids = integer.type(columns.n_marks - 1), np.arange(len(c), dtype=integer)[:, None]

    def look(x):
        with np.errstate(all="ignore"):
            phi = np.empty((2 + x.shape[1], len(x)), columns.dtype)         # φ = [1, ½|z|², z]
            phi[0], phi[2:] = 1, columns.shifted(x).T
            np.einsum("db,db->b", phi[2:], phi[2:], out=phi[1])
            phi[1] *= 0.5 + columns.rounding
            bits = product(theta, phi).view(integer)                        # ½d², (K, B), as the whole numbers that its bits spell,
            bits &= ~marks                                                  # which are in the same order;
            bits |= ids                                                     # the last bits now say which center it is
            best = bits.min(axis=0)
            labels = best & marks
            bits -= best + integer.type(1)                                  # from the best itself: less than zero, so very large
            second = best + integer.type(1) + bits.min(axis=0)
            best, second = best.view(columns.dtype), second.view(columns.dtype)
            error = 4 * columns.rounding * best + 8 * slack
            rooms = (second - best - error) / np.sqrt(best + second)        # ½(d₂² - d₁²) / √(½(d₁² + d₂²)) ≤ d₂ - d₁
        unsure = np.flatnonzero(~(rooms > 0))
        if len(unsure):
            labels[unsure] = cdist(x[unsure].astype(float), centers, "sqeuclidean").argmin(axis=1)
        return labels, rooms

    return look


def product(a, b):
    """Return a @ b, where a is small and b is wide, in parts for which OpenBLAS takes its quicker way."""
    ab, step = np.empty((len(a), b.shape[1]), b.dtype), max(256, 900_000 // a.size)
    for i in range(0, b.shape[1], step):
        np.matmul(a, b[:, i:i + step], out=ab[:, i:i + step])
    return ab


def share(n_rows):
    """Return how many rows at a time are looked through for those that have spent their room."""
    return min(1 << 15, max(1 << 14, -(-n_rows // 8)))


class Lloyd(NamedTuple):
    """Where a run of Lloyd's algorithm ended: centers (K, D), the labels (N,) that they imply, and their inertia."""

    centers: np.ndarray
    labels: np.ndarray
    inertia: float
    n_iter: int
    settled: bool


def run_lloyd(table, start, tolerance, max_iter):
    """Run Lloyd's algorithm until the centers' summed squared shift is at most `tolerance`, or for `max_iter` rounds.

    The same as kmeans.kmeans_steps, to rounding. start: (K, D). Centers are float32 if X is. Source: Lloyd (1982).

    >>> from gmm_from_scratch.table import Table
    >>> run_lloyd(Table(np.array([[0.0], [1.0], [9.0], [10.0]])), np.array([[0.0], [1.0]]), 0, 99).centers.tolist()
    [[0.5], [9.5]]
    """
    clusters = Clusters(table, start)
    settled, n_iter = False, 0
    while not settled and n_iter < max_iter:
        clusters.assign()
        settled = clusters.move(clusters.means()) <= tolerance
        n_iter += 1
    inertia = clusters.refine(np.float32 if table.X.dtype == np.float32 else float)
    if clusters.assign():                               # the centers had moved in the last round, and some rows follow
        inertia = sum_of_distances(table, clusters.labels, clusters.centers)
    return Lloyd(clusters.centers, clusters.labels, inertia, n_iter, bool(settled))


class Clusters:
    """Centers (K, D); the label and the room of each row; of each cluster its number of rows, their weight, their sum.

    spent: how far, at most, two centers have moved together since the start. Rooms are kept with what was spent before.
    """

    def __init__(self, table, start):
        self.table, self.columns, self.ids = table, Columns(table, len(start)), np.arange(len(start))[:, None]
        self.centers, self.spent, self.sums = np.array(start, float), 0.0, 0.0
        self.labels = np.full(table.n_rows, -1, np.int32)
        self.rooms = np.full(table.n_rows, -np.inf, self.columns.dtype)

    def assign(self):
        """Give each row the label of its nearest center, keep the sums in step, and return how many rows moved."""
        look, first = nearest(self.columns, self.centers), np.isscalar(self.sums)

        def block(rows):
            change, n_moved = np.zeros((len(self.ids), 2 + self.table.n_features)), 0
            todo = rows.start + np.flatnonzero(~(self.rooms[rows] > self.spent))
            for piece in self.columns.pieces(rows if 2 * len(todo) > rows.stop - rows.start else todo):
                x, old = self.columns.take(piece), self.labels[piece]
                new, rooms = look(x)
                moved = np.flatnonzero(new != old)
                n_moved += len(moved)
                if first:
                    change += self._moments(x, piece, membership(new, len(self.ids)))
                elif len(moved):
                    joined = np.subtract(self.ids == new[moved], self.ids == old[moved], dtype=float)
                    change += self._moments(x.take(moved, axis=0), piece, joined, moved)
                self.labels[piece], self.rooms[piece] = new, (rooms + self.spent) * DOWN
            return [change, n_moved]

        change, n_moved = sum_of_blocks(block, self.table.n_rows, share(self.table.n_rows), self.table.mapping)
        self.sums = self.sums + change
        return n_moved

    def _moments(self, x, piece, joined, part=slice(None)):
        """Return what clusters gain by x, a part of the rows of a piece: number, weight and sum.

        joined: (K, B), 1 where a row joined, -1 where it left.
        """
        z = self.columns.shifted(x, float)
        if self.table.weight is None:
            n = joined @ np.ones(len(x))
            return np.column_stack([n, n, joined @ z])
        weight = self.table.weight[piece][part].astype(float)
        return np.column_stack([joined @ (weight > 0).astype(float), joined @ weight, joined @ (weight[:, None] * z)])

    def means(self):
        """Return the mean of each cluster. One without rows takes the row farthest from its center, as in kmeans.update_step."""
        empty = np.flatnonzero(self.sums[:, 0] == 0)
        self.sums[empty] = 0
        with np.errstate(invalid="ignore"):
            means = self.columns.origin + self.sums[:, 2:] / self.sums[:, 1:2]
        if len(empty):
            def farthest(rows):
                far = _distances(self.table, self.labels, self.centers, rows)[1]
                return [[(-far[n], rows.start + n) for n in np.argsort(-far, kind="stable")[:len(empty)]]]
            ranked = sorted(self.table.sum(farthest, 4 * self.table.n_features)[0])
            means[empty] = self.table.X[[row for _, row in ranked[:len(empty)]]]
        return means

    def move(self, centers):
        """Move the centers, and return the sum of their squared shifts."""
        shift = np.sqrt(((centers - self.centers) ** 2).sum(axis=1))
        self.spent += float(np.sort(shift)[-2:].sum())
        self.centers = centers
        return (shift**2).sum()

    def refine(self, dtype):
        """Move the centers to the means afresh, without the rounding of many small sums, and return the inertia there."""
        def block(rows):
            difference, squared = _distances(self.table, self.labels, self.centers, rows)
            if self.table.weight is not None:
                difference *= self.table.weight[rows, None]
            return [membership(self.labels[rows], len(self.ids)) @ difference, squared.sum()]

        first, within = self.table.sum(block, 3 * self.table.n_features)
        before, mass = self.centers, self.sums[:, 1:2]
        self.move((before + first / np.where(mass > 0, mass, 1)).astype(dtype))
        shift = self.centers - before
        return float(within - 2 * (shift * first).sum() + (mass * shift**2).sum())


def membership(labels, n_clusters):
    """Return the matrix (K, B) that has a 1 where a row belongs to a cluster."""
    return csc_array((np.ones(len(labels)), labels, np.arange(len(labels) + 1)), shape=(n_clusters, len(labels)))


def _distances(table, labels, centers, rows):
    """Return the rows less the centers of their clusters, and w_n |x_n - center|²."""
    x, weight = table.block(rows, float)
    x = x - centers.take(labels[rows], axis=0)
    squared = np.einsum("nd,nd->n", x, x)
    return x, squared if weight is None else weight * squared


def sum_of_distances(table, labels, centers):
    """Return the inertia, Σ_n w_n |x_n - center of its cluster|²."""
    return float(table.sum(lambda rows: [_distances(table, labels, centers, rows)[1].sum()], 3 * table.n_features)[0])


def assign(table, centers):
    """Return for each row of the table the index of its nearest center: shape (N,), int32."""
    columns, labels = Columns(table, len(centers)), np.empty(table.n_rows, np.int32)
    look = nearest(columns, centers)

    def block(rows):
        for piece in columns.pieces(rows):
            labels[piece] = look(table.X[piece])[0]
        return []

    sum_of_blocks(block, table.n_rows, share(table.n_rows), table.mapping)
    return labels


def plusplus(table, n_clusters, rng, n_trials=1):
    """Return rows of the table as starting centers, (K, D): the same as kmeans.kmeans_plusplus draws, to rounding.

    Kept of each row are its |z|² and its chance, its distance² to the nearest center so far times its weight. Small distances
    are computed exactly: a row is at distance 0 of its equals.
    """
    columns = Columns(table, n_trials)
    chance, squares = np.ones(table.n_rows, columns.dtype), np.empty(table.n_rows, columns.dtype)
    relative = None if table.weight is None else table.weight / table.weight.max()
    kept = np.empty((n_trials, table.n_rows), columns.dtype) if 4 * n_trials * table.n_rows <= KEPT_BYTES else None
    centers, doubles = np.empty((n_clusters, table.n_features)), table.n_features + 2 * n_trials + 4

    def prepare(rows):
        z = columns.shifted(table.X[rows])
        squares[rows] = np.einsum("nd,nd->n", z, z)
        if relative is not None:
            chance[rows] = relative[rows]
        return [[chance[rows].sum(dtype=float)]]

    def lowered(rows, candidates):
        """Return what the chances of rows would be if each of the candidates were a center: (T, B)."""
        x, c = table.X[rows], candidates - columns.origin.astype(float)
        lengths = (c * c).sum(axis=1)
        new = product((-2 * c).astype(columns.dtype), columns.shifted(x).T)
        new += squares[rows]
        new += lengths[:, None].astype(columns.dtype)
        small = new < 32 * columns.rounding * (squares[rows] + float(lengths.max()))
        if small.any():
            t, n = np.nonzero(small)
            new[t, n] = ((x[n].astype(float) - candidates[t]) ** 2).sum(axis=1)
        if relative is not None:
            new *= relative[rows].astype(columns.dtype)
        return new if first else np.minimum(new, chance[rows], out=new)

    def compare(rows):
        new = lowered(rows, candidates)
        if kept is not None:
            kept[:len(new), rows] = new
        return [new.sum(axis=1).astype(float)]

    def choose(rows):
        chance[rows] = lowered(rows, candidates[[best]])[0] if kept is None else kept[best, rows]
        return [[chance[rows].sum(dtype=float)]]

    edges = np.cumsum(table.sum(prepare, doubles)[0])
    for k in range(n_clusters):
        if edges[-1] == 0:
            raise ValueError(f"X has only {k} distinct rows, too few for {n_clusters} clusters. Ask for fewer clusters.")
        first = k == 0
        candidates = table.X[[_draw(chance, edges, rows_per_block(doubles), u) for u in rng.random(1 if first else n_trials)]].astype(float)
        best = 0 if len(candidates) == 1 and kept is None else table.sum(compare, doubles)[0].argmin()
        centers[k] = candidates[best]
        edges = np.cumsum(table.sum(choose, doubles)[0])
    return centers


def _draw(chance, edges, size, u):
    """Return a row, drawn in proportion to its chance by u from [0, 1). edges: sums of the chances up to the end of each block."""
    block = min(edges.searchsorted(u * edges[-1], side="right"), edges.searchsorted(edges[-1]))
    inside = np.cumsum(chance[block * size:(block + 1) * size], dtype=float)
    within = u * edges[-1] - (edges[block - 1] if block else 0)
    return block * size + min(inside.searchsorted(within, side="right"), inside.searchsorted(inside[-1]))
