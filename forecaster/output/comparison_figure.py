"""Picture of a comparison: CRPS, coverage and RMSE of every model at every step, a row for each model."""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from forecaster.data.calendars import SPANS
from forecaster.output.canvas import blank_figure, drawing_style, headline, legend_above
from forecaster.output.colors import BLUE, GREEN, GREY
from forecaster.output.comparison_tables import MAX_NAMES, model_rows, ratio_to_reference, size_texts

__all__ = ["ComparisonFigureRequest", "comparison_figure", "draw_comparison"]

MAX_RATIO = 1.15  # largest CRPS ratio inside the panel: one poor model would flatten the others
ARROW_ROOM = 0.25  # of the span of the others, at the edge where such models have an arrow
MIN_REACH = 0.01  # of an axis of ratios beyond 1
_COLORS = (BLUE, GREEN, "#B36B00", "#7A3E9D", "#0F7F8C", "#A8326B")
_MARKERS = ("o", "s", "D", "^", "v", "P")
_SPREAD = 0.62  # of the height of a row, that the marks of its steps take
_ROW_INCHES = 0.4
_MARGIN_INCHES = 2.0  # above and below the rows
_LEVELS = ("0.8", "0.95")


@dataclasses.dataclass(frozen=True, eq=False)
class ComparisonFigureRequest:
    """Arguments of every figure of a comparison.

    Args:
        document: ``compare/1``.
        title: Title; None for that of the figure.
    """

    document: Mapping[str, Any]
    title: str | None = None

    @property
    def name(self) -> str:
        """Name of the first instrument, for that of the file."""
        return str(self.document["instruments"][0])


@dataclasses.dataclass(frozen=True)
class _Mark:
    """The scores of a model at a step, and their place."""

    row: Mapping[str, Any]
    height: float
    color: str
    marker: str

    @property
    def style(self) -> dict[str, Any]:
        """Hollow for a model outside of the confidence set; filled where there is no set."""
        face = "white" if self.row["in_confidence_set"] is False else self.color
        return {
            "marker": self.marker,
            "markersize": 4.6,
            "color": self.color,
            "markerfacecolor": face,
            "linestyle": "none",
        }


def comparison_figure(request: ComparisonFigureRequest) -> Figure:
    """The figure of a comparison."""
    return draw_comparison(request.document, request.title)


def draw_comparison(document: Mapping[str, Any], title: str | None = None) -> Figure:
    """Draw the scores of a comparison.

    Args:
        document: ``compare/1``.
        title: Title; the instruments when None.
    """
    models = document["models"]
    marks = list(_marks(document))
    height = _MARGIN_INCHES + _ROW_INCHES * len(models)
    with drawing_style():
        figure = blank_figure((12.0, height))
        grid = figure.add_gridspec(
            1, 3, width_ratios=(5, 4, 2.4), left=0.135, right=0.88, bottom=0.78 / height, top=1 - 1.12 / height,
            wspace=0.09,
        )  # fmt: skip
        panels = [figure.add_subplot(grid[0, column]) for column in range(3)]
        _draw_ratios(panels[0], marks, document)
        _draw_coverage(panels[1], marks)
        _draw_errors(panels[2], marks)
        for axes in panels:
            _arrange_rows(axes, models, named=axes is panels[0])
        _write_sizes(panels[2], models)
        legend_above(figure, *_legend(document), 1 - 0.66 / height)
        headline(figure, title or _title(document), _note(document))
    return figure


def _marks(document: Mapping[str, Any]) -> Iterator[_Mark]:
    for place, model in enumerate(document["models"]):
        rows = model_rows(document, model["model"])
        for number, row in enumerate(rows):
            offset = _SPREAD * (number / max(len(rows) - 1, 1) - 0.5) if len(rows) > 1 else 0.0
            kind = number % len(_COLORS)
            yield _Mark(row, place + offset, _COLORS[kind], _MARKERS[kind])


def _legend(document: Mapping[str, Any]) -> tuple[list[Line2D], list[str]]:
    """A filled mark for each step."""
    span = SPANS[document["interval"]]
    rows = model_rows(document, document["models"][0]["model"])
    handles = [
        Line2D([], [], color=color, marker=marker, markersize=5.5, linestyle="none")
        for _, color, marker in zip(rows, itertools.cycle(_COLORS), itertools.cycle(_MARKERS), strict=False)
    ]
    return handles, [f"{row['step']} {span}{'s' if row['step'] > 1 else ''} ahead" for row in rows]


