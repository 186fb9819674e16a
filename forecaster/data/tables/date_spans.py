"""Months, quarters and years that stand without a day in a column of dates."""

import re
from collections.abc import Sequence

import numpy as np

from forecaster.arrays import DateArray, Int64Array
from forecaster.data.tables.moments import EXPECTED, ORDER_OPTION, DateError, unlike

__all__ = ["COMPACT_MONTH", "span_ends", "whole_spans"]

_SPANS = {
    "month": re.compile(r"(\d{4})(?:[-/. ]|-?[Mm])(\d{1,2})"),
    "quarter": re.compile(r"(\d{4})[-/. ]?[Qq](\d)"),
    "year": re.compile(r"(\d{4})"),
}
COMPACT_MONTH = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])")
"""Year and month; six digits may also be a day of a short year, unless their middle is no month."""

_SPAN_FIRST = re.compile(r"(Q?)(\d{1,2})(?:[-/. ]|(?<=Q\d))(\d{4})", re.IGNORECASE)


def whole_spans(texts: Sequence[str], cells: Sequence[str]) -> tuple[DateArray, str, str] | None:
    """Last days, format and kind of months, quarters or years that stand without a day; None for other cells.

    Args:
        texts: Cells of the file, for messages.
        cells: The same without white space and marks.

    Raises:
        DateError: A row is written in another way than the first, is no month or quarter, or may be a day.
    """
    cells = [_SPAN_FIRST.sub(r"\3-\1\2", cell) for cell in cells] if _SPAN_FIRST.fullmatch(cells[0]) else cells
    if all(map(COMPACT_MONTH.fullmatch, cells)):
        if all("01" <= cell[2:4] <= "12" for cell in cells):
            what = f"{texts[0]!r:.60} may be a month or a day of a short year"
            raise DateError(0, f"{what}; {EXPECTED}; or say so with {ORDER_OPTION}")
        cells = [f"{cell[:4]}-{cell[4:]}" for cell in cells]
    span = next((span for span, pattern in _SPANS.items() if pattern.fullmatch(cells[0])), None)
    return None if span is None else (_last_days(texts, cells, span), f"{span}s", span)


def _last_days(texts: Sequence[str], cells: Sequence[str], span: str) -> DateArray:
    parts = []
    for row, cell in enumerate(cells):
        match = _SPANS[span].fullmatch(cell)
        if match is None:
            raise unlike(texts, row)
        number = int(match[2]) if span != "year" else 12
        parts.append((int(match[1]), number * 3 if span == "quarter" else number))
    if span == "month":
        parts = _with_octobers(texts, cells, parts)
    year, month = np.array(parts, dtype=np.int64).T
    return span_ends(texts, year, month, span)


def _with_octobers(texts: Sequence[str], cells: Sequence[str], parts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Months of decimal numbers, in which ``2015.1`` is October beside ``2015.09``: a program has dropped the zero."""
    digits = {cell[5:] for cell in cells if cell[4] == "."}
    if {text for text in digits if len(text) == 1} != {"1"} or len(digits) == 1:
        return parts
    row = next(row for row, cell in enumerate(cells) if cell[4:] == ".1")
    if not any(text.startswith("0") for text in digits):
        raise DateError(row, f"{texts[row]!r:.60} may be January or October; {EXPECTED}")
    return [(year, 10 if cell[4:] == ".1" else month) for (year, month), cell in zip(parts, cells, strict=True)]


def span_ends(texts: Sequence[str], year: Int64Array, month: Int64Array, span: str) -> DateArray:
    """Last days of months: the day on which a value of the whole month, quarter or year can be known."""
    first = (12 * (year - 1970) + month - 1).astype("datetime64[M]")
    wrong = np.flatnonzero((month < 1) | (month > 12))
    if len(wrong):
        raise DateError(int(wrong[0]), f"{texts[int(wrong[0])]!r:.60} is no {span}; {EXPECTED}")
    return np.asarray((first + 1).astype("datetime64[D]") - 1)
