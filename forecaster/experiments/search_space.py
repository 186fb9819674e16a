"""Spaces of searches: keys of the section ``model`` of a configuration, and the values that each may take."""

import difflib
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forecaster.config import Config, configuration_keys, load_config
from forecaster.config_keys import hint_for
from forecaster.errors import ConfigError, UsageError
from forecaster.experiments.configurations import flat_values
from forecaster.files import read_regular_file
from forecaster.models import model_class
from forecaster.models.search_values import Choices, Range, SearchValues, searched_options
from forecaster.yaml_text import MAX_BYTES, YamlTextError, parse_yaml, unreadable

__all__ = ["Settings", "Space", "declared_space", "is_inside", "read_space", "space_document", "space_of_document"]

Space = Mapping[str, SearchValues]
"""Dotted key of the configuration -> values that are searched."""

Settings = Mapping[str, Any]
"""Dotted key -> the value of a trial, as a JSON value."""

_SECTION = "model."
_RANGE_KEYS = ("low", "high", "log")


def declared_space(kind: str) -> Space:
    """The space that the options of a kind of network declare.

    Raises:
        UsageError: They declare none.
    """
    space = dict(searched_options(model_class(kind).Options, _SECTION))
    if not space:
        raise UsageError(f"the options of {kind} name no values to search; expected a file; give one with --space FILE")
    return space


def read_space(path: Path, config: Config) -> Space:
    """The space in a YAML file: a list of values, or ``{low: ..., high: ..., log: true}``, for each dotted key.

    Args:
        path: The file.
        config: Configuration that the trials change; its kind decides which keys there are.

    Raises:
        ConfigError: One message for each mistake, with file and line.
    """
    try:
        document = parse_yaml(read_regular_file(path, MAX_BYTES).decode("utf-8-sig"))
    except YamlTextError as error:
        line = "" if error.line is None else f":{error.line}"
        raise ConfigError(f"{path}{line}: {error.problem}") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {unreadable(error)}") from error
    if not isinstance(document.value, dict) or not document.value:
        raise ConfigError(f"{path}:1: expected lines such as 'model.dropout: {{low: 0, high: 0.5}}'; got none")
    lines: dict[str, int] = {}
    mistakes: list[str] = []
    for location, number in document.lines:
        if len(location) == 1 and str(location[0]) in lines:
            mistakes.append(f"{path}:{number}: {location[0]}: given twice; remove one of them")
        lines.setdefault(str(location[0]), number)
    space: dict[str, SearchValues] = {}
    for key, value in document.value.items():
        try:
            space[str(key)] = _values(str(key), value, config)
        except ValueError as error:
            mistakes.append(f"{path}:{lines[str(key)]}: {key}: {error}")
    if mistakes:
        raise ConfigError(*mistakes)
    return space


def _values(key: str, value: Any, config: Config) -> SearchValues:
    """The values of one key; ValueError with the mistake."""
    if key == "model.kind":
        raise ValueError(
            "a search has one kind; set it with --set model.kind=NAME, and compare kinds with forecast compare"
        )
    keys = [name for name in configuration_keys(config.kind) if name.startswith(_SECTION)]
    if key not in keys:
        raise ValueError(f"it cannot be searched{_hint(key, keys, config.kind)}")
    values = _range(value) if isinstance(value, dict) else _choices(value)
    read = []
    for item in _samples(values):
        try:
            read.append(flat_values(load_config(config, {key: item}).model_dump(mode="json")).get(key, item))
        except ConfigError as error:
            # A mistake of the whole section, such as of two keys together, may be none of another trial.
            for message in error.messages:
                if own := re.search(rf"{re.escape(key)}(?:\.\d+)*: (.+)", message):
                    raise ValueError(own[1]) from None
    if any(value in read[:place] for place, value in enumerate(read)):
        raise ValueError("a value is listed twice")
    return values


def _samples(values: SearchValues) -> tuple[Any, ...]:
    """All choices, or both ends of a range and a value between them."""
    if not isinstance(values, Range):
        return values.values
    between = values.low + (values.high - values.low) / math.pi
    is_whole = isinstance(values.low, int) and isinstance(values.high, int)
    return (values.low, values.high) if is_whole else (values.low, values.high, between)


def _hint(key: str, keys: list[str], kind: str) -> str:
    if key in configuration_keys() and not key.startswith(_SECTION):
        return "; expected a key of the section model, such as model.dropout"
    by_word = [name for name in keys if name.rpartition(".")[2] == key.rpartition(".")[2]]
    near = by_word or difflib.get_close_matches(key, keys, n=1)
    return f"; did you mean {near[0]}?" if near else hint_for(key, Config, kind)


def _range(value: dict[str, Any]) -> Range:
    for name in value:
        if name not in _RANGE_KEYS:
            raise ValueError(f"unknown key {name!s:.40}; expected low, high and log")
    low = _number(value.get("low"))
    high = _number(value.get("high"))
    log = value.get("log", False)
    for number in (low, high):
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            raise ValueError(f"expected numbers low and high (got low {low!s:.40}, high {high!s:.40})")
    if not isinstance(log, bool):
        raise ValueError(f"log: expected true or false (got {log!s:.40})")
    if not low < high:
        raise ValueError(f"the range is empty: low {low} is not below high {high}")
    if log and low <= 0:
        raise ValueError(f"a range with log: true begins above 0 (got low {low})")
    return Range(low, high, log)


def _number(value: Any) -> Any:
    """A number that YAML reads as text, such as 1e-3, as a number; other values as they are."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _choices(value: Any) -> Choices:
    if not isinstance(value, list):
        raise ValueError(f"expected a list of values, or low and high (got {value!s:.40})")
    if not value:
        raise ValueError("the list of values is empty")
    return Choices(tuple(value))


def space_document(space: Space) -> dict[str, Any]:
    """The space as JSON values, in the form of the file."""
    return {
        key: {"low": values.low, "high": values.high, "log": values.log}
        if isinstance(values, Range)
        else [list(item) if isinstance(item, tuple) else item for item in values.values]
        for key, values in space.items()
    }


def space_of_document(document: Mapping[str, Any]) -> Space:
    """The space that `space_document` wrote; ValueError, TypeError or AttributeError for anything else."""
    return {key: _range(value) if isinstance(value, dict) else _choices(value) for key, value in document.items()}


def is_inside(settings: Settings, space: Space) -> bool:
    """True for settings with a value of the space for each of its keys; those of a starting configuration have none."""
    return settings.keys() == space.keys() and all(_holds(values, settings[key]) for key, values in space.items())


def _holds(values: SearchValues, value: Any) -> bool:
    if isinstance(values, Range):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and values.low <= value <= values.high
    return json.dumps(value) in map(json.dumps, values.values)
