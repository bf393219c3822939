"""The built book, file by file: every page is there, leads where it says, asks no other host and can be read aloud."""

import importlib
import json
import re
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "_build" / "html"
REPOSITORY = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["repository"]

if not BOOK.is_dir():
    pytest.exit("There is no built book to test. Run `make book` first.", returncode=1)

HTML = {path.relative_to(BOOK).as_posix(): BeautifulSoup(path.read_bytes(), "html.parser") for path in BOOK.rglob("*.html")}
HTML = {name: soup for name, soup in HTML.items() if not name.startswith("_static/")}


CONTENTS = [f"{name}.html" for name in re.findall(r"(?:root|file): *(\S+)", (ROOT / "_toc.yml").read_text("utf-8"))]
PAGES = [name for name in CONTENTS if name in HTML]


def is_external(address):
    return bool(urlsplit(address).scheme or urlsplit(address).netloc) and not address.startswith("data:")


def test_every_page_of_the_contents_was_built():
    assert CONTENTS == PAGES


@pytest.mark.parametrize("name", HTML)
def test_links_and_anchors_lead_somewhere(name):
    broken = []
    for tag, attribute in [("a", "href"), ("link", "href"), ("img", "src"), ("script", "src"), ("source", "src")]:
        for element in HTML[name].find_all(tag, {attribute: True}):
            address = element[attribute]
            if is_external(address) or address.startswith("data:") or address == "#":
                continue
            path, anchor = urldefrag(address)
            target = (BOOK / name).parent / unquote(urlsplit(path).path) if path else BOOK / name
            found = target.exists()
            if found and anchor and target.suffix == ".html":
                page = HTML[target.resolve().relative_to(BOOK).as_posix()]
                found = page.find(id=unquote(anchor)) or page.find(attrs={"name": unquote(anchor)})
            if not found:
                broken.append(address)
    assert not broken


@pytest.mark.parametrize("name", HTML)
def test_page_loads_nothing_from_another_host(name):
    loaded = [element[attribute] for attribute in ("src", "poster") for element in HTML[name].find_all(**{attribute: True})]
    loaded += [part.split()[0] for element in HTML[name].find_all(srcset=True) for part in element["srcset"].split(",")]
    # A canonical address is a statement; every other kind of link is fetched.
    loaded += [link["href"] for link in HTML[name].find_all("link", href=True) if "canonical" not in link.get("rel", [])]
    for style in HTML[name].find_all("style"):
        loaded += addresses_in_css(style.string or "")
    for element in HTML[name].find_all(style=True):
        loaded += addresses_in_css(element["style"])
    assert not list(filter(is_external, loaded))


def test_stylesheets_load_nothing_from_another_host():
    loaded = {path: addresses_in_css(path.read_text("utf-8")) for path in BOOK.rglob("*.css")}
    assert not {path: list(filter(is_external, found)) for path, found in loaded.items() if any(map(is_external, found))}


def addresses_in_css(text):
    return re.findall(r"""url\(\s*["']?([^"')]+)""", text) + re.findall(r"""@import\s+["']([^"']+)""", text)


@pytest.mark.parametrize("name", PAGES)
def test_images_have_a_text_and_a_size(name):
    for image in HTML[name].find_all("img"):
        assert image.get("alt", "").strip(), image
    # Without both attributes the text jumps when a figure arrives.
    for image in HTML[name].article.select(".cell_output img"):
        assert image.get("width") and image.get("height"), image


@pytest.mark.parametrize("name", PAGES)
def test_widgets_carry_their_pictures_and_texts(name):
    for state in HTML[name].find_all("script", type="application/vnd.jupyter.widget-state+json"):
        for model in json.loads(state.string)["state"].values():
            for image in BeautifulSoup(str(model["state"].get("value", "")), "html.parser").find_all("img"):
                assert image.get("alt", "").strip(), "a widget's frame has no alt text"
                assert image.get("width") and image.get("height"), "a widget's frame has no size"
                assert image["src"].startswith("data:"), "a widget's frame is not on the page"


