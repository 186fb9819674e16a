"""Charts of a report: the overlay of actual and predicted prices, the coming days, and skill and coverage over time."""

import math

import numpy as np

from forecaster.arrays import DateArray, FloatArray
from forecaster.evaluation.daily_losses import DailyLosses
from forecaster.forecast import Forecast
from forecaster.output.axis_ticks import LOG_RATIO
from forecaster.output.forecast_picture import ForecastPicture
from forecaster.output.page_charts import Band, Chart, Line
from forecaster.output.report_content import InstrumentReport

__all__ = [
    "FAN_LEVELS",
    "close_up_chart",
    "coverage_chart",
    "gain_chart",
    "overlay_chart",
    "price_decimals",
    "row_chart",
]

FAN_LEVELS = (0.95, 0.8, 0.5)
WINDOW = 250  # cutoffs of a rolling coverage
CLOSE_UP_ROWS = 60
ROW_ROWS = 120  # of a small chart
_STYLES = ("thin", "dashed", "dotted")
_TONES = 8


def price_decimals(forecast: Forecast) -> int:
    """Decimals with six significant digits of the last price, or of the largest quantile where changes are modelled."""
    size = float(np.abs(forecast.prices(forecast.quantile_levels)).max()) if forecast.changes else forecast.last_price
    return min(max(5 - math.floor(math.log10(abs(size))), 0), 10) if size else 5


def overlay_chart(report: InstrumentReport, picture: ForecastPicture) -> Chart:
    """Actual prices, predictions of every day by the part of the split that it belongs to, and the coming days."""
    dates = _all_dates(report)
    lines = [Line("actual", "actual", _placed(dates, report.dates, report.prices))]
    bands = []
    marks = {}
    for name, span in picture.spans().items():
        lines.append(Line(f"predicted, {name}", name, _placed(dates, span.dates, span.median), "wide"))
        low, high = (_placed(dates, span.dates, values) for values in (span.lower, span.upper))
        bands.append(Band(f"80 % band, {name}", name, low, high))
        marks[int(np.searchsorted(dates, span.dates[0]))] = name
    fan_lines, fan_bands = _fan(report, dates)
    return Chart(
        name=f"{report.name}: actual and predicted prices",
        summary=_history_summary(report, picture),
        dates=dates,
        lines=[*lines, *fan_lines],
        bands=[*bands, *fan_bands],
        decimals=price_decimals(report.prediction.forecast),
        unit=report.unit,
        marks=marks,
        is_log=_is_wide(report.prices) and not any((band.low <= 0).any() for band in [*bands, *fan_bands]),
    )


def close_up_chart(report: InstrumentReport, rows: int = CLOSE_UP_ROWS) -> Chart:
    """The last days and the ranges of the coming ones."""
    first = max(report.cutoff_row - rows + 1, 0)
    dates = _all_dates(report)[first:]
    lines, bands = _fan(report, dates)
    forecast = report.prediction.forecast
    low, high = forecast.prices([0.1, 0.9])[-1]
    decimals = price_decimals(forecast)
    return Chart(
        name=f"{report.name}: the last {report.cutoff_row - first + 1} and the next {forecast.horizon} {report.span}s",
        summary=f"The last price is {forecast.last_price:.{decimals}f} on {forecast.cutoff}. On {forecast.dates[-1]} "
        f"the 80 % range is {low:.{decimals}f} to {high:.{decimals}f}.",
        dates=dates,
        lines=[Line("actual", "actual", _placed(dates, report.dates[first:], report.prices[first:])), *lines],
        bands=bands,
        decimals=decimals,
        unit=report.unit,
        marks={report.cutoff_row - first: "last price seen"} if forecast.cutoff < report.dates[-1] else {},
    )


def row_chart(report: InstrumentReport) -> Chart:
    """The small chart of a row of an overview."""
    return close_up_chart(report, ROW_ROWS)


