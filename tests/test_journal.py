"""A fit that is interrupted goes on from its file to the same last digit; no other file is taken for one."""

import os
import warnings

import numpy as np
import pytest

from gmm_from_scratch import ConvergenceWarning, GaussianMixture, SingularCovarianceError
from gmm_from_scratch.em import EMRun
from gmm_from_scratch.journal import Journal
from gmm_from_scratch.table import Table

X = np.random.default_rng(0).normal(size=(300, 2)) * [1, 3] + np.repeat([[0, 0], [4, 1], [8, 0]], 100, axis=0)
SETTINGS = {"n_components": 3, "n_init": 3, "tol": 1e-4, "max_iter": 5, "random_state": 0}


class Interrupted(Exception):
    pass


class Interrupting(Journal):
    """A journal whose process dies right after it has written so many times."""

    def __init__(self, path, model, writes):
        super().__init__(path, model)
        self.writes = writes

    def write(self, outcomes, begun=None):
        super().write(outcomes, begun)
        self.writes -= 1
        if not self.writes:
            raise Interrupted


def fit(journal=None, X=X, **changes):
    model = GaussianMixture(**SETTINGS | changes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model._fit(X, journal=journal and journal(model))


def interrupt(path, writes, **changes):
    with pytest.raises(Interrupted):
        fit(lambda model: Interrupting(path, model, writes), **changes)


def assert_same(one, two):
    for name in ("weights_", "means_", "covariances_", "lower_bounds_"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)
    assert (one.n_iter_, one.converged_) == (two.n_iter_, two.converged_)


def test_wherever_it_was_interrupted_the_answer_is_the_same(tmp_path):
    whole, n_writes = fit(), 0
    while True:
        path, n_writes = tmp_path / f"{n_writes}.npz", n_writes + 1
        try:
            fit(lambda model, path=path, n=n_writes: Interrupting(path, model, n))
            break
        except Interrupted:
            assert_same(fit(lambda model, path=path: Journal(path, model)), whole)
    assert n_writes > 15


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState])
def test_a_generator_goes_on_where_it_was(tmp_path, make):
    rngs = [make(3) for _ in range(3)]
    whole = fit(random_state=rngs[0])
    interrupt(tmp_path / "a.npz", 4, random_state=rngs[1])
    assert_same(fit(lambda model: Journal(tmp_path / "a.npz", model), random_state=rngs[2]), whole)
    assert rngs[0].normal() == rngs[2].normal()


@pytest.mark.parametrize("family", ["tied", "diag", "spherical"])
def test_every_family_goes_on(tmp_path, family):
    interrupt(tmp_path / "a.npz", 4, covariance_type=family)
    assert_same(fit(lambda model: Journal(tmp_path / "a.npz", model), covariance_type=family), fit(covariance_type=family))


def test_a_start_that_collapsed_stays_dropped(tmp_path):
    points = np.append(np.random.default_rng(0).normal(size=40), 30.0)[:, None]             # one point alone
    changes = {"n_components": 2, "reg_covar": 0, "init_params": "random_from_data", "n_init": 6, "max_iter": 8}
    with pytest.warns(ConvergenceWarning) as told:
        whole = GaussianMixture(**SETTINGS | changes).fit(points)
    assert str(told[0].message).startswith("5 of 6 starts collapsed")
    for writes in (3, 20, 35):
        path = tmp_path / f"{writes}.npz"
        interrupt(path, writes, X=points, **changes)
        model = GaussianMixture(**SETTINGS | changes)
        outcomes, _ = Journal(path, model).read(Table(points), np.random.default_rng(0))
        assert len(outcomes) >= (writes > 3) and {type(outcome) for outcome in outcomes} <= {SingularCovarianceError, EMRun}
        assert [str(outcome) for outcome in outcomes[:1]] == [str(told[0].message).partition("because ")[2]][:len(outcomes)]
        with pytest.warns(ConvergenceWarning) as again:
            assert_same(model._fit(points, journal=Journal(path, model)), whole)
        assert str(again[0].message) == str(told[0].message)


