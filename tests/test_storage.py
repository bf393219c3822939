"""A model comes back from its file as it was, and nothing else comes back as a model."""

import numpy as np
import pandas
import pytest

from gmm_from_scratch import GaussianMixture, KMeans, NotFittedError, data, load, save
from gmm_from_scratch.covariances import FAMILIES

X = data.load_faithful().X


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_comes_back_as_it_was(tmp_path, family):
    model = GaussianMixture(2, covariance_type=family, random_state=0).fit(X)
    save(model, tmp_path / "model.npz")
    back = load(tmp_path / "model.npz")
    np.testing.assert_array_equal(back.score_samples(X), model.score_samples(X))
    np.testing.assert_array_equal(back.lower_bounds_, model.lower_bounds_)
    assert (back.lower_bound_, back.converged_, back.n_iter_) == (model.lower_bound_, model.converged_, model.n_iter_)


def test_a_model_made_of_parameters_can_be_kept(tmp_path):
    save(GaussianMixture.from_parameters([1.0], [[0.0]], [[[2.0]]]), str(tmp_path / "m.npz"))
    assert load(tmp_path / "m.npz").covariances_.item() == 2


def foreign(path, kind):
    good = {"format": "gmm_from_scratch.GaussianMixture, version 1", "covariance_type": "full", "weights": [1.0], "means": [[0.0]],
            "covariances": [[[1.0]]], "lower_bounds": [], "converged": True, "n_iter": 3}
    if kind == "text":
        path.write_text("not an archive")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "an array":
        with open(path, "wb") as file:
            np.save(file, np.ones(3))
    elif kind == "pickled objects":
        np.savez(path, **good | {"weights": np.array([object()])})
    elif kind == "cut off":
        np.savez(path, **good)
        path.write_bytes(path.read_bytes()[:-40])
    else:
        changes = {"another archive": {"format": "mine"}, "invalid weights": {"weights": [0.3]}, "another shape": {"means": [0.0]},
                   "an unknown family": {"covariance_type": "round"}, "an impossible covariance": {"covariances": [[[-1.0]]]}}
        archive = good | changes.get(kind, {})
        if kind == "a part missing":
            del archive["means"]
        np.savez(path, **archive)


@pytest.mark.parametrize("kind", ["text", "empty", "an array", "pickled objects", "cut off", "another archive", "invalid weights",
                                  "another shape", "an unknown family", "an impossible covariance", "a part missing"])
def test_anything_else_is_refused(tmp_path, kind):
    path = tmp_path / "model.npz"
    foreign(path, kind)
    with pytest.raises(ValueError, match=r"model\.npz.* does not hold a model written by gmm_from_scratch\.save"):
        load(path)


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.npz")


def test_what_cannot_be_kept_is_refused_and_leaves_no_file(tmp_path):
    path = tmp_path / "model.npz"
    with pytest.raises(NotFittedError, match="model"):
        save(GaussianMixture(), path)
    with pytest.raises(TypeError, match="model is of type KMeans"):
        save(KMeans(2, random_state=0).fit(X), path)
    assert not path.exists()
    with pytest.raises(ValueError, match=r"\.npz"):
        save(GaussianMixture(1).fit(X), tmp_path / "model.pkl")


def test_names_of_features_come_back(tmp_path):
    path, frame = tmp_path / "m.npz", pandas.DataFrame(X, columns=["Ausbruch, ü", ""])
    save(GaussianMixture(2, random_state=0).fit(frame), path)
    back = load(path)
    assert back.feature_names_in_.dtype == object and list(back.feature_names_in_) == ["Ausbruch, ü", ""]
    back.predict(frame)
    with pytest.raises(ValueError, match="same order"):
        back.predict(frame[frame.columns[::-1]])
    save(back, path)
    assert list(load(path).feature_names_in_) == ["Ausbruch, ü", ""]


def test_without_names_none_come_back_and_files_of_before_can_be_read(tmp_path):
    path = tmp_path / "m.npz"
    save(GaussianMixture(2, random_state=0).fit(X), path)
    assert not hasattr(load(path), "feature_names_in_")
    foreign(path, "of before")
    assert load(path).n_iter_ == 3 and not hasattr(load(path), "feature_names_in_")


WRONG = [("lower_bounds", wrong) for wrong in (np.float64(3), np.ones((2, 3)), ["a"], [1j], [np.nan], [np.inf], b"x")]
WRONG += [("n_iter", wrong) for wrong in (-5, 2.7, np.inf, "3", [3], [3, 4], True, 1j)]
WRONG += [("converged", wrong) for wrong in ("no", 1, 0.0, [True], b"x")]
WRONG += [("feature_names", wrong) for wrong in ("a", ["a", "b"], [1.0], [["a"]], [b"a"], [])]
WRONG += [("weights", wrong) for wrong in ("a", [1j], [np.nan], [[1.0]])] + [("covariance_type", ["full"]), ("format", 3)]


@pytest.mark.parametrize(("name", "wrong"), WRONG)
def test_a_part_that_save_would_not_write_is_refused(tmp_path, name, wrong):
    path = tmp_path / "model.npz"
    foreign(path, "of before")
    with np.load(path) as archive:
        np.savez(tmp_path / "wrong.npz", **dict(archive) | {name: wrong})
    with pytest.raises(ValueError, match=r"wrong\.npz.* does not hold a model written by gmm_from_scratch\.save"):
        load(tmp_path / "wrong.npz")


@pytest.mark.filterwarnings("ignore")                           # NumPy may warn of what it cannot read, too
def test_a_damaged_byte_is_refused_or_does_no_harm(tmp_path):
    path = tmp_path / "model.npz"
    save(GaussianMixture(1, random_state=0).fit(pandas.DataFrame(X, columns=["a", "b"])), path)
    good, kept, outcomes = path.read_bytes(), load(path), {True: 0, False: 0}
    directory = good.find(b"PK\x01\x02")
    for place in [*range(0, directory, 13), *range(directory, len(good), 3)]:
        for value in {good[place] ^ 1, good[place] ^ 8, 255} - {good[place]}:
            path.write_bytes(good[:place] + bytes([value]) + good[place + 1:])
            try:
                np.testing.assert_array_equal(load(path).means_, kept.means_)
                outcomes[True] += 1
            except ValueError as error:
                assert "model.npz" in str(error)
                outcomes[False] += 1
    assert min(outcomes.values()) > 10
