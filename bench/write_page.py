"""Run every benchmark and write what it prints into chapters/benchmarks.md.

    python bench/write_page.py [--quick] [--one-thread] [--rounds 3] [--peers] [--spark] [--only em fit]

Options are handed on to each benchmark. --peers and --spark compare with what has an environment of its own, too. --only, which stands
last, measures these sections of the page anew and leaves the others as they are.
"""

import re
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parent
PAGE = BENCH.parent / "chapters" / "benchmarks.md"
SECTIONS = {
    "em": ("One round of EM", """
Both sides begin at the same mixture and run the same number of rounds. They must end at the same parameters: to $10^{-8}$ of the
largest for float64, to $10^{-3}$ for float32, or the benchmark stops with an error."""),
    "fit": ("Whole fits", """
In the first table everything is left at its default. The two draw different k-means starts, so rounds and likelihood stand beside the
time. In the second table the components overlap and EM crawls. Both begin at the same mixture; scikit-learn runs until a round gains less
than $10^{-7}$ nats per row, ours until its likelihood is as high as that. *Accelerated* is `accelerate=True`. The last column is our
log-likelihood less that of scikit-learn, in nats per row: above 0, ours is the higher."""),
    "scaling": ("Against the number of rows", """
A slope of 1 says: twice the rows, twice the time."""),
    "limits": ("How far from what the machine can do", """
The bound is the time of the two matrix products and the exponentials of one round, as if nothing else took any. What it leaves out: the
quadratic terms, the sums, the logarithms, the calls. Where features are many, our EM leaves out components too far away to count, so
it may come below the bound."""),
    "kmeans": ("k-means", """
First Lloyd's algorithm from the same rows, which must end at the same centers and labels; then whole fits."""),
    "scale": ("A Dask cluster", """
One process with two threads against two processes of a cluster on the same machine, with one thread each; then what a pass costs, and
what the fitted model makes of a thousand machines. That last is an extrapolation far beyond what was measured."""),
    "out_of_core": ("More rows than memory", """
First a file that is larger than the memory that a program may ask for. Then a round of EM on rows that come block by block and are never
held together, up to a hundred million."""),
    "peers": ("pomegranate, gmmx and mclust", """
Both sides of a row begin at the same mixture, run the same number of rounds, and must end at the same parameters: to $10^{-8}$ of the
largest for mclust, to $10^{-5}$ for pomegranate, which rounds its responsibilities to float32, to $10^{-3}$ for gmmx, which knows
float32 alone. mclust uses one thread, and the BLAS that R has; the others use both cores. JAX has compiled gmmx's rounds before the
clock starts. A family that a peer lacks, or cannot be given a start for, is left out."""),
    "spark": ("Spark", """
Spark is made for many machines. On one, its two threads and ours do the same work. It is as pip installs it, without a BLAS of the
system. Its start is its own, so only the time of an iteration is compared, not where it leads."""),
}
INTRODUCTION = """# Benchmarks

How long does a fit take here, and how long in scikit-learn? This page is written by `{command}`, on one machine; the line above
each table says when.

**How it was measured.** The two sides take turns, so that a machine that is busy for a while slows both. Before each turn there is a
pause of a tenth of a second, in which the other side's threads fall asleep. What takes less than a fifth of a second is repeated for that
long. Each round of one turn each gives one ratio, scikit-learn's time divided by ours; the table shows the median of these ratios, with the
lowest and the highest. A ratio above 1 says that ours is faster, one below 1 that it is slower. Where both begin at the same start, they
run the same number of rounds, or to the same likelihood, and the results are compared before a time counts. Memory is what Python's own
accounting (tracemalloc) sees beyond the data, at its peak.

**Why ratios.** Milliseconds belong to a machine and to the hour. A ratio of two times from the same minute travels better, though not
perfectly: it depends on the number of cores, on the matrix library (BLAS), and on the sizes. So run `make bench` on your own machine.
`make bench QUICK=1` takes a few sizes only, `ONLY="em fit"` only these benchmarks.
The line above each table says when and where. Its load is the number of programs that
wanted a core just then. On a busy machine the threads of scikit-learn wait for each other, and the clock says little about it; then
`ONE_THREAD=1` holds both sides to one thread and counts the time of the processor.

**What is not always here.** The page begins with scikit-learn, which comes with this course. `PEERS=1` adds pomegranate, gmmx and R's
mclust, and `SPARK=1` adds Spark. [Chapter 6](06-fast-and-scalable.ipynb) explains what makes the fast version fast.
"""


OPTIONAL = "peers", "spark"         # too large for everybody's environment: each has its own


def main():
    own = {f"--{name}" for name in OPTIONAL}
    if "--one-thread" in sys.argv and own & set(sys.argv):
        raise SystemExit("PEERS=1 and SPARK=1 do not go with ONE_THREAD=1: those threads are not ours to hold.")
    given, only = sys.argv[1:], ()
    if "--only" in given:
        given, only = given[:given.index("--only")], given[given.index("--only") + 1:]
        if not only or not set(only) <= SECTIONS.keys():
            raise SystemExit(f"ONLY is {' '.join(only)!r}; name some of {', '.join(SECTIONS)}.")
    asked = [f"{name.upper().replace('-', '_')}=1" for name in ("quick", "one-thread", *OPTIONAL) if f"--{name}" in sys.argv]
    options = [option for option in given if option not in own]
    before = re.split(r"(?m)^(?=## )", PAGE.read_text(encoding="utf-8")) if only else []
    page = [before[0] if only else INTRODUCTION.format(command=" ".join(["make bench", *asked]))]
    for name, (title, text) in SECTIONS.items():
        if only and name not in only:
            page += [section for section in before if section.startswith(f"## {title}\n")]
            continue
        if name in OPTIONAL and f"--{name}" not in sys.argv:
            continue
        python = BENCH.parent / f".venv-{name}" / "bin" / "python" if name in OPTIONAL else sys.executable
        program = [python, BENCH / f"{name}.py", *options]
        print(f"== {name}", flush=True)
        lines = []
        with subprocess.Popen(program, stdout=subprocess.PIPE, encoding="utf-8") as process:
            for line in process.stdout:
                if not line.startswith("netlib-"):                  # what Java says of a BLAS that it does not find
                    print(line, end="", flush=True)
                    lines.append(line)
        if process.returncode:
            raise SystemExit(f"bench/{name}.py failed; {PAGE.name} is as it was.")
        result = re.sub(r"(?m)^([^|\n-].*)\n(?=[^|\n-])", "\\1\\\\\n", "".join(lines).rstrip())      # lines of text stay lines
        page.append(f"## {title}\n\n{text.strip()}\n\n{result}\n")
    PAGE.write_text("\n".join(section.rstrip() + "\n" for section in page), encoding="utf-8")
    print(f"== {PAGE.name} written")


if __name__ == "__main__":
    main()
