"""EM on a cluster: rows that lie on many machines, in the partitions of a dask.array or a Dask DataFrame.

EM asks of a table for sums over rows (table.py). So the partitions stay where they are. In each pass the parameters go to
the workers, each partition is summed where it lies, and the sums are added in a tree. In what order depends on the partitions
alone: neither the number of workers, nor which of them is quick or dies, changes a digit.

For a cluster of any kind, give `fit` its client, distributed.Client("tcp://address:8786") or another. The workers must have
this package installed, of the same version, as well as NumPy, SciPy and Dask, and together the memory for X. Give each worker
thread one partition or a few, of some 10 to 100 MB each. A lost partition is made again from where X comes from: a file, or
a seed. If X is an array in the memory of the caller, it is sent to the cluster, and kept on the scheduler as well.

Predictions need none of this, since rows know nothing of each other: X.map_blocks(model.predict, drop_axis=1, dtype=int).
"""

import ctypes
import os
import pickle
import time
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from functools import cache, cached_property
from itertools import accumulate

import cloudpickle
import numpy as np
from dask import array, delayed
from distributed import Client, KilledWorker, get_client, wait

from .exceptions import ClusterLostError
from .journal import Journal
from .mixture import GaussianMixture
from .table import Table, as_array
from .threads import one_blas_thread, sum_all
from .validation import check_floats, check_number, shown

BRANCHES = 8            # so many sums are added by one task of the tree
LOOK = 1.0              # seconds after which a pass that still runs looks whether the cluster is there


def fit(model, X, *, sample_weight=None, client=None, checkpoint=None, timeout=60.0):
    """Fit a GaussianMixture to data on a Dask cluster, and return it.

    The answer is that of model.fit for the same rows and random_state, up to rounding: to ten digits for float64, to about
    five for float32.

    model: a GaussianMixture, fitted in place. X: a dask.array, (N, D), or a Dask DataFrame of numbers. sample_weight: (N,), a
    NumPy or dask.array or a Dask Series; some starts gather the weights, though never X. client: a distributed.Client; if
    None, the current one.

    checkpoint: the name of a file, ending in .npz, that is written after each round. If it exists, the fit goes on from
    there, in another process or on another cluster, and ends with the answer of the undisturbed one. Parameters and
    data must be the same. The file is kept at the end: a second call reads the result from it, after one look at the data.
    timeout: seconds to wait for a worker when the cluster has none left, or for a scheduler that does not answer.

    Raises ValueError or TypeError for bad data, which name block and row, for bad parameters, and for a file that is no
    checkpoint of this fit; ClusterLostError if the cluster goes away, with the way to go on; and what model.fit raises.

    >>> from dask import array
    >>> from distributed import Client
    >>> X = array.from_array(np.array([[0.0], [1.0], [9.0], [10.0]]), chunks=(2, 1))
    >>> with Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=":0"):
    ...     model = fit(GaussianMixture(2, random_state=0), X)
    >>> sorted(model.means_.ravel().round(3).tolist())
    [0.5, 9.5]
    """
    if not isinstance(model, GaussianMixture):
        raise TypeError(f"model is of type {type(model).__name__}; expected a GaussianMixture.")
    journal = Journal(checkpoint, model)
    try:
        return model._fit(DaskTable(X, sample_weight, client=client, timeout=timeout), journal=journal)
    except ClusterLostError as error:
        resume = ("Nothing has been saved; with checkpoint=\"name.npz\" the next fit could go on from its last round." if checkpoint is None
                  else f"To go on, call fit again with a new client and the same checkpoint, {str(checkpoint)!r}.")
        raise ClusterLostError(f"the fit was interrupted {journal.place}: {error} {resume}") from error


