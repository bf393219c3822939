"""The reference of the package, written from its docstrings (decisions/0009).

In chapters/api.md a comment stands where a module is to be described:

    <!-- api: em -->                                    all public names of em.py, in the order of the source
    <!-- api: blocks, only run_em score_samples -->     these only: the others are the module's own machinery
    <!-- api: contents -->                              a list of all that is on the page

It becomes Markdown here, before the page is parsed: headings, so that chapters can link to api.md#em_steps, the call, the
text of the docstring, the example with its output, and a link to the source.
"""

import functools
import importlib
import inspect
import re
import textwrap
from pathlib import Path

PACKAGE = "gmm_from_scratch"
COMMENT = re.compile(r"(?m)^<!-- api: (\w+)(?:, only ([\w ]+))? -->$")
WIDTH = 76                          # characters of code that fit beside the sidebars
INLINE = re.compile(r"""
      (?P<code>`[^`]+`)                                                             # marked as code by the writer
    | (?P<string>"[\w+-]+")                                                         # "auto"
    | (?P<heading>(?:(?m:^)|(?<=\.\ ))Raises\b|\bSource:)
    | (?P<work>\b(?:[A-ZÄÖÜ][\w-]+(?:,\ |\ and\ |\ ))+\(\d{4}\))                    # Dempster, Laird and Rubin (1977)
    | (?<!\w)(?P<symbol>[^\W\d_]|max)_(?P<index>[a-z]{1,2}(?:\+1)?)(?![a-zA-Z0-9_]) # r_nk, max_k
    | (?P<parameter>(?<![\w.])\w+(?=:\ ))                                           # tol: stop when ...
    | (?P<class>\b(?!NumPy|JavaScript)[A-Z]\w*[a-z][A-Z]\w*)                        # GaussianMixture
    | (?P<name>(?:[a-z]+\.)+[A-Z]\w+|(?:\w+\.)*\w*_\w*(?:\.\w+)*(?:=(?:"\w+"|\d))?)  # em.Mixture, log_joint, reg_covar="auto"
    | (?P<markup>[\\*_<>\[\]$|#~{}])
    """, re.VERBOSE)


def public_names(module_name, only=None):
    """Return the public functions and classes of a module, by name, in the order of the source."""
    module = _module(module_name)
    found = {name: thing for name, thing in vars(module).items() if not name.startswith("_")
             and (inspect.isclass(thing) or inspect.isfunction(thing)) and thing.__module__ == module.__name__}
    return {name: found[name] for name in only.split()} if only else found


def members(cls):
    """Return the methods and properties that a class has from this package, each with what inspect knows of it."""
    seen = {}
    for each in cls.__mro__:
        if each.__module__.startswith(PACKAGE):
            for name, thing in vars(each).items():
                if not name.startswith("_") and (isinstance(thing, property | classmethod) or inspect.isfunction(thing)):
                    seen.setdefault(name, thing)
    return seen


def call(name, thing):
    """Return how a thing is called, without annotations, in lines that fit; for an exception its bases."""
    if _is_error(thing):
        return f"class {name}({', '.join(base.__name__ for base in thing.__bases__)})"
    signature = inspect.signature(thing)
    bare = [parameter.replace(annotation=parameter.empty) for parameter in signature.parameters.values()]
    signature = signature.replace(parameters=bare, return_annotation=signature.empty)
    line = name + str(signature)
    if len(line) <= WIDTH:
        return line
    lines = [str(parameter) for parameter in bare]
    named = [i for i, parameter in enumerate(bare) if parameter.kind is parameter.KEYWORD_ONLY]
    if named:
        lines.insert(named[0], "*")
    return "\n".join([f"{name}(", *(f"    {line}," for line in lines), ")"])


def shown(code):
    """Return a block of code whose lines wrap on a narrow screen: see course.css."""
    return f"{{.call}}\n```python\n{code}\n```"


