"""The decoder: NumPy and Keras agree, a day depends on the days before it, and paths move together as they should."""

import dataclasses
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from forecaster.features.windows import DenseWindows
from forecaster.models.keras_weights import named_weights
from forecaster.models.seq2seq.decoder import decoder_shapes
from forecaster.models.seq2seq.inspection import PathInspection
from forecaster.models.seq2seq.network import build_network
from forecaster.models.seq2seq.options import Seq2SeqOptions
from forecaster.models.seq2seq.path_facts import measure_correction
from forecaster.models.seq2seq.path_function import CORRECTION, TAIL_SHARE, PathFunction
from forecaster.quantiles import SCORING_LEVELS

SMALL = {"units": (5,), "decoder_units": 4, "attention_rows": 7, "decode_every": 16}
DAYS = 6
DECAY = 0.97  # of the volatility that scales everything


def options_of(helpers: SimpleNamespace, **options: object) -> Seq2SeqOptions:
    return helpers.options_of(Seq2SeqOptions, **{**SMALL, **options})


def network_of(options: Seq2SeqOptions, days: int = DAYS, trained: bool = True) -> object:
    network = build_network(options, days, seed=2)
    if trained:
        spread = network.get_layer("decoder").spread
        spread.kernel.assign(np.random.default_rng(0).normal(0, 0.4, spread.kernel.shape))
    return network


def function_of(options: Seq2SeqOptions, network: object, days: int = DAYS, tail_share: float = 1.0) -> PathFunction:
    facts = {TAIL_SHARE: np.float32(tail_share), CORRECTION: np.zeros((2, len(SCORING_LEVELS)), np.float32)}
    return PathFunction.of_weights(options, (1, days), {**named_weights(network), **facts})


