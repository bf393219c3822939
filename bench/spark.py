"""How long one iteration of EM takes in Spark's GaussianMixture on local[2], and here with two threads: ratios from one run.

Both fit full covariances to the same numbers, held in memory (Spark: a cached DataFrame). Spark draws its own start, and can be
given none; but the time of an iteration does not depend on where it begins. An iteration is the difference between a long run
and a short one, divided by the number of iterations between them: so what comes before the first is not counted. The two take
turns.

Needs pyspark and Java 17, which this course does not use otherwise: `make bench SPARK=1` gets pyspark (about 450 MB) into an
environment of its own.

    python bench/spark.py [--quick] [--rounds 3]
"""

import os
import tempfile
import time
import warnings
from pathlib import Path

import em
import numpy as np
import pyspark
import side_by_side
from pyspark.ml.clustering import GaussianMixture
from pyspark.ml.feature import VectorAssembler
from pyspark.sql import SparkSession

SIZES = [(100_000, 2, 8), (100_000, 10, 10), (1_000_000, 16, 16)]       # N, D, K
SHORT, LONG = 2, 6                                                      # iterations


def start_spark():
    """Return a session on two threads of this machine, with no more words than warnings of Java's."""
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    spark = (SparkSession.builder.master("local[2]").config("spark.driver.memory", "6g").config("spark.ui.enabled", "false")
             .config("spark.ui.showConsoleProgress", "false").config("spark.sql.shuffle.partitions", "2").getOrCreate())
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def hand_over(spark, X, folder):
    """Return the rows of X as a DataFrame of two partitions, held in memory."""
    path = Path(folder) / "rows.csv"
    np.savetxt(path, X, fmt="%.6f", delimiter=",")
    columns = [f"x{d}" for d in range(X.shape[1])]
    rows = spark.read.csv(str(path), schema=", ".join(f"{name} double" for name in columns))
    frame = VectorAssembler(inputCols=columns, outputCol="features").transform(rows).select("features").repartition(2).cache()
    assert frame.count() == len(X)
    return frame


def fit_theirs(frame, K, iterations):
    """Return Spark's log-likelihood after so many iterations."""
    summary = GaussianMixture(k=K, maxIter=iterations, tol=0.0, seed=1).fit(frame).summary
    assert summary.numIter == iterations
    return summary.logLikelihood


def seconds_per_iteration(fit):
    """Return how long each iteration between the short run and the long one took."""
    times = []
    for iterations in (SHORT, LONG):
        start = time.perf_counter()
        fit(iterations)
        times.append(time.perf_counter() - start)
    return (times[1] - times[0]) / (LONG - SHORT)


def main():
    options = side_by_side.parser(__doc__).parse_args()
    side_by_side.begin(options)
    warnings.simplefilter("ignore")
    spark = start_spark()
    print(f"Spark {pyspark.__version__} on local[2]; full covariances, float64\n")
    print("| N × D × K | Spark ms | ours ms | ratio | lowest–highest |\n|---|---:|---:|---:|---|")
    ratios = []
    for N, D, K in SIZES[:2] if options.quick else SIZES:
        X, start = em.make_case(N, D, K, "full")
        X = np.round(X, 6)
        with tempfile.TemporaryDirectory() as folder:
            frame = hand_over(spark, X, folder)
            fits = [lambda n, frame=frame, K=K: fit_theirs(frame, K, n), lambda n, X=X, start=start: em.fit_ours(X, start, n)]
            for fit in fits:
                fit(SHORT)                                              # warm up: Java compiles what it runs often
            seconds = np.array([[seconds_per_iteration(fit) for fit in fits] for _ in range(options.rounds)])
            frame.unpersist()
        ratio = seconds[:, 0] / seconds[:, 1]
        theirs, ours = 1e3 * np.median(seconds, axis=0)
        ratios.append(np.median(ratio))
        print(f"| {side_by_side.label(N, D, K)} | {theirs:.0f} | {ours:.1f} | {ratios[-1]:.0f} "
              f"| {ratio.min():.0f}–{ratio.max():.0f} |", flush=True)
    side_by_side.summary({"Spark against ours": ratios})
    spark.stop()


if __name__ == "__main__":
    main()
