"""Matrix products with as many columns as a block has rows, cut into pieces for which BLAS has quicker code.

OpenBLAS multiplies small matrices without first copying them to where it wants them (with AVX-512, up to a million
multiplications; of two wide ones, only for a small result). Cut so, thin products come near the speed of large ones. NumPy
takes all the pieces in one call.
"""

import numpy as np

SMALL_PRODUCT = 1e6         # multiplications
SMALL_RESULT = 1200         # numbers
PIECES = 256, 128           # columns of a piece: with fewer, there are too many pieces


def _cut(size, *wide):
    """Return matrices (m, B) as stacks of pieces (B // b, m, b), and what is left of each, (m, B % b).

    b is the largest piece for which `size` numbers per column make a small product; without any, nothing is cut.
    """
    B = wide[0].shape[1]
    b = next((b for b in PIECES if size * b <= SMALL_PRODUCT), B) or 1
    whole = B - B % b
    return ([a[:, :whole].reshape(len(a), whole // b, b).swapaxes(0, 1) for a in wide] if whole else []), [a[:, whole:] for a in wide]


def times_wide(a, wide, out):
    """Write a @ wide, for a (K, m) and wide (m, B), into out (K, B), and return it."""
    pieces, rest = _cut(a.size, wide, out)
    if pieces:
        np.matmul(a, pieces[0], out=pieces[1])
    if rest[0].size:
        np.matmul(a, rest[0], out=rest[1])
    return out


def wide_times_wide(a, b):
    """Return a @ bᵀ, (m, K), for a (m, B) and b (K, B)."""
    if len(a) * len(b) > SMALL_RESULT:
        return a @ b.T
    pieces, rest = _cut(len(a) * len(b), a, b)
    product = rest[0] @ rest[1].T
    return product + (pieces[0] @ pieces[1].swapaxes(1, 2)).sum(axis=0) if pieces else product
