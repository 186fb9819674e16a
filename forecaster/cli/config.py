"""`forecast config`: the configurations that are installed, and all keys."""

from typing import Any

import click

from forecaster.cli.groups import CommandGroup
from forecaster.cli.options import with_options
from forecaster.cli.sections import SectionedCommand
from forecaster.cli.streams import print_text

__all__ = ["command"]


@click.group("config", cls=CommandGroup, short_help="List configurations and their keys.")
def command() -> None:
    """Configurations for --config, and the keys that a YAML file and --set may contain.

    \b
    Example:
      forecast config list
      forecast config show gru > mine.yaml
      forecast config keys model.training
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)


@command.command("list", cls=SectionedCommand, short_help="List the installed configurations.")
@with_options((), formats=("table", "json"))
def list_(*, format: str) -> None:
    """List the installed configurations; --config takes one of these names, or the path of a YAML file.

    \b
    Example:
      forecast config list
    """  # noqa: D301
    from forecaster.output.config_tables import configuration_table
    from forecaster.workflows.config import list_configurations

    rows = list_configurations()
    _print({"schema": "configurations/1", "configurations": rows}, format, configuration_table(rows))


@command.command("show", cls=SectionedCommand, short_help="Print a configuration as YAML.")
@click.argument("name", required=False, default="default")
@with_options(("set",), formats=("yaml", "json"))
def show(*, name: str, set: tuple[str, ...], format: str) -> None:
    """Print all keys of a configuration with their values; NAME is an installed one or a file.

    \b
    Example:
      forecast config show gru
      forecast config show quick --set model.units=50
    """  # noqa: D301
    from forecaster.files import json_text
    from forecaster.workflows.config import show_configuration

    text, values = show_configuration(name, set)
    print_text(json_text(values) if format == "json" else text.rstrip("\n"))


@command.command("keys", cls=SectionedCommand, short_help="List the keys for --set and YAML files.")
@click.argument("prefix", required=False, default="")
@with_options((), formats=("table", "json"))
def keys(*, prefix: str, format: str) -> None:
    """List every key with its default, its values and the kinds of models that have it.

    PREFIX limits the list to keys that begin with it or contain it.

    \b
    Example:
      forecast config keys
      forecast config keys model.training
    """  # noqa: D301
    from forecaster.output.config_tables import key_table
    from forecaster.workflows.config import list_keys

    rows = list_keys(prefix)
    _print({"schema": "keys/1", "keys": rows}, format, key_table(rows))


def _print(document: dict[str, Any], output: str, table: Any) -> None:
    from forecaster.cli.terminal import table_text
    from forecaster.files import json_text

    print_text(json_text(document) if output == "json" else table_text(table))
