"""Faster EM by extrapolation: SQUAREM.

Near an optimum, EM's steps shrink by about the same factor each round. Two of them, r and r + v, tell where they would
lead: a step of 2a (r + a v / 2). Source: Varadhan and Roland (2008), Scandinavian Journal of Statistics 35,
335-353, step length S3, in a chart of the parameters of our own.

What is promised. Both ways of EM end where a step of EM changes next to nothing, and this one no earlier: neither the
likelihood nor the objective may change by `tol` per row, in a step of EM or in an extrapolation. Without reg_covar, each
extrapolation leads at least as high as the step of EM that it replaces. With reg_covar, EM goes towards a point that is no
maximum of the likelihood. Plain EM, which looks at the likelihood alone, may stop above that point, where its likelihood
turns from rising to falling; this way goes on to the point. What cannot be promised: where the likelihood has several
maxima, the two may end in different ones, and either may be the higher.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from .exceptions import SingularCovarianceError
from .forms import BeyondBounds, Point

EARLY = 1e-3        # nats per row: while EM gains more than this, it still chooses between optima, and is left alone
LEAP = 64.0         # the step length that every extrapolation may have, if that is what the steps of EM tell


class Round(NamedTuple):
    """What the path holds after one pass over the data, and what it has gained: the path ends when that is next to nothing."""

    visit: object
    gain: float | None          # in nats; None: too early to tell


def plain_rounds(em, visit):
    """Yield a Round for each step of EM, without end. Its gain is that of the likelihood, as in scikit-learn."""
    while True:
        before, visit = visit, em.visit(em.m_step(visit))
        yield Round(visit, visit.log_likelihood - before.log_likelihood)


def squarem_rounds(em, start, spread):
    """Yield a Round for each pass over the data, without end.

    A step of EM leads to `one`, the next would lead to `two`, and both together tell where to look for a point far ahead.
    If that is no better than `one`, the path goes on from `two`, as EM would, and the bound on further
    extrapolations falls, though not below LEAP. The path has ended when neither EM nor extrapolation changes anything.
    spread: (D,), the unit of each feature.

    Without reg_covar, the likelihood never falls. With it, an M-step climbs EM.objective but for the shifts of N_k, and where
    it does not even climb that, a point ahead is better if the step of EM from there is shorter.
    """
    spread, longest = np.where(spread > 0, spread, 1.0), LEAP
    height, after = em.objective(start), None           # of `start`; and where a step of EM leads from there, if that is known
    while True:
        one = em.visit(after or em.m_step(start))
        yield Round(one, None)
        two, ahead, after = em.m_step(one), None, None
        here, there, beyond = (to_chart(point, spread) for point in (start.point, one.point, two))
        r, v = there - here, (beyond - there) - (there - here)
        length = min(longest, np.linalg.norm(r) / max(np.linalg.norm(v), np.finfo(float).tiny))
        height_of_one = em.objective(one)
        gain = height_of_one - height
        if length > 1 and abs(gain) < EARLY * em.table.total:
            ahead, after = _try(em, here + 2 * length * r + length**2 * v, two, spread)
            if ahead is None:
                better = False
            elif gain >= 0:
                better = em.objective(ahead) >= height_of_one
            else:
                better = np.linalg.norm(to_chart(after, spread) - to_chart(ahead.point, spread)) < np.linalg.norm(beyond - there)
            if not better:
                yield Round(one, None)                              # a pass that led nowhere
                ahead, after, longest = None, None, max(LEAP, longest / 4)
            elif length == longest:
                longest *= 4
        end = em.visit(two) if ahead is None else ahead
        before, before_height, start, height = start, height, end, em.objective(end)
        changes = [gain, height - before_height, *(visit.log_likelihood - before.log_likelihood for visit in (one, end))]
        yield Round(end, max(map(abs, changes)))


def _try(em, chart, like, spread):
    """Return the visit of the point with these coordinates, and the point to which a step of EM leads from there.

    None and None if there is no such mixture, or EM collapses there.
    """
    try:
        visit = em.visit(from_chart(chart, like, spread))
        return visit, em.m_step(visit)
    except (SingularCovarianceError, BeyondBounds):
        return None, None


@cache
def _lower_triangle(D):
    """Return where the entries of a lower triangle stand in a matrix, and which of them on the diagonal."""
    i, j = np.tril_indices(D)
    return i, j, i == j


def to_chart(point, spread):
    """Return the parameters as one vector, free of units, in which every vector is a mixture.

    ln π_k; means in units of the spread; ln of the variances, or the Cholesky factors with the ln of their diagonals.
    """
    D = len(spread)
    if point.family in ("full", "tied"):
        i, j, diagonal = _lower_triangle(D)
        scale = np.linalg.cholesky(point.covariances.reshape(-1, D, D))[:, i, j] / spread[i]
        scale[:, diagonal] = np.log(scale[:, diagonal])
    else:
        scale = np.log(point.covariances)
    return np.concatenate([np.log(point.weights), (point.means / spread).ravel(), scale.ravel()])


def from_chart(chart, like, spread):
    """Return the point with these coordinates, of the family and sizes of `like`."""
    K, D = like.means.shape
    log_weights, means, scale = chart[:K], chart[K:K + K * D], chart[K + K * D:]
    with np.errstate(over="ignore", under="ignore"):
        weights = np.exp(log_weights - log_weights.max())
        if like.family in ("full", "tied"):
            i, j, diagonal = _lower_triangle(D)
            scale, L = scale.reshape(-1, len(i)).copy(), np.zeros_like(like.whitener)
            scale[:, diagonal] = np.exp(scale[:, diagonal])
            L[:, i, j] = scale * spread[i]
            covariances = (L @ np.swapaxes(L, 1, 2)).reshape(like.covariances.shape)
        else:
            covariances = np.exp(scale).reshape(like.covariances.shape)
    if not (weights.min() > 0 and np.abs(covariances).max() < 1e200):
        raise BeyondBounds("the extrapolation left all bounds.")
    return Point(like.family, weights / weights.sum(), means.reshape(K, D) * spread, covariances)
