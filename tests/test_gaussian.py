"""One Gaussian against scipy, against matplotlib's ellipse, and against the laws of probability."""

import numpy as np
import pytest
from matplotlib.patches import Ellipse
from scipy.integrate import quad
from scipy.stats import chi2, multivariate_normal

from gmm_from_scratch import SingularCovarianceError
from gmm_from_scratch.gaussian import (cholesky_factor, conditional_gaussian, ellipse, log_gaussian, marginal_gaussian,
                                       sample_gaussian)


def random_gaussian(D, seed=0, scale=1.0):
    """Return a mean and a correlated covariance; scale: one unit per feature."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(D, D + 2)) * np.broadcast_to(scale, D)[:, None]
    return rng.normal(size=D) * scale, root @ root.T / (D + 2)


GAUSSIANS = {
    "D=1": random_gaussian(1),
    "D=2": random_gaussian(2),
    "D=5": random_gaussian(5),
    "badly scaled": random_gaussian(3, scale=np.array([1e-2, 1.0, 1e2])),
}
PLANE = {
    "round": ([0.0, 0.0], [[1.0, 0.0], [0.0, 1.0]]),
    "tall": ([1.0, -2.0], [[1.0, 0.0], [0.0, 9.0]]),
    "slanted up": ([0.0, 3.0], [[3.0, 2.4], [2.4, 2.2]]),
    "slanted down": ([5.0, 0.0], [[1.0, -0.7], [-0.7, 2.0]]),
    "badly scaled": ([0.0, 0.0], [[1e-6, 5e-4], [5e-4, 1.0]]),
}
each_gaussian = pytest.mark.parametrize(("mean", "covariance"), GAUSSIANS.values(), ids=GAUSSIANS)
each_in_the_plane = pytest.mark.parametrize(("mean", "covariance"), PLANE.values(), ids=PLANE)
each_mass = pytest.mark.parametrize("mass", [0.1, 0.5, 0.95])


@each_gaussian
def test_log_density_equals_scipys(mean, covariance):
    X = np.vstack([mean, sample_gaussian(50, mean, covariance, rng=0), mean + 30 * np.sqrt(np.diag(covariance))])
    # scipy goes by eigenvalues, which loses digits with the condition number, here up to 1e9
    np.testing.assert_allclose(log_gaussian(X, mean, covariance), multivariate_normal(mean, covariance).logpdf(X), rtol=1e-7)


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_a_change_of_units_shifts_the_log_density_by_the_log_of_the_units(unit):
    mean, covariance = GAUSSIANS["D=5"]
    X, units = sample_gaussian(20, mean, covariance, rng=1), np.array([1, unit, 1, unit, 1])
    rescaled = log_gaussian(X * units, mean * units, covariance * np.outer(units, units))
    np.testing.assert_allclose(rescaled, log_gaussian(X, mean, covariance) - np.log(units).sum(), rtol=1e-10)


@pytest.mark.parametrize("variance", [0.01, 1.0, 400.0])
def test_the_density_integrates_to_one(variance):
    reach = 12 * np.sqrt(variance)                              # beyond it lies less than 1e-30
    mass, _ = quad(lambda x: np.exp(log_gaussian([[x]], [0.3], [[variance]])[0]), 0.3 - reach, 0.3 + reach)
    assert mass == pytest.approx(1, abs=1e-8)


@each_gaussian
def test_the_cholesky_factor_is_a_lower_triangle_whose_square_is_the_covariance(mean, covariance):
    L = cholesky_factor(covariance)
    assert (L == np.tril(L)).all() and (np.diag(L) > 0).all()
    np.testing.assert_allclose(L @ L.T, covariance, rtol=1e-12, atol=1e-14)


SINGULAR = {
    "zero": np.zeros((2, 2)),
    "constant feature": np.diag([1.0, 0.0]),
    "duplicate feature": np.ones((2, 2)),
    "negative variance": np.diag([1.0, -1.0]),
    "indefinite": np.array([[1.0, 2.0], [2.0, 1.0]]),
    "equal but for rounding": np.array([[1.0, 1.0], [1.0, 1.0 + 2.3e-16]]),
    "three features in a plane": np.cov(np.array([[1.0, 2.0, 3.0], [2.0, 1.0, 3.0], [5.0, 3.0, 8.0], [0.1, 0.7, 0.8]]).T),
}


@pytest.mark.parametrize("covariance", SINGULAR.values(), ids=SINGULAR)
def test_a_covariance_without_inverse_is_an_error_that_says_so(covariance):
    with pytest.raises(SingularCovarianceError, match="not positive definite") as caught:
        log_gaussian(np.zeros((1, len(covariance))), np.zeros(len(covariance)), covariance)
    assert caught.value.component is None


@pytest.mark.parametrize("variances", [[1e-20, 1e20], [1e-12, 1.0, 1e12]])
def test_features_of_very_different_units_are_not_singular(variances):
    np.testing.assert_allclose(cholesky_factor(np.diag(variances)), np.diag(np.sqrt(variances)))


@each_gaussian
def test_samples_have_the_mean_and_the_covariance(mean, covariance):
    N = 40_000
    X = sample_gaussian(N, mean, covariance, rng=3)
    variances = np.diag(covariance)
    error_of_mean = np.sqrt(variances / N)
    error_of_covariance = np.sqrt((np.outer(variances, variances) + covariance**2) / N)
    assert (np.abs(X.mean(axis=0) - mean) < 4.5 * error_of_mean).all()          # 4.5 standard errors
    assert (np.abs(np.cov(X.T, bias=True) - covariance) < 4.5 * error_of_covariance).all()


def test_samples_are_repeated_by_the_seed_and_continue_with_a_generator():
    mean, covariance = GAUSSIANS["D=2"]
    np.testing.assert_array_equal(sample_gaussian(5, mean, covariance, rng=7), sample_gaussian(5, mean, covariance, rng=7))
    rng = np.random.default_rng(7)
    assert not np.allclose(sample_gaussian(5, mean, covariance, rng), sample_gaussian(5, mean, covariance, rng))


@each_mass
@each_in_the_plane
def test_the_border_of_the_ellipse_drawn_by_matplotlib_is_where_chi_squared_puts_it(mean, covariance, mass):
    circle = np.exp(1j * np.linspace(0, 2 * np.pi, 40))
    drawn = Ellipse(**ellipse(mean, covariance, mass=mass)._asdict()).get_patch_transform()
    away = drawn.transform(np.column_stack([circle.real, circle.imag])) - mean
    mahalanobis = (away * np.linalg.solve(covariance, away.T).T).sum(axis=1)
    np.testing.assert_allclose(mahalanobis, chi2.ppf(mass, df=2), rtol=1e-8)


@each_mass
@each_in_the_plane
def test_the_ellipse_drawn_by_matplotlib_holds_its_share_of_samples(mean, covariance, mass):
    N = 20_000
    patch = Ellipse(**ellipse(mean, covariance, mass=mass)._asdict())
    inside = patch.get_patch_transform().inverted().transform(sample_gaussian(N, mean, covariance, rng=5))
    share = ((inside**2).sum(axis=1) < 1).mean()
    assert abs(share - mass) < 4.5 * np.sqrt(mass * (1 - mass) / N)


@pytest.mark.parametrize("radius", [0.5, 1.0, 2.0])
def test_an_ellipse_of_r_standard_deviations_holds_1_minus_exp_of_minus_half_r_squared(radius):
    drawn = ellipse([0, 0], [[4, 0], [0, 1]], mass=1 - np.exp(-(radius**2) / 2))
    assert (drawn.width, drawn.height) == pytest.approx((4 * radius, 2 * radius))


@pytest.mark.parametrize("degrees", [0, 30, 90, 135, 179])
def test_the_ellipse_turns_with_the_gaussian(degrees):
    turn = np.radians(degrees)
    R = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    drawn = ellipse([0, 0], R @ np.diag([9.0, 1.0]) @ R.T)
    assert drawn.width > drawn.height
    off = (drawn.angle - degrees + 90) % 180 - 90               # an ellipse turned by 180 degrees is the same
    assert off == pytest.approx(0, abs=1e-6)


def test_an_ellipse_needs_two_features():
    with pytest.raises(ValueError, match="2 features"):
        ellipse(*GAUSSIANS["D=5"])


@pytest.mark.parametrize("known", [[0], [4], [1, 3], [3, 1], [0, 1, 2, 4]], ids=str)
def test_joint_is_marginal_times_conditional(known):
    mean, covariance = GAUSSIANS["D=5"]
    others = [i for i in range(5) if i not in known]
    for x in sample_gaussian(5, mean, covariance, rng=2):
        marginal = log_gaussian([x[known]], *marginal_gaussian(mean, covariance, known))
        conditional = log_gaussian([x[others]], *conditional_gaussian(mean, covariance, known, x[known]))
        np.testing.assert_allclose(marginal + conditional, log_gaussian([x], mean, covariance), rtol=1e-10)


def test_marginals_agree_with_samples_that_lose_their_other_columns():
    mean, covariance = GAUSSIANS["D=5"]
    m, C = marginal_gaussian(mean, covariance, [4, 0])
    np.testing.assert_array_equal(m, [mean[4], mean[0]])
    np.testing.assert_array_equal(C, [[covariance[4, 4], covariance[4, 0]], [covariance[0, 4], covariance[0, 0]]])


def test_knowing_a_feature_never_widens_the_others():
    mean, covariance = GAUSSIANS["D=5"]
    _, C = conditional_gaussian(mean, covariance, [1], [0.0])
    others = [0, 2, 3, 4]
    assert np.linalg.eigvalsh(covariance[np.ix_(others, others)] - C).min() > -1e-12


def test_conditioning_does_not_depend_on_units():
    mean, covariance = GAUSSIANS["D=5"]
    units = np.array([1e-10, 1.0, 1e10, 1.0, 1.0])
    expected_mean, expected = conditional_gaussian(mean, covariance, [0, 2], [0.5, -0.5])
    m, C = conditional_gaussian(mean * units, covariance * np.outer(units, units), [0, 2], [0.5e-10, -0.5e10])
    np.testing.assert_allclose(m, expected_mean, rtol=1e-9)
    np.testing.assert_allclose(C, expected, rtol=1e-9)


@pytest.mark.parametrize("features", [[5], [-1], [], [1, 1], [0.5]], ids=str)
def test_features_are_columns_each_named_once(features):
    with pytest.raises((ValueError, TypeError), match="features"):
        marginal_gaussian(*GAUSSIANS["D=5"], features)


@pytest.mark.parametrize("D", [1, 2, 3])
def test_the_column_after_the_last_is_refused(D):
    with pytest.raises(ValueError, match="features"):
        marginal_gaussian(np.zeros(D), np.eye(D), [D])


def test_features_may_come_from_numpy():
    mean, covariance = GAUSSIANS["D=5"]
    np.testing.assert_array_equal(marginal_gaussian(mean, covariance, np.array([4, 0]))[0], mean[[4, 0]])


@pytest.mark.parametrize("mass", [-0.1, 1, 1.5])
def test_the_mass_of_an_ellipse_is_a_share(mass):
    with pytest.raises(ValueError, match="mass"):
        ellipse([0, 0], np.eye(2), mass=mass)
    assert ellipse([0, 0], np.eye(2), mass=0).width == 0


def test_the_mass_is_given_by_name_so_that_nobody_takes_it_for_a_radius():
    with pytest.raises(TypeError):
        ellipse([0, 0], np.eye(2), 2)


def test_an_ellipse_lies_in_a_plane():
    with pytest.raises(ValueError, match="2 features"):
        ellipse([0], [[1]])


@pytest.mark.parametrize("covariance", [[[1, 0.5]], [[1], [0.5]], np.empty((0, 0))], ids=["flat", "high", "empty"])
def test_a_covariance_is_square(covariance):
    with pytest.raises(ValueError, match="covariance .* square matrix"):
        cholesky_factor(covariance)


def test_a_covariance_is_symmetric():
    with pytest.raises(ValueError, match="covariance is not symmetric"):
        cholesky_factor([[1, 0.5], [0.25, 1]])


def test_symmetry_is_judged_entry_by_entry_in_the_units_of_the_features_and_bears_the_rounding_of_float32():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(4, 4)) * np.array([[1e5], [1], [1e-5], [1]])
    covariance = (root @ root.T).astype("float32").astype(float)
    nearly = covariance * (1 + 1e-6 * np.tril(rng.normal(size=(4, 4)), -1))
    np.testing.assert_allclose(cholesky_factor(nearly), np.linalg.cholesky(nearly), rtol=1e-12)
    with pytest.raises(ValueError, match="covariance is not symmetric"):
        cholesky_factor([[1e10, 0, 0], [0, 1, 0.5], [0, -0.5, 1]])


def test_a_covariance_that_is_not_positive_names_its_smallest_eigenvalue():
    with pytest.raises(ValueError, match="smallest eigenvalue -2"):
        cholesky_factor([[1, 3], [3, 1]])


def test_a_tiny_scale_is_not_a_singular_covariance():
    np.testing.assert_allclose(log_gaussian([[0.0]], [0.0], [[1e-40]]), -0.5 * np.log(2 * np.pi * 1e-40))


def test_one_sample_may_be_drawn_and_no_fewer():
    assert sample_gaussian(1, [0, 0], np.eye(2), rng=0).shape == (1, 2)
    with pytest.raises(ValueError, match="n_samples"):
        sample_gaussian(0, [0, 0], np.eye(2), rng=0)
