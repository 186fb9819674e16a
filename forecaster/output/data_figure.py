"""Picture of a history: prices, the size of each day's move, and all findings.

Shape and colour show the severity of a finding: a cross is an error, a diamond a repair, a triangle a warning, a ring
a remark. A finding beyond the axes is drawn at their edge.
"""

import dataclasses
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import EngFormatter

from forecaster.arrays import DateArray, FloatArray
from forecaster.data.findings import Finding
from forecaster.data.results import HistoryFacts
from forecaster.data.series import PriceSeries
from forecaster.data.validation import RawRows, Report, repaired
from forecaster.errors import UsageError
from forecaster.output.canvas import LEFT, blank_figure, date_axis, day_number, drawing_style, headline
from forecaster.output.colors import BLUE, GREY, RED
from forecaster.output.data_documents import history_document
from forecaster.output.forecast_panels import LOG_RATIO, log_axis

__all__ = ["Flag", "HistoryPicture", "draw_history_picture", "history_picture"]

# Finding -> the marks that hold all of its rows, where these have another name.
_MARKS_OF = {"gap": "missing_days", "many_bad_prices": "bad_price", "wrong_symbol": "reference_mismatch"}


_AMBER, _VIOLET = "#B36B00", "#7A3E9D"
_MARKS: dict[str, dict[str, Any]] = {
    "error": {"marker": "X", "color": RED, "markersize": 8.5, "markeredgecolor": "white", "markeredgewidth": 0.7},
    "repair": {"marker": "D", "color": _VIOLET, "markersize": 6, "markeredgecolor": "white", "markeredgewidth": 0.7},
    "warning": {"marker": "^", "color": _AMBER, "markersize": 6.5, "markeredgecolor": "white", "markeredgewidth": 0.6},
    "info": {"marker": "o", "color": GREY, "markersize": 5.5, "markerfacecolor": "none", "markeredgewidth": 1.1},
}
"""Severity -> how its rows are marked; the worst is drawn last, on top."""

_WORDS = {"error": "error", "repair": "repair", "warning": "warning", "info": "remark"}
_FEW_ROWS = 250
_GAP_DAYS = 10  # longer than any holidays; and than four rows, where these are weeks or months
_SHORTEST_AXIS = 10.0  # days; on a shorter axis hours would be marked
_TINY, _LONG = 1e-3, 1e5
MAX_LETTERS = 62  # of a line of the right column; letters differ, so it is measured as well
_LINE, _SMALL = 0.0262, 8.5  # height of a line of the right column as a share of its panel; points
_EDGE = 0.025  # where a mark stands that would fall off the axes


@dataclasses.dataclass(frozen=True, eq=False)
class Flag:
    """One finding and its rows.

    Args:
        severity: ``error``, ``repair``, ``warning`` or ``info``.
        text: One line for people.
        dates: (N,) datetime64[D] to mark; none where it is about no row in particular.
        prices: (N,) as the source had them: NaN, zero and anything else.
    """

    severity: str
    text: str
    dates: DateArray
    prices: FloatArray


@dataclasses.dataclass(frozen=True, eq=False)
class HistoryPicture:
    """All that the picture of a history shows.

    Args:
        title: Title of the picture.
        unit: Unit of the prices, such as ``"JPY per USD"``.
        dates: (T,) datetime64[D], increasing.
        prices: (T,) positive, unless `changes`.
        flags: Findings, worst first.
        facts: Label -> value, for the table on the right.
        note: Small print: source and hash.
        changes: True if moves are changes of the price instead of percent.
    """

    title: str
    unit: str
    dates: DateArray
    prices: FloatArray
    flags: Sequence[Flag]
    facts: Mapping[str, str]
    note: str
    changes: bool = False


