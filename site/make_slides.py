"""`make slides`: a set of slides for each chapter, from the page as it was built. One source, no other host, no framework.

Of each chapter come its question, what one can do afterwards, in their order the numbered equations and the figures with their captions
beneath the heading of their section, and the recap.
"""

import html
import shutil
import sys
from pathlib import Path

from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[1]


def slides_of(page):
    """Return the slides of a built page: a list of (heading, content as HTML, kind)."""
    article = BeautifulSoup(page.read_text("utf-8"), "html.parser").article
    for of_the_screen in article.select("a.headerlink, p.run"):
        of_the_screen.decompose()
    title = article.h1.get_text().strip()
    question = article.h1.find_next("p").get_text().strip()
    slides = [(title, f"<p>{html.escape(question)}</p>" if len(question) < 200 else "", "title")]
    begins = ("After this chapter", "After this page")
    goals = next((p.find_next("ul") for p in article.find_all("p") if p.get_text().strip().startswith(begins)), None)
    if goals:
        slides.append(("Afterwards you can", str(goals), "list"))
    for found in [*article.select("figure, div.math")]:
        if found.find_parent("details"):
            continue
        heading = found.find_previous(["h1", "h2", "h3"]).get_text().strip()
        if found.name == "figure" and found.img and found.figcaption:
            caption = found.figcaption.select_one(".caption-text") or found.figcaption
            image = found.img
            slides.append((heading, f'<figure><img src="{html.escape(image["src"])}" alt="{html.escape(image.get("alt", ""))}">'
                           f"<figcaption>{caption.decode_contents()}</figcaption></figure>", "figure"))
        elif r"\tag" in found.get_text():
            slides.append((heading, f'<div class="math">{html.escape(found.get_text())}</div>', "formula"))
    recap = article.find(id="recap")
    if recap and recap.ul:
        slides.append(("Recap", str(recap.ul), "list"))
    return slides


def make(book, out):
    """Write a set of slides for each chapter of the book built in the folder `book`, and an index; return their names."""
    shutil.rmtree(out, ignore_errors=True)
    (out / "images").mkdir(parents=True)
    shutil.copytree(book / "_static" / "vendor" / "mathjax", out / "mathjax")
    made = []
    for page in sorted((book / "chapters").glob("[0-9]*.html")):
        slides = slides_of(page)
        body = []
        for i, (heading, content, kind) in enumerate(slides):
            soup = BeautifulSoup(content, "html.parser")
            for image in soup.find_all("img"):
                source = (page.parent / image["src"]).resolve()
                shutil.copy(source, out / "images" / source.name)
                image["src"] = f"images/{source.name}"
            for link in soup.find_all("a"):
                link.unwrap()
            level = "h1" if kind == "title" else "h2"
            body.append(f'<section class="{kind}" id="{i + 1}"><{level}>{html.escape(heading)}</{level}>{soup}</section>')
        title = slides[0][0]
        (out / page.name).write_text(DECK.format(title=html.escape(title), body="\n".join(body)), "utf-8")
        made.append((page.name, title, len(slides)))
    items = "".join(f'<li><a href="{name}">{html.escape(title)}</a> ({n} slides)</li>' for name, title, n in made)
    (out / "index.html").write_text(INDEX.format(items=items), "utf-8")
    return [name for name, _, _ in made]


INDEX = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Slides: Gaussian mixture models from scratch</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1.1rem/1.6 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }}</style>
</head><body><main><h1>Slides</h1>
<p>Arrow keys, Page Up and Page Down, a click or a swipe turn the page. Printing gives one slide a page. Text and figures: CC BY 4.0.</p>
<ul>{items}</ul></main></body></html>
"""

DECK = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; font: clamp(1rem, 2.2vw, 1.8rem)/1.4 system-ui, sans-serif; }}
section {{ display: none; min-height: 100vh; padding: 3vh 5vw 8vh; flex-direction: column; justify-content: center; }}
section.now {{ display: flex; }}
h1 {{ font-size: 1.8em; }} h2 {{ font-size: 1.2em; margin: 0 0 .6em; }}
li {{ margin: .4em 0; }} li p {{ margin: 0; }}
section.list {{ font-size: .85em; }}
figure {{ margin: 0; display: flex; flex-direction: column; align-items: center; gap: 1em; }}
figure img {{ max-width: 100%; max-height: 58vh; width: auto; object-fit: contain; background: white; padding: .5em; border-radius: 4px; }}
figcaption {{ font-size: .8em; max-width: 60em; }}
.math {{ overflow-x: auto; }}
nav {{ position: fixed; bottom: 0; right: 0; padding: .4em 1em; font-size: 1rem; }}
nav button {{ font: inherit; min-width: 2.5em; min-height: 2.2em; }}
@media print {{ section {{ display: flex; break-after: page; min-height: 95vh; }} nav {{ display: none; }} }}
</style>
<script>window.MathJax = {{ options: {{ enableMenu: false }} }};</script>
<script defer src="mathjax/tex-chtml.js"></script>
</head><body><main>
{body}
</main>
<nav aria-label="Slides"><button id="back" aria-label="previous slide">‹</button> <span id="place" aria-live="polite"></span>
<button id="on" aria-label="next slide">›</button></nav>
<script>
const slides = [...document.querySelectorAll("section")];
let now = 0;
function show(i) {{
  now = Math.max(0, Math.min(slides.length - 1, i));
  slides.forEach((slide, j) => slide.classList.toggle("now", j === now));
  document.getElementById("place").textContent = `${{now + 1}} / ${{slides.length}}`;
  history.replaceState(null, "", `#${{now + 1}}`);
  scrollTo(0, 0);
}}
const step = {{ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1}};
addEventListener("keydown", event => {{
  if (event.target.tagName === "BUTTON" && event.key === " ") return;
  if (event.key in step) {{ event.preventDefault(); show(now + step[event.key]); }}
  if (event.key === "Home") show(0);
  if (event.key === "End") show(slides.length - 1);
}});
document.getElementById("back").onclick = () => show(now - 1);
document.getElementById("on").onclick = () => show(now + 1);
let touched = null;
addEventListener("touchstart", event => touched = event.changedTouches[0].clientX);
addEventListener("touchend", event => {{
  const moved = event.changedTouches[0].clientX - touched;
  if (Math.abs(moved) > 60) show(now + (moved < 0 ? 1 : -1));
}});
addEventListener("hashchange", () => show((parseInt(location.hash.slice(1)) || 1) - 1));
show((parseInt(location.hash.slice(1)) || 1) - 1);
</script></body></html>
"""

if __name__ == "__main__":
    book, out = map(Path, sys.argv[1:3] or [ROOT / "_build" / "html", ROOT / "_build" / "slides"])
    names = make(book, out)
    print(f"{len(names)} sets of slides; begin with {out}/index.html")
