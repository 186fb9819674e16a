import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecaster.errors import NotEnoughDataError
from forecaster.evaluation.splits import PARTS, Split, split_by_rows, whole_history

DATES = np.datetime64("2000-01-03") + np.cumsum(np.random.default_rng(0).integers(1, 4, 400))


@st.composite
def splits(draw: st.DrawFn) -> tuple[np.ndarray, Split]:
    """A series that may begin late or end early, and two dates that need not be among its own."""
    days = st.integers(-30, 900).map(lambda day: DATES[0] + np.timedelta64(day, "D"))
    first, last = sorted((draw(st.integers(0, 400)), draw(st.integers(0, 400))))
    return DATES[first:last], Split(*sorted((draw(days), draw(days))))


def part_of(date: np.datetime64, split: Split) -> str:
    if date < split.validation_start:
        return "train"
    return "validation" if date < split.test_start else "test"


@given(splits(), st.integers(1, 40))
def test_a_cutoff_and_its_outcome_lie_in_one_part_and_no_such_row_is_missing(
    case: tuple[np.ndarray, Split], step: int
) -> None:
    dates, split = case
    parts = [part_of(date, split) for date in dates]
    for part in PARTS:
        expected = [t for t in range(len(dates) - step) if parts[t] == part == parts[t + step]]
        assert split.cutoffs(dates, part, step).tolist() == expected
        if expected:
            assert split.last_cutoff(dates, part, step) == expected[-1]
        else:
            assert not any(parts[t] == part for t in range(split.last_cutoff(dates, part, step) + 1))


@given(splits(), st.integers(1, 40))
def test_training_is_purged_by_the_horizon(case: tuple[np.ndarray, Split], horizon: int) -> None:
    dates, split = case
    rows = split.training_rows(dates, horizon)
    learned = [t for t in range(len(dates)) if t + horizon < sum(dates < split.validation_start)]
    assert list(range(rows)) == learned


@given(splits(), st.integers(1, 40))
def test_no_outcome_is_used_by_two_parts(case: tuple[np.ndarray, Split], step: int) -> None:
    dates, split = case
    touched = [{row + k for row in split.cutoffs(dates, part, step) for k in (0, step)} for part in PARTS]
    assert sum(map(len, touched)) == len(set.union(*touched))


def test_the_last_rows_are_tested_and_those_before_validate() -> None:
    dates = np.datetime64("2000-01-03") + np.arange(10_000)
    split = split_by_rows(dates, 750, 500, 1000)
    assert (split.validation_start, split.test_start) == (dates[8750], dates[9250])


def test_a_short_history_gives_up_a_fifth_and_a_seventh() -> None:
    split = split_by_rows(DATES[:350], 750, 500, 100)
    assert (split.validation_start, split.test_start) == (DATES[230], DATES[280])


@given(st.integers(0, 400), st.integers(1, 300), st.integers(1, 300), st.integers(1, 200))
def test_too_short_a_history_is_told_how_much_is_needed(count: int, test: int, validation: int, least: int) -> None:
    try:
        split = split_by_rows(DATES[:count], test, validation, least)
    except NotEnoughDataError as error:
        needed = int(str(error).partition("history of about ")[2].split()[0])
        assert needed > count
        longer = DATES[0] + np.arange(needed)
        with pytest.raises(NotEnoughDataError):
            split_by_rows(longer[:-1], test, validation, least)
        split, dates = split_by_rows(longer, test, validation, least), longer
    else:
        dates = DATES[:count]
    assert np.searchsorted(dates, split.validation_start) >= least
    assert dates[0] < split.validation_start < split.test_start <= dates[-1]


def test_a_refit_learns_from_all_rows_whose_outcome_is_known() -> None:
    split = whole_history([DATES[-1], DATES[200]])
    assert split.training_rows(DATES, 20) == 380
    assert split.training_rows(DATES[:201], 20) == 181
    assert all(len(split.cutoffs(DATES, part, 1)) == 0 for part in ("validation", "test"))


def test_parts_are_named_once() -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        Split(DATES[5], DATES[9]).cutoffs(DATES, "tests", 1)  # type: ignore[arg-type]  # that is the point
