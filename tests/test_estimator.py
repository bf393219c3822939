"""Both estimators keep scikit-learn's promises, without importing it."""

import pickle
import warnings

import numpy as np
import pandas
import pytest
import sklearn.cluster
import sklearn.exceptions
import sklearn.mixture
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_dataframe_column_names_consistency, estimator_checks_generator

from gmm_from_scratch import GaussianMixture, KMeans, data, standard_errors

X = data.load_faithful().X
PEERS = {GaussianMixture: sklearn.mixture.GaussianMixture, KMeans: sklearn.cluster.KMeans}
# scikit-learn expects this of its own KMeans too: rows drawn as centers depend on how often they are listed.
EXPECTED = {"KMeans": {"check_sample_weight_equivalence_on_dense_data"}, "GaussianMixture": set()}


def checks():
    """Yield each of scikit-learn's checks with the estimator it is for."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Estimator .* does not inherit from `sklearn.base.BaseEstimator`")    # on purpose
        for estimator in (GaussianMixture(), KMeans()):
            for each, check in estimator_checks_generator(estimator):
                name = getattr(check, "func", check).__name__
                if name not in EXPECTED[type(estimator).__name__]:
                    yield pytest.param(each, check, id=f"{type(estimator).__name__}-{name}")


each_estimator = pytest.mark.parametrize("Estimator", PEERS)


@pytest.mark.filterwarnings("default")                      # the checks themselves fit on odd data on purpose
@pytest.mark.parametrize(("estimator", "check"), list(checks()))
def test_scikit_learns_own_checks_pass(estimator, check):
    check(estimator)


@each_estimator
def test_parameters_and_their_defaults_are_scikit_learns(Estimator):
    ours, theirs = Estimator().get_params(), PEERS[Estimator]().get_params()
    assert {name: ours[name] for name in theirs} == theirs
    assert ours.keys() - theirs.keys() == ({"accelerate"} if Estimator is GaussianMixture else set())


@each_estimator
def test_methods_and_fitted_attributes_are_scikit_learns(Estimator):
    ours, theirs = Estimator(2, random_state=0).fit(X), PEERS[Estimator](2, random_state=0).fit(X)
    metadata = ("metadata", "output", "_request", "feature_names_out")          # scikit-learn's own machinery
    public = {name for name in dir(theirs) if not name.startswith("_") and not any(part in name for part in metadata)}
    assert public <= set(dir(ours))
    for name in public:
        if name.endswith("_") and isinstance(getattr(theirs, name), np.ndarray):
            assert getattr(ours, name).shape == getattr(theirs, name).shape or name == "lower_bounds_", name


@each_estimator
def test_a_clone_has_the_parameters_and_not_the_fit(Estimator):
    model = Estimator(3, random_state=1, tol=0.5).fit(X)
    copy = clone(model)
    assert copy.get_params() == model.get_params() and not hasattr(copy, "n_iter_")


@each_estimator
def test_a_pickled_fit_predicts_the_same(Estimator):
    model = Estimator(2, random_state=0).fit(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))


def test_a_pipeline_and_a_grid_search_take_it():
    search = GridSearchCV(make_pipeline(StandardScaler(), GaussianMixture(random_state=0)),
                          {"gaussianmixture__n_components": [1, 2], "gaussianmixture__covariance_type": ["full", "tied"]}, cv=3)
    assert search.fit(X).best_params_["gaussianmixture__n_components"] == 2


@each_estimator
def test_an_unknown_parameter_is_refused_and_nothing_is_set(Estimator):
    model = Estimator()
    with pytest.raises(ValueError, match="'n_comps'"):
        model.set_params(tol=0.5, n_comps=3)
    assert model.tol == Estimator().tol


@each_estimator
def test_code_written_for_scikit_learn_catches_our_error(Estimator):
    with pytest.raises(sklearn.exceptions.NotFittedError):
        Estimator().predict(X)


def test_the_name_shows_what_differs_from_the_default():
    assert repr(GaussianMixture(3, tol=0.1)) == "GaussianMixture(n_components=3, tol=0.1)"
    assert "means_init=array" in repr(GaussianMixture(2, means_init=np.zeros((2, 2))))


class Frame:
    """What we use of a data frame: columns with names, and an array."""

    def __init__(self, values, columns):
        self.values, self.columns, self.shape = values, columns, values.shape

    def __array__(self, dtype=None, copy=None):
        return self.values


@each_estimator
def test_columns_of_a_frame_are_remembered_and_must_come_in_the_same_order(Estimator):
    model = Estimator(2, random_state=0).fit(Frame(X, ["eruption", "waiting"]))
    assert list(model.feature_names_in_) == ["eruption", "waiting"]
    model.predict(Frame(X, ["eruption", "waiting"]))
    with pytest.raises(ValueError, match="same order"):
        model.predict(Frame(X[:, ::-1], ["waiting", "eruption"]))


FRAME = pandas.DataFrame(X, columns=["eruption", "waiting"])
NAMED, PLAIN = "X does not have valid feature names, but {} was fitted with feature names", "X has feature names, but {} was fitted without feature names"
BY_NAME = ["predict", "predict_proba", "score_samples", "score", "bic", "aic", "transform"]
NAMES = {"texts": ["a", "b"], "numbers": [0, 1], "mixed": ["a", 1], "tuples": [("a", 1), ("a", 2)]}
each_names = pytest.mark.parametrize("columns", NAMES.values(), ids=NAMES)


@pytest.mark.filterwarnings("default")
@each_estimator
def test_scikit_learns_check_of_column_names_passes(Estimator):
    check_dataframe_column_names_consistency(Estimator.__name__, Estimator())


def outcome(call, *given):
    """Return the kind of an error and how its text begins, or those of the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            call(*given)
        except (TypeError, ValueError) as error:
            return type(error), str(error)[:39]
    return [(each.category, str(each.message)[:42]) for each in caught]


