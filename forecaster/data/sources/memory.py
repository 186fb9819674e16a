"""Prices that a Python program gives: a pandas DataFrame or Series, or a PriceSeries."""

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from forecaster.arrays import BoolArray, DateArray, FloatArray, Int64Array
from forecaster.data.instruments import Instrument, memory_instrument, shown
from forecaster.data.series import DIFFERENCES, MAX_PRICE, PriceSeries, is_price
from forecaster.data.sources.base import Loaded, LoadRequest, SourceTraits
from forecaster.data.sources.options import SourceOptions, parse_options
from forecaster.errors import InputFileError, UsageError

__all__ = ["MemorySource", "memory_history"]

DEFAULT_NAME = "history"


class MemorySource:
    """The history that a Python program gave.

    Args:
        history: From `memory_history`; None where a program gave none.
    """

    name = "memory"
    traits: ClassVar[SourceTraits] = SourceTraits(is_given=True, in_memory=True, redistributable=True)

    def __init__(self, history: PriceSeries | None = None) -> None:
        self._history = history

    def load(self, request: LoadRequest) -> Loaded:
        """The whole history.

        Raises:
            UsageError: The program gave no history of this instrument.
            InputFileError: Its last row lies in the future.
        """
        parse_options(SourceOptions, request.options, self.name)  # it has none
        history = self._history
        if history is None or history.instrument != request.instrument:
            raise UsageError(
                f"source 'memory' has no {shown(request.instrument.name)}; expected a history from Python, "
                "such as train(history=prices); give it again, or choose another source"
            )
        if history.dates[-1] > np.datetime64(request.today):
            raise InputFileError(
                f"{history.symbol}: the last date, {history.dates[-1]}, lies in the future; today is {request.today}; "
                "expected days that are over"
            )
        return Loaded(history)


def memory_history(prices: Any, name: str | None = None, *, signed: bool = False) -> PriceSeries:
    """A validated price history from rows in memory.

    A price column is called close, adj close, price, rate, last or value, or is the only column; case does not matter.
    Open, high, low, adjusted close and volume are read next to a close. Rows without a price are left out, and rows
    are sorted by date.

    Args:
        prices: A `pandas.Series` of prices or a `pandas.DataFrame`, with dates as index or in a column called date;
            or a `PriceSeries`, whose prices become a history of this source.
        name: Name of the history; that of the series, or else ``history``, when None.
        signed: True if prices may be zero or negative, because their changes are modelled.

    Raises:
        InputFileError: There are no dates or no prices, a date appears twice, or a price is zero or negative.
        InstrumentError: The name cannot name a series.
    """
    meta = {DIFFERENCES: "yes"} if signed else {}
    if isinstance(prices, PriceSeries):
        instrument = memory_instrument(name or prices.instrument.name)
        return dataclasses.replace(
            prices, instrument=instrument, source=MemorySource.name, symbol=instrument.name, meta=meta, inputs={}
        )
    dates, columns, own_name = _rows(prices)
    instrument = memory_instrument(name or own_name or DEFAULT_NAME)
    order = np.argsort(dates, kind="stable")
    order = order[~np.isnan(columns["close"][order])]
    order = order[_first_of_equal(dates[order], [values[order] for values in columns.values()])]
    _check(instrument, dates[order], columns["close"][order], signed=signed)
    columns = {key: values[order] for key, values in columns.items() if key == "close" or not signed}
    return PriceSeries(instrument, MemorySource.name, instrument.name, dates[order], columns, meta=meta)


def _first_of_equal(dates: DateArray, columns: Sequence[FloatArray]) -> BoolArray:
    """(T,) False for a row that repeats the date and all values of the row before it."""
    repeated = np.diff(dates).astype(np.int64) == 0
    for values in columns:
        repeated &= (values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))
    return np.concatenate([np.ones(min(len(dates), 1), dtype=bool), ~repeated])


def _check(instrument: Instrument, dates: DateArray, close: FloatArray, *, signed: bool) -> None:
    """Refuse a history with fewer than two prices, with a date twice or with an impossible price."""
    if len(dates) < 2:
        raise InputFileError(f"{instrument.name} has {len(dates)} rows with a price; expected at least 2, one a date")
    twice = dates[1:][np.diff(dates).astype(np.int64) == 0]
    if len(twice):
        raise InputFileError(
            f"{instrument.name} has several rows on {twice[0]}; expected one row a date: daily values or longer"
        )
    bad = ~(np.abs(close) <= MAX_PRICE) if signed else ~is_price(close)
    if bad.any():
        raise InputFileError(
            f"{instrument.name}: price {close[bad][0]:g} on {dates[bad][0]}; "
            f"expected positive prices up to {MAX_PRICE:g}; differences=True models changes of a spread"
        )


