"""Picture of a backtest: gains of a model over each baseline, and coverage of its intervals, over time.

A line that falls means that the model is doing better than that baseline just then; where it ends is the whole gain.
"""

import dataclasses
import itertools
import textwrap
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecaster.arrays import DateArray, FloatArray
from forecaster.data.calendars import SPANS
from forecaster.errors import NotEnoughDataError
from forecaster.evaluation.daily_losses import DailyLosses
from forecaster.experiments.backtest_scores import BacktestResult
from forecaster.experiments.recorded_backtests import RecordedBacktest
from forecaster.output.canvas import LEFT, blank_figure, date_axis, day_number, drawing_style, headline, label_ends
from forecaster.output.colors import BLUE, GREEN, GREY, RED
from forecaster.output.verdict_wording import verdict_texts

__all__ = ["BacktestFigureRequest", "BacktestPicture", "backtest_figure", "backtest_pictures", "draw_backtest"]


WINDOW = 250
_COLORS = (BLUE, GREEN, "#B36B00", "#7A3E9D", RED, "#5A5A5A", "#0F7F8C", "#A8326B", "#8A8F1E")
_DASHES: tuple[str | tuple[int, tuple[float, ...]], ...] = ("-", (0, (5, 2)), (0, (1, 1.4)), (0, (7, 2, 1, 2)))
_LINE_LENGTH = 165  # characters of small print across the figure
_LINE_HEIGHT = 0.165  # inches of a line of the verdict
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


@dataclasses.dataclass(frozen=True, eq=False)
class BacktestFigureRequest:
    """Arguments of every figure of a backtest.

    Args:
        backtest: The backtest as recorded.
        title: Title; None for that of the figure.
    """

    backtest: RecordedBacktest
    title: str | None = None

    @property
    def name(self) -> str:
        """Name of the first instrument, for that of the file."""
        return self.backtest.result.plan.named[0]


def backtest_figure(request: BacktestFigureRequest) -> Figure:
    """The figure of a recorded backtest at the steps that were asked for."""
    backtest = request.backtest
    pictures = backtest_pictures(backtest.result, backtest.losses, backtest.id)
    if request.title is not None:
        pictures = [dataclasses.replace(picture, title=request.title) for picture in pictures]
    if not pictures:
        raise NotEnoughDataError(
            f"no outcome of backtest {backtest.id} is known at the steps that are asked for; choose shorter ones"
        )
    return draw_backtest(*pictures)


def draw_backtest(*pictures: BacktestPicture) -> Figure:
    """Draw the sum of the daily gains over each baseline, and coverage over the last year, day by day.

    Args:
        pictures: One for each step, of one backtest. One step has the gains above the coverage; of several, each has
            a row with the gains beside the coverage.
    """
    first = pictures[0]
    count = len(pictures)
    with drawing_style():
        words = "\n".join(textwrap.fill(line, _LINE_LENGTH, subsequent_indent="    ") for line in first.words)
        figure = blank_figure((12.0, 7.6 if count == 1 else 2.0 + 2.7 * count))
        height = figure.get_size_inches()[1]
        words_top = 0.3 + _LINE_HEIGHT * (words.count("\n") + 1)
        place = {"left": LEFT, "top": 1 - 0.76 / height, "bottom": (words_top + 0.46) / height}
        if count == 1:
            grid = figure.add_gridspec(2, 1, height_ratios=(6, 4), hspace=0.22, right=0.84, **place)
        else:
            grid = figure.add_gridspec(count, 2, width_ratios=(5, 4), hspace=0.42, wspace=0.46, right=0.9, **place)
        days = (
            min(day_number(picture.dates[0]) for picture in pictures),
            max(day_number(picture.dates[-1]) for picture in pictures),
        )
        shared: Axes | None = None
        for row, picture in enumerate(pictures):
            gains = figure.add_subplot(grid[0] if count == 1 else grid[row, 0], sharex=shared, label="gains")
            shared = shared or gains
            _draw_gains(gains, picture, days)
            cover = figure.add_subplot(grid[1] if count == 1 else grid[row, 1], sharex=shared, label="coverage")
            _draw_coverage(cover, picture, brief=count > 1)
            if count == 1:
                gains.tick_params(labelbottom=False)
            for axes in (cover,) if count == 1 else (gains, cover):
                date_axis(axes, most_ticks=12 if count == 1 else 6)
        figure.text(LEFT, words_top / height, words, fontsize=8, color="#333333", va="top", linespacing=1.45)
        headline(figure, first.title, first.note)
    return figure


def _draw_gains(axes: Axes, picture: BacktestPicture, days: tuple[float, float]) -> None:
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
    if days[0] < days[1]:
        axes.set_xlim(*days)
    colors = {line.get_label(): line.get_color() for line in axes.get_lines()}
    axes.yaxis.label.set_color(GREY)
    label_ends(axes, {f"{name} {end:+.2f} %": (end, str(colors[name])) for name, end in ends.items()}, _NAME_SIZE)


def _draw_coverage(axes: Axes, picture: BacktestPicture, brief: bool) -> None:
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
    axes.set_ylabel("" if brief else "inside (%)")
    enough = len(next(iter(picture.inside.values()), ())) >= WINDOW
    if brief:
        title = f"inside (%), {f'last {WINDOW}' if enough else f'all {len(picture.dates)}'} cutoffs; dotted: nominal"
    else:
        over = f"over the last {WINDOW} cutoffs" if enough else f"fewer than {WINDOW} cutoffs, so over all of them"
        title = f"share of outcomes inside each interval, {over}; dotted: nominal"
    axes.set_title(
        title,
        loc="left", fontsize=9, color="#333333", pad=5,
    )  # fmt: skip
    low, _ = axes.get_ylim()
    axes.set_ylim(min(low, 70), 100)
    axes.yaxis.label.set_color(GREY)
    label_ends(axes, labels, _NAME_SIZE)


def backtest_pictures(
    result: BacktestResult, losses: Mapping[int, Mapping[str, DailyLosses]], backtest_id: str
) -> list[BacktestPicture]:
    """A picture of each step that has outcomes, all instruments together.

    Args:
        result: The backtest, whose verdict is written below.
        losses: Step -> name -> daily losses.
        backtest_id: Name of the folder.
    """
    name = result.verdict.name
    return [_picture(result, by_name[name], backtest_id) for by_name in losses.values() if name in by_name]


def _picture(result: BacktestResult, losses: DailyLosses, backtest_id: str) -> BacktestPicture:
    several = f"{losses.instruments} instruments" if losses.instruments > 1 else losses.name
    span = SPANS[result.plan.config.data.frequency]
    step = result.verdict.step
    return BacktestPicture(
        title=f"{losses.model} on {several}, walk-forward",
        step=losses.step,
        span=span,
        dates=losses.dates,
        gains={
            name: (losses.crps[losses.model] - losses.crps[name]) / mean
            for name in losses.baselines
            if (mean := losses.crps[name].mean()) > 0  # nothing is a share of the 0 of prices that stand still
        },
        inside={float(level): daily for level, daily in losses.inside.items()},
        fits=np.array([fold.start for fold in result.plan.folds]),
        note=f"backtest {backtest_id}, {len(losses):,} cutoffs from {losses.dates[0]} to "
        f"{losses.dates[-1]}, a fit at each triangle",
        words=(
            f"verdict, {step} {span}{'s' if step > 1 else ''} ahead:",
            *(f"  {text}" for text in verdict_texts(result.verdict)),
        ),
    )
