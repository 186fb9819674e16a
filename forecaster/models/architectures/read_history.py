"""The forward pass of a network that has read its history before; see `forecaster.models.side_by_side`."""

import dataclasses

from forecaster.arrays import Float32Array, IntArray

__all__ = ["ReadHistory"]


@dataclasses.dataclass(frozen=True, eq=False)
class ReadHistory:
    """States of one history; see `forecaster.models.architectures.base.ForwardPass`.

    Args:
        states: (T, ...) state in every row.
    """

    states: Float32Array

    def histories(self, x: Float32Array) -> Float32Array:
        """The states in the rows of x (1, T, F), which begins with the first row that was read."""
        return self.states[None, : x.shape[1]]

    def windows(self, x: Float32Array, places: IntArray) -> Float32Array:
        """Refuse windows: only a causal network reads whole histories.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError("expected a network that reads windows")
