"""What it costs to run EM on a Dask cluster: time per iteration, side by side with one process on the same cores.

First table: one process with two threads, and two Dask processes with one thread each, on data that lie in memory already, and
from the same start. They take turns. A ratio of 1.3 says that Dask takes 1.3 times as long. The results must agree. Last stands the
ratio of the processor times, workers, client and scheduler together: a busy machine changes it less, but it knows nothing of waiting.

Second table: one pass of Dask alone, on one worker and on two, for several numbers of rows and of partitions; the lowest time of all
rounds, since a busy machine can only add. To these times is fitted, by least squares of the relative errors and with no term below zero,

    t = a + b N / W + c P + d log2 W

with N rows, W workers, P partitions: a for what each pass costs, b for a row, c for handing out a partition, d for a level of the
tree. With two workers and a fast wire, d is mostly noise. What is printed for a thousand machines is extrapolation by this
formula, one core each: no cluster of that size has been measured.

    python bench/scale.py [--quick] [--rounds 3]
"""

import itertools
import tempfile
import time
from functools import partial

import dask
import em
import numpy as np
import side_by_side
from dask import array
from distributed import Client, LocalCluster
from scipy.optimize import nnls

from gmm_from_scratch import Mixture
from gmm_from_scratch.covariances import FAMILIES
from gmm_from_scratch.forms import Point
from gmm_from_scratch.passes import EM
from gmm_from_scratch.scale import DaskTable
from gmm_from_scratch.table import Table
from gmm_from_scratch.threads import workers

D, K, ITERATIONS, AGREE = 16, 16, 3, 1e-10
ROWS, PARTITIONS, PASSES = (250_000, 500_000, 1_000_000), (4, 16, 64), 5
FAR = (10**9, 1000)                 # rows and machines to reckon for


def block(path, first, last):
    """Return some rows of a file: each worker reads its own."""
    return np.load(path, mmap_mode="r")[first:last].copy()


def on_cluster(client, path, N, n_parts):
    """Return the first N rows of a file as a table whose partitions the workers hold."""
    cuts = np.linspace(0, N, n_parts + 1).astype(int).tolist()
    parts = [array.from_delayed(dask.delayed(block)(path, first, last), (last - first, D), dtype=float)
             for first, last in itertools.pairwise(cuts)]
    return DaskTable(array.concatenate(parts), client=client)


def processor(client, f):
    """Return the seconds of processor time that a call takes, of this process, which is the scheduler's, too, and of all workers."""
    def spent():
        return time.process_time() + sum(client.run(time.process_time).values())

    start = spent()
    f()
    return spent() - start


def compare(client, path, X, start, options, clock):
    """Print one line of the first table."""
    table, family = on_cluster(client, path, len(X), 4), start.covariance_type
    with workers() as mapping:
        here = Table(X, mapping=mapping)
        sides = [lambda: em.fit_ours(here, start, ITERATIONS), lambda: em.fit_ours(table, start, ITERATIONS)]
        cost = np.median([[processor(client, side) for side in sides] for _ in range(options.rounds)], axis=0)      # and warm up
        times, (one, many) = side_by_side.take_turns(sides, options.rounds, clock)
    difference = max(np.abs(a - b).max() / np.abs(a).max() for a, b in zip(one, many))
    if difference > AGREE:
        raise SystemExit(f"The results differ by {difference:.1e}, more than {AGREE:.0e}.")
    ratio, ms = times[1] / times[0], 1e3 * np.median(times, axis=1) / (ITERATIONS + 1)      # the start needs a pass, too
    print(f"| {side_by_side.label(len(X), D, K)} | {family} | {ms[0]:.0f} | {ms[1]:.0f} | {np.median(ratio):.2f} "
          f"| {ratio.min():.2f}–{ratio.max():.2f} | {cost[1] / cost[0]:.2f} | {difference:.0e} |", flush=True)


def as_family(start, family):
    """Return a start of full covariances as one of another family."""
    return Mixture(start.weights, start.means, FAMILIES[family].restrict(start.covariances, start.weights), family)


def fit_costs(seen):
    """Return a, b, c, d of the formula, in seconds."""
    N, P, W, t = np.array(seen).T
    terms = np.column_stack([np.ones(len(t)), N / W, P, np.log2(W)]) / t[:, None]
    scale = terms.max(axis=0)
    return nnls(terms / scale, np.ones(len(t)))[0] / scale


def main():
    options = side_by_side.parser(__doc__).parse_args()
    if options.one_thread:
        raise SystemExit("The clock must run for all processes: without --one-thread.")
    clock, sizes, seen = side_by_side.begin(options), ROWS[:2] if options.quick else ROWS, []
    with (tempfile.TemporaryDirectory() as folder, LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
          Client(cluster) as client):
        path = f"{folder}/X.npy"
        X, start = em.make_case(sizes[-1], D, K, "full")
        np.save(path, X)
        print("| N × D × K | family | one process ms | two Dask processes ms | ratio | lowest–highest | processor | differ by |")
        print("|---|---|---:|---:|---:|---|---:|---:|")
        for family in ("full", "diag"):
            compare(client, path, X, as_family(start, family), options, clock)
        print("\nfull covariances, Dask alone:\n\n| N | partitions | workers | ms |\n|---:|---:|---:|---:|")
        for n_workers in (2, 1):
            client.retire_workers(list(client.nthreads())[n_workers:])
            for N, n_parts in itertools.product(sizes, PARTITIONS):
                table = on_cluster(client, path, N, n_parts)
                visit = partial(EM(table, "full").visit, Point("full", start.weights, start.means - table.centre, start.covariances))
                visit()                                     # warm up
                times, _ = side_by_side.take_turns([visit], PASSES * options.rounds, clock)
                seen.append((N, n_parts, n_workers, times.min()))
                print(f"| {N} | {n_parts} | {n_workers} | {1e3 * seen[-1][-1]:.0f} |", flush=True)
    a, b, c, d = fit_costs(seen)
    reckoned = [a + b * N / W + c * P + d * np.log2(W) for N, P, W, _ in seen]
    error = np.median([abs(r / t - 1) for r, (*_, t) in zip(reckoned, seen)])
    N, W = FAR
    print(f"\nt = {1e3 * a:.1f} ms + {1e9 * b:.0f} ns · N / W + {1e3 * c:.2f} ms · P + {1e3 * d:.1f} ms · log2 W; "
          f"half of the measured times lie within {error:.0%} of it")
    print(f"extrapolated to N = {N:.0e}, W = P = {W}: {a:.2f} + {b * N / W:.2f} + {c * W:.2f} + {d * np.log2(W):.2f} "
          f"= {a + b * N / W + c * W + d * np.log2(W):.2f} s per iteration")


if __name__ == "__main__":
    main()
