"""Makes the grader's modules importable, and the released assignments once."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "grading"), str(ROOT), str(Path(__file__).parent)]

KEY = b"the key of a class that does not exist"


@pytest.fixture(scope="session")
def released(tmp_path_factory):
    """Return the folder into which `make assignments` would put its work."""
    import release
    out = tmp_path_factory.mktemp("assignments")
    release.release(out)
    return out