@pytest.mark.parametrize("name", PAGES)
def test_page_says_what_it_is_when_it_is_shared(name):
    page = HTML[name]
    assert page.html["lang"] == "en"
    assert len(page.find("meta", attrs={"name": "description"})["content"]) > 40
    assert page.find("link", rel="icon")
    card = page.find("meta", property="og:image")["content"]
    site = page.find("link", rel="canonical")["href"].removesuffix(name)
    assert card.startswith(site)
    assert (BOOK / card.removeprefix(site)).is_file()


@pytest.mark.parametrize("name", PAGES)
def test_buttons_open_the_page_itself(name):
    links = [link["href"] for link in HTML[name].find_all("a", href=True)]
    source = next(path for path in map((ROOT / name).with_suffix, (".ipynb", ".md")) if path.exists())
    path, branch = source.relative_to(ROOT).as_posix(), REPOSITORY["branch"]
    home = REPOSITORY["url"].removeprefix("https://github.com/")
    assert f"{REPOSITORY['url']}/edit/{branch}/{path}" in links
    assert any(link.startswith(f"{REPOSITORY['url']}/issues/new") for link in links)

    launch = [link for link in links if link.startswith(("https://mybinder.org", "https://colab.research.google.com"))]
    binder = f"https://mybinder.org/v2/gh/{home}/{branch}?urlpath=lab/tree/{path}"
    colab = f"https://colab.research.google.com/github/{home}/blob/{branch}/{path}"
    assert launch == ([binder, colab] if source.suffix == ".ipynb" else [])


@pytest.mark.parametrize("name", PAGES)
def test_no_markup_is_left_in_the_text(name):
    article = BeautifulSoup(str(HTML[name].article), "html.parser")  # a copy, since code is cut out of it
    for code in article(["pre", "code", "script"]):
        code.decompose()
    text = article.get_text()
    assert not re.findall(r":::|```|\{[a-z:]+\}`|\]\([^)]*\)|</?(?:details|summary|div)\b", text)


def test_a_build_with_nothing_to_do_keeps_the_icons_of_the_theme(tmp_path, monkeypatch):
    """The theme has its icons in the same folder as our libraries, and copies them only if a page has changed."""
    monkeypatch.syspath_prepend(ROOT / "site" / "ext")
    icons = tmp_path / "_static" / "vendor" / "fontawesome" / "fa.woff2"
    icons.parent.mkdir(parents=True)
    icons.touch()
    importlib.import_module("course").copy_libraries(SimpleNamespace(builder=SimpleNamespace(format="html"), outdir=tmp_path))
    assert icons.exists() and (tmp_path / "_static" / "vendor" / "tippy" / "tippy.js").exists()


def test_the_address_of_the_repository_is_the_same_everywhere():
    """A fork changes `repository.url` in _config.yml, and this test says where else."""
    named = [ROOT / "pyproject.toml", ROOT / "CITATION.cff", ROOT / "README.md", ROOT / "intro.md", *(ROOT / "chapters").glob("*.ipynb")]
    assert not [path.name for path in named if REPOSITORY["url"] not in path.read_text("utf-8")]


def test_slides_hold_the_figures_and_formulas_of_each_chapter_and_ask_no_other_host(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "site")
    made = importlib.import_module("make_slides").make(BOOK, tmp_path)
    assert made == [Path(name).name for name in sorted(PAGES) if re.match(r"chapters/\d", name)]
    for name in made:
        slides, page = BeautifulSoup((tmp_path / name).read_bytes(), "html.parser"), HTML[f"chapters/{name}"]
        shown = [image["src"].rsplit("/")[-1] for image in slides.find_all("img")]
        assert shown == [figure.img["src"].rsplit("/")[-1] for figure in page.article.find_all("figure") if not figure.find_parent("details")]
        assert all(image["alt"] and (tmp_path / image["src"]).is_file() for image in slides.find_all("img"))
        assert len(slides.select(".formula")) == sum(r"\tag" in formula.get_text() for formula in page.article.select("div.math")
                                                     if not formula.find_parent("details"))
        assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", str(slides))
    assert (tmp_path / "mathjax" / "tex-chtml.js").is_file()