def test_numpy_and_keras_agree_on_given_paths(helpers: SimpleNamespace) -> None:
    """Luong's attention is compared below, and a decoder without attention in every fit."""
    options = options_of(helpers, attention="bahdanau")
    network = network_of(options)
    rng = np.random.default_rng(1)
    rows = np.arange(32, 128, 16)
    x = rng.normal(0, 1, (1, 128, len(options.feature_names))).astype(np.float32)
    path = rng.standard_t(4, (1, len(rows), DAYS)).astype(np.float32)
    expected = network.predict_on_batch({"features": x, "path": path})[0]
    function = function_of(options, network)
    np.testing.assert_allclose(function.given_paths(x[0], rows, path[0]), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("attention", ["none", "luong", "bahdanau"])
def test_the_weights_of_a_decoder_have_the_expected_shapes(helpers: SimpleNamespace, attention: str) -> None:
    weights = named_weights(network_of(options_of(helpers, attention=attention)))
    shapes = {name: array.shape for name, array in weights.items() if name.startswith("decoder")}
    assert shapes == decoder_shapes(5, 4, attention)


@pytest.mark.parametrize("attention", ["none", "luong"])
def test_a_day_depends_on_the_days_before_it_alone(helpers: SimpleNamespace, attention: str) -> None:
    options = options_of(helpers, attention=attention)
    function = function_of(options, network_of(options))
    rng = np.random.default_rng(1)
    x = rng.normal(0, 1, (128, len(options.feature_names))).astype(np.float32)
    rows = np.array([40, 90])
    path = rng.normal(0, 1, (2, DAYS)).astype(np.float32)
    altered = path.copy()
    altered[:, 3:] += 2
    before, after = (function.given_paths(x, rows, days) for days in (path, altered))
    np.testing.assert_array_equal(before[:, :4], after[:, :4])
    assert (before[:, 4:] != after[:, 4:]).any(axis=(1, 2)).all()
    x[91:] += 1  # rows after the cutoffs
    np.testing.assert_array_equal(function.given_paths(x, rows, path), before)


def test_scheduled_sampling_reads_own_quantiles_in_place_of_the_truth(helpers: SimpleNamespace) -> None:
    options = options_of(helpers, attention="luong", sampling_ratio=0.5)
    network = network_of(options)
    rng = np.random.default_rng(1)
    x = rng.normal(0, 1, (1, 128, len(options.feature_names))).astype(np.float32)
    path = rng.normal(0, 1, (1, 6, DAYS)).astype(np.float32)
    draws = np.zeros(path.shape, dtype=np.int32)
    given = network.predict_on_batch({"features": x, "path": path, "draws": draws})
    in_numpy = function_of(options, network).given_paths(x[0], np.arange(32, 128, 16), path[0])
    np.testing.assert_allclose(in_numpy, given[0], rtol=1e-5, atol=1e-5)
    draws[:, :, 2] = 64  # its highest level
    sampled = network.predict_on_batch({"features": x, "path": path, "draws": draws})
    np.testing.assert_array_equal(sampled[..., :3, :], given[..., :3, :])
    # The draw replaces the day, so it is the same whatever the truth was on that day.
    path[:, :, 2] = 0
    np.testing.assert_allclose(
        network.predict_on_batch({"features": x, "path": path, "draws": draws}), sampled, rtol=1e-5
    )
    assert (sampled[..., 3, -1] > given[..., 3, -1]).mean() > 0.5  # after a large move the next day is wider


def student_tails(level: np.ndarray) -> np.ndarray:
    """Quantiles (N,) of a normal distribution with tails of Student's t beyond 2.5 %."""
    outer, inner = stats.norm.ppf(0.975), stats.norm.ppf(0.95)
    edges = stats.t.ppf((0.95, 0.975), 4)
    tail = outer + (stats.t.ppf(np.maximum(level, 1 - level), 4) - edges[1]) * (outer - inner) / np.diff(edges)
    return np.where(np.abs(level - 0.5) < 0.475, stats.norm.ppf(level), np.sign(level - 0.5) * tail)


def recursive_walks(count: int, days: int, innovations: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Paths (N, H) of the EWMA recursion, written day by day."""
    rng = np.random.default_rng(5)
    variance = np.ones(count)
    returns = []
    for _ in range(days):
        returns.append(np.sqrt(variance) * innovations(rng.random(count)))
        variance = DECAY * variance + (1 - DECAY) * returns[-1] ** 2
    return np.stack(returns, axis=1)


def joint_facts(returns: np.ndarray) -> np.ndarray:
    """Facts of paths (N, H) that no single day shows: means and upper tenths of highest, lowest and realised size."""
    total = returns.cumsum(axis=1)
    facts = np.stack([total.max(axis=1), -total.min(axis=1), (returns**2).sum(axis=1)])
    return np.concatenate([facts.mean(axis=1), np.quantile(facts, 0.9, axis=1)])


@pytest.mark.parametrize(("tail_share", "innovations"), [(0.0, stats.norm.ppf), (1.0, student_tails)])
def test_paths_without_training_move_like_the_simulated_recursion(
    helpers: SimpleNamespace, tail_share: float, innovations: Callable[[np.ndarray], np.ndarray]
) -> None:
    days = 20
    options = options_of(helpers)
    function = function_of(options, network_of(options, days, trained=False), days, tail_share)
    x = np.random.default_rng(1).normal(0, 1, (300, len(options.feature_names))).astype(np.float32)
    state = function.memory(x, np.array([299]))
    paths = function.paths(state, 8000, np.random.default_rng(0))
    assert paths.shape == (8000, days)
    np.testing.assert_allclose(joint_facts(paths), joint_facts(recursive_walks(40_000, days, innovations)), rtol=0.04)
    assert (function.paths(state, 10, np.random.default_rng(0)) == paths[:10]).all()


def test_quantiles_of_few_draws_are_those_of_many_paths(helpers: SimpleNamespace) -> None:
    days = 10
    options = options_of(helpers)
    function = function_of(options, network_of(options, days), days)
    rng = np.random.default_rng(1)
    x, unseen = rng.normal(0, 1, (2, 900, len(options.feature_names))).astype(np.float32)
    windows = DenseWindows(x, np.zeros((900, days), np.float32), chunk=128, burn_in=32, end_row=900)
    correction = measure_correction(function, [windows]).astype(np.float32)
    function = dataclasses.replace(function, weights={**function.weights, CORRECTION: correction})
    state = function.memory(unseen, np.array([899]))
    many = function.paths(state, 40_000, np.random.default_rng(3)).cumsum(axis=1)[:, [0, days - 1]]
    expected = np.quantile(many, SCORING_LEVELS, axis=0).T / np.sqrt([[1], [days]])
    np.testing.assert_allclose(function.path_quantiles(state)[0], expected, atol=0.03)
    np.testing.assert_allclose(function.many_path_quantiles(state)[[0, days - 1]], expected, atol=0.05)


def test_the_bits_of_a_row_do_not_depend_on_other_rows(helpers: SimpleNamespace) -> None:
    options = options_of(helpers, attention="luong")
    function = function_of(options, network_of(options))
    x = np.random.default_rng(1).normal(0, 1, (300, len(options.feature_names))).astype(np.float32)
    rows = np.arange(230, 260)
    together = function.path_quantiles(function.memory(x, rows), rows)
    for position in (0, 7, 29):
        np.testing.assert_array_equal(
            function.path_quantiles(function.memory(x, rows[[position]]), rows[[position]])[0], together[position]
        )


def test_a_decoder_attends_to_no_later_row_near_the_start_of_a_history(helpers: SimpleNamespace) -> None:
    options = options_of(helpers, attention="luong", attention_rows=32, windows={"warm_up": 20})
    function = function_of(options, network_of(options))
    x = np.random.default_rng(1).normal(0, 1, (300, len(options.feature_names))).astype(np.float32)
    rows = np.array([20, 24, 51])
    later = np.where(np.arange(300)[:, None] > 51, -x, x)
    expected = function.path_quantiles(function.memory(x, rows), rows)
    np.testing.assert_array_equal(function.path_quantiles(function.memory(later, rows), rows), expected)


def test_an_inspection_reads_the_states_that_a_decoder_attends_to(helpers: SimpleNamespace) -> None:
    options = options_of(helpers, attention="luong")
    function = function_of(options, network_of(options))
    inspection = PathInspection(function, helpers.oracles.walk(400))
    rows = np.array([300, 390])
    read = inspection.inputs[None, inspection.first_row :]
    states, scaled = inspection.responses(read, rows - inspection.first_row)
    assert states.shape == (1, 2, 5)
    np.testing.assert_allclose(scaled[0], function(inspection.inputs, rows), atol=1e-6)
    assert not inspection.is_fast, "thousands of paths would take a minute"