def history_picture(facts: HistoryFacts) -> HistoryPicture:
    """The picture of a history: repaired prices, and every finding on its rows."""
    series = facts.series
    instrument = series.instrument
    rows = repaired(RawRows.of(series), facts.report)
    flags = []
    for finding in facts.findings:
        dates = _dates_of(finding, facts.report)
        flags.append(Flag(finding.severity.value, finding.text, dates, _prices_at(series, dates)))
    return HistoryPicture(
        title=f"{instrument.name}: prices and findings",
        unit=f"{instrument.quote} per {instrument.base}" if instrument.kind == "pair" else "price",
        dates=rows.dates,
        prices=rows.columns["close"],
        flags=flags,
        facts=_facts_in_words(facts),
        note=" · ".join(filter(None, (series.name, f"rows to {series.dates[-1]}", series.meta.get("attribution")))),
        changes=series.differences,
    )


def _facts_in_words(facts: HistoryFacts) -> dict[str, str]:
    """Facts for the table next to the picture."""
    document = history_document(facts)
    versions = len(facts.versions)
    extremes = {label: document[label] for label in ("lowest", "highest")}
    return {
        "source": document["source"],
        "rows": f"{document['rows']:,}",
        "first": document["first"],
        "last": document["last"],
        "age": f"{facts.age:,} business day{'' if facts.age == 1 else 's'}",
        **{label: f"{extreme['price']:,.6g} on {extreme['date']}" for label, extreme in extremes.items()},
        "columns": ", ".join(document["columns"]),
        "stored": f"{versions} version{'s' if versions > 1 else ''}" if versions else "not yet",
        "sha256": document["sha256"][:12],
    }


def _dates_of(finding: Finding, report: Report) -> DateArray:
    """(N,) the rows that a finding is about: all of them where the report holds them, else the first few."""
    code = finding.code.removesuffix("_by_factor")
    marks = next((marks for marks in report.marks if marks.code == _MARKS_OF.get(code, code)), None)
    if code == "close_equals_open" or marks is None or not len(marks):
        return np.array([date for date in finding.dates if len(date) == len("2020-12-31")], dtype="datetime64[D]")
    if code in ("rows_gone", "no_row_to_correct"):
        return marks.values.astype("datetime64[D]")
    rows = marks.rows[marks.known_until > len(report.dates) - 1]
    if code == "gap":  # the longest of the pauses
        rows = marks.rows[np.sort(np.argsort(-marks.values, kind="stable")[: finding.count])]
    return report.dates[rows].astype("datetime64[D]")


def _prices_at(series: PriceSeries, dates: DateArray) -> FloatArray:
    """(N,) closing prices on `dates`, NaN where there is no row: the source has left it out."""
    places = np.minimum(np.searchsorted(series.dates, dates), len(series) - 1)
    return np.where(series.dates[places] == dates, series.close[places], np.nan)


def draw_history_picture(picture: HistoryPicture) -> Figure:
    """Draw prices above, moves below, facts and findings on the right.

    Raises:
        UsageError: There are fewer than two rows.
    """
    if len(picture.dates) < 2:
        raise UsageError(f"{picture.title} has {len(picture.dates)} rows; a picture needs 2; leave it out or load more")
    with drawing_style():
        figure = blank_figure()
        grid = figure.add_gridspec(
            2, 2, width_ratios=(2.15, 1), height_ratios=(7, 3),
            left=LEFT, right=0.985, top=0.875, bottom=0.085, hspace=0.2, wspace=0.06,
        )  # fmt: skip
        prices = figure.add_subplot(grid[0, 0], label="prices")
        _draw_prices(prices, picture)
        _draw_moves(figure.add_subplot(grid[1, 0], sharex=prices, label="moves"), picture)
        _write_column(figure.add_subplot(grid[:, 1], label="facts"), picture)
        handles, names = _legend(picture)
        figure.legend(handles, names, loc="center left", bbox_to_anchor=(LEFT, 0.918), ncols=7, columnspacing=1.6)
        headline(figure, picture.title, picture.note)
    return figure


