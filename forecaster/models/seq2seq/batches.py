"""Batches of the encoder-decoder: chunks of features, and the paths after every few rows of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from forecaster.arrays import BoolArray, Float32Array, IntArray
from forecaster.models.seq2seq.options import Seq2SeqOptions
from forecaster.models.seq2seq.widths import LEVEL_DRAWS
from forecaster.models.training import PanelBatches, Windows

__all__ = ["PathBatches", "network_inputs"]

Inputs = dict[str, Any]


def network_inputs(x: Float32Array, paths: Float32Array, options: Seq2SeqOptions) -> tuple[Inputs, Float32Array]:
    """Inputs of the network, without draws of its own, and its targets.

    Args:
        x: (B, T, F) chunks.
        paths: (B, T', H) days after every scored row of them, NaN where unknown. The decoder reads such a day as zero;
            nothing after it is scored.
        options: Options of the model.
    """
    y = paths[:, :: options.decode_every]
    inputs = {"features": x, "path": np.nan_to_num(y)}
    if options.sampling_ratio:
        inputs["draws"] = np.zeros(y.shape, dtype=np.int32)
    return inputs, y


class PathBatches(PanelBatches):
    """Batches of inputs and paths, with scheduled sampling (Bengio et al. 2015).

    The share of days on which the decoder reads its own draw rises linearly from 0 in the first epoch to
    `sampling_ratio` in the last.

    Args:
        windows: Windows of each series, whose targets are paths.
        samples: (E * N, 3) series, window, sign.
        antisymmetric: (F,) True for features that change sign with the quotation.
        epochs: E.
        options: Options of the model.
        seed: Seed of the draws.
    """

    def __init__(
        self,
        windows: Sequence[Windows],
        samples: IntArray,
        antisymmetric: BoolArray,
        epochs: int,
        options: Seq2SeqOptions,
        seed: int,
    ) -> None:
        super().__init__(windows, samples, options.training.batch_size, antisymmetric, epochs)
        self._options = options
        self._seed = seed

    def __getitem__(self, index: int) -> tuple[Inputs, Float32Array]:
        inputs, y = network_inputs(*super().__getitem__(index), self._options)
        if self._options.sampling_ratio:
            ratio = self._options.sampling_ratio * self._epoch / max(self.epochs - 1, 1)
            # The order in which Keras asks for batches is its own.
            rng = np.random.default_rng((self._seed, self._epoch, index))
            levels = rng.integers(1, len(LEVEL_DRAWS) + 1, size=y.shape)
            inputs["draws"] = np.where(rng.random(y.shape) < ratio, levels, 0).astype(np.int32)
        return inputs, y
