"""Choice of the price and of the columns beside it, by their names and contents; never by a guess."""

import dataclasses
import functools
from collections import Counter
from collections.abc import Sequence

import numpy as np

from forecaster.arrays import FloatArray
from forecaster.data.instruments import shown
from forecaster.data.tables.clock_times import seconds_of
from forecaster.data.tables.dates import looks_like_date, parse_dates
from forecaster.data.tables.layout import Layout
from forecaster.data.tables.moments import DateError
from forecaster.data.tables.names import (
    OTHER_COLUMNS,
    TIME_NAMES,
    field_of,
    has_close_word,
    is_date_name,
    is_other_number,
    is_whole_name,
    listed,
    plain_name,
    price_tier,
)
from forecaster.data.tables.numbers import Column, is_empty, is_numeric, plain_floats, read_cell
from forecaster.errors import InputFileError

__all__ = ["Choice", "choose_columns", "time_column"]

_SAMPLE_ROWS = 200
_MAX_CANDIDATES = 8
_MIN_ROWS_OF_RANGES = 5
_MAX_HIGH_TO_LOW = 2.0  # of a high to its low; a volume beside a change is far from it
_KINDS_OF_PRICES = frozenset({"adj", "adjusted", "unadjusted", "raw"})
"""First or last words of names that are no symbol of a series."""

_LETTERS = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume"}
"""Names of columns that mean something only together."""


@dataclasses.dataclass(frozen=True)
class Choice:
    """Columns of a history.

    Args:
        places: ``close`` and the other columns of a history -> number of the column.
        note: Remark about the choice for the user; empty if the names decided.
    """

    places: dict[str, int]
    note: str = ""


def choose_columns(layout: Layout, price_column: str | None = None) -> Choice:
    """The price and the columns that belong to it.

    The price is the one column with the best kind of name, or else the only column of numbers. In a table without
    header the columns must obey the rules of open, high, low and close in every row.

    Raises:
        InputFileError: No column, or more than one, can be the price; the candidates are listed with their first cells.
    """
    time = time_column(layout)
    choice = _chosen(layout, time, price_column)
    if layout.table.separator == ",":
        _refuse_split_numbers(layout, choice.places["close"])
    return choice


def _chosen(layout: Layout, time: int | None, price_column: str | None) -> Choice:
    if price_column is not None:
        return Choice(_beside(layout, layout.column_named(price_column, "--price-column")))
    if not layout.has_header:
        return _without_header(layout, time)
    named = _named_prices(layout)
    if len(named) == 1:
        named += _closes_of_others(layout, named[0])
    if len(named) == 1:
        return Choice(_beside(layout, named[0]))
    if len(named) > 1:
        raise _undecided(layout, named, "several columns that may be the price")
    numeric = [place for place in _numeric(layout, time) if not _is_counter(layout, place)]
    if len(numeric) == 1 and _may_be_price(layout, numeric[0]):
        return Choice(_beside(layout, numeric[0]))
    candidates = [place for place in numeric if _may_be_price(layout, place)]
    names = "close, price, last, settle, value"
    if not candidates:
        raise _undecided(layout, numeric, f"no price column: none called {names}")
    count = "several columns of numbers" if len(candidates) > 1 else "one column beside other numbers"
    raise _undecided(layout, candidates, f"{count} but none called {names}")


def _closes_of_others(layout: Layout, price: int) -> list[int]:
    """Further closes beside a price that is known by some of its words: ``AAPL Close`` beside ``SPOT Close``."""
    if is_whole_name(_field_names(layout)[price]):
        return []
    return [
        place
        for place, name in enumerate(layout.names)
        if place not in (price, layout.date) and field_of(name) is None and _may_be_price(layout, place)
        if has_close_word(name) and is_numeric(layout.cells(place)[:_SAMPLE_ROWS])
    ]


def _refuse_split_numbers(layout: Layout, price: int) -> None:
    """Refuse a price that is one half of numbers with a decimal comma between commas: ``150,05`` in two cells."""
    for left in (price - 1, price):
        right = left + 1
        if left < 0 or left == layout.date or right >= len(layout.names) or (left == price and layout.above[right]):
            continue
        halves = list(zip(layout.cells(left), layout.cells(right), strict=True))
        if not all(first.isdigit() and second.isdigit() for first, second in halves):
            continue
        has_one_length = left == price and len({len(second) for _, second in halves}) == 1
        zeros = [len(second) > 1 and second[0] == "0" for _, second in halves]
        row = 0 if has_one_length else zeros.index(True) if any(zeros) else None
        if row is not None:
            layout.refuse(
                row,
                f"{shown(','.join(halves[row]))} in two cells may be one number with a decimal comma; expected such "
                "numbers in quotation marks, or cells with semicolons between them; save the file so",
            )


