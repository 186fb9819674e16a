"""Training samples cut from a history: the rows that each sample reads, and the targets that it is scored on.

Row arithmetic on samples is in this file. A target in row t of `targets` is an outcome of the days *after* row t, so a
sample that reads rows up to t may be scored on ``targets[t]``. Samples are views of the history; only the requested
batch is copied.
"""

import dataclasses

import numpy as np

from forecaster.arrays import Float32Array, IntArray

__all__ = ["CarriedWindows", "DenseWindows", "LastWindows"]

_MIN_SCORED_ROWS = 32  # a chunk that starts so late that at most these rows could be scored is not read


@dataclasses.dataclass(frozen=True)
class DenseWindows:
    """Chunks that are scored in every row after a burn-in.

    Chunk k reads rows ``k .. k + chunk - 1``. It is scored in its rows from `burn_in` on, on the target of the same
    row, where that row lies before `end_row`. Later targets are NaN, and rows from `end_row` on are read as zeros.
    So a history shorter than a chunk is used, and so are the newest rows.

    Args:
        features: (T, F) float32.
        targets: (T, K) float32.
        chunk: Rows that one sample reads.
        burn_in: Rows at its start that are not scored.
        end_row: First row whose features and targets may not be seen.

    With features and targets that hold their own row number, a batch shows the rows that it reads and is scored on:

    >>> rows = np.arange(45, dtype=np.float32)[:, None]
    >>> windows = DenseWindows(rows, rows, chunk=6, burn_in=3, end_row=40)
    >>> len(windows)
    5
    >>> x, y = windows.batch(np.array([0, 36]))
    >>> x[0, :, 0].tolist(), x[1, :, 0].tolist()
    ([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [36.0, 37.0, 38.0, 39.0, 0.0, 0.0])
    >>> y[0, :, 0].tolist(), y[1, :, 0].tolist()
    ([3.0, 4.0, 5.0], [39.0, nan, nan])
    """

    features: Float32Array
    targets: Float32Array
    chunk: int
    burn_in: int
    end_row: int

    def __len__(self) -> int:
        """Number of rows at which a chunk may start."""
        return max(self.end_row - self.burn_in - _MIN_SCORED_ROWS, 0)

    def batch(self, starts: IntArray) -> tuple[Float32Array, Float32Array]:
        """Chunks that begin in the rows `starts` (B,): x (B, chunk, F) and y (B, chunk - burn_in, K), copies."""
        x, y = self._rows(starts, 0, self.chunk)
        return x, y[:, self.burn_in :]

    def _rows(self, starts: IntArray, first: int, end: int) -> tuple[Float32Array, Float32Array]:
        """Rows `first` to `end` of the chunks, x (B, R, F) and y (B, R, K); targets of the burn-in are NaN."""
        x = np.zeros((len(starts), end - first, self.features.shape[1]), dtype=np.float32)
        y = np.full((len(starts), end - first, self.targets.shape[1]), np.nan, dtype=np.float32)
        for k, start in enumerate(starts):
            rows = slice(start + first, max(min(start + end, self.end_row), start + first))
            scored = slice(max(rows.start, start + self.burn_in), rows.stop)
            x[k, : rows.stop - rows.start] = self.features[rows]
            if scored.start < scored.stop:
                y[k, scored.start - rows.start : scored.stop - rows.start] = self.targets[scored]
        return x, y


@dataclasses.dataclass(frozen=True)
class CarriedWindows(DenseWindows):
    """Chunks that are read piece by piece, by a network that carries its state from one piece to the next.

    Targets have as many rows as inputs; those of the burn-in are NaN.

    Args:
        piece_rows: Rows of a piece, a divisor of `chunk`.

    >>> rows = np.arange(45, dtype=np.float32)[:, None]
    >>> windows = CarriedWindows(rows, rows, chunk=6, burn_in=1, end_row=40, piece_rows=3)
    >>> x, y = windows.piece(np.array([0, 36]), 1)
    >>> x[..., 0].tolist(), y[..., 0].tolist()
    ([[3.0, 4.0, 5.0], [39.0, 0.0, 0.0]], [[3.0, 4.0, 5.0], [39.0, nan, nan]])
    """

    piece_rows: int

    def batch(self, starts: IntArray) -> tuple[Float32Array, Float32Array]:
        """Whole chunks that begin in the rows `starts` (B,): x (B, chunk, F) and y (B, chunk, K), copies."""
        return self._rows(starts, 0, self.chunk)

    def piece(self, starts: IntArray, number: int) -> tuple[Float32Array, Float32Array]:
        """Piece `number`, from 0, of these chunks: x (B, piece_rows, F) and y (B, piece_rows, K), copies."""
        return self._rows(starts, number * self.piece_rows, (number + 1) * self.piece_rows)


@dataclasses.dataclass(frozen=True)
class LastWindows:
    """Windows that are scored once, on the target of their last row.

    Window k reads rows ``k .. k + context_length - 1``; its cutoff is the last of them.

    Args:
        features: (T, F) float32.
        targets: (T, K) float32.
        context_length: Rows L that one sample reads.
        end_row: First row whose features and targets may not be seen.

    >>> rows = np.arange(6, dtype=np.float32)[:, None]
    >>> windows = LastWindows(rows, rows * 10, context_length=3, end_row=5)
    >>> windows.x[:, :, 0].tolist(), windows.y[:, 0].tolist()
    ([[0.0, 1.0, 2.0], [1.0, 2.0, 3.0], [2.0, 3.0, 4.0]], [20.0, 30.0, 40.0])
    """

    features: Float32Array
    targets: Float32Array
    context_length: int
    end_row: int

    def __len__(self) -> int:
        """Number of windows N."""
        return max(self.end_row - self.context_length + 1, 0)

    @property
    def cutoffs(self) -> IntArray:
        """(N,) last row that each window reads."""
        return np.arange(len(self)) + self.context_length - 1

    @property
    def x(self) -> Float32Array:
        """(N, L, F) a view of the features."""
        if not len(self):
            return np.empty((0, self.context_length, self.features.shape[1]), dtype=np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(self.features[: self.end_row], self.context_length, axis=0)
        return windows.transpose(0, 2, 1)

    @property
    def y(self) -> Float32Array:
        """(N, K) a view of the targets."""
        first = self.context_length - 1
        return self.targets[first : first + len(self)]

    def batch(self, positions: IntArray) -> tuple[Float32Array, Float32Array]:
        """Windows number `positions` (B,): x (B, L, F) and y (B, K), copies."""
        return np.ascontiguousarray(self.x[positions]), self.y[positions]
