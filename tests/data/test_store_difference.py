import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecaster.data.instruments import parse_pair
from forecaster.data.series import PriceSeries
from forecaster.data.store_difference import difference


def series(prices: dict[int, float], **columns: list[float]) -> PriceSeries:
    dates = np.datetime64("2024-01-01") + np.array(sorted(prices), dtype=int)
    close = np.array([prices[day] for day in sorted(prices)])
    others = {name: np.array(values) for name, values in columns.items()}
    return PriceSeries(parse_pair("USDJPY"), "ecb", "USDJPY", dates, {"close": close, **others})


def days(dates: np.ndarray) -> list[int]:
    return [int(one) for one in (dates - np.datetime64("2024-01-01")).astype(int)]


def test_rows_that_came_went_and_changed() -> None:
    found = difference(series({0: 1.0, 1: 2.0, 2: 3.0}), series({1: 2.0, 2: 3.5, 4: 5.0, 5: 6.0}))
    assert (days(found.added), days(found.removed), days(found.revised)) == ([4, 5], [0], [2])
    assert list(found.columns) == ["close"]
    assert (found.columns["close"].old.tolist(), found.columns["close"].new.tolist()) == ([3.0], [3.5])
    assert not found.is_empty


def test_the_same_is_no_difference() -> None:
    one = series({0: 1.0, 1: 2.0}, volume=[0.0, float("nan")])
    assert difference(one, one).is_empty
    assert difference(one, series({0: 1.0, 1: 2.0}, volume=[-0.0, float("nan")])).is_empty


def test_a_column_that_only_one_has() -> None:
    found = difference(series({0: 1.0, 1: 2.0}), series({0: 1.0, 1: 2.0}, volume=[7.0, float("nan")]))
    assert days(found.revised) == [0]
    assert np.isnan(found.columns["volume"].old).all()
    assert found.columns["volume"].new.tolist() == [7.0]
    assert found.columns["volume"].ratio is None


def test_a_split_is_a_constant_ratio() -> None:
    prices = {day: 100.0 + day for day in range(5)}
    halved = {day: price / 2 for day, price in prices.items()}
    close = difference(series(prices), series(halved)).columns["close"]
    assert close.ratio == pytest.approx(0.5)
    assert difference(series(prices), series(halved | {3: 60.0})).columns["close"].ratio is None
    assert (
        difference(series(prices), series({**prices, 2: 51.0})).columns["close"].ratio is None
    )  # one row proves nothing


def test_volume_of_nothing_has_no_ratio() -> None:
    old = series({0: 1.0, 1: 2.0}, volume=[0.0, 0.0])
    new = dataclasses.replace(old, columns={**old.columns, "volume": np.array([5.0, 5.0])})
    assert difference(old, new).columns["volume"].ratio is None


prices = st.dictionaries(st.integers(0, 9), st.sampled_from([1.0, 2.0, 3.0]), min_size=1)


@given(prices, prices)
def test_agrees_with_the_hash_and_with_its_mirror(one: dict[int, float], other: dict[int, float]) -> None:
    old, new = series(one), series(other)
    there, back = difference(old, new), difference(new, old)
    assert there.is_empty == (old.sha256 == new.sha256)
    assert days(there.added) == sorted(other.keys() - one.keys()) == days(back.removed)
    assert days(there.removed) == sorted(one.keys() - other.keys()) == days(back.added)
    assert days(there.revised) == [day for day in sorted(one.keys() & other.keys()) if one[day] != other[day]]
    assert days(there.revised) == days(back.revised)