def test_a_finished_fit_is_read_and_not_run(tmp_path, monkeypatch):
    whole = fit(lambda model: Journal(tmp_path / "a.npz", model))
    before = (tmp_path / "a.npz").read_bytes()
    monkeypatch.setattr("gmm_from_scratch.mixture.run_em", None)
    assert_same(fit(lambda model: Journal(tmp_path / "a.npz", model)), whole)
    assert (tmp_path / "a.npz").read_bytes() == before and os.listdir(tmp_path) == ["a.npz"]


def test_a_file_that_is_cut_off_or_changed_is_refused_whole(tmp_path):
    path = tmp_path / "a.npz"
    interrupt(path, 4)
    content = path.read_bytes()
    whole, refused = fit(), 0
    for where in np.linspace(0, len(content) - 1, 40).astype(int):
        for damaged in (content[:where], content[:where] + bytes([content[where] ^ 0x55]) + content[where + 1:]):
            path.write_bytes(damaged)
            try:
                found = fit(lambda model: Journal(path, model))
            except ValueError as error:
                assert "does not hold a whole checkpoint" in str(error) and "begin anew" in str(error)
                assert path.read_bytes() == damaged
                refused += 1
            else:
                assert_same(found, whole)               # the changed byte was one of padding or of a date
    assert refused >= 70


def test_a_write_that_fails_leaves_the_last_round(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    interrupt(path, 3)
    monkeypatch.setattr("gmm_from_scratch.journal.os.fsync", lambda number: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        fit(lambda model: Journal(path, model))
    monkeypatch.undo()
    assert_same(fit(lambda model: Journal(path, model)), fit())


@pytest.mark.parametrize("content", [b"", b"hello", "archive", "other version"])
def test_a_foreign_file_is_refused(tmp_path, content):
    path = tmp_path / "a.npz"
    if content == "other version":
        interrupt(path, 3)
        with np.load(path) as archive:
            np.savez(path, **{**archive, "format": "gmm_from_scratch.Journal, version 2"})
    else:
        np.savez(path, a=1) if content == "archive" else path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.npz.*does not hold a whole checkpoint"):
        fit(lambda model: Journal(path, model))


@pytest.mark.parametrize("change, words", [
    ({"n_components": 4}, "n_components was 3, now 4"),
    ({"tol": 1e-3, "n_init": 2}, "tol was 0.0001, now 0.001; n_init was 3, now 2|n_init was 3, now 2; tol was 0.0001, now 0.001"),
    ({"means_init": np.zeros((3, 2))}, "means_init was None, now 'an array"),
    ({"random_state": np.random.default_rng(0)}, "random_state was 0, now 'a generator"),
    ({"X": X[:-1]}, "rows was 300, now 299"),
    ({"X": X + 1e-6}, "means of the columns was"),
    ({"X": X[:, :1]}, "columns was 2, now 1"),
])
def test_another_fit_is_refused_and_told_what_differs(tmp_path, change, words):
    path = tmp_path / "a.npz"
    interrupt(path, 3)
    with pytest.raises(ValueError, match=f"of a fit with other (parameters|data).*({words})"):
        fit(lambda model: Journal(path, model), **change)


def test_what_is_printed_is_no_part_of_the_fit(tmp_path, capsys):
    interrupt(tmp_path / "a.npz", 6)
    assert_same(fit(lambda model: Journal(tmp_path / "a.npz", model), verbose=2, verbose_interval=1), fit())


@pytest.mark.parametrize("path, error", [(3, TypeError), ("a.txt", ValueError)])
def test_the_name_of_the_file_is_looked_at(path, error):
    with pytest.raises(error, match="checkpoint is"):
        Journal(path, GaussianMixture(2))


def test_a_folder_that_is_missing_is_told_at_once(tmp_path):
    with pytest.raises(FileNotFoundError):
        fit(lambda model: Journal(tmp_path / "none" / "a.npz", model))


@pytest.mark.parametrize("name", ["accelerate", "warm_start"])
def test_what_cannot_go_on_is_refused(name):
    with pytest.raises(ValueError, match=f"{name}=True and a checkpoint"):
        Journal("a.npz", GaussianMixture(2, **{name: True}))
