"""A table of points read block by block, so that nothing of its size is copied."""

import numpy as np

from .threads import sum_of_blocks
from .validation import check_data, check_floats, check_sample_weight

BLOCK_BYTES = 1 << 20       # what one thread works on at a time: it fits the cache of its core


class Table:
    """X, (N, D), and the weight of each row, checked; any layout, any type of real number, never changed.

    total: the sum of the weights, N without weights. centre, spread: weighted mean and standard deviation of each
    column. dtype: float32 if that is what X is and its squares fit in, else float64. mapping: like `map`.
    Raises TypeError or ValueError for what is not finite real numbers, or for weights that are negative or all zero.
    """

    def __init__(self, X, sample_weight=None, *, n_features=None, mapping=map):
        self.X = _as_array(X, 2)
        check_data(self.X[:1], n_features)
        self.weight = None if sample_weight is None else _as_array(sample_weight, 1)
        self.n_rows, self.n_features = self.X.shape
        if self.weight is not None and self.weight.shape != (self.n_rows,):
            check_floats("sample_weight", self.weight, (self.n_rows,), hint="Give one weight for each row of X.")
        self.mapping, self.dtype = mapping, np.dtype(float)
        self._measure()

    @property
    def shape(self):
        """(N, D), as an array has it."""
        return self.n_rows, self.n_features

    def block(self, rows, dtype=None):
        """Return those rows as floats of the given type, (B, D), and their weights, (B,) or None."""
        dtype = dtype or self.dtype
        weight = None if self.weight is None else self.weight[rows].astype(dtype, copy=False)
        return self.X[rows].astype(dtype, copy=False), weight

    def sum(self, f, doubles_per_row):
        """Return the sum of f(rows) over blocks of as many rows as keep so many doubles each in the cache."""
        return sum_of_blocks(f, self.n_rows, rows_per_block(doubles_per_row), self.mapping)

    def scatter(self):
        """Return Σ_n w_n (x_n - centre)(x_n - centre)ᵀ: (D, D)."""
        def products(rows):
            x, weight = self.block(rows, float)
            z = x - self.centre
            return [(z if weight is None else weight[:, None] * z).T @ z]
        return self.sum(products, 3 * self.n_features)[0]

    def _measure(self):
        origin = self.X[0].astype(float)            # near the data: squares about it lose few digits

        def moments(rows):
            with np.errstate(all="ignore"):
                x, weight = self.block(rows)
                z = x - origin
                if weight is None:
                    ones = np.ones(len(z), z.dtype)             # a product with ones sums faster than sum
                    return [0, len(z), ones @ z, ones @ (z * z)]
                bad_weight = int(not (weight.min() >= 0 and weight.max() <= 1e100))
                return [bad_weight, weight.sum(), weight @ z, weight @ (z * z)]

        bad_weight, self.total, first, second = self.sum(moments, 3 * self.n_features)
        if not second.max() <= 1e200:               # NaN, infinite, or too large to square
            check_data(self.X)                      # says which entry, and what to do
        if bad_weight or self.total <= 0:           # says in which way
            check_sample_weight(self.weight, self.n_rows)
        mean = first / self.total
        self.spread = np.sqrt(np.maximum(second / self.total - mean**2, 0))
        self.centre = origin + mean
        if self.X.dtype == np.float32 and self.spread.min() > 1e-12 and max(self.spread.max(), np.abs(self.centre).max()) < 1e12:
            self.dtype = self.X.dtype
            self.centre = self.centre.astype(self.dtype).astype(float)      # a number that x can be compared with exactly


def rows_per_block(doubles_per_row):
    """Return how many rows one block may have."""
    return max(64, BLOCK_BYTES // (8 * doubles_per_row))


def _as_array(value, n_axes):
    """Return an array of real numbers as it is, anything else as the checks make it, or raise their error."""
    if hasattr(value, "__array__") and not isinstance(value, np.ma.MaskedArray):
        array = np.asarray(value)
        if array.dtype.kind in "fiub" and array.ndim == n_axes and array.size:
            return array
    return check_data(value) if n_axes == 2 else check_floats("sample_weight", value, (None,))
