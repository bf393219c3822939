"""The tables of `moving from scikit-learn` and of the truth table: each line is tried on both sides, so that none can rot."""

import copy
import functools
import json
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import sklearn.base
import sklearn.cluster
import sklearn.exceptions
import sklearn.mixture
from scipy.sparse import csr_array

import gmm_from_scratch
from gmm_from_scratch import data
from gmm_from_scratch.selection import icl

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "chapters" / "moving-from-scikit-learn.md").read_text(encoding="utf-8")
TRUTH = (ROOT / "chapters" / "truth-table.md").read_text(encoding="utf-8")
MCLUST = {name: json.loads((Path(__file__).parent / "reference" / f"{name}.json").read_text("utf-8")) for name in ("mclust", "mclust_criteria")}
X = data.load_faithful().X
THEIRS = {"GaussianMixture": sklearn.mixture.GaussianMixture, "KMeans": sklearn.cluster.KMeans}
OURS = {"GaussianMixture": gmm_from_scratch.GaussianMixture, "KMeans": gmm_from_scratch.KMeans}
START = {"means_init": [[2.0, 55.0], [4.3, 80.0]], "precisions_init": [np.linalg.inv(np.cov(X.T))] * 2, "weights_init": [0.4, 0.6]}
LONELY = np.vstack([np.random.default_rng(0).normal(size=(40, 2)), [[50.0, 50.0]] * 3])      # a start on the last three collapses
METADATA = ("metadata", "_request", "output", "feature_names_out")


def rows(page, heading):
    """Return the cells of the table below a heading, row by row, without its two header lines."""
    section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in section.splitlines() if line.startswith("|")][2:]


SECTIONS = {"GaussianMixture: parameters": "GaussianMixture", "GaussianMixture: methods": "GaussianMixture",
            "GaussianMixture: fitted attributes": "GaussianMixture", "KMeans": "KMeans"}
ROWS = [(kind, name.strip("`"), status) for heading, kind in SECTIONS.items() for name, status, _ in rows(PAGE, heading)]


def both(kind, *arguments, on=X, **parameters):
    """Return theirs and ours, fitted."""
    return [side[kind](*arguments, **parameters).fit(on) for side in (THEIRS, OURS)]


def fitted(kind):
    """Return both after a fit from the same start until nothing moves, each time anew."""
    return copy.deepcopy(fitted_once(kind))


@functools.cache
def fitted_once(kind):
    if kind == "KMeans":
        return both(kind, 2, init=np.array(START["means_init"]), n_init=1, tol=0)
    return both(kind, 2, tol=1e-10, max_iter=1000, **START)


def public(thing):
    return {name for name in dir(thing) if not name.startswith("_")}


@pytest.mark.parametrize("kind", THEIRS)
def test_the_tables_name_everything_that_either_side_has(kind):
    theirs, ours = fitted(kind)
    listed = {name for each, name, _ in ROWS if each == kind} | ({"kind", "fitted"})
    assert public(theirs) | public(ours) | {"feature_names_in_"} == listed


@pytest.mark.parametrize(("kind", "name", "status"), ROWS)
def test_each_row_is_true(kind, name, status):
    theirs, ours = fitted(kind)
    has = hasattr(theirs, name), hasattr(ours, name)
    if name == "feature_names_in_":
        has = name in type(theirs).__doc__, hasattr(ours.fit(WithHeaders()), name)      # theirs would need pandas here
    assert has == {"theirs": (True, False), "ours": (False, True)}.get(status, (True, True))
    if status in ("same", "more") and name in ours.get_params():
        assert THEIRS[kind]().get_params()[name] == OURS[kind]().get_params()[name]
    if status == "same" and name in RESULTS:
        one, two = (RESULTS[name](model) for model in (theirs, ours))
        assert np.shape(one) == np.shape(two)
        np.testing.assert_allclose(two, one, rtol=1e-4, atol=1e-6)
    assert status in ("theirs", "ours") or ((kind, name) in DIFFERENCES) == (status in ("more", "different"))
    proof = (DIFFERENCES | REMARKS).get((kind, name))
    if proof:
        proof()


