"""Dotted keys of a configuration, and the key that was probably meant by another word."""

import dataclasses
import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from forecaster.models import baseline_names, model_class, network_names
from forecaster.models.option_aliases import KEY_ALIASES, KIND_ALIASES, key_among

__all__ = [
    "DEFAULT_KIND",
    "KeyFacts",
    "facts_of",
    "hint_for",
    "hint_for_kind",
    "hint_for_option",
    "keys_of",
    "options_of_kind",
]

DEFAULT_KIND = "lstm"


@dataclasses.dataclass(frozen=True)
class KeyFacts:
    """Facts about one key.

    Args:
        key: Dotted key.
        values: Values that it takes, in words.
        default: Its default, as a JSON value.
    """

    key: str
    values: str
    default: Any


def keys_of(section: type[BaseModel], prefix: str = "", kinds: Sequence[str] | None = None) -> Iterator[str]:
    """Every dotted key of a configuration.

    Args:
        section: Class of the configuration, or of a section of it.
        prefix: Key of the section, with a point at its end.
        kinds: Kinds of models whose keys belong to it; None for all.
    """
    for name, field in section.model_fields.items():
        if not prefix and name == "model":
            for kind in network_names() if kinds is None else kinds:
                yield from keys_of(model_class(kind).Options, "model.")
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys_of(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name


def hint_for(key: str, configuration: type[BaseModel], kind: str = DEFAULT_KIND) -> str:
    """End of a message about an unknown key: the key that was probably meant, or the sections.

    Args:
        key: The unknown key.
        configuration: Class of the configuration.
        kind: Kind of the model that is configured.
    """
    if key in ("model", "kind", "config"):
        return "; a kind of network is chosen by --config, such as --config gru, or by model.kind"
    keys = set(keys_of(configuration, kinds=[kind]))
    names = [name for name in sorted(keys) if name != key and not name.startswith(f"{key}.")]
    word = key.rpartition(".")[2].lower().replace("-", "_")
    meant = key_among(keys, KEY_ALIASES[word]) if word in KEY_ALIASES else None
    near = [meant] if meant is not None else [name for name in names if name.rpartition(".")[2] == word][:1]
    sections_of_keys = {name.rpartition(".")[0] for name in keys if "." in name} - {key}
    near = near or difflib.get_close_matches(key, [*names, *sorted(sections_of_keys)], n=1, cutoff=0.7)
    if near:
        return f"; did you mean {near[0]}?"
    sections = {name.rpartition(".")[0] for name in names if "." in name}
    section = key.rpartition(".")[0]
    if section in sections:
        return f"; the keys of {section} are listed by: forecast config keys {section}"
    return "; all keys are listed by: forecast config keys"


def hint_for_option(key: str, kind: str, value: Any) -> str:
    """End of a message about a key that the options of a kind lack: the key that was meant, or the kinds that have it.

    Args:
        key: Dotted key, such as ``model.heads``.
        kind: Kind of network that is configured.
        value: Value of the key.

    Example:
        >>> hint_for_option("model.heads", "lstm", 2)
        '; it is an option of transformer, not of lstm'
        >>> hint_for_option("model.training", "classic", {"optimizer": "sgd"})
        '; did you mean model.optimizer?'
    """
    own = sorted(keys_of(model_class(kind).Options, "model."))
    words = [*value] if isinstance(value, Mapping) else [key.rpartition(".")[2]]
    near = [name for name in own if name in map(KEY_ALIASES.get, words) or name.rpartition(".")[2] in words]
    if not near:
        others = [name for name in network_names() if _has(model_class(name).Options, key)]
        if others and model_class(kind).traits.combines:
            return "; it is an option of a member, such as model.members=[{kind: lstm, units: [64]}, gru]"
        if others:
            return f"; it is an option of {', '.join(others)}, not of {kind}"
        near = difflib.get_close_matches(key, own, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def _has(options: type[BaseModel], key: str) -> bool:
    """True if the section ``model`` has a key or a section of this name."""
    return any(f"{name}.".startswith(f"{key}.") for name in keys_of(options, "model."))


def hint_for_kind(name: Any) -> str:
    """End of a message about an unknown kind of network: the one that was probably meant, if there is one."""
    word = str(name).lower()
    if word in baseline_names():
        return f"; {word} is a baseline, which `forecast backtest --models {word}` fits"
    near = [KIND_ALIASES[word]] if word in KIND_ALIASES else difflib.get_close_matches(word, network_names(), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def facts_of(section: type[BaseModel], defaults: Mapping[str, Any], prefix: str = "") -> Iterator[KeyFacts]:
    """Facts about every key of a section; a section ``model`` inside it is left out, since its keys depend on its kind.

    Args:
        section: Class of the section.
        defaults: Its defaults, as JSON values.
        prefix: Key of the section, with a point at its end.
    """
    properties = section.model_json_schema()["properties"]
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            if prefix or name != "model":
                yield from facts_of(field.annotation, defaults[name], f"{prefix}{name}.")
        else:
            yield KeyFacts(prefix + name, _values(properties[name]), defaults[name])


def options_of_kind(kind: str, section: Mapping[str, Any], given: Collection[tuple[str | int, ...]]) -> dict[str, Any]:
    """Options of another kind of model for this one: those that it has and accepts.

    Args:
        kind: Registry key of the model.
        section: The section ``model`` of the other kind, its kind already changed.
        given: Locations of keys that the user has given, which stay in any case.

    >>> options_of_kind("linear", {"kind": "linear", "units": [8, 8], "forget_bias": 1, "features": "auto"}, [])
    {'kind': 'linear', 'features': 'auto'}
    """
    return {key: value for key, value in section.items() if ("model", key) in given or _is_option(kind, key, value)}


def _is_option(kind: str, key: str, value: Any) -> bool:
    try:
        model_class(kind).Options.model_validate({"kind": kind, key: value})
    except ValidationError:
        return False
    return True


def _values(schema: Mapping[str, Any]) -> str:
    """Values of a JSON schema in words.

    >>> _values({"type": "integer", "minimum": 0, "exclusiveMaximum": 10}), _values({"enum": ["auto", "never"]})
    ('whole number, 0 or more, below 10', 'auto or never')
    """
    if "anyOf" in schema:
        return " or ".join(_values(option) for option in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        options = [str(option) for option in schema.get("enum", [schema.get("const")])]
        return " or ".join([", ".join(options[:-1]), options[-1]] if len(options) > 1 else options)
    kinds = {"integer": "whole number", "number": "number", "boolean": "true or false", "null": "null"}
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list: {_values(schema.get('items', {}))}"
    if kind == "object":
        return "section of names and values"
    words = ["date" if schema.get("format") == "date" else kinds.get(str(kind), "text")]
    limits = {"minimum": "{} or more", "exclusiveMinimum": "above {}", "maximum": "at most {}"}
    limits["exclusiveMaximum"] = "below {}"
    return ", ".join([*words, *(text.format(schema[name]) for name, text in limits.items() if name in schema)])