class DaskTable(Table):
    """A table whose parts are the partitions of a dask.array or a Dask DataFrame, held in the memory of the workers.

    For GaussianMixture.fit and all else that takes a table and asks for sums. Parameters and errors are those of `fit`. Pickled,
    or where a function that is sent to the workers refers to it, only what has been measured remains, without rows.

    >>> issubclass(DaskTable, Table)
    True
    """

    elsewhere = True

    def __init__(self, X, sample_weight=None, *, client=None, timeout=60.0, n_features=None, dtype=None):
        self.client, self.timeout = _client(client), check_number("timeout", timeout, least=0)
        self.mapping, self.dtype, self.weights = map, np.dtype(float), None
        if not hasattr(X, "to_delayed"):
            raise TypeError(f"X is of type {type(X).__name__}; expected a dask.array or a Dask DataFrame. Data in memory, or what gives it "
                            "block by block, go to model.fit(X).")
        if X.ndim != 2:
            raise ValueError(f"X has {X.ndim} axes; expected (n_samples, n_features). Reshape your data: X.reshape(-1, 1) or X.to_frame().")
        if hasattr(X, "columns"):
            self.columns = X.columns
        self.parts = self._hold(X, 2, "X")
        shapes = self._all(np.shape, self.parts)
        self.numbers = [i for i, shape in enumerate(shapes) if shape[0]]            # empty blocks are left out
        if not self.numbers:
            raise ValueError("X holds no data: no block of it has a row (0 sample(s)) while a minimum of 1 is required.")
        shapes, self.parts = ([things[i] for i in self.numbers] for things in (shapes, self.parts))
        self.n_features = n_features or shapes[0][1]
        for i, shape in zip(self.numbers, shapes):
            check_floats(f"block {i} of X", np.broadcast_to(0.0, shape), (None, self.n_features or "at least 1"),
                         hint="All blocks, and the model, have the same columns.")
        *self.offsets, self.n_rows = accumulate((length for length, _ in shapes), initial=0)
        if sample_weight is not None:
            self.weights = self._hold(self._cut(sample_weight, [length for length, _ in shapes]), 1, "sample_weight")
        self._first = self.take([0])[0]
        self._measure(dtype)

    def __reduce__(self):
        return _measured, (self._measures(),)

    def _measures(self):
        mine = {"client", "parts", "weights", "weight", "numbers", "offsets", "columns"}
        return {name: value for name, value in vars(self).items() if name not in mine}

    def part(self, X, weight=None, offset=0):
        """Return some rows that are here as a Table of their own, with what has been measured of all; the first is row `offset` of all."""
        return _measured(self._measures()).part(X, weight, offset)

    @cached_property
    def weight(self):
        """The weights of all rows, (N,), gathered from the workers when a start asks for them; None if there are none."""
        return None if self.weights is None else np.concatenate(self._all(_same, self.weights))

    @property
    def first_row(self):
        """The first row, of the type of the first block: (D,)."""
        return self._first

    def sum_of_parts(self, make, numbers_per_row, dtype=None):
        """Return the sum of make(part)(rows) over all blocks of rows of all parts, each part being summed where it lies."""
        job = _task(_same, cloudpickle.dumps((self, make, numbers_per_row, dtype)))           # a task, so that it can be made again
        sums = [_task(_sum_of_part, job, *part) for part in zip(self.parts, self.weights or [None] * len(self.parts), self.offsets)]
        while len(sums) > 1:
            sums = [_task(sum_all, sums[i:i + BRANCHES]) for i in range(0, len(sums), BRANCHES)]
        return self._result(sums[0])

    def take(self, rows):
        """Return a copy of those rows, (B, D), for an array of indices."""
        rows, offsets = np.asarray(rows), np.array(self.offsets)
        owner = offsets.searchsorted(rows, side="right") - 1
        pieces = self._all(_rows, *zip(*((self.parts[i], rows[owner == i] - offsets[i]) for i in np.unique(owner))))
        taken = np.concatenate(pieces)
        return taken[np.argsort(np.argsort(owner, kind="stable"))]

    def _refuse(self):
        self._all(_check, self.parts, [f"block {i} of X" for i in self.numbers])

    def _hold(self, X, n_axes, name):
        """Return the blocks of X, each as a Future: an array of real numbers that a worker holds, and knows how to make again."""
        if n_axes == 2 and hasattr(X, "rechunk"):
            X = X.rechunk({1: -1})                                                  # whole rows
        blocks = np.ravel(X.to_delayed()).tolist()
        with self._watched():
            return self.client.compute([_task(as_array, block, n_axes, f"block {i} of {name}") for i, block in enumerate(blocks)])

    def _cut(self, sample_weight, lengths):
        """Return the weights as a dask.array that is cut as X is."""
        if not hasattr(sample_weight, "to_delayed"):
            sample_weight = array.from_array(check_floats("sample_weight", sample_weight, (None,)))
        with self._watched(), self.client.as_current():
            if hasattr(sample_weight, "to_dask_array"):
                sample_weight = sample_weight.to_dask_array(lengths=True)
            if np.isnan(sample_weight.shape).any():
                sample_weight = sample_weight.compute_chunk_sizes()
        check_floats("sample_weight", np.broadcast_to(0.0, sample_weight.shape), (self.n_rows,), hint="Give one weight for each row of X.")
        return sample_weight.rechunk((tuple(lengths),))

    def _all(self, f, *things):
        """Return f of each of some things, in a list."""
        return self._result(_task(_list, [_task(f, *each) for each in zip(*things)]))

    def _result(self, task):
        """Return what a task gives once the workers have done it, or raise its error; ClusterLostError if they cannot do it."""
        with self._watched():
            future, seen = self.client.compute(task), time.monotonic()
            while not future.done():
                with suppress(TimeoutError):
                    wait(future, timeout=LOOK)
                if future.done() or self._has_workers():
                    seen = time.monotonic()
                elif time.monotonic() - seen > self.timeout:
                    raise ClusterLostError(f"the cluster has had no worker for {self.timeout:g} seconds.")
            if future.status != "error" or isinstance(future.exception(), KilledWorker):
                return future.result()
        return future.result()                                                      # raises what the task has raised

    def _has_workers(self):
        self._check_connection()
        return bool(self.client.sync(self.client.scheduler.ncores, workers=None, callback_timeout=max(self.timeout, LOOK)))

    def _check_connection(self):
        if self.client.status != "running":
            raise ClusterLostError("the client is not connected to a scheduler.")

    @contextmanager
    def _watched(self):
        """Say what it means if the cluster cannot do what it is asked in here."""
        self._check_connection()
        try:
            yield
        except KilledWorker as error:
            raise ClusterLostError(f"workers died again and again, mostly for want of memory ({_first_line(error)}).") from error
        except (CancelledError, OSError) as error:
            raise ClusterLostError(f"the scheduler has gone, or has lost what it cannot make again ({_first_line(error)}).") from error


