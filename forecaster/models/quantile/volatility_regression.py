"""A second opinion on the widths: the log of the coming volatility as a linear function of the inputs of a row.

A regression on averages of past volatility over several spans, after Corsi 2009 (J. Fin. Econometrics 7), but one for
the whole panel and free of scale: what is predicted, and what predicts it, are logs of ratios to the volatility that
divides every feature. It errs elsewhere than the network does, so that their mean errs less than either.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np

from forecaster.arrays import AnyArray, BoolArray, Float32Array, FloatArray
from forecaster.quantiles import SCORING_LEVELS

__all__ = ["LEAST_SPAN", "LinearVolatility", "VolatilityRows"]


LEAST_SPAN = 10  # days over which absolute returns are averaged at least, to be predicted: one says next to nothing
_LEAST_ROWS = 250  # fewer rows to learn from prove nothing
_DOUBT = 20  # rows that do not overlap, worth of evidence that an input says nothing
_USUAL_SKEW = 0.1  # how far a median lies from its mean beforehand, in volatilities
_MARGIN = 1.0  # how far the log of a predicted ratio may lie outside those that were learned from
_MIDDLE = len(SCORING_LEVELS) // 2
_KERNEL, _RANGE, _SHAPE = "linear_volatility/kernel", "linear_volatility/range", "linear_volatility/shape"


@dataclasses.dataclass(frozen=True, eq=False)
class VolatilityRows:
    """Rows of one series that may be learned from.

    Args:
        features: (N, F) inputs.
        volatility: (N, K) log of the coming volatility over the scaling one, see `forward_volatility`.
        outcomes: (N, K) scaled returns, see `forward_returns`; as `volatility`, NaN where unknown.
    """

    features: Float32Array
    volatility: FloatArray
    outcomes: Float32Array


@dataclasses.dataclass(frozen=True, eq=False)
class LinearVolatility:
    """A fitted regression for each step.

    Args:
        kernel: (1 + F, K) constant and slopes; 0 for inputs that are not used.
        range: (2, K) least and largest log of a ratio that is believed.
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

        The ridge pulls towards a constant, that is towards the scaling volatility. It weighs as much as `_DOUBT` spans
        of rows: nothing beside a large panel, much beside a short series, whose outcomes overlap.

        Args:
            panel: The rows of each series.
            used: (F,) True for inputs that may tell of the width; for pairs, those that an inversion leaves alone.
            spans: (K,) rows that each target covers.
            symmetric: Whether rises and falls have one shape, as they must where quotations are inverted. Else the
                mean of the shape is 0, which puts its middle above it where falls are larger than rises.

        Returns:
            None where there are too few rows.
        """
        x, y, outcomes = _together(panel, used)
        if len(x) < _LEAST_ROWS:
            return None
        mean, deviation = x.mean(axis=0), x.std(axis=0)
        x = np.divide(x - mean, deviation, out=np.zeros_like(x), where=deviation > 1e-6)
        # Not a matrix product: the bits of a large one depend on how many threads a BLAS starts.
        gram, moments = np.einsum("nf,ng->fg", x, x), np.einsum("nf,nk->fk", x, y)
        kernel = np.zeros((1 + len(used), len(spans)))
        shape = np.zeros((len(spans), len(SCORING_LEVELS)))
        bounds = np.stack([y.min(axis=0) - _MARGIN, y.max(axis=0) + _MARGIN])
        for k, span in enumerate(spans):
            slopes = np.linalg.solve(gram + _DOUBT * span * np.eye(len(gram)), moments[:, k])
            slopes = np.divide(slopes, deviation, out=np.zeros_like(slopes), where=deviation > 1e-6)
            kernel[1:][used, k] = slopes
            kernel[0, k] = y[:, k].mean() - mean @ slopes
            predicted = np.clip(y[:, k].mean() + _weighted(x * deviation, slopes), *bounds[:, k])
            standardised = outcomes[:, k] / np.exp(predicted)
            shape[k] = _symmetric_shape(standardised) if symmetric else _skewed_shape(standardised, span)
        return cls(kernel, bounds, shape)

    @classmethod
    def of(cls, arrays: Mapping[str, AnyArray]) -> Self | None:
        """What `arrays` has stored among other weights; None where there is nothing."""
        return cls(*(arrays[name] for name in (_KERNEL, _RANGE, _SHAPE))) if _KERNEL in arrays else None

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


def _weighted(features: AnyArray, weights: FloatArray) -> FloatArray:
    """(N,) sum of the columns of `features` (N, F), each times its weight; no bit of a row depends on other rows."""
    result = np.zeros(len(features))
    for column in np.flatnonzero(weights):
        result += weights[column] * features[:, column]
    return result


def _together(panel: Sequence[VolatilityRows], used: BoolArray) -> tuple[FloatArray, FloatArray, Float32Array]:
    """Inputs, targets and outcomes of all rows whose targets are known."""
    known = [np.isfinite(one.volatility).all(axis=1) & np.isfinite(one.outcomes).all(axis=1) for one in panel]
    return (
        np.concatenate([one.features[rows][:, used] for one, rows in zip(panel, known, strict=True)]).astype(float),
        np.concatenate([one.volatility[rows] for one, rows in zip(panel, known, strict=True)]),
        np.concatenate([one.outcomes[rows] for one, rows in zip(panel, known, strict=True)]),
    )


def _symmetric_shape(standardised: FloatArray) -> FloatArray:
    """(9,) quantiles of `standardised` (N,) and its negative together."""
    half = np.quantile(np.abs(standardised), 2 * np.array(SCORING_LEVELS[_MIDDLE + 1 :]) - 1)
    return np.concatenate([-half[::-1], [0.0], half])


def _skewed_shape(standardised: FloatArray, span: int) -> FloatArray:
    """(9,) quantiles of `standardised` (N,), moved as a whole so that the middle is that of a mean of 0.

    How far a median lies from its mean is shrunk towards nothing by its sampling variance, 0.57 over the number of
    values for normal ones, of which those that overlap over `span` rows count as one.
    """
    found = np.quantile(standardised, SCORING_LEVELS)
    variance = (np.pi / 2 - 1) * standardised.var() * span / len(standardised)
    middle = (found[_MIDDLE] - standardised.mean()) * _USUAL_SKEW**2 / (_USUAL_SKEW**2 + variance)
    return np.asarray(found - found[_MIDDLE] + middle)
