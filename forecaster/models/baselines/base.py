"""What the baselines share that estimate a few numbers for each series on its own."""

from collections.abc import Mapping, Sequence

import numpy as np

from forecaster.arrays import AnyArray, FloatArray
from forecaster.data.series import PriceSeries
from forecaster.errors import UsageError
from forecaster.features.volatility import ewma_volatility, rounding_floor
from forecaster.models.base import FitReport
from forecaster.quantiles import SCORING_LEVELS

__all__ = ["FIRST_ROW", "FittedEach", "ewma_of", "knots_up_to", "linear_quantiles", "mirrored_quantiles"]


FIRST_ROW = 1  # two prices make a return
_LEVELS = np.asarray(SCORING_LEVELS)
_MIDDLE = SCORING_LEVELS.index(0.5)  # the levels are symmetric around it
_KNOTS = (1, 5, 10, 20, 60, 120)


def knots_up_to(horizon: int) -> tuple[int, ...]:
    """Steps at which a baseline makes its quantiles: a few, the last of which is `horizon`."""
    return (*(knot for knot in _KNOTS if knot < horizon), horizon)


def ewma_of(series: PriceSeries, decay: float) -> FloatArray:
    """(T - 1,) EWMA volatility after each return of `series`, at least what rounding alone makes."""
    floor = rounding_floor(series.rounding, len(series))[1:]
    return np.asarray(np.maximum(ewma_volatility(np.diff(series.log_price), decay), floor))


def linear_quantiles(values: FloatArray) -> FloatArray:
    """(Q,) quantiles of `values` (N,) at `SCORING_LEVELS`, those of ``numpy.quantile`` in a quarter of its time."""
    return _read_off(np.sort(values), _LEVELS * (len(values) - 1))


def mirrored_quantiles(values: FloatArray) -> FloatArray:
    """(Q,) quantiles of `values` (N,), at least 10, and of their mirror images: exactly symmetric."""
    size = np.sort(np.abs(values))  # the upper half of all 2 N numbers
    upper = _read_off(size, _LEVELS[_MIDDLE + 1 :] * (2 * len(size) - 1) - len(size))
    return np.concatenate([0.0 - upper[::-1], [0.0], upper])


def _read_off(ordered: FloatArray, place: FloatArray) -> FloatArray:
    low = place.astype(np.intp)
    high = np.minimum(low + 1, len(ordered) - 1)
    return np.asarray(ordered[low] + (place - low) * (ordered[high] - ordered[low]))


class FittedEach:
    """Base of the fitted form of a baseline with parameters of its own for each series.

    Args:
        name: Registry key of the baseline.
        fits: Name of a series -> its parameters.
        fallbacks: Names of the series whose parameters could not be estimated and are ones that suit most series.
        horizon: Longest step H.
    """

    first_row = FIRST_ROW

    def __init__(self, name: str, fits: Mapping[str, FloatArray], fallbacks: Sequence[str], horizon: int) -> None:
        self.name, self.fits, self.fallbacks, self.own_steps = name, dict(fits), tuple(fallbacks), horizon

    def fit_of(self, series: PriceSeries) -> FloatArray:
        """The parameters of `series`.

        Raises:
            UsageError: The fit did not see this series.
        """
        name = series.instrument.name
        if name not in self.fits:
            raise UsageError(
                f"{self.name} was not fitted to {name}; expected one of {', '.join(sorted(self.fits)) or 'none'}; "
                f"fit it on a panel that holds {name}"
            )
        return self.fits[name]

    def arrays(self) -> dict[str, AnyArray]:
        """See `forecaster.models.base.Fitted`."""
        return dict(self.fits)

    @property
    def report(self) -> FitReport:
        """See `forecaster.models.base.Fitted`."""
        return FitReport(fallbacks=self.fallbacks)