def _client(client):
    """Return the client that is given, or the current one."""
    if client is None:
        try:
            client = get_client()
        except ValueError:
            raise ValueError("there is no Dask cluster. Make a client first, distributed.Client() for the cores of this machine or "
                             'distributed.Client("tcp://address:8786") for a cluster that runs; or give one as client.') from None
    if not isinstance(client, Client) or client.asynchronous:
        raise TypeError(f"client is {shown(client)}; expected a distributed.Client that is not asynchronous.")
    return client


def _measured(state):
    """Return a Table that has been measured, and has no rows."""
    table = object.__new__(Table)
    vars(table).update(state)
    return table


def _first_line(error):
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _task(f, *arguments):
    return delayed(f, pure=False)(*arguments)


def _same(value):
    return value


def _list(values):
    return values


def _rows(X, rows):
    return X[rows]


def _check(block, name):
    check_floats(name, block, (None, None))


def _sum_of_part(job, X, weight, offset):
    """Return the sums over one partition. Each thread of the worker has a partition of its own, so the BLAS gets no more."""
    table, make, numbers_per_row, dtype = pickle.loads(job)
    part = table.part(X, weight, offset)
    _keep_freed_memory()
    with one_blas_thread():
        return part.sum(make(part), numbers_per_row, dtype)


@cache
def _keep_freed_memory():
    """Let the allocator of a worker keep some of the memory that is freed, as it does in other processes.

    Dask starts its workers with MALLOC_TRIM_THRESHOLD_=65536, so that glibc gives back to the system all that a block has
    needed, and asks for it again for the next one. To be given fresh pages takes longer than the arithmetic of EM.
    """
    if "MALLOC_TRIM_THRESHOLD_" in os.environ:
        with suppress(AttributeError, OSError, TypeError):          # another system, another allocator
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(-3, 32 << 20)                                   # M_MMAP_THRESHOLD: arrays up to here come from kept memory,
            mallopt(-1, 64 << 20)                                   # M_TRIM_THRESHOLD: of which so much stays, in bytes
