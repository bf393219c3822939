"""Drawings on a headless canvas: they show what they were given, and refuse what does not lie in the plane."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from gmm_from_scratch import Mixture
from gmm_from_scratch.gaussian import ellipse
from gmm_from_scratch.em import log_joint
from gmm_from_scratch.plots import (COLORS, LINES, MARKERS, draw_borders, draw_centers, draw_curves, draw_ellipses, draw_field,
                                    draw_memberships, draw_points, draw_trace)

X = np.random.default_rng(0).normal(size=(30, 2))
LABELS = np.arange(30) % 3
MIXTURE = Mixture([0.4, 0.6], [[0.0, 0.0], [3.0, 1.0]], [[[1.0, 0.5], [0.5, 2.0]], [[1.0, 0.0], [0.0, 1.0]]])


@pytest.fixture
def ax():
    figure, axes = plt.subplots()
    yield axes
    figure.canvas.draw()                                        # whatever was drawn can be rendered
    plt.close(figure)


def outline(collection):
    """Return the marker of a scatter as hashable numbers."""
    return tuple(map(tuple, collection.get_paths()[0].vertices.round(6)))


def test_points_without_labels_are_drawn_once_each_in_one_look(ax):
    draw_points(ax, X)
    (points,) = ax.collections
    np.testing.assert_array_equal(points.get_offsets(), X)


def test_each_cluster_has_its_own_colour_its_own_marker_and_its_own_points(ax):
    draw_points(ax, X, LABELS)
    assert len(ax.collections) == 3
    for k, points in enumerate(ax.collections):
        np.testing.assert_array_equal(points.get_offsets(), X[LABELS == k])
        assert tuple(points.get_facecolor()[0][:3]) == pytest.approx(to_rgb(COLORS[k]))
    assert len({outline(points) for points in ax.collections}) == 3


def test_a_label_keeps_its_look_when_others_are_missing(ax):
    draw_points(ax, X, np.full(30, 2))
    (points,) = ax.collections
    assert tuple(points.get_facecolor()[0][:3]) == pytest.approx(to_rgb(COLORS[2]))


def test_names_stand_in_the_legend(ax):
    draw_points(ax, X, LABELS, names=["one", "two", "three"])
    assert ax.get_legend_handles_labels()[1] == ["one", "two", "three"]


def test_colours_markers_and_lines_are_seven_each_and_all_different():
    assert len(set(COLORS)) == len(set(MARKERS)) == len(set(LINES)) == 7


def test_sure_members_have_the_colour_of_their_component_and_undecided_ones_the_mean(ax):
    draw_memberships(ax, X[:3], [[1, 0], [0, 1], [0.5, 0.5]])
    drawn = {tuple(point): color[:3] for points in ax.collections for point, color in zip(points.get_offsets(), points.get_facecolor())}
    first, second = np.array(to_rgb(COLORS[0])), np.array(to_rgb(COLORS[1]))
    for point, color in zip(X, (first, second, (first + second) / 2)):
        np.testing.assert_allclose(drawn[tuple(point)], color)


def test_every_point_is_drawn_with_the_marker_of_its_leading_component(ax):
    resp = np.eye(3)[LABELS] * 0.7 + 0.1
    draw_memberships(ax, X, resp)
    assert [len(points.get_offsets()) for points in ax.collections] == [10, 10, 10]
    assert len({outline(points) for points in ax.collections}) == 3


def test_centers_are_marked_where_they_are_and_trails_run_through_where_they_were(ax):
    trail = np.array([[[0, 0], [5, 5]], [[1, 0], [5, 4]], [[2, 0], [5, 3]]])
    draw_centers(ax, trail[-1], trail=trail)
    paths = [line.get_xydata() for line in ax.lines]
    np.testing.assert_array_equal(paths[0], trail[:, 0])
    np.testing.assert_array_equal(paths[1], trail[-1, :1])
    np.testing.assert_array_equal(paths[2], trail[:, 1])
    np.testing.assert_array_equal(paths[3], trail[-1, 1:])


def test_each_component_gets_one_ellipse_per_mass_in_its_own_line_style(ax):
    draw_ellipses(ax, MIXTURE, masses=(0.2, 0.9))
    drawn = [(mean, matrix, mass) for mean, matrix in zip(MIXTURE.means, MIXTURE.matrices) for mass in (0.2, 0.9)]
    assert len(ax.patches) == 4
    for patch, (mean, matrix, mass) in zip(ax.patches, drawn):
        expected = ellipse(mean, matrix, mass=mass)
        np.testing.assert_allclose(patch.center, expected.xy)
        assert (patch.width, patch.height, patch.angle) == pytest.approx(expected[1:])
    assert ax.patches[0].get_linestyle() == ax.patches[1].get_linestyle() != ax.patches[2].get_linestyle()


@pytest.mark.parametrize("family", ["full", "tied", "diag", "spherical"])
def test_ellipses_of_every_family_lie_within_the_axes(ax, family):
    covariances = {"full": [4 * np.eye(2)] * 2, "tied": 4 * np.eye(2), "diag": [[4, 4]] * 2, "spherical": [4, 4]}[family]
    draw_ellipses(ax, Mixture([0.5, 0.5], [[0, 0], [40, 40]], covariances, family))
    (low, high), reach = ax.get_xlim(), 2 * np.sqrt(-2 * np.log(0.05))
    assert low <= -reach and high >= 40 + reach


def test_borders_run_where_the_label_changes_and_leave_the_view_alone(ax):
    ax.set(xlim=(-1, 3), ylim=(-2, 2))
    draw_borders(ax, lambda points: (points[:, 0] > 1).astype(int), resolution=101)
    (border,) = ax.collections
    (path,) = [path for path in border.get_paths() if len(path.vertices)]
    np.testing.assert_allclose(path.vertices[:, 0], 1, atol=0.04)       # one cell of the grid
    assert np.ptp(path.vertices[:, 1]) == pytest.approx(4)
    assert (ax.get_xlim(), ax.get_ylim()) == ((-1, 3), (-2, 2))


def test_one_label_has_no_border(ax):
    draw_borders(ax, lambda points: np.zeros(len(points), int))
    assert not ax.collections


def test_a_trace_starts_at_round_zero_and_says_its_unit(ax):
    draw_trace(ax, [-5.0, -3.0, -2.5])
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[0, -5], [1, -3], [2, -2.5]])
    assert "nats" in ax.get_ylabel() and "round" in ax.get_xlabel()


@pytest.mark.parametrize("data", [X[:, :1], np.hstack([X, X]), X[0], X[None], [], [[]]],
                         ids=["1 column", "4 columns", "1-D", "3-D", "empty", "hollow"])
@pytest.mark.parametrize("draw", [draw_points, lambda ax, X: draw_memberships(ax, X, np.ones((len(X), 1))), draw_centers],
                         ids=["points", "memberships", "centers"])
def test_what_does_not_lie_in_the_plane_is_refused(ax, draw, data):
    with pytest.raises(ValueError, match="X|centers"):
        draw(ax, data)


def test_a_mixture_outside_the_plane_is_refused(ax):
    with pytest.raises(ValueError, match="2 features"):
        draw_ellipses(ax, Mixture([1.0], [[0.0]], [[[1.0]]]))


def test_the_style_is_one_that_matplotlib_knows():
    from importlib.resources import as_file, files
    with as_file(files("gmm_from_scratch") / "course.mplstyle") as path, plt.style.context(str(path)):
        assert tuple("#" + color.lstrip("#") for color in plt.rcParams["axes.prop_cycle"].by_key()["color"]) == COLORS


@pytest.mark.parametrize("lines", [False, True])
def test_a_field_has_the_levels_of_its_function_and_leaves_the_limits(ax, lines):
    ax.set(xlim=(-2, 2), ylim=(-1, 1))
    contours = draw_field(ax, lambda points: np.hypot(*points.T), levels=[0.5, 1.0], lines=lines)
    assert (ax.get_xlim(), ax.get_ylim()) == ((-2, 2), (-1, 1))
    outermost = contours.get_paths()[-1].vertices
    np.testing.assert_allclose(np.hypot(*outermost[np.hypot(*outermost.T) > 0.75].T), 1, atol=1e-3)


def test_lines_of_a_field_are_solid_below_zero_too(ax):
    contours = draw_field(ax, lambda points: points[:, 0] - 0.5, levels=[-0.25, 0.25], lines=True)     # matplotlib would dash the first
    assert [dashes for _, dashes in contours.get_linestyle()] == [None, None]


def test_curves_are_the_density_and_its_parts(ax):
    pair = Mixture([0.3, 0.7], [[0.0], [4.0]], [[[1.0]], [[0.25]]])
    draw_curves(ax, pair)
    x = ax.lines[0].get_xdata()
    joint = np.exp(log_joint(x[:, None], pair))
    np.testing.assert_allclose([line.get_ydata() for line in ax.lines], [joint.sum(axis=1), *joint.T])
    assert x.min() == -4 and x.max() == 6 and np.trapezoid(joint.sum(axis=1), x) == pytest.approx(1, abs=1e-4)
    assert len({(line.get_linestyle(), line.get_linewidth()) for line in ax.lines}) == 3


def test_curves_need_one_feature(ax):
    with pytest.raises(ValueError, match=r"mixture has 2 features"):
        draw_curves(ax, MIXTURE)
