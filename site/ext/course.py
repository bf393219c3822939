"""What the course's pages need beyond Jupyter Book: one section for each need, which begins with its reason."""

import hashlib
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
from docutils import nodes
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from sphinx.application import ENV_PICKLE_FILENAME
from sphinx.errors import ExtensionError

from gmm_from_scratch import em_lab

ROOT = Path(__file__).resolve().parents[2]
NODE_MODULES = ROOT / "site" / "node_modules"
LAB = ROOT / "gmm_from_scratch" / "lab"


def fingerprint(*paths):
    """Return a short digest of these files, and of all files below those that are folders."""
    digest = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


# ---------------------------------------------------------------------------------------------------------------------
# Libraries. A page must work offline and must not tell another host who reads it, so the scripts that Sphinx would
# take from a CDN are served with the page. They are copied where they are served: in the sources, Sphinx and git
# would see them.

VENDOR = {  # file or folder below site/node_modules -> where it goes below _static/vendor
    "mathjax/es5/tex-chtml.js": "mathjax/tex-chtml.js",
    "mathjax/es5/output/chtml/fonts/woff-v2": "mathjax/output/chtml/fonts/woff-v2",
    "mathjax/LICENSE": "mathjax/LICENSE",
    "@popperjs/core/dist/umd/popper.min.js": "tippy/popper.js",
    "@popperjs/core/LICENSE.md": "tippy/LICENSE-popper.md",
    "tippy.js/dist/tippy-bundle.umd.min.js": "tippy/tippy.js",
    "tippy.js/LICENSE": "tippy/LICENSE-tippy",
}


def copy_libraries(app):
    if app.builder.format != "html":
        return
    if not NODE_MODULES.is_dir():
        raise ExtensionError("The web libraries are missing. Run `make book`, or `npm ci` in site/, which brings them.")
    vendor = Path(app.outdir) / "_static" / "vendor"
    for ours in {Path(target).parts[0] for target in VENDOR.values()}:  # not all of vendor: the theme has its icons there
        shutil.rmtree(vendor / ours, ignore_errors=True)
    for source, target in VENDOR.items():
        source, target = NODE_MODULES / source, vendor / target
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)


# ---------------------------------------------------------------------------------------------------------------------
# What depends on what. The execution cache knows a notebook's own code and nothing else: after a change in the package
# the page would go on showing the old numbers. So each state of the package and of the pins has a cache of its own;
# and since the cache's path is part of the configuration, Sphinx reads every page again when it changes. The same
# holds for the pages and the files in site/, which Sphinx does not look at when no page has changed.


def follow_package_and_assets(app, config):
    caches = Path(app.outdir).parent / ".jupyter_cache"
    code = [path for path in sorted((ROOT / "gmm_from_scratch").iterdir()) if path != LAB]  # the lab draws after the page is built
    current = caches / fingerprint(*code, ROOT / "requirements.txt")
    for cache in caches.glob("*"):
        if cache != current:
            shutil.rmtree(cache)
    config.nb_execution_cache_path = str(current)
    config.course_site = fingerprint(
        ROOT / "site" / "assets", ROOT / "site" / "ext", ROOT / "site" / "templates", ROOT / "site" / "package-lock.json", LAB
    )


# ---------------------------------------------------------------------------------------------------------------------
# Time. myst-nb runs the notebooks one after the other, each when its page is read. Run those that it would have to run
# before it starts to read, as many at once as there are processors. One that fails is left to it, to run and to report.


def run_notebooks_side_by_side(app, env, docnames):
    cache = get_cache(app.config.nb_execution_cache_path)
    stale = []
    for path in map(Path, map(env.doc2path, sorted(docnames))):
        if path.suffix == ".ipynb":
            notebook = nbformat.read(path, as_version=4)
            try:
                cache.match_cache_notebook(notebook)
            except KeyError:
                stale.append((path, notebook))

    def run(path, notebook):
        return single_nb_execution(notebook, str(path.parent), app.config.nb_execution_timeout, allow_errors=False)

    stale.sort(key=lambda job: -job[0].stat().st_size)  # the long ones first
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for (path, _), result in zip(stale, pool.map(run, *zip(*stale, strict=True)) if stale else [], strict=True):
            if result.err is None:
                bundle = CacheBundleIn(result.nb, str(path), data={"execution_seconds": result.time})
                cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


# ---------------------------------------------------------------------------------------------------------------------
# A warning is an error each time. Sphinx reads a page again only when the page has changed, so the second build after
# a failed one would pass with the fault still in it. Forget what was read, and the next build reports it again.


def forget_failed_build(app, exception):
    if exception is None and app._warncount:  # Sphinx sets the exit code only after this event
        (Path(app.doctreedir) / ENV_PICKLE_FILENAME).unlink(missing_ok=True)


