"""EM on a Dask cluster of real processes: the answer of one process, whoever dies."""

import os
import pickle
import signal
import subprocess
import sys
from functools import partial

import dask
import numpy as np
import pandas
import pytest
from dask import array
from dask import dataframe as frames
from distributed import Client, LocalCluster
from hypothesis import given, settings
from sklearn.datasets import make_blobs

from bad_inputs import SAMPLE_WEIGHT, numbers, things
from gmm_from_scratch import ClusterLostError, GaussianMixture, KMeans, scale
from gmm_from_scratch.blocks import log_likelihood
from gmm_from_scratch.table import Table

X = make_blobs(6000, 3, centers=3, cluster_std=2.0, random_state=0)[0] + [5, 0, 0]       # more rows than the starts look at
WEIGHT = np.random.default_rng(0).integers(0, 3, len(X)).astype(float)
CHUNKS = (1000, 0, 1700, 300, 3000)
PARTS = array.from_array(X, chunks=(CHUNKS, (2, 1)))
SETTINGS = {"n_components": 3, "n_init": 2, "tol": 0, "max_iter": 4, "random_state": 0}
FITTED = "weights_", "means_", "covariances_", "lower_bounds_"
pytestmark = pytest.mark.filterwarnings("ignore::gmm_from_scratch.ConvergenceWarning")      # of four rounds only

# A scheduler with one worker, in a process of its own, as on another machine.
CLUSTER = """
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster:
        print(cluster.scheduler_address, flush=True)
        input()
"""


