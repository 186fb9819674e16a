"""Features of coming days: they follow from dates alone, and from those near by."""

import numpy as np
import pytest

from forecaster.features.day_features import FEATURE_NAMES, PADDING, day_features, day_names, known_until

DAYS = np.arange("1999-01-01", "2029-01-01", dtype="datetime64[D]")
DAYS = DAYS[np.is_busday(DAYS, holidays=["2020-12-25"])]


def column(name: str, at_fixing: bool = True) -> dict[str, bool]:
    features = day_features(DAYS, at_fixing)
    values = features.common[:, FEATURE_NAMES.index(name)]
    return dict(zip(features.days.astype(str).tolist(), values.tolist(), strict=True))


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("from_friday", "2020-12-07"),
        ("us_payrolls", "2020-12-07"),  # published on Friday after the fixing
        ("us_payrolls_day_before", "2020-12-04"),
        ("us_payrolls_two_days_before", "2020-12-03"),
        ("us_payrolls_day_after", "2020-12-08"),
        ("fed_meeting", "2020-12-17"),
        ("ecb_meeting", "2020-12-11"),
        ("from_december_23_to_24", "2020-12-28"),
        ("longer_by_1_day", "2020-12-28"),
        ("from_0_before_month_end", "2021-01-01"),
        ("from_3_before_month_end", "2020-12-29"),
        ("to_us_holiday", "2020-11-26"),
        ("from_us_holiday", "2020-11-27"),
        ("over_us_holiday", "2020-12-28"),
        ("from_july", "2021-08-02"),
    ],
)
def test_a_feature_holds_on_its_day(name: str, date: str) -> None:
    values = column(name)
    assert values[date]
    assert sum(values.values()) < len(values) / 4


def test_prices_of_the_end_of_the_day_show_an_announcement_on_its_date() -> None:
    assert column("fed_meeting", at_fixing=False)["2020-12-16"]


def test_features_depend_on_days_near_by_alone() -> None:
    all_days = day_features(DAYS, at_fixing=True)
    rng = np.random.default_rng(0)
    for first in rng.integers(0, len(DAYS) - 100, 25):
        part = day_features(DAYS[first : first + 100], at_fixing=True)
        rows = slice(first, first + 100 - 2 * PADDING)
        np.testing.assert_array_equal(part.days, all_days.days[rows])
        np.testing.assert_array_equal(part.common, all_days.common[rows])
        for currency, values in part.own.items():
            np.testing.assert_array_equal(values, all_days.own[currency][rows])


def test_names_are_those_of_the_two_currencies() -> None:
    features = day_features(DAYS, at_fixing=True)
    place = int(np.searchsorted(features.days, np.datetime64("2020-12-01")))
    assert "RBA" in day_names(features, ("AUD", "CAD"))[place]
    assert "RBA" not in day_names(features, ("EUR", "JPY"))[place]
    assert known_until(("AUD", "JPY"))[1] >= np.datetime64("2027-12-01")
