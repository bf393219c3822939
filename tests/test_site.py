"""The built book, file by file: every page is there, leads where it says, asks no other host and can be read aloud."""

import gzip
import importlib
import json
import re
import subprocess
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urldefrag, urlsplit
from zipfile import ZipFile

import pytest
import yaml
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "_build" / "html"
REPOSITORY = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["repository"]

if not BOOK.is_dir():
    pytest.exit("There is no built book to test. Run `make book` first.", returncode=1)

HTML = {path.relative_to(BOOK).as_posix(): BeautifulSoup(path.read_bytes(), "html.parser") for path in BOOK.rglob("*.html")}
HTML = {name: soup for name, soup in HTML.items() if not name.startswith(("_static/", "lite/"))}


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
                found = found or anchor.startswith("lab=") and page.find(class_="em-lab")      # a state of the lab; the browser tests follow it
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
def test_steppers_have_their_pictures_and_texts(name):
    for stepper in HTML[name].select(".stepper"):
        frames = json.loads(stepper["data-frames"])
        assert len(frames) == int(stepper.input["max"]) + 1
        for source, text in frames:
            assert text.strip() and ((BOOK / name).parent / source).is_file(), (source, text)


# What all that a page loads weighs on its way, in kB: text is compressed by the server, the rest is already. A reader on
# a phone pays for it.
HEAVIEST = {"page": 700, "page with interactives": 2000}
FONTS_OF_FORMULAS = 100         # MathJax takes those it needs


@pytest.mark.parametrize("name", PAGES)
def test_page_is_light(name):
    page = HTML[name]
    loaded = [(element[key]) for kind, key in [("script", "src"), ("link", "href"), ("img", "src")]
              for element in page.find_all(kind, {key: True}) if set(element.get("rel", ["icon"])) & {"icon", "stylesheet", "preload"}]
    loaded += [source for stepper in page.select(".stepper") for source, _ in json.loads(stepper["data-frames"])]
    files = {(BOOK / name).parent / urlsplit(address).path for address in loaded if not address.startswith("data:")} | {BOOK / name}
    weight = sum(len(gzip.compress(file.read_bytes(), 6)) for file in {file.resolve() for file in files}) / 1000
    limit = HEAVIEST["page with interactives" if page.select(".stepper, .em-lab") else "page"]
    assert weight + (FONTS_OF_FORMULAS if page.select(".math") else 0) < limit


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


@pytest.mark.parametrize("name", [name for name in PAGES if (ROOT / name).with_suffix(".ipynb").exists()])
def test_chapter_opens_in_the_browser_and_can_be_downloaded(name):
    run, download = HTML[name].article.select("p.run a")
    notebook = (ROOT / name).with_suffix(".ipynb")
    path, _, query = run["href"].partition("?")
    assert ((BOOK / name).parent / path).is_file() and query == f"path={notebook.name}"
    assert (BOOK / "lite" / "files" / notebook.name).read_bytes() == notebook.read_bytes()
    assert download["download"] == notebook.name and ((BOOK / name).parent / download["href"]).read_bytes() == notebook.read_bytes()


