"""Many models side by side: one table, what one Gaussian would have given, and a verdict in words."""

from dataclasses import dataclass
from textwrap import fill
from typing import NamedTuple

import numpy as np

from .covariances import FAMILIES, count_parameters
from .em import Mixture, e_step, m_step, sample_mixture
from .exceptions import SingularCovarianceError
from .metrics import adjusted_rand_index
from .selection import KINDS, _warned_of_ridge, aic, bic, held_out_log_likelihood, icl, search, thinness
from .validation import check_choice, check_data, check_integer, check_number, check_rng

CRITERIA = {"aic": "AIC", "bic": "BIC", "icl": "ICL", "held_out": "held-out"}
AGREE = 0.9                                                     # the least ARI at which two runs found the same groups


class Candidate(NamedTuple):
    """One row of a comparison: the best fit of k components of one family, and how it was come by.

    log_likelihood: total, in nats; held_out: nats per row, nan if not asked for; n_reached: starts within the
    comparison's tolerance of the best; agreement: the least adjusted Rand index between the best run's groups and
    theirs, nan if there are none; thinness: as in `selection.thinness`; n_collapsed: starts that collapsed;
    mixture: the fit, or None if every start collapsed, when all numbers are nan.

    >>> Candidate("tied", 2, n_parameters=8, bic=120.5).name
    'tied, k = 2'
    """

    covariance_type: str
    n_components: int
    n_parameters: int
    log_likelihood: float = np.nan
    aic: float = np.nan
    bic: float = np.nan
    icl: float = np.nan
    held_out: float = np.nan
    n_reached: int = 0
    agreement: float = np.nan
    thinness: float = np.nan
    n_collapsed: int = 0
    converged: bool = False
    mixture: Mixture | None = None

    @property
    def name(self):
        """The family and k, in words."""
        return f"{self.covariance_type}, k = {self.n_components}"

    def cost(self, criterion):
        """Return the value of a criterion, turned so that lower is better; infinite where there is none."""
        value = -self.held_out if criterion == "held_out" else getattr(self, criterion)
        return np.inf if np.isnan(value) else value


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """What `compare` found. Its repr is the table with the verdict.

    rows: the Candidates; null: for AIC, BIC and ICL, the k that each names on each data set simulated from one Gaussian, k = 1
    always among them;
    n_init, tolerance: as given to `compare`; n_samples, n_features: N and D.

    >>> X = np.concatenate([np.linspace(-1, 1, 20), np.linspace(9, 11, 20)])[:, None]
    >>> found = compare(X, [1, 2], "spherical", n_null=0, random_state=0)
    >>> found.best("bic").n_components, found.doubts(found.best("bic"))
    (2, [])
    """

    rows: tuple
    null: dict
    n_init: int
    tolerance: float
    n_samples: int
    n_features: int

    @property
    def criteria(self):
        """The criteria that were computed, by name."""
        return [name for name in CRITERIA if any(np.isfinite(row.cost(name)) for row in self.rows)]

    def best(self, criterion, covariance_type=None):
        """Return the Candidate with the best value of a criterion, of one family or of all, trusted or not."""
        check_choice("criterion", criterion, self.criteria)
        families = {row.covariance_type for row in self.rows}
        if covariance_type is not None:
            families = {check_choice("covariance_type", covariance_type, families)}
        return min((row for row in self.rows if row.covariance_type in families), key=lambda row: row.cost(criterion))

    def doubts(self, row):
        """Return why a Candidate should not be trusted, as a list of texts: empty if nothing speaks against it."""
        texts = []
        if row.mixture is None:
            return [f"all {self.n_init} starts collapsed"]
        if row.n_reached < 2:
            texts.append(f"only 1 of {self.n_init} starts came within {self.tolerance:g} of its ln L")
        elif row.agreement < AGREE:
            texts.append(f"runs of equal likelihood group the points differently (ARI {row.agreement:.2f})")
        if not row.converged:
            texts.append("its best run was cut short by max_iter")
        return texts

    def named(self, criterion, covariance_type=None):
        """Return (family, k) of the best Candidate by a criterion, or None if there are doubts about it."""
        row = self.best(criterion, covariance_type)
        return None if self.doubts(row) else (row.covariance_type, row.n_components)

    @property
    def verdict(self):
        """What each criterion names, or why it should name nothing: one sentence for each."""
        largest = max(row.n_components for row in self.rows)
        sentences = []
        for criterion in self.criteria:
            row, null = self.best(criterion), self.null.get(criterion, ())
            several = sum(k > 1 for k in null)
            doubts = "; ".join(self.doubts(row))
            text = f"{CRITERIA[criterion]} is best for {row.name}, but no k should be named: {doubts}" if doubts else (
                f"{CRITERIA[criterion]} names {row.name}")
            if row.n_components == largest > 1:
                text += ", the largest k tried"
            if row.n_components > 1 and 2 * several >= len(null) > 0:
                text += f"; for one Gaussian it names more than one component too ({several} of {len(null)} times)"
            sentences.append(text + ".")
        return "\n".join(sentences)

    def __repr__(self):
        heads = ["family", "k", "p", "ln L", *(CRITERIA[name] for name in self.criteria), "reached", "ARI", "thinnest", "lost"]
        best = {name: self.best(name) for name in self.criteria}
        table = [heads]
        for row in self.rows:
            values = [f"{getattr(row, name):.{4 if name == 'held_out' else 1}f}" + " *"[row is best[name]] for name in self.criteria]
            table.append([row.covariance_type, f"{row.n_components}", f"{row.n_parameters}", f"{row.log_likelihood:.1f}", *values,
                          f"{row.n_reached}/{self.n_init}" + " ?"[bool(self.doubts(row))], f"{row.agreement:.2f}", f"{row.thinness:.1e}",
                          f"{row.n_collapsed}"])
        widths = [max(map(len, column)) for column in zip(*table)]
        lines = [" ".join([line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:]))]) for line in table]
        null = [f"{CRITERIA[name]} names k = {', '.join(map(str, ks))}" for name, ks in self.null.items() if ks]
        return "\n".join([
            f"{self.n_samples} rows, {self.n_features} features; {self.n_init} starts for each model", "", *lines, "",
            "AIC, BIC, ICL: lower is better. ln L and held-out (per row): higher is better.",
            "* best of its column; ? reached by one start only, or by runs that disagree.",
            f"reached: starts within {self.tolerance:g} of that ln L.",
            "ARI: least agreement of those runs with the best. lost: starts that collapsed.",
            "thinnest: least variance of a component in any direction, as a share of the data's.",
            *([fill(f"On data sets from one Gaussian: {'; '.join(null)}.", 84)] if null else []), "",
            *(fill(sentence, 84, subsequent_indent="  ") for sentence in self.verdict.splitlines())])


