"""Upper panels: prices, predictions for them, and the fan of the coming days."""

import dataclasses
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullFormatter

from forecaster.forecast import Forecast
from forecaster.output.axis_ticks import LOG_RATIO
from forecaster.output.canvas import date_axis, day_number
from forecaster.output.colors import (
    BAND_80_COLORS,
    BAND_80_OPACITY,
    BLUE,
    FAN_COLOR,
    FAN_OPACITIES,
    GREY,
    SPAN_COLORS,
    SPAN_TEXT_COLORS,
)
from forecaster.output.forecast_picture import ForecastPicture
from forecaster.output.trading_days import trading_day_axis

__all__ = [
    "LOG_RATIO",
    "MAX_TICKS",
    "RECURSIVE_DASHES",
    "SPAN_LINES",
    "draw_close_up",
    "draw_history",
    "log_axis",
    "mark_boundaries",
    "price_label",
    "put_to_the_right",
    "readable",
    "spans_text",
]

SPAN_LINES: dict[str, Any] = {"train": "-", "validation": (0, (2.2, 0.7)), "test": "-"}
RECURSIVE_DASHES: Any = (0, (2, 1.4))

MAX_TICKS = 7  # of the small panels
_CLOSE_UP_ROWS = 60
_FEW_ROWS = 250  # up to here single days can be told apart, and are marked
MAX_FULL_RATIO = 200.0  # of an axis with ticks at 1, 2 and 5
_SHORTEST_AXIS = 10.0  # days; on a shorter axis hours would be marked
_LONG = 1e5  # from here on a price is too long for the margin
_TINY = 1e-3
_CHARACTER = 0.0165  # width of a letter of a span's name, as a share of the panel


def readable(value: float, digits: int = 5) -> str:
    """`value` with `digits` significant digits, without an exponent unless it is tiny; a dash for NaN.

    >>> readable(157.2503), readable(0.93), readable(25123.4, 4), readable(4.2e-7), readable(float("nan"))
    ('157.25', '0.93000', '25,123', '4.200e-07', '-')
    """
    if not np.isfinite(value):
        return "-"
    size = int(np.floor(np.log10(abs(value)))) if value else 0
    return f"{value:.3e}" if size < -4 else f"{value:,.{max(digits - 1 - size, 0)}f}"


def price_label(forecast: Forecast, value: float) -> str:
    """A price as text; of a series around zero with the decimals of the ends of its widest range."""
    if not forecast.changes:
        return readable(value)
    largest = float(np.abs(forecast.prices([0.025, 0.975])).max())
    return f"{value:,.{len(readable(largest).partition('.')[2])}f}"


def spans_text(which: str, count: int, span: str = "day") -> str:
    """Name `count` days, weeks or months.

    >>> spans_text("next", 20), spans_text("last", 1, "week")
    ('next 20 days', 'last week')
    """
    return f"{which} {span}" if count == 1 else f"{which} {count} {span}s"


def log_axis(axes: Axes) -> None:
    """Make the vertical axis logarithmic, with plain numbers at 1, 2 and 5, or at 1 alone where it is long."""
    axes.set_yscale("log")
    values = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in axes.get_lines()])
    values = values[np.isfinite(values) & (values > 0)]
    is_long = len(values) and values.max() > MAX_FULL_RATIO * values.min()
    axes.yaxis.set_major_locator(LogLocator(subs=(1,) if is_long else (1, 2, 5), numticks=8))
    axes.yaxis.set_major_formatter(FuncFormatter(short_tick))
    axes.yaxis.set_minor_formatter(NullFormatter())


def short_tick(value: float, _position: int | None = None) -> str:
    """A number beside an axis: 0.5, 1,200, 1.2M, 4e-07."""
    return EngFormatter(sep="").format_eng(value) if abs(value) >= _LONG else f"{value:,.6g}"


def draw_history(axes: Axes, picture: ForecastPicture) -> None:
    """Draw the whole of `picture` small, with the spans named above it."""
    _draw_prices(axes, picture)
    _scale_prices(axes, picture)
    end = picture.dates[-1] if picture.forecast is None else max(picture.dates[-1], picture.forecast.dates[-1])
    _set_dates(axes, picture.dates[0], end, room=0.01)
    date_axis(axes, most_ticks=MAX_TICKS)
    axes.tick_params(labelbottom=False)
    # The unit is that of the large panel.
    put_to_the_right(axes, "log scale" if axes.get_yscale() == "log" else "")
    _name_spans(axes, picture, mark_boundaries(axes, picture))


