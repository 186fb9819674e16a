import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecaster.data.tables.dates import parse_dates
from forecaster.data.tables.moments import DateError

FORMATS = {
    "%Y-%m-%d": "year-month-day",
    "%Y/%m/%d": "year-month-day",
    "%Y.%m.%d": "year-month-day",
    "%Y%m%d": "year-month-day",
    "%d/%m/%Y": "day-month-year",
    "%d.%m.%Y": "day-month-year",
    "%m/%d/%Y": "month-day-year",
    "%d %b %Y": "day and month name",
    "%d-%b-%Y": "day and month name",
    "%b %d, %Y": "day and month name",
    "%B %d, %Y": "day and month name",
}
# The day after the 12th in one row is what tells days from months.
dates = st.lists(st.dates(datetime.date(1900, 1, 1), datetime.date(2100, 12, 31)), min_size=1, max_size=30).map(
    lambda days: [*days, datetime.date(2024, 7, 31)]
)


@given(dates, st.sampled_from(sorted(FORMATS)), st.sampled_from(["", " 00:00", " 09:30:00", "T23:59:59+09:00"]))
def test_every_way_of_writing_reads_back(days: list[datetime.date], style: str, time: str) -> None:
    moments = parse_dates([day.strftime(style) + time for day in days])
    np.testing.assert_array_equal(moments.days, np.array(days, "datetime64[D]"))
    assert moments.format == FORMATS[style]


@pytest.mark.parametrize("text", ["2024-7-1", "1/15/2024", "15.1.2024", "Jan 5, 2024", "5 January 2024", "5-Sept-2024"])
def test_short_days_and_long_months(text: str) -> None:
    days = parse_dates([text]).days
    assert days.shape == (1,)
    assert days[0].astype(object).year == 2024


@pytest.mark.parametrize(
    "text",
    [
        *("Wed 2024-07-31", "Wed 31/07/2024", "Mi, 31.07.2024", "31/07/2024 (Wed)", "mer. 31/07/2024"),
        *(
            "ср, 31.07.2024",
            "2024-07-31,三",
            "2024-07-31 星期三",
            "2024–07–31",
            "\u200e31\u200e/\u200e07\u200e/\u200e2024",
        ),
        *("2024/7/31 下午 3:00:00", "2024. 7. 31 오후 3:30:00", "Wed Jul 31 16:00:00 2024"),
        *("Wed Jul 31 16:00:00 EDT 2024", "20240731.0", "31072024", "07312024", "31/07/2567", "2567-07-31"),
        *("31 heinäkuuta 2024", "31 يوليو 2024", "31. júla 2024", "31 юли 2024", "31 srpnja 2024"),
    ],
)
def test_other_ways_of_writing(text: str) -> None:
    assert parse_dates([text]).days.astype(str).tolist() == ["2024-07-31"]


def test_a_name_of_one_month_is_known_without_the_others() -> None:
    """Mar begins the Finnish November, which nobody abbreviates so."""
    assert parse_dates(["Mar 1, 2024", "Mar 4, 2024"]).days.astype(str).tolist() == ["2024-03-01", "2024-03-04"]


def test_afternoon_before_the_hour() -> None:
    moments = parse_dates(["2024/7/30 下午 3:00:00", "2024/7/31 上午 12:00:00"])
    assert moments.seconds is not None
    assert moments.seconds.tolist() == [15 * 3600, 0]


@pytest.mark.parametrize("style", ["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y", "%m/%d/%y", "%m%d%Y", "%y/%m/%d"])
@pytest.mark.parametrize(("months", "day"), [(1, 1), (1, 5), (3, 1)])
def test_months_and_quarters_over_years_decide_the_order(style: str, months: int, day: int) -> None:
    """Read in the other order, such rows stand in one month of each year."""
    count = [number * months for number in range(40) if number != 7]
    days = [datetime.date(2000 + number // 12, number % 12 + 1, day) for number in count]
    assert parse_dates([one.strftime(style) for one in days]).days.astype(object).tolist() == days


@given(st.dates(datetime.date(1990, 1, 1), datetime.date(2024, 1, 1)), st.sampled_from(["%d%m%y", "%m%d%y", "%y%m%d"]))
def test_six_digits_are_read_rightly_or_refused(first: datetime.date, style: str) -> None:
    days = [first + datetime.timedelta(days=number) for number in range(40)]
    texts = [day.strftime(style) for day in days]
    row, _ = fault(texts)
    if row < 0:
        assert parse_dates(texts).days.astype(object).tolist() == days
    assert parse_dates(texts, f"{style[1]}{style[3]}{style[5]}").days.astype(object).tolist() == days


@given(st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_any_text_is_dates_or_a_date_error(texts: list[str]) -> None:
    row, message = fault(texts)
    assert -1 <= row < len(texts)
    assert message.isprintable()


def fault(texts: list[str]) -> tuple[int, str]:
    try:
        parsed = parse_dates(texts).days
    except DateError as error:
        return error.row, str(error)
    assert len(parsed) == len(texts)
    return -1, ""


@pytest.mark.parametrize(
    ("texts", "row", "message"),
    [
        (["2024-07-31", "soon"], 1, "'soon' is no date like '2024-07-31' in the first row; expected a date such as"),
        (["2024-07-31", ""], 1, "'' is no date like"),
        (["2024-07-31", "31/07/2024"], 1, "'31/07/2024' is no date like '2024-07-31'"),
        (["2024-02-28", "2024-02-30"], 1, "'2024-02-30' is a day that no calendar has"),
        (["2023-02-29"], 0, "no calendar has"),
        (["31/13/2024"], 0, "day and month in another order|no calendar has"),
        (["31/12/2024", "12/31/2024"], 1, "'12/31/2024' has day and month in another order than '31/12/2024'"),
        (["01/02/2024", "02/02/2024"], 0, "'01/02/2024' can be read with the day or the month first"),
        (["31/07/24"], 0, "'31/07/24' can be read with .*day-month-year or year-month-day.*--date-order"),
        (["31/07/24", "30/07/2024"], 1, "'30/07/2024' is no date like '31/07/24'"),
        (["2024-07/31"], 0, "is no date"),
        (["today"], 0, "is no date"),
        (["NaT"], 0, "is no date"),
        (["5 Foo 2024"], 0, "is no date"),
        (["2024-07-31 and more"], 0, "is no date"),
        ([], 0, "there are no dates"),
    ],
)
def test_what_is_no_date(texts: list[str], row: int, message: str) -> None:
    with pytest.raises(DateError, match=message) as caught:
        parse_dates(texts)
    assert caught.value.row == row
