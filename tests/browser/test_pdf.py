"""The PDF of the book, made of three of its pages: numbered sheets, contents, bookmarks, and links that lead within it."""

from io import BytesIO

import make_pdf
import pytest
from bs4 import BeautifulSoup
from conftest import BOOK
from pypdf import PdfReader

NAMES = ["intro", "chapters/09-5-few-labels", "chapters/references"]
PARTS = {"intro": None, "chapters/09-5-few-labels": "Use it", "chapters/references": "Appendices"}


@pytest.fixture(scope="module")
def pdf(chromium, addresses):
    writer = make_pdf.bind(chromium, addresses["http"], BOOK, [(PARTS[name], 0, name) for name in NAMES])
    file = BytesIO()
    writer.write(file)
    return PdfReader(file)


def test_sheets_are_numbered_through_and_the_contents_say_where(pdf):
    words = [page.extract_text() for page in pdf.pages]
    assert "Version" in words[0] and "CC BY 4.0" in words[0]
    assert words[1].startswith("Contents")
    title = next(line for line in words[1].splitlines() if "few labels" in line)
    first = next(i for i, text in enumerate(words) if i > 1 and title.rstrip("0123456789 ").split(" · ")[1] in text.replace("\n", " "))
    assert title.endswith(str(first - 1))  # title page and contents are not counted
    titles = [next(iter(make_pdf.headings(BeautifulSoup((BOOK / f"{name}.html").read_bytes(), "html.parser")).values())) for name in NAMES]
    for i, text in enumerate(words[2:], 1):
        assert text.startswith(tuple(f"{i}{title}" for title in titles)), f"sheet {i} has no number"


def test_bookmarks_lead_to_parts_pages_and_sections(pdf):
    flat = [(entry.title, pdf.get_destination_page_number(entry)) for entry in flatten(pdf.outline)]
    names = [name for name, _ in flat]
    assert {"Use it", "Appendices", "References", "The road map", "Exercises"} <= set(names)
    assert [sheet for _, sheet in flat] == sorted(sheet for _, sheet in flat)
    for name, sheet in flat:
        if name in ("The road map", "Exercises", "References"):
            assert name in pdf.pages[sheet].extract_text()


def flatten(outline):
    return [entry for item in outline for entry in (flatten(item) if isinstance(item, list) else [item])]


def test_links_lead_within_the_book_or_to_the_published_site(pdf, addresses):
    inside, outside = 0, []
    for page in pdf.pages:
        for link in (annotation.get_object() for annotation in page.get("/Annots", [])):
            inside += "/Dest" in link
            outside.append(str(link.get("/A", {}).get("/URI", "")))
    assert inside > 20
    assert not [address for address in outside if address.startswith((addresses["http"], "http://contents"))]
    assert any(address.startswith("https://gmm-from-scratch.github.io/") for address in outside)


def test_figures_are_on_the_sheets(pdf):
    pictures = sum(len(page.images) for page in pdf.pages)
    page = (BOOK / "chapters/09-5-few-labels.html").read_text("utf-8")
    assert pictures >= page.count("<img") - page.count("/logo_")


def test_front_page_gets_one_link_however_often_the_pdf_is_made(tmp_path):
    (tmp_path / "intro.html").write_bytes((BOOK / "intro.html").read_bytes())
    (tmp_path / make_pdf.NAME).write_bytes(b"%PDF")
    for sheets in (3, 4):
        make_pdf.link_from_front_page(tmp_path, sheets)
    html = (tmp_path / "intro.html").read_text("utf-8")
    assert html.count(make_pdf.NAME) == 1 and "(4 sheets" in html
