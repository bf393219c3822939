"""The class key: a secret of the teacher, from which hidden tests draw their data. It never lies in the repository."""

import hashlib
import hmac
import os
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
HOW_TO = "Make one outside the repository, and keep it: python3 -c 'import secrets; print(secrets.token_hex())' > ~/class-2026.key"


class KeyProblem(Exception):
    """There is no usable class key."""


def read_key(path=None):
    """Return the bytes of the class key: from a file, or without one from the environment variable GRADING_KEY.

    Raises KeyProblem if there is none, if it is short, or if it lies where it could be published.
    """
    if path:
        file = Path(path).expanduser().resolve()
        if not file.is_file():
            raise KeyProblem(f"There is no file {file}. {HOW_TO}")
        if file.is_relative_to(ROOT):
            raise KeyProblem(f"{file} lies in the repository, where it may be published. {HOW_TO}")
        key = file.read_bytes().strip()
    else:
        key = os.environ.pop("GRADING_KEY", "").encode().strip()
        if not key:
            raise KeyProblem(f"No class key: say KEY=file, or set GRADING_KEY. {HOW_TO}")
    if len(key) < 16:
        raise KeyProblem(f"The class key has {len(key)} characters; it needs at least 16. {HOW_TO}")
    return key


def draw(key, *names):
    """Return a numpy generator that only someone with the key can predict: one for each list of names."""
    digest = hmac.new(key, "/".join(map(str, names)).encode(), hashlib.sha256).digest()
    return np.random.default_rng(int.from_bytes(digest))
