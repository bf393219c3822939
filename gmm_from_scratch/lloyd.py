"""Lloyd's algorithm again, block by block: fast, and with memory of a few bytes a row.

Its answers are those of kmeans.py, whose few lines say what is computed here. Two ideas make it fast, beside nearest.py:

1. Most rows can be left alone. If the nearest center of a row is at distance d₁ and the next at d₂, the row keeps its label
   until two centers have moved by d₂ - d₁ together: its room. A row is looked at again when the centers have spent its room
   (after Hamerly 2010, with one sum for all centers instead of one for each).
2. Only a row that changes its cluster changes the sums from which the centers are computed.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csc_array

from .nearest import Columns, farthest, nearest
from .threads import sum_of_blocks

DOWN = 1 - 2.0**-21             # rooms are rounded down, never up


class Lloyd(NamedTuple):
    """Where a run of Lloyd's algorithm ended: centers (K, D), the labels (N,) that they imply, and their inertia."""

    centers: np.ndarray
    labels: np.ndarray
    inertia: float
    n_iter: int
    settled: bool


def run_lloyd(table, start, tolerance, max_iter):
    """Run Lloyd's algorithm until the centers' summed squared shift is at most `tolerance`, or for `max_iter` rounds.

    Or until new rows for empty clusters no longer lower the inertia: where X has fewer distinct rows than there are centers,
    rounding would send these from row to row without end. The same as kmeans.kmeans_steps, to rounding.
    start: (K, D). Centers are float32 if X is. Source: Lloyd (1982).

    >>> from gmm_from_scratch.table import Table
    >>> run_lloyd(Table(np.array([[0.0], [1.0], [9.0], [10.0]])), np.array([[0.0], [1.0]]), 0, 99).centers.tolist()
    [[0.5], [9.5]]
    """
    clusters = Clusters(table, start)
    settled, n_iter = False, 0
    while not settled and n_iter < max_iter:
        clusters.assign()
        settled = clusters.move(clusters.means()) <= tolerance or clusters.stuck
        n_iter += 1
    inertia = clusters.refine(table.float_type)
    if clusters.assign():                               # the centers had moved in the last round, and some rows follow
        inertia = sum_of_distances(table, clusters.labels, clusters.centers)
    return Lloyd(clusters.centers, clusters.labels, inertia, n_iter, bool(settled))


class Clusters:
    """Centers (K, D); the label and the room of each row; of each cluster its number of rows, their weight, their sum.

    spent: how far, at most, two centers have moved together since the start. Rooms are kept with what was spent before.
    lowest: the inertia when a cluster was last empty. stuck: whether it is 0, or has not fallen since the time before.
    """

    def __init__(self, table, start):
        self.table, self.columns, self.ids = table, Columns(table, len(start)), np.arange(len(start))[:, None]
        self.centers, self.spent, self.sums = np.array(start, float), 0.0, None
        self.lowest, self.stuck = np.inf, False
        self.labels = np.full(table.n_rows, -1, np.int32)
        self.rooms = np.full(table.n_rows, -np.inf, self.columns.dtype)

    def assign(self):
        """Give each row the label of its nearest center, keep the sums in step, and return how many rows moved."""
        look = nearest(self.columns, self.centers)

        def block(rows):
            change, n_moved = np.zeros((len(self.ids), 2 + self.table.n_features)), 0
            todo = rows.start + (~(self.rooms[rows] > self.spent)).nonzero()[0]
            for piece in self.columns.pieces(rows if 2 * len(todo) > rows.stop - rows.start else todo):
                x, old = self.columns.take(piece), self.labels[piece]
                new, rooms = look(x)
                moved = (new != old).nonzero()[0]
                n_moved += len(moved)
                if self.sums is None:
                    change += self._moments(x, piece, membership(new, len(self.ids)))
                elif len(moved):
                    joined = np.subtract(self.ids == new[moved], self.ids == old[moved], dtype=float)
                    change += self._moments(x.take(moved, axis=0), piece, joined, moved)
                self.labels[piece], self.rooms[piece] = new, (rooms + self.spent) * DOWN
            return [change, n_moved]

        change, n_moved = sum_of_blocks(block, self.table.n_rows, self.columns.share, self.table.mapping)
        self.sums = change if self.sums is None else self.sums + change
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
        empty = (self.sums[:, 0] == 0).nonzero()[0]
        self.sums[empty] = 0
        with np.errstate(invalid="ignore"):
            means = self.columns.origin + self.sums[:, 2:] / self.sums[:, 1:2]
        if len(empty):
            def look(rows):
                far = _distances(self.table, self.labels, self.centers, rows)[1]
                return [farthest(far, len(empty), rows.start), far.sum()]
            ranked, within = self.table.sum(look, 3 * self.table.n_features + 4, float)
            means[empty] = self.table.X[[row for _, row in sorted(ranked)[:len(empty)]]]
            self.stuck, self.lowest = not 0 < within < self.lowest, within
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

        first, within = self.table.sum(block, 3 * self.table.n_features + 4, float)
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
    return float(table.sum(lambda rows: [_distances(table, labels, centers, rows)[1].sum()], 3 * table.n_features + 4, float)[0])
