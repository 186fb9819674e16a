"""Options of every command and group: how much it says, and whether in colour."""

from collections.abc import Sequence
from typing import Any

import click

from forecaster.cli.streams import change_speech, print_text

__all__ = ["CommonCommand", "common_options", "print_help", "set_verbose"]


class CommonCommand(click.Command):
    """A command whose help is printed as results are: a reader that leaves it, as in ``| head``, is no fault."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """The option --help."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.callback = print_help
        return option


def print_help(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    """Print the help of a command and leave, where the option is given."""
    if value and not ctx.resilient_parsing:
        print_text(ctx.get_help())
        ctx.exit()


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
