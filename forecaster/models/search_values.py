"""Values of an option among which a search chooses, declared beside the field that they belong to.

A field says so in its annotation: ``dropout: Annotated[float, Field(ge=0, lt=1), Range(0.0, 0.6)]``.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

__all__ = ["Choices", "Range", "SearchValues", "searched_options"]


@dataclasses.dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; whole numbers where both are.

    Args:
        low: Smallest value.
        high: Largest value.
        log: True if every factor counts alike, as for a learning rate.
    """

    low: float
    high: float
    log: bool = False


@dataclasses.dataclass(frozen=True)
class Choices:
    """Single values.

    Args:
        values: The values, in an order that a picture keeps.
    """

    values: tuple[Any, ...]


SearchValues = Range | Choices


def searched_options(section: type[BaseModel], prefix: str) -> Iterator[tuple[str, SearchValues]]:
    """Dotted key and values of every option in `section` that says which of its values may be searched."""
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from searched_options(field.annotation, f"{prefix}{name}.")
        else:
            # The last one counts: that of the field itself comes after that of its type.
            for values in [item for item in field.metadata if isinstance(item, SearchValues)][-1:]:
                yield prefix + name, values
