"""Are the p-values of `bootstrap_lrt` uniform where they must be: on data that have exactly k components?

For each setting, many data sets are drawn from a known mixture of k components, and k is tested against k + 1 on each.
A p-value then takes the values 1/(B+1), 2/(B+1), ..., 1, each as often, B being the number of simulated data sets. The
table shows the mean p-value beside the mean of those values, in standard errors; the shares of p-values up to 5, 10, 20
and 50 %; and the probability, by a χ² test on ten equal cells, of shares that differ so much by chance.

    nice python bench/null_p_values.py [--data-sets 200] [--bootstrap 39] [--setting one-full] [--n-init 3]
"""

import argparse
import os
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from scipy.stats import chisquare

from gmm_from_scratch import Mixture
from gmm_from_scratch.em import sample_mixture
from gmm_from_scratch.selection import bootstrap_lrt

ONE, PLANE = Mixture([1.0], [[0.0]], [[[1.0]]]), Mixture([1.0], [[0.0, 0.0]], [np.diag([1.0, 1.0])])
FAR = Mixture([0.5, 0.5], [[0.0], [6.0]], [[[1.0]], [[1.0]]])
FAR_PLANE = Mixture([0.4, 0.6], [[0.0, 0.0], [5.0, 0.0]], [np.eye(2), np.diag([1.0, 3.0])])
NEAR = Mixture([0.5, 0.5], [[0.0], [2.5]], [[[1.0]], [[1.0]]])

# name: the truth, N, the family that is fitted
SETTINGS = {
    "one, full": (ONE, 50, "full"), "one, tied": (ONE, 50, "tied"), "plane, full": (PLANE, 40, "full"), "plane, tied": (PLANE, 40, "tied"),
    "two far, tied": (FAR, 60, "tied"), "two far, full": (FAR_PLANE, 60, "full"), "two near, tied": (NEAR, 60, "tied")}


def p_value(seed, *, setting, n_bootstrap, n_init):
    """Return the p-value of one data set."""
    truth, N, family = SETTINGS[setting]
    data, test = np.random.SeedSequence(seed).spawn(2)
    X, _ = sample_mixture(N, truth, np.random.default_rng(data))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bootstrap_lrt(X, truth.n_components, covariance_type=family, n_bootstrap=n_bootstrap, n_init=n_init,
                             random_state=np.random.default_rng(test)).p_value


def row(setting, p, n_bootstrap, seconds):
    """Return one line of the table."""
    expected, sd = (n_bootstrap + 2) / (2 * n_bootstrap + 2), np.sqrt(((n_bootstrap + 1) ** 2 - 1) / 12) / (n_bootstrap + 1)
    ranks = np.round(p * (n_bootstrap + 1)).astype(int)
    cells = np.bincount((ranks - 1) * 10 // (n_bootstrap + 1), minlength=10)
    shares = "  ".join(f"{(p <= level + 1e-9).mean():.3f}" for level in (0.05, 0.1, 0.2, 0.5))
    return (f"{setting:16} {SETTINGS[setting][1]:4} {p.mean():.3f} {expected:.3f} {(p.mean() - expected) / (sd / np.sqrt(len(p))):+6.2f}   "
            f"{shares}   {chisquare(cells).pvalue:.3f}  {seconds:5.0f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-sets", type=int, default=200)
    parser.add_argument("--bootstrap", type=int, default=39, help="one less than a multiple of ten")
    parser.add_argument("--n-init", type=int, default=3)
    parser.add_argument("--setting", choices=SETTINGS, action="append")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--save", help="an .npz for the p-values")
    options = parser.parse_args()
    print(f"{options.data_sets} data sets, {options.bootstrap} simulated for each, n_init={options.n_init}\n")
    print("setting             N   mean  expected  z     <= .05   <= .1   <= .2   <= .5   χ² p")
    kept = {}
    with ProcessPoolExecutor(options.workers) as pool:
        for setting in options.setting or SETTINGS:
            began = time.perf_counter()
            one = partial(p_value, setting=setting, n_bootstrap=options.bootstrap, n_init=options.n_init)
            kept[setting] = np.array(list(pool.map(one, range(options.data_sets), chunksize=5)))
            print(row(setting, kept[setting], options.bootstrap, time.perf_counter() - began), flush=True)
    if options.save:
        np.savez(options.save, **kept)


if __name__ == "__main__":
    main()
