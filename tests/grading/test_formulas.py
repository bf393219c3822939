"""Formulas in pages are drawn without a script, and what a student wrote into one cannot run."""

import re

import formulas
import pytest
from source import load, names, text_of

ALL = [found[0] for name in names() for cell in load(name).notebook["cells"] if cell["cell_type"] == "markdown"
       for found in formulas.FORMULA.finditer(text_of(cell))]


def test_every_formula_of_the_assignments_is_drawn():
    assert len(ALL) > 20
    for text in ALL:
        assert re.fullmatch(r"<math .*</math>", formulas.as_html(text)), text


@pytest.mark.parametrize("text", [r"$\text{<script>alert(1)</script>}$", r"$\href{javascript:alert(1)}{x}$", r'$\class{x" onclick="a}{y}$', "$a<b$"])
def test_nothing_in_a_formula_can_run(text):
    drawn = formulas.as_html(text)
    assert drawn.startswith("<math") and not re.search(r"<script|javascript:|onclick|href|<b", drawn)


@pytest.mark.parametrize("text", ["It costs $5 and $6.", "$" + "{" * 500 + "$", r"$\mathchoice$", "$$", "$ x $"])
def test_what_is_no_formula_stays_as_it_is(text):
    assert formulas.as_html(text) == text


def test_code_and_markup_stay_as_they_are():
    page = "<p title='$x$'>$x$ <code>$x$</code></p><pre><span>$x$</span></pre>"
    assert "<mo>&lt;</mo>" in formulas.in_page("<p>$x&lt;y$</p>") and "<mo>&lt;</mo>" in formulas.in_page("<p>$x&amp;lt;y$</p>")
    assert formulas.in_page(page).count("<math") == 1 and formulas.in_page(page).count("$x$") == 3
