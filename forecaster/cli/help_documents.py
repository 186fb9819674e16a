"""--help with --format json: commands and options as a document."""

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from forecaster import __version__
from forecaster.cli.faults import wants_json
from forecaster.cli.streams import print_text
from forecaster.errors import ExitCode

__all__ = ["print_json_help"]

_HELP = ("--help", "--help-all", "-h")
_TYPES = {"path": "file", "float": "number"}  # name of a type of click -> name in the document


def print_json_help(context: click.Context, words: Sequence[str]) -> None:
    """Print the help of a command as JSON and leave, where `words`, those after the command, ask for it.

    Raises:
        click.exceptions.Exit: The help was printed.
    """
    is_group = isinstance(context.command, click.Group)
    if not context.resilient_parsing and _asks_for_help(words, is_group):
        print_text(json.dumps(_help_document(context), indent=2))
        context.exit()


def _asks_for_help(words: Sequence[str], is_group: bool) -> bool:
    """True if the words after a command ask for its help as JSON; those after a group may name a command below it.

    Example:
        >>> _asks_for_help(["USDJPY", "--help", "--format", "json"], False)
        True
        >>> _asks_for_help(["train", "--help", "--format", "json"], True)
        False
    """
    is_below = is_group and any(not word.startswith(("-", "json")) for word in words)
    return not is_below and any(word in _HELP for word in words) and wants_json(words)


def _help_document(context: click.Context) -> dict[str, Any]:
    """The document ``help/1`` of a command and of those below it."""
    return {
        "schema": "help/1",
        "version": __version__,
        "exit_codes": {str(code.value): code.meaning for code in ExitCode},
        "commands": [*_commands(context.command.to_info_dict(context), context.command, _path(context))],
    }


def _commands(info: Mapping[str, Any], command: click.Command, path: str) -> Iterator[dict[str, Any]]:
    """Facts about a command, and about those below it."""
    options = [facts for facts in info["params"] if facts["param_type_name"] == "option" and not facts["hidden"]]
    arguments = [facts for facts in info["params"] if facts["param_type_name"] == "argument"]
    parameters = {parameter.name: parameter for parameter in command.params}
    context = click.Context(command, info_name=path)
    yield {
        "command": path,
        "summary": info["short_help"] or (info["help"] or "").split("\n")[0],
        "help": inspect.cleandoc(info["help"] or "").replace("\b\n", ""),
        "arguments": [_argument(facts, parameters[facts["name"]], context) for facts in arguments],
        "options": [_option(facts, parameters.get(facts["name"])) for facts in options],
    }
    if isinstance(command, click.Group):
        for name, child in info["commands"].items():
            inner = command.get_command(context, name)
            if inner is not None:
                yield from _commands(child, inner, f"{path} {name}")


def _argument(facts: Mapping[str, Any], parameter: click.Parameter, context: click.Context) -> dict[str, Any]:
    return {
        "name": str(parameter.metavar or facts["name"].upper()).strip("[]."),
        "type": _type(facts),
        "required": facts["required"],
        "repeated": facts["nargs"] != 1,
        "help": (parameter.get_help_record(context) or ("", ""))[1],
    }


def _option(facts: Mapping[str, Any], parameter: click.Parameter | None) -> dict[str, Any]:
    default = False if facts["is_flag"] else facts["default"]
    return {
        "name": next((flag for flag in facts["opts"] if flag.startswith("--")), facts["opts"][0]),
        "flags": [*facts["opts"], *facts["secondary_opts"]],
        "type": "boolean" if facts["is_flag"] else _type(facts),
        "choices": [*facts["type"].get("choices", [])],
        "minimum": facts["type"].get("min"),
        "maximum": facts["type"].get("max"),
        "default": default if isinstance(default, bool | int | float | list | tuple | None) else str(default),
        "required": facts["required"],
        "repeated": facts["multiple"],
        "flag": facts["is_flag"],
        "value": None if facts["is_flag"] or parameter is None else parameter.metavar,
        "variable": facts["envvar"],
        "section": getattr(parameter, "section", None),
        "rare": getattr(parameter, "rare", False),
        "help": facts["help"] or "",
    }


def _type(facts: Mapping[str, Any]) -> str:
    name = str(facts["type"]["name"]).split()[0]  # such as integer of "integer range"
    return _TYPES.get(name, name)


def _path(context: click.Context) -> str:
    """Words of a command, whatever name the program was started by."""
    return " ".join(["forecast", *context.command_path.split()[1:]])
