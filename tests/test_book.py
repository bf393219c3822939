"""The sources of the book: what every page must have, and must not have."""

import ast
import importlib
import inspect
import json
import re
from pathlib import Path

import pytest
import yaml

import gmm_from_scratch

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "chapters").rglob("*.ipynb"))
ALLOWED_TAGS = {"hide-input", "hide-cell", "program", "remove-cell", "raises-exception", "nbval-skip"}
HEADINGS = ["The same thing in the package", "Where it breaks", "Check yourself", "Exercises", "Over to you", "Recap"]
USE_CASE_HEADINGS = ["The data", "Where it breaks", "Check yourself", "Exercises", "Over to you", "Recap"]
TAKEAWAY_HEADINGS = ["Check yourself", "Exercises", "Over to you", "Recap"]
LABELS = ["**After this chapter you can**", "**What you need.**", "**How long.**", "**New words**", "**Sources.**", "**The next question.**"]

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def cells(path, kind):
    return [(i, "".join(cell["source"]), cell["metadata"]) for i, cell in enumerate(read(path)["cells"]) if cell["cell_type"] == kind]


def text_of(path):
    return "\n\n".join(source for _, source, _ in cells(path, "markdown"))


def number(path):
    """The number of a chapter or of a use case: 5 for 05-gmm-from-scratch, 9.1 for 09-1-anomalies."""
    chapter, case = re.match(r"(\d+)(?:-(\d)-)?", path.stem).groups()
    return str(int(chapter)) + (f".{case}" if case else "")


def is_use_case(path):
    """Whether this is one of the pages beneath chapter 9: shorter than a chapter, and about one set of data."""
    return number(path).startswith("9.")


def pages():
    """Every page named in the table of contents, without suffix."""
    return re.findall(r"(?m)^\s*(?:- )?(?:root|file): (\S+)$", (ROOT / "_toc.yml").read_text(encoding="utf-8"))


def test_the_table_of_contents_and_the_files_agree():
    files = {str(path.relative_to(ROOT).with_suffix("")) for path in (ROOT / "chapters").rglob("*") if path.suffix in (".md", ".ipynb")}
    assert set(pages()) == files | {"intro"}
    assert len(pages()) == len(set(pages()))


@each_notebook
def test_outputs_are_stripped(path):
    for i, cell in enumerate(read(path)["cells"]):
        assert not cell.get("outputs") and not cell.get("execution_count"), f"cell {i} holds an output: clear all outputs and save"


@each_notebook
def test_only_allowed_tags(path):
    for kind in ("code", "markdown"):
        for i, _, metadata in cells(path, kind):
            assert set(metadata.get("tags", [])) <= ALLOWED_TAGS, f"cell {i}"


@each_notebook
def test_a_chapter_has_its_parts_in_order(path):
    text = text_of(path)
    assert text.startswith("# ")
    headings = USE_CASE_HEADINGS if is_use_case(path) else TAKEAWAY_HEADINGS if number(path) == "11" else HEADINGS
    places = [text.find(f"\n## {heading}") for heading in headings]
    assert -1 not in places, f"missing: {[h for h, place in zip(headings, places) if place < 0]}"
    assert places == sorted(places)
    labels = [label.replace("chapter", "page") if is_use_case(path) else label for label in LABELS]
    assert [label for label in labels if label not in text] == []


@each_notebook
def test_drawings_have_alt_text_and_a_caption(path):
    drawing = re.compile(r"plt\.show\(\)|plt\.subplots|plots\.draw_")
    for i, source, metadata in cells(path, "code"):
        defines_only = "plt.show()" not in source and "def " in source
        if drawing.search(source) and not defines_only:
            myst = metadata.get("mystnb", {})
            assert len(myst.get("image", {}).get("alt", "")) > 60, f"cell {i} needs an alt text that replaces the picture"
            assert myst.get("figure", {}).get("caption") and myst["figure"].get("name"), f"cell {i} needs a caption and a name"


@pytest.mark.parametrize("page", ["intro.md", "chapters/em-lab.md"])
def test_every_drawing_on_a_text_page_has_alt_text(page):
    blocks = re.findall(r"```\{code-cell\}.*?```", (ROOT / page).read_text(encoding="utf-8"), re.S)
    assert blocks
    for block in blocks:
        metadata = yaml.safe_load(block.split("---")[1])
        assert len(metadata["mystnb"]["image"]["alt"]) > 60


