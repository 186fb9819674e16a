"""Network and inputs of the classic model."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from forecaster.arrays import AnyArray, FloatArray
from forecaster.data.series import PriceSeries
from forecaster.features.covariates import is_covariate
from forecaster.models.architectures.numpy_lstm import lstm_shapes
from forecaster.models.classic_options import PointLoss

__all__ = ["POINT_LOSSES", "build_point_network", "check_scaler", "column_values", "fit_scaler", "point_shapes"]

POINT_LOSSES: Mapping[PointLoss, Callable[[AnyArray], AnyArray]] = {
    "mse": np.square,
    "mae": np.abs,
    "huber": lambda error: np.where(np.abs(error) <= 1, error**2 / 2, np.abs(error) - 0.5),
}
"""Name of a Keras loss -> the same loss of each error."""


def build_point_network(units: Sequence[int], dropout: float, dense_units: int, seed: int, inputs: int = 1) -> Any:
    """The Keras network: LSTM layers with dropout after each, a dense layer, one number: (B, L, F) -> (B, 1).

    Args:
        units: Sizes of the LSTM layers.
        dropout: Share of each layer's outputs that is dropped in training.
        dense_units: Size of the layer before the output; 0 for none.
        seed: Seed of the weights and of the dropout.
        inputs: Number F of inputs.
    """
    import keras

    from forecaster.models.keras_weights import Seeds

    seeds = Seeds(seed)
    first = hidden = keras.Input((None, inputs))
    for index, size in enumerate(units):
        hidden = seeds.recurrent(keras.layers.LSTM, size, index < len(units) - 1, f"lstm_{index}")(hidden)
        if dropout:
            hidden = keras.layers.Dropout(dropout, seed=seeds.next())(hidden)
    if dense_units:
        hidden = seeds.dense(dense_units, "dense")(hidden)
    return keras.Model(first, seeds.dense(1, "output")(hidden))


def point_shapes(units: Sequence[int], dense_units: int, inputs: int = 1) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every weight of `build_point_network`."""
    shapes = lstm_shapes(inputs, units)
    last = units[-1]
    if dense_units:
        shapes |= {"dense/kernel": (last, dense_units), "dense/bias": (dense_units,)}
        last = dense_units
    return {**shapes, "output/kernel": (last, 1), "output/bias": (1,)}


def fit_scaler(values: FloatArray, kind: str) -> dict[str, float]:
    """Offset and width of training values (T,): ``scaled = (value - offset) / width``."""
    if kind == "minmax":
        offset = values.min()
        width = values.max() - values.min()
    else:
        offset = values.mean()
        width = values.std()
    return {"offset": float(offset), "width": float(width) or 1.0}


def check_scaler(scaler: Mapping[str, float]) -> None:
    """Refuse a recorded scaler with which no price can be computed.

    Raises:
        ValueError: A number is not finite, or the width is not positive.
    """
    if not (np.isfinite(scaler["offset"]) and 0 < scaler["width"] < np.inf):
        raise ValueError("the recorded scaler is not finite")


def column_values(series: PriceSeries, name: str) -> FloatArray:
    """(T,) values of an input besides the close, in the unit of the first row; row t uses rows up to t only.

    A missing price is the close of its row; a missing volume is the last one before it, or 0. A series without the
    column, such as a random walk of the audit, has it missing in every row.
    """
    if is_covariate(name):
        return series.inputs[name]
    values = series.columns.get(name, np.full(len(series), np.nan))
    present = np.isfinite(values)
    if name == "volume":
        newest = np.maximum.accumulate(np.where(present, np.arange(len(values)), -1))
        return np.where(newest < 0, 0.0, values[newest])
    factors = 1.0 if series.unit_factors is None else series.unit_factors
    return np.asarray(np.where(present, values * factors, series.first_unit_close))
