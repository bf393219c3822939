"""Bad input to every public function: a ValueError or TypeError that names the parameter, never anything else.

CALLS holds one valid call of each public function and estimator. Each of its parameters is replaced in turn, first by
hundreds of values that are bad for its kind (bad_inputs.py), then by anything at all; a test makes sure that no public
function is missing.
"""

import atexit
import inspect
import re
import shutil
import subprocess
import sys
from collections import Counter
from copy import copy
from fractions import Fraction
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
import scipy.sparse
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bad_inputs import (COVARIANCE, COVARIANCE_FAULTS, NOT_NUMBERS, POINTS, RESP, SAMPLE_WEIGHT, arrays, choices, columns, counts, features, flags,
                        functions, generators, labels, levels, lists_of, negative, no_array, not_positive, nothing, numbers, of_another_sum, of_zeros, texts,
                        things, zero_somewhere)
from gmm_from_scratch import (ConvergenceWarning, GaussianMixture, KMeans, Mixture, NotFittedError, RidgeWarning, SingularCovarianceError, blocks, bootstrap, checks,
                              comparison, covariances, data, em, gaussian, kmeans, metrics, mixture, plots, selection, starts, storage, validation, widgets)

X = np.array([[0.0, 0.3], [1.0, -0.2], [0.2, 1.0], [9.0, 8.0], [8.0, 9.5], [9.5, 9.0], [0.5, 0.5], [8.5, 8.2]])
RESPONSIBILITIES = np.column_stack([np.linspace(0.1, 0.9, 8), np.linspace(0.9, 0.1, 8)])
MEAN, SIGMA = np.array([0.0, 1.0]), np.array([[2.0, 0.5], [0.5, 1.0]])
MEANS, SIGMAS = np.array([[0.0, 0.0], [9.0, 9.0]]), np.array([[[2.0, 0.5], [0.5, 1.0]]] * 2)
MIXTURE = Mixture([0.5, 0.5], MEANS, SIGMAS)
LINE = Mixture([0.5, 0.5], MEANS[:, :1], SIGMAS[:, :1, :1])
LABELS = np.array([0, 0, 0, 1, 1, 1, 0, 1])
CALM = {"max_iter": 200, "random_state": 0}


def fit(Estimator, method="fit", X=X, sample_weight=None, **parameters):
    return getattr(Estimator(**CALM | parameters), method)(X, sample_weight=sample_weight)


def use(model, method, **arguments):
    return getattr(model, method)(**arguments)


AX = plt.figure(figsize=(1, 1)).add_subplot()


def draw(function, **arguments):
    AX.clear()
    return function(AX, **arguments)


def step(X, start, **options):
    steps = em.em_steps(X, start, **options)
    return next(steps), next(steps)


FITTED_GMM = GaussianMixture(2, **CALM).fit(X)
FITTED_KMEANS = KMeans(2, **CALM).fit(X)
SAVED = Path(mkdtemp()) / "model.npz"
atexit.register(shutil.rmtree, SAVED.parent)
storage.save(FITTED_GMM, SAVED)

# Kinds that are one parameter's own
FAMILY, NEW_X, CENTERS, EIGHT = choices(*covariances.FAMILIES), columns(), columns(), counts(1, 8)
MIX = things(MEANS, (MIXTURE.weights, MEANS, SIGMAS), GaussianMixture(2), FITTED_GMM, FITTED_KMEANS, Mixture)
WEIGHTS = arrays(not_positive, of_another_sum, zero_somewhere, fixed=[0])
MODEL = things(MIXTURE, FITTED_KMEANS, GaussianMixture, GaussianMixture(2), MEANS)


def init(value):
    """Values that are no start for KMeans."""
    return st.one_of(NOT_NUMBERS.filter(lambda bad: not callable(bad)), st.integers(), columns(0)(MEANS), columns(1)(MEANS), st.sampled_from(["k-means", "Random"]),
                     st.sampled_from([lambda: MEANS, lambda X, K, random_state: None, lambda X, K, random_state: MEANS[:1], lambda X, K, random_state: "no"]))


def init_params(value):
    """Values that are no start for GaussianMixture: unknown words, labels of groups beyond two, responsibilities that are none."""
    return st.one_of(NOT_NUMBERS, st.integers(), choices(*starts.STARTS)("kmeans"), labels(2)(LABELS), RESP(RESPONSIBILITIES))


