"""Summary of a forecast as a document: last price, ranges of two spans, and how often such ranges held."""

import datetime
from typing import Any

from forecaster.data.calendars import SPANS
from forecaster.experiments.predictions import Prediction

__all__ = ["SUMMARY_LEVEL", "summary_document"]

SUMMARY_LEVEL = 0.8
"""Level of the ranges of a summary."""

_LEVEL = format(SUMMARY_LEVEL, "g")

# Length of a row -> name and length in days of the two spans of a summary. A month of trading days ends before day 31.
_SPANS = {
    "1d": (("a week", 7), ("a month", 30)),
    "1wk": (("a week", 7), ("a month", 30)),
    "1mo": (("a month", 31), ("a year", 366)),
}


def summary_document(prediction: Prediction) -> dict[str, Any]:
    """Last price, its age, and the ranges of two spans with the share of earlier ones that held."""
    forecast = prediction.forecast
    prices = forecast.prices([(1 - SUMMARY_LEVEL) / 2, (1 + SUMMARY_LEVEL) / 2])
    ranges = []
    for step, name in _steps(prediction).items():
        record = None if prediction.coverage is None else prediction.coverage.at(step)
        held = None if record is None else record.coverage.get(_LEVEL)
        ranges.append(
            {
                "span": name,
                "step": step,
                "date": str(forecast.dates[step - 1]),
                "low": float(prices[step - 1, 0]),
                "high": float(prices[step - 1, 1]),
                "held": held,
                "n": None if record is None else record.n,
                "outcome": None if record is None else record.outcome,
                "judged_level": None if record is None or held is None else float(record.judged_level(_LEVEL)),
            }
        )
    return {
        "instrument": prediction.instrument.name,
        "last_price": forecast.last_price,
        "cutoff": str(forecast.cutoff),
        "age_days": prediction.age_days,
        "drift": prediction.drift,
        "calibration": prediction.calibration,
        "level": SUMMARY_LEVEL,
        "ranges": ranges,
    }


def _steps(prediction: Prediction) -> dict[int, str]:
    """Step -> name of the span that ends with it; a span beyond the horizon is named by the rows that there are."""
    forecast = prediction.forecast
    cutoff: datetime.date = forecast.cutoff.astype("datetime64[D]").astype(object)
    steps: dict[int, str] = {}
    for name, days in _SPANS[prediction.frequency]:
        end = cutoff + datetime.timedelta(days=days)
        step = max(sum(date.astype("datetime64[D]").astype(object) <= end for date in forecast.dates), 1)
        last: datetime.date = forecast.dates[-1].astype("datetime64[D]").astype(object)
        rows = SPANS[prediction.frequency]
        short = step == forecast.horizon and (end - last).days > days / 4
        steps.setdefault(step, f"{step} {rows}{'s' if step > 1 else ''}" if short else name)
    return steps
