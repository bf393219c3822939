"""Formulas in pages for teachers and students, as MathML, which a browser draws by itself: no script, no other host."""

import html
import re
from xml.etree import ElementTree

from latex2mathml.converter import convert_to_element

# As in notebooks: $$...$$, or $...$ without white space inside the signs, so that "$5 and $6" is no formula.
FORMULA = re.compile(r"\$\$(?P<block>[^$]{1,2000})\$\$|\$(?!\s)(?P<inline>[^$\n]{1,1000})(?<!\s)\$(?!\d)")
ATTRIBUTES = {"xmlns", "display", "mathvariant", "stretchy", "fence", "linethickness", "columnalign", "minsize", "maxsize",
              "movablelimits"}


def as_html(text):
    """Return a plain text as HTML: signs of markup as signs, formulas as formulas."""
    return _drawn(html.escape(text, quote=False))


def in_page(page):
    """Return a page of HTML with the formulas of its text drawn; code stays as it is."""
    parts = re.split(r"(?is)(<(?:pre|code|style|title)\b.*?</(?:pre|code|style|title)>|<[^>]*>)", page)
    return "".join(part if i % 2 else _drawn(part) for i, part in enumerate(parts))


def _drawn(escaped):
    return FORMULA.sub(lambda found: _mathml(html.unescape(found["block"] or found["inline"]), bool(found["block"])) or found[0], escaped)


def _mathml(tex, block):
    """Return a formula as MathML, or None if it cannot be read. Nothing in it can run: a student may have written it."""
    try:
        tex = html.unescape(tex)            # what was made harmless before has been escaped twice
        root = convert_to_element(tex, display="block" if block else "inline")
        for element in root.iter():
            element.text = html.unescape(element.text) if element.text else element.text      # the library has written signs as &#x...;
            element.attrib = {name: value for name, value in element.attrib.items() if name in ATTRIBUTES}
        return ElementTree.tostring(root, encoding="unicode")
    except Exception:       # the library raises many kinds, RecursionError among them
        return None
