"""What a submission can and cannot do. Skipped in part where the machine has no namespaces; the report then says so to the teacher."""

import os
import select

import numpy as np
import pytest
import session
import wire
from session import Limits, Session, SubmissionError

from gmm_from_scratch.exercises import student_rng

REASON = session.namespaces_work()
isolated = pytest.mark.skipif(bool(REASON), reason=f"no isolation on this machine: {REASON}")

CODE = """
import os, socket
import numpy as np

def everything(): return [os.path.join(f, n) for f, _, names in os.walk("/") for n in names if n.endswith((".ipynb", ".csv", ".key", ".db"))]
def grader(): return open(GRADER).read()
def network(): return socket.create_connection(("192.0.2.1", 80), timeout=2)
def outside(): return open("/usr/planted", "w")
def many_files(): return [os.close(os.open(str(i), os.O_CREAT)) for i in range(10**6)]
def solver():
    import scipy.stats
text = ("K = %d"
        % 5)
def big_file(): return open("big", "wb").write(bytes(80 * 2**20))
def memory(): return np.ones(2**30)
def user(): return os.getuid()
def signals(): return os.kill(1, 9)
def environment(): return sorted(os.environ)
def changes(a):
    a[0] = 7
def twice(a, *, scale=2): return scale * a, ["x", {"k": 1.5}], float("inf")
class Model:
    def __init__(self, k=2, tol=0.1): self.k = k
    def fit(self, X):
        self.mean_ = X.mean(axis=0)
        return self
    def greedy(self, X):
        X[:] = 8
"""


@pytest.fixture(scope="module")
def inside():
    work = Session([(0, False, f"GRADER = {session.__file__!r}\nSTUDENT = 'eve'"), (1, True, "from gmm_from_scratch.exercises import student_rng\n"
                    "drawn = student_rng(STUDENT, 1).normal(size=3)"), (2, False, CODE)],
                   allowed="scratch", student="ada", version="0.1.0", limits=Limits(call_seconds=15), isolated=not REASON)
    yield work
    work.stop()


def test_it_answers_calls_with_data(inside):
    doubled, rest, infinite = inside.value("twice")(np.arange(6.0).reshape(2, 3), scale=3)
    np.testing.assert_array_equal(doubled, 3 * np.arange(6.0).reshape(2, 3))
    assert rest == ["x", {"k": 1.5}] and infinite == np.inf
    assert inside.value("text") == "K = 5"                    # a line that begins with % may be Python


def test_what_a_function_does_to_its_argument_is_done_to_a_copy(inside):
    """Else an answer could turn the question, after it was asked, into one that is easy."""
    array = np.zeros(3)
    inside.value("changes")(array)
    assert array.tolist() == [0, 0, 0]
    inside.value("changes").watched()(array)
    assert array.tolist() == [7, 0, 0]
    model = inside.value("Model").watched()(2)
    model.greedy(array)
    assert array.tolist() == [8, 8, 8]                        # what a watched class makes is watched as well


def test_a_class_there_can_be_asked_like_one_here(inside):
    import inspect
    Model = inside.value("Model")
    assert list(inspect.signature(Model).parameters) == ["k", "tol"]
    model = Model(3).fit(np.eye(3))
    np.testing.assert_allclose(model.mean_, 1 / 3)
    assert model.k == 3 and not hasattr(model, "weights_")


def test_the_id_is_that_of_the_class_list(inside):
    inside.value("drawn")
    assert inside.claimed == "eve"
    np.testing.assert_array_equal(inside.value("drawn"), student_rng("ada", 1).normal(size=3))


@isolated
def test_it_sees_no_file_but_those_of_python(inside):
    seen = inside.value("everything")()
    ours = [path for path in seen if not path.startswith("/usr/") and "/site-packages/" not in path and "/lib/python" not in path]
    assert ours == []
    with pytest.raises(SubmissionError, match="FileNotFoundError"):
        inside.value("grader")()
    assert not [name for name in inside.value("environment")() if "KEY" in name or "TOKEN" in name]


@isolated
@pytest.mark.parametrize(("name", "error"), [("network", "OSError|unreachable"), ("outside", "Read-only file system"), ("big_file", "File too large|No space"),
                                             ("many_files", "No space"), ("solver", "scipy.stats is not allowed")])
def test_it_reaches_nothing(inside, name, error):
    with pytest.raises(SubmissionError, match=error):
        inside.value(name)()


@isolated
def test_it_is_not_root_even_if_the_grader_is(inside):
    assert inside.value("user")() >= session.__dict__.get("NOBODY", 60000)


def test_memory_has_a_limit(inside):
    with pytest.raises(SubmissionError, match="MemoryError"):
        inside.value("memory")()


def test_what_is_stopped_starts_again_without_the_cell_at_fault():
    work = Session([(0, False, "def f(): return 1"), (1, False, "while True: pass"), (2, False, "def g():\n    while True: pass"), (3, False, "x = 2")],
                   allowed="scratch", student="ada", version="0", limits=Limits(call_seconds=1, cell_seconds=1), isolated=not REASON)
    try:
        assert work.value("f")() == 1 and work.bad == {1}
        with pytest.raises(SubmissionError, match="stopped after 1 s"):
            work.value("g")()
        assert work.value("x") == 2
        for _ in range(5):
            with pytest.raises(SubmissionError):
                work.value("g")()
        with pytest.raises(SubmissionError, match="too often"):
            work.value("f")()
    finally:
        work.stop()


@isolated
def test_nothing_is_left_running():
    """Not even what left its group of processes and said that it need not end with its parent."""
    hide = "import ctypes, os, time\nctypes.CDLL(None).prctl(1, 0)\nos.setsid()\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(10**6)\nx = 1"
    work = Session([(0, False, hide)], allowed="scratch", student="ada", version="0", limits=Limits(call_seconds=15))
    assert work.value("x") == 1
    end = os.dup(work.inp)                                    # the pipe into which each of them could write
    work.stop()
    poll = select.poll()
    poll.register(end)
    assert poll.poll(5000) and os.read(end, 1) == b""         # nobody holds its other end
    os.close(end)


@pytest.mark.parametrize("frame", [{"array": "AAAA", "dtype": "<f8", "shape": [1000000]}, {"array": "", "dtype": "|O", "shape": [0]},
                                   {"array": "", "dtype": "<f8", "shape": [-1]}, {"pickle": "gASVAA=="}, [1, 2]])
def test_the_grader_takes_only_what_was_agreed(frame):
    with pytest.raises((wire.WireError, TypeError, ValueError)):
        wire.decode(frame)


def test_values_come_back_as_they_were():
    for value in (None, True, 3, 2.5, -np.inf, "text", [1, (2, "x")], {"a": 1}, np.arange(4), np.array([[True]]), np.float32(1.5)):
        again = wire.decode(wire.encode(value))
        assert type(again) is type(value)
        np.testing.assert_equal(again, value)
    rng = np.random.default_rng(5)
    assert wire.decode(wire.encode(rng)).random() == rng.random()
