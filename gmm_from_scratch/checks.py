"""Check any class that fits Gaussian mixtures: ours, a reader's, a deliberately broken one. The laws are those of laws.py."""

import inspect
import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from textwrap import fill
from typing import NamedTuple

import numpy as np

from .covariances import FAMILIES
from .data import make_groups
from .demands import Broken, NotChecked
from .em import Mixture, e_step, m_step
from .gates import GATES
from .laws import LAWS
from .laws_of_fit import TWO_PLACES
from .validation import check_choice, check_integer, shown

TOL = 1e-8          # asked of a class that takes `tol`: nats per row, or stricter
USUAL_TOL = 1e-3    # assumed of a class that does not
TINY_RIDGE = 1e-9   # in squared units, where variances are about 1
COVARIANCES = [[[1.0, 0.5, 0.0], [0.5, 1.0, 0.3], [0.0, 0.3, 0.5]], [[2.0, -0.6, 0.4], [-0.6, 1.0, 0.0], [0.4, 0.0, 1.5]]]
PLANE = [[[1.0, 0.5], [0.5, 1.0]], [[1.5, -0.6], [-0.6, 0.8]], [[0.6, 0.0], [0.0, 1.4]]]


class Result(NamedTuple):
    """A law, its outcome ("holds", "broken" or "not checked"), and for the latter two what was seen.

    >>> Result("one feature works", "holds").message
    ''
    """

    law: str
    outcome: str
    message: str = ""


@dataclass(frozen=True)
class Report:
    """What `check_mixture` found. It is true if no law is broken; laws not checked do not count.

    name: the class; results: a Result for each law, in the order in which they were asked.
    holds, broken, not_checked: the names of the laws with that outcome. str(report) is the text for the reader.

    >>> print(Report("MyMixture", (Result("one feature works", "holds"), Result("same seed same fit", "not checked", "no random_state"))))
    MyMixture: 1 of 2 laws hold; broken: 0; not checked: 1
    Not checked: no random_state (same seed same fit)
    Holds: one feature works
    """

    name: str
    results: tuple

    def __bool__(self):
        return not self.broken

    @property
    def holds(self):
        """The names of the laws that hold."""
        return self._laws("holds")

    @property
    def broken(self):
        """The names of the laws that are broken, the first to repair first."""
        return self._laws("broken")

    @property
    def not_checked(self):
        """The names of the laws that could not be asked."""
        return self._laws("not checked")

    def _laws(self, outcome):
        return tuple(result.law for result in self.results if result.outcome == outcome)

    def _summary(self):
        counts = f"broken: {len(self.broken)}; not checked: {len(self.not_checked)}"
        return f"{self.name}: {len(self.holds)} of {len(self.results)} laws hold; {counts}"

    def __repr__(self):
        return f"<Report on {self._summary()}>"

    def __str__(self):
        lines, reasons = [self._summary()], {}
        for law, outcome, message in self.results:
            if outcome == "broken":
                lines += [f"BROKEN: {law}", _wrapped(message, "    ")]
            elif outcome == "not checked":
                reasons.setdefault(message, []).append(law)
        if len(self.broken) > 1:
            lines.append("Begin with the first of these: the others are often its consequences.")
        lines += [_wrapped(f"Not checked: {reason} ({'; '.join(laws)})") for reason, laws in reasons.items()]
        return "\n".join([*lines, _wrapped("Holds: " + ("; ".join(self.holds) or "nothing"))])


