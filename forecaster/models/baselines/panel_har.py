"""Log-HAR of a whole panel: one regression of volatility for all series (after Corsi 2009, J. Fin. Econometrics 7)."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np

from forecaster.arrays import AnyArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.features import feature_matrix
from forecaster.features.history import WARM_UP, WARM_UP_OF_FREQUENCY, History
from forecaster.forecast import MAX_SCALING, Forecasts
from forecaster.models.base import FitReport, FitRequest, Median, ModelOptions, check_rows
from forecaster.models.baselines.base import knots_up_to
from forecaster.models.bounds import Rows
from forecaster.models.calendar_options import CalendarOptions
from forecaster.models.coming_days import ComingDays
from forecaster.models.panel_members import invertible, members_of
from forecaster.models.quantile.options import QuantileOptions
from forecaster.models.traits import Traits
from forecaster.models.volatility_regression import (
    MIN_ROWS,
    MIN_SPAN,
    VolatilityRegression,
    fit_volatility_regression,
)
from forecaster.quantiles import SCORING_LEVELS
from forecaster.stats.student import student_quantiles

__all__ = ["FittedPanelHAR", "PanelHAR", "PanelHAROptions"]

_FIRST_ROW = 66  # rows that the longest average among the features covers
_FALLBACK = (0.8, 6.0)  # scale and degrees of freedom of a t, about those of the major currencies


class PanelHAROptions(CalendarOptions):
    """Options of the baseline ``panel_har``: inputs, calendar, and rows at the start of a history that are left out."""

    kind: Literal["panel_har"] = "panel_har"
    warm_up: Rows = WARM_UP

    @classmethod
    def for_frequency(cls, frequency: str) -> Mapping[str, Any]:
        """A shorter warm-up for weeks and months."""
        rows = WARM_UP_OF_FREQUENCY.get(frequency)
        return {} if rows is None else {"warm_up": rows}

    def beside(self, model: ModelOptions) -> Self:
        """Inputs, calendar and warm-up of a quantile model, so that the network is the only difference."""
        if not isinstance(model, QuantileOptions):
            return self
        warm_up = model.windows.warm_up
        changes = {"features": model.features, "volatility_calendar": model.volatility_calendar, "warm_up": warm_up}
        return self.model_copy(update=changes)


class PanelHAR:
    """Forecaster: the volatility regression of the quantile models alone, without a network.

    One ridge regression for each step predicts the log of the coming volatility of every series of the panel from the
    features of the row; the quantiles are the empirical ones of the standardised outcomes. Pairs have one shape for
    rises and falls; else the mean is the last price, and the median may differ from it. With the same panel, rows and
    features the numbers are those that the network blends with its own, see
    `forecaster.models.volatility_regression`, and the coming days have the same widths. A panel with too few rows
    has typical parameters.

    Args:
        options: Inputs, calendar and warm-up.
        horizon: Longest step H.
    """

    Options: ClassVar[type[PanelHAROptions]] = PanelHAROptions
    traits: ClassVar[Traits] = Traits(panel=True, reads_features=True, known_days=True)
    name: ClassVar[str] = "panel_har"

    def __init__(self, options: PanelHAROptions, horizon: int) -> None:
        self.options = options
        self.horizon = horizon

    def least_training_rows(self) -> int:
        """Rows of warm-up, and those that the regression of a single series needs."""
        return self.options.warm_up + MIN_ROWS + max(MIN_SPAN - self.horizon, 0)

    def fit(self, request: FitRequest) -> "FittedPanelHAR":
        """See `forecaster.models.base.Forecaster`."""
        names = self.options.feature_names
        steps = knots_up_to(self.horizon)
        members = members_of(request, names, steps)
        regression = fit_volatility_regression(members, names, steps, self.options.warm_up, request.horizon)
        coming = ComingDays.fit(request, self.options.volatility_calendar is True)
        if regression is None or not np.ptp(regression.shape, axis=1).all():
            regression = _typical_regression(len(names), len(steps))
            return self._fitted(regression, coming, FitReport(learned=coming.facts(), fallbacks=request.panel.names))
        median: Median = "last_price" if invertible(members) else "mean_is_last_price"
        return self._fitted(regression, coming, FitReport(median=median, learned=coming.facts()))

    def restore(self, arrays: Mapping[str, AnyArray], report: FitReport) -> "FittedPanelHAR":
        """See `forecaster.models.base.Forecaster`.

        Raises:
            ValueError: The arrays are not those of these options.
        """
        numbers, coming = ComingDays.restore(arrays, report, self.options.volatility_calendar is True)
        VolatilityRegression.check(numbers, len(self.options.feature_names), len(knots_up_to(self.horizon)))
        return self._fitted(VolatilityRegression.from_arrays(numbers), coming, report)

    def _fitted(self, regression: VolatilityRegression, coming: ComingDays, report: FitReport) -> "FittedPanelHAR":
        return FittedPanelHAR(self.options.feature_names, knots_up_to(self.horizon), regression, coming, report)


class FittedPanelHAR:
    """Fitted regression; it forecasts every series that has the features.

    Args:
        feature_names: (F,) inputs.
        steps: (K,) steps of the regression.
        regression: The regression.
        coming: Widths of coming days.
        report: Facts about the fit.
    """

    name = PanelHAR.name
    first_row = _FIRST_ROW

    def __init__(
        self,
        feature_names: Sequence[str],
        steps: tuple[int, ...],
        regression: VolatilityRegression,
        coming: ComingDays,
        report: FitReport,
    ) -> None:
        self.report = report
        self.coming = coming
        self._feature_names = feature_names
        self._steps = steps
        self._regression = regression

    @property
    def own_steps(self) -> int:
        """All steps up to the horizon are the model's own."""
        return self._steps[-1]

    def arrays(self) -> dict[str, AnyArray]:
        """See `forecaster.models.base.Fitted`."""
        return self._regression.arrays() | self.coming.arrays()

    def forecast(self, series: PriceSeries, rows: IntArray, longest: int | None = None) -> Forecasts:
        """See `forecaster.models.base.Fitted`."""
        check_rows(rows, self.first_row)
        history = History.of(series)
        features = feature_matrix(history, self._feature_names)[rows]
        scaled = self._regression.quantiles(features)
        widths = self.coming.widths(series, rows, MAX_SCALING * self.own_steps)
        return Forecasts(self.name, rows, history.volatility[rows], self._steps, SCORING_LEVELS, scaled, widths)


def _typical_regression(inputs: int, steps: int) -> VolatilityRegression:
    """The volatility that divides every feature, with the tails of a t."""
    shape = np.tile(student_quantiles(*_FALLBACK), (steps, 1))
    return VolatilityRegression(np.zeros((1 + inputs, steps)), np.zeros((2, steps)), shape)
