"""A page that is light: nothing is loaded that it does not show, and every word stands in it before a script has run."""

import base64
import hashlib
import io
import json
import re
from html import escape
from pathlib import Path

import pydata_sphinx_theme
from bs4 import BeautifulSoup
from PIL import Image
from sphinx.errors import ExtensionError

# ---------------------------------------------------------------------------------------------------------------------
# Pictures. Lossless WebP shows the same pixels in a third of the bytes of matplotlib's PNG.


def write_webp(app, name, read):
    """Write the picture whose PNG bytes `read` returns below _images, once, and return its file name."""
    path = Path(app.outdir) / "_images" / f"{name}.webp"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        with Image.open(io.BytesIO(read())) as picture:
            picture.convert("RGBA").save(path, "webp", lossless=True, method=2, quality=50)
    return path.name


def lighten_figures(app, body):
    """Let the page show WebP, and load a figure when it comes near the screen."""
    sources = {name: Path(app.srcdir) / source for source, name in app.builder.images.items()}

    def figure(match):
        name = write_webp(app, match["name"], sources[match["name"] + ".png"].read_bytes)
        return f'<img loading="lazy" decoding="async"{match["before"]}src="{match["folder"]}{name}"'

    pattern = r'<img(?P<before>[^>]*?)src="(?P<folder>[^":]*_images/)(?P<name>[^"/]+)\.png"'
    body = re.sub(pattern, figure, body)
    return body.replace('<img loading="lazy"', "<img", 1)  # the first is on the screen


def remove_heavy_figures(app, exception):
    for light in (Path(app.outdir) / "_images").glob("*.webp"):
        light.with_suffix(".png").unlink(missing_ok=True)


# ---------------------------------------------------------------------------------------------------------------------
# Steppers. In a notebook a stepper is made of ipywidgets, whose library alone weighs a megabyte here and draws nothing
# until it has run. On a page it is plain HTML: the first frame stands in it, course.js fetches the others when a reader
# comes near the controls, and without a script, or on paper, the last frame stands beneath the first.

STATE = "application/vnd.jupyter.widget-state+json"
VIEW = re.compile(r'<script type="application/vnd\.jupyter\.widget-view\+json">(.*?)</script>', re.DOTALL)


def replace_steppers(app, pagename, body, scripts):
    """Return the body with each widget as HTML, and the scripts without the widgets' state."""
    states = [script for script in scripts if script.attributes.get("type") == STATE]
    models = {name: model for script in states for name, model in json.loads(script.attributes["body"])["state"].items()}
    folder = "../" * pagename.count("/") + "_images/"

    def widget(match):
        return stepper(app, models, json.loads(match[1])["model_id"], folder)

    return VIEW.sub(widget, body), [script for script in scripts if script not in states]


def stepper(app, models, box, folder):
    """Return the HTML of the stepper (gmm_from_scratch.widgets.stepper) whose outer box has this id."""

    def parts(name):
        return [reference.removeprefix("IPY_MODEL_") for reference in models[name]["state"]["children"]]

    try:
        controls, stack = parts(box)
        play, slider = (models[name]["state"] for name in parts(controls))
        label, interval = slider["description"], play["interval"]
        frames = [frame(app, models[name]["state"]["value"], folder) for name in parts(stack)]
    except (KeyError, ValueError) as problem:
        raise ExtensionError(f"A page can show widgets.stepper and no other widget: {problem!r}") from problem
    size = 'width="{width}" height="{height}"'.format(**frames[0])
    first, last = (f'src="{shown["src"]}" alt="{escape(shown["alt"])}" {size}' for shown in (frames[0], frames[-1]))
    pictures = escape(json.dumps([[shown["src"], shown["alt"]] for shown in frames], ensure_ascii=False))
    return f"""<div class="stepper" data-interval="{interval}" data-frames="{pictures}">
<div class="controls pst-js-only">
<button type="button" class="play">Play</button>
<button type="button" class="first">First</button>
<div>
<label>{escape(label)} <input type="range" min="0" max="{len(frames) - 1}" value="0" autocomplete="off"></label>
<output>0</output>
</div>
</div>
<img loading="lazy" {first}>
<p class="still">The first picture and the last of {len(frames)}.<span class="on-screen"> Stepping through them needs JavaScript.</span></p>
<img class="still" loading="lazy" {last}>
</div>"""


def frame(app, html, folder):
    """Return what an <img> with its bytes inside says, and write its picture to a file."""
    image = BeautifulSoup(html, "html.parser").img
    png = base64.b64decode(image["src"].removeprefix("data:image/png;base64,"))
    name = write_webp(app, hashlib.sha256(png).hexdigest()[:24], lambda: png)
    return {**image.attrs, "src": folder + name}


# ---------------------------------------------------------------------------------------------------------------------
# Icons. Of Font Awesome's two thousand, which weigh half a megabyte, the pages use twenty.

ICON = re.compile(r'(?:"([\w-]+)"|(\w+)):\[\d+,\d+,\[([^\]]*)\],"[0-9a-f]+",(?:"[^"]*"|\[[^\]]*\])\],?')


def keep_used_icons(app, exception):
    if exception or app.builder.format != "html":
        return
    script = Path("scripts", "fontawesome.js")
    theme = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme" / "static" / script
    pages = " ".join((Path(app.outdir) / f"{page}.html").read_text("utf-8") for page in [*app.env.found_docs, "search"])
    used = set(re.findall(r"\bfa-([a-z0-9-]+)", pages))

    def keep(match):
        names = {match[1] or match[2], *re.findall(r'"([\w-]+)"', match[3])}
        return match[0] if names & used else ""

    (Path(app.outdir) / "_static" / script).write_text(ICON.sub(keep, theme.read_text("utf-8")), "utf-8")


# ---------------------------------------------------------------------------------------------------------------------


def lighten_page(app, pagename, templatename, context, doctree):
    if body := context.get("body"):
        body = lighten_figures(app, body)
        context["body"], context["script_files"] = replace_steppers(app, pagename, body, context["script_files"])


def setup(app):
    app.connect("html-page-context", lighten_page, priority=950)
    app.connect("build-finished", remove_heavy_figures)
    app.connect("build-finished", keep_used_icons)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
