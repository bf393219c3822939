"""Look for solutions, hidden tests and model answers of graded work in whatever is published.

    python grading/leaks.py FOLDER ...      exit code 1 and a list, if any file below the folders holds one

A secret is two lines of a solution or of a hidden test that follow each other, or a sentence of a model answer. White space and
markup do not matter, so it is found in notebooks, pages, plain text, zips (wheels, too), tar archives and PDF files alike.
"""

import gzip
import html
import io
import json
import re
import sys
import tarfile
import zipfile
from itertools import pairwise
from pathlib import Path

from source import REGION, load, names, text_of

MARKS = ("###BEGINSOLUTION", "###BEGINHIDDENTESTS")
SHORTEST = 40               # characters without white space: less may be anybody's
MAX_DEPTH = 3               # archives in archives
PICTURES = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico", ".woff", ".woff2", ".ttf", ".eot", ".wasm", ".so", ".data"}


def dense(text):
    """Return a text without white space and without the quotation marks and slashes that other formats add or change."""
    return re.sub(r"[\s\\\"'`*_$]+", "", text)


def secrets():
    """Return {secret: where it stands}, without whatever students are given anyway."""
    found, public = {}, ""
    for name in names():
        for cell in load(name).notebook["cells"]:
            text = text_of(cell)
            public += dense(re.sub(REGION.format("(?:SOLUTION|HIDDEN TESTS)"), "", text))
            for region in re.findall(REGION.format("SOLUTION"), text) + re.findall(REGION.format("HIDDEN TESTS"), text):
                lines = [line for line in region.splitlines() if line.strip() and not line.strip().startswith("#")]
                parts = re.split(r"(?<=[.?!]) | \(\d\)", region) if cell["cell_type"] == "markdown" else (
                    ["".join(pair) for pair in pairwise(lines)] if len(lines) > 1 else lines)
                grade_id = cell["metadata"]["nbgrader"]["grade_id"]
                found |= {dense(part): f"{name}, {grade_id}" for part in parts if len(dense(part)) >= SHORTEST}
    return {secret: place for secret, place in found.items() if secret not in public}


def texts(path, data, depth=0):
    """Yield (where, text) for everything that can be read in a file."""
    suffix = Path(path).suffix.lower()
    if suffix in PICTURES:
        return
    if zipfile.is_zipfile(io.BytesIO(data)) and depth < MAX_DEPTH:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield from texts(f"{path}!{name}", archive.read(name), depth + 1)
    elif data[:2] == b"\x1f\x8b" and depth < MAX_DEPTH:
        inner = gzip.decompress(data)
        try:
            with tarfile.open(fileobj=io.BytesIO(inner)) as archive:
                for member in filter(tarfile.TarInfo.isfile, archive):
                    yield from texts(f"{path}!{member.name}", archive.extractfile(member).read(), depth + 1)
        except tarfile.ReadError:
            yield from texts(str(path).removesuffix(".gz"), inner, depth + 1)
    elif data[:5] == b"%PDF-":
        from pypdf import PdfReader
        yield path, "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)
    else:
        text = data.decode("utf-8", "replace")
        if suffix in (".ipynb", ".json"):
            try:
                text += "\n" + "\n".join(_strings(json.loads(text)))
            except (ValueError, RecursionError):
                pass
        if suffix in (".html", ".htm", ".xml", ".svg"):
            text += "\n" + html.unescape(re.sub(r"<[^>]*>", "", text))
        yield path, text


def _strings(value):
    """Yield the texts in a piece of JSON; lists of lines, as notebooks store them, as one."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        yield "".join(value)
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)


def leaks(folders):
    """Return a list of what was found: "file: the solution of ..."."""
    wanted, found = secrets(), []
    for folder in folders:
        for path in sorted(path for path in Path(folder).rglob("*") if path.is_file()):
            for where, text in texts(path, path.read_bytes()):
                plain = dense(text)
                places = {place for secret, place in wanted.items() if secret in plain}
                places |= {"a marked region" for mark in MARKS if mark in plain}
                found += [f"{where}: {place}" for place in sorted(places)]
    return found


if __name__ == "__main__":
    missing = [folder for folder in sys.argv[1:] if not Path(folder).is_dir()]
    found = leaks(sys.argv[1:])
    print("\n".join(found) or f"No solution, hidden test or model answer in {', '.join(sys.argv[1:])}")
    if missing:
        print(f"Not there: {', '.join(missing)}")
    sys.exit(bool(found or missing or len(sys.argv) < 2))
