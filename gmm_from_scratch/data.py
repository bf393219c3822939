"""Data for the course: three small classic tables, and synthetic groups whose truth is known.

The tables lie beside this file in datasets/; nothing is downloaded.
"""

import csv
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from .gaussian import sample_gaussian
from .validation import check_floats, check_integer, check_number, check_rng, shown


@dataclass(frozen=True, eq=False)
class Dataset:
    """A table of points, the names of its columns, and the group of each row where it is known.

    X: (N, D); feature_names: D texts, with units; labels: (N,) integers or None; label_names: the groups' names;
    source: where the data come from and under which terms.

    >>> load_penguins().feature_names
    ('bill length (mm)', 'bill depth (mm)', 'flipper length (mm)', 'body mass (g)')
    """

    X: np.ndarray
    feature_names: tuple
    labels: np.ndarray | None = None
    label_names: tuple = ()
    source: str = ""


def load_faithful():
    """Old Faithful geyser, Yellowstone: 272 eruptions, their length and the wait for the next, in minutes.

    >>> load_faithful().X.shape
    (272, 2)
    """
    rows = _read("faithful.csv")
    return Dataset(np.array(rows, float), ("eruption (min)", "waiting (min)"),
                   source="Härdle (1991), Smoothing Techniques, as in R's datasets::faithful; facts, free to use.")


def load_iris():
    """Iris flowers: 150 rows, length and width of sepals and petals in centimetres, three species of 50.

    This is R's version, which has none of the two typing errors of the copy at the UCI repository.

    >>> load_iris().label_names
    ('setosa', 'versicolor', 'virginica')
    """
    return _with_species("iris.csv", ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"),
                         "Anderson (1935); Fisher (1936); as in R's datasets::iris; facts, free to use.")


def load_penguins():
    """Penguins of the Palmer Archipelago, 2007-2009: bill, flipper and mass of three species.

    342 rows: the two penguins without measurements, of 344, are left out.

    >>> load_penguins().X.shape
    (342, 4)
    """
    return _with_species("penguins.csv", ("bill length (mm)", "bill depth (mm)", "flipper length (mm)", "body mass (g)"),
                         "Gorman, Williams and Fraser (2014); Horst, Hill and Gorman (2020), palmerpenguins; CC0.")


def make_groups(sizes, means, covariances, random_state=None):
    """Return a Dataset of Gaussian groups, shuffled, with the group of each point as its label.

    sizes: K whole numbers; means: (K, D); covariances: (K, D, D); random_state: None, a seed or a numpy generator.

    >>> np.bincount(make_groups([30, 70], [[0, 0], [5, 5]], [np.eye(2), np.eye(2)], random_state=0).labels).tolist()
    [30, 70]
    """
    rng = check_rng(random_state)
    if not np.iterable(sizes) or not len(sizes):
        raise TypeError(f"sizes is {shown(sizes)}; expected a list of whole numbers, one for each group.")
    sizes = [check_integer("sizes", size, least=1) for size in sizes]
    means = check_floats("means", means, (len(sizes), None))
    if not means.size:
        raise ValueError(f"means has shape {means.shape}; at least one feature is needed.")
    covariances = check_floats("covariances", covariances, (len(sizes), means.shape[1], means.shape[1]))
    X = np.vstack([sample_gaussian(size, mean, covariance, rng) for size, mean, covariance in zip(sizes, means, covariances)])
    labels = np.repeat(np.arange(len(sizes)), sizes)
    order = rng.permutation(len(X))
    return Dataset(X[order], tuple(f"x{j + 1}" for j in range(X.shape[1])), labels[order],
                   tuple(_letters(k) for k in range(len(sizes))), "simulated")


