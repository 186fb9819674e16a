"""Features of a trading day from dates alone: weekday, gap, season, holidays and announcements, known long before.

They describe the return of the day, which runs from the price of the trading day before to the price of the day: its
*beginning* is that day before.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from forecaster.arrays import BoolArray, DateArray
from forecaster.data.announcements import Announcements, announcement_rows, central_bank_meetings, us_payrolls
from forecaster.data.us_holidays import us_holidays

__all__ = ["EVENT_FEATURES", "FEATURE_NAMES", "PADDING", "DayFeatures", "day_features", "day_names", "known_until"]

PADDING = 10
"""Trading days before and after the wanted ones that the features of a day may depend on."""

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
_TURN_OF_YEAR = {
    "december_17_to_19": (1217, 1219),
    "december_20_to_21": (1220, 1221),
    "december_22": (1222, 1222),
    "december_23_to_24": (1223, 1224),
    "december_25_to_28": (1225, 1228),
    "december_29_to_30": (1229, 1230),
    "december_31": (1231, 1231),
    "january_2_to_3": (102, 103),
    "january_4_to_6": (104, 106),
}
_MONTH_END = (0, 3, 4, 5)  # trading days before the last one of a month
_PAYROLLS = "us_payrolls"
OWN_BANK = "own_bank_meeting"
"""Feature that differs between currencies: a meeting of the currency's own central bank."""

_WITH_NEIGHBOURS = (_PAYROLLS, "fed_meeting")
_NEIGHBOURS = {"two_days_before": 2, "day_before": 1, "day_after": -1}
# Chosen on cutoffs from 2005 to 2014 and confirmed to 2020 (docs/model.md); of BoE, BoJ and SNB nothing was seen.
_WATCHED_BANKS = {"fed_meeting": "Fed", "ecb_meeting": "ECB"}  # their meetings move all currencies
_OWN_BANKS = ("Fed", "RBA", "BoC", "RBNZ")  # and these their own currency in particular

EVENT_FEATURES = (
    *(_PAYROLLS, *_WATCHED_BANKS, OWN_BANK),
    *(f"{event}_{neighbour}" for event in _WITH_NEIGHBOURS for neighbour in _NEIGHBOURS),
)
"""Features that a few days have, on which much happens or little."""

FEATURE_NAMES = (
    *(f"from_{weekday}" for weekday in _WEEKDAYS),
    *("longer_by_1_day", "longer_by_2_days"),
    *(f"from_{season}" for season in _TURN_OF_YEAR),
    *(f"from_{count}_before_month_end" for count in _MONTH_END),
    *("from_july", "from_august"),
    *("from_us_holiday", "to_us_holiday", "over_us_holiday"),
    *EVENT_FEATURES,
)
"""All features, in the order of the columns."""


_LABELS = {
    _PAYROLLS: "US payrolls",
    **_WATCHED_BANKS,
    f"{_PAYROLLS}_two_days_before": "before US payrolls",
    f"{_PAYROLLS}_day_before": "before US payrolls",
    "fed_meeting_two_days_before": "before Fed",
    "fed_meeting_day_before": "before Fed",
    "from_us_holiday": "US holiday",
    "to_us_holiday": "US holiday",
    "over_us_holiday": "US holiday",
    "longer_by_1_day": "days off before",
    **dict.fromkeys((f"from_{season}" for season in _TURN_OF_YEAR), "turn of the year"),
}
"""Feature -> text for people; the others are ordinary."""


@dataclasses.dataclass(frozen=True, eq=False)
class DayFeatures:
    """Features of trading days.

    Args:
        days: (T,) trading days.
        common: (T, F) features in the order of `FEATURE_NAMES`; that of a currency's own central bank is False.
        own: Currency -> (T,) True on the days with a meeting of its own central bank.
    """

    days: DateArray
    common: BoolArray
    own: Mapping[str, BoolArray]

    def of(self, subject: str) -> BoolArray:
        """(T, F) features of a currency, or of anything else that has no central bank."""
        result = self.common
        if subject in self.own:
            result = result.copy()
            result[:, FEATURE_NAMES.index(OWN_BANK)] = self.own[subject]
        return result


