"""nbgrader's part: verdicts become points in its gradebook, a person's marks join them, feedback and tables come out."""

import csv
import html
import json
import re
from contextlib import suppress
from datetime import UTC

import submission
from course import convert
from formulas import as_html, in_page
from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbconvert.preprocessors.sanitize import SanitizeHTML
from nbformat.v4 import new_output
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.plugins.export import CsvExportPlugin
from nbgrader.preprocessors import AssignLatePenalties, ClearHiddenTests, GetGrades, NbGraderPreprocessor, OverwriteCells, SaveAutoGrades
from release import PAGE
from source import load, text_of
from traitlets import Bool

STAMP = "%Y-%m-%d %H:%M:%S.%f UTC"       # as nbgrader reads times


def hand_over(out, student, name, notebook, when=None):
    """Put a clean notebook where nbgrader looks for what was handed in, with the time at which it came."""
    folder = out / "submitted" / student / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.ipynb").write_text(json.dumps(notebook), "utf-8")
    if when:
        (folder / "timestamp.txt").write_text(when.astimezone(UTC).strftime(STAMP), "utf-8")


def as_outputs(verdict, points):
    """Return the outputs of a test cell from which nbgrader reads the points: none wrong, an error, or a number."""
    said = new_output("stream", name="stdout", text=f"{verdict.points:g} of {points:g} points. {verdict.message}\n")
    if verdict.points == points:
        return [said]
    if verdict.points == 0:
        said = f"0 of {points:g} points. {verdict.message}"
        return [new_output("error", ename="Not yet", evalue=verdict.message, traceback=[said])]
    return [said, new_output("execute_result", data={"text/plain": repr(verdict.points)}, metadata={}, execution_count=None)]


def enter_verdicts(directory, out, used, results, due):
    """Let nbgrader turn the verdicts into points of its gradebook, with its own rules for locked cells, answers and late work."""

    class FillInVerdicts(NbGraderPreprocessor):
        """In place of nbgrader's Execute: nothing runs here, the verdicts become outputs, from which nbgrader makes points."""

        def preprocess(self, nb, resources):
            judged = results[resources["nbgrader"]["student"], resources["nbgrader"]["assignment"]]
            points = {name: cell.points for name, cell in load(resources["nbgrader"]["assignment"]).cells.items()}
            for i, cell in enumerate(nb.cells):
                name = cell.metadata.get("nbgrader", {}).get("grade_id")
                if name in judged.verdicts and cell.cell_type == "code":
                    cell.outputs = as_outputs(judged.verdicts[name], points[name])
                elif cell.cell_type == "code" and i in judged.errors:
                    cell.outputs.append(new_output("stream", name="stdout", text=f"When it was graded: {judged.errors[i]}\n"))
            return nb, resources

    class Harmless(SanitizeHTML):
        """What a student wrote must not run in the browser of whoever marks it or reads the feedback."""

        enabled = Bool(True)

        def preprocess_cell(self, cell, resources, cell_index):
            cell, resources = super().preprocess_cell(cell, resources, cell_index)
            if cell.cell_type != "code":        # signs that cannot begin a tag stay readable, in formulas above all
                cell.source = re.sub(r"&lt;(?=[\s\d=$\\])", "<", cell.source.replace("&gt;", ">").replace("&amp;", "&"))
            return cell, resources

    for name in used:
        convert(GenerateAssignment, directory, name, student=".")
        with Gradebook(directory.db_url, directory.course_id) as gradebook:
            gradebook.update_or_create_assignment(name, duedate=due.astimezone(UTC).strftime(STAMP) if due else None)
        steps = {"sanitize_preprocessors": [OverwriteCells, Harmless],
                 "autograde_preprocessors": [FillInVerdicts, SaveAutoGrades, AssignLatePenalties]}
        for student in sorted(student for student, of in results if of == name):
            try:
                convert(Autograde, directory, name, student, **steps)
            except RuntimeError:                # the points are known; what nbgrader cannot show must not stop the others
                results[student, name].notes.append("nbgrader could not show this notebook: read the answers in the file itself")
                hand_over(out, student, name, submission.rebuild(load(name), {"cells": []})[0])
                convert(Autograde, directory, name, student, **steps)


# Marks given by a person, in a table that any program can edit

MARKS = ["assignment", "student_id", "question", "max_points", "points", "comment"]
NO_ANSWER = "No response."              # nbgrader's own comment on an answer that nobody wrote; not a mark given by a person


def read_marks(path, gradebook):
    """Enter the marks and comments of manual.csv into the gradebook."""
    for row in _rows(path):
        where = row["question"], row["assignment"], row["assignment"], row["student_id"]
        if (row["points"] or "").strip() and row["comment"] != NO_ANSWER:
            grade = gradebook.find_grade(*where)
            points = float(row["points"])
            if not 0 <= points <= grade.max_score:
                raise SystemExit(f"{path}: {row['student_id']}, {row['question']}: {points:g} points of {grade.max_score:g} cannot be.")
            grade.manual_score, grade.needs_manual_grade = points, False
        if (row["comment"] or "").strip() and row["comment"] != NO_ANSWER:
            gradebook.find_comment(*where).manual_comment = row["comment"]


