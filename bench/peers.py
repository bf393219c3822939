"""How long one iteration of EM takes in pomegranate, in gmmx and in R's mclust, and here: ratios from one run.

In each comparison both begin at the same mixture, run the same number of iterations and must end at the same parameters.
gmmx computes with float32 alone; beside it, so do we. A ratio above 1 says that we are faster. Our time includes what comes
before the first iteration. Families that a peer lacks or cannot be given a start for are left out, as is a peer that is not installed.

Needs what this course does not use otherwise: `make bench PEERS=1` gets pomegranate and gmmx, with PyTorch and JAX (several GB),
into an environment of their own. mclust must be there already: in R, install.packages("mclust"); on Debian, r-cran-mclust.

    python bench/peers.py [--quick] [--rounds 3] [--size 100000x2x8] [--family full]
"""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

import em
import numpy as np
import side_by_side

from gmm_from_scratch.covariances import FAMILIES

ITERATIONS = {(10_000, 2, 3): 50, (100_000, 2, 8): 10, (100_000, 10, 10): 10, (100_000, 50, 16): 4}     # of each size N, D, K
MODELS = {"full": "VVV", "tied": "EEE", "diag": "VVI", "spherical": "VII"}              # the families, as mclust names them


def pomegranate(stack, X, start, iterations):
    """Return a function that returns pomegranate's parameters after so many iterations, computed with float64."""
    import torch
    from pomegranate.distributions import Normal
    from pomegranate.gmm import GeneralMixtureModel

    data = torch.tensor(X)

    def fit():                                                      # writes over what it is given
        parts = [Normal(torch.tensor(mean), torch.tensor(S), covariance_type=start.covariance_type)
                 for mean, S in zip(start.means, start.covariances)]
        model = GeneralMixtureModel(parts, priors=torch.tensor(start.weights), max_iter=iterations, tol=-np.inf).fit(data)
        return [model.priors.numpy(), np.stack([part.means for part in parts]), np.stack([part.covs for part in parts])]

    return fit


def gmmx(stack, X, start, iterations):
    """Return a function that returns gmmx's parameters after so many iterations, computed with float32."""
    import jax.numpy as jnp
    from gmmx import EMFitter, GaussianMixtureModelJax

    data, weights, means, covariances = (jnp.asarray(a, dtype=np.float32) for a in (X, start.weights, start.means, start.covariances))
    model, fitter = GaussianMixtureModelJax.from_squeezed(means, covariances, weights, start.covariance_type), EMFitter(iterations, tol=0)

    def fit():
        end = fitter.fit(data, model)
        assert end.n_iter == iterations
        return [end.gmm.weights_numpy, end.gmm.means_numpy, end.gmm.covariances.values_numpy]

    return fit


def mclust(stack, X, start, iterations):
    """Return a function that returns mclust's parameters after so many iterations, from a process of R's that waits to be asked."""
    folder, (K, D) = Path(stack.enter_context(tempfile.TemporaryDirectory())), start.means.shape
    X.T.tofile(folder / "x.bin")
    np.concatenate([a.ravel() for a in (start.weights, start.means, start.matrices)]).tofile(folder / "start.bin")
    numbers = map(str, (len(X), D, K, MODELS[start.covariance_type], iterations))
    program = ["Rscript", Path(__file__).with_name("mclust.R"), folder, *numbers]
    process = stack.enter_context(subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"))
    stack.callback(process.kill)

    def wait():
        if not process.stdout.readline():
            raise SystemExit("mclust failed.")

    def fit():
        process.stdin.write("go\n")
        process.stdin.flush()
        wait()
        weights, means, matrices = np.split(np.fromfile(folder / "result.bin"), [K, K + K * D])
        return [weights, means.reshape(K, D), FAMILIES[start.covariance_type].restrict(matrices.reshape(K, D, D), weights)]

    wait()
    return fit


class Peer(NamedTuple):
    """Another library: how to run it, its families and type, the ridge it adds, and how near its parameters must come to ours."""

    prepare: Callable
    families: tuple
    dtype: type
    reg_covar: float
    agree: float


PEERS = {"pomegranate": Peer(pomegranate, ("full", "diag"), np.float64, 0, 1e-5),       # rounds responsibilities to float32
         "gmmx": Peer(gmmx, ("full", "diag"), np.float32, 1e-6, 1e-3),
         "mclust": Peer(mclust, tuple(FAMILIES), np.float64, 0, 1e-8)}


def installed():
    """Return the version of each peer that is here."""
    found = {}
    for name in PEERS:
        if name == "mclust":
            command = ["Rscript", "-e", "cat(as.character(packageVersion('mclust')))"]
            answer = subprocess.run(command, capture_output=True, text=True) if shutil.which("Rscript") else None
            if answer and answer.returncode == 0:
                found[name] = answer.stdout
        else:
            with suppress(PackageNotFoundError):
                found[name] = version(name)
    return found


def main():
    parser = side_by_side.parser(__doc__)
    parser.add_argument("--family", choices=FAMILIES, help="one family alone")
    options = parser.parse_args()
    if options.one_thread:
        parser.error("the peers' threads cannot all be held to one: leave out --one-thread")
    side_by_side.begin(options)
    peers = installed()
    print(", ".join(f"{name} {number}" for name, number in peers.items()) or "none is installed", end="\n\n")
    print("| N × D × K | family | peer | type | peer ms | ours ms | ratio | lowest–highest | differ by |")
    print("|---|---|---|---|---:|---:|---:|---|---:|")
    ratios = {}
    for N, D, K in side_by_side.sizes(options, ITERATIONS):
        iterations = ITERATIONS[N, D, K]
        for family in [options.family] if options.family else FAMILIES:
            data, start = em.make_case(N, D, K, family)
            for name in peers:
                peer = PEERS[name]
                if family not in peer.families:
                    continue
                X = data.astype(peer.dtype)
                with ExitStack() as stack:
                    sides = [peer.prepare(stack, X, start, iterations), partial(em.fit_ours, X, start, iterations, peer.reg_covar)]
                    for fit in sides:
                        fit()                                       # warm up: JAX compiles for this size
                    times, results = side_by_side.take_turns(sides, options.rounds, time.perf_counter)
                difference = side_by_side.largest_difference(*results)
                if not difference <= peer.agree:
                    raise SystemExit(f"{name} and ours differ by {difference:.1e}, more than {peer.agree:.0e}.")
                ratio, (theirs, ours) = times[0] / times[1], 1e3 * np.median(times, axis=1) / iterations
                ratios.setdefault(name, []).append(np.median(ratio))
                print(f"| {side_by_side.label(N, D, K)} | {family} | {name} | {np.dtype(peer.dtype)} | {theirs:.1f} | {ours:.2f} "
                      f"| {ratios[name][-1]:.1f} | {ratio.min():.1f}–{ratio.max():.1f} | {difference:.0e} |", flush=True)
    side_by_side.summary(ratios)


if __name__ == "__main__":
    main()
