"""Matrix products whose bits do not depend on the number of rows.

A BLAS computes the last rows of a matrix in another order than the first, and spreads large matrices over threads;
both change bits. So products run on blocks of one fixed shape, small enough for one thread, and a row always has the
same place in its block.
"""

from collections.abc import Callable, Iterator

import numpy as np

from forecaster.arrays import Float32Array, IntArray

__all__ = ["block_rows", "blocks", "dense", "dense_rows", "product"]

MAX_BLOCK_ROWS = 64
MIN_BLOCK_ROWS = 8  # a matrix that is spread over threads even so gains nothing from smaller blocks
MAX_PRODUCT = 2**18  # multiplications that OpenBLAS does in one thread


def block_rows(kernel: Float32Array) -> int:
    """Rows of a block that is multiplied by `kernel`."""
    return max(min(MAX_PRODUCT // kernel.size, MAX_BLOCK_ROWS), MIN_BLOCK_ROWS)


def blocks(places: IntArray, rows: int) -> Iterator[tuple[IntArray, IntArray]]:
    """Positions in `places` (N,) that share a block of `rows` rows, and the place of each one in the block."""
    order = np.argsort(places, kind="stable")
    for positions in np.split(order, np.flatnonzero(np.diff(places[order] // rows)) + 1):
        yield positions, places[positions] % rows


def dense(x: Float32Array, kernel: Float32Array, bias: Float32Array, places: IntArray | None = None) -> Float32Array:
    """``x @ kernel + bias`` in blocks of one fixed shape.

    Args:
        x: (N, F).
        kernel: (F, U).
        bias: (U,).
        places: (N,) number of each row in the history that it comes from; None where x is the whole history. The
            bits of a row depend on its number and its values only.
    """
    rows = block_rows(kernel)
    if places is not None:
        numbers, block = np.unique(places // rows, return_inverse=True)
        padded = np.zeros((len(numbers), rows, x.shape[1]), dtype=np.float32)
        padded[block, places % rows] = x
        return np.asarray(np.matmul(padded, kernel)[block, places % rows] + bias)
    result = np.empty((len(x), kernel.shape[1]), dtype=np.float32)
    part = np.zeros((rows, x.shape[1]), dtype=np.float32)
    for start in range(0, len(x), rows):
        count = min(rows, len(x) - start)
        part[:count] = x[start : start + count]
        result[start : start + count] = (part @ kernel)[:count]
    result += bias
    return result


def dense_rows(x: Float32Array, kernel: Float32Array, bias: Float32Array, apart: bool) -> Iterator[Float32Array]:
    """`dense` on x (T, B, F), row by row (B, U); a row is valid until the next one.

    Args:
        x: B histories or windows side by side.
        kernel: (F, U).
        bias: (U,).
        apart: True if each history gets the bits that it has alone.
    """
    rows, batch, features = x.shape
    if not apart or batch == 1:
        yield from dense(x.reshape(rows * batch, features), kernel, bias).reshape(rows, batch, kernel.shape[1])
        return
    size = block_rows(kernel)
    block = np.zeros((batch, size, features), dtype=np.float32)
    result = np.empty((batch, size, kernel.shape[1]), dtype=np.float32)
    for start in range(0, rows, size):
        part = x[start : start + size]
        block[:, : len(part)] = part.transpose(1, 0, 2)
        np.matmul(block, kernel, out=result)
        result += bias
        yield from result.transpose(1, 0, 2)[: len(part)]


def product(batch: int, apart: bool) -> Callable[[Float32Array, Float32Array, Float32Array], object]:
    """A function that writes ``x @ kernel`` for x (B, F) and a kernel (F, U) into an array (B, U).

    Args:
        batch: Number B of rows.
        apart: True if each row is multiplied by itself and so has the bits that it has alone. A block of 32 rows then
            takes 1.7 times as long, and still a third of the time of 32 calls.
    """
    return _product_of_rows if apart and batch > 1 else _product_of_block


def _product_of_block(x: Float32Array, kernel: Float32Array, out: Float32Array) -> None:
    x.dot(kernel, out)


def _product_of_rows(x: Float32Array, kernel: Float32Array, out: Float32Array) -> None:
    np.matmul(x[:, None], kernel, out=out[:, None])
