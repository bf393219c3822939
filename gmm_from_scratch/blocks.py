"""The EM of em.py again, as sums over blocks of rows: fast, and with memory that does not grow with the data.

The log density of a Gaussian is linear in φ(x) = [1, x, quadratic terms of x]. So for a block of rows

    E-step:  R = softmax(Θ φ)          M-step:  moments += R φᵀ   →   weights, means, covariances

are two matrix products, whatever the family of the covariances (forms.py). Every array has one column per row of X: sums
over components then run along contiguous memory. X is centred on its mean, so that squares lose few digits. Where a
component is too narrow or too far out for that, or features are many, the way leads through whitened coordinates and
differences from a near centre instead, as in em.py. table.py reads X in blocks, threads.py shares them out.
"""

from typing import NamedTuple

import numpy as np

from .em import EMRun, Mixture, require_mixture
from .exceptions import SingularCovarianceError
from .forms import FORMS, Point
from .squarem import plain_rounds, squarem_rounds
from .table import Table
from .threads import workers
from .validation import check_integer, check_number

FARTHEST = {"d": 1e4, "f": 1e3}     # squares about a centre lose the digits of this factor, μᵀ Σ⁻¹ μ: beyond it, take a nearer one
CUT, LEAST = 0.85, 0.5              # powers of the smallest float: where densities are cut off, and what their sum must exceed
MANY_FEATURES = 30                  # from here on, the products of all pairs cost more than whitened coordinates


def expanded_e_step(table, point):
    """Return a function of rows that gives their weights, φ, exp(Θ φ), its sums over components, and ln p(x_n).

    For tied covariances, ln p(x_n) lacks -½ xᵀ Σ⁻¹ x.
    """
    theta, n_features = point.theta(), table.n_features
    usual = point.peaks.max() - n_features / 2                      # ln p(x) of most points is near this,
    theta[:, 0] -= usual                                            # or, without its common term, as far off as the means
    quick = point.family != "tied" or point.reach() + n_features < -np.log(np.finfo(table.dtype).tiny) / 2
    theta, centre = theta.astype(table.dtype), table.centre.astype(table.dtype)[:, None]

    def e_step(rows):
        x, weight = table.block(rows)
        phi = np.empty((theta.shape[1], len(x)), table.dtype)
        phi[0] = 1
        z = np.subtract(x.T, centre, out=phi[1:1 + n_features])
        FORMS[point.family].terms(z, phi[1 + n_features:])
        density, total, log_density = sum_of_exp(lambda: theta @ phi, quick)
        return weight, phi, density, total, log_density + usual

    return e_step


def direct_e_step(table, point, exact=True):
    """Return the same by way of whitened coordinates, with z, x from the centre of the data, in place of φ.

    exact: compute with float64, subtract each mean before anything else, and cut nothing off.
    """
    dtype = np.dtype(float) if exact else table.dtype
    centre = table.centre.astype(dtype)[:, None]

    def e_step(rows):
        x, weight = table.block(rows, dtype)
        z = np.subtract(x.T, centre, out=np.empty(x.shape[::-1], dtype))
        return weight, z, *sum_of_exp(lambda: point.log_joint(z, exact), False, not exact)

    return e_step


def sum_of_exp(joint, quick, cut=True):
    """Return exp(joint()), (K, B), its sums over components, and their logs; all up to a common factor in each column.

    To subtract the largest entry of each column first is safe but takes time. The quick way does without, and turns back
    if a sum is infinite, or so small that what was cut off could matter. Where exp underflows, it is slow, and so is all
    that computes with its results.
    """
    with np.errstate(all="ignore"):
        L = joint()
        tiny = np.finfo(L.dtype).tiny
        if quick:
            total = np.exp(np.maximum(L, np.log(tiny) * CUT, out=L), out=L).sum(axis=0)
            if tiny**LEAST < total.min() and total.max() < np.inf:
                return L, total, np.log(total, dtype=float)
            L = joint()
        top = L.max(axis=0)
        L -= top
        total = np.exp(np.maximum(L, np.log(tiny) * CUT, out=L) if cut else L, out=L).sum(axis=0)
        return L, total, top + np.log(total, dtype=float)


def _sum_log(log_density, weight):
    return log_density.sum() if weight is None else weight @ log_density


class Visit(NamedTuple):
    """What one pass over the data says of a point: ln p(X), and the moments about `centres` for the M-step."""

    point: Point
    log_likelihood: float
    exact: bool
    centres: np.ndarray         # (K, D), or the number 0 for the centre of the data
    counts: np.ndarray          # N_k = Σ_n r_nk                    (K,)
    first: np.ndarray           # Σ_n r_nk (x_n - c_k)              (K, D)
    second: np.ndarray          # Σ_n r_nk (x_n - c_k)(x_n - c_k)ᵀ, or what the family needs of it