def paths(value):
    """Values that are no file name that ends in .npz."""
    return st.one_of(NOT_NUMBERS, st.floats(), st.integers(), st.sampled_from(["model", "model.pkl", Path("model.npy"), "a.npz.b", b"model.npz"]))


def file_names(value):
    """Values that are no name of a file with a model in it."""
    return st.one_of(NOT_NUMBERS.filter(lambda bad: not isinstance(bad, str)), st.floats(), st.integers(), st.just(__file__), st.just(Path(__file__)))


def field_levels(value):
    """Values that are neither a number of levels nor increasing values."""
    return st.one_of(NOT_NUMBERS.filter(lambda bad: not isinstance(bad, list | np.ndarray | tuple)), st.floats(), st.integers(max_value=0), st.sampled_from([[0.5, 0.2], [0.5, 0.5], [0.5], [], [0.1, np.nan], [[0.1, 0.2]]]))


def names_of_labels(value):
    """Values that are no two names."""
    return st.one_of(NOT_NUMBERS.filter(lambda bad: bad is not None and len(np.atleast_1d(np.asarray(bad, dtype=object))) < 2), st.text(), st.integers(),
                     st.just(["a"]), st.just([]))


WEIGHT = (np.ones(8), SAMPLE_WEIGHT)
START = {"n_components": (2, EIGHT), "rng": (0, generators), "covariance_type": ("full", FAMILY), "reg_covar": (1e-6, numbers()), "X": (X, POINTS),
         "sample_weight": WEIGHT}
GAUSSIAN = {"mean": (MEAN, arrays(fixed=[0])), "covariance": (SIGMA, COVARIANCE)}
ONE_MORE = {"reg_covar": (0.1, numbers()), "sample_weight": WEIGHT}
SEARCH = {"X": (X, POINTS), "n_components": (1, EIGHT), "covariance_type": ("tied", FAMILY), "n_init": (1, counts(1)), "max_iter": (5, counts(1)),
          "reg_covar": (0.1, numbers()), "thinnest": (0.0, numbers(0, 1)), "random_state": (0, generators)}

