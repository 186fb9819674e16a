"""Names that stand alone, such as ``USDJPY``, ``AAPL`` and ``prices.csv``: recognised as pair, ticker or file."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from forecaster.data.instruments import (
    CRYPTO_CODES,
    CURRENCIES,
    CURRENCY_WORDS,
    ENDED_CURRENCIES,
    METAL_CODES,
    SYNTHETIC_NAMES,
)

__all__ = ["InstrumentKind", "is_stored_name", "names_of", "recognised_kind", "sorted_by_kind"]

InstrumentKind = Literal["pair", "ticker", "csv"]

_FILE_ENDINGS = frozenset(
    {
        ".csv",
        ".tsv",
        ".txt",
        ".dat",
        ".json",
        ".xlsx",
        ".xlsm",
        ".xls",
        ".ods",
        ".parquet",
        ".gz",
        ".zip",
        ".bz2",
        ".xz",
    }
)
_TWO_CODES = re.compile(r"([A-Za-z]{3})([/\-_ ]?)([A-Za-z]{3})(=[Xx])?")
_TICKER = re.compile(r"\^?[A-Za-z0-9][A-Za-z0-9.=&_+-]*")
_STORED = re.compile(r"[^/@]+/[^@]+/[0-9]+[a-z]+(@[0-9a-fA-F]+)?|[^@]*@[0-9a-fA-F]+|[0-9a-f]*[0-9][0-9a-f]*")


def recognised_kind(name: str) -> InstrumentKind | None:
    """Kind of the instrument that a name means; None for a text that is no name of an instrument.

    A file is a name that exists, or that has a folder or the ending of a table in it. A pair is two currencies, or
    what comes close to that. Tickers are written in capitals, so that a mistyped command is not taken for one.

    Example:
        >>> [recognised_kind(name) for name in ("usd/jpy", "AAPL", "BTC-USD", "prices.csv", "sine", "trian")]
        ['pair', 'ticker', 'ticker', 'csv', 'ticker', None]
    """
    text = name.strip()
    if _is_pair(text):
        return "pair"
    if _is_file(text):
        return "csv"
    if text.lower() in SYNTHETIC_NAMES:
        return "ticker"
    if _is_like_a_pair(text):
        return "pair"
    is_symbol = _TICKER.fullmatch(text) is not None and (text.upper() == text or text.startswith("^"))
    return "ticker" if is_symbol else None


def _is_pair(text: str) -> bool:
    match = _TWO_CODES.fullmatch(text)
    codes = () if match is None else (match[1].upper(), match[3].upper())
    return bool(codes) and all(code in CURRENCIES for code in codes)


def _is_file(text: str) -> bool:
    if text == "-" or Path(text).suffix.lower() in _FILE_ENDINGS:
        return True
    if ("/" in text or "\\" in text) and _TWO_CODES.fullmatch(text) is None:
        return True
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _is_like_a_pair(text: str) -> bool:
    """True for a mistyped pair, one of a metal or a coin, or a currency alone: `parse_pair` says what is wrong."""
    if text.upper() in {*CURRENCIES} - ENDED_CURRENCIES or (text.islower() and text.upper() in CURRENCY_WORDS):
        return True
    match = _TWO_CODES.fullmatch(text)
    if match is None:
        return False
    codes = {match[1].upper(), match[3].upper()}
    if match[2] == "-" and codes & {*CRYPTO_CODES, *METAL_CODES}:  # as Yahoo writes BTC-USD
        return False
    return bool(codes & {*CURRENCIES, *METAL_CODES, *CRYPTO_CODES})


def is_stored_name(name: str) -> bool:
    """True for the name of a stored history, such as ``ecb/USDJPY/1d``, or the first digits of its hash.

    Example:
        >>> [is_stored_name(name) for name in ("ecb/USDJPY/1d", "5f2a81c0", "ecb/USDJPY/1d@5f2a", "USD/JPY", "AAPL")]
        [True, True, True, False, False]
    """
    return _STORED.fullmatch(name) is not None and not _is_file_that_exists(name)


def _is_file_that_exists(name: str) -> bool:
    return Path(name).suffix.lower() in _FILE_ENDINGS or Path(name).is_file()


def names_of(words: Iterable[str]) -> list[str]:
    """The names in words that may hold several, separated by commas; a file whose name has a comma is one name."""
    names: list[str] = []
    for word in words:
        names += [word] if Path(word).is_file() else [name.strip() for name in word.split(",") if name.strip()]
    return list(dict.fromkeys(names))


def sorted_by_kind(words: Iterable[str]) -> dict[InstrumentKind, tuple[str, ...]]:
    """Kind -> names, of words that name instruments; a name of no kind counts as a ticker, whose parser refuses it.

    Example:
        >>> sorted_by_kind(["USDJPY,eur/usd", "AAPL"])
        {'pair': ('USDJPY', 'eur/usd'), 'ticker': ('AAPL',)}
    """
    kinds: dict[InstrumentKind, tuple[str, ...]] = {}
    for name in names_of(words):
        kind = recognised_kind(name) or "ticker"
        kinds[kind] = (*kinds.get(kind, ()), name)
    return kinds