class EM:
    """E-steps and M-steps on one table."""

    def __init__(self, table, family, reg_covar=0.0):
        self.table, self.family, self.form, self.reg_covar = table, family, FORMS[family], reg_covar
        self.scatter = table.scatter() if family == "tied" else None
        number = np.finfo(table.dtype)
        self.smallest_share = number.tiny ** (CUT - LEAST) / number.eps     # below it, what was cut off could tell

    def visit(self, point):
        """Run the E-step on all rows and return the sums that the M-step needs."""
        if not point.reach() <= FARTHEST[self.table.dtype.char]:
            return self._visit_directly(point, point.means)
        if self.family == "full" and self.table.n_features >= MANY_FEATURES:
            return self._visit_directly(point, point.means, exact=False)
        visit = self._visit_expanded(point)
        return visit if np.isfinite(visit.log_likelihood) else self._visit_directly(point, point.means)

    def _visit_expanded(self, point):
        K, D = point.means.shape
        e_step = expanded_e_step(self.table, point)

        def block(rows):
            weight, phi, density, total, log_density = e_step(rows)
            shorter = density if len(density) < len(phi) else phi
            shorter *= (1 if weight is None else weight) / total
            return [(density @ phi.T).astype(float), _sum_log(log_density, weight)]

        sums, log_likelihood = self.table.sum(block, 1 + D + self.form.n_terms(D) + 2 * K)
        if self.family == "tied":
            second = self.scatter
            log_likelihood -= 0.5 * (point.whitener[0] @ second * point.whitener[0]).sum()      # Σ_n zᵀ Σ⁻¹ z / 2
        else:
            second = self.form.unpack(sums[:, 1 + D:], D)
        return Visit(point, log_likelihood, False, 0.0, sums[:, 0], sums[:, 1:1 + D], second)

    def _visit_directly(self, point, centres, exact=True):
        K, D = point.means.shape
        e_step = direct_e_step(self.table, point, exact)
        centres = centres.astype(self.table.dtype).astype(float)        # numbers that x can be compared with exactly

        def block(rows):
            weight, z, density, total, log_density = e_step(rows)
            density *= (1 if weight is None else weight) / total
            first, second = np.zeros((K, D)), []
            for k, r in enumerate(density):
                mine = np.flatnonzero(r > 1e-20 * r.max())              # the others change no digit
                difference, r = z[:, mine] - centres[k, :, None].astype(z.dtype), r[mine]
                first[k] = difference @ r
                second.append(self.form.second(difference, r))
            return [density.sum(axis=1, dtype=float), first, np.array(second, float), _sum_log(log_density, weight)]

        counts, first, second, log_likelihood = self.table.sum(block, 3 * D + 2 * K)
        if not np.isfinite(log_likelihood):
            raise ValueError("X lies so far from the means, in units of the covariances, that a distance overflows. Drop such "
                             "rows, or widen the covariances.")
        return Visit(point, log_likelihood, exact, centres, counts, first, second.sum(axis=0) if self.family == "tied" else second)

    def m_step(self, visit):
        """Return the point of highest Σ_nk r_nk ln p(x_n, z_n = k).

        Moments about a centre far from the new mean lose digits: they are taken again, about the old means and then
        about the new ones. Raises SingularCovarianceError if a component is left with too few points.
        """
        if not visit.exact:
            if (new := self._maximise(visit)) is not None:
                return new
            visit = self._visit_directly(visit.point, visit.point.means)
        if (new := self._maximise(visit)) is not None:
            return new
        new_means = visit.centres + visit.first / visit.counts[:, None]
        return Point(self.family, *self._parameters(self._visit_directly(visit.point, new_means)))

    def _maximise(self, visit):
        """Return the new point, or None where these moments do not tell it to enough digits."""
        if not visit.exact and not visit.counts.min() > self.table.total * self.smallest_share:
            return None
        if visit.counts.min() < np.finfo(float).tiny:
            k = int(visit.counts.argmin())
            raise SingularCovarianceError(f"component {k} is responsible for no point, so it has no mean. "
                                          "Use fewer components or another start.", k)
        try:
            new = Point(self.family, *self._parameters(visit))
        except SingularCovarianceError:
            return None
        return new if new.reach(visit.centres) <= FARTHEST[self.table.dtype.char] else None

    def _parameters(self, visit):
        shifts = visit.first / visit.counts[:, None]                                # m_k, from the centres
        covariances = self.form.central(visit.second, visit.counts, shifts)
        if self.reg_covar:
            covariances = covariances + self.reg_covar * (np.eye(shifts.shape[1]) if self.family in ("full", "tied") else 1)
        return visit.counts / visit.counts.sum(), visit.centres + shifts, covariances