# name: function, {parameter: (valid value, kind)}
CALLS = {
    "cholesky_factor": (gaussian.cholesky_factor, {"covariance": (SIGMA, COVARIANCE)}),
    "log_gaussian": (gaussian.log_gaussian, {"X": (X, NEW_X)} | GAUSSIAN),
    "sample_gaussian": (gaussian.sample_gaussian, {"n_samples": (3, counts(1)), "rng": (0, generators)} | GAUSSIAN),
    "ellipse": (gaussian.ellipse, {"mass": (0.5, numbers(0, 1))} | GAUSSIAN),
    "marginal_gaussian": (gaussian.marginal_gaussian, {"features": ([0], features(2))} | GAUSSIAN),
    "conditional_gaussian": (gaussian.conditional_gaussian, {"features": ([0], features(2)), "values": (np.array([1.0]), arrays(fixed=[0]))} | GAUSSIAN),
    "estimate_covariances": (covariances.estimate_covariances, {
        "X": (X, POINTS), "resp": (RESPONSIBILITIES, arrays(negative, of_zeros, fixed=[0])), "means": (MEANS, arrays(fixed=[0, 1])),
        "covariance_type": ("full", FAMILY), "reg_covar": (0.1, numbers())}),
    "covariance_matrices": (covariances.covariance_matrices, {
        "covariances": (SIGMAS, arrays(fixed=[0, 1, 2], limit=210)), "n_components": (2, counts(1)), "n_features": (2, counts(1)),
        "covariance_type": ("full", FAMILY)}),
    "check_covariances": (covariances.check_covariances, {
        "covariances": (SIGMAS, COVARIANCE), "n_components": (2, counts(1)), "n_features": (2, counts(1)), "covariance_type": ("full", FAMILY)}),
    "precision_factors": (covariances.precision_factors, {"covariances": (SIGMAS, COVARIANCE), "covariance_type": ("full", FAMILY)}),
    "invert": (covariances.invert, {"covariances": (SIGMAS, COVARIANCE), "covariance_type": ("full", FAMILY)}),
    "count_parameters": (covariances.count_parameters, {"n_components": (2, counts(1)), "n_features": (2, counts(1)), "covariance_type": ("full", FAMILY)}),
    "assign_step": (kmeans.assign_step, {"X": (X, POINTS), "centers": (MEANS, CENTERS)}),
    "update_step": (kmeans.update_step, {"X": (X, POINTS), "labels": (LABELS, labels(2)), "centers": (MEANS, CENTERS), "sample_weight": WEIGHT}),
    "inertia": (kmeans.inertia, {"X": (X, POINTS), "labels": (LABELS, labels(2)), "centers": (MEANS, CENTERS), "sample_weight": WEIGHT}),
    "kmeans_plusplus": (kmeans.kmeans_plusplus, {"X": (X, POINTS), "n_clusters": (2, EIGHT), "rng": (0, generators), "sample_weight": WEIGHT}),
    "kmeans_steps": (lambda **arguments: next(kmeans.kmeans_steps(**arguments)), {"X": (X, POINTS), "centers": (MEANS, CENTERS), "sample_weight": WEIGHT}),
    "KMeans": (partial(fit, KMeans), {
        "X": (X, POINTS), "n_clusters": (2, EIGHT), "init": ("k-means++", init), "n_init": (2, counts(1, besides=["auto"])), "max_iter": (99, counts(1)),
        "tol": (1e-4, numbers()), "random_state": (0, generators), "verbose": (0, levels), "copy_x": (True, flags),
        "algorithm": ("lloyd", choices("lloyd", "elkan")), "sample_weight": WEIGHT}),
    "KMeans from an array": (partial(fit, KMeans, n_clusters=2), {"init": (MEANS, arrays(fixed=[0, 1], without=[no_array]))}),
    "KMeans.fit_predict": (partial(fit, KMeans, "fit_predict", n_clusters=2), {"X": (X, POINTS), "sample_weight": WEIGHT}),
    "KMeans.predict": (partial(use, FITTED_KMEANS, "predict"), {"X": (X, NEW_X)}),
    "KMeans.fit_transform": (partial(fit, KMeans, "fit_transform", n_clusters=2), {"X": (X, POINTS), "sample_weight": WEIGHT}),
    "KMeans.transform": (partial(use, FITTED_KMEANS, "transform"), {"X": (X, NEW_X)}),
    "KMeans.score": (partial(use, FITTED_KMEANS, "score"), {"X": (X, NEW_X), "sample_weight": WEIGHT}),
    "Mixture": (Mixture, {"weights": (np.array([0.5, 0.5]), WEIGHTS), "means": (MEANS, POINTS), "covariances": (SIGMAS, COVARIANCE),
                          "covariance_type": ("full", FAMILY)}),
    "log_joint": (em.log_joint, {"X": (X, NEW_X), "mixture": (MIXTURE, MIX)}),
    "e_step": (em.e_step, {"X": (X, NEW_X), "mixture": (MIXTURE, MIX)}),
    "m_step": (em.m_step, {"X": (X, POINTS), "resp": (RESPONSIBILITIES, RESP), "covariance_type": ("full", FAMILY)} | ONE_MORE),
    "em_steps": (step, {"X": (X, NEW_X), "start": (MIXTURE, MIX)} | ONE_MORE),
    "run_em": (em.run_em, {"X": (X, NEW_X), "start": (MIXTURE, MIX), "tol": (0.1, numbers()), "max_iter": (9, counts())} | ONE_MORE),
    "run_em without rounds": (partial(em.run_em, max_iter=0), {"X": (X, NEW_X), "start": (MIXTURE, MIX), "tol": (0.1, numbers())} | ONE_MORE),
    "sample_mixture": (em.sample_mixture, {"n_samples": (3, counts(1)), "mixture": (MIXTURE, MIX), "rng": (0, generators)}),
    "blocks.run_em": (blocks.run_em, {"X": (X, NEW_X), "start": (MIXTURE, MIX), "tol": (0.1, numbers()), "max_iter": (9, counts())} | ONE_MORE),
    "score_samples": (blocks.score_samples, {"X": (X, NEW_X), "mixture": (MIXTURE, MIX)}),
    "log_likelihood": (blocks.log_likelihood, {"X": (X, NEW_X), "mixture": (MIXTURE, MIX), "sample_weight": WEIGHT}),
    "start_from_labels": (starts.start_from_labels, {"labels": (LABELS, labels(2))} | {n: v for n, v in START.items() if n not in ("rng", "n_components")} | {
        "n_components": (2, counts(1))}),
    "start_from_kmeans": (starts.start_from_kmeans, START),
    "start_from_plusplus": (starts.start_from_plusplus, START),
    "start_from_random_responsibilities": (starts.start_from_random_responsibilities, START),
    "start_from_points": (starts.start_from_points, START),
    "start_from_whitened_kmeans": (starts.start_from_whitened_kmeans, START),
    "start_from_means": (starts.start_from_means, {"means": (MEANS, columns())} | {n: START[n] for n in ("X", "covariance_type", "reg_covar", "sample_weight")}),
    "start_from_given": (starts.start_from_given, {"init_params": (LABELS, init_params), "X": (X, POINTS), "n_components": (2, counts(1))}),
    "start_from_given responsibilities": (partial(starts.start_from_given, n_components=2), {
        "init_params": (RESPONSIBILITIES, arrays(negative, of_another_sum, fixed=[0, 1])), "X": (X, POINTS)}),
    "kinds_of_start": (starts.kinds_of_start, {"init_params": ("kmeans", choices(*starts.STARTS)), "n_init": (2, counts(1))}),
    "GaussianMixture": (partial(fit, GaussianMixture), {
        "X": (X, POINTS), "n_components": (2, EIGHT), "covariance_type": ("full", FAMILY), "tol": (1e-3, numbers()),
        "reg_covar": (0.01, numbers(besides=["auto"])), "max_iter": (99, counts()), "n_init": (2, counts(1)), "init_params": ("kmeans", init_params),
        "weights_init": (np.array([0.4, 0.6]), arrays(not_positive, of_another_sum, zero_somewhere, fixed=[0], without=[nothing])),
        "means_init": (MEANS, arrays(fixed=[0, 1], without=[nothing])),
        "precisions_init": (SIGMAS, arrays(*COVARIANCE_FAULTS, fixed=[0, 1, 2], limit=210, without=[nothing])),
        "random_state": (0, generators), "warm_start": (False, flags), "verbose": (0, levels), "verbose_interval": (10, counts(1)),
        "accelerate": (False, flags), "sample_weight": WEIGHT}),
    **{f"GaussianMixture {family}": (partial(fit, GaussianMixture, n_components=2, covariance_type=family), {"precisions_init": (precisions, kind)})
       for family, precisions, kind in [
           ("tied", SIGMA, arrays(*COVARIANCE_FAULTS, fixed=[0, 1], limit=210, without=[nothing])),
           ("diag", np.ones((2, 2)), arrays(not_positive, fixed=[0, 1], limit=210, without=[nothing])),
           ("spherical", np.ones(2), arrays(not_positive, fixed=[0], limit=210, without=[nothing]))]},
    **{f"GaussianMixture.{method}": (partial(use, FITTED_GMM, method), {"X": (X, NEW_X)})
       for method in ("predict", "predict_proba", "score_samples", "score", "bic", "aic")},
    "GaussianMixture.fit_predict": (partial(fit, GaussianMixture, "fit_predict", n_components=2), {"X": (X, POINTS), "sample_weight": WEIGHT}),
    "GaussianMixture.partial_fit": (lambda **arguments: copy(FITTED_GMM).partial_fit(**arguments), {
        "X": (X, NEW_X), "sample_weight": WEIGHT, "forgetting": (0.6, numbers(0.5, below=np.nextafter(1, 2)))}),
    "GaussianMixture.sample": (FITTED_GMM.sample, {"n_samples": (3, counts(1)), "random_state": (0, generators)}),
    "GaussianMixture.marginal": (FITTED_GMM.marginal, {"features": ([0], features(2))}),
    "GaussianMixture.conditional": (FITTED_GMM.conditional, {"features": ([0], features(2)), "values": (np.array([1.0]), arrays(fixed=[0]))}),
    "GaussianMixture.from_parameters": (GaussianMixture.from_parameters, {
        "weights": (np.array([0.5, 0.5]), WEIGHTS), "means": (MEANS, POINTS), "covariances": (SIGMAS, COVARIANCE), "covariance_type": ("full", FAMILY)}),
    **{criterion: (getattr(selection, criterion), {"X": (X, NEW_X), "mixture": (MIXTURE, MIX)}) for criterion in ("aic", "bic", "icl", "thinness")},
    "thinness with a ridge": (partial(selection.thinness, X, MIXTURE), {"reg_covar": (0.1, numbers())}),
    "search": (selection.search, SEARCH),
    "search from a split": (partial(selection.search, X, 2, n_init=1), {"split": (Mixture([1.0], [MEAN], [SIGMA]), things(MIXTURE, MEANS, optional=True))}),
    "split_component": (selection.split_component, {"X": (X, NEW_X), "mixture": (MIXTURE, MIX), "component": (1, counts(0, 1)),
                                                    "covariance_type": ("full", FAMILY), "reg_covar": (0.1, numbers())}),
    "held_out_log_likelihood": (selection.held_out_log_likelihood, SEARCH | {"n_folds": (2, counts(2, 8))}),
    "bootstrap_lrt": (selection.bootstrap_lrt, SEARCH | {"n_bootstrap": (1, counts(1))}),
    "gap_statistic": (selection.gap_statistic, {"X": (X, POINTS), "max_clusters": (2, counts(2, 7)), "n_references": (2, counts(2)), "n_init": (1, counts(1)),
                                                "random_state": (0, generators)}),
    "compare": (comparison.compare, {n: v for n, v in SEARCH.items() if n != "covariance_type"} | {
        "n_components": ([1], lists_of(EIGHT, 1)), "covariance_types": (["tied"], lists_of(FAMILY, "tied")), "n_init": (2, counts(2)),
        "n_null": (0, counts()), "n_folds": (0, counts(0, 8)), "tolerance": (1.0, numbers())}),
    "adjusted_rand_index": (metrics.adjusted_rand_index, {"labels_a": (LABELS, labels(negative_too=False, fixed=())), "labels_b": (LABELS, labels(negative_too=False))}),
    "silhouette": (metrics.silhouette, {"X": (X, POINTS), "labels": (LABELS, labels(negative_too=False))}),
    "match_labels": (metrics.match_labels, {"labels": (LABELS, labels(negative_too=False, fixed=())), "reference": (LABELS, labels(negative_too=False))}),
    "match_components": (metrics.match_components, {"resp": (RESPONSIBILITIES, arrays(negative)), "reference_resp": (RESPONSIBILITIES, arrays(negative, fixed=[0, 1]))}),
    "standard_errors": (bootstrap.standard_errors, {
        "model": (FITTED_GMM, MODEL), "X": (X, NEW_X), "kind": ("parametric", choices("parametric", "nonparametric")), "n_bootstrap": (2, counts(2)),
        "level": (0.9, numbers(0, 1)), "max_iter": (99, counts(1)), "thinnest": (0.0, numbers(0, 1)), "random_state": (0, generators)}),
    "save": (storage.save, {"model": (FITTED_GMM, MODEL), "path": (SAVED, paths)}),
    "load": (storage.load, {"path": (SAVED, file_names)}),
    "check_mixture": (partial(checks.check_mixture, verbose=False), {"Model": (lambda k: None, functions()), "covariance_type": ("full", FAMILY),
                                                                     "random_state": (0, counts(0, 2**31))}),
    "make_groups": (data.make_groups, {
        "sizes": ([4, 5], lists_of(counts(1), 4)), "means": (MEANS, arrays(fixed=[0])), "covariances": (SIGMAS, arrays(*COVARIANCE_FAULTS, fixed=[0, 1, 2])),
        "random_state": (0, generators)}),
    "make_stretched": (data.make_stretched, {"n_samples": (9, counts(2)), "random_state": (0, generators)}),
    "make_wide_and_compact": (data.make_wide_and_compact, {"n_samples": (9, counts(2)), "random_state": (0, generators)}),
    "make_cigars": (data.make_cigars, {"n_samples": (9, counts(2)), "random_state": (0, generators)}),
    "make_moons": (data.make_moons, {"n_samples": (9, counts(2)), "noise": (0.1, numbers()), "random_state": (0, generators)}),
    "make_ring": (data.make_ring, {"n_samples": (9, counts(2)), "random_state": (0, generators)}),
    "make_uniform": (data.make_uniform, {"n_samples": (9, counts(1)), "n_features": (2, counts(1)), "random_state": (0, generators)}),
    "draw_points": (partial(draw, plots.draw_points), {"X": (X, columns()), "labels": (LABELS, labels(optional=True)), "names": (["a", "b"], names_of_labels),
                                                       "size": (9, numbers())}),
    "draw_memberships": (partial(draw, plots.draw_memberships), {"X": (X, columns()), "resp": (RESPONSIBILITIES, RESP), "size": (9, numbers())}),
    "draw_centers": (partial(draw, plots.draw_centers), {"centers": (MEANS, columns()), "trail": (np.array([MEANS, MEANS]), arrays(
        fixed=[1, 2], without=[nothing]))}),
    "draw_ellipses": (partial(draw, plots.draw_ellipses), {"mixture": (MIXTURE, MIX), "masses": ((0.5, 0.9), lists_of(numbers(0, 1), 0.5, empty=False))}),
    "draw_borders": (partial(draw, plots.draw_borders), {
        "predict": (lambda points: (points[:, 0] > 0.5) * 1, functions(lambda points: None, lambda points: [1], lambda points: points, lambda points: "no")),
        "resolution": (9, counts(2))}),
    "draw_field": (partial(draw, plots.draw_field), {
        "values": (lambda points: points[:, 0], functions(lambda points: None, lambda points: [1], lambda points: points, lambda points: "no")),
        "levels": ([0.2, 0.5, 0.8], field_levels), "resolution": (9, counts(2)), "lines": (False, flags)}),
    "draw_curves": (partial(draw, plots.draw_curves), {"mixture": (LINE, MIX), "x": (np.array([0.0, 1.0]), arrays(without=[nothing])), "parts": (True, flags)}),
    "draw_trace": (partial(draw, plots.draw_trace), {"log_likelihoods": (np.array([-3.0, -2.0]), POINTS)}),
    "stepper": (widgets.stepper, {
        "draw": (lambda i: plt.figure(figsize=(1, 1)), functions(lambda i: None, lambda i: [1])), "n_frames": (2, counts(2)), "label": ("round", texts),
        "describe": (str, functions(lambda i: None, lambda i: 3)), "dpi": (20, numbers(1, 1000))}),
}
EVERY_NAME = {parameter for _, parameters in CALLS.values() for parameter in parameters} | {"component", "resp", "centers"}
PAIRS = [pytest.param(name, parameter, id=f"{name}-{parameter}") for name, (_, parameters) in CALLS.items() for parameter in parameters]


