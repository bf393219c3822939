"""`make grade`: a folder of notebooks in, grades.csv, feedback and a report out. No server, no Docker.

    python grading/grade.py SUBMISSIONS --key FILE [--out FOLDER] [--roster FILE] [--due TIME] [--without-isolation]
"""

import argparse
import csv
import html
import multiprocessing
import os
import re
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]

import hidden
import session
import submission
from key import KeyProblem, read_key
from source import load, names, text_of

import gmm_from_scratch


STAMP = "%Y-%m-%d %H:%M:%S.%f UTC"       # as nbgrader reads times


class Judged(NamedTuple):
    """A submission after its run: a clean notebook, {cell: Verdict}, what the report says of it, the errors of its cells."""

    notebook: dict
    verdicts: dict
    notes: list
    errors: dict


# One submission, in a process of its own

PLACE = None


def _take_place(counter):
    global PLACE
    with counter.get_lock():
        PLACE, counter.value = counter.value, counter.value + 1


def judge(path, name, student, key, isolated, limits):
    """Return the Judged of one notebook: run it in its jail, ask it the hidden tests, find out what is odd about it."""
    assignment, raw = load(name), submission.read_notebook(path)
    clean, to_run, notes = submission.rebuild(assignment, raw)
    notes += _provenance(assignment, raw)
    work = session.Session(to_run, allowed=assignment.allowed, student=student, version=gmm_from_scratch.__version__, limits=limits,
                           place=PLACE or 0, isolated=isolated)
    try:
        verdicts = {cell.name: hidden.judge(cell, work.value, key, name, student) for cell in assignment.cells.values() if cell.is_test}
    finally:
        work.stop()
    if not isinstance(work.claimed, str) or not work.claimed.strip():
        notes.append("gave no id; the class list's was used")
    elif work.claimed.strip().casefold() != student.casefold():
        notes.append(f"claims to be {work.claimed.strip()[:40]!r}; data are those of {student}")
    return Judged(clean, verdicts, notes + work.notes, dict(work.errors))


def _provenance(assignment, raw):
    notes, course = [], raw.get("metadata", {}).get("course") if isinstance(raw.get("metadata"), dict) else None
    made_from = course.get("release") if isinstance(course, dict) else None
    if made_from not in (assignment.release, None):
        notes.append("made from another release of the assignment")
    version = submission.package_version(raw)
    if version and version != gmm_from_scratch.__version__:
        notes.append(f"last run with gmm_from_scratch {version}; this is {gmm_from_scratch.__version__}")
    return notes


def failed(name, reason):
    """Return the Judged of what could not be read or run: an empty notebook, no points."""
    clean, _, _ = submission.rebuild(load(name), {"cells": []})
    verdicts = {cell.name: hidden.Verdict(0.0, reason) for cell in load(name).cells.values() if cell.is_test}
    return Judged(clean, verdicts, [reason], {})


def judge_all(jobs, workers, *common):
    """Return {(student, assignment): Judged} for all jobs, on all cores. Whatever one job does, the others are judged."""
    results, waiting = {}, dict(jobs)
    alone = False
    while waiting:
        counter = multiprocessing.Value("i", 0)
        with ProcessPoolExecutor(1 if alone else workers, initializer=_take_place, initargs=(counter,)) as pool:
            futures = {place: pool.submit(judge, path, place[1], place[0], *common) for place, path in waiting.items()}
            for place, future in futures.items():
                try:
                    results[place] = future.result()
                except BrokenProcessPool:
                    if alone:
                        results[place] = failed(place[1], "the grader itself ended while at this notebook: look at it by hand")
                    break
                except submission.Unreadable as error:
                    results[place] = failed(place[1], str(error))
                except Exception as error:      # a fault of ours; the batch goes on, and the report says so
                    results[place] = failed(place[1], f"the grader failed: {type(error).__name__}: {str(error)[:200]}; look at it by hand")
        waiting = {place: path for place, path in waiting.items() if place not in results}
        alone = True                            # one of those left ended the process: each now has one to itself
    return results


# All submissions, into nbgrader's gradebook and out of it

