"""Instruments without a flag: ``forecast predict USDJPY`` means what ``forecast predict --pair USDJPY`` means."""

import re
from collections.abc import Collection
from typing import Any, Literal

import click

__all__ = ["InstrumentArgument", "is_instrument", "named_instruments", "named_run"]

_KINDS: tuple[Literal["pair", "ticker", "csv"], ...] = ("pair", "ticker", "csv")


class InstrumentArgument(click.Argument):
    """Names of instruments, each a pair, a ticker or a file by its form; it stands in the first section of --help.

    Args:
        stored: True for a command that also takes the name of one stored history.
        runs: True for a command that also takes the id of a run.
    """

    section = "Instrument"
    rare = False

    def __init__(self, stored: bool = False, runs: bool = False) -> None:
        metavar = "[HISTORY]" if stored else "[RUN] [INSTRUMENT]..." if runs else "[INSTRUMENT]..."
        super().__init__(["names"], nargs=-1, metavar=metavar)
        self.stored = stored
        self.runs = runs

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        """The line of --help."""
        if self.stored:
            return "HISTORY", "Pair, ticker, file or stored series: USDJPY, AAPL, prices.csv or ecb/USDJPY/1d."
        if self.runs:
            return "RUN INSTRUMENT", "Id of a run, or latest; pair, ticker or file: USDJPY, AAPL or prices.csv."
        return "INSTRUMENT", "Pair, ticker or file: USDJPY, AAPL or prices.csv."


def is_instrument(word: str, commands: Collection[str]) -> bool:
    """True if a word in the place of a command names instruments, and is not a command in capitals."""
    from forecaster.data.instrument_names import names_of, recognised_kind

    names = [] if word.startswith("-") or word.lower() in commands else names_of([word])
    return bool(names) and all(recognised_kind(name) is not None for name in names)


def named_run(values: dict[str, Any]) -> dict[str, Any]:
    """Arguments of a command with a positional id of a run in the option ``run``.

    Raises:
        click.UsageError: Two runs are named.
    """
    ids = [word for word in values["names"] if word == "latest" or re.match(r"\d{8}-\d", word)]
    if not ids:
        return values
    if len(ids) > 1 or values["run"] is not None:
        raise click.UsageError(f"Expected one run; got {' '.join([*ids, *filter(None, [values['run']])])[:100]}.")
    return {**values, "run": ids[0], "names": tuple(word for word in values["names"] if word not in ids)}


def named_instruments(values: dict[str, Any], stored: bool) -> dict[str, Any]:
    """Arguments of a command with its positional names in the options of their kinds.

    Args:
        values: Arguments as parsed, ``names`` among them.
        stored: True for a command with an argument ``history`` for the name of a stored history.

    Raises:
        click.UsageError: Two stored histories are named, or one beside instruments.
    """
    words = values.pop("names")
    if not words:
        return {**values, **({"history": None} if stored else {})}
    from forecaster.data.instrument_names import is_stored_name, sorted_by_kind

    histories = [word for word in words if stored and is_stored_name(word)]
    if histories:
        if len(words) > 1:
            raise click.UsageError(f"Expected one stored history and no instrument; got {' '.join(words)[:100]}.")
        return {**values, "history": histories[0]}
    kinds = sorted_by_kind(words)
    named: dict[str, Any] = {kind: tuple(dict.fromkeys((*values[kind], *kinds.get(kind, ())))) for kind in _KINDS}
    return {**values, **named, **({"history": None} if stored else {})}