@each_notebook
def test_numbers_of_equations_and_exercises_run_without_a_gap(path):
    chapter, text = number(path), text_of(path)
    equations = re.findall(r"\\tag\{([\d.]+)\}", text)
    exercises = re.findall(r"\*\*Exercise ([\d.]+\d)", text)
    assert equations == [f"{chapter}.{i + 1}" for i in range(len(equations))]
    assert exercises == [f"{chapter}.{i + 1}" for i in range(len(exercises))]
    other = {tag for other in NOTEBOOKS if other != path for tag in re.findall(r"\\tag\{([\d.]+)\}", text_of(other))}
    assert set(re.findall(r"\((\d+(?:\.\d+)+)\)", text)) <= set(equations) | other, "the text refers to an equation that is not there"


@each_notebook
def test_every_numbered_equation_has_a_proof_cell(path):
    proved = {tag for _, source, _ in cells(path, "code") if re.search(r"\bassert\b|\.assert_", source)
              for line in re.findall(r"(?m)^# Proof of (.+)$", source) for tag in re.findall(r"\(([\d.]+)\)", line)}
    assert proved == set(re.findall(r"\\tag\{([\d.]+)\}", text_of(path))), "a cell with an assert says: # Proof of (5.1)."


@each_notebook
def test_exercises_have_hints_and_solutions(path):
    exercises = len(re.findall(r"\*\*Exercise ", text_of(path)))
    solutions = [source for _, source, metadata in cells(path, "code") if "hide-cell" in metadata.get("tags", [])]
    assert exercises >= (2 if is_use_case(path) else 4)
    assert text_of(path).count('<details class="hint">') >= exercises
    assert len(solutions) >= exercises and all("assert" in solution for solution in solutions)


@each_notebook
def test_each_question_has_one_right_answer_and_feedback_for_every_other(path):
    questions = re.split(r"(?m)^\*\*\d+\. ", text_of(path).split("## Check yourself")[1].split("\n## ")[0])[1:]
    assert len(questions) >= (2 if is_use_case(path) else 5)
    for question in questions:
        answers = re.findall(r'<details class="quiz (right|wrong)"><summary>(.+?)</summary>\n\n(.+?)\n\n</details>', question, re.S)
        assert len(answers) == question.count("<details") >= 3, question
        assert [kind for kind, _, _ in answers].count("right") == 1, question


@each_notebook
def test_no_directives_or_roles_in_notebooks(path):
    assert not re.search(r"(?m)^:::|^```\{|\{[a-z:]+\}`", text_of(path)), "JupyterLab and Colab would show them as raw text"


@each_notebook
def test_the_colab_cell_comes_before_the_first_import(path):
    _, first, metadata = cells(path, "code")[0]
    assert "gmm_from_scratch" in first and "%pip install" in first and "remove-cell" in metadata["tags"]


def test_the_citation_that_readers_copy_is_that_of_the_repository():
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    page = (ROOT / "chapters" / "refresher.md").read_text(encoding="utf-8")
    entry = dict(re.findall(r"(?m)^  (\w+) += \{+(.+?)\}+,?$", page.split("```bibtex")[1]))
    assert entry == {"author": cff["authors"][0]["name"], "title": cff["title"], "version": cff["version"], "year": cff["date-released"][:4],
                     "url": cff["repository-code"]}
    assert f"version {cff['version']}, CC BY 4.0" in page
    assert cff["version"] == gmm_from_scratch.__version__


def test_the_refresher_serves_every_chapter():
    table = (ROOT / "chapters" / "refresher.md").read_text(encoding="utf-8").split("## What each chapter needs")[1].split("\n## ")[0]
    assert re.findall(r"(?m)^\| \[?(\d+) · ", table) == [str(n + 1) for n in range(11)]


def test_names_in_the_notation_exist():
    modules = [importlib.import_module(f"gmm_from_scratch.{path.stem}") for path in Path(gmm_from_scratch.__file__).parent.glob("[a-z]*.py")]
    code = "\n".join(inspect.getsource(module) for module in modules)
    names = re.findall(r"(?m)^\| \$.*?\| `(\w+)` \|", (ROOT / "chapters" / "notation.md").read_text(encoding="utf-8"))
    assert len(names) > 12
    assert [name for name in names if not re.search(rf"\b{name}\b", code)] == []


def test_covariance_families_in_the_notation_are_those_of_the_package():
    from gmm_from_scratch.covariances import FAMILIES

    text = (ROOT / "chapters" / "notation.md").read_text(encoding="utf-8").split("## The four covariance families")[1]
    assert re.findall(r"(?m)^\| `(\w+)`", text) == list(FAMILIES)


def test_every_reference_has_its_heading_and_every_heading_its_reference():
    keys = re.findall(r"@\w+\{(\w+),", (ROOT / "chapters" / "references.bib").read_text(encoding="utf-8"))
    shown = re.findall(r':filter: key % "\^(\w+)\$"', (ROOT / "chapters" / "references.md").read_text(encoding="utf-8"))
    assert sorted(keys) == sorted(shown) == sorted(set(keys))


