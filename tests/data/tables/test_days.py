"""Days of the market from time stamps, and daily bars from shorter ones."""

import dataclasses
import datetime
from pathlib import Path

import numpy as np
import pytest
from layouts import answer

from forecaster.data.tables.clock_times import split_times
from forecaster.data.tables.daily_bars import parse_clock
from forecaster.data.tables.days import in_timezone, market_days
from forecaster.data.tables.moments import Moments
from forecaster.errors import InputFileError

MONDAY = np.datetime64("2024-07-01")
UTC = datetime.UTC


def stamped(days: list[str], hour: int, offset: int | None = 0) -> Moments:
    count = len(days)
    return Moments(
        np.array(days, "datetime64[D]"),
        np.full(count, hour * 3600),
        None if offset is None else np.full(count, offset * 3600),
    )


def weekdays(first: np.datetime64, count: int, days: str) -> list[str]:
    """Dates from `first` on that fall on days of the week marked with 1, from Monday."""
    mask = np.array([day == "1" for day in days])
    dates = first + np.arange(3 * count)
    return [str(day) for day in dates if mask[(day.astype(int) + 3) % 7]][:count]


@pytest.mark.parametrize(("hour", "shift"), [(23, 1), (22, 1), (15, 1), (13, 1), (0, 0), (5, 0), (10, 0)])
def test_rows_from_sunday_to_thursday_in_the_evening_belong_to_the_next_day(hour: int, shift: int) -> None:
    moments = stamped(weekdays(MONDAY, 30, "1111001"), hour)
    shifted, findings = market_days(moments, "a file")
    assert (shifted.days - moments.days).astype(int).tolist() == [shift] * 30
    assert len(findings) == shift


@pytest.mark.parametrize(
    "moments",
    [
        stamped(weekdays(MONDAY, 30, "1111100"), 16),  # the close of a market from Monday to Friday
        stamped(weekdays(MONDAY, 30, "1111111"), 23),  # a coin
        stamped(weekdays(MONDAY, 30, "1111101"), 22),  # Fridays as well
        stamped(weekdays(MONDAY, 4, "1111001"), 23),  # too few rows to be sure
        Moments(np.array(weekdays(MONDAY, 30, "1111001"), "datetime64[D]")),  # Tel Aviv: dates alone
        dataclasses.replace(
            stamped(weekdays(MONDAY, 30, "1111001"), 14), seconds=np.full(30, 51_900)
        ),  # its close, 14:25
    ],
)
def test_other_rows_keep_their_dates(moments: Moments) -> None:
    assert market_days(moments, "a file") == (moments, [])


@pytest.mark.parametrize(("hour", "offset"), [(11, 0), (12, 0), (15, None), (13, None), (15, 3)])
def test_a_close_that_may_be_a_midnight_is_refused_from_sunday_to_thursday(hour: int, offset: int | None) -> None:
    """Riyadh closes at the hour of Auckland's midnight in UTC, and at that of Tokyo's on its own clock."""
    with pytest.raises(InputFileError, match=f"stamped {hour}:00, .*--timezone UTC, which keeps"):
        market_days(stamped(weekdays(MONDAY, 30, "1111001"), hour, offset), "a file")


def test_summer_and_winter_of_auckland() -> None:
    """Its midnights are at both sides of noon in UTC."""
    moments = stamped(weekdays(np.datetime64("2024-03-03"), 60, "1111001"), 11)
    moments.seconds[25:] = 12 * 3600
    moved, _ = market_days(moments, "a file")
    assert set((moved.days - moments.days).astype(int).tolist()) == {1}


def test_summer_and_winter_of_berlin() -> None:
    days = weekdays(np.datetime64("2024-03-03"), 40, "1111001")
    moments = stamped(days, 23)
    moments.seconds[20:] = 22 * 3600
    shifted, _ = market_days(moments, "a file")
    assert set(((shifted.days.astype(int) + 3) % 7).tolist()) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("last", ["2024-04-02", "2024-04-20", "2024-12-31"])
def test_midnight_of_london_is_the_day_before_in_summer_only(last: str) -> None:
    days = np.arange(np.datetime64("2024-01-01"), np.datetime64(last))
    days = days[(days.astype(int) + 3) % 7 < 5]
    is_summer = (days > np.datetime64("2024-03-31")) & (days < np.datetime64("2024-10-28"))
    stamps = Moments(days - is_summer.astype(int), np.where(is_summer, 23 * 3600, 0), np.zeros(len(days), dtype=int))
    moved, findings = market_days(stamps, "a file")
    assert moved.days.tolist() == days.tolist()
    assert findings[0].count == is_summer.sum()
    assert "stamped 23:00 of UTC, also on Sundays" in findings[0].text