def _named_prices(layout: Layout) -> list[int]:
    """Columns with the best kind of name of a price: a close before a price or an adjusted close.

    Columns without a number, such as the second currency of a pair, count where no other has such a name.
    """
    tiers: dict[int, list[int]] = {}
    for place, name in enumerate(_field_names(layout)):
        tier = price_tier(name)
        if tier is not None and place != layout.date and place not in layout.ignored:
            tiers.setdefault(tier, []).append(place)
    best = tiers[min(tiers)] if tiers else []
    return [place for place in best if len(best) == 1 or _has_number(layout, place)] or best


def _has_number(layout: Layout, place: int) -> bool:
    return any(read_cell(layout.table.records[row][place]) for row in layout.rows[:_SAMPLE_ROWS])


def _field_names(layout: Layout) -> list[str]:
    return _meant_names(layout.names, layout.ignored)


@functools.lru_cache(maxsize=1)  # asked for each of thousands of columns
def _meant_names(header: tuple[str, ...], ignored: frozenset[int]) -> list[str]:
    """Names of the columns for their meaning.

    A symbol that is the first or last word of several names is left out, as in ``ABC.Open``; ``o``, ``h``, ``l`` and
    ``c`` are written out where all four are there.
    """
    words = [[] if place in ignored else plain_name(name).split() for place, name in enumerate(header)]
    kinds = {tuple(parts[:-1]) for parts in words if len(parts) in (1, 2) and parts[-1] in _LETTERS}
    lettered = [kind for kind in kinds if all([*kind, letter] in words for letter in "ohlc")]
    if lettered and (() in lettered or len(kinds - {()}) == 1):  # o, h, l, c, or mid o, mid h, mid l, mid c
        letters = {(*min(lettered), letter): field for letter, field in _LETTERS.items()}
        return [letters.get(tuple(parts), name) for parts, name in zip(words, header, strict=True)]
    readings = []
    for end in (0, -1):
        counts = Counter(parts[end] for parts in words if len(parts) > 1)
        symbols = [word for word, count in counts.items() if count > 1 and not _has_meaning(word)]
        for symbol in symbols:
            rest = [" ".join(parts[1:] if end == 0 else parts[:-1]) for parts in words]
            names = [
                own if len(parts) > 1 and parts[end] == symbol and field_of(own) is not None else name
                for own, parts, name in zip(rest, words, header, strict=True)
            ]
            if sum(name != own for name, own in zip(names, header, strict=True)) > 1:
                readings.append(names)
    return readings[0] if len(readings) == 1 else list(header)


def _has_meaning(word: str) -> bool:
    return field_of(word) is not None or is_date_name(word) or is_other_number(word) or word in _KINDS_OF_PRICES


def _undecided(layout: Layout, candidates: Sequence[int], problem: str) -> InputFileError:
    """An error that lists the columns of numbers with their first cells."""
    samples = []
    for place in candidates[:_MAX_CANDIDATES]:
        cells = [cell for cell in layout.cells(place)[:20] if not is_empty(cell)][:3]
        samples.append(f"{shown(layout.full_name(place))} ({', '.join(shown(cell, 16)[1:-1] for cell in cells)}, ...)")
    more = " ..." if len(candidates) > _MAX_CANDIDATES else ""
    what = f"candidates: {', '.join(samples)}{more}" if samples else f"found the columns {listed(layout.names)}"
    is_grouped = any(
        layout.full_name(place) not in (layout.names[place], f"column {place + 1}") for place in candidates
    )
    advice = "name it with --price-column" + (", or its series with --symbol" if is_grouped else "")
    return InputFileError(f"{layout.table.label} has {problem}; {what}; {advice}")


def _beside(layout: Layout, price: int) -> dict[str, int]:
    """The price, with the range, the adjusted price and the volume that belong to it.

    They belong to the best named price of a table. Beside another one, such as an adjusted price or one of several
    columns of prices, the day's range would not fit.
    """
    places = {"close": price}
    best = _named_prices(layout)
    is_adjusted = layout.has_header and price_tier(layout.names[price]) == 2
    if is_adjusted or (best and best != [price]):
        return places
    others = {price, layout.date, *layout.ignored}
    matches = [(field_of(name), place) for place, name in enumerate(_field_names(layout)) if place not in others]
    for field in OTHER_COLUMNS:
        own = sorted((match[1], place) for match, place in matches if match is not None and match[0] == field)
        if own and (len(own) == 1 or own[0][0] < own[1][0]):
            places[field] = own[0][1]
    return places


