"""Bad values, by what is wrong with them: for each kind of parameter, a strategy of values that must be refused.

Arrays are spoilt in one of many ways, each a function of a random generator and a valid array, so that an example is
cheap and its report names the way. Numbers and texts are drawn by Hypothesis itself.
"""

import datetime
from decimal import Decimal
from math import ceil

import numpy as np
import scipy.sparse
from hypothesis import strategies as st

SEEDS = st.integers(0, 2**32 - 1)
LISTS = st.lists(st.integers(-2, 5), max_size=3)
NOT_NUMBERS = st.one_of(
    st.none(), st.text(max_size=5), st.binary(max_size=5), st.complex_numbers(max_magnitude=1e9), LISTS, st.dictionaries(st.integers(0, 3), st.floats(), max_size=2),
    st.sets(st.integers(0, 3), max_size=2), LISTS.map(np.array), st.builds(object), st.sampled_from([Ellipsis, float, np.sum, np, Decimal("0.5")]),
    st.dates(), st.tuples(st.floats()))


# Arrays: (rng, valid array) -> bad array

def place(rng, array):
    return tuple(rng.integers(length) for length in array.shape)


def with_entries(rng, value, entry, dtype=float):
    """Return a copy that holds entry(rng) at one place or at several, as an array or as nested lists."""
    value = np.array(value, dtype)
    for _ in range(rng.integers(1, 4)):
        value[place(rng, value)] = entry(rng)
    return value if rng.random() < 0.7 else value.tolist()


def with_nan(rng, value):
    return with_entries(rng, value, lambda rng: np.nan, rng.choice([np.float64, np.float32, object]))


def with_infinity(rng, value):
    return with_entries(rng, value, lambda rng: rng.choice([-np.inf, np.inf]), rng.choice([np.float64, np.float32, object]))


def with_huge_entries(rng, value, limit=100):
    return with_entries(rng, value, lambda rng: rng.choice([-1, 1]) * 10 ** rng.uniform(limit + 1, 308))


def with_integers_beyond_floats(rng, value):
    return with_entries(rng, value, lambda rng: 10 ** int(rng.integers(309, 5000)), object)


def with_long_doubles_beyond_floats(rng, value):
    if np.finfo(np.longdouble).max <= np.finfo(float).max:      # this machine has none
        return with_infinity(rng, value)
    return np.full(value.shape, np.longdouble(10) ** int(rng.integers(310, 4900)))


def of_complex_numbers(rng, value):
    array = value + 1j * rng.normal(size=value.shape)
    return [array, array.astype(np.complex64), array.tolist(), array.astype(object)][rng.integers(4)]


def of_text(rng, value):
    array = [value.astype(str), value.astype("S"), value.astype(str).tolist(), value.astype(object)][rng.integers(4)]
    if isinstance(array, np.ndarray) and array.dtype == object:
        array[place(rng, array)] = rng.choice(["", "1", "a", "nan", "2020-01-01"])
    return array


def of_dates(rng, value):
    dtype = rng.choice(["datetime64[D]", "datetime64[us]", "timedelta64[s]"])
    return rng.integers(0, 999, value.shape).astype(dtype).astype(rng.choice([object, dtype]))


def of_objects(rng, value):
    thing = [None, object(), {}, [1.0, 2.0], float, datetime.date(2020, 1, 1), Decimal(1), ...][rng.integers(8)]
    array = value.astype(object)
    array[place(rng, array)] = thing
    return array


def of_records(rng, value):
    return np.zeros(value.shape, [("a", float), ("b", int)][:rng.integers(1, 3)])


def masked(rng, value):
    return np.ma.masked_array(value, mask=rng.random(value.shape) < rng.choice([0, 0.5, 1]))


def sparse(rng, value):
    kind = [scipy.sparse.csr_array, scipy.sparse.csc_array, scipy.sparse.coo_array, scipy.sparse.csr_matrix][rng.integers(4)]
    return kind(np.atleast_2d(value.reshape(len(value), -1)))


def ragged(rng, value):
    rows = np.atleast_2d(value).tolist()
    rows.append(rows[-1] + rows[-1] if rng.random() < 0.5 else [])
    return rows


def with_an_axis_too_many(rng, value):
    return np.expand_dims(value, rng.integers(value.ndim + 1))


def with_an_axis_too_few(rng, value):
    return value[rng.integers(len(value))]


def empty(rng, value):
    shape = list(value.shape)
    shape[rng.integers(len(shape))] = 0
    return [np.empty(shape), [], [[]], ()][rng.integers(4)]