def call(name, **changed):
    function, parameters = CALLS[name]
    # a start given in parts overrules init_params and the other parts: leave them out unless they are tried
    arguments = {p: value for p, (value, _) in parameters.items() if not p.endswith("_init") or p == "n_init"}
    return function(**arguments | changed)


def names(message, parameter):
    """Tell whether a message names a parameter, as itself or in the singular (component 1: covariance ...)."""
    return re.search(rf"\b{parameter}\b", message) or parameter == "covariances" and re.search(r"\bcovariance\b", message)


def refused_properly(name, parameter, bad, allowed):
    """Call with one bad argument; return whether it was refused, after checking how and that an allowed name is named."""
    try:
        call(name, **{parameter: bad})
    except (ConvergenceWarning, RidgeWarning, FileNotFoundError):       # a fit cut short, or swamped, is an answer all the same;
        return False                                                    # and a name may be right where there is no such file
    except Exception as error:                                  # any other warning too: they are errors in these tests
        assert type(error) in (ValueError, TypeError, SingularCovarianceError) or isinstance(error, NotFittedError), repr(error)
        assert any(names(str(error), one) for one in allowed), f"{parameter} is not named in: {error}"
        return True
    return False


def test_every_public_function_is_tried():
    public = {name for module in (gaussian, covariances, kmeans, em, starts, mixture, selection, comparison, metrics, bootstrap, storage, data,
                             plots, widgets)
              for name, function in inspect.getmembers(module, inspect.isfunction)
              if function.__module__ == module.__name__ and inspect.signature(function).parameters}
    assert {name for name in public if not name.startswith(("_", "check_", "require_"))} <= CALLS.keys()


