"""The EM Lab as Python has it: its data, its files, and the widget's traits. What it does in a browser is in browser/test_em_lab.py."""

import re
from importlib.resources import files

import numpy as np
import pytest

from gmm_from_scratch import Mixture, data, em_lab
from gmm_from_scratch.em_lab import EMLab


def test_the_presets_are_the_package_s_own_points_to_the_last_digit():
    found = em_lab.presets()
    for key, X in [("faithful", data.load_faithful().X), ("stretched", data.make_stretched().X), ("wide", data.make_wide_and_compact().X),
                   ("cigars", data.make_cigars().X), ("ring", data.make_ring().X), ("uniform", data.make_uniform().X)]:
        assert np.array_equal(found[key]["points"], X)
    assert np.array_equal(found["outlier"]["points"][:-1], data.load_faithful().X) and found["outlier"]["points"][-1] == [8, 30]
    assert found["blank"]["points"] == []
    assert all(len(preset["points"]) <= em_lab.MOST_POINTS for preset in found.values())


def test_page_and_notebook_get_the_same_program_of_all_files():
    page, notebook = em_lab.script(), em_lab.module()
    assert notebook.removesuffix("\nexport default { render };\n") in page
    lab = files("gmm_from_scratch") / "lab"
    assert {file.name for file in lab.iterdir()} == {*em_lab.FILES, "lab.css"}
    for name in em_lab.FILES:
        source = (lab / name).read_text("utf-8")
        assert source in page
        assert not re.search(r"(?m)^\s*(import|export)\b|https?://(?!www\.w3\.org/2000/svg)", source)


def test_the_limits_of_python_and_javascript_are_the_same():
    store = (files("gmm_from_scratch") / "lab" / "store.js").read_text("utf-8")
    assert f"points: {em_lab.MOST_POINTS}," in store


def test_the_widget_carries_the_points_and_the_state():
    X = np.array([[0.0, 1.0], [2.0, 3.0], [5.0, 1.5]])
    lab = EMLab(X, state="lab=1;d=given;k=2")
    state = lab.get_state()
    assert state["points"] == X.tolist() and state["state"] == "lab=1;d=given;k=2"
    assert "export default" in state["_esm"] and ".em-lab" in state["_css"]
    assert EMLab().points == []
    assert EMLab(state="https://example.org/em-lab.html#lab=1;k=3").state == "lab=1;k=3"


def test_the_mixture_on_the_screen_comes_back_as_a_mixture():
    lab = EMLab()
    assert lab.mixture is None
    lab.set_state({"parameters": {"weights": [0.25, 0.75], "means": [[0, 0], [1, 2]], "covariances": [[2, 1], [1, 3]], "covariance_type": "tied"}})
    assert isinstance(lab.mixture, Mixture) and lab.mixture.covariance_type == "tied"
    assert lab.mixture.covariances.tolist() == [[2, 1], [1, 3]]


@pytest.mark.parametrize("X, error, message", [
    ([1.0, 2.0], ValueError, "Reshape your data"),
    (np.zeros((5, 3)), ValueError, r"shape \(5, 3\); the lab draws points in the plane"),
    (np.zeros((1001, 2)), ValueError, "at most 1000"),
    ([[np.nan, 1.0]], ValueError, "X"),
    ("points", TypeError, "X"),
])
def test_bad_points_are_refused_with_a_remedy(X, error, message):
    with pytest.raises(error, match=message):
        EMLab(X)


@pytest.mark.parametrize("state, error", [("k=2", ValueError), (3, TypeError)])
def test_a_bad_state_is_refused(state, error):
    with pytest.raises(error, match="expected a text"):
        EMLab(state=state)
