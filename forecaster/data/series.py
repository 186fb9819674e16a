"""PriceSeries, one validated history, and Panel, a set of them trained together."""

import dataclasses
import functools
import hashlib
import struct
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from forecaster.arrays import BoolArray, DateArray, FloatArray, IntArray
from forecaster.data.events import KnownEvent
from forecaster.data.instruments import Instrument
from forecaster.errors import InputFileError

__all__ = ["COLUMNS", "DIFFERENCES", "MAX_PRICE", "Panel", "PriceSeries", "is_price"]

COLUMNS = ("open", "high", "low", "close", "adj_close", "volume")

Scalar = TypeVar("Scalar", bound=np.generic)

DIFFERENCES = "differences"
"""Key of `PriceSeries.meta` that marks a history whose changes are modelled instead of its returns."""

MAX_PRICE = 1e15
"""Largest price of a history; the smallest is its inverse. A dollar never cost more marks, nor a coin less dollars."""


def is_price(values: FloatArray) -> BoolArray:
    """True for possible prices: positive numbers between 1e-15 and 1e15, so not NaN."""
    return np.asarray((values >= 1 / MAX_PRICE) & (values <= MAX_PRICE))


@dataclasses.dataclass(frozen=True, eq=False)
class PriceSeries:
    """One price history: dates, columns, and their origin.

    Immutable: writeable arrays are copied, and all arrays are read-only. Two series hold the same history if their
    `sha256` are equal; ``==`` compares the objects.

    Args:
        instrument: Instrument of the prices, in canonical orientation.
        source: Registry key of the source, such as ``"ecb"``.
        symbol: The source's own spelling of the instrument.
        dates: (T,) datetime64[D], strictly increasing.
        columns: Name -> (T,) float64. ``close`` is always there and `is_price`; other
            names come from `COLUMNS` and hold NaN where the source has no value.
        rounding: (T,) standard deviation that the rounding of the quotation adds to
            ``log(close)``, known at each row; None where the source does not know it.
        frequency: Length of a row: ``"1d"``, ``"1wk"``, ``"1mo"``, or longer where the user gives such rows.
        meta: Facts about the origin that belong in a manifest: versions, file hashes.
        inputs: Name -> (T,) float64: covariate features at each row (`forecaster.features.covariates`); not part of
            the history, nor of its hash.
        unit_factors: (T,) factor that turns a close into the unit of the first row, after splits that the prices
            do not account for; None where all rows have one unit.
        events: Events that concern the instrument and whose days are known in advance, by day, past and coming; not
            part of the history, nor of its hash.

    Raises:
        InputFileError: Columns differ in length, dates do not increase, or a close is missing, zero or negative.
    """

    instrument: Instrument
    source: str
    symbol: str
    dates: DateArray
    columns: Mapping[str, FloatArray]
    rounding: FloatArray | None = None
    frequency: str = "1d"
    meta: Mapping[str, str] = dataclasses.field(default_factory=dict)
    inputs: Mapping[str, FloatArray] = dataclasses.field(default_factory=dict)
    unit_factors: FloatArray | None = None
    events: tuple[KnownEvent, ...] = ()

    def __post_init__(self) -> None:
        dates = _read_only(np.asarray(self.dates, dtype="datetime64[D]"))
        columns = {
            name: _read_only(np.asarray(self.columns[name], dtype=np.float64))
            for name in COLUMNS
            if name in self.columns
        }
        _check(self.symbol, dates, columns, signed=self.differences)
        object.__setattr__(self, "dates", dates)
        object.__setattr__(self, "columns", MappingProxyType(columns))
        object.__setattr__(self, "meta", MappingProxyType(dict(self.meta)))
        inputs = {name: _read_only(np.asarray(values, dtype=np.float64)) for name, values in self.inputs.items()}
        for name, values in inputs.items():
            _check_length(self.symbol, name, values, dates)
        object.__setattr__(self, "inputs", MappingProxyType(inputs))
        if self.rounding is not None:
            rounding = _read_only(np.asarray(self.rounding, dtype=np.float64))
            _check_length(self.symbol, "rounding", rounding, dates)
            object.__setattr__(self, "rounding", rounding)
        if self.unit_factors is not None:
            factors = np.asarray(self.unit_factors, dtype=np.float64)
            _check_length(self.symbol, "unit_factors", factors, dates)
            factors = factors / factors[:1]
            object.__setattr__(self, "unit_factors", None if (factors == 1).all() else _read_only(factors))

    def __reduce__(self) -> tuple[object, ...]:
        # Spawned processes receive series by pickle, which knows no MappingProxyType.
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        fields |= {name: dict(fields[name]) for name in ("columns", "meta", "inputs")}
        return type(self), tuple(fields.values())

    def __len__(self) -> int:
        return len(self.dates)

    @property
    def close(self) -> FloatArray:
        """(T,) closing prices in units of the quote currency."""
        return self.columns["close"]

    @property
    def differences(self) -> bool:
        """True if changes of the price are modelled instead of returns; prices may then be zero or negative."""
        return DIFFERENCES in self.meta

    def moved(self, rows: IntArray, returns: FloatArray) -> FloatArray:
        """Prices to which `returns` (N, ...) lead from the closes at `rows` (N,)."""
        price = self.close[rows].reshape(-1, *[1] * (returns.ndim - 1))
        return np.asarray(price + returns if self.differences else price * np.exp(returns))

    @property
    def name(self) -> str:
        """``source/symbol/frequency@`` and the first twelve digits of the hash."""
        return f"{self.source}/{self.symbol}/{self.frequency}@{self.sha256[:12]}"

    @functools.cached_property
    def total_return_price(self) -> FloatArray:
        """(T,) value of a holding with dividends reinvested, starting at the first close.

        A day's return is the ratio of its adjusted closes if both exist, else of its raw closes. Returns are cumulated
        forward: an adjusted price contains every later dividend, but a ratio of two contains only the dividend of its
        day, so no row depends on later rows. Without adjusted closes it is `close` itself, bit for bit, in the unit of
        the first row.
        """
        if "adj_close" not in self.columns or not len(self) or self.differences:
            return _read_only(self.first_unit_close)
        adjusted = self.columns["adj_close"]
        is_adjusted = is_price(adjusted)
        growth = self.close.copy()
        growth[1:] /= self.close[:-1]
        both = is_adjusted[1:] & is_adjusted[:-1]
        growth[1:][both] = adjusted[1:][both] / adjusted[:-1][both]
        if self.unit_factors is not None:
            step = self.unit_factors[1:] / self.unit_factors[:-1]
            # An adjusted price may account for a split that the close does not.
            jumps = np.abs(np.log(growth[1:])) > np.abs(np.log(step)) / 2
            growth[1:][(step != 1) & jumps] *= step[(step != 1) & jumps]
        return _read_only(np.asarray(np.cumprod(growth), dtype=np.float64))

    @property
    def first_unit_close(self) -> FloatArray:
        """(T,) closes in the unit of the first row, so that no later row decides about an earlier one."""
        return self.close if self.unit_factors is None else self.close * self.unit_factors

    @property
    def current_unit(self) -> FloatArray:
        """(T,) factor that turns a price into the unit of the last row."""
        return np.ones(len(self)) if self.unit_factors is None else self.unit_factors / self.unit_factors[-1:]

    @functools.cached_property
    def log_price(self) -> FloatArray:
        """(T,) log of `total_return_price`; its differences are the returns that models learn and are scored on.

        With `differences` it is the price itself, so that models learn changes of the price.
        """
        return self.total_return_price if self.differences else _read_only(np.log(self.total_return_price))

    @functools.cached_property
    def sha256(self) -> str:
        """Hash of dates, values and the way to returns, independent of file format, library and time unit."""
        digest = hashlib.sha256(b"bars-v1\0")
        days = self.dates.astype("datetime64[D]").astype("<i8")
        digest.update(struct.pack("<q", len(days)))
        digest.update(days.tobytes())
        missing = np.full(len(days), np.nan)
        for name in COLUMNS:
            values = self.columns.get(name, missing).astype("<f8") + 0.0  # -0.0 becomes 0.0
            values[np.isnan(values)] = np.nan
            digest.update(name.encode() + b"\0")
            digest.update(values.tobytes())
        if self.unit_factors is not None:
            digest.update(b"unit_factors\0")
            digest.update(self.unit_factors.astype("<f8").tobytes())
        if self.differences:
            digest.update(b"differences\0")
        return digest.hexdigest()

    def between(self, start: np.datetime64 | None = None, end: np.datetime64 | None = None) -> "PriceSeries":
        """The rows from `start` to `end`, both included; None leaves that side open."""
        first = 0 if start is None else int(np.searchsorted(self.dates, start, side="left"))
        last = len(self) if end is None else int(np.searchsorted(self.dates, end, side="right"))
        if (first, last) == (0, len(self)):
            return self
        rows = slice(first, last)
        return dataclasses.replace(
            self,
            dates=self.dates[rows],
            columns={name: values[rows] for name, values in self.columns.items()},
            rounding=None if self.rounding is None else self.rounding[rows],
            inputs={name: values[rows] for name, values in self.inputs.items()},
            unit_factors=None if self.unit_factors is None else self.unit_factors[rows],
        )