def _start(X, mixture, sample_weight, mapping):
    """Return X as a table and the mixture as a point about its centre."""
    table = Table(X, sample_weight, n_features=require_mixture("mixture", mixture).n_features, mapping=mapping)
    return table, Point(mixture.covariance_type, mixture.weights, mixture.means - table.centre, mixture.covariances)


def run_em(X, start, *, tol=1e-3, max_iter=100, reg_covar=0.0, sample_weight=None, accelerate=False, on_round=None):
    """Repeat EM until the log-likelihood gains less than `tol` nats per row, at most `max_iter` rounds.

    The same as em.run_em, to rounding. X: (N, D), of any layout and type, float32 being computed with as float32 and
    summed as float64. start: a Mixture. sample_weight: (N,), how often each row counts; ln p(X) counts so too, and `tol` is
    per unit of weight. on_round(n_iter, log_likelihood): called after each round.
    accelerate: extrapolate from EM's steps (squarem.py). A round is then one pass over the data; one that led nowhere
    repeats the likelihood before it. A step of EM and what follows it must together gain less than `tol`.
    Raises ValueError or TypeError for bad input, SingularCovarianceError, with the component's index, for a collapse.

    >>> start = Mixture([0.5, 0.5], [[0.0], [6.0]], [[[1.0]], [[1.0]]])
    >>> run_em(np.array([[0.0], [2.0], [9.0], [10.0]]), start).mixture.means.ravel().round(3).tolist()
    [1.0, 9.5]
    """
    require_mixture("start", start)
    tol = check_number("tol", tol, least=0)
    max_iter = check_integer("max_iter", max_iter, least=0)
    reg_covar = check_number("reg_covar", reg_covar, least=0)
    with workers() as mapping:
        table, point = _start(X, start, sample_weight, mapping)
        em = EM(table, start.covariance_type, reg_covar)
        visit, converged = em.visit(point), False
        trace = [visit.log_likelihood]
        path = squarem_rounds(em, visit, table.spread) if accelerate else plain_rounds(em, visit)
        for n_iter, (visit, before) in zip(range(1, max_iter + 1), path):
            trace.append(visit.log_likelihood)
            if on_round is not None:
                on_round(n_iter, trace[-1])
            converged = before is not None and bool(abs(trace[-1] - before.log_likelihood) < tol * table.total)
            if converged:
                break
    if len(trace) == 1:
        return EMRun(start, False, np.array(trace))
    end = visit.point
    return EMRun(Mixture(end.weights, end.means + table.centre, end.covariances, end.family), converged, np.array(trace))


def score_samples(X, mixture):
    """Return ln p(x_n) for each row of X: shape (N,), in nats per point. Nothing else of that length is kept.

    >>> score_samples([[0.0], [1.0]], Mixture([1.0], [[0.0]], [[[1.0]]])).round(4)
    array([-0.9189, -1.4189])
    """
    with workers() as mapping:
        table, point = _start(X, mixture, None, mapping)
        log_densities = np.empty(table.n_rows)
        e_step, doubles = _scoring(table, point)

        def block(rows):
            log_densities[rows] = e_step(rows)[-1]
            return []

        table.sum(block, doubles)
    return log_densities


def log_likelihood(X, mixture, sample_weight=None):
    """Return ln p(X) = Σ_n w_n ln p(x_n), in nats. Nothing of length N is kept.

    >>> round(log_likelihood([[0.0], [1.0]], Mixture([1.0], [[0.0]], [[[1.0]]])), 4)
    -2.3379
    """
    with workers() as mapping:
        table, point = _start(X, mixture, sample_weight, mapping)
        e_step, doubles = _scoring(table, point)

        def block(rows):
            weight, *_, log_density = e_step(rows)
            return [_sum_log(log_density, weight)]

        return float(table.sum(block, doubles)[0])


def _scoring(table, point):
    """Return the E-step that scores, and how many doubles it needs for a row."""
    K, D = point.means.shape
    if point.family == "tied" or D >= MANY_FEATURES or not point.reach() <= FARTHEST[table.dtype.char]:
        return direct_e_step(table, point), 3 * D + 2 * K       # tied: φ lacks the term that is common to all components
    return expanded_e_step(table, point), 1 + D + FORMS[point.family].n_terms(D) + 2 * K