@each_estimator
def test_all_that_is_said_of_names_is_what_scikit_learn_says(Estimator):
    frames = {name: pandas.DataFrame(X, columns=columns) for name, columns in NAMES.items()} | {
        "array": X, "order": pandas.DataFrame(X, columns=["b", "a"]), "others": pandas.DataFrame(X, columns=["a", "c"])}
    for one, fitted_to in frames.items():
        ours, theirs = Estimator(2, random_state=0), PEERS[Estimator](2, random_state=0)
        said = outcome(ours.fit, fitted_to)
        assert said == outcome(theirs.fit, fitted_to)
        assert said == [] or one == "mixed" and said[0] is TypeError
        if one == "mixed":
            continue
        assert list(getattr(ours, "feature_names_in_", [])) == list(getattr(theirs, "feature_names_in_", []))
        for other, new in frames.items():
            for method in BY_NAME:
                if hasattr(theirs, method):
                    assert outcome(getattr(ours, method), new) == outcome(getattr(theirs, method), new), (one, other, method)


@each_estimator
def test_a_warning_of_names_points_to_the_line_of_the_caller(Estimator):
    model = Estimator(2, random_state=0).fit(FRAME)
    with pytest.warns(UserWarning, match=NAMED.format(Estimator.__name__)) as caught:
        model.predict(X)
    assert [each.filename for each in caught] == [__file__]


