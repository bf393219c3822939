"""The EM Lab: a mixture to play with, in a notebook. Its arithmetic and its drawing are JavaScript, in lab/.

The same files make the lab of the static page. There `script` is loaded by the page; here `module` is given to anywidget.
The JavaScript knows nothing of Python, so the lab works without a kernel too.
"""

import json
from importlib.resources import files

import anywidget
import numpy as np
import traitlets

from . import data
from .em import Mixture
from .validation import check_data, shown

# In this order they are one program.
FILES = ("em.js", "store.js", "plot.js", "hands.js", "words.js", "charts.js", "tables.js", "controls.js", "panel.js", "mount.js")
MOST_POINTS = 1000

# key, name, Python that makes the points. The lab shows the same Python when it exports a run.
PRESETS = (
    ("faithful", "Old Faithful", "data.load_faithful().X"),
    ("stretched", "two stretched groups", "data.make_stretched().X"),
    ("wide", "wide and compact", "data.make_wide_and_compact().X"),
    ("cigars", "two cigars", "data.make_cigars().X"),
    ("ring", "a blob in a ring", "data.make_ring().X"),
    ("uniform", "uniform noise, no groups", "data.make_uniform().X"),
    ("outlier", "Old Faithful + outlier", "np.vstack([data.load_faithful().X, [[8.0, 30.0]]])"),
)
UNEQUAL_AXES = {"faithful", "outlier"}              # minutes of eruption and of waiting: two scales


def presets():
    """Return the lab's data sets as JavaScript sees them: {key: {name, code, columns, equal, points}}.

    points: N pairs, every digit kept. equal: whether both axes have one scale.

    >>> sorted(presets())
    ['blank', 'cigars', 'faithful', 'outlier', 'ring', 'stretched', 'uniform', 'wide']
    >>> len(presets()["faithful"]["points"])
    272
    """
    found = {key: _preset(name, eval(code, {"data": data, "np": np}), code=code, equal=key not in UNEQUAL_AXES)
             for key, name, code in PRESETS}
    for key in UNEQUAL_AXES:
        found[key]["columns"] = data.load_faithful().feature_names
    return found | {"blank": _preset("an empty sheet, to draw on", np.empty((0, 2)))}


def module():
    """Return the lab as an ES module for anywidget: its default export has `render`.

    >>> module().rstrip().endswith("export default { render };")
    True
    """
    return f"{_source()}\nexport default {{ render }};\n"


def script():
    """Return the lab as a classic script for a page: it draws into every element of class em-lab, over http and from disk.

    >>> script().startswith("(() => {")
    True
    """
    return f"(() => {{\n{_source()}\nrenderAll();\n}})();\n"


def style():
    """Return the style sheet of both.

    >>> ".em-lab" in style()
    True
    """
    return _read("lab.css")


def _preset(name, points, *, code="", equal=True):
    return {"name": name, "code": code, "columns": ("x1", "x2"), "equal": equal, "points": points.tolist()}


def _read(name):
    return (files(__package__) / "lab" / name).read_text(encoding="utf-8")


def _source():
    return "\n".join([f"const PRESETS = {json.dumps(presets(), separators=(',', ':'))};", *map(_read, FILES)])


class EMLab(anywidget.AnyWidget):
    """The EM Lab as a widget: place points and means, step, and read off what the mixture believes.

    X: (N, 2), at most 1000 points of your own; without it the lab begins with Old Faithful.
    state: what `state` of another lab or the part of a shared link behind "#" holds, to begin there.

    `state` follows what the reader does, and `mixture` is the mixture that the lab shows at that moment.
    Raises ValueError or TypeError for bad data. Needs anywidget: pip install "gmm-from-scratch[lab]".

    >>> lab = EMLab([[0.0, 0.0], [1.0, 2.0], [5.0, 4.0]])
    >>> len(lab.points), lab.mixture
    (3, None)
    """

    _esm = module()
    _css = style()
    points = traitlets.List().tag(sync=True)
    state = traitlets.Unicode().tag(sync=True)
    parameters = traitlets.Dict().tag(sync=True)        # written by the browser: weights, means, covariances, covariance_type

    def __init__(self, X=None, *, state=""):
        if not isinstance(state, str):
            raise TypeError(f"state is {shown(state)}; expected a text, such as the `state` of another lab.")
        state = state.partition("#")[2] or state
        if state and not state.startswith("lab="):
            raise ValueError(f"state is {shown(state)}; expected a text that begins with lab=, or a shared link.")
        points = []
        if X is not None:
            X = check_data(X)
            if X.shape[1] != 2 or len(X) > MOST_POINTS:
                raise ValueError(f"X has shape {X.shape}; the lab draws points in the plane, (N, 2), and at most {MOST_POINTS} of them. "
                                 "Choose two columns, or a random part of the rows.")
            points = X.tolist()
        super().__init__(points=points, state=state)

    @property
    def mixture(self):
        """The mixture on the screen, or None before the lab has been drawn."""
        return Mixture(**self.parameters) if self.parameters else None