def day_features(days: DateArray, at_fixing: bool) -> DayFeatures:
    """Features of trading days, but for the first and last `PADDING` of them, which are left out.

    Args:
        days: (T,) trading days of a market without gaps, increasing.
        at_fixing: True if prices are set at 14:15 in Frankfurt; else at the end of the day.
    """
    meetings = central_bank_meetings()
    events = {
        _PAYROLLS: us_payrolls(),
        **{name: meetings[bank] for name, bank in _WATCHED_BANKS.items()},
    }
    columns = {**_seasons(days), **_us_holidays(days), **_events(days, events, at_fixing)}
    own: dict[str, BoolArray] = {}
    for bank in _OWN_BANKS:
        own[meetings[bank].currency] = announcement_rows(meetings[bank], days, at_fixing)
    columns[OWN_BANK] = np.zeros(len(days), dtype=bool)
    inner = slice(PADDING, len(days) - PADDING)
    common = np.stack([columns[name] for name in FEATURE_NAMES], axis=1)
    return DayFeatures(days[inner], common[inner], {currency: rows[inner] for currency, rows in own.items()})


def _seasons(days: DateArray) -> dict[str, BoolArray]:
    begin = np.concatenate([days[:1], days[:-1]])
    number = begin.astype(int)
    weekday = (number + 3) % 7
    months = begin.astype("datetime64[M]")
    month = months.astype(int) % 12 + 1
    date = month * 100 + (begin - months.astype("datetime64[D]")).astype(int) + 1
    extra_days = days.astype(int) - number - np.where(weekday == 4, 3, 1)
    month_end = np.zeros(len(days), dtype=bool)
    month_end[:-1] = month[1:] != month[:-1]
    return {
        **{f"from_{name}": weekday == place for place, name in enumerate(_WEEKDAYS)},
        "longer_by_1_day": extra_days >= 1,
        "longer_by_2_days": extra_days >= 2,
        **{f"from_{name}": (date >= first) & (date <= last) for name, (first, last) in _TURN_OF_YEAR.items()},
        **{f"from_{count}_before_month_end": _earlier(month_end, count) for count in _MONTH_END},
        "from_july": month == 7,
        "from_august": month == 8,
    }


def _us_holidays(days: DateArray) -> dict[str, BoolArray]:
    begin = np.concatenate([days[:1], days[:-1]])
    first_year = int(days[0].astype("datetime64[Y]").astype(int)) + 1970
    last_year = int(days[-1].astype("datetime64[Y]").astype(int)) + 1970
    holidays = us_holidays(first_year, last_year)
    before_begin, until_begin = (np.searchsorted(holidays, begin, side=side) for side in ("left", "right"))
    before_day, until_day = (np.searchsorted(holidays, days, side=side) for side in ("left", "right"))
    return {
        "from_us_holiday": until_begin > before_begin,
        "to_us_holiday": until_day > before_day,
        "over_us_holiday": before_day > until_begin,
    }


def _events(days: DateArray, events: Mapping[str, Announcements], at_fixing: bool) -> dict[str, BoolArray]:
    columns = {name: announcement_rows(event, days, at_fixing) for name, event in events.items()}
    for name in _WITH_NEIGHBOURS:
        for neighbour, days_before in _NEIGHBOURS.items():
            columns[f"{name}_{neighbour}"] = _earlier(columns[name], days_before)
    return columns


def _earlier(rows: BoolArray, count: int) -> BoolArray:
    """(T,) `rows` moved `count` days earlier, or later where it is negative; False where that leaves the days."""
    result = np.zeros(len(rows), dtype=bool)
    if count >= 0:
        result[: len(rows) - count] = rows[count:]
    else:
        result[-count:] = rows[:count]
    return result


def day_names(features: DayFeatures, currencies: Sequence[str]) -> list[tuple[str, ...]]:
    """Names of what sets each day apart, such as ``Fed``, for the currencies of a pair; none on an ordinary day."""
    names: list[dict[str, None]] = [{} for _ in features.days]
    for feature, label in _LABELS.items():
        for row in np.flatnonzero(features.common[:, FEATURE_NAMES.index(feature)]).tolist():
            names[row][label] = None
    for bank in _OWN_BANKS:
        currency = central_bank_meetings()[bank].currency
        if currency in currencies:
            for row in np.flatnonzero(features.own[currency]).tolist():
                names[row][bank] = None
    return [tuple(row) for row in names]


def known_until(currencies: Sequence[str]) -> tuple[str, np.datetime64]:
    """The central bank whose meetings are known least far, of those that move the currencies of a pair, and how far."""
    meetings = central_bank_meetings()
    watched = [
        meetings[bank]
        for bank in dict.fromkeys((*_WATCHED_BANKS.values(), *_OWN_BANKS))
        if bank in _WATCHED_BANKS.values() or meetings[bank].currency in currencies
    ]
    first = min(watched, key=lambda bank: bank.days[-1])
    return first.name, first.days[-1]