@pytest.fixture(scope="module")
def other_cluster():
    with subprocess.Popen([sys.executable, "-c", CLUSTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.fixture(scope="module")
def client(other_cluster):              # which starts while this one is used
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster, Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def undisturbed(client):
    return fit()


def fit(X=PARTS, **options):
    return scale.fit(GaussianMixture(**SETTINGS), X, **options)


def assert_close(one, two, digits=1e-10):
    for name in FITTED:
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=digits, atol=digits, err_msg=name)
    assert (one.n_iter_, one.converged_) == (two.n_iter_, two.converged_)


def test_a_fit_needs_a_model_and_a_cluster():
    with pytest.raises(TypeError, match="model is of type int"):
        scale.fit(3, PARTS)
    with pytest.raises(ValueError, match="there is no Dask cluster"):       # not yet: this is the first test of the file
        fit()


@pytest.mark.parametrize("family, dtype, weight, options", [
    ("full", "float64", None, {"n_init": 3}),
    ("tied", "float64", WEIGHT, {"init_params": "whitened_kmeans"}),
    ("diag", "float64", None, {"accelerate": True, "init_params": "random"}),
    ("spherical", "float64", WEIGHT, {"init_params": "random_from_data"}),
    ("full", "float32", WEIGHT, {"init_params": "k-means++"}),
    ("diag", "float32", None, {"means_init": X[:3]}),
])
def test_the_answer_is_that_of_one_process(client, family, dtype, weight, options):
    settings = SETTINGS | {"n_init": 1, "max_iter": 3, "covariance_type": family} | options
    one = GaussianMixture(**settings).fit(X.astype(dtype), sample_weight=weight)
    many = scale.fit(GaussianMixture(**settings), PARTS.astype(dtype), sample_weight=weight, client=client)
    assert_close(many, one, 1e-10 if dtype == "float64" else 1e-4)


def test_few_rows(client):
    """So few that k-means would see all of them, if they were here. n_init: each kind of start."""
    settings = SETTINGS | {"n_init": 5, "max_iter": 1}
    one = GaussianMixture(**settings).fit(X[:90], sample_weight=WEIGHT[:90])
    assert_close(scale.fit(GaussianMixture(**settings), array.from_array(X[:90], chunks=(40, 3)), sample_weight=WEIGHT[:90]), one)


def test_a_table_of_partitions_is_a_table(client):
    ours, one = scale.DaskTable(PARTS, array.from_array(WEIGHT, chunks=700)), Table(X, WEIGHT)
    rows = np.array([5999, 0, 1000, 999, 2700, 3, 3])
    np.testing.assert_array_equal(ours.take(rows), X[rows])
    np.testing.assert_array_equal(ours.weight, WEIGHT)
    for name in ("centre", "spread", "total", "n_counting", "scatter", "first_row", "shape"):
        np.testing.assert_allclose(getattr(ours, name), getattr(one, name), rtol=1e-12, err_msg=name)
    bare = pickle.loads(pickle.dumps(ours))
    assert type(bare) is Table and not {"client", "parts", "weight"} & vars(bare).keys() and len(pickle.dumps(ours)) < 2000


def test_the_weights_stay_where_they_are_if_no_start_asks_for_them(client, monkeypatch):
    monkeypatch.setattr(scale.DaskTable, "weight", property(lambda table: pytest.fail("gathered")))
    model = GaussianMixture(**SETTINGS | {"means_init": X[:3], "n_init": 1})
    assert scale.fit(model, PARTS, sample_weight=WEIGHT, client=client) is model


def test_a_data_frame(client):
    frame = frames.from_pandas(pandas.DataFrame(X, columns=["a", "b", "c"]), npartitions=3)
    weight = frames.from_pandas(pandas.Series(WEIGHT), npartitions=2)
    model = scale.fit(GaussianMixture(2, random_state=0, max_iter=2), frame, sample_weight=weight)
    assert_close(model, GaussianMixture(2, random_state=0, max_iter=2).fit(X, sample_weight=WEIGHT))
    assert list(model.feature_names_in_) == ["a", "b", "c"]
    few = frame[frame.a > frame.a.max()]
    with pytest.raises(ValueError, match="holds no data: no block"):
        scale.fit(GaussianMixture(2), few)


def test_scores_and_predictions(client):
    model = GaussianMixture.from_parameters([0.5, 0.5], X[:2], [np.eye(3)] * 2)
    table = scale.DaskTable(PARTS)
    np.testing.assert_allclose(log_likelihood(table, model.mixture_), log_likelihood(X, model.mixture_), rtol=1e-12)
    with pytest.raises(TypeError, match=r"map_blocks\(model\.predict"):
        model.predict(table)
    whole = array.from_array(X, chunks=(1500, 3))
    np.testing.assert_array_equal(whole.map_blocks(model.predict, drop_axis=1, dtype=int).compute(), model.predict(X))


# Who dies


def die_once(flag, f, *arguments):
    """Kill this worker before it has summed its first partition, if the flag is there to be taken."""
    try:
        os.unlink(flag)
    except FileNotFoundError:
        return f(*arguments)
    return os.kill(os.getpid(), signal.SIGKILL)


def at_round(monkeypatch, number, act):
    """Call `act` between two passes: when the journal has been told of so many states."""
    write, seen = scale.Journal.write, []

    def told(journal, outcomes, begun=None):
        write(journal, outcomes, begun)
        seen.append(begun)
        if len(seen) == number:
            act()

    monkeypatch.setattr(scale.Journal, "write", told)


def test_a_worker_that_is_killed_in_mid_pass_changes_nothing(client, undisturbed, monkeypatch, tmp_path):
    flag = tmp_path / "flag"
    monkeypatch.setattr(scale, "_sum_of_part", partial(die_once, flag, scale._sum_of_part))
    at_round(monkeypatch, 4, flag.touch)
    found = fit()
    assert not flag.exists()            # a worker has taken it, and died
    for name in FITTED:
        np.testing.assert_array_equal(getattr(found, name), getattr(undisturbed, name), err_msg=name)


def test_a_scheduler_that_is_killed_between_rounds(client, other_cluster, undisturbed, monkeypatch, tmp_path):
    """In the second start, too: what the first has found, and the state of the random numbers, must be in the file."""
    path = tmp_path / "fit.npz"
    with Client(other_cluster.stdout.readline().strip(), set_as_default=False) as theirs:
        with monkeypatch.context() as patch:
            at_round(patch, 10, lambda: (other_cluster.kill(), other_cluster.wait()))
            with pytest.raises(ClusterLostError, match=r"after round 2 of start 2: .*a new client and the same checkpoint, '.*fit\.npz'"):
                fit(client=theirs, checkpoint=path)
        with pytest.raises(ClusterLostError, match="before the first round: .* Nothing has been saved"):
            fit(client=theirs)
    found = fit(client=client, checkpoint=path)
    for name in FITTED:
        np.testing.assert_array_equal(getattr(found, name), getattr(undisturbed, name), err_msg=name)
    monkeypatch.setattr("gmm_from_scratch.mixture.run_em", None)
    assert_close(fit(client=client, checkpoint=path), undisturbed)


def test_a_cluster_without_workers_is_not_waited_for_without_end():
    with LocalCluster(n_workers=0, dashboard_address=":0") as cluster:
        none = Client(cluster, set_as_default=False)
        with pytest.raises(ClusterLostError, match=r"no worker for 0\.1 seconds"):
            fit(client=none, timeout=0.1)
        none.close()
    with pytest.raises(ClusterLostError, match="not connected"):
        fit(client=none)


# Bad input


def changed(blocks, **change):
    parts = [X[:10], X[10:20], X[20:30]]
    for number, block in blocks.items():
        parts[number] = block
    return array.concatenate([array.from_delayed(dask.delayed(part), (np.nan, 3), dtype=float) for part in parts], allow_unknown_chunksizes=True)


HOLE = X[20:30].copy()
HOLE[7, 1] = np.nan


@pytest.mark.parametrize("blocks, error, words", [
    ({2: HOLE}, ValueError, r"block 2 of X holds 1 entries that are NaN or infinite, the first at index \(7, 1\)"),
    ({1: X[:10, :2]}, ValueError, r"block 1 of X has shape \(10, 2\); expected \(any, 3\)"),
    ({1: np.array([["a", "b", "c"]])}, TypeError, "block 1 of X has entries of type"),
    ({1: X[:10, 0]}, ValueError, r"block 1 of X has shape \(10,\)"),
    ({0: X[:0], 1: X[:0], 2: X[:0]}, ValueError, "no block of it has a row"),
])
def test_a_bad_block_is_named(client, blocks, error, words):
    with pytest.raises(error, match=words):
        fit(changed(blocks))


@pytest.mark.parametrize("X, options, error, words", [
    (X, {}, TypeError, r"expected a dask\.array or a Dask DataFrame.*model\.fit\(X\)"),
    (PARTS[:, 0], {}, ValueError, "X has 1 axes"),
    (PARTS, {"sample_weight": WEIGHT[1:]}, ValueError, r"sample_weight has shape \(5999,\); expected \(6000,\)"),
    (PARTS, {"sample_weight": -WEIGHT}, ValueError, "sample_weight is negative"),
    (PARTS, {"client": "tcp://here"}, TypeError, "client is 'tcp://here'; expected a distributed.Client"),
    (PARTS, {"timeout": -1}, ValueError, "timeout is -1"),
    (PARTS, {"checkpoint": "fit.txt"}, ValueError, r"ends in \.npz"),
])
def test_other_bad_input(client, X, options, error, words):
    with pytest.raises(error, match=words):
        fit(X, **options)


@pytest.mark.parametrize("name, kind", [
    ("model", things(KMeans())), ("X", things()), ("sample_weight", SAMPLE_WEIGHT), ("client", things("tcp://here", optional=True)),
    ("checkpoint", things("fit.txt", optional=True)), ("timeout", numbers())])
def test_bad_input_of_any_kind_is_refused_with_an_error_that_names_it(client, name, kind):
    valid = {"model": GaussianMixture(**SETTINGS), "X": PARTS, "sample_weight": WEIGHT}

    @settings(derandomize=True, deadline=None, database=None, max_examples=30)
    @given(bad=kind(valid.get(name)))
    def refuse(bad):
        with pytest.raises((ValueError, TypeError), match=rf"\b{name}\b"):
            scale.fit(**valid | {name: bad})

    refuse()


def test_a_worker_that_always_dies_is_no_riddle(client):
    """A partition that does not fit into memory kills each worker that is given it."""
    def allow(number, dask_scheduler):
        before, dask_scheduler.allowed_failures = dask_scheduler.allowed_failures, number
        return before

    before = client.run_on_scheduler(allow, 0)
    deadly = array.map_blocks(lambda x: os.kill(os.getpid(), signal.SIGKILL), PARTS, dtype=float, meta=X[:0])
    with pytest.raises(ClusterLostError, match="workers died again and again, mostly for want of memory"):
        fit(deadly)
    client.run_on_scheduler(allow, before)
