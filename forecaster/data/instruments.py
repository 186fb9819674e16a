"""Instruments: currency pairs, tickers and price files, parsed, with their market orientation."""

import dataclasses
import difflib
import itertools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from forecaster.errors import InstrumentError

__all__ = [
    "CRYPTO_CODES",
    "CURRENCIES",
    "CURRENCY_WORDS",
    "ENDED_CURRENCIES",
    "METAL_CODES",
    "SYNTHETIC_NAMES",
    "Instrument",
    "InstrumentKind",
    "csv_instrument",
    "memory_instrument",
    "parse_pair",
    "parse_ticker",
    "shown",
]

CURRENCIES = (
    "AUD", "BGN", "BRL", "CAD", "CHF", "CNY", "CYP", "CZK", "DKK", "EEK", "EUR", "GBP", "HKD", "HRK",
    "HUF", "IDR", "ILS", "INR", "ISK", "JPY", "KRW", "LTL", "LVL", "MTL", "MXN", "MYR", "NOK", "NZD",
    "PHP", "PLN", "ROL", "RON", "RUB", "SEK", "SGD", "SIT", "SKK", "THB", "TRL", "TRY", "USD", "ZAR",
)  # fmt: skip
"""The euro and every currency in the ECB's file, kept here so that a spelling is checked without opening it."""

ENDED_CURRENCIES = frozenset({"BGN", "CYP", "EEK", "HRK", "LTL", "LVL", "MTL", "ROL", "RUB", "SIT", "SKK", "TRL"})
"""Currencies whose ECB rates have ended: valid, with a history that ends early."""

SYNTHETIC_NAMES = ("sine", "random_walk", "ar1", "garch")
"""Names of the simulated series; the only tickers written in lower case."""

# The order in which the market writes two currencies. Those not named stand between the two tuples, by
# alphabet: the yen is quoted after almost all of them (SEKJPY, ZARJPY), but before the won and the rupiah.
_QUOTED_FIRST = ("EUR", "GBP", "AUD", "NZD", "USD", "CAD", "CHF")
_QUOTED_LAST = ("JPY", "KRW", "IDR")

# A pip is the last digit of the classical quotation. Currencies with some hundred units to the euro are
# quoted to two decimals, those with many thousands in whole units, all others to four.
_PIP_DECIMALS = {"JPY": 2, "HUF": 2, "KRW": 2, "ISK": 2, "THB": 2, "SIT": 2, "IDR": 0, "ROL": 0, "TRL": 0}

METAL_CODES = ("XAU", "XAG", "XPT", "XPD")
CRYPTO_CODES = ("BTC", "XBT", "ETH", "XRP", "LTC", "BCH", "SOL", "ADA", "BNB", "DOGE", "USDT", "USDC")
CURRENCY_WORDS = {
    "DOLLAR": "USD", "EURO": "EUR", "YEN": "JPY", "POUND": "GBP", "STERLING": "GBP", "FRANC": "CHF",
    "AUSSIE": "AUD", "KIWI": "NZD", "LOONIE": "CAD", "YUAN": "CNY", "RENMINBI": "CNY", "RUPEE": "INR",
    "LIRA": "TRY", "PESO": "MXN", "RAND": "ZAR", "REAL": "BRL", "KRONA": "SEK", "KRONE": "NOK",
    "ZLOTY": "PLN", "FORINT": "HUF", "KORUNA": "CZK", "SHEKEL": "ILS", "BAHT": "THB", "RINGGIT": "MYR",
}  # fmt: skip

_PAIR = re.compile(r"([A-Za-z]{3})[/\-_ ]?([A-Za-z]{3})(?:=[Xx])?")
_TICKER = re.compile(r"\^?[A-Za-z0-9][A-Za-z0-9.=&_+-]*")
_TICKER_LENGTH = 32
_NAME_LENGTH = 64


InstrumentKind = Literal["pair", "ticker", "csv", "memory"]


