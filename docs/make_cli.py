"""Write docs/cli.md out of the program's own --help, so that the two cannot drift apart.

Run ``python docs/make_cli.py`` to write the page; with ``--check``, exit 1 when it is out of date.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from forecaster.cli import cli
from forecaster.cli.sections import list_all_options
from forecaster.errors import ExitCode

PAGE = Path(__file__).with_name("cli.md")
_WIDTH = 100

_HEAD = """\
# Command reference

Written by `python docs/make_cli.py` from the program's own `--help`; change the help, not this page.

Results go to stdout, everything else to stderr. `--help` lists the common options of a command, `--help-all` all of
them; this page lists all.

## Exit codes

| code | meaning |
|---|---|
"""


def reference() -> str:
    """The text of the page."""
    context = click.Context(cli, info_name="forecast", terminal_width=_WIDTH, **cli.context_settings)
    list_all_options(context)
    codes = "".join(f"| {code.value} | {code.meaning} |\n" for code in ExitCode)
    return "\n".join([_HEAD + codes, *_blocks(cli, context)])


def _blocks(command: click.Command, context: click.Context) -> Iterator[str]:
    """Yield the help of a command and of its subcommands."""
    yield _block(context.command_path, command.get_help(context))
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None  # noqa: S101  (listed a line above)
            yield from _blocks(inner, click.Context(inner, info_name=name, parent=context))


def is_current(page: str) -> bool:
    """True if `page` equals the reference, apart from white space."""
    return page.split() == reference().split()


def _block(title: str, text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return f"## {title}\n\n```text\n{lines}\n```\n"


def main() -> int:
    """Write the page or, with ``--check``, compare it."""
    if "--check" in sys.argv[1:]:
        if PAGE.is_file() and is_current(PAGE.read_text(encoding="utf-8")):
            return 0
        click.echo(f"{PAGE.name} is out of date; run: python docs/make_cli.py", err=True)
        return 1
    PAGE.write_text(reference(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
