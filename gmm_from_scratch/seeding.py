"""The k-means++ start again, block by block."""

import numpy as np

from .nearest import Columns

KEPT_BYTES = 8 << 20            # the distances to all candidates are kept if they take no more than this


def plusplus(table, n_clusters, rng, n_trials=1):
    """Return rows of the table as starting centers, (K, D): the same as kmeans.kmeans_plusplus draws, to rounding.

    Kept of each row are its |z|² and its chance, its distance² to the nearest center so far times its weight. Small distances
    are computed exactly: a row is at distance 0 of its equals.
    """
    columns = Columns(table, n_trials)
    chance, squares = np.ones(table.n_rows, columns.dtype), np.empty(table.n_rows, columns.dtype)
    relative = None if table.weight is None else table.weight / table.weight.max()
    kept = np.empty((n_trials, table.n_rows), columns.dtype) if 4 * n_trials * table.n_rows <= KEPT_BYTES else None
    centers, numbers = np.empty((n_clusters, table.n_features)), table.n_features + 2 * n_trials + 4

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
        new = np.ascontiguousarray((columns.shifted(x) @ (-2 * c).T.astype(columns.dtype)).T)
        new += squares[rows]
        new += lengths[:, None].astype(columns.dtype)
        small = np.flatnonzero(new < 32 * columns.rounding * (squares[rows] + float(lengths.max())))
        if len(small):
            t, n = np.divmod(small, len(x))
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

    edges = np.cumsum(table.sum(prepare, numbers)[0])
    for k in range(n_clusters):
        if edges[-1] == 0:
            raise ValueError(f"X has only {k} distinct rows, too few for {n_clusters} clusters. Ask for fewer clusters.")
        first = k == 0
        draws = _draw(chance, edges, table.block_rows(numbers), rng.random(1 if first else n_trials))
        candidates = table.X[draws].astype(float)
        best = 0 if len(candidates) == 1 and kept is None else table.sum(compare, numbers)[0].argmin()
        centers[k] = candidates[best]
        edges = np.cumsum(table.sum(choose, numbers)[0])
    return centers


def _draw(chance, edges, size, u):
    """Return rows, (T,), drawn in proportion to their chances, one for each u from [0, 1).

    edges: sums of the chances up to the end of each block.
    """
    draws = np.empty(len(u), int)
    blocks = np.minimum(edges.searchsorted(u * edges[-1], side="right"), edges.searchsorted(edges[-1]))
    for block in set(blocks.tolist()):
        mine, sums = blocks == block, np.cumsum(chance[block * size:(block + 1) * size], dtype=float)
        within = u[mine] * edges[-1] - (edges[block - 1] if block else 0)
        draws[mine] = block * size + np.minimum(sums.searchsorted(within, side="right"), sums.searchsorted(sums[-1]))
    return draws
