import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.errors import NotEnoughDataError, UsageError
from forecaster.evaluation.folds import folds, parse_refit

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
    found = folds(DAYS, np.datetime64("2017-06-15"), refit)
    assert [str(one.start) for one in found] == firsts


def test_months_begin_with_their_first_row() -> None:
    found = folds(DAYS, np.datetime64("2020-07-20"), "monthly")
    assert [str(one.start) for one in found] == ["2020-07-20", "2020-08-03", "2020-09-01"]


@settings(max_examples=60)
@given(
    first=st.integers(0, 1400),
    refit=st.one_of(st.sampled_from(["never", "yearly", "monthly"]), st.integers(1, 400)),
    stride=st.integers(1, 9),
)
def test_every_cutoff_belongs_to_one_fold_and_is_later_than_all_that_its_fit_sees(
    first: int, refit: str | int, stride: int
) -> None:
    found = folds(DAYS, DAYS[first], refit)
    rows = np.concatenate([one.rows(DAYS, stride) for one in found])
    np.testing.assert_array_equal(rows, [row for row in range(first, len(DAYS)) if row % stride == 0])
    for one in found:
        seen = one.split.training_rows(DAYS, 20)
        cutoffs = one.rows(DAYS)
        # The last outcome that the fit sees, 20 rows after the last row it learns from, lies before the first cutoff.
        assert seen - 1 + 20 < cutoffs[0] or seen == 0
        settled = one.settled_rows(DAYS, 20)
        assert all(row + 20 <= cutoffs[-1] for row in settled)


def test_a_series_with_other_dates_has_its_own_rows() -> None:
    (one,) = folds(DAYS, np.datetime64("2020-01-01"), "never")
    other = DAYS[::2]
    assert (other[one.rows(other)] >= np.datetime64("2020-01-01")).all()


@pytest.mark.parametrize("text", ["never", "yearly", "monthly", "250"])
def test_what_a_refit_may_be(text: str) -> None:
    assert str(parse_refit(text)) == text


@pytest.mark.parametrize("text", ["", "weekly", "0", "-5", "1.5", "1e3", "9999999"])
def test_what_a_refit_may_not_be(text: str) -> None:
    with pytest.raises(UsageError, match="expected never, yearly, monthly or up to 999999 rows"):
        parse_refit(text)


@pytest.mark.parametrize("start", ["2030-01-01", str(DAYS[-1])])
def test_a_span_without_rows(start: str) -> None:
    with pytest.raises(NotEnoughDataError, match=r"a backtest needs at least 2; change --start or --end"):
        folds(DAYS, np.datetime64(start), "yearly")
