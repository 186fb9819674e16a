"""Static pictures of a page: for paper, for a browser without scripts, and as the small charts of an overview."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from forecaster.arrays import FloatArray, IntArray
from forecaster.output.axis_ticks import date_ticks, value_ticks
from forecaster.output.html_elements import Element, element
from forecaster.output.page_charts import Chart

__all__ = ["bars", "legend", "small_chart", "static_chart"]

_WIDTH, _HEIGHT = 760, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 10, 14, 24
_LETTER = 7  # width
_MAX_POINTS = 400  # of a line


class _Frame:
    """Places of rows and values in a picture.

    Args:
        chart: The chart; its first view is drawn.
        box: Left, top, right and bottom of the drawn area.
    """

    def __init__(self, chart: Chart, box: tuple[float, float, float, float]) -> None:
        self.first, self.last = chart.shown
        self.left, self.top, self.right, self.bottom = box
        self.is_log = chart.is_log
        parts = [values[self.first : self.last + 1] for values in chart.sequences()]
        finite = np.concatenate([*(values[np.isfinite(values)] for values in parts), np.array(chart.levels)])
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
        ends = np.log([low, high]) if self.is_log else np.array([low, high])
        room = 0.04 * (ends[1] - ends[0]) or 0.01 * abs(ends[0]) or 1.0
        self.ends = (float(ends[0] - room), float(ends[1] + room))

    def x(self, rows: IntArray | FloatArray | float) -> FloatArray:
        """Horizontal places of rows."""
        share = (np.asarray(rows, dtype=float) - self.first) / max(self.last - self.first, 1)
        return np.asarray(self.left + share * (self.right - self.left))

    def y(self, values: FloatArray | float) -> FloatArray:
        """Vertical places of values."""
        places = np.log(values) if self.is_log else np.asarray(values, dtype=float)
        share = (places - self.ends[0]) / (self.ends[1] - self.ends[0])
        return np.asarray(self.bottom - share * (self.bottom - self.top))

    def range(self) -> tuple[float, float]:
        """Lowest and highest value of the drawn area."""
        low, high = np.exp(self.ends) if self.is_log else self.ends
        return float(low), float(high)


def static_chart(chart: Chart) -> Element:
    """The first view of a chart with its axes. Its name and numbers stand beside it, so that readers may skip it."""
    frame = _Frame(chart, (_LEFT, _TOP, _WIDTH - _RIGHT, _HEIGHT - _BOTTOM))
    parts = [*_value_axis(frame), *_date_axis(chart, frame), *_curves(chart, frame)]
    places = [round(float(frame.x(row)), 1) for row in chart.marks]
    for place, name, end in zip(places, chart.marks.values(), [*places, frame.right][1:], strict=True):
        parts.append(element("line", x1=place, x2=place, y1=_TOP, y2=_HEIGHT - _BOTTOM, class_="mark"))
        if place + 8 + _LETTER * len(name) < end:
            parts.append(element("text", name, x=place + 4, y=_TOP + 9, class_="tick"))
    return element("svg", *parts, class_="static", viewBox=f"0 0 {_WIDTH} {_HEIGHT}", aria_hidden="true")


def _value_axis(frame: _Frame) -> list[Element]:
    parts = []
    for value, text in value_ticks(*frame.range(), 6, frame.is_log):
        place = f"{float(frame.y(value)):.1f}"
        parts.append(element("line", x1=frame.left, x2=frame.right, y1=place, y2=place, class_="grid"))
        parts.append(element("text", text, x=frame.left - 6, y=float(place) + 4, class_="tick end"))
    return parts


def _date_axis(chart: Chart, frame: _Frame) -> list[Element]:
    parts = []
    for row, text in date_ticks(chart.dates[frame.first : frame.last + 1], 9):
        place = float(frame.x(frame.first + row))
        if frame.left + 20 < place < frame.right - 20:
            parts.append(element("text", text, x=f"{place:.1f}", y=frame.bottom + 17, class_="tick middle"))
    return parts


def _curves(chart: Chart, frame: _Frame) -> list[Element]:
    parts = []
    for level in chart.levels:
        place = f"{float(frame.y(level)):.1f}"
        parts.append(element("line", x1=frame.left, x2=frame.right, y1=place, y2=place, class_="level"))
    for band in chart.bands:
        rows = _drawn_rows(band.high, frame)
        if len(rows):
            ends = [*_points(frame, rows, band.high), *reversed(_points(frame, rows, band.low))]
            parts.append(element("polygon", points=" ".join(ends), class_=f"band {band.tone}"))
    lines = sorted(chart.lines, key=lambda line: line.style != "wide")  # wide ones lie under the others
    for line in lines:
        rows = _drawn_rows(line.values, frame)
        if len(rows):
            points = " ".join(_points(frame, rows, line.values))
            parts.append(element("polyline", points=points, class_=f"line {line.tone} {line.style}"))
    return parts


def _drawn_rows(values: FloatArray, frame: _Frame) -> IntArray:
    """Rows to draw: of many, the lowest and the highest of each of a few hundred groups."""
    rows = np.arange(frame.first, frame.last + 1)
    rows = rows[np.isfinite(values[rows])]
    if len(rows) <= _MAX_POINTS:
        return rows
    drawn = {int(rows[0]), int(rows[-1])}
    for group in np.array_split(rows, _MAX_POINTS // 2):
        drawn |= {int(group[values[group].argmin()]), int(group[values[group].argmax()])}
    return np.array(sorted(drawn))


def _points(frame: _Frame, rows: IntArray, values: FloatArray) -> list[str]:
    return [f"{x:.1f},{y:.1f}" for x, y in zip(frame.x(rows).tolist(), frame.y(values[rows]).tolist(), strict=True)]


def legend(chart: Chart) -> Element:
    """The names of the lines and bands, each beside a sample of it."""
    entries = []
    for line in chart.lines:
        sample = element("line", x1=1, x2=25, y1=7, y2=7, class_=f"line {line.tone} {line.style}")
        entries.append(_entry(sample, line.name))
    under = Counter[str]()  # bands of one colour lie on one another
    for band in chart.bands:
        under[band.tone] += 1
        layers = [element("rect", x=1, y=2, width=24, height=10, class_=f"band {band.tone}")] * under[band.tone]
        entries.append(_entry(element("g", *layers), band.name))
    return element("ul", *entries, class_="legend")


def _entry(sample: Element, name: str) -> Element:
    return element("li", element("svg", sample, viewBox="0 0 26 14", aria_hidden="true"), name)


def small_chart(chart: Chart, text: str) -> Element:
    """A chart of a row of an overview.

    Args:
        chart: The chart; its first view is drawn, without axes.
        text: Text for those who do not see it.
    """
    frame = _Frame(chart, (1, 3, 159, 41))
    return element("svg", *_curves(chart, frame), class_="small", viewBox="0 0 160 44", role="img", aria_label=text)


def bars(shares: Sequence[float], expected: float, low: float, high: float) -> Element:
    """A histogram of shares from 0 to 1.

    Args:
        shares: Share of each bar.
        expected: Share of each bar of a right forecast.
        low: Lower end of the range of a share by chance.
        high: Upper end.
    """
    top = 1.15 * max(*shares, high)
    width = (_WIDTH - _LEFT - _RIGHT) / len(shares)
    height = 180 - _TOP - _BOTTOM

    def y(share: float) -> float:
        return round(_TOP + height * (1 - share / top), 1)

    parts = [
        element(
            "rect",
            x=_LEFT,
            y=y(high),
            width=_WIDTH - _LEFT - _RIGHT,
            height=round(y(low) - y(high), 1),
            class_="chance",
        )
    ]
    for number, share in enumerate(shares):
        place = round(_LEFT + number * width + 2, 1)
        size = round(180 - _BOTTOM - y(share), 1)
        parts.append(element("rect", x=place, y=y(share), width=round(width - 4, 1), height=size, class_="bar"))
    parts.append(element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y(expected), y2=y(expected), class_="level"))
    for value, text in value_ticks(0, 100 * top, 4):
        parts.append(element("text", f"{text} %", x=_LEFT - 6, y=y(value / 100) + 4, class_="tick end"))
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        place = round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)
        anchor = "end" if share == 1 else "start" if share == 0 else "middle"
        parts.append(element("text", f"{share:g}", x=place, y=180 - 7, class_=f"tick {anchor}"))
    return element("svg", *parts, class_="bars", viewBox=f"0 0 {_WIDTH} 180", aria_hidden="true")