def no_array(rng, value):
    return ["word", b"12", 3.5, 7, True, {"a": [1.0]}, {1.0, 2.0}, object(), (row for row in value), lambda: value, float, np, [None], ...,
            {0: value}, datetime.date(2020, 1, 1)][rng.integers(16)]


def nothing(rng, value):
    return None


WAYS = (with_nan, with_infinity, with_huge_entries, with_integers_beyond_floats, with_long_doubles_beyond_floats, of_complex_numbers, of_text,
        of_dates, of_objects, of_records, masked, sparse, ragged, with_an_axis_too_many, with_an_axis_too_few, empty, no_array, nothing)


def spoil(way, seed, value):
    """Return a bad array: the valid one, spoilt in one way."""
    return way(np.random.default_rng(seed), np.array(value, float))


def arrays(*more, without=(), fixed=(), limit=None):
    """Return a kind of parameter: an array of real numbers.

    more: other ways in which such an array can be bad; without: ways that are none here; fixed: axes whose length the other
    arguments fix; limit: the power of ten up to which entries are allowed, if it is not the usual one.
    """
    def of_another_length(rng, value):
        axis = rng.choice(fixed)
        longer = np.concatenate([value, np.take(value, range(rng.integers(1, value.shape[axis] + 1)), axis=axis)], axis=axis)
        return longer if value.shape[axis] < 2 or rng.random() < 0.5 else np.take(value, range(1, value.shape[axis]), axis=axis)

    def even_more_huge(rng, value):
        return with_huge_entries(rng, value, limit)

    ways = [way for way in WAYS if way not in without] + list(more) + [of_another_length] * bool(fixed)
    if limit:
        ways[ways.index(with_huge_entries)] = even_more_huge
    return lambda value: st.builds(spoil, st.sampled_from(ways), SEEDS, st.just(value))


def negative(rng, value):
    return with_entries(rng, value, lambda rng: -(10 ** rng.uniform(-6, 3)))


def of_zeros(rng, value):
    return np.zeros_like(value)


def zero_somewhere(rng, value):
    value = value.copy()
    value[rng.integers(len(value))] = 0
    return value / value.sum()


def of_another_sum(rng, value):
    value = value.copy()
    value[rng.integers(len(value))] *= rng.choice([0.5, 0.99, 1.01, 2])
    return value


def not_whole(rng, value):
    return with_entries(rng, value, lambda rng: rng.integers(0, 2) + rng.uniform(0.01, 0.99))


def asymmetric(rng, value):
    value[(*place(rng, value[..., 0, 0]), 0, 1)] += rng.choice([-1, 1]) * rng.uniform(0.01, 9)
    return value


def not_positive_definite(rng, value):
    matrix = value[place(rng, value[..., 0, 0])]
    matrix -= (np.linalg.eigvalsh(matrix)[0] + rng.choice([0.01, 1, 9])) * np.eye(len(matrix))
    return value


def not_positive(rng, value):
    return with_entries(rng, value, lambda rng: -rng.choice([0, 0.01, 9]))


def of_labels_beyond(n_groups):
    """Return the way of a label that is n_groups or higher."""
    def beyond(rng, value):
        return with_entries(rng, value, lambda rng: rng.integers(n_groups, 9))
    return beyond


POINTS = arrays()
COVARIANCE_FAULTS = (asymmetric, not_positive_definite)
COVARIANCE = arrays(*COVARIANCE_FAULTS, fixed=[-1, -2], limit=210)
SAMPLE_WEIGHT = arrays(negative, of_zeros, without=[nothing], fixed=[0])
RESP = arrays(negative, of_zeros, of_another_sum, fixed=[0])


def columns(n_axes=1):
    """Return the kind of an array whose last axis has a length that is fixed."""
    return arrays(fixed=[n_axes])


def labels(n_groups=None, *, negative_too=True, fixed=(0,), optional=False):
    """Return the kind of whole numbers, one for each row, below n_groups; negative_too: below zero is bad as well."""
    return arrays(not_whole, *([negative] if negative_too else []), *([of_labels_beyond(n_groups)] if n_groups else []),
                  fixed=list(fixed), without=[nothing] if optional else [])


# Everything else

