"""The reference page: every public name is on it with an example that is run, and no docstring is misread as markup."""

import importlib
import re
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt
from myst_parser.mdit_to_docutils.base import default_slugify
from test_layers import SOURCES, imports

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "site" / "ext"))
api_page = importlib.import_module("api_page")

SOURCE = (ROOT / "chapters" / "api.md").read_text(encoding="utf-8")
REFERENCES = (ROOT / "chapters" / "references.md").read_text(encoding="utf-8")
PAGE = api_page.Page(SOURCE, "https://example.org/us", "main", REFERENCES)
NAMES = [(module, name, thing) for module, names in PAGE.modules.items() for name, thing in names.items()]
MEMBERS = [(module, f"{name}.{member}", getattr(what, "fget", None) or getattr(thing, member)) for module, name, thing in NAMES
           if isinstance(thing, type) for member, what in api_page.members(thing).items()]


def each(things):
    return pytest.mark.parametrize("thing", [pytest.param(thing, id=f"{module}.{name}") for module, name, thing in things])


@each(NAMES)
def test_every_public_name_has_an_example(thing):
    assert ">>> " in (thing.__doc__ or "")          # `make test` runs it


@each(NAMES + MEMBERS)
def test_the_page_says_what_the_docstring_says(thing):
    """What a browser shows is the docstring, but for backticks, and for the line below an index."""
    markdown = api_page.as_markdown(thing.__doc__, ("X", "tol"), PAGE.links)
    shown = BeautifulSoup(MarkdownIt().render(markdown), "html.parser")
    assert not shown.find(["em", "h1", "h2", "ul", "ol", "hr", "blockquote", "img"])
    assert letters(shown.get_text()) == letters(thing.__doc__)


def letters(text):
    return re.sub(r"[\s`_]", "", text)


def test_a_docstring_is_text():
    hard = "weights_, |x|² of *args, a_b* <b> [a](b) $x$ \\ #1 r_nk\n- or * or 1.\n2. more"
    markdown = api_page.as_markdown(hard)
    assert "r<sub>nk</sub>" in markdown and "`weights_`" in markdown and r"\$x\$" in markdown
    shown = BeautifulSoup(MarkdownIt().render(markdown), "html.parser")
    assert [tag.name for tag in shown.find_all()] == ["p", "code", "sub", "sub", "br"]
    assert letters(shown.get_text()) == letters(hard)


def test_a_name_is_code_as_a_whole_and_a_product_is_no_class():
    markdown = api_page.as_markdown("ln max_k r_nk of an em.Mixture, a matplotlib.patches.Ellipse, starts.STARTS, NumPy.")
    assert markdown == "ln max<sub>k</sub> r<sub>nk</sub> of an `em.Mixture`, a `matplotlib.patches.Ellipse`, `starts.STARTS`, NumPy."


def test_names_and_works_are_links():
    markdown = api_page.as_markdown("As e_step. Source: Dempster, Laird and Rubin (1977); Nobody (1977).", links=PAGE.links)
    assert markdown == ("As [`e_step`](#e_step). **Source:** [Dempster, Laird and Rubin (1977)](references.md#dempster-laird-and-rubin-1977); "
                        "Nobody (1977).")


def test_a_long_call_has_a_line_for_each_parameter():
    def f(X: int, a=1, *, long_name_of_a_parameter="long default of the parameter", other=None, **options) -> int:
        pass
    assert api_page.call("f", f).splitlines() == [
        "f(", "    X,", "    a=1,", "    *,", "    long_name_of_a_parameter='long default of the parameter',", "    other=None,", "    **options,", ")"]


def test_every_name_has_an_anchor_of_its_own():
    titles = list(PAGE.titles.values())
    assert len({title.lower() for title in titles}) == len(titles) > 80
    assert [title for title in titles if api_page.slug(title) != default_slugify(title)] == []
    assert {PAGE.titles[place] for place in [("em", "run_em"), ("blocks", "run_em")]} == {"run_em", "blocks.run_em"}


def test_every_file_has_its_place_and_imports_only_from_those_before():
    files = re.findall(r"`(\w+)\.py`", "".join(re.findall(r"(?m)^\| `.*?\|", SOURCE.split("## All names")[0])))
    assert sorted(files) == sorted(SOURCES.keys() - {"__init__"})
    for i, name in enumerate(files):
        assert imports(SOURCES[name])[0] <= set(files[:i]), f"{name}.py imports from a file after it"


def test_the_source_links_lead_to_the_lines():
    for module, name, thing in NAMES:
        file, first, last = re.search(r"/us/blob/main/gmm_from_scratch/(\w+)\.py#L(\d+)-L(\d+)\)$", PAGE.text(thing)).groups()
        lines = SOURCES[file].splitlines()[int(first) - 1:int(last)]
        assert file == module and any(re.match(rf"(def|class) {name}\b", line) for line in lines[:2])
