"""Protocols of a model that can be looked into: its inputs, its reaction to other inputs, its gates and weights."""

from collections.abc import Sequence
from typing import Protocol

from forecaster.arrays import Float32Array, FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.models.architectures.gates import LayerGates
from forecaster.models.architectures.lag_weights import LagWeights
from forecaster.models.base import Fitted

__all__ = ["InspectableFitted", "Inspection"]


class Inspection(Protocol):
    """A fitted model on one history of T rows."""

    @property
    def input_names(self) -> Sequence[str]:
        """(F,) names of the inputs."""

    @property
    def inputs(self) -> Float32Array:
        """(T, F) inputs of every row."""

    @property
    def first_row(self) -> int:
        """First row whose inputs the network reads."""

    @property
    def settling_rows(self) -> int:
        """Rows that the network reads before one whose forecast is measured, so that its state has settled."""

    @property
    def longest_lag(self) -> int:
        """Longest distance in rows at which an input is looked for in a forecast."""

    @property
    def is_fast(self) -> bool:
        """True if thousands of histories can be read in a second."""

    def responses(self, x: Float32Array, rows: IntArray) -> tuple[Float32Array, FloatArray]:
        """States and forecasts on histories of other inputs.

        Args:
            x: (B, T', F) inputs, read from their first row on.
            rows: (N,) row numbers in x, none before `settling_rows`.

        Returns:
            States (B, N, S) of the network, and its scaled forecasts (B, N, ...).
        """

    def gates(self, rows: IntArray) -> Sequence[LayerGates]:
        """Gates and states (N, U) of each recurrent layer after it has read the history up to `rows` (N,)."""

    def lag_weights(self, rows: IntArray) -> Sequence[LagWeights]:
        """Weights (N, L + 1) of past rows in `rows` (N,), of each layer without a state."""


class InspectableFitted(Fitted, Protocol):
    """A fitted model with the trait `inspectable`."""

    def inspection(self, series: PriceSeries) -> Inspection:
        """The model on a history."""