def _rows(path):
    """Return the lines of a table, as dicts; none if there is no file yet."""
    if not path.is_file():
        return []
    with open(path, newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def _written(gradebook, results):
    for student, name in sorted(results, key=lambda place: place[::-1]):
        for cell in load(name).cells.values():
            if cell.is_written:
                where = cell.name, name, name, student
                yield student, name, cell, gradebook.find_grade(*where), gradebook.find_comment(*where)


def write_marks(path, gradebook, results):
    """Write manual.csv: a line for each written answer, with the marks that are known."""
    kept = [row for row in _rows(path) if (row["student_id"], row["assignment"]) not in results]
    rows = [{"assignment": name, "student_id": student, "question": cell.name, "max_points": f"{cell.points:g}",
             "points": "" if grade.manual_score is None and grade.auto_score is None else f"{grade.score:g}",
             "comment": comment.comment or ""} for student, name, cell, grade, comment in _written(gradebook, results)]
    write_csv(path, MARKS, kept + rows)


def write_answers(path, results):
    """Write a page with all written answers, question by question, without names: fairer to mark, and quicker."""
    parts = ["<p>Marks go into <code>manual.csv</code>; then run <code>make grade</code> again.</p>"]
    for name in sorted({name for _, name in results}):
        for cell in load(name).cells.values():
            if not cell.is_written:
                continue
            parts.append(f"<h2>{html.escape(name)} · {cell.name} · {cell.points:g} points</h2>")
            for student in sorted(student for student, of in results if of == name):
                answer = next(c["source"] for c in results[student, name].notebook["cells"] if submission.grade_id(c) == cell.name)
                parts.append(f"<h3>{html.escape(student)}</h3><pre>{as_html(answer)}</pre>")
    path.write_text(PAGE.format(title="Written answers, to be marked", body="\n".join(parts)), "utf-8")


# What comes out

def write_csv(path, fields, rows):
    """Write a table. A text that a spreadsheet would take for a formula gets a quotation mark in front."""
    def safe(value):
        formula = isinstance(value, str) and re.match(r"[=+\-@\t\r]", value) and not re.fullmatch(r"-?\d+(\.\d+)?", value)
        return "'" + value if formula else value
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fields)
        writer.writeheader()
        writer.writerows({name: safe(row.get(name, "")) for name in fields} for row in rows)


def export(gradebook, directory, out, used, students):
    """Write grades.csv with nbgrader's exporter, and the tables that Canvas and Moodle take in."""
    CsvExportPlugin(to=str(out / "grades.csv"), assignment=used).export(gradebook)
    by_student = {}
    for row in _rows(out / "grades.csv"):
        by_student.setdefault(row["student_id"], {})[row["assignment"]] = row["score"]
    most = {name: f"{sum(cell.points for cell in load(name).cells.values()):g}" for name in used}
    canvas, moodle = [{"Student": "    Points Possible"} | most], []
    for student, scores in by_student.items():
        who = students.get(student, submission.Student(student))
        canvas.append({"Student": f"{who.last_name}, {who.first_name}".strip(", ") or student, "ID": "", "SIS User ID": student,
                       "SIS Login ID": "", "Section": ""} | scores)
        moodle.append({"ID number": student, "Email address": who.email} | scores)
    write_csv(out / "canvas.csv", ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *used], canvas)
    write_csv(out / "moodle.csv", ["ID number", "Email address", *used], moodle)


def write_feedback(directory, used, out, to_mark):
    """Write feedback/STUDENT/ASSIGNMENT/*.html: no hidden test in it, nothing that a student wrote can run in it, no other host asked."""

    class HeadingsOnly(NbGraderPreprocessor):
        """Of the text that was given out only the headings: the student has the rest."""

        def preprocess_cell(self, cell, resources, cell_index):
            if cell.cell_type == "markdown" and cell.source[:30] in given and "nbgrader" not in cell.metadata:
                cell.source = "\n\n".join(re.findall(r"(?m)^#+ .+|^\*\*[^*]+ points?\)\.?\*\*", cell.source))
            return cell, resources

    settings = directory.config.HTMLExporter
    settings.mathjax_url, settings.require_js_url, settings.jquery_url = "", "", ""
    for name in used:
        given = {text_of(cell)[:30] for cell in load(name).notebook["cells"] if cell["cell_type"] == "markdown"}
        with suppress(RuntimeError):            # a page that cannot be made is missing, and the others are there
            convert(GenerateFeedback, directory, name, preprocessors=[HeadingsOnly, GetGrades, ClearHiddenTests, CSSHTMLHeaderPreprocessor])
    for page in (out / "feedback").rglob("*.html"):
        text = re.sub(r"(?is)<script\b.*?</script>", "", page.read_text("utf-8"))     # nbconvert's own: MathJax from another host
        waiting = to_mark.get(page.relative_to(out / "feedback").parts[:2], "0")
        if waiting not in ("", "0"):
            text = re.sub(r"<body[^>]*>", rf'\g<0><p style="margin: 1em 2em"><strong>{waiting} points of written answers have not been '
                          "marked yet: they stand here with 0, and will be added.</strong></p>", text, count=1)
        page.write_text(in_page(text).replace("<html>", '<html lang="en">', 1), "utf-8")