def grade(folder, out, key, *, roster=None, due=None, isolated=True, limits=None, workers=None):
    """Grade a folder of notebooks. Return the lines of the report, one dict each."""
    from course import course
    from nbgrader.api import Gradebook
    began, out = time.monotonic(), Path(out).resolve()
    students = submission.read_roster(roster) if roster else {}
    directory = course(out)
    jobs, lines = _sort_out(submission.collect(folder, students), students)
    paths = {place: handed.path for place, handed in jobs.items()}
    results = judge_all(paths, workers or os.cpu_count(), key, isolated, limits or session.Limits())
    seconds = time.monotonic() - began
    used = [name for name in names() if name in {name for _, name in results}]
    for student, name in results:
        _hand_over(out / "submitted" / student / name, name, results[student, name].notebook, jobs[student, name].when)
    _run_nbgrader(directory, used, results, due)
    with Gradebook(directory.db_url, directory.course_id) as gradebook:
        for student in students.values():
            gradebook.update_or_create_student(student.id, last_name=student.last_name, first_name=student.first_name, email=student.email)
        _read_marks(out / "manual.csv", gradebook)
        gradebook.db.commit()
        lines += _lines(gradebook, results, jobs, students, due, used)
        _write_marks(out / "manual.csv", gradebook, results)
        _write_answers(out / "to-mark.html", results)
        _export(gradebook, directory, out, used, students)
    _feedback(directory, used, out, {(line["student_id"], line["assignment"]): line["to_mark"] for line in lines})
    _write_report(out, lines, isolated, seconds, time.monotonic() - began)
    return lines


def _sort_out(handed, students):
    """Return ({(student, assignment): Handed}, lines of the report for what cannot be graded)."""
    jobs, lines = {}, []
    for one in handed:
        try:
            name = submission.which_assignment(submission.read_notebook(one.path), one.path)
        except submission.Unreadable as error:
            name = next((name for name in names() if name in one.path.name), None)
            if name is None:
                lines.append(_line(one.student, "", notes=[f"{one.path.name}: {error}"]))
                continue
        if name is None:
            lines.append(_line(one.student, "", notes=[f"{one.path.name} belongs to no assignment"]))
            continue
        place = one.student, name
        if place in jobs:
            older, newer = sorted([jobs[place], one], key=lambda handed: handed.when)
            note = f"handed in more than once; the last counts, {older.path.name} of {older.when:%Y-%m-%d %H:%M} does not"
            one = newer._replace(notes=(*newer.notes, note))
        jobs[place] = one
    return jobs, lines


def _hand_over(folder, name, notebook, when):
    import json
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.ipynb").write_text(json.dumps(notebook), "utf-8")
    (folder / "timestamp.txt").write_text(when.astimezone(UTC).strftime(STAMP), "utf-8")


def _run_nbgrader(directory, used, results, due):
    from course import convert
    from nbconvert.preprocessors.sanitize import SanitizeHTML
    from nbgrader.api import Gradebook
    from nbgrader.converters import Autograde, GenerateAssignment
    from nbgrader.preprocessors import AssignLatePenalties, OverwriteCells, SaveAutoGrades
    from nbformat.v4 import new_output
    from nbgrader.preprocessors import NbGraderPreprocessor as Preprocessor
    from traitlets import Bool

    class FillInVerdicts(Preprocessor):
        """In place of nbgrader's Execute: nothing runs here, the verdicts become outputs, from which nbgrader makes points."""

        def preprocess(self, nb, resources):
            judged = results[resources["nbgrader"]["student"], resources["nbgrader"]["assignment"]]
            points = {name: cell.points for name, cell in load(resources["nbgrader"]["assignment"]).cells.items()}
            for i, cell in enumerate(nb.cells):
                name = cell.metadata.get("nbgrader", {}).get("grade_id")
                if name in judged.verdicts and cell.cell_type == "code":
                    cell.outputs = _as_outputs(judged.verdicts[name], points[name])
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

    def _as_outputs(verdict, points):
        said = new_output("stream", name="stdout", text=f"{verdict.points:g} of {points:g} points. {verdict.message}\n")
        if verdict.points == points:
            return [said]
        if verdict.points == 0:
            said = f"0 of {points:g} points. {verdict.message}"
            return [new_output("error", ename="Not yet", evalue=verdict.message, traceback=[said])]
        return [said, new_output("execute_result", data={"text/plain": repr(verdict.points)}, metadata={}, execution_count=None)]

    for name in used:
        convert(GenerateAssignment, directory, name, student=".")
        with Gradebook(directory.db_url, directory.course_id) as gradebook:
            gradebook.update_or_create_assignment(name, duedate=due.astimezone(UTC).strftime(STAMP) if due else None)
        for student in sorted(student for student, of in results if of == name):
            convert(Autograde, directory, name, student, sanitize_preprocessors=[OverwriteCells, Harmless],
                    autograde_preprocessors=[FillInVerdicts, SaveAutoGrades, AssignLatePenalties])


# Marks given by a person, in a table that any program can edit

