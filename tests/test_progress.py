"""A bar where tqdm is installed, the same lines without it, and neither unless asked for."""

import sys
from types import ModuleType

import pytest

from gmm_from_scratch import GaussianMixture, KMeans, SingularCovarianceError
from gmm_from_scratch.data import load_faithful

X = load_faithful().X


class FakeTqdm:
    """What we use of tqdm, keeping what it was told."""

    def __init__(self, **options):
        self.options, self.n, self.lines, self.closed = options, 0, [], False
        BARS.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.closed = True

    def update(self, n=1):
        self.n += n

    def write(self, text):
        self.lines.append(text)


BARS = []


@pytest.fixture
def tqdm(monkeypatch):
    """Install the fake."""
    BARS.clear()
    module = ModuleType("tqdm")
    module.tqdm = FakeTqdm
    monkeypatch.setitem(sys.modules, "tqdm", module)


@pytest.fixture
def no_tqdm(monkeypatch):
    """Make `import tqdm` fail."""
    monkeypatch.setitem(sys.modules, "tqdm", None)


@pytest.mark.parametrize("accelerate", [False, True])
def test_each_start_has_a_bar_of_its_rounds(tqdm, capsys, accelerate):
    model = GaussianMixture(2, n_init=3, verbose=1, max_iter=70, accelerate=accelerate, random_state=0).fit(X)
    assert [bar.options for bar in BARS] == [
        {"total": 70, "desc": f"start {number}", "unit": "round", "leave": False} for number in (1, 2, 3)]
    assert model.n_iter_ in [bar.n for bar in BARS] and all(bar.closed for bar in BARS)
    out, err = capsys.readouterr()
    assert [line.split(":")[0] for line in out.splitlines()] == ["start 1", "start 2", "start 3"] and err == ""


def test_lines_between_rounds_go_above_the_bar(tqdm, capsys):
    model = GaussianMixture(2, verbose=2, verbose_interval=1, random_state=0).fit(X)
    assert len(BARS[0].lines) >= model.n_iter_ and "round 1: " in "".join(BARS[0].lines)
    assert "round" not in capsys.readouterr().out


def test_kmeans_counts_its_starts(tqdm):
    KMeans(3, n_init=4, verbose=1, random_state=0).fit(X)
    (bar,) = BARS
    assert bar.n == 4 and bar.closed and [line.split(":")[0] for line in bar.lines] == [f"KMeans, start {i}" for i in (1, 2, 3, 4)]


def test_a_bar_is_closed_when_a_start_collapses(tqdm):
    with pytest.raises(SingularCovarianceError):
        GaussianMixture(2, means_init=[[0.0], [9.0]], reg_covar=0, verbose=1).fit([[0.0], [1.0], [9.0]])
    assert [bar.closed for bar in BARS] == [True]


@pytest.mark.parametrize("Estimator", [GaussianMixture, KMeans])
def test_nothing_is_shown_unless_asked_for(tqdm, capsys, Estimator):
    Estimator(2, random_state=0).fit(X)
    assert BARS == [] and capsys.readouterr() == ("", "")


@pytest.mark.parametrize("model", [GaussianMixture(2, n_init=2, verbose=2, verbose_interval=5, random_state=0),
                                   KMeans(2, n_init=2, verbose=1, random_state=0)], ids=["GaussianMixture", "KMeans"])
def test_without_tqdm_the_lines_are_printed_all_the_same(no_tqdm, capsys, model):
    model.fit(X)
    out, err = capsys.readouterr()
    assert "start 1" in out and "start 2" in out and err == ""
