"""Fit and forecast: the room where a model meets data, without files, clock or output."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from forecaster.arrays import DateArray, FloatArray, IntArray
from forecaster.config import Config
from forecaster.data.series import Panel, PriceSeries
from forecaster.environment import Progress, no_progress
from forecaster.errors import DamageError, ForecasterError
from forecaster.evaluation.calibration import INTERVALS, calibrate_together, last_width_factors, stretch_forecasts
from forecaster.evaluation.splits import Split, split_by_rows
from forecaster.features.ties import unchanged_probabilities
from forecaster.forecast import Forecast, Forecasts
from forecaster.models import model_class, traits_of
from forecaster.models.base import FitRequest, Fitted, Forecaster
from forecaster.models.coming_days import ComingDays, KnowsDays
from forecaster.models.ensemble import Ensemble

__all__ = [
    "CarriedCalibration",
    "DivergedError",
    "Uncalibrated",
    "calibrated",
    "carried_calibration",
    "coming_days_of",
    "default_forecaster",
    "fit",
    "forecast_next",
    "forecaster_of",
    "forecasts",
    "next_steps",
    "training_split",
    "uncalibrated",
]


MAX_QUANTILE = 1e6
"""Largest quantile of a return, in units of the volatility of the day; a peg that breaks moves by some hundred."""


class DivergedError(ForecasterError):
    """A model gives forecasts that are not finite, or too far from the last price for any market."""


@dataclasses.dataclass(frozen=True, eq=False)
class CarriedCalibration:
    """Calibration of a tested fit that its refit takes over.

    Args:
        since: Last date that the tested fit was calibrated with; forecasts from there on are stretched.
        factors: (K, 4) factors of the half-widths at the knots; see `forecaster.evaluation.calibration`.
    """

    since: np.datetime64
    factors: FloatArray


def coming_days_of(fitted: Fitted) -> ComingDays:
    """Knowledge of a model about coming days; none for a model without the trait `known_days`."""
    return cast(KnowsDays, fitted).coming if traits_of(fitted.name).known_days else ComingDays()


def forecaster_of(config: Config) -> Forecaster:
    """The forecaster that a configuration describes, not yet fitted."""
    return _with_members(model_class(config.kind)(config.model, config.horizon), config)


def _with_members(model: Forecaster, config: Config) -> Forecaster:
    """`model`, or an ensemble of it where a network has several members."""
    if config.members == 1 or not model.traits.engine:
        return model
    return cast(Forecaster, Ensemble.of_seeds(model, config.members))  # its traits are those of its model, not a class


def default_forecaster(name: str, config: Config, panel: Panel, before: np.datetime64) -> Forecaster:
    """The model `name` with its default options for a panel, not yet fitted, for a comparison with the configured one.

    Args:
        name: Registry key.
        config: Configured model, frequency of the data, horizon, and members of a network.
        panel: Series that are fitted together.
        before: Only rows before this date decide about the inputs.
    """
    registered = model_class(name)
    kind = registered.Options
    options = kind.model_validate(kind.completed({}, config.data.frequency)).beside(config.model)
    return _with_members(registered(options.resolved(panel, before), config.horizon), config)


def training_split(config: Config, series: PriceSeries) -> Split:
    """Parts of the rows of `series`: train, validation and test.

    Raises:
        NotEnoughDataError: Too few rows are left for the model to train on.
    """
    rows = config.split
    min_rows = forecaster_of(config).least_training_rows()
    settings_for = functools.partial(config.model.for_rows, horizon=config.horizon)
    return split_by_rows(series.dates, rows.test_rows, rows.validation_rows, min_rows, settings_for)


def fit(
    model: Forecaster,
    panel: Panel,
    split: Split,
    config: Config,
    progress: Progress = no_progress,
    chosen: Mapping[str, Any] | None = None,
) -> Fitted:
    """Fit `model` on the rows of `panel` whose outcomes lie before the validation.

    Args:
        model: Forecaster to fit.
        panel: The series.
        split: Rows that may be learned from.
        config: Horizon and seed.
        progress: Called after every few steps.
        chosen: Decisions of an earlier fit, for a refit without validation rows; see `FitReport.chosen`.
    """
    horizon = config.horizon
    request = FitRequest(
        panel=panel,
        training_rows={series.instrument.name: split.training_rows(series.dates, horizon) for series in panel},
        validation_rows={
            series.instrument.name: split.cutoffs(series.dates, "validation", horizon) for series in panel
        },
        horizon=horizon,
        seed=config.seed,
        progress=progress,
        chosen=chosen or {},
    )
    return model.fit(request)


def forecasts(
    fitted: Fitted,
    series: PriceSeries,
    rows: IntArray,
    longest: int | None = None,
    unseen_from: np.datetime64 | None = None,
    carried: CarriedCalibration | None = None,
) -> Forecasts:
    """Distributions at the cutoffs `rows`, as users get them and as they are scored.

    Args:
        fitted: The model.
        series: The history.
        rows: (N,) row numbers, increasing, none before the model's `first_row`.
        longest: Longest requested step, as in `Fitted.forecast`.
        unseen_from: First date that the weights have not seen. From there on the intervals of calibrated models are
            calibrated by the outcomes of all rows since that are known at each cutoff. Forecasts before it, and all
            forecasts where it is None, are those of the model.
        carried: Calibration of an earlier fit, for weights that have seen every row; None without one.

    Raises:
        NotEnoughDataError: A row lies before `first_row`.
        DivergedError: A forecast is not finite.
    """
    return calibrated([uncalibrated(fitted, series, rows, longest, unseen_from, carried)])[0]


@dataclasses.dataclass(frozen=True, eq=False)
class Uncalibrated:
    """Forecasts of a model before their calibration.

    Args:
        series: The history.
        rows: (N,) wanted cutoffs.
        raw: Forecasts at these and at every earlier row that decides about their calibration.
        later: Positions of `raw` to calibrate.
    """

    series: PriceSeries
    rows: IntArray
    raw: Forecasts
    later: IntArray


def uncalibrated(
    fitted: Fitted,
    series: PriceSeries,
    rows: IntArray,
    longest: int | None = None,
    unseen_from: np.datetime64 | None = None,
    carried: CarriedCalibration | None = None,
) -> Uncalibrated:
    """The first half of `forecasts`, with the same arguments; `calibrated` is the other."""
    first = len(series) if unseen_from is None else int(np.searchsorted(series.dates, unseen_from))
    first = max(first, fitted.first_row)
    if not traits_of(fitted.name).calibrated or not len(rows):
        return Uncalibrated(series, rows, _finite(fitted, series, rows, longest), np.empty(0, np.intp))
    every = np.concatenate([rows[rows < first], np.arange(first, rows[-1] + 1)])
    raw = _finite(fitted, series, every, longest)
    if carried is not None:
        raw = _with_carried(raw, series, carried)
    return Uncalibrated(series, rows, raw, np.flatnonzero(every >= first))


def calibrated(several: Sequence[Uncalibrated]) -> list[Forecasts]:
    """Forecasts of several series at the wanted rows, calibrated together."""
    open_ones = [each for each in several if len(each.later)]
    stretched = calibrate_together(
        [each.raw.take(each.later) for each in open_ones], [each.series.log_price for each in open_ones]
    )
    scaled = {id(each): result.scaled for each, result in zip(open_ones, stretched, strict=True)}
    return [_calibrated(each, scaled.get(id(each))) for each in several]


def _calibrated(each: Uncalibrated, scaled: FloatArray | None) -> Forecasts:
    """Forecasts at the wanted rows, with the calibrated quantiles `scaled` of the later ones."""
    if scaled is None:
        return each.raw
    every = each.raw.scaled.copy()
    every[each.later] = scaled
    return dataclasses.replace(each.raw, scaled=every).take(np.searchsorted(each.raw.rows, each.rows))


def _with_carried(raw: Forecasts, series: PriceSeries, carried: CarriedCalibration) -> Forecasts:
    """`raw` with the widths of the earlier fit from its last date on."""
    if carried.factors.shape != (len(raw.knots), INTERVALS):
        raise DamageError(
            f"the run holds {len(carried.factors)} calibrations for its {len(raw.knots)} steps; expected one for each; "
            "train again or choose another run with --run ID"
        )
    later = np.flatnonzero(series.dates[raw.rows] >= carried.since)
    scaled = raw.scaled.copy()
    scaled[later] = stretch_forecasts(raw.take(later), carried.factors).scaled
    return dataclasses.replace(raw, scaled=scaled)


def carried_calibration(
    fitted: Fitted, series: PriceSeries, unseen_from: np.datetime64, longest: int | None = None
) -> CarriedCalibration | None:
    """Calibration of `fitted` after all rows of `series`, for a refit; None where the model has none.

    Args:
        fitted: The tested fit.
        series: The history.
        unseen_from: First date that its weights have not seen.
        longest: Longest requested step, as in `Fitted.forecast`.
    """
    first = max(int(np.searchsorted(series.dates, unseen_from)), fitted.first_row)
    if not traits_of(fitted.name).calibrated or first >= len(series):
        return None
    raw = _finite(fitted, series, np.arange(first, len(series)), longest)
    return CarriedCalibration(series.dates[-1], last_width_factors(raw, series.log_price))


def _finite(fitted: Fitted, series: PriceSeries, rows: IntArray, longest: int | None) -> Forecasts:
    """Forecasts of `fitted`; weights that diverged in the training give others, and are refused."""
    with np.errstate(over="ignore", invalid="ignore"):
        result = fitted.forecast(series, rows, longest)
    if (
        not (np.isfinite(result.scale).all() and (np.abs(result.scaled) <= MAX_QUANTILE).all())
        or (np.diff(result.scaled, axis=-1) < 0).any()
    ):
        raise DivergedError(
            f"{fitted.name}: forecasts are not finite, or beyond any price; expected quantiles that increase; "
            "the weights diverged, lower the learning rate"
        )
    return result


def forecast_next(
    fitted: Fitted, series: PriceSeries, dates: DateArray, unseen_from: np.datetime64 | None = None
) -> Forecast:
    """The coming days after the last row of `series`.

    Args:
        fitted: The model.
        series: History up to and including the cutoff.
        dates: (H,) the days to forecast.
        unseen_from: See `forecasts`.
    """
    distributions = forecasts(fitted, series, np.array([len(series) - 1]), unseen_from=unseen_from)
    return next_steps(distributions, series, dates, fitted.own_steps)


def next_steps(distributions: Forecasts, series: PriceSeries, dates: DateArray, own_steps: int) -> Forecast:
    """The coming days after the last row of `series`, from forecasts whose last cutoff is that row.

    Days beyond the last knot are scaled by the square root of time.

    Args:
        distributions: Forecasts at one or more cutoffs.
        series: History up to and including the cutoff.
        dates: (H,) the days to forecast.
        own_steps: Steps that the model forecasts itself; later ones are recursive.
    """
    last = distributions.take(np.array([len(distributions.rows) - 1]))
    longest = distributions.knots[-1]
    return Forecast(
        instrument=series.instrument.name,
        cutoff=series.dates[-1],
        last_price=float(series.close[-1]),
        dates=dates,
        quantile_levels=distributions.quantile_levels,
        values=last.extended_log_returns(range(1, len(dates) + 1))[0],
        own_steps=own_steps,
        unchanged=unchanged_probabilities(series, len(dates)),
        changes=series.differences,
        scaled_from=longest + 1 if len(dates) > longest else None,
    )
