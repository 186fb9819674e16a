"""Choice of the price and of the columns beside it, by their names and contents; never by a guess."""

import dataclasses
import re
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
    SYMBOL_NAMES,
    TIME_NAMES,
    field_of,
    has_close_word,
    is_date_name,
    is_other_number,
    is_raw_price,
    is_whole_name,
    listed,
    plain_name,
    price_tier,
)
from forecaster.data.tables.numbers import Column, is_empty, is_numeric, plain_floats, read_cell
from forecaster.errors import InputFileError

__all__ = ["Choice", "choose_columns", "one_symbol", "time_column"]

_SAMPLE_ROWS = 200
_MAX_CANDIDATES = 8
_MAX_SYMBOLS = 12
_MIN_ROWS_OF_RANGES = 5
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
    """Names of the columns for their meaning.

    A symbol that is the first or last word of several names is left out, as in ``ABC.Open``; ``o``, ``h``, ``l`` and
    ``c`` are written out where all four are there.
    """
    words = [[] if place in layout.ignored else plain_name(name).split() for place, name in enumerate(layout.names)]
    letters = {parts[0] for parts in words if len(parts) == 1}
    if _LETTERS.keys() - {"v"} <= letters:
        return [_LETTERS.get(plain_name(name), name) for name in layout.names]
    kinds = {parts[0] for parts in words if len(parts) == 2 and parts[1] in _LETTERS}  # mid o, mid h, mid l, mid c
    if len(kinds) == 1 and _LETTERS.keys() - {"v"} <= {parts[1] for parts in words if parts[:1] == [*kinds]}:
        kind = kinds.pop()
        return [
            _LETTERS.get(parts[1], name) if len(parts) == 2 and parts[0] == kind else name
            for parts, name in zip(words, layout.names, strict=True)
        ]
    readings = []
    for end in (0, -1):
        counts = Counter(parts[end] for parts in words if len(parts) > 1)
        symbols = [word for word, count in counts.items() if count > 1 and not _has_meaning(word)]
        for symbol in symbols:
            rest = [" ".join(parts[1:] if end == 0 else parts[:-1]) for parts in words]
            names = [
                own if len(parts) > 1 and parts[end] == symbol and field_of(own) is not None else name
                for own, parts, name in zip(rest, words, layout.names, strict=True)
            ]
            if sum(name != own for name, own in zip(names, layout.names, strict=True)) > 1:
                readings.append(names)
    return readings[0] if len(readings) == 1 else list(layout.names)


def _has_meaning(word: str) -> bool:
    return field_of(word) is not None or is_date_name(word) or is_other_number(word) or word in _KINDS_OF_PRICES


def _undecided(layout: Layout, candidates: Sequence[int], problem: str) -> InputFileError:
    """An error that lists the columns of numbers with their first cells."""
    samples = []
    for place in candidates[:_MAX_CANDIDATES]:
        cells = [cell for cell in layout.cells(place)[:20] if not is_empty(cell)][:3]
        samples.append(f"{shown(layout.full_name(place))} ({', '.join(shown(cell, 16)[1:-1] for cell in cells)}, ...)")
    more = " ..." if len(candidates) > _MAX_CANDIDATES else ""
    what = f"candidates: {', '.join(samples)}{more}" if samples else f"found {listed(layout.names)}"
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
    tier = price_tier(layout.names[price]) if layout.has_header else None
    best = _named_prices(layout)
    if (best and (price not in best or len(best) > 1)) or (tier is not None and not is_raw_price(layout.names[price])):
        return places
    for field in OTHER_COLUMNS:
        others = {price, layout.date, *layout.ignored}
        own = [(rank, place) for place, rank in _ranked(layout, field) if place not in others]
        ranks = [rank for rank, _ in own]
        if own and ranks.count(min(ranks)) == 1:
            places[field] = min(own)[1]
    return places


def _ranked(layout: Layout, field: str) -> list[tuple[int, int]]:
    matches = [(place, field_of(name)) for place, name in enumerate(_field_names(layout))]
    return [(place, match[1]) for place, match in matches if match is not None and match[0] == field]


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
            volume = {"volume": numeric[start + 4]} if len(numeric) == start + 5 else {}
            return Choice({**named, **volume}, note)
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
    if not in_range.all():
        return False
    return bool(np.abs(opening[1:] - close[:-1]).sum() < np.abs(close[1:] - opening[:-1]).sum())