class WithHeaders:
    """As much of a data frame as ours looks at."""

    columns = ("eruption", "waiting")

    def __array__(self, dtype=None, copy=None):
        return np.array(X, dtype)


ATTRIBUTES = ["weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_", "converged_", "cluster_centers_", "labels_", "inertia_",
              "n_features_in_"]
METHODS = ["predict", "predict_proba", "score_samples", "score", "bic", "aic", "transform", "fit_transform", "fit_predict"]
RESULTS = {name: (lambda model, name=name: getattr(model, name)) for name in ATTRIBUTES}
RESULTS |= {name: (lambda model, name=name: getattr(model, name)(X)) for name in METHODS}


# What the rows that are not "same" say. Each proof fails when the claim is false on either side.

def refused_there(kind, accepted=None, /, **parameters):
    """Try parameters that ours takes and theirs refuses."""
    OURS[kind](2, **parameters).fit(X, **(accepted or {}))
    with pytest.raises((TypeError, ValueError)):
        THEIRS[kind](2, **parameters).fit(X, **(accepted or {}))


def proves_reg_covar():
    refused_there("GaussianMixture", reg_covar="auto")
    auto = OURS["GaussianMixture"](1, reg_covar="auto").fit(X).covariances_[0] - np.cov(X.T, bias=True)
    np.testing.assert_allclose(auto, 1e-6 * X.var(axis=0).mean() * np.eye(2), atol=1e-9)
    with pytest.warns(gmm_from_scratch.RidgeWarning):
        OURS["GaussianMixture"](1).fit(X * 1e-4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        THEIRS["GaussianMixture"](1).fit(X * 1e-4)


def proves_n_init():
    assert THEIRS["GaussianMixture"]().n_init == OURS["GaussianMixture"]().n_init == 1
    options = {"n_init": 3, "reg_covar": 0, "max_iter": 1, "random_state": 0}
    with pytest.raises(ValueError, match="components have ill-defined"):
        THEIRS["GaussianMixture"](2, **options).fit(LONELY)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        OURS["GaussianMixture"](2, **options).fit(LONELY)
    assert any("of 3 starts collapsed and were dropped" in str(each.message) for each in caught)


def proves_init_params():
    refused_there("GaussianMixture", init_params="whitened_kmeans")
    refused_there("GaussianMixture", init_params=np.repeat([0, 1], len(X) // 2))
    refused_there("GaussianMixture", init_params=np.full((len(X), 2), 0.5))
    theirs = THEIRS["GaussianMixture"](2, init_params="random_from_data", random_state=0)
    theirs._initialize_parameters(X, np.random.RandomState(0))                       # their own start, before EM
    np.testing.assert_allclose(theirs.covariances_, [1e-6 * np.eye(2)] * 2, atol=1e-12)
    ours = OURS["GaussianMixture"](2, init_params="random_from_data", random_state=0, max_iter=0).fit(X)
    np.testing.assert_allclose(ours.covariances_, [np.cov(X.T, bias=True) + 1e-6 * np.eye(2)] * 2)


def proves_means_init():
    means = np.array(START["means_init"])
    for side, follows in [(THEIRS, False), (OURS, True)]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            one, two = (side["GaussianMixture"](2, means_init=given, max_iter=0, random_state=0).fit(X).weights_ for given in (means, means[::-1]))
        assert abs(one[0] - one[1]) > 0.2                                            # so that a swap is seen
        assert np.allclose(one, two[::-1]) is follows


def proves_warm_start():
    for side, k in [(THEIRS, 2), (OURS, 3)]:
        model = side["GaussianMixture"](2, warm_start=True, random_state=0).fit(X)
        assert len(model.set_params(n_components=3).fit(X).means_) == k


def proves_accelerate():
    rng = np.random.default_rng(0)
    close = np.where(rng.random(1000) < 0.7, 0, 1.5)[:, None] + rng.normal(size=(1000, 1))
    slow, fast = (OURS["GaussianMixture"](2, tol=1e-8, max_iter=5000, accelerate=flag, random_state=0).fit(close) for flag in (False, True))
    assert fast.n_iter_ < slow.n_iter_ / 2 and fast.lower_bound_ >= slow.lower_bound_ - 1e-5


def proves_weights_of_rows(method):
    weight = np.repeat([1, 2], len(X) // 2)
    model = OURS["GaussianMixture"](2, tol=1e-10, max_iter=1000, **START)
    getattr(model, method)(X, sample_weight=weight)
    twice = OURS["GaussianMixture"](2, tol=1e-10, max_iter=1000, **START).fit(np.repeat(X, weight, axis=0))
    np.testing.assert_allclose(model.means_, twice.means_, rtol=1e-5)
    with pytest.raises(TypeError):
        getattr(THEIRS["GaussianMixture"](2), method)(X, sample_weight=weight)


def proves_sample():
    theirs, ours = (model.set_params(random_state=0) for model in fitted("GaussianMixture"))
    assert (np.diff(theirs.sample(100)[1]) >= 0).all() and not (np.diff(ours.sample(100)[1]) >= 0).all()
    ours.sample(5, random_state=1)
    with pytest.raises(TypeError):
        theirs.sample(5, random_state=1)


def proves_n_iter():
    for tol in (1e-2, 1e-5, 1e-8):
        theirs, ours = both("GaussianMixture", 2, tol=tol, max_iter=1000, **START)
        assert theirs.n_iter_ == ours.n_iter_ + 1


def proves_lower_bound():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, ours = both("GaussianMixture", 3, max_iter=2, random_state=0)
        once = THEIRS["GaussianMixture"](3, max_iter=1, random_state=0).fit(X)
    assert ours.lower_bound_ == pytest.approx(ours.score(X), abs=1e-12)
    assert theirs.score(X) > theirs.lower_bound_ + 1e-5
    assert theirs.lower_bound_ == pytest.approx(once.score(X), abs=1e-12)            # one M-step behind


def proves_lower_bounds():
    theirs, ours = both("GaussianMixture", 2, random_state=0)
    assert len(theirs.lower_bounds_) == theirs.n_iter_ and len(ours.lower_bounds_) == ours.n_iter_ + 1


def proves_algorithm():
    lloyd, elkan = (OURS["KMeans"](3, algorithm=name, random_state=0).fit(X) for name in ("lloyd", "elkan"))
    np.testing.assert_array_equal(lloyd.cluster_centers_, elkan.cluster_centers_)


def proves_init():
    for side, mean in [(THEIRS, 0), (OURS, X.mean(axis=0))]:
        seen = []
        side["KMeans"](2, init=lambda X, n, random_state, seen=seen: seen.append(X.mean(axis=0)) or X[[0, 1]], n_init=1).fit(X)
        np.testing.assert_allclose(seen, [np.broadcast_to(mean, 2)], atol=1e-12)


def proves_tol():
    options = {"init": np.array([[2.0, 75.0], [2.5, 80.0]]), "n_init": 1, "tol": 0.1}
    weight = np.where(X[:, 1] > 85, 40, 1)
    for side, equal in [(THEIRS, False), (OURS, True)]:
        weighted = side["KMeans"](2, **options).fit(X, sample_weight=weight)
        repeated = side["KMeans"](2, **options).fit(np.repeat(X, weight, axis=0))
        assert (weighted.n_iter_ == repeated.n_iter_) is equal


def proves_copy_x():
    given = X.copy()
    OURS["KMeans"](2, copy_x=False, random_state=0).fit(given)
    np.testing.assert_array_equal(given, X)


def proves_zero_rounds():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for model in both("GaussianMixture", 2, max_iter=0, means_init=START["means_init"], random_state=0):
            assert model.n_iter_ == 0
            np.testing.assert_allclose(model.means_, START["means_init"])


def proves_precisions(name):
    theirs, ours = fitted("GaussianMixture")
    np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-4, atol=1e-6)
    setattr(theirs, name, getattr(theirs, name))
    with pytest.raises(AttributeError, match="from_parameters"):
        setattr(ours, name, getattr(ours, name))


DIFFERENCES = {
    ("GaussianMixture", "reg_covar"): proves_reg_covar,
    ("GaussianMixture", "n_init"): proves_n_init,
    ("GaussianMixture", "init_params"): proves_init_params,
    ("GaussianMixture", "means_init"): proves_means_init,
    ("GaussianMixture", "random_state"): lambda: refused_there("GaussianMixture", random_state=np.random.default_rng(0)),
    ("GaussianMixture", "warm_start"): proves_warm_start,
    ("GaussianMixture", "fit"): lambda: proves_weights_of_rows("fit"),
    ("GaussianMixture", "fit_predict"): lambda: proves_weights_of_rows("fit_predict"),
    ("GaussianMixture", "sample"): proves_sample,
    ("GaussianMixture", "precisions_"): lambda: proves_precisions("precisions_"),
    ("GaussianMixture", "precisions_cholesky_"): lambda: proves_precisions("precisions_cholesky_"),
    ("GaussianMixture", "n_iter_"): proves_n_iter,
    ("GaussianMixture", "lower_bound_"): proves_lower_bound,
    ("GaussianMixture", "lower_bounds_"): proves_lower_bounds,
    ("KMeans", "init"): proves_init,
    ("KMeans", "tol"): proves_tol,
    ("KMeans", "random_state"): lambda: refused_there("KMeans", random_state=np.random.default_rng(0)),
}
REMARKS = {                                                 # what is said of rows that are the same, or only ours
    ("GaussianMixture", "accelerate"): proves_accelerate,
    ("GaussianMixture", "max_iter"): proves_zero_rounds,
    ("KMeans", "algorithm"): proves_algorithm,
    ("KMeans", "copy_x"): proves_copy_x,
}


def test_errors_and_warnings_are_as_the_page_says():
    assert len(rows(PAGE, "Errors and warnings")) == 6
    cut = {"init": [[2.0, 75.0], [2.5, 80.0]], "n_init": 1, "max_iter": 1}
    THEIRS["KMeans"](2, **cut).fit(X)                                                # a warning would be an error here
    with pytest.warns(gmm_from_scratch.ConvergenceWarning, match="max_iter=1"):
        OURS["KMeans"](2, **cut).fit(X)
    far = START | {"means_init": [[2.0, 55.0], [1e4, 1e4]]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert THEIRS["GaussianMixture"](2, **far).fit(X).weights_.min() < 1e-15
    with pytest.raises(gmm_from_scratch.SingularCovarianceError, match="component 1 is responsible for no point"):
        OURS["GaussianMixture"](2, **far).fit(X)
    with pytest.raises(sklearn.exceptions.NotFittedError) as caught:
        OURS["KMeans"]().predict(X)
    assert isinstance(caught.value, gmm_from_scratch.NotFittedError)
    assert issubclass(gmm_from_scratch.SingularCovarianceError, ValueError)
    assert not issubclass(gmm_from_scratch.ConvergenceWarning, sklearn.exceptions.ConvergenceWarning)
    assert not isinstance(OURS["KMeans"](), sklearn.base.BaseEstimator) and sklearn.base.clone(OURS["KMeans"](3)).n_clusters == 3


def test_scikit_learn_has_what_the_page_says_and_we_have_not():
    assert hasattr(sklearn.mixture, "BayesianGaussianMixture") and not hasattr(gmm_from_scratch, "BayesianGaussianMixture")
    assert {"MiniBatchKMeans", "BisectingKMeans"} <= set(dir(sklearn.cluster)) - set(dir(gmm_from_scratch))
    THEIRS["KMeans"](2).fit(csr_array(X))
    with pytest.raises(TypeError, match="toarray"):
        OURS["KMeans"](2).fit(csr_array(X))
    for kind, name, here in [("GaussianMixture", "means_", np.float64), ("KMeans", "cluster_centers_", np.float32)]:
        theirs, ours = both(kind, 2, on=X.astype(np.float32))
        assert (getattr(theirs, name).dtype, getattr(ours, name).dtype) == (np.float32, here)
    settings = {"init_params": "random_from_data"}
    assert THEIRS["GaussianMixture"](**settings).__sklearn_tags__().array_api_support
    assert not OURS["GaussianMixture"](**settings).__sklearn_tags__().array_api_support
    assert hasattr(THEIRS["KMeans"], "_repr_html_") or hasattr(THEIRS["KMeans"], "_repr_mimebundle_")
    assert not hasattr(OURS["KMeans"], "_repr_html_") and not hasattr(OURS["KMeans"], "_repr_mimebundle_")


# The truth table: the facts about both of these, and about mclust where its own results tell.

def test_bic_has_the_sign_that_the_table_says():
    assert TRUTH.count("$2 \\ln L - p \\ln N$: higher") == 1 and TRUTH.count("$-2 \\ln L + p \\ln N$: lower") == 2
    end = MCLUST["mclust"]["faithful"]["fits"]["full"]["2"]["end"]
    assert end["bic_mclust"] == pytest.approx(2 * end["loglik"] - end["df"] * np.log(272), rel=1e-9)
    for model in both("GaussianMixture", 2, tol=1e-10, max_iter=1000, **START):
        assert model.bic(X) == pytest.approx(-2 * model.score(X) * 272 + 11 * np.log(272)) == pytest.approx(-end["bic_mclust"], abs=1e-3)


def test_icl_has_the_sign_that_the_table_says():
    model = OURS["GaussianMixture"](2, tol=1e-10, max_iter=1000, **START).fit(X)
    theirs = MCLUST["mclust_criteria"]["faithful"]["fits"]["full"]["2"]
    assert icl(X, model.mixture_) == pytest.approx(-theirs["icl_mclust"], abs=0.02)
    assert not hasattr(THEIRS["GaussianMixture"], "icl")


@pytest.mark.parametrize("family", ["full", "tied", "diag", "spherical"])
def test_families_counts_and_denominators_agree(family):
    names = dict(zip(["spherical", "diag", "tied", "full"], ["VII", "VVI", "EEE", "VVV"]))
    assert re.search(rf"\| `{family}` \| `{family}` \| {names[family]} \|", TRUTH)
    end = MCLUST["mclust"]["iris"]["fits"][family]["3"]["end"]
    theirs, ours = both("GaussianMixture", 3, covariance_type=family, on=data.load_iris().X)
    assert theirs._n_parameters() == ours.mixture_.n_parameters == end["df"]
    one = [model.covariances_ for model in both("GaussianMixture", 1, covariance_type=family, reg_covar=0)]
    np.testing.assert_allclose(one[0], one[1])
    np.testing.assert_allclose(one[1], MCLUST["mclust"]["faithful"]["fits"][family]["1"]["end"]["covariances_sk"], rtol=1e-6)
    if family == "full":
        np.testing.assert_allclose(one[1][0], np.cov(X.T, ddof=0))


def test_the_unit_of_the_tolerance():
    """The same tolerance stops at the same round, however often the data are repeated."""
    for side in (THEIRS, OURS):
        few, many = (side["GaussianMixture"](2, tol=1e-5, **START).fit(np.tile(X, (times, 1))) for times in (1, 4))
        assert few.n_iter_ == many.n_iter_
        assert few.tol == 1e-5 and side["GaussianMixture"]().tol == 1e-3 and side["GaussianMixture"]().max_iter == 100


def test_defaults_of_the_table():
    for side in (THEIRS, OURS):
        assert (side["GaussianMixture"]().reg_covar, side["GaussianMixture"]().init_params, side["GaussianMixture"]().n_init) == (1e-6, "kmeans", 1)
        assert (side["GaussianMixture"]().n_components, side["GaussianMixture"]().covariance_type) == (1, "full")
