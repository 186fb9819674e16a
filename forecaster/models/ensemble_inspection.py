"""An ensemble on one history, open to inspection; see `forecaster.models.inspection`."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from forecaster.arrays import Float32Array, FloatArray, IntArray
from forecaster.models.architectures.gates import LayerGates
from forecaster.models.architectures.lag_weights import LagWeights
from forecaster.models.inspection import Inspection

__all__ = ["EnsembleInspection"]


class EnsembleInspection:
    """See `forecaster.models.inspection.Inspection`; memory and importance are those of the mean forecast.

    Args:
        members: Inspection of each member on the same history, all with the same inputs.
    """

    def __init__(self, members: Sequence[Inspection]) -> None:
        self._members = tuple(members)

    @property
    def input_names(self) -> Sequence[str]:
        """See `Inspection`."""
        return self._members[0].input_names

    @property
    def inputs(self) -> Float32Array:
        """See `Inspection`."""
        return self._members[0].inputs

    @property
    def first_row(self) -> int:
        """See `Inspection`."""
        return max(member.first_row for member in self._members)

    @property
    def settling_rows(self) -> int:
        """See `Inspection`."""
        return max(member.settling_rows for member in self._members)

    @property
    def longest_lag(self) -> int:
        """See `Inspection`; the shortest of the members, so that each is measured at every lag."""
        return min(member.longest_lag for member in self._members)

    @property
    def is_fast(self) -> bool:
        """See `Inspection`."""
        return all(member.is_fast for member in self._members)

    def responses(self, x: Float32Array, rows: IntArray) -> tuple[Float32Array, FloatArray]:
        """See `Inspection`; the states of all members side by side, and their mean forecast."""
        states, forecasts = zip(*(member.responses(x, rows) for member in self._members), strict=True)
        return np.concatenate(states, axis=-1), np.mean(forecasts, axis=0)

    def gates(self, rows: IntArray) -> Sequence[LayerGates]:
        """See `Inspection`; those of the first member that has any, with its number in the names of its layers."""
        for number, member in enumerate(self._members, start=1):
            if layers := member.gates(rows):
                return [dataclasses.replace(layer, name=f"{number}/{layer.name}") for layer in layers]
        return ()

    def lag_weights(self, rows: IntArray) -> Sequence[LagWeights]:
        """See `Inspection` and `gates`."""
        for number, member in enumerate(self._members, start=1):
            if layers := member.lag_weights(rows):
                return [dataclasses.replace(layer, name=f"{number}/{layer.name}") for layer in layers]
        return ()
