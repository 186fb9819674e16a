"""The default model: one stacked LSTM for a whole panel, which corrects the EWMA forecast.

Docs: docs/model.md. Everything that needs keras is imported inside `LSTM.fit`; a fitted model forecasts with
NumPy alone.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from forecaster.arrays import AnyArray, Float32Array, FloatArray, IntArray
from forecaster.data.series import Panel, PriceSeries
from forecaster.errors import NotEnoughDataError
from forecaster.features import feature_matrix, odd_features
from forecaster.features.history import History
from forecaster.features.outcomes import forward_returns, forward_volatility
from forecaster.features.windows import DenseWindows, LastWindows
from forecaster.forecast import Forecasts
from forecaster.models.architectures import numpy_lstm
from forecaster.models.base import FitRequest, check_rows
from forecaster.models.quantile.initial_shape import counted_shape
from forecaster.models.quantile.linear_location import TrainingRows, direct_kernel
from forecaster.models.quantile.location_gate import LocationGains, ValidationRows, gather_gains
from forecaster.models.quantile.options import LSTMOptions
from forecaster.models.quantile.volatility_regression import LEAST_SPAN, LinearVolatility, VolatilityRows
from forecaster.quantiles import SCORING_LEVELS

__all__ = ["LSTM", "FittedLSTM"]


_CURVE_SERIES = 32  # series whose validation is scored along the way


class _Member(NamedTuple):
    """One series of the panel: its features and targets in every row, and how many rows may be learned from."""

    series: PriceSeries
    features: Float32Array
    targets: Float32Array
    training_rows: int


class LSTM:
    """Forecaster of kind ``lstm``.

    Args:
        options: Section ``model`` of the configuration.
        horizon: Longest step H that will be asked for; knots beyond it are left out, and it becomes a knot.
    """

    Options = LSTMOptions

    def __init__(self, options: LSTMOptions, horizon: int) -> None:
        self.options = options
        self.knots = (*(knot for knot in options.knots if knot < horizon), horizon)

    @property
    def parameters(self) -> int:
        """Number of trained weights."""
        sizes = (len(self.options.feature_names), *self.options.units)
        stack = sum(4 * size * (inputs + size + 1) for inputs, size in itertools.pairwise(sizes))
        return stack + (sizes[-1] + 1) * len(self.knots) * len(SCORING_LEVELS)

    def least_training_rows(self) -> int:
        """Warm-up, one context, a few rows to be scored, and the horizon that is purged."""
        windows = self.options.windows
        context = windows.burn_in if windows.supervision == "dense" else windows.context_length
        return windows.warm_up + context + 64 + self.knots[-1]

    def fit(self, request: FitRequest) -> "FittedLSTM":
        """See `forecaster.models.base.Forecaster`."""
        from forecaster.models.architectures.lstm import named_weights

        members = self._members(request)
        windows = self._windows(members)
        network = self.network(request.seed)
        if self._steps(windows) < self.options.training.steps:
            shape = counted_shape([one.targets[: max(one.end_row, 0)] for one in windows], self.knots)
            network.get_layer("head").spread.bias.assign(shape.reshape(-1).astype(np.float32))
        network.get_layer("head").direct.kernel.assign(self._direct(members))
        history = self._train(network, windows, self._validation(members, request), request)
        linear = self._linear(members, request)
        weights = named_weights(network) | ({} if linear is None else linear.arrays())
        fitted = FittedLSTM(self.options, self.knots, weights, {}, history)
        fitted.facts.update(
            location_steps=self._location_steps(fitted, members, request),
            mean_is_last_price=linear is not None and not _inverts(request.panel),
            numpy_difference=_parity(network, fitted, windows[0]),
            series=len(windows),
            steps=self._steps(windows),
        )
        return fitted

    def network(self, seed: int = 0) -> Any:
        """The Keras model, with fresh weights."""
        from forecaster.models.architectures.lstm import build_quantile_network
        from forecaster.models.quantile.head import QuantileHead

        options = self.options
        dense = options.windows.supervision == "dense"
        head = QuantileHead(len(self.knots), SCORING_LEVELS, name="head")
        return build_quantile_network(len(options.feature_names), options.units, options.dropout, dense, head, seed)

    def restore(self, arrays: Mapping[str, AnyArray], state: Mapping[str, Any]) -> "FittedLSTM":
        """See `forecaster.models.base.Forecaster`."""
        return FittedLSTM(self.options, self.knots, dict(arrays), dict(state), [])

    def _members(self, request: FitRequest) -> list[_Member]:
        members = []
        for number, series in enumerate(request.panel):
            history = History.of(series)
            features = feature_matrix(history, self.options.feature_names)
            targets = forward_returns(history.log_price, history.volatility, self.knots)
            members.append(_Member(series, features, targets, request.training_rows[series.instrument.name]))
            request.progress("features", number + 1, len(request.panel))
        return members

    def _windows(self, members: Sequence[_Member]) -> list[DenseWindows | LastWindows]:
        """The windows of every series that is long enough to be scored at least once."""
        cut = [self._cut(one, one.training_rows) for one in members]
        cut = [windows for windows in cut if len(windows)]
        if not cut:
            raise NotEnoughDataError(
                f"no series of the panel has {self.least_training_rows()} rows before the validation; "
                "give a longer history"
            )
        return cut

    def _direct(self, members: Sequence[_Member]) -> Float32Array:
        """(F, K) weights of the direct path from the inputs to the location, from the rows that may be learned from."""
        parts = []
        for one in members:
            rows = slice(self.options.windows.warm_up, max(one.training_rows, self.options.windows.warm_up))
            parts.append(TrainingRows(one.series.dates[rows], one.features[rows], one.targets[rows]))
        return direct_kernel(parts, odd_features(self.options.feature_names), self.knots)

    def _linear(self, members: Sequence[_Member], request: FitRequest) -> LinearVolatility | None:
        """The regression whose widths are averaged with the network's, from the rows that may be learned from."""
        if not self.options.linear_share:
            return None
        spans, parts = [max(knot, LEAST_SPAN) for knot in self.knots], []
        for one in members:
            history = History.of(one.series)
            volatility = forward_volatility(history.log_return, history.volatility, spans)
            # What is averaged over more days than are purged would reach into the validation.
            end = one.training_rows - max(spans[-1] - request.horizon, 0)
            rows = slice(self.options.windows.warm_up, max(end, self.options.windows.warm_up))
            parts.append(VolatilityRows(one.features[rows], volatility[rows], one.targets[rows]))
        flip = _inverts(request.panel)
        used = ~odd_features(self.options.feature_names) if flip else np.ones(parts[0].features.shape[1], dtype=bool)
        return LinearVolatility.fit(parts, used, spans, symmetric=flip)

    @property
    def _located(self) -> bool:
        """Whether there may be a location at all."""
        return self.options.location != "never" and self.options.windows.supervision == "dense"

    def _location_steps(self, fitted: "FittedLSTM", members: Sequence[_Member], request: FitRequest) -> list[int]:
        if "location_steps" in request.decided:
            return list(request.decided["location_steps"])
        if not self._located:
            return []
        gains = self._gains(fitted, members, request.validation_rows)
        fitted.facts["location_gains"] = gains.means
        return gains.supported(self.knots)

    def with_location(self, fitted: "FittedLSTM", steps: Sequence[int]) -> "FittedLSTM":
        """`fitted` with a location at those of `steps` that the options allow, and at no other."""
        return self.restore(fitted.arrays(), {**fitted.state(), "location_steps": list(steps) if self._located else []})

    def location_gains(self, fitted: "FittedLSTM", panel: Panel, rows: Mapping[str, IntArray]) -> LocationGains:
        """What the location gains at rows that the weights of `fitted` have not seen.

        Args:
            fitted: By this model.
            panel: The series.
            rows: Name -> (N,) consecutive cutoffs whose outcomes are known; a series that is not named is passed over.
        """
        asked = Panel(tuple(one for one in panel if len(rows.get(one.instrument.name, ()))))
        return self._gains(fitted, self._members(FitRequest(asked, dict.fromkeys(asked.names, 0), {}, 1)), rows)

    def _gains(self, fitted: "FittedLSTM", members: Sequence[_Member], rows: Mapping[str, IntArray]) -> LocationGains:
        unseen = [
            ValidationRows(one.series.dates, one.features, one.targets, kept, self.options.windows.warm_up)
            for one in members
            if len(kept := self._settled(rows.get(one.series.instrument.name, np.empty(0, np.intp))))
        ]
        return gather_gains(self.knots, unseen, fitted.locate)

    def _settled(self, rows: IntArray) -> IntArray:
        """Those of `rows` (N,) before which the network reads at least as many rows as the features take to settle."""
        return rows[rows >= 2 * self.options.windows.warm_up]

    def _cut(self, member: _Member, end_row: int) -> DenseWindows | LastWindows:
        """Samples of the rows before `end_row`, those of the warm-up left out."""
        options = self.options.windows
        features, targets = member.features[options.warm_up :], member.targets[options.warm_up :]
        end_row -= options.warm_up
        if options.supervision == "dense":
            return DenseWindows(features, targets, options.chunk, options.burn_in, end_row)
        return LastWindows(features, targets, options.context_length, end_row)

    def _validation(self, members: Sequence[_Member], request: FitRequest) -> tuple[Float32Array, Float32Array] | None:
        """Samples of the validation for the learning curve, from members spread over the panel; they change nothing."""
        options, batches = self.options.windows, []
        before = options.burn_in if options.supervision == "dense" else options.context_length - 1
        for one in members[:: max(len(members) // _CURVE_SERIES, 1)]:
            rows = request.validation_rows.get(one.series.instrument.name, np.empty(0, np.intp))
            starts = (rows - options.warm_up - before)[: 1 if options.supervision == "dense" else None]
            if len(starts) and starts[0] >= 0:
                batches.append(self._cut(one, int(rows[-1]) + 1).batch(starts))
        if not batches:
            return None
        x, y = zip(*batches, strict=True)
        return np.concatenate(x), np.concatenate(y)

    def _steps(self, windows: Sequence[DenseWindows | LastWindows]) -> int:
        """Optimiser steps: as configured, or fewer where they would score each row more than `max_passes` times."""
        training, cut = self.options.training, self.options.windows
        rows = sum(one.end_row for one in windows)
        scored = training.batch_size * (cut.chunk - cut.burn_in if cut.supervision == "dense" else 1)
        return max(min(training.steps, math.ceil(training.max_passes * rows / scored)), 1)

    def _train(
        self,
        network: Any,
        windows: Sequence[DenseWindows | LastWindows],
        validation: tuple[Float32Array, Float32Array] | None,
        request: FitRequest,
    ) -> list[dict[str, float]]:
        from forecaster.models.quantile.losses import QuantileLoss
        from forecaster.models.training import PanelBatches, draw_samples, fit_network, warm_cosine_adamw

        training = self.options.training
        steps = self._steps(windows)
        rng = np.random.default_rng(request.seed)
        lengths = [len(one) for one in windows]
        samples = draw_samples(lengths, steps * training.batch_size, _inverts(request.panel), rng)
        epochs = next(n for n in (10, 5, 2, 1) if n == 1 or (steps % n == 0 and steps // n >= 10))
        batches = PanelBatches(windows, samples, training.batch_size, odd_features(self.options.feature_names), epochs)
        optimizer = warm_cosine_adamw(steps, training.learning_rate, training.weight_decay, training.clip_norm)
        return fit_network(network, batches, optimizer, QuantileLoss(SCORING_LEVELS), request.progress, validation)


def _inverts(panel: Panel) -> bool:
    """Whether every history may be turned around: USDJPY up is JPYUSD down, a stock has no such mirror."""
    return all(series.instrument.kind == "pair" for series in panel)


class FittedLSTM:
    """A fitted LSTM: named weights and a few facts; it forecasts in one causal scan.

    Args:
        options: Of the model.
        knots: (K,) steps of the head.
        weights: Named arrays of the network.
        facts: What `state` returns: ``location_steps``, at which the median moves; ``mean_is_last_price``, as of a
            stock; ``numpy_difference``, the largest between NumPy and Keras; ``series`` and ``steps`` of the training.
        history: Learning curve.
    """

    name = "lstm"

    def __init__(
        self,
        options: LSTMOptions,
        knots: tuple[int, ...],
        weights: dict[str, AnyArray],
        facts: dict[str, Any],
        history: list[dict[str, float]],
    ) -> None:
        self.options, self.knots, self.facts, self.history = options, knots, facts, history
        self._weights = weights
        self._layers = numpy_lstm.lstm_layers(weights)
        self._linear = LinearVolatility.of(weights)

    @property
    def own_steps(self) -> int:
        """All steps up to the horizon are the model's own."""
        return self.knots[-1]

    def arrays(self) -> dict[str, AnyArray]:
        """See `forecaster.models.base.Fitted`."""
        return self._weights

    def state(self) -> dict[str, Any]:
        """See `forecaster.models.base.Fitted`."""
        return self.facts

    def forecast(self, series: PriceSeries, rows: IntArray, longest: int | None = None) -> Forecasts:
        """See `forecaster.models.base.Fitted`."""
        check_rows(rows, self.first_row)
        history = History.of(series)
        last = int(rows.max()) + 1 if len(rows) else 0
        features = feature_matrix(history, self.options.feature_names)[:last]
        location, quantiles = self._outputs(features, rows)
        used = np.isin(self.knots, self.facts.get("location_steps", ()))
        around, middle = self._with_second_opinion(quantiles.astype(np.float64), features[rows])
        scaled = around + (middle + np.where(used, location, 0.0))[..., None]  # the location is a mean, as the price is
        return Forecasts("lstm", rows, history.volatility[rows], self.knots, SCORING_LEVELS, scaled)

    def _with_second_opinion(self, own: FloatArray, features: Float32Array) -> tuple[FloatArray, FloatArray]:
        """Mean of the quantiles of network and regression (N, K, Q), around 0, and the middle of the latter (N, K)."""
        if self._linear is None:
            return own, np.zeros(own.shape[:2])
        share, other = self.options.linear_share, self._linear.quantiles(features)
        middle = other[..., len(SCORING_LEVELS) // 2]
        return (1 - share) * own + share * (other - middle[..., None]), middle

    def _outputs(self, features: Float32Array, rows: IntArray) -> tuple[Float32Array, Float32Array]:
        """Locations (N, K) and quantiles around 0 (N, K, Q) at `rows` (N,) of features (T, F) with warm-up."""
        if self.options.windows.supervision == "dense":
            warm_up = self.options.windows.warm_up
            hidden = numpy_lstm.run_scan(self._layers, features[warm_up:])[rows - warm_up]
        else:
            length = self.options.windows.context_length
            windows = LastWindows(features, features, length, len(features))
            hidden = numpy_lstm.run_windows(self._layers, windows.x[rows - length + 1], rows)
        return self.head(hidden, features[rows], rows)

    def read(self, x: Float32Array) -> Float32Array:
        """Output of the LSTM stack in every row of x (B, T, F): (B, T, U)."""
        return numpy_lstm.run_batch(self._layers, x)

    def locate(self, x: Float32Array) -> Float32Array:
        """Locations (B, T, K) in every row of x (B, T, F)."""
        hidden = self.read(x)
        location, _ = self.head(hidden.reshape(-1, hidden.shape[-1]), x.reshape(-1, x.shape[-1]))
        return location.reshape(*hidden.shape[:2], -1)

    def head(
        self, hidden: Float32Array, features: Float32Array, places: IntArray | None = None
    ) -> tuple[Float32Array, Float32Array]:
        """Locations (N, K) and quantiles around 0 (N, K, Q) for outputs (N, U) of the stack and features (N, F).

        Args:
            hidden: Outputs of the stack.
            features: What it read in the same rows.
            places: (N,) numbers of these rows.
        """
        return numpy_lstm.quantile_head(hidden, features, self._weights, len(self.knots), SCORING_LEVELS, places)

    @property
    def first_row(self) -> int:
        """First row at which a forecast can be made."""
        windows = self.options.windows
        return windows.warm_up + (0 if windows.supervision == "dense" else windows.context_length - 1)


def _parity(network: Any, fitted: FittedLSTM, windows: DenseWindows | LastWindows) -> float:
    """Largest difference between Keras and NumPy on one real sample."""
    x, _ = windows.batch(np.array([len(windows) // 2]))
    expected = np.asarray(network(x, training=False))[0]
    hidden = fitted.read(x)[0]
    rows = slice(None) if expected.ndim == 3 else slice(-1, None)
    location, quantiles = fitted.head(hidden[rows], x[0, rows])
    return float(np.abs(np.concatenate([location[..., None], quantiles], axis=-1) - expected).max())
