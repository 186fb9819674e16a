"""Memory length of a model: how long an input of one row is seen in its states and forecasts, measured.

All inputs of one row are moved by a typical daily change, up and down. The root mean square difference that this makes
k rows later is the influence at lag k, averaged over many rows of a real history. No formula of a decay is assumed.
"""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from forecaster.arrays import AnyArray, Float32Array, FloatArray, IntArray

__all__ = ["Memory", "measured_memory"]

Responses = Callable[[Float32Array, IntArray], tuple[AnyArray, AnyArray]]
"""Inputs (B, T, F) and rows (N,) -> states (B, N, ...) and forecasts (B, N, ...)."""


@dataclasses.dataclass(frozen=True, eq=False)
class Memory:
    """Influence of the inputs of one row on later rows.

    Args:
        state: (L + 1,) influence on the state of the network at the lags 0 to L.
        forecast: (L + 1,) influence on the forecast.
        rows: Number of rows that were moved.
    """

    state: FloatArray
    forecast: FloatArray
    rows: int

    @property
    def longest_lag(self) -> int:
        """Longest lag L."""
        return len(self.state) - 1

    @property
    def curves(self) -> Mapping[str, FloatArray]:
        """Both curves by name, each relative to its largest value."""
        curves = {"state": self.state, "forecast": self.forecast}
        return {name: curve / (curve.max() or 1.0) for name, curve in curves.items()}

    def lags_to(self, share: float) -> dict[str, int | None]:
        """First lag from which on the influence stays below `share` of its largest value; None beyond the longest."""
        lags: dict[str, int | None] = {}
        for name, curve in self.curves.items():
            seen = np.flatnonzero(curve >= share)
            first = int(seen[-1]) + 1 if len(seen) else 0
            lags[name] = first if first < len(curve) else None
        return lags


def measured_memory(
    responses: Responses, inputs: Float32Array, settling_rows: int, longest_lag: int, count: int
) -> Memory:
    """Move the inputs of `count` rows, spread over a history, and measure what changes.

    Args:
        responses: The model.
        inputs: (T, F) inputs of the rows that the network reads.
        settling_rows: Rows that it reads before a row that is moved.
        longest_lag: Longest lag L.
        count: Number of rows to move, at most.

    Raises:
        ValueError: There are too few rows for one of them to be moved.
    """
    length = settling_rows + longest_lag + 1
    if len(inputs) < length + 1:
        raise ValueError(f"expected more than {length} rows; got {len(inputs)}")
    starts = np.unique(np.linspace(0, len(inputs) - length, count).astype(int))
    x = np.stack([inputs[start : start + length] for start in starts])
    change = np.diff(inputs, axis=0).std(axis=0)
    rows = settling_rows + np.arange(longest_lag + 1)
    state, forecast = responses(x, rows)
    squares = np.zeros((2, longest_lag + 1))
    for sign in (1, -1):
        moved = x.copy()
        moved[:, settling_rows] += sign * change
        for place, (after, before) in enumerate(zip(responses(moved, rows), (state, forecast), strict=True)):
            difference = (after - before).astype(float).reshape(len(x), longest_lag + 1, -1)
            squares[place] += (difference**2).mean(axis=(0, 2)) / 2
    influences = np.sqrt(squares)
    return Memory(influences[0], influences[1], len(starts))
