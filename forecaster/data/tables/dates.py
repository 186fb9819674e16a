"""Dates as people write them in files, read as a whole column, and only where there is one way to read it."""

import dataclasses
import functools
import re
import unicodedata
from collections.abc import Callable, Sequence

import numpy as np

from forecaster.arrays import DateArray, Int64Array
from forecaster.data.tables.clock_times import Clock, split_times
from forecaster.data.tables.date_numbers import numbered_dates
from forecaster.data.tables.date_spans import COMPACT_MONTH, span_ends, whole_spans
from forecaster.data.tables.moments import EXPECTED, ORDER_OPTION, DateError, Moments, unlike
from forecaster.data.tables.month_names import WORDS, folded, is_filler, is_month, months_of
from forecaster.data.tables.numbers import PLAIN_SIGNS, has_small_digits

__all__ = ["DATE_ORDERS", "DateError", "looks_like_date", "parse_dates"]

DATE_ORDERS = ("dmy", "mdy", "ymd")
"""Orders of day, month and year that a user may name."""

MIN_YEAR = 1600
"""Oldest year of a price history; smaller numbers are years of another calendar."""

MAX_YEAR = 2400
"""Last year of the Gregorian calendar; a column of greater ones counts from the birth of Buddha, as in Thailand."""

MAX_SHORT_YEAR = 2035
"""Last year that is meant by two digits: 35 is 2035, 36 is 1936."""

_GAP_RATIO = 5  # the order of a date is certain if every other one gives gaps that are so much longer

_MAX_EVEN_RATIO = 3  # of the longest distance to the usual one: a month or two may be missing
_MAX_GAP_RATIO = 50  # closings of an exchange are shorter; a year between rows of a day is none

_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SEPARATED = re.compile(r"(\d{1,4})([-/.\s])(\d{1,2})\2(\d{1,4})[.]?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\.0+)?")
_COMPACT_YEAR_LAST = re.compile(r"(\d{2})(\d{2})((?:1[6-9]|20)\d{2})")
_SHORT_COMPACT = re.compile(r"(\d{2})(\d{2})(\d{2})")
_BESIDE_WORDS = re.compile(
    r"(?P<before>[^\W\d_]+)?[.,\s]*(?P<date>\d{1,4}([-/.])\d{1,2}\3\d{1,4}\.?)[\s,]*(?P<behind>[^\W\d_]+)?\.?"
)
_ERA = re.compile(
    r"(令和|平成|昭和|大正|明治|民國|民国|中華民國|[RHSTM]|R\.O\.C\.)\.?\s*(\d{1,3}|元)[-./年]\s*(\d{1,2})[-./月]\s*(\d{1,2})日?"
)
_ERA_STARTS = {
    "令和": 2018, "平成": 1988, "昭和": 1925, "大正": 1911, "明治": 1867, "R": 2018, "H": 1988, "S": 1925, "T": 1911,
    "M": 1867, "民國": 1911, "民国": 1911, "中華民國": 1911, "R.O.C.": 1911,
}  # fmt: skip
_MINGUO = 1911
_BUDDHIST = 543
_MINGUO_COMPACT = re.compile(r"([01]\d{2})(\d{2})(\d{2})")
Parts = tuple[int, int, int]


def parse_dates(texts: Sequence[str], order: str | None = None) -> Moments:
    """Dates of all rows, which must be written in one way.

    Reads ``2024-07-31`` and ``20240731``, days and months in the order that the whole column decides
    (``31/07/2024``, ``07/31/24``), names of months in many languages, Japanese and Minguo years, numbers of seconds
    and milliseconds since 1970, Excel's numbers of days, and months, quarters and years alone.

    Args:
        texts: Cells of the column.
        order: Order of day, month and year where only numbers stand; None to decide by the column.

    Raises:
        DateError: A row is no date or is written in another way than the first, or the column can be read in two ways.
    """
    if not texts:
        raise DateError(0, f"there are no dates; {EXPECTED}")
    numbered = numbered_dates(texts)
    if numbered is not None:
        return dataclasses.replace(numbered, days=_checked(texts, numbered.days))
    clock = split_times(texts)
    days, form, span = _days(clock, texts, order)
    return Moments(_checked(texts, days), clock.seconds, clock.offsets, form, span)


def _days(clock: Clock, texts: Sequence[str], order: str | None) -> tuple[DateArray, str, str]:
    """Days of the texts without their times, their format and the span that each means."""
    cells = clock.dates
    iso = _iso(cells)
    if iso is not None:
        return iso, "year-month-day", "day"
    cells = list(map(_plain, cells))
    digits = _of_digits(texts, cells, order)
    if digits is not None:
        return (*digits, "day")
    for reader, form in _READERS:
        if reader(cells[0]) is not None:
            return _assemble(texts, _read_all(texts, cells, reader)), form, "day"
    if _SEPARATED.fullmatch(cells[0]):
        return (*_separated(texts, cells, order), "day")
    spans = whole_spans(texts, cells)
    return _named(texts, cells) if spans is None else spans


