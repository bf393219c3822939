"""The estimator: every kind of start, restarts, collapse, and the numbers it reports."""

import json
import tracemalloc
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import sklearn.mixture

from gmm_from_scratch import (ConvergenceWarning, GaussianMixture, KMeans, Mixture, NotFittedError, RidgeWarning, SingularCovarianceError, e_step,
                              m_step, passes, run_em, starts, threads)
from gmm_from_scratch.covariances import FAMILIES, covariance_matrices
from gmm_from_scratch.data import load_faithful, load_iris
from gmm_from_scratch.starts import STARTS, kinds_of_start, start_from_labels
from gmm_from_scratch.table import Table

MCLUST = json.loads((Path(__file__).parent / "reference" / "mclust.json").read_text(encoding="utf-8"))
FAITHFUL, IRIS = load_faithful().X, load_iris().X
each_family = pytest.mark.parametrize("family", FAMILIES)
each_start = pytest.mark.parametrize("init_params", STARTS)

# Three points repeated, apart from one another, and a group around each but the last: a start on it collapses.
LONELY = np.vstack([np.random.default_rng(0).normal(size=(40, 2)), [[50.0, 50.0]] * 3])
COLLAPSING_LABELS = [0] * 40 + [1] * 3


def fitted_parts(model):
    return model.weights_, model.means_, model.covariances_, model.lower_bounds_


def a_start(X, K, family):
    """Return a start on the first K rows of a shuffle of X."""
    rows = np.random.default_rng(1).permutation(len(X))[:K]
    pooled = m_step(X, np.full((len(X), K), 1 / K), covariance_type=family)
    return Mixture(np.full(K, 1 / K), X[rows], pooled.covariances, family)


def precisions_of(mixture):
    return 1 / mixture.covariances if mixture.covariance_type in ("diag", "spherical") else np.linalg.inv(mixture.covariances)


# Starts

@each_start
@each_family
def test_every_kind_of_start_climbs_from_a_valid_mixture(init_params, family):
    options = {"covariance_type": family, "init_params": init_params, "random_state": 0}
    start = GaussianMixture(3, max_iter=0, **options).fit(IRIS)
    model = GaussianMixture(3, max_iter=500, **options).fit(IRIS)
    assert start.n_iter_ == 0 and not start.converged_
    assert model.lower_bounds_[0] == pytest.approx(start.lower_bound_, rel=1e-12)
    assert model.lower_bound_ > start.lower_bound_
    # a ridge added after the M-step may cost as much likelihood as it adds to the variances: 1e-6 of 1e-2
    assert (np.diff(model.lower_bounds_) > -1e-4).all()
    assert model.means_.shape == (3, 4) and model.covariances_.shape == FAMILIES[family].shape(3, 4)
    assert model.weights_.sum() == pytest.approx(1) and model.converged_


def test_the_kmeans_start_is_the_m_step_of_its_labels():
    start = GaussianMixture(3, max_iter=0, reg_covar=0, random_state=np.random.default_rng(5)).fit(IRIS)
    labels = KMeans(3, n_init=1, random_state=np.random.default_rng(5)).fit(IRIS).labels_
    expected = start_from_labels(IRIS, labels, 3, reg_covar=0)
    np.testing.assert_array_equal(start.means_, expected.means)
    np.testing.assert_allclose(start.means_, [IRIS[labels == k].mean(axis=0) for k in range(3)], rtol=1e-13)
    np.testing.assert_allclose(start.covariances_, [np.cov(IRIS[labels == k].T, bias=True) for k in range(3)])


SAMPLED = ("kmeans", "whitened_kmeans", "k-means++")


@pytest.fixture
def small_samples(monkeypatch):
    """Samples of 60 rows."""
    monkeypatch.setattr(starts, "SAMPLE", 60)
    monkeypatch.setattr(starts, "SAMPLE_EACH", 1)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", SAMPLED)
