"""Tables of points read block by block, so that nothing of their size is copied: one array, or arrays that come in turn.

EM needs of a table no more than sums over its rows, so it does not matter where they lie. `sum_of_parts` is that door.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from functools import cached_property, partial

import numpy as np

from .threads import fair_size, let_go_of_scratch, scratch, sum_all, sum_of_blocks, workers
from .validation import check_data, check_floats, check_sample_weight

BLOCK_BYTES = 5 << 20       # what one thread works on at a time: fewer bytes, and the threads stand in each other's way too often


class Table:
    """X, (N, D), and the weight of each row, checked; any layout, any type of real number, never changed.

    total: the sum of the weights, N without weights; n_counting: how many rows have one above 0. centre, spread: weighted
    mean and standard deviation of each column. dtype: in which blocks are computed with: float64 if that is asked for, or
    float32 if that is what X is and its squares and weights fit in, else float64. mapping: like `map`.
    Raises TypeError or ValueError for what is not finite real numbers, or for weights that are negative or all zero.
    """

    offset, elsewhere = 0, False        # elsewhere: in another process, which cannot write into an array of ours

    def __init__(self, X, sample_weight=None, *, n_features=None, dtype=None, mapping=map):
        self.X = as_array(X, 2, "X")
        check_data(self.X[:1] if np.isfinite(self.X[0]).all() else self.X, n_features)
        self.weight = None if sample_weight is None else as_array(sample_weight, 1, "sample_weight")
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

    def take(self, rows):
        """Return a copy of those rows, (B, D), for an array of indices."""
        return self.X[rows]

    def sum_of_parts(self, make, numbers_per_row, dtype=None):
        """Return the sum of make(part)(rows) over all blocks of rows of all parts; a part is a Table like this one.

        make and what it needs may be sent to where a part lies. This table is its only part.
        numbers_per_row: as for `sum`.
        """
        return self.sum(make(self), numbers_per_row, dtype)

    def part(self, X, weight=None, offset=0):
        """Return some rows as a Table of their own, with what has been measured of all; the first is row `offset` of all."""
        part = object.__new__(Table)
        vars(part).update(vars(self), X=X, weight=weight, n_rows=len(X), offset=offset)
        return part

    def rows_of_all(self, rows):
        """Return where rows of this part, a slice, lie among those of all parts."""
        return slice(self.offset + rows.start, self.offset + rows.stop)

    def sum(self, f, numbers_per_row, dtype=None):
        """Return the sum of f(rows), a list of arrays, over blocks of rows.

        numbers_per_row: how many numbers f keeps of each row, of this dtype or the table's. They tell how many rows make a block.
        """
        return sum_of_blocks(f, self.n_rows, self.block_rows(numbers_per_row, dtype), self.mapping)

    def block_rows(self, numbers_per_row, dtype=None):
        """Return how many rows `sum` takes at a time."""
        return fair_size(self.n_rows, rows_per_block(numbers_per_row * np.dtype(dtype or self.dtype).itemsize / 8))

    @cached_property
    def scatter(self):
        """Σ_n w_n (x_n - centre)(x_n - centre)ᵀ: (D, D)."""
        return self.sum_of_parts(_products, 3 * self.n_features, dtype=float)[0]

    def _measure(self, dtype):
        """Find total, centre, spread and dtype, and refuse what is not finite."""
        origin = self.first_row.astype(float)       # near the data: squares about it lose few digits
        sums = self.sum_of_parts(partial(_moments, origin=origin), 3 * self.n_features + 1)
        bad_weight, self.n_counting, self.total, first, second = sums
        if not second.max() <= 1e200:               # NaN, infinite, or too large to square
            self._refuse()                          # says which entry, and what to do
        if bad_weight or self.total <= 0:           # says in which way
            check_sample_weight(self.weight, self.n_rows)
        mean = first / self.total
        self.spread = np.sqrt(np.maximum(second / self.total - mean**2, 0))
        self.centre = origin + mean
        fits = self.spread.min() > 1e-12 and max(self.spread.max(), np.abs(self.centre).max()) < 1e12
        fits = fits and 1e-20 < self.total / self.n_rows < 1e20
        if dtype is None and self.first_row.dtype == np.float32 and fits:
            self.dtype = self.first_row.dtype
            self.centre = self.centre.astype(self.dtype).astype(float)      # a number that x can be compared with exactly

    @property
    def first_row(self):
        """The first row, of the type of X: (D,)."""
        return self.X[0]

    @property
    def float_type(self):
        """What numbers that belong to rows are kept as: float32 if X is, else float64."""
        return np.float32 if self.first_row.dtype == np.float32 else float

    def _refuse(self):
        check_data(self.X)


class Stream(Table):
    """Rows that come in blocks, one after the other, and again in each pass: more of them than memory holds.

    source: what gives the blocks, each an array (B, D), whenever iter(source) or source() is called: the same rows in the
    same order. The blocks may differ in B; the threads share each among them, so let it have some hundred thousand rows.
    Raises TypeError for what can be read only once, and names the block, counted from 0, if one is no such array.
    """

    def __init__(self, source, sample_weight=None, *, n_features=None, dtype=None, mapping=map):
        if isinstance(source, Iterator):
            raise TypeError(f"X is a {type(source).__name__}, which can be read only once, but EM reads all rows in each round. "
                            "Give the function that makes it, or an object on which iter() can be called again and again.")
        self.source, self.mapping, self.dtype = source, mapping, np.dtype(float)
        self.weight = None if sample_weight is None else as_array(sample_weight, 1, "sample_weight")
        self.n_features, self.n_rows = n_features, None if self.weight is None else len(self.weight)
        _, first = next(self._blocks(), (0, None))
        if first is None or not first.size:
            raise ValueError("X holds no data: no block of it has a row and a column (0 sample(s)) while a minimum of 1 is required.")
        self._first, self.n_features = first[0].copy(), first.shape[1]
        self._measure(dtype)

    def _blocks(self):
        """Yield the blocks that have rows, as arrays, and the number of each."""
        blocks = self.source() if callable(self.source) else self.source
        if not isinstance(blocks, Iterable):
            raise TypeError(f"X is a function that returns a {type(blocks).__name__}; it should return an iterator of blocks of rows.")
        for number, block in enumerate(blocks):
            if hasattr(block, "__len__") and len(block) == 0:
                continue
            array = as_array(block, 2, f"block {number} of X")
            if array.shape[1] != (self.n_features or array.shape[1]):
                check_floats(f"block {number} of X", array, (None, self.n_features), hint="All blocks need the same columns.")
            yield number, array

    def _parts(self):
        """Yield each block as a part."""
        n_rows = 0
        for _, block in self._blocks():
            rows = slice(n_rows, n_rows + len(block))
            if self.n_rows is not None and rows.stop > self.n_rows:
                self._refuse_length("more")
            yield self.part(block, None if self.weight is None else self.weight[rows], n_rows)
            n_rows = rows.stop
        if self.n_rows not in (None, n_rows):
            self._refuse_length(f"{n_rows}")
        self.n_rows = n_rows

    def _refuse_length(self, given):
        raise ValueError(f"the source of X gives {given} rows, but sample_weight, or the source when read before, has {self.n_rows}. "
                         "Give the same rows in each pass, and one weight for each.")

    def sum_of_parts(self, make, numbers_per_row, dtype=None):
        """Return the sum of make(part)(rows) over all blocks of rows of all parts, which are read in turn."""
        return sum_all(part.sum(make(part), numbers_per_row, dtype) for part in self._parts())

    def take(self, rows):
        """Return a copy of those rows, (B, D), for an array of indices. Reads everything once."""
        rows = np.asarray(rows)
        taken = np.empty((len(rows), self.n_features), self._first.dtype)
        for part in self._parts():
            here = (part.offset <= rows) & (rows < part.offset + len(part))
            taken[here] = part.X[rows[here] - part.offset]
        return taken

    @property
    def first_row(self):
        """The first row, of the type of the first block: (D,)."""
        return self._first

    def _refuse(self):
        for number, block in self._blocks():
            check_floats(f"block {number} of X", block, (None, None))


def _products(part):
    def products(rows):
        x, weight = part.block(rows, float)
        z = np.subtract(x, part.centre, out=scratch("phi", x.shape, float))
        return [(z if weight is None else weight[:, None] * z).T @ z]
    return products


def _moments(part, origin):
    def moments(rows):
        with np.errstate(all="ignore"):
            x, weight = part.block(rows)
            z = x - origin
            if weight is None:
                bad_weight, n_counting, total = 0, len(z), len(z)
                weight = np.ones(len(z), z.dtype)       # a product with ones sums faster than sum
            else:
                bad_weight, n_counting = int(not (weight.min() >= 0 and weight.max() <= 1e100)), np.count_nonzero(weight)
                total = weight.sum()
            return [bad_weight, n_counting, total, weight @ z, weight @ np.square(z, out=z)]
    return moments


def as_table(X, sample_weight=None, **options):
    """Return a Stream of what gives blocks of rows, a Table of any other data, and a Table that exists as it is."""
    if isinstance(X, Table):
        if sample_weight is not None:
            raise TypeError(f"sample_weight is given beside a {type(X).__name__}, which knows the weights of its rows. "
                            "Give them when you make it.")
        check_data(X.first_row[None], options.get("n_features"))
        return X
    gives_blocks = isinstance(X, Iterable) and not isinstance(X, Sequence | Set | Mapping) and not hasattr(X, "__array__")
    return (Stream if callable(X) or gives_blocks and not hasattr(X, "toarray") else Table)(X, sample_weight, **options)


@contextmanager
def open_table(X, sample_weight=None, **options):
    """Yield X as a table whose blocks are shared out to our threads. What is a Table already is yielded as it is."""
    if isinstance(X, Table):
        try:
            yield as_table(X, sample_weight, **options)
        finally:
            let_go_of_scratch()
    else:
        with workers() as mapping:
            yield as_table(X, sample_weight, mapping=mapping, **options)


def rows_per_block(doubles_per_row):
    """Return how many rows one block may have."""
    return max(64, int(BLOCK_BYTES / (8 * doubles_per_row)))


def as_array(value, n_axes, name):
    """Return an array of real numbers as it is, anything else as the checks make it, or raise their error."""
    if hasattr(value, "__array__") and not isinstance(value, np.ma.MaskedArray):
        array = np.asarray(value)
        if array.dtype.kind in "fiub" and array.ndim == n_axes and array.size:
            return array
    return check_data(value) if name == "X" else check_floats(name, value, (None,) * n_axes)