def _checked(texts: Sequence[str], days: DateArray) -> DateArray:
    """Refuse years that no price history has: those of another calendar, or of a slip."""
    early = days < np.datetime64(f"{MIN_YEAR}-01-01")
    late = days > np.datetime64(f"{MAX_YEAR}-01-01")
    for wrong, where in ((early, f"before {MIN_YEAR}"), (late, "in the far future")):
        if wrong.any():
            row = int(np.argmax(wrong))
            raise DateError(row, f"{texts[row]!r:.60} lies {where}; expected a date of the Gregorian calendar")
    return days


def _iso(cells: Sequence[str]) -> DateArray | None:
    """The usual file, all ``2024-07-31``, read at once; None when it is another."""
    if not all(map(_ISO.fullmatch, cells)):
        return None
    try:
        days = np.array(cells, dtype="datetime64[D]")
    except ValueError:  # 2024-02-30; the slow way says where
        return None
    return days if days.max() < np.datetime64(f"{MAX_YEAR}-01-01") else None  # else years of Thailand


def _plain(cell: str) -> str:
    """A date of numbers without weekday and without words between its numbers."""
    is_as_typed = cell.isascii() or has_small_digits(cell)
    text = cell if is_as_typed else unicodedata.normalize("NFKC", cell.translate(PLAIN_SIGNS)).strip()
    text = re.sub(r"\s*[(\[][^)\]]{1,12}[)\]]\s*", " ", text).strip()
    if not text.isascii():
        text = re.sub(
            r"\s*(星期.|週.|周[一二三四五六日]|[日月火水木金土]曜日?|[월화수목금토일]요일)\s*", " ", text
        ).strip()
        text = re.sub(r"(?<=\d)\s*\u0433\.?$", "", text)  # the Bulgarian and Russian word for year
    if _ERA.fullmatch(text):
        return text
    if not text.isascii():
        text = re.sub(r"(?<=\d)\s*[年년月월]\s*(?=\d)", "-", text)
        text = re.sub(r"(?<=\d)\s*[日일月월]$", "", text)
    text = re.sub(r"(?<=\d)([-/.])\s+(?=\d)", r"\1", text)
    match = _BESIDE_WORDS.fullmatch(text)
    if match and all(is_filler(folded(word)) for word in (match["before"], match["behind"]) if word):
        return match["date"]
    return text


def _year_first(cell: str) -> Parts | None:
    match = _SEPARATED.fullmatch(cell)
    if match and len(match[1]) == 4 and len(match[4]) <= 2:
        return int(match[1]), int(match[3]), int(match[4])
    match = _COMPACT.fullmatch(cell)
    return match and (int(match[1]), int(match[2]), int(match[3]))


def _compact_minguo(cell: str) -> Parts | None:
    match = _MINGUO_COMPACT.fullmatch(cell)
    return match and (int(match[1]) + _MINGUO, int(match[2]), int(match[3]))


def _era(cell: str) -> Parts | None:
    match = _ERA.fullmatch(cell)
    if match is None:
        return None
    return _ERA_STARTS[match[1]] + (1 if match[2] == "元" else int(match[2])), int(match[3]), int(match[4])


Reader = Callable[[str], Parts | None]
_READERS: tuple[tuple[Reader, str], ...] = (
    (_year_first, "year-month-day"),
    (_era, "year of an era-month-day"),
    (_compact_minguo, "Minguo year-month-day"),
)


def _read_all(texts: Sequence[str], cells: Sequence[str], reader: Reader) -> list[Parts]:
    parts = []
    for row, cell in enumerate(cells):
        part = reader(cell)
        if part is None:
            raise unlike(texts, row)
        parts.append(part)
    return parts


def _separated(texts: Sequence[str], cells: Sequence[str], order: str | None) -> tuple[DateArray, str]:
    """Three numbers, year last or of two digits, or a Minguo year of three digits first."""
    matches = [_SEPARATED.fullmatch(cell) for cell in cells]
    numbers: list[Parts] = []
    for row, match in enumerate(matches):
        if match is None or len(match[1]) == 4:
            raise unlike(texts, row)
        numbers.append((int(match[1]), int(match[3]), int(match[4])))
    if any(match is not None and len(match[1]) == 3 for match in matches):
        if any(number[0] <= 31 and len(match[4]) != 2 for number, match in zip(numbers, matches, strict=True) if match):
            raise DateError(0, f"{texts[0]!r:.60} is no date; {EXPECTED}")
        return _assemble(texts, [(year + _MINGUO, month, day) for year, month, day in numbers]), "Minguo year-month-day"
    lengths = [len(match[4]) for match in matches if match is not None]
    if set(lengths) == {4}:
        return _in_order(texts, numbers, _orders_before_year(order))
    if set(lengths) != {2}:
        raise unlike(texts, next((row for row, length in enumerate(lengths) if length != lengths[0]), 0))
    return _in_order(texts, numbers, [order] if order else list(DATE_ORDERS))


