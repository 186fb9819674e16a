"""Options of every command and group: how much it says, and whether in colour."""

from collections.abc import Sequence
from typing import Any

import click

from forecaster.cli.streams import change_speech

__all__ = ["common_options", "set_verbose"]


def set_verbose(ctx: click.Context, parameter: click.Parameter, value: bool) -> bool:
    """Say more from now on, where the option is given."""
    if value and not ctx.resilient_parsing:
        change_speech(ctx, verbose=True)
    return value


def _set_quiet(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        change_speech(ctx, quiet=True)


def _set_no_color(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        change_speech(ctx, colored=False)


def common_options(present: Sequence[click.Parameter], *, hidden: bool) -> list[click.Option]:
    """Options of every command, without those that a command has in a form of its own.

    Args:
        present: Parameters of the command.
        hidden: True to leave them out of its help.
    """
    flags: dict[str, Any] = {"is_flag": True, "expose_value": False, "is_eager": True, "hidden": hidden}
    options = [
        click.Option(["-q", "--quiet"], callback=_set_quiet, help="Say nothing but warnings and errors.", **flags),
        click.Option(["-v", "--verbose"], callback=set_verbose, help="Say more, also about errors.", **flags),
        click.Option(["--no-color"], callback=_set_no_color, help="No colours.  [variable NO_COLOR]", **flags),
    ]
    taken = {flag for parameter in present for flag in parameter.opts}
    return [option for option in options if not taken & {*option.opts}]
