"""Classic model of many tutorials: scaled price, window of 60 rows, two LSTM layers, one step, squared error.

It serves as a comparison with "tomorrow = today". Its scaler is fitted on training rows only, which most tutorials
get wrong.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, PositiveInt, model_validator

from forecaster.arrays import AnyArray, Float32Array, FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.errors import NotEnoughDataError, UsageError
from forecaster.features.history import History
from forecaster.features.outcomes import prices_after
from forecaster.features.windows import LastWindows
from forecaster.forecast import Forecasts
from forecaster.models.architectures.numpy_lstm import LSTMPass, lstm_layers, lstm_shapes
from forecaster.models.base import FitReport, FitRequest, ModelOptions, check_rows
from forecaster.models.bounds import MAX_UNITS, BatchSize, LearningRate, Rows, Units
from forecaster.models.classic_inspection import ClassicInspection
from forecaster.models.memory import MAX_TRAINING_BYTES, check_memory, in_gigabytes, recurrent_training_bytes
from forecaster.models.numpy_dense import dense
from forecaster.models.stored_weights import require_shapes
from forecaster.models.traits import Traits
from forecaster.quantiles import SCORING_LEVELS

__all__ = ["Classic", "ClassicOptions", "FittedClassic"]


QUICK_EPOCHS = 2  # of a short training
KNOTS = (1, 2, 3, 5, 10, 20, 40, 60, 120, 250)
MIN_TARGETS = 100  # rows that are learned from
MIN_PRICE_RATIO = 1e-3  # of a recursive forecast to the last price: its logarithm must exist


class ClassicOptions(ModelOptions):
    """Section ``model`` of a configuration with ``kind: classic``."""

    kind: Literal["classic"] = "classic"
    context_length: Rows = 60
    units: Units = (50, 50)
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    dense_units: Annotated[int, Field(ge=0, le=MAX_UNITS)] = 25
    scaler: Literal["minmax", "standard"] = "minmax"
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 20
    batch_size: BatchSize = 32
    learning_rate: LearningRate = 1e-3
    calibration_rows: PositiveInt = 250

    @model_validator(mode="after")
    def _fits_into_memory(self) -> Self:
        if self.training_bytes > MAX_TRAINING_BYTES:
            raise ValueError(
                f"a training would need about {in_gigabytes(self.training_bytes)} of memory; expected at most "
                f"{in_gigabytes(MAX_TRAINING_BYTES)}; lower units, batch_size or context_length"
            )
        return self

    @property
    def training_bytes(self) -> int:
        """Memory of a training, a low estimate."""
        return recurrent_training_bytes(self.units, self.context_length, self.batch_size)

    def for_rows(self, rows: int, horizon: int) -> Mapping[str, Any]:
        """A shorter window."""
        length = min(rows - MIN_TARGETS - horizon, self.context_length)
        return {"model.context_length": length} if length > 0 else {}

    def quick(self) -> tuple[Self, str | None]:
        """These options with few epochs."""
        if self.epochs <= QUICK_EPOCHS:
            return self, None
        return self.model_copy(update={"epochs": QUICK_EPOCHS}), f"{QUICK_EPOCHS} of {self.epochs} epochs"


class Classic:
    """Forecaster of kind ``classic``.

    Args:
        options: Section ``model`` of the configuration.
        horizon: Longest step H; the network forecasts one step, later ones are recursive.
    """

    Options: ClassVar[type[ModelOptions]] = ClassicOptions
    traits: ClassVar[Traits] = Traits(engine=True, inspectable=True)

    def __init__(self, options: ClassicOptions, horizon: int) -> None:
        self.options = options
        self.knots = (*(knot for knot in KNOTS if knot < horizon), horizon)

    def least_training_rows(self) -> int:
        """Rows of a window, of some targets, and of the horizon that is purged."""
        return self.options.context_length + MIN_TARGETS + self.knots[-1]

    def fit(self, request: FitRequest) -> "FittedClassic":
        """See `forecaster.models.base.Forecaster`; a panel of one series."""
        from forecaster.models.keras_weights import named_weights

        if len(request.panel) != 1:
            raise UsageError(
                f"the classic model learns one price level; got a panel of {len(request.panel)}; use --universe none"
            )
        check_memory(self.options.training_bytes)
        (series,) = request.panel
        options = self.options
        rows = request.training_rows[series.instrument.name]
        if rows <= options.context_length:
            raise NotEnoughDataError(
                f"{rows} rows before the validation are too few for windows of {options.context_length}; "
                f"the model needs {self.least_training_rows()}"
            )
        scaler = fit_scaler(series.first_unit_close[:rows], options.scaler)
        network = build_point_network(options.units, options.dropout, options.dense_units, request.seed)
        history, last_price_loss = self._train(network, series, scaler, request)
        report = FitReport(
            {"spread": []},
            "learned",
            {"scaler": scaler, "series": 1},
            curve=tuple(history.curve),
            initial_loss=history.initial_loss,
            reference_losses={"random_walk": last_price_loss},
        )
        fitted = FittedClassic(options, self.knots, named_weights(network), report)
        x = fitted.windows(series).batch(np.array([0]))[0]
        difference = network.predict_on_batch(x) - fitted.network(x, np.array([0]))
        spread = request.chosen.get("spread") or self._spread(fitted, series, request)
        report = dataclasses.replace(
            report,
            chosen={"spread": spread},
            parity=float(np.abs(difference).max()),
            parameters=sum(array.size for array in fitted.arrays().values()),
        )
        return FittedClassic(options, self.knots, fitted.arrays(), report)

    def _spread(self, fitted: "FittedClassic", series: PriceSeries, request: FitRequest) -> list[list[float]]:
        """Errors around the point on the newest validation rows; on training rows where there is no validation."""
        rows = request.validation_rows.get(series.instrument.name, np.empty(0, np.intp))
        if not len(rows):
            rows = np.arange(request.training_rows[series.instrument.name])
        return fitted.residual_spread(series, rows[-self.options.calibration_rows :])

    def restore(self, arrays: Mapping[str, AnyArray], report: FitReport) -> "FittedClassic":
        """See `forecaster.models.base.Forecaster`."""
        require_shapes(arrays, point_shapes(self.options.units, self.options.dense_units))
        scaler = report.learned["scaler"]
        spread = np.asarray(report.chosen["spread"], dtype=np.float64)
        if spread.shape != (len(self.knots), len(SCORING_LEVELS)) or not (np.diff(spread) >= 0).all():
            raise ValueError(f"the recorded errors have the shape {spread.shape}, or do not increase")
        if not (np.isfinite(scaler["offset"]) and 0 < scaler["width"] < np.inf):
            raise ValueError("the recorded scaler is not finite")
        return FittedClassic(self.options, self.knots, dict(arrays), report)

    def _train(
        self, network: Any, series: PriceSeries, scaler: Mapping[str, float], request: FitRequest
    ) -> tuple[Any, float]:
        """Train the network; return its `TrainingHistory`, and the loss of the last price on the same samples."""
        import keras

        from forecaster.models.training import PanelBatches, fit_network, shuffled_samples

        options = self.options
        name = series.instrument.name
        level = scaled_level(series, scaler)
        windows = LastWindows(level[:-1], level[1:], options.context_length, request.training_rows[name])
        samples = shuffled_samples(len(windows), options.epochs, np.random.default_rng(request.seed))
        batches = PanelBatches([windows], samples, options.batch_size, np.array([False]), options.epochs)
        rows = request.validation_rows.get(name, np.empty(0, np.intp))
        unseen = LastWindows(level[:-1], level[1:], options.context_length, len(level) - 1)
        validation = unseen.batch(rows - options.context_length + 1) if len(rows) else None
        optimizer = keras.optimizers.Adam(options.learning_rate)
        history = fit_network(network, batches, optimizer, "mse", request.progress, validation)
        x, y = windows.batch(np.arange(len(windows))) if validation is None else validation
        return history, float(np.mean((x[:, -1] - y.reshape(len(x), -1)) ** 2))


class FittedClassic:
    """A fitted classic model: a point forecast one step ahead, recursive for later steps, with measured errors.

    The interval at a step is symmetric around the point. Its level is the share of the errors on the validation that
    it contains, in units of the EWMA volatility of the day.

    Args:
        options: Options of the model.
        knots: (K,) steps at which the errors were measured.
        weights: Named arrays of the network.
        report: Facts about the fit; ``learned`` holds the ``scaler``, ``chosen`` the ``spread`` (K, Q).
    """

    name = "classic"
    own_steps = 1

    def __init__(
        self,
        options: ClassicOptions,
        knots: tuple[int, ...],
        weights: dict[str, AnyArray],
        report: FitReport,
    ) -> None:
        self.options = options
        self.knots = knots
        self.report = report
        self._weights = weights
        self._stack = LSTMPass(lstm_layers(weights))

    @property
    def first_row(self) -> int:
        """First row at which a forecast can be made."""
        return self.options.context_length - 1

    def arrays(self) -> dict[str, AnyArray]:
        """See `forecaster.models.base.Fitted`."""
        return self._weights

    def forecast(self, series: PriceSeries, rows: IntArray, longest: int | None = None) -> Forecasts:
        """See `forecaster.models.base.Fitted`."""
        check_rows(rows, self.first_row)
        longest = self.knots[-1] if longest is None else longest
        count = min(int(np.searchsorted(self.knots, longest)) + 1, len(self.knots))
        knots = self.knots[:count]
        volatility = History.of(series).volatility[rows]
        path = self.path(series, rows, knots[-1])[:, np.array(knots) - 1]
        point = np.log(path / series.first_unit_close[rows, None]) / (volatility[:, None] * np.sqrt(knots))
        scaled = point[..., None] + np.asarray(self.report.chosen["spread"])[:count]
        return Forecasts("classic", rows, volatility, knots, SCORING_LEVELS, scaled)

    def windows(self, series: PriceSeries) -> LastWindows:
        """All windows of scaled prices of `series`."""
        level = scaled_level(series, self.report.learned["scaler"])
        return LastWindows(level, level, self.options.context_length, len(level))

    def inspection(self, series: PriceSeries) -> ClassicInspection:
        """See `forecaster.models.inspection.InspectableFitted`."""
        level = scaled_level(series, self.report.learned["scaler"])
        return ClassicInspection(level, self.options.context_length, self._stack, self._dense_layers)

    def network(self, x: Float32Array, rows: IntArray) -> Float32Array:
        """Forward pass for windows x (N, L, 1) that end in the rows `rows` (N,): (N, 1)."""
        return self._dense_layers(self._stack.windows(x, rows), rows)

    def _dense_layers(self, hidden: Float32Array, rows: IntArray) -> Float32Array:
        """Output (N, 1) of the layers on top of the LSTM layers, whose outputs are `hidden` (N, U)."""
        if self.options.dense_units:
            hidden = dense(hidden, self._weights["dense/kernel"], self._weights["dense/bias"], rows)
        return dense(hidden, self._weights["output/kernel"], self._weights["output/bias"], rows)

    def path(self, series: PriceSeries, rows: IntArray, steps: int) -> FloatArray:
        """(N, steps) forecast prices, in the unit of the first row; each is the last input of the next one."""
        scaler = self.report.learned["scaler"]
        x = self.windows(series).x[rows - self.first_row]
        smallest = series.first_unit_close[rows] * MIN_PRICE_RATIO
        path = np.empty((len(rows), steps))
        for step in range(steps):
            following = self.network(x, rows)
            path[:, step] = np.maximum(following[:, 0] * scaler["width"] + scaler["offset"], smallest)
            x = np.concatenate([x[:, 1:], following[:, None]], axis=1)
        return path

    def residual_spread(self, series: PriceSeries, rows: IntArray) -> list[list[float]]:
        """(K, Q) quantiles around the point, from the sizes of the errors at `rows` in scaled units."""
        rows = rows[rows >= self.first_row]
        volatility = History.of(series).volatility[rows]
        path = self.path(series, rows, self.knots[-1])
        unit = series.first_unit_close[rows] / series.close[rows]
        spread = []
        for step in self.knots:
            outcome = unit * prices_after(series, rows, step)
            size = np.abs(np.log(outcome / path[:, step - 1])) / (volatility * np.sqrt(step))
            shares = [abs(2 * level - 1) for level in SCORING_LEVELS]
            halves = np.sign(np.array(SCORING_LEVELS) - 0.5) * np.quantile(size, shares)
            spread.append(halves.tolist())
        return spread


def build_point_network(units: Sequence[int], dropout: float, dense_units: int, seed: int) -> Any:
    """The Keras network: LSTM layers with dropout after each, a dense layer, one number: (B, L, 1) -> (B, 1).

    Args:
        units: Sizes of the LSTM layers.
        dropout: Share of each layer's outputs that is dropped in training.
        dense_units: Size of the layer before the output; 0 for none.
        seed: Seed of the weights and of the dropout.
    """
    import keras

    from forecaster.models.keras_weights import Seeds

    seeds = Seeds(seed)
    inputs = hidden = keras.Input((None, 1))
    for index, size in enumerate(units):
        hidden = seeds.recurrent(keras.layers.LSTM, size, index < len(units) - 1, f"lstm_{index}")(hidden)
        if dropout:
            hidden = keras.layers.Dropout(dropout, seed=seeds.next())(hidden)
    if dense_units:
        hidden = seeds.dense(dense_units, "dense")(hidden)
    return keras.Model(inputs, seeds.dense(1, "output")(hidden))


def point_shapes(units: Sequence[int], dense_units: int) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every weight of `build_point_network`."""
    shapes = lstm_shapes(1, units)
    last = units[-1]
    if dense_units:
        shapes |= {"dense/kernel": (last, dense_units), "dense/bias": (dense_units,)}
        last = dense_units
    return {**shapes, "output/kernel": (last, 1), "output/bias": (1,)}


def fit_scaler(prices: FloatArray, kind: str) -> dict[str, float]:
    """Offset and width of training prices (T,): ``scaled = (price - offset) / width``."""
    if kind == "minmax":
        offset = prices.min()
        width = prices.max() - prices.min()
    else:
        offset = prices.mean()
        width = prices.std()
    return {"offset": float(offset), "width": float(width) or 1.0}


def scaled_level(series: PriceSeries, scaler: Mapping[str, float]) -> Float32Array:
    """(T, 1) scaled prices."""
    scaled = (series.first_unit_close - scaler["offset"]) / scaler["width"]
    return scaled.astype(np.float32)[:, None]
