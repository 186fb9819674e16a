"""Every sample is spelled out: feature and target of row t hold the number t, so a batch names the rows it saw."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from forecaster.features.windows import DenseWindows, LastWindows


def numbered(rows: int, end_row: int) -> tuple[np.ndarray, np.ndarray]:
    """Features 10 t and 10 t + 1, target t; NaN and infinity where nothing may be read."""
    features = np.arange(rows, dtype=np.float32)[:, None] * 10 + np.arange(2, dtype=np.float32)
    targets = np.arange(rows, dtype=np.float32)[:, None]
    features[max(end_row, 0) :], targets[max(end_row, 0) :] = np.inf, np.inf
    return features, targets


@given(st.data(), st.integers(0, 120), st.integers(1, 60), st.integers(1, 30))
def test_a_chunk_reads_its_rows_and_is_scored_after_the_burn_in(
    data: st.DataObject, rows: int, scored: int, burn_in: int
) -> None:
    chunk = burn_in + scored
    end_row = data.draw(st.integers(-5, rows))
    windows = DenseWindows(*numbered(rows, end_row), chunk, burn_in, end_row)
    starts = [start for start in range(rows) if end_row - (start + burn_in) > 32]
    assert len(windows) == len(starts)
    if not starts:
        return
    chosen = data.draw(st.lists(st.sampled_from(starts), min_size=1, max_size=5))
    x, y = windows.batch(np.array(chosen))
    assert (x.shape, y.shape) == ((len(chosen), chunk, 2), (len(chosen), chunk - burn_in, 1))
    for sample, start in enumerate(chosen):
        for place in range(chunk):
            row = start + place
            read = [10 * row, 10 * row + 1] if row < end_row else [0, 0]
            assert x[sample, place].tolist() == read
            if place >= burn_in:
                np.testing.assert_equal(y[sample, place - burn_in].item(), row if row < end_row else math.nan)


def test_a_history_shorter_than_a_chunk_takes_part_with_its_end_masked() -> None:
    windows = DenseWindows(*numbered(50, 45), chunk=60, burn_in=10, end_row=45)
    assert len(windows) == 3
    x, y = windows.batch(np.array([0, 2]))
    assert x[0, :45, 0].tolist() == [10 * row for row in range(45)]
    assert (x[0, 45:] == 0).all()
    assert np.flatnonzero(~np.isnan(y[0, :, 0])).tolist() == list(range(35))
    assert y[1, :33, 0].tolist() == list(range(12, 45))
    assert np.isnan(y[1, 33:]).all()


def test_the_newest_rows_are_scored_by_some_chunk() -> None:
    windows = DenseWindows(*numbered(300, 290), chunk=64, burn_in=16, end_row=290)
    _, y = windows.batch(np.arange(len(windows)))
    assert sorted(set(y[~np.isnan(y)].astype(int))) == list(range(16, 290))


@given(st.integers(0, 60), st.integers(1, 40), st.data())
def test_a_window_reads_the_rows_up_to_its_cutoff_and_is_scored_there(
    rows: int, context_length: int, data: st.DataObject
) -> None:
    end_row = data.draw(st.integers(-5, rows))
    windows = LastWindows(*numbered(rows, end_row), context_length, end_row)
    cutoffs = [row for row in range(rows) if row - context_length + 1 >= 0 and row < end_row]
    assert windows.cutoffs.tolist() == cutoffs
    assert len(windows) == len(windows.x) == len(windows.y) == len(cutoffs)
    for window, cutoff in enumerate(cutoffs):
        expected = [[10 * row, 10 * row + 1] for row in range(cutoff - context_length + 1, cutoff + 1)]
        assert windows.x[window].tolist() == expected
        assert windows.y[window].tolist() == [cutoff]
    if cutoffs:
        chosen = np.array(data.draw(st.lists(st.integers(0, len(cutoffs) - 1), max_size=5)), dtype=np.intp)
        x, y = windows.batch(chosen)
        np.testing.assert_array_equal(x, windows.x[chosen])
        np.testing.assert_array_equal(y, windows.y[chosen])


def test_windows_are_views_and_batches_are_copies() -> None:
    features, targets = numbered(1000, 1000)
    windows = LastWindows(features, targets, 100, 1000)
    assert np.shares_memory(windows.x, features)
    assert np.shares_memory(windows.y, targets)
    for made in (windows, DenseWindows(features, targets, 64, 16, 1000)):
        x, y = made.batch(np.array([3, 4]))
        assert not np.shares_memory(x, features)
        assert not np.shares_memory(y, targets)
