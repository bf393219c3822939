"""EM against its own equations, against scikit-learn step by step, and against mclust's optima."""

import inspect
import json
import warnings
from dataclasses import FrozenInstanceError
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import sklearn.exceptions
import sklearn.mixture
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_models import random_mixture
from scipy.special import expit
from scipy.stats import multivariate_normal

from gmm_from_scratch import Mixture, SingularCovarianceError, blocks, e_step, em_steps, m_step, run_em
from gmm_from_scratch.covariances import FAMILIES, check_covariances, estimate_covariances
from gmm_from_scratch.data import load_faithful, load_iris
from gmm_from_scratch.em import log_joint, sample_mixture

MCLUST = json.loads((Path(__file__).parent / "reference" / "mclust.json").read_text(encoding="utf-8"))
TABLES = {"faithful": load_faithful().X, "iris": load_iris().X}
each_family = pytest.mark.parametrize("family", FAMILIES)
each_table = pytest.mark.parametrize("table", TABLES)
repeatable = settings(derandomize=True, deadline=None, max_examples=20)


def random_resp(N, K, seed=0):
    return np.random.default_rng(seed).dirichlet(np.linspace(0.5, 2, K), size=N)


def start_on(X, K, family, seed=0):
    """Return a start on random rows of X, with uneven weights and the covariance of all data, shrunk by half."""
    rng = np.random.default_rng(seed)
    pooled = m_step(X, np.full((len(X), K), 1 / K), covariance_type=family)
    return Mixture(rng.dirichlet(np.full(K, 5.0)), X[rng.choice(len(X), K, replace=False)], pooled.covariances / 2, family)


def assert_same_mixture(one, two, rtol=1e-9, atol=0.0):
    np.testing.assert_allclose(one.weights, two.weights, rtol=rtol, atol=atol)
    np.testing.assert_allclose(one.means, two.means, rtol=rtol, atol=atol)
    np.testing.assert_allclose(one.covariances, two.covariances, rtol=rtol, atol=atol)


# The E-step

@each_family
def test_responsibilities_and_density_are_bayes_rule_on_scipys_densities(family):
    mixture = random_mixture(3, 2, family)
    X, _ = sample_mixture(100, mixture, rng=0)
    joint = np.column_stack([w * multivariate_normal(m, C).pdf(X) for w, m, C in zip(mixture.weights, mixture.means, mixture.matrices)])
    resp, log_density = e_step(X, mixture)
    np.testing.assert_allclose(log_joint(X, mixture), np.log(joint), rtol=1e-9)
    np.testing.assert_allclose(resp, joint / joint.sum(axis=1, keepdims=True), rtol=1e-8)
    np.testing.assert_allclose(log_density, np.log(joint.sum(axis=1)), rtol=1e-9)


@repeatable
@given(seed=st.integers(0, 10**6), K=st.integers(1, 6), D=st.integers(1, 4), family=st.sampled_from(list(FAMILIES)),
       reach=st.sampled_from([1.0, 1e3, 1e8]))
def test_responsibilities_are_probabilities(seed, K, D, family, reach):
    X = reach * np.random.default_rng(seed).normal(size=(30, D))
    resp, log_density = e_step(X, random_mixture(K, D, family, seed))
    assert resp.shape == (30, K) and (resp >= 0).all()
    # in the log domain a responsibility is as exact as ln p(x) is: its last digit grows with its size
    np.testing.assert_allclose(resp.sum(axis=1), 1, rtol=0, atol=1e-14 * K + 4 * np.finfo(float).eps * np.abs(log_density).max())


@pytest.mark.parametrize("x", [-1e6, -100.0, 0.0, 1.0, 40.0, 1e6])
def test_far_points_keep_exact_responsibilities(x):
    pair = Mixture([0.5, 0.5], [[0.0], [2.0]], [[[1.0]], [[1.0]]])
    resp, log_density = e_step([[x]], pair)
    # the log odds are 2 - 2 x; at 1e6 the log joint is 5e11, known to 1e-4
    np.testing.assert_allclose(resp, [[expit(2 - 2 * x), expit(2 * x - 2)]], rtol=1e-3 if abs(x) > 1e3 else 1e-10, atol=1e-300)
    assert np.isfinite(log_density).all()


