"""Events of the user whose days are known in advance, such as earnings days or elections, read from a file."""

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from forecaster.data.instruments import CURRENCIES, Instrument, parse_pair, shown
from forecaster.data.spellings import parse_day
from forecaster.errors import InputFileError, InstrumentError, UsageError
from forecaster.files import read_regular_file
from forecaster.yaml_text import MAX_BYTES, YamlTextError, parse_yaml, unreadable

__all__ = ["EventFile", "KnownEvent", "known_hash", "read_events"]

_MAX_EVENTS = 20_000
_MAX_NAMES = 100
_MAX_NAME_LENGTH = 60
_MAX_HEADER_LINES = 20
_COLUMNS = {
    "date": ("date", "day", "datum", "fecha", "data", "日付", "日期"),
    "name": ("name", "event", "title", "ereignis", "evento", "événement"),
    "concerns": ("instruments", "instrument", "currencies", "currency", "pair", "ticker", "symbol", "for"),
}
_EXPECTED = "expected the columns date, name and, where not all are meant, instruments or currencies"
_YAML_ENDINGS = (".yaml", ".yml")


class KnownEvent(NamedTuple):
    """An event on a day that is known in advance.

    Args:
        day: Trading day whose price shows the event.
        name: Kind of the event; what is learned from past events of a name holds for those to come.
        concerns: Instruments and currencies, in capitals; every instrument where there is none.
    """

    day: np.datetime64
    name: str
    concerns: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class EventFile:
    """The events of a file.

    Args:
        path: The file.
        events: Events by day, each once.
        sha256: Hash of the bytes of the file.
    """

    path: Path
    events: tuple[KnownEvent, ...]
    sha256: str

    def of(self, instrument: Instrument) -> tuple[KnownEvent, ...]:
        """The events that concern an instrument: all, its name, or one of its currencies."""
        names = {str(name).upper() for name in (instrument.name, instrument.base, instrument.quote) if name}
        return tuple(event for event in self.events if not event.concerns or names & set(event.concerns))


def known_hash(events: Sequence[KnownEvent], until: np.datetime64) -> str:
    """SHA-256 of the events up to a day."""
    past = [f"{event.day} {event.name} {' '.join(event.concerns)}" for event in events if event.day <= until]
    return hashlib.sha256("\n".join(past).encode()).hexdigest()


def read_events(path: Path) -> EventFile:
    """Read a table with a row for each event, or a YAML list with the same keys.

    Raises:
        InputFileError: The file cannot be read, or lines of it are no event; one message for each.
    """
    is_yaml = path.suffix.lower() in _YAML_ENDINGS
    sha256, rows = _yaml_rows(path) if is_yaml else _table_rows(path)
    events: list[KnownEvent] = []
    mistakes: list[str] = []
    for place, row in rows:
        try:
            events.append(_event(row))
        except ValueError as error:
            mistakes.append(f"{path}, {place}: {error}")
    if mistakes:
        raise InputFileError(*mistakes)
    if not events:
        raise InputFileError(f"{path} lists no events; {_EXPECTED}")
    names = {event.name for event in events}
    if len(events) > _MAX_EVENTS or len(names) > _MAX_NAMES:
        raise InputFileError(
            f"{path} lists {len(events)} events with {len(names)} names; expected at most {_MAX_EVENTS} with "
            f"{_MAX_NAMES} names: events of a kind share a name"
        )
    return EventFile(path, tuple(sorted(set(events))), sha256)


def _event(row: dict[str, str]) -> KnownEvent:
    """The event of a row.

    Raises:
        ValueError: It has no date or no name, or an instrument cannot be read.
    """
    name = " ".join(row["name"].split())
    if not 0 < len(name) <= _MAX_NAME_LENGTH or not name.isprintable():
        raise ValueError(f"the name is {shown(name)}; expected 1 to {_MAX_NAME_LENGTH} characters")
    try:
        day = parse_day(row["date"])
    except UsageError as error:
        raise ValueError(error.messages[0]) from error
    concerns = row.get("concerns", "").replace(",", " ").replace(";", " ").replace("|", " ").split()
    return KnownEvent(np.datetime64(day), name, tuple(sorted(set(map(_concerned, concerns)))))