def _of_digits(texts: Sequence[str], cells: Sequence[str], order: str | None) -> tuple[DateArray, str] | None:
    """Dates of eight digits with the year last, or of six digits that are no months; None for other texts."""
    pattern = next((form for form in (_COMPACT_YEAR_LAST, _SHORT_COMPACT) if all(map(form.fullmatch, cells))), None)
    is_known = all(map(_LIKE_COMPACT.fullmatch, cells)) or (not order and all(map(COMPACT_MONTH.fullmatch, cells)))
    if pattern is None or is_known:
        return None
    orders = [order] if order else list(DATE_ORDERS)
    matches = map(pattern.fullmatch, cells)
    numbers = [(int(match[1]), int(match[2]), int(match[3])) for match in matches if match]
    return _in_order(texts, numbers, orders if pattern is _SHORT_COMPACT else _orders_before_year(order))


def _orders_before_year(order: str | None) -> list[str]:
    return [order] if order and order != "ymd" else ["dmy", "mdy"]


_ORDER_NAMES = {"dmy": "day-month-year", "mdy": "month-day-year", "ymd": "year-month-day"}


def _in_order(texts: Sequence[str], numbers: Sequence[Parts], orders: Sequence[str]) -> tuple[DateArray, str]:
    """The days in the only order that gives a date in every row, or that alone gives rows close to one another."""
    table = np.array(numbers, dtype=np.int64)
    readings: dict[str, DateArray] = {}
    faults: dict[str, int] = {}
    for order in orders:
        year, month, day = (table[:, order.index(letter)] for letter in "ymd")
        dates, wrong = _dates(_full_year(year), month, day)
        if wrong.any():
            faults[order] = int(np.flatnonzero(wrong)[0])
        else:
            readings[order] = dates
    if not readings:
        row = max(faults.values())
        if len(orders) == 1:
            raise DateError(row, f"{texts[row]!r:.60} is no {_ORDER_NAMES[orders[0]]}; {EXPECTED}")
        other = min(faults.values())
        what = f"{texts[row]!r:.60} has day and month in another order than {texts[other]!r:.60}"
        raise DateError(
            row, f"{what if row != other else f'{texts[row]!r:.60} is a day that no calendar has'}; {EXPECTED}"
        )
    best = _closest(readings)
    if best is None:
        names = " or ".join(_ORDER_NAMES[order] for order in readings)
        raise DateError(
            0,
            f"{texts[0]!r:.60} can be read with the day or the month first ({names}); {EXPECTED}; "
            f"or say so with {ORDER_OPTION}",
        )
    return readings[best], _ORDER_NAMES[best]


def _full_year(year: Int64Array) -> Int64Array:
    """(T,) years of four digits."""
    century = np.where(year + 2000 <= MAX_SHORT_YEAR, 2000, 1900)
    return np.asarray(year + np.where(year < 100, century, 0))


def _closest(readings: dict[str, DateArray]) -> str | None:
    """The only order, or the one in which rows are far closer to one another, or alone follow at one distance.

    Where only day and month may be exchanged, close rows decide nothing: a file of first days of months would be wrong.
    Rows of months or quarters over years are at one distance in their own order only.
    """
    if len(readings) == 1:
        return next(iter(readings))
    gaps = {order: np.abs(np.diff(dates).astype(np.int64)) for order, dates in readings.items()}
    if any(len(steps) < 2 for steps in gaps.values()):
        return None
    ranked = sorted(gaps, key=lambda order: float(np.median(gaps[order])))
    first, second = (float(np.median(gaps[order])) for order in ranked[:2])
    even = [order for order, steps in gaps.items() if steps.max() <= _MAX_EVEN_RATIO * np.median(steps)]
    uneven = [order for order, steps in gaps.items() if steps.max() > 2 * _MAX_EVEN_RATIO * np.median(steps)]
    has_sure_year = ranked[0] == "ymd" or not {"dmy", "mdy"} <= readings.keys()
    if first * _GAP_RATIO < second and has_sure_year and gaps[ranked[0]].max() <= _MAX_GAP_RATIO * first:
        return ranked[0]
    return even[0] if len(even) == 1 == len(readings) - len(uneven) else None


