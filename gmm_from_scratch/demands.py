"""The words of a broken law: a fact, its size, and a question. Of each answer the type is asked before the shape."""

import numpy as np


class Broken(Exception):
    """A law is broken: the fact that shows it, with its size, and the question to ask oneself."""

    def __init__(self, fact, question):
        super().__init__(f"{fact} Ask yourself: {question}")
        self.fact = fact


class NotChecked(Exception):
    """The class lacks what a law needs."""


def demand(condition, fact, question):
    if not condition:
        raise Broken(fact, question)


def demand_small(off, allowed, fact, question):
    """Demand that no difference exceeds `allowed`; the place {} in `fact` takes the largest."""
    largest = float(np.max(np.abs(off)))
    demand(largest <= allowed, fact.format(f"{largest:.2g}"), question)        # nan is not small


def numbers(value, name, shape, meaning, question="over which axis does each sum run? Is it an answer for just the rows given?"):
    """Return what a class gave as an array; demand real numbers, and then this shape, whose `meaning` is said."""
    try:
        array = np.asarray(value)
    except ValueError:                          # parts of different lengths
        array = np.array(None)
    kind = f"of type {type(value).__name__}" + f" with entries of type {array.dtype}" * isinstance(value, np.ndarray)
    demand(array.dtype.kind in "biuf", f"{name} is {'None' if value is None else kind}; real numbers are needed.",
           "where does the value come from: is there a return? What would np.array(...) make of it?")
    demand(array.shape == shape, f"{name} has shape {array.shape}: {meaning}, so {shape} is expected.", question)
    return array
