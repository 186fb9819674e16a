"""Calibration that a refit takes over from the tested fit, as a manifest records it."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

__all__ = ["CarriedFacts"]


@dataclasses.dataclass(frozen=True)
class CarriedFacts:
    """Calibration of one instrument that a refit takes over from the tested fit.

    Args:
        since: Last date that the tested fit was calibrated with.
        factors: (K, 4) factors of the half-widths at the knots.
    """

    since: np.datetime64
    factors: tuple[tuple[float, ...], ...]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The facts that `to_json` has written."""
        return cls(np.datetime64(document["since"], "D"), tuple(tuple(map(float, row)) for row in document["factors"]))

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {"since": str(self.since), "factors": [list(row) for row in self.factors]}
