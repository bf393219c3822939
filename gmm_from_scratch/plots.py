"""Drawings on a given Axes. Every function receives finished values; none fits anything.

Colour never speaks alone: each component also has its own marker and its own line style.
"""

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import Ellipse
from scipy.ndimage import gaussian_filter

from .gaussian import ellipse
from .validation import check_data, check_floats, check_labels

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")  # Okabe and Ito (2008)
MARKERS = ("o", "^", "s", "D", "v", "P", "X")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (1, 3)))


def _look(k):
    """Return colour, marker and line style of component k; past seven they repeat."""
    return COLORS[k % len(COLORS)], MARKERS[k % len(MARKERS)], LINES[k % len(LINES)]


def draw_points(ax, X, labels=None, *, names=None, size=18):
    """Draw points, grey without labels, else each cluster in its colour and marker.

    X: (N, 2); labels: (N,) integers or None; names: a text for each label, for the legend.
    """
    X = _in_the_plane(X)
    if labels is None:
        ax.scatter(*X.T, s=size, color="0.45", linewidths=0, alpha=0.8)
        return
    labels = check_labels(labels, len(X))
    for k in np.unique(labels):
        color, marker, _ = _look(k)
        ax.scatter(*X[labels == k].T, s=size, color=color, marker=marker, linewidths=0, alpha=0.8,
                   label=None if names is None else names[k])


def draw_memberships(ax, X, resp, *, size=22):
    """Draw points in the colours of their components, mixed by responsibility; the marker is the leading component's.

    X: (N, 2); resp: (N, K), rows with sum 1.
    """
    X = _in_the_plane(X)
    resp = check_floats("resp", resp, (len(X), None))
    mixed = np.clip(resp @ np.array([to_rgb(_look(k)[0]) for k in range(resp.shape[1])]), 0, 1)
    leader = resp.argmax(axis=1)
    for k in np.unique(leader):
        ax.scatter(*X[leader == k].T, s=size, c=mixed[leader == k], marker=_look(k)[1], linewidths=0)


def draw_centers(ax, centers, *, trail=None):
    """Draw centers or means as large crosses; trail: (steps, K, 2), the places they came from."""
    for k, center in enumerate(_in_the_plane(centers, "centers")):
        if trail is not None:
            ax.plot(*np.asarray(trail)[:, k].T, color=_look(k)[0], linewidth=1)
        ax.plot(*center, marker="X", markersize=12, color=_look(k)[0], markeredgecolor="white", markeredgewidth=1.5, linestyle="none")


def draw_ellipses(ax, mixture, *, masses=(0.5, 0.95)):
    """Draw each component of a two-dimensional mixture as the ellipses that hold the given shares of its mass."""
    for k, (mean, matrix) in enumerate(zip(mixture.means, mixture.matrices)):
        color, _, line = _look(k)
        for mass in masses:
            ax.add_patch(Ellipse(**ellipse(mean, matrix, mass=mass)._asdict(), fill=False, edgecolor=color, linestyle=line, linewidth=1.8))
    ax.autoscale_view()


def draw_borders(ax, predict, *, resolution=500):
    """Draw the lines along which predicted labels change, over the present limits of the axes.

    predict: a function from points (n, 2) to integer labels (n,).
    """
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    x, y = np.meshgrid(np.linspace(x0, x1, resolution), np.linspace(y0, y1, resolution))
    labels = np.asarray(predict(np.column_stack([x.ravel(), y.ravel()]))).reshape(x.shape)
    for k in np.unique(labels)[:-1]:
        smooth = gaussian_filter((labels == k).astype(float), sigma=1.5)       # else the line is a staircase
        ax.contour(x, y, smooth, levels=[0.5], colors="black", linewidths=1.5)
    ax.set(xlim=(x0, x1), ylim=(y0, y1))


def draw_trace(ax, log_likelihoods):
    """Draw ln p(X) after each round of EM; round 0 is the start."""
    values = check_floats("log_likelihoods", log_likelihoods, (None,))
    ax.plot(values, marker="o", color=COLORS[0])
    ax.set(xlabel="round of EM", ylabel="log-likelihood (nats)")
    ax.xaxis.get_major_locator().set_params(integer=True)


def _in_the_plane(X, name="X"):
    if np.ndim(X) != 2 or np.shape(X)[1] != 2:
        raise ValueError(f"{name} has shape {np.shape(X)}; a drawing in the plane needs (n_points, 2). Choose two columns.")
    return check_data(X)
