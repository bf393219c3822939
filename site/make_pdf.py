"""Print the built site as one PDF, in reading order, with a title page, contents, bookmarks and page numbers.

    python site/make_pdf.py _build/html        writes _build/html/gmm-from-scratch.pdf and links it from the front page

Chromium prints each page as a reader would; the printed pages are joined, and links between them lead within the book.
"""

import json
import re
import sys
import threading
from collections import defaultdict
from datetime import UTC, datetime
from functools import partial
from html import escape
from http.server import ThreadingHTTPServer
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import yaml
from bs4 import BeautifulSoup
from chromium import FLAGS, HOW_TO_GET_ONE, READY, find_chromium
from playwright.sync_api import sync_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, FloatObject, NameObject, NullObject, TextStringObject
from serve import Handler

ROOT = Path(__file__).resolve().parents[1]
NAME = "gmm-from-scratch.pdf"
WIDTH = 658  # of the text, in CSS pixels
# Sheets, and at their foot the title of the page and a number that goes on from page to page.
SHEETS = """@page {{ size: A4; margin: 18mm 18mm 22mm; font: 8.5pt "DejaVu Sans", Arial, sans-serif; color: #555;
    @bottom-left {{ content: {title} }} @bottom-right {{ content: counter(page) }} }}
html {{ counter-reset: page {sheets_before} }}"""

# Chromium keeps the place of an element only if the same page links to it. The links stand at the top: below the last line
# they could run onto a sheet of their own, and the numbers of the sheets would begin with 1 again.
KEEP_PLACES = """names => names.filter(name => document.getElementById(name)).forEach(name =>
    document.querySelector('article').insertAdjacentHTML('beforeend',
        `<a href="#${name}" style="position: absolute; top: 0; font-size: 1px; color: transparent">.</a>`))"""


def reading_order():
    """Return the pages in reading order, each as (part, depth, name)."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    pages = [(None, 0, contents["root"])]
    for part in contents["parts"]:
        for chapter in part["chapters"]:
            pages.append((part["caption"], 0, chapter["file"]))
            pages += [(part["caption"], 1, section["file"]) for section in chapter.get("sections", [])]
    return pages


def headings(page):
    """Return {place: words} of a page's title and of its sections."""
    found = {heading.parent["id"]: heading for heading in page.article.select("section[id] > :is(h1, h2)")}
    return {place: "".join(text for text in heading.find_all(string=True) if text != "#") for place, heading in found.items()}


def places_linked_to(pages):
    """Return {page: names of the places on it that some page links to, and of its sections}."""
    places = defaultdict(set, {name: set(headings(page)) for name, page in pages.items()})
    for name, page in pages.items():
        for link in page.article.find_all("a", href=True):
            target, place = urldefrag(urljoin(f"/{name}.html", link["href"]))
            if place:
                places[target.removeprefix("/").removesuffix(".html")].add(unquote(place))
    return places


def print_pages(chromium, address, titles, places):
    """Return each page as a PDF; titles is {name of the page: its title}."""
    page = chromium.new_page(viewport={"width": WIDTH, "height": 1000}, color_scheme="light")
    printed, sheets = [], 0
    for name, title in titles.items():
        page.goto(f"{address}/{name}.html", wait_until="load")
        page.wait_for_function(READY)
        page.evaluate(KEEP_PLACES, sorted(places[name]))
        page.add_style_tag(content=SHEETS.format(title=json.dumps(title, ensure_ascii=False), sheets_before=sheets))
        printed.append(PdfReader(BytesIO(page.pdf(prefer_css_page_size=True, print_background=True))))
        sheets += len(printed[-1].pages)
    return printed


def print_html(chromium, html):
    page = chromium.new_page()
    style = "@page { size: A4; margin: 18mm } body { margin: 0; font: 11pt/1.5 'DejaVu Sans', Arial, sans-serif }"
    page.set_content(f'<html lang="en"><style>{style}</style>{html}</html>')
    return PdfReader(BytesIO(page.pdf(prefer_css_page_size=True)))


def title_page(settings, site):
    today = datetime.now(UTC)
    return f"""<div style="height: 240mm; display: flex; flex-direction: column; justify-content: center">
<h1 style="font-size: 30pt; line-height: 1.2; margin: 0 0 8mm">{escape(settings["title"])}</h1>
<p style="font-size: 13pt">By {escape(settings["author"])}<br>Version {version("gmm_from_scratch")}, {today.day} {today:%B %Y}</p>
<p style="margin-top: 60mm">Text and figures: CC BY 4.0. Code: BSD 3-Clause.</p>
<p>Printed from <a href="{site}">{site}</a>. There you can step through the pictures of which this book shows the first and
the last, read the code that draws the figures, run every page in your browser, and test yourself before you see the answers
that stand open here.</p></div>"""


def contents_page(entries):
    """Return the list of the pages with their numbers; entries are (part, depth, title, number of the first sheet)."""
    rows, last = [], None
    for part, depth, title, number in entries:
        if part != last:
            rows.append(f'<h2 style="font-size: 12pt; margin: 5mm 0 1mm">{escape(part)}</h2>')
            last = part
        rows.append(f'<div style="display: flex; margin-left: {6 * depth}mm"><a href="http://contents/{number}" '
                    f'style="flex: 1; color: black; text-decoration: none">{escape(title)}</a>{number}</div>')  # fmt: skip
    return '<h1 style="break-before: page; font-size: 20pt">Contents</h1>' + "".join(rows)