@pytest.mark.parametrize("Estimator", [KMeans, GaussianMixture])
def test_every_parameter_of_the_estimators_and_every_method_is_tried(Estimator):
    tried = CALLS[Estimator.__name__][1].keys()
    assert set(inspect.signature(Estimator).parameters) <= tried
    methods = {name for name, _ in inspect.getmembers(Estimator, inspect.isfunction) if not name.startswith("_")}
    methods -= {"fit", "get_params", "set_params"}
    assert {f"{Estimator.__name__}.{method}" for method in methods} <= CALLS.keys()


@pytest.mark.parametrize("name", CALLS)
def test_the_valid_call_is_valid(name):
    call(name)


CALM_SETTINGS = settings(derandomize=True, deadline=None, database=None, phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck))
FUNCTIONS_WITH = Counter(pair.values[1] for pair in PAIRS)


def examples(name, parameter):
    """Return how many bad values to try: 500 for each parameter of the estimators, and for the data of all functions together."""
    together = 500 if parameter in ("X", "sample_weight", "values") else 150
    return 500 if name in ("GaussianMixture", "KMeans") else max(20, -(-together // FUNCTIONS_WITH[parameter]))


@pytest.mark.parametrize(("name", "parameter"), PAIRS)
def test_bad_input_is_refused_with_an_error_that_names_it(name, parameter):
    value, kind = CALLS[name][1][parameter]

    @settings(CALM_SETTINGS, max_examples=examples(name, parameter))
    @given(bad=kind(value))
    def refuse(bad):
        assert refused_properly(name, parameter, bad, [parameter]), "taken without a word"

    refuse()


@pytest.mark.parametrize("method", ["predict", "score_samples"])
def test_other_columns_than_those_fitted_are_refused(method):
    with pytest.raises(ValueError, match="X has 3 features, but GaussianMixture is expecting 2 features"):
        getattr(FITTED_GMM, method)(np.ones((4, 3)))


NUMBERS_OF_ANY_KIND = st.one_of(st.integers(-3, 12), st.floats(), st.booleans(), st.complex_numbers(max_magnitude=9))
ANYTHING = st.one_of(
    st.none(), st.text(max_size=4), st.binary(max_size=4), NUMBERS_OF_ANY_KIND,
    st.lists(NUMBERS_OF_ANY_KIND, max_size=4),
    st.lists(st.lists(st.one_of(NUMBERS_OF_ANY_KIND, st.text(max_size=2), st.none()), max_size=3), max_size=9),
    st.dictionaries(st.one_of(st.integers(0, 2), st.text(max_size=2)), st.floats(), max_size=2), st.sets(st.integers(0, 3), max_size=3),
    st.tuples(st.floats(), st.floats()), st.just(np.float64), st.just(Ellipsis), st.builds(object),
    hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=8)),
    hnp.arrays(float, hnp.array_shapes(min_dims=1, max_dims=3, max_side=8), elements=st.floats(width=64)),
)