MARKS = ["assignment", "student_id", "question", "max_points", "points", "comment"]
NO_ANSWER = "No response."              # nbgrader's own comment on an answer that nobody wrote; not a mark given by a person


def _read_marks(path, gradebook):
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


def _write_marks(path, gradebook, results):
    kept = [row for row in _rows(path) if (row["student_id"], row["assignment"]) not in results]
    rows = [{"assignment": name, "student_id": student, "question": cell.name, "max_points": f"{cell.points:g}",
             "points": "" if grade.manual_score is None and grade.auto_score is None else f"{grade.score:g}",
             "comment": comment.comment or ""} for student, name, cell, grade, comment in _written(gradebook, results)]
    _write_csv(path, MARKS, kept + rows)


def _write_answers(path, results):
    """Write a page with all written answers, question by question, without names: fairer to mark, and quicker."""
    from release import PAGE
    parts = ["<p>Marks go into <code>manual.csv</code>; then run <code>make grade</code> again.</p>"]
    for name in sorted({name for _, name in results}):
        for cell in load(name).cells.values():
            if not cell.is_written:
                continue
            parts.append(f"<h2>{html.escape(name)} · {cell.name} · {cell.points:g} points</h2>")
            for student in sorted(student for student, of in results if of == name):
                answer = next(c["source"] for c in results[student, name].notebook["cells"] if submission.grade_id(c) == cell.name)
                parts.append(f"<h3>{html.escape(student)}</h3><pre>{html.escape(answer[:20000])}</pre>")
    path.write_text(PAGE.format(title="Written answers, to be marked", body="\n".join(parts)), "utf-8")


# What comes out

def _line(student, name, **parts):
    return {"student_id": student, "assignment": name, "points": "", "of": "", "by_machine": "", "to_mark": "", "handed_in": "", "late": "",
            "notes": "; ".join(parts.pop("notes", []))} | parts


def _lines(gradebook, results, jobs, students, due, used):
    lines = []
    for student, name in sorted(results, key=lambda place: place[::-1]):
        grades = [grade for notebook in gradebook.find_submission(name, student).notebooks for grade in notebook.grades]
        when = jobs[student, name].when
        notes = [*jobs[student, name].notes, *results[student, name].notes]
        lines.append(_line(student, name, points=f"{sum(g.score for g in grades):g}", of=f"{sum(g.max_score for g in grades):g}",
                           by_machine=f"{sum(g.auto_score or 0 for g in grades):g}",
                           to_mark=f"{sum(g.max_score for g in grades if g.needs_manual_grade):g}", handed_in=f"{when:%Y-%m-%d %H:%M}",
                           late=_late(when, due), notes=notes))
    absent = [(student, name) for name in used for student in students if (student, name) not in results]
    return lines + [_line(student, name, points="0", notes=["not handed in"]) for student, name in absent]


def _late(when, due):
    if not due or when <= due:
        return ""
    hours = (when - due).total_seconds() / 3600
    return f"{hours / 24:.1f} days" if hours > 48 else f"{hours:.1f} hours"


def _write_csv(path, fields, rows):
    """Write a table. A text that a spreadsheet would take for a formula gets a quotation mark in front."""
    def safe(value):
        formula = isinstance(value, str) and re.match(r"[=+\-@\t\r]", value) and not re.fullmatch(r"-?\d+(\.\d+)?", value)
        return "'" + value if formula else value
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fields)
        writer.writeheader()
        writer.writerows({name: safe(row.get(name, "")) for name in fields} for row in rows)


def _export(gradebook, directory, out, used, students):
    """Write grades.csv with nbgrader's exporter, and the tables that Canvas and Moodle take in."""
    from nbgrader.plugins.export import CsvExportPlugin
    CsvExportPlugin(to=str(out / "grades.csv"), assignment=used).export(gradebook)
    by_student = {}
    for row in _rows(out / "grades.csv"):
        by_student.setdefault(row["student_id"], {})[row["assignment"]] = row["score"]
    canvas, moodle = [], []
    for student, scores in by_student.items():
        who = students.get(student, submission.Student(student))
        canvas.append({"Student": f"{who.last_name}, {who.first_name}".strip(", ") or student, "ID": "", "SIS User ID": student,
                       "SIS Login ID": "", "Section": ""} | scores)
        moodle.append({"ID number": student, "Email address": who.email} | scores)
    _write_csv(out / "canvas.csv", ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *used], canvas)
    _write_csv(out / "moodle.csv", ["ID number", "Email address", *used], moodle)


