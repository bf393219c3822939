"""Online EM: a mixture that learns from one block of rows after another, and little by little forgets the earlier ones.

What a mixture knows of the rows that it has seen are averages per row: of r_k, of r_k x, and of r_k x xᵀ. They are π_k,
π_k μ_k and π_k (Σ_k + μ_k μ_kᵀ). A new block has such averages too, under the responsibilities that the mixture gives.
The mixture's averages move a step towards them, and an M-step turns them into parameters. Nothing else need be kept.

Source: Cappé and Moulines (2009) for the algorithm, one row at a time, and for steps t^(-α) with ½ < α ≤ 1; Liang and
Klein (2009) for blocks of rows.
"""

import numpy as np

from .blocks import as_point
from .em import Mixture
from .forms import FORMS
from .passes import EM


def online_step(table, mixture, step, reg_covar=0.0):
    """Return the mixture that has moved towards the rows of a table by `step`, above 0, not at all, and up to 1, all the way.

    A component that is responsible for none of the rows keeps its mean and covariance, and loses weight.

    >>> from gmm_from_scratch.table import Table
    >>> near_zero = Mixture([1.0], [[0.0]], [[[1.0]]])
    >>> online_step(Table([[3.0], [5.0]]), near_zero, 0.5).means
    array([[2.]])
    """
    family, D = mixture.covariance_type, mixture.n_features
    form, visit = FORMS[family], EM(table, family).visit(as_point(mixture, table))
    counts = np.maximum(visit.counts, np.finfo(float).tiny)                 # N_k of the block       (K,)
    shifts = visit.first / counts[:, None]
    gaps = table.centre + visit.centres + shifts - mixture.means            # its means, from ours   (K, D)
    old, new = (1 - step) * mixture.weights, step * visit.counts / visit.counts.sum()
    weights = old + new
    means = mixture.means + (new / weights)[:, None] * gaps

    # Σ of two groups together: the mean of both, and what their means add by lying apart.
    apart = np.array([form.second(gap[:, None], share[None]) for gap, share in zip(gaps, old * new / weights)])
    ridge = reg_covar * (np.eye(D) if family in ("full", "tied") else 1)
    ours, theirs = mixture.covariances - ridge, form.central(visit.second, counts, shifts)
    if family == "tied":
        covariances = (1 - step) * ours + step * theirs + apart.sum(axis=0)
    else:
        def each(share):
            return share.reshape(-1, *[1] * (ours.ndim - 1))

        apart = apart / D if family == "spherical" else apart
        covariances = (each(old) * ours + each(new) * theirs + apart) / each(weights)
    return Mixture(weights / weights.sum(), means, covariances + ridge, family)
