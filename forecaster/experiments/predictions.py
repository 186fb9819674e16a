"""Forecasts and their provenance. `forecaster.output.forecast_documents` turns them into JSON."""

import dataclasses
import datetime
from collections.abc import Sequence
from typing import Literal

import numpy as np

from forecaster.arrays import FloatArray
from forecaster.data.instruments import Instrument
from forecaster.errors import ForecasterError
from forecaster.evaluation.step_coverage import StepCoverage
from forecaster.experiments.manifest import Skill
from forecaster.forecast import Forecast, Forecasts
from forecaster.frames import Row, Tabular
from forecaster.models.coming_days import KnownDay

__all__ = ["CalibrationKind", "CoverageRecord", "FailedPrediction", "KnownEvents", "Prediction", "Predictions"]


CalibrationKind = Literal["past outcomes", "tested fit", "none"]
"""Origin of the widths: outcomes that the weights have not seen; the tested fit before a refit; or the model alone."""


@dataclasses.dataclass(frozen=True)
class CoverageRecord:
    """Shares of earlier forecasts whose ranges held, by step.

    Args:
        steps: One record for each step, increasing.
        since: First cutoff.
    """

    steps: tuple[StepCoverage, ...]
    since: np.datetime64

    def at(self, step: int) -> StepCoverage | None:
        """The record of a step."""
        return next((record for record in self.steps if record.step == step), None)


@dataclasses.dataclass(frozen=True)
class Prediction(Tabular):
    """A forecast and its provenance.

    Args:
        instrument: Instrument in the user's orientation.
        forecast: Distributions of the coming days.
        run_id: Run that made the forecast.
        model: Registry key.
        source: Registry key of the source of the prices.
        data_sha256: Hash of the rows that were read.
        calendar: Calendar that dates the steps.
        in_sample: True if fitting or choosing has used rows after the cutoff.
        calibrated: True if the intervals are calibrated; never at a cutoff that the weights have seen.
        refit: True if the weights were fitted again on all rows after the test that `skill` reports.
        median_moves: True if the median may differ from the last price: because evidence supports a location, or
            because the distribution is skewed and its mean, as for a stock, is the last price, or because of a drift.
        skill: CRPS on the test rows over that of each baseline; None where the run did not score the instrument.
        frequency: Length of a step.
        configuration: Name of the configuration of the run.
        calibration: Origin of the widths of the intervals.
        coverage: Shares of earlier forecasts whose ranges held; None where that is not measured.
        today: Current date; None for a forecast as of a past day.
        drift: Drift of the median over the next row, as a log return; 0 where the past of the price proves none.
        days: (H,) what the run knows about the coming days.
        paths: (N, H) sampled prices of the coming days; None where none were wanted.
        earlier: Forecasts at earlier cutoffs, none of them in-sample, and at the last row, in canonical orientation;
            None where they were not wanted or not made.
        unlogged: Reason why the ledger has refused the forecast; empty if it was logged, or was not to be.
    """

    instrument: Instrument
    forecast: Forecast
    run_id: str
    model: str
    source: str
    data_sha256: str
    calendar: str
    in_sample: bool
    calibrated: bool
    refit: bool
    median_moves: bool
    skill: Sequence[Skill] | None
    frequency: str = "1d"
    configuration: str = ""
    calibration: CalibrationKind = "none"
    coverage: CoverageRecord | None = None
    today: datetime.date | None = None
    drift: float = 0.0
    days: tuple[KnownDay, ...] = ()
    paths: FloatArray | None = None
    earlier: Forecasts | None = dataclasses.field(default=None, repr=False, compare=False)
    unlogged: str = ""

    @property
    def age_days(self) -> int | None:
        """Days since the last price; None for a forecast as of a past day."""
        if self.today is None:
            return None
        return int((np.datetime64(self.today) - self.forecast.cutoff.astype("datetime64[D]")).astype(int))

    @property
    def past_steps(self) -> int:
        """Number of steps whose date is over."""
        return 0 if self.today is None else int((self.forecast.dates < np.datetime64(self.today)).sum())

    @property
    def title(self) -> str:
        """Instrument, cutoff and last price."""
        forecast = self.forecast
        return f"{self.instrument.name} after {forecast.cutoff} at {forecast.last_price:.6g}"

    def table_rows(self) -> list[Row]:
        """A row for each step: its date, mean, median, probability of a rise, and price quantiles ``q0.025`` ...

        What is true of the whole forecast stands in every row, so that rows of several forecasts can be mixed.
        """
        forecast = self.forecast
        prices = forecast.prices(forecast.quantile_levels)
        facts = {name: getattr(self, name) for name in ("run_id", "model", "source", "frequency")}
        facts |= {"cutoff": forecast.cutoff, "last_price": forecast.last_price}
        facts |= {"calibrated": self.calibrated, "in_sample": self.in_sample}
        names = [f"q{level:g}" for level in forecast.quantile_levels]
        return [
            {
                "instrument": self.instrument.name,
                **facts,
                "step": index + 1,
                "date": forecast.dates[index],
                "mean": mean,
                "median": median,
                "probability_up": up,
                "probability_unchanged": unchanged,
                "probability_down": down,
                **dict(zip(names, prices[index].tolist(), strict=True)),
            }
            for index, (mean, median, up, unchanged, down) in enumerate(
                zip(
                    forecast.mean.tolist(),
                    forecast.median.tolist(),
                    forecast.probability_up.tolist(),
                    forecast.probability_unchanged.tolist(),
                    forecast.probability_down.tolist(),
                    strict=True,
                )
            )
        ]


@dataclasses.dataclass(frozen=True)
class FailedPrediction:
    """An instrument of a universe without a forecast, and the reason."""

    instrument: Instrument
    error: ForecasterError


class Predictions(tuple[Prediction, ...], Tabular):
    """Forecasts of one or several instruments, in the order in which they were named."""

    @property
    def title(self) -> str:
        """Titles of the forecasts."""
        return "; ".join(prediction.title for prediction in self)

    def table_rows(self) -> list[Row]:
        """The rows of all forecasts."""
        return [row for prediction in self for row in prediction.table_rows()]


@dataclasses.dataclass(frozen=True)
class KnownEvents:
    """The coming days of an instrument on which something is known to happen.

    Args:
        instrument: Instrument in the user's orientation.
        run_id: Run that has learned the sizes of the days; None without one.
        days: The days that have a name.
    """

    instrument: Instrument
    run_id: str | None
    days: tuple[KnownDay, ...]
