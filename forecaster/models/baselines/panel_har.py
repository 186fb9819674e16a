"""Log-HAR of a whole panel: one regression of volatility for all series (after Corsi 2009, J. Fin. Econometrics 7)."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from forecaster.arrays import AnyArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.features import feature_matrix
from forecaster.features.history import WARM_UP, WARM_UP_OF_FREQUENCY, History
from forecaster.forecast import Forecasts
from forecaster.models.base import FitReport, FitRequest, check_rows
from forecaster.models.baselines.base import knots_up_to
from forecaster.models.bounds import Rows
from forecaster.models.feature_options import FeatureOptions
from forecaster.models.panel_members import invertible, members_of
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


class PanelHAROptions(FeatureOptions):
    """Options of the baseline ``panel_har``: its inputs, and the rows at the start of a history that are left out."""

    kind: Literal["panel_har"] = "panel_har"
    warm_up: Rows = WARM_UP

    @classmethod
    def for_frequency(cls, frequency: str) -> Mapping[str, Any]:
        """A shorter warm-up for weeks and months."""
        rows = WARM_UP_OF_FREQUENCY.get(frequency)
        return {} if rows is None else {"warm_up": rows}


class PanelHAR:
    """Forecaster: the volatility regression of the quantile models alone, without a network.

    One ridge regression for each step predicts the log of the coming volatility of every series of the panel from the
    features of the row; the quantiles are the empirical ones of the standardised outcomes. Pairs have one shape for
    rises and falls; else the mean is the last price, and the median may differ from it. With the same panel, rows and
    features the numbers are those that the network blends with its own, see
    `forecaster.models.volatility_regression`. A panel with too few rows has typical parameters.

    Args:
        options: Inputs and warm-up.
        horizon: Longest step H.
    """

    Options: ClassVar[type[PanelHAROptions]] = PanelHAROptions
    traits: ClassVar[Traits] = Traits(panel=True, reads_features=True)
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
        report = FitReport(median="last_price" if invertible(members) else "mean_is_last_price")
        if regression is None or not np.ptp(regression.shape, axis=1).all():
            regression = _typical_regression(len(names), len(steps))
            report = FitReport(fallbacks=request.panel.names)
        return FittedPanelHAR(names, steps, regression, report)

    def restore(self, arrays: Mapping[str, AnyArray], report: FitReport) -> "FittedPanelHAR":
        """See `forecaster.models.base.Forecaster`.

        Raises:
            ValueError: The arrays are not those of these options.
        """
        names = self.options.feature_names
        steps = knots_up_to(self.horizon)
        VolatilityRegression.check(arrays, len(names), len(steps))
        return FittedPanelHAR(names, steps, VolatilityRegression.from_arrays(arrays), report)


class FittedPanelHAR:
    """Fitted regression; it forecasts every series that has the features.

    Args:
        feature_names: (F,) inputs.
        steps: (K,) steps of the regression.
        regression: The regression.
        report: Facts about the fit.
    """

    name = PanelHAR.name
    first_row = _FIRST_ROW

    def __init__(
        self,
        feature_names: Sequence[str],
        steps: tuple[int, ...],
        regression: VolatilityRegression,
        report: FitReport,
    ) -> None:
        self.report = report
        self._feature_names = feature_names
        self._steps = steps
        self._regression = regression

    @property
    def own_steps(self) -> int:
        """All steps up to the horizon are the model's own."""
        return self._steps[-1]

    def arrays(self) -> dict[str, AnyArray]:
        """See `forecaster.models.base.Fitted`."""
        return self._regression.arrays()

    def forecast(self, series: PriceSeries, rows: IntArray, longest: int | None = None) -> Forecasts:
        """See `forecaster.models.base.Fitted`."""
        check_rows(rows, self.first_row)
        history = History.of(series)
        features = feature_matrix(history, self._feature_names)[rows]
        scaled = self._regression.quantiles(features)
        return Forecasts(self.name, rows, history.volatility[rows], self._steps, SCORING_LEVELS, scaled)


def _typical_regression(inputs: int, steps: int) -> VolatilityRegression:
    """The volatility that divides every feature, with the tails of a t."""
    shape = np.tile(student_quantiles(*_FALLBACK), (steps, 1))
    return VolatilityRegression(np.zeros((1 + inputs, steps)), np.zeros((2, steps)), shape)
