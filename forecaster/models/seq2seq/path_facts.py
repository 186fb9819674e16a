"""Facts about sampled paths that a fit measures on its training rows, after the network is trained."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from forecaster.arrays import FloatArray
from forecaster.features.windows import DenseWindows
from forecaster.models.seq2seq.batches import network_inputs
from forecaster.models.seq2seq.draws import tail_share
from forecaster.models.seq2seq.options import Seq2SeqOptions
from forecaster.models.seq2seq.path_function import PathFunction
from forecaster.quantiles import SCORING_LEVELS

__all__ = ["measure_correction", "measure_tail_share"]

GOLDEN_RATIO = 0.6180339887
_CHUNKS = 128  # that tails are estimated from
_CUTOFFS = 32  # that many paths are sampled from


def measure_tail_share(network: Any, samples: Sequence[DenseWindows], options: Seq2SeqOptions) -> float:
    """Tails of a day given the days before it; see `forecaster.models.seq2seq.draws.tail_share`.

    Args:
        network: The trained Keras network.
        samples: Samples of every series, whose targets are paths.
        options: Options of the model.
    """
    quantiles, outcomes = [], []
    for windows, start in _chunks(samples, _CHUNKS):
        inputs, path = network_inputs(*windows.batch(np.array([start])), options)
        quantiles.append(network.predict_on_batch(inputs).reshape(-1, len(SCORING_LEVELS)))
        outcomes.append(path.reshape(-1))
    return tail_share(np.concatenate(quantiles), np.concatenate(outcomes))


def measure_correction(function: PathFunction, samples: Sequence[DenseWindows]) -> FloatArray:
    """(K, Q) mean error of quantiles of few paths against those of many, in standard deviations of the step.

    Args:
        function: The forecaster with a correction of 0.
        samples: Samples of every series.
    """
    days = np.array(function.steps) - 1
    errors = []
    for seed, (windows, start) in enumerate(_chunks(samples, _CUTOFFS)):
        x, _ = windows.batch(np.array([start]))
        state = function.chunk_states(x[0], np.array([windows.burn_in]))
        few, deviation = function.few_path_quantiles(state)
        errors.append((few[0] - function.many_path_quantiles(state, seed)[days]) / deviation[0, :, None])
    return np.asarray(np.mean(errors, axis=0))


def _chunks(samples: Sequence[DenseWindows], count: int) -> Iterator[tuple[DenseWindows, int]]:
    """About `count` chunks, evenly spread over the series and over time; few of one series overlap."""
    each = max(count // len(samples), 1)
    place = 0.0
    for windows in samples[:: max(len(samples) // count, 1)]:
        for _ in range(min(each, len(windows) // windows.chunk + 1)):
            yield windows, int(place * len(windows))
            place = (place + GOLDEN_RATIO) % 1  # evenly spread, however many there are