# ---------------------------------------------------------------------------------------------------------------------
# The address of the published site, for the social cards, follows from the repository's, so that a fork changes one.


def derive_site_address(app, config):
    owner, name = urlsplit(config.html_theme_options["repository_url"]).path.strip("/").split("/")
    config.html_baseurl = config.ogp_site_url = f"https://{owner}.github.io/{name}/"
    config.ogp_image = config.html_baseurl + "_static/social-card.png"


# ---------------------------------------------------------------------------------------------------------------------
# Formulas. Sphinx puts one of several lines into `split`, where MathJax allows no number. Jupyter does not, and the
# same notebook is read in both.


def keep_numbered_formulas_whole(app, doctree):
    for formula in doctree.findall(nodes.math_block):
        tex = formula.astext()
        if r"\tag" in tex and r"\\" in tex:
            formula.children = [nodes.Text(rf"\begin{{equation*}}{tex}\end{{equation*}}")]
            formula["nowrap"] = True


# A browser may break a line on either side of a formula, even before a comma.


def keep_commas_with_formulas(app, doctree):
    for formula in list(doctree.findall(nodes.math)):
        text = formula.next_node(descend=False, siblings=True)
        if isinstance(text, nodes.Text) and (mark := re.match(r"[,.;:!?)]+", text)):
            parent, place = formula.parent, formula.parent.index(formula)
            rest = nodes.Text(text[mark.end() :])
            parent[place : place + 2] = [nodes.inline("", "", formula, nodes.Text(mark[0]), classes=["unbroken"]), rest]


# ---------------------------------------------------------------------------------------------------------------------
# The EM Lab. The package has it, for notebooks; the pages get the same files as one classic script, because a browser
# loads no module from disk.


def write_lab(app):
    if app.builder.format == "html":
        folder = Path(app.outdir) / "_static"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "em-lab.js").write_text(em_lab.script(), "utf-8")
        (folder / "em-lab.css").write_text(em_lab.style(), "utf-8")


def load_lab_where_it_is(app, pagename, templatename, context, doctree):
    if 'class="em-lab"' in context.get("body", ""):
        app.add_css_file("em-lab.css")
        app.add_js_file("em-lab.js", loading_method="defer")


# ---------------------------------------------------------------------------------------------------------------------
# Page by page.


def mend_page(app, pagename, templatename, context, doctree):
    # sphinx-thebe is loaded everywhere, adds its constants twice, at which the browser logs an error, and is not used.
    context["script_files"] = [s for s in context["script_files"] if "thebe" not in str(s.filename) + s.attributes.get("body", "")]

    # The landing page is a text notebook: Binder and Colab would be sent to an .ipynb that the repository lacks.
    is_notebook = doctree is not None and Path(app.env.doc2path(pagename)).suffix == ".ipynb"
    if doctree is not None and not is_notebook:
        context["header_buttons"] = [b for b in context["header_buttons"] if b.get("label") != "launch-buttons"]

    if body := context.get("body"):
        if is_notebook:
            body = body.replace("</h1>", "</h1>\n" + ways_to_run(pagename), 1)
        # As a style the height stays when a narrow screen shrinks the width. As attributes both keep their ratio, and
        # the browser leaves room for the figure before it has loaded.
        body = re.sub(r'style="width: (\d+)px; height: (\d+)px;"', r'width="\1" height="\2"', body)
        # This name hides the visible words "Show the code" from speech control and from screen readers.
        context["body"] = body.replace(' aria-label="Toggle hidden content"', "")


def ways_to_run(pagename):
    """Return the line beneath a chapter's title that opens it in the reader's browser (site/build_lite.py)."""
    name = Path(pagename).name + ".ipynb"
    return (
        '<p class="run d-print-none">'
        f'<a class="needs-server" href="../lite/notebooks/index.html?path={name}">Run this page in your browser</a> '
        "Nothing to install. The first time, about 40 MB are loaded. "
        f'<a href="../_sources/{pagename}.ipynb" download="{name}">Download the notebook</a></p>'
    )


def setup(app):
    app.add_config_value("course_site", "", "html")
    app.connect("config-inited", follow_package_and_assets)
    app.connect("config-inited", derive_site_address)
    app.connect("builder-inited", copy_libraries)
    app.connect("env-before-read-docs", run_notebooks_side_by_side)
    app.connect("builder-inited", write_lab)
    app.connect("html-page-context", load_lab_where_it_is)
    app.connect("doctree-read", keep_numbered_formulas_whole)
    app.connect("doctree-read", keep_commas_with_formulas)
    app.connect("html-page-context", mend_page, priority=900)  # after the theme and sphinx-thebe have added theirs
    app.connect("build-finished", forget_failed_build, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
