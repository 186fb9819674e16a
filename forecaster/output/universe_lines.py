"""Forecasts of a universe as text, one after the other: lines of a table, rows of CSV, lines of JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from forecaster.data.calendars import SPANS
from forecaster.files import json_line
from forecaster.output.tables import csv_text, forecast_rows, price_text

__all__ = ["UniverseText"]

NAME_WIDTH = 9
RANGE_WIDTH = 23
NEAR_STEP = 5


class UniverseText:
    """Text of one forecast after the other, with a header before the first.

    Args:
        kind: ``table``, ``csv`` or ``jsonl``.
        level: Central interval of the table, as a share.
    """

    def __init__(self, kind: str, level: float) -> None:
        self._kind = kind
        self._level = level
        self._begun = False

    def of(self, document: Mapping[str, Any]) -> str:
        """Lines of a document ``forecast/1``, without the last line end."""
        begun, self._begun = self._begun, True
        if self._kind == "jsonl":
            return json_line(document)
        if self._kind == "csv":
            text = csv_text(forecast_rows(document))
            return text.partition("\n")[2] if begun else text
        line = self._line(document)
        return line if begun else f"{self._header(document)}\n{line}"

    def _header(self, document: Mapping[str, Any]) -> str:
        span = SPANS[document["interval"]]
        ranges = [f"{100 * self._level:g} % at {step} {span}s" for step in _steps(document)]
        return _joined("", "cutoff", "last", ranges)

    def _line(self, document: Mapping[str, Any]) -> str:
        last = document["last_price"]
        low, high = (format(round((1 + sign * self._level) / 2, 12), "g") for sign in (-1, 1))
        ranges = []
        for step in _steps(document):
            quantiles = document["steps"][step - 1]["quantiles"]
            ranges.append(f"{price_text(quantiles[low], last)} to {price_text(quantiles[high], last)}")
        return _joined(document["instrument"], document["cutoff"], price_text(last, last), ranges)


def _joined(name: str, cutoff: str, last: str, ranges: Sequence[str]) -> str:
    return f"{name:<{NAME_WIDTH}} {cutoff:<10} {last:>11}" + "".join(f" {cell:>{RANGE_WIDTH}}" for cell in ranges)


def _steps(document: Mapping[str, Any]) -> list[int]:
    """A near step and the last one."""
    horizon = document["horizon"]
    return list(dict.fromkeys((min(NEAR_STEP, horizon), horizon)))