CITED = re.compile(r"(NAME(?:, NAME)*(?: and NAME)?) \(?((?:18|19|20)\d\d)\b".replace("NAME", r"[A-ZÄÖÜ][\wäöü]*[a-zäöüé](?: [A-Z][a-z]+)?"))


def test_every_source_cited_in_the_package_is_in_the_references():
    headings = re.findall(r"(?m)^## (.+) \((\d{4})\)$", (ROOT / "chapters" / "references.md").read_text(encoding="utf-8"))
    cited = {}
    for path in sorted((ROOT / "gmm_from_scratch").glob("*.py")):
        words = " ".join(path.read_text(encoding="utf-8").split())          # a citation may go on in the next line
        cited |= dict.fromkeys(CITED.findall(words), path.name)
    assert len(cited) > 20 and {cite: file for cite, file in cited.items() if cite not in headings} == {}


def test_each_of_the_readers_questions_leads_to_the_place_of_its_answer():
    text = (ROOT / "chapters" / "questions.md").read_text(encoding="utf-8")
    questions = re.findall(r"(?m)^(\d+)\. (.+?)\s*\n   (.+)$", text)
    assert [int(number) for number, _, _ in questions] == list(range(1, 63))
    assert all(re.search(r"\]\([\w-]+\.(?:ipynb|md)", places) for _, _, places in questions)      # test_site.py follows the links


def test_the_references_are_in_alphabetical_order():
    keys = re.findall(r"@\w+\{(\w+),", (ROOT / "chapters" / "references.bib").read_text(encoding="utf-8"))
    shown = re.findall(r':filter: key % "\^(\w+)\$"', (ROOT / "chapters" / "references.md").read_text(encoding="utf-8"))
    assert keys == shown == sorted(keys)


def test_the_glossary_is_in_alphabetical_order():
    words = re.findall(r"(?m)^## (.+)$", (ROOT / "chapters" / "glossary.md").read_text(encoding="utf-8"))
    assert words == sorted(words, key=str.casefold)


@each_notebook
def test_code_that_is_read_fits_beside_the_sidebars(path):
    folded = {"hide-input", "hide-cell", "remove-cell"}
    for i, source, metadata in cells(path, "code"):
        if not folded & set(metadata.get("tags", [])):
            assert max(map(len, source.splitlines())) <= 84, f"cell {i} has a line of more than 84 characters"


def parsed(source):
    """The syntax tree of a cell, its magic lines left out."""
    return ast.parse(re.sub(r"(?m)^( *)%.*", r"\1pass", source))


def made_by(statement):
    """The names that a top-level statement gives a value to, imports left out."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return {statement.name}
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


@each_notebook
def test_what_is_made_in_a_folded_cell_and_used_in_an_open_one_is_explained_in_the_text(path):
    explained = set(re.findall(r"`(\w+)[`(.\[]", text_of(path)))
    folded, unfolded, unexplained = set(), set(), set()
    for _, source, metadata in cells(path, "code"):
        tree = parsed(source)
        names = set().union(*map(made_by, tree.body))
        if metadata.get("tags"):
            folded |= names - unfolded
        else:
            arguments = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
            inner = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
            used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
            folded, unfolded = folded - names, unfolded | names
            unexplained |= (used & folded) - arguments - inner - explained
    assert not unexplained


def test_the_minutes_on_the_page_for_teachers_are_those_of_the_chapters():
    table = (ROOT / "chapters" / "teaching.md").read_text(encoding="utf-8").split("## How long it takes")[1].split("\n## ")[0]
    told = {name: (int(read_minutes), int(more)) for name, read_minutes, more in
            re.findall(r"(?m)^\| \[.+?\]\((.+?)\.ipynb\) \| (\d+) \| (\d+) \| \d+ \|$", table)}
    stated = {path.stem: tuple(map(int, re.search(r"\*\*How long\.\*\* About (\d+) minutes.*?(\d+) more for the exercises", text_of(path)).groups()))
              for path in NOTEBOOKS}
    assert told == stated


def test_the_page_for_teachers_tells_the_points_of_the_assignments():
    table = (ROOT / "chapters" / "teaching.md").read_text(encoding="utf-8").split("\n## Assignments")[1]
    told = [tuple(map(int, row)) for row in re.findall(r"(?m)^\| \d · .*? \| (\d+) \| (\d+) \| (\d+) \|$", table)]
    counted = []
    for path in sorted((ROOT / "assignments").glob("*.ipynb")):
        metas = [cell["metadata"]["nbgrader"] for cell in read(path)["cells"] if cell["metadata"].get("nbgrader", {}).get("grade")]
        minutes = int(re.search(r"Plan (\d+) minutes", text_of(path))[1])
        counted.append((minutes, *(sum(meta["points"] for meta in metas if meta["solution"] == written) for written in (False, True))))
    assert told == counted