def counts(least=0, most=None, besides=()):
    """Return the kind of an integer from least to most; besides: texts that are valid too."""
    outside = [st.integers(max_value=least - 1)] + ([st.integers(min_value=most + 1)] if most is not None else [])
    strategy = st.one_of(NOT_NUMBERS, st.floats(), st.booleans(), st.fractions(), st.floats(width=32).map(np.float32), st.just(np.True_),
                         st.just(-(10**5000)), *outside, *outside)
    return lambda value: strategy.filter(lambda bad: not isinstance(bad, str) or bad not in besides)


def numbers(least=0, below=None, besides=()):
    """Return the kind of a number from least up to, and without, below; besides: texts that are valid too."""
    outside = [st.floats(max_value=least, exclude_max=True), st.integers(max_value=ceil(least) - 1), st.integers(min_value=10**101), st.just(10**5000),
               st.floats(min_value=1e100)] + ([st.floats(min_value=below)] if below else [])
    strategy = st.one_of(NOT_NUMBERS, st.booleans(), st.just(np.nan), st.just(np.float32("inf")), *outside)
    return lambda value: strategy.filter(lambda bad: not isinstance(bad, str) or bad not in besides)


def choices(*valid):
    """Return the kind of one of some words."""
    near = st.sampled_from(valid).flatmap(lambda word: st.sampled_from([word.upper(), word + " ", word[1:], [word], (word,), word.encode()]))
    strategy = st.one_of(NOT_NUMBERS, near, near, st.integers(), st.floats(), st.booleans())
    return lambda value: strategy.filter(lambda bad: not isinstance(bad, str) or bad not in valid)


def generators(value):
    """Values that are no source of randomness; None is one."""
    return st.one_of(NOT_NUMBERS.filter(lambda bad: bad is not None), st.integers(max_value=-1), st.floats(), st.booleans(),
                     st.sampled_from([np.random, np.random.default_rng, np.random.Generator, np.random.SeedSequence(1)]))


def flags(value):
    """Values that are neither true nor false."""
    return st.one_of(NOT_NUMBERS, st.integers(), st.floats(), st.sampled_from(["yes", "True", [True]]))


def levels(value):
    """Values that do not say how much to report."""
    return st.one_of(NOT_NUMBERS, st.floats(), st.integers(max_value=-1))


def features(n_features):
    """Return the kind of a list of different columns."""
    def bad_list(seed):
        rng = np.random.default_rng(seed)
        good = rng.permutation(n_features)[:rng.integers(1, n_features + 1)].tolist()
        return [[], [*good, good[0]], [*good, n_features + int(rng.integers(0, 9))], [*good, -int(rng.integers(1, 9))], [*good, 0.0], [float(good[0])],
                [*good, "a"], [*good, None], [*good, True], np.arange(n_features) == 0, [good], [good, [*good, 0]], [np.nan], good[0] + 0.5,
                scipy.sparse.csr_array([[0]]), 1j, np.array([0.0]), {0: 0}, {"a"}][rng.integers(19)]
    return lambda value: st.one_of(SEEDS.map(bad_list), NOT_NUMBERS.filter(lambda bad: not isinstance(bad, list | np.ndarray | tuple)))


def things(*wrong, optional=False):
    """Return the kind of a thing of one type; wrong: values that are nearly of it."""
    strategy = st.one_of(NOT_NUMBERS, st.integers(), st.floats(), *([st.sampled_from(wrong)] if wrong else []))
    return lambda value: strategy.filter(lambda bad: bad is not None or not optional)


def functions(*wrong):
    """Return the kind of a function; wrong: functions that return what they should not."""
    strategy = st.one_of(NOT_NUMBERS, st.integers(), st.floats(), *([st.sampled_from(wrong)] * 2 if wrong else []))
    return lambda value: strategy.filter(lambda bad: any(bad is one for one in wrong) or not callable(bad))


def texts(value):
    """Values that are no text."""
    return st.one_of(NOT_NUMBERS, st.integers(), st.floats()).filter(lambda bad: not isinstance(bad, str))


def lists_of(bad_entry, good, *, empty=True):
    """Return the kind of a list: one bad entry among good ones, or a bad thing in place of the list; empty: so is a list without any."""
    def kind(value):
        entry = bad_entry(good).filter(lambda bad: not isinstance(bad, list | np.ndarray | tuple | dict | set))
        good_ones = st.lists(st.just(good), max_size=2)
        among = st.tuples(good_ones, entry, good_ones).map(lambda parts: [*parts[0], parts[1], *parts[2]])
        alone = entry.filter(lambda bad: not isinstance(bad, bytes) and (empty or bad != ""))
        return st.one_of(among, alone, st.just([[good]]), *([st.just([]), st.just({})] if empty else []))
    return kind
