"""A table of points read block by block, so that nothing of its size is copied."""

from contextlib import contextmanager
from functools import cached_property

import numpy as np

from .threads import sum_of_blocks, workers
from .validation import check_data, check_floats, check_sample_weight

BLOCK_BYTES = 3 << 19       # what one thread works on at a time: it fits the cache of its core
SMALL_PRODUCT = 1e6         # multiplications up to which a BLAS may have quicker code (OpenBLAS with AVX-512: twice as quick)
FEWEST_ROWS = 256           # with fewer rows in a block, the calls to NumPy cost more than the arithmetic


class Table:
    """X, (N, D), and the weight of each row, checked; any layout, any type of real number, never changed.

    total: the sum of the weights, N without weights. centre, spread: weighted mean and standard deviation of each
    column. dtype: in which blocks are computed with: as asked, or float32 if that is what X is and its squares fit in, else
    float64. mapping: like `map`.
    Raises TypeError or ValueError for what is not finite real numbers, or for weights that are negative or all zero.
    """

    def __init__(self, X, sample_weight=None, *, n_features=None, dtype=None, mapping=map):
        self.X = _as_array(X, 2)
        check_data(self.X[:1], n_features)
        self.weight = None if sample_weight is None else _as_array(sample_weight, 1)
        self.n_rows, self.n_features = self.X.shape
        if self.weight is not None and self.weight.shape != (self.n_rows,):
            check_floats("sample_weight", self.weight, (self.n_rows,), hint="Give one weight for each row of X.")
        self.mapping, self.dtype = mapping, np.dtype(float)
        self._measure(dtype)

    @property
    def shape(self):
        """(N, D), as an array has it."""
        return self.n_rows, self.n_features

    def __len__(self):
        return self.n_rows

    def block(self, rows, dtype=None):
        """Return those rows as floats of the given type, (B, D), and their weights, (B,) or None."""
        dtype = dtype or self.dtype
        weight = None if self.weight is None else self.weight[rows].astype(dtype, copy=False)
        return self.X[rows].astype(dtype, copy=False), weight

    def sum(self, f, numbers_per_row, product_per_row=0, dtype=None):
        """Return the sum of f(rows), a list of arrays, over blocks of rows.

        numbers_per_row: how many numbers f keeps of each row, of this dtype or the table's; product_per_row: how many pairs
        of numbers its matrix products multiply for it. Both tell how many rows make a good block.
        """
        return sum_of_blocks(f, self.n_rows, self.block_rows(numbers_per_row, product_per_row, dtype), self.mapping)

    def block_rows(self, numbers_per_row, product_per_row=0, dtype=None):
        """Return how many rows `sum` takes at a time."""
        return rows_per_block(numbers_per_row * np.dtype(dtype or self.dtype).itemsize / 8, product_per_row)

    @cached_property
    def scatter(self):
        """Σ_n w_n (x_n - centre)(x_n - centre)ᵀ: (D, D)."""
        def products(rows):
            x, weight = self.block(rows, float)
            z = x - self.centre
            return [(z if weight is None else weight[:, None] * z).T @ z]
        return self.sum(products, 3 * self.n_features, dtype=float)[0]

    def _measure(self, dtype):
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
        fits = self.spread.min() > 1e-12 and max(self.spread.max(), np.abs(self.centre).max()) < 1e12
        if dtype is None and self.X.dtype == np.float32 and fits:
            self.dtype = self.X.dtype
            self.centre = self.centre.astype(self.dtype).astype(float)      # a number that x can be compared with exactly


@contextmanager
def open_table(X, sample_weight=None, *, n_features=None, dtype=None):
    """Yield X as a Table whose blocks are shared out to our threads. What is a Table already is yielded as it is."""
    if isinstance(X, Table):
        check_data(X.X[:1], n_features)
        yield X
    else:
        with workers() as mapping:
            yield Table(X, sample_weight, n_features=n_features, dtype=dtype, mapping=mapping)


def rows_per_block(doubles_per_row, product_per_row=0):
    """Return how many rows one block may have."""
    rows = max(64, int(BLOCK_BYTES / (8 * doubles_per_row)))
    small = int(SMALL_PRODUCT // max(product_per_row, 1))
    return min(rows, small) if small >= FEWEST_ROWS else rows


def _as_array(value, n_axes):
    """Return an array of real numbers as it is, anything else as the checks make it, or raise their error."""
    if hasattr(value, "__array__") and not isinstance(value, np.ma.MaskedArray):
        array = np.asarray(value)
        if array.dtype.kind in "fiub" and array.ndim == n_axes and array.size:
            return array
    return check_data(value) if n_axes == 2 else check_floats("sample_weight", value, (None,))
