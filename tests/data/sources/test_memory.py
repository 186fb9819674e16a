"""Histories in memory: rows of pandas objects become a price history."""

import datetime

import numpy as np
import pandas as pd
import pytest

from forecaster.data.instruments import memory_instrument, parse_pair
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.memory import MemorySource, memory_history
from forecaster.data.sources.registry import default_source
from forecaster.errors import ConfigError, InputFileError, InstrumentError, UsageError

DAYS = pd.bdate_range("2024-01-01", periods=5)
CLOSE = [1.0, 2.0, 3.0, 4.0, 5.0]
TODAY = datetime.date(2026, 11, 20)


TOKYO = pd.Series(1.0 + np.arange(20), pd.bdate_range("2024-01-01", periods=20, tz="Asia/Tokyo").tz_convert("UTC"))


def frame(**columns: list[float]) -> pd.DataFrame:
    return pd.DataFrame(columns, index=DAYS)


@pytest.mark.parametrize(
    "prices",
    [
        pd.Series(CLOSE, DAYS),
        pd.Series(CLOSE, DAYS.tz_localize("America/New_York") + pd.Timedelta(hours=22)),
        pd.Series(CLOSE, DAYS.to_period("D")),
        pd.Series(CLOSE, [day.date() for day in DAYS]),
        pd.Series(CLOSE, DAYS.strftime("%Y-%m-%d")),
        pd.Series(CLOSE, DAYS).iloc[::-1],
        frame(Close=CLOSE),
        frame(rate=CLOSE, noise=[0.0] * 5),
        frame(anything=CLOSE),
        frame(close=CLOSE).rename_axis("Date").reset_index(),
        pd.DataFrame({"Date": DAYS.tz_localize("UTC"), "price": CLOSE}),
        pd.DataFrame({("Close", "AAPL"): CLOSE}, index=DAYS),
        pd.concat([pd.Series(CLOSE, DAYS), pd.Series([np.nan], [pd.Timestamp("2024-02-01")])]),
    ],
)
def test_prices_of_many_shapes_are_one_history(prices: object) -> None:
    history = memory_history(prices, "gold")
    assert history.dates.tolist() == [day.date() for day in DAYS]
    assert history.close.tolist() == CLOSE
    assert history.sha256 == memory_history(pd.Series(CLOSE, DAYS), "gold").sha256
    assert (history.source, history.symbol, history.instrument) == ("memory", "gold", memory_instrument("gold"))


def test_the_range_of_a_day_is_read_next_to_a_close() -> None:
    columns = {"Open": CLOSE, "High": CLOSE, "Low": CLOSE, "Adj Close": CLOSE, "Volume": [1.0] * 5}
    assert set(memory_history(frame(Close=CLOSE, **columns)).columns) == {
        *("open", "high", "low", "close", "adj_close", "volume")
    }
    assert set(memory_history(frame(price=CLOSE, Open=CLOSE)).columns) == {"open", "close"}
    assert set(memory_history(frame(adj_close=CLOSE, Open=CLOSE)).columns) == {"close"}


def test_names() -> None:
    assert memory_history(pd.Series(CLOSE, DAYS, name="gold")).symbol == "gold"
    assert memory_history(pd.Series(CLOSE, DAYS, name="Close")).symbol == "history"
    assert memory_history(memory_history(pd.Series(CLOSE, DAYS), "gold"), "silver").symbol == "silver"
    with pytest.raises(InstrumentError, match="'a/b' cannot name a series"):
        memory_history(pd.Series(CLOSE, DAYS), "a/b")


@pytest.mark.parametrize(
    ("prices", "message"),
    [
        ([1.0, 2.0], "a history is a list; expected a pandas DataFrame or Series"),
        (pd.Series(CLOSE), "the index of a history holds int64; expected a date in each row"),
        (pd.Series(CLOSE, list("abcde")), "expected a date in each row"),
        (pd.Series(CLOSE, [*DAYS[:4], pd.NaT]), "expected a date in each row"),
        (pd.Series(CLOSE, DAYS[[0, 1, 1, 2, 3]]), "has several rows on 2024-01-02; expected one row a date"),
        (pd.Series([1.0, 0.0, 3.0, 4.0, 5.0], DAYS), "price 0 on 2024-01-02; expected positive prices"),
        (pd.Series([np.nan] * 4 + [1.0], DAYS), "has 1 rows with a price; expected at least 2"),
        (frame(Closes=CLOSE, other=CLOSE), r"no price among the columns 'closes', 'other'.*did you mean 'closes'"),
        (pd.DataFrame([[1.0, 2.0]] * 5, DAYS, ["close", "Close"]), "two columns have one name"),
        (pd.Series(["x"] * 5, DAYS), "holds text or objects; expected numbers"),
        (frame(Volume=CLOSE), "no price among the columns 'volume'; rename one to 'close'"),
        (pd.concat({"A": frame(close=CLOSE)}), r"the levels 'None', 'None'; expected dates alone; .*prices.loc"),
        (TOKYO, r"the time 15:00 on 2023-12-31 and weekdays of a market in another time zone; .*tz_convert"),
    ],
)
def test_what_is_no_history(prices: object, message: str) -> None:
    with pytest.raises(InputFileError, match=message):
        memory_history(prices)


def test_the_source_has_the_history_that_was_given() -> None:
    history = memory_history(pd.Series(CLOSE, DAYS), "gold")
    assert default_source(history.instrument) == "memory"
    request = LoadRequest(history.instrument, None, TODAY)  # type: ignore[arg-type]  # no folder is used
    assert MemorySource(history).load(request).series is history
    with pytest.raises(UsageError, match="source 'memory' has no 'gold'; expected a history from Python"):
        MemorySource().load(request)
    with pytest.raises(UsageError, match="has no 'USDJPY'"):
        MemorySource(history).load(LoadRequest(parse_pair("USDJPY"), None, TODAY))  # type: ignore[arg-type]
    with pytest.raises(InputFileError, match="lies in the future; today is 2024-01-04"):
        MemorySource(history).load(LoadRequest(history.instrument, None, datetime.date(2024, 1, 4)))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="option 'rows' is unknown"):
        MemorySource(history).load(LoadRequest(history.instrument, None, TODAY, {"rows": 1}))  # type: ignore[arg-type]
