"""Imports point one way, and fitting needs nothing but NumPy and SciPy."""

import ast
import subprocess
import sys
from importlib.resources import files

import pytest

RANK = {"exceptions": 0, "validation": 0, "threads": 0, "products": 0, "progress": 0, "table": 1, "gaussian": 1, "metrics": 1, "data": 2,
        "covariances": 2, "estimator": 2, "features": 2, "nearest": 2, "seeding": 3, "lloyd": 3, "forms": 3, "kmeans": 4, "em": 4,
        "squarem": 4, "passes": 5, "blocks": 6, "starts": 7, "online": 7, "mixture": 8, "selection": 8, "storage": 9, "comparison": 9, "bootstrap": 9,
        "demands": 0, "gates": 5, "laws_of_density": 5, "laws_of_fit": 5, "laws": 6, "journal": 7, "scale": 9, "checks": 10, "plots": 10, "widgets": 11, "em_lab": 11, "__init__": 12, "exercises": 12}
OUTSIDE = {"progress": {"tqdm"}, "plots": {"matplotlib"}, "widgets": {"matplotlib", "ipywidgets", "PIL"},
           "em_lab": {"anywidget", "traitlets"}, "scale": {"cloudpickle", "dask", "distributed"}}       # beyond numpy and scipy
SOURCES = {file.name.removesuffix(".py"): file.read_text(encoding="utf-8")
           for file in files("gmm_from_scratch").iterdir() if file.name.endswith(".py")}
each_module = pytest.mark.parametrize("module", SOURCES)


def imports(source):
    """Return the package's own modules that a source imports, wherever in it, and the top names of all others."""
    inside, outside = set(), set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            inside |= {node.module.split(".")[0]} if node.module else {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom | ast.Import):
            for name in [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]:
                top, *rest = name.split(".")
                inside |= {rest[0] if rest else "__init__"} if top == "gmm_from_scratch" else set()
                outside |= {top} - {"gmm_from_scratch"}
    return inside, outside


@each_module
def test_every_module_has_its_place_and_imports_only_from_below(module):
    inside, _ = imports(SOURCES[module])
    above = {name for name in inside if RANK[name] >= RANK[module]}
    assert not above, f"{module} must not import {above}"


@each_module
def test_modules_import_only_what_they_may(module):
    _, outside = imports(SOURCES[module])
    assert outside - set(sys.stdlib_module_names) <= {"numpy", "scipy"} | OUTSIDE.get(module, set())


def test_the_check_sees_an_import_that_points_back():
    source = "def f():\n    from .widgets import stepper\n    from . import plots\n    import gmm_from_scratch.em"
    assert imports(source)[0] == {"widgets", "plots", "em"}


def test_a_fit_needs_nothing_beyond_numpy_and_scipy():
    program = """
import sys
allowed = sys.stdlib_module_names | {"gmm_from_scratch", "numpy", "scipy"}

class OnlyTheAllowed:
    def find_spec(name, path=None, target=None):
        if name.split(".")[0] not in allowed and not name.startswith("_"):
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, OnlyTheAllowed)
import gmm_from_scratch
from gmm_from_scratch import data
X = data.load_faithful().X
gmm_from_scratch.GaussianMixture(2, random_state=0).fit(X).sample(5)
gmm_from_scratch.KMeans(2, random_state=0).fit(X)
print({"matplotlib", "ipywidgets", "sklearn", "dask", "pandas"} & set(sys.modules))
"""
    run = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert (run.stdout.strip(), run.stderr) == ("set()", "")
