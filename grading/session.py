"""One submission at work in its jail, seen from the grader: run its cells, call its functions, never wait for ever."""

import contextlib
import inspect
import io
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import wire

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent / "gmm_from_scratch"
# What a from-scratch task may use of the package. `gaussian` there can draw points, and nothing else.
STAND_IN = ["exceptions", "validation", "gaussian", "data", "exercises"]
GAUSSIAN = "def sample_gaussian(n, mean, covariance, rng=None):\n    return rng.multivariate_normal(mean, covariance, n)\n"
SOLVERS = ["sklearn", "scipy.stats", "scipy.cluster", "hmmlearn", "pomegranate", "mclust", "torch", "jax", "tensorflow", "pycave",
           "statsmodels"]


class Limits(NamedTuple):
    """How much a submission may use: seconds of the clock a call, a cell, in all; of the processor; bytes; processes; restarts."""

    call_seconds: float = 30
    cell_seconds: float = 60
    all_seconds: float = 600
    cpu_seconds: int = 500
    memory_bytes: int = 2 * 2**30
    scratch_bytes: int = 64 * 2**20
    processes: int = 4
    restarts: int = 3


class SubmissionError(Exception):
    """The student's code raised an error, was stopped, or answered with nonsense."""


class Missing(AttributeError):
    """The submission has no such name."""


def namespaces_work():
    """Return "" if a submission can be cut off from network and files on this machine, else the reason why it cannot."""
    if sys.platform != "linux":
        return f"{sys.platform} has no Linux namespaces"
    with tempfile.TemporaryDirectory() as root:
        command = _command(_settings(root, Limits(), 0, True, "all"), ["/bin/true"])
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if run.returncode == 0 else (run.stderr.strip().splitlines() or [f"exit code {run.returncode}"])[-1]


def _command(settings, program):
    return [sys.executable, "-I", str(HERE / "jail.py"), json.dumps(settings), *program]