def put_to_the_right(axes: Axes, label: str) -> None:
    """Put the vertical axis of a small panel to the right, with `label`."""
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position("right")
    axes.spines[["left", "right"]].set_visible([False, True])
    axes.set_ylabel(label)


def draw_close_up(axes: Axes, picture: ForecastPicture) -> None:
    """Draw the last days and the coming ones so large that lag, band and fan can be seen.

    Every row has the same width, so a weekend makes no step in the fan.
    """
    close = _last_days(picture)
    _draw_prices(axes, close)
    _scale_prices(axes, close)
    end = close.dates[-1]
    title = f"{spans_text('last', len(close.dates), close.span)}, to {end}"
    if close.forecast is not None:
        end = max(end, close.forecast.dates[-1])
        seen = int((close.dates <= close.forecast.cutoff).sum())
        title = _fan_title(close.forecast, seen, close.span)
    axes.set_title(title, loc="left", fontsize=9, color="#333333", pad=5, linespacing=1.4)
    _set_dates(axes, close.dates[0], end, room=0.015)
    days = close.dates if close.forecast is None else np.union1d(close.dates, close.forecast.dates)
    trading_day_axis(axes, days, most_ticks=8)


def _last_days(picture: ForecastPicture) -> ForecastPicture:
    """At most 60 days up to the cutoff of the forecast, and what happened on the days that it is about."""
    rows = min(_CLOSE_UP_ROWS, max(10, len(picture.dates) // 3))
    if picture.forecast is None:
        return picture.cut((picture.dates[-rows:][0], picture.dates[-1]))
    cutoff = picture.forecast.cutoff
    after_last = int(np.searchsorted(picture.dates, cutoff, side="right"))
    close = picture.cut((picture.dates[max(0, after_last - rows)], picture.forecast.dates[-1]))
    return dataclasses.replace(close, predictions=close.predictions.take(close.predictions.dates <= cutoff))


def _fan_title(forecast: Forecast, seen: int, span: str) -> str:
    """Title of the close-up, with the 80 % range of the last day: numbers on the fan would hide it."""
    low, high = sorted(forecast.prices([0.1, 0.9])[-1])
    return (
        f"{spans_text('last', seen, span)}, to {forecast.cutoff}, "
        f"and the {spans_text('next', forecast.horizon, span)}\n"
        f"{forecast.dates[-1]}: 80 % range {price_label(forecast, low)} to {price_label(forecast, high)}"
    )


def _draw_prices(axes: Axes, picture: ForecastPicture) -> None:
    """Draw a thin blue line on broad green and red ones: where they agree, both stay visible."""
    few = len(picture.dates) <= _FEW_ROWS
    broad = 2.2 if few else 3.2
    for name, span in picture.spans().items():
        band: dict[str, Any] = {"color": BAND_80_COLORS[name], "alpha": BAND_80_OPACITY}
        axes.fill_between(span.dates, span.lower, span.upper, linewidth=0, zorder=1, **band)
        axes.plot(
            span.dates, span.median, color=SPAN_COLORS[name], linestyle=SPAN_LINES[name], linewidth=broad,
            dash_capstyle="butt", label=f"predicted: {name}", zorder=2,
        )  # fmt: skip
    marks: dict[str, Any] = {"marker": "o", "markersize": 3.2, "linewidth": 1.0} if few else {"linewidth": 0.7}
    axes.plot(picture.dates, picture.prices, color=BLUE, label="actual", zorder=3, **marks)
    if picture.forecast is not None:
        _draw_fan(axes, picture.forecast, picture.span)


def _draw_fan(axes: Axes, forecast: Forecast, span: str) -> None:
    dates = np.concatenate([[forecast.cutoff], forecast.dates])
    levels = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
    prices = np.vstack([np.full(len(levels), forecast.last_price), forecast.prices(levels)])
    for inward, (percent, opacity) in enumerate(FAN_OPACITIES.items()):
        low = prices[:, inward]
        high = prices[:, -1 - inward]
        label = f"coming {span}s: {percent} %"
        axes.fill_between(dates, low, high, color=FAN_COLOR, alpha=opacity, linewidth=0, zorder=1, label=label)
    own = min(forecast.own_steps, forecast.horizon)
    median: dict[str, Any] = {"color": FAN_COLOR, "linewidth": 1.6, "zorder": 4}
    axes.plot(dates[: own + 1], prices[: own + 1, 3], label=f"coming {span}s: median", **median)
    if own < forecast.horizon:
        axes.plot(
            dates[own:], prices[own:, 3], label=f"coming {span}s: recursive", linestyle=RECURSIVE_DASHES, **median
        )


def _price_range(picture: ForecastPicture) -> tuple[float, float]:
    """Lowest and highest price worth showing; the wildest half percent of the bands may leave the panel."""
    predictions = picture.predictions
    values = [picture.prices]
    for part in (predictions.lower, predictions.median, predictions.upper):
        finite = part[np.isfinite(part)]
        if len(finite):
            values.append(np.percentile(finite, [0.5, 99.5]))
    if picture.forecast is not None:
        values.append(picture.forecast.prices([0.025, 0.975]).ravel())
    merged = np.concatenate(values)
    return float(np.min(merged)), float(np.max(merged))


def _scale_prices(axes: Axes, picture: ForecastPicture) -> None:
    low, high = _price_range(picture)
    unit = "price" if picture.unit == "price" else f"price ({picture.unit})"
    least, most = float(np.min(picture.prices)), float(np.max(picture.prices))
    if least > 0 and most > LOG_RATIO * least:
        low = max(low, least / 2)
        room = (high / low) ** 0.04
        log_axis(axes)
        axes.set_ylim(low / room, high * room)
        axes.set_ylabel(f"{unit}, log scale")
        return
    room = 0.04 * (high - low) or 0.01 * abs(high) or 1.0
    axes.set_ylim(low - room, high + room)
    if not _TINY <= max(abs(low), abs(high)) < _LONG:
        axes.yaxis.set_major_formatter(FuncFormatter(short_tick))
    axes.set_ylabel(unit)


def _set_dates(axes: Axes, start: np.datetime64, end: np.datetime64, room: float) -> None:
    first, last = day_number(start), day_number(end)
    margin = max(room * (last - first), (_SHORTEST_AXIS - (last - first)) / 2)
    axes.set_xlim(first - margin, last + margin)


def mark_boundaries(axes: Axes, picture: ForecastPicture) -> tuple[float, float]:
    """Draw where training ends and the test begins, with validation shaded; return both places."""
    left, right = axes.get_xlim()
    first = day_number(picture.train_end) + 0.5
    second = day_number(picture.test_start) - 0.5
    for boundary in sorted({first, second}):
        if left < boundary < right:
            axes.axvline(boundary, color=GREY, linewidth=0.9, linestyle=(0, (4, 2)), zorder=4, label="_boundary")
    if first < second:
        axes.axvspan(first, second, color=GREY, alpha=0.08, linewidth=0, zorder=0)
    axes.set_xlim(left, right)
    return first, second


def _name_spans(axes: Axes, picture: ForecastPicture, boundaries: tuple[float, float]) -> None:
    """Write the names of the spans that have predictions above the panel, where they have room."""
    left, right = axes.get_xlim()
    shares = [0.0, *((np.clip(boundaries, left, right) - left) / (right - left)), 1.0]
    long = {"train": f"train to {picture.train_end}", "test": f"test from {picture.test_start}"}
    taken: list[tuple[float, float]] = []
    for index, name in ((0, "train"), (2, "test"), (1, "validation")):
        start, end = float(shares[index]), float(shares[index + 1])
        text = next((text for text in (long.get(name, name), name) if _CHARACTER * len(text) < end - start), name)
        middle = (start + end) / 2
        half = _CHARACTER * len(text) / 2
        if (
            name not in picture.spans()
            or end - start < 0.01
            or any(middle - half < right and middle + half > left for left, right in taken)
        ):
            continue
        taken.append((middle - half, middle + half))
        axes.text(
            middle, 1.012, text, transform=axes.transAxes, ha="center", va="bottom",
            fontsize=8.5, color=SPAN_TEXT_COLORS[name],
        )  # fmt: skip
