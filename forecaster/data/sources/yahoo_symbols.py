"""Yahoo's spelling of instruments, and suggestions for names that it does not have."""

import re

from forecaster.data.instruments import CURRENCIES, SYNTHETIC_NAMES, Instrument, shown
from forecaster.errors import InstrumentError, UsageError

__all__ = ["is_currency", "yahoo_symbol"]

_FUTURES = {
    "XAU": ("gold", "GC=F"),
    "XAG": ("silver", "SI=F"),
    "XPT": ("platinum", "PL=F"),
    "XPD": ("palladium", "PA=F"),
}
_COINS = {"XBT": "BTC"} | {
    coin: coin for coin in ("BTC", "ETH", "XRP", "LTC", "BCH", "SOL", "ADA", "BNB", "DOGE", "USDT", "USDC")
}
_ISIN = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")


def is_currency(symbol: str) -> bool:
    """True if a symbol is Yahoo's spelling of a currency pair."""
    return symbol.endswith("=X")


def yahoo_symbol(instrument: Instrument) -> str:
    """Yahoo's symbol: ``USDJPY=X`` for a pair, a ticker as it is.

    A pair has all six letters: of the short form ``EUR=X`` it is not plain that it prices the dollar in euros.
    Yahoo has no spot prices of metals; their futures are another instrument and must be named as such.

    Raises:
        InstrumentError: Yahoo has no such spelling; the message suggests one.
        UsageError: The instrument is a file or a made-up series.
    """
    if instrument.kind == "pair":
        return f"{instrument.name}=X"
    name = instrument.name
    if instrument.kind != "ticker" or name in SYNTHETIC_NAMES:
        other = "--source synthetic" if instrument.kind == "ticker" else "--source csv"
        raise UsageError(
            f"source 'yahoo' has stocks, indices and currency pairs; got the {instrument.kind} {shown(name)}; "
            f"use {other}"
        )
    hint = _hint(name)
    if hint:
        raise InstrumentError(f"ticker {shown(name)} {hint}")
    return name


def _hint(name: str) -> str | None:
    """Mistake in a ticker and its correction; None if no mistake is recognised."""
    letters = name.removesuffix("=X").replace("-", "")
    base = letters[:3]
    quote = letters[3:]
    if base in _FUTURES and (not quote or quote in CURRENCIES):
        metal, future = _FUTURES[base]
        return (
            f"is the spot price of {metal}, which Yahoo does not have; expected a symbol that it has; "
            f"use --ticker {future} for the next future in dollars, or a file with --csv FILE"
        )
    if name.endswith("=X") and len(letters) == 3 and letters != "USD" and letters.isalpha():
        return f"is short for USD{letters}; expected all six letters; use --pair USD{letters}"
    if len(letters) == 6 and base != quote and {base, quote} <= set(CURRENCIES):
        return f"is a currency pair; expected a stock, an index or a coin; use --pair {letters}"
    coin = letters[:-3]
    quote = letters[-3:]
    if coin in _COINS and quote in CURRENCIES and name != f"{_COINS[coin]}-{quote}":
        return f"is not how Yahoo writes it; expected a coin and a currency; use --ticker {_COINS[coin]}-{quote}"
    if _ISIN.fullmatch(name):
        return "is an ISIN; expected a symbol as on finance.yahoo.com, such as AAPL; look it up there"
    return None
