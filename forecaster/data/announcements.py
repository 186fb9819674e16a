"""Announcements whose days are known in advance: meetings of central banks, and the US labour market report.

`central_bank_meetings.csv` lists the scheduled meetings by the local date of the announcement, a row for each bank and
year. ``announced`` says whether that is before or after the ECB has set its rates of the day, at 14:15 in Frankfurt.
The US labour market report follows a rule.
"""

import csv
import datetime
import functools
from pathlib import Path
from typing import NamedTuple

import numpy as np

from forecaster.arrays import BoolArray, DateArray

__all__ = ["Announcements", "announcement_rows", "central_bank_meetings", "read_meetings", "us_payrolls"]

_FILE = Path(__file__).with_name("central_bank_meetings.csv")
_FIRST_YEAR, _LAST_YEAR = 1990, 2100
_SAME_WINTER_TIME = 2007  # since then the summer time of the United States has ended a week after that of Europe


class Announcements(NamedTuple):
    """Announcements of one kind.

    Args:
        name: Short name, such as ``Fed``.
        currency: Currency of the central bank.
        days: (N,) datetime64[D], increasing, local dates.
        after_fixing: (N,) True where the ECB has set its rates of that day before the announcement.
    """

    name: str
    currency: str
    days: DateArray
    after_fixing: BoolArray


@functools.cache
def central_bank_meetings() -> dict[str, Announcements]:
    """Bank -> its scheduled meetings, in the order of the shipped file."""
    return read_meetings(_FILE)


def read_meetings(path: Path) -> dict[str, Announcements]:
    """Bank -> its meetings, from a file in the format of the shipped one."""
    days: dict[str, list[str]] = {}
    after: dict[str, list[bool]] = {}
    currencies: dict[str, str] = {}
    with open(path, encoding="ascii", newline="") as file:
        for row in csv.DictReader(file):
            dates = [f"{row['year']}-{day}" for day in row["days"].split()]
            days.setdefault(row["bank"], []).extend(dates)
            after.setdefault(row["bank"], []).extend([row["announced"] == "after"] * len(dates))
            currencies[row["bank"]] = row["currency"]
    meetings = {}
    for bank, texts in days.items():
        dates_of_bank = np.array(texts, dtype="datetime64[D]")
        meetings[bank] = Announcements(bank, currencies[bank], dates_of_bank, np.array(after[bank]))
    return meetings


@functools.cache
def us_payrolls() -> Announcements:
    """Reports on the US labour market by their rule; a report that a shutdown of the government moved is not known.

    The report comes on the third Friday after the week (Sunday to Saturday) with the 12th of the month before, at 8:30
    in New York: in Frankfurt at 14:30, after the fixing, but at 13:30 in the week when only Europe has winter time.
    """
    days = []
    after = []
    for year in range(_FIRST_YEAR, _LAST_YEAR):
        for month in range(1, 13):
            middle = datetime.date(year, month, 12)
            day = middle + datetime.timedelta(days=(5 - middle.weekday()) % 7 + 20)
            if day.month == 1 and day.day <= 3:
                day += datetime.timedelta(days=7)
            elif day.month == 7 and day.day in (3, 4):
                day -= datetime.timedelta(days=1)
            days.append(day)
            after.append(not (day.month == 11 and day.year >= _SAME_WINTER_TIME and day < _first_sunday(day.year, 11)))
    return Announcements("us_payrolls", "USD", np.array(days, dtype="datetime64[D]"), np.array(after))


def _first_sunday(year: int, month: int) -> datetime.date:
    first = datetime.date(year, month, 1)
    return first + datetime.timedelta(days=(6 - first.weekday()) % 7)


def announcement_rows(announcements: Announcements, days: DateArray, at_fixing: bool) -> BoolArray:
    """(T,) True for the trading days, in `days` (T,), in whose return an announcement falls.

    The return of a day runs from the price of the day before to the price of the day.

    Args:
        announcements: Days of the announcements.
        days: (T,) trading days, increasing.
        at_fixing: True if prices are those of the fixing; else they are those of the end of the day.
    """
    rows = np.searchsorted(days, announcements.days, side="left")
    if at_fixing:
        later = np.searchsorted(days, announcements.days, side="right")
        rows = np.where(announcements.after_fixing, later, rows)
    result = np.zeros(len(days), dtype=bool)
    result[rows[(rows > 0) & (rows < len(days))]] = True
    return result
