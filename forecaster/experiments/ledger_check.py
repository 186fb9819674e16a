"""Checks of a ledger: the first line that was edited, removed, moved, copied or back-dated, and why."""

import contextlib
import dataclasses
import datetime
import gc
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from forecaster.errors import DamageError
from forecaster.experiments.ledger import BEGIN, CLOCK_TOLERANCE, SCHEMA, Line, issue_time, split_lines
from forecaster.quantiles import SCORING_LEVELS

__all__ = ["BadLine", "LedgerCheck", "check_ledger", "require_sound"]

ONE_DAY = datetime.timedelta(days=1)  # a session of the far east has the date of tomorrow in UTC

_TEXTS = (
    *("version", "instrument", "kind", "source", "frequency", "data_sha256"),
    *("run_id", "model", "configuration", "unit"),
)


@dataclasses.dataclass(frozen=True)
class BadLine:
    """The first line that is wrong.

    Args:
        number: Line of the file, from 1.
        reason: Key: form, edited, duplicated, concatenated, interleaved, moved, removed, numbered, issued, future,
            back_dated or head.
        text: The reason in words.
    """

    number: int
    reason: str
    text: str


@dataclasses.dataclass(frozen=True)
class LedgerCheck:
    """Result of a check.

    Args:
        lines: Complete lines.
        head: Hash of the last of them; that before a bad line.
        first_issued: Issue time of the first line; None without one.
        last_issued: Issue time of the last line that is sound.
        torn: Bytes of a torn line at the end, which is no entry; 0 as a rule.
        bad: First bad line; None for a sound ledger.
        since_head: Lines after the one with the noted hash; None without one.
        entries: Entries of the sound lines, with numbers as `Line.graded_content` gives them.
    """

    lines: int
    head: str
    first_issued: datetime.datetime | None
    last_issued: datetime.datetime | None
    torn: int
    bad: BadLine | None
    since_head: int | None = None
    entries: Sequence[Mapping[str, Any]] = dataclasses.field(default=(), repr=False)


def require_sound(check: LedgerCheck, path: Path) -> None:
    """Refuse a ledger with a bad line.

    Raises:
        DamageError: It has one.
    """
    if check.bad is not None:
        raise DamageError(f"{path}: line {check.bad.number}: {check.bad.text}; expected an unbroken chain")


