"""The Keras network of the encoder-decoder, as it is trained: the decoder reads the true path (teacher forcing).

`forecaster.models.seq2seq.decoder` computes the decoder in NumPy, and feeds it its own draws.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from forecaster.models.keras_weights import Seeds
from forecaster.models.quantile.head import quantiles_around_zero
from forecaster.models.seq2seq.options import Seq2SeqOptions
from forecaster.models.seq2seq.widths import LEVEL_DRAWS, MAX_INPUT, MEAN_ABSOLUTE, quantile_gaps, width_weights
from forecaster.quantiles import SCORING_LEVELS, level_weights

__all__ = ["PathDecoder", "PathLoss", "build_network"]


class PathDecoder(keras.layers.Layer):  # type: ignore[misc]  # keras ships no types
    """Quantiles of the return of each coming day, given the path up to the day before.

    The width of a day is that of the EWMA recursion along the path, times what the decoder has learned. With zero
    weights of the last layer, as at the start, every day is normal with the recursive width.

    Args:
        options: Options of the model.
        seeds: Seeds of initialisers and dropout.

    Call arguments:
        inputs: ``states`` (B, T, U) of the encoder in every row of a chunk, ``path`` (B, S, H) returns of the H days
            after each of S rows, in units of the volatility of that row, and ``draws`` (B, S, H): 0 where the decoder
            reads the true return, else the number of the level at which it reads its own quantile.

    Returns:
        (B, S, H, Q) in the units of ``path``.
    """

    def __init__(self, options: Seq2SeqOptions, seeds: Seeds, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._options = options
        units = options.decoder_units
        self.bridge = seeds.dense(2 * units, "bridge")
        self.lstm = seeds.recurrent(keras.layers.LSTM, units, True, "lstm")
        self.spread = keras.layers.Dense(len(SCORING_LEVELS) - 1, kernel_initializer="zeros", name="spread")
        self.dropout = keras.layers.Dropout(options.dropout, seed=seeds.next(), name="dropout")
        if options.memory_rows:
            self.memory = seeds.dense(units, "memory")
            self.mix = seeds.dense(units, "mix")
        if options.attention == "bahdanau":
            self.query = seeds.dense(units, "query")
            self.score = seeds.dense(1, "score")
        self._levels = level_weights(SCORING_LEVELS, LEVEL_DRAWS).T.astype(np.float32)

    def build(self, input_shape: dict[str, tuple[int | None, ...]]) -> None:
        """Make the weights of all layers."""
        encoded = input_shape["states"][-1]
        units = self._options.decoder_units
        steps = input_shape["path"][-1]
        self.bridge.build((None, encoded))
        self.lstm.build((None, steps, 3))
        self.spread.build((None, steps, units))
        if self._options.memory_rows:
            self.memory.build((None, self._options.memory_rows, encoded))
            self.mix.build((None, steps, 2 * units))
        if self._options.attention == "bahdanau":
            self.query.build((None, steps, units))
            self.score.build((None, steps, self._options.memory_rows, units))
        self._carried, self._admitted = width_weights(int(steps or 0))
        super().build(input_shape)

    def call(self, inputs: dict[str, Any], training: bool | None = None) -> Any:
        """See the class."""
        states, path = inputs["states"], inputs["path"]
        starts, steps = path.shape[1:]
        rows = self._options.windows.burn_in + np.arange(starts) * self._options.decode_every
        flat = ops.reshape(path, (-1, steps))
        start = ops.reshape(ops.take(states, rows, axis=1), (-1, states.shape[-1]))
        memory = self._memory(states, rows)
        if "draws" in inputs:
            drawn = ops.reshape(inputs["draws"], (-1, steps))
            own = ops.stop_gradient(self._quantiles(start, memory, flat, training=False))
            level = ops.take(self._levels, ops.maximum(drawn - 1, 0), axis=0)
            flat = ops.where(drawn > 0, ops.sum(own * level, axis=-1), flat)
        quantiles = self._quantiles(start, memory, flat, training)
        return ops.reshape(quantiles, (-1, starts, steps, len(SCORING_LEVELS)))

    def _quantiles(self, start: Any, memory: Any, path: Any, training: bool | None) -> Any:
        """(N, H, Q) from states (N, U) and paths (N, H)."""
        squares = ops.square(path)
        width = ops.sqrt(self._carried + ops.matmul(squares, self._admitted))
        bridged = ops.tanh(self.bridge(start))
        units = self._options.decoder_units
        hidden = self.lstm(self._inputs(path, width), initial_state=[bridged[:, :units], bridged[:, units:]])
        if memory is not None:
            hidden = self._attend(hidden, memory)
        raw = self.spread(self.dropout(hidden, training=training))
        return quantiles_around_zero(raw, quantile_gaps()) * width[..., None]

    def _inputs(self, path: Any, width: Any) -> Any:
        """(N, H, 3): return of the day before, its size, and the log of the width; zeros for the first day."""
        scaled = ops.clip(path / width, -MAX_INPUT, MAX_INPUT)[:, :-1]
        before = ops.stack([scaled, ops.abs(scaled) - MEAN_ABSOLUTE, ops.log(width[:, 1:])], axis=-1)
        return ops.pad(before, [[0, 0], [1, 0], [0, 0]])

    def _memory(self, states: Any, rows: np.ndarray) -> Any:
        count = self._options.memory_rows
        if not count:
            return None
        around = rows[:, None] + np.arange(1 - count, 1)
        taken = ops.take(states, around.reshape(-1), axis=1)
        return self.memory(ops.reshape(taken, (-1, count, states.shape[-1])))

    def _attend(self, hidden: Any, memory: Any) -> Any:
        """(N, H, U) from states of the decoder (N, H, U) and keys (N, A, U)."""
        if self._options.attention == "luong":
            scores = ops.einsum("nhu,nau->nha", hidden, memory)
        else:
            scores = self.score(ops.tanh(self.query(hidden)[:, :, None] + memory[:, None]))[..., 0]
        context = ops.einsum("nha,nau->nhu", ops.softmax(scores, axis=-1), memory)
        return ops.tanh(self.mix(ops.concatenate([hidden, context], axis=-1)))


def build_network(options: Seq2SeqOptions, horizon: int, seed: int = 0) -> keras.Model:
    """Encoder and decoder with fresh weights.

    Args:
        options: Options of the model.
        horizon: Days H of a path.
        seed: Seed of the weights and of the dropout.

    Returns:
        A model with the inputs ``features`` (B, chunk, F), ``path`` (B, S, H) and, with scheduled sampling, ``draws``
        (B, S, H), see `PathDecoder`. Its output is (B, S, H, Q).
    """
    seeds = Seeds(seed)
    windows = options.windows
    starts = len(range(windows.burn_in, windows.chunk, options.decode_every))
    inputs = {
        "features": keras.Input((windows.chunk, len(options.feature_names)), name="features"),
        "path": keras.Input((starts, horizon), name="path"),
    }
    if options.sampling_ratio:
        inputs["draws"] = keras.Input((starts, horizon), dtype="int32", name="draws")
    states = options.architecture.build(inputs["features"], options, seeds, sequences=True)
    decoder = PathDecoder(options, seeds, name="decoder")
    given = {name: tensor for name, tensor in inputs.items() if name != "features"}
    return keras.Model(inputs, decoder({"states": states, **given}))


class PathLoss:
    """Mean pinball loss of the days of all paths; unknown outcomes do not count.

    Args:
        quantile_levels: (Q,).

    Call arguments:
        outcome: (B, S, H) returns, NaN where unknown.
        output: (B, S, H, Q) quantiles in the same units.
    """

    __name__ = "path_loss"

    def __init__(self, quantile_levels: Sequence[float]) -> None:
        self._levels = np.asarray(quantile_levels, dtype="float32")

    def __call__(self, outcome: Any, output: Any) -> Any:
        """See the class."""
        is_known = ops.logical_not(ops.isnan(outcome))
        error = ops.where(is_known, outcome, 0.0)[..., None] - output
        pinball = ops.mean(ops.maximum(self._levels * error, (self._levels - 1) * error), axis=-1)
        mask = ops.cast(is_known, output.dtype)
        return ops.sum(mask * pinball) / ops.maximum(ops.sum(mask), 1.0)
