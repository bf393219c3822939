"""How fast this machine multiplies, takes exponentials and reads memory, and how far one round of EM is from that.

First table: rates, on as many threads as a fit may use, with one thread of the BLAS each, in blocks as large as a fit takes.
Second table: the least time of a round, if nothing but its two matrix products and its exponentials took any (or, if that is
more, reading the data once), and the time it takes. Where features are many, EM leaves out components that are too far away
to count, so it may beat that bound.

    python bench/limits.py [--quick] [--one-thread] [--rounds 3] [--size 100000x2x8] [--family full] [--dtype float64]
"""

import em
import numpy as np
import side_by_side

from gmm_from_scratch.covariances import FAMILIES
from gmm_from_scratch.forms import FORMS
from gmm_from_scratch.threads import MOST_THREADS, one_blas_thread, workers

TASKS, REPEATS = 4 * MOST_THREADS, 20


def rate(work, prepare, rounds, clock):
    """Return the most units of work per second that all threads together did. work: from what `prepare` returns to units."""
    best = 0.0
    with workers() as mapping:
        for _ in range(rounds):
            prepared = [prepare(task) for task in range(TASKS)]
            start = clock()
            units = sum(mapping(work, prepared))
            best = max(best, units / (clock() - start))
    return best


def multiply(arrays):
    """Multiply two matrices often and return the number of multiplications and additions."""
    theta, phi, out = arrays
    for _ in range(REPEATS):
        np.matmul(theta, phi, out=out)
    return 2.0 * REPEATS * theta.shape[0] * phi.size


def exponentials(arrays):
    """Take many exponentials and return how many."""
    x, out = arrays
    for _ in range(REPEATS):
        np.exp(x, out=out)
    return float(REPEATS * x.size)


def add_up(x):
    """Read a large array once and return its bytes."""
    x.sum()
    return float(x.nbytes)


def rates(dtype, rounds, clock):
    """Return multiplications and additions, exponentials, and bytes per second."""
    rng = np.random.default_rng(0)
    a, b, x = (rng.normal(size=shape).astype(dtype) for shape in ((64, 64), (64, 2048), 20_000))
    large = np.ones((TASKS, 1 << 21), dtype)
    return (rate(multiply, lambda task: (a, b, np.empty((64, 2048), dtype)), rounds, clock),
            rate(exponentials, lambda task: (-np.abs(x), np.empty_like(x)), rounds, clock),
            rate(add_up, lambda task: large[task], rounds, clock))


def main():
    parser = side_by_side.parser(__doc__)
    parser.add_argument("--family", choices=FAMILIES, help="one family alone")
    options = parser.parse_args()
    clock, dtypes = side_by_side.begin(options), [options.dtype] if options.dtype else side_by_side.DTYPES
    with one_blas_thread() as allowed:
        print(f"Threads: {min(allowed, MOST_THREADS)}\n")
    print("| type | matrix product GFLOP/s | exp, millions per s | reading GB/s |\n|---|---:|---:|---:|")
    speed = {}
    for dtype in dtypes:
        speed[dtype] = flops, exps, reads = rates(dtype, options.rounds, clock)
        print(f"| {dtype} | {flops / 1e9:.1f} | {exps / 1e6:.0f} | {reads / 1e9:.1f} |", flush=True)
    print("\n| N × D × K | family | type | products ms | exp ms | reading ms | bound ms | ours ms | ours / bound |")
    print("|---|---|---|---:|---:|---:|---:|---:|---:|")
    ratios = {}
    for N, D, K in side_by_side.sizes(options):
        for family in [options.family] if options.family else FAMILIES:
            X, start = em.make_case(N, D, K, family)
            n_terms = 1 + D + FORMS[family].n_terms(D)
            for dtype in dtypes:
                flops, exps, reads = speed[dtype]
                Y, iterations = X.astype(dtype, copy=False), em.ITERATIONS[N, D, K]
                few = [lambda i=i, Y=Y, start=start: em.fit_ours(Y, start, i) for i in (1, 1 + iterations)]
                times, _ = side_by_side.take_turns(few, options.rounds, clock)
                ours = 1e3 * np.median(times[1] - times[0]) / iterations        # the checks before the first round left out
                parts = [1e3 * N * amount for amount in (4 * n_terms * K / flops, K / exps, Y.itemsize * D / reads)]
                bound = max(parts[0] + parts[1], parts[2])
                ratios.setdefault(dtype, []).append(ours / bound)
                print(f"| {side_by_side.label(N, D, K)} | {family} | {dtype} | {parts[0]:.2f} | {parts[1]:.2f} | {parts[2]:.2f} "
                      f"| {bound:.2f} | {ours:.2f} | {ours / bound:.1f} |", flush=True)
    print()
    for dtype, values in ratios.items():
        print(f"- {dtype}: geometric mean of ours / bound {np.exp(np.mean(np.log(values))):.1f}, largest {max(values):.1f}")


if __name__ == "__main__":
    main()