def test_an_evening_of_sunday_beside_its_monday_keeps_its_date() -> None:
    moments = stamped(weekdays(MONDAY, 30, "1111101"), 0)
    moments.seconds[(moments.days.astype(int) + 3) % 7 == 6] = 22 * 3600  # short bars of a broker
    assert market_days(moments, "a file") == (moments, [])


def test_rows_after_midnight_from_tuesday_to_saturday_belong_to_the_day_before() -> None:
    moments = stamped(weekdays(MONDAY, 30, "0111110"), 0)
    moved, findings = market_days(moments, "a file")
    assert set((moved.days - moments.days).astype(int).tolist()) == {-1}
    assert len(findings) == 1


@pytest.mark.parametrize(
    ("days", "hour", "shift"),
    [
        (np.arange("2024-01-07", "2024-06-01", 7, dtype="datetime64[D]"), 22, 1),  # weeks of currencies, from Sunday
        (np.arange("2024-01", "2025-01", dtype="datetime64[M]").astype("datetime64[D]") - 1, 23, 1),  # months of Berlin
        (np.arange("2024-01-08", "2024-06-01", 7, dtype="datetime64[D]"), 14, 0),
        (np.arange("2024-01", "2025-01", dtype="datetime64[M]").astype("datetime64[D]") - 2, 23, 0),
    ],
)
def test_weeks_and_months_that_begin_in_the_evening_before(days: np.ndarray, hour: int, shift: int) -> None:
    moments = stamped([str(day) for day in days], hour)
    moved, findings = market_days(moments, "a file")
    assert (moved.days - moments.days).astype(int).tolist() == [shift] * len(days)
    assert len(findings) == shift


def test_midnight_of_riyadh() -> None:
    moments = stamped(weekdays(MONDAY, 30, "1110011"), 21)
    moved, _ = market_days(moments, "a file")
    assert set(((moved.days.astype(int) + 3) % 7).tolist()) == {0, 1, 2, 3, 6}


