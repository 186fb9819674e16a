"""The typed configuration of a run: keys of a YAML file and of ``--set``, and messages about mistakes in them.

Order: defaults, then the file, then ``--set``, then the other flags. All mistakes are reported at once, each as
``file:line: key: message (got ...)``.
"""

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
import yaml
from pydantic import BaseModel, Field

from forecaster.config_keys import DEFAULT_KIND, hint_for, hint_for_kind, hint_for_option, keys_of, options_of_kind
from forecaster.config_sections import FREQUENCIES, DataConfig, Section, SplitConfig, TrackingUri
from forecaster.errors import ConfigError, did_you_mean
from forecaster.files import read_regular_file
from forecaster.models import is_network, model_class, network_names
from forecaster.models.base import ModelOptions, merged
from forecaster.yaml_text import MAX_BYTES, MAX_DEPTH, Location, YamlTextError, parse_yaml, unreadable

__all__ = [
    "FREQUENCIES",
    "MAX_HORIZON",
    "UNRECORDED",
    "WITHOUT_EFFECT",
    "Config",
    "DataConfig",
    "SplitConfig",
    "configuration_keys",
    "dump_config",
    "load_config",
    "recorded_config",
    "shipped_configs",
]

MAX_SHOWN = 80  # characters of a wrong value in a message
MAX_MEMBERS = 50  # of an ensemble; the mean of more differs by less than its own noise
MAX_HORIZON = 250  # a trading year; beyond it daily data hold too few independent spans to learn from

# Defaults where a row is longer than a day; those of the model come from its options.
_FREQUENCY_DEFAULTS: dict[str, dict[str, Any]] = {
    "1wk": {"split": {"test_rows": 150, "validation_rows": 100}},
    "1mo": {"horizon": 12, "split": {"test_rows": 36, "validation_rows": 24}},
}

Places = dict[Location, str]  # location of a key -> file and line, or the flag that set it
Horizon = Annotated[int, Field(ge=1, le=MAX_HORIZON)]

_OTHER_NAMES: dict[Location, Location] = {
    ("data", "interval"): ("data", "frequency"),
    ("model", "window"): ("model", "context_length"),
}
"""Earlier name of a key, or that of many tutorials -> its name; both are read."""


def _count(value: Any) -> Any:
    """A number of seeds; a list of kinds belongs to the section ``model``."""
    if isinstance(value, (list, tuple)):
        raise ValueError("expected a number of seeds; an ensemble of kinds is model.kind=ensemble with model.members")
    return value


class Config(Section):
    """The whole configuration of one training."""

    data: DataConfig = Field(default_factory=DataConfig)
    universe: str = "auto"
    horizon: Horizon = 20
    split: SplitConfig = Field(default_factory=SplitConfig)
    refit: bool = False
    seed: int = Field(default=0, ge=0, lt=2**31)
    members: Annotated[int, Field(ge=1, le=MAX_MEMBERS), pydantic.BeforeValidator(_count)] = 1
    backend: Literal["auto", "jax", "tensorflow"] = "auto"
    device: Literal["auto", "cpu", "gpu"] = "auto"
    tracking: Literal["none", "mlflow"] = "none"
    tracking_uri: TrackingUri | None = None
    ledger: bool = False
    model: pydantic.SerializeAsAny[ModelOptions]

    @property
    def kind(self) -> str:
        """Registry key of the model."""
        return self.model.kind


def load_config(
    base: Config | str | Path | None = None,
    assignments: Mapping[str, Any] | Sequence[str] = (),
    flags: Mapping[str, Any] | None = None,
) -> Config:
    """Read a configuration.

    Args:
        base: A YAML file, or the bare name of a shipped one such as ``classic``; a configuration; None for the
            defaults.
        assignments: Dotted key -> value, or ``key=value`` texts with YAML values; they override the base.
        flags: Dotted key -> value of a command-line option of the same name; they override both.

    Raises:
        ConfigError: One message for each mistake in the file and in the assignments.
    """
    places: Places = {}
    data: dict[str, Any] = {}
    # The shipped defaults are not read: written out they would override the defaults of another frequency.
    if isinstance(base, Config):
        data = base.model_dump(mode="json")
    elif base is not None and (file := _find(Path(base))) != shipped_configs().get("default"):
        data = _read_yaml(file, places)
    mistakes = _assign_all(data, assignments, places)
    if isinstance(base, Config) and _kind_of(data) != base.kind:
        data["model"] = options_of_kind(_kind_of(data), data["model"], places)
    results = [_assign(data, key, value, f"--{key.rpartition('.')[2]}", places) for key, value in (flags or {}).items()]
    mistakes += filter(None, results)
    config, errors = _validate(data)
    shown = sorted(_without_effects(errors), key=lambda error: _place(error["loc"], places)[1])
    mistakes += [_describe(error, places) for error in shown]
    if mistakes or config is None:
        raise ConfigError(*mistakes)
    return config


