"""The whole encoder-decoder with fixed weights as one function: quantiles from sampled paths, and the paths."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from forecaster.arrays import AnyArray, Float32Array, FloatArray, IntArray
from forecaster.errors import UsageError
from forecaster.features.windows import DenseWindows, LastWindows
from forecaster.models.architectures.base import ForwardPass
from forecaster.models.numpy_dense import blocks
from forecaster.models.quantile.forecast_function import ForecastFunction
from forecaster.models.quantile.numpy_head import Blend
from forecaster.models.seq2seq.decoder import Choose, Decoder
from forecaster.models.seq2seq.draws import draw_weights, order_weights, smooth_order_weights, stratified_weights
from forecaster.models.seq2seq.options import Seq2SeqOptions
from forecaster.models.seq2seq.widths import spacing_matrix, width_weights
from forecaster.models.volatility_regression import VolatilityRegression
from forecaster.quantiles import MEDIAN, SCORING_LEVELS

__all__ = ["CORRECTION", "TAIL_SHARE", "PathFunction"]

CORRECTION = "paths/correction"
"""Name of the (K, Q) error of the quantiles of few paths, in standard deviations of the step."""
TAIL_SHARE = "paths/tail_share"
"""Name of the tails of a day, see `forecaster.models.seq2seq.draws.draw_weights`."""

_FEW_PATHS = 32  # of each of so many cutoffs, side by side
_BLOCK_PATHS = 128  # of one cutoff, side by side
_MANY_PATHS = 4096
_CANDIDATES = 64


@dataclasses.dataclass(frozen=True, eq=False)
class PathFunction(ForecastFunction):
    """The whole forecaster with fixed weights.

    Args:
        options: Options of the model.
        steps: (K,) steps that are forecast.
        weights: Named arrays of encoder, decoder and regression.
        location_steps: None; no step has a location.
        network: The encoder.
        decoder: The decoder.
    """

    options: Seq2SeqOptions
    network: ForwardPass
    decoder: Decoder

    @classmethod
    def of_weights(
        cls, options: Seq2SeqOptions, steps: tuple[int, ...], weights: Mapping[str, AnyArray]
    ) -> "PathFunction":
        """The function with the weights of a run."""
        encoder = options.architecture.numpy_pass(weights, options)
        return cls(options, steps, weights, (), encoder, Decoder.of(options.attention, weights))

    def __call__(self, features: Float32Array, rows: IntArray) -> FloatArray:
        """See `ForecastFunction`."""
        return self.scaled(self.memory(features, rows), features[rows], rows)

    def scaled(self, state: Float32Array, features: Float32Array, places: IntArray | None = None) -> FloatArray:
        """Scaled quantiles (N, K, Q) from the states (N, U), or (N, A, U) with attention, and features (N, F).

        Raises:
            UsageError: The states to attend to are missing.
        """
        spread = self.path_quantiles(state, places)
        spread -= spread[..., MEDIAN, None]
        regression = VolatilityRegression.of(self.weights)
        blend = Blend(regression, self.options.linear_share, np.zeros(len(self.steps), dtype=bool))
        return blend(np.zeros(spread.shape[:2], dtype=np.float32), spread.astype(np.float32), features)

    def memory(self, features: Float32Array, rows: IntArray) -> Float32Array:
        """States of the encoder in the rows `rows` (N,) of features (T, F): (N, U), or (N, A, U) with attention."""
        warm_up = self.options.windows.warm_up
        read = self.network.histories(features[None, warm_up:])[0]
        # Rows that only the features read have no state.
        states = np.concatenate([np.zeros((warm_up, read.shape[-1]), dtype=np.float32), read])
        return self._attended(states, rows)

    def chunk_states(self, x: Float32Array, rows: IntArray) -> Float32Array:
        """As `memory`, of an encoder that reads histories x (..., T, F) from their first row on: (..., N, [A,] U)."""
        states = self.network.histories(x.reshape(-1, *x.shape[-2:]))
        attended = np.stack([self._attended(history, rows) for history in states])
        return attended.reshape(*x.shape[:-2], *attended.shape[1:])

    def _attended(self, states: Float32Array, rows: IntArray) -> Float32Array:
        """Those of states (T, U) that the decoder reads after each row; before the first row, the first state."""
        count = self.options.memory_rows
        return states[np.maximum(rows[:, None] + np.arange(1 - count, 1), 0)] if count else states[rows]

    def path_quantiles(self, state: Float32Array, places: IntArray | None = None) -> FloatArray:
        """Quantiles (N, K, Q) of the paths alone; arguments and units as of `scaled`.

        They come from few draws, the same for every cutoff, so that a forecast has no noise of its own. Their mean
        error was measured in the fit and is subtracted.
        """
        quantiles, deviation = self.few_path_quantiles(state, places)
        return np.maximum.accumulate(quantiles - deviation[..., None] * self.weights[CORRECTION], axis=-1)

    def few_path_quantiles(self, state: Float32Array, places: IntArray | None = None) -> tuple[FloatArray, FloatArray]:
        """Quantiles (N, K, Q) of few paths, without correction, and their standard deviations (N, K)."""
        weights = stratified_weights(self.steps[-1], _FEW_PATHS, self._tail_share, candidates=_CANDIDATES)
        days = np.array(self.steps) - 1
        root = np.sqrt(np.array(self.steps, dtype=float))[:, None]
        quantiles = np.empty((len(state), len(self.steps), len(SCORING_LEVELS)))
        deviation = np.empty((len(state), len(self.steps)))
        block = np.zeros((_FEW_PATHS, *state.shape[1:]), dtype=np.float32)
        for positions, slots in blocks(np.arange(len(state)) if places is None else places, _FEW_PATHS):
            block[slots] = state[positions]
            returns = self._decode(block, weights)
            total = np.cumsum(returns, axis=-1, dtype=np.float64)[..., days].transpose(0, 2, 1) / root
            quantiles[positions] = (np.sort(total, axis=-1) @ smooth_order_weights(_FEW_PATHS))[slots]
            deviation[positions] = total.std(axis=-1)[slots]
        return quantiles, deviation

    def many_path_quantiles(self, state: Float32Array, seed: int = 0) -> FloatArray:
        """Quantiles (H, Q) at every step of many paths after one cutoff; units as of `scaled`.

        Args:
            state: (1, U) or (1, A, U), see `memory`.
            seed: Seed of the draws.
        """
        weights = stratified_weights(self.steps[-1], _MANY_PATHS, self._tail_share, seed)
        parts = np.split(weights, _MANY_PATHS // _BLOCK_PATHS, axis=1)
        returns = np.concatenate([self._decode(state, part)[0] for part in parts])
        total = np.sort(np.cumsum(returns, axis=1, dtype=np.float64), axis=0).T @ order_weights(_MANY_PATHS)
        return np.asarray(total / np.sqrt(np.arange(1, self.steps[-1] + 1))[:, None])

    def paths(self, state: Float32Array, count: int, rng: np.random.Generator) -> FloatArray:
        """Log returns (`count`, H) of the days after one cutoff, in units of its volatility.

        Args:
            state: (1, U) or (1, A, U), see `memory`.
            count: Number of paths.
            rng: Source of randomness.
        """
        sampled = []
        for _ in range(0, count, _BLOCK_PATHS):
            levels = rng.uniform(
                np.finfo(float).tiny, 1, (self.steps[-1], _BLOCK_PATHS)
            )  # a level of 0 has no quantile
            sampled.append(self._decode(state, draw_weights(levels, self._tail_share))[0].astype(np.float64))
        return np.concatenate(sampled)[:count]

    def parity(self, network: Any, samples: DenseWindows | LastWindows) -> float:
        """Largest difference between the Keras `network` and NumPy on one training sample, whose true days both read.

        Args:
            network: The network that was trained, see `forecaster.models.seq2seq.network.build_network`.
            samples: Samples of one series, whose targets are paths.
        """
        from forecaster.models.seq2seq.batches import network_inputs

        inputs, _ = network_inputs(*samples.batch(np.array([len(samples) // 2])), self.options)
        windows = self.options.windows
        rows = np.arange(windows.burn_in, windows.chunk, self.options.decode_every)
        quantiles = self.given_paths(inputs["features"][0], rows, inputs["path"][0])
        return float(np.abs(quantiles - network.predict_on_batch(inputs)[0]).max())

    def keras_model(self) -> Any:
        """Refused: quantiles of sampled paths are no function that Keras computes.

        Raises:
            UsageError: Always.
        """
        raise UsageError(
            "seq2seq forecasts by sampled paths, which no Keras model computes; expected another kind, such as lstm"
        )

    def given_paths(self, x: Float32Array, rows: IntArray, paths: Float32Array) -> Float32Array:
        """Quantiles (N, H, Q) of each day of given paths, from the days before it: the decoder with teacher forcing.

        Args:
            x: (T, F) features that the encoder reads from their first row on.
            rows: (N,) row numbers in it.
            paths: (N, H) returns after them, in units of the volatility in that row.
        """
        carried, admitted = width_weights(paths.shape[1])
        widths = np.sqrt(carried + paths**2 @ admitted)
        result = np.empty((*paths.shape, len(SCORING_LEVELS)), dtype=np.float32)

        def choose(day: int, spacing: Float32Array) -> Float32Array:
            result[:, day] = spacing[:, 0] @ spacing_matrix().T * widths[:, day, None]
            return np.asarray((paths / widths)[:, day, None])

        state = self.chunk_states(x, rows)
        self._written(state, (1, paths.shape[1]), choose)
        return result

    @property
    def _tail_share(self) -> float:
        return float(self.weights[TAIL_SHARE])

    def _decode(self, state: Float32Array, weights: Float32Array) -> Float32Array:
        """Returns (N, P, H) after the cutoffs with these states, drawn with `weights` (H, P, Q - 1)."""

        def choose(day: int, spacing: Float32Array) -> Float32Array:
            return np.asarray(np.einsum("cpj,pj->cp", spacing, weights[day]))

        days, count, _ = weights.shape
        return self._written(state, (count, days), choose)

    def _written(self, state: Float32Array, size: tuple[int, int], choose: Choose) -> Float32Array:
        if not self.options.memory_rows:
            return self.decoder.paths(state, None, size, choose)
        if state.ndim < 3:
            raise UsageError(
                "a decoder with attention reads several states of the encoder; got one; expected model.attention: none"
            )
        return self.decoder.paths(state[:, -1], state, size, choose)