def check_ledger(content: bytes, now: datetime.datetime, head: str | None = None) -> LedgerCheck:
    """Check every line of a ledger, up to the first bad one.

    Args:
        content: The file.
        now: The current time.
        head: Hash that was noted of an earlier last line, or its first digits; None for none.
    """
    lines, rest = split_lines(content)
    chain = _Chain(lines, now)
    with _without_collection():
        bad = chain.first_bad()
    since = None
    if bad is None and head is not None:
        fitting = [number for digest, number in chain.numbers.items() if digest.startswith(head.lower())]
        if fitting:
            since = len(lines) - fitting[-1]
        else:
            text = f"no line has the hash {head:.64}: the chain was written again, or its end was removed"
            bad = BadLine(len(lines), "head", text)
    return LedgerCheck(len(lines), chain.previous, chain.first, chain.last, len(rest), bad, since, chain.entries)


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """Pause the garbage collector, which would look through millions of numbers again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Chain:
    """Lines that were checked so far."""

    def __init__(self, lines: Sequence[bytes], now: datetime.datetime) -> None:
        self.lines = lines
        self.latest = now + CLOCK_TOLERANCE
        self.previous = BEGIN
        self.numbers: dict[str, int] = {}
        self.entries: list[dict[str, Any]] = []
        self.first: datetime.datetime | None = None
        self.last: datetime.datetime | None = None

    def first_bad(self) -> BadLine | None:
        """The first bad line; None if all are sound."""
        for number, content in enumerate(self.lines, start=1):
            problem = self._problem(number, content)
            if problem is not None:
                return BadLine(number, *problem)
        return None

    def _problem(self, number: int, content: bytes) -> tuple[str, str] | None:
        line = Line.of(content)
        if line is None and content.endswith(b"\r"):
            return "form", "its line ends are those of Windows, CR LF: the file was converted; copy it as it is"
        if line is None:
            return "form", "it is no line of a ledger"
        if not line.is_intact:
            return "edited", "its content does not have its hash: it was edited"
        if line.previous != self.previous:
            return self._broken_link(line)
        try:
            entry = line.graded_content()
            issued = issue_time(entry)
            problem = self._wrong_entry(entry, number) or self._wrong_time(entry, issued)
        except (ValueError, KeyError, TypeError, IndexError, OverflowError) as error:
            return "form", f"it is no entry of a ledger ({error})"
        if problem is not None:
            return problem
        self.entries.append(entry)
        self.numbers[line.hash] = number
        self.previous = line.hash
        self.first = self.first or issued
        self.last = issued
        return None

    def _broken_link(self, line: Line) -> tuple[str, str]:
        """Explanation of a line that does not continue the one before."""
        if line.hash in self.numbers:
            return "duplicated", f"it repeats line {self.numbers[line.hash]}: parts of a ledger were copied together"
        if line.previous == BEGIN:
            return "concatenated", "another ledger begins here: ledgers were copied together"
        if line.previous in self.numbers:
            before = self.numbers[line.previous]
            return "interleaved", f"it continues line {before}, as another line does: ledgers were copied together"
        later = {other.hash for content in self.lines if (other := Line.of(content)) is not None}
        if line.previous in later:
            return "moved", "the line that it continues comes later: lines were moved"
        return "removed", "the line that it continues is missing: it was removed"

    def _wrong_entry(self, entry: Mapping[str, Any], number: int) -> tuple[str, str] | None:
        if entry.get("schema") != SCHEMA:
            return "form", f"its schema is {entry.get('schema')!s:.20}; expected {SCHEMA}"
        if entry["number"] != number:
            return "numbered", f"its number is {entry['number']}; expected {number}"
        return None if _has_shape(entry) else ("form", "its values are not those of a forecast")

    def _wrong_time(self, entry: Mapping[str, Any], issued: datetime.datetime) -> tuple[str, str] | None:
        if issued > self.latest:
            return "future", f"it was issued at {entry['issued']}, which lies in the future: a wrong clock"
        if self.last is not None and issued + CLOCK_TOLERANCE < self.last:
            return (
                "issued",
                f"it was issued at {entry['issued']}, before the line above it: a wrong clock, or back-dated",
            )
        day = issued.date()
        if datetime.date.fromisoformat(entry["dates"][0]) < day:
            return "back_dated", f"its first day, {entry['dates'][0]}, was over when it was issued, {entry['issued']}"
        if datetime.date.fromisoformat(entry["cutoff"]) > day + ONE_DAY:
            return (
                "future",
                f"its last row is of {entry['cutoff']}, after it was issued, {entry['issued']}: a wrong clock",
            )
        return None


def _has_shape(entry: Mapping[str, Any]) -> bool:
    """True if an entry has all that grading and the list need.

    Raises:
        KeyError, TypeError, OverflowError: It lacks something, or holds a number without bounds.
    """
    steps = entry["baseline_steps"]
    horizon = len(entry["dates"])
    return (
        all(isinstance(entry[key], str) for key in _TEXTS)
        and isinstance(entry["data"], dict)
        and horizon > 0
        and all(_is_table(row, 1, len(entry["levels"])) for row in entry["quantiles"].values())
        and (entry["unchanged"] is None or _are_shares(entry["unchanged"], horizon))
        and all(1 <= step <= horizon for step in steps)
        and all(_is_table(values, len(steps), len(SCORING_LEVELS)) for values in entry["baselines"].values())
        and _are_levels(entry["levels"])
        and entry["unit"] in ("log_return", "change")
        and math.isfinite(entry["last_price"])
        and (entry["last_price"] > 0 or entry["unit"] == "change")
        and math.isfinite(entry["scale"])
        and entry["scale"] > 0
    )


def _are_levels(levels: Sequence[float]) -> bool:
    """True for at least two increasing levels in (0, 1)."""
    return len(levels) > 1 and levels[0] > 0 and levels[-1] < 1 and levels == sorted(set(levels))


def _are_shares(values: Sequence[float], count: int) -> bool:
    """True for so many probabilities."""
    return len(values) == count and all(0 <= value <= 1 for value in values)


def _is_table(text: bytes, rows: int, columns: int) -> bool:
    """True for the text of so many rows of so many numbers."""
    return text.count(b",") == rows * columns - 1 and text.count(b"],[") == rows - 1