UNRECORDED = frozenset({"tracking", "tracking_uri"})
"""Keys that no run records: they decide nothing about it, and a replay is not tracked."""

WITHOUT_EFFECT = UNRECORDED | {"ledger"}
"""Keys that decide nothing about a fit."""


def dump_config(config: Config) -> str:
    """The whole configuration as YAML that `load_config` reads back to an equal one."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)


def recorded_config(config: Config) -> str:
    """The configuration as a run records it, in YAML: without the keys that decide nothing about the run."""
    left_out = UNRECORDED if config.ledger else WITHOUT_EFFECT
    return yaml.safe_dump(config.model_dump(mode="json", exclude=set(left_out)), sort_keys=False)


def configuration_keys(kind: str | None = None) -> list[str]:
    """Every dotted key, in the order of the sections; those of all kinds of models, or of one `kind`."""
    return list(dict.fromkeys(keys_of(Config, kinds=None if kind is None else [kind])))


def shipped_configs() -> dict[str, Path]:
    """Name -> file of the configurations that come with the program."""
    here = Path(__file__).parent
    folder = next((path for path in (here / "configs", here.parent / "configs") if path.is_dir()), here)
    return {file.stem: file for file in sorted(folder.glob("*.yaml"))}


def _find(path: Path) -> Path:
    if os.path.lexists(path):
        return path
    shipped = shipped_configs()
    if path.name == str(path) and path.stem in shipped:
        return shipped[path.stem]
    near = difflib.get_close_matches(path.name, shipped, n=1, cutoff=0.7)
    hint = f"; did you mean {near[0]}?" if near else hint_for_kind(path.name)
    raise ConfigError(
        f"{path}: no such config file; give the path of a YAML file or one of: {', '.join(shipped)}{hint}"
    )


def _read_yaml(path: Path, places: Places) -> dict[str, Any]:
    try:
        text = read_regular_file(path, MAX_BYTES).decode("utf-8-sig")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {unreadable(error)}") from error
    try:
        document = parse_yaml(text)
    except YamlTextError as error:
        line = "" if error.line is None else f":{error.line}"
        raise ConfigError(f"{path}{line}: {error.problem}") from error
    data = {} if document.value is None else document.value
    if not isinstance(data, dict):
        raise ConfigError(f"{path}:1: expected 'key: value' lines; got {type(data).__name__}")
    for written, number in document.lines:
        location = _OTHER_NAMES.get(written, written)
        if location in places:
            raise ConfigError(f"{path}:{number}: {'.'.join(map(str, location))}: given twice; remove one of them")
        places[location] = f"{path}:{number}"
    for (section, old), (_, new) in _OTHER_NAMES.items():
        if isinstance(data.get(section), dict) and old in data[section]:
            data[section][new] = data[section].pop(old)
    return data


def _assign_all(data: dict[str, Any], assignments: Mapping[str, Any] | Sequence[str], places: Places) -> list[str]:
    """Put assignments into `data`; returns the mistakes."""
    if isinstance(assignments, Mapping):
        results = [
            _unknown(key, data) or _assign(data, key, value, "--set", places) for key, value in assignments.items()
        ]
    else:
        results = [_assign_text(data, text, places) for text in assignments]
    return [mistake for mistake in results if mistake]


def _unknown(key: str, data: Mapping[str, Any]) -> str | None:
    name = ".".join(_location(key))
    is_key = any(name == valid or name.startswith(f"{valid}.options.") for valid in [*keys_of(Config), "data"])
    if is_key and len(_location(key)) <= MAX_DEPTH:
        return None
    return f"--set {key:.{MAX_SHOWN}}: unknown key{hint_for(key[:MAX_SHOWN], Config, _kind_of(data))}"


def _kind_of(data: Mapping[str, Any]) -> str:
    """Kind of the model that `data` configures, the default one where the name is wrong."""
    section = data.get("model") or {}
    kind = section.get("kind", DEFAULT_KIND) if isinstance(section, Mapping) else section
    return kind if _is_kind(kind) else DEFAULT_KIND


def _assign_text(data: dict[str, Any], text: str, places: Places) -> str | None:
    """Put one ``key=value`` into `data`; returns the mistake, if there is one."""
    key, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not key:
        return f"--set {text:.{MAX_SHOWN}}: expected key=value, such as seed=1 or model.units=64,64"
    if mistake := _unknown(key, data):
        return mistake
    try:
        parsed = parse_yaml(value).value
    except YamlTextError as error:
        return f"--set {key}: {error.problem} (got {_shortened(value)})"
    return _assign(data, key, parsed, "--set", places)


def _assign(data: dict[str, Any], key: str, value: Any, place: str, places: Places) -> str | None:
    """Put `value` under the dotted `key`; returns the mistake, if there is one."""
    parts = _location(key)
    section = data
    for depth, part in enumerate(parts[:-1], start=1):
        places.setdefault(parts[:depth], f"{place} {key}")
        if section.get(part) is None:
            section[part] = {}
        if not isinstance(section[part], dict):
            return f"{place} {key}: {part} is a value, not a section"
        section = section[part]
    section[parts[-1]] = value
    for below in [location for location in places if location[: len(parts)] == parts]:
        del places[below]  # the entries of the value that is replaced
    places[parts] = place
    return None


def _location(key: str) -> tuple[str, ...]:
    """Location of a dotted key, under its name today.

    >>> _location("data.interval")
    ('data', 'frequency')
    """
    parts = tuple(key.split("."))
    return tuple(map(str, _OTHER_NAMES.get(parts, parts)))


def _validate(data: Mapping[str, Any]) -> tuple[Config | None, list[dict[str, Any]]]:
    """The configuration, or every mistake in `data`, those in the model's own options included."""
    errors: list[dict[str, Any]] = []
    options: BaseModel | None = None
    histories = data.get("data")
    frequency = histories.get("frequency") if isinstance(histories, Mapping) else None
    section = data.get("model") or {}
    kind = section.get("kind", DEFAULT_KIND) if isinstance(section, Mapping) else section
    if isinstance(frequency, str):
        data = merged(_FREQUENCY_DEFAULTS.get(frequency, {}), data)
        if isinstance(section, Mapping) and _is_kind(kind):
            section = model_class(kind).Options.completed(section, frequency)
    if not isinstance(section, Mapping):
        errors.append(
            {"loc": ("model",), "type": "dict_type", "msg": "expected a section with a 'kind'", "input": kind}
        )
    elif not _is_kind(kind):
        message = f"expected one of {', '.join(network_names())}{hint_for_kind(kind)}"
        errors.append({"loc": ("model", "kind"), "type": "kind", "msg": message, "input": kind})
    else:
        try:
            options = model_class(kind).Options.model_validate(section)
        except pydantic.ValidationError as error:
            errors += [{**details, "loc": ("model", *details["loc"]), "kind": kind} for details in error.errors()]
    try:
        config = Config.model_validate({**data, "model": options or ModelOptions()})
    except pydantic.ValidationError as error:
        return None, [dict(details) for details in error.errors()] + errors
    return (None, errors) if errors else (config, [])


