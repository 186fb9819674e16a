"""Classic model of many tutorials: scaled price, window of 60 rows, two LSTM layers, one step, squared error.

It serves as a comparison with "tomorrow = today". Its scalers are fitted on training rows only, which most tutorials
get wrong. Other columns and covariates may be inputs besides the close; a recursive step holds their last values.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from forecaster.arrays import AnyArray, Float32Array, FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.errors import NotEnoughDataError, UsageError
from forecaster.features.covariates import is_covariate
from forecaster.features.history import History
from forecaster.features.outcomes import prices_after
from forecaster.features.windows import LastWindows
from forecaster.forecast import Forecasts
from forecaster.models.architectures.numpy_lstm import lstm_layers
from forecaster.models.architectures.numpy_stack import StackPass
from forecaster.models.base import FitReport, FitRequest, ModelOptions, check_rows
from forecaster.models.classic_inspection import ClassicInspection
from forecaster.models.classic_network import (
    POINT_LOSSES,
    build_point_network,
    check_scaler,
    column_values,
    fit_scaler,
    point_shapes,
)
from forecaster.models.classic_options import MIN_TARGETS, ClassicOptions
from forecaster.models.memory import check_memory
from forecaster.models.numpy_dense import dense
from forecaster.models.stored_weights import require_shapes
from forecaster.models.traits import Traits
from forecaster.quantiles import SCORING_LEVELS, step_weights

__all__ = ["Classic", "ClassicOptions", "FittedClassic"]


KNOTS = (1, 2, 3, 5, 10, 20, 40, 60, 120, 250)
MIN_PRICE_RATIO = 1e-3  # of a recursive forecast to the last price: its logarithm must exist


class Classic:
    """Forecaster of kind ``classic``.

    Args:
        options: Section ``model`` of the configuration.
        horizon: Longest step H; the network forecasts one step, later ones are recursive.
    """

    Options: ClassVar[type[ModelOptions]] = ClassicOptions
    traits: ClassVar[Traits] = Traits(engine=True, inspectable=True, point_forecast=True)

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
        learned = self._scalers(series, rows)
        inputs = len(options.input_names)
        network = build_point_network(options.units, options.dropout, options.dense_units, request.seed, inputs)
        history, last_price_loss = self._train(network, series, learned, request)
        report = FitReport(
            {"spread": []},
            "learned",
            {**learned, "series": 1},
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
            chosen={"spread": spread, **history.chosen},
            parity=float(np.abs(difference).max()),
            parameters=sum(array.size for array in fitted.arrays().values()),
        )
        return FittedClassic(options, self.knots, fitted.arrays(), report)

    def _scalers(self, series: PriceSeries, rows: int) -> dict[str, Any]:
        """Scalers of the close and of the other columns, from the first `rows`; covariates have no unit."""
        kind = self.options.scaler
        columns = [name for name in self.options.input_names[1:] if not is_covariate(name)]
        scalers = {name: fit_scaler(column_values(series, name)[:rows], kind) for name in columns}
        close = fit_scaler(series.first_unit_close[:rows], kind)
        return {"scaler": close, "column_scalers": scalers} if scalers else {"scaler": close}

    def _spread(self, fitted: "FittedClassic", series: PriceSeries, request: FitRequest) -> list[list[float]]:
        """Errors around the point on the newest validation rows; on training rows where there is no validation."""
        rows = request.validation_rows.get(series.instrument.name, np.empty(0, np.intp))
        if not len(rows):
            rows = np.arange(request.training_rows[series.instrument.name])
        return fitted.residual_spread(series, rows[-self.options.calibration_rows :])

    def restore(self, arrays: Mapping[str, AnyArray], report: FitReport) -> "FittedClassic":
        """See `forecaster.models.base.Forecaster`."""
        options = self.options
        require_shapes(arrays, point_shapes(options.units, options.dense_units, len(options.input_names)))
        spread = np.asarray(report.chosen["spread"], dtype=np.float64)
        if spread.shape != (len(self.knots), len(SCORING_LEVELS)) or not (np.diff(spread) >= 0).all():
            raise ValueError(f"the recorded errors have the shape {spread.shape}, or do not increase")
        columns = report.learned.get("column_scalers", {})
        for scaler in (
            report.learned["scaler"],
            *(columns[name] for name in options.input_names[1:] if name in columns),
        ):
            check_scaler(scaler)
        return FittedClassic(self.options, self.knots, dict(arrays), report)

    def _train(
        self, network: Any, series: PriceSeries, learned: Mapping[str, Any], request: FitRequest
    ) -> tuple[Any, float]:
        """Train the network; return its `TrainingHistory`, and the loss of the last price on the same samples."""
        from forecaster.models.optimizers import optimizer_of
        from forecaster.models.training import PanelBatches, Stopping, fit_network, shuffled_samples

        options = self.options
        name = series.instrument.name
        inputs = scaled_inputs(series, options.input_names, learned)
        outcomes = inputs[1:, :1]
        windows = LastWindows(inputs[:-1], outcomes, options.context_length, request.training_rows[name])
        samples = shuffled_samples(len(windows), options.epochs, np.random.default_rng(request.seed))
        unchanged = np.zeros(inputs.shape[1], dtype=bool)
        batches = PanelBatches([windows], samples, options.batch_size, unchanged, options.epochs)
        rows = request.validation_rows.get(name, np.empty(0, np.intp))
        unseen = LastWindows(inputs[:-1], outcomes, options.context_length, len(inputs) - 1)
        validation = unseen.batch(rows - options.context_length + 1) if len(rows) else None
        optimizer = optimizer_of(options, len(batches) * options.epochs)
        stopping = Stopping(options.patience, request.chosen.get("epochs"))
        history = fit_network(network, batches, optimizer, options.loss, request.progress, validation, stopping)
        x, y = windows.batch(np.arange(len(windows))) if validation is None else validation
        return history, float(np.mean(POINT_LOSSES[options.loss](x[:, -1, :1] - y.reshape(len(x), -1))))


class FittedClassic:
    """A fitted classic model: a point forecast one step ahead, recursive for later steps, with measured errors.

    The interval at a step is symmetric around the point. Its level is the share of the errors on the validation that
    it contains, in units of the EWMA volatility of the day.

    Args:
        options: Options of the model.
        knots: (K,) steps at which the errors were measured.
        weights: Named arrays of the network.
        report: Facts about the fit; ``learned`` holds the ``scaler`` of the close and the ``column_scalers`` of other
            columns, ``chosen`` the ``spread`` (K, Q).
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
        self._stack = StackPass(lstm_layers(weights))

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
        steps = tuple(range(1, min(longest, self.knots[-1]) + 1))
        volatility = History.of(series).volatility[rows]
        path = self.path(series, rows, len(steps))
        point = np.log(path / series.first_unit_close[rows, None]) / (volatility[:, None] * np.sqrt(steps))
        spread = step_weights(self.knots, steps) @ np.asarray(self.report.chosen["spread"])
        return Forecasts("classic", rows, volatility, steps, SCORING_LEVELS, point[..., None] + spread)

    def windows(self, series: PriceSeries) -> LastWindows:
        """All windows of scaled inputs of `series`."""
        inputs = scaled_inputs(series, self.options.input_names, self.report.learned)
        return LastWindows(inputs, inputs, self.options.context_length, len(inputs))

    def inspection(self, series: PriceSeries) -> ClassicInspection:
        """See `forecaster.models.inspection.InspectableFitted`."""
        inputs = scaled_inputs(series, self.options.input_names, self.report.learned)
        names = ("price", *self.options.input_names[1:])
        return ClassicInspection(names, inputs, self.options.context_length, self._stack, self._dense_layers)

    def network(self, x: Float32Array, rows: IntArray) -> Float32Array:
        """Forward pass for windows x (N, L, F) that end in the rows `rows` (N,): (N, 1)."""
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
            held = np.concatenate([following, x[:, -1, 1:]], axis=1)
            x = np.concatenate([x[:, 1:], held[:, None]], axis=1)
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


def scaled_level(series: PriceSeries, scaler: Mapping[str, float]) -> Float32Array:
    """(T, 1) scaled prices."""
    scaled = (series.first_unit_close - scaler["offset"]) / scaler["width"]
    return scaled.astype(np.float32)[:, None]


def scaled_inputs(series: PriceSeries, names: Sequence[str], learned: Mapping[str, Any]) -> Float32Array:
    """(T, F) inputs `names`, the scaled close first; row t uses rows up to t only.

    Args:
        series: The history.
        names: (F,) columns and covariates.
        learned: ``scaler`` of the close, and ``column_scalers`` of other columns.
    """
    columns = [scaled_level(series, learned["scaler"])]
    for name in names[1:]:
        values = column_values(series, name)
        if not is_covariate(name):
            scaler = learned["column_scalers"][name]
            values = (values - scaler["offset"]) / scaler["width"]
        columns.append(values.astype(np.float32)[:, None])
    return np.concatenate(columns, axis=1)