def compare(X, n_components=range(1, 7), covariance_types=tuple(FAMILIES), *, n_init=6, n_null=3, n_folds=0, tolerance=1.0,
            reg_covar=1e-6, random_state=None, **options):
    """Fit mixtures of several sizes and families, and return a Comparison: print it to see the table and the verdict.

    X: (N, D); n_components: the numbers k to try, or one; covariance_types: the families to try, or one.
    n_init: starts for each model, of three kinds in turn, at least 2, since one start can agree with nobody.
    n_null: how many data sets to simulate from one Gaussian with the mean and covariance of X, and to search in the
    same way with three starts, for one component too: what a criterion names there, it names without groups. 0 leaves that out.
    n_folds: parts for the held-out likelihood, the same for all models; 0 for none.
    tolerance: nats within which two runs have the same likelihood; 1 nat is a difference of 2 in AIC and BIC, hardly
    worth mentioning (Kass and Raftery 1995).
    reg_covar: added to each variance, in squared units of X, or "auto", as in GaussianMixture; if it swamps a column of X,
    RidgeWarning is given. options: max_iter and thinnest of `selection.search`.
    Raises ValueError or TypeError for bad input, SingularCovarianceError if every start of every model collapses.
    Source: Fraley and Raftery (2002), for the table; the doubts are this course's.

    >>> X = np.concatenate([np.linspace(-1, 1, 20), np.linspace(9, 11, 20)])[:, None]
    >>> found = compare(X, [1, 2], "tied", random_state=0)
    >>> found.named("bic")
    ('tied', 2)
    >>> print(found.verdict)
    AIC names tied, k = 2, the largest k tried.
    BIC names tied, k = 2, the largest k tried.
    ICL names tied, k = 2, the largest k tried.
    """
    X, rng = check_data(X), check_rng(random_state)
    sizes = _listed("n_components", n_components, lambda k: check_integer("n_components", k, least=1, most=len(X)))
    families = _listed("covariance_types", covariance_types, lambda family: check_choice("covariance_types", family, FAMILIES))
    n_init = check_integer("n_init", n_init, least=2, hint="One start can agree with nobody.")
    n_null = check_integer("n_null", n_null, least=0)
    n_folds = check_integer("n_folds", n_folds, least=0, most=len(X), hint="0 leaves the held-out likelihood out.")
    tolerance = check_number("tolerance", tolerance, least=0)
    if unknown := options.keys() - {"max_iter", "thinnest"}:
        raise TypeError(f"compare has no parameter {min(unknown)!r}; its options are max_iter and thinnest. "
                        "Families go into covariance_types.")
    models = [(family, k) for family in families for k in sizes]
    cuts = int(rng.integers(2**32)) if n_folds else None        # the same for all models: only then are they compared
    null = {name: [] for name in ("aic", "bic", "icl") if n_null}
    with _warned_of_ridge(X, reg_covar, **options) as options:
        rows = [_candidate(X, family, k, n_init, n_folds, tolerance, rng, options, cuts) for family, k in models]
        if all(row.mixture is None for row in rows):
            search(X, sizes[0], covariance_type=families[0], n_init=n_init, random_state=rng, **options)      # raises, and says why
            raise SingularCovarianceError("every start of every model collapsed. Try a larger reg_covar or other columns of X.")
        null_models = models + [(family, 1) for family in families if 1 not in sizes]
        for _ in range(n_null):
            data, _ = sample_mixture(len(X), m_step(X, np.ones((len(X), 1)), reg_covar=options["reg_covar"]), rng)
            simulated = [_candidate(data, family, k, len(KINDS), 0, tolerance, rng, options) for family, k in null_models]
            for name, named in null.items():
                best = min(simulated, key=lambda row, name=name: row.cost(name))
                if np.isfinite(best.cost(name)):                    # else every start of every model collapsed
                    named.append(best.n_components)
    return Comparison(tuple(rows), null, n_init, tolerance, *X.shape)


