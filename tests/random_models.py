"""Random mixtures and groups that several test files start from."""

import numpy as np

from gmm_from_scratch import Mixture
from gmm_from_scratch.covariances import FAMILIES


def random_mixture(K, D, family="full", seed=0, spread=3.0):
    """Return a mixture with uneven weights, scattered means and random covariances of the family."""
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(K, D, D + 2))
    S = roots @ np.swapaxes(roots, 1, 2) / (D + 2)
    weights = rng.dirichlet(np.full(K, 5.0))
    return Mixture(weights, spread * rng.normal(size=(K, D)), FAMILIES[family].restrict(S, weights), family)


def blobs(N, D, K, seed=0):
    """Return overlapping round groups, and K rows of them."""
    rng = np.random.default_rng(seed)
    X = 2 * rng.normal(size=(K, D))[rng.integers(K, size=N)] + rng.normal(size=(N, D))
    return X, X[rng.choice(N, K, replace=False)]