def _without_effects(errors: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """`errors` without those of lists that are too short only because their entries are wrong."""
    locations = [error["loc"] for error in errors]

    def is_effect(error: Mapping[str, Any]) -> bool:
        loc = error["loc"]
        return error["type"] == "too_short" and any(other[:-1] == loc for other in locations)

    return [error for error in errors if not is_effect(error)]


def _is_kind(kind: Any) -> bool:
    return isinstance(kind, str) and is_network(kind)


_EXPECTED = {
    "int_": "expected a whole number",
    "float_": "expected a number",
    "bool_": "expected true or false",
    "date_": "expected a date such as 2025-06-30",
    "tuple_": "expected a list in brackets, such as [a, b]",
    "string_type": "expected a text; quotation marks make one",
}
"""Beginning of the type of a mistake -> what was expected; other mistakes have a message of their own."""


def _describe(error: Mapping[str, Any], places: Places) -> str:
    location, message = _located(error, places)
    place, _ = _place(location, places)
    key = ".".join(map(str, location))[:MAX_SHOWN]
    shown = place if place == f"--{key.rpartition('.')[2]}" else f"{place}: {key}"
    if error["type"] == "extra_forbidden":
        kind = error.get("kind")
        hint = hint_for(key, Config) if kind is None else hint_for_option(key, kind, error["input"])
        return f"{shown}: unknown key{hint}"
    if error["type"] == "literal_error":
        message += did_you_mean(str(error["input"]), re.findall(r"'([^']*)'", message))
    received = "" if isinstance(error["input"], (dict, BaseModel)) else f" (got {_shortened(error['input'])})"
    return f"{shown}: {message[0].lower()}{message[1:]}{received}"


def _located(error: Mapping[str, Any], places: Places) -> tuple[Location, str]:
    """Location and text of a mistake; one in a whole section may begin with the key that is wrong in it."""
    location = tuple(error["loc"])
    message = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    message = next((text for start, text in _EXPECTED.items() if error["type"].startswith(start)), message)
    if error["type"] == "too_short":
        message = f"expected a list of {error['ctx']['min_length']} or more"
    key, colon, rest = message.partition(": ")
    inner = (*location, *key.split("."))
    return (inner, rest) if colon and inner in places else (location, message)


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."


def _place(location: Location, places: Places) -> tuple[str, int]:
    """Place of a key, or of the section that holds it, and a number that sorts places in the order of reading."""
    for end in range(len(location), 0, -1):
        if location[:end] in places:
            return places[location[:end]], list(places).index(location[:end])
    return "config", len(places)
