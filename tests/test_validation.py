"""Bad input to every public function: a ValueError or TypeError that names the parameter, never anything else.

CALLS holds one valid call of each public function and estimator. Each of its parameters is replaced in turn, first by
what is known to be wrong, then by anything at all; a test makes sure that no public function is missing.
"""

import inspect
from functools import partial

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
import scipy.sparse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gmm_from_scratch import (ConvergenceWarning, GaussianMixture, KMeans, Mixture, RidgeWarning, SingularCovarianceError, covariances, data, em,
                              gaussian, kmeans, mixture, plots, starts, validation, widgets)

X = np.array([[0.0, 0.3], [1.0, -0.2], [0.2, 1.0], [9.0, 8.0], [8.0, 9.5], [9.5, 9.0], [0.5, 0.5], [8.5, 8.2]])
RESP = np.column_stack([np.linspace(0.1, 0.9, 8), np.linspace(0.9, 0.1, 8)])
MEAN, COVARIANCE = np.array([0.0, 1.0]), np.array([[2.0, 0.5], [0.5, 1.0]])
MEANS, COVARIANCES = np.array([[0.0, 0.0], [9.0, 9.0]]), np.array([[[2.0, 0.5], [0.5, 1.0]]] * 2)
MIXTURE = Mixture([0.5, 0.5], MEANS, COVARIANCES)
LABELS = np.array([0, 0, 0, 1, 1, 1, 0, 1])
CALM = {"max_iter": 200, "random_state": 0}


def fit(Estimator, method="fit", X=X, sample_weight=None, **parameters):
    return getattr(Estimator(**CALM | parameters), method)(X, sample_weight=sample_weight)


def use(model, method, **arguments):
    return getattr(model, method)(**arguments)


def draw(function, **arguments):
    figure, ax = plt.subplots()
    try:
        return function(ax, **arguments)
    finally:
        plt.close(figure)


def step(X, start, **options):
    steps = em.em_steps(X, start, **options)
    return next(steps), next(steps)


FITTED_GMM = GaussianMixture(2, **CALM).fit(X)
FITTED_KMEANS = KMeans(2, **CALM).fit(X)
ARRAY, COUNT, NUMBER, CHOICE, RNG, FEATURES, WHOLE, MIX, FUNCTION, TEXT, SIZES, SHARES, FLAG, LEVEL = (
    "array", "count", "number", "choice", "rng", "features", "labels", "mixture", "function", "text", "sizes", "shares", "flag",
    "level")
WEIGHT = (np.ones(8), ARRAY)
START = {"n_components": (2, COUNT), "rng": (0, RNG), "covariance_type": ("full", CHOICE), "reg_covar": (1e-6, NUMBER), "X": (X, ARRAY),
         "sample_weight": WEIGHT}

