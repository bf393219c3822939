"""No solution, hidden test or model answer is in what students get; and a leak planted on purpose is found, wherever it hides.

The site is looked through after it is built: `make test` runs grading/leaks.py on it.
"""

import html
import io
import json
import tarfile
import zipfile

import leaks
import pytest
from simulate import released_text
from source import load, names, text_of

CODE = load("2-e-step-and-m-step")
SOLUTION = text_of(next(cell for cell in CODE.notebook["cells"] if cell["metadata"].get("nbgrader", {}).get("grade_id") == "m-step"))
MODEL_ANSWER = text_of(next(cell for cell in CODE.notebook["cells"] if cell["metadata"].get("nbgrader", {}).get("grade_id") == "written-derivation"))


def without_marks(text):
    return "\n".join(line for line in text.splitlines() if "###" not in line)


def as_zip(name, text, path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)


def as_tar(name, text, path):
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(text.encode())
        archive.addfile(info, io.BytesIO(text.encode()))


def as_pdf(text, path):
    """Write a small PDF by hand."""
    lines = [line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)") for line in text.splitlines()]
    content = "BT /F1 9 Tf 20 780 Td 11 TL " + " ".join(f"({line}) Tj T*" for line in lines) + " ET"
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
               "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
               f"<< /Length {len(content)} >>\nstream\n{content}\nendstream", "<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>"]
    data, places = "%PDF-1.4\n", []
    for i, thing in enumerate(objects):
        places.append(len(data))
        data += f"{i + 1} 0 obj\n{thing}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    data += f"xref\n0 6\n0000000000 65535 f \n{table}trailer << /Size 6 /Root 1 0 R >>\nstartxref\n{len(data)}\n%%EOF"
    path.write_text(data, "latin-1")


def notebook(text):
    return json.dumps({"cells": [{"cell_type": "code", "source": text.splitlines(keepends=True)}]})


PLANTS = {
    "a page": lambda folder, text: (folder / "page.html").write_text("<pre>" + html.escape(text).replace(" ", "<span> </span>") + "</pre>"),
    "a notebook": lambda folder, text: (folder / "nb.ipynb").write_text(notebook(text)),
    "contents of JupyterLite": lambda folder, text: (folder / "all.json").write_text(json.dumps({"content": {"cells": [{"source": text}]}})),
    "a zip": lambda folder, text: as_zip("a/b.py", text, folder / "x.zip"),
    "a notebook in a wheel": lambda folder, text: as_zip("b.ipynb", notebook(text), folder / "x.whl"),
    "a tar archive": lambda folder, text: as_tar("b.py", text, folder / "x.tar.gz"),
    "a PDF": lambda folder, text: as_pdf(text, folder / "x.pdf"),
    "indented by somebody": lambda folder, text: (folder / "x.md").write_text(text.replace("\n", "\n      ")),
}


def test_students_get_no_secret(released):
    public = [path for path in released.iterdir() if path.name != "teacher"]
    assert sorted(path.suffix for path in public) == ["", ".md", *[".zip"] * len(names())]
    assert leaks.leaks([released / "release"]) == []
    (released / "zips").mkdir(exist_ok=True)
    for path in released.glob("*.zip"):
        (released / "zips" / path.name).write_bytes(path.read_bytes())
    assert leaks.leaks([released / "zips"]) == []


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_solution_is_found(plant, tmp_path):
    PLANTS[plant](tmp_path, without_marks(SOLUTION))
    assert any("2-e-step-and-m-step, m-step" in found for found in leaks.leaks([tmp_path]))


@pytest.mark.parametrize("plant", [plant for plant in PLANTS if plant != "a PDF"])          # Courier has no Greek letters
def test_a_planted_model_answer_is_found(plant, tmp_path):
    PLANTS[plant](tmp_path, without_marks(MODEL_ANSWER))
    assert any("written-derivation" in found for found in leaks.leaks([tmp_path]))


@pytest.mark.parametrize("name", names())
def test_every_solution_test_and_answer_would_be_found(name, tmp_path):
    for cell in load(name).notebook["cells"]:
        meta = cell["metadata"].get("nbgrader", {})
        if meta.get("grade") or meta.get("solution"):
            (tmp_path / "x.ipynb").write_text(notebook(without_marks(text_of(cell))))
            assert leaks.leaks([tmp_path]), meta["grade_id"]


def test_what_is_given_out_is_no_secret(tmp_path):
    text = "\n".join(released_text(text_of(cell)) for cell in CODE.notebook["cells"] if not cell["metadata"].get("nbgrader", {}).get("solution"))
    (tmp_path / "x.md").write_text(text)
    assert leaks.leaks([tmp_path]) == []
