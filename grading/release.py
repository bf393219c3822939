"""`make assignments`: from each source a version for students, as a zip with links, and a rubric for teachers."""

import html
import json
import re
import shutil
import sys
import zipfile
from pathlib import Path

from course import REPOSITORY, convert, course
from formulas import as_html
from nbgrader.converters import GenerateAssignment
from source import ROOT, load, names, text_of

OUT = ROOT / "_build" / "assignments"
BRANCH = "assignments"                  # of your own copy: where the released notebooks lie, for Binder and Colab


def release(out=OUT):
    """Write release/NAME.ipynb, NAME.zip, links.md and teacher/rubrics.html below `out`; return the names."""
    out = Path(out)
    shutil.rmtree(out, ignore_errors=True)
    work = out / "nbgrader"
    directory = course(work)
    (out / "release").mkdir(parents=True)
    for name in names():
        convert(GenerateAssignment, directory, name, student=".")
        notebook = json.loads((work / "release" / name / f"{name}.ipynb").read_text("utf-8"))
        notebook["metadata"]["course"] |= {"release": load(name).release}
        (out / "release" / f"{name}.ipynb").write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")
        with zipfile.ZipFile(out / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(out / "release" / f"{name}.ipynb", f"{name}/{name}.ipynb")
            archive.writestr(f"{name}/START-HERE.txt", start_here(name))
    shutil.rmtree(work)
    (out / "links.md").write_text(links(), "utf-8")
    (out / "teacher").mkdir()
    (out / "teacher" / "rubrics.html").write_text(rubrics(), "utf-8")
    return names()


def addresses(name):
    """Return where the released notebook opens in the cloud, {label: address}, once `release/` is on its branch."""
    home = REPOSITORY["url"].removeprefix("https://github.com/")
    owner, project = home.split("/")
    return {"Binder": f"https://mybinder.org/v2/gh/{home}/{BRANCH}?urlpath=lab/tree/{name}.ipynb",
            "Colab": f"https://colab.research.google.com/github/{home}/blob/{BRANCH}/{name}.ipynb",
            "In the browser (JupyterLite)": f"https://{owner}.github.io/{project}/lite/notebooks/index.html?path={name}.ipynb"}


def start_here(name):
    """Return the text that stands in the zip beside the notebook."""
    cloud = "\n".join(f"  {label}: {address}" for label, address in addresses(name).items())
    return f"""{load(name).title}

Open {name}.ipynb in Jupyter, on your computer:

  pip install jupyterlab matplotlib scikit-learn "gmm-from-scratch @ git+{REPOSITORY['url']}@{REPOSITORY['branch']}"
  jupyter lab {name}.ipynb

or, if your teacher has switched it on, in the cloud (download your notebook before you close the window):

{cloud}

Begin with your id. Before you hand in: restart the kernel, run all cells, read what they say. Hand in {name}.ipynb.
"""


def links():
    """Return the links of all assignments, ready to be pasted into the pages of a course."""
    lines = ["# Links to the assignments\n",
             "The zip files work everywhere. The links to Binder and Colab work when the notebooks of `release/` lie on the branch "
             f"`{BRANCH}` of your own copy, together with its `requirements.txt` and `runtime.txt`; the link to JupyterLite when "
             "they lie in the folder `released` from which your site is built. The page for teachers has the commands.\n"]
    for name in names():
        lines.append(f"## {load(name).title}\n\n- {name}.zip")
        lines += [f"- [{label}]({address})" for label, address in addresses(name).items()]
        lines.append("")
    return "\n".join(lines)


def rubrics():
    """Return a page for teachers: every written question with its rubric and an answer that would get all points."""
    parts = []
    for name in names():
        parts.append(f"<h1>{html.escape(load(name).title)}</h1>")
        question = ""
        for cell in load(name).notebook["cells"]:
            text, meta = text_of(cell), cell["metadata"].get("nbgrader", {})
            if meta.get("grade") and meta.get("solution"):
                answer = re.sub(r"### (?:BEGIN|END) SOLUTION\n?", "", text).strip()
                parts.append(f"<h2>{html.escape(meta['grade_id'])}: {meta['points']} points</h2><pre>{as_html(question)}</pre>"
                             f"<h3>An answer worth all points</h3><pre>{as_html(answer)}</pre>")
            question = text
    return PAGE.format(title="Rubrics: for teachers, not for students", body="\n".join(parts))


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; border-left: 3px solid #888; padding-left: 1rem; }}
table {{ border-collapse: collapse; width: 100%; }}
td, th {{ border: 1px solid #888; padding: .3rem .5rem; text-align: left; vertical-align: top; }}
</style></head><body>
<p><strong>{title}</strong></p>
{body}
</body></html>
"""

if __name__ == "__main__":
    made = release(*sys.argv[1:])
    print(f"{len(made)} assignments: zip files, links.md and release/ in {OUT.relative_to(ROOT)}; rubrics, for you alone, in its teacher/")
