"""What one pass over the data computes: the E-step, the sums over rows that it leaves, and the M-step that they allow.

The log density of a Gaussian is linear in φ(x) = [1, x, quadratic terms of x]. So for a block of rows

    E-step:  R = softmax(Θ φ)          M-step:  moments += R φᵀ   →   weights, means, covariances

are two matrix products, whatever the family of the covariances (forms.py). Every array has one column per row of X: sums
over components then run along contiguous memory. X is centred on its mean, so that squares lose few digits. Where a
component is too narrow or too far out for that, or features are many, the way leads through whitened coordinates and
differences from a near centre instead, as in em.py. table.py reads X in blocks, threads.py shares them out.
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from .exceptions import SingularCovarianceError
from .features import features, log_joint, moments, numbers_per_row
from .forms import FORMS, NEAR, BeyondBounds, Point

FARTHEST = {"d": 1e4, "f": 1e3}     # squares about a centre lose the digits of this factor, μᵀ Σ⁻¹ μ: beyond it, take a nearer one
STEEPEST = 100                      # the variance inflation above which float32 loses too many digits of xᵀ Σ⁻¹ x
MANY_FEATURES = 30                  # from here on, the products of all pairs cost more than whitened coordinates


class Floats:
    """What fits between the smallest normal float of a type and 1. With anything smaller, processors are slow.

    lowest: the logarithm at which densities are cut off. least, most: the sums of densities that the quick way bears: what
    was cut off is no digit of them, and stays a normal float when it is divided by them.
    """

    def __init__(self, code, cut, least):
        self.eps, tiny = float(np.finfo(code).eps), float(np.finfo(code).tiny)
        self.lowest, self.least, self.most = cut * np.log(tiny), tiny**least, tiny ** (cut - 1)
        self.smallest_share = max(tiny ** (cut - least), np.exp(-NEAR)) / self.eps      # N_k / N below which what was cut off could tell


FLOATS = {"d": Floats("d", 0.7, 0.4), "f": Floats("f", 0.85, 0.5)}


def expanded_e_step(table, point):
    """Return a function of rows that gives their weights, φ, exp(Θ φ), its sums over components, and ln p(x_n).

    For tied covariances, ln p(x_n) lacks -½ xᵀ Σ⁻¹ x.
    """
    theta, n_features = point.theta(), table.n_features
    read = features(table, FORMS[point.family], table.dtype)
    usual = point.peaks.max() - n_features / 2                      # ln p(x) of most points is near this,
    theta[:, 0] -= usual                                            # or, without its common term, as far off as the means
    highest = point.reach() + n_features if point.family == "tied" else np.log(len(theta)) + n_features / 2
    quick = highest < np.log(FLOATS[table.dtype.char].most)
    theta = theta.astype(table.dtype)

    def e_step(rows):
        weight, phi = read(rows)
        density, total, log_density = sum_of_exp(lambda: log_joint(theta, phi), quick)
        return weight, phi, density, total, log_density + usual

    return e_step


def direct_e_step(table, point, exact=True):
    """Return the same by way of whitened coordinates, with φ = [1, z].

    exact: compute with float64, subtract each mean before anything else, and leave nothing out.
    """
    read = features(table, FORMS["tied"], float if exact else table.dtype)
    joint = (lambda phi: point.log_joint(phi[1:])) if exact else point.near_log_joint(table.dtype)

    def e_step(rows):
        weight, phi = read(rows)
        return weight, phi, *sum_of_exp(lambda: joint(phi), False, not exact)

    return e_step


def sum_of_exp(joint, quick, cut=True):
    """Return exp(joint()), (K, B), and its sums over components, both up to a common factor in each column, and the logs of the sums.

    To subtract the largest entry of each column first is safe but takes time. The quick way does without, and turns back
    if a sum is too large or too small. Where exp underflows, it is slow, and so is all that computes with its results: such
    entries are cut off at a number that is no sum's digit.
    """
    with np.errstate(all="ignore"):
        L = joint()
        floats = FLOATS[L.dtype.char]
        if quick:
            total = _exp(L, cut).sum(axis=0)
            if floats.least < total.min() and total.max() < floats.most:
                return L, total, np.log(total, dtype=float)
            L = joint()
        top = L.max(axis=0)
        L -= top
        total = _exp(L, cut).sum(axis=0)
        return L, total, top + np.log(total, dtype=float)


def _exp(L, cut):
    """Return exp(L), written over L."""
    if cut and not L.min() > (lowest := FLOATS[L.dtype.char].lowest):           # a look costs less than a cut
        np.maximum(L, lowest, out=L)
    return np.exp(L, out=L)


def _given(resp, family, table):
    """Return an E-step whose responsibilities come from elsewhere, with φ of the family."""
    read = features(table, FORMS[family], float)
    return lambda rows: (*read(rows), resp(table, rows).astype(float), 1.0, np.zeros(rows.stop - rows.start))


def _moments(make_e_step, table):
    """Return a function of rows that gives R φᵀ and ln p of these rows."""
    e_step = make_e_step(table)

    def block(rows):
        weight, phi, density, total, log_density = e_step(rows)
        return [moments(phi, density, (1 if weight is None else weight) / total).astype(float), sum_log(log_density, weight)]

    return block


def _moments_about(make_e_step, centres, family, table):
    """Return a function of rows that gives N_k, the moments about the centres, and ln p of these rows."""
    e_step, form = make_e_step(table), FORMS[family]

    def block(rows):
        weight, phi, density, total, log_density = e_step(rows)
        z = phi[1:]
        density *= (1 if weight is None else weight) / total
        first, second = np.zeros(centres.shape), []
        for k, r in enumerate(density):
            mine = np.flatnonzero(r > 1e-20 * r.max())              # the others change no digit
            difference, r = z.take(mine, axis=1), r[mine]
            difference -= centres[k, :, None].astype(z.dtype)
            first[k] = difference @ r
            second.append(form.second(difference, r))
        return [density.sum(axis=1, dtype=float), first, np.array(second, float), sum_log(log_density, weight)]

    return block


def sum_log(log_density, weight):
    """Return Σ_n w_n ln p(x_n)."""
    return log_density.sum() if weight is None else weight @ log_density


def whitens(family, n_features):
    """Tell whether whitened coordinates are quicker than φ."""
    return family == "full" and n_features >= MANY_FEATURES


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
        self.whitens = whitens(family, table.n_features)

    def visit(self, point):
        """Run the E-step on all rows and return the sums that the M-step needs."""
        if not point.reach() <= FARTHEST[self.table.dtype.char] or self._blurs(point):
            return self._visit_directly(point, point.means)
        visit = self._visit_directly(point, point.means, exact=False) if self.whitens else self._visit_expanded(point)
        return visit if np.isfinite(visit.log_likelihood) else self._visit_directly(point, point.means)

    def _visit_expanded(self, point):
        visit = self._sum_expanded(len(point.means), partial(expanded_e_step, point=point))._replace(point=point)
        if self.family != "tied":
            return visit
        common = 0.5 * (point.whitener[0] @ self.table.scatter * point.whitener[0]).sum()       # Σ_n zᵀ Σ⁻¹ z / 2
        return visit._replace(log_likelihood=visit.log_likelihood - common)

    def _sum_expanded(self, K, make_e_step, dtype=None):
        """Return the moments about the centre of the data under the responsibilities that an E-step gives beside φ."""
        D = self.table.n_features
        sums, log_likelihood = self.table.sum_of_parts(partial(_moments, make_e_step), numbers_per_row(self.form, D, K), dtype)
        second = self.table.scatter if self.family == "tied" else self.form.unpack(sums[:, 1 + D:], D)
        return Visit(None, log_likelihood, False, 0.0, sums[:, 0], sums[:, 1:1 + D], second)

    def _visit_directly(self, point, centres, exact=True):
        e_step = partial(direct_e_step, point=point, exact=exact)
        visit = self._sum_about(centres, e_step, float if exact else None)._replace(point=point, exact=exact)
        if exact and not np.isfinite(visit.log_likelihood):
            raise BeyondBounds("X lies so far from the means, in units of the covariances, that a distance overflows. Drop such "
                             "rows, or widen the covariances.")
        return visit

    def _sum_about(self, centres, make_e_step, dtype=float):
        """Return the moments about these centres under the responsibilities that an E-step gives, and computes in this dtype."""
        K, D = centres.shape
        centres = centres.astype(self.table.dtype).astype(float)        # numbers that x can be compared with exactly
        make = partial(_moments_about, make_e_step, centres, self.family)
        numbers = 3 * D + K                                             # z, some rows of z, half of each whitened, joint densities
        counts, first, second, log_likelihood = self.table.sum_of_parts(make, numbers, dtype)
        return Visit(None, log_likelihood, True, centres, counts, first, second.sum(axis=0) if self.family == "tied" else second)

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
        return Point(self.family, *self._parameters(self._visit_directly(visit.point, _means(visit))))

    def objective(self, visit):
        """Return ln p(X) - reg_covar / 2 Σ_k N_k tr Σ_k⁻¹: what EM climbs, as long as the N_k stay.

        Σ_k = S_k + reg_covar I is the maximum of -N_k / 2 (ln |Σ| + tr Σ⁻¹ S_k + reg_covar tr Σ⁻¹). But the penalty grows
        with the N_k, of which the E-step knows nothing. Only for tied covariances, whose N_k add up to N, it never falls.
        """
        if not self.reg_covar:
            return visit.log_likelihood
        W = visit.point.whitener
        traces = (W**2).reshape(len(W), -1).sum(axis=1) * (self.table.n_features if W.shape[1:] == (1,) else 1)
        return visit.log_likelihood - 0.5 * self.reg_covar * (visit.counts * traces).sum()

    def m_step_given(self, resp, n_components):
        """Return the point that an M-step makes of responsibilities from elsewhere.

        resp: a function of a table and of rows of it that returns r_nk as (K, B); it is asked again for moments that need a
        nearer centre.
        """
        K, D, near = n_components, self.table.n_features, partial(_given, resp, "tied")
        if self.whitens:
            visit = self._sum_about(np.zeros((K, D)), near)
        else:
            visit = self._sum_expanded(K, partial(_given, resp, self.family), float)
        if (new := self._maximise(visit)) is not None:
            return new
        return Point(self.family, *self._parameters(self._sum_about(_means(visit), near)))

    def _maximise(self, visit):
        """Return the new point, or None where these moments do not tell it to enough digits."""
        if not visit.exact and not visit.counts.min() > self.table.total * FLOATS[self.table.dtype.char].smallest_share:
            return None
        parameters = self._parameters(visit)
        try:
            new = Point(self.family, *parameters)
        except SingularCovarianceError:
            return None
        if not new.reach(visit.centres) <= FARTHEST[self.table.dtype.char] or not visit.exact and self._blurs(new):
            return None
        return new

    def _blurs(self, point):
        """Tell whether features of a component are so strongly correlated that float32 loses too many digits."""
        return self.table.dtype.char == "f" and not point.inflation() <= STEEPEST

    def _parameters(self, visit):
        means, shifts = _means(visit), visit.first / visit.counts[:, None]           # m_k is the shift from the centre
        covariances = self.form.central(visit.second, visit.counts, shifts)
        if self.reg_covar:
            covariances = covariances + self.reg_covar * (np.eye(shifts.shape[1]) if self.family in ("full", "tied") else 1)
        return visit.counts / visit.counts.sum(), means, covariances


def _means(visit):
    """Return the means that the moments tell, from the centre of the data."""
    if visit.counts.min() < np.finfo(float).tiny:
        k = int(visit.counts.argmin())
        raise SingularCovarianceError(f"component {k} is responsible for no point, so it has no mean. "
                                      "Use fewer components or another start.", k)
    return visit.centres + visit.first / visit.counts[:, None]
