"""Options of a model whose widths a calendar of volatility may change."""

from collections.abc import Mapping
from typing import Any, Literal

from forecaster.data.calendars import is_observed
from forecaster.data.series import Panel
from forecaster.data.sources.registry import source_traits
from forecaster.errors import UsageError
from forecaster.models.feature_options import FeatureOptions

__all__ = ["CalendarOptions"]


class CalendarOptions(FeatureOptions):
    """Options of a model that reads features and has a calendar of volatility, by default where it proved itself."""

    volatility_calendar: bool | Literal["auto"] = "auto"

    def further_choices(self, panel: Panel) -> Mapping[str, Any]:
        """True or False for ``volatility_calendar``.

        Raises:
            UsageError: A calendar of volatility is asked for, and cannot be fitted.
        """
        return {"volatility_calendar": self._has_calendar(panel)}

    def _has_calendar(self, panel: Panel) -> bool:
        """True if a calendar of volatility is fitted; ``auto`` fits it for currencies of one daily fixing."""
        if self.volatility_calendar == "auto":
            return all(
                source_traits(series.source).one_fixing and series.frequency == "1d" and not series.differences
                for series in panel
            )
        if self.volatility_calendar and (problem := _problem_of_calendar(panel)):
            raise UsageError(
                f"model.volatility_calendar is true, and {problem}; expected daily rows of markets with a known "
                "calendar; remove it, or name the calendar with --calendar"
            )
        return self.volatility_calendar


def _problem_of_calendar(panel: Panel) -> str | None:
    """Reason why no calendar of volatility can be fitted to `panel`."""
    for series in panel:
        if series.frequency != "1d":
            return f"{series.instrument.name} has rows of {series.frequency}"
        if is_observed(series):
            return f"the trading days of {series.instrument.name} are not known in advance"
    return None
