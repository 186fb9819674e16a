import dataclasses
import pickle

import numpy as np
import pytest

from forecaster.data.instruments import parse_pair, parse_ticker
from forecaster.data.series import Panel, PriceSeries
from forecaster.errors import InputFileError
from forecaster.features.outcomes import prices_after


def series(closes: list[float], name: str = "USDJPY", **more: object) -> PriceSeries:
    dates = np.datetime64("2024-01-01") + np.arange(len(closes))
    return PriceSeries(parse_pair(name), "made", name, dates, {"close": np.array(closes)}, **more)  # type: ignore[arg-type]


def test_arrays_are_read_only_and_the_callers_stay_his_own() -> None:
    close = np.array([1.0, 2.0])
    rounding = np.array([0.1, 0.1])
    dates = np.array(["2024-01-01", "2024-01-02"], "datetime64[D]")
    one = PriceSeries(parse_pair("USDJPY"), "made", "USDJPY", dates, {"close": close}, rounding)
    before = one.sha256
    close[0] = rounding[0] = 99.0
    dates[0] = np.datetime64("1999-01-01")
    assert one.close[0] == 1.0
    assert one.rounding is not None
    assert one.rounding[0] == 0.1
    assert dataclasses.replace(one).sha256 == before
    for array in (one.dates, one.close, one.rounding):
        assert not array.flags.writeable


def test_between_keeps_both_ends_and_copies_nothing() -> None:
    one = series([1.0, 2.0, 3.0, 4.0], rounding=np.array([0.1, 0.2, 0.3, 0.4]))
    cut = one.between(np.datetime64("2024-01-02"), np.datetime64("2024-01-03"))
    assert cut.close.tolist() == [2.0, 3.0]
    assert cut.rounding is not None
    assert cut.rounding.tolist() == [0.2, 0.3]
    assert np.shares_memory(cut.close, one.close)
    assert one.between() is one


def adjusted_series(close: list[float], adjusted: list[float]) -> PriceSeries:
    one = series(close)
    return dataclasses.replace(one, columns={"close": one.close, "adj_close": np.array(adjusted)})


def test_without_adjusted_closes_log_prices_are_the_logs_of_the_closes_to_the_bit() -> None:
    one = series(np.random.default_rng(0).uniform(1, 200, 500).tolist())
    assert one.total_return_price is one.close
    np.testing.assert_array_equal(one.log_price, np.log(one.close))
    np.testing.assert_array_equal(prices_after(one, np.arange(480), 20), one.close[20:])
    assert not one.log_price.flags.writeable


def test_returns_are_those_of_the_adjusted_closes_where_both_are_known() -> None:
    adjusted = [9.0, 9.9, np.nan, 11.0, 12.1, 0.0, -1.0, np.inf, 14.0, 7.0]
    close = [10.0, 10.5, 11.0, 12.0, 12.0, 13.0, 14.0, 15.0, 16.0, 20.0]
    one = adjusted_series(close, adjusted)
    growth = [10 * 1.1, 11 / 10.5, 12 / 11, 1.1, 13 / 12, 14 / 13, 15 / 14, 16 / 15, 0.5]
    np.testing.assert_allclose(one.total_return_price, [10.0, *np.cumprod(growth)], rtol=1e-14)
    np.testing.assert_allclose(np.diff(one.log_price), np.log([1.1, *growth[1:]]), atol=1e-14)
    assert prices_after(one, np.array([3]), 1).tolist() == pytest.approx([12 * 1.1])
    assert prices_after(one, np.array([0, 8]), 1).tolist() == pytest.approx([11.0, 8.0])


