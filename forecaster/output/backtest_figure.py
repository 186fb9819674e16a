"""Picture of a backtest: gains of a model over each baseline, and coverage of its intervals, over time.

A line that falls means that the model is doing better than that baseline just then; where it ends is the whole gain.
"""

import dataclasses
import itertools
import textwrap
from collections.abc import Mapping
from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecaster.arrays import DateArray, FloatArray
from forecaster.data.calendars import SPANS
from forecaster.experiments.backtest_scores import BacktestResult
from forecaster.output.canvas import LEFT, blank_figure, date_axis, drawing_style, headline
from forecaster.output.colors import BLUE, GREEN, GREY, RED
from forecaster.output.verdict_wording import verdict_texts

__all__ = ["BacktestPicture", "backtest_picture", "draw_backtest"]


WINDOW = 250
_COLORS = (BLUE, GREEN, "#B36B00", "#7A3E9D", RED, "#5A5A5A", "#0F7F8C", "#A8326B", "#8A8F1E")
_DASHES: tuple[str | tuple[int, tuple[float, ...]], ...] = ("-", (0, (5, 2)), (0, (1, 1.4)), (0, (7, 2, 1, 2)))
_LINE_LENGTH = 165  # characters of small print across the figure
_NAME_SIZE = 8  # points


@dataclasses.dataclass(frozen=True, eq=False)
class BacktestPicture:
    """Content of the picture of a backtest.

    Args:
        title: Model and instruments.
        step: Rows ahead.
        span: Length of a row: day, week or month.
        dates: (N,) cutoffs, increasing.
        gains: Baseline -> (N,) CRPS of the model minus that of the baseline on each day, over the mean CRPS of the
            baseline: summed up and divided by N they end at the ratio minus 1.
        inside: Nominal coverage of an interval -> (N,) share of outcomes inside it on each day.
        fits: First cutoffs of the folds.
        note: Small print.
        words: The verdict, line by line.
    """

    title: str
    step: int
    span: str
    dates: DateArray
    gains: Mapping[str, FloatArray]
    inside: Mapping[float, FloatArray]
    fits: DateArray
    note: str
    words: tuple[str, ...]


def draw_backtest(picture: BacktestPicture) -> Figure:
    """Draw the sum of the daily gains over each baseline, and coverage over the last year, day by day."""
    with drawing_style():
        figure = blank_figure()
        grid = figure.add_gridspec(
            2, 1, height_ratios=(6, 4), left=LEFT, right=0.84, top=0.9, bottom=0.205, hspace=0.22
        )  # fmt: skip
        gains = figure.add_subplot(grid[0], label="gains")
        _draw_gains(gains, picture)
        cover = figure.add_subplot(grid[1], sharex=gains, label="coverage")
        _draw_coverage(cover, picture)
        gains.tick_params(labelbottom=False)
        date_axis(cover, most_ticks=12)
        words = "\n".join(textwrap.fill(line, _LINE_LENGTH, subsequent_indent="    ") for line in picture.words)
        figure.text(LEFT, 0.145, words, fontsize=8, color="#333333", va="top", linespacing=1.45)
        headline(figure, picture.title, picture.note)
    return figure


def _draw_gains(axes: Axes, picture: BacktestPicture) -> None:
    count = len(picture.dates)
    axes.axhline(0, color="#9A9A9A", linewidth=0.9)
    ends: dict[str, float] = {}
    for (name, daily), color, dash in zip(
        picture.gains.items(), itertools.cycle(_COLORS), itertools.cycle(_DASHES), strict=False
    ):
        total = 100 * np.cumsum(daily) / count
        axes.plot(picture.dates, total, color=color, linestyle=dash, linewidth=1.4, label=name)
        ends[name] = float(total[-1])
    axes.plot(
        picture.fits, np.zeros(len(picture.fits)), linestyle="", marker="^", markersize=3.5, color=GREY,
        transform=axes.get_xaxis_transform(), clip_on=False, label="fits",
    )  # fmt: skip
    ahead = f"{picture.step} {picture.span}{'s' if picture.step > 1 else ''}"
    axes.set_ylabel("CRPS difference so far (%)")
    axes.set_title(
        f"the model minus each baseline, {ahead} ahead: falling is better",
        loc="left", fontsize=9, color="#333333", pad=5,
    )  # fmt: skip
    if count > 1:
        axes.set_xlim(picture.dates[0], picture.dates[-1])
    colors = {line.get_label(): line.get_color() for line in axes.get_lines()}
    _name_ends(axes, {f"{name} {end:+.2f} %": (end, str(colors[name])) for name, end in ends.items()})


