"""More rows than memory holds: what ends under a limit of memory, and how the time grows up to 10^8 rows.

First each side fits a file that is larger than the memory it may use, in a process of its own. What is limited is the memory
that a program asks for (RLIMIT_DATA of Linux); pages of a file that the system keeps at hand do not count. scikit-learn is
given the same numpy.memmap.

Then one round of EM on rows that are made block by block, and never held. (Each block is one of 100,000 random rows, moved by a
shift of its own: to make it takes a tenth of the round's time.) The slope is that of log time against log N: 1 says that twice
the rows take twice the time.

    python bench/out_of_core.py [--quick] [--rounds 3]
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import side_by_side

from gmm_from_scratch import Mixture
from gmm_from_scratch.blocks import run_em
from gmm_from_scratch.table import Stream

D, MIB, HEADROOM = 16, 2**20, 64
BLOCK = 100_000
PROGRAM = """
import re, resource, sys, time, warnings
import numpy as np
from {package} import GaussianMixture
warnings.simplefilter("ignore")
N, D, path, headroom = {N}, {D}, {path!r}, {headroom}
def fit(X):
    return GaussianMixture(4, covariance_type="diag", random_state=0, max_iter=5).fit(X)
fit(np.random.default_rng(0).normal(size=(20_000, D)))              # what is made once is there before the limit
held = int(re.search(r"VmData:\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (held + headroom,) * 2)
start = time.perf_counter()
try:
    model = fit(np.memmap(path, mode="r", dtype=float, shape=(N, D)))
    print(f"ends after {{time.perf_counter() - start:.1f}} s, {{model.n_iter_}} rounds")
except MemoryError as error:
    print("MemoryError:", str(error) or "no text")
"""


def under_a_limit(rows):
    """Print what becomes of each side that may use HEADROOM MiB beyond what it has loaded, on a larger file."""
    with tempfile.TemporaryDirectory() as folder:
        path, rng = Path(folder) / "rows", np.random.default_rng(0)
        with path.open("wb") as file:
            for _ in range(rows // BLOCK):
                file.write((rng.normal(size=(BLOCK, D)) + 4 * rng.integers(4, size=(BLOCK, 1))).tobytes())
        print(f"{rows} x {D} numbers in a file of {path.stat().st_size / MIB:.0f} MiB; a program may ask for {HEADROOM} MiB more "
              "than it has when the fit begins\n\n| library | what becomes of the fit |\n|---|---|")
        for package in ("sklearn.mixture", "gmm_from_scratch"):
            program = PROGRAM.format(package=package, N=rows, D=D, path=str(path), headroom=HEADROOM * MIB)
            run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
            print(f"| {package.split('.')[0]} | {run.stdout.strip() or run.stderr.strip().splitlines()[-1]} |", flush=True)


def blocks(n_rows):
    """Return a function that gives so many rows in 2-D, block by block, the same each time: eight groups."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=(min(BLOCK, n_rows), 2)) + 6 * np.stack(np.divmod(rng.integers(8, size=min(BLOCK, n_rows)), 2), axis=1)
    shifts = 0.1 * rng.normal(size=(max(1, n_rows // BLOCK), 2))
    return lambda: (base + shift for shift in shifts)


def against_rows(options):
    """Print the time of one round against the number of rows."""
    means = [[6.0 * i + 0.5, 6.0 * j] for i in range(4) for j in range(2)]
    start = Mixture(np.full(8, 1 / 8), means, [np.eye(2)] * 8)
    print("\n| N | s for a round | million rows a second |\n|---:|---:|---:|")
    rows, seconds = [10**4, 10**5, 10**6, 10**7] + ([] if options.quick else [10**8]), []
    for N in rows:
        stream, repeats = Stream(blocks(N)), max(1, 10**6 // N)      # measured once
        def rounds(stream=stream, repeats=repeats):
            return [run_em(stream, start, max_iter=0) for _ in range(repeats)]
        times, _ = side_by_side.take_turns([rounds], options.rounds if N < 10**8 else 1, options.clock)
        seconds.append(np.median(times) / repeats)
        print(f"| 10^{round(np.log10(N))} | {seconds[-1]:.4f} | {N / seconds[-1] / 1e6:.0f} |", flush=True)
    print(f"\nslope of log time against log N: {np.polyfit(np.log(rows), np.log(seconds), 1)[0]:.2f}")


def main():
    options = side_by_side.parser(__doc__).parse_args()
    options.clock = side_by_side.begin(options)
    if sys.platform.startswith("linux"):
        under_a_limit(1_000_000 if options.quick else 4_000_000)
    else:
        print("No limit of memory can be set here that leaves out files: this needs Linux.")
    against_rows(options)


if __name__ == "__main__":
    main()