# name: function, {parameter: (valid value, kind)}
CALLS = {
    "cholesky_factor": (gaussian.cholesky_factor, {"covariance": (COVARIANCE, ARRAY)}),
    "log_gaussian": (gaussian.log_gaussian, {"X": (X, ARRAY), "mean": (MEAN, ARRAY), "covariance": (COVARIANCE, ARRAY)}),
    "sample_gaussian": (gaussian.sample_gaussian, {"n_samples": (3, COUNT), "mean": (MEAN, ARRAY), "covariance": (COVARIANCE, ARRAY),
                                                   "rng": (0, RNG)}),
    "ellipse": (gaussian.ellipse, {"mean": (MEAN, ARRAY), "covariance": (COVARIANCE, ARRAY), "mass": (0.5, NUMBER)}),
    "marginal_gaussian": (gaussian.marginal_gaussian, {"mean": (MEAN, ARRAY), "covariance": (COVARIANCE, ARRAY),
                                                       "features": ([0], FEATURES)}),
    "conditional_gaussian": (gaussian.conditional_gaussian, {"mean": (MEAN, ARRAY), "covariance": (COVARIANCE, ARRAY),
                                                             "features": ([0], FEATURES), "values": (np.array([1.0]), ARRAY)}),
    "estimate_covariances": (covariances.estimate_covariances, {
        "X": (X, ARRAY), "resp": (RESP, ARRAY), "means": (MEANS, ARRAY), "covariance_type": ("full", CHOICE), "reg_covar": (0.1, NUMBER)}),
    "covariance_matrices": (covariances.covariance_matrices, {
        "covariances": (COVARIANCES, ARRAY), "n_components": (2, COUNT), "n_features": (2, COUNT), "covariance_type": ("full", CHOICE)}),
    "check_covariances": (covariances.check_covariances, {
        "covariances": (COVARIANCES, ARRAY), "n_components": (2, COUNT), "n_features": (2, COUNT), "covariance_type": ("full", CHOICE)}),
    "precision_factors": (covariances.precision_factors, {"covariances": (COVARIANCES, ARRAY), "covariance_type": ("full", CHOICE)}),
    "invert": (covariances.invert, {"covariances": (COVARIANCES, ARRAY), "covariance_type": ("full", CHOICE)}),
    "count_parameters": (covariances.count_parameters, {
        "n_components": (2, COUNT), "n_features": (2, COUNT), "covariance_type": ("full", CHOICE)}),
    "assign_step": (kmeans.assign_step, {"X": (X, ARRAY), "centers": (MEANS, ARRAY)}),
    "update_step": (kmeans.update_step, {"X": (X, ARRAY), "labels": (LABELS, WHOLE), "centers": (MEANS, ARRAY), "sample_weight": WEIGHT}),
    "inertia": (kmeans.inertia, {"X": (X, ARRAY), "labels": (LABELS, WHOLE), "centers": (MEANS, ARRAY), "sample_weight": WEIGHT}),
    "kmeans_plusplus": (kmeans.kmeans_plusplus, {"X": (X, ARRAY), "n_clusters": (2, COUNT), "rng": (0, RNG), "sample_weight": WEIGHT}),
    "kmeans_steps": (lambda **arguments: next(kmeans.kmeans_steps(**arguments)), {
        "X": (X, ARRAY), "centers": (MEANS, ARRAY), "sample_weight": WEIGHT}),
    "KMeans": (partial(fit, KMeans), {
        "X": (X, ARRAY), "n_clusters": (2, COUNT), "init": ("k-means++", CHOICE), "n_init": (2, COUNT), "max_iter": (99, COUNT),
        "tol": (1e-4, NUMBER), "random_state": (0, RNG), "verbose": (0, LEVEL), "copy_x": (True, FLAG), "algorithm": ("lloyd", CHOICE),
        "sample_weight": (np.ones(8), ARRAY)}),
    "KMeans from an array": (partial(fit, KMeans, n_clusters=2), {"init": (MEANS, ARRAY)}),
    "KMeans.fit_predict": (partial(fit, KMeans, "fit_predict", n_clusters=2), {"X": (X, ARRAY)}),
    "KMeans.predict": (partial(use, FITTED_KMEANS, "predict"), {"X": (X, ARRAY)}),
    "KMeans.fit_transform": (partial(fit, KMeans, "fit_transform", n_clusters=2), {"X": (X, ARRAY)}),
    "KMeans.transform": (partial(use, FITTED_KMEANS, "transform"), {"X": (X, ARRAY)}),
    "KMeans.score": (partial(use, FITTED_KMEANS, "score"), {"X": (X, ARRAY)}),
    "Mixture": (Mixture, {"weights": (np.array([0.5, 0.5]), ARRAY), "means": (MEANS, ARRAY), "covariances": (COVARIANCES, ARRAY),
                          "covariance_type": ("full", CHOICE)}),
    "log_joint": (em.log_joint, {"X": (X, ARRAY), "mixture": (MIXTURE, MIX)}),
    "e_step": (em.e_step, {"X": (X, ARRAY), "mixture": (MIXTURE, MIX)}),
    "m_step": (em.m_step, {"X": (X, ARRAY), "resp": (RESP, ARRAY), "covariance_type": ("full", CHOICE), "reg_covar": (0.1, NUMBER),
                           "sample_weight": WEIGHT}),
    "em_steps": (step, {"X": (X, ARRAY), "start": (MIXTURE, MIX), "reg_covar": (0.1, NUMBER), "sample_weight": WEIGHT}),
    "run_em": (em.run_em, {"X": (X, ARRAY), "start": (MIXTURE, MIX), "tol": (0.1, NUMBER), "max_iter": (9, COUNT),
                           "reg_covar": (0.1, NUMBER), "sample_weight": WEIGHT}),
    "run_em without rounds": (partial(em.run_em, max_iter=0), {
        "X": (X, ARRAY), "start": (MIXTURE, MIX), "tol": (0.1, NUMBER), "reg_covar": (0.1, NUMBER)}),
    "sample_mixture": (em.sample_mixture, {"n_samples": (3, COUNT), "mixture": (MIXTURE, MIX), "rng": (0, RNG)}),
    "start_from_labels": (starts.start_from_labels, {"labels": (LABELS, WHOLE)} | {n: v for n, v in START.items() if n != "rng"}),
    "start_from_kmeans": (starts.start_from_kmeans, START),
    "start_from_plusplus": (starts.start_from_plusplus, START),
    "start_from_random_responsibilities": (starts.start_from_random_responsibilities, START),
    "start_from_points": (starts.start_from_points, START),
    "start_from_whitened_kmeans": (starts.start_from_whitened_kmeans, START),
    "start_from_means": (starts.start_from_means, {"means": (MEANS, ARRAY)} | {n: START[n] for n in ("X", "covariance_type", "reg_covar")}),
    "start_from_given": (starts.start_from_given, {"init_params": (LABELS, WHOLE), "X": (X, ARRAY), "n_components": (2, COUNT)}),
    "start_from_given responsibilities": (partial(starts.start_from_given, n_components=2), {"init_params": (RESP, ARRAY), "X": (X, ARRAY)}),
    "kinds_of_start": (starts.kinds_of_start, {"init_params": ("kmeans", CHOICE), "n_init": (2, COUNT)}),
    "GaussianMixture": (partial(fit, GaussianMixture), {
        "X": (X, ARRAY), "n_components": (2, COUNT), "covariance_type": ("full", CHOICE), "tol": (1e-3, NUMBER),
        "reg_covar": (0.01, NUMBER), "max_iter": (99, COUNT), "n_init": (2, COUNT), "init_params": ("kmeans", CHOICE),
        "weights_init": (np.array([0.4, 0.6]), ARRAY), "means_init": (MEANS, ARRAY), "precisions_init": (COVARIANCES, ARRAY),
        "random_state": (0, RNG), "warm_start": (False, FLAG), "verbose": (0, LEVEL), "verbose_interval": (10, COUNT), "accelerate": (False, FLAG),
        "sample_weight": (np.ones(8), ARRAY)}),
    **{f"GaussianMixture {family}": (
        partial(fit, GaussianMixture, n_components=2, covariance_type=family), {"precisions_init": (precisions, ARRAY)})
        for family, precisions in {"tied": COVARIANCE, "diag": np.ones((2, 2)), "spherical": np.ones(2)}.items()},
    **{f"GaussianMixture.{method}": (partial(use, FITTED_GMM, method), {"X": (X, ARRAY)})
       for method in ("predict", "predict_proba", "score_samples", "score", "bic", "aic", "fit_predict")},
    "GaussianMixture.sample": (FITTED_GMM.sample, {"n_samples": (3, COUNT), "random_state": (0, RNG)}),
    "GaussianMixture.marginal": (FITTED_GMM.marginal, {"features": ([0], FEATURES)}),
    "GaussianMixture.conditional": (FITTED_GMM.conditional, {"features": ([0], FEATURES), "values": (np.array([1.0]), ARRAY)}),
    "GaussianMixture.from_parameters": (GaussianMixture.from_parameters, {
        "weights": (np.array([0.5, 0.5]), ARRAY), "means": (MEANS, ARRAY), "covariances": (COVARIANCES, ARRAY),
        "covariance_type": ("full", CHOICE)}),
    "make_groups": (data.make_groups, {"sizes": ([4, 5], SIZES), "means": (MEANS, ARRAY), "covariances": (COVARIANCES, ARRAY),
                                       "random_state": (0, RNG)}),
    "make_stretched": (data.make_stretched, {"n_samples": (9, COUNT), "random_state": (0, RNG)}),
    "make_wide_and_compact": (data.make_wide_and_compact, {"n_samples": (9, COUNT), "random_state": (0, RNG)}),
    "draw_points": (partial(draw, plots.draw_points), {"X": (X, ARRAY), "labels": (LABELS, WHOLE), "names": (["a", "b"], TEXT),
                                                       "size": (9, NUMBER)}),
    "draw_memberships": (partial(draw, plots.draw_memberships), {"X": (X, ARRAY), "resp": (RESP, ARRAY), "size": (9, NUMBER)}),
    "draw_centers": (partial(draw, plots.draw_centers), {"centers": (MEANS, ARRAY), "trail": (np.array([MEANS, MEANS]), ARRAY)}),
    "draw_ellipses": (partial(draw, plots.draw_ellipses), {"mixture": (MIXTURE, MIX), "masses": ((0.5, 0.9), SHARES)}),
    "draw_borders": (partial(draw, plots.draw_borders), {"predict": (lambda points: (points[:, 0] > 0.5) * 1, FUNCTION),
                                                         "resolution": (9, COUNT)}),
    "draw_trace": (partial(draw, plots.draw_trace), {"log_likelihoods": (np.array([-3.0, -2.0]), ARRAY)}),
    "stepper": (widgets.stepper, {"draw": (lambda i: plt.figure(figsize=(1, 1)), FUNCTION), "n_frames": (2, COUNT),
                                  "label": ("round", TEXT), "describe": (str, FUNCTION), "dpi": (20, NUMBER)}),
}
# where None is allowed
OPTIONAL = {"GaussianMixture": {"weights_init", "means_init", "precisions_init"}, "draw_points": {"labels", "names"},
            "draw_centers": {"trail"}, **{f"GaussianMixture {family}": {"precisions_init"} for family in ("tied", "diag", "spherical")}}