def _draw_coverage(axes: Axes, picture: BacktestPicture) -> None:
    labels: dict[str, tuple[float, str]] = {}
    for (share, daily), color, dash in zip(picture.inside.items(), _COLORS, _DASHES, strict=False):
        axes.axhline(100 * share, color=color, linewidth=0.8, linestyle=(0, (2, 3)), alpha=0.8)
        if len(daily) >= WINDOW:
            total = np.concatenate([[0.0], np.cumsum(daily)])
            rolling = 100 * (total[WINDOW:] - total[:-WINDOW]) / WINDOW
            axes.plot(picture.dates[WINDOW - 1 :], rolling, color=color, linestyle=dash, linewidth=1.3)
            end = 100 * share
        else:
            end = 100 * daily.mean()
            axes.axhline(end, color=color, linestyle=dash, linewidth=1.3)
        labels[f"{100 * share:g} %: {100 * daily.mean():.1f} %"] = (end, color)
    axes.set_ylabel("inside (%)")
    enough = len(next(iter(picture.inside.values()), ())) >= WINDOW
    over = f"over the last {WINDOW} cutoffs" if enough else f"fewer than {WINDOW} cutoffs, so over all of them"
    axes.set_title(
        f"share of outcomes inside each interval, {over}; dotted: nominal",
        loc="left", fontsize=9, color="#333333", pad=5,
    )  # fmt: skip
    low, _ = axes.get_ylim()
    axes.set_ylim(min(low, 70), 100)
    _name_ends(axes, labels)


def _name_ends(axes: Axes, labels: Mapping[str, tuple[float, str]]) -> None:
    """Write each label beside the right end of its line, moved apart where they would touch."""
    low, high = axes.get_ylim()
    figure_height = cast(Figure, axes.get_figure(root=True)).get_size_inches()[1]
    room = 1.35 * _NAME_SIZE / 72 / (axes.get_position().height * figure_height) * (high - low)
    names = sorted(labels, key=lambda name: labels[name][0])
    places = [labels[name][0] for name in names]
    for k in range(1, len(places)):
        places[k] = max(places[k], places[k - 1] + room)
    above = high + room
    for k in reversed(range(len(places))):  # back down, where they would leave the top
        places[k] = above = min(places[k], above - room)
    for name, place in zip(names, places, strict=True):
        axes.annotate(
            name, (1.008, place), xycoords=("axes fraction", "data"), color=labels[name][1], fontsize=_NAME_SIZE,
            va="center", annotation_clip=False,
        )  # fmt: skip
    axes.yaxis.label.set_color(GREY)


def backtest_picture(result: BacktestResult) -> BacktestPicture:
    """The picture of the first step, all instruments together."""
    losses = result.losses[min(result.losses)][result.verdict.name]
    several = f"{losses.instruments} instruments" if losses.instruments > 1 else losses.name
    return BacktestPicture(
        title=f"{losses.model} on {several}, walk-forward",
        step=losses.step,
        span=SPANS[result.plan.config.data.frequency],
        dates=losses.dates,
        gains={
            name: (losses.crps[losses.model] - losses.crps[name]) / mean
            for name in losses.baselines
            if (mean := losses.crps[name].mean()) > 0  # nothing is a share of the 0 of prices that stand still
        },
        inside={float(level): daily for level, daily in losses.inside.items()},
        fits=np.array([fold.start for fold in result.plan.folds]),
        note=f"backtest {result.id}, {len(losses):,} cutoffs from {losses.dates[0]} to {losses.dates[-1]}, "
        "a fit at each triangle",
        words=tuple(verdict_texts(result.verdict)),
    )
