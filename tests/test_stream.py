"""Rows that come in blocks, and rows that lie in a file, are fitted as an array is, within little memory."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from gmm_from_scratch import GaussianMixture, Mixture, blocks
from gmm_from_scratch.covariances import FAMILIES
from gmm_from_scratch.data import load_faithful
from gmm_from_scratch.em import sample_mixture
from gmm_from_scratch.starts import STARTS
from gmm_from_scratch.table import Stream, Table

TRUTH = Mixture([0.2, 0.3, 0.5], [[0.0, 0.0, 0.0], [4.0, 4.0, 0.0], [0.0, 5.0, 5.0]], [np.eye(3), 2 * np.eye(3), np.diag([1.0, 3.0, 0.5])])
X = sample_mixture(10_000, TRUTH, rng=0)[0] + 50
CUTS = [0, 0, 1, 700, 700, 5000, 9999, 10_000]          # blocks of all sizes, and empty ones
BLOCKS = [X[a:b] for a, b in pairwise(CUTS)]


class Blocks:
    """An object that gives the blocks again whenever it is asked, and counts how often it was."""

    def __init__(self, blocks):
        self.blocks, self.asked = blocks, 0

    def __iter__(self):
        self.asked += 1
        return iter(self.blocks)


def differ(one, other):
    """Return by how much the parameters of two models differ, of the largest of each."""
    return max(np.abs(a - b).max() / np.abs(b).max() for a, b in zip(*([model.weights_, model.means_, model.covariances_, model.lower_bounds_]
                                                                       for model in (one, other))))


@pytest.mark.parametrize("init_params", STARTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_blocks_give_the_model_of_the_array(family, init_params):
    def model():
        return GaussianMixture(3, covariance_type=family, init_params=init_params, max_iter=30, tol=1e-2, random_state=1)
    whole, in_blocks = model().fit(X), model().fit(Blocks(BLOCKS))
    assert whole.n_iter_ == in_blocks.n_iter_ and differ(in_blocks, whole) < 1e-10


@pytest.mark.parametrize("given", [{"means_init": TRUTH.means + 50}, {"init_params": np.arange(10_000) % 3}, {"reg_covar": "auto", "n_init": 3},
                                   {"accelerate": True, "tol": 1e-6}, {"init_params": np.full((10_000, 3), 1 / 3), "means_init": TRUTH.means + 52}])
def test_whatever_says_how_to_begin_works_on_blocks(given):
    whole, in_blocks = (GaussianMixture(**{"n_components": 3, "random_state": 2, "tol": 1e-2, **given}).fit(data) for data in (X, Blocks(BLOCKS)))
    assert differ(in_blocks, whole) < 1e-10


def test_a_mean_without_points_is_seeded_as_in_an_array():
    means = np.vstack([TRUTH.means + 50, [[900.0, 900.0, 900.0]]])
    whole, in_blocks = (GaussianMixture(4, means_init=means, max_iter=0).fit(data) for data in (X, Blocks(BLOCKS)))
    np.testing.assert_array_equal(whole.means_, in_blocks.means_)
    assert (whole.means_[3] < 100).all()


@pytest.mark.parametrize("init_params", STARTS)
def test_float32_and_weights_pass_through_blocks(init_params):
    weight, x = np.random.default_rng(0).integers(0, 3, len(X)), X.astype(np.float32)
    def model():
        return GaussianMixture(3, init_params=init_params, tol=1e-2, max_iter=20, random_state=0)
    whole = model().fit(x, sample_weight=weight)
    in_blocks = model().fit(lambda: (x[a:b] for a, b in pairwise(CUTS)), sample_weight=weight)
    assert Stream(Blocks([x])).dtype == np.float32 and differ(in_blocks, whole) < 1e-5        # the rounding of float32


def test_scores_and_labels_of_blocks_are_those_of_the_array():
    model, stream = GaussianMixture(3, random_state=0).fit(X), Blocks(BLOCKS)
    np.testing.assert_allclose(model.score_samples(stream), model.score_samples(X), rtol=1e-12)
    np.testing.assert_allclose(model.predict_proba(stream), model.predict_proba(X), atol=1e-12)
    np.testing.assert_array_equal(model.predict(stream), model.predict(X))
    assert model.bic(stream) == pytest.approx(model.bic(X), rel=1e-13)
    assert blocks.log_likelihood(stream, model.mixture_) == pytest.approx(blocks.log_likelihood(X, model.mixture_), rel=1e-13)


def test_each_round_reads_the_data_once():
    one, three = Blocks(BLOCKS), Blocks(BLOCKS)
    with pytest.warns(UserWarning, match="did not meet tol"):
        GaussianMixture(3, init_params="random", max_iter=1, tol=0).fit(one)
    with pytest.warns(UserWarning, match="did not meet tol"):
        GaussianMixture(3, init_params="random", max_iter=3, tol=0).fit(three)
    assert three.asked - one.asked == 2


def test_rows_are_taken_in_the_order_asked_for():
    rows = [9999, 0, 700, 699, 700]
    np.testing.assert_array_equal(Stream(Blocks(BLOCKS)).take(rows), X[rows])


def with_nan(row):
    """Return a block with one NaN."""
    block = X[:50].copy()
    block[row, 2] = np.nan
    return block


@pytest.mark.parametrize(("given", "error", "words"), [
    (iter(BLOCKS), TypeError, "X is a list_iterator, which can be read only once.*EM reads all rows in each round.*Give the function"),
    ((block for block in BLOCKS), TypeError, "X is a generator, which can be read only once"),
    (lambda: 7, TypeError, "X is a function that returns a int.*iterator of blocks of rows"),
    (Blocks([]), ValueError, "X holds no data: no block of it has a row"),
    (Blocks([X[:0], X[:0]]), ValueError, "X holds no data: no block of it has a row"),
    (Blocks([X[:9], X[:9, :2]]), ValueError, r"block 1 of X has shape \(9, 2\); expected \(any, 3\). All blocks need the same columns"),
    (Blocks([X[:9], X[0]]), ValueError, r"block 1 of X has shape \(3,\)"),
    (Blocks([[["a", "b"]]]), TypeError, "block 0 of X"),
    (Blocks([[], [[1.0, 2.0], [3.0]]]), ValueError, "block 1 of X is ragged"),
    (Blocks([3.0]), ValueError, r"block 0 of X has shape \(\)"),
    (Blocks([np.zeros((3, 0))]), ValueError, "no block of it has a row and a column"),
    (Blocks([X[:0], X[:70], with_nan(33)]), ValueError, r"block 2 of X holds 1 entries that are NaN or infinite, the first at index \(33, 2\)"),
    (Blocks([X[:70], X[:70] + 1e300]), ValueError, "block 1 of X has entries as large as 1e.300"),
])
def test_a_bad_source_is_named_by_its_block_and_row(given, error, words):
    with pytest.raises(error, match=words):
        GaussianMixture(2).fit(given)


def test_a_block_of_other_width_than_the_model_is_refused():
    with pytest.raises(ValueError, match="2 features, but GaussianMixture is expecting 3"):
        GaussianMixture(3, random_state=0).fit(X).predict(Blocks([X[:9, :2]]))


def test_a_source_that_gives_other_rows_the_second_time_is_refused():
    class Shrinking(Blocks):
        def __iter__(self):
            self.blocks = self.blocks[:-1] if self.asked > 2 else self.blocks
            return super().__iter__()

    with pytest.raises(ValueError, match="gives 9999 rows.*when read before, has 10000.*same rows in each pass"):
        GaussianMixture(2, random_state=0).fit(Shrinking(BLOCKS))
    with pytest.raises(ValueError, match="gives more rows, but sample_weight.*has 7"):
        GaussianMixture(2).fit(Blocks(BLOCKS), sample_weight=np.ones(7))
    with pytest.raises(ValueError, match="gives 10000 rows, but sample_weight.*has 10001"):
        GaussianMixture(2).fit(Blocks(BLOCKS), sample_weight=np.ones(10_001))


def test_an_error_of_the_source_is_not_taken_for_a_failed_extrapolation():
    X = load_faithful().X
    start = Mixture([0.5, 0.5], X[:2], [np.cov(X.T)] * 2)
    options = {"tol": 0, "max_iter": 30, "accelerate": True}
    n_passes = counted(X, options, start, fails_at=None)
    assert n_passes > 10
    for number in range(3, n_passes + 1):               # after one to measure the rows, and one for the start
        with pytest.raises(ValueError, match="the disk cannot be read"):
            counted(X, options, start, fails_at=number)


def counted(X, options, start, fails_at):
    """Run EM on a source whose n-th reading fails, and return how often it was read."""
    readings = 0

    def source():
        nonlocal readings
        readings += 1
        if readings == fails_at:
            raise ValueError("the disk cannot be read")
        yield X

    blocks.run_em(source, start, **options)
    return readings


def test_parts_know_where_they_lie():
    stream = Stream(Blocks(BLOCKS))
    parts = list(stream._parts())
    assert [part.offset for part in parts] == [0, 1, 700, 5000, 9999] and len(stream) == 10_000
    assert parts[2].rows_of_all(slice(3, 5)) == slice(703, 705) and all(type(part) is Table for part in parts)


# A program that may hold less than its data take: 160 MiB of them, in a file, under a limit of MiB above what is imported.
LIMITED = """
import re, resource, sys, warnings
import numpy as np
from gmm_from_scratch import GaussianMixture
N, D, path = 1_310_720, 16, sys.argv[1]
def held():
    return int(re.search(r"VmData:\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024
def fit(X):
    warnings.simplefilter("ignore")
    return GaussianMixture(4, covariance_type="diag", random_state=0, max_iter=2).fit(X)
fit(np.random.default_rng(0).normal(size=(50_000, D)))          # threads and their buffers are there
resource.setrlimit(resource.RLIMIT_DATA, (held() + 64 * 2**20,) * 2)
try:
    np.ones((N, D))
    sys.exit("the limit does not hold")
except MemoryError:
    pass
on_disk = np.memmap(path, dtype=float, mode="r", shape=(N, D))
if sys.argv[2] == "memmap":
    X = on_disk
else:
    X = lambda: (np.array(on_disk[a:a + 65_536]) for a in range(0, N, 65_536))
print(fit(X).lower_bound_)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a limit of memory that files do not count to")
def test_a_file_larger_than_the_memory_limit_is_fitted(tmp_path):
    path, rng = tmp_path / "rows", np.random.default_rng(0)
    with path.open("wb") as file:
        for _ in range(20):
            file.write((rng.normal(size=(65_536, 16)) + 4 * rng.integers(4, size=(65_536, 1))).tobytes())
    bounds = []
    for way in ("memmap", "stream"):
        run = subprocess.run([sys.executable, "-c", LIMITED, path, way], capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        bounds.append(float(run.stdout))
    assert bounds[0] == pytest.approx(bounds[1], abs=1e-10)
