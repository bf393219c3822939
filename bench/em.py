"""How long one iteration of EM takes in scikit-learn, and here: ratios, measured side by side in one run.

Both start from the same mixture and run the same number of iterations. They take turns, and each round of one turn each
gives one ratio, so that a machine that is busy for a while slows both. A ratio above 1 says that we are faster. The results
must agree. Memory is what Python's own accounting (tracemalloc) sees beyond the data, at its peak.

On a busy machine, the threads of scikit-learn's BLAS wait for each other and its times say little; --one-thread then holds
both sides to one thread and counts the time of the processor, not of the clock.

    python bench/em.py [--quick] [--one-thread] [--rounds 3] [--size 100000x2x8] [--family full] [--dtype float64]
"""

import warnings
from typing import NamedTuple

import numpy as np
import side_by_side
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from gmm_from_scratch import Mixture
from gmm_from_scratch.blocks import run_em
from gmm_from_scratch.covariances import FAMILIES
from gmm_from_scratch.em import sample_mixture

ITERATIONS = {(10_000, 2, 3): 50, (100_000, 2, 8): 20, (1_000_000, 2, 8): 8, (100_000, 10, 10): 20, (100_000, 50, 16): 10,
              (1_000_000, 16, 16): 5}                               # so many that what comes before the first weighs little
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


def make_case(N, D, K, family, apart=2.5):
    """Return data drawn from a mixture whose means lie `apart` from 0, in each column, and a start some way from it."""
    rng = np.random.default_rng(N + D + K)
    roots = rng.normal(size=(K, D, 2 * D))
    S, weights = roots @ np.swapaxes(roots, 1, 2) / (2 * D), rng.dirichlet(np.full(K, 5.0))
    truth = Mixture(weights, apart * rng.normal(size=(K, D)), S)
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


def fit_ours(X, start, iterations, reg_covar=1e-6):
    """Return the same from gmm_from_scratch.blocks."""
    run = run_em(X, start, tol=0, max_iter=iterations, reg_covar=reg_covar)
    assert len(run.log_likelihoods) == iterations + 1
    return run.mixture.weights, run.mixture.means, run.mixture.covariances


def measure(X, start, iterations, rounds, agree, clock):
    """Return a Result, or stop with an error if the two do not agree."""
    fit_ours(X[:5000], start, 1), fit_theirs(X[:5000], start, 1)    # warm up
    sides = [lambda fit=fit: fit(X, start, iterations) for fit in (fit_theirs, fit_ours)]
    times, (their_result, our_result) = side_by_side.take_turns(sides, rounds, clock)
    theirs, ours = 1e3 * times / iterations
    expected = their_result if X.dtype == np.float64 else fit_ours(X.astype(float), start, iterations)     # their float32 sums drift
    difference = side_by_side.largest_difference(our_result, expected)
    if difference > agree:
        raise SystemExit(f"The results differ by {difference:.1e}, more than {agree:.0e}.")
    ratios = theirs / ours
    memory = tuple(side_by_side.peak_memory(lambda fit=fit: fit(X, start, 1)) for fit in (fit_theirs, fit_ours))
    return Result(np.median(theirs), np.median(ours), np.median(ratios), ratios.min(), ratios.max(), memory, difference)


def main():
    parser = side_by_side.parser(__doc__)
    parser.add_argument("--family", choices=FAMILIES, help="one family alone")
    options = parser.parse_args()
    clock = side_by_side.begin(options)
    print("| N × D × K | family | type | scikit-learn ms | ours ms | ratio | lowest–highest | MiB theirs | MiB ours | differ by |")
    print("|---|---|---|---:|---:|---:|---|---:|---:|---:|")
    ratios = {}
    for N, D, K in side_by_side.sizes(options):
        iterations = ITERATIONS[N, D, K]
        for family in [options.family] if options.family else FAMILIES:
            X, start = make_case(N, D, K, family)
            for dtype in [options.dtype] if options.dtype else AGREE:
                result = measure(X.astype(dtype, copy=False), start, iterations, options.rounds, AGREE[dtype], clock)
                ratios.setdefault(dtype, []).append(result.ratio)
                print(f"| {side_by_side.label(N, D, K)} | {family} | {dtype} | {result.theirs:.1f} | {result.ours:.2f} "
                      f"| {result.ratio:.1f} | {result.low:.1f}–{result.high:.1f} | {result.memory[0]:.1f} | {result.memory[1]:.1f} "
                      f"| {result.difference:.0e} |", flush=True)
    side_by_side.summary(ratios)


if __name__ == "__main__":
    main()
