"""The nearest center and its room: products of float32 must never decide what exact distances would decide otherwise."""

import numpy as np
import pytest
from random_models import blobs

from gmm_from_scratch.kmeans import assign_step
from gmm_from_scratch.nearest import Columns, assign, nearest
from gmm_from_scratch.table import Table

SIZES = {"2 x 3": (900, 2, 3), "1 x 2": (300, 1, 2), "5 x 7": (2000, 5, 7), "40 x 6": (500, 40, 6), "2 x 300": (2000, 2, 300)}
each_size = pytest.mark.parametrize(("N", "D", "K"), SIZES.values(), ids=SIZES)
each_dtype = pytest.mark.parametrize("dtype", ["float64", "float32"])


def test_ties_go_to_the_first_center_whatever_the_rounding_of_products():
    grid = np.stack(np.meshgrid(np.arange(-8.0, 9), np.arange(-8.0, 9)), axis=-1).reshape(-1, 2)
    for centers in ([[-2.0, 0], [2, 0], [0, 2], [0, -2]], [[3.0, 3], [3, 3], [-3, -3]], [[1.0, 1]] * 5):
        for X in (grid, grid + 1000, grid.astype(np.float32)):
            shift = np.array(centers) + X[0] - grid[0]
            np.testing.assert_array_equal(assign(Table(X), shift), assign_step(X, shift))


@each_dtype
@pytest.mark.parametrize("offset", [0, 1e3, 1e6])
@pytest.mark.parametrize("near", [1e-3, 1e-9])
def test_near_ties_are_decided_by_exact_distances(near, offset, dtype):
    rng = np.random.default_rng(0)
    side = near * rng.normal(size=3000)                         # how far each row is from the border of the two clusters
    X = (np.column_stack([side, 10 * rng.normal(size=(3000, 2))]) + offset).astype(dtype)
    centers = np.array([[-1.0, 0, 0], [1, 0, 0]]) + offset
    np.testing.assert_array_equal(assign(Table(X), centers), assign_step(X, centers))


@each_dtype
@each_size
def test_a_room_is_never_larger_than_it_is(N, D, K, dtype):
    X, centers = blobs(N, D, K)
    X = (X + 3).astype(dtype)
    rooms = nearest(Columns(Table(X), K), centers)(X)[1]
    distances = np.sort(np.sqrt(((X[:, None].astype(float) - centers) ** 2).sum(axis=2)), axis=1)
    true = distances[:, 1] - distances[:, 0]
    assert (rooms <= true * (1 + 1e-6)).all()
    assert np.median(rooms / true) > 0.7                        # and not so much smaller that it would be of no use


@pytest.mark.parametrize(("dtype", "offset"), [("float64", 0), ("float64", 1e8), ("float32", 0), ("float32", 5000)])
def test_exact_distances_are_rarely_needed_wherever_the_data_lie(dtype, offset):
    X, centers = blobs(5000, 4, 6)
    X, centers = (X + offset).astype(dtype), centers + offset
    assert (nearest(Columns(Table(X), 6), centers)(X)[1] > 0).mean() > 0.99