def check_mixture(Model, *, covariance_type="full", random_state=0, verbose=True):
    """Ask a class the laws that any Gaussian mixture fitted by EM obeys; return a Report, and print it if verbose.

    Model: a class, such that Model(n_components) has fit(X), with X of shape (N, D), and then weights_ (K,),
    means_ (K, D), covariances_ (full (K, D, D), tied (D, D), diag (K, D), spherical (K,)) and predict_proba(X) (N, K).
    These are checked where the class has them: predict, score_samples, score, sample(n), lower_bound_.
    These parameters are used where it takes them: covariance_type, random_state, tol, max_iter (rounds of EM), reg_covar
    (0, or a tiny one if the class refuses 0), n_init, means_init. A law for which something is missing is reported as
    not checked, never as holding.
    random_state: a seed, an integer of at least 0, for the data on which the laws are tried.
    Whatever the class raises is reported as the failure of the law that was asked. Time and memory have no limit here.
    Raises TypeError if Model cannot be called or random_state is no integer, ValueError for an unknown covariance_type.
    Source of the idea to test by laws instead of answers: Chen, Cheung and Yiu (1998), Metamorphic testing.

    >>> from gmm_from_scratch import GaussianMixture
    >>> report = check_mixture(GaussianMixture, verbose=False)
    >>> bool(report), report.broken
    (True, ())
    """
    check_choice("covariance_type", covariance_type, FAMILIES)
    if not callable(Model):
        raise TypeError(f"Model is {shown(Model)}; expected a class, such as GaussianMixture, not an object made from one.")
    subject = _Subject(Model, covariance_type, check_integer("random_state", random_state, least=0, most=2**31))
    results, obstacle = [], None
    drawn_before = np.random.get_state()                    # noqa: NPY002 (a reader's class may draw from this generator:
    np.random.seed(subject.seed)                            # noqa: NPY002  its report is to be repeatable, and the caller's
    try:                                                    #               own draws are not to change)
        for law in (*GATES, *LAWS):
            results.append(Result(_name(law), "not checked", f"first repair: {obstacle}") if obstacle else _ask(law, subject))
            if law in GATES and results[-1].outcome == "broken":
                obstacle = _name(law)
    finally:
        np.random.set_state(drawn_before)                   # noqa: NPY002
    report = Report(getattr(Model, "__name__", type(Model).__name__), tuple(results))
    if verbose:
        print(report)
    return report