@dataclasses.dataclass(frozen=True)
class Instrument:
    """A currency pair, a ticker or a price file.

    Args:
        kind: ``"pair"`` (two currencies), ``"ticker"`` (a symbol of some source), ``"csv"`` (a file)
            or ``"memory"`` (rows that a Python program gives).
        name: ``USDJPY``, ``AAPL``, or the name of the file's series. Names are unique within a kind.
        path: The file of a ``csv`` instrument, else None.

    Example:
        >>> parse_pair("jpy/usd").canonical.name, parse_pair("jpy/usd").sign
        ('USDJPY', -1)
    """

    kind: InstrumentKind
    name: str
    path: Path | None = None

    @property
    def base(self) -> str | None:
        """Currency of which one unit is priced; None when this is no pair."""
        return self.name[:3] if self.kind == "pair" else None

    @property
    def quote(self) -> str | None:
        """Currency in which the price is counted; None when this is no pair."""
        return self.name[3:] if self.kind == "pair" else None

    @property
    def pip_size(self) -> float | None:
        """One pip in units of the quote currency; None when this is no pair.

        0.0001 between two currencies of like size, 0.01 for USDJPY, 0.000001 for JPYUSD.
        """
        if self.base is None or self.quote is None:
            return None
        decimals = 4 + _PIP_DECIMALS.get(self.quote, 4) - _PIP_DECIMALS.get(self.base, 4)
        return float(f"1e{-decimals}")

    @property
    def canonical(self) -> "Instrument":
        """The same instrument as the market writes it: ``USDJPY`` for ``JPYUSD``; itself when this is no pair."""
        if self.base is None or self.quote is None or _precedence(self.base) <= _precedence(self.quote):
            return self
        return Instrument("pair", self.quote + self.base)

    @property
    def sign(self) -> int:
        """-1 when log returns are those of `canonical` with their sign changed, else 1."""
        return 1 if self.canonical is self else -1


def _precedence(currency: str) -> tuple[int, str]:
    """Sort key of the market's order; total, because the code itself breaks every tie."""
    if currency in _QUOTED_FIRST:
        return _QUOTED_FIRST.index(currency), currency
    if currency in _QUOTED_LAST:
        return len(_QUOTED_FIRST) + 1 + _QUOTED_LAST.index(currency), currency
    return len(_QUOTED_FIRST), currency


def shown(text: str, limit: int = 40) -> str:
    """Foreign text made safe for a message: escaped, quoted, cut to `limit` characters."""
    quoted = repr(text[:limit])
    return quoted if len(text) <= limit and len(quoted) <= limit + 2 else quoted[: limit - 3] + "..."


def parse_pair(text: str) -> Instrument:
    """Read a currency pair in any usual spelling.

    Accepts ``USDJPY``, ``usdjpy``, ``USD/JPY``, ``usd-jpy``, ``USD_JPY``, ``USD JPY`` and ``USDJPY=X``. The
    order stays as typed; `Instrument.canonical` is in the market's order.

    Raises:
        InstrumentError: Not two codes, the same code twice, or a code outside `CURRENCIES`. The message
            is one line and names the nearest valid pairs.

    Example:
        >>> parse_pair("eur/chf").name
        'EURCHF'
    """
    match = _PAIR.fullmatch(text.strip())
    codes = () if match is None else (match[1].upper(), match[2].upper())
    foreign = _metal_or_crypto(text)
    unknown = [code for code in codes if code not in CURRENCIES]
    if codes and not unknown and codes[0] != codes[1]:
        return Instrument("pair", "".join(codes))
    if foreign:
        raise InstrumentError(
            f"pair {shown(text)}: {foreign} is not among the ECB's rates; expected two currencies, such as USDJPY; "
            f"use {'--ticker BTC-USD or its like' if 'crypto' in foreign else '--ticker GC=F or its like'}, "
            "or prices of your own with --csv FILE"
        )
    if not codes:
        reason = "is no currency pair"
    elif unknown:
        reason = f"is unknown: the ECB has no rates of {' and '.join(unknown)}"
    else:
        reason = f"names {codes[0]} twice"
    names = ", ".join(_nearest_pairs(text, codes))
    raise InstrumentError(f"pair {shown(text)} {reason}; expected two currency codes, such as USDJPY; nearest: {names}")


def _metal_or_crypto(text: str) -> str | None:
    letters = _letters(text)
    for code in (*METAL_CODES, *CRYPTO_CODES):
        rest = letters.removeprefix(code) if letters.startswith(code) else letters.removesuffix(code)
        if rest != letters and (not rest or rest in CURRENCIES or rest in METAL_CODES or rest in CRYPTO_CODES):
            return f"{code} ({'a metal' if code in METAL_CODES else 'a crypto currency'})"
    return None


def _letters(text: str) -> str:
    # Only the first characters can matter, and a message must not take long over a very long text.
    return re.sub(r"[^A-Z]", "", text[:64].upper().replace("=X", ""))


