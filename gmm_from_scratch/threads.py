"""Sums over blocks of rows on all cores, with the same last digit on any number of them.

Our threads share out the rows, so each matrix product stays on its own core. The threads of the BLAS would only
queue for each other: they are held to one while ours run, and given back afterwards.
"""

import ctypes
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock

import numpy as np

MOST_THREADS = 8            # each holds the buffers of one block
MOST_CHUNKS = 32            # enough to keep the threads evenly busy, few enough to keep all their sums


@cache
def blas_controls():
    """Return the functions that read and set the number of threads of the OpenBLAS beside NumPy, or None."""
    package = Path(np.__file__).parent
    for path in sorted([*package.with_name("numpy.libs").glob("*openblas*"), *(package / ".dylibs").glob("*openblas*")]):
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        for name in ("scipy_openblas_{}_num_threads64_", "scipy_openblas_{}_num_threads",
                     "openblas_{}_num_threads64_", "openblas_{}_num_threads"):
            if hasattr(library, name.format("set")) and hasattr(library, name.format("get")):
                return getattr(library, name.format("get")), getattr(library, name.format("set"))
    return None


class _Holding:
    """How many fits hold the BLAS to one thread just now, and how many threads it had before the first of them."""

    lock, fits, before = Lock(), 0, 1


@contextmanager
def one_blas_thread():
    """Hold the BLAS to one thread, and yield how many it was allowed: so many threads are ours to use.

    Fits may run side by side: the last to end gives the threads back. Yields 1 where the BLAS cannot be held.
    """
    if (controls := blas_controls()) is None:
        yield 1
        return
    get, put = controls
    with _Holding.lock:
        if _Holding.fits == 0:
            _Holding.before = get()
            put(1)
        _Holding.fits += 1
        allowed = _Holding.before
    try:
        yield allowed
    finally:
        with _Holding.lock:
            _Holding.fits -= 1
            if _Holding.fits == 0:
                put(_Holding.before)


@contextmanager
def workers():
    """Yield a function that maps like `map`, on our own threads where there is more than one task and threads can start."""
    with one_blas_thread() as allowed:
        pools = []

        def mapping(f, tasks):
            if len(tasks) == 1 or allowed == 1:
                return map(f, tasks)
            if not pools:
                pools.append(_pool(min(allowed, MOST_THREADS)))
            return pools[0].map(f, tasks) if pools[0] else map(f, tasks)

        try:
            yield mapping
        finally:
            if pools and pools[0]:
                pools[0].shutdown(cancel_futures=True)


def _pool(n_threads):
    """Return running threads, or None where none can start, as in a browser's Python."""
    pool = ThreadPoolExecutor(n_threads)
    try:
        pool.submit(int).result()
    except RuntimeError:
        return None
    return pool


def sum_of_blocks(f, n_rows, size, mapping=map):
    """Return the sum of f(rows), a list of arrays, over consecutive slices of at most `size` rows.

    The order of the additions depends on the number of rows alone, and so does the result.

    >>> X = np.arange(10.0)
    >>> sum_of_blocks(lambda rows: [X[rows].sum(), X[rows].max()], 10, size=4)
    [np.float64(45.0), np.float64(19.0)]
    """
    n_blocks = -(-n_rows // size)
    chunk = -(-n_blocks // MOST_CHUNKS) * size      # rows per chunk: whole blocks

    def sum_of_chunk(first):
        return sum_all(f(slice(row, min(row + size, n_rows))) for row in range(first, min(first + chunk, n_rows), size))

    return sum_all(mapping(sum_of_chunk, range(0, n_rows, chunk)))


def sum_all(parts):
    """Return the sum of lists of arrays, entry by entry, in the order in which they come."""
    total = None
    for part in parts:
        total = part if total is None else [one + other for one, other in zip(total, part)]
    return total
