"""How long k-means takes in scikit-learn, and here: ratios, measured side by side in one run.

First table: Lloyd's algorithm. Both start from the same rows of the data, run the same number of rounds, and must find the same
centers and labels; the time of the whole fit is divided by the rounds. Second table: whole fits, k-means++ start and default
tolerance, the sum over several seeds, with the mean inertia beside it, because the two draw different starts.

They take turns, and each round of one turn each gives one ratio, so that a machine that is busy for a while slows both. A ratio
above 1 says that we are faster. Memory is what Python's own accounting (tracemalloc) sees beyond the data, at its peak.

On a busy machine, the threads of scikit-learn wait for each other and its times say little; --one-thread then holds both sides
to one thread and counts the time of the processor, not of the clock.

    python bench/kmeans.py [--quick] [--one-thread] [--rounds 3] [--size 100000x2x8] [--dtype float64]
"""

import warnings

import numpy as np
import side_by_side
import sklearn.cluster
from sklearn.exceptions import ConvergenceWarning

import gmm_from_scratch
from gmm_from_scratch import Mixture
from gmm_from_scratch.em import sample_mixture

ITERATIONS, SEEDS = 20, range(3)
AGREE = {"float64": (1e-8, 0), "float32": (1e-2, 1e-3)}     # centers, relative to the largest; share of other labels
THEIRS, OURS = sklearn.cluster.KMeans, gmm_from_scratch.KMeans


def make_case(N, D, K):
    """Return data drawn from a mixture whose components overlap a little, and K of its rows as a start."""
    rng = np.random.default_rng(N + D + K)
    roots = rng.normal(size=(K, D, 2 * D))
    truth = Mixture(rng.dirichlet(np.full(K, 5.0)), 2.5 * rng.normal(size=(K, D)), roots @ np.swapaxes(roots, 1, 2) / (2 * D))
    X = sample_mixture(N, truth, rng)[0].astype(np.float32).astype(float)      # numbers that both types hold
    return X, X[rng.choice(N, K, replace=False)]


def lloyd(KMeans, X, start):
    """Return k-means after so many rounds from this start, or where it came to rest before."""
    return KMeans(len(start), init=start.astype(X.dtype), n_init=1, tol=0, max_iter=ITERATIONS).fit(X)


def whole_fits(KMeans, X, K):
    """Return the mean inertia and number of rounds of fits from several seeds."""
    fits = [KMeans(K, n_init=1, random_state=seed).fit(X) for seed in SEEDS]
    return np.mean([fit.inertia_ for fit in fits]), np.mean([fit.n_iter_ for fit in fits])


def difference(theirs, ours, dtype):
    """Return how far the centers differ, or stop with an error if the two do not agree."""
    centers, labels = AGREE[dtype]
    differ = np.abs(theirs.cluster_centers_ - ours.cluster_centers_).max() / np.abs(theirs.cluster_centers_).max()
    others = np.mean(theirs.labels_ != ours.labels_)
    if differ > centers or others > labels or dtype == "float64" and theirs.n_iter_ != ours.n_iter_:
        raise SystemExit(f"The centers differ by {differ:.1e}, {others:.1e} of the labels are others, "
                         f"after {theirs.n_iter_} and {ours.n_iter_} rounds.")
    return differ


def main():
    options = side_by_side.parser(__doc__).parse_args()
    clock = side_by_side.begin(options)
    warnings.simplefilter("ignore", ConvergenceWarning)                 # stopped short on purpose
    warnings.simplefilter("ignore", gmm_from_scratch.ConvergenceWarning)
    dtypes, ratios = [options.dtype] if options.dtype else side_by_side.DTYPES, {}
    print("| N × D × K | type | scikit-learn ms | ours ms | ratio | lowest–highest | MiB theirs | MiB ours | differ by |")
    print("|---|---|---:|---:|---:|---|---:|---:|---:|")
    for N, D, K in side_by_side.sizes(options):
        X, start = make_case(N, D, K)
        for dtype in dtypes:
            Y = X.astype(dtype, copy=False)
            sides = [lambda KMeans=KMeans, Y=Y, start=start: lloyd(KMeans, Y, start) for KMeans in (THEIRS, OURS)]
            times, (theirs, ours) = side_by_side.take_turns(sides, options.rounds, clock)
            differ, ratio = difference(theirs, ours, dtype), times[0] / times[1]
            theirs_ms, ours_ms = 1e3 * np.median(times, axis=1) / ours.n_iter_
            memory = [side_by_side.peak_memory(side) for side in sides]
            ratios.setdefault(f"one round, {dtype}", []).append(np.median(ratio))
            print(f"| {side_by_side.label(N, D, K)} | {dtype} | {theirs_ms:.2f} | {ours_ms:.2f} | {np.median(ratio):.2f} "
                  f"| {ratio.min():.2f}–{ratio.max():.2f} | {memory[0]:.1f} | {memory[1]:.1f} | {differ:.0e} |", flush=True)
    print("\n| N × D × K | type | scikit-learn ms | ours ms | ratio | lowest–highest | rounds theirs | rounds ours "
          "| inertia ours / theirs |")
    print("|---|---|---:|---:|---:|---|---:|---:|---:|")
    for N, D, K in side_by_side.sizes(options):
        X, _ = make_case(N, D, K)
        for dtype in dtypes:
            Y = X.astype(dtype, copy=False)
            sides = [lambda KMeans=KMeans, Y=Y, K=K: whole_fits(KMeans, Y, K) for KMeans in (THEIRS, OURS)]
            times, results = side_by_side.take_turns(sides, max(1, options.rounds // 2), clock)
            ratio, (theirs_ms, ours_ms) = times[0] / times[1], 1e3 * np.median(times, axis=1) / len(SEEDS)
            (their_inertia, their_rounds), (our_inertia, our_rounds) = results
            ratios.setdefault(f"whole fit, {dtype}", []).append(np.median(ratio))
            print(f"| {side_by_side.label(N, D, K)} | {dtype} | {theirs_ms:.1f} | {ours_ms:.1f} | {np.median(ratio):.2f} "
                  f"| {ratio.min():.2f}–{ratio.max():.2f} | {their_rounds:.0f} | {our_rounds:.0f} "
                  f"| {our_inertia / their_inertia:.3f} |", flush=True)
    side_by_side.summary(ratios)


if __name__ == "__main__":
    main()
