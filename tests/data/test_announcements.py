"""Announcements: the shipped meetings of central banks, the rule of the US labour market report, US holidays."""

import datetime

import holidays
import numpy as np
import pytest

from forecaster.data.announcements import announcement_rows, central_bank_meetings, us_payrolls
from forecaster.data.us_holidays import us_holidays

USUAL_MEETINGS = {"Fed": (7, 8), "ECB": (8, 24), "RBA": (0, 11), "BoC": (1, 8), "RBNZ": (6, 8)}  # a year


def day(text: str) -> np.datetime64:
    return np.datetime64(text)


@pytest.mark.parametrize("bank", USUAL_MEETINGS)
def test_meetings_increase_and_fall_on_weekdays_in_plausible_numbers(bank: str) -> None:
    meetings = central_bank_meetings()[bank]
    assert (np.diff(meetings.days) > np.timedelta64(0, "D")).all()
    assert np.is_busday(meetings.days).all()
    years, counts = np.unique(meetings.days.astype("datetime64[Y]"), return_counts=True)
    assert (np.diff(years).astype(int) == 1).all() or bank == "RBA"  # which announced changes only until 2007
    assert counts.min() >= USUAL_MEETINGS[bank][0]
    assert counts.max() <= USUAL_MEETINGS[bank][1]
    assert meetings.days[-1] >= day("2027-12-01")
    assert meetings.after_fixing.all() == (bank in ("Fed", "ECB", "BoC"))


def test_meetings_that_moved_or_were_cancelled() -> None:
    meetings = {name: set(bank.days.astype(str)) for name, bank in central_bank_meetings().items()}
    assert "2020-03-18" not in meetings["Fed"], "cancelled; the bank had met on the Sunday before"
    assert not {"2001-09-17", "2008-01-22", "2008-10-08", "2020-03-03", "2020-03-15"} & meetings["Fed"], "unscheduled"
    assert {"2018-11-08", "2020-11-05", "2024-11-07"} <= meetings["Fed"], "on a Thursday, after an election"
    assert {"2015-01-22", "2022-07-21"} <= meetings["ECB"]
    assert "2020-03-19" not in meetings["RBA"], "unscheduled"


@pytest.mark.parametrize(
    ("date", "after"),
    [
        ("2020-12-04", True), ("2021-01-08", True), ("2020-07-02", True), ("2015-07-02", True), ("2019-11-01", False),
        ("2013-03-08", True), ("2005-11-04", True), ("2010-01-08", True), ("2020-10-02", True), ("2024-11-01", False),
    ],
)  # fmt: skip
def test_the_labour_market_report_follows_its_rule(date: str, after: bool) -> None:
    report = us_payrolls()
    (place,) = np.flatnonzero(report.days == day(date))
    assert report.after_fixing[place] == after


def test_there_is_one_report_a_month_before_a_weekend_or_a_holiday() -> None:
    days = us_payrolls().days
    days = days[(days >= day("1991-01-01")) & (days < day("2030-01-01"))]
    assert len(np.unique(days.astype("datetime64[M]"))) == len(days) == 39 * 12
    weekdays = [date.weekday() for date in days.astype(datetime.date)]
    assert weekdays.count(4) > 0.97 * len(days)
    assert set(weekdays) <= {2, 3, 4}


def test_us_holidays_are_those_of_the_package() -> None:
    expected = np.array(sorted(holidays.country_holidays("US", years=range(1999, 2041))), dtype="datetime64[D]")
    np.testing.assert_array_equal(us_holidays(1999, 2040), expected[np.is_busday(expected)])


def test_an_announcement_belongs_to_the_return_that_holds_it() -> None:
    days = np.array(["2019-11-01", "2019-11-04", "2019-11-05", "2019-11-06"], dtype="datetime64[D]")
    report = us_payrolls()  # on 1 November, before the rates of the day were set
    assert announcement_rows(report, days, at_fixing=True).tolist() == [False] * 4, "its return ends with the first day"
    earlier = np.concatenate([[day("2019-10-31")], days])
    assert announcement_rows(report, earlier, at_fixing=True).tolist() == [False, True, False, False, False]
    later = np.array(["2019-12-05", "2019-12-06", "2019-12-09"], dtype="datetime64[D]")
    assert announcement_rows(report, later, at_fixing=True).tolist() == [False, False, True]
    assert announcement_rows(report, later, at_fixing=False).tolist() == [False, True, False]