def _ask(law, subject):
    """Return the Result of one law."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            law(subject.main if law in GATES else subject)
    except NotChecked as reason:
        return Result(_name(law), "not checked", str(reason))
    except Broken as broken:
        return Result(_name(law), "broken", str(broken))
    except (Exception, SystemExit) as error:
        return Result(_name(law), "broken", f"It raised {type(error).__name__}: {str(error)[:300]}")
    return Result(_name(law), "holds")


def _name(law):
    return law.__name__.replace("_", " ")


def _wrapped(text, indent=""):
    return fill(text, 110, initial_indent=indent, subsequent_indent="    ")


class _Fit:
    """One object of the class, fitted to `given`, its own copy of X."""

    def __init__(self, subject, X, n_components, before, parameters):
        taken = {name: value for name, value in parameters.items() if name in subject.accepted}
        self.X, self.given, self.n_components, self.family = X, X.copy(), n_components, subject.family
        self.tol, self.ridge = TOL if "tol" in taken else USUAL_TOL, taken.get("reg_covar", 0.0)
        self.model = subject.Model(n_components, **taken)
        if before is not None:
            self.model.fit(before.copy())
        self.model.fit(self.given)

    def method(self, name):
        if not callable(getattr(self.model, name, None)):
            raise NotChecked(f"no {name}")
        return getattr(self.model, name)

    @cached_property
    def resp(self):
        """What predict_proba says, of the very array that fit was given."""
        return self.model.predict_proba(self.given)

    @cached_property
    def mixture(self):
        return Mixture(self.model.weights_, self.model.means_, self.model.covariances_, self.family)

    @cached_property
    def implied(self):
        """What the parameters themselves say of X: responsibilities (N, K) and log densities (N,)."""
        return e_step(self.X, self.mixture)

    @cached_property
    def next_round(self):
        """Where one more round of EM would lead."""
        return m_step(self.X, self.implied[0], covariance_type=self.family, reg_covar=self.ridge)


class _Subject:
    """The class under examination, sets of data, and the fits that several laws look at, each made once."""

    def __init__(self, Model, family, seed):
        self.Model, self.family, self.seed, self.attempts, self.ridge = Model, family, seed, {}, 0.0
        try:
            self.accepted = set(inspect.signature(Model).parameters)
        except (TypeError, ValueError):
            self.accepted = set()
        self.close = make_groups([140, 60], [[0, 0, 0], [1.8, 1.2, -1]], COVARIANCES, seed)     # groups that overlap
        self.apart = make_groups([70, 50], TWO_PLACES, COVARIANCES, seed)                       # groups that do not
        self.column = self.apart.X[:, :1]                                                       # no number in it twice
        self.apart = replace(self.apart, X=np.round(16 * self.apart.X) / 16)                    # 16 times them: whole numbers
        self.plane = make_groups([60, 50, 40], [[0, 0], [4, 1], [1, 5]], PLANE, seed)           # three groups, two features
        self.traps = make_groups([20, 20, 20], [[0, 0], [9, 0], [0, 30]], [np.eye(2)] * 3, seed)  # half of the starts end badly

    def fit(self, X, n_components=2, before=None, **parameters):
        """Return a fit that has passed the gates."""
        fit = self.unchecked(X, n_components, before, **parameters)
        for gate in GATES:
            gate(fit)
        return fit

    def unchecked(self, X, n_components=2, before=None, **parameters):
        """Return a fit to X, by an object that was fitted to the points `before`, if given."""
        usual = {"covariance_type": self.family, "random_state": self.seed, "tol": TOL, "max_iter": 1000, "reg_covar": self.ridge,
                 "n_init": 1}
        return _Fit(self, X, n_components, before, usual | parameters)

    @cached_property
    def main(self):
        try:
            return self.unchecked(self.close.X)
        except Exception:                       # a class may ask for a ridge: then it gets one that nothing can notice
            if "reg_covar" not in self.accepted:
                raise
            self.ridge = TINY_RIDGE
            return self.unchecked(self.close.X)

    def few_rounds(self, **parameters):
        """Return a fit that stops soon, whatever it has reached."""
        return self.fit(self.close.X, tol=1e9, max_iter=3, **parameters)

    @cached_property
    def twins(self):
        """Two fits made alike, the global generator standing at different places; `left` is where each leaves it."""
        fits = []
        for seed in (self.seed + 1, self.seed + 2):
            np.random.seed(seed)                                # noqa: NPY002 (check_mixture puts the caller's state back)
            fits.append(self.few_rounds())
            fits[-1].left = np.random.get_state()[1]            # noqa: NPY002
        return fits

    @cached_property
    def line(self):
        return self.fit(self.column)

    @cached_property
    def three(self):
        return self.fit(self.plane.X, 3, max_iter=5)

    @cached_property
    def rounds(self):
        """The fits after 1 to 12 rounds from one start."""
        if "max_iter" not in self.accepted:
            raise NotChecked("no parameter max_iter")
        once, again = (self._after(1) for _ in range(2))
        if not np.array_equal(once.mixture.means, again.mixture.means):
            raise NotChecked("two fits do not start at the same place")
        if "tol" in self.accepted and "means_init" not in self.accepted:
            soon, later = (self.fit(self.close.X, max_iter=n, tol=1e9) for n in (2, 12))    # both stop at once, wherever they start
            if not np.array_equal(soon.mixture.means, later.mixture.means):
                raise NotChecked("the start seems to change with max_iter, and there is no means_init to hold it")
        return [once, *(self._after(n) for n in range(2, 13))]

    @cached_property
    def ridged(self):
        """The fits after 1 to 3 rounds with a ridge."""
        return [self._after(n, reg_covar=0.25) for n in range(1, 4)]

    def _after(self, n_rounds, **parameters):
        X = self.close.X
        start = X.mean(axis=0) + X.std(axis=0) * [[0.5, -0.5, 0.5], [-0.5, 0.5, -0.5]]
        return self.fit(X, means_init=start, max_iter=n_rounds, **parameters)
