"""Covariates: other instruments and dated columns, each with the day from which a value is known."""

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from forecaster.arrays import DateArray
from forecaster.config import DataConfig
from forecaster.data.calendars import same_clock
from forecaster.data.events import EventFile, read_events
from forecaster.data.events import known_hash as known_hash_of_events
from forecaster.data.exogenous import read_exogenous
from forecaster.data.findings import Note
from forecaster.data.instruments import CURRENCIES, Instrument, csv_instrument, parse_pair, parse_ticker, shown
from forecaster.data.series import PriceSeries
from forecaster.data.sources import SOURCES
from forecaster.data.sources.registry import default_source, source_traits
from forecaster.data.universes import PANEL_CURRENCIES
from forecaster.datasets.histories import Histories
from forecaster.errors import ConfigError, InstrumentError, NotEnoughDataError, SourceError, UsageError
from forecaster.features.covariates import (
    Covariate,
    aligned,
    column_covariate,
    known_hash,
    missing_rows,
    price_covariate,
)
from forecaster.features.market_volatility import MarketActivity, market_activity
from forecaster.models import traits_of

__all__ = [
    "EVENTS",
    "Covariates",
    "LoadedCovariate",
    "covariate_instruments",
    "load_covariates",
    "reads_market",
    "recorded_covariates",
]

_FILE_ENDINGS = (".csv", ".tsv", ".txt", ".csv.gz", ".csv.zip", ".json", ".xlsx")

MARKET = "market"
"""Name of the volatility of all currencies in the record of a run."""

EVENTS = "events"
"""Name of the user's own events in the record of a run."""


@dataclasses.dataclass(frozen=True, eq=False)
class LoadedCovariate:
    """One covariate and its origin.

    Args:
        covariate: The values, each with the day from which it is known.
        series: Name of the price history, or the file of the column.
        dates: (T,) dates of its rows.
        sha256: Hash of the history or of the file.
        lag: Days after its date from which a value is known.
        notes: Findings in the history.
    """

    covariate: Covariate
    series: str
    dates: DateArray
    sha256: str
    lag: int
    notes: Sequence[Note] = ()

    @property
    def name(self) -> str:
        """The name that the user gave."""
        return self.covariate.name

    def to_json(self) -> dict[str, Any]:
        """The origin, as a run records it."""
        return {
            "name": self.name,
            "series": self.series,
            "rows": len(self.dates),
            "first": str(self.dates[0]),
            "last": str(self.dates[-1]),
            "sha256": self.sha256,
            "lag": self.lag,
        }

    def lines(self, series: PriceSeries) -> list[str]:
        """Messages about this covariate next to `series`."""
        missing = missing_rows(self.covariate, series.dates)
        plural = "s" if self.lag > 1 else ""
        availability = f"{self.lag} day{plural} after its date" if self.lag else "on its own day"
        span = f"{len(self.dates)} rows, {self.dates[0]} to {self.dates[-1]}"
        line = f"covariate {self.name}: {span}, known {availability}"
        if missing.any():
            line += f"; no value on {int(missing.sum())} of {len(series)} rows, which get a neutral 0"
        lines = [line, *(str(note.about(self.name)) for note in self.notes)]
        if missing[-1]:
            lines.append(f"warning: covariate {self.name} has no value after {self.dates[-1]}; later rows get a 0")
        return lines