def as_markdown(docstring, parameters=(), links=()):
    """Return a docstring as Markdown: examples and indented lines as code, all else as text in which nothing is markup.

    parameters: names that are code where a colon follows; links: where names and citations lead.
    """
    def mend(match):
        text, kind = match[0], match.lastgroup
        if kind == "index":
            return f"{match['symbol']}<sub>{match['index']}</sub>"
        if kind == "markup" or kind == "parameter" and text not in parameters:
            return re.sub(r"([^\w\s]|_)", r"\\\1", text)
        shown = {"heading": f"**{text}**", "code": text, "work": text}.get(kind, f"`{text}`")
        return f"[{shown}]({links[text]})" if text in links and kind != "parameter" else shown

    blocks = []
    for block in re.split(r"\n\s*\n", inspect.cleandoc(docstring)):
        if block.startswith((">>> ", "    ")):
            blocks.append(f"```{'pycon' if block.startswith('>>>') else 'text'}\n{textwrap.dedent(block)}\n```")
            continue
        lines = INLINE.sub(mend, block)
        lines = re.sub(r"(?m)^(?=[-+=])|(?<=^\d)(?=\.)", r"\\", lines)       # no list, no heading
        blocks.append(re.sub(r"(?<=[.:])\n", "\\\\\n", lines))               # a line that ends a sentence was ended on purpose
    return "\n\n".join(blocks)


def slug(heading):
    """Return the anchor that MyST gives a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


class Page:
    """The Markdown of api.md, and what is needed to link from it.

    modules: for each module on the page its names; titles: the heading of each, which says the module where names repeat.
    """

    def __init__(self, source, repository="", branch="", references=""):
        self.source, self.address = source, f"{repository}/blob/{branch}/{PACKAGE}"
        self.root = importlib.import_module(PACKAGE)
        self.modules = {name: public_names(name, only) for name, only in COMMENT.findall(source) if name != "contents"}
        self.titles = {}
        for module, names in self.modules.items():
            for name in names:
                taken = {title.lower() for title in self.titles.values()}
                self.titles[module, name] = name if name.lower() not in taken else f"{module}.{name}"
        self.links = {title: f"#{slug(title)}" for title in self.titles.values() if "_" in title or re.search("[a-z][A-Z]", title)}
        self.links |= {work: f"references.md#{slug(work)}" for work in re.findall(r"(?m)^## (.+)$", references)}

    def markdown(self):
        """Return the page with every comment replaced by what it asks for."""
        return COMMENT.sub(lambda match: self.contents() if match[1] == "contents" else self.module(match[1]), self.source)

    def contents(self):
        def link(title):
            return f"[`{title}`](#{slug(title)})"
        return "\n".join(f"- [{module}.py](#{module}py): " + ", ".join(link(self.titles[module, name]) for name in names)
                         for module, names in self.modules.items())

    def module(self, name):
        text = as_markdown(_module(name).__doc__, links=self.links)
        return "\n\n".join([text, *(self.entry(name, *each) for each in self.modules[name].items())])

    def entry(self, module, name, thing):
        home = PACKAGE if getattr(self.root, name, None) is thing else f"{PACKAGE}.{module}"
        parts = [f"### `{self.titles[module, name]}`", shown(f"from {home} import {name}\n\n{call(name, thing)}"), self.text(thing)]
        if inspect.isclass(thing):
            for member, what in members(thing).items():
                parts.append(f"#### `{name}.{member}`")
                if not isinstance(what, property):
                    parts.append(shown(call(member, _bound(what, thing))))
                parts.append(self.text(getattr(what, "fget", None) or getattr(thing, member), link=False))
        return "\n\n".join(parts)

    def text(self, thing, link=True):
        parameters = () if _is_error(thing) else inspect.signature(thing).parameters
        others = {name: link for name, link in self.links.items() if name != thing.__name__}
        text = as_markdown(thing.__doc__, parameters, others)
        if not link:
            return text
        lines, first = inspect.getsourcelines(thing)
        file = Path(inspect.getsourcefile(thing)).name
        last = first + len(lines) - 1
        return f"{text}\n\n[Code: {file}, lines {first} to {last}]({self.address}/{file}#L{first}-L{last})"


def _module(name):
    return importlib.import_module(f"{PACKAGE}.{name}")


def _is_error(thing):
    return inspect.isclass(thing) and issubclass(thing, Exception)


def _bound(function, cls):
    """Return a method as it is called: without the class or the object itself."""
    return function.__get__(None, cls) if isinstance(function, classmethod) else functools.partial(function, None)


def write_reference(app, docname, source):
    if docname == "chapters/api":
        theme, references = app.config.html_theme_options, Path(app.srcdir) / "chapters" / "references.md"
        page = Page(source[0], theme["repository_url"], theme["repository_branch"], references.read_text("utf-8"))
        for file in [__file__, references, *map(inspect.getsourcefile, map(_module, page.modules))]:
            app.env.note_dependency(str(file))
        source[0] = page.markdown()


def setup(app):
    app.connect("source-read", write_reference)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
