"""Linear regression of the log of the coming volatility on the inputs of a row.

After Corsi 2009 (J. Fin. Econometrics 7), who regresses on averages of past volatility over several spans; here one
regression serves the whole panel and is free of scale: target and inputs are logs of ratios to the volatility that
divides every feature. Its errors differ from those of the network, so the mean of both has smaller errors than either.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np

from forecaster.arrays import AnyArray, BoolArray, Float32Array, FloatArray
from forecaster.features import antisymmetric_features
from forecaster.features.history import History
from forecaster.features.outcomes import forward_volatility
from forecaster.models.panel_members import Member, invertible
from forecaster.models.stored_weights import require_shapes
from forecaster.quantiles import MEDIAN, SCORING_LEVELS

__all__ = ["MIN_ROWS", "MIN_SPAN", "VolatilityRegression", "VolatilityRows", "fit_volatility_regression"]


MIN_SPAN = 10  # days of absolute returns in a target at least: the return of one day is mostly noise
MIN_ROWS = 250  # fewer training rows prove nothing
PRIOR_ROWS = 20  # weight of the ridge, in rows that do not overlap
PRIOR_SKEW = 0.1  # standard deviation of the distance from mean to median beforehand, in volatilities
LOG_MARGIN = 1.0  # distance of the log of a predicted ratio from the range of the training rows, at most
_KERNEL = "linear_volatility/kernel"
_RANGE = "linear_volatility/range"
_SHAPE = "linear_volatility/shape"


@dataclasses.dataclass(frozen=True, eq=False)
class VolatilityRows:
    """Training rows of one series.

    Args:
        features: (N, F) inputs.
        volatility: (N, K) log of the ratio of the coming volatility to the scaling one, see `forward_volatility`.
        outcomes: (N, K) scaled returns, see `forward_returns`; as `volatility`, NaN where unknown.
    """

    features: Float32Array
    volatility: FloatArray
    outcomes: Float32Array


@dataclasses.dataclass(frozen=True, eq=False)
class VolatilityRegression:
    """A fitted regression for each step.

    Args:
        kernel: (1 + F, K) constant and slopes; 0 for inputs that are not used.
        range: (2, K) smallest and largest log of a predicted ratio.
        shape: (K, 9) quantiles, at `SCORING_LEVELS`, of the scaled return over the predicted ratio.
    """

    kernel: FloatArray
    range: FloatArray
    shape: FloatArray

    @classmethod
    def fit(
        cls, panel: Sequence[VolatilityRows], used: BoolArray, spans: Sequence[int], symmetric: bool
    ) -> Self | None:
        """Ridge regression on the rows of all series together.

        The ridge pulls towards a constant, that is towards the scaling volatility. It weighs as much as `PRIOR_ROWS`
        spans of rows: little for a large panel, much for a short series, whose outcomes overlap.

        Args:
            panel: The rows of each series.
            used: (F,) True for inputs of the regression; for pairs, those that an inversion of the quotation leaves
                unchanged.
            spans: (K,) rows that each target covers.
            symmetric: True if rises and falls have one shape, as they must where quotations are inverted. Else the
                mean of the shape is 0, and its median lies above 0 where falls are larger than rises.

        Returns:
            None where there are too few rows.
        """
        x, y, outcomes = _concatenated(panel, used)
        if len(x) < MIN_ROWS:
            return None
        mean = x.mean(axis=0)
        deviation = x.std(axis=0)
        x = np.divide(x - mean, deviation, out=np.zeros_like(x), where=deviation > 1e-6)
        # Not a matrix product: the bits of a large one depend on how many threads a BLAS starts.
        gram = np.einsum("nf,ng->fg", x, x)
        moments = np.einsum("nf,nk->fk", x, y)
        kernel = np.zeros((1 + len(used), len(spans)))
        shape = np.zeros((len(spans), len(SCORING_LEVELS)))
        bounds = np.stack([y.min(axis=0) - LOG_MARGIN, y.max(axis=0) + LOG_MARGIN])
        for k, span in enumerate(spans):
            slopes = np.linalg.solve(gram + PRIOR_ROWS * span * np.eye(len(gram)), moments[:, k])
            slopes = np.divide(slopes, deviation, out=np.zeros_like(slopes), where=deviation > 1e-6)
            kernel[1:][used, k] = slopes
            kernel[0, k] = y[:, k].mean() - mean @ slopes
            predicted = np.clip(y[:, k].mean() + _weighted(x * deviation, slopes), *bounds[:, k])
            standardised = outcomes[:, k] / np.exp(predicted)
            shape[k] = _symmetric_shape(standardised) if symmetric else _skewed_shape(standardised, span)
        return cls(kernel, bounds, shape)

    @classmethod
    def of(cls, arrays: Mapping[str, AnyArray]) -> Self | None:
        """The regression stored in `arrays` among other weights; None where there is none."""
        return cls.from_arrays(arrays) if _KERNEL in arrays else None

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, AnyArray]) -> Self:
        """The regression that `arrays` of a fit returned."""
        return cls(*(arrays[name] for name in (_KERNEL, _RANGE, _SHAPE)))

    @classmethod
    def check(cls, arrays: Mapping[str, AnyArray], inputs: int, steps: int) -> None:
        """Compare stored numbers with those of a regression of F inputs for K steps.

        Raises:
            ValueError: A name is missing or unknown, a shape or a type differs, or quantiles do not increase.
        """
        require_shapes(arrays, cls.shapes(inputs, steps), dtype=np.float64)
        if (np.diff(arrays[_SHAPE]) < 0).any():
            raise ValueError(f"{_SHAPE!r} holds quantiles that do not increase")

    @staticmethod
    def shapes(inputs: int, steps: int) -> dict[str, tuple[int, ...]]:
        """Name -> shape of the stored numbers, for F inputs and K steps."""
        return {_KERNEL: (1 + inputs, steps), _RANGE: (2, steps), _SHAPE: (steps, len(SCORING_LEVELS))}

    def arrays(self) -> dict[str, AnyArray]:
        """The numbers to store."""
        return {_KERNEL: self.kernel, _RANGE: self.range, _SHAPE: self.shape}

    def quantiles(self, features: Float32Array) -> FloatArray:
        """(N, K, 9) quantiles of the scaled return for inputs (N, F), at `SCORING_LEVELS`."""
        log_ratio = np.stack(
            [
                np.clip(kernel[0] + _weighted(features, kernel[1:]), low, high)
                for kernel, low, high in zip(self.kernel.T, *self.range, strict=True)
            ],
            axis=1,
        )
        return np.asarray(np.exp(log_ratio)[..., None] * self.shape)


def fit_volatility_regression(
    members: Sequence[Member], feature_names: Sequence[str], steps: Sequence[int], warm_up: int, horizon: int
) -> VolatilityRegression | None:
    """The regression of a panel, from its training rows; None where there are too few.

    Args:
        members: Members of the panel.
        feature_names: (F,) inputs.
        steps: (K,) steps.
        warm_up: Rows at the start of a history that are left out.
        horizon: Rows that were purged between training and validation.
    """
    spans = [max(step, MIN_SPAN) for step in steps]
    parts = []
    for member in members:
        history = History.of(member.series)
        volatility = forward_volatility(history.log_return, history.volatility, spans)
        # A mean over more days than were purged would reach into the validation.
        end = member.training_rows - max(spans[-1] - horizon, 0)
        rows = slice(warm_up, max(end, warm_up))
        parts.append(VolatilityRows(member.features[rows], volatility[rows], member.targets[rows]))
    symmetric = invertible(members)
    used: BoolArray = ~antisymmetric_features(feature_names) if symmetric else np.ones(len(feature_names), dtype=bool)
    return VolatilityRegression.fit(parts, used, spans, symmetric)


def _weighted(features: AnyArray, weights: FloatArray) -> FloatArray:
    """(N,) sum of the columns of `features` (N, F), each times its weight; no bit of a row depends on other rows."""
    result = np.zeros(len(features))
    for column in np.flatnonzero(weights):
        result += weights[column] * features[:, column]
    return result


def _concatenated(panel: Sequence[VolatilityRows], used: BoolArray) -> tuple[FloatArray, FloatArray, Float32Array]:
    """Inputs, targets and outcomes of all rows whose targets are known."""
    features = []
    volatility = []
    outcomes = []
    for rows in panel:
        complete = np.isfinite(rows.volatility).all(axis=1) & np.isfinite(rows.outcomes).all(axis=1)
        features.append(rows.features[complete][:, used])
        volatility.append(rows.volatility[complete])
        outcomes.append(rows.outcomes[complete])
    return np.concatenate(features).astype(float), np.concatenate(volatility), np.concatenate(outcomes)


def _symmetric_shape(standardised: FloatArray) -> FloatArray:
    """(9,) quantiles of `standardised` (N,) and its negative together."""
    half = np.quantile(np.abs(standardised), 2 * np.array(SCORING_LEVELS[MEDIAN + 1 :]) - 1)
    return np.concatenate([-half[::-1], [0.0], half])


def _skewed_shape(standardised: FloatArray, span: int) -> FloatArray:
    """(9,) quantiles of `standardised` (N,), shifted so that the mean is 0.

    The distance from mean to median is shrunk towards 0 by its sampling variance, 0.57 over the number of values for
    a normal distribution, where values that overlap over `span` rows count as one.
    """
    quantiles = np.quantile(standardised, SCORING_LEVELS)
    variance = (np.pi / 2 - 1) * standardised.var() * span / len(standardised)
    median = (quantiles[MEDIAN] - standardised.mean()) * PRIOR_SKEW**2 / (PRIOR_SKEW**2 + variance)
    return np.asarray(quantiles - quantiles[MEDIAN] + median)
