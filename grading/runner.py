"""Inside the jail: run the student's cells, then answer the grader's calls. Nothing here is trusted, and nothing here is secret."""

import builtins
import importlib.abc
import importlib.machinery
import io
import os
import re
import sys
import types

import numpy as np
from wire import decode, encode, receive, send

MAX_PRINTED = 10 * 2**20        # characters a submission may print, before print raises an error
SPACE = {"__name__": "__main__", "__builtins__": builtins, "display": lambda *things, **options: None}
KEPT, NOTES = [], []


class Printed(io.TextIOBase):
    """Where print goes: counted, and dropped."""

    count = 0

    def writable(self):
        return True

    def write(self, text):
        self.count += len(text)
        if self.count > MAX_PRINTED:
            note(f"printed more than {MAX_PRINTED >> 20} MB")
            raise RuntimeError("printed too much")
        return len(text)


class Forbidden(importlib.abc.MetaPathFinder):
    """Say no to packages that solve the task, and note that they were asked for."""

    def __init__(self, names):
        self.names = names

    def find_spec(self, name, path=None, target=None):
        refused = next((one for one in self.names if name == one or name.startswith(one + ".")), None)
        if refused:
            note(f"imports {refused}, which this assignment does not allow")
            raise ImportError(f"{name} is not allowed in this assignment")


def note(text):
    if text not in NOTES:
        NOTES.append(text)


def stand_in_package(modules):
    """Make the part of gmm_from_scratch that a from-scratch task may use; what would solve the task is missing or does nothing."""
    def missing(name):
        if name.startswith("__"):
            raise AttributeError(name)
        note(f"uses gmm_from_scratch.{name}, which this assignment does not allow")
        raise AttributeError(f"gmm_from_scratch.{name} is not allowed in this assignment: write it yourself")

    def nothing(*args, **kwargs):
        return None

    package = types.ModuleType("gmm_from_scratch")
    package.__path__, package.__version__, package.__getattr__ = [], modules.pop("version"), missing
    package.__spec__ = importlib.machinery.ModuleSpec("gmm_from_scratch", None, is_package=True)
    sys.modules["gmm_from_scratch"] = package
    for name in ("plots", "widgets", "checks"):               # they draw or advise; grading needs neither
        modules.setdefault(name, None)
    for name, source in modules.items():
        module = types.ModuleType(f"gmm_from_scratch.{name}")
        module.__package__ = "gmm_from_scratch"
        sys.modules[module.__name__] = module
        setattr(package, name, module)
        if source is None:
            module.__getattr__ = lambda name: nothing
        else:
            exec(compile(source, f"{name}.py", "exec"), module.__dict__)


def run(source):
    """Run one cell. If it is not Python as it stands, lines for the notebook alone (%magic, !command) are left out."""
    try:
        code = compile(source, "<cell>", "exec")
    except SyntaxError:
        code = compile(re.sub(r"(?m)^([^\S\n]*)[%!?].*", r"\1pass", source), "<cell>", "exec")
    exec(code, SPACE)


def keep(value):
    KEPT.append(value)
    return len(KEPT) - 1


def kept(number, kind):
    return KEPT[number]


def answer(message):
    """Do what one message asks, and return what came of it."""
    kind = message["do"]
    if kind == "run":
        run(message["source"])
        return None
    if kind == "set":
        SPACE[message["name"]] = decode(message["value"], kept)
        return None
    if kind == "describe":
        import inspect
        return list(inspect.signature(resolve(message)).parameters)
    if kind == "has":
        return message["attribute"] in SPACE if message.get("of") is None else hasattr(KEPT[message["of"]], message["attribute"])
    target = resolve(message)
    if kind == "get":
        return target
    args, kwargs = decode(message["args"], kept), decode(message["kwargs"], kept)
    before = [arg.copy() if isinstance(arg, np.ndarray) else None for arg in args]
    result = target(*args, **kwargs)
    return result, [None if old is None or np.array_equal(old, arg, equal_nan=True) else arg for old, arg in zip(before, args)]


def resolve(message):
    """Return the value that a message names: a variable, or an attribute of a value kept here."""
    if message.get("of") is None:
        return SPACE[message["attribute"]]
    value = KEPT[message["of"]]
    return value if message.get("attribute") is None else getattr(value, message["attribute"])


def main():
    pipe_in, pipe_out = os.fdopen(int(sys.argv[1]), "rb"), os.fdopen(int(sys.argv[2]), "wb")
    setup = receive(pipe_in.read)
    if setup["modules"]:
        stand_in_package(setup["modules"])
    sys.meta_path.insert(0, Forbidden(setup["forbidden"]))
    sys.stdout = sys.stderr = Printed()
    send(pipe_out, {"value": "ready"})
    while True:
        try:
            message = receive(pipe_in.read)
        except EOFError:
            return
        before = len(NOTES)
        try:
            reply = {"value": encode(answer(message), keep)}
        except BaseException as error:      # whatever the student's code raises, SystemExit among it
            reply = {"error": type(error).__name__, "message": str(error)[:500]}
        send(pipe_out, reply | {"notes": NOTES[before:]})


if __name__ == "__main__":
    main()
