"""φ(x) = [1, z, quadratic terms of z] for a block of rows, z being x from the centre of the data, and what EM needs of it.

The E-step needs Θ φ, the M-step R φᵀ. Both Θ φ and R have one column per row of X, so that sums over components run along
contiguous memory. φ itself may lie either way. To turn it round takes about as long as one of the products, so where
features outnumber components it stays as X is, with one row per row of X, and Θ φ is turned round instead.
"""

import numpy as np


class Wide:
    """φ as one matrix: (1 + D + n_terms, B)."""

    def __init__(self, x, centre, form):
        D = x.shape[1]
        self.phi = np.empty((1 + D + form.n_terms(D), len(x)), x.dtype)
        self.phi[0] = 1
        z = np.subtract(x.T, centre[:, None], out=self.phi[1:1 + D])
        form.terms(z, self.phi[1 + D:])

    def log_joint(self, theta):
        """Return Θ φ: (K, B)."""
        return theta @ self.phi

    def moments(self, resp, scale):
        """Return (scale R) φᵀ: (K, 1 + D + n_terms). resp (K, B) and scale (B,) are not needed any more."""
        shorter = resp if len(resp) < len(self.phi) else self.phi
        shorter *= scale
        return (self.phi @ resp.T).T


class Tall:
    """φ in parts with one row per row of X: z, (B, D), and the quadratic terms, (B, n_terms)."""

    def __init__(self, x, centre, form):
        self.z = x - centre
        self.terms = form.tall_terms(self.z)

    def log_joint(self, theta):
        """Return Θ φ: (K, B)."""
        D = self.z.shape[1]
        joint = self.z @ theta.T[1:1 + D].copy()                # turned round, the small matrix is multiplied faster
        if self.terms.size:
            joint += self.terms @ theta.T[1 + D:].copy()
        return np.add(joint.T, theta[:, :1], order="C")

    def moments(self, resp, scale):
        """Return (scale R) φᵀ: (K, 1 + D + n_terms). resp (K, B) and scale (B,) are not needed any more."""
        resp *= scale
        return np.hstack([resp.sum(axis=1, keepdims=True), resp @ self.z, resp @ self.terms])


def is_tall(form, D, K):
    """Whether φ takes less time as rows than as columns."""
    return form.tall_terms is not None and D > 2 * K + 10


def block_sizes(form, D, K):
    """Return how many numbers a round of EM keeps of each row, and how many pairs of them each product multiplies."""
    n_features = 1 + D + form.n_terms(D)
    return n_features + 2 * K, (D if is_tall(form, D, K) else n_features) * K


def features(table, form, n_components, dtype):
    """Return a function of rows that gives their weights and φ."""
    D, centre = table.n_features, table.centre.astype(dtype)
    if tall := is_tall(form, D, n_components):
        n_rows = min(len(table), table.block_rows(*block_sizes(form, D, n_components), dtype))
        centre = np.tile(centre, (n_rows, 1))               # two arrays of one shape are subtracted faster

    def read(rows):
        x, weight = table.block(rows, dtype)
        return weight, Tall(x, centre[:len(x)], form) if tall else Wide(x, centre, form)

    return read