def gain_chart(losses: DailyLosses, span: str) -> Chart:
    """Sum of the daily differences of CRPS between a model and each baseline, in percent of the baseline's whole."""
    count = len(losses)
    lines = []
    for number, name in enumerate(losses.baselines):
        mean = losses.crps[name].mean()
        if mean > 0:  # nothing is a share of the 0 of prices that stand still
            total = 100 * np.cumsum((losses.crps[losses.model] - losses.crps[name]) / mean) / count
            lines.append(Line(f"minus {name}", f"b{number % _TONES}", total, _STYLES[number % len(_STYLES)]))
    ends = ", ".join(f"{line.name} {line.values[-1]:+.2f} %" for line in lines)
    ahead = f"{losses.step} {span}{'s' if losses.step > 1 else ''} ahead"
    return Chart(
        name=f"CRPS of {losses.model} minus that of each baseline so far, {ahead}; falling is better",
        summary=f"{count:,} cutoffs from {losses.dates[0]} to {losses.dates[-1]}. At the end: {ends}.",
        dates=losses.dates,
        lines=lines,
        decimals=2,
        unit="%",
        levels=(0.0,),
    )


def coverage_chart(losses: DailyLosses, span: str) -> Chart:
    """Share of outcomes inside each interval over the last year of cutoffs; of all so far with fewer."""
    lines = []
    for number, (level, inside) in enumerate(losses.inside.items()):
        name = f"inside the {100 * float(level):g} % range"
        lines.append(Line(name, f"b{number}", 100 * _rolling_mean(inside), _STYLES[number]))
    shares = [100 * inside.mean() for inside in losses.inside.values()]
    whole = ", ".join(f"{line.name} {share:.1f} %" for line, share in zip(lines, shares, strict=True))
    ahead = f"{losses.step} {span}{'s' if losses.step > 1 else ''} ahead"
    return Chart(
        name=f"Outcomes inside each range over the last {WINDOW} cutoffs, {ahead}; the level of the range is right",
        summary=f"Over all {len(losses):,} cutoffs: {whole}.",
        dates=losses.dates,
        lines=lines,
        decimals=1,
        unit="%",
        levels=tuple(100 * float(level) for level in losses.inside),
    )


def _rolling_mean(values: FloatArray) -> FloatArray:
    """(N,) means over the last cutoffs; NaN before there are enough."""
    if len(values) < WINDOW:
        return np.cumsum(values) / np.arange(1, len(values) + 1)
    total = np.concatenate([[0.0], np.cumsum(values)])
    means = (total[WINDOW:] - total[:-WINDOW]) / WINDOW
    return np.concatenate([np.full(WINDOW - 1, np.nan), means])


def _all_dates(report: InstrumentReport) -> DateArray:
    return np.union1d(report.dates, report.prediction.forecast.dates)


def _fan(report: InstrumentReport, dates: DateArray) -> tuple[list[Line], list[Band]]:
    """Median and ranges of the coming days, from the last price on."""
    forecast = report.prediction.forecast
    days = np.concatenate([[forecast.cutoff], forecast.dates])

    def placed(level: float) -> FloatArray:
        return _placed(dates, days, np.concatenate([[forecast.last_price], forecast.prices([level])[:, 0]]))

    bands = [
        Band(f"{100 * level:g} % range", "fan", placed((1 - level) / 2), placed((1 + level) / 2))
        for level in FAN_LEVELS
    ]
    return [Line("median of the coming days", "fan", placed(0.5))], bands


def _placed(dates: DateArray, own_dates: DateArray, values: FloatArray) -> FloatArray:
    """(T,) values at their dates; NaN at the others."""
    placed = np.full(len(dates), np.nan)
    placed[np.searchsorted(dates, own_dates)] = values
    return placed


def _is_wide(prices: FloatArray) -> bool:
    low, high = float(prices.min()), float(prices.max())
    return low > 0 and high > LOG_RATIO * low


def _history_summary(report: InstrumentReport, picture: ForecastPicture) -> str:
    low, high = int(report.prices.argmin()), int(report.prices.argmax())
    decimals = price_decimals(report.prediction.forecast)
    spans = "; ".join(f"{name} from {span.dates[0]} to {span.dates[-1]}" for name, span in picture.spans().items())
    return (
        f"{len(report.dates):,} {report.span}s from {report.dates[0]} to {report.dates[-1]}, "
        f"lowest {report.prices[low]:.{decimals}f} on {report.dates[low]}, "
        f"highest {report.prices[high]:.{decimals}f} on {report.dates[high]}. Predictions: {spans or 'none'}."
    )
