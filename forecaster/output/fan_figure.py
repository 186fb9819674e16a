"""Picture of the coming days alone, in one panel that fills a slide: prices, ranges, and prices of interest."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from forecaster.arrays import DateArray, FloatArray
from forecaster.experiments.predictions import Prediction
from forecaster.output.canvas import (
    SLIDE_INCHES,
    blank_figure,
    day_number,
    drawing_style,
    fit_width,
    label_ends,
    short_title,
)
from forecaster.output.colors import BLUE, FAN_COLOR, GREY
from forecaster.output.forecast_panels import RECURSIVE_DASHES, price_label, short_tick, spans_text
from forecaster.output.forecast_trust import MIN_DAY_EFFECT
from forecaster.output.trading_days import trading_day_axis

__all__ = ["DEFAULT_FAN_LEVELS", "FanPicture", "draw_fan"]

DEFAULT_FAN_LEVELS = (0.5, 0.8, 0.95)

_LEFT = 0.085  # of texts and of the panel
_RIGHT = 0.845  # of the panel; the ends of the ranges are written beside it
_OPACITY = 0.2  # of each range; they lie on one another
_MAX_DISTANCE = 1.0  # heights of the panel, up to which it is extended for a price of interest
_SIZE = 12  # points
_EVENT_SIZE = 9
_NAMED_EFFECT = 1.15  # size of a day's move relative to an ordinary day, from which on its event is named


@dataclasses.dataclass(frozen=True)
class FanPicture:
    """Content of the picture.

    Args:
        title: Title; None for the instrument and the number of days.
        prediction: The coming days.
        dates: (T,) days up to the cutoff.
        prices: (T,) their prices.
        later_dates: (N,) days after the cutoff whose prices are known; none for a forecast of today.
        later_prices: (N,) their prices.
        levels: Central intervals.
        above: Prices of interest.
        unit: Unit of the prices, such as ``"JPY per USD"``.
        span: Length of a row: day, week or month.
        source: Origin of the prices, in words.
    """

    title: str | None
    prediction: Prediction
    dates: DateArray
    prices: FloatArray
    later_dates: DateArray
    later_prices: FloatArray
    levels: Sequence[float]
    above: Sequence[float]
    unit: str
    span: str
    source: str


def draw_fan(picture: FanPicture) -> Figure:
    """Draw the last prices and the coming days, with the ends of every range and the probability of each price."""
    with drawing_style():
        figure = blank_figure(SLIDE_INCHES)
        axes = figure.add_axes((_LEFT, 0.125, _RIGHT - _LEFT, 0.69), label="fan")
        forecast = picture.prediction.forecast
        _draw_prices(axes, picture)
        ends = _draw_ranges(axes, picture)
        axes.set_ylim(_heights(picture))
        _draw_events(axes, picture)
        axes.yaxis.set_major_formatter(FuncFormatter(short_tick))
        axes.set_ylabel("price" if picture.unit == "price" else picture.unit, fontsize=_SIZE)
        days = np.union1d(picture.dates, forecast.dates)
        first, last = day_number(days[0]), day_number(days[-1])
        axes.set_xlim(first, last)
        trading_day_axis(axes, days, most_ticks=9)
        axes.tick_params(labelsize=_SIZE, length=0)
        axes.grid(visible=False, axis="x")
        label_ends(axes, ends | _draw_prices_of_interest(axes, picture), _SIZE)
        _write(figure, picture)
    return figure


def _draw_prices(axes: Axes, picture: FanPicture) -> None:
    axes.plot(picture.dates, picture.prices, color=BLUE, linewidth=2.0, label="actual", zorder=4)
    cutoff = picture.prediction.forecast.cutoff
    axes.axvline(day_number(cutoff), color=GREY, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
    if len(picture.later_dates):
        dates = np.concatenate([picture.dates[-1:], picture.later_dates])
        prices = np.concatenate([picture.prices[-1:], picture.later_prices])
        axes.plot(dates, prices, color=BLUE, linewidth=2.0, linestyle=(0, (1, 1)), label="actual, later", zorder=4)


def _draw_ranges(axes: Axes, picture: FanPicture) -> dict[str, tuple[float, str]]:
    """Draw the ranges and the median; return the labels of their ends."""
    forecast = picture.prediction.forecast
    dates = np.concatenate([[forecast.cutoff], forecast.dates])
    start = np.full(1, forecast.last_price)
    ends: dict[str, tuple[float, str]] = {}
    for level in sorted(picture.levels, reverse=True):
        edges = forecast.prices([(1 - level) / 2, (1 + level) / 2])
        low, high = (np.concatenate([start, edges[:, column]]) for column in (0, 1))
        axes.fill_between(
            dates, low, high, color=FAN_COLOR, alpha=_OPACITY, linewidth=0, zorder=2, label=f"{100 * level:g} %"
        )  # fmt: skip
        for end in (float(low[-1]), float(high[-1])):
            ends[f"{price_label(forecast, end)}   {100 * level:g} %"] = (end, FAN_COLOR)
    own = min(forecast.own_steps, forecast.horizon)
    median = np.concatenate([start, forecast.median])
    axes.plot(dates[: own + 1], median[: own + 1], color=FAN_COLOR, linewidth=2.0, zorder=3, label="median")
    if own < forecast.horizon:
        axes.plot(
            dates[own:], median[own:], color=FAN_COLOR, linewidth=2.0, linestyle=RECURSIVE_DASHES, zorder=3,
            label="median, recursive",
        )  # fmt: skip
    ends[f"{price_label(forecast, float(median[-1]))}   median"] = (float(median[-1]), "#222222")
    return ends


def _draw_events(axes: Axes, picture: FanPicture) -> None:
    """Mark the days whose known events widen or narrow the ranges, and name those that widen them most."""
    low, high = _heights(picture)
    last = picture.prediction.forecast.dates[-1]
    for day in picture.prediction.days:
        if not day.names or day.size is None or abs(day.size - 1) < MIN_DAY_EFFECT:
            continue
        name = " and ".join(day.names)
        marker = "^" if day.size > 1 else "v"
        axes.plot(
            [day.date], [low + 0.02 * (high - low)], marker=marker, markersize=6, color=GREY, linestyle="", zorder=5,
            clip_on=False, label=f"{name} on {day.date}",
        )  # fmt: skip
        if day.size >= _NAMED_EFFECT:
            height = low + 0.045 * (high - low)
            axes.text(
                day_number(day.date), height, day.names[0], rotation=90, fontsize=_EVENT_SIZE, color=GREY,
                ha="right" if day.date == last else "center", va="bottom", zorder=5,
            )  # fmt: skip


def _heights(picture: FanPicture) -> tuple[float, float]:
    """Lowest and highest price to show: prices, ranges, and prices of interest that are not far from them."""
    forecast = picture.prediction.forecast
    widest = max(picture.levels)
    ranges = forecast.prices([(1 - widest) / 2, (1 + widest) / 2]).ravel()
    values = np.concatenate([picture.prices, picture.later_prices, ranges])
    low, high = float(values.min()), float(values.max())
    room = (high - low) or 0.01 * abs(high) or 1.0
    near = [price for price in picture.above if low - _MAX_DISTANCE * room < price < high + _MAX_DISTANCE * room]
    return min([low, *near]) - 0.05 * room, max([high, *near]) + 0.07 * room


def _draw_prices_of_interest(axes: Axes, picture: FanPicture) -> dict[str, tuple[float, str]]:
    """Draw a line at each price of interest that the panel shows; return the labels of their ends."""
    low, high = _heights(picture)
    ends: dict[str, tuple[float, str]] = {}
    for price in picture.above:
        if low < price < high:
            axes.axhline(price, color="#222222", linewidth=1.2, linestyle=(0, (5, 3)), zorder=3, label=f"at {price:g}")
            ends[_odds(picture, price)] = (price, "#222222")
    return ends


def _odds(picture: FanPicture, price: float) -> str:
    """The probability that the last step ends above a price, such as ``above 160: 23 %``."""
    share = 100 * (1 - float(picture.prediction.forecast.probability_below(price)[-1]))
    text = "< 0.1" if share < 0.1 else "> 99.9" if share > 99.9 else f"{share:.{1 if share < 10 else 0}f}"
    return f"above {price:,.10g}: {text} %"


def _write(figure: Figure, picture: FanPicture) -> None:
    """Write title, summary and origin."""
    forecast = picture.prediction.forecast
    coming = spans_text("next", forecast.horizon, picture.span)
    name = picture.prediction.instrument.name
    title = picture.title or f"{name if len(name) <= 40 else name[:39] + '…'}: the {coming}"
    room = (0.97 - _LEFT) * figure.bbox.width
    for text, height, size, color, weight in (
        (short_title(title), 0.945, 22, "#222222", "bold"),
        (_summary(picture), 0.885, 13, "#333333", "normal"),
        (_record(picture), 0.845, 13, "#333333", "normal"),
        (_origin(picture), 0.025, 10, GREY, "normal"),
    ):
        written = figure.text(_LEFT, height, text, fontsize=size, color=color, fontweight=weight, va="center")
        fit_width(written, room)


def _summary(picture: FanPicture) -> str:
    forecast = picture.prediction.forecast
    level = min(picture.levels, key=lambda value: abs(value - 0.8))
    low, high = sorted(forecast.prices([(1 - level) / 2, (1 + level) / 2])[-1])
    ends = f"{price_label(forecast, low)} to {price_label(forecast, high)}"
    ranges = f"{100 * level:g} % range on {forecast.dates[-1]}: {ends}"
    bottom, top = _heights(picture)
    far = "".join(f" · {_odds(picture, price)}" for price in picture.above if not bottom < price < top)
    return f"last price {price_label(forecast, forecast.last_price)} on {forecast.cutoff} · {ranges}{far}"


def _record(picture: FanPicture) -> str:
    """Share of the earlier ranges that held, at the last step for which it is known."""
    prediction = picture.prediction
    record = prediction.coverage
    if prediction.in_sample:
        return "in-sample: the weights have seen prices after this cutoff"
    judged = [] if record is None else [step for step in record.steps if step.step <= prediction.forecast.horizon]
    if not judged:
        return "how often such ranges held is not measured"
    last = judged[-1]
    level = min(last.coverage, key=lambda name: abs(float(name) - 0.8))
    ahead = f"{last.step} {picture.span}{'s' if last.step > 1 else ''} ahead"
    other = last.judged_level(level)
    ranges = "" if other == level else f" {100 * float(other):g} % ranges"
    verdicts = {
        "too_narrow": f":{ranges} too narrow",
        "too_wide": f":{ranges} too wide",
        "too_few_rows": ", too few to tell",
    }
    return (
        f"{100 * float(level):g} % ranges {ahead} held {100 * last.coverage[level]:.0f} % of {last.n:,} times"
        f"{verdicts.get(last.outcome, '')}"
    )


def _origin(picture: FanPicture) -> str:
    prediction = picture.prediction
    days = prediction.age_days
    age = "" if not days else f" · last price {days} day{'s' if days > 1 else ''} old"
    forecast = prediction.forecast
    own = min(forecast.own_steps, forecast.horizon)
    way = "recursive" if forecast.scaled_from is None else "scaled by the square root of time"
    after = f"{own} {picture.span}{'s' if own > 1 else ''}"
    dashed = "" if own == forecast.horizon else f" · dashed: after {after}, {way}"
    return f"source: {picture.source} · model {prediction.model}{age}{dashed}"
