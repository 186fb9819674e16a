"""The log of one command: which of its forecasts belong into the ledger, and which may not."""

import dataclasses
from typing import Any

import numpy as np

from forecaster.datasets.selection import Selection
from forecaster.environment import Environment
from forecaster.errors import UsageError
from forecaster.experiments.ledger import append_entries, ledger_path
from forecaster.experiments.predictions import Prediction
from forecaster.experiments.run_selection import SelectedRun

__all__ = ["ForecastLog", "refusal"]

_MAX_NOTED = 5


class ForecastLog:
    """Logs the forecasts of one command.

    Args:
        wanted: True or False where the user has said so; None for what the configuration of each run says.
        choice: Source of the histories and its use.
        environment: Home folder, clock and messages.
    """

    def __init__(self, wanted: bool | None, choice: Selection, environment: Environment) -> None:
        self._wanted = wanted
        self._choice = choice
        self._environment = environment
        self._entries: list[dict[str, Any]] = []
        self._count = 0
        self._line = ""
        self._refused: list[str] = []

    def add(self, prediction: Prediction, selected: SelectedRun) -> Prediction:
        """Prepare a forecast for the ledger if it is wanted there; one that the ledger refuses says why."""
        if not (selected.run.config.ledger if self._wanted is None else self._wanted):
            return prediction
        reason = refusal(prediction, selected, self._environment)
        if reason:
            self._refused.append(reason)
            return dataclasses.replace(prediction, unlogged=reason)
        from forecaster.experiments.ledger_entries import ledger_entry  # fits baselines, which a forecast does not

        self._entries.append(ledger_entry(prediction, selected, self._choice))
        return prediction

    def require_all(self) -> None:
        """Refuse a command that was told to log a forecast and may not.

        Raises:
            UsageError: The ledger has refused a forecast; nothing was logged.
        """
        if self._wanted and self._refused:
            raise UsageError(*(f"{reason}, or remove --log" for reason in self._refused))

    def write(self) -> None:
        """Append the prepared forecasts.

        Raises:
            StorageError, DamageError: The ledger cannot be appended to.
        """
        if not self._entries:
            return
        path = ledger_path(self._environment.home)
        report = append_entries(path, self._entries, self._environment.clock)
        if report.torn:
            self._environment.note(
                f"warning: ledger: an append was cut off; the {report.torn:,} bytes that it had left were removed"
            )
        self._count += len(self._entries)
        self._entries.clear()
        self._line = f"line {report.lines:,}, head {report.head[:16]}"

    def note(self) -> None:
        """Note what was logged, and what was not."""
        if self._count:
            self._environment.note(f"ledger: {self._count} forecast{'s' * (self._count > 1)} logged; {self._line}")
        for reason in self._refused[:_MAX_NOTED]:
            self._environment.note(f"warning: ledger: {reason}")
        if len(self._refused) > _MAX_NOTED:
            self._environment.note(f"warning: ledger: {len(self._refused) - _MAX_NOTED} more forecasts are not logged")


def refusal(prediction: Prediction, selected: SelectedRun, environment: Environment) -> str:
    """Reason why a forecast may not be logged; empty for one that may."""
    name, forecast = prediction.instrument.name, prediction.forecast
    if prediction.in_sample:
        return (
            f"{name} is not logged: the run has seen rows to {selected.run.seen_until}, and the forecast starts from "
            f"{forecast.cutoff}, in-sample; expected a later last row"
        )
    if forecast.dates[0] < np.datetime64(environment.today):
        return (
            f"{name} is not logged: its first day, {forecast.dates[0]}, is over on {environment.today}; expected a "
            "forecast that is issued before; load newer prices"
        )
    if forecast.dates[0] <= selected.newest:
        return (
            f"{name} is not logged: it starts from {forecast.cutoff}, and there are rows to {selected.newest}; "
            "expected a forecast from the newest row, without --as-of"
        )
    return ""
