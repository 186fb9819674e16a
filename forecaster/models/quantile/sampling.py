"""Samples of the training and rows of a forecast, for either way to supervise a network.

`DenseSampling` scores every row of a chunk after a burn-in, and forecasts by one reading of the history: the network
must be causal. `WindowSampling` scores the last row of a window, and forecasts window by window.
"""

import dataclasses
from typing import ClassVar

import numpy as np

from forecaster.arrays import Float32Array, IntArray
from forecaster.features.windows import CarriedWindows, DenseWindows, LastWindows
from forecaster.models.architectures.base import ForwardPass
from forecaster.models.quantile.options import WindowOptions

__all__ = ["DenseSampling", "Sampling", "WindowSampling", "sampling_of"]


@dataclasses.dataclass(frozen=True)
class DenseSampling:
    """Chunks that are scored in every row after a burn-in.

    Attributes:
        sequences: The network has a state in every row.
    """

    options: WindowOptions
    sequences: ClassVar[bool] = True

    @property
    def context_rows(self) -> int:
        """Rows that a sample reads before it is scored."""
        return self.options.burn_in

    @property
    def skipped_rows(self) -> int:
        """Rows at the start of a sample without an output; where a state is carried, every row has one."""
        return 0 if self.options.truncation else self.options.burn_in

    @property
    def scored_rows(self) -> int:
        """Rows of a sample that are scored, at most: a chunk near the end of a history has fewer."""
        return self.options.chunk - self.options.burn_in

    @property
    def pieces(self) -> int:
        """Optimiser steps in which a sample is read."""
        return self.options.chunk // self.options.step_rows

    @property
    def first_row(self) -> int:
        """First row of a history at which a forecast can be made."""
        return self.options.warm_up

    def cut(self, features: Float32Array, targets: Float32Array, end_row: int) -> DenseWindows:
        """Samples of the rows between the warm-up and `end_row`, from features (T, F) and targets (T, K)."""
        warm_up, truncation = self.options.warm_up, self.options.truncation
        arguments = (features[warm_up:], targets[warm_up:], self.options.chunk, self.options.burn_in, end_row - warm_up)
        return CarriedWindows(*arguments, truncation) if truncation else DenseWindows(*arguments)

    def validation(
        self, features: Float32Array, targets: Float32Array, rows: IntArray
    ) -> tuple[Float32Array, Float32Array] | None:
        """One chunk, x and y, that is scored from the first of `rows` (N,) on; None where it would begin too early."""
        if not len(rows) or (start := int(rows[0]) - self.options.warm_up - self.options.burn_in) < 0:
            return None
        return self.cut(features, targets, int(rows[-1]) + 1).batch(np.array([start]))

    def states(self, network: ForwardPass, features: Float32Array, rows: IntArray) -> Float32Array:
        """States (N, ..., U) of `network` in the rows `rows` (N,) of features (T, F), from one reading of them all."""
        warm_up = self.options.warm_up
        return np.asarray(network.histories(features[None, warm_up:])[0, rows - warm_up])


@dataclasses.dataclass(frozen=True)
class WindowSampling:
    """Windows that are scored in their last row.

    Attributes:
        sequences: The network has a state in the last row only.
    """

    options: WindowOptions
    sequences: ClassVar[bool] = False

    @property
    def context_rows(self) -> int:
        """Rows that a sample reads."""
        return self.options.context_length

    @property
    def skipped_rows(self) -> int:
        """A sample has one output."""
        return 0

    @property
    def scored_rows(self) -> int:
        """Rows of a sample that are scored."""
        return 1

    @property
    def pieces(self) -> int:
        """Optimiser steps in which a sample is read."""
        return 1

    @property
    def first_row(self) -> int:
        """First row of a history at which a forecast can be made."""
        return self.options.warm_up + self.options.context_length - 1

    def cut(self, features: Float32Array, targets: Float32Array, end_row: int) -> LastWindows:
        """Samples of the rows between the warm-up and `end_row`, from features (T, F) and targets (T, K)."""
        warm_up = self.options.warm_up
        return LastWindows(features[warm_up:], targets[warm_up:], self.options.context_length, end_row - warm_up)

    def validation(
        self, features: Float32Array, targets: Float32Array, rows: IntArray
    ) -> tuple[Float32Array, Float32Array] | None:
        """Windows, x and y, that end in `rows` (N,); None where the first would begin too early."""
        starts = rows - self.first_row
        if not len(rows) or starts[0] < 0:
            return None
        return self.cut(features, targets, int(rows[-1]) + 1).batch(starts)

    def states(self, network: ForwardPass, features: Float32Array, rows: IntArray) -> Float32Array:
        """States (N, ..., U) of `network` in the rows `rows` (N,) of features (T, F), from a window for each."""
        length = self.options.context_length
        windows = LastWindows(features, features, length, len(features))
        return network.windows(windows.x[rows - length + 1], rows)


Sampling = DenseSampling | WindowSampling


def sampling_of(options: WindowOptions) -> Sampling:
    """The sampling that `options` describe."""
    return DenseSampling(options) if options.supervision == "dense" else WindowSampling(options)
