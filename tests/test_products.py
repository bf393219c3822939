"""Products in pieces are products, whatever is left over."""

import numpy as np
import pytest

from gmm_from_scratch.products import _cut, times_wide, wide_times_wide

each_width = pytest.mark.parametrize("width", [0, 1, 127, 128, 255, 256, 257, 700, 1024])
each_size = pytest.mark.parametrize(("K", "m"), [(1, 1), (8, 3), (16, 153), (40, 160), (90, 100)])     # the last two: 128 columns, and no pieces
each_dtype = pytest.mark.parametrize("dtype", ["float64", "float32"])


def numbers(*shape, dtype):
    """Return whole numbers: their sums of products are exact in any order."""
    return np.random.default_rng(0).integers(-4, 5, size=shape).astype(dtype)


@each_width
@each_size
@each_dtype
def test_products_with_something_wide(width, K, m, dtype):
    a, wide, out = numbers(K, m, dtype=dtype), numbers(m, width, dtype=dtype), np.full((K, width), np.nan, dtype)
    assert times_wide(a, wide, out) is out
    np.testing.assert_array_equal(out, a @ wide)
    np.testing.assert_array_equal(wide_times_wide(wide, out), wide @ out.T)
    for turned in (times_wide(a, np.asfortranarray(wide), out), times_wide(np.asfortranarray(a), wide, out)):
        np.testing.assert_array_equal(turned, a @ wide)


def test_the_sizes_meet_all_three_ways():
    assert [_cut(K * m, np.empty((m, 1000)))[0][0].shape[2] for K, m in [(16, 153), (40, 160), (90, 100)]] == [256, 128, 1000]
