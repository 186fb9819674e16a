"""Rows of Yahoo's answer, dated by the calendar of the exchange, and facts about the symbol."""

import dataclasses
import datetime
import json
import zoneinfo
from collections.abc import Mapping
from typing import Any

import numpy as np

from forecaster.arrays import DateArray
from forecaster.data.instruments import shown
from forecaster.data.sources.yahoo_answers import Answer, Fault, Outcome
from forecaster.data.validation import RawRows

__all__ = ["CURRENCY_ZONE", "Bars", "last_finished_day", "read_bars"]

CURRENCY_ZONE = "Europe/London"
"""Currencies trade around the clock; Yahoo's day of theirs runs from midnight to midnight in London."""

_SETTLED = datetime.timedelta(hours=1)
_COLUMNS = {
    "open": "Open",
    "high": "High",
    "low": "Low",
    "close": "Close",
    "adj_close": "Adj Close",
    "volume": "Volume",
}


@dataclasses.dataclass(frozen=True)
class Bars:
    """Yahoo's answer, read.

    Args:
        rows: Raw rows, one a date of the exchange, oldest first; empty ones are gone.
        symbol: Symbol that the answer names.
        kind: ``EQUITY``, ``ETF``, ``INDEX``, ``CURRENCY``, ``CRYPTOCURRENCY``, ``FUTURE``, ``MUTUALFUND``.
        currency: Currency of the prices; ``GBp`` is pence.
        zone: Time zone of the exchange.
        session_end: End of the current trading day, None if it is missing.
        facts: Dividends, splits and other facts for a manifest.
    """

    rows: RawRows
    symbol: str
    kind: str
    currency: str
    zone: str
    session_end: datetime.datetime | None
    facts: Mapping[str, str]


def read_bars(answer: Answer) -> Bars:
    """Rows and facts from yfinance's frame and Yahoo's own description.

    Raises:
        Fault: Something that every answer has is missing, or is of another type.
    """
    metadata = answer.metadata
    try:
        frame = answer.frame
        dates = frame.index.tz_localize(None).to_numpy().astype("datetime64[D]")
        columns = {name: frame[title].to_numpy(dtype=np.float64) for name, title in _COLUMNS.items()}
        kind, currency, zone = (str(metadata[key]) for key in ("instrumentType", "currency", "exchangeTimezoneName"))
        _check_zone(zone)
        prices = np.stack([columns[name] for name in ("open", "high", "low", "close")])
        empty = (np.isnan(prices) | (prices == 0)).all(axis=0)
        facts = {
            "exchange": str(metadata.get("exchangeName", "")),
            "kind": kind,
            "currency": currency,
            "time_zone": zone,
            "dividends": _events(dates, frame["Dividends"]),
            "splits": _events(dates, frame["Stock Splits"]),
        }
        if empty.any():
            facts["empty_rows"] = f"{int(empty.sum())} rows without any price left out"
        rows = RawRows(dates, columns).select(~empty)
        return Bars(rows, str(metadata["symbol"]), kind, currency, zone, _session_end(metadata), facts)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Fault(Outcome.GARBLED, f"{type(error).__name__}: {error}"[:160]) from error


def _check_zone(zone: str) -> None:
    """Raise ValueError for a name that is no time zone: some are paths, and some lead to a folder."""
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"time zone {shown(zone)} is unknown") from error


def _events(dates: DateArray, values: Any) -> str:
    """JSON object of the dates on which something happened, and the amount."""
    amounts = values.to_numpy(dtype=np.float64)
    rows = np.flatnonzero(np.isfinite(amounts) & (amounts != 0))
    return json.dumps({str(dates[row]): float(amounts[row]) for row in rows})


def _session_end(metadata: Mapping[str, Any]) -> datetime.datetime | None:
    period = metadata.get("currentTradingPeriod", {})
    end = period.get("regular", {}).get("end")
    return end.to_pydatetime() if hasattr(end, "to_pydatetime") else None


def last_finished_day(bars: Bars, now: datetime.datetime) -> datetime.date:
    """Date, at the exchange, of the last day whose prices change no more.

    That is yesterday, or today from an hour after the end of trading on. A day of currencies has no such end:
    its row is replaced once more at midnight in London.

    Args:
        bars: Rows with their zone and end of trading.
        now: With a time zone.
    """
    today = now.astimezone(zoneinfo.ZoneInfo(bars.zone)).date()
    end = bars.session_end
    if bars.kind != "CURRENCY" and end is not None and end.date() == today and now >= end + _SETTLED:
        return today
    return today - datetime.timedelta(days=1)