def _rows(prices: Any) -> tuple[DateArray, dict[str, FloatArray], str | None]:
    """Dates (T,), columns by name (T,) and the own name of a pandas object.

    pandas is not imported: a program that has such an object has imported it.
    """
    if not hasattr(prices, "index") or not hasattr(prices, "to_numpy"):
        raise InputFileError(
            f"a history is a {type(prices).__name__}; expected a pandas DataFrame or Series with dates as index, "
            "or a PriceSeries; name an instrument with pair=, ticker= or csv="
        )
    names = _column_names()
    if not hasattr(prices, "columns"):
        is_price_name = isinstance(prices.name, str) and names.price_tier(prices.name) is not None
        own_name = prices.name if isinstance(prices.name, str) and not is_price_name else None
        return _dates(prices.index), {"close": _numbers(prices, "the prices")}, own_name
    table = {_label(label): prices.iloc[:, place] for place, label in enumerate(prices.columns)}
    if len(table) < len(prices.columns):
        raise InputFileError(
            f"two columns have one name among {names.listed(list(table))}; expected the columns of one series"
        )
    date = min((name for name in table if name in names.DATE_NAMES), key=names.DATE_NAMES.__getitem__, default=None)
    dates = _dates(prices.index if date is None else table.pop(date))
    places = _places(table)
    return dates, {key: _numbers(table[label], label) for key, label in places.items()}, None


def _column_names() -> ModuleType:
    """The tables of known names, which take some milliseconds to build and that few programs need."""
    from forecaster.data.tables import names

    return names


def _label(label: Any) -> str:
    """Plain name of a column; of two levels of labels, such as those of yfinance, the first is the column."""
    plain: str = _column_names().plain_name(str(label[0] if isinstance(label, tuple) else label))
    return plain


def _places(table: Mapping[str, Any]) -> dict[str, str]:
    """Column of a history -> column of a table."""
    names = _column_names()
    tiers: dict[int, list[str]] = {}
    for name in table:
        tier = names.price_tier(name)
        if tier is not None:
            tiers.setdefault(tier, []).append(name)
    best = tiers[min(tiers)] if tiers else [name for name in table if len(table) == 1 and names.field_of(name) is None]
    if len(best) != 1:
        near = difflib.get_close_matches("close", table, n=1)
        hint = f"; did you mean {shown(near[0])}?" if near and not tiers else ""
        problem = "several columns may be the price among" if tiers else "no price among"
        raise InputFileError(f"{problem} the columns {names.listed(list(table))}; rename one to 'close'{hint}")
    places = {"close": best[0]}
    if min(tiers, default=2) < 2:  # the range of a day does not fit an adjusted price
        for name in table:
            field = names.field_of(name)
            if field is not None and name != best[0]:
                places.setdefault(field[0], name)
    return places


def _dates(index: Any) -> DateArray:
    """(T,) days of an index or a column: dates in its own time zone, the beginning of periods, or ISO texts.

    Raises:
        InputFileError: A row has no date, there are several levels of labels, or the rows stand on the weekdays of a
            market in another time zone.
    """
    if hasattr(index, "levels"):
        raise InputFileError(
            f"the index of a history has the levels {', '.join(shown(str(name)) for name in index.names)}; expected "
            "dates alone; choose one series, as with prices.loc['AAPL'] or prices.xs('AAPL', level='Ticker')"
        )
    values = index.array
    if getattr(values, "tz", None) is not None:
        values = values.tz_localize(None)
    elif hasattr(values, "to_timestamp"):
        values = values.to_timestamp()
    moments = np.asarray(values)
    try:
        days = np.asarray(moments if moments.dtype.kind in "MO" else moments.astype(str), dtype="datetime64[D]")
        if moments.dtype.kind in "iufb" or np.isnat(days).any():
            raise ValueError
    except (TypeError, ValueError) as error:
        raise InputFileError(
            f"the index of a history holds {moments.dtype}; expected a date in each row; use pandas.to_datetime"
        ) from error
    if moments.dtype.kind == "M":
        _refuse_moved_days(days, np.asarray((moments - days).astype("timedelta64[s]").astype(np.int64)))
    return days


def _refuse_moved_days(days: DateArray, seconds: Int64Array) -> None:
    """Refuse rows on the weekdays of another time zone, such as Sunday to Thursday, 15:00, for midnights of Tokyo."""
    if not seconds.any():
        return
    from forecaster.data.tables.days import market_days
    from forecaster.data.tables.moments import Moments

    try:
        is_moved = bool(market_days(Moments(days, seconds), "the history")[1])
    except InputFileError:  # there are two readings
        is_moved = True
    if is_moved:
        raise InputFileError(
            f"the index of a history has the time {seconds[0] // 3600:02}:{seconds[0] % 3600 // 60:02} on {days[0]} "
            "and weekdays of a market in another time zone; expected its own dates; use "
            "prices.tz_convert('Asia/Tokyo') or another zone, or prices.set_axis(prices.index.normalize()) if the "
            "dates are right"
        )


def _numbers(values: Any, label: str) -> FloatArray:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputFileError(f"column {shown(label)} holds text or objects; expected numbers") from error