def _floats(cells: Sequence[str]) -> FloatArray | None:
    """(T,) numbers with decimal points or with decimal commas; None for any other column."""
    column = Column(cells)
    is_comma = column.plain is None and column.text_row() is None and column.fault_row("comma") is None
    return column.values("comma") if is_comma and column.is_certain("comma") else column.plain


def one_symbol(layout: Layout, symbol: str | None, is_repeated: bool) -> Layout:
    """The rows of one of several series in a table.

    Args:
        layout: The table.
        symbol: Text in a cell of the rows to use, or several separated by commas; None to use all rows.
        is_repeated: True if many dates are there several times.

    Raises:
        InputFileError: Rows of several series stand in the table and none is named, or none of them has that name.
    """
    columns = _symbol_columns(layout, is_repeated)
    if symbol is None:
        if columns:
            place = columns[0]
            names = list(dict.fromkeys(layout.cells(place)))
            sample = ", ".join(shown(name) for name in names[:_MAX_SYMBOLS]) + (
                " ..." if len(names) > _MAX_SYMBOLS else ""
            )
            raise InputFileError(
                f"{layout.table.label} has rows of {len(names)} series in the column {shown(layout.names[place])} "
                f"({sample}); expected one; choose it with --symbol NAME"
            )
        return layout
    own = _columns_of(layout, symbol)
    if own:
        others = frozenset(range(len(layout.names))) - {layout.date, *own}
        return dataclasses.replace(layout, ignored=others)
    records = layout.table.records
    texts = [place for place in range(len(layout.names)) if place != layout.date]
    wanted = [part.strip().casefold() for part in (symbol.split(",") if "," in symbol else [symbol])]
    for spelling in (str.casefold, _letters):
        rows = [
            row
            for row in layout.rows
            if all(any(spelling(records[row][place]) == part for place in texts) for part in wanted)
        ]
        if rows:
            break
    if not rows:
        names = sorted({cell for place in columns for cell in layout.cells(place)})[:_MAX_SYMBOLS]
        columns_beside = [layout.full_name(place) for place in range(len(layout.names)) if place != layout.date]
        what = f"found {', '.join(map(shown, names))}" if names else f"found {listed(columns_beside)}"
        raise InputFileError(f"{layout.table.label} has no rows of the symbol {shown(symbol)}; {what}; check --symbol")
    chosen = dataclasses.replace(layout, rows=rows)
    return one_symbol(chosen, None, is_repeated=False) if len(_symbol_columns(chosen, False)) else chosen


def _columns_of(layout: Layout, symbol: str) -> list[int]:
    """Columns with the symbol above them, in a table with the columns of several series side by side."""
    wanted = symbol.strip().casefold()
    return [
        place
        for place, texts in enumerate(layout.above)
        if place != layout.date and any(wanted in (text.casefold(), *_words(text)) for text in texts)
    ]


def _words(text: str) -> list[str]:
    """Words of the name of a column in lower case, and all of them as one, as ``usdjpy`` for ``USD/JPY``."""
    return [*re.split(r"[\s,;|_()'\"\[\]]+", text.casefold()), _letters(text)]


def _letters(text: str) -> str:
    """Letters and digits of a text in lower case: ``eurusd`` for ``EUR/USD``."""
    return re.sub(r"\W", "", text.casefold())


def _symbol_columns(layout: Layout, is_repeated: bool) -> list[int]:
    """Columns of text with several values: those that are named for symbols, or any if dates are repeated."""
    columns = []
    for place, name in enumerate(layout.names):
        if place == layout.date or place in layout.ignored:
            continue
        is_named = plain_name(name) in SYMBOL_NAMES
        cells = layout.cells(place) if is_named or is_repeated else []
        distinct = set(cells[:5000])
        if len(distinct) < 2 or len(distinct) * 2 > min(len(cells), 5000):  # notes, or a number of each row
            continue
        if not is_numeric(cells[:_SAMPLE_ROWS]) or (is_named and len(distinct) * 4 < len(cells)):
            columns.append(place)
    return sorted(columns, key=lambda place: plain_name(layout.names[place]) not in SYMBOL_NAMES)