def _candidate(X, family, k, n_init, n_folds, tolerance, rng, options, cuts=None):
    """Return one row of the comparison. cuts: a seed for how X is cut into parts."""
    options = {"covariance_type": family, "random_state": rng, **options}
    n_parameters = count_parameters(k, X.shape[1], family)
    try:
        runs, n_collapsed = search(X, k, n_init=n_init, **options)
    except SingularCovarianceError:
        return Candidate(family, k, n_parameters, n_collapsed=n_init)
    try:
        held_out = held_out_log_likelihood(X, k, n_folds=n_folds, **options | {"random_state": cuts}) if n_folds else np.nan
    except SingularCovarianceError:                             # every start collapsed on one of the parts
        held_out = np.nan
    best, highest = runs[0].mixture, float(runs[0].log_likelihoods[-1])
    groups = [e_step(X, run.mixture)[0].argmax(axis=1) for run in runs if highest - run.log_likelihoods[-1] <= tolerance]
    agreement = min((adjusted_rand_index(groups[0], other) for other in groups[1:]), default=np.nan)
    return Candidate(family, k, n_parameters, highest, aic(X, best), bic(X, best), icl(X, best), held_out, len(groups), agreement,
                     thinness(X, best, options["reg_covar"]), n_collapsed, runs[0].converged, best)


def _listed(name, values, check):
    """Return what was given, one value or several, checked, each once and in the order given."""
    if isinstance(values, str) or not np.iterable(values):
        values = [values]
    checked = list(dict.fromkeys(check(value) for value in values))
    if not checked:
        raise ValueError(f"{name} is empty; give at least one value to try.")
    return checked
