"""Alerts: rules of `forecast watch` that a forecast or a history fires."""

import dataclasses
import datetime
from collections.abc import Iterator

import numpy as np

from forecaster.data.calendars import business_age
from forecaster.errors import UsageError
from forecaster.evaluation.anomalies import Anomalies
from forecaster.evaluation.price_odds import PriceQuestion, answered
from forecaster.evaluation.threshold_check import far_threshold
from forecaster.experiments.predictions import Prediction
from forecaster.experiments.watch_rules import AnomalyRule, BandRule, ProbabilityRule, Rule, StaleRule
from forecaster.forecast import Forecast

__all__ = ["Alert", "forecast_alert", "history_alerts", "stale_alerts"]


@dataclasses.dataclass(frozen=True)
class Alert:
    """A rule that has fired for an instrument.

    Args:
        rule: The rule.
        number: Its place in the file, from 1.
        instrument: Name of the instrument.
        subject: ``width``, ``probability``, ``p_value``, ``price_days`` or ``run_days``.
        value: Measured value; None for a row that the validation repairs, which has no p-value.
        limit: Limit of the rule, in the same unit.
        cutoff: Last row.
        last_price: Price at the last row.
        date: Day that the alert is about.
        run_id: Run that made the forecast; None for an anomaly.
    """

    rule: Rule
    number: int
    instrument: str
    subject: str
    value: float | None
    limit: float
    cutoff: np.datetime64
    last_price: float
    date: np.datetime64
    run_id: str | None


def forecast_alert(rule: BandRule | ProbabilityRule, number: int, prediction: Prediction) -> Alert | None:
    """The alert of a rule about a forecast; None if it does not fire.

    Raises:
        UsageError: The forecast does not reach the step of the rule, or its price has no percentages.
    """
    forecast = prediction.forecast
    if rule.step > forecast.horizon:
        raise UsageError(
            f"rule {number} is about step {rule.step}, and the forecast of {prediction.instrument.name} has "
            f"{forecast.horizon}; expected a shorter step, or a run that looks further"
        )
    if isinstance(rule, BandRule):
        subject = "width"
        value = _width(rule, number, prediction.forecast)
        limit, fires = _compared(value, rule.wider_than, rule.narrower_than)
    else:
        subject = "probability"
        value = _probability(rule, number, forecast)
        limit, fires = _compared(value, rule.more_than, rule.less_than)
    if not fires:
        return None
    date: np.datetime64 = forecast.dates[rule.step - 1]
    return _alert(rule, number, prediction, (subject, value, limit), date)


def _width(rule: BandRule, number: int, forecast: Forecast) -> float:
    """Width of the interval in percent of the last price.

    Raises:
        UsageError: Changes of the price are modelled, which may be 0 or negative.
    """
    if forecast.changes:
        raise UsageError(
            f"rule {number} is about a width in percent, and changes of {forecast.instrument} are modelled, which may "
            "be at 0; expected a rule of the kind probability"
        )
    edge = (1 - rule.level / 100) / 2
    low, high = forecast.prices([edge, 1 - edge])[rule.step - 1]
    return float(100 * (high - low) / forecast.last_price)


def _probability(rule: ProbabilityRule, number: int, forecast: Forecast) -> float:
    """Probability of the prices of a rule.

    Raises:
        UsageError: A price is in another unit, as it seems.
    """
    kind, prices = rule.target
    answer = answered(forecast, PriceQuestion(kind, prices, rule.step))
    problem = far_threshold(forecast, answer)
    if problem is not None:
        raise UsageError(f"rule {number}: {problem.removeprefix('--')}; change the rule")
    return answer.probability


def _compared(value: float, above: float | None, below: float | None) -> tuple[float, bool]:
    """The limit, and True if the value is beyond it."""
    if above is not None:
        return above, value > above
    return (below or 0.0), value < (below or 0.0)


def _alert(
    rule: Rule, number: int, prediction: Prediction, measured: tuple[str, float, float], date: np.datetime64
) -> Alert:
    subject, value, limit = measured
    forecast = prediction.forecast
    return Alert(
        rule=rule,
        number=number,
        instrument=prediction.instrument.name,
        subject=subject,
        value=value,
        limit=limit,
        cutoff=forecast.cutoff,
        last_price=forecast.last_price,
        date=date,
        run_id=prediction.run_id,
    )


def stale_alerts(
    rule: StaleRule, number: int, prediction: Prediction, trained_until: np.datetime64, today: datetime.date
) -> Iterator[Alert]:
    """Alerts about an old last price, and about a run whose training lies far behind the newest row.

    Args:
        rule: The rule.
        number: Its place in the file.
        prediction: The forecast.
        trained_until: Last row of the instrument at the training.
        today: The current date.
    """
    cutoff = prediction.forecast.cutoff
    ages = {
        "price_days": (business_age(cutoff, today), rule.price_days),
        "run_days": (business_age(trained_until, cutoff.astype("datetime64[D]").astype(datetime.date)), rule.run_days),
    }
    for subject, (age, limit) in ages.items():
        if limit is not None and age > limit:
            date = cutoff if subject == "price_days" else trained_until
            yield _alert(rule, number, prediction, (subject, float(age), float(limit)), date)


def history_alerts(rule: AnomalyRule, number: int, anomalies: Anomalies) -> Iterator[Alert]:
    """Alerts about anomalous days among the newest rows, and about those that the validation repairs."""
    series = anomalies.series
    first = series.dates[-min(rule.rows, len(series))]
    price = float(series.close[-1])
    for day in anomalies.days:
        if day.date >= first:
            yield Alert(
                rule=rule,
                number=number,
                instrument=anomalies.instrument.name,
                subject="p_value",
                value=day.p_value,
                limit=rule.rate / 100,
                cutoff=series.dates[-1],
                last_price=price**anomalies.instrument.sign,
                date=day.date,
                run_id=None,
            )