def _feedback(directory, used, out, to_mark):
    """Write feedback/STUDENT/ASSIGNMENT/*.html: no hidden test in it, nothing that a student wrote can run in it, no other host asked."""
    from course import convert
    from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
    from nbgrader.converters import GenerateFeedback
    from nbgrader.preprocessors import ClearHiddenTests, GetGrades
    from nbgrader.preprocessors import NbGraderPreprocessor as Preprocessor

    class HeadingsOnly(Preprocessor):
        """Of the text that was given out only the headings: the student has the rest."""

        def preprocess_cell(self, cell, resources, cell_index):
            if cell.cell_type == "markdown" and cell.source[:30] in given and "nbgrader" not in cell.metadata:
                cell.source = "\n\n".join(re.findall(r"(?m)^#+ .+|^\*\*[^*]+ points?\)\.?\*\*", cell.source))
            return cell, resources

    settings = directory.config.HTMLExporter
    settings.mathjax_url, settings.require_js_url, settings.jquery_url = "", "", ""
    for name in used:
        given = {text_of(cell)[:30] for cell in load(name).notebook["cells"] if cell["cell_type"] == "markdown"}
        convert(GenerateFeedback, directory, name, preprocessors=[HeadingsOnly, GetGrades, ClearHiddenTests, CSSHTMLHeaderPreprocessor])
    for page in (out / "feedback").rglob("*.html"):
        text = re.sub(r"(?is)<script\b.*?</script>", "", page.read_text("utf-8"))     # nbconvert's own: MathJax from another host
        waiting = to_mark.get(page.relative_to(out / "feedback").parts[:2], "0")
        if waiting not in ("", "0"):
            text = re.sub(r"<body[^>]*>", rf"\g<0><p><strong>{waiting} points of written answers have not been marked yet: they stand here "
                          "with 0, and will be added.</strong></p>", text, count=1)
        page.write_text(text.replace("<html>", '<html lang="en">', 1), "utf-8")


def _write_report(out, lines, isolated, seconds, all_seconds):
    _write_csv(out / "report.csv", list(_line("", "")), lines)
    graded = [line for line in lines if line["of"]]
    cut_off = ("Every submission ran cut off from the network and from all files." if isolated else
               "WARNING: submissions ran WITHOUT ISOLATION. They had limits on time and memory, but could use the network and read files.")
    table = ["| " + " | ".join(line[name] or " " for name in line) + " |" for line in lines]
    head = ["| " + " | ".join(_line("", "")) + " |", "|" + "---|" * len(_line("", ""))]
    (out / "report.md").write_text("\n".join([
        cut_off, "", f"{len(graded)} submissions in {all_seconds / 60:.1f} minutes ({seconds:.0f} s for the students' code), "
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, gmm_from_scratch {gmm_from_scratch.__version__}.", "", *head, *table, ""]), "utf-8")


def read_due(text):
    """Return the time until which work may be handed in; without a zone it is in the teacher's."""
    return datetime.fromisoformat(text).astimezone() if text else None


def main():
    parser = argparse.ArgumentParser(description="Grade a folder of notebooks.")
    parser.add_argument("submissions", type=Path)
    parser.add_argument("--key", help="file with the class key; without it, the environment variable GRADING_KEY")
    parser.add_argument("--out", type=Path, help="where the results go; SUBMISSIONS-graded if not given")
    parser.add_argument("--roster", type=Path, help="class list, CSV with a column student_id")
    parser.add_argument("--due", type=read_due, help="such as 2026-12-01T23:59")
    parser.add_argument("--without-isolation", action="store_true", help="go on where submissions cannot be cut off from network and files")
    given = parser.parse_args()
    for name in ("submissions", "out", "roster"):
        setattr(given, name, getattr(given, name) and getattr(given, name).expanduser())
    if not given.submissions.is_dir():
        raise SystemExit(f"There is no folder {given.submissions}.")
    try:
        key = read_key(given.key)
    except KeyProblem as problem:
        raise SystemExit(str(problem)) from None
    reason = session.namespaces_work()
    if reason and not given.without_isolation:
        raise SystemExit(f"This machine cannot cut submissions off from network and files ({reason}). Use a Linux machine, a virtual one, "
                         "or WSL. To go on with limits on time and memory only, say WITHOUT_ISOLATION=1; do so for people whom you trust.")
    out = given.out or given.submissions.resolve().with_name(given.submissions.resolve().name + "-graded")
    lines = grade(given.submissions, out, key, roster=given.roster, due=given.due, isolated=not reason)
    print((out / "report.md").read_text("utf-8"))
    print(f"{len(lines)} lines. In {out}: grades.csv, canvas.csv, moodle.csv, report.csv, feedback/, manual.csv with to-mark.html.")


if __name__ == "__main__":
    main()