def _legend(picture: HistoryPicture) -> tuple[list[Any], list[str]]:
    entries: dict[str, Any] = {"price": Line2D([], [], color=BLUE, linewidth=1.2)}
    for severity, mark in _MARKS.items():
        count = sum(len(flag.dates) for flag in picture.flags if flag.severity == severity)
        if count:
            entries[f"{severity} ({count:,})"] = Line2D([], [], linestyle="none", **mark)
    if _gaps(picture.dates):
        entries["no rows"] = Patch(color=GREY, alpha=0.16, linewidth=0)
    return list(entries.values()), list(entries)


def _draw_prices(axes: Axes, picture: HistoryPicture) -> None:
    few = len(picture.dates) <= _FEW_ROWS
    look: dict[str, Any] = {"marker": "o", "markersize": 2.6, "linewidth": 0.9} if few else {"linewidth": 0.8}
    axes.plot(picture.dates, picture.prices, color=BLUE, label="price", zorder=3, **look)
    low, high = float(np.min(picture.prices)), float(np.max(picture.prices))
    if low > 0 and high > LOG_RATIO * low:
        room = (high / low) ** 0.05
        log_axis(axes)
        axes.set_ylim(low / room, high * room)
        axes.set_ylabel(f"{_unit(picture)}, log scale")
    else:
        room = 0.06 * (high - low) or 0.01 * abs(high) or 1.0
        axes.set_ylim(low - room, high + room)
        axes.set_ylabel(_unit(picture))
        if not _TINY <= high < _LONG:
            axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    first, last = day_number(picture.dates[0]), day_number(picture.dates[-1])
    margin = max(0.012 * (last - first), (_SHORTEST_AXIS - (last - first)) / 2)
    axes.set_xlim(first - margin, last + margin)
    _shade_gaps(axes, picture.dates)
    date_axis(axes, most_ticks=12)
    axes.tick_params(labelbottom=False)
    for flag in _worst_last(picture.flags):
        _mark(axes, flag.severity, flag.dates, flag.prices)


def _unit(picture: HistoryPicture) -> str:
    return "price" if picture.unit == "price" else f"price ({picture.unit})"


def _worst_last(flags: Sequence[Flag]) -> list[Flag]:
    return sorted(flags, key=lambda flag: -list(_MARKS).index(flag.severity))


def _mark(axes: Axes, severity: str, dates: DateArray, values: FloatArray) -> None:
    """Mark rows; a value that is missing or lies beyond the axes is marked at their edge."""
    if not len(dates):
        return
    low, high = axes.get_ylim()
    above = values > high
    with np.errstate(invalid="ignore"):
        inside = (values >= low) & (values <= high)
    style: dict[str, Any] = {"linestyle": "none", "label": f"_{severity}", "clip_on": False, **_MARKS[severity]}
    zorder = 5 + list(reversed(_MARKS)).index(severity)
    axes.plot(dates[inside], values[inside], zorder=zorder, **style)
    for place, which in ((1 - _EDGE, above), (_EDGE, ~inside & ~above)):
        if which.any():
            heights = np.full(int(which.sum()), place)
            axes.plot(dates[which], heights, transform=axes.get_xaxis_transform(), zorder=zorder, **style)


def _gaps(dates: DateArray) -> list[tuple[np.datetime64, np.datetime64]]:
    """Pairs of neighbouring dates with too much time between them."""
    steps = np.diff(dates).astype("timedelta64[D]").astype(int)
    wide = np.flatnonzero(steps > max(_GAP_DAYS, 4 * float(np.median(steps))))
    return [(dates[row], dates[row + 1]) for row in wide]


def _shade_gaps(axes: Axes, dates: DateArray) -> None:
    for begin, end in _gaps(dates):
        axes.axvspan(day_number(begin), day_number(end), color=GREY, alpha=0.16, linewidth=0, zorder=0)


