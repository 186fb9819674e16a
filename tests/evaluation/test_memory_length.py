"""Memory length of models whose memory is known."""

import numpy as np
import pytest

from forecaster.evaluation.memory_length import Memory, measured_memory
from forecaster.models.architectures.numpy_gru import GRUWeights
from forecaster.models.architectures.numpy_stack import StackPass

INPUTS = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)


def decaying(x: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A state that keeps nine tenths of itself a row; a forecast that reads the row itself alone."""
    state = np.zeros((*x.shape[:2], 1))
    for row in range(1, x.shape[1]):
        state[:, row, 0] = 0.9 * state[:, row - 1, 0] + x[:, row, 0]
    return state[:, rows], x[:, rows, 1:]


def test_the_decay_of_a_state_is_measured() -> None:
    memory = measured_memory(decaying, INPUTS, settling_rows=30, longest_lag=60, count=10)
    np.testing.assert_allclose(memory.curves["state"], 0.9 ** np.arange(61), rtol=1e-4)
    assert memory.lags_to(0.5) == {"state": 7, "forecast": 1}  # 0.9**6 is 0.53, 0.9**7 is 0.48
    assert memory.lags_to(0.1) == {"state": 22, "forecast": 1}
    assert memory.rows == 10


def test_a_state_that_forgets_nothing_has_no_length() -> None:
    def adding(x: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return (sums := x.cumsum(axis=1)[:, rows]), sums

    memory = measured_memory(adding, INPUTS.astype(float), settling_rows=5, longest_lag=20, count=4)
    assert memory.lags_to(0.5) == {"state": None, "forecast": None}


def test_a_model_that_reads_nothing_remembers_nothing() -> None:
    memory = Memory(np.zeros(4), np.zeros(4), rows=1)
    assert memory.lags_to(0.5) == {"state": 0, "forecast": 0}


def test_a_history_that_is_too_short_is_refused() -> None:
    with pytest.raises(ValueError, match="expected more than 300 rows; got 300"):
        measured_memory(decaying, INPUTS, settling_rows=200, longest_lag=99, count=3)


def test_the_memory_of_a_network_that_is_an_ewma_is_the_half_life_of_its_gate() -> None:
    """A GRU whose update gate is 0.95 everywhere and whose candidate is linear is an EWMA with the decay 0.95."""
    decay, units = 0.95, 2
    kernel, recurrent = np.zeros((2, 3 * units)), np.zeros((units, 3 * units))
    kernel[:, 2 * units :] = np.random.default_rng(1).normal(size=(2, units))
    bias = np.zeros((2, 3 * units))
    bias[0, :units] = np.log(decay / (1 - decay))
    arrays = {"kernel": kernel, "recurrent_kernel": recurrent, "bias": bias}
    weights = {f"gru_0/gru_cell/{name}": array.astype(np.float32) for name, array in arrays.items()}
    stack = StackPass([GRUWeights.of(weights, "gru_0", "linear")])

    def responses(x: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return (states := stack.histories(x)[:, rows]), states.sum(axis=-1)

    memory = measured_memory(responses, INPUTS, settling_rows=30, longest_lag=80, count=5)
    np.testing.assert_allclose(memory.curves["forecast"], decay ** np.arange(81), rtol=1e-3, atol=1e-5)
    (layer,) = stack.gates(INPUTS[None], "gru")
    np.testing.assert_allclose(layer.half_lives, np.log(0.5) / np.log(decay), rtol=1e-4)
    assert memory.lags_to(0.5) == {"state": 14, "forecast": 14}  # the first row after 13.5