def test_a_time_zone_converts_every_row_with_its_own_offset() -> None:
    moments = Moments(
        np.array(["2024-01-01", "2024-06-30", "2024-07-01"], "datetime64[D]"), np.array([23, 22, 21]) * 3600, None
    )
    local = in_timezone(moments, "Europe/Berlin")
    assert local.days.astype(str).tolist() == ["2024-01-02", "2024-07-01", "2024-07-01"]
    assert (local.seconds // 3600).tolist() == [0, 0, 23]
    assert in_timezone(moments, "UTC").days.tolist() == moments.days.tolist()


def test_a_zone_in_the_text_counts() -> None:
    clock = split_times(["2024-01-01T18:00:00-05:00", "2024-01-02 00:00:00+01:00"])
    moments = Moments(np.array(clock.dates, "datetime64[D]"), clock.seconds, clock.offsets)
    assert in_timezone(moments, "Europe/Berlin").days.astype(str).tolist() == ["2024-01-02", "2024-01-02"]


def test_a_zone_with_the_name_of_a_place_has_no_half_of_the_day() -> None:
    clock = split_times(["2024-01-01 04:30:00 America/New_York", "01/02/2024 04:30 pm", "2024-01-03 4:00PMEST"])
    assert clock.seconds is not None
    assert clock.seconds.tolist() == [16_200, 59_400, 57_600]


@pytest.mark.parametrize(("text", "seconds"), [("17:00", 61_200), ("0:00", 0), ("24:00", 0), ("9:30", 34_200)])
def test_a_time_of_the_day(text: str, seconds: int) -> None:
    assert parse_clock(text) == seconds


@pytest.mark.parametrize("text", ["", "17", "17:0", "25:00", "24:30", "5 pm", "-1:00", "17:60"])
def test_no_time_of_the_day(text: str) -> None:
    with pytest.raises(InputFileError, match="is no time of the day; expected HH:MM"):
        parse_clock(text)


def bars(path: Path, stamps: list[datetime.datetime], **options: str) -> tuple[dict[str, list[float]], list[str]]:
    """Date -> open, high, low, close, volume of bars whose prices are their numbers, and the texts of the findings."""
    lines = [f"{stamp:%Y-%m-%d %H:%M},{n},{n + 0.5},{n - 0.5},{n + 0.25},1" for n, stamp in enumerate(stamps, start=1)]
    loaded = answer(path, "time,open,high,low,close,volume\n" + "\n".join(lines), **options)
    series = loaded.series
    rows = np.column_stack([series.columns[name] for name in ("open", "high", "low", "close", "volume")])
    texts = [finding.text for finding in loaded.findings]
    return dict(zip(series.dates.astype(str).tolist(), rows.tolist(), strict=True)), texts


def hours(first: str, *counts: tuple[int, range]) -> list[datetime.datetime]:
    start = datetime.datetime.fromisoformat(first)
    return [start + datetime.timedelta(days=day, hours=hour) for day, span in counts for hour in span]


def test_sessions_between_nights(tmp_path: Path) -> None:
    stamps = hours("2024-07-01", *((day, range(9, 17)) for day in range(5)))
    table, texts = bars(tmp_path / "a.csv", stamps)
    assert table["2024-07-01"] == [1, 8.5, 0.5, 8.25, 8]
    assert list(table) == ["2024-07-01", "2024-07-02", "2024-07-03", "2024-07-04", "2024-07-05"]
    assert texts == [
        "40 rows of parts of days become one bar a day; a day is the session with rows from 09:00 to 16:00"
    ]


def test_midnights_of_a_zone_with_summer_time_are_refused_with_the_option(tmp_path: Path) -> None:
    stamps = hours(
        "2024-03-20", *((day, range(1)) for day in range(12)), *((day, range(23, 24)) for day in range(11, 20))
    )
    with pytest.raises(InputFileError, match=r"date 2024-03-31 is there twice.*; remove one of them, or .* --timezone"):
        bars(tmp_path / "coin.csv", stamps)
    table, _ = bars(tmp_path / "coin.csv", stamps, timezone="Europe/London")
    assert (len(table), list(table)[-1]) == (21, "2024-04-09")


def test_a_session_over_midnight_is_named_by_its_end(tmp_path: Path) -> None:
    stamps = hours("2024-06-30", *((day, range(23, 29)) for day in range(5)))  # Sydney in UTC
    table, _ = bars(tmp_path / "a.csv", stamps)
    assert list(table) == ["2024-07-01", "2024-07-02", "2024-07-03", "2024-07-04", "2024-07-05"]
    assert table["2024-07-01"][0] == 1


def test_a_session_over_midnight_from_monday_to_friday_is_named_by_its_begin(tmp_path: Path) -> None:
    stamps = hours("2024-07-01", *((day, range(22, 29)) for day in range(5)))  # New York on the clock of Seoul
    table, _ = bars(tmp_path / "a.csv", stamps)
    assert list(table) == ["2024-07-01", "2024-07-02", "2024-07-03", "2024-07-04", "2024-07-05"]


def test_a_session_over_midnight_of_every_day_is_refused(tmp_path: Path) -> None:
    stamps = hours("2024-07-01", *((day, range(18, 32)) for day in range(14)))
    with pytest.raises(InputFileError, match=r"sessions over midnight: 18:00 to 07:00; .*--timezone, or .*--daily"):
        bars(tmp_path / "a.csv", stamps)


def test_the_last_session_is_left_out_if_it_is_not_over(tmp_path: Path) -> None:
    stamps = hours("2024-07-01", *((day, range(9, 17)) for day in range(4)), (4, range(9, 12)))
    table, texts = bars(tmp_path / "a.csv", stamps)
    assert list(table) == ["2024-07-01", "2024-07-02", "2024-07-03", "2024-07-04"]
    assert "1 unfinished day at the ends of the file left out" in texts


def test_a_session_that_summer_time_moves_is_over(tmp_path: Path) -> None:
    start = datetime.datetime.fromisoformat("2024-03-18 09:30")
    stamps = [
        start + datetime.timedelta(days=day, minutes=15 * bar - 60 * (day >= 14))  # London is ahead of UTC then
        for day in (*range(5), *range(7, 12), 14)
        for bar in range(28)
    ]
    table, _ = bars(tmp_path / "a.csv", stamps)
    assert list(table)[-1] == "2024-04-01"
    assert "1 unfinished day at the ends of the file left out" in bars(tmp_path / "b.csv", stamps[:-6])[1]


@pytest.mark.parametrize("step", [1, -1])
def test_the_last_trade_of_a_day_is_its_close(tmp_path: Path, step: int) -> None:
    lines = [
        f"2024070{day} {hour:02}3007{part:03},{10 * day + hour / 10 + part / 10_000}"
        for day in (1, 2, 3)
        for hour in range(9, 17)
        for part in range(0, 100 * (1 + (day + hour) % 3), 100)  # milliseconds
    ]
    loaded = answer(tmp_path / "a.csv", "time,price\n" + "\n".join(lines[::step]))
    assert loaded.series.close.tolist() == pytest.approx([11.62, 21.6, 31.61])


def test_days_around_the_clock_end_at_a_given_time(tmp_path: Path) -> None:
    stamps = hours("2024-07-01", (0, range(17, 24 * 4 + 17)))
    table, texts = bars(tmp_path / "a.csv", stamps, daily_close="17:00")
    assert list(table) == ["2024-07-02", "2024-07-03", "2024-07-04", "2024-07-05"]
    assert table["2024-07-02"] == [1, 24.5, 0.5, 24.25, 24]
    assert "a day ends at 17:00" in texts[0]


@pytest.mark.parametrize(
    ("span", "count", "second"),
    [
        (range(10, 17), 12, 14),  # bars stamped at their end
        (range(9, 16), 12, 14),
        (range(5, 21), 11, 27),  # trading goes on after the close; the first day begins late
    ],
)
def test_a_close_within_the_rows_makes_no_day_of_a_weekend(
    tmp_path: Path, span: range, count: int, second: int
) -> None:
    stamps = hours("2024-07-01", *((day, span) for day in range(16) if day % 7 < 5))
    table, _ = bars(tmp_path / "a.csv", stamps, daily_close="16:00")
    assert len(table) == count
    assert all(datetime.date.fromisoformat(day).weekday() < 5 for day in table)
    assert table["2024-07-02"][3] == second + 0.25


def test_bars_of_hours_around_the_clock_have_no_night(tmp_path: Path) -> None:
    halves = hours("2024-07-01", (0, range(0, 24 * 8, 12)))  # stamped at their begin
    assert bars(tmp_path / "a.csv", halves, daily_close="00:00")[0]["2024-07-01"][3] == 2.25
    weeks = hours("2024-06-30", *((day, range(21, 45, 4)) for day in range(12) if day % 7 < 5))  # at their end
    table, _ = bars(tmp_path / "b.csv", weeks, daily_close="17:00")
    assert [row[3] for row in table.values()][:5] == [6.25, 12.25, 18.25, 24.25, 30.25]


def test_a_close_on_the_clock_of_another_zone(tmp_path: Path) -> None:
    stamps = hours("2024-07-01", (0, range(21, 24 * 3 + 21)))  # 17:00 in New York is 21:00 in UTC
    table, _ = bars(tmp_path / "a.csv", stamps, daily_close="17:00", timezone="America/New_York")
    assert table["2024-07-02"] == [1, 24.5, 0.5, 24.25, 24]
    assert list(table) == ["2024-07-02", "2024-07-03", "2024-07-04"]


def test_minutes_of_a_session(tmp_path: Path) -> None:
    start = datetime.datetime.fromisoformat("2024-07-01 09:30")
    stamps = [start + datetime.timedelta(days=day, minutes=5 * bar) for day in range(4) for bar in range(78)]
    table, _ = bars(tmp_path / "a.csv", stamps)
    assert [row[4] for row in table.values()] == [78, 78, 78, 78]


def test_times_in_a_column_of_their_own(tmp_path: Path) -> None:
    lines = [
        f"2024.07.0{day},{hour:02}:00,{day},{day + 1},{day - 0.5},{day + hour / 100},5"
        for day in range(1, 6)
        for hour in range(9, 17)
    ]
    loaded = answer(tmp_path / "a.csv", "<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\n" + "\n".join(lines))
    assert loaded.series.close.tolist() == [day + 0.16 for day in range(1, 6)]
    assert loaded.series.columns["volume"].tolist() == [40] * 5


@pytest.mark.parametrize(
    ("months", "expected"),
    [
        (["09/2015", "10/2015"], ["2015-09-30", "2015-10-31"]),
        (["201509", "201510"], ["2015-09-30", "2015-10-31"]),
        (["Q1 2015", "Q2 2015"], ["2015-03-31", "2015-06-30"]),
        (["2015.09", "2015.1", "2015.11"], ["2015-09-30", "2015-10-31", "2015-11-30"]),
        (["2015.1", "2015.2", "2015.10"], ["2015-01-31", "2015-02-28", "2015-10-31"]),
    ],
)
def test_months_and_quarters_without_days(tmp_path: Path, months: list[str], expected: list[str]) -> None:
    lines = "".join(f"{month},{number}\n" for number, month in enumerate(months, start=1))
    assert answer(tmp_path / "a.csv", "Date,Price\n" + lines).series.dates.astype(str).tolist() == expected


def test_a_month_that_may_be_january_or_october_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"line 2: date '2015.1' may be January or October"):
        answer(tmp_path / "a.csv", "Date,Price\n2015.1,1\n2015.11,2\n2015.12,3\n")


