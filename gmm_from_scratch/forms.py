"""The log density of each covariance family as a linear function of features of x.

ln p(x, z = k) = Θ_k φ(x) with φ(x) = [1, x, quadratic terms of x]: all x_i x_j with i ≤ j for full covariances, x_i²
for diag, |x|² for spherical, none for tied, where the quadratic term is common to all components.
"""

from collections.abc import Callable
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dtrtri

from .covariances import check_covariances
from .gaussian import cholesky_factor
from .products import times_wide
from .threads import scratch

NEAR = 60.0             # nats: e⁻⁶⁰ of a sum is far from its last digit


class BeyondBounds(ValueError):
    """Parameters, or distances from them, that no float holds."""


class Form(NamedTuple):
    """How one family writes the quadratic part of its log densities, and what it sums for its covariances."""

    n_terms: Callable       # D -> how many quadratic terms φ has
    terms: Callable         # z (D, B), out (n_terms, B): write them
    coefficients: Callable  # Λ = Σ⁻¹ -> their coefficients in -½ zᵀ Λ z: (K, n_terms)
    unpack: Callable        # Σ_n r_nk terms (K, n_terms), D -> second moments of each component
    second: Callable        # z (D, B), r (B,) -> second moments of one component; writes over z
    central: Callable       # second moments, N_k, m_k (K, D) -> covariances, when the means are m_k


@cache
def _upper_triangle(D):
    """Return where the products z_i z_j with i ≤ j stand in a matrix, and their coefficients in -½ zᵀ z."""
    i, j = np.triu_indices(D)
    return i, j, np.where(i == j, -0.5, -1.0)           # off the diagonal, each stands for two equal entries


def _products(z, out):
    """Write z_i z_j for all i ≤ j."""
    row = 0
    for i in range(len(z)):
        np.multiply(z[i], z[i:], out=out[row:row + len(z) - i])
        row += len(z) - i


def _halves(precisions):
    """Return the coefficients of z_i z_j in -½ zᵀ Λ z."""
    i, j, minus_half = _upper_triangle(precisions.shape[-1])
    return precisions[:, i, j] * minus_half


def _symmetric(sums, D):
    """Return the symmetric matrices whose upper triangles are the rows of `sums`."""
    (i, j, _), matrices = _upper_triangle(D), np.empty((len(sums), D, D))
    matrices[:, i, j] = matrices[:, j, i] = sums
    return matrices


def _scatter(z, r):
    """Return Σ_n r_n z_n z_nᵀ: symmetric to the last digit, since NumPy multiplies a matrix by its own transpose so. Writes over z."""
    z *= np.sqrt(r)
    return z @ z.T


FORMS = {
    "full": Form(
        lambda D: D * (D + 1) // 2, _products, _halves, _symmetric,
        _scatter,
        lambda S, N, m: S / N[:, None, None] - m[:, :, None] * m[:, None, :]),
    "tied": Form(                               # zᵀ Λ z is common to all components, and so is Σ_n z zᵀ
        lambda D: 0, lambda z, out: None, lambda precisions: np.empty((1, 0)), None,
        _scatter,
        lambda S, N, m: (S - _scatter(m.T.copy(), N)) / N.sum()),
    "diag": Form(
        lambda D: D, lambda z, out: np.multiply(z, z, out=out), lambda precisions: -0.5 * precisions, lambda sums, D: sums,
        lambda z, r: np.square(z, out=z) @ r,
        lambda S, N, m: S / N[:, None] - m**2),
    "spherical": Form(
        lambda D: 1, lambda z, out: _squares(z, out[0]), lambda precisions: -0.5 * precisions,
        lambda sums, D: sums[:, 0],
        lambda z, r: (np.square(z, out=z) @ r).sum(),
        lambda S, N, m: (S / N - (m**2).sum(axis=1)) / m.shape[1]),
}