@dataclasses.dataclass(frozen=True)
class Covariates:
    """Inputs of a model besides the history that it forecasts.

    Args:
        members: In the order in which they were named.
        market: Volatility of all currencies; None where it is not read.
        events: The user's own events; None without a file of them.
    """

    members: tuple[LoadedCovariate, ...] = ()
    market: MarketActivity | None = None
    events: EventFile | None = None

    def attached(self, series: PriceSeries) -> PriceSeries:
        """`series` with the values that were known on each of its days, and the events that concern it."""
        if self.events is not None:
            series = dataclasses.replace(series, events=self.events.of(series.instrument))
        values = dict(aligned([member.covariate for member in self.members], series.dates))
        if self.market is not None:
            values |= self.market.features_on(series.dates)
        return dataclasses.replace(series, inputs=values) if values else series

    def lines(self, series: PriceSeries) -> list[str]:
        """Messages about every covariate next to `series`."""
        return [line for member in self.members for line in member.lines(series)]

    def for_manifest(self, until: np.datetime64) -> list[dict[str, Any]]:
        """Origin of each covariate, and a hash of the values that were known by `until`."""
        hashes = self._known_hashes(until)
        origins = {member.name: member.to_json() for member in self.members}
        if self.events is not None:
            origins[EVENTS] = {"name": EVENTS, "series": str(self.events.path), "sha256": self.events.sha256}
        return [{**origins.get(name, {"name": name}), "known_sha256": sha256} for name, sha256 in hashes.items()]

    def changed(self, recorded: Sequence[Mapping[str, Any]], until: np.datetime64) -> list[str]:
        """Names of covariates whose values known by `until` differ from those in `recorded`."""
        before = {facts["name"]: facts.get("known_sha256") for facts in recorded}
        return [name for name, sha256 in self._known_hashes(until).items() if before.get(name) != sha256]

    def _known_hashes(self, until: np.datetime64) -> dict[str, str]:
        hashes = {member.name: known_hash(member.covariate, until) for member in self.members}
        if self.market is not None:
            hashes[MARKET] = self.market.known_hash(until)
        if self.events is not None:
            hashes[EVENTS] = known_hash_of_events(self.events.events, until)
        return hashes

    def require_overlap(self, series: PriceSeries) -> None:
        """Refuse a covariate without a known value on any day of `series`.

        Raises:
            NotEnoughDataError: The first such covariate.
        """
        for member in self.members:
            if missing_rows(member.covariate, series.dates).all():
                raise NotEnoughDataError(
                    f"covariate {member.name} runs from {member.dates[0]} to {member.dates[-1]} and has no value for "
                    f"{series.instrument.name}, {series.dates[0]} to {series.dates[-1]}; expected dates in common"
                )


def covariate_instruments(names: Sequence[str]) -> tuple[tuple[str | None, Instrument], ...]:
    """The instruments of ``--with``, each with the source written before it, as in ``sample:SP500``, or None.

    Files end in ``.csv`` or the ending of another table, two currencies are a pair, every other name is a ticker.

    Raises:
        InstrumentError: One message for each name that is not an instrument.
    """
    instruments: list[tuple[str | None, Instrument]] = []
    mistakes: list[str] = []
    for name in names:
        source, colon, rest = name.partition(":")
        has_source = bool(colon) and source in SOURCES
        try:
            instruments.append((source, _instrument(rest)) if has_source else (None, _instrument(name)))
        except InstrumentError as error:
            mistakes += [f"--with: {message}" for message in error.messages]
    if mistakes:
        raise InstrumentError(*mistakes)
    return tuple(dict.fromkeys(instruments))


def _instrument(name: str) -> Instrument:
    if name.lower().endswith(_FILE_ENDINGS):
        return csv_instrument(Path(name))
    letters = name.upper().replace("/", "")
    return parse_pair(name) if {letters[:3], letters[3:]} <= set(CURRENCIES) else parse_ticker(name)


def load_covariates(
    data: DataConfig, targets: Sequence[PriceSeries], histories: Histories, *, market: bool = False
) -> Covariates:
    """Load the covariates ``inputs`` and ``exog`` of the section ``data``.

    Args:
        data: Names of the covariates, and their lags. A price without a lag is known on its own day if *every* series
            of `targets` is quoted at the same time of day, else one day later.
        targets: The histories that are forecast; prices of their kind come from their source.
        histories: Histories of the same source.
        market: True if the volatility of all currencies is read.

    Raises:
        ConfigError: A column has no lag, or a lag has no covariate, or two covariates have one name.
        InstrumentError, InputFileError, SourceError: A covariate, or the file of events, cannot be loaded.
    """
    events = None if data.events is None else read_events(Path(data.events))
    members = [
        _price(source, instrument, targets, histories, data.lags)
        for source, instrument in covariate_instruments(data.inputs)
    ]
    members += [] if data.exog is None else _columns(Path(data.exog), data.lags)
    _check_names([member.name for member in members], data.lags)
    activity = market_activity([histories.whole(pair).series for pair in _euro_pairs()]) if market else None
    return Covariates(tuple(members), activity, events)