@pytest.mark.parametrize(("name", "parameter"), PAIRS)
@settings(CALM_SETTINGS, max_examples=12)
@given(anything=ANYTHING)
def test_anything_at_all_is_taken_or_refused_properly(name, parameter, anything):
    # what is well formed but does not fit the other arguments may be told as a fault of theirs, or end in a collapse
    refused_properly(name, parameter, anything, EVERY_NAME)


# What is not bad

WELL_BEHAVED = """
import sys
import warnings

sys.path.insert(0, {tests!r})
warnings.simplefilter("error")          # as -W error does, for warnings raised while these modules are imported too
import numpy as np
from test_validation import CALLS, GaussianMixture, KMeans, call
from gmm_from_scratch import compare, data, standard_errors
from gmm_from_scratch.covariances import FAMILIES

for name in CALLS:
    call(name)
for table in (data.load_faithful(), data.load_iris(), data.make_wide_and_compact(200)):
    for K in (1, 2):
        KMeans(K, n_init=3, random_state=0).fit(table.X).score(table.X)
        for family in FAMILIES:
            for options in ({{}}, {{"n_init": 3}}, {{"init_params": "k-means++"}}, {{"accelerate": True}}, {{"reg_covar": "auto"}}, {{"reg_covar": 0}}):
                model = GaussianMixture(K, covariance_type=family, max_iter=1000, random_state=0, **options)
                assert np.isfinite(model.fit(table.X).score_samples(table.X)).all()
X = data.load_faithful().X
repr(compare(X, [1, 2], ["full", "tied"], n_folds=2, n_null=1, random_state=0))
standard_errors(GaussianMixture(2, random_state=0).fit(X), X, n_bootstrap=5, random_state=0)
print("silent")
"""


