"""The NumPy form of `forecaster.models.quantile.head`: head, and the mean with the regression behind it."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from forecaster.arrays import AnyArray, BoolArray, Float32Array, FloatArray, IntArray
from forecaster.models.numpy_dense import dense
from forecaster.models.volatility_regression import VolatilityRegression
from forecaster.quantiles import SCORING_LEVELS, normal_scores

__all__ = ["DIRECT", "Blend", "head_shapes", "quantile_head"]

DIRECT = "head/direct/kernel"
"""Name of the linear path from the inputs to the location."""


def quantile_head(
    state: Float32Array,
    features: Float32Array,
    weights: Mapping[str, AnyArray],
    quantile_levels: Sequence[float],
    places: IntArray | None = None,
) -> tuple[Float32Array, Float32Array]:
    """Output of `forecaster.models.quantile.head.QuantileHead`.

    Args:
        state: (N, U) state of the network, or (N, K, U) where it has one for each step.
        features: (N, F) inputs of the network in the same rows.
        weights: Named weights with ``head/spread/...``, ``head/location/...`` and ``head/direct/kernel``.
        quantile_levels: (Q,).
        places: (N,) row numbers; see `forecaster.models.numpy_dense.dense`.

    Returns:
        Locations (N, K) and quantiles around 0 (N, K, Q).
    """
    gaps = np.array([right - left for left, right in itertools.pairwise(normal_scores(quantile_levels))], np.float32)
    direct = weights[DIRECT]
    steps = direct.shape[1]
    raw = _layer(state, weights, "spread", places).reshape(len(state), steps, len(gaps))
    spacing = gaps * np.exp(raw)
    half = len(gaps) // 2
    upper = np.cumsum(spacing[..., half:], axis=-1)
    lower = np.cumsum(spacing[..., half - 1 :: -1], axis=-1)[..., ::-1]
    median = np.zeros((len(state), steps, 1), dtype=np.float32)
    location = _layer(state, weights, "location", places).reshape(len(state), steps)
    location += dense(features, direct, np.zeros(steps, dtype=np.float32), places)
    return location, np.concatenate([-lower, median, upper], axis=-1)


def head_shapes(units: int, inputs: int, steps: int) -> dict[str, tuple[int, ...]]:
    """Name -> shape of the weights of the head, for states of U units, F inputs and K steps."""
    gaps = len(SCORING_LEVELS) - 1
    return {
        "head/spread/kernel": (units, steps * gaps),
        "head/spread/bias": (steps * gaps,),
        "head/location/kernel": (units, steps),
        "head/location/bias": (steps,),
        DIRECT: (inputs, steps),
    }


def _layer(state: Float32Array, weights: Mapping[str, AnyArray], name: str, places: IntArray | None) -> Float32Array:
    """Layer `name` of the head on states (N, U) or (N, K, U): (N, outputs) or (N, K, outputs)."""
    kernel = weights[f"head/{name}/kernel"]
    bias = weights[f"head/{name}/bias"]
    if state.ndim == 2:
        return dense(state, kernel, bias, places)
    count, steps, units = state.shape
    if places is not None:
        places = (places[:, None] * steps + np.arange(steps)).reshape(-1)
    without_bias = dense(state.reshape(-1, units), kernel, np.zeros(kernel.shape[1], np.float32), places)
    return without_bias.reshape(count, steps, -1) + bias


@dataclasses.dataclass(frozen=True, eq=False)
class Blend:
    """Scaled quantiles from the output of the head: their mean with those of the regression, and the location gate.

    Both sets of quantiles are averaged around their medians. The median of the result is that of the regression (0
    where rises and falls have one shape), plus the location where the gate is open: the location is a mean, as the
    last price is.

    Args:
        regression: Volatility regression; None for the quantiles of the head alone.
        share: Weight of the regression, 0 to 1.
        located: (K,) True for steps at which the location moves the median.
    """

    regression: VolatilityRegression | None
    share: float
    located: BoolArray

    def __call__(self, location: Float32Array, quantiles: Float32Array, features: Float32Array) -> FloatArray:
        """(N, K, Q) scaled quantiles.

        Args:
            location: (N, K) from the head.
            quantiles: (N, K, Q) from the head, around 0.
            features: (N, F) of the same rows.
        """
        spread = quantiles.astype(np.float64)
        center = np.where(self.located, location, 0.0)
        if self.regression is not None:
            regression = self.regression.quantiles(features)
            median = regression[..., regression.shape[-1] // 2]
            spread = (1 - self.share) * spread + self.share * (regression - median[..., None])
            center = median + center
        return np.asarray(spread + center[..., None])
