"""Drift alarms in words."""

from forecaster.evaluation.drift import DriftAlarm

__all__ = ["drift_text"]

_ALARMS = {
    "too_high": "outcomes are higher than forecast",
    "too_low": "outcomes are lower than forecast",
    "too_narrow": "ranges are too narrow",
    "too_wide": "ranges are too wide",
    "crps": "losses are beyond the expected ones",
}


def drift_text(alarm: DriftAlarm) -> str:
    """An alarm in words."""
    return (
        f"{alarm.instrument} at step {alarm.step}, {alarm.date}: {_ALARMS[alarm.kind]} since about {alarm.since} "
        f"({alarm.n} forecasts, CRPS {alarm.crps_ratio:.2f} of the expected)"
    )