def _settings(root, limits, place, isolated, allowed):
    """Return what jail.py wants to know."""
    visible = [str(HERE / "runner.py"), str(HERE / "wire.py"), *([str(PACKAGE)] if allowed == "all" else [])]
    for prefix in {sys.prefix, sys.base_prefix, sys.exec_prefix, str(Path(sys.executable).resolve().parent.parent)}:
        if not any(prefix == shown or prefix.startswith(shown + "/") for shown in ["/usr", *visible]):
            visible.append(prefix)
    libraries = {path for path in sys.path if path.endswith("-packages")}
    for prefix in {"/usr", "/usr/local", sys.base_prefix}:              # what is installed there could be found by whoever looks for it
        libraries |= {str(path) for path in Path(prefix, "lib").glob("python3*/*-packages")}
    solvers = [name.replace(".", "/") for name in [*SOLVERS, "gmm_from_scratch"]]
    hidden = [f"{path}/{name}" for path in libraries for name in solvers] if allowed == "scratch" else []
    home = dict.fromkeys(["HOME", "TMPDIR", "MPLCONFIGDIR"], "/scratch" if isolated else root)
    environment = {**home, "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1",
                   "MPLBACKEND": "agg", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
    return {"isolated": isolated, "root": root, "visible": visible, "hidden": hidden, "place": place, "environment": environment,
            "cpu_seconds": limits.cpu_seconds, "memory_bytes": limits.memory_bytes, "scratch_bytes": limits.scratch_bytes,
            "processes": limits.processes}


class Session:
    """The submission's process. It is started when first needed, and again, without the cell at fault, after it was stopped."""

    def __init__(self, cells, *, allowed, student, version, limits=None, place=0, isolated=True):
        """cells: [(index, is it the setup cell, its text)]; student: the id that the setup cell is to see, whatever is claimed."""
        self.cells, self.allowed, self.student, self.version = cells, allowed, student, version
        self.limits, self.place, self.isolated = limits or Limits(), place, isolated
        self.process, self.generation, self.bad, self.notes, self.errors = None, 0, set(), [], {}
        self.claimed, self.ends = None, time.monotonic() + self.limits.all_seconds

    def note(self, text):
        """Remember something for the report."""
        if text not in self.notes and len(self.notes) < 20:
            self.notes.append(text)

    # The process

    def start(self):
        """Start the process and run all cells in it."""
        if self.generation > self.limits.restarts:
            raise SubmissionError("The code had to be stopped too often; nothing more was run.")
        self.generation += 1
        self.root = tempfile.mkdtemp()
        if self.isolated and os.geteuid() == 0:
            os.chmod(self.root, 0o755)
        to_child, self.out = os.pipe()
        self.inp, from_child = os.pipe()
        program = [sys.executable, "-s", "-P", "-c", f"import sys; sys.path.insert(0, {str(HERE)!r}); import runner; runner.main()",
                   str(to_child), str(from_child)]
        if self.allowed == "all":
            program[4] = f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r}); " + program[4]
        settings = _settings(self.root, self.limits, self.place, self.isolated, self.allowed)
        self.process = subprocess.Popen(_command(settings, program), pass_fds=(to_child, from_child), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(to_child)
        os.close(from_child)
        os.set_blocking(self.out, False)
        modules = {}
        if self.allowed == "scratch":
            modules = {name: GAUSSIAN if name == "gaussian" else (PACKAGE / f"{name}.py").read_text("utf-8") for name in STAND_IN}
            modules["version"] = self.version
        self._send({"modules": modules, "forbidden": SOLVERS if self.allowed == "scratch" else []}, 30)
        self._receive(30)
        for index, is_setup, text in self.cells:
            if index in self.bad:
                continue
            try:
                if is_setup:
                    self._identify()
                self._ask({"do": "run", "source": text}, self.limits.cell_seconds)
            except SubmissionError as error:
                self.errors[index] = str(error)
                if self.process is None:
                    self.bad.add(index)
                    self.note(f"cell {index + 1}: {error}")
                    return self.start()
        return None

    def _identify(self):
        if self._ask({"do": "has", "attribute": "STUDENT"}, 5):
            self.claimed = self._ask({"do": "get", "attribute": "STUDENT"}, 5)
        self._ask({"do": "set", "name": "STUDENT", "value": self.student}, 5)

    def stop(self):
        """End the process and all that it started."""
        if self.process is None:
            return
        if self.isolated:                   # jail.py then ends the first process of the jail, and the kernel all others in it
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None
        os.close(self.inp)
        os.close(self.out)
        shutil.rmtree(self.root, ignore_errors=True)

    # Questions and answers

    def _wait(self, descriptor, event, deadline):
        poll = select.poll()
        poll.register(descriptor, event)
        if not poll.poll(max(0, 1000 * (deadline - time.monotonic()))):
            raise TimeoutError

    def _send(self, message, seconds):
        deadline, frame = min(time.monotonic() + seconds, self.ends), _frame(message)
        try:
            while frame:
                self._wait(self.out, select.POLLOUT, deadline)
                frame = frame[os.write(self.out, frame[:65536]):]
        except (TimeoutError, OSError) as error:
            self._give_up(error, seconds)

    def _receive(self, seconds):
        deadline = min(time.monotonic() + seconds, self.ends)

        def read(n):
            parts = []
            while n:
                self._wait(self.inp, select.POLLIN, deadline)
                part = os.read(self.inp, min(n, 65536))
                if not part:
                    break
                parts.append(part)
                n -= len(part)
            return b"".join(parts)

        try:
            reply = wire.receive(read)
            notes = reply.get("notes", [])
            for text in notes if isinstance(notes, list) else []:
                self.note(str(text)[:200])
            if "error" in reply:
                return reply
            return {"value": wire.decode(reply["value"], self._kept)}
        except Exception as error:          # whatever a submission sends that is not an answer
            return self._give_up(error, seconds)

    def _give_up(self, error, seconds):
        code = self.process.poll()
        self.stop()
        if isinstance(error, TimeoutError):
            late = time.monotonic() >= self.ends
            raise SubmissionError(f"stopped after {self.limits.all_seconds if late else seconds:g} s"
                                  + " for the whole notebook" * late) from None
        if isinstance(error, EOFError | OSError):
            raise SubmissionError(f"the process ended{'' if code is None else f' (code {code})'}: too much memory or time, "
                                  "or the code ended it") from None
        raise SubmissionError("what came back was no answer") from error

    def _kept(self, number, kind):
        return StandIn(self, number, kind)

    def _ask(self, message, seconds):
        self._send(message, seconds)
        reply = self._receive(seconds)
        if "error" in reply:
            name, text = str(reply["error"])[:80], str(reply.get("message", ""))[:500]
            if name == "ModuleNotFoundError":
                self.note(f"{text}: is it installed where grades are made?")
            raise RemoteError(name, text)
        return reply["value"]

    def ask(self, message):
        """Ask one thing of the submission, and start it if it is not at work."""
        if self.process is None:
            self.start()
        return self._ask(message, self.limits.call_seconds)

    def has(self, name):
        """Return whether the submission defines this name."""
        return self.ask({"do": "has", "attribute": name}) is True

    def value(self, name):
        """Return a value of the submission: data, or a stand-in for what cannot travel."""
        if not self.has(name):
            raise Missing(f"There is no {name} in the notebook.")
        value = self.ask({"do": "get", "attribute": name})
        return StandIn(self, None, name) if isinstance(value, StandIn) else value


class RemoteError(SubmissionError):
    """The student's code raised an exception; name: its type."""

    def __init__(self, name, text):
        super().__init__(f"It raised {name}: {text}" if text else f"It raised {name}.")
        self.name = name


def _frame(message):
    stream = io.BytesIO()
    wire.send(stream, message)
    return stream.getvalue()


class StandIn:
    """Stands in the grader for a function, a class or an object of the student. Calls go there, data come back."""

    def __init__(self, session, number, kind):
        self._session, self._number, self._kind, self._generation = session, number, kind, session.generation
        self._watched, self.__name__ = False, kind

    def watched(self):
        """Return the same, but let what its calls do to arrays be done to the grader's arrays, too: for laws that look at just that."""
        twin = StandIn(self._session, self._number, self._kind)
        twin._watched, twin._generation = True, self._generation
        return twin

    def _like_me(self, value):
        return value.watched() if self._watched and isinstance(value, StandIn) else value

    def _target(self):
        if self._number is None:
            return {"attribute": self._kind}
        if self._generation != self._session.generation:
            raise SubmissionError("The code was stopped, and this object is gone.")
        return {"of": self._number}

    def __call__(self, *args, **kwargs):
        """Call it there, with copies of the arrays: whatever it does to them, the grader's stay as they are, unless this is `watched`."""
        message = self._target() | {"do": "call", "args": wire.encode(tuple(map(_outward, args))),
                                    "kwargs": wire.encode({name: _outward(value) for name, value in kwargs.items()})}
        reply = self._session.ask(message)
        if not isinstance(reply, tuple) or len(reply) != 2 or not isinstance(reply[1], list):
            raise SubmissionError("what came back was no answer")
        for mine, changed in zip(args, reply[1]) if self._watched else ():
            if isinstance(mine, np.ndarray) and isinstance(changed, np.ndarray) and changed.shape == mine.shape:
                mine[...] = changed
        return self._like_me(reply[0])

    def __getattr__(self, name):
        if name == "__signature__":
            names = self._session.ask(self._target() | {"do": "describe"})
            kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
            return inspect.Signature([inspect.Parameter(str(n), kind) for n in names if str(n).isidentifier()])
        if name.startswith("__"):
            raise AttributeError(name)
        target = self._target()
        number = target.get("of")
        if number is None:
            raise AttributeError(name)
        try:
            return self._like_me(self._session.ask({"do": "get", "of": number, "attribute": name}))
        except RemoteError as error:
            raise AttributeError(name) if error.name == "AttributeError" else error from None


def _outward(value):
    return wire.Reference(value._number, value._kind) if isinstance(value, StandIn) else value