def bad_arrays(value):
    """Return what is wrong in place of a valid float array, by what is wrong with it."""
    value = np.asarray(value, float)
    spoilt = {name: value.copy() for name in ("NaN", "infinity", "minus infinity", "huge")}
    for array, entry in zip(spoilt.values(), (np.nan, np.inf, -np.inf, 1e300)):
        array.flat[-1] = entry
    beyond, text = value.astype(object), value.astype(object)
    beyond.flat[0], text.flat[0] = 10**400, "1"
    bad = spoilt | {
        "None": None, "a word": "word", "bytes": b"12", "a number": 3.5, "a dict": {"a": [1.0]}, "a set": {1.0, 2.0}, "an object": object(),
        "a generator": (row for row in value), "a list of None": [None], "a dict of rows": {0: [1.0, 2.0]},
        "complex": value + 1j, "text": value.astype(str), "bytes inside": value.astype("S"), "text among numbers": text,
        "complex objects": (value + 1j).astype(object), "dates": np.full(value.shape, np.datetime64("2020-01-01")),
        "date objects": np.full(value.shape, np.datetime64("2020"), object), "too big for a float": beyond,
        "big long doubles": np.full(value.shape, np.longdouble(10) ** 4000) if np.finfo(np.longdouble).max > 1e308 else "no such type",
        "masked": np.ma.masked_array(value, mask=np.zeros(value.shape, bool)), "an axis too many": value[..., None],
        "an axis too few": value[0], "a row of another length": [*value.tolist(), [1.0, 2.0, 3.0]], "empty": value[:0], "an empty list": [],
    }
    return bad | ({"sparse": scipy.sparse.csr_array(value)} if value.ndim == 2 else {})


