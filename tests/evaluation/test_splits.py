import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.errors import NotEnoughDataError, UsageError
from forecaster.evaluation.splits import PARTS, Split, folds, parse_refit, split_by_rows, whole_history

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


def test_a_history_that_is_too_short_names_settings_in_yaml() -> None:
    with pytest.raises(NotEnoughDataError, match=r"add --set model\.a=3 --set model\.b=null$"):
        split_by_rows(DATES, 100, 50, 5000, lambda rows: {"model.a": 3, "model.b": None})


def test_a_refit_learns_from_all_rows_whose_outcome_is_known() -> None:
    split = whole_history([DATES[-1], DATES[200]])
    assert split.training_rows(DATES, 20) == 380
    assert split.training_rows(DATES[:201], 20) == 181
    assert all(len(split.cutoffs(DATES, part, 1)) == 0 for part in ("validation", "test"))


def test_parts_are_named_once() -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        Split(DATES[5], DATES[9]).cutoffs(DATES, "tests", 1)  # type: ignore[arg-type]  # that is the point


# --- folds ---------------------------------------------------------------------------------------------------------

DAYS = np.busday_offset("2015-01-01", np.arange(1500), roll="forward")


@pytest.mark.parametrize(
    ("refit", "firsts"),
    [
        ("never", ["2017-06-15"]),
        ("yearly", ["2017-06-15", "2018-01-01", "2019-01-01", "2020-01-01"]),
        (500, ["2017-06-15", "2019-05-16"]),
    ],
)
def test_a_fit_begins_with_each_period(refit: str | int, firsts: list[str]) -> None:
    spans = folds(DAYS, np.datetime64("2017-06-15"), refit)
    assert [str(fold.start) for fold in spans] == firsts


def test_months_begin_with_their_first_row() -> None:
    spans = folds(DAYS, np.datetime64("2020-07-20"), "monthly")
    assert [str(fold.start) for fold in spans] == ["2020-07-20", "2020-08-03", "2020-09-01"]


@settings(max_examples=60)
@given(
    first=st.integers(0, 1400),
    refit=st.one_of(st.sampled_from(["never", "yearly", "monthly"]), st.integers(1, 400)),
    stride=st.integers(1, 9),
)
def test_every_cutoff_belongs_to_one_fold_and_is_later_than_all_that_its_fit_sees(
    first: int, refit: str | int, stride: int
) -> None:
    spans = folds(DAYS, DAYS[first], refit)
    rows = np.concatenate([fold.rows(DAYS, stride) for fold in spans])
    np.testing.assert_array_equal(rows, [row for row in range(first, len(DAYS)) if row % stride == 0])
    for fold in spans:
        seen = fold.split.training_rows(DAYS, 20)
        cutoffs = fold.rows(DAYS)
        # The last outcome that the fit sees, 20 rows after the last row it learns from, lies before the first cutoff.
        assert seen - 1 + 20 < cutoffs[0] or seen == 0
        settled = fold.settled_rows(DAYS, 20)
        assert all(row + 20 <= cutoffs[-1] for row in settled)


def test_a_series_with_other_dates_has_its_own_rows() -> None:
    (fold,) = folds(DAYS, np.datetime64("2020-01-01"), "never")
    other = DAYS[::2]
    assert (other[fold.rows(other)] >= np.datetime64("2020-01-01")).all()


@pytest.mark.parametrize("text", ["never", "yearly", "monthly", "250"])
def test_a_refit_is_read(text: str) -> None:
    assert str(parse_refit(text)) == text


@pytest.mark.parametrize("text", ["", "weekly", "0", "-5", "1.5", "1e3", "9999999"])
def test_other_texts_are_no_refit(text: str) -> None:
    with pytest.raises(UsageError, match="expected never, yearly, monthly or up to 999999 rows"):
        parse_refit(text)


@pytest.mark.parametrize("start", ["2030-01-01", str(DAYS[-1])])
def test_a_span_without_rows(start: str) -> None:
    with pytest.raises(NotEnoughDataError, match=r"a backtest needs at least 2; change --start or --end"):
        folds(DAYS, np.datetime64(start), "yearly")