def test_a_sample_places_the_centers_and_all_rows_make_the_start(kind, weighted, small_samples):
    labels = np.repeat([0, 1, 2], [500, 300, 200])
    X = np.random.default_rng(0).normal(size=(1000, 2)) + 50 * np.array([[0, 0], [1, 0], [0, 1]])[labels]
    weight = np.random.default_rng(1).gamma(1.0, size=1000) if weighted else None
    start = STARTS[kind](X, 3, np.random.default_rng(0), sample_weight=weight)
    expected = start_from_labels(X, labels, 3, sample_weight=weight)
    order = [int(((start.means - mean) ** 2).sum(axis=1).argmin()) for mean in expected.means]
    for name in ("weights", "means", "covariances"):
        np.testing.assert_allclose(getattr(start, name)[order], getattr(expected, name), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", SAMPLED)
def test_rows_without_weight_are_in_no_sample(kind, small_samples):
    X = np.vstack([np.random.default_rng(0).normal(size=(100, 2)), np.full((900, 2), 1e3)])
    start = STARTS[kind](X, 2, np.random.default_rng(0), sample_weight=np.repeat([1.0, 0.0], [100, 900]))
    assert start.weights.min() > 0.05 and np.abs(start.means).max() < 3


def test_the_sample_is_drawn_anew_for_each_start(small_samples):
    X = np.random.default_rng(0).normal(size=(1000, 2))
    one, two = (starts.start_from_kmeans(X, 3, seed).means for seed in (0, 1))
    assert not np.allclose(np.sort(one, axis=0), np.sort(two, axis=0), atol=1e-3)


def test_the_start_from_data_has_rows_as_means_and_the_pooled_covariance():
    start = GaussianMixture(3, init_params="random_from_data", max_iter=0, reg_covar=0, random_state=0).fit(IRIS)
    assert all((IRIS == mean).all(axis=1).any() for mean in start.means_)
    np.testing.assert_allclose(start.covariances_, [np.cov(IRIS.T, bias=True)] * 3)
    np.testing.assert_allclose(start.weights_, 1 / 3)


def test_the_plusplus_start_gives_each_point_to_the_nearest_of_distinct_rows():
    start = GaussianMixture(2, init_params="k-means++", max_iter=0, random_state=0).fit(FAITHFUL)
    assert (start.weights_ * len(FAITHFUL)).round(9).tolist() == (start.weights_ * len(FAITHFUL)).round().tolist()


@each_family
def test_all_parts_given_are_the_start(family):
    start = a_start(IRIS, 3, family)
    model = GaussianMixture(3, covariance_type=family, max_iter=0, weights_init=start.weights, means_init=start.means,
                            precisions_init=precisions_of(start)).fit(IRIS)
    np.testing.assert_allclose(model.weights_, start.weights)
    np.testing.assert_array_equal(model.means_, start.means)
    np.testing.assert_allclose(model.covariances_, start.covariances, rtol=1e-10, atol=1e-12)


@each_family
def test_given_means_alone_are_completed_from_the_nearest_points(family):
    means = IRIS[[0, 60, 120]]
    start = GaussianMixture(3, covariance_type=family, max_iter=0, reg_covar=0, means_init=means).fit(IRIS)
    nearest = ((IRIS[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    expected = start_from_labels(IRIS, nearest, 3, covariance_type=family, reg_covar=0)
    np.testing.assert_array_equal(start.means_, means)
    np.testing.assert_array_equal(start.weights_, expected.weights)
    np.testing.assert_array_equal(start.covariances_, expected.covariances)


def test_permuted_means_give_the_permuted_fit():
    means, order = IRIS[[0, 60, 120]], [2, 0, 1]
    one, two = (GaussianMixture(3, means_init=m, tol=1e-6, max_iter=500).fit(IRIS) for m in (means, means[order]))
    np.testing.assert_allclose(two.means_, one.means_[order], rtol=1e-8)
    assert two.lower_bound_ == pytest.approx(one.lower_bound_)


@pytest.mark.parametrize("part", ["weights", "means", "precisions"])
@each_start
def test_a_part_given_replaces_that_part_of_the_start_and_no_other(part, init_params):
    plain = GaussianMixture(2, max_iter=0, init_params=init_params, random_state=0).fit(FAITHFUL)
    value = {"weights": np.array([0.2, 0.8]), "means": FAITHFUL[:2], "precisions": np.array([np.eye(2), 2 * np.eye(2)])}[part]
    model = GaussianMixture(2, max_iter=0, init_params=init_params, random_state=0, **{f"{part}_init": value}).fit(FAITHFUL)
    if part == "weights":
        np.testing.assert_array_equal(model.weights_, value)
    else:
        np.testing.assert_allclose(model.covariances_ if part == "precisions" else model.means_,
                                   np.linalg.inv(value) if part == "precisions" else value)
    if part != "means":                                         # means bring their own weights and covariances
        np.testing.assert_array_equal(model.means_, plain.means_)
    if part == "precisions":
        np.testing.assert_array_equal(model.weights_, plain.weights_)


@pytest.mark.parametrize("seed", range(3))
def test_an_ill_conditioned_precision_is_inverted_to_a_symmetric_covariance(seed):
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    precision = (turn * [1.0, 1e4, 1e8, 1e12]) @ turn.T
    precision = (precision + precision.T) / 2
    model = GaussianMixture(1, max_iter=0, means_init=IRIS[:1], precisions_init=[precision]).fit(IRIS)
    np.testing.assert_allclose(model.covariances_[0], model.covariances_[0].T, rtol=1e-6)
    np.testing.assert_allclose(model.covariances_[0], (turn / [1.0, 1e4, 1e8, 1e12]) @ turn.T, atol=1e-3)


# Equal to the functions and to the peers

@pytest.mark.parametrize("rounds", [1, 3, 10])
@each_family
def test_rounds_equal_scikit_learns(family, rounds):
    start = a_start(IRIS, 3, family)
    options = {"n_components": 3, "covariance_type": family, "tol": 0, "max_iter": rounds, "reg_covar": 1e-6,
               "weights_init": start.weights, "means_init": start.means, "precisions_init": precisions_of(start), "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                         # both stop short on purpose
        ours, theirs = GaussianMixture(**options).fit(IRIS), sklearn.mixture.GaussianMixture(**options).fit(IRIS)
    np.testing.assert_allclose(ours.weights_, theirs.weights_, rtol=1e-8)
    np.testing.assert_allclose(ours.means_, theirs.means_, rtol=1e-8)
    np.testing.assert_allclose(ours.covariances_, theirs.covariances_, rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(ours.score_samples(IRIS), theirs.score_samples(IRIS), rtol=1e-7)
    np.testing.assert_allclose(ours.predict_proba(IRIS), theirs.predict_proba(IRIS), atol=1e-8)
    np.testing.assert_array_equal(ours.predict(IRIS), theirs.predict(IRIS))
    for criterion in ("bic", "aic", "score"):
        assert getattr(ours, criterion)(IRIS) == pytest.approx(getattr(theirs, criterion)(IRIS), rel=1e-9)
    assert (ours.n_iter_, ours.converged_, ours.n_features_in_) == (theirs.n_iter_, theirs.converged_, theirs.n_features_in_)


@each_family
@pytest.mark.parametrize("K", [1, 2, 3])
def test_a_search_finds_at_least_mclusts_optimum_of_old_faithful(K, family):
    mclust = MCLUST["faithful"]["fits"][family][str(K)]["end"]
    model = GaussianMixture(K, covariance_type=family, tol=1e-7, max_iter=2000, reg_covar=0, n_init=8, random_state=0).fit(FAITHFUL)
    assert model.lower_bound_ * len(FAITHFUL) > mclust["loglik"] - 0.01      # tol leaves less than that to gain
    assert model.bic(FAITHFUL) < -mclust["bic_mclust"] + 0.02


def test_the_fit_is_run_em_from_the_start():
    start = a_start(FAITHFUL, 2, "full")
    run = run_em(FAITHFUL, start, tol=1e-5, max_iter=50, reg_covar=1e-3)
    model = GaussianMixture(2, weights_init=start.weights, means_init=start.means, precisions_init=precisions_of(start),
                            tol=1e-5, max_iter=50, reg_covar=1e-3).fit(FAITHFUL)
    np.testing.assert_allclose(model.means_, run.mixture.means, rtol=1e-9)
    np.testing.assert_allclose(model.lower_bounds_ * len(FAITHFUL), run.log_likelihoods, rtol=1e-10)
    assert model.converged_ is run.converged is True and model.n_iter_ == len(run.log_likelihoods) - 1


@each_family
def test_criteria_follow_their_formulas(family):
    model = GaussianMixture(2, covariance_type=family, random_state=0).fit(IRIS)
    log_likelihood = model.score_samples(IRIS).sum()
    p = {"full": 1 + 2 * 4 + 2 * 10, "tied": 1 + 2 * 4 + 10, "diag": 1 + 2 * 4 + 2 * 4, "spherical": 1 + 2 * 4 + 2}[family]
    assert model.bic(IRIS) == pytest.approx(-2 * log_likelihood + p * np.log(150))
    assert model.aic(IRIS) == pytest.approx(-2 * log_likelihood + 2 * p)
    assert model.score(IRIS) == pytest.approx(log_likelihood / 150)


@each_family
def test_the_lower_bound_belongs_to_the_fitted_parameters(family):
    model = GaussianMixture(3, covariance_type=family, random_state=0).fit(IRIS)
    assert model.lower_bound_ == model.lower_bounds_[-1] == pytest.approx(model.score(IRIS), rel=1e-13)
    assert len(model.lower_bounds_) == model.n_iter_ + 1


def test_predictions_are_the_e_step_of_the_fitted_mixture():
    model = GaussianMixture(3, random_state=0).fit(IRIS)
    new = IRIS[::4] + 0.3
    resp, log_density = e_step(new, Mixture(model.weights_, model.means_, model.covariances_))
    np.testing.assert_allclose(model.predict_proba(new), resp, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(model.score_samples(new), log_density, rtol=1e-12)
    np.testing.assert_array_equal(model.predict(new), resp.argmax(axis=1))
    np.testing.assert_array_equal(GaussianMixture(3, random_state=0).fit_predict(IRIS), model.predict(IRIS))


def test_samples_come_from_the_fitted_mixture():
    model = GaussianMixture(2, random_state=0).fit(FAITHFUL)
    X, labels = model.sample(20_000)
    error = np.sqrt(X.var(axis=0) / 20_000)
    assert (np.abs(X.mean(axis=0) - model.weights_ @ model.means_) < 4.5 * error).all()
    assert X.shape == (20_000, 2) and set(labels) == {0, 1}
    assert model.sample()[0].shape == (1, 2)


# Restarts

@each_start
def test_the_best_of_the_restarts_is_kept(init_params):
    options = {"covariance_type": "diag", "tol": 1e-2}
    rng = np.random.default_rng(0)
    singles = [GaussianMixture(5, init_params=kind, random_state=rng, **options).fit(IRIS).lower_bound_
               for kind in kinds_of_start(init_params, 4)]
    assert max(singles) > min(singles)
    model = GaussianMixture(5, init_params=init_params, n_init=4, random_state=np.random.default_rng(0), **options)
    assert model.fit(IRIS).lower_bound_ == max(singles)


def test_starts_after_a_first_kmeans_differ_in_kind():
    assert kinds_of_start("kmeans", 1) == ["kmeans"]
    kinds = kinds_of_start("kmeans", 5)
    assert kinds[0] == "kmeans" and len(set(kinds)) == 4 and set(kinds) <= STARTS.keys()
    assert kinds_of_start("random", 3) == ["random"] * 3


def collapse_some(monkeypatch, collapsing):
    """Make the starts of these numbers collapse, the others start from two halves; return nothing."""
    numbers = iter(range(1000))

    def start(X, n_components, rng, **options):
        half = (np.arange(len(X)) % 2) if next(numbers) not in collapsing else COLLAPSING_LABELS
        return start_from_labels(X, half, n_components, **options)

    for kind in STARTS:
        monkeypatch.setitem(STARTS, kind, start)


def test_a_start_that_collapses_is_dropped_with_a_warning(monkeypatch):
    collapse_some(monkeypatch, {0, 2})
    with pytest.warns(ConvergenceWarning, match="2 of 3 starts collapsed and were dropped.*component 1"):
        model = GaussianMixture(2, n_init=3, reg_covar=0, max_iter=0).fit(LONELY)
    np.testing.assert_allclose(model.weights_, [22 / 43, 21 / 43])


def test_if_every_start_collapses_the_error_names_the_component_and_the_remedies():
    with pytest.raises(SingularCovarianceError, match="(?s)all 3 starts collapsed.*component [01].*reg_covar") as caught:
        GaussianMixture(2, n_init=3, reg_covar=0, random_state=0).fit(LONELY)
    assert caught.value.component in (0, 1)
    assert isinstance(caught.value, ValueError)


def test_constant_data_collapses_and_a_floor_holds_it():
    X = np.ones((10, 2))
    with pytest.raises(SingularCovarianceError):
        GaussianMixture(1, reg_covar=0).fit(X)
    np.testing.assert_allclose(GaussianMixture(1, reg_covar=0.5).fit(X).covariances_, [0.5 * np.eye(2)])


def test_a_floor_keeps_a_lonely_component():
    model = GaussianMixture(2, reg_covar=1e-3, random_state=0).fit(LONELY)
    assert min(np.linalg.eigvalsh(C)[0] for C in model.covariances_) >= 1e-3 * (1 - 1e-9)


def test_a_fit_cut_short_warns():
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        model = GaussianMixture(3, tol=1e-9, max_iter=2, random_state=0).fit(IRIS)
    assert not model.converged_ and model.n_iter_ == 2


# Manners

@pytest.mark.parametrize("call", ["predict", "predict_proba", "score_samples", "score", "bic", "aic"])
def test_results_before_fit_are_refused(call):
    with pytest.raises(NotFittedError, match="GaussianMixture"):
        getattr(GaussianMixture(2), call)(FAITHFUL)
    with pytest.raises(NotFittedError):
        GaussianMixture(2).sample()
    assert not hasattr(GaussianMixture(2), "mixture_")


@pytest.mark.parametrize("random_state", [0, np.int64(0), np.uint8(0)])
def test_integer_seeds_of_any_kind_repeat_a_fit(random_state):
    one, two = (GaussianMixture(4, init_params="random", max_iter=500, random_state=s).fit(IRIS) for s in (0, random_state))
    for a, b in zip(fitted_parts(one), fitted_parts(two)):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState])
def test_a_generator_is_used_and_moves_on(make):
    options = {"n_components": 4, "init_params": "random", "max_iter": 0}
    one, two = (GaussianMixture(random_state=make(3), **options).fit(IRIS) for _ in range(2))
    np.testing.assert_array_equal(one.means_, two.means_)
    shared = make(3)
    one, two = (GaussianMixture(random_state=shared, **options).fit(IRIS) for _ in range(2))
    assert not np.array_equal(one.means_, two.means_)


@each_start
def test_the_global_random_state_is_left_alone(init_params):
    before = np.random.get_state()
    GaussianMixture(2, init_params=init_params, max_iter=1000).fit(FAITHFUL).sample(5)
    after = np.random.get_state()
    np.testing.assert_array_equal(before[1], after[1])
    assert before[2:] == after[2:]


def test_a_second_fit_forgets_the_first():
    model = GaussianMixture(3, random_state=0).fit(IRIS)
    first = [part.copy() for part in fitted_parts(model)]
    model.fit(IRIS[::2, :2])
    assert model.means_.shape == (3, 2) and model.n_features_in_ == 2
    for before, after in zip(first, fitted_parts(model.fit(IRIS))):
        np.testing.assert_array_equal(before, after)


@each_family
def test_inputs_are_never_changed_and_never_shared(family):
    X, start = IRIS.copy(), a_start(IRIS, 3, family)
    given = {"weights_init": start.weights.copy(), "means_init": start.means.copy(), "precisions_init": precisions_of(start)}
    kept = {name: value.copy() for name, value in given.items()}
    model = GaussianMixture(3, covariance_type=family, max_iter=0, **given).fit(X)
    model.weights_ *= 0
    model.means_ += 1
    model.covariances_ *= 2
    np.testing.assert_array_equal(X, IRIS)
    for name, value in given.items():
        np.testing.assert_array_equal(value, kept[name])


def test_fit_returns_the_estimator_and_keeps_its_parameters_as_given():
    model = GaussianMixture(2, tol=1e-4, random_state=0)
    before = dict(vars(model))
    assert model.fit(FAITHFUL) is model
    assert {name: vars(model)[name] for name in before} == before


def test_y_is_ignored():
    one, two = GaussianMixture(2, random_state=0).fit(FAITHFUL), GaussianMixture(2, random_state=0).fit(FAITHFUL, "anything")
    np.testing.assert_array_equal(one.means_, two.means_)
    assert one.score(FAITHFUL, "anything") == one.score(FAITHFUL)


# Memory and types

def peak(f):
    """Return the most bytes that f held at one time, beyond what there was."""
    tracemalloc.start()
    try:
        f()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("family", "init"), [*((family, "kmeans") for family in FAMILIES), *(("full", init) for init in [*STARTS, "means"][1:])])
def test_float32_is_fitted_without_a_copy(family, init, monkeypatch):
    monkeypatch.setattr(threads, "MOST_THREADS", 1)                                 # each has its own block
    X = np.random.default_rng(0).normal(size=(300_000, 10)).astype("float32")       # float64 would take 24 MB
    start = {"means_init": X[:3]} if init == "means" else {"init_params": init}
    model = GaussianMixture(3, covariance_type=family, max_iter=2, tol=1e9, random_state=0, **start)
    assert peak(lambda: model.fit(X)) < 12e6
    assert peak(lambda: model.score(X)) < 8e6 and peak(lambda: model.bic(X)) < 8e6
    assert peak(lambda: model.predict(X)) < 8e6 + 300_000 * 8


@each_start
def test_memory_stays_below_16_mb_for_a_million_rows(init_params, monkeypatch):
    monkeypatch.setattr(threads, "MOST_THREADS", 2)
    X = np.random.default_rng(0).normal(size=(1_000_000, 2))
    model = GaussianMixture(8, max_iter=1, tol=1e9, init_params=init_params, random_state=0)
    assert peak(lambda: model.fit(X)) < 16e6                # N x K alone would take 64


def test_float32_is_computed_with_as_float32(monkeypatch):
    seen, exp = set(), passes._exp
    monkeypatch.setattr(passes, "_exp", lambda L, cut: seen.add(L.dtype) or exp(L, cut))
    means = FAITHFUL[[0, 1]]
    model = GaussianMixture(2, means_init=means).fit(FAITHFUL.astype("float32"))
    assert seen == {np.dtype("float32")}
    assert {part.dtype for part in fitted_parts(model)} == {np.dtype(float)}
    np.testing.assert_allclose(model.means_, GaussianMixture(2, means_init=means).fit(FAITHFUL).means_, rtol=1e-3)
    assert model.predict_proba(FAITHFUL.astype("float32")).dtype == np.float32
    assert model.predict_proba(FAITHFUL).dtype == model.score_samples(FAITHFUL.astype("float32")).dtype == float


def test_data_are_checked_once(monkeypatch):
    looks, measure = [], Table._measure
    monkeypatch.setattr(Table, "_measure", lambda *given: looks.append(1) or measure(*given))
    model = GaussianMixture(2, n_init=3, init_params="random_from_data", max_iter=1, tol=1e9, random_state=0).fit(FAITHFUL)
    assert len(looks) == 1
    for use in (model.predict, model.predict_proba, model.score, model.score_samples, model.bic, model.aic):
        looks.clear()
        use(FAITHFUL)
        assert len(looks) == 1


# The family that was fitted

def test_a_family_chosen_after_fit_counts_from_the_next_fit_on():
    model = GaussianMixture(2, covariance_type="full", random_state=0).fit(FAITHFUL)      # (2, 2, 2)
    before, criterion = model.score_samples(FAITHFUL), model.bic(FAITHFUL)
    model.set_params(covariance_type="tied")
    np.testing.assert_array_equal(model.score_samples(FAITHFUL), before)
    assert model.bic(FAITHFUL) == criterion and model.mixture_.covariance_type == model.covariance_type_ == "full"
    assert model.precisions_.shape == (2, 2, 2)
    assert model.set_params(warm_start=True).fit(FAITHFUL).covariances_.shape == (2, 2) and model.covariance_type_ == "tied"


def test_square_covariances_of_the_wrong_family_are_not_misread():
    model = GaussianMixture(2, covariance_type="diag", random_state=0).fit(FAITHFUL)      # (2, 2), as a tied matrix would be
    before = model.predict_proba(FAITHFUL)
    np.testing.assert_array_equal(model.set_params(covariance_type="tied").predict_proba(FAITHFUL), before)


# Weighted rows

@each_family
def test_a_weight_of_two_equals_two_equal_rows(family):
    weight = np.random.default_rng(0).integers(1, 4, len(FAITHFUL))
    start = {"means_init": FAITHFUL[[0, 1]], "covariance_type": family, "tol": 1e-6}
    weighted = GaussianMixture(2, **start).fit(FAITHFUL, sample_weight=weight)
    repeated = GaussianMixture(2, **start).fit(np.repeat(FAITHFUL, weight, axis=0))
    for name in ("weights_", "means_", "covariances_", "lower_bounds_"):
        np.testing.assert_allclose(getattr(weighted, name), getattr(repeated, name), rtol=1e-9)


def test_rows_of_weight_zero_do_not_count():
    weight = np.r_[np.ones(len(FAITHFUL)), np.zeros(5)]
    spoilt = np.vstack([FAITHFUL, np.full((5, 2), 50.0)])
    start = {"means_init": FAITHFUL[[0, 1]]}
    np.testing.assert_allclose(GaussianMixture(2, **start).fit(spoilt, sample_weight=weight).means_,
                               GaussianMixture(2, **start).fit(FAITHFUL).means_, rtol=1e-9)


# Other ways to begin

def test_labels_and_responsibilities_may_be_the_start():
    labels = (FAITHFUL[:, 0] > 3).astype(int)
    by_labels = GaussianMixture(2, init_params=labels).fit(FAITHFUL)
    by_resp = GaussianMixture(2, init_params=np.eye(2)[labels]).fit(FAITHFUL)
    np.testing.assert_array_equal(by_labels.means_, by_resp.means_)
    np.testing.assert_array_equal(by_labels.predict(FAITHFUL), labels)


def test_a_warm_start_goes_on_where_the_last_fit_ended():
    model = GaussianMixture(3, max_iter=5, tol=0, warm_start=True, random_state=0)
    ends = []
    for _ in range(3):
        with pytest.warns(ConvergenceWarning):
            ends.append(model.fit(FAITHFUL).lower_bounds_)
    for before, after in pairwise(ends):
        assert after[0] == pytest.approx(before[-1], rel=1e-12) and after[-1] >= before[-1]


def test_means_far_from_all_points_are_seeded_anew_and_not_left_dead():
    model = GaussianMixture(2, means_init=[[2.0, 55.0], [1e6, 1e6]], reg_covar=1e-6, max_iter=200).fit(FAITHFUL)
    assert model.weights_.min() > 0.05 and model.means_.max() < 100


# Units

@pytest.mark.parametrize(("scale", "shift"), [(1e-6, 0.0), (1e6, 0.0), (1.0, 1e8), (1e6, 1e8)])
def test_shift_and_scale_leave_the_partition_if_the_ridge_goes_along(shift, scale):
    labels = GaussianMixture(2, random_state=0, reg_covar="auto").fit_predict(FAITHFUL)
    np.testing.assert_array_equal(GaussianMixture(2, random_state=0, reg_covar="auto").fit_predict(scale * FAITHFUL + shift), labels)


def test_scikit_learns_float32_parameters_are_taken():
    X = (np.random.default_rng(1).normal(size=(300, 4)) @ np.random.default_rng(2).normal(size=(4, 4))).astype("float32")
    theirs = sklearn.mixture.GaussianMixture(2, random_state=0).fit(X)
    assert not np.array_equal(theirs.covariances_, np.swapaxes(theirs.covariances_, 1, 2))
    ours = GaussianMixture.from_parameters(theirs.weights_ / theirs.weights_.sum(), theirs.means_, theirs.covariances_)
    np.testing.assert_allclose(ours.score_samples(X), theirs.score_samples(X), rtol=1e-3)
    GaussianMixture(2, precisions_init=np.linalg.inv(theirs.covariances_), max_iter=500).fit(X)


@pytest.mark.parametrize("weight", [1e-50, 1e-44, 1.0, 1e38, 1e50])
def test_weights_beyond_float32_are_no_danger_to_float32_data(weight):
    X = FAITHFUL.astype("float32")
    model, plain = GaussianMixture(2, random_state=0).fit(X, sample_weight=np.full(272, weight)), GaussianMixture(2, random_state=0).fit(FAITHFUL)
    np.testing.assert_allclose(model.means_, plain.means_, rtol=1e-4)
    assert model.lower_bound_ == pytest.approx(plain.lower_bound_, abs=1e-4)


def test_precisions_follow_from_covariances_and_cannot_be_set():
    model = GaussianMixture(2, random_state=0).fit(FAITHFUL)
    for name in ("precisions_", "precisions_cholesky_"):
        with pytest.raises(AttributeError, match=f"{name} cannot be set.*covariances_.*from_parameters"):
            setattr(model, name, getattr(model, name)[::-1])


def test_a_kind_of_start_that_cannot_be_made_does_not_cost_the_others():
    X = np.repeat([[0.0, 0], [1, 5], [4, 2]], 10, axis=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = GaussianMixture(5, n_init=5, random_state=0).fit(X)        # the fifth is k-means++, which wants distinct rows
    assert model.lower_bound_ > 10 and any("of 5 starts collapsed and were dropped" in str(each.message) for each in caught)
    with pytest.raises(SingularCovarianceError, match="X has only 3 distinct rows"):
        GaussianMixture(5, init_params="k-means++", random_state=0).fit(X)


@pytest.mark.parametrize("init_params", ["kmeans", "k-means++", "random", "random_from_data"])
def test_rows_without_weight_do_not_count_as_points(init_params):
    weight = np.zeros(272)
    weight[:3] = 1
    with pytest.raises(ValueError, match="n_components is 5; expected an integer from 1 to 3"):
        GaussianMixture(5, init_params=init_params).fit(FAITHFUL, sample_weight=weight)


def test_a_ridge_that_swamps_the_data_is_reported():
    with pytest.warns(RidgeWarning, match=r"reg_covar=1e-06 swamps column 0"):
        GaussianMixture(2, random_state=0).fit(1e-5 * FAITHFUL)


# What follows from a model

def test_a_model_made_of_parameters_is_the_model_fitted():
    model = GaussianMixture(2, random_state=0, covariance_type="tied").fit(FAITHFUL)
    made = GaussianMixture.from_parameters(model.weights_, model.means_, model.covariances_, "tied")
    np.testing.assert_array_equal(made.score_samples(FAITHFUL), model.score_samples(FAITHFUL))


@each_family
def test_precisions_are_inverses_and_their_factors_make_deviations_standard(family):
    model = GaussianMixture(3, covariance_type=family, random_state=0).fit(IRIS)
    D = IRIS.shape[1]
    product = covariance_matrices(model.precisions_, 3, D, family) @ covariance_matrices(model.covariances_, 3, D, family)
    np.testing.assert_allclose(product, np.broadcast_to(np.eye(D), product.shape), atol=1e-9)
    factors = np.stack([model.precisions_cholesky_] * 3) if family == "tied" else model.precisions_cholesky_
    full = {"full": factors, "tied": factors}.get(family)
    if full is None:
        full = factors.reshape(3, -1, 1) * np.eye(D)
    standard = np.einsum("kij,kil,klm->kjm", full, covariance_matrices(model.covariances_, 3, D, family), full)
    np.testing.assert_allclose(standard, np.broadcast_to(np.eye(D), standard.shape), atol=1e-9)


def test_joint_density_is_marginal_times_conditional():
    model = GaussianMixture(3, random_state=0).fit(IRIS)
    for row in IRIS[::30]:
        joint = model.score_samples([row])[0]
        known = model.marginal([0, 2]).score_samples([row[[0, 2]]])[0]
        rest = model.conditional([0, 2], row[[0, 2]]).score_samples([row[[1, 3]]])[0]
        assert joint == pytest.approx(known + rest, rel=1e-9)


def test_sampling_follows_the_seed_given():
    model = GaussianMixture(2, random_state=0).fit(FAITHFUL)
    np.testing.assert_array_equal(model.sample(9, random_state=5)[0], model.sample(9, random_state=5)[0])
    assert not np.array_equal(model.sample(9, random_state=5)[0], model.sample(9, random_state=6)[0])


def test_verbose_reports_starts_and_rounds(capsys):
    GaussianMixture(2, random_state=0, n_init=2, verbose=2, verbose_interval=1).fit(FAITHFUL)
    said = capsys.readouterr().out
    assert "start 1, round 1:" in said and "start 2:" in said and "nats per row" in said
    GaussianMixture(2, random_state=0).fit(FAITHFUL)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("call", ["fit", "partial_fit", "again", "predict_after"])
def test_warnings_point_to_the_line_of_the_caller(call):
    X = FAITHFUL * 1e-6
    model = GaussianMixture(2, random_state=0, max_iter=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X) if call == "fit" else model.partial_fit(X)
        if call == "again":
            caught.clear()
            model.partial_fit(X)
        if call == "predict_after":
            model.fit_predict(X)
    assert {warning.category for warning in caught} >= {RidgeWarning}
    assert {warning.filename for warning in caught} == {__file__}


def test_a_start_from_more_clusters_than_distinct_rows_names_no_wrong_cure():
    D = np.repeat([[0.0, 0.0], [1.0, 5.0], [4.0, 2.0]], 10, axis=0)
    with warnings.catch_warnings(record=True) as caught, pytest.raises(SingularCovarianceError):
        warnings.simplefilter("always")
        GaussianMixture(4, random_state=0).fit(D)
    assert [str(each.message)[:62] for each in caught] == ["only 3 of the n_clusters=4 clusters have rows; X may have fewe"]