def _read_only(array: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    if array.flags.writeable:
        array = array.copy()
        array.setflags(write=False)
    return array


def _check_length(symbol: str, name: str, values: FloatArray, dates: DateArray) -> None:
    if values.shape != dates.shape:
        raise InputFileError(
            f"{symbol}: column {name!r} has {values.size} rows; expected {dates.size}, one for each date"
        )


def _check(symbol: str, dates: DateArray, columns: Mapping[str, FloatArray], *, signed: bool) -> None:
    if "close" not in columns:
        raise InputFileError(f"{symbol} has no closing price; expected a column 'close'")
    for name, values in columns.items():
        _check_length(symbol, name, values, dates)
    steps = np.diff(dates).astype(int)
    if (steps <= 0).any():
        where = dates[1:][steps <= 0][0]
        raise InputFileError(
            f"{symbol}: dates do not increase at {where}; expected each date once, in order; sort the rows"
        )
    bad = ~(np.abs(columns["close"]) <= MAX_PRICE) if signed else ~is_price(columns["close"])
    if bad.any():
        raise InputFileError(
            f"{symbol}: {int(bad.sum())} closing prices are missing, zero, negative or beyond 1e15, "
            f"first on {dates[bad][0]}; expected positive numbers"
        )


@dataclasses.dataclass(frozen=True)
class Panel:
    """A set of series that train one model, each with its own dates, sorted by instrument name."""

    series: tuple[PriceSeries, ...]

    def __post_init__(self) -> None:
        ordered = sorted(self.series, key=lambda series: series.instrument.name)
        object.__setattr__(self, "series", tuple(ordered))

    def __len__(self) -> int:
        return len(self.series)

    def __iter__(self) -> Iterator[PriceSeries]:
        return iter(self.series)

    @property
    def names(self) -> tuple[str, ...]:
        """Instrument names, in the panel's order."""
        return tuple(series.instrument.name for series in self.series)

    def __getitem__(self, name: str) -> PriceSeries:
        for series in self.series:
            if series.instrument.name == name:
                return series
        raise KeyError(name)

    def between(self, start: np.datetime64 | None = None, end: np.datetime64 | None = None) -> "Panel":
        """Every series cut to the rows from `start` to `end`; a series without rows is dropped."""
        cut = (series.between(start, end) for series in self.series)
        return Panel(tuple(series for series in cut if len(series)))
