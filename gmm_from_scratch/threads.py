"""Sums over blocks of rows on all cores, up to eight, with the same last digit on any number of them.

Our threads share out the rows, so each matrix product stays on its own core. The threads of the BLAS would only
queue for each other: they are held to one while ours run, and given back afterwards.
"""

import ctypes
from collections import deque
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from math import prod
from pathlib import Path
from threading import Event, Lock, local

import numpy as np

MOST_THREADS = 8            # each holds the buffers of one block
FAIR = 4                    # so many blocks keep 2 or 4 threads busy to the end

_mine = local()


def scratch(name, shape, dtype):
    """Return an array to write on, which each thread keeps: what it holds lasts until the next call with this name.

    To ask the system for fresh memory in each block can take as long as half the arithmetic. `let_go_of_scratch` ends it.
    """
    size = prod(shape) * np.dtype(dtype).itemsize
    if name not in vars(_mine) or vars(_mine)[name].nbytes < size:
        vars(_mine)[name] = np.empty(size, np.uint8)
    return vars(_mine)[name][:size].view(dtype).reshape(shape)


def let_go_of_scratch():
    """Give back what this thread keeps for `scratch`."""
    vars(_mine).clear()


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
    """Yield a function that maps like `map`, on this and our own threads where there is more than one task and threads can start."""
    with one_blas_thread() as allowed:
        n_helpers, pools = min(allowed, MOST_THREADS) - 1, []

        def mapping(f, tasks):
            if len(tasks) == 1 or not n_helpers:
                return map(f, tasks)
            if not pools:
                pools.append(_pool(n_helpers))
            return _share(f, tasks, pools[0], n_helpers) if pools[0] else map(f, tasks)

        try:
            yield mapping
        finally:
            let_go_of_scratch()
            if pools and pools[0]:
                pools[0].shutdown()


def _share(f, tasks, pool, n_helpers):
    """Yield f(task) of each task in turn, each done by whoever is free, this thread or one of the pool.

    After an error, or when the generator is closed, no task is begun. What the others have done is handed on whenever this
    thread has done a task of its own, so little is kept.
    """
    done, todo, following = {}, deque(range(len(tasks))), 0

    def work():
        try:
            while True:
                try:
                    i = todo.popleft()
                except IndexError:                  # nothing left
                    return
                done[i] = f(tasks[i])
                yield
        finally:
            todo.clear()

    def ready():
        nonlocal following
        while following in done:
            yield done.pop(following)
            following += 1

    helpers = [pool.submit(deque, work(), 0) for _ in range(n_helpers)]         # each works to the end
    try:
        for _ in work():
            yield from ready()
    finally:
        todo.clear()
        wait(helpers)
        for helper in helpers:
            helper.result()
    yield from ready()


def _pool(n_threads):
    """Return so many running threads, or None where they cannot start, as in a browser's Python."""
    pool, gate = ThreadPoolExecutor(n_threads), Event()
    try:
        for _ in range(n_threads):
            pool.submit(gate.wait)              # while the others wait, each needs a thread of its own
    except RuntimeError:
        pool.shutdown(wait=False)
        return None
    finally:
        gate.set()
    return pool


def fair_size(n_rows, most):
    """Return how many rows a block may have, at most so many, if blocks of one size are to be shared out fairly; or one block."""
    n_blocks = -(-n_rows // most)
    return most if n_blocks <= 1 else -(-n_rows // (-(-n_blocks // FAIR) * FAIR))


def sum_of_blocks(f, n_rows, size, mapping=map):
    """Return the sum of f(rows), a list of arrays, over consecutive slices of at most `size` rows.

    They are added from the first to the last, whoever computes them, so the number of threads changes no digit.

    >>> X = np.arange(10.0)
    >>> sum_of_blocks(lambda rows: [X[rows].sum(), X[rows].max()], 10, size=4)
    [np.float64(45.0), np.float64(19.0)]
    """
    sums = mapping(f, [slice(row, min(row + size, n_rows)) for row in range(0, n_rows, size)])
    try:
        return sum_all(sums)
    finally:
        if hasattr(sums, "close"):          # after an error, other threads may still be at work
            sums.close()


def sum_all(parts):
    """Return the sum of lists of arrays, entry by entry, in the order in which they come."""
    total = None
    for part in parts:
        total = part if total is None else [one + other for one, other in zip(total, part)]
    return total
