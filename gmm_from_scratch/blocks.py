"""The EM of em.py again, as sums over blocks of rows: fast, and with memory that does not grow with the data.

What a pass computes is in passes.py, the path from pass to pass in squarem.py. Each function here takes X as an array, or
as a Table that has read and checked it.
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from .covariances import FAMILIES
from .em import EMRun, Mixture, require_mixture
from .features import numbers_per_row
from .forms import FORMS, Point
from .passes import EM, FARTHEST, direct_e_step, expanded_e_step, sum_log, whitens
from .squarem import plain_rounds, squarem_rounds
from .table import open_table
from .validation import check_choice, check_integer, check_number


class Unfinished(NamedTuple):
    """A run of EM that has not ended: what it takes to go on from there, to the same last digit."""

    point: Point            # its means are taken from the centre of the table
    log_likelihoods: list   # of the start and of every round, the last that of this point


def run_em(X, start, *, tol=1e-3, max_iter=100, reg_covar=0.0, sample_weight=None, accelerate=False, on_round=None, keep=None):
    """Repeat EM until the log-likelihood gains less than `tol` nats per row, at most `max_iter` rounds.

    The same as em.run_em, to rounding. X: (N, D), of any layout and type; of float32, blocks are computed with as float32, and
    their sums are added as float64. Parameters are float64. start: a Mixture. sample_weight: (N,), how often each row counts; ln p(X)
    counts so too, and `tol` is per unit of weight. on_round(n_iter, log_likelihood): called after each round.
    keep(unfinished): called at the start and after each round that another may follow. Without accelerate, what it is given
    may be the start of a later call.
    accelerate: extrapolate from EM's steps; squarem.py says what is promised. A round is then one pass over the data; one
    that led nowhere repeats the likelihood before it.
    Raises ValueError or TypeError for bad input, SingularCovarianceError, with the component's index, for a collapse.

    >>> start = Mixture([0.5, 0.5], [[0.0], [6.0]], [[[1.0]], [[1.0]]])
    >>> run_em(np.array([[0.0], [2.0], [9.0], [10.0]]), start).mixture.means.ravel().round(3).tolist()
    [1.0, 9.5]
    """
    begun = isinstance(start, Unfinished)
    n_features = len(start.point.means[0]) if begun else require_mixture("start", start).n_features
    tol = check_number("tol", tol, least=0)
    max_iter = check_integer("max_iter", max_iter, least=0)
    reg_covar = check_number("reg_covar", reg_covar, least=0)
    with open_table(X, sample_weight, n_features=n_features) as table:
        point = start.point if begun else as_point(start, table)
        em = EM(table, point.family, reg_covar)
        visit, converged = em.visit(point), False
        trace = list(start.log_likelihoods) if begun else [visit.log_likelihood]
        path = squarem_rounds(em, visit, table.spread) if accelerate else plain_rounds(em, visit)
        if keep is not None:
            keep(Unfinished(point, trace.copy()))
        for n_iter, (visit, gain) in zip(range(len(trace), max_iter + 1), path):
            trace.append(visit.log_likelihood)
            if on_round is not None:
                on_round(n_iter, trace[-1])
            converged = gain is not None and bool(abs(gain) < tol * table.total)
            if converged:
                break
            if keep is not None:
                keep(Unfinished(visit.point, trace.copy()))
    if len(trace) == 1 and not begun:
        return EMRun(start, False, np.array(trace))
    return EMRun(_as_mixture(visit.point, table), converged, np.array(trace))


def score_samples(X, mixture):
    """Return ln p(x_n) for each row of X: shape (N,), in nats per point, computed in float64.

    >>> score_samples([[0.0], [1.0]], Mixture([1.0], [[0.0]], [[[1.0]]])).round(4)
    array([-0.9189, -1.4189])
    """
    return _write(X, mixture, lambda table: np.empty(len(table)), lambda density, total, log_density: log_density)


def responsibilities(X, mixture):
    """Return r_nk = p(z_n = k | x_n), computed in float64: shape (N, K), of float32 if X is.

    >>> responsibilities([[0.0], [1.0]], Mixture([0.5, 0.5], [[0.0], [2.0]], [[[1.0]], [[1.0]]])).round(3)
    array([[0.881, 0.119],
           [0.5  , 0.5  ]])
    """
    def empty(table):
        return np.empty((len(table), mixture.n_components), table.float_type)

    return _write(X, mixture, empty, lambda density, total, log_density: (density / total).T)


def most_responsible(X, mixture):
    """Return the component most responsible for each row: shape (N,). Of several, the first.

    >>> most_responsible([[0.0], [3.0]], Mixture([0.5, 0.5], [[0.0], [2.0]], [[[1.0]], [[1.0]]]))
    array([0, 1])
    """
    return _write(X, mixture, lambda table: np.empty(len(table), int), lambda density, total, log_density: density.argmax(axis=0))


def log_likelihood(X, mixture, sample_weight=None):
    """Return ln p(X) = Σ_n w_n ln p(x_n), in nats, computed in float64. Nothing of length N is kept.

    >>> round(log_likelihood([[0.0], [1.0]], Mixture([1.0], [[0.0]], [[[1.0]]])), 4)
    -2.3379
    """
    with open_table(X, sample_weight, n_features=require_mixture("mixture", mixture).n_features, dtype=float) as table:
        make_e_step, numbers = _scoring(table, mixture)
        return float(table.sum_of_parts(partial(_sum_log, make_e_step), numbers)[0])


def fit_responsibilities(table, resp, n_components, *, covariance_type="full", reg_covar=0.0):
    """Return the Mixture that one M-step makes of responsibilities from elsewhere, as em.m_step does.

    resp: a function of a table, a part of this one, and of rows, a slice of the part's, that returns r_nk as (K, B); it is
    called more than once.
    Raises SingularCovarianceError if a component is left with too few points.
    """
    em = EM(table, check_choice("covariance_type", covariance_type, FAMILIES), check_number("reg_covar", reg_covar, least=0))
    return _as_mixture(em.m_step_given(resp, n_components), table)


def as_point(mixture, table):
    """Return the mixture with its means taken from the centre of the table."""
    return Point(mixture.covariance_type, mixture.weights, mixture.means - table.centre, mixture.covariances)


def _as_mixture(point, table):
    return Mixture(point.weights, point.means + table.centre, point.covariances, point.family)


def _write(X, mixture, empty, choose):
    """Return the array that `empty` makes for the table, filled block by block with what is chosen from the E-step."""
    with open_table(X, n_features=require_mixture("mixture", mixture).n_features, dtype=float) as table:
        if table.elsewhere:
            raise TypeError(f"X is a {type(table).__name__}, whose rows lie on the workers of a cluster; what is found for each row should "
                            "stay there, too. Let the cluster do it block by block: X.map_blocks(model.predict, drop_axis=1, dtype=int).")
        result, (make_e_step, numbers) = empty(table), _scoring(table, mixture)

        def make(part):
            e_step = make_e_step(part)

            def write(rows):
                result[part.rows_of_all(rows)] = choose(*e_step(rows)[2:])
                return []

            return write

        table.sum_of_parts(make, numbers)
    return result


def _sum_log(make_e_step, table):
    e_step = make_e_step(table)

    def block(rows):
        weight, *_, log_density = e_step(rows)
        return [sum_log(log_density, weight)]

    return block


def _scoring(table, mixture):
    """Return a function of a table that gives the E-step that scores, and how many numbers it keeps of each row."""
    point = as_point(mixture, table)
    K, D = point.means.shape
    if point.family == "tied" or whitens(point.family, D) or not point.reach() <= FARTHEST[table.dtype.char]:
        return partial(direct_e_step, point=point), 3 * D + 2 * K       # tied: φ lacks the term that is common to all components
    return partial(expanded_e_step, point=point), numbers_per_row(FORMS[point.family], D, K)