def test_log_prices_know_nothing_of_later_rows_nor_of_the_level_of_the_adjustment() -> None:
    rng = np.random.default_rng(1)
    close, adjusted = rng.uniform(1, 200, (2, 300)).tolist()
    adjusted[50] = np.nan
    one = adjusted_series(close, adjusted)
    for rows in (1, 2, 51, 52, 63, 64, 65, 255, 299):
        np.testing.assert_array_equal(one.between(end=one.dates[rows - 1]).log_price, one.log_price[:rows])
        later = adjusted_series(close[:rows] + [5.0] * (300 - rows), adjusted[:rows] + [7.0] * (300 - rows))
        np.testing.assert_array_equal(later.log_price[:rows], one.log_price[:rows])
    rescaled = adjusted_series(close, [0.37 * value for value in adjusted])
    np.testing.assert_allclose(rescaled.log_price, one.log_price, atol=1e-12)
    late = one.between(one.dates[100])
    assert late.log_price[0] == np.log(late.close[0])
    np.testing.assert_allclose(np.diff(late.log_price), np.diff(one.log_price)[100:], atol=1e-12)


def test_log_prices_of_no_rows_are_none() -> None:
    one = adjusted_series([1.0], [1.0])
    assert one.between(end=np.datetime64("1990-01-01")).log_price.shape == (0,)


def test_a_series_survives_pickling() -> None:
    one = series([1.0, 2.0], rounding=np.array([0.1, 0.1]), meta={"a": "b"})
    copy = pickle.loads(pickle.dumps(one))
    assert copy.sha256 == one.sha256
    assert (copy.instrument, dict(copy.meta), copy.name) == (one.instrument, {"a": "b"}, one.name)
    assert not copy.close.flags.writeable


def test_hash_is_of_dates_and_values_alone() -> None:
    one = series([1.0, 2.0])
    assert one.sha256 == series([1.0, 2.0], "EURUSD", meta={"a": "b"}).sha256
    assert one.sha256 != series([1.0, 2.0000000000000004]).sha256
    missing = {"close": one.close, "open": np.array([-0.0, np.nan])}
    zeros = {"open": np.array([0.0, -np.nan]), "close": one.close}
    assert dataclasses.replace(one, columns=missing).sha256 == dataclasses.replace(one, columns=zeros).sha256


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"columns": {}}, "has no closing price"),
        ({"columns": {"close": np.ones(3)}}, "column 'close' has 3 rows; expected 2"),
        ({"rounding": np.ones(3)}, "column 'rounding' has 3 rows; expected 2"),
        (
            {"columns": {"close": np.array([1.0, 0.0])}},
            "1 closing prices are missing, zero, negative or beyond 1e15, first on 2024-01-02",
        ),
        ({"columns": {"close": np.array([np.nan, np.inf])}}, "2 closing prices are missing"),
        ({"dates": np.array(["2024-01-01", "2024-01-01"], "datetime64[D]")}, "dates do not increase at 2024-01-01"),
    ],
)
def test_what_is_no_history_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputFileError, match=message):
        dataclasses.replace(series([1.0, 2.0]), **changes)  # type: ignore[arg-type]


def test_panel_is_sorted_by_name_whatever_the_order() -> None:
    members = [series([1.0, 2.0], name) for name in ("USDJPY", "AUDUSD", "EURUSD")]
    panel = Panel(tuple(members))
    assert panel.names == ("AUDUSD", "EURUSD", "USDJPY")
    assert panel["EURUSD"] is members[2]
    with pytest.raises(KeyError, match="XXXYYY"):
        panel["XXXYYY"]


def test_panel_drops_what_a_cut_leaves_empty() -> None:
    late = dataclasses.replace(series([1.0], "AUDUSD"), dates=np.array(["2025-01-01"], "datetime64[D]"))
    panel = Panel((late, series([1.0, 2.0]))).between(end=np.datetime64("2024-06-01"))
    assert panel.names == ("USDJPY",)


def test_name_tells_source_symbol_interval_and_hash() -> None:
    one = PriceSeries(
        parse_ticker("AAPL"), "yahoo", "AAPL", np.array(["2024-01-01"], "datetime64[D]"), {"close": np.ones(1)}
    )
    assert one.name == f"yahoo/AAPL/1d@{one.sha256[:12]}"
