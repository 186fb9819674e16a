"""Instruments without a flag: ``forecast predict USDJPY`` means what ``forecast predict --pair USDJPY`` means."""

import re
from collections.abc import Collection, Sequence
from typing import Any, Literal

import click

from forecaster.cli.completion_values import instruments, runs_or_instruments

__all__ = ["InstrumentArgument", "Words", "is_instrument", "named_instruments", "named_run"]

Words = Literal["nothing", "history", "run", "runs"]
"""Things that the words of a command may name besides instruments: a stored history, the id of a run, or several."""

_KINDS: tuple[Literal["pair", "ticker", "csv"], ...] = ("pair", "ticker", "csv")
_USAGE: dict[Words, str] = {
    "nothing": "[INSTRUMENT]...",
    "history": "[HISTORY]",
    "run": "[RUN] [INSTRUMENT]...",
    "runs": "[RUN | INSTRUMENT]...",
}
_HELP: dict[Words, tuple[str, str]] = {
    "nothing": ("INSTRUMENT", "Pair, ticker or file: USDJPY, AAPL or prices.csv."),
    "history": ("HISTORY", "Pair, ticker, file or stored series: USDJPY, AAPL, prices.csv or ecb/USDJPY/1d."),
    "run": ("RUN INSTRUMENT", "Id of a run, or latest; pair, ticker or file: USDJPY, AAPL or prices.csv."),
    "runs": ("RUN, INSTRUMENT", "Ids of runs; or pair, ticker or file: USDJPY, AAPL or prices.csv."),
}
_RUN_ID = re.compile(r"\d{8}(-.*)?|latest")  # or its beginning: the day


class InstrumentArgument(click.Argument):
    """Names of instruments, each a pair, a ticker or a file by its form; it stands in the first section of --help.

    Args:
        also: Further things that a word may name, see `Words`.
    """

    section = "Instrument"
    rare = False

    def __init__(self, also: Words = "nothing") -> None:
        complete = runs_or_instruments if also in ("run", "runs") else instruments
        super().__init__(["names"], nargs=-1, metavar=_USAGE[also], shell_complete=complete)
        self.also = also

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        """The line of --help."""
        return _HELP[self.also]


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
    ids = [word for word in values["names"] if _RUN_ID.fullmatch(word)]
    if not ids:
        return values
    if len(ids) > 1 or values["run"] is not None:
        raise click.UsageError(f"Expected one run; got {' '.join([*ids, *filter(None, [values['run']])])[:100]}.")
    return {**values, "run": ids[0], "names": tuple(word for word in values["names"] if word not in ids)}


def named_instruments(values: dict[str, Any], also: Words) -> dict[str, Any]:
    """Arguments of a command with its positional names in the options of their kinds.

    Args:
        values: Arguments as parsed, ``names`` among them.
        also: Further things that a word may name; the command gets them as its argument ``history`` or ``runs``.

    Raises:
        click.UsageError: Two stored histories are named, or one beside instruments.
    """
    words = values.pop("names")
    if also == "runs":
        runs, words = _separated(words)
        values["runs"] = runs
    elif also == "history":
        values["history"] = None
    if not words:
        return values
    from forecaster.data.instrument_names import is_stored_name, sorted_by_kind

    histories = [word for word in words if also == "history" and is_stored_name(word)]
    if histories:
        if len(words) > 1:
            raise click.UsageError(f"Expected one stored history and no instrument; got {' '.join(words)[:100]}.")
        return {**values, "history": histories[0]}
    kinds = sorted_by_kind(words)
    return {**values, **{kind: tuple(dict.fromkeys((*values[kind], *kinds.get(kind, ())))) for kind in _KINDS}}


def _separated(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Words that name runs, and words that name instruments; what is neither counts as a run."""
    from forecaster.data.instrument_names import names_of, recognised_kind

    names = names_of(words)
    runs = tuple(name for name in names if _RUN_ID.fullmatch(name) or recognised_kind(name) is None)
    return runs, tuple(name for name in names if name not in runs)