def test_the_mixture_density_integrates_to_one():
    mixture = random_mixture(3, 1)
    x = np.linspace(-30, 30, 20_001)[:, None]
    assert np.trapezoid(np.exp(e_step(x, mixture)[1]), x[:, 0]) == pytest.approx(1, abs=1e-9)


# The M-step

@each_family
def test_the_m_step_gives_the_weighted_moments(family):
    X, resp = TABLES["iris"], random_resp(150, 3)
    mixture = m_step(X, resp, covariance_type=family)
    np.testing.assert_allclose(mixture.weights, resp.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(mixture.means, [np.average(X, axis=0, weights=r) for r in resp.T], rtol=1e-12)
    own = np.array([np.cov(X.T, aweights=r, bias=True) for r in resp.T])
    pooled = np.average(own, axis=0, weights=resp.sum(axis=0))
    expected = {"full": own, "tied": pooled, "diag": np.array([np.diag(S) for S in own]),
                "spherical": np.array([np.diag(S).mean() for S in own])}[family]
    np.testing.assert_allclose(mixture.covariances, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
@each_family
def test_the_gradient_of_the_expected_log_likelihood_is_zero_at_the_m_step(family, seed):
    X, resp = TABLES["iris"], random_resp(150, 3)
    best = m_step(X, resp, covariance_type=family)
    rng = np.random.default_rng(seed)
    by_weights, by_means, by_covariances = (rng.normal(size=part.shape) for part in (best.weights, best.means, best.covariances))

    def q_along(t):
        """Σ_nk r_nk ln p(x_n, z_n = k) at a distance t from the M-step's answer, in one random direction."""
        weights = best.weights * np.exp(t * by_weights)
        if family in ("diag", "spherical"):
            covariances = best.covariances * np.exp(t * by_covariances)
        else:
            A = np.eye(4) + t * by_covariances
            covariances = A @ best.covariances @ np.swapaxes(A, -1, -2)
        moved = Mixture(weights / weights.sum(), best.means + t * by_means, covariances, family)
        return (resp * log_joint(X, moved)).sum()

    h = 1e-4
    slope, bend = (q_along(h) - q_along(-h)) / (2 * h), (q_along(h) - 2 * q_along(0) + q_along(-h)) / h**2
    assert bend < 0
    assert abs(slope) < 1e-3 * h * abs(bend) + 1e-6             # the top lies within a thousandth of a step; plus rounding


def test_a_component_without_points_is_an_error_that_names_it():
    resp = np.zeros((10, 3))
    resp[:, [0, 2]] = 0.5
    with pytest.raises(SingularCovarianceError, match="component 1 is responsible for no point") as caught:
        m_step(TABLES["faithful"][:10], resp)
    assert caught.value.component == 1


def test_a_component_on_one_point_is_an_error_that_names_it():
    resp = np.zeros((10, 2))
    resp[:, 0], resp[3] = 1, [0, 1]
    with pytest.raises(SingularCovarianceError, match="component 1 has collapsed") as caught:
        m_step(TABLES["faithful"][:10], resp)
    assert caught.value.component == 1


@each_family
def test_one_component_is_the_sample_mean_and_covariance(family):
    X = TABLES["iris"]
    run = run_em(X, start_on(X, 1, family))
    S = np.cov(X.T, bias=True)
    expected = {"full": S[None], "tied": S, "diag": np.diag(S)[None], "spherical": np.diag(S).mean()[None]}[family]
    np.testing.assert_allclose(run.mixture.means, [X.mean(axis=0)], rtol=1e-12)
    np.testing.assert_allclose(run.mixture.covariances, expected, rtol=1e-10)
    assert run.mixture.weights.tolist() == [1.0]


# The loop

@repeatable
@given(seed=st.integers(0, 10**6), K=st.integers(1, 4), D=st.integers(1, 3), N=st.integers(40, 120), family=st.sampled_from(list(FAMILIES)))
def test_the_likelihood_never_falls(seed, K, D, N, family):
    X, _ = sample_mixture(N, random_mixture(K, D, "full", seed), rng=seed)
    try:
        trace = run_em(X, start_on(X, K, family, seed), tol=0, max_iter=15).log_likelihoods
    except SingularCovarianceError:
        assume(False)                                           # a collapse ends the run; nothing to compare
    assert len(trace) == 16 or trace[-1] == trace[-2]
    assert (np.diff(trace) >= -1e-11 * N * (1 + np.abs(trace).max() / N)).all()     # to rounding of a sum of N terms


@each_family
@each_table
def test_the_likelihood_recorded_belongs_to_the_parameters_returned(table, family):
    X = TABLES[table]
    start = start_on(X, 2, family)
    for step in islice(em_steps(X, start), 5):
        resp, log_density = e_step(X, step.mixture)
        assert step.log_likelihood == log_density.sum()
        np.testing.assert_array_equal(step.resp, resp)
    run = run_em(X, start, max_iter=7, tol=0)
    assert run.log_likelihoods[-1] == e_step(X, run.mixture)[1].sum()
    assert run.log_likelihoods[0] == e_step(X, start)[1].sum()


def test_a_step_is_an_e_step_and_then_an_m_step():
    X = TABLES["faithful"]
    start = start_on(X, 2, "full")
    zero, one, two = islice(em_steps(X, start, reg_covar=0.1), 3)
    assert zero.mixture is start
    assert_same_mixture(one.mixture, m_step(X, e_step(X, start)[0], reg_covar=0.1), rtol=1e-14)
    assert_same_mixture(two.mixture, m_step(X, one.resp, reg_covar=0.1), rtol=1e-14)


def test_no_rounds_give_the_start_back():
    X = TABLES["faithful"]
    start = start_on(X, 2, "full")
    run = run_em(X, start, max_iter=0)
    assert run.mixture is start and not run.converged and len(run.log_likelihoods) == 1


def test_em_stops_at_the_first_round_that_gains_less_than_tol_per_row():
    X, tol = TABLES["faithful"], 1e-4
    run = run_em(X, start_on(X, 2, "full"), tol=tol, max_iter=500)
    gains = np.diff(run.log_likelihoods) / len(X)
    assert run.converged and len(gains) > 3
    assert gains[-1] < tol and (gains[:-1] >= tol).all()


def test_em_cut_short_says_so():
    X = TABLES["faithful"]
    run = run_em(X, start_on(X, 2, "full"), tol=1e-9, max_iter=3)
    assert not run.converged and len(run.log_likelihoods) == 4


# Peers

def sklearn_after(X, start, rounds, reg_covar):
    """Return what scikit-learn's EM makes of the same start in so many rounds."""
    precisions = 1 / start.covariances if start.covariance_type in ("diag", "spherical") else np.linalg.inv(start.covariances)
    model = sklearn.mixture.GaussianMixture(
        start.n_components, covariance_type=start.covariance_type, tol=0, max_iter=rounds, reg_covar=reg_covar, random_state=0,
        weights_init=start.weights, means_init=start.means, precisions_init=precisions)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)      # stopped short on purpose
        return model.fit(X)


@pytest.mark.parametrize("reg_covar", [0.0, 0.05])
@pytest.mark.parametrize("rounds", [1, 3, 10])
@each_family
@each_table
def test_steps_equal_scikit_learns(table, family, rounds, reg_covar):
    X, start = TABLES[table], start_on(TABLES[table], 3, family)
    theirs = sklearn_after(X, start, rounds, reg_covar)
    run = run_em(X, start, tol=0, max_iter=rounds, reg_covar=reg_covar)
    # both round differently (they invert the covariance, and take E[x²] - m²): 1e-15 grows with the rounds
    np.testing.assert_allclose(run.mixture.weights, theirs.weights_, rtol=1e-8)
    np.testing.assert_allclose(run.mixture.means, theirs.means_, rtol=1e-8)
    np.testing.assert_allclose(run.mixture.covariances, theirs.covariances_, rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(e_step(X, run.mixture)[0], theirs.predict_proba(X), atol=1e-8)
    assert run.log_likelihoods[-1] / len(X) == pytest.approx(theirs.score(X), rel=1e-9)
    assert run.log_likelihoods[-2] / len(X) == pytest.approx(theirs.lower_bound_, rel=1e-9)      # theirs is one step behind


def mclust_start(table, family, K):
    labels = np.array(MCLUST[table]["init_labels"][str(K)])
    return m_step(TABLES[table], np.eye(K)[labels], covariance_type=family), MCLUST[table]["fits"][family][str(K)]


@pytest.mark.parametrize("K", [1, 2, 3, 5])
@each_family
@each_table
def test_one_m_step_from_labels_equals_mclusts(table, family, K):
    start, mclust = mclust_start(table, family, K)
    assert_same_mixture(start, Mixture(*(mclust["start"][part] for part in ("weights", "means", "covariances_sk")), family),
                        rtol=1e-10, atol=1e-12)                 # printed with 15 digits
    assert e_step(TABLES[table], start)[1].sum() == pytest.approx(mclust["start"]["loglik"], rel=1e-12)


@pytest.mark.parametrize("K", [1, 2, 3, 5])
@each_family
@each_table
def test_em_ends_where_mclusts_ends(table, family, K):
    start, mclust = mclust_start(table, family, K)
    X, end = TABLES[table], mclust["end"]
    run = run_em(X, start, tol=1e-13, max_iter=2000)
    log_likelihood = run.log_likelihoods[-1]
    assert log_likelihood == pytest.approx(end["loglik"], rel=1e-10)
    # the likelihood is flat at its top: an error of 1e-12 in it is one of 1e-6 in the parameters, more where EM crawls
    nearest = np.abs(run.mixture.means[:, None] - np.array(end["means"])).sum(axis=2).argmin(axis=0)
    assert sorted(nearest) == list(range(K))
    np.testing.assert_allclose(run.mixture.weights[nearest], end["weights"], rtol=1e-4)
    np.testing.assert_allclose(run.mixture.means[nearest], end["means"], rtol=1e-4)
    covariances = run.mixture.covariances if family == "tied" else run.mixture.covariances[nearest]
    np.testing.assert_allclose(covariances, end["covariances_sk"], rtol=2e-3, atol=1e-5)
    assert run.mixture.n_parameters == end["df"]
    bic = -2 * log_likelihood + end["df"] * np.log(len(X))
    assert bic == pytest.approx(-end["bic_mclust"], rel=1e-9)   # the opposite sign


# Symmetries

@each_family
def test_the_order_of_the_components_does_not_matter(family):
    X, order = TABLES["iris"], [2, 0, 1]
    start = start_on(X, 3, family)
    turned = Mixture(start.weights[order], start.means[order], start.covariances if family == "tied" else start.covariances[order], family)
    one, two = run_em(X, start, tol=0, max_iter=20), run_em(X, turned, tol=0, max_iter=20)
    np.testing.assert_allclose(two.mixture.weights, one.mixture.weights[order], rtol=1e-9)
    np.testing.assert_allclose(two.mixture.means, one.mixture.means[order], rtol=1e-9)
    np.testing.assert_allclose(two.log_likelihoods, one.log_likelihoods, rtol=1e-12)


@pytest.mark.parametrize(("family", "change"), [
    ("full", [[1e3, 2.0], [-5.0, 0.1]]),                        # any linear map
    ("tied", [[1e3, 2.0], [-5.0, 0.1]]),
    ("diag", [[1e4, 0.0], [0.0, 1e-4]]),                        # a unit per feature
    ("spherical", [[0.6e3, -0.8e3], [0.8e3, 0.6e3]]),           # one unit for all, and a turn
])
def test_a_change_of_coordinates_changes_the_fit_along(family, change):
    X, A, b = TABLES["faithful"], np.array(change), np.array([50.0, -2000.0])
    start = start_on(X, 2, family)
    mapped = A @ start.matrices @ A.T
    stored = {"full": mapped, "tied": mapped[0], "diag": np.einsum("kii->ki", mapped), "spherical": mapped[:, 0, 0]}[family]
    one = run_em(X, start, tol=0, max_iter=15)
    two = run_em(X @ A.T + b, Mixture(start.weights, start.means @ A.T + b, stored, family), tol=0, max_iter=15)
    np.testing.assert_allclose(two.mixture.weights, one.mixture.weights, rtol=1e-7)
    np.testing.assert_allclose(two.mixture.means, one.mixture.means @ A.T + b, rtol=1e-7)
    back = np.linalg.inv(A)
    np.testing.assert_allclose(back @ two.mixture.matrices @ back.T, one.mixture.matrices, rtol=1e-6, atol=1e-8)
    log_stretch = np.log(abs(np.linalg.det(A)))
    np.testing.assert_allclose(two.log_likelihoods, one.log_likelihoods - len(X) * log_stretch, rtol=1e-9)


@each_family
def test_a_far_origin_costs_no_more_than_the_digits_it_takes(family):
    X, start = TABLES["faithful"], start_on(TABLES["faithful"], 2, family)
    far = Mixture(start.weights, start.means + 1e7, start.covariances, family)
    one, two = run_em(X, start, tol=0, max_iter=10), run_em(X + 1e7, far, tol=0, max_iter=10)
    np.testing.assert_allclose(two.mixture.covariances, one.mixture.covariances, rtol=1e-5, atol=1e-6)     # x is known to 2e-9
    np.testing.assert_allclose(two.log_likelihoods, one.log_likelihoods, rtol=1e-6)


@each_family
def test_rows_given_twice_give_the_same_fit_and_twice_the_likelihood(family):
    X, start = TABLES["iris"], start_on(TABLES["iris"], 3, family)
    once, twice = (run_em(data, start, tol=0, max_iter=15) for data in (X, np.vstack([X, X])))
    assert_same_mixture(twice.mixture, once.mixture, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(twice.log_likelihoods, 2 * once.log_likelihoods, rtol=1e-10)


@each_family
def test_the_order_of_the_rows_does_not_matter(family):
    X, start = TABLES["iris"], start_on(TABLES["iris"], 3, family)
    shuffled = np.random.default_rng(0).permutation(X)
    assert_same_mixture(run_em(shuffled, start, tol=0, max_iter=10).mixture, run_em(X, start, tol=0, max_iter=10).mixture,
                        rtol=1e-8, atol=1e-10)


# The Mixture

INVALID = {
    "weights do not sum to 1": ({"weights": [0.5, 0.6]}, "weights"),
    "a weight of zero": ({"weights": [0.0, 1.0]}, "weights"),
    "a negative weight": ({"weights": [-0.5, 1.5]}, "weights"),
    "too few weights": ({"weights": [1.0]}, "weights"),
    "weights in a table": ({"weights": [[0.5, 0.5]]}, "weights"),
    "means not a table": ({"means": [0.0, 1.0]}, "means"),
    "no components": ({"weights": [], "means": np.empty((0, 1)), "covariances": np.empty((0, 1, 1))}, "means"),
    "no features": ({"means": np.empty((2, 0)), "covariances": np.empty((2, 0, 0))}, "means"),
    "a mean of NaN": ({"means": [[0.0], [np.nan]]}, "means"),
    "too few covariances": ({"covariances": [[[1.0]]]}, "covariances"),
    "covariances of another family": ({"covariances": [1.0, 1.0]}, "covariances"),
    "a variance of zero": ({"covariances": [[[1.0]], [[0.0]]]}, "component 1"),
    "a negative variance": ({"covariances": [[[-1.0]], [[1.0]]]}, "component 0"),
    "an unknown family": ({"covariance_type": "round"}, "covariance_type"),
}


@pytest.mark.parametrize(("change", "named"), INVALID.values(), ids=INVALID)
def test_no_invalid_mixture_exists(change, named):
    valid = {"weights": [0.3, 0.7], "means": [[0.0], [1.0]], "covariances": [[[1.0]], [[2.0]]], "covariance_type": "full"}
    Mixture(**valid)
    with pytest.raises(ValueError, match=named):
        Mixture(**valid | change)


@each_family
def test_a_mixture_keeps_its_own_parameters_whatever_becomes_of_the_arrays_given(family):
    start = random_mixture(2, 2, family)
    weights, means, covariances = start.weights.copy(), start.means.copy(), start.covariances.copy()
    mixture = Mixture(weights, means, covariances, family)
    weights[0], means[0], covariances[:] = -1, np.nan, 0
    assert_same_mixture(mixture, start, rtol=0)


def test_a_mixture_cannot_be_changed_and_equals_itself_alone():
    one, other = random_mixture(2, 2), random_mixture(2, 2)
    with pytest.raises(FrozenInstanceError):
        one.means = other.means
    assert one == one and one != other and len({one, other}) == 2


def test_weights_may_miss_their_sum_by_a_rounding():
    mixture = Mixture([0.5, 0.5 + 5e-7], [[0.0], [9.0]], [[[1.0]], [[1.0]]])
    assert sample_mixture(5, mixture, rng=0)[0].shape == (5, 1)


@pytest.mark.parametrize("function", [estimate_covariances, m_step, em_steps, run_em])
def test_options_are_given_by_name(function):
    """A third or fourth number in a row could be taken for any of them."""
    kinds = [parameter.kind for name, parameter in inspect.signature(function).parameters.items() if parameter.default is not parameter.empty]
    assert set(kinds) == {inspect.Parameter.KEYWORD_ONLY}


def test_defaults_are_those_of_the_fast_version_and_of_scikit_learn():
    ours, fast, theirs = (inspect.signature(f).parameters for f in (run_em, blocks.run_em, sklearn.mixture.GaussianMixture))
    for name in ("tol", "max_iter"):
        assert ours[name].default == fast[name].default == theirs[name].default
    for f in (m_step, em_steps, run_em, blocks.run_em):
        assert inspect.signature(f).parameters["reg_covar"].default == 0        # the textbook's EM has no ridge


def test_numbers_that_make_no_sense_are_refused():
    X, one = np.array([[0.0], [1.0], [3.0]]), Mixture([1.0], [[0.0]], [[[1.0]]])
    for name, call in (("reg_covar", lambda: m_step(X, np.ones((3, 1)), reg_covar=-0.5)), ("reg_covar", lambda: next(em_steps(X, one, reg_covar=-0.5))),
                       ("tol", lambda: run_em(X, one, tol=-0.5)), ("max_iter", lambda: run_em(X, one, max_iter=-1)),
                       ("n_samples", lambda: sample_mixture(0, one))):
        with pytest.raises(ValueError, match=name):
            call()
    assert sample_mixture(1, one)[0].shape == (1, 1)


def test_a_mixture_knows_its_sizes():
    mixture = random_mixture(3, 2, "tied")
    assert (mixture.n_components, mixture.n_features, mixture.n_parameters) == (3, 2, 11)
    np.testing.assert_array_equal(mixture.matrices, [mixture.covariances] * 3)


# Sampling

@each_family
def test_samples_have_the_proportions_means_and_covariances_of_the_mixture(family):
    mixture, N = random_mixture(3, 2, family), 60_000
    X, labels = sample_mixture(N, mixture, rng=1)
    share = np.bincount(labels, minlength=3) / N
    assert (np.abs(share - mixture.weights) < 4.5 * np.sqrt(mixture.weights * (1 - mixture.weights) / N)).all()
    for k in range(3):
        mine, C, n = X[labels == k], mixture.matrices[k], (labels == k).sum()
        variances = np.diag(C)
        assert (np.abs(mine.mean(axis=0) - mixture.means[k]) < 4.5 * np.sqrt(variances / n)).all()
        assert (np.abs(np.cov(mine.T, bias=True) - C) < 4.5 * np.sqrt((np.outer(variances, variances) + C**2) / n)).all()


def test_samples_come_in_random_order_and_are_repeated_by_the_seed():
    mixture = random_mixture(3, 2)
    (X, labels), (again, _) = sample_mixture(50, mixture, rng=4), sample_mixture(50, mixture, rng=4)
    np.testing.assert_array_equal(X, again)
    assert (np.diff(labels) < 0).any()


def test_em_finds_the_mixture_that_made_the_data():
    truth = random_mixture(2, 2, spread=4)
    X, _ = sample_mixture(20_000, truth, rng=0)
    found = run_em(X, truth, tol=1e-9, max_iter=200)
    assert found.log_likelihoods[-1] >= found.log_likelihoods[0]
    assert_same_mixture(found.mixture, truth, rtol=0.05, atol=0.05)      # the statistical error of 20,000 points
    check_covariances(found.mixture.covariances, 2, 2)


def test_the_m_step_counts_a_row_as_often_as_its_weight_says():
    rng = np.random.default_rng(5)
    X, resp, times = rng.normal(size=(30, 2)), rng.dirichlet(np.ones(3), 30), rng.integers(1, 4, 30)
    weighted, repeated = m_step(X, resp, sample_weight=times), m_step(np.repeat(X, times, axis=0), np.repeat(resp, times, axis=0))
    np.testing.assert_allclose(weighted.weights, repeated.weights, rtol=1e-12)
    np.testing.assert_allclose(weighted.means, repeated.means, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(weighted.covariances, repeated.covariances, rtol=1e-10, atol=1e-12)


def test_a_run_that_starts_at_its_end_stops_after_one_round_and_says_so():
    X = np.random.default_rng(5).normal(size=(40, 2))
    rest = m_step(X, np.ones((40, 1)))                          # one component: the first M-step is the last
    run = run_em(X, rest, tol=1e-9, max_iter=7)
    assert run.converged and len(run.log_likelihoods) == 2
    cut_short = run_em(X, rest, tol=0, max_iter=3)
    assert not cut_short.converged and len(cut_short.log_likelihoods) == 4
