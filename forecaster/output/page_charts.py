"""Charts of a page: their content, and the numbers for the script that draws them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from forecaster.arrays import DateArray, FloatArray

__all__ = ["Band", "Chart", "Line", "chart_document"]

MIN_DIGITS = 5  # significant, of the smallest value
MAX_DECIMALS = 9


@dataclasses.dataclass(frozen=True, eq=False)
class Line:
    """A line of a chart.

    Args:
        name: Name in the legend.
        tone: Class of its colour in the style sheet.
        values: (T,) values; NaN where the line has a gap.
        style: ``thin``, ``wide`` for one that lies under another, or ``dashed``.
    """

    name: str
    tone: str
    values: FloatArray
    style: str = "thin"


@dataclasses.dataclass(frozen=True, eq=False)
class Band:
    """A band between two lines.

    Args:
        name: Name in the legend.
        tone: Class of its colour in the style sheet.
        low: (T,) lower ends; NaN where there is none.
        high: (T,) upper ends.
    """

    name: str
    tone: str
    low: FloatArray
    high: FloatArray


@dataclasses.dataclass(frozen=True, eq=False)
class Chart:
    """A chart over rows of dates; every row has the same width.

    Args:
        name: Name of the chart, for those who do not see it.
        summary: Its most important numbers, in a sentence or two.
        dates: (T,) datetime64[D].
        lines: Lines, the first of which the range slider shows.
        bands: Bands, below the lines.
        view: First and last row to show at first.
        decimals: Decimals of a value that is read out.
        unit: Unit of the values.
        marks: Row -> name of a boundary.
        levels: Values that have a horizontal line.
        is_log: True for a logarithmic axis.
    """

    name: str
    summary: str
    dates: DateArray
    lines: Sequence[Line]
    bands: Sequence[Band] = ()
    view: tuple[int, int] = (0, -1)
    decimals: int = 2
    unit: str = ""
    marks: Mapping[int, str] = dataclasses.field(default_factory=dict)
    levels: Sequence[float] = ()
    is_log: bool = False

    @property
    def shown(self) -> tuple[int, int]:
        """First and last row of the first view, counted from 0."""
        first, last = (row if row >= 0 else len(self.dates) + row for row in self.view)
        return first, last

    def sequences(self) -> list[FloatArray]:
        """The values of all lines and the ends of all bands."""
        return [line.values for line in self.lines] + [end for band in self.bands for end in (band.low, band.high)]


def chart_document(chart: Chart) -> dict[str, Any]:
    """The numbers of a chart: whole numbers, each as the difference to the one before, which makes a page small."""
    days = chart.dates.astype("datetime64[D]").astype(np.int64)
    decimals = _stored_decimals(chart)
    return {
        "dates": np.diff(days, prepend=0).tolist(),
        "decimals": decimals,
        "lines": [
            {"name": line.name, "tone": line.tone, "style": line.style, "values": _steps(line.values, decimals)}
            for line in chart.lines
        ],
        "bands": [
            {
                "name": band.name,
                "tone": band.tone,
                "low": _steps(band.low, decimals),
                "high": _steps(band.high, decimals),
            }
            for band in chart.bands
        ],
        "view": list(chart.shown),
        "shown": chart.decimals,
        "unit": chart.unit,
        "marks": [[row, name] for row, name in chart.marks.items()],
        "levels": list(chart.levels),
        "log": chart.is_log,
    }


def _stored_decimals(chart: Chart) -> int:
    """Decimals of the numbers: on a logarithmic axis the smallest value needs as many digits as the others."""
    sizes = np.concatenate([np.abs(values[np.isfinite(values)]) for values in chart.sequences()])
    if not chart.is_log or not (sizes > 0).any():
        return chart.decimals
    wanted = MIN_DIGITS - 1 - int(np.floor(np.log10(sizes[sizes > 0].min())))
    return min(max(wanted, chart.decimals), MAX_DECIMALS)


def _steps(values: FloatArray, decimals: int) -> list[int | None]:
    """Differences between the values in units of the last decimal, from the first row on; None for a gap.

    Gaps at the end are left out, those at the beginning are one negative number: minus their count.
    """
    there = np.flatnonzero(np.isfinite(values))
    if not len(there):
        return []
    first, last = int(there[0]), int(there[-1])
    whole = np.round(values[there] * 10.0**decimals).astype(np.int64)
    steps: list[int | None] = [None] * (last - first + 1)
    for row, step in zip((there - first).tolist(), np.diff(whole, prepend=0).tolist(), strict=True):
        steps[row] = step
    return [-first, *steps]
