"""Drawings on a given Axes. Every function receives finished values; none fits anything.

Colour never speaks alone: each component also has its own marker and its own line style.
"""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.patches import Ellipse
from scipy.ndimage import gaussian_filter

from .em import log_joint, require_mixture
from .gaussian import ellipse
from .validation import check_flag, check_floats, check_integer, check_labels, check_number, check_resp, shown

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")  # Okabe and Ito (2008)
MARKERS = ("o", "^", "s", "D", "v", "P", "X")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (1, 3)))
SHADES = LinearSegmentedColormap.from_list("shades", ["white", "0.6"])     # light enough for points on top


def _look(k):
    """Return colour, marker and line style of component k; past seven they repeat."""
    return COLORS[k % len(COLORS)], MARKERS[k % len(MARKERS)], LINES[k % len(LINES)]


def draw_points(ax, X, labels=None, *, names=None, size=18):
    """Draw points, grey without labels, else each cluster in its colour and marker.

    X: (N, 2); labels: (N,) integers or None; names: a text for each label, for the legend.

    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> draw_points(ax, [[0, 0], [1, 1], [2, 0]], [0, 1, 1], names=["left", "right"])
    >>> ax.get_legend_handles_labels()[1]
    ['left', 'right']
    """
    X, size = _in_the_plane(X), check_number("size", size, least=0)
    if labels is None:
        ax.scatter(*X.T, s=size, color="0.45", linewidths=0, alpha=0.8)
        return
    labels = check_labels(labels, len(X))
    if names is not None and (not isinstance(names, (list, tuple, np.ndarray)) or len(names) <= labels.max()):
        raise ValueError(f"names is {shown(names)}; expected a text for each label, 0 to {labels.max()}.")
    for k in np.unique(labels):
        color, marker, _ = _look(k)
        ax.scatter(*X[labels == k].T, s=size, color=color, marker=marker, linewidths=0, alpha=0.8,
                   label=None if names is None else names[k])


def draw_memberships(ax, X, resp, *, size=22):
    """Draw points in the colours of their components, mixed by responsibility; the marker is the leading component's.

    X: (N, 2); resp: (N, K), rows with sum 1.

    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> draw_memberships(ax, [[0, 0], [1, 1]], [[1.0, 0.0], [0.5, 0.5]])
    >>> ax.collections[0].get_facecolor()[1, :3].round(2)       # half blue, half orange
    array([0.42, 0.41, 0.35])
    """
    X, size = _in_the_plane(X), check_number("size", size, least=0)
    resp = check_resp(resp, len(X))
    mixed = np.clip(resp @ np.array([to_rgb(_look(k)[0]) for k in range(resp.shape[1])]), 0, 1)
    leader = resp.argmax(axis=1)
    for k in np.unique(leader):
        ax.scatter(*X[leader == k].T, s=size, c=mixed[leader == k], marker=_look(k)[1], linewidths=0)


def draw_centers(ax, centers, *, trail=None):
    """Draw centers or means as large crosses; trail: (steps, K, 2), the places they came from.

    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> draw_centers(ax, [[0, 0], [3, 1]])
    >>> len(ax.lines)
    2
    """
    centers = _in_the_plane(centers, "centers")
    if trail is not None:
        trail = check_floats("trail", trail, (None, *centers.shape))
        if not len(trail):
            raise ValueError("trail is empty; leave it out, or give at least one step.")
    for k, center in enumerate(centers):
        if trail is not None:
            ax.plot(*trail[:, k].T, color=_look(k)[0], linewidth=1)
        ax.plot(*center, marker="X", markersize=12, color=_look(k)[0], markeredgecolor="white", markeredgewidth=1.5, linestyle="none")


def draw_ellipses(ax, mixture, *, masses=(0.5, 0.95)):
    """Draw each component of a two-dimensional mixture as the ellipses that hold the given shares of its mass.

    >>> from matplotlib.figure import Figure
    >>> from gmm_from_scratch import Mixture
    >>> ax = Figure().subplots()
    >>> draw_ellipses(ax, Mixture([1.0], [[0, 0]], [np.eye(2)]), masses=[0.5, 0.95])
    >>> len(ax.patches)
    2
    """
    require_mixture("mixture", mixture)
    if not np.iterable(masses):
        raise TypeError(f"masses is {shown(masses)}; expected a list of shares between 0 and 1.")
    masses = [check_number("masses", mass, least=0, below=1) for mass in masses]
    for k, (mean, matrix) in enumerate(zip(mixture.means, mixture.matrices)):
        color, _, line = _look(k)
        for mass in masses:
            ax.add_patch(Ellipse(**ellipse(mean, matrix, mass=mass)._asdict(), fill=False, edgecolor=color, linestyle=line, linewidth=1.8))
    ax.autoscale_view()