def make_stretched(n_samples=400, random_state=0):
    """Return two long parallel groups of equal size, each stretched along the same slanted direction.

    >>> make_stretched(100).X.shape
    (100, 2)
    """
    n_samples = check_integer("n_samples", n_samples, least=2)
    slanted = np.array([[3.0, 2.4], [2.4, 2.2]])
    return make_groups([n_samples // 2, n_samples - n_samples // 2], [[-0.7, 0.7], [0.7, -0.7]], [slanted, slanted], random_state)


def make_wide_and_compact(n_samples=400, random_state=0):
    """Return a wide round group A beside a compact round group B, of equal size.

    >>> make_wide_and_compact().label_names
    ('A', 'B')
    """
    n_samples = check_integer("n_samples", n_samples, least=2)
    return make_groups([n_samples // 2, n_samples - n_samples // 2], [[0, 0], [4.5, 0]], [2.0**2 * np.eye(2), 0.4**2 * np.eye(2)],
                       random_state)


def make_cigars(n_samples=300, random_state=0):
    """Return two long thin parallel groups of equal size: standard deviations 6 and 0.3, centres 2 apart.

    >>> make_cigars().X.std(axis=0).round(0)
    array([6., 1.])
    """
    n_samples = check_integer("n_samples", n_samples, least=2)
    cigar = np.diag([6.0**2, 0.3**2])
    return make_groups([n_samples // 2, n_samples - n_samples // 2], [[0, -1], [0, 1]], [cigar, cigar], random_state)


def make_moons(n_samples=400, noise=0.08, random_state=0):
    """Return two half circles of radius 1 that reach into each other, with Gaussian noise of that standard deviation.

    >>> make_moons(10).label_names
    ('A', 'B')
    """
    n_samples, noise = check_integer("n_samples", n_samples, least=2), check_number("noise", noise, least=0)
    rng = check_rng(random_state)
    labels, angles = np.arange(n_samples) % 2, rng.uniform(0, np.pi, n_samples)
    upper = np.column_stack([np.cos(angles), np.sin(angles)])
    curve = np.where(labels[:, None] == 0, upper, [1.0, 0.5] - upper)
    return Dataset(curve + noise * rng.normal(size=curve.shape), ("x1", "x2"), labels, ("A", "B"), "simulated")


def make_ring(n_samples=400, random_state=0):
    """Return a blob A in a ring B: standard deviation 0.75 around the origin, and 0.25 around a circle of radius 3.

    >>> make_ring(10).X.shape
    (10, 2)
    """
    n_samples, rng = check_integer("n_samples", n_samples, least=2), check_rng(random_state)
    labels, angles = np.arange(n_samples) % 2, rng.uniform(0, 2 * np.pi, n_samples)
    circle = 3 * labels[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
    noise = np.where(labels == 0, 0.75, 0.25)[:, None] * rng.normal(size=circle.shape)
    return Dataset(circle + noise, ("x1", "x2"), labels, ("A", "B"), "simulated")


def make_uniform(n_samples=500, n_features=2, random_state=0):
    """Return points spread evenly over the unit square (or cube): data without groups, so without labels.

    >>> make_uniform().labels is None
    True
    """
    n_samples = check_integer("n_samples", n_samples, least=1)
    n_features = check_integer("n_features", n_features, least=1)
    X = check_rng(random_state).uniform(size=(n_samples, n_features))
    return Dataset(X, tuple(f"x{j + 1}" for j in range(n_features)), source="simulated")


def _letters(k):
    """Return A, B, ..., Z, AA, AB, ... for k = 0, 1, ..."""
    return (_letters(k // 26 - 1) if k >= 26 else "") + chr(ord("A") + k % 26)


def _read(name):
    """Return the rows of a vendored table, without its header and without rows that miss an entry."""
    with (files(__package__) / "datasets" / name).open(newline="", encoding="utf-8") as file:
        return [row for row in list(csv.reader(file))[1:] if "" not in row and "NA" not in row]


def _with_species(name, feature_names, source):
    rows = _read(name)
    species, labels = np.unique([row[-1] for row in rows], return_inverse=True)
    return Dataset(np.array([row[:-1] for row in rows], float), feature_names, labels, tuple(species.tolist()), source)
