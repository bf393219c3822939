"""What goes over the pipe between grader and submission: frames of JSON, arrays in it by name. No pickle, nothing that runs.

Both ends use this file. The grader trusts nothing it reads: sizes, depths and types are limited, all else is a WireError.
"""

import base64
import json
import math
import struct

import numpy as np

MAX_FRAME = 32 * 2**20          # bytes
MAX_DEPTH = 6
MAX_TEXT = 4000                 # characters of a text that a submission sends


class WireError(Exception):
    """What came over the pipe is not what was agreed."""


class Reference:
    """A value that stays in the submission's process; here only its number, and the name of its type."""

    def __init__(self, number, kind):
        self.number, self.kind = number, kind


def encode(value, keep=None, depth=0):
    """Return a value as JSON has it. keep(value): gives the number under which a value that cannot travel is kept."""
    if depth > MAX_DEPTH:
        raise WireError("a value is nested too deeply")
    if value is None or isinstance(value, bool) or value is Ellipsis:
        return None if value is Ellipsis else value
    if isinstance(value, int) and abs(value) < 2**63:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, str):
        return value[:MAX_TEXT] if keep else value
    if isinstance(value, np.generic | np.ndarray) and value.dtype.kind in "fiub" and type(value) in (np.ndarray, type(value.dtype.type(0))):
        array = np.ascontiguousarray(value).astype(value.dtype.newbyteorder("<"), copy=False)
        return {"array": base64.b64encode(array.tobytes()).decode(), "dtype": array.dtype.str, "shape": list(np.shape(value))}
    if isinstance(value, list | tuple):
        return {"list" if isinstance(value, list) else "tuple": [encode(part, keep, depth + 1) for part in value]}
    if isinstance(value, dict):
        return {"dict": [[encode(k, keep, depth + 1), encode(v, keep, depth + 1)] for k, v in value.items()]}
    if isinstance(value, Reference):
        return {"kept": value.number}
    if isinstance(value, np.random.Generator) and isinstance(value.bit_generator, np.random.PCG64):
        return {"generator": [str(number) for number in value.bit_generator.state["state"].values()]}      # integers of 128 bits
    if keep is None:
        raise WireError(f"a {type(value).__name__} cannot be sent")
    return {"kept": keep(value), "type": str(type(value).__name__)[:80]}


def decode(value, kept=None, depth=0):
    """Return what `encode` was given. kept(number, type): gives the value for one that stayed on the other side."""
    if depth > 2 * MAX_DEPTH:
        raise WireError("a value is nested too deeply")
    if not isinstance(value, dict):
        if isinstance(value, list):
            raise WireError("a bare list")
        return value
    if "float" in value:
        return {"inf": math.inf, "-inf": -math.inf}.get(value["float"], math.nan)
    if "array" in value:
        return _array(value)
    if "list" in value:
        return [decode(part, kept, depth + 1) for part in value["list"]]
    if "tuple" in value:
        return tuple(decode(part, kept, depth + 1) for part in value["tuple"])
    if "dict" in value:
        return {decode(k, kept, depth + 1): decode(v, kept, depth + 1) for k, v in value["dict"]}
    if "generator" in value:
        generator = np.random.default_rng()
        generator.bit_generator.state = generator.bit_generator.state | {"state": dict(zip(["state", "inc"], map(int, value["generator"])))}
        return generator
    if "kept" in value and kept:
        return kept(int(value["kept"]), str(value.get("type", "object"))[:80])
    raise WireError("an unknown kind of value")


def _array(value):
    dtype, shape = np.dtype(str(value["dtype"])), tuple(int(n) for n in value["shape"])
    data = base64.b64decode(value["array"])
    if dtype.kind not in "fiub" or dtype.itemsize > 8 or any(n < 0 for n in shape) or math.prod(shape) * dtype.itemsize != len(data):
        raise WireError("an array that does not fit its own description")
    array = np.frombuffer(data, dtype).reshape(shape).copy()
    return array if shape else array[()]


def send(stream, message):
    """Write one frame."""
    data = json.dumps(message).encode()
    if len(data) > MAX_FRAME:
        raise WireError("a frame that is too long")
    stream.write(struct.pack("<I", len(data)) + data)
    stream.flush()


def receive(read):
    """Return the next frame. read(n): gives n bytes, or fewer at the end."""
    head = read(4)
    if len(head) < 4:
        raise EOFError
    (length,) = struct.unpack("<I", head)
    if length > MAX_FRAME:
        raise WireError("a frame that is too long")
    data = read(length)
    if len(data) < length:
        raise EOFError
    try:
        message = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise WireError("a frame that is no JSON") from error
    if not isinstance(message, dict):
        raise WireError("a frame that is no message")
    return message
