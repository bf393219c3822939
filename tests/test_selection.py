"""The criteria against scikit-learn and mclust, the tests by simulation against what they promise."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import sklearn.mixture

from gmm_from_scratch import GaussianMixture, Mixture, RidgeWarning, SingularCovarianceError, compare, e_step, m_step, run_em, selection
from gmm_from_scratch.covariances import FAMILIES
from gmm_from_scratch.data import load_faithful, load_iris
from gmm_from_scratch.em import EMRun
from gmm_from_scratch.selection import (KINDS, Search, aic, bic, bootstrap_lrt, gap_statistic, held_out_log_likelihood, icl, search,
                                        split_component, thinness)

MCLUST = json.loads((Path(__file__).parent / "reference" / "mclust_criteria.json").read_text(encoding="utf-8"))
FAITHFUL, IRIS = load_faithful().X, load_iris().X
TABLES = {"faithful": FAITHFUL, "iris": IRIS}
each_family = pytest.mark.parametrize("family", FAMILIES)


def blobs(centers, n=40, seed=0):
    return np.vstack([np.random.default_rng(seed + i).normal(size=(n, len(center))) + center for i, center in enumerate(centers)])


THREE = blobs([[0, 0], [20, 0], [0, 20]])


# Criteria

@each_family
def test_aic_and_bic_equal_scikit_learns_and_the_estimators(family):
    theirs = sklearn.mixture.GaussianMixture(3, covariance_type=family, random_state=0).fit(IRIS)
    mixture = Mixture(theirs.weights_, theirs.means_, theirs.covariances_, family)
    assert aic(IRIS, mixture) == pytest.approx(theirs.aic(IRIS), rel=1e-10)
    assert bic(IRIS, mixture) == pytest.approx(theirs.bic(IRIS), rel=1e-10)
    model = GaussianMixture(3, covariance_type=family, random_state=0).fit(IRIS)
    assert (aic(IRIS, model.mixture_), bic(IRIS, model.mixture_)) == pytest.approx((model.aic(IRIS), model.bic(IRIS)), rel=1e-12)


@pytest.mark.parametrize("K", [1, 2, 3, 4])
@each_family
@pytest.mark.parametrize("table", TABLES)
def test_bic_and_icl_equal_mclusts(table, family, K):
    X, mclust = TABLES[table], MCLUST[table]["fits"][family][str(K)]
    labels = [int(digit) for digit in MCLUST[table]["init_labels"][str(K)]]
    fit = run_em(X, m_step(X, np.eye(K)[labels], covariance_type=family), tol=1e-10, max_iter=1000).mixture
    assert fit.n_parameters == mclust["df"]
    assert bic(X, fit) == pytest.approx(-mclust["bic_mclust"], abs=1e-4)                   # the opposite sign
    # at the flat top of the likelihood, responsibilities are known to half as many digits as the likelihood
    assert icl(X, fit) == pytest.approx(-mclust["icl_mclust"], abs=0.02)
    assert aic(X, fit) == pytest.approx(-2 * mclust["loglik"] + 2 * mclust["df"], abs=1e-4)


@each_family
def test_the_order_of_components_and_of_rows_changes_no_criterion(family):
    mixture = GaussianMixture(3, covariance_type=family, random_state=0).fit(IRIS).mixture_
    order, rows = [2, 0, 1], np.random.default_rng(0).permutation(len(IRIS))
    covariances = mixture.covariances if family == "tied" else mixture.covariances[order]
    permuted = Mixture(mixture.weights[order], mixture.means[order], covariances, family)
    for criterion in (aic, bic, icl):
        assert criterion(IRIS[rows], permuted) == pytest.approx(criterion(IRIS, mixture), rel=1e-12)


@pytest.mark.parametrize("K", [1, 2, 4])
def test_icl_is_bic_and_a_fee_for_points_in_between(K):
    mixture = GaussianMixture(K, tol=1e-2, random_state=0).fit(IRIS).mixture_
    fee = icl(IRIS, mixture) - bic(IRIS, mixture)
    assert fee == pytest.approx(-2 * np.log(e_step(IRIS, mixture)[0].max(axis=1)).sum()) and fee >= 0
    assert (fee == 0) == (K == 1)


# The search

@pytest.mark.parametrize(("table", "K"), [("faithful", 2), ("faithful", 3), ("iris", 2)])
@each_family
def test_a_search_finds_at_least_mclusts_optimum(table, K, family):
    found = search(TABLES[table], K, covariance_type=family, reg_covar=0, random_state=0)
    assert found.runs[0].log_likelihoods[-1] > MCLUST[table]["fits"][family][str(K)]["loglik"] - 0.05


def test_a_search_returns_its_runs_best_first_and_repeats_itself():
    one, two = (search(FAITHFUL, 3, covariance_type="tied", n_init=4, random_state=1) for _ in range(2))
    ends = [run.log_likelihoods[-1] for run in one.runs]
    assert all(a >= b for a, b in pairwise(ends)) and len(ends) + one.n_collapsed == 4
    assert ends == [run.log_likelihoods[-1] for run in two.runs]
    assert ends != [run.log_likelihoods[-1] for run in search(FAITHFUL, 3, covariance_type="tied", n_init=4, random_state=2).runs]


def test_the_whitened_start_sees_neither_units_nor_tilt(monkeypatch):
    monkeypatch.setattr(selection, "KINDS", ("whitened_kmeans",))
    turn = np.random.default_rng(0).normal(size=(4, 4)) * [1, 10, 100, 1000]
    one, other = (search(X, 3, n_init=3, reg_covar=0, random_state=0).runs for X in (IRIS, IRIS @ turn + 5))
    lost = len(IRIS) * np.linalg.slogdet(turn)[1]               # a density has units
    np.testing.assert_allclose([run.log_likelihoods[-1] - lost for run in one], [run.log_likelihoods[-1] for run in other], rtol=1e-6)


def test_the_kinds_of_start_take_turns(monkeypatch):
    taken = []

    def recording(kind, start):
        return lambda *arguments, **options: (taken.append(kind), start(*arguments, **options))[1]

    monkeypatch.setattr(selection, "STARTS", {kind: recording(kind, start) for kind, start in selection.STARTS.items()})
    search(THREE, 3, n_init=5, random_state=0)
    assert taken == ["kmeans", "whitened_kmeans", "random_from_data", "kmeans", "whitened_kmeans"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_start_finds_far_groups(monkeypatch, kind):
    monkeypatch.setattr(selection, "KINDS", (kind,))
    truth = run_em(THREE, m_step(THREE, np.eye(3)[np.repeat([0, 1, 2], 40)])).log_likelihoods[-1]
    assert search(THREE, 3, n_init=5, random_state=0).runs[0].log_likelihoods[-1] > truth - 0.1


def test_thinness_is_a_share_that_units_and_tilt_do_not_change():
    assert thinness(IRIS, m_step(IRIS, np.ones((150, 1)))) == pytest.approx(1)
    labels = load_iris().labels
    turn = np.random.default_rng(0).normal(size=(4, 4)) * [1, 10, 100, 1000]
    one, other = (thinness(X, m_step(X, np.eye(3)[labels])) for X in (IRIS, IRIS @ turn + 5))
    assert one == pytest.approx(other, rel=1e-6) and 0 < one < 0.1


def test_a_spike_that_only_the_ridge_holds_counts_as_a_collapse():
    X = np.vstack([blobs([[0, 0]]), [[30.0, 30.0]] * 3])
    spiky = search(X, 2, thinnest=0, random_state=0)
    assert thinness(X, spiky.runs[0].mixture) < 1e-7 and spiky.n_collapsed == 0
    with pytest.raises(SingularCovarianceError, match="all 6 starts collapsed.*of the data's variance.*reg_covar"):
        search(X, 2, random_state=0)
    assert search(X, 2, reg_covar=0.1, random_state=0).n_collapsed == 0


def test_a_component_without_points_cannot_be_split_and_costs_one_start_only():
    X = blobs([[0, 0]])
    lonely = Mixture([0.5, 0.5], [[0, 0], [100, 0]], [np.eye(2)] * 2)
    with pytest.raises(SingularCovarianceError, match="component 1 is responsible for no point, so it cannot be split") as caught:
        split_component(X, lonely, 1)
    assert caught.value.component == 1
    assert search(X, 3, n_init=3, split=lonely, random_state=0).n_collapsed >= 1


@each_family
def test_the_halves_of_a_split_component_add_up_to_it(family):
    mixture = m_step(IRIS, np.eye(3)[load_iris().labels], covariance_type=family)
    resp, _ = e_step(IRIS, mixture)
    again = m_step(IRIS, resp, covariance_type=family)
    for k in range(3):
        parts = split_component(IRIS, mixture, k, covariance_type=family, reg_covar=0)
        others = [j for j in range(3) if j != k]
        np.testing.assert_allclose(parts.means[:2], again.means[others])
        assert parts.weights[2:].sum() == pytest.approx(again.weights[k])
        np.testing.assert_allclose(parts.weights[2:] @ parts.means[2:], again.weights[k] * again.means[k])
        assert parts.covariance_type == family and (parts.weights[2:] > 0.2 * again.weights[k]).all()


@each_family
def test_a_component_is_split_across_its_long_axis(family):
    X = blobs([[0, 0]], n=200) * [1, 10]
    one, other = split_component(X, m_step(X, np.ones((200, 1)), covariance_type=family), 0, covariance_type=family).means
    assert one[1] - other[1] > 10 and abs(one[0] - other[0]) < 1


# Held-out likelihood

def test_held_out_rows_are_not_seen():
    X = FAITHFUL[:30]
    rest = [np.delete(X, n, axis=0) for n in range(30)]
    expected = np.mean([scipy.stats.multivariate_normal(rows.mean(axis=0), np.cov(rows.T, bias=True)).logpdf(x)
                        for x, rows in zip(X, rest)])
    # one row at a time: how the rows are shuffled makes no difference
    assert held_out_log_likelihood(X, 1, n_folds=30, n_init=1, reg_covar=0) == pytest.approx(expected, rel=1e-9)


def test_held_out_likelihood_prefers_the_groups_that_are_there():
    values = {k: held_out_log_likelihood(THREE, k, covariance_type="spherical", n_init=3, max_iter=99, random_state=0) for k in (1, 2, 3, 5)}
    assert max(values, key=values.get) == 3
    seen = search(THREE, 3, covariance_type="spherical", random_state=0).runs[0].log_likelihoods[-1] / len(THREE)
    assert seen - 0.3 < values[3] < seen
    assert values[3] == held_out_log_likelihood(THREE, 3, covariance_type="spherical", n_init=3, max_iter=99, random_state=0)


# Likelihood-ratio test

@each_family
@pytest.mark.parametrize("K", [1, 2])
def test_the_statistic_is_never_negative_and_the_p_value_is_its_rank(K, family):
    test = bootstrap_lrt(IRIS[::5], K, covariance_type=family, n_bootstrap=3, n_init=1, max_iter=15, random_state=0)
    assert test.statistic >= 0 and (test.null_statistics >= 0).all() and len(test.null_statistics) == 3
    assert test.p_value == (1 + (test.null_statistics >= test.statistic).sum()) / 4
    assert test.p_value == bootstrap_lrt(IRIS[::5], K, covariance_type=family, n_bootstrap=3, n_init=1, max_iter=15, random_state=0).p_value


def test_a_split_start_finds_the_component_that_one_kmeans_start_misses():
    ends = [search(THREE, 3, covariance_type="spherical", n_init=1, random_state=seed, **more).runs[0].log_likelihoods[-1]
            for seed in range(6) for more in ({}, {"split": search(THREE, 2, covariance_type="spherical", random_state=0).runs[0].mixture})]
    alone, with_split = ends[::2], ends[1::2]
    assert max(with_split) - min(with_split) < 0.01 and all(b >= a for a, b in zip(alone, with_split))


@pytest.mark.parametrize(("ends", "statistic", "p_value"), [
    ([-10, -7, -10, -8, -10, -6, -10, -9], 6, 0.5),             # simulated: 4, 8, 2
    ([-10, -7, -10, -7, -10, -7, -10, -7], 6, 1),               # as large counts as larger
    ([-10, -11, -10, -12, -10, -13, -10, -12], 0, 1)])          # a larger fit that failed is not worse than the smaller
def test_the_statistic_is_twice_the_gain_and_the_larger_fit_starts_from_the_smaller_too(monkeypatch, ends, statistic, p_value):
    smaller, log_likelihoods, calls = GaussianMixture(2, random_state=0).fit(THREE).mixture_, iter(ends), []

    def fake_search(X, k, split=None, **options):
        calls.append((k, split))
        return Search([EMRun(smaller, True, np.array([next(log_likelihoods)]))], 0)

    monkeypatch.setattr(selection, "search", fake_search)
    test = bootstrap_lrt(THREE, 2, n_bootstrap=3, random_state=0)
    assert (test.statistic, test.p_value) == (statistic, p_value)
    assert calls == [(2, None), (3, smaller)] * 4


def test_a_simulated_set_without_a_fit_is_drawn_anew_and_counted():
    X = IRIS[::2]
    test = bootstrap_lrt(X, 4, n_bootstrap=19, random_state=0)
    assert test.n_lost > 0 and len(test.null_statistics) == 19
    assert test.p_value == (1 + (test.null_statistics >= test.statistic).sum()) / 20


def test_a_test_whose_simulated_sets_have_no_fit_says_so(monkeypatch):
    smaller, calls = GaussianMixture(2, random_state=0).fit(THREE).mixture_, []

    def fake_search(X, k, split=None, **options):
        calls.append(X)
        if X is not THREE:
            raise SingularCovarianceError("component 1 has collapsed.", 1)
        return Search([EMRun(smaller, True, np.array([-9.0 + k]))], 0)

    monkeypatch.setattr(selection, "search", fake_search)
    with pytest.raises(SingularCovarianceError, match="k = 2, but 4 of 4 data sets simulated from that fit.*component 1") as caught:
        bootstrap_lrt(THREE, 2, n_bootstrap=3, random_state=0)
    assert caught.value.component == 1 and len(calls) == 2 + 4


@pytest.mark.parametrize("ask", [
    lambda X: search(X, 2, random_state=0), lambda X: held_out_log_likelihood(X, 1, random_state=0),
    lambda X: bootstrap_lrt(X, 1, n_bootstrap=2, random_state=0), lambda X: compare(X, [1], "full", n_folds=2, n_null=2, random_state=0)])
def test_a_ridge_that_swamps_the_data_is_reported_once_and_auto_never_does(ask):
    with pytest.warns(RidgeWarning, match="reg_covar=1e-06 swamps column 0") as caught:
        ask(1e-4 * THREE / 20)
    assert len(caught) == 1


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_a_ridge_relative_to_the_data_finds_the_same_in_any_unit(unit):
    assert compare(unit * THREE, [2, 3, 4], "full", n_null=0, reg_covar="auto", random_state=0).named("bic") == ("full", 3)


def test_far_groups_are_found_and_no_more_than_they():
    two = blobs([[0.0], [30.0]], n=20)
    assert bootstrap_lrt(two, 1, covariance_type="tied", n_bootstrap=9, n_init=1, random_state=0).p_value == 0.1
    assert bootstrap_lrt(two, 2, covariance_type="tied", n_bootstrap=9, n_init=1, random_state=0).p_value > 0.1


def test_the_p_value_is_about_uniform_when_there_is_one_gaussian():
    p = np.array([bootstrap_lrt(np.random.default_rng(100 + seed).normal(size=(25, 2)), 1, covariance_type="tied", n_bootstrap=7,
                                n_init=1, max_iter=100, random_state=seed).p_value for seed in range(16)])
    assert set(p * 8) <= set(range(1, 9))
    # p takes the values 1/8, ..., 1, each as often: mean 0.5625, standard deviation 0.29
    assert abs(p.mean() - 0.5625) < 3 * 0.29 / np.sqrt(16)
    assert (p <= 0.25).sum() <= 9                               # a quarter expected; 10 or more happen twice in 1,000 times
    assert len(set(p)) >= 5


@each_family
def test_the_test_sees_neither_units_nor_place(family):
    # that the null distribution is the same wherever the data lie is what makes its p-values uniform for k = 1
    X = np.random.default_rng(0).normal(size=(30, 2))
    one, other = (bootstrap_lrt(Y, 1, covariance_type=family, n_bootstrap=4, n_init=2, reg_covar=ridge, random_state=0)
                  for Y, ridge in [(X, 1e-6), (1024 * X + 2**14, 1024**2 * 1e-6)])
    assert one.statistic == pytest.approx(other.statistic, rel=1e-4) and one.p_value == other.p_value
    np.testing.assert_allclose(one.null_statistics, other.null_statistics, rtol=1e-4, atol=1e-4)


# Gap statistic

@pytest.mark.parametrize(("X", "best"), [
    (np.random.default_rng(0).normal(size=(150, 2)), 1), (np.random.default_rng(1).uniform(size=(150, 3)), 1), (THREE, 3),
    (blobs([[0.0], [30.0]]), 2), (FAITHFUL / FAITHFUL.std(axis=0), 2)], ids=["one Gaussian", "box", "three", "two in 1-D", "geyser"])
def test_the_gap_names_as_many_groups_as_there_are(X, best):
    gap = gap_statistic(X, 5, n_references=10, random_state=0)
    assert gap.best == best
    assert gap.n_clusters.tolist() == [1, 2, 3, 4, 5] and gap.gaps.shape == gap.errors.shape == (5,) and (gap.errors > 0).all()
    qualify = [k for k in range(1, 5) if gap.gaps[k - 1] >= gap.gaps[k] - gap.errors[k]]
    assert gap.best == qualify[0]


def test_shift_and_scale_leave_the_gaps_alone():
    one, other = (gap_statistic(X, 4, n_references=5, random_state=0) for X in (THREE, 8 * THREE + 16))
    np.testing.assert_allclose(one.gaps, other.gaps, rtol=1e-8)


def test_the_box_follows_the_principal_axes():
    # a thin slanted bar: in a box along the features it would look like many groups
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    bar = np.random.default_rng(0).uniform(-1, 1, size=(150, 3)) * [10, 0.2, 0.2] @ turn
    assert gap_statistic(bar, 4, n_references=10, random_state=0).best == 1


def test_gaps_and_errors_follow_their_formulas(monkeypatch):
    values = iter(np.exp([1, 2, 3, 6, 1, 1]))                   # ln W_1, ln W_2 of two simulated data sets, then of X

    class FakeKMeans:
        def __init__(self, n_clusters, **options):
            self.inertia_ = next(values)

        def fit(self, X):
            return self

    monkeypatch.setattr(selection, "KMeans", FakeKMeans)
    gap = gap_statistic(THREE, 2, n_references=2, random_state=0)
    np.testing.assert_allclose(gap.gaps, [2 - 1, 4 - 1])
    np.testing.assert_allclose(gap.errors, np.array([1, 2]) * np.sqrt(1.5))
    assert gap.best == 1                                        # 1 is within 2 √1.5 of 3


def test_where_no_k_qualifies_none_is_named():
    assert gap_statistic(blobs([[0], [30]]), 2, n_references=10, random_state=0).best is None


# Bad input

MIXTURE = GaussianMixture(2, random_state=0).fit(THREE).mixture_
@pytest.mark.parametrize(("call", "message"), [
    (lambda: search(THREE, 121), "n_components is 121; expected an integer from 1 to 120"),
    (lambda: search(THREE, 2, split=MIXTURE), "split has 2 components.*expected 1"),
    (lambda: search(THREE, 2, split="all"), "split is of type str"),
    (lambda: search(THREE, 2, tol=1), "tol"),
    (lambda: search(np.ones((9, 2)), 1, reg_covar=0), "collapsed"),
    (lambda: held_out_log_likelihood(THREE, 2, n_folds=121), "n_folds is 121"),
    (lambda: held_out_log_likelihood(THREE[:4], 3, n_folds=2), "n_components is 3; expected an integer from 1 to 2"),
    (lambda: bootstrap_lrt(THREE, 120), "n_components is 120"),
    (lambda: gap_statistic(THREE[[0, 0, 0, 1, 1]], 2), "X has only 2 distinct rows"),
    (lambda: thinness(np.ones((3, 2)), MIXTURE), "X does not vary in every direction")])
def test_arguments_that_do_not_fit_together_are_refused(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_the_global_random_state_and_the_data_are_left_alone():
    X, before = THREE.copy(), np.random.get_state()[1].copy()
    gap_statistic(X, 2, n_references=2)
    bootstrap_lrt(X, 1, covariance_type="tied", n_bootstrap=1, n_init=1)
    held_out_log_likelihood(X, 2)
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    np.testing.assert_array_equal(X, THREE)
