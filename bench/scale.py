"""What it costs to run EM on a Dask cluster: time per iteration, side by side with one process on the same cores.

First table: one process with two threads, and two Dask processes with one thread each, on data that lie in memory already, and
from the same start. They take turns. A ratio of 1.3 says that Dask takes 1.3 times as long. The results must agree. Last stands the
ratio of the processor times, workers, client and scheduler together: a busy machine changes it less, but it knows nothing of waiting.

Second table: the processor time of one pass of Dask, for several numbers of rows and of partitions, apart for the workers and for
client and scheduler; and the shortest time that a task takes to go out and come back. From these, by least squares of the relative
errors and with no term below zero, the time of a pass is reckoned as

    t = a + c P + b N / W + e P / W + h (3 + log8 P)

with N rows, P partitions, W workers of one core. Client and scheduler take a + c P and do nothing else meanwhile. The workers take
b N + e P, and share it. A pass waits for the parameters to go out, the sums of the partitions, each level of the tree, and the way
back: h for each. What is printed for a thousand machines is extrapolation by this formula: no cluster of that size has been measured.

    python bench/scale.py [--quick] [--rounds 3]
"""

import itertools
import tempfile
import time

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
ROWS, PARTITIONS, PASSES = (250_000, 1_000_000), (4, 16, 64), 3
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
        return np.array([time.process_time(), sum(client.run(time.process_time).values())])

    start = spent()
    f()
    return spent() - start


def one_hop(client, clock):
    """Return the shortest time in which a task goes out to a worker and comes back."""
    def hop():
        return client.submit(int, pure=False).result()

    return side_by_side.take_turns([hop], 100, clock)[0].min()


def compare(client, path, X, start, options, clock):
    """Print one line of the first table."""
    table, family = on_cluster(client, path, len(X), 4), start.covariance_type
    with workers() as mapping:
        here = Table(X, mapping=mapping)
        sides = [lambda: em.fit_ours(here, start, ITERATIONS), lambda: em.fit_ours(table, start, ITERATIONS)]
        cost = np.median([[processor(client, side).sum() for side in sides] for _ in range(options.rounds)], axis=0)      # and warm up
        times, (one, many) = side_by_side.take_turns(sides, options.rounds, clock)
    difference = side_by_side.largest_difference(many, one)
    if difference > AGREE:
        raise SystemExit(f"The results differ by {difference:.1e}, more than {AGREE:.0e}.")
    ratio, ms = times[1] / times[0], 1e3 * np.median(times, axis=1) / (ITERATIONS + 1)      # the start needs a pass, too
    print(f"| {side_by_side.label(len(X), D, K)} | {family} | {ms[0]:.0f} | {ms[1]:.0f} | {np.median(ratio):.2f} "
          f"| {ratio.min():.2f}–{ratio.max():.2f} | {cost[1] / cost[0]:.2f} | {difference:.0e} |", flush=True)


def as_family(start, family):
    """Return a start of full covariances as one of another family."""
    return Mixture(start.weights, start.means, FAMILIES[family].restrict(start.covariances, start.weights), family)


def costs(sizes, seconds):
    """Return what one unit of each size costs, in seconds, none below zero: sizes are lists, as long as seconds."""
    terms = np.column_stack([np.ones(len(seconds)), *sizes]) / np.array(seconds)[:, None]
    scale = terms.max(axis=0)
    return nnls(terms / scale, np.ones(len(seconds)))[0] / scale


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
        print("\nfull covariances, Dask alone:\n\n| N | partitions | client and scheduler ms | workers ms |\n|---:|---:|---:|---:|")
        for N, n_parts in itertools.product(sizes, PARTITIONS):
            table = on_cluster(client, path, N, n_parts)
            em_of_table, point = EM(table, "full"), Point("full", start.weights, start.means - table.centre, start.covariances)
            em_of_table.visit(point)                            # warm up
            passes = [processor(client, lambda: em_of_table.visit(point)) for _ in range(PASSES * options.rounds)]      # noqa: B023
            seen.append((N, n_parts, *np.median(passes, axis=0)))
            print(f"| {N} | {n_parts} | {1e3 * seen[-1][2]:.1f} | {1e3 * seen[-1][3]:.1f} |", flush=True)
        h = one_hop(client, clock)
    N, P, serial, parallel = np.array(seen).T
    (a, c), (a_workers, b, e) = costs([P], serial), costs([N, P], parallel)
    a += a_workers
    print(f"\nt = {1e3 * a:.1f} ms + {1e3 * c:.2f} ms · P "
          f"+ ({1e9 * b:.0f} ns · N + {1e3 * e:.2f} ms · P) / W + {1e3 * h:.1f} ms · (3 + log8 P)")
    N, W = FAR
    terms = [a, c * W, (b * N + e * W) / W, h * (3 + np.log2(W) / 3)]
    print(f"extrapolated to N = {N:.0e}, W = P = {W}: {' + '.join(f'{term:.2f}' for term in terms)} = {sum(terms):.2f} s per pass; "
          f"on one core {b * N:.0f} s")


if __name__ == "__main__":
    main()
