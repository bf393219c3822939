"""The stepper as a static page receives it: its saved state, where no kernel can help."""

import base64
import io
from html.parser import HTMLParser

import matplotlib

matplotlib.use("Agg")

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import pytest
from ipywidgets.embed import dependency_state
from PIL import Image

from gmm_from_scratch.widgets import stepper

AWKWARD = 'round <b>0</b>: "5 < 6" & it\'s &amp; done'


def draw(i):
    figure, ax = plt.subplots(figsize=(2, 1))
    ax.plot([0, i])
    return figure


@pytest.fixture
def box():
    return stepper(draw, 3, label="round", describe=lambda i: f"{AWKWARD} {i}")


def part(box, kind):
    """Return the only widget of a kind inside a box."""
    found = [inner for child in box.children for inner in [child, *getattr(child, "children", ())] if isinstance(inner, kind)]
    assert len(found) == 1
    return found[0]


def attributes(html):
    """Return tag and attributes of the only element in a piece of HTML, read as a browser does."""
    seen = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: seen.append((tag, dict(attributes)))
    parser.feed(html)
    assert len(seen) == 1
    return seen[0]


def test_there_is_one_frame_for_each_number_and_each_is_a_png_of_its_own(box):
    frames = part(box, ipywidgets.Stack).children
    images = [attributes(frame.value)[1]["src"] for frame in frames]
    assert len(set(images)) == len(images) == 3
    for image in images:
        kind, data = image.split(",")
        assert kind == "data:image/png;base64" and base64.b64decode(data).startswith(b"\x89PNG")


def test_a_frame_keeps_the_colours_of_its_drawing_in_fewer_bytes():
    def shades(i):
        figure, ax = plt.subplots(figsize=(4, 3))
        ax.contourf(np.hypot(*np.mgrid[-1:1:50j, -1:1:50j]), cmap="Greys")
        ax.scatter(range(50), range(50), c=[["#0072B2", "#D55E00"][j % 2] for j in range(50)])
        return figure

    frame = part(stepper(shades, 2, label="round", describe=str), ipywidgets.Stack).children[0]
    data = base64.b64decode(attributes(frame.value)[1]["src"].split(",")[1])
    full = io.BytesIO()
    figure = shades(0)
    figure.savefig(full, dpi=110)
    plt.close(figure)
    small, large = (np.asarray(Image.open(file).convert("RGB"), int) for file in (io.BytesIO(data), full))
    assert len(data) < len(full.getvalue()) / 2
    assert np.abs(small - large).max() < 32 and np.abs(small - large).mean() < 1


def test_each_frame_carries_its_own_alt_text_unharmed_by_html(box):
    for i, frame in enumerate(part(box, ipywidgets.Stack).children):
        tag, found = attributes(frame.value)
        assert (tag, found["alt"]) == ("img", f"{AWKWARD} {i}")


def test_frames_reserve_their_place_and_fit_a_narrow_screen(box):
    _, found = attributes(part(box, ipywidgets.Stack).children[0].value)
    assert int(found["width"]) == 2 * int(found["height"])
    assert "max-width: 100%" in found["style"]


def test_slider_and_buttons_cover_all_frames_and_say_what_they_count(box):
    slider, play = part(box, ipywidgets.IntSlider), part(box, ipywidgets.Play)
    assert (slider.min, slider.max, slider.value, slider.description) == (0, 2, 0, "round")
    assert (play.min, play.max) == (0, 2)
    assert part(box, ipywidgets.Stack).selected_index == 0


def test_the_browser_links_the_buttons_to_the_slider_and_the_slider_to_the_stack(box):
    state = dependency_state(box, drop_defaults=False)
    links = {(model["state"]["source"][0].removeprefix("IPY_MODEL_"), model["state"]["source"][1],
              model["state"]["target"][0].removeprefix("IPY_MODEL_"), model["state"]["target"][1])
             for model in state.values() if model["model_name"] == "LinkModel"}
    play, slider, stack = (part(box, kind).model_id for kind in (ipywidgets.Play, ipywidgets.IntSlider, ipywidgets.Stack))
    assert links == {(play, "value", slider, "value"), (slider, "value", stack, "selected_index")}


def test_no_figure_stays_open():
    before = plt.get_fignums()
    stepper(draw, 2, label="round", describe=str)
    assert plt.get_fignums() == before


def test_a_higher_resolution_has_more_pixels_on_the_same_place():
    coarse, fine = (attributes(part(stepper(draw, 2, label="round", describe=str, dpi=dpi), ipywidgets.Stack).children[0].value)[1]
                    for dpi in (50, 150))
    assert len(fine["src"]) > len(coarse["src"])
    assert fine["width"] == coarse["width"]
