"""What the benchmarks share: sides that take turns, the memory of one call, and the command line."""

import argparse
import datetime
import os
import platform
import sys
import time
import tracemalloc

import numpy as np
import sklearn

from gmm_from_scratch.threads import blas_controls

SIZES = [(10_000, 2, 3), (100_000, 2, 8), (1_000_000, 2, 8), (100_000, 10, 10), (100_000, 50, 16), (1_000_000, 16, 16)]     # N, D, K
QUICK = [(10_000, 2, 3), (100_000, 2, 8), (100_000, 10, 10)]
DTYPES = ("float64", "float32")
PAUSE = 0.1     # seconds before each turn: the threads of a BLAS go on looking for work for a while, on a core the other side needs
TURN = 0.2      # seconds that a turn lasts at least: the first milliseconds after a pause are slow
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def parser(description):
    """Return a parser with the options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three of the six sizes")
    parser.add_argument("--one-thread", action="store_true", help="one thread each, time of the processor: for a busy machine")
    parser.add_argument("--size", help="one size alone, as 100000x2x8")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each side, 3 unless told")
    parser.add_argument("--dtype", choices=DTYPES, help="one type of number alone")
    return parser


def begin(options):
    """Say what machine this is and return the clock to use; start anew if a variable that is read on import must be set."""
    if options.one_thread and any(os.environ.get(name) != value for name, value in ONE_THREAD.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ONE_THREAD})
    controls = blas_controls()
    print(f"{datetime.date.today()}, {os.cpu_count()} cores ({platform.machine()}), load {os.getloadavg()[0]:.1f}, BLAS threads "
          f"{controls[0]() if controls else 'unknown'}, Python {platform.python_version()}, NumPy {np.__version__}, "
          f"scikit-learn {sklearn.__version__}; {options.rounds} rounds, time of the "
          f"{'processor' if options.one_thread else 'clock'}\n")
    return time.process_time if options.one_thread else time.perf_counter


def sizes(options, all_sizes=SIZES):
    """Return the sizes that the options ask for."""
    return [size for size in all_sizes if (size in QUICK or not options.quick) and options.size in (None, "x".join(map(str, size)))]


def label(N, D, K):
    """Return a size in a few characters that stay in one line of a table."""
    rows = f"{N // 10**6}M" if N % 10**6 == 0 else f"{N // 1000}k"
    return f"{rows}\u00a0×\u00a0{D}\u00a0×\u00a0{K}"


def take_turns(sides, rounds, clock):
    """Call each of the sides in turns, and return the seconds that a call took, (sides, rounds), and the last results.

    A call that is shorter than a turn is repeated.
    """
    times, results = [[] for _ in sides], [None] * len(sides)
    for turn in range(rounds):
        for side in list(range(len(sides)))[::(1, -1)[turn % 2]]:
            time.sleep(PAUSE)
            start, n_calls, passed = clock(), 0, 0.0
            while passed < TURN:
                results[side] = sides[side]()
                n_calls, passed = n_calls + 1, clock() - start
            times[side].append(passed / n_calls)
    return np.array(times), results


def largest_difference(arrays, others):
    """Return by how much some arrays differ from as many others, as a share of the largest entry of each of the others."""
    return max(np.abs(one - other).max() / np.abs(other).max() for one, other in zip(arrays, others))


def peak_memory(f):
    """Return the most MiB that f held at one time."""
    tracemalloc.start()
    try:
        f()
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def summary(ratios):
    """Print the geometric mean and the worst of the ratios of each kind, a dict of lists."""
    print()
    for kind, values in ratios.items():
        print(f"- {kind}: geometric mean {np.exp(np.mean(np.log(values))):.2f}, worst {min(values):.2f}, of {len(values)} cases")
