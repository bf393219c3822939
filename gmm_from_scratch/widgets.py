"""Controls over pictures that work on a static page: the frames are drawn beforehand, the browser only switches them."""

import base64
import io

import ipywidgets
import matplotlib.pyplot as plt
from PIL import Image

from .validation import check_integer, check_number, shown

COLORS_OF_A_FRAME = 128


def stepper(draw, n_frames, *, label, describe, dpi=110):
    """Return a slider with play buttons over n_frames pictures, drawn now and linked in the browser.

    draw: a function from the number of a frame, 0 to n_frames - 1, to a matplotlib Figure, which is closed after use.
    label: what the slider counts, for example "round". describe: a function from the number of a frame to a text that
    replaces its picture for readers who cannot see it; it is the picture's alt text.

    >>> from matplotlib.figure import Figure
    >>> control = stepper(lambda i: Figure(), 3, label="round", describe=lambda i: f"round {i}")
    >>> controls, frames = control.children
    >>> len(frames.children)
    3
    """
    n_frames = check_integer("n_frames", n_frames, least=2)
    dpi = check_number("dpi", dpi, least=1, below=1000)
    if not isinstance(label, str):
        raise TypeError(f"label is {shown(label)}; expected a text.")
    for name, function in [("draw", draw), ("describe", describe)]:
        if not callable(function):
            raise TypeError(f"{name} is {shown(function)}; expected a function of the number of a frame.")
    frames = [ipywidgets.HTML(_image(draw(i), describe(i), dpi)) for i in range(n_frames)]
    slider = ipywidgets.IntSlider(min=0, max=n_frames - 1, description=label, continuous_update=True)
    play = ipywidgets.Play(min=0, max=n_frames - 1, interval=700)
    stack = ipywidgets.Stack(frames, selected_index=0)
    ipywidgets.jslink((play, "value"), (slider, "value"))
    ipywidgets.jslink((slider, "value"), (stack, "selected_index"))
    return ipywidgets.VBox([ipywidgets.HBox([play, slider]), stack])


def _image(figure, alt, dpi):
    """Return the figure as an <img> with its bytes inside."""
    if not hasattr(figure, "savefig"):
        raise TypeError(f"draw returned {shown(figure)}; expected a matplotlib Figure.")
    if not isinstance(alt, str):
        plt.close(figure)
        raise TypeError(f"describe returned {shown(alt)}; expected a text.")
    full, file = io.BytesIO(), io.BytesIO()
    figure.savefig(full, format="png", dpi=dpi)
    with Image.open(full) as picture:                   # a drawing needs few colours: a third of the bytes
        picture.convert("RGB").quantize(COLORS_OF_A_FRAME, dither=Image.Dither.NONE).save(file, "png", optimize=True)
    width, height = (round(inches * 100) for inches in figure.get_size_inches())
    plt.close(figure)
    data = base64.b64encode(file.getvalue()).decode()
    alt = alt.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return f'<img alt="{alt}" width="{width}" height="{height}" style="max-width: 100%; height: auto" src="data:image/png;base64,{data}">'