def _draw_ratios(axes: Axes, marks: Sequence[_Mark], document: Mapping[str, Any]) -> None:
    """CRPS over that of the reference with its interval; beyond the edge an arrow with the number."""
    reference = document["reference"]
    ratios = [ratio_to_reference(mark.row, document) for mark in marks]
    defined = [ratio for ratio in ratios if ratio is not None]
    inside = [1.0, *(ratio for ratio in defined if ratio <= MAX_RATIO)]
    room = max(ARROW_ROOM * (max(inside) - min(inside)), MIN_REACH)
    edge = max(inside) + room if max(defined, default=1.0) > MAX_RATIO else np.inf
    axes.axvline(1, color="#9A9A9A", linewidth=0.9)
    for mark, ratio in zip(marks, ratios, strict=True):
        if ratio is None:
            continue
        if ratio > edge:
            axes.plot(edge, mark.height, clip_on=False, **{**mark.style, "marker": ">"})
            axes.annotate(
                f"{ratio:.2f}  ", (edge, mark.height), ha="right", va="center", fontsize=6.5, color=mark.color
            )
            continue
        interval = mark.row["crps_ratio_interval"].get(reference)
        if interval is not None:
            axes.plot(np.minimum(interval, edge), [mark.height] * 2, color=mark.color, linewidth=1.1, alpha=0.75)
        axes.plot(ratio, mark.height, **mark.style)
    if np.isfinite(edge):
        axes.set_xlim(right=edge)
    axes.set_title(f"CRPS over that of {reference}: left is better", loc="left", fontsize=9, color="#333333", pad=5)
    axes.set_xlabel("ratio, with its 95 % interval")


def _draw_coverage(axes: Axes, marks: Sequence[_Mark]) -> None:
    for level in _LEVELS:
        axes.axvline(100 * float(level), color="#9A9A9A", linewidth=0.9, linestyle=(0, (2, 3)))
        for mark in marks:
            axes.plot(100 * mark.row["coverage"][level], mark.height, **mark.style)
    axes.set_title("outcomes inside the 80 and 95 % ranges", loc="left", fontsize=9, color="#333333", pad=5)
    axes.set_xlabel("share (%); dotted: nominal")


def _draw_errors(axes: Axes, marks: Sequence[_Mark]) -> None:
    axes.axvline(1, color="#9A9A9A", linewidth=0.9)
    reach = MIN_REACH
    for mark in marks:
        ratio = mark.row["rmse_ratio_random_walk"]
        if ratio is not None:
            axes.plot(ratio, mark.height, **mark.style)
            reach = max(reach, 1.15 * abs(ratio - 1))
    axes.set_xlim(1 - min(reach, 1.0), 1 + reach)  # a ratio is not below 0
    axes.set_title("RMSE: left is better", loc="left", fontsize=9, color="#333333", pad=5)
    axes.set_xlabel("over that of the last price")


def _arrange_rows(axes: Axes, models: Sequence[Mapping[str, Any]], named: bool) -> None:
    """A row for each model, the first one on top; networks stand out from baselines."""
    axes.set_ylim(len(models) - 0.5, -0.5)
    axes.set_yticks(range(len(models)), [model["model"] for model in models] if named else [])
    axes.tick_params(axis="y", length=0)
    axes.grid(False, axis="y")
    for place in range(1, len(models), 2):
        axes.axhspan(place - 0.5, place + 0.5, color="#F6F6F6", zorder=0)
    for label, model in zip(axes.get_yticklabels(), models, strict=False):
        label.set_color(GREY if model["run_id"] is None else "#111111")
        label.set_fontweight("normal" if model["run_id"] is None else "bold")


def _write_sizes(axes: Axes, models: Sequence[Mapping[str, Any]]) -> None:
    """Seconds of the fit and number of parameters beside the last panel."""
    columns = [("fit (s)", 1.18), ("params", 1.52)]
    for head, place in columns:
        axes.annotate(
            head, (place, 1.0), xycoords="axes fraction", xytext=(0, 5), textcoords="offset points", ha="right",
            fontsize=8.5, color="#333333", annotation_clip=False,
        )  # fmt: skip
    for height, model in enumerate(models):
        for text, (_, place) in zip(size_texts(model), columns, strict=True):
            axes.annotate(
                text, (place, height), xycoords=("axes fraction", "data"), ha="right", va="center", fontsize=8.5,
                color="#444444", annotation_clip=False,
            )  # fmt: skip


def _title(document: Mapping[str, Any]) -> str:
    names = document["instruments"]
    networks = sum(model["run_id"] is not None for model in document["models"])
    several = f"{len(names)} instruments" if len(names) > MAX_NAMES else ", ".join(names)
    plural = "s" if networks > 1 else ""
    return f"{networks} network{plural} and {len(document['models']) - networks} baselines on {several}, same test rows"


def _note(document: Mapping[str, Any]) -> str:
    first = min(each["window"][0] for each in document["samples"])
    last = max(each["window"][1] for each in document["samples"])
    sets = [entry for entry in document["confidence_set"] if entry["models"] is not None]
    hollow = (
        f"hollow: outside of the {100 * sets[0]['confidence']:g} % model confidence set of the step; " if sets else ""
    )
    cutoffs = max(each["n"] for each in document["samples"])
    return f"{hollow}up to {cutoffs:,} cutoffs of each instrument from {first} to {last}"
