"""Either sampling: what a sample reads, what it is scored on, and which rows a forecast reads."""

import numpy as np
import pytest

from forecaster.models.quantile.options import WindowOptions
from forecaster.models.quantile.sampling import DenseSampling, WindowSampling, sampling_of

OPTIONS = {"chunk": 8, "burn_in": 3, "warm_up": 20, "context_length": 5}
FEATURES = np.arange(100, dtype=np.float32)[:, None]
DENSE = sampling_of(WindowOptions(supervision="dense", **OPTIONS))
WINDOW = sampling_of(WindowOptions(supervision="last", **OPTIONS))


class RowSums:
    """A network whose state is the sum of what it has read."""

    def histories(self, x: np.ndarray) -> np.ndarray:
        return np.cumsum(x, axis=1)

    def windows(self, x: np.ndarray, places: np.ndarray) -> np.ndarray:
        np.testing.assert_array_equal(x[:, -1, 0], places)
        return x.sum(axis=1)


def test_options_choose_the_sampling() -> None:
    assert (type(DENSE), type(WINDOW)) == (DenseSampling, WindowSampling)
    assert (DENSE.sequences, WINDOW.sequences) == (True, False)
    assert (DENSE.first_row, WINDOW.first_row) == (20, 24)
    assert (DENSE.context_rows, WINDOW.context_rows) == (3, 5)
    assert (DENSE.scored_rows, WINDOW.scored_rows) == (5, 1)


def test_a_sample_begins_after_the_warm_up_and_ends_before_the_end_row() -> None:
    dense, window = DENSE.cut(FEATURES, -FEATURES, 60), WINDOW.cut(FEATURES, -FEATURES, 60)
    x, y = dense.batch(np.array([0]))
    np.testing.assert_array_equal(x[0, :, 0], np.arange(20, 28))
    np.testing.assert_array_equal(y[0, :, 0], [-23, -24, -25, -26, -27])
    x, y = window.batch(np.array([0, len(window) - 1]))
    np.testing.assert_array_equal(x[..., 0], [np.arange(20, 25), np.arange(55, 60)])
    np.testing.assert_array_equal(y[:, 0], [-24, -59])


def test_a_validation_is_scored_in_its_own_rows() -> None:
    rows = np.arange(40, 44)
    x, y = DENSE.validation(FEATURES, -FEATURES, rows)
    np.testing.assert_array_equal(x[0, :, 0], [*range(37, 44), 0])
    np.testing.assert_array_equal(y[0, :, 0], [-40, -41, -42, -43, np.nan])
    x, y = WINDOW.validation(FEATURES, -FEATURES, rows)
    np.testing.assert_array_equal(x[..., 0], [np.arange(row - 4, row + 1) for row in rows])
    np.testing.assert_array_equal(y[:, 0], -rows)


@pytest.mark.parametrize(("sampling", "first"), [(DENSE, 23), (WINDOW, 24)])
def test_a_validation_without_enough_rows_before_it_is_none(
    sampling: DenseSampling | WindowSampling, first: int
) -> None:
    assert sampling.validation(FEATURES, FEATURES, np.arange(first, 40)) is not None
    assert sampling.validation(FEATURES, FEATURES, np.arange(first - 1, 40)) is None
    assert sampling.validation(FEATURES, FEATURES, np.empty(0, np.intp)) is None


def test_a_state_reads_the_history_or_its_window() -> None:
    rows = np.array([99, 24, 50, 50])
    dense = DENSE.states(RowSums(), FEATURES, rows)[:, 0]
    np.testing.assert_array_equal(dense, [sum(range(20, row + 1)) for row in rows])
    window = WINDOW.states(RowSums(), FEATURES, rows)[:, 0]
    np.testing.assert_array_equal(window, [sum(range(row - 4, row + 1)) for row in rows])
