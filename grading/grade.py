"""`make grade`: a folder of notebooks in, grades.csv, feedback and a report out. No server, no Docker.

    python grading/grade.py SUBMISSIONS --key FILE [--out FOLDER] [--roster FILE] [--due TIME] [--without-isolation]
"""

import argparse
import multiprocessing
import os
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
from source import load, names

import gmm_from_scratch


class Judged(NamedTuple):
    """A submission after its run: a clean notebook, {cell: Verdict}, what the report says of it, the errors of its cells."""

    notebook: dict
    verdicts: dict
    notes: list
    errors: dict


# One submission, in a process of its own

FRESH = multiprocessing.get_context("spawn")            # nothing of this process goes along by accident
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
        counter = FRESH.Value("i", 0)
        with ProcessPoolExecutor(1 if alone else workers, mp_context=FRESH, initializer=_take_place, initargs=(counter,)) as pool:
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
    import gradebook as books               # here, since nbgrader takes seconds to import, and the processes that judge do without
    from course import course
    began, out = time.monotonic(), Path(out).resolve()
    students = submission.read_roster(roster) if roster else {}
    directory = course(out)
    jobs, lines = _sort_out(submission.collect(folder, students))
    lines += [_line(student, "", notes=[note]) for student, note in submission.without_notebook(folder, students)
              if student not in {student for student, _ in jobs}]
    paths = {place: handed.path for place, handed in jobs.items()}
    results = judge_all(paths, workers or os.cpu_count(), key, isolated, limits or session.Limits())
    seconds = time.monotonic() - began
    used = [name for name in names() if name in {name for _, name in results}]
    for student, name in results:
        books.hand_over(out, student, name, results[student, name].notebook, jobs[student, name].when)
    books.enter_verdicts(directory, out, used, results, due)
    with books.Gradebook(directory.db_url, directory.course_id) as gradebook:
        for student in students.values():
            gradebook.update_or_create_student(student.id, last_name=student.last_name, first_name=student.first_name, email=student.email)
        books.read_marks(out / "manual.csv", gradebook)
        gradebook.db.commit()
        lines += _lines(gradebook, results, jobs, students, due, used)
        books.write_marks(out / "manual.csv", gradebook, results)
        books.write_answers(out / "to-mark.html", results)
        books.export(gradebook, directory, out, used, students)
    books.write_feedback(directory, used, out, {(line["student_id"], line["assignment"]): line["to_mark"] for line in lines})
    for line in lines:
        if line["of"] and not list((out / "feedback" / line["student_id"] / line["assignment"]).glob("*.html")):
            line["notes"] += "; no feedback page could be made"
    books.write_csv(out / "report.csv", list(_line("", "")), lines)
    _write_report(out, lines, isolated, seconds, time.monotonic() - began)
    return lines


def _sort_out(handed):
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
            older, newer = sorted([jobs[place], one], key=lambda handed: (_readable(handed.path), handed.when))
            note = f"handed in more than once; the last that can be read counts, {older.path.name} of {older.when:%Y-%m-%d %H:%M} does not"
            one = newer._replace(notes=(*newer.notes, note))
        jobs[place] = one
    return jobs, lines


def _readable(path):
    try:
        return bool(submission.read_notebook(path)["cells"])
    except submission.Unreadable:
        return False


# What comes out

def _line(student, name, **parts):
    return {"student_id": student, "assignment": name, "points": "", "of": "", "by_machine": "", "to_mark": "", "handed_in": "", "late": "",
            "notes": _plain("; ".join(parts.pop("notes", [])))} | parts


def _plain(text):
    """Return a text on one line, without signs that a terminal would obey: parts of it come from students."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


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


def _write_report(out, lines, isolated, seconds, all_seconds):
    graded = [line for line in lines if line["of"]]
    cut_off = ("Every submission ran cut off from the network and from all files." if isolated else
               "WARNING: submissions ran WITHOUT ISOLATION. They had limits on time and memory, but could use the network and read files.")
    table = ["| " + " | ".join(line[name].replace("|", "\\|").replace("<", "&lt;") or " " for name in line) + " |" for line in lines]
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
    if given.roster and not given.roster.is_file():
        raise SystemExit(f"There is no class list {given.roster}.")
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
    if out.resolve().is_relative_to(Path(__file__).resolve().parents[1]):
        raise SystemExit(f"{out} lies in the repository, where grades may be published. Name a folder elsewhere: OUT=folder.")
    try:
        lines = grade(given.submissions, out, key, roster=given.roster, due=given.due, isolated=not reason)
    except submission.RosterProblem as problem:
        raise SystemExit(str(problem)) from None
    print((out / "report.md").read_text("utf-8"))
    print(f"{len(lines)} lines. In {out}: grades.csv, canvas.csv, moodle.csv, report.csv, feedback/, manual.csv with to-mark.html.")


if __name__ == "__main__":
    main()
