"""How long one iteration of EM takes in scikit-learn, and here: ratios, measured side by side in one run.

Both start from the same mixture and run the same number of iterations. They take turns, and each round of one turn each
gives one ratio, so that a machine that is busy for a while slows both. A ratio above 1 says that we are faster. The results
must agree; in float32, where scikit-learn's sums over a million rows have lost all but two digits, ours must agree with
float64. Memory is what Python's own accounting (tracemalloc) sees beyond the data, at its peak.

On a busy machine, the threads of scikit-learn's BLAS wait for each other and its times say little; --one-thread then holds
both sides to one thread and counts the time of the processor, not of the clock.

    python bench/em.py [--quick] [--one-thread] [--rounds 5] [--size 100000x2x8] [--family full] [--dtype float64]
"""

import argparse
import datetime
import os
import platform
import sys
import time
import tracemalloc
import warnings
from typing import NamedTuple

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from gmm_from_scratch import Mixture
from gmm_from_scratch.blocks import run_em
from gmm_from_scratch.covariances import FAMILIES
from gmm_from_scratch.em import sample_mixture
from gmm_from_scratch.threads import blas_controls

CASES = {(10_000, 2, 3): 50, (100_000, 2, 8): 10, (1_000_000, 2, 8): 4, (100_000, 10, 10): 10, (100_000, 50, 16): 4,
         (1_000_000, 16, 16): 3}                                    # N, D, K: iterations
QUICK = {(10_000, 2, 3): 50, (100_000, 2, 8): 10, (100_000, 10, 10): 5}
AGREE = {"float64": 1e-8, "float32": 1e-3}                          # float32 knows seven digits of each number


class Result(NamedTuple):
    """One row of the table; times in milliseconds per iteration, memory in MiB."""

    theirs: float
    ours: float
    ratio: float
    low: float
    high: float
    memory: tuple
    difference: float


def make_case(N, D, K, family):
    """Return data drawn from a mixture whose components overlap a little, and a start some way from it."""
    rng = np.random.default_rng(N + D + K)
    roots = rng.normal(size=(K, D, 2 * D))
    S, weights = roots @ np.swapaxes(roots, 1, 2) / (2 * D), rng.dirichlet(np.full(K, 5.0))
    truth = Mixture(weights, 2.5 * rng.normal(size=(K, D)), S)
    X, _ = sample_mixture(N, truth, rng)
    start = Mixture(np.full(K, 1 / K), truth.means + 0.3 * rng.normal(size=(K, D)),
                    FAMILIES[family].restrict(1.5 * S, weights), family)
    return X, start


def fit_theirs(X, start, iterations):
    """Return scikit-learn's mixture after so many iterations from this start."""
    inverse = 1 / start.covariances if start.covariance_type in ("diag", "spherical") else np.linalg.inv(start.covariances)
    model = GaussianMixture(
        start.n_components, covariance_type=start.covariance_type, tol=0, max_iter=iterations, reg_covar=1e-6,
        weights_init=start.weights.astype(X.dtype), means_init=start.means.astype(X.dtype), precisions_init=inverse.astype(X.dtype))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)         # stopped short on purpose
        model.fit(X)
    assert model.n_iter_ == iterations
    return model.weights_, model.means_, model.covariances_


def fit_ours(X, start, iterations):
    """Return the same from gmm_from_scratch.blocks."""
    run = run_em(X, start, tol=0, max_iter=iterations, reg_covar=1e-6)
    assert len(run.log_likelihoods) == iterations + 1
    return run.mixture.weights, run.mixture.means, run.mixture.covariances


def seconds(f, clock):
    begin = clock()
    result = f()
    return clock() - begin, result


def peak_memory(f):
    """Return the most MiB that f held at one time."""
    tracemalloc.start()
    try:
        f()
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def measure(X, start, iterations, rounds, agree, clock):
    """Return a Result, or stop with an error if the two do not agree."""
    fit_ours(X[:5000], start, 1), fit_theirs(X[:5000], start, 1)    # warm up
    theirs, ours = [], []
    for turn in range(rounds):
        for mine in (turn % 2 == 0, turn % 2 == 1):
            times, fit = (ours, fit_ours) if mine else (theirs, fit_theirs)
            taken, result = seconds(lambda fit=fit: fit(X, start, iterations), clock)
            times.append(1e3 * taken / iterations)
            if mine:
                our_result = result
            else:
                their_result = result
    expected = their_result if X.dtype == np.float64 else fit_ours(X.astype(float), start, iterations)
    difference = max(np.abs(one - two).max() / np.abs(two).max() for one, two in zip(our_result, expected))
    if difference > agree:
        raise SystemExit(f"The results differ by {difference:.1e}, more than {agree:.0e}.")
    ratios = np.array(theirs) / ours
    memory = tuple(peak_memory(lambda fit=fit: fit(X, start, 1)) for fit in (fit_theirs, fit_ours))
    return Result(np.median(theirs), np.median(ours), np.median(ratios), ratios.min(), ratios.max(), memory, difference)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three of the six sizes")
    parser.add_argument("--one-thread", action="store_true", help="one thread each, time of the processor: for a busy machine")
    parser.add_argument("--size", help="one size alone, as 100000x2x8")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each side, 5 unless told")
    parser.add_argument("--family", choices=FAMILIES, help="one family alone")
    parser.add_argument("--dtype", choices=AGREE, help="one type of number alone")
    options = parser.parse_args()
    controls, clock = blas_controls(), time.process_time if options.one_thread else time.perf_counter
    if options.one_thread and os.environ.get("OPENBLAS_NUM_THREADS") != "1":       # read when NumPy and SciPy are imported
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "OPENBLAS_NUM_THREADS": "1"})
    print(f"{datetime.date.today()}, {os.cpu_count()} cores ({platform.machine()}), load {os.getloadavg()[0]:.1f}, BLAS threads "
          f"{controls[0]() if controls else 'unknown'}, Python {platform.python_version()}, NumPy {np.__version__}, "
          f"scikit-learn {sklearn.__version__}; {options.rounds} rounds, time of the "
          f"{'processor' if options.one_thread else 'clock'}\n")
    print("| N x D x K | family | type | scikit-learn ms | ours ms | ratio | (lowest, highest) | MiB theirs | MiB ours | differ by |")
    print("|---|---|---|---:|---:|---:|---|---:|---:|---:|")
    ratios = {}
    for (N, D, K), iterations in (QUICK if options.quick else CASES).items():
        if options.size and options.size != f"{N}x{D}x{K}":
            continue
        for family in [options.family] if options.family else FAMILIES:
            X, start = make_case(N, D, K, family)
            for dtype in [options.dtype] if options.dtype else AGREE:
                result = measure(X.astype(dtype, copy=False), start, iterations, options.rounds, AGREE[dtype], clock)
                ratios.setdefault(dtype, []).append(result.ratio)
                print(f"| {N} x {D} x {K} | {family} | {dtype} | {result.theirs:.1f} | {result.ours:.2f} | {result.ratio:.1f} "
                      f"| ({result.low:.1f}, {result.high:.1f}) | {result.memory[0]:.1f} | {result.memory[1]:.1f} "
                      f"| {result.difference:.0e} |", flush=True)
    print()
    for dtype, values in ratios.items():
        print(f"{dtype}: geometric mean {np.exp(np.mean(np.log(values))):.1f}, worst {min(values):.1f}, of {len(values)} cases")


if __name__ == "__main__":
    main()
