"""The vendored tables against R, and the synthetic groups against what was asked for."""

import json
from pathlib import Path

import numpy as np
import pytest

from gmm_from_scratch.data import (load_faithful, load_iris, load_penguins, make_cigars, make_groups, make_moons, make_ring, make_stretched,
                                   make_uniform, make_wide_and_compact)

MCLUST = json.loads((Path(__file__).parent / "reference" / "mclust.json").read_text(encoding="utf-8"))
LOADERS = {"faithful": load_faithful, "iris": load_iris, "penguins": load_penguins}
each_table = pytest.mark.parametrize("load", LOADERS.values(), ids=LOADERS)
TWO = {"means": [[0.0, 0.0], [9.0, 9.0]], "covariances": [[[1.0, 0.5], [0.5, 2.0]], [[3.0, 0.0], [0.0, 0.1]]]}


@pytest.mark.parametrize(("name", "shape"), [("faithful", (272, 2)), ("iris", (150, 4))])
def test_the_table_has_rs_rows_means_and_covariance(name, shape):
    X, in_r = LOADERS[name]().X, MCLUST[name]["fits"]["full"]["1"]["end"]
    assert X.shape == shape
    np.testing.assert_allclose(X.mean(axis=0), in_r["means"][0], rtol=1e-12)
    np.testing.assert_allclose(np.cov(X.T, bias=True), in_r["covariances_sk"][0], rtol=1e-10)


def test_penguins_have_the_published_counts_and_means():
    penguins = load_penguins()
    assert penguins.label_names == ("Adelie", "Chinstrap", "Gentoo")
    assert np.bincount(penguins.labels).tolist() == [151, 68, 123]       # the two rows without measurements left out
    np.testing.assert_allclose(penguins.X.mean(axis=0), [43.92193, 17.15117, 200.9152, 4201.754], rtol=1e-6)


def test_iris_has_fifty_of_each_species():
    assert np.bincount(load_iris().labels).tolist() == [50, 50, 50]


@each_table
def test_every_table_is_finite_named_and_has_a_source(load):
    table = load()
    assert table.X.dtype == float and np.isfinite(table.X).all()
    assert len(table.feature_names) == table.X.shape[1] and all("(" in name for name in table.feature_names)     # with units
    assert table.source
    if table.labels is not None:
        assert table.labels.shape == (len(table.X),)
        assert sorted(set(table.labels)) == list(range(len(table.label_names)))


@each_table
def test_each_load_is_a_fresh_copy(load):
    first = load()
    first.X[:] = 0
    assert load().X.all()


def test_groups_have_the_sizes_means_and_covariances_asked_for():
    groups = make_groups([8000, 12_000], **TWO, random_state=0)
    assert np.bincount(groups.labels).tolist() == [8000, 12_000]
    for k, (mean, covariance) in enumerate(zip(TWO["means"], np.array(TWO["covariances"]))):
        mine, variances = groups.X[groups.labels == k], np.diag(covariance)
        assert (np.abs(mine.mean(axis=0) - mean) < 4.5 * np.sqrt(variances / len(mine))).all()
        error = np.sqrt((np.outer(variances, variances) + covariance**2) / len(mine))
        assert (np.abs(np.cov(mine.T) - covariance) < 4.5 * error).all()


def test_groups_are_shuffled_and_each_row_keeps_its_label():
    groups = make_groups([100, 100], **TWO, random_state=0)
    assert (np.diff(groups.labels) < 0).any()
    assert ((groups.X.sum(axis=1) > 9) == groups.labels).all()          # the groups lie far apart


@pytest.mark.parametrize("K", [1, 3, 30])
def test_every_group_and_every_feature_has_its_own_name(K):
    groups = make_groups([2] * K, np.zeros((K, 2)), [np.eye(2)] * K, random_state=0)
    assert len(set(groups.label_names)) == K
    assert groups.feature_names == ("x1", "x2")


@pytest.mark.parametrize("make", [make_stretched, make_wide_and_compact])
@pytest.mark.parametrize("n_samples", [2, 101, 400])
def test_the_pictures_sets_have_two_halves_and_are_the_same_every_time(make, n_samples):
    groups = make(n_samples)
    assert groups.X.shape == (n_samples, 2)
    assert np.bincount(groups.labels).tolist() == [n_samples // 2, n_samples - n_samples // 2]
    np.testing.assert_array_equal(groups.X, make(n_samples).X)
    assert not np.array_equal(groups.X, make(n_samples, random_state=1).X)


def test_the_stretched_groups_are_longer_than_they_are_apart():
    groups = make_stretched(4000)
    for k in (0, 1):
        small, large = np.linalg.eigvalsh(np.cov(groups.X[groups.labels == k].T))
        assert large > 20 * small
    apart = np.linalg.norm(groups.X[groups.labels == 0].mean(axis=0) - groups.X[groups.labels == 1].mean(axis=0))
    assert apart < np.sqrt(large)


def test_the_wide_group_is_five_times_as_wide_as_the_compact_one():
    groups = make_wide_and_compact(20_000)
    wide, compact = (groups.X[groups.labels == k].std() for k in (0, 1))
    compact = groups.X[groups.labels == 1].std(axis=0).mean()
    assert wide / compact == pytest.approx(5, rel=0.05)


def test_cigars_are_long_thin_and_two_apart():
    cigars = make_cigars(20_000)
    means = np.array([cigars.X[cigars.labels == k].mean(axis=0) for k in (0, 1)])
    np.testing.assert_allclose(means, [[0, -1], [0, 1]], atol=4.5 * 6 / np.sqrt(10_000))
    np.testing.assert_allclose([cigars.X[cigars.labels == k].std(axis=0) for k in (0, 1)], [[6, 0.3]] * 2, rtol=0.04)


def test_moons_without_noise_lie_on_their_half_circles():
    moons = make_moons(200, noise=0)
    upper, lower = (moons.X[moons.labels == k] for k in (0, 1))
    np.testing.assert_allclose(np.hypot(*upper.T), 1)
    np.testing.assert_allclose(np.hypot(*(lower - [1, 0.5]).T), 1)
    assert upper[:, 1].min() >= 0 and lower[:, 1].max() <= 0.5 and len(upper) == len(lower)


def test_the_ring_lies_around_the_blob():
    ring = make_ring(20_000)
    radius = np.hypot(*ring.X.T)
    assert abs(np.mean(radius[ring.labels == 1]) - 3) < 0.02
    np.testing.assert_allclose(ring.X[ring.labels == 0].std(axis=0), 0.75, rtol=0.04)


def test_uniform_points_fill_the_cube_and_have_no_groups():
    uniform = make_uniform(20_000, 3)
    assert uniform.X.shape == (20_000, 3) and uniform.labels is None
    assert uniform.X.min() >= 0 and uniform.X.max() <= 1
    np.testing.assert_allclose(uniform.X.var(axis=0), 1 / 12, rtol=0.04)


@pytest.mark.parametrize("make", [make_cigars, make_moons, make_ring, make_uniform])
def test_the_same_seed_gives_the_same_points_and_bad_sizes_are_refused(make):
    np.testing.assert_array_equal(make(30, random_state=3).X, make(30, random_state=3).X)
    assert (make(30, random_state=3).X != make(30, random_state=4).X).all()
    with pytest.raises(ValueError, match="n_samples is 0"):
        make(0)
