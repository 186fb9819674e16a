"""Builders of options: one value, several values, a date."""

import itertools
from collections.abc import Callable
from typing import Any

import click

from forecaster.cli.sections import SectionOption
from forecaster.cli.values import CommaList, DayText, PriceList, to_days, to_price

__all__ = ["Command", "Definition", "date_option", "days_option", "list_option", "option", "prices_option"]

Command = Callable[..., Any]
Definition = Callable[[bool], Callable[[Command], Command]]
"""From whether an option is rare in a command to its decorator."""


def option(section: str, *flags: str, **settings: Any) -> Definition:
    """An option with one value, in a section of --help; `settings` as for `click.option`."""

    def definition(rare: bool) -> Callable[[Command], Command]:
        return click.option(*flags, cls=SectionOption, section=section, rare=rare, **settings)

    return definition


def list_option(
    section: str,
    *flags: str,
    expected: str = "names",
    item: Callable[[str], Any] = str,
    values: CommaList | None = None,
    collect: Callable[[Any], Any] = tuple,
    **settings: Any,
) -> Definition:
    """An option with several values: it may be repeated, and each text may hold values separated by commas.

    Args:
        section: Section of --help.
        flags: As for `click.option`.
        expected: Description of the values, for the error message.
        item: Reads one value; raises ValueError for another text.
        values: Reads a whole text, in place of `expected` and `item`.
        collect: Makes the argument of the command from all values in order, each once.
        settings: As for `click.option`.
    """

    def joined(ctx: click.Context, parameter: click.Parameter, given: tuple[tuple[Any, ...], ...]) -> Any:
        return collect(list(dict.fromkeys(itertools.chain.from_iterable(given))))

    return option(section, *flags, multiple=True, type=values or CommaList(expected, item), callback=joined, **settings)


def prices_option(section: str, flag: str, **settings: Any) -> Definition:
    """Prices, such as 160,165."""
    prices = PriceList("prices such as 160,165", to_price)
    return list_option(section, flag, values=prices, metavar="PRICES", **settings)


def date_option(section: str, *flags: str, **settings: Any) -> Definition:
    """A day, such as 2020-12-31; the command gets a `datetime.date`."""
    return option(section, *flags, type=DayText(), metavar="DATE", **settings)


def days_option(section: str, flag: str, **settings: Any) -> Definition:
    """Days and spans of days, such as 2024-03-01 or 2024-03-01..2024-03-05."""
    days = "days such as 2024-03-01 or 2024-03-01..2024-03-05"
    return list_option(section, flag, expected=days, item=to_days, metavar="DATES", **settings)