def _nearest_pairs(text: str, codes: tuple[str, ...], count: int = 3) -> list[str]:
    """Up to `count` valid pairs close to the typed text; well-known ones if none is close."""
    letters = _letters(text)
    word = difflib.get_close_matches(letters, CURRENCY_WORDS, n=1, cutoff=0.8)
    if word or letters in CURRENCIES:
        return _well_known(CURRENCY_WORDS[word[0]] if word else letters)[:count]
    if codes:
        if codes[0] == codes[1]:
            return _well_known(codes[0] if codes[0] in CURRENCIES else "USD")[:count]
        options = [[code] if code in CURRENCIES else _nearest_codes(code) for code in codes]
        pairs = [base + quote for base, quote in itertools.product(*options) if base != quote]
    else:
        live = sorted(set(CURRENCIES) - ENDED_CURRENCIES, key=_precedence)
        pairs = difflib.get_close_matches(letters, map("".join, itertools.permutations(live, 2)), n=count, cutoff=0.7)
    return pairs[:count] or _well_known("USD")[:count]


def _nearest_codes(code: str, cutoff: float = 0.6) -> list[str]:
    def likeness(candidate: str) -> float:
        # Letters in the wrong order are the likeliest slip of all.
        return 1.0 if sorted(candidate) == sorted(code) else difflib.SequenceMatcher(None, code, candidate).ratio()

    near = [candidate for candidate in CURRENCIES if likeness(candidate) >= cutoff]
    return sorted(near, key=lambda code: (-likeness(code), code in ENDED_CURRENCIES, _precedence(code)))


def _well_known(currency: str) -> list[str]:
    partners: Iterable[str] = (code for code in ("EUR", "USD", "JPY", "GBP") if code != currency)
    return [Instrument("pair", currency + partner).canonical.name for partner in partners]


def parse_ticker(text: str) -> Instrument:
    """Read a ticker such as ``AAPL``, ``^GSPC``, ``BRK-B``, ``7203.T``, or a synthetic name such as ``sine``.

    Tickers are put in upper case, the names in `SYNTHETIC_NAMES` in lower case. The source checks later that the
    ticker exists.

    Raises:
        InstrumentError: Empty, longer than 32 characters, or with characters that no ticker has.
    """
    name = text.strip(" ")
    if name.lower() in SYNTHETIC_NAMES:
        return Instrument("ticker", name.lower())
    if len(name) > _TICKER_LENGTH:
        raise InstrumentError(
            f"ticker {shown(text)} has {len(name)} characters; expected at most {_TICKER_LENGTH}, such as AAPL or ^GSPC"
        )
    if not _TICKER.fullmatch(name):
        raise InstrumentError(
            f"ticker {shown(text)} is malformed; expected letters, digits and . - ^ = & _ + only, such as AAPL, "
            "^GSPC, BRK-B or 7203.T; a file is given with --csv FILE"
        )
    return Instrument("ticker", name.upper())


def csv_instrument(path: Path, name: str | None = None) -> Instrument:
    """The instrument of a price file; the file itself is not opened.

    Args:
        path: The file.
        name: Name of the series; the file's name without its endings, such as ``.csv.gz``, when None.

    Raises:
        InstrumentError: The name is empty, longer than 64 characters, or holds control characters or slashes.
    """
    return Instrument("csv", _series_name(_stem(path) if name is None else name, "choose one with --name NAME"), path)


def _stem(path: Path) -> str:
    """Name of a file without its ending and that of a table in a packed file; ``stdin`` for standard input."""
    if path == Path("-"):
        return "stdin"
    packed = path.suffix.lower() in {".gz", ".zip", ".bz2", ".xz"}
    inner = Path(path.stem)
    return inner.stem if packed and inner.suffix.lower() in {".csv", ".tsv", ".txt", ".json"} else path.stem


def memory_instrument(name: str) -> Instrument:
    """The instrument of a history that a Python program gives.

    Raises:
        InstrumentError: The name is empty, longer than 64 characters, or holds control characters or slashes.
    """
    return Instrument("memory", _series_name(name, "choose another name"))


def _series_name(name: str, advice: str) -> str:
    chosen = name.strip()
    if not chosen or len(chosen) > _NAME_LENGTH or not chosen.isprintable() or "/" in chosen or "\\" in chosen:
        raise InstrumentError(
            f"{shown(chosen)} cannot name a series; expected 1 to {_NAME_LENGTH} printable characters without / or \\; "
            f"{advice}"
        )
    return chosen
