"""GARCH(1,1) with Student-t innovations, zero mean: the density baseline that is hard to beat (Bollerslev 1987)."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from forecaster.arrays import AnyArray, FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.forecast import Forecasts
from forecaster.models.base import FitReport, FitRequest, ModelOptions
from forecaster.models.baselines.base import FittedEach
from forecaster.models.baselines.garch_simulation import LEAST_ROWS, Paths, Recursion, StudentFit, fit_or_fallback
from forecaster.models.traits import Traits

__all__ = ["GARCH", "FittedGARCH", "GARCHOptions"]


class GARCHOptions(ModelOptions):
    """Options of the baseline ``garch``."""

    kind: Literal["garch"] = "garch"
    paths: Annotated[int, Field(ge=100)] = 20_000


class GARCH:
    """Forecaster: one GARCH(1,1)-t a series, fitted by maximum likelihood on all its training rows.

    One day ahead the distribution is exact; further ahead it is that of simulated paths, each shock used with
    both signs (antithetic), over a grid of starting variances between which the quantiles are interpolated.

    Args:
        options: Number of paths.
        horizon: Longest step H.
    """

    Options: ClassVar[type[ModelOptions]] = GARCHOptions
    traits: ClassVar[Traits] = Traits()
    name = "garch"
    asymmetric = False

    def __init__(self, options: Any, horizon: int) -> None:
        self.options, self.horizon = options, horizon

    def least_training_rows(self) -> int:
        """Two years of returns."""
        return LEAST_ROWS

    def fit(self, request: FitRequest) -> "FittedGARCH":
        """See `forecaster.models.base.Forecaster`."""
        fits, fallbacks = {}, []
        for number, series in enumerate(request.panel, start=1):
            name = series.instrument.name
            found, replaced = fit_or_fallback(series, request.training_rows[name], self.asymmetric)
            fits[name] = np.array([*found.recursion, found.freedom, found.typical])
            fallbacks += [name] if replaced else []
            request.progress(self.name, number, len(request.panel))
        return FittedGARCH(self.name, fits, fallbacks, self._paths(request.seed))

    def restore(self, arrays: Mapping[str, AnyArray], report: FitReport) -> "FittedGARCH":
        """See `forecaster.models.base.Forecaster`."""
        return FittedGARCH(self.name, arrays, report.fallbacks, self._paths(report.learned["seed"]))

    def _paths(self, seed: int) -> Paths:
        return Paths(self.horizon, self.options.paths, seed)


class FittedGARCH(FittedEach):
    """Fitted parameters of each series; forecasts by filtering the variance up to each cutoff.

    Args:
        name: Registry key.
        fits: Name -> (6,) omega (percent squared), alpha, gamma, beta, degrees of freedom, mean square of the
            training returns (percent squared), at which the variance starts.
        fallbacks: Names whose fit did not converge and that use RiskMetrics-like parameters instead.
        paths: How the paths are simulated.
    """

    def __init__(self, name: str, fits: Mapping[str, FloatArray], fallbacks: Sequence[str], paths: Paths) -> None:
        super().__init__(name, fits, fallbacks, paths.horizon)
        self._paths = paths

    def forecast(self, series: PriceSeries, rows: IntArray, longest: int | None = None) -> Forecasts:
        """See `forecaster.models.base.Fitted`."""
        *recursion, freedom, typical = self.fit_of(series).tolist()
        return self._paths.student(self.name, StudentFit(Recursion(*recursion), freedom, typical), series, rows)

    @property
    def report(self) -> FitReport:
        """See `forecaster.models.base.Fitted`."""
        return FitReport(learned={"seed": self._paths.seed}, fallbacks=self.fallbacks)
