"""`init`: a commented configuration for an instrument."""

import shlex
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from forecaster.config import Config
from forecaster.datasets.keywords import TrainingKeywords, config_of, exact_keywords, selection_of
from forecaster.datasets.selection import named_instruments
from forecaster.errors import UsageError
from forecaster.files import write_file
from forecaster.output.visible_text import visible_text
from forecaster.workflows.config import list_keys
from forecaster.yaml_text import flow_text

__all__ = ["configuration_text", "init"]

WIDTH = 100  # columns of a comment


@exact_keywords
def init(
    *,
    out: str | Path,
    config: Config | str | Path | None = None,
    set: Mapping[str, Any] | Sequence[str] = (),
    replace: bool = False,
    **keywords: Unpack[TrainingKeywords],
) -> Config:
    """Write a configuration for instruments as YAML: every key with its value, its meaning and its choices.

    Args:
        out: File to write.
        config: Configuration to start from; None for the defaults.
        set: Assignments that override it.
        replace: True to replace a file that is there.
        **keywords: See `TrainingKeywords`.

    Raises:
        UsageError: The file is there already, or no instrument is given.
        ConfigError: See `load_config`.
        StorageError: The file cannot be written.
    """
    if Path(out).exists() and not replace:
        raise UsageError(f"{out} is there already; expected a new file; choose another --out, or replace it with --yes")
    configured = _config_of_instruments(config, set, keywords)
    write_file(Path(out), configuration_text(configured, str(out)).encode())
    return configured


def _config_of_instruments(
    config: Config | str | Path | None, assignments: Mapping[str, Any] | Sequence[str], keywords: Mapping[str, Any]
) -> Config:
    """The configuration that trains on the instruments without further options."""
    choice = selection_of(keywords)
    configured = config_of(config, assignments, keywords)
    configured = configured.model_copy(update={"data": choice.applied(configured.data)})
    named_instruments(configured.data)
    return configured


def configuration_text(config: Config, path: str) -> str:
    """YAML of a configuration that `load_config` reads back to an equal one, a comment above every key.

    Args:
        config: Configuration.
        path: File that it will be in, for the command of its first lines.
    """
    names = ", ".join([*config.data.pair, *config.data.ticker, *config.data.csv])
    facts: dict[str, dict[str, Any]] = {}
    for row in list_keys():
        if row["models"] is None or config.kind in row["models"]:
            facts[row["key"]] = row
    title = f"# Configuration for {names}. Train with: forecast train --config {shlex.quote(path)}"
    head = [
        visible_text(" ".join(title.splitlines())),  # YAML has no control characters, and a file may be named by them
        "# Above each key stand its meaning and, in brackets, the values that it takes.",
    ]
    return "\n".join([*head, *_section(config.model_dump(mode="json"), "", facts)]) + "\n"


def _section(values: Mapping[str, Any], prefix: str, facts: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Lines of a section, whose keys begin with `prefix`."""
    indent = "  " * prefix.count(".")
    for name, value in values.items():
        key = prefix + name
        fact = facts.get(key)
        if isinstance(value, Mapping) and value and fact is None:
            yield from [""] * (not prefix)
            yield f"{indent}{name}:"
            yield from _section(value, f"{key}.", facts)
            continue
        if fact is not None:
            default = "" if fact["default"] == value else f"; default: {flow_text(fact['default'])}"
            comment = f"{fact['meaning']} [{fact['values']}{default}]".strip()
            yield from textwrap.wrap(
                comment, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}#   ", break_long_words=False
            )
        yield f"{indent}{name}: {flow_text(value)}"
