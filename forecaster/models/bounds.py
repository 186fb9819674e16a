"""Bounds of the settings of a model: beyond them a training never ends, or needs the memory of many machines."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from forecaster.models.search_values import Choices, Range

__all__ = ["MAX_LAYERS", "MAX_ROWS", "MAX_UNITS", "BatchSize", "Dropout", "LearningRate", "Rows", "Steps", "Units"]

MAX_UNITS = 4096  # of one layer
MAX_LAYERS = 8  # more of them take minutes to compile
MAX_ROWS = 10_000  # of one sample: forty years of days

Rows = Annotated[int, Field(ge=1, le=MAX_ROWS)]
Steps = Annotated[int, Field(ge=1, le=1_000_000)]
BatchSize = Annotated[int, Field(ge=1, le=4096)]
LearningRate = Annotated[float, Field(gt=0, le=10), Range(1e-3, 3e-2, log=True)]
Dropout = Annotated[float, Field(ge=0, lt=1), Range(0.0, 0.6)]


def _listed(units: Any) -> Any:
    """One number as a list of one layer, and a text such as ``50,50`` as a list of its numbers."""
    if isinstance(units, str):
        parts = units.strip("()").split(",")
        return [int(part) for part in parts] if all(part.strip().isdecimal() for part in parts) else units
    return [units] if isinstance(units, int) and not isinstance(units, bool) else units


Units = Annotated[
    tuple[Annotated[int, Field(ge=1, le=MAX_UNITS)], ...],
    Field(min_length=1, max_length=MAX_LAYERS),
    BeforeValidator(_listed),
    Choices(((16,), (32,), (64,), (32, 32), (64, 64))),
]
"""Sizes of the layers of a recurrent network, the first one first; a number alone is one layer."""