def test_the_browser_has_the_package_of_this_checkout():
    listed = {entry["name"] for entry in json.loads((BOOK / "lite" / "api" / "contents" / "all.json").read_text("utf-8"))["content"]}
    assert listed == {path.name for folder in ("chapters", "released") for path in (ROOT / folder).glob("*") if path.suffix in (".ipynb", ".md")}
    with ZipFile(next((BOOK / "lite" / "pypi").glob("gmm_from_scratch-*.whl"))) as wheel:
        files = {name: wheel.read(name) for name in wheel.namelist() if name.startswith("gmm_from_scratch/")}
    package = ROOT / "gmm_from_scratch"
    ours = {path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert files == {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in ours}


def test_what_a_teacher_puts_into_released_opens_in_the_browser(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "site")
    build_lite = importlib.import_module("build_lite")
    monkeypatch.setattr(build_lite, "ROOT", tmp_path)
    for place in ("chapters/1.ipynb", "released/2.ipynb", "released/notes.txt"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text("{}")
    build_lite.put_contents(tmp_path / "lite")
    listed = json.loads((tmp_path / "lite" / "api" / "contents" / "all.json").read_text("utf-8"))["content"]
    assert [(entry["path"], entry["type"]) for entry in listed] == [("1.ipynb", "notebook"), ("2.ipynb", "notebook")]
    assert sorted(path.name for path in (tmp_path / "lite" / "files").iterdir()) == ["1.ipynb", "2.ipynb"]


def test_another_pyodide_is_another_build(monkeypatch):
    monkeypatch.delenv("MAKEFLAGS", raising=False)
    plans = [subprocess.run(["make", "-C", ROOT, "-n", "book", *said], capture_output=True, text=True, check=True).stdout
             for said in ([], ["PYODIDE=/one"], ["PYODIDE=https://two.example"], [])]
    steps = [re.findall(r"_build/done/lite\S*", plan) for plan in plans]
    assert steps[0] == steps[3] and len({str(step) for step in steps}) == 3


def test_the_zip_holds_the_site():
    with ZipFile(BOOK / "gmm-from-scratch.zip") as archive:
        packed = {name.removeprefix("gmm-from-scratch/"): archive.read(name) for name in archive.namelist()}
    assert not [name for name in packed if name.startswith("lite/") or name.endswith((".zip", ".pdf"))]
    assert set(CONTENTS) | {"index.html", "search.html", "_static/course.js"} <= set(packed)
    needed = {(BOOK / page).parent / urlsplit(image["src"]).path for page in PAGES for image in HTML[page].find_all("img", src=True)}
    assert {path.resolve().relative_to(BOOK).as_posix() for path in needed} <= set(packed)
    assert not [name for name, content in packed.items() if name != "intro.html" and content != (BOOK / name).read_bytes()]


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


@pytest.mark.filterwarnings("ignore:pythonjsonlogger:DeprecationWarning")  # repo2docker's own
def test_binder_builds_our_environment(monkeypatch):
    """The Dockerfile that Binder makes of this repository: our Python, the pins, the package."""
    from repo2docker.buildpacks import PythonBuildPack

    monkeypatch.chdir(ROOT)
    build = PythonBuildPack("buildpack-deps:jammy")
    build.platform = "linux/amd64"
    assert build.detect()
    assert build.python_version == (ROOT / "runtime.txt").read_text().strip().removeprefix("python-")
    dockerfile = build.render(build_args={})
    environment = f"environment.py-{build.python_version}-linux-64.lock".replace("-", "-2d").replace(".", "-2e")
    steps = [environment, 'pip install --no-cache-dir -r "requirements.txt"', "pip install --no-cache-dir ."]
    assert sorted(steps, key=dockerfile.find) == steps and all(step in dockerfile for step in steps)


def test_slides_hold_the_figures_and_formulas_of_each_chapter_and_ask_no_other_host(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "site")
    made = importlib.import_module("make_slides").make(BOOK, tmp_path)
    assert made == [Path(name).name for name in sorted(PAGES) if re.match(r"chapters/\d", name)]
    for name in made:
        slides, page = BeautifulSoup((tmp_path / name).read_bytes(), "html.parser"), HTML[f"chapters/{name}"]
        shown = [image["src"].rsplit("/")[-1] for image in slides.find_all("img")]
        assert shown == [figure.img["src"].rsplit("/")[-1] for figure in page.article.find_all("figure")
                         if figure.img and figure.figcaption and not figure.find_parent("details")]
        assert all(image["alt"] and (tmp_path / image["src"]).is_file() for image in slides.find_all("img"))
        assert len(slides.select(".formula")) == sum(r"\tag" in formula.get_text() for formula in page.article.select("div.math")
                                                     if not formula.find_parent("details"))
        assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", str(slides))
        assert "Run this page" not in slides.get_text()
    assert (tmp_path / "mathjax" / "tex-chtml.js").is_file()
