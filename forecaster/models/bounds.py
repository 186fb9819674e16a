"""Bounds of the settings of a model: beyond them a training never ends, or needs the memory of many machines."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

__all__ = ["MAX_LAYERS", "MAX_ROWS", "MAX_UNITS", "BatchSize", "LearningRate", "Rows", "Steps", "Units"]

MAX_UNITS = 4096  # of one layer
MAX_LAYERS = 8  # more of them take minutes to compile
MAX_ROWS = 10_000  # of one sample: forty years of days

Rows = Annotated[int, Field(ge=1, le=MAX_ROWS)]
Steps = Annotated[int, Field(ge=1, le=1_000_000)]
BatchSize = Annotated[int, Field(ge=1, le=4096)]
LearningRate = Annotated[float, Field(gt=0, le=10)]


def _listed(units: Any) -> Any:
    """One number as a list of one layer."""
    return [units] if isinstance(units, int) and not isinstance(units, bool) else units


Units = Annotated[
    tuple[Annotated[int, Field(ge=1, le=MAX_UNITS)], ...],
    Field(min_length=1, max_length=MAX_LAYERS),
    BeforeValidator(_listed),
]
"""Sizes of the layers of a recurrent network, the first one first; a number alone is one layer."""