def test_months_with_short_years(tmp_path: Path) -> None:
    loaded = answer(tmp_path / "a.csv", "Month,Price\nNov-99,1\nDec-99,2\nJan-00,3\nFeb-00,4\n")
    assert loaded.series.dates.astype(str).tolist() == ["1999-11-30", "1999-12-31", "2000-01-31", "2000-02-29"]


def test_whole_months_are_dated_by_their_last_day_and_the_current_one_is_left_out(tmp_path: Path) -> None:
    loaded = answer(tmp_path / "a.csv", "Month,Price\n2026-08,1\n2026-09,2\n2026-10,3\n2026-11,4\n")
    assert loaded.series.dates.astype(str).tolist() == ["2026-08-31", "2026-09-30", "2026-10-31"]
    assert [finding.text for finding in loaded.findings] == ["1 row left out, the month is not over (2026-11-30)"]


@pytest.mark.parametrize(
    ("first", "step", "count", "text"),
    [
        ("2026-07-05", "W", 21, "1 row left out, the week is not over (2026-11-22)"),
        ("2026-01", "M", 11, "1 row left out, the month is not over (2026-11-30)"),
    ],
)
def test_rows_are_left_out_if_their_week_or_month_ends_later(
    tmp_path: Path, first: str, step: str, count: int, text: str
) -> None:
    spans = np.datetime64(first) + np.arange(count) * np.timedelta64(1, step)
    dates = spans if step == "W" else (spans + 1).astype("datetime64[D]") - 1
    content = "Date,Price\n" + "".join(f"{date},{row + 1}\n" for row, date in enumerate(dates))
    loaded = answer(tmp_path / "a.csv", content)
    assert loaded.series.dates.tolist() == dates[:-1].tolist()
    assert [finding.text for finding in loaded.findings] == [text]
    with pytest.raises(InputFileError, match="lies in the future"):
        answer(tmp_path / "a.csv", content + "2027-03-31,12\n")


