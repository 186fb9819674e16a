from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from forecaster.data.series import Panel
from forecaster.models.architectures.lstm import LSTM
from forecaster.models.base import FitRequest
from forecaster.models.quantile.initial_shape import counted_shape
from forecaster.quantiles import SCORING_LEVELS, normal_scores

GAPS = np.diff(normal_scores(SCORING_LEVELS))


def outcomes(rows: int, seed: int = 0, scale: float = 1.0) -> np.ndarray:
    """Skewed and heavy on the left, at two steps; the second is the same with the last rows unknown."""
    rng = np.random.default_rng(seed)
    drawn = np.where(rng.random(rows) < 0.3, 2.0, 0.7) * rng.normal(size=rows) * scale
    drawn = np.where(drawn < 0, 1.5 * drawn, drawn)
    both = np.stack([drawn, drawn], axis=1).astype(np.float32)
    both[rows // 2 :, 1] = np.nan
    return both


def test_many_outcomes_give_their_own_shape() -> None:
    drawn = outcomes(200_000)
    raw = counted_shape([drawn[:50_000], drawn[50_000:]], (1, 1))
    for k, known in enumerate((drawn, drawn[:100_000])):
        gaps = np.diff(np.quantile(known[:, k], SCORING_LEVELS))
        np.testing.assert_allclose(GAPS * np.exp(raw[k]), gaps, rtol=0.02)


def test_a_sample_of_the_normal_distribution_keeps_to_it() -> None:
    """The shrinkage is that of the sampling error: the mean square left is below the usual and below the error."""
    drawn = [np.random.default_rng(seed).normal(size=(400, 1)).astype(np.float32) for seed in range(200)]
    raw = np.array([counted_shape([one], (1,))[0] for one in drawn])
    free = np.array([np.log(np.diff(np.quantile(one[:, 0], SCORING_LEVELS)) / GAPS) for one in drawn])
    variance = free.var(axis=0)
    expected = 0.04 / (0.04 + variance)
    np.testing.assert_allclose(raw.std(axis=0) / free.std(axis=0), expected, atol=0.06)


def test_overlapping_outcomes_prove_less() -> None:
    drawn = np.repeat(outcomes(2000)[:, :1], 3, axis=1)
    raw = np.abs(counted_shape([drawn], (1, 20, 250)))
    assert (raw[0] > raw[1]).all()
    assert (raw[1] > raw[2]).all()


@pytest.mark.parametrize("drawn", [np.empty((0, 2)), np.full((9, 2), np.nan), np.zeros((9, 2)), np.ones((1, 2))])
def test_outcomes_that_say_nothing_give_finite_outputs(drawn: np.ndarray) -> None:
    assert np.isfinite(counted_shape([drawn.astype(np.float32)], (1, 20))).all()


def start_of(helpers: SimpleNamespace, series: Any, passes: int) -> tuple[Any, np.ndarray]:
    """Windows of the training, and the bias of the widths before its first step."""
    training = {"steps": 20, "batch_size": 4, "max_passes": passes}
    model = LSTM(helpers.lstm_options(training=training), 5)
    members = model._members(FitRequest(Panel((series,)), {"USDJPY": 700}, {}, 5))
    (windows,) = samples = model._samples(members)
    network = model.network()
    model._initialise(network, members, samples)
    return windows, np.asarray(network.get_layer("head").spread.bias)


@pytest.mark.parametrize(("passes", "counted"), [(1, True), (1000, False)])
def test_only_a_training_that_is_cut_short_starts_at_the_shape(
    helpers: SimpleNamespace, passes: int, counted: bool
) -> None:
    windows, bias = start_of(helpers, helpers.oracles.walk(900), passes)
    expected = counted_shape([windows.targets[:499]], (1, 5)).reshape(-1) if counted else np.zeros(16)
    np.testing.assert_allclose(bias, expected, atol=1e-6)
    assert counted == (np.abs(bias).max() > 0.01)


def test_the_start_knows_nothing_of_the_validation(helpers: SimpleNamespace) -> None:
    series = helpers.oracles.walk(900)
    starts = [start_of(helpers, one, 1)[1] for one in (series, helpers.oracles.scrambled(series, 704))]
    np.testing.assert_array_equal(*starts)
    assert (starts[0] != start_of(helpers, helpers.oracles.scrambled(series, 600), 1)[1]).any()
