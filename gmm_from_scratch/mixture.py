"""The estimator GaussianMixture: fit, predict, score, sample, and what follows from a fitted model."""

from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from time import perf_counter

import numpy as np

from .blocks import log_likelihood, most_responsible, responsibilities, run_em, score_samples
from .covariances import FAMILIES, check_covariances, check_ridge, invert, precision_factors
from .em import Mixture, sample_mixture
from .estimator import Estimator, column_names
from .exceptions import ConvergenceWarning, SingularCovarianceError, not_fitted, warn_caller
from .gaussian import conditional_gaussian, marginal_gaussian
from .online import online_step
from .progress import bar
from .starts import STARTS, kinds_of_start, start_from_given, start_from_means
from .table import Table, as_table
from .threads import workers
from .validation import check_choice, check_flag, check_floats, check_integer, check_number, check_rng, check_verbose, shown


class GaussianMixture(Estimator):
    """A Gaussian mixture fitted by EM, with the parameters, methods and fitted attributes of scikit-learn's class.

    n_components: K. covariance_type: "full", "tied", "diag" or "spherical".
    tol: stop when a round gains less than this, in nats per row. max_iter: rounds per start.
    reg_covar: added to each variance, in squared units of X: a modelling choice, not a detail. "auto" takes a millionth
    of the columns' mean variance, whatever the units. A warning says when a given number swamps the data.
    n_init: how many starts to try; the highest likelihood wins. init_params: the kind of start (see starts.STARTS), or
    labels (N,), or responsibilities (N, K). After a first "kmeans" start the others differ in kind.
    weights_init (K,), means_init (K, D), precisions_init (inverse covariances, in the family's shape): replace that
    part of the start. Given means alone, weights and covariances follow from assigning each point to its nearest mean.
    random_state: None, a seed or a numpy generator. warm_start: begin at the parameters of the last fit, if there is one.
    verbose: 1 prints a line for each start, with rows per second, and shows a bar of its rounds on stderr while it runs, if
    tqdm is installed (EM mostly stops long before max_iter, the bar's end); 2 also prints every verbose_interval-th round.
    accelerate: extrapolate from EM's steps (SQUAREM, Varadhan and Roland 2008): far fewer rounds for a small tol.

    After fit: weights_ (K,), means_ (K, D), covariances_, precisions_ and precisions_cholesky_ (by the family that was
    fitted, covariance_type_), converged_, n_iter_, n_features_in_; lower_bound_, the mean log-likelihood per row of exactly
    these parameters; lower_bounds_, that of the start and of every round. A start that collapses is dropped with a
    ConvergenceWarning; if all collapse, SingularCovarianceError is raised.

    X is read block by block and never copied as a whole. float32 is computed with as float32 in fit, and the blocks are added as float64;
    parameters, scores and criteria are float64 in any case, and predict_proba gives the type of X.

    >>> model = GaussianMixture(2, random_state=0).fit([[0.0], [1.0], [9.0], [10.0]])
    >>> sorted(model.means_.ravel().round(3).tolist())
    [0.5, 9.5]
    """

    kind, fitted = "density_estimator", "weights_"

    def __init__(self, n_components=1, *, covariance_type="full", tol=1e-3, reg_covar=1e-6, max_iter=100, n_init=1,
                 init_params="kmeans", weights_init=None, means_init=None, precisions_init=None, random_state=None,
                 warm_start=False, verbose=0, verbose_interval=10, accelerate=False):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.weights_init = weights_init
        self.means_init = means_init
        self.precisions_init = precisions_init
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval
        self.accelerate = accelerate

    @classmethod
    def from_parameters(cls, weights, means, covariances, covariance_type="full"):
        """Return a model that counts as fitted, with these parameters: weights (K,), means (K, D), covariances by family.

        >>> GaussianMixture.from_parameters([1.0], [[0.0]], [[[4.0]]]).score_samples([[0.0]]).round(3)
        array([-1.612])
        """
        mixture = Mixture(weights, means, covariances, covariance_type)
        model = cls(mixture.n_components, covariance_type=covariance_type)
        model._set(mixture)
        model.converged_, model.n_iter_ = True, 0
        return model

    def fit(self, X, y=None, sample_weight=None):
        """Estimate the mixture from X, (N, D), and return self. y is ignored.

        X: an array, also one that lies in a file (numpy.memmap); or an object that gives blocks of rows, each (B, D),
        whenever iter(X) or X() is called, so that no more than one block need be in memory (see table.Stream).
        sample_weight: (N,), how often each row counts; a weight of 2 equals two equal rows.
        Raises ValueError or TypeError for bad data or parameters, SingularCovarianceError if every start collapses.
        """
        return self._fit(X, sample_weight)

    def _fit(self, X, sample_weight=None, journal=None):
        """Fit. journal: reads where an earlier fit was interrupted, and writes how far this one has come (scale.py)."""
        rng = check_rng(self.random_state)
        with workers() as mapping:
            columns, table = column_names(X), as_table(X, sample_weight, mapping=mapping)
            check_integer("n_components", self.n_components, least=1, most=table.n_counting,
                          hint="There cannot be more components than points.")
            check_choice("covariance_type", self.covariance_type, FAMILIES)
            best, collapses, n_starts = self._search(table, rng, journal)
        if collapses:
            warn_caller(f"{len(collapses)} of {n_starts} starts collapsed and were dropped; the first because {collapses[0]}",
                        ConvergenceWarning)
        if not best.converged and self.max_iter > 0:
            warn_caller(f"EM did not meet tol={self.tol:g} (gain in nats per row) within max_iter={self.max_iter} rounds. "
                        "Raise max_iter, or accept a larger tol.", ConvergenceWarning)
        self._set(best.mixture)
        self._remember(columns, table.n_features)
        self.lower_bounds_ = best.log_likelihoods / table.total
        self.lower_bound_ = float(self.lower_bounds_[-1])
        self.converged_, self.n_iter_ = best.converged, len(best.log_likelihoods) - 1
        return self

    def partial_fit(self, X, y=None, sample_weight=None, *, forgetting=0.6):
        """Learn from one more block of rows, (B, D), and return self: online EM (Cappé and Moulines 2009).

        The first call is a fit: let its block hold many rows of each component. The t-th, or (t-1)-th after a fit, moves
        the mixture towards its own block by a step of t to the power of -forgetting. Blocks count alike, whatever their size.
        forgetting: above 0.5, up to 1. At 1 early blocks count as much as late ones, though the mixture knew little then.
        lower_bound_ is not kept: it would have to be that of all rows seen. n_blocks_: how many blocks that were.
        Raises as fit does, and then has learnt nothing.

        >>> first, second = [[0.0], [1.0], [9.0], [10.0]], [[0.2], [0.8], [9.5], [10.5]]
        >>> GaussianMixture(2, random_state=0).partial_fit(first).partial_fit(second).n_blocks_
        2
        """
        if check_number("forgetting", forgetting, least=0.5) > 1:
            raise ValueError(f"forgetting is {shown(forgetting)}; expected a finite number from 0.5 to 1; above, nothing new is learnt.")
        if not hasattr(self, "weights_"):
            return self.fit(X, sample_weight=sample_weight)
        with workers() as mapping:
            table = self._check_new_data(X, partial(as_table, sample_weight=sample_weight, mapping=mapping))
            mixture = online_step(table, self.mixture_, (self.n_blocks_ + 1) ** -forgetting, check_ridge(self.reg_covar, table.spread**2))
        self._set(mixture, self.n_blocks_ + 1)
        self.converged_, self.n_iter_ = False, self.n_blocks_
        for name in {"lower_bound_", "lower_bounds_"} & vars(self).keys():
            delattr(self, name)
        return self

    def _search(self, table, rng, journal):
        """Run EM from every start; return the best EMRun, the errors of those that collapsed, and how many starts there were."""
        n_init = check_integer("n_init", self.n_init, least=1)
        max_iter = check_integer("max_iter", self.max_iter, least=0)
        verbose = check_verbose(self.verbose)
        check_flag("warm_start", self.warm_start)
        accelerate = check_flag("accelerate", self.accelerate)
        interval = check_integer("verbose_interval", self.verbose_interval, least=1)
        tol = check_number("tol", self.tol, least=0)
        reg_covar = check_ridge(self.reg_covar, table.spread**2)
        outcomes, begun = journal.read(table, rng) if journal else ([], None)      # an EMRun of each start, or its error
        for number, start in list(enumerate(self._starts(table, rng, n_init, reg_covar=reg_covar), 1))[len(outcomes):]:
            began, before = perf_counter(), len(begun.log_likelihoods) - 1 if begun else 0      # rounds that an earlier fit has run

            def said(n_iter, log_likelihood, began=began, before=before):
                rate = (n_iter - before) * len(table) / max(perf_counter() - began, 1e-9)
                return f"{log_likelihood / table.total:.6f} nats per row, {rate:.2g} rows per second"

            def report(n_iter, log_likelihood, number=number, said=said):
                progress.update()
                if verbose > 1 and n_iter % interval == 0:
                    progress.write(f"start {number}, round {n_iter}: {said(n_iter, log_likelihood)}")
            try:
                with bar(max_iter, f"start {number}", "round", verbose) as progress:
                    run = run_em(table, begun or start(), tol=tol, max_iter=max_iter, reg_covar=reg_covar, accelerate=accelerate,
                                 on_round=report, keep=journal and partial(journal.write, outcomes))
                outcomes.append(run)
                outcome = said(len(run.log_likelihoods), run.log_likelihoods[-1])
            except SingularCovarianceError as error:
                outcomes.append(error)
                outcome = f"dropped, {error}"
            begun = None
            if journal:
                journal.write(outcomes)
            if verbose:
                print(f"start {number}: {outcome}")
        collapses = [each for each in outcomes if isinstance(each, SingularCovarianceError)]
        runs = [each for each in outcomes if not isinstance(each, SingularCovarianceError)]
        if not runs:
            raise SingularCovarianceError(
                f"all {len(collapses)} starts collapsed, the last because {collapses[-1]} Or try a larger reg_covar (now "
                f"{reg_covar:g}, in squared units of X), fewer components, covariance_type='tied', or more starts.",
                collapses[-1].component)
        return max(runs, key=lambda run: run.log_likelihoods[-1]), collapses, len(outcomes)

    def _set(self, mixture, n_blocks=1):
        """Take over the parameters of a mixture that has learnt from so many blocks."""
        self.weights_, self.means_, self.covariances_ = mixture.weights, mixture.means, mixture.covariances
        self.covariance_type_ = mixture.covariance_type
        self.n_features_in_, self.n_blocks_ = mixture.n_features, n_blocks

    def _starts(self, table, rng, n_init, **options):
        """Return for each run a function that makes the mixture from which it begins."""
        K, D, kind = self.n_components, table.n_features, self.covariance_type
        if self.warm_start and hasattr(self, "weights_") and self.means_.shape == (K, D) and self.covariance_type_ == kind:
            return [lambda: self.mixture_]
        given = {}
        if self.weights_init is not None:
            given["weights"] = check_floats("weights_init", self.weights_init, (K,))
            if (given["weights"] <= 0).any() or abs(given["weights"].sum() - 1) > 1e-6:
                raise ValueError(f"weights_init is {given['weights']}; its entries must be positive and sum to 1.")
        if self.means_init is not None:
            given["means"] = check_floats("means_init", self.means_init, (K, D))
        if self.precisions_init is not None:
            given["covariances"] = _covariances_of(self.precisions_init, K, D, kind)
        if given.keys() >= {"means", "covariances"}:
            return [lambda: Mixture(given.get("weights", np.full(K, 1 / K)), given["means"], given["covariances"], kind)]
        options["covariance_type"] = kind
        if "means" in given:
            means = given.pop("means")
            return [lambda: _with(start_from_means(table, means, **options), given)]
        if not isinstance(self.init_params, str):
            return [lambda: _with(start_from_given(table, self.init_params, K, **options), given)]
        return [lambda name=name: _with(STARTS[name](table, K, rng, **options), given)
                for name in kinds_of_start(self.init_params, n_init)]

    @property
    def mixture_(self):
        """The fitted parameters as one em.Mixture."""
        if not hasattr(self, "weights_"):
            raise not_fitted("This GaussianMixture instance is not fitted yet. Call fit(X) first.")
        return Mixture(self.weights_, self.means_, self.covariances_, self.covariance_type_)

    @property
    def precisions_(self):
        """The inverses of the covariances, in the family's shape."""
        return invert(self.mixture_.covariances, self.covariance_type_)

    @precisions_.setter
    def precisions_(self, value):
        self._refuse_precisions("precisions_")

    @property
    def precisions_cholesky_(self):
        """U with U Uᵀ = Σ⁻¹, in the family's shape: (x - μ) @ U is standard normal."""
        return precision_factors(self.mixture_.covariances, self.covariance_type_)

    @precisions_cholesky_.setter
    def precisions_cholesky_(self, value):
        self._refuse_precisions("precisions_cholesky_")

    def _refuse_precisions(self, name):
        raise AttributeError(f"{name} cannot be set: it follows from covariances_. To make a model of parameters that you have, call "
                             "GaussianMixture.from_parameters(weights, means, covariances).")

    @contextmanager
    def _table(self, X):
        """Yield X, checked to be what the model was fitted to, as a table that is computed with in float64."""
        with workers() as mapping:
            yield self._check_new_data(X, partial(as_table, dtype=float, mapping=mapping))

    def score_samples(self, X):
        """Return ln p(x_n), a log density in nats, for each row of X: shape (N,)."""
        with self._table(X) as table:
            return score_samples(table, self.mixture_)

    def score(self, X, y=None):
        """Return the mean of ln p(x_n) over the rows of X, in nats per row."""
        with self._table(X) as table:
            return log_likelihood(table, self.mixture_) / len(table)

    def predict_proba(self, X):
        """Return the responsibilities: shape (N, K), each row with sum 1."""
        with self._table(X) as table:
            return responsibilities(table, self.mixture_)

    def predict(self, X):
        """Return the component most responsible for each row of X: shape (N,)."""
        with self._table(X) as table:
            return most_responsible(table, self.mixture_)

    def fit_predict(self, X, y=None, sample_weight=None):
        """Fit, and return the component most responsible for each row."""
        return self.fit(X, sample_weight=sample_weight).predict(X)

    def sample(self, n_samples=1, random_state=None):
        """Return n_samples points drawn from the fitted mixture, (n_samples, D), and the component of each.

        random_state: as in the constructor, whose value is taken if none is given here.
        """
        return sample_mixture(n_samples, self.mixture_, check_rng(self.random_state if random_state is None else random_state))

    def bic(self, X):
        """Return the Bayesian information criterion, -2 ln L + p ln N: lower is better. Source: Schwarz (1978)."""
        with self._table(X) as table:
            return -2 * log_likelihood(table, self.mixture_) + float(self.mixture_.n_parameters * np.log(len(table)))

    def aic(self, X):
        """Return Akaike's information criterion, -2 ln L + 2 p: lower is better. Source: Akaike (1974)."""
        with self._table(X) as table:
            return -2 * log_likelihood(table, self.mixture_) + 2.0 * self.mixture_.n_parameters

    def marginal(self, features):
        """Return the model of the chosen features alone, a GaussianMixture with full covariances.

        features: a list of column indices. Source: Bishop (2006), equation 2.98, for each component.
        """
        mixture = self.mixture_
        parts = [marginal_gaussian(mean, matrix, features) for mean, matrix in zip(mixture.means, mixture.matrices)]
        return self._part(mixture.weights, parts, np.ravel(features).astype(int))

    def conditional(self, features, values):
        """Return the model of the other features, given that `features` take `values`: a GaussianMixture.

        features: a list of column indices; values: as long. Each component is conditioned (Bishop 2006, equations 2.81
        and 2.82), and its weight becomes its responsibility for the known values.
        """
        mixture = self.mixture_
        parts = [conditional_gaussian(mean, matrix, features, values) for mean, matrix in zip(mixture.means, mixture.matrices)]
        weights = np.maximum(self.marginal(features).predict_proba(Table([values]))[0], np.finfo(float).tiny)
        others = np.delete(np.arange(mixture.n_features), np.ravel(features).astype(int))
        return self._part(weights / weights.sum(), parts, others)

    def _part(self, weights, parts, features):
        """Return the model of some features, with their names: parts holds mean and covariance of each component."""
        model = self.from_parameters(weights, [mean for mean, _ in parts], [matrix for _, matrix in parts])
        if hasattr(self, "feature_names_in_"):
            model.feature_names_in_ = self.feature_names_in_[features]
        return model


def _with(start, given):
    """Return the start with the given parts in place of its own."""
    return replace(start, **given) if given else start


def _covariances_of(precisions, n_components, n_features, covariance_type):
    """Return the covariances whose inverses are precisions_init, in the family's shape."""
    try:
        precisions = check_covariances(precisions, n_components, n_features, covariance_type)
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"precisions_init: {str(error).replace('covariance', 'precision')}") from None
    if np.min(np.einsum("...ii->...i", precisions) if covariance_type in ("full", "tied") else precisions) < 1e-200:
        raise ValueError("precisions_init has entries below 1e-200, whose inverse overflows. Use other units.")
    return invert(precisions, covariance_type)
