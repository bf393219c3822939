"""How long a whole fit of a mixture takes in scikit-learn, and here, until it stops by itself.

First table: `fit` with every parameter at its default, from a k-means start, the sum over several seeds. The two draw different
k-means starts, so the rounds and the mean log-likelihood per row stand beside the time.

Second table: components that overlap, so that EM crawls. Both begin at the same mixture. scikit-learn stops when a round gains less
than 1e-7 nats per row; ours, once as plain EM and once with accelerate=True, when the likelihood is as high as that.

They take turns, and each round of one turn each gives one ratio; a ratio above 1 says that we are faster. Likelihoods are
differences, ours less scikit-learn's, in nats per row: above 0, ours is the higher.

    python bench/fit.py [--quick] [--one-thread] [--rounds 3] [--size 100000x2x8] [--family full]
"""

import warnings

import em
import numpy as np
import side_by_side
import sklearn.mixture
from sklearn.exceptions import ConvergenceWarning

import gmm_from_scratch
from gmm_from_scratch.blocks import log_likelihood, run_em
from gmm_from_scratch.covariances import FAMILIES

WHOLE = [(10_000, 2, 3), (30_000, 2, 8), (20_000, 10, 10), (10_000, 50, 8)]             # N, D, K
SLOW = [(10_000, 1, 2), (10_000, 2, 3), (20_000, 2, 5), (10_000, 5, 4)]
APART, SEEDS, TOL, MOST = 0.5, range(10), 1e-7, 3000
THEIRS, OURS = sklearn.mixture.GaussianMixture, gmm_from_scratch.GaussianMixture
HEAD = "| lowest–highest | rounds theirs | rounds ours | likelihood |\n|---|---|---:|---:|---:|---|---:|---:|---:|"


def whole_fits(GaussianMixture, X, K, family):
    """Return fits with every default, from several seeds."""
    return [GaussianMixture(K, covariance_type=family, random_state=seed).fit(X) for seed in SEEDS]


def per_row(fit, X):
    """Return the mean log-likelihood of a fit, by our arithmetic, whoever fitted."""
    return log_likelihood(X, gmm_from_scratch.Mixture(fit.weights_, fit.means_, fit.covariances_, fit.covariance_type)) / len(X)


def until_slow(X, start):
    """Return scikit-learn's model from this start, stopped by the tolerance."""
    inverse = 1 / start.covariances if start.covariance_type in ("diag", "spherical") else np.linalg.inv(start.covariances)
    return THEIRS(start.n_components, covariance_type=start.covariance_type, tol=TOL, max_iter=MOST, weights_init=start.weights,
                  means_init=start.means, precisions_init=inverse).fit(X)


def rounds_to(goal, X, start, accelerate):
    """Return how many of our rounds it takes to a mean log-likelihood per row, or stop with an error if that is never reached."""
    trace = run_em(X, start, tol=0, max_iter=MOST, reg_covar=1e-6, accelerate=accelerate).log_likelihoods / len(X)
    if not trace.max() > goal - 1e-9:
        raise SystemExit(f"{goal - trace.max():.1e} nats per row are missing after {MOST} rounds.")
    return int(np.argmax(trace > goal - 1e-9))


def chosen(sizes, options):
    """Return the sizes to measure."""
    sizes = sizes[:2] if options.quick else sizes
    return [size for size in sizes if options.size in (None, "x".join(map(str, size)))]


def row(first, times, side, rounds, likelihood):
    """Return one line of a table: scikit-learn is side 0."""
    ratio, ms = times[0] / times[side], 1e3 * np.median(times, axis=1)
    return (f"| {first} | {ms[0]:.0f} | {ms[side]:.0f} | {np.median(ratio):.1f} | {ratio.min():.1f}–{ratio.max():.1f} "
            f"| {rounds[0]:.0f} | {rounds[1]:.0f} | {likelihood:+.0e} |"), np.median(ratio)


def main():
    parser = side_by_side.parser(__doc__)
    parser.add_argument("--family", choices=FAMILIES, help="one family alone")
    options = parser.parse_args()
    clock, families = side_by_side.begin(options), [options.family] if options.family else list(FAMILIES)
    for category in (ConvergenceWarning, gmm_from_scratch.ConvergenceWarning):
        warnings.simplefilter("ignore", category)           # 100 rounds may be too few: so in both
    ratios = {}
    print(f"Fit with defaults, the sum of {len(SEEDS)} seeds:\n\n| N × D × K | family | scikit-learn ms | ours ms | ratio " + HEAD)
    for N, D, K in chosen(WHOLE, options):
        for family in families:
            X, _ = em.make_case(N, D, K, family)
            sides = [lambda Side=Side, X=X, K=K, family=family: whole_fits(Side, X, K, family) for Side in (THEIRS, OURS)]
            times, fits = side_by_side.take_turns(sides, options.rounds, clock)
            rounds, values = ([np.mean([f(fit) for fit in side]) for side in fits] for f in (lambda fit: fit.n_iter_,
                                                                                             lambda fit, X=X: per_row(fit, X)))
            line, ratio = row(f"{side_by_side.label(N, D, K)} | {family}", times, 1, rounds, values[1] - values[0])
            ratios.setdefault("whole fit with defaults", []).append(ratio)
            print(line, flush=True)
    print("\nTo the likelihood at which scikit-learn's rounds gain less than 1e-7 nats per row, from the same start:\n\n"
          "| N × D × K | ours | scikit-learn ms | ours ms | ratio " + HEAD)
    for N, D, K in chosen(SLOW, options):
        X, start = em.make_case(N, D, K, "full", APART)
        goal = per_row(until_slow(X, start), X)
        runs = {kind: rounds_to(goal, X, start, kind == "accelerated") for kind in ("plain", "accelerated")}
        sides = [lambda X=X, start=start: until_slow(X, start)]
        sides += [lambda X=X, start=start, kind=kind, n=n: run_em(X, start, tol=0, max_iter=n, reg_covar=1e-6,
                                                                 accelerate=kind == "accelerated") for kind, n in runs.items()]
        times, (theirs, *ours) = side_by_side.take_turns(sides, options.rounds, clock)
        for side, ((kind, n), run) in enumerate(zip(runs.items(), ours), 1):
            ahead = log_likelihood(X, run.mixture) / N - goal
            line, ratio = row(f"{side_by_side.label(N, D, K)} | {kind}", times, side, (theirs.n_iter_, n), ahead)
            ratios.setdefault(f"to the same likelihood, {kind}", []).append(ratio)
            print(line, flush=True)
    side_by_side.summary(ratios)


if __name__ == "__main__":
    main()