def clock_of_berlin(hours: int) -> list[datetime.datetime]:
    """Hours of the clock of Berlin around the night in which it is set back."""
    start = datetime.datetime.fromisoformat("2023-10-28 00:00")
    change = datetime.datetime.fromisoformat("2023-10-29 03:00")
    stamps = [start + datetime.timedelta(hours=hour) for hour in range(hours)]
    return [stamp if stamp < change else stamp - datetime.timedelta(hours=1) for stamp in stamps]


@pytest.mark.parametrize("step", [1, -1])
def test_the_hour_that_local_clocks_repeat_in_autumn_belongs_to_its_day(tmp_path: Path, step: int) -> None:
    stamps = clock_of_berlin(24 * 3 + 1)
    lines = [f"{stamp:%Y-%m-%d %H:%M},{number},1" for number, stamp in enumerate(stamps, start=1)]
    loaded = answer(tmp_path / "a.csv", "time,close,volume\n" + "\n".join(lines[::step]), daily_close="00:00")
    assert loaded.series.dates.astype(str).tolist() == ["2023-10-28", "2023-10-29", "2023-10-30"]
    assert loaded.series.close.tolist() == [24, 49, 73]
    assert loaded.series.columns["volume"].tolist() == [24, 25, 24]


@pytest.mark.parametrize("again", ["2023-10-28 02:00", "2023-10-29 05:00"])
def test_another_hour_that_is_there_twice_is_refused(tmp_path: Path, again: str) -> None:
    lines = [f"{stamp:%Y-%m-%d %H:%M},{number}" for number, stamp in enumerate(clock_of_berlin(73), start=1)]
    with pytest.raises(InputFileError, match="is there twice, first in line"):
        answer(tmp_path / "a.csv", "time,close\n" + "\n".join([*lines, f"{again},9"]), daily_close="00:00")
