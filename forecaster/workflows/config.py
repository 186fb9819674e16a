"""`config`: the configurations that are installed, and every key."""

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from forecaster.config import Config, dump_config, load_config, shipped_configs
from forecaster.config_keys import KeyFacts, facts_of, hint_for
from forecaster.errors import UsageError
from forecaster.models import model_class, network_names
from forecaster.models.option_aliases import KEY_ALIASES, keys_like

__all__ = ["list_configurations", "list_keys", "show_configuration"]

_COMMENTED = re.compile(r"(?P<indent> *)(?P<name>\w+):.*?(?:\s#\s*(?P<comment>.*))?")

_CONTINUED = re.compile(r" {12,}#\s*(?P<comment>.*\S)\s*")  # line of a comment that goes on beside the values


def list_configurations() -> list[dict[str, Any]]:
    """Name, kind of model and purpose of every installed configuration."""
    return [
        {"name": name, "model": load_config(Path(name)).kind, "purpose": _purpose(path)}
        for name, path in shipped_configs().items()
    ]


def _purpose(path: Path) -> str:
    """The first sentence of the comment at the top of a file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    comment = " ".join(line.removeprefix("#").strip() for line in lines[: _first_without_comment(lines)])
    return re.split(r"(?<=\w)[.;] ", comment + " ")[0].strip().rstrip(".")


def _first_without_comment(lines: Sequence[str]) -> int:
    return next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))


def show_configuration(name: str, assignments: Sequence[str] = ()) -> tuple[str, dict[str, Any]]:
    """A configuration as YAML and as JSON values, every key with its value.

    Args:
        name: Name of an installed configuration, or path of a YAML file.
        assignments: Texts ``key=value`` that override it.

    Raises:
        ConfigError: See `load_config`.
    """
    config = load_config(name, assignments)
    return dump_config(config), config.model_dump(mode="json")


def list_keys(prefix: str = "") -> list[dict[str, Any]]:
    """Facts about every key whose name begins with `prefix` or has it in it: default, values, models, meaning.

    Raises:
        UsageError: There is no such key.
    """
    alias = KEY_ALIASES.get(prefix.lower().replace("-", "_"))
    prefixes = (prefix,) if alias is None else tuple(keys_like(alias))
    rows = [row for row in _all_keys() if row["key"].startswith(prefixes)]
    rows = rows or [row for row in _all_keys() if prefix.replace("-", "_").lower() in row["key"]]
    if not rows:
        raise UsageError(f"no key of the configuration is called {prefix[:60]!r}{hint_for(prefix, Config)}")
    return rows


def _all_keys() -> Iterator[dict[str, Any]]:
    """Facts about every key; a row for each default where models differ in it."""
    meanings = {name: _meanings(path) for name, path in shipped_configs().items()}
    defaults = load_config()
    for fact in facts_of(Config, defaults.model_dump(mode="json")):
        yield {**dataclasses.asdict(fact), "models": None, "meaning": meanings["default"].get(fact.key, "")}
    by_kind = {kind: {fact.key: fact for fact in _model_facts(kind)} for kind in _kinds(defaults.kind)}
    for key in dict.fromkeys(key for facts in by_kind.values() for key in facts):
        kinds_of: dict[str, list[str]] = {}
        for kind, facts in by_kind.items():
            if key in facts:
                kinds_of.setdefault(repr(facts[key]), []).append(kind)
        for kinds in kinds_of.values():
            texts = [texts[key] for name in (*kinds, "default") if key in (texts := meanings.get(name, {}))]
            meaning = texts[0] if texts else ""
            models = kinds if len(kinds) < len(by_kind) else None
            yield {**dataclasses.asdict(by_kind[kinds[0]][key]), "models": models, "meaning": meaning}


def _kinds(first: str) -> list[str]:
    """Kinds of networks, the default one first."""
    return [first, *(kind for kind in network_names() if kind != first)]


def _model_facts(kind: str) -> Iterator[KeyFacts]:
    """Facts about the section ``model`` of one kind."""
    defaults = load_config(None, [f"model.kind={kind}"]).model_dump(mode="json")["model"]
    for fact in facts_of(model_class(kind).Options, defaults, "model."):
        if fact.key == "model.kind":
            kinds = _kinds(load_config().kind)
            yield dataclasses.replace(fact, default=kinds[0], values=", ".join(kinds))
            continue
        yield dataclasses.replace(fact, default=_kinds_of_sections(fact.default))


def _kinds_of_sections(value: Any) -> Any:
    """A default; of the members of an ensemble their kinds, since all their keys would fill a page.

    >>> _kinds_of_sections([{"kind": "lstm", "units": [32]}, {"kind": "gru"}]), _kinds_of_sections([32, 32])
    (['lstm', 'gru'], [32, 32])
    """
    if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
        return [item["kind"] for item in value]
    return value


def _meanings(path: Path) -> dict[str, str]:
    """Dotted key -> the comment beside it, of a YAML file with two spaces for each level."""
    meanings: dict[str, str] = {}
    sections: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := _COMMENTED.fullmatch(line):
            sections = [*sections[: len(match["indent"]) // 2], match["name"]]
            if match["comment"]:
                meanings[".".join(sections)] = match["comment"].strip()
        elif (match := _CONTINUED.fullmatch(line)) and ".".join(sections) in meanings:
            meanings[".".join(sections)] += f" {match['comment']}"
    return meanings