class Book:
    """The sheets so far, where each page and each place on it begins, and the bookmarks."""

    def __init__(self):
        self.writer, self.starts, self.places = PdfWriter(), {}, {}

    def append(self, name, printed):
        start = self.starts[name] = len(self.writer.pages)
        for place, target in printed.named_destinations.items():
            self.places[name, unquote(place.removeprefix("/"))] = (start + printed.get_destination_page_number(target), target.top)
        for sheet in printed.pages:
            self.writer.add_page(sheet)

    def add_bookmark(self, title, sheet, parent=None):
        return self.writer.add_outline_item(title=title, page_number=sheet, parent=parent)

    def destination(self, sheet, top=None):
        """Return the place on a sheet in the form a link holds it."""
        height = NullObject() if top is None else FloatObject(top)
        return ArrayObject([self.writer.pages[sheet].indirect_reference, NameObject("/XYZ"), NullObject(), height, NullObject()])

    def lead_links(self, name, sheets, address, site):
        """Make the links on these sheets of a page lead within the book, or to the published site."""
        for number in sheets:
            for annotation in self.writer.pages[number].get("/Annots", []):
                link = annotation.get_object()
                target = self.target(name, link, address)
                action = link.get("/A", {})
                if target is not None:
                    link.pop("/A", None)
                    link[NameObject("/Dest")] = self.destination(*target)
                elif str(action.get("/URI", "")).startswith(address):
                    action[NameObject("/URI")] = TextStringObject(action["/URI"].replace(address + "/", site, 1))

    def target(self, name, link, address):
        """Return (sheet, height) of what a link leads to, or None if that is not in the book."""
        action = link.get("/A", DictionaryObject())
        inside = link.get("/Dest", action.get("/D"))
        if inside is not None:
            return self.places.get((name, unquote(str(inside).removeprefix("/"))))
        uri = str(action.get("/URI", ""))
        if uri.startswith("http://contents/"):
            return self.first + int(uri.rsplit("/", 1)[1]) - 1, None
        page, place = urldefrag(uri.removeprefix(address + "/"))
        page = page.removesuffix(".html")
        if not uri.startswith(address) or page not in self.starts:
            return None
        return self.places.get((page, unquote(place)), (self.starts[page], None))


def bind(browser, address, book, order):
    """Return the pages of `order`, served at `address`, as one PdfWriter."""
    settings = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    pages = {name: BeautifulSoup((book / f"{name}.html").read_bytes(), "html.parser") for _, _, name in order}
    sections = {name: headings(page) for name, page in pages.items()}
    titles = {name: sections[name].pop(next(iter(sections[name]))) for name in pages}
    canonical = {name: page.find("link", rel="canonical")["href"] for name, page in pages.items()}
    site = next(site.removesuffix(f"{name}.html") for name, site in canonical.items())

    printed = print_pages(browser, address, titles, places_linked_to(pages))
    numbers = [1 + sum(len(each.pages) for each in printed[:i]) for i in range(len(printed))]
    listed = [(part, depth, titles[name], number) for (part, depth, name), number in zip(order, numbers) if part]
    front = print_html(browser, title_page(settings, site) + contents_page(listed))

    bound = Book()
    bound.append("front", front)
    bound.first = len(front.pages)
    for name, each in zip(pages, printed):
        bound.append(name, each)
    ends = [*list(bound.starts.values())[1:], len(bound.writer.pages)]
    for (name, start), end in zip(bound.starts.items(), ends):
        bound.lead_links(name, range(start, end), address, site)
    bookmarks, above = {}, {}
    for part, depth, name in order:
        if part and part not in bookmarks:
            bookmarks[part] = bound.add_bookmark(part, bound.starts[name])
        above[depth] = own = bound.add_bookmark(titles[name], bound.starts[name], above.get(depth - 1) or bookmarks.get(part))
        for place, title in sections[name].items():
            bound.add_bookmark(title, bound.places[name, place][0], own)
    bound.writer.add_metadata({"/Title": settings["title"], "/Author": settings["author"]})
    return bound.writer


def link_from_front_page(book, sheets):
    """Fill the place that intro.md keeps for a link: it shows nothing as long as there is no PDF."""
    front = book / "intro.html"
    size = f"{sheets} sheets, {(book / NAME).stat().st_size / 1e6:.0f} MB"
    link = f' Or take <a class="needs-server" href="{NAME}">all pages as one PDF</a> ({size}), made for paper and for e-readers.'
    html, places = re.subn('<span id="pdf">.*?</span>', f'<span id="pdf">{link}</span>', front.read_text("utf-8"))
    assert places == 1, "intro.md keeps no place for the link to the PDF"
    front.write_text(html, "utf-8")
    print(f"{book / NAME}: {size}")


def main(book):
    chromium = find_chromium() or sys.exit(HOW_TO_GET_ONE)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=book)) as server, sync_playwright() as playwright:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        writer = bind(browser, f"http://127.0.0.1:{server.server_port}", book, reading_order())
        server.shutdown()
    writer.write(book / NAME)
    link_from_front_page(book, len(writer.pages))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