def _draw_moves(axes: Axes, picture: HistoryPicture) -> None:
    """Draw the size of each move, the flagged ones with their marks."""
    sizes = np.abs(np.diff(picture.prices))
    if not picture.changes:
        sizes = 100 * sizes / picture.prices[:-1]
    dates = picture.dates[1:]
    top = 1.12 * float(np.max(sizes)) or 1.0
    few = len(sizes) <= _FEW_ROWS
    axes.plot(
        dates, sizes, linestyle="none", marker="o", markersize=3 if few else 1.8, alpha=0.8 if few else 0.35,
        color=BLUE, markeredgewidth=0, label="size of the move", rasterized=not few,
    )  # fmt: skip
    axes.set_ylim(0, top)
    axes.set_ylabel(f"size of the move ({'price' if picture.changes else '%'})")
    _shade_gaps(axes, picture.dates)
    date_axis(axes, most_ticks=12)
    for flag in _worst_last(picture.flags):
        _, rows, _ = np.intersect1d(dates, flag.dates, return_indices=True)
        _mark(axes, flag.severity, dates[rows], sizes[rows])


def _write_column(axes: Axes, picture: HistoryPicture) -> None:
    """Write facts, then findings, worst first; what has no room is counted."""
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    line = 0.0
    for label, value in picture.facts.items():
        axes.text(0.05, _height(line), label, fontsize=_SMALL + 0.5, color=GREY, va="center")
        for part in _folded(axes, value, 0.68) or [""]:
            axes.text(0.32, _height(line), part, fontsize=_SMALL + 0.5, color="#222222", va="center")
            line += 1
        line += 0.15
    line += 1
    head = "Findings" if picture.flags else "No findings"
    axes.text(0.05, _height(line), head, fontsize=_SMALL + 1.5, fontweight="bold", color="#222222", va="center")
    _write_findings(axes, picture.flags, line + 1.4)


def _write_findings(axes: Axes, flags: Sequence[Flag], line: float) -> None:
    for place, flag in enumerate(flags):
        parts = _folded(axes, flag.text, 0.88)
        last = place == len(flags) - 1
        if _height(line + len(parts) + (0 if last else 2)) < 0:
            _write_lines(axes, _folded(axes, _rest(flags[place:]), 0.88), line, GREY)
            return
        axes.plot(0.065, _height(line), linestyle="none", clip_on=False, **_MARKS[flag.severity])
        _write_lines(axes, parts, line, "#333333")
        line += len(parts) + 0.45


def _write_lines(axes: Axes, lines: Sequence[str], first: float, color: str) -> None:
    for place, text in enumerate(lines):
        axes.text(0.12, _height(first + place), text, fontsize=_SMALL, color=color, va="center")


def _rest(flags: Sequence[Flag]) -> str:
    """Numbers of the findings without room.

    >>> nothing = np.array([], "datetime64[D]"), np.array([])
    >>> _rest([Flag("warning", "...", *nothing), Flag("warning", "...", *nothing), Flag("info", "...", *nothing)])
    'and more: 2 warnings, 1 remark'
    """
    counts = {word: sum(flag.severity == kind for flag in flags) for kind, word in _WORDS.items()}
    parts = [f"{count} {word}{'s' if count > 1 else ''}" for word, count in counts.items() if count]
    return "and more: " + ", ".join(parts)


def _height(line: float) -> float:
    return 0.99 - _LINE * line


def _folded(axes: Axes, text: str, width: float) -> list[str]:
    """`text` in lines that fit into `width`, a share of the panel; letters differ, so they are measured."""
    room = width * axes.get_window_extent().width
    for letters in range(MAX_LETTERS, 8, -4):
        lines = textwrap.wrap(text, letters)
        if all(_width(axes, line) <= room for line in lines):
            break
    return lines


def _width(axes: Axes, text: str) -> float:
    probe = axes.text(0, 0, text, fontsize=_SMALL + 0.5)
    width = float(probe.get_window_extent().width)
    probe.remove()
    return width