def test_good_data_raise_no_warning_anywhere():
    run = subprocess.run([sys.executable, "-W", "error", "-c", WELL_BEHAVED.format(tests=str(Path(__file__).parent))], capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr) == ("silent\n", "")


def memmapped(array, folder):
    stored = np.memmap(folder / "array", dtype=array.dtype, mode="w+", shape=array.shape)
    stored[:] = array
    stored.flush()
    return stored


def strided(array):
    wide = np.full((2 * len(array), *array.shape[1:]), np.nan)
    wide[::2] = array
    return wide[::2]


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


# whole numbers, so that every kind of number holds them exactly
WHOLE_X = np.array([[0, 1], [1, 0], [2, 2], [1, 3], [60, 50], [62, 51], [61, 54], [63, 52]], float)
FORMS = {
    "list": np.ndarray.tolist, "tuple": lambda a: tuple(map(tuple, a)), "list of rows": list, "int": lambda a: a.astype(int),
    "int8": lambda a: a.astype(np.int8), "uint64": lambda a: a.astype(np.uint64), "float16": lambda a: a.astype(np.float16),
    "float32": lambda a: a.astype(np.float32), "longdouble": lambda a: a.astype(np.longdouble), "big-endian": lambda a: a.astype(">f8"),
    "objects": lambda a: a.astype(object), "Fortran": np.asfortranarray, "strided": strided, "reversed": lambda a: a[::-1].copy()[::-1],
    "read-only": read_only, "matrix": lambda a: a.view(np.matrix)}


