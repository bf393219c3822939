"""The nearest center of each row, and how long it will stay the nearest, block by block and without an array of N x K.

½|z - c_k|² is linear in φ(z) = [1, ½|z|², z], so the distances of a block of rows to all centers are one matrix product. It is
computed with float32, and its rounding is bounded. Where rounding could decide, and at ties, the distances of a row are
taken again, as kmeans.assign_step takes them: the labels are the same.
"""

import numpy as np
from scipy.spatial.distance import cdist

from .products import times_wide
from .table import rows_per_block
from .threads import fair_size, scratch, sum_of_blocks


class Columns:
    """The rows of a table as float32, from an origin near which they lie, and how far off distances from products may be.

    rounding: the difference of two computed values of ½|z - c_k|² is wrong by no more than this times |z|² + 2 max |c_k|².
    That includes the last bits of each, which are given away for k.
    size: how many rows make a piece that fits the cache. share: how many a thread looks through, in most rounds only to see
    which have spent their room.
    """

    def __init__(self, table, n_centers):
        spread, offset = (table.spread**2).sum(), (table.centre**2).sum()
        self.table = table
        self.origin = table.centre.astype(table.float_type) * (offset > spread)
        self.dtype = np.dtype(np.float32 if 1e-24 < spread and spread + offset < 1e24 and n_centers <= 256 else float)
        self.n_marks = 1 << (n_centers - 1).bit_length()
        self.rounding = float((table.n_features + 6 + self.n_marks) * np.finfo(self.dtype).eps)
        self.size = rows_per_block(2 * table.n_features + n_centers + 10)
        self.share = fair_size(table.n_rows, 8 * self.size)

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
        slack = float(columns.rounding * squares.max())                     # what keeps rounded distances positive
        theta = np.empty((len(c), 2 + c.shape[1]), columns.dtype)
        theta[:, 0], theta[:, 1], theta[:, 2:] = squares + 2 * slack, 1, -c
    integer = np.dtype(f"u{columns.dtype.itemsize}")
    marks, ids = integer.type(columns.n_marks - 1), np.arange(len(c), dtype=integer)[:, None]

    def look(x):                        # writes on arrays of its own: an M-step holds φ while it asks for labels
        with np.errstate(all="ignore"):
            phi = scratch("near", (2 + x.shape[1], len(x)), columns.dtype)  # φ = [1, ½|z|², z]
            phi[0], phi[2:] = 1, columns.shifted(x).T
            np.einsum("db,db->b", phi[2:], phi[2:], out=phi[1])
            phi[1] *= 0.5 + columns.rounding
            half = times_wide(theta, phi, scratch("half", (len(c), len(x)), columns.dtype))
            bits = half.view(integer)                                       # ½d², (K, B), as the whole numbers that its bits spell,
            bits &= ~marks                                                  # which are in the same order;
            bits |= ids                                                     # the last bits now say which center it is
            best = bits.min(axis=0)
            labels = (best & marks).astype(np.int32)
            bits -= best + integer.type(1)                                  # from the best itself: less than zero, so very large
            second = best + integer.type(1) + bits.min(axis=0)
            best, second = best.view(columns.dtype), second.view(columns.dtype)
            error = 4 * columns.rounding * best + 8 * slack
            rooms = (second - best - error) / np.sqrt(best + second)        # ½(d₂² - d₁²) / √(½(d₁² + d₂²)) ≤ d₂ - d₁
        unsure = (~(rooms > 0)).nonzero()[0]
        if len(unsure):
            labels[unsure] = cdist(x[unsure].astype(float), centers, "sqeuclidean").argmin(axis=1)
        return labels, rooms

    return look


def assign(table, centers):
    """Return for each row of the table the index of its nearest center: shape (N,), int32."""
    columns, labels = Columns(table, len(centers)), np.empty(table.n_rows, np.int32)
    look = nearest(columns, centers)

    def block(rows):
        for piece in columns.pieces(rows):
            labels[piece] = look(table.X[piece])[0]
        return []

    sum_of_blocks(block, table.n_rows, columns.share, table.mapping)
    return labels


def farthest(far, number, first):
    """Return [(minus the distance, row), ...] of the farthest of some rows, the first of which is row `first`; ties as they stand.

    Lists of several blocks are joined by adding, and sorted by sorting.
    """
    return [(-far[n], first + n) for n in np.argsort(-far, kind="stable")[:number]]