def _named(texts: Sequence[str], cells: Sequence[str]) -> tuple[DateArray, str, str]:
    """A month by its name, with a day and a year, in a language that knows all the names of the column."""
    first = _words_and_numbers(cells[0])
    if first is None:
        raise DateError(0, f"{texts[0]!r:.60} is no date; {EXPECTED}")
    parts = []
    for row, cell in enumerate(cells):
        part = _words_and_numbers(cell)
        if part is None or (part[2] is None) != (first[2] is None):
            raise unlike(texts, row)
        parts.append(part)
    words, years, days = zip(*parts, strict=True)
    months = months_of(frozenset(words))
    if months is None:
        raise DateError(
            0, f"{texts[0]!r:.60} has the name of a month that no language or several know in another way; {EXPECTED}"
        )
    month = np.array([months[word] for word in words])
    is_short = np.array(years) < 100
    year = _full_year(np.array(years))
    if days[0] is None:
        steps = np.abs(np.diff(12 * year + month))
        if is_short.any() and (len(steps) < 2 or np.median(steps) != 1):
            raise DateError(0, f"{texts[0]!r:.60} may be a day without a year; {EXPECTED}")
        return span_ends(texts, year, month, "month"), "month name and year", "month"
    if is_short.any() and not is_short.all():
        raise unlike(texts, int(np.argmax(is_short != is_short[0])))
    return _assemble(texts, np.stack([year, month, days], axis=1)), "day and month name", "day"


def _words_and_numbers(cell: str) -> tuple[str, int, int | None] | None:
    """Name of the month, year, and day or None; None for any other text.

    A year of two digits stands last: ``19 Jan 24``, ``Jan 19, 24``.
    """
    tokens = [folded(token) for token in WORDS.findall(cell)]
    months = [token for token in tokens if token.isalpha() and is_month(token)]
    if len(months) == 2 and is_filler(months[0]) and tokens[0] == months[0]:  # mar. 2 janv. 2024
        tokens, months = tokens[1:], months[1:]
    others = [token for token in tokens if token.isalpha() and token not in months and not is_filler(token)]
    numbers = [token for token in tokens if token.isdigit()]
    if len(months) != 1 or others or not 1 <= len(numbers) <= 2:
        return None
    if len(numbers) == 1:
        return (months[0], int(numbers[0]), None) if len(numbers[0]) in (2, 4) else None
    first, second = numbers
    if len(first) == 4 and len(second) <= 2:
        return months[0], int(first), int(second)
    if len(first) <= 2 and len(second) in (2, 4):
        return months[0], int(second), int(first)
    return None


def _assemble(texts: Sequence[str], parts: Sequence[Parts] | Int64Array) -> DateArray:
    """Dates from years, months and days; a day that its month does not have is refused."""
    year, month, day = np.array(parts, dtype=np.int64).T
    dates, wrong = _dates(year, month, day)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DateError(row, f"{texts[row]!r:.60} is a day that no calendar has; {EXPECTED}")
    return dates


def _dates(year: Int64Array, month: Int64Array, day: Int64Array) -> tuple[DateArray, Int64Array]:
    """(T,) dates, and true where a month does not have the day."""
    if len(year) and year.min() > MAX_YEAR:
        year = year - _BUDDHIST
    months = (12 * (year - 1970) + month - 1).astype("datetime64[M]")
    dates = months.astype("datetime64[D]") + (day - 1).astype("timedelta64[D]")
    return dates, np.asarray((month < 1) | (month > 12) | (dates.astype("datetime64[M]") != months))


_LIKE_NUMBERS = re.compile(
    r"\d{4}([-/.])\d{1,2}\1\d{1,2}\.?|\d{1,2}([-/.])\d{1,2}\2(\d{4}|\d{2})|1\d{2}/\d{1,2}/\d{1,2}"
)
_LIKE_COMPACT = re.compile(r"(1[6-9]|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(\.0+)?")
_LIKE_SPAN = re.compile(
    r"(1[6-9]|20)\d\d([-/](0[1-9]|1[0-2])|-?M\d{1,2}|[- ]?Q[1-4])|((0?[1-9]|1[0-2])[-/]|Q[1-4][- ]?)(1[6-9]|20)\d\d"
)


_PLAIN_NUMBER = re.compile(r"[-+]?\d*[.,]?\d+")


@functools.lru_cache(maxsize=65536)
def looks_like_date(cell: str) -> bool:
    """True for a text that is probably a date by its look alone; bare numbers are, if at all, eight digits."""
    if not 6 <= len(cell) <= 50 or not any(map(str.isdigit, cell)):
        return False
    if _PLAIN_NUMBER.fullmatch(cell):
        return bool(_LIKE_COMPACT.fullmatch(cell))
    date = _plain(split_times([cell]).dates[0])
    if any(form.fullmatch(date) for form in (_LIKE_NUMBERS, _LIKE_COMPACT, _LIKE_SPAN, _ERA)):
        return True
    parts = _words_and_numbers(date)
    return parts is not None and (parts[1] > 99 or parts[2] is not None or not re.search(r"\s", date))
