"""Base class of the baselines that estimate parameters for each series alone, and functions that baselines share."""

import abc
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np

from forecaster.arrays import AnyArray, FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.errors import UsageError
from forecaster.features.volatility import ewma_volatility, rounding_floor
from forecaster.forecast import Forecasts
from forecaster.models.base import FitReport, FitRequest, ModelOptions, check_rows
from forecaster.models.traits import Traits
from forecaster.quantiles import MEDIAN, SCORING_LEVELS

__all__ = [
    "FIRST_ROW",
    "FittedSeries",
    "SeriesForecaster",
    "ewma_of",
    "knots_up_to",
    "linear_quantiles",
    "mirrored_quantiles",
]

FIRST_ROW = 1  # two prices make a return
_LEVELS = np.asarray(SCORING_LEVELS)
_KNOTS = (1, 5, 10, 20, 60, 120)


def knots_up_to(horizon: int) -> tuple[int, ...]:
    """Steps at which a baseline computes its quantiles: a few, the last of which is `horizon`."""
    return (*(knot for knot in _KNOTS if knot < horizon), horizon)


def ewma_of(series: PriceSeries, decay: float) -> FloatArray:
    """(T - 1,) EWMA volatility after each return of `series`, at least that of the rounding of the prices."""
    floor = rounding_floor(series.rounding, len(series))[1:]
    return np.asarray(np.maximum(ewma_volatility(np.diff(series.log_price), decay), floor))


def linear_quantiles(values: FloatArray) -> FloatArray:
    """(Q,) quantiles of `values` (N,) at `SCORING_LEVELS`: as ``numpy.quantile``, in a quarter of its time."""
    return _interpolated(np.sort(values), _LEVELS * (len(values) - 1))


def mirrored_quantiles(values: FloatArray) -> FloatArray:
    """(Q,) quantiles of `values` (N,), at least 10, and of their mirror images: exactly symmetric."""
    sizes = np.sort(np.abs(values))  # the upper half of all 2 N numbers
    upper = _interpolated(sizes, _LEVELS[MEDIAN + 1 :] * (2 * len(sizes) - 1) - len(sizes))
    return np.concatenate([0.0 - upper[::-1], [0.0], upper])


def _interpolated(ordered: FloatArray, positions: FloatArray) -> FloatArray:
    """(Q,) values of `ordered` (N,) at fractional `positions` (Q,)."""
    low = positions.astype(np.intp)
    high = np.minimum(low + 1, len(ordered) - 1)
    return np.asarray(ordered[low] + (positions - low) * (ordered[high] - ordered[low]))


class Parameters(Protocol):
    """Parameters of one series."""

    def to_array(self) -> FloatArray:
        """The parameters as they are stored."""


P = TypeVar("P", bound=Parameters)


class SeriesForecaster(abc.ABC, Generic[P]):
    """Forecaster that estimates parameters for each series alone; a subclass fits and forecasts one series.

    Args:
        options: Instance of `Options`.
        horizon: Longest step H.

    Attributes:
        name: Registry key.
        first_row: First row at which a forecast can be made.
    """

    Options: ClassVar[type[ModelOptions]]
    traits: ClassVar[Traits] = Traits()
    name: ClassVar[str]
    first_row: int = FIRST_ROW

    def __init__(self, options: Any, horizon: int) -> None:
        self.options = options
        self.horizon = horizon

    @abc.abstractmethod
    def least_training_rows(self) -> int:
        """See `forecaster.models.base.Forecaster`."""

    @abc.abstractmethod
    def fit_series(self, series: PriceSeries, rows: int) -> tuple[P, bool]:
        """Parameters learned from the first `rows` rows, and True where they could not be estimated."""

    @abc.abstractmethod
    def restore_series(self, array: AnyArray, name: str, learned: Mapping[str, Any]) -> P:
        """Parameters of the series `name` from ``to_array`` and the facts that `learned_facts` returned."""

    @abc.abstractmethod
    def forecast_series(self, parameters: P, series: PriceSeries, rows: IntArray, seed: int) -> Forecasts:
        """Forecasts at `rows` (N,), none before `first_row`; `seed` is that of the fit."""

    def learned_facts(self, parameters: Mapping[str, P], seed: int) -> Mapping[str, Any]:
        """Further facts for `FitReport.learned`; a baseline with random numbers records its ``seed`` there."""
        return {}

    def fit(self, request: FitRequest) -> "FittedSeries[P]":
        """See `forecaster.models.base.Forecaster`."""
        parameters: dict[str, P] = {}
        fallbacks: list[str] = []
        for number, series in enumerate(request.panel, start=1):
            name = series.instrument.name
            parameters[name], replaced = self.fit_series(series, request.training_rows[name])
            if replaced:
                fallbacks.append(name)
            request.progress(self.name, number, len(request.panel))
        return FittedSeries(self, parameters, fallbacks, request.seed)

    def restore(self, arrays: Mapping[str, AnyArray], report: FitReport) -> "FittedSeries[P]":
        """See `forecaster.models.base.Forecaster`."""
        learned = report.learned
        parameters = {name: self.restore_series(array, name, learned) for name, array in arrays.items()}
        return FittedSeries(self, parameters, report.fallbacks, learned.get("seed", 0))


class FittedSeries(Generic[P]):
    """Parameters of each series.

    Args:
        forecaster: Forecaster that was fitted.
        parameters: Name of a series -> its parameters.
        fallbacks: Names of the series whose parameters could not be estimated; see `FitReport`.
        seed: Seed of simulated paths.
    """

    def __init__(
        self, forecaster: SeriesForecaster[P], parameters: Mapping[str, P], fallbacks: Sequence[str], seed: int
    ) -> None:
        self.name = forecaster.name
        self.own_steps = forecaster.horizon
        self.first_row = forecaster.first_row
        self.parameters = parameters
        self.report = FitReport(learned=forecaster.learned_facts(parameters, seed), fallbacks=tuple(fallbacks))
        self._forecaster = forecaster
        self._seed = seed

    def forecast(self, series: PriceSeries, rows: IntArray, longest: int | None = None) -> Forecasts:
        """Forecasts of a series that the fit has seen; see `forecaster.models.base.Fitted`.

        Raises:
            NotEnoughDataError: A row lies before `first_row`.
            UsageError: The fit has not seen this series.
        """
        check_rows(rows, self.first_row)
        name = series.instrument.name
        if name not in self.parameters:
            expected = ", ".join(sorted(self.parameters)) or "none"
            raise UsageError(
                f"{self.name} was not fitted to {name}; expected one of {expected}; fit it on a panel that holds {name}"
            )
        return self._forecaster.forecast_series(self.parameters[name], series, rows, self._seed)

    def arrays(self) -> dict[str, AnyArray]:
        """See `forecaster.models.base.Fitted`."""
        return {name: parameters.to_array() for name, parameters in self.parameters.items()}