def _may_be_price(layout: Layout, place: int) -> bool:
    """False for a column that is named after something else, such as a volume or an opening price."""
    match = field_of(_field_names(layout)[place])
    return not is_other_number(layout.names[place]) and (match is None or match[0] == "close")


def _numeric(layout: Layout, time: int | None) -> list[int]:
    """Columns of numbers beside the dates, by their first rows."""
    left_out = {layout.date, time, *layout.ignored}
    places = [place for place in range(len(layout.names)) if place not in left_out]
    numeric = []
    for place in places:
        cells = [layout.table.records[row][place] for row in layout.rows[:_SAMPLE_ROWS]]
        is_dates = is_date_name(layout.names[place]) and not price_tier(layout.names[place])
        is_label = len(set(cells)) == 1 < len(cells) and any(map(str.isalpha, cells[0]))  # 1 USD
        if is_numeric(cells) and not is_dates and not is_label and not all(map(looks_like_date, cells)):
            numeric.append(place)
    return numeric


def _is_counter(layout: Layout, place: int) -> bool:
    """True for the numbers of rows: whole numbers that go up or down by one."""
    values = plain_floats([cell for cell in layout.cells(place) if cell])
    return values is not None and len(values) > 2 and bool((np.abs(np.diff(values)) == 1).all()) and values.min() <= 1


def time_column(layout: Layout) -> int | None:
    """A column with the time of the day beside one of dates without it."""
    first = [layout.table.records[row] for row in layout.rows[:_SAMPLE_ROWS]]
    for place, name in enumerate(layout.names):
        cells = [record[place] for record in first]
        is_named = plain_name(name) in TIME_NAMES
        has_colons = all(":" in cell for cell in cells)
        if place != layout.date and (is_named or has_colons) and all(cells) and seconds_of(cells) is not None:
            return place
    return None


def _without_header(layout: Layout, time: int | None) -> Choice:
    """Columns of a table without header: the only number, or open, high, low, close and perhaps a volume in a row."""
    numeric = _numeric(layout, time)
    if len(numeric) == 1:
        return Choice({"close": numeric[0]})
    for start in range(min(2, max(0, len(numeric) - 3))):
        places = numeric[start : start + 4]
        if places == list(range(places[0], places[0] + 4)) and _is_open_high_low_close(layout, places):
            named = dict(zip(("open", "high", "low", "close"), places, strict=True))
            note = "there is no header; the columns {}, {}, {} and {} are open, high, low and close".format(
                *(place + 1 for place in places)
            )
            others = numeric[start + 4 :]
            is_volume = len(others) == 1 and not any("%" in cell or "-" in cell for cell in layout.cells(others[0]))
            return Choice({**named, **({"volume": others[0]} if is_volume else {})}, note)
    raise _undecided(layout, numeric, "no header and several columns of numbers")


def _is_open_high_low_close(layout: Layout, places: Sequence[int]) -> bool:
    """True if four columns can be open, high, low and close, and not close, high, low and open.

    The high is the largest and the low the smallest in every row, and days open closer to the close of the day before
    than they close to the open of that day.
    """
    columns = [_floats(layout.cells(place)) for place in places]
    if any(column is None for column in columns) or len(layout.rows) < _MIN_ROWS_OF_RANGES:
        return False
    try:
        moments = parse_dates(layout.cells(layout.date))
    except DateError:
        return False
    order = np.argsort(moments.days, kind="stable")
    opening, high, low, close = (np.asarray(column)[order] for column in columns)
    in_range = (high >= np.maximum(opening, close)) & (low <= np.minimum(opening, close)) & (low > 0)
    if not in_range.all() or np.median(high / low) > _MAX_HIGH_TO_LOW:
        return False
    return bool(np.abs(opening[1:] - close[:-1]).sum() < np.abs(close[1:] - opening[:-1]).sum())


def _floats(cells: Sequence[str]) -> FloatArray | None:
    """(T,) numbers with decimal points or with decimal commas; None for any other column."""
    column = Column(cells)
    is_comma = column.plain is None and column.text_row() is None and column.fault_row("comma") is None
    return column.values("comma") if is_comma and column.is_certain("comma") else column.plain
