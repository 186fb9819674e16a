"""Picture of the reliability of odds: probabilities of earlier answers, and how often the events happened."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from forecaster.arrays import BoolArray, FloatArray, IntArray
from forecaster.data.calendars import SPANS
from forecaster.errors import UsageError
from forecaster.output.canvas import LEFT, blank_figure, drawing_style, headline, legend_above
from forecaster.output.colors import BLUE, FAN_COLOR, GREEN, GREY

__all__ = ["draw_reliability"]

MAX_SERIES = 4
"""Questions, or spans of a value at risk, in one picture."""

_COLORS = (BLUE, FAN_COLOR, GREEN, "#7A3E9D")
_MARKERS = ("o", "s", "D", "^")
_WIDTH = 2.0  # standard errors on each side of a share
_MAX_AREA = 160.0  # of the mark of the class with most days, in square points
_MIN_AREA = 14.0
_APART = 0.004  # of the axis, between marks of several questions


@dataclasses.dataclass(frozen=True)
class _Series:
    """Classes of one question.

    Args:
        label: The question.
        probabilities: (K,) mean probabilities.
        happened: (K,) shares.
        errors: (K,) standard errors; 0 where there is none.
        days: (K,) numbers of days.
        few: (K,) true where too few days have no common span.
        today: Probability of today; None for a value at risk.
    """

    label: str
    probabilities: FloatArray
    happened: FloatArray
    errors: FloatArray
    days: IntArray
    few: BoolArray
    today: float | None = None


def draw_reliability(document: Mapping[str, Any]) -> Figure:
    """Draw how often earlier answers to the same questions came true, or how often losses exceeded the value at risk.

    Args:
        document: ``odds/1``.

    Raises:
        UsageError: There is no record to draw.
    """
    series = _answer_series(document) or _risk_series(document)
    if not series:
        raise UsageError(
            f"there is no record of earlier answers about {document['instrument']} to draw; choose a file such as "
            "--out odds.json, or a run with a test of its own"
        )
    with drawing_style():
        figure = blank_figure()
        upper = figure.add_axes((LEFT, 0.31, 0.965 - LEFT, 0.54), label="reliability")
        lower = figure.add_axes((LEFT, 0.1, 0.965 - LEFT, 0.16), label="days", sharex=upper)
        handles = _draw_classes(upper, series)
        _draw_days(lower, series)
        limit = _limit(series)
        for axis in (upper.xaxis, upper.yaxis):
            axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        upper.set_xlim(0, limit)
        upper.set_ylim(0, limit)
        upper.tick_params(labelbottom=False)
        upper.set_ylabel("share of these days on which it happened")
        lower.set_xlabel("probability that was said")
        lower.set_ylabel("days")
        headline(figure, _title(document), _note(document))
        legend_above(figure, handles, [str(handle.get_label()) for handle in handles], 0.905)
    return figure


def _answer_series(document: Mapping[str, Any]) -> list[_Series]:
    recorded = [answer for answer in document["answers"] if answer["record"] is not None]
    return [
        _series(_question(answer), answer["record"]["bins"], answer["probability"])
        for answer in _spread_out(recorded, MAX_SERIES)
    ]


def _spread_out(answers: Sequence[Mapping[str, Any]], count: int) -> list[Mapping[str, Any]]:
    """Up to `count` of the answers, from the first to the last."""
    places = np.unique(np.linspace(0, len(answers) - 1, min(count, len(answers))).round().astype(int))
    return [answers[place] for place in places.tolist()]


def _series(label: str, bins: Sequence[Mapping[str, Any]], today: float | None) -> _Series:
    return _Series(
        label=label,
        probabilities=np.array([each["probability"] for each in bins]),
        happened=np.array([each["share"] for each in bins]),
        errors=np.array([0.0 if each["error"] is None or each["too_few"] else each["error"] for each in bins]),
        days=np.array([each["n"] for each in bins]),
        few=np.array([each["too_few"] for each in bins]),
        today=today,
    )


def _risk_series(document: Mapping[str, Any]) -> list[_Series]:
    """Shares of losses beyond the value at risk, a series for each span."""
    spans: dict[int, list[Mapping[str, Any]]] = {}
    for risk in document["risks"]:
        if risk["record"] is not None:
            spans.setdefault(risk["step"], []).append(risk)
    result = []
    for step, risks in list(spans.items())[:MAX_SERIES]:
        bins = [
            {
                "probability": 1 - risk["level"],
                "share": 1 - risk["record"]["within"],
                "error": risk["record"]["error"],
                "n": risk["record"]["n"],
                "too_few": risk["record"]["outcome"] == "too_few_rows",
            }
            for risk in risks
        ]
        result.append(_series(f"loss beyond the VaR after {step} {_span(document, step)}", bins, None))
    return result


def _draw_classes(axes: Axes, series: Sequence[_Series]) -> list[Line2D]:
    """Draw the classes of every question, the diagonal and the answers of today; return the handles of the legend."""
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1.0, linestyle=(0, (4, 2)), zorder=1, label="perfectly reliable")
    most = max(int(each.days.max()) for each in series)
    handles = []
    for number, (each, color, marker) in enumerate(zip(series, _COLORS, _MARKERS, strict=False)):
        places = each.probabilities + (number - (len(series) - 1) / 2) * _APART * _limit(series)
        bars = _WIDTH * each.errors
        axes.errorbar(places, each.happened, yerr=bars, fmt="none", color=color, elinewidth=1.2, capsize=3, zorder=3)
        axes.plot(places[~each.few], each.happened[~each.few], color=color, linewidth=1.2, zorder=3)
        areas = np.maximum(_MAX_AREA * each.days / most, _MIN_AREA)
        for chosen, face in ((each.few, "white"), (~each.few, color)):
            axes.scatter(
                places[chosen], each.happened[chosen], s=areas[chosen], c=face, edgecolors=color, marker=marker,
                zorder=4, clip_on=face == "white",
            )  # fmt: skip
        if each.today is not None:
            axes.axvline(each.today, color=color, linewidth=1.0, linestyle=(0, (1, 2)), zorder=2)
        handles.append(Line2D([], [], color=color, marker=marker, markersize=6, label=each.label))
    if any(each.today is not None for each in series):
        handles.append(Line2D([], [], color=GREY, linewidth=1.0, linestyle=(0, (1, 2)), label="said today"))
    handles.append(Line2D([], [], color=GREY, linewidth=1.0, linestyle=(0, (4, 2)), label="perfectly reliable"))
    return handles


def _draw_days(axes: Axes, series: Sequence[_Series]) -> None:
    width = _limit(series) / (14 * len(series) + 6)
    for number, (each, color) in enumerate(zip(series, _COLORS, strict=False)):
        shift = (number - (len(series) - 1) / 2) * width
        axes.bar(each.probabilities + shift, each.days, width=width, color=color, alpha=0.75, zorder=3)
    axes.grid(visible=False, axis="x")


def _limit(series: Sequence[_Series]) -> float:
    """End of both axes: 1, or less where the probabilities and shares of all classes with enough days are small."""
    ends = [each.today or 0.0 for each in series]
    for each in series:
        counted = ~each.few if not each.few.all() else each.few
        ends += [float(each.probabilities[counted].max()), float(each.happened[counted].max())]
    return min(1.0, max(1.35 * max(ends), 0.02))


def _question(answer: Mapping[str, Any]) -> str:
    prices = " to ".join(format(price, ".12g") for price in answer["prices"])
    return f"{answer['question']} {prices}"


def _title(document: Mapping[str, Any]) -> str:
    days = {answer["date"] for answer in document["answers"]} or {risk["date"] for risk in document["risks"]}
    until = f", to {max(days)}" if days else ""
    return f"{document['instrument']}: reliability of earlier answers{until}"


def _note(document: Mapping[str, Any]) -> str:
    records = [answer["record"] for answer in document["answers"] if answer["record"]]
    text = f"bars: {_WIDTH:g} standard errors, allowing for overlapping spans; areas: numbers of days; hollow: too few"
    if records:
        text = f"answers of {records[0]['since']} to {records[0]['until']}, none in-sample; {text}"
    return f"{text}; run {document['run_id']}"


def _span(document: Mapping[str, Any], step: int) -> str:
    return f"{SPANS[document['interval']]}{'s' if step > 1 else ''}"
