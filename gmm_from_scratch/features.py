"""φ(x) = [1, z, quadratic terms of z] for a block of rows, z being x from the centre of the data, and what EM needs of it.

The E-step needs Θ φ, the M-step R φᵀ. φ, Θ φ and R have one column per row of X, so that sums over components run along
contiguous memory.
"""

import numpy as np

from .products import times_wide, wide_times_wide
from .threads import scratch


def n_features(form, D):
    """Return how many numbers φ has."""
    return 1 + D + form.n_terms(D)


def numbers_per_row(form, D, K):
    """Return how many numbers a round of EM keeps of each row."""
    return n_features(form, D) + 2 * K


def features(table, form, dtype):
    """Return a function of rows that gives their weights and φ, (1 + D + n_terms, B).

    φ lasts until the next call.
    """
    D, centre = table.n_features, table.centre.astype(dtype)[:, None]

    def read(rows):
        x, weight = table.block(rows, dtype)
        phi = scratch("phi", (n_features(form, D), len(x)), dtype)
        phi[0] = 1
        z = np.subtract(x.T, centre, out=phi[1:1 + D])
        form.terms(z, phi[1 + D:])
        return weight, phi

    return read


def log_joint(theta, phi):
    """Return Θ φ, (K, B), which lasts until the next call."""
    return times_wide(theta, phi, scratch("joint", (len(theta), phi.shape[1]), theta.dtype))


def moments(phi, resp, scale):
    """Return (scale R) φᵀ: (K, 1 + D + n_terms). Writes over resp, (K, B), or φ. scale: (B,)."""
    shorter = resp if len(resp) < len(phi) else phi
    shorter *= scale
    return wide_times_wide(phi, resp).T
