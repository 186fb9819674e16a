"""Content of a report: results of other commands on one instrument or several, put together for one page."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from forecaster.arrays import DateArray, FloatArray
from forecaster.data.calendars import SPANS
from forecaster.evaluation.anomalies import Anomalies
from forecaster.evaluation.daily_losses import DailyLosses
from forecaster.evaluation.price_odds import PriceAnswer
from forecaster.experiments.annotations import Annotations
from forecaster.experiments.inspections import InputImportances
from forecaster.experiments.predictions import FailedPrediction, Prediction
from forecaster.experiments.run_selection import SelectedRun
from forecaster.output.forecast_picture import ForecastPicture

__all__ = ["InstrumentReport", "Report", "ReportDetails", "WalkForward"]


@dataclasses.dataclass(frozen=True, eq=False)
class WalkForward:
    """Forecasts of the past, each made with what was known on its day: of a recorded backtest, or of the run itself.

    Args:
        backtest_id: Name of the folder of the backtest; None for forecasts of the run after the rows that it has seen.
        fits: Number of fits of the model.
        losses: Step -> daily losses of the model, and of every baseline of a backtest.
        pit: (N,) probability integral transforms one row ahead: forecast probability of a smaller return.
    """

    backtest_id: str | None
    fits: int
    losses: Mapping[int, DailyLosses]
    pit: FloatArray


@dataclasses.dataclass(frozen=True, eq=False)
class ReportDetails:
    """Sections that a report of one instrument has, and an overview lacks; a text is the reason why one is missing.

    Args:
        picture: History and one-step-ahead predictions.
        walk_forward: Forecasts of a recorded backtest of the same model.
        own_record: Forecasts of the run itself; None where it has made too few.
        importances: Importance of the inputs.
        anomalies: Anomalous days and changes of volatility.
        annotations: Notes and tags of the run.
    """

    picture: ForecastPicture
    walk_forward: WalkForward | str
    own_record: WalkForward | None
    importances: InputImportances | str
    anomalies: Anomalies | str
    annotations: Annotations


@dataclasses.dataclass(frozen=True, eq=False)
class InstrumentReport:
    """Report on one instrument.

    Args:
        selection: Instrument, run and history up to the cutoff.
        prediction: The coming days.
        dates: (T,) rows of the history, and later ones as far as the forecast reaches.
        prices: (T,) prices in the user's orientation.
        unit: Unit of the prices, such as ``JPY per USD``; empty where it is not known.
        answers: Probabilities of ending above prices on the last day, with the record of such answers.
        commands: Purpose -> command that repeats or continues something.
        details: Further sections; None in an overview.
    """

    selection: SelectedRun
    prediction: Prediction
    dates: DateArray
    prices: FloatArray
    unit: str
    answers: Sequence[PriceAnswer]
    commands: Mapping[str, str]
    details: ReportDetails | None = None

    @property
    def name(self) -> str:
        """Name of the instrument."""
        return self.prediction.instrument.name

    @property
    def span(self) -> str:
        """Length of a row: day, week or month."""
        return SPANS[self.prediction.frequency]

    @property
    def verdict(self) -> Mapping[str, Any]:
        """The verdict that the run recorded on the instrument; empty where it tested none up to the cutoff."""
        recorded = self._recorded_verdict
        return recorded if recorded and self.was_known(recorded["window"]) else {}

    @property
    def later_verdict(self) -> tuple[str, str] | None:
        """First and last cutoff of the test of the run, where its outcomes came after the cutoff of the report."""
        recorded = self._recorded_verdict
        return None if not recorded or self.was_known(recorded["window"]) else tuple(recorded["window"])

    @property
    def _recorded_verdict(self) -> Mapping[str, Any]:
        verdicts = self.selection.run.manifest.scores.verdicts
        recorded = verdicts.get(self.selection.series.instrument.name, {})
        return recorded if "density" in recorded else {}

    def was_known(self, window: Sequence[str]) -> bool:
        """True if scores of cutoffs from the first to the last of `window` were known at the cutoff of the report."""
        return bool(np.datetime64(window[1]) < self.prediction.forecast.cutoff)

    @property
    def cutoff_row(self) -> int:
        """Row of the last price that the forecast has seen."""
        return int(np.searchsorted(self.dates, self.prediction.forecast.cutoff, side="right")) - 1


@dataclasses.dataclass(frozen=True, eq=False)
class Report:
    """Content of a page.

    Args:
        instruments: Reports in the order of the user, with failures in place of those that cannot be made.
        universe: Name of the universe; None for instruments that are named.
    """

    instruments: Sequence[InstrumentReport | FailedPrediction]
    universe: str | None = None

    @property
    def is_overview(self) -> bool:
        """True if the page begins with a table of instruments."""
        return self.universe is not None or len(self.instruments) > 1
