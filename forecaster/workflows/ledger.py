"""`ledger`: check, list and show the forecasts that were logged."""

import datetime
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from forecaster.data.instruments import Instrument
from forecaster.datasets.keywords import Day, InstrumentKeywords, day_of, exact_keywords, selection_of
from forecaster.datasets.selection import Selection, named_instruments
from forecaster.environment import Environment
from forecaster.errors import DamageError, UsageError
from forecaster.experiments.ledger import issue_time, ledger_path, read_ledger, split_lines
from forecaster.experiments.ledger_check import LedgerCheck, check_ledger, require_sound

__all__ = ["ledger_entry_at", "ledger_file", "list_ledger", "named_entries", "sound_entries", "verify_ledger"]

Entry = Mapping[str, Any]

MIN_DIGITS = 8  # of a noted hash


def verify_ledger(
    *,
    head: str | None = None,
    ledger: str | Path | None = None,
    home: str | Path | None = None,
    environment: Environment | None = None,
) -> tuple[LedgerCheck, Path]:
    """Check every line of a ledger: its hash, its place, and its times.

    Args:
        head: Hash of an earlier last line, or its first digits, which the chain must contain.
        ledger: File; ``ledger.jsonl`` of the project when None.
        home: Project folder; the variable FORECAST_HOME or the working directory when None.
        environment: Home folder and clock, in place of `home`.

    Raises:
        InputFileError: There is no ledger.
        UsageError: `head` is no hash.
    """
    environment = environment or Environment.at(home)
    path = ledger_file(ledger, environment)
    if head is not None and not (len(head) >= MIN_DIGITS and set(head.lower()) <= set("0123456789abcdef")):
        raise UsageError(f"--head {head:.70}: expected {MIN_DIGITS} or more digits of a hash, as verify prints it")
    return check_ledger(read_ledger(path), environment.clock(), head), path


def sound_entries(ledger: str | Path | None, environment: Environment) -> LedgerCheck:
    """A check of the whole chain, with its entries in order; a torn last line is noted and left out.

    Raises:
        InputFileError: There is no ledger.
        DamageError: A line is not sound.
    """
    path = ledger_file(ledger, environment)
    check = check_ledger(read_ledger(path), environment.clock())
    require_sound(check, path)
    if check.torn:
        environment.note(f"warning: {path}: the last line was cut off ({check.torn:,} bytes) and is no forecast")
    return check


def ledger_file(ledger: str | Path | None, environment: Environment) -> Path:
    """The ledger that is meant: the given file, or that of the project."""
    return ledger_path(environment.home) if ledger is None else Path(ledger)


def named_entries(entries: Sequence[Entry], choice: Selection, since: datetime.date | None) -> list[Entry]:
    """Entries of the named instruments, in either orientation, or of all when none is named, issued since a day."""
    if not choice.is_empty:
        names = {(each.kind, each.canonical.name) for each in named_instruments(choice.applied())}
        entries = [entry for entry in entries if (entry["kind"], _canonical(entry)) in names]
    return [entry for entry in entries if since is None or issue_time(entry).date() >= since]


def _canonical(entry: Entry) -> str:
    return Instrument(entry["kind"], entry["instrument"]).canonical.name


@exact_keywords
def list_ledger(
    *,
    since: Day | None = None,
    ledger: str | Path | None = None,
    home: str | Path | None = None,
    environment: Environment | None = None,
    **instruments: Unpack[InstrumentKeywords],
) -> list[Entry]:
    """Logged forecasts, newest first; see `verify_ledger` for the arguments.

    Raises:
        InputFileError: There is no ledger.
        DamageError: A line is not sound.
    """
    environment = environment or Environment.at(home)
    entries = sound_entries(ledger, environment).entries
    return named_entries(entries, selection_of(instruments), day_of(since, "since"))[::-1]


def ledger_entry_at(number: int, *, ledger: str | Path | None = None, environment: Environment | None = None) -> Entry:
    """The logged forecast in a line of the ledger.

    Raises:
        InputFileError: There is no ledger.
        DamageError: A line is not sound.
        UsageError: There is no such line.
    """
    environment = environment or Environment.at()
    count = sound_entries(ledger, environment).lines
    if number > count:
        raise UsageError(f"the ledger has {count} lines; got {number}; expected a number up to {count}")
    path = ledger_file(ledger, environment)
    lines, _ = split_lines(read_ledger(path))
    entry: Entry = json.loads(lines[number - 1])["entry"]
    rows = entry["quantiles"]
    if any(len(row) != len(entry["levels"]) for row in rows) or not all(map(_is_integer, itertools.chain(*rows))):
        raise DamageError(f"{path}: line {number}: its quantiles are no table of integers; expected a sound ledger")
    return entry


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and abs(value) < 2**63
