"""Options of a source, with one message for every mistake in them."""

import difflib
from collections.abc import Mapping
from typing import TypeVar

import pydantic

from forecaster.data.instruments import shown
from forecaster.errors import ConfigError

__all__ = ["SourceOptions", "parse_options"]


class SourceOptions(pydantic.BaseModel):
    """Base of every source's options: unknown names are mistakes, values never change."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Options = TypeVar("Options", bound=SourceOptions)


def parse_options(kind: type[Options], values: Mapping[str, object], source: str) -> Options:
    """The options `values` of a source, checked.

    Raises:
        ConfigError: An option is unknown or out of range; one message per mistake, all at once.
    """
    try:
        return kind.model_validate(dict(values))
    except pydantic.ValidationError as error:
        mistakes = error.errors(include_url=False)
        raise ConfigError(
            *(
                _message(kind, source, mistake["loc"], mistake["type"], mistake["msg"], mistake["input"])
                for mistake in mistakes
            )
        ) from error


def _message(
    kind: type[SourceOptions], source: str, location: tuple[int | str, ...], mistake: str, text: str, value: object
) -> str:
    name = ".".join(map(str, location))
    if mistake == "extra_forbidden":
        nearest = difflib.get_close_matches(name[:64], kind.model_fields, n=1)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        expected = f"one of {', '.join(kind.model_fields)}" if kind.model_fields else "none"
        return f"source {source}: option {shown(name)} is unknown; expected {expected}{hint}"
    if not name:  # a rule about several options together, which names them itself
        return f"source {source}: {text.removeprefix('Value error, ')}"
    return f"source {source}: {name}: {text} (got {shown(str(value))})"