def _concerned(text: str) -> str:
    """A currency, a pair in canonical orientation, or any other name, in capitals."""
    upper = text.upper()
    letters = upper.replace("/", "")
    if upper in CURRENCIES or len(letters) != 6 or not {letters[:3], letters[3:]} <= set(CURRENCIES):
        return upper
    try:
        return parse_pair(text).canonical.name
    except InstrumentError as error:
        raise ValueError(error.messages[0]) from error


def _table_rows(path: Path) -> tuple[str, list[tuple[str, dict[str, str]]]]:
    """Hash, and place and cells of every row below the header."""
    # Loaded here: few commands read a file, and its patterns take some milliseconds to build.
    from forecaster.data.tables.opening import open_table

    table = open_table(path)
    lines = [[cell.lower() for cell in record] for record in table.records[:_MAX_HEADER_LINES]]
    first = next((row for row, names in enumerate(lines) if {"date", "name"} <= _column_places(names).keys()), 0)
    header = lines[first]
    places = _column_places(header)
    missing = [name for name in ("date", "name") if name not in places]
    if missing:
        raise InputFileError(f"{table.label} has no column {missing[0]!r}; {_EXPECTED}")
    rows = []
    dates = _days([record[places["date"]] for record in table.records[first + 1 :] if len(record) > places["date"]])
    for index, record in enumerate(table.records[first + 1 :], start=first + 1):
        # An unquoted list of instruments runs on in further cells.
        cells = {name: record[place] if place < len(record) else "" for name, place in places.items()}
        if places.get("concerns") == len(header) - 1:
            cells["concerns"] = " ".join(record[len(header) - 1 :])
        elif len(record) > len(header):
            table.refuse(index, f"{len(record)} cells; expected {len(header)}, as in the header")
        rows.append((table.place(index), {**cells, "date": dates.get(cells["date"], cells["date"])}))
    return table.sha256, rows


def _days(cells: Sequence[str]) -> dict[str, str]:
    """Text of a date -> the date, where the whole column decides what it means; empty where a text is no date."""
    from forecaster.data.tables.dates import parse_dates
    from forecaster.data.tables.moments import DateError

    try:
        moments = parse_dates(cells)
    except DateError:
        return {}  # the lines that are no dates have a message each
    return dict(zip(cells, map(str, moments.days), strict=True)) if moments.span == "day" else {}


def _column_places(header: Sequence[str]) -> dict[str, int]:
    """Column of each kind of cell that the header has."""
    places: dict[str, int] = {}
    for kind, names in _COLUMNS.items():
        for place, name in enumerate(header):
            if name in names:
                places.setdefault(kind, place)
    return places


def _yaml_rows(path: Path) -> tuple[str, list[tuple[str, dict[str, str]]]]:
    try:
        content = read_regular_file(path, MAX_BYTES)
        document = parse_yaml(content.decode("utf-8-sig"))
    except YamlTextError as error:
        line = "" if error.line is None else f", line {error.line}"
        raise InputFileError(f"{path}{line}: {error.problem}") from error
    except (OSError, ValueError) as error:
        raise InputFileError(f"{path}: {unreadable(error)}") from error
    if not isinstance(document.value, list):
        raise InputFileError(f"{path}: expected a list of events, each with date and name")
    return hashlib.sha256(content).hexdigest(), list(_yaml_events(path, document.value))


def _yaml_events(path: Path, values: Sequence[object]) -> Iterator[tuple[str, dict[str, str]]]:
    for number, value in enumerate(values, start=1):
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise InputFileError(f"{path}, event {number}: expected the keys date and name; got {shown(str(value))}")
        cells_by_key = {key.lower(): item for key, item in value.items()}
        places = _column_places(list(cells_by_key))
        unknown = [key for place, key in enumerate(cells_by_key) if place not in places.values()]
        missing = [kind for kind in ("date", "name") if kind not in places]
        if unknown or missing:
            problem = f"unknown key {shown(unknown[0])}" if unknown else f"no {missing[0]}"
            raise InputFileError(f"{path}, event {number}: {problem}; expected date, name and instruments")
        cells = list(cells_by_key.values())
        texts = {kind: _text(cells[place]) for kind, place in places.items()}
        yield f"event {number}", texts


def _text(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