def _check_names(names: Sequence[str], lags: Mapping[str, int]) -> None:
    """Refuse a lag without a covariate, and two covariates of one name."""
    for name in lags:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            expected = f"expected one of {', '.join(names)}" if names else "there is none; add --with or --exog"
            raise ConfigError(f"lag of {shown(name)}: no covariate has this name; {expected}{hint}")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ConfigError(
            f"two covariates have the name {', '.join(repeated)}; expected a different name for each; rename one"
        )


def reads_market(kind: str, universe: str, market: bool | None, named: Sequence[PriceSeries]) -> bool:
    """True if the volatility of all currencies is read: as configured, or if all their crosses train together.

    Args:
        kind: Registry key of the model.
        universe: Resolved name of the universe.
        market: As configured.
        named: The named histories.

    Raises:
        UsageError: It is configured for a model that reads no covariates, or for prices of another time of day.
    """
    fixed = traits_of(kind).panel and all(source_traits(series.source).one_fixing for series in named)
    if market and not fixed:
        raise UsageError(
            "data.market needs rates of the ECB, which are all fixed at one time, and a model for a panel; remove it"
        )
    return fixed and universe == "currencies" if market is None else market


def _euro_pairs() -> list[Instrument]:
    return [Instrument("pair", f"EUR{currency}").canonical for currency in PANEL_CURRENCIES if currency != "EUR"]


def recorded_covariates(data: DataConfig, covariates: Covariates) -> dict[str, Any]:
    """The keys of the section ``data`` about covariates, as a run records them: whole paths, resolved lags."""
    named = covariate_instruments(data.inputs)
    return {
        "inputs": tuple(_recorded_name(source, instrument) for source, instrument in named),
        "exog": None if data.exog is None else str(Path(data.exog).resolve()),
        "events": None if data.events is None else str(Path(data.events).resolve()),
        "lags": {member.name: member.lag for member in covariates.members},
    }


def _recorded_name(source: str | None, instrument: Instrument) -> str:
    name = str(instrument.path.resolve()) if instrument.path else instrument.name
    return f"{source}:{name}" if source else name


def _price(
    source: str | None,
    instrument: Instrument,
    targets: Sequence[PriceSeries],
    histories: Histories,
    lags: Mapping[str, int],
) -> LoadedCovariate:
    """The prices of another instrument; see `load_covariates`."""
    main = targets[0]
    if instrument.canonical == main.instrument and source in (None, main.source):
        raise ConfigError(
            f"covariate {instrument.name} is the series itself; expected another one; remove it from --with"
        )
    likely = main.source if instrument.kind == main.instrument.kind else default_source(instrument)
    try:
        checked = histories.load_covariate(source or likely, instrument)
    except (SourceError, UsageError) as error:
        hint = "" if source else f"; to name a source, write it before: --with SOURCE:{instrument.name}"
        raise type(error)(*(f"covariate {instrument.name}: {message}{hint}" for message in error.messages)) from error
    prices = checked.whole
    # Of two prices from different times of day, neither is known to see the other's on the same day.
    default_lag = 0 if all(same_clock(prices, series) for series in targets) else 1
    lag = lags.get(instrument.name, lags.get(prices.instrument.name, default_lag))
    covariate = price_covariate(dataclasses.replace(prices, instrument=instrument), lag)
    return LoadedCovariate(covariate, prices.name, prices.dates, prices.sha256, lag, checked.notes)


def _columns(path: Path, lags: Mapping[str, int]) -> list[LoadedCovariate]:
    """The dated columns of a file; see `load_covariates`."""
    file = read_exogenous(path)
    missing = [name for name in file.columns if name not in lags]
    if missing:
        raise ConfigError(
            f"{path} has no lag for {', '.join(map(shown, missing))}; expected for each column the days after its date "
            f"from which a value is known; add --lag {missing[0]}=DAYS"
        )
    return [
        LoadedCovariate(
            covariate=column_covariate(name, column.dates, column.values, lags[name]),
            series=str(path),
            dates=column.dates,
            sha256=file.sha256,
            lag=lags[name],
        )
        for name, column in file.columns.items()
    ]