@each_estimator
def test_nothing_is_said_of_names_where_they_are_given_each_time_or_never(Estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for given in (FRAME, X, X.tolist(), pandas.DataFrame(X)):
            model = Estimator(2, random_state=0)
            model.fit_predict(given)
            for method in (*BY_NAME, "fit_transform", "partial_fit"):
                if hasattr(model, method):
                    getattr(model, method)(given)
            pickle.loads(pickle.dumps(model)).predict(given)
        for output in ("pandas", "default"):
            pipe = make_pipeline(StandardScaler(), Estimator(2, random_state=0))
            pipe[0].set_output(transform=output)
            pipe.fit(FRAME).predict(FRAME)
            pipe.score(FRAME)
            GridSearchCV(pipe, {f"{Estimator.__name__.lower()}__tol": [1e-2, 1e-3]}, cv=3).fit(FRAME).predict(FRAME)


def test_parts_of_a_mixture_keep_the_names_of_their_features():
    model = GaussianMixture(2, random_state=0).fit(FRAME)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        part, rest = model.marginal([1]), model.conditional([1], [80.0])
        part.predict(FRAME[["waiting"]])
        rest.predict(FRAME[["eruption"]])
        standard_errors(model, FRAME, n_bootstrap=3, random_state=0)
    assert (list(part.feature_names_in_), list(rest.feature_names_in_)) == (["waiting"], ["eruption"])
    assert not hasattr(GaussianMixture(2, random_state=0).fit(X).marginal([1]), "feature_names_in_")


@each_estimator
def test_a_partial_fit_keeps_the_names(Estimator):
    if Estimator is KMeans:
        return
    model = Estimator(2, random_state=0).partial_fit(FRAME)
    assert list(model.partial_fit(FRAME).feature_names_in_) == ["eruption", "waiting"]
    with pytest.warns(UserWarning, match=NAMED.format("GaussianMixture")):
        model.partial_fit(X)
    assert list(model.feature_names_in_) == ["eruption", "waiting"]
    with pytest.raises(ValueError, match="same order"):
        model.partial_fit(FRAME[["waiting", "eruption"]])


def state(model):
    return {name: value for name, value in vars(model).items() if name not in model.get_params()}


@pytest.mark.parametrize("method", ["fit", "fit_predict", "fit_transform", "partial_fit"])
@pytest.mark.parametrize("trouble", ["n", "max_iter", "data", "weight", "a warning"])
@pytest.mark.parametrize("first", [FRAME, X], ids=["names", "array"])
@each_estimator
def test_a_fit_that_failed_leaves_the_old_model_as_it_was(Estimator, first, trouble, method):
    if not hasattr(Estimator, method):
        return
    model = Estimator(2, random_state=0).fit(first)
    before, answer = state(model), model.predict(first)
    other = pandas.DataFrame(np.random.default_rng(0).normal(size=(30, 3)), columns=["x", "y", "z"])
    n = {"n_clusters" if Estimator is KMeans else "n_components": 50}
    change, data_, weight = {"n": (n, other, None), "max_iter": ({"max_iter": -1}, other, None), "data": ({}, other * np.nan, None),
                             "weight": ({}, other, np.zeros(30)), "a warning": ({"max_iter": 1, "tol": 0}, other, None)}[trouble]
    if trouble == "a warning" and method == "partial_fit":
        return                                                  # it warns of nothing, and other data are refused anyway
    with warnings.catch_warnings(), pytest.raises((ValueError, UserWarning)):
        warnings.simplefilter("error")
        call = getattr(model.set_params(**change), method)
        call(data_) if weight is None else call(data_, sample_weight=weight)
    after = state(model)
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)
    np.testing.assert_array_equal(model.predict(first), answer)


@each_estimator
def test_the_first_fit_that_failed_leaves_nothing(Estimator):
    for method in ("fit", "partial_fit"):
        model = Estimator(400)
        if hasattr(model, method):
            with pytest.raises(ValueError):
                getattr(model, method)(FRAME)
            assert state(model) == {}


@each_estimator
def test_other_keywords_of_a_subclass_are_no_parameters(Estimator):
    class Mine(Estimator):
        def __init__(self, n, *, tol=0.1, **others):
            self.n, self.others = n, others
            super().__init__(n, tol=tol, **others)

    class Theirs(PEERS[Estimator]):
        def __init__(self, n, *, tol=0.1, **others):
            pass

    assert set(Mine(2, max_iter=7).get_params()) == {"n", "tol"} == set(Theirs._get_param_names())
    assert "n=2" in repr(Mine(2, max_iter=7))
    assert clone(Mine(2)).fit(X).predict(X).shape == (len(X),)
    with pytest.raises(ValueError, match="others"):
        Mine(2).set_params(others={})
