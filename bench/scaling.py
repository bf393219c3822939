"""How time and memory of one round of EM grow with the number of rows, in scikit-learn, and here.

The same start and number of rounds for both, in turns. The slope is that of log time against log N, by least squares: 1 says that
twice the rows take twice the time. Memory is what tracemalloc sees beyond the data, at its peak.

    python bench/scaling.py [--quick] [--one-thread] [--rounds 3] [--dtype float64]
"""

import em
import numpy as np
import side_by_side

ROWS, D, K, FULL = (10_000, 30_000, 100_000, 300_000, 1_000_000), 2, 8, "full"


def main():
    options = side_by_side.parser(__doc__).parse_args()
    clock, dtype = side_by_side.begin(options), options.dtype or "float64"
    print(f"D = {D}, K = {K}, {FULL}, {dtype}\n")
    print("| N | scikit-learn ms | ours ms | ratio | MiB theirs | MiB ours |\n|---:|---:|---:|---:|---:|---:|")
    rows, all_ms = ROWS[:4] if options.quick else ROWS, []
    for N in rows:
        X, start = em.make_case(N, D, K, FULL)
        X = X.astype(dtype, copy=False)
        iterations = max(3, 600_000 // N)
        sides = [lambda fit=fit, X=X, start=start, i=iterations: fit(X, start, i) for fit in (em.fit_theirs, em.fit_ours)]
        times, _ = side_by_side.take_turns(sides, options.rounds, clock)
        all_ms.append(1e3 * np.median(times, axis=1) / iterations)
        memory = [side_by_side.peak_memory(lambda fit=fit, X=X, start=start: fit(X, start, 1)) for fit in (em.fit_theirs, em.fit_ours)]
        print(f"| {N} | {all_ms[-1][0]:.2f} | {all_ms[-1][1]:.2f} | {np.median(times[0] / times[1]):.1f} "
              f"| {memory[0]:.1f} | {memory[1]:.1f} |", flush=True)
    theirs, ours = np.polyfit(np.log(rows), np.log(all_ms), 1)[0]
    print(f"\nslope of log time against log N: scikit-learn {theirs:.2f}, ours {ours:.2f}")


if __name__ == "__main__":
    main()
