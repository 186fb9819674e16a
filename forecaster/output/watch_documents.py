"""JSON lines of alerts."""

import datetime
from typing import Any

from forecaster.experiments.watch_alerts import Alert
from forecaster.experiments.watch_rules import AnomalyRule, BandRule, ProbabilityRule

__all__ = ["alert_document", "alert_text"]


def alert_document(alert: Alert, now: datetime.datetime) -> dict[str, Any]:
    """The document ``alert/1``.

    Args:
        alert: The alert.
        now: The current time.
    """
    return {
        "schema": "alert/1",
        "time": now.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "rule": alert.number,
        "name": alert.rule.name,
        "kind": alert.rule.kind,
        "instrument": alert.instrument,
        "subject": alert.subject,
        "value": alert.value,
        "limit": alert.limit,
        "step": getattr(alert.rule, "step", None),
        "date": str(alert.date),
        "cutoff": str(alert.cutoff),
        "last_price": alert.last_price,
        "run_id": alert.run_id,
        "text": alert_text(alert),
    }


def alert_text(alert: Alert) -> str:
    """An alert in words."""
    rule, name = alert.rule, alert.instrument
    if isinstance(rule, BandRule):
        beyond = "more" if rule.wider_than is not None else "less"
        return (
            f"the {rule.level:g} % range of {name} on {alert.date} is {alert.value:.3g} % of the last price wide, "
            f"{beyond} than {alert.limit:g} %"
        )
    if isinstance(rule, ProbabilityRule):
        beyond = "more" if rule.more_than is not None else "less"
        return (
            f"{name} ends {_target(rule)} on {alert.date} with a probability of {alert.value:.1%}, {beyond} than "
            f"{alert.limit:.4g}"
        )
    if isinstance(rule, AnomalyRule):
        if alert.value is None:
            return f"the row of {name} on {alert.date} is repaired by the validation, such as a bad tick"
        return f"{name} moved on {alert.date} beyond what was forecast the day before (p = {alert.value:.2g})"
    if alert.subject == "price_days":
        return f"the last price of {name} is {alert.value:.0f} business days old, more than {alert.limit:.0f}"
    return (
        f"{alert.value:.0f} business days of prices of {name} have come since the training, more than {alert.limit:.0f}"
    )


def _target(rule: ProbabilityRule) -> str:
    if rule.between is not None:
        return f"between {rule.between[0]:g} and {rule.between[1]:g}"
    return f"above {rule.above:g}" if rule.above is not None else f"below {rule.below:g}"
