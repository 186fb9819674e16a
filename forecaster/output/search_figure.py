"""Picture of a search: losses of the trials in order, importance of the settings, and all trials side by side."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from forecaster.arrays import FloatArray
from forecaster.experiments.search_findings import SearchResult
from forecaster.experiments.studies import Trial
from forecaster.models.search_values import Range, SearchValues
from forecaster.output.canvas import LEFT, blank_figure, drawing_style, headline
from forecaster.output.colors import BLUE, GREEN, GREY, RED
from forecaster.output.search_tables import counted, setting_name, step_words, value_text

__all__ = ["draw_search"]

_SMALL = 8.5  # points
_WORST_SHARE = 0.9  # of the trials, whose losses an axis shows; beyond it marks stand at its end
NAME_ROOM = 0.08


def draw_search(result: SearchResult, title: str | None = None) -> Figure:
    """Draw a search.

    Args:
        result: The search.
        title: Title; None for that of the instruments and the kind.
    """
    with drawing_style():
        figure = blank_figure()
        grid = figure.add_gridspec(
            2, 2, left=LEFT, right=0.97, top=0.9, bottom=0.115, hspace=0.36, wspace=0.16, width_ratios=(1.25, 1)
        )
        _draw_history(figure.add_subplot(grid[0, 0], label="history"), result)
        _draw_importance(figure.add_subplot(grid[0, 1], label="importance"), result)
        _draw_parallel(figure.add_subplot(grid[1, :], label="trials"), result)
        facts = result.study.facts
        names = ", ".join(facts["named"])
        headline(figure, title or f"Search of {facts['config']['model']['kind']} for {names}", _note(result))
    return figure


def _note(result: SearchResult) -> str:
    facts = result.study.facts
    folds = counted(len(facts["folds"]), "fold")
    span = f"{folds} from {facts['folds'][0][0]}, lockbox from {facts['lockbox'][0]}"
    return f"{result.title} · loss: CRPS over that of {facts['baseline']} at {step_words(facts['steps'])} · {span}"


def _title(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", fontsize=9.5, color="#222222", pad=5)


def _changes(result: SearchResult, trials: list[Trial]) -> FloatArray:
    """(N,) loss over that of the starting configuration on the same folds, minus 1, in percent."""
    return np.array([100 * (result.loss_change(trial) or 0.0) for trial in trials])


def _scored(result: SearchResult) -> list[Trial]:
    return [trial for trial in result.trials if result.loss_change(trial) is not None]


def _draw_history(axes: Axes, result: SearchResult) -> None:
    """Draw a mark for each trial, and the best complete one so far."""
    trials = _scored(result)
    changes = _changes(result, trials)
    _title(axes, "trials: loss against the start (%)")
    if not len(changes):
        return
    numbers = np.array([trial.number for trial in trials])
    top = max(float(np.quantile(changes, _WORST_SHARE)), 0.0)
    low = min(float(changes.min()), 0.0)
    top += 0.15 * max(top - low, 1e-9)
    shown = np.minimum(changes, top)
    is_complete = np.array([trial.state == "complete" for trial in trials])
    marks: dict[str, Any] = {"linestyle": "", "markersize": 5}
    axes.plot(numbers[is_complete], shown[is_complete], marker="o", color=BLUE, label="complete", **marks)
    rest = ~is_complete
    if rest.any():
        axes.plot(
            numbers[rest], shown[rest], marker="o", markerfacecolor="white", color=GREY, label="stopped early", **marks
        )
    best = np.minimum.accumulate(np.where(is_complete, changes, np.inf))
    axes.step(
        numbers, np.where(np.isfinite(best), best, np.nan), where="post", color=GREEN, linewidth=1.6, label="best"
    )
    axes.axhline(0, color=GREY, linewidth=0.8, linestyle=(0, (5, 2)))
    axes.set_ylim(low - 0.12 * max(top - low, 1e-9), top + 0.03 * max(top - low, 1e-9))
    axes.set_xlabel("trial")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1.005), ncols=3, fontsize=_SMALL, columnspacing=1.2)


def _draw_importance(axes: Axes, result: SearchResult) -> None:
    """Draw a bar for each setting; those without a clear effect are grey."""
    _title(axes, "importance of the settings")
    place = axes.get_position()
    axes.set_position((place.x0 + NAME_ROOM, place.y0, place.width - NAME_ROOM, place.height))
    if not result.effects:
        axes.set_axis_off()
        axes.text(0, 0.9, "too few trials", fontsize=_SMALL, color=GREY, va="top", transform=axes.transAxes)
        return
    heights = -np.arange(len(result.effects))
    colors = [BLUE if effect.p_value < 0.05 else "#B9B9B9" for effect in result.effects]
    axes.barh(heights, [100 * effect.importance for effect in result.effects], height=0.6, color=colors)
    axes.set_yticks(heights, [setting_name(effect.key) for effect in result.effects], fontsize=_SMALL)
    axes.grid(visible=False, axis="y")
    axes.set_xlim(0, max(10.0, *(105 * effect.importance for effect in result.effects)))
    axes.set_xlabel("share of the differences (%); grey: no clear effect")


def _draw_parallel(axes: Axes, result: SearchResult) -> None:
    """Draw a line for each trial over an axis for each setting, the better ones darker; the winner in red."""
    _title(axes, "all trials: a line each, the better the darker; the best one red")
    space = result.space
    keys = list(space)
    trials = [trial for trial in _scored(result) if trial.settings]
    axes.set_xlim(-0.15, len(keys) - 0.7)
    axes.set_ylim(-0.04, 1.04)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_xticks(range(len(keys)), [setting_name(key) for key in keys])
    axes.tick_params(axis="x", length=0)
    for place, key in enumerate(keys):
        axes.axvline(place, color="#9A9A9A", linewidth=0.8)
        for height, text in _ticks(space[key]):
            axes.annotate(text, (place, height), xytext=(4, 0), textcoords="offset points", fontsize=8, va="center")
    changes = _changes(result, trials)
    ranks = np.argsort(np.argsort(-changes)) / max(len(changes) - 1, 1)
    for rank, trial in sorted(zip(ranks, trials, strict=True), key=lambda pair: pair[0]):
        heights = [_height(space[key], trial.settings[key]) for key in keys]
        is_winner = result.winner is not None and trial.number == result.winner.number
        style: dict[str, Any] = {"color": BLUE, "linewidth": 1.1, "alpha": 0.06 + 0.6 * rank**2}
        if is_winner:
            style = {"color": RED, "linewidth": 2.2, "zorder": 3}
        axes.plot(range(len(keys)), heights, **style)


def _height(values: SearchValues, value: Any) -> float:
    """Height of a value on its axis, from 0 to 1."""
    if not isinstance(values, Range):
        texts = [value_text(_listed(item)) for item in values.values]
        return texts.index(value_text(value)) / max(len(texts) - 1, 1)
    scale = np.log if values.log else float
    low, high = float(scale(values.low)), float(scale(values.high))
    return (float(scale(value)) - low) / (high - low)


def _ticks(values: SearchValues) -> list[tuple[float, str]]:
    if isinstance(values, Range):
        return [(0.0, value_text(values.low)), (1.0, value_text(values.high))]
    return [(_height(values, _listed(item)), value_text(_listed(item))) for item in values.values]


def _listed(item: Any) -> Any:
    return list(item) if isinstance(item, tuple) else item
