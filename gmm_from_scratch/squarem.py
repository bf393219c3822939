"""Faster EM by extrapolation: SQUAREM.

Near an optimum, EM's steps shrink by about the same factor each round. Two of them, r and r + v, tell where they would
lead: a step of length a along r + a v / 2. Source: Varadhan and Roland (2008), Scandinavian Journal of Statistics 35,
335-353, step length S3, in a chart of the parameters of our own.
"""

from typing import NamedTuple

import numpy as np

from .forms import Point

EARLY = 1e-3        # nats per row: while EM gains more than this, it still chooses between optima, and is left alone


class Round(NamedTuple):
    """What the path holds after one pass over the data, and what to compare it with to see whether the path has ended."""

    visit: object
    before: object | None       # None: too early to tell


def plain_rounds(em, visit):
    """Yield a Round for each step of EM, without end."""
    while True:
        before, visit = visit, em.visit(em.m_step(visit))
        yield Round(visit, before)


def squarem_rounds(em, start, spread):
    """Yield a Round for each pass over the data, without end; the likelihood never falls.

    A step of EM leads to `one`, the next would lead to `two`, and both together tell where to look for a point far ahead.
    If that is no better than `one`, the path goes on from `two`, as EM would, and the next extrapolation is shorter. The
    path has ended when neither EM nor extrapolation gains anything. With reg_covar EM does not quite climb, nor does this.
    spread: (D,), the unit of each feature.
    """
    spread, longest = np.where(spread > 0, spread, 1.0), 4.0
    while True:
        one = em.visit(em.m_step(start))
        yield Round(one, None)
        two, ahead = em.m_step(one), None
        here, there, beyond = (to_chart(point, spread) for point in (start.point, one.point, two))
        r, v = there - here, (beyond - there) - (there - here)
        length = min(longest, np.linalg.norm(r) / max(np.linalg.norm(v), np.finfo(float).tiny))
        if length > 1 and one.log_likelihood - start.log_likelihood < EARLY * em.table.total:
            ahead = _try(em, here + 2 * length * r + length**2 * v, two, spread)
            if ahead is None or ahead.log_likelihood < one.log_likelihood:
                yield Round(one, None)                              # a pass that led nowhere
                ahead, longest = None, max(4.0, longest / 4)
            elif length == longest:
                longest *= 4
        end = em.visit(two) if ahead is None else ahead
        yield Round(end, start)
        start = end


def _try(em, chart, like, spread):
    """Return the visit of the point with these coordinates, or None if there is no such mixture, or EM collapses there."""
    try:
        visit = em.visit(from_chart(chart, like, spread))
        em.m_step(visit)
    except ValueError:                              # SingularCovarianceError is one; numbers beyond all bounds another
        return None
    return visit


def to_chart(point, spread):
    """Return the parameters as one vector, free of units, in which every vector is a mixture.

    ln π_k; means in units of the spread; ln of the variances, or the Cholesky factors with the ln of their diagonals.
    """
    if point.family in ("full", "tied"):
        L = np.linalg.cholesky(point.covariances / np.outer(spread, spread))
        D = len(spread)
        scale = [np.log(L[..., range(D), range(D)]), L[(..., *np.tril_indices(D, -1))]]
    else:
        scale = [np.log(point.covariances)]
    return np.concatenate([part.ravel() for part in [np.log(point.weights), point.means / spread, *scale]])


def from_chart(chart, like, spread):
    """Return the point with these coordinates, of the family and sizes of `like`."""
    K, D = like.means.shape
    log_weights, means, scale = np.split(chart, [K, K + K * D])
    with np.errstate(over="ignore", under="ignore"):
        weights = np.exp(log_weights - log_weights.max())
        if like.family in ("full", "tied"):
            L = np.zeros(like.covariances.shape)
            n_diagonal = L[..., 0].size
            L[..., range(D), range(D)] = np.exp(scale[:n_diagonal]).reshape(L.shape[:-1])
            L[(..., *np.tril_indices(D, -1))] = scale[n_diagonal:].reshape(*L.shape[:-2], -1)
            covariances = L @ np.swapaxes(L, -1, -2) * np.outer(spread, spread)
        else:
            covariances = np.exp(scale).reshape(like.covariances.shape)
    if not (weights.min() > 0 and np.abs(covariances).max() < 1e200):
        raise ValueError("the extrapolation left all bounds.")
    return Point(like.family, weights / weights.sum(), means.reshape(K, D) * spread, covariances)