class Point:
    """A mixture with its means taken from the centre of the data, and what the E-step needs of it.

    whitener: W with Σ⁻¹ = Wᵀ W, (K, D, D), tied (1, D, D), diag (K, D), spherical (K, 1).
    peaks: ln π_k + ln N(μ_k | μ_k, Σ_k), the highest value that ln p(x, z = k) takes: (K,).
    Raises SingularCovarianceError for a covariance without inverse.
    """

    def __init__(self, family, weights, means, covariances):
        self.family, self.weights, self.means, self.covariances = family, weights, means, covariances
        D = means.shape[1]
        if family in ("full", "tied"):
            factors = _cholesky_factors(covariances.reshape(-1, D, D), len(means), family)
            self.whitener = np.array([dtrtri(L.T)[0].T for L in factors])          # LAPACK stores by columns: Lᵀ is its upper triangle
            scales = np.einsum("kii->ki", self.whitener)
        else:
            if not covariances.min() > 0:
                check_covariances(covariances, *means.shape, family)
            self.whitener = scales = 1 / np.sqrt(covariances.reshape(len(means), -1))
        self.peaks = np.log(weights) + np.log(scales).sum(axis=1) * (D / scales.shape[1]) - 0.5 * D * np.log(2 * np.pi)

    def whiten(self, differences):
        """Return W_k times the k-th difference: (K, D)."""
        if self.whitener.ndim == 2:
            return self.whitener * differences
        return (self.whitener @ differences[:, :, None])[:, :, 0]

    @cached_property
    def white_means(self):
        """W_k μ_k: (K, D)."""
        return self.whiten(self.means)

    def reach(self, centres=0.0):
        """Return the largest squared distance of a mean from its centre, in units of its covariance."""
        with np.errstate(over="ignore"):
            return ((self.white_means if np.ndim(centres) == 0 else self.whiten(self.means - centres)) ** 2).sum(axis=1).max()

    def inflation(self):
        """Return the largest variance inflation, Σ_ii (Σ⁻¹)_ii: by this factor, terms of xᵀ Σ⁻¹ x may exceed their sum."""
        if self.whitener.ndim == 2:
            return 1.0
        variances = np.einsum("...ii->...i", self.covariances)
        return ((self.whitener**2).sum(axis=1) * variances).max()

    def theta(self):
        """Return Θ: ln p(x, z = k) = Θ_k φ(x), (K, 1 + D + n_terms); tied: up to -½ xᵀ Σ⁻¹ x."""
        W, white, form, (K, D) = self.whitener, self.white_means, FORMS[self.family], self.means.shape
        theta = np.empty((K, 1 + D + form.n_terms(D)))
        theta[:, 0] = self.peaks - 0.5 * (white**2).sum(axis=1)         # ln p(0, z = k)
        if W.ndim == 2:
            precisions, theta[:, 1:1 + D] = W**2, W * white             # Λ, Λ μ
        else:
            transposed = np.swapaxes(W, 1, 2)
            precisions, theta[:, 1:1 + D] = transposed @ W, (transposed @ white[:, :, None])[:, :, 0]
        theta[:, 1 + D:] = form.coefficients(precisions)
        return theta

    def log_joint(self, z):
        """Return ln p(z, z_n = k) from whitened coordinates y = W_k (z - μ_k): (K, B) for z (D, B)."""
        joint = np.empty((len(self.means), z.shape[1]), z.dtype)
        whitener = np.broadcast_to(self.whitener, (len(joint), *self.whitener.shape[1:]))
        for k, W in enumerate(whitener):
            difference = z - self.means[k, :, None]
            _squares(W[:, None] * difference if W.ndim == 1 else W @ difference, joint[k])
        joint *= -0.5
        joint += self.peaks[:, None]
        return joint

    def near_log_joint(self, dtype):
        """Return a function of φ = [1, z], (1 + D, B), that gives ln p(z, z_n = k) where it comes NEAR the largest of its column.

        Elsewhere it gives some number that is too far below the largest to matter. Since W_k is a lower triangle, half of
        the features tell half of y = W_k z - W_k μ_k, and |y|² cannot fall below what that half adds up to. Mostly this
        is enough to know that a component is out. For full covariances.
        """
        half = self.means.shape[1] // 2
        W = np.concatenate([-self.white_means[:, :, None], self.whitener], axis=2).astype(dtype)     # times [1, z]
        upper, lower = (np.ascontiguousarray(part) for part in (W[:, :half, :1 + half], W[:, half:]))
        peaks = self.peaks[:, None].astype(dtype)

        def log_joint(phi):
            n_rows = phi.shape[1]
            L, y = scratch("joint", (len(W), n_rows), dtype), scratch("white", (half, n_rows), dtype)
            for k, rows in enumerate(upper):
                _squares(times_wide(rows, phi[:1 + half], y), L[k])
            L *= -0.5
            L += peaks                                          # no ln p(z, z_n = k) is higher
            top, likeliest = np.empty(n_rows, dtype), L.argmax(axis=0)

            def complete(k, mine):
                L[k, mine] -= 0.5 * _squares(lower[k] @ phi[:, mine])
                return L[k, mine]

            for k in range(len(L)):                             # first the likeliest, then all others that may come near it
                mine = np.flatnonzero(likeliest == k)
                top[mine] = complete(k, mine)
            near = L > top - NEAR
            for k in np.flatnonzero(near.any(axis=1)):
                complete(k, np.flatnonzero(near[k] & (likeliest != k)))
            return L

        return log_joint


def _squares(y, out=None):
    """Return |y|² of each column."""
    return np.einsum("db,db->b", y, y, out=out)


def _cholesky_factors(matrices, K, family):
    """Return the lower triangles L with L Lᵀ = Σ, or raise an error that names the component."""
    try:
        L = np.linalg.cholesky(matrices)
        share = np.einsum("kii->ki", L) ** 2 / np.einsum("kii->ki", matrices)
        if share.min() >= L.shape[1] * np.finfo(float).eps:
            return L
    except np.linalg.LinAlgError:
        pass
    D = matrices.shape[1]
    check_covariances(matrices if family == "full" else matrices[0], K, D, family)
    return np.array([cholesky_factor(matrix) for matrix in matrices])