def draw_borders(ax, predict, *, resolution=500):
    """Draw the lines along which predicted labels change, over the present limits of the axes.

    predict: a function from points (n, 2) to integer labels (n,).

    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> ax.set(xlim=(0, 4), ylim=(0, 4)) and None
    >>> draw_borders(ax, lambda X: X[:, 0] > 3, resolution=50)
    >>> len(ax.collections)
    1
    """
    x, y, labels = _over_the_axes(ax, "predict", predict, resolution)
    for k in np.unique(labels)[:-1]:
        smooth = gaussian_filter((labels == k).astype(float), sigma=1.5)       # else the line is a staircase
        ax.contour(x, y, smooth, levels=[0.5], colors="black", linewidths=1.5)
    ax.set(xlim=x[0, [0, -1]], ylim=y[[0, -1], 0])


def draw_field(ax, values, *, levels=8, resolution=200, lines=False):
    """Draw a function of the plane over the present limits of the axes, as shades of grey or as lines, under all else.

    values: a function from points (n, 2) to numbers (n,); levels: how many, or an increasing list of values.
    Returns the contours, for a colour bar.

    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> draw_field(ax, lambda points: points[:, 0], levels=[0.0, 0.5, 1.0]).levels
    array([0. , 0.5, 1. ])
    """
    if not np.iterable(levels):
        levels = check_integer("levels", levels, least=1, hint="Or give an increasing list of values.")
    elif (np.diff(check_floats("levels", levels, (None,))) <= 0).any() or len(levels) < 2:
        raise ValueError(f"levels is {shown(levels)}; expected a number of levels, or two or more increasing values.")
    draw = ax.contour if check_flag("lines", lines) else ax.contourf
    x, y, z = _over_the_axes(ax, "values", values, resolution)
    look = {"colors": "0.35", "linewidths": 0.8} if lines else {"cmap": SHADES}
    contours = draw(x, y, z, levels=levels, zorder=0, **look)
    ax.set(xlim=x[0, [0, -1]], ylim=y[[0, -1], 0])
    return contours


def draw_curves(ax, mixture, *, x=None, parts=True):
    """Draw the density of a one-dimensional mixture, and with parts=True also weight times density of each component.

    x: (n,), where to draw it; unless given, four standard deviations around every mean.

    >>> from matplotlib.figure import Figure
    >>> from gmm_from_scratch import Mixture
    >>> ax = Figure().subplots()
    >>> draw_curves(ax, Mixture([0.5, 0.5], [[0.0], [4.0]], [[[1.0]], [[1.0]]]))
    >>> ax.get_legend_handles_labels()[1]
    ['mixture', 'component 1', 'component 2']
    """
    if require_mixture("mixture", mixture).n_features != 1:
        raise ValueError(f"mixture has {mixture.n_features} features; curves need 1. Use draw_ellipses or draw_field.")
    parts = check_flag("parts", parts)
    means, deviations = mixture.means[:, 0], np.sqrt(mixture.matrices[:, 0, 0])
    x = np.linspace((means - 4 * deviations).min(), (means + 4 * deviations).max(), 600) if x is None else check_floats("x", x, (None,))
    if not len(x):
        raise ValueError("x is empty; give the places at which to draw.")
    joint = np.exp(log_joint(x[:, None], mixture))
    ax.plot(x, joint.sum(axis=1), color="black", linewidth=2.8, label="mixture")
    for k, part in enumerate(joint.T if parts else []):
        color, _, line = _look(k)
        ax.plot(x, part, color=color, linestyle=line, linewidth=1.6, label=f"component {k + 1}")
    ax.set(ylim=(0, None), ylabel="density")


def draw_trace(ax, log_likelihoods):
    """Draw ln p(X) after each round of EM; round 0 is the start.

    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> draw_trace(ax, [-9.0, -5.0, -4.5])
    >>> ax.get_xlabel()
    'round of EM'
    """
    values = check_floats("log_likelihoods", log_likelihoods, (None,))
    if not len(values):
        raise ValueError("log_likelihoods is empty; at least one value is needed.")
    ax.plot(values, marker="o", color=COLORS[0])
    ax.set(xlabel="round of EM", ylabel="log-likelihood (nats)")
    ax.xaxis.get_major_locator().set_params(integer=True)


def _over_the_axes(ax, name, function, resolution):
    """Return a grid x, y over the present limits of the axes, and the function's values on it, all (resolution, resolution)."""
    resolution = check_integer("resolution", resolution, least=2)
    if not callable(function):
        raise TypeError(f"{name} is {shown(function)}; expected a function from points (n, 2) to n numbers.")
    x, y = np.meshgrid(np.linspace(*ax.get_xlim(), resolution), np.linspace(*ax.get_ylim(), resolution))
    values = check_floats(name, function(np.column_stack([x.ravel(), y.ravel()])), (x.size,),
                          hint="It is called with points (n, 2) and must return n numbers.")
    return x, y, values.reshape(x.shape)


def _in_the_plane(X, name="X"):
    X = check_floats(name, X, (None, 2), hint="A drawing in the plane needs (n_points, 2): choose two columns.")
    if not len(X):
        raise ValueError(f"{name} is empty; at least one point is needed.")
    return X
