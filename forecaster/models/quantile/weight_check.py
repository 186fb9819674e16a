"""Comparison of stored weights with the options of a quantile forecaster, before anything is computed from them."""

from collections.abc import Mapping, Sequence

from forecaster.arrays import AnyArray
from forecaster.models.quantile.keras_pass import KerasPass
from forecaster.models.quantile.numpy_head import DIRECT, head_shapes
from forecaster.models.quantile.options import QuantileOptions
from forecaster.models.stored_weights import require_shapes
from forecaster.models.volatility_regression import VolatilityRegression

__all__ = ["check_weights"]


def check_weights(arrays: Mapping[str, AnyArray], options: QuantileOptions, steps: Sequence[int]) -> None:
    """Compare stored weights with the network of `options` and the K `steps`.

    An architecture without a NumPy pass is built, and Keras compares; its engine must have been chosen.

    Raises:
        ValueError: A name is missing or unknown, or a shape or a type differs.
    """
    inputs = len(options.feature_names)
    regression = VolatilityRegression.shapes(inputs, len(steps))
    stored = {name: array for name, array in arrays.items() if name in regression}
    if stored:
        VolatilityRegression.check(stored, inputs, len(steps))
    network = {name: array for name, array in arrays.items() if name not in regression}
    expected = options.architecture.weight_shapes(inputs, options)
    if expected is None:
        KerasPass(options, steps, arrays).build()
        return
    shapes, units = expected
    require_shapes(network, {**shapes, **head_shapes(units, inputs, len(steps))}, optional=(DIRECT,))