@pytest.mark.parametrize("form", [*FORMS, "memmap"])
def test_every_form_of_the_same_numbers_gives_the_same_answer(form, tmp_path):
    data = memmapped(WHOLE_X, tmp_path) if form == "memmap" else FORMS[form](WHOLE_X)
    for Estimator in (KMeans, GaussianMixture):
        expected, model = Estimator(2, **CALM).fit(WHOLE_X), Estimator(2, **CALM).fit(data)
        np.testing.assert_array_equal(model.predict(data), expected.predict(WHOLE_X))
        assert model.score(data) == pytest.approx(expected.score(WHOLE_X), rel=1e-12)      # sums run in another order
    np.testing.assert_allclose(em.e_step(data, MIXTURE)[1], em.e_step(WHOLE_X, MIXTURE)[1], rtol=1e-14)


def test_bools_count_as_zero_and_one():
    bools = np.array([[True, False], [False, False], [True, True], [False, True]])
    np.testing.assert_array_equal(GaussianMixture(1).fit(bools).means_, GaussianMixture(1).fit(bools.astype(float)).means_)


@pytest.mark.parametrize("value", [2, np.int8(2), np.uint64(2)])
def test_every_kind_of_integer_is_an_integer(value):
    checked = validation.check_integer("n", value, least=1, most=2)
    assert checked == 2 and type(checked) is int


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1), np.float16(1), np.int16(1), Fraction(1)])
def test_every_kind_of_real_is_a_number(value):
    for bounds in ({}, {"below": 2}):
        checked = validation.check_number("x", value, least=1, **bounds)
        assert checked == 1 and type(checked) is float


@pytest.mark.parametrize("rounds", [10**6, 2**63, 10**30])
def test_a_limit_on_the_rounds_may_be_as_large_as_one_likes(rounds):
    assert KMeans(2, max_iter=rounds, random_state=0).fit(X).n_iter_ < 10
    assert GaussianMixture(2, max_iter=rounds, random_state=0).fit(X).converged_


def test_messages_say_what_was_given_what_is_allowed_and_what_to_try():
    for bad, said in [
            ([1.0, 2.0], ["(n_samples, n_features)", "Reshape your data"]),
            ([[1.0, np.nan]], ["NaN", "(0, 1)", "Drop"]),
            (np.empty((0, 3)), ["(0, 3)", "0 sample", "minimum of 1"]),
            (scipy.sparse.csr_array(X), ["sparse", "toarray"]),
            ([[1.0], [1.0, 2.0]], ["ragged", "same number"]),
            ([["a"]], ["<U1", "real numbers", "text"])]:
        with pytest.raises((ValueError, TypeError)) as caught:
            GaussianMixture().fit(bad)
        assert all(part in str(caught.value) for part in ["X", *said])
