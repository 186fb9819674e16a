"""Commands whose --help lists options in sections; rarely needed options are listed by --help-all alone."""

from collections.abc import Mapping
from typing import Any

import click

from forecaster.cli.common_options import CommonCommand, common_options, print_help
from forecaster.cli.help_documents import print_json_help
from forecaster.cli.positional import InstrumentArgument
from forecaster.cli.suggestions import choice_message, number_message, option_message

__all__ = ["MAX_COMMON_OPTIONS", "SECTIONS", "SectionOption", "SectionedCommand", "list_all_options"]

SECTIONS = ("Instrument", "Question", "Data", "Model", "Search", "Engine", "Output")
MAX_COMMON_OPTIONS = 14  # of one command, the options about help included
MAX_FLAGS_WIDTH = 27  # of the column of flags; a longer one has its text on the next line
_LIST_ALL = "forecaster.list_all_options"


class SectionOption(click.Option):
    """An option that belongs to a section of --help.

    Args:
        section: One of `SECTIONS`.
        rare: True for an option that only --help-all lists.
        settings: As for `click.Option`.
    """

    def __init__(self, *flags: Any, section: str, rare: bool = False, **settings: Any) -> None:
        super().__init__(*flags, **settings)
        self.section = section
        self.rare = rare


class SectionedCommand(CommonCommand):
    """A command with its options in sections.

    Args:
        renamed: Flag that users may expect -> the flag that does it, for the message about an unknown option.
        settings: As for `click.Command`.
    """

    def __init__(self, *arguments: Any, renamed: Mapping[str, str] | None = None, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.renamed = renamed or {}
        if any(option.rare for option in self.options()):
            self.params.append(
                click.Option(
                    ["--help-all"],
                    is_flag=True,
                    is_eager=True,
                    expose_value=False,
                    callback=_print_help_of_all,
                    help="Show all options and exit.",
                )
            )

    def options(self) -> list[SectionOption]:
        """The options of all sections, in order."""
        return [option for option in self.params if isinstance(option, SectionOption)]

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Parameters, with the options that every command has."""
        return [*super().get_params(ctx), *common_options(self.params, hidden=True)]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, and name the right flag where another is expected; print the help as JSON where that is asked for."""
        words = list(args)
        print_json_help(ctx, words)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            flag = error.option_name
            flags = [name for option in self.get_params(ctx) for name in option.opts if name.startswith("--")]
            meant = f"No such option {flag!r}; use {self.renamed[flag]}." if flag in self.renamed else None
            message = meant or option_message(flag, words, flags) or f"No such option {flag[:60]!r}."
            raise click.UsageError(message, ctx) from None
        except click.BadParameter as error:
            kind = None if error.param is None else error.param.type
            choices = kind.choices if isinstance(kind, click.Choice) else None
            message = number_message(error.message) if choices is None else choice_message(error.message, choices)
            if message == error.message:
                raise
            raise click.BadParameter(message, ctx, error.param, error.param_hint) from None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, section by section, without empty lines between them."""
        sections: dict[str, list[tuple[str, str]]] = {section: [] for section in (*SECTIONS, "Help")}
        for option in self.get_params(ctx):
            record = option.get_help_record(ctx)
            if isinstance(option, SectionOption | InstrumentArgument):
                if record is not None and (ctx.meta.get(_LIST_ALL) or not option.rare):
                    sections[option.section].append(record)
            elif isinstance(option, click.Option) and record is not None:
                sections["Help"].append(record)
        formatter.write_paragraph()
        longest = max(len(flags) for records in sections.values() for flags, _ in records)
        width = min(longest, MAX_FLAGS_WIDTH, formatter.width // 3 + 1)
        for section, records in sections.items():
            if records:
                formatter.write_heading(section)
                with formatter.indentation():
                    formatter.write_dl([(flags.ljust(width), text) for flags, text in records], col_max=width)


def list_all_options(ctx: click.Context) -> None:
    """Let every help in `ctx` and in the contexts inside it list rare options too."""
    ctx.meta[_LIST_ALL] = True


def _print_help_of_all(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        list_all_options(ctx)
    print_help(ctx, parameter, value)
