"""The four families: maximum likelihood within each restriction, counted by hand, nested in one another."""

import numpy as np
import pytest

from gmm_from_scratch import SingularCovarianceError
from gmm_from_scratch.covariances import (FAMILIES, check_covariances, count_parameters, covariance_matrices,
                                          estimate_covariances, invert, precision_factors)
from gmm_from_scratch.gaussian import log_gaussian

each_family = pytest.mark.parametrize("family", FAMILIES)


def weighted_points(N=60, D=3, K=2, seed=0):
    """Return points, uneven responsibilities and the weighted means."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, D)) @ rng.normal(size=(D, D))
    resp = rng.dirichlet(np.linspace(0.5, 2, K), size=N)
    return X, resp, resp.T @ X / resp.sum(axis=0)[:, None]


def expected_log_likelihood(X, resp, means, covariances, family):
    matrices = covariance_matrices(covariances, *means.shape, family)
    return sum(r @ log_gaussian(X, mean, matrix) for r, mean, matrix in zip(resp.T, means, matrices))


def moved(covariances, family, rng, size):
    """Return covariances of the same family nearby, still positive definite."""
    if family in ("diag", "spherical"):
        return covariances * np.exp(size * rng.normal(size=covariances.shape))
    A = np.eye(covariances.shape[-1]) + size * rng.normal(size=covariances.shape)
    return A @ covariances @ np.swapaxes(A, -1, -2)


@pytest.mark.parametrize("size", [1e-3, 1e-2, 0.3])
@each_family
def test_no_other_covariance_of_the_family_is_more_likely(family, size):
    X, resp, means = weighted_points()
    best = estimate_covariances(X, resp, means, covariance_type=family)
    highest = expected_log_likelihood(X, resp, means, best, family)
    rng = np.random.default_rng(1)
    for _ in range(30):
        assert expected_log_likelihood(X, resp, means, moved(best, family, rng, size), family) < highest


def test_full_is_the_weighted_covariance_of_numpy():
    X, resp, means = weighted_points()
    expected = [np.cov(X.T, aweights=r, bias=True) for r in resp.T]
    np.testing.assert_allclose(estimate_covariances(X, resp, means), expected, rtol=1e-10)


@each_family
def test_estimates_have_the_stored_shape_of_the_family(family):
    X, resp, means = weighted_points(D=3, K=2)
    expected = {"full": (2, 3, 3), "tied": (3, 3), "diag": (2, 3), "spherical": (2,)}[family]
    assert estimate_covariances(X, resp, means, covariance_type=family).shape == expected
    assert FAMILIES[family].shape(2, 3) == expected


@each_family
def test_reg_covar_is_added_once_to_each_variance_and_to_nothing_else(family):
    X, resp, means = weighted_points(D=3, K=2)
    plain, ridged = (covariance_matrices(estimate_covariances(X, resp, means, covariance_type=family, reg_covar=ridge), 2, 3, family)
                     for ridge in (0.0, 0.5))
    np.testing.assert_allclose(ridged - plain, np.broadcast_to(0.5 * np.eye(3), (2, 3, 3)), atol=1e-12)


@each_family
def test_written_out_each_family_gives_its_matrices(family):
    stored = {"full": [[[2, 1], [1, 3]], [[4, 0], [0, 5]]], "tied": [[2, 1], [1, 3]], "diag": [[2, 3], [4, 5]], "spherical": [2, 4]}
    written = {"full": [[[2, 1], [1, 3]], [[4, 0], [0, 5]]], "tied": [[[2, 1], [1, 3]], [[2, 1], [1, 3]]],
               "diag": [[[2, 0], [0, 3]], [[4, 0], [0, 5]]], "spherical": [[[2, 0], [0, 2]], [[4, 0], [0, 4]]]}
    np.testing.assert_array_equal(covariance_matrices(stored[family], 2, 2, family), written[family])


@pytest.mark.parametrize("seed", range(5))
def test_the_fewer_restrictions_the_higher_the_likelihood(seed):
    X, resp, means = weighted_points(seed=seed)
    full, tied, diag, spherical = (
        expected_log_likelihood(X, resp, means, estimate_covariances(X, resp, means, covariance_type=family), family)
        for family in ("full", "tied", "diag", "spherical"))
    assert full > tied and full > diag > spherical


def test_in_one_dimension_full_diag_and_spherical_are_the_same():
    X, resp, means = weighted_points(D=1)
    full, diag, spherical = (
        estimate_covariances(X, resp, means, covariance_type=family).ravel() for family in ("full", "diag", "spherical"))
    np.testing.assert_allclose(full, diag, rtol=1e-14)
    np.testing.assert_allclose(full, spherical, rtol=1e-14)


def test_with_one_component_tied_and_full_are_the_same():
    X, resp, means = weighted_points(K=1)
    np.testing.assert_allclose(estimate_covariances(X, resp, means, covariance_type="tied"), estimate_covariances(X, resp, means)[0])


# Counted by hand: (K - 1) weights + K D means + covariances, of which a symmetric D x D matrix has D (D + 1) / 2.
BY_HAND = [
    # K, D, full, tied, diag, spherical
    (1, 1, 2, 2, 2, 2),
    (1, 2, 5, 5, 4, 3),
    (2, 1, 5, 4, 5, 5),
    (2, 2, 11, 8, 9, 7),
    (3, 2, 17, 11, 14, 11),
    (3, 4, 44, 24, 26, 17),
    (2, 10, 131, 76, 41, 23),
]


@pytest.mark.parametrize(("K", "D", "full", "tied", "diag", "spherical"), BY_HAND)
def test_free_parameters_are_as_many_as_counted_by_hand(K, D, full, tied, diag, spherical):
    counted = {family: count_parameters(K, D, family) for family in FAMILIES}
    assert counted == {"full": full, "tied": tied, "diag": diag, "spherical": spherical}
    assert {type(number) for number in counted.values()} == {int}


@pytest.mark.parametrize(("family", "covariances"), [
    ("full", [np.eye(2), np.ones((2, 2))]), ("diag", [[1, 1], [1, 0]]), ("spherical", [1, -1])])
def test_the_first_singular_component_is_named(family, covariances):
    with pytest.raises(SingularCovarianceError, match="component 1") as caught:
        check_covariances(covariances, 2, 2, family)
    assert caught.value.component == 1


def test_an_asymmetric_matrix_is_named():
    with pytest.raises(ValueError, match="component 1: covariance is not symmetric"):
        check_covariances([np.eye(2), [[2, 1], [0, 2]]], 2, 2)


@each_family
def test_valid_covariances_come_back_as_they_are_and_symmetric_to_the_last_digit(family):
    X, resp, means = weighted_points()
    covariances = estimate_covariances(X, resp, means, covariance_type=family)
    for given in (covariances, covariances.astype("float32")):
        checked = check_covariances(given, 2, 3, family)
        np.testing.assert_allclose(checked, given, rtol=1e-6)
        assert checked.dtype == float
        if family in ("full", "tied"):
            np.testing.assert_array_equal(checked, np.swapaxes(checked, -1, -2))


# Precisions

def stored(family, K=3, D=4, seed=0):
    """Return valid covariances of the family, and all of them as matrices."""
    roots = np.random.default_rng(seed).normal(size=(K, D, 2 * D))
    covariances = FAMILIES[family].restrict(roots @ np.swapaxes(roots, 1, 2) / 9, np.full(K, 1 / K))
    return covariances, covariance_matrices(covariances, K, D, family)


@each_family
def test_factors_turn_deviations_into_standard_normal_ones(family):
    covariances, matrices = stored(family)
    factors = precision_factors(covariances, family)
    assert factors.shape == covariances.shape
    U = np.broadcast_to(factors, matrices.shape) if family in ("full", "tied") else np.sqrt(covariance_matrices(factors**2, 3, 4, family))
    np.testing.assert_allclose(U, np.triu(U), atol=1e-12)
    np.testing.assert_allclose(np.swapaxes(U, 1, 2) @ matrices @ U, np.array([np.eye(4)] * 3), atol=1e-12)


@each_family
def test_inverses_are_inverses_symmetric_and_turn_back(family):
    covariances, matrices = stored(family)
    precisions = invert(covariances, family)
    written_out = covariance_matrices(precisions, 3, 4, family)
    np.testing.assert_allclose(written_out @ matrices, np.array([np.eye(4)] * 3), atol=1e-12)
    np.testing.assert_array_equal(written_out, np.swapaxes(written_out, 1, 2))
    np.testing.assert_allclose(invert(precisions, family), covariances, rtol=1e-12)


@pytest.mark.parametrize("function", [precision_factors, invert])
@each_family
def test_precisions_of_what_has_none_are_refused(family, function):
    covariances, _ = stored(family)
    for wrong in (covariances[..., None], covariances[:0], 1.0, covariances[0]):
        with pytest.raises(ValueError, match="covariance"):
            function(wrong, family)
    broken = np.array(covariances)
    broken[... if family == "tied" else -1] = 0
    with pytest.raises(SingularCovarianceError) as caught:
        function(broken, family)
    assert caught.value.component == (0 if family == "tied" else 2)


def test_a_point_may_belong_to_one_component_alone():
    X, resp, _ = weighted_points()
    hard = np.eye(2)[resp.argmax(axis=1)]
    means = hard.T @ X / hard.sum(axis=0)[:, None]
    for k, S in enumerate(estimate_covariances(X, hard, means)):
        np.testing.assert_allclose(S, np.cov(X[hard[:, k] == 1].T, bias=True), rtol=1e-12)


# What no estimate can be made of

def test_estimates_want_responsibilities_of_some_weight_and_no_negative_ridge():
    X, resp, means = weighted_points()
    expected = estimate_covariances(X, resp, means)
    np.testing.assert_allclose(estimate_covariances(X, 0.001 * resp, means), expected, rtol=1e-12)         # sums below 1
    for wrong in (np.where(np.arange(60)[:, None] == 3, -0.5, resp), resp * [0, 1], resp[:, :0]):
        with pytest.raises(ValueError, match="resp|means"):
            estimate_covariances(X, wrong, means[:wrong.shape[1]])
    with pytest.raises(ValueError, match="reg_covar"):
        estimate_covariances(X, resp, means, reg_covar=-0.5)
    with pytest.raises(ValueError, match="means"):
        estimate_covariances(X, resp, means[:1])


@each_family
def test_counts_want_a_component_and_a_feature(family):
    for K, D, name in ((0, 1, "n_components"), (1, 0, "n_features")):
        for call in (count_parameters, lambda K, D, family: covariance_matrices(np.ones(1), K, D, family)):
            with pytest.raises(ValueError, match=name):
                call(K, D, family)