INTEGERS = {"a word": "3", "a float": 2.5, "a whole float": 2.0, "a bool": True, "NaN": np.nan, "a list": [2], "an array": np.array([2]),
            "negative": -1, "complex": 2j, "a dict": {}, "a numpy bool": np.True_}
NUMBERS = {"a word": "1", "NaN": np.nan, "infinite": np.inf, "negative": -0.5, "a list": [1.0], "a bool": True, "complex": 1j, "a dict": {},
           "too big for a float": 10**400, "an array": np.array([0.5])}
BAD = {
    COUNT: lambda value: INTEGERS | {"None": None},
    NUMBER: lambda value: NUMBERS | {"None": None},
    CHOICE: lambda value: {"None": None, "unknown": "wrong", "a number": 3, "a list": ["full"], "a dict": {}, "other case": value.upper()},
    RNG: lambda value: {"a word": "seed", "negative": -1, "a float": 0.5, "a bool": True, "a list": [1], "a dict": {}, "NaN": np.nan},
    FEATURES: lambda value: {"None": None, "empty": [], "twice": [0, 0], "too high": [2], "negative": [-1], "a float": [0.0], "a word": "a",
                             "a bool": [True], "a mask": np.array([True, False]), "a table": [[0]], "a dict": {0: 0},
                             "ragged": [[0], [0, 1]],
                             "NaN": [np.nan], "sparse": scipy.sparse.csr_array([[0]])},
    WHOLE: lambda value: bad_arrays(value) | {
        "negative": value - 1, "between": value + 0.5, "too few": value[1:], "beyond an integer": value * 1e300},
    MIX: lambda value: {"None": None, "a word": "m", "a dict": {}, "an array": MEANS, "parts": (value.weights, value.means),
                        "an estimator": GaussianMixture(2)},
    FUNCTION: lambda value: {"None": None, "a word": "f", "a number": 3, "giving nothing": lambda *a: None,
                             "giving a list": lambda *a: [1]},
    TEXT: lambda value: {"a number": 3, "a dict": {}, "None": None} if isinstance(value, str) else {
        "a number": 3, "too few": ["a"], "empty": []},
    SIZES: lambda value: {"None": None, "a number": 9, "a word": "ab", "empty": [], "negative": [-1, 5], "zero": [0, 5],
                          "floats": [4.0, 5.0], "nested": [[4, 5]], "a dict": {}},
    SHARES: lambda value: {"None": None, "a number": 0.5, "a word": "ab", "one": [1.0], "negative": [-0.1], "nested": [[0.5]],
                           "complex": [1j]},
    ARRAY: bad_arrays,
    FLAG: lambda value: {"None": None, "a word": "yes", "a number": 1, "a list": [True], "a dict": {}},
    LEVEL: lambda value: {name: bad for name, bad in INTEGERS.items() if name != "a bool"} | {"None": None},
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
    return parameter in message or parameter == "covariances" and "covariance" in message


def refused_properly(name, parameter, bad, allowed):
    """Call with one bad argument; return whether it was refused, after checking how and that an allowed name is named."""
    try:
        call(name, **{parameter: bad})
    except (ConvergenceWarning, RidgeWarning):                  # a fit cut short, or swamped, is an answer all the same
        return False
    except Exception as error:                                  # any other warning too: they are errors in these tests
        assert type(error) in (ValueError, TypeError, SingularCovarianceError), repr(error)
        assert any(names(str(error), one) for one in allowed), f"{parameter} is not named in: {error}"
        return True
    finally:
        plt.close("all")
    return False


def test_every_public_function_is_tried():
    public = {name for module in (gaussian, covariances, kmeans, em, starts, mixture, data, plots, widgets)
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
    plt.close("all")


@pytest.mark.parametrize(("name", "parameter"), PAIRS)
def test_bad_input_is_refused_with_an_error_that_names_it(name, parameter):
    value, kind = CALLS[name][1][parameter]
    wrong = []
    for label, bad in BAD[kind](value).items():
        if bad is None and (parameter == "sample_weight" or parameter in OPTIONAL.get(name, ())):
            continue
        try:
            if not refused_properly(name, parameter, bad, [parameter]):
                wrong.append(f"{label}: taken without a word")
        except AssertionError as error:
            wrong.append(f"{label}: {error}")
    assert not wrong, "\n".join([f"{name}, {parameter}:", *wrong])


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
@settings(derandomize=True, deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(anything=ANYTHING)
def test_anything_at_all_is_taken_or_refused_properly(name, parameter, anything):
    # what is well formed but does not fit the other arguments may be told as a fault of theirs, or end in a collapse
    refused_properly(name, parameter, anything, EVERY_NAME)


# What is not bad

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


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1), np.int16(1)])
def test_every_kind_of_real_is_a_number(value):
    checked = validation.check_number("x", value, least=1, below=2)
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
