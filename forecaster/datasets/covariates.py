"""Inputs beside the prices: other instruments and dated columns, each with the day from which a value is known."""

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from forecaster.config import DataConfig
from forecaster.data.calendars import same_clock
from forecaster.data.exogenous import read_exogenous
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

__all__ = ["Inputs", "input_instruments", "load_inputs", "reads_market", "recorded_inputs"]

Found = tuple[Covariate, dict[str, Any]]

_MARKET = "market"  # in the record of a run: the activity of all currencies


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What is known beside the prices.

    Args:
        inputs: In the order in which they were named.
        facts: Of each: name, series or file, rows, dates, hash, days of lag.
        market: Activity of all currencies, where it is read.
    """

    inputs: tuple[Covariate, ...] = ()
    facts: tuple[Mapping[str, Any], ...] = ()
    market: MarketActivity | None = None

    def beside(self, series: PriceSeries) -> PriceSeries:
        """`series` with what was known on each of its days."""
        known = {**aligned(self.inputs, series.dates), **(self.market.features_on(series.dates) if self.market else {})}
        return dataclasses.replace(series, inputs=known) if known else series

    def notes(self, series: PriceSeries) -> list[str]:
        """How each input goes with `series`, in one line each."""
        told = []
        for one, facts in zip(self.inputs, self.facts, strict=True):
            missing = missing_rows(one, series.dates)
            days = facts["lag"]
            known = "on its own day" if not days else f"{days} day{'s' if days > 1 else ''} after its date"
            line = f"input {one.name}: {facts['rows']} rows, {facts['first']} to {facts['last']}, a value known {known}"
            if missing.any():
                line += f"; none is known on {int(missing.sum())} of {len(series)} rows, where a neutral zero stands"
            told.append(line)
            told += [str(note.about(one.name)) for note in facts["notes"]]
            if missing[-1]:
                told.append(f"warning: input {one.name} has nothing newer than {facts['last']}: it is left out since")
        return told

    def for_manifest(self, until: np.datetime64) -> list[dict[str, Any]]:
        """What a run records of each input: its facts, and a hash of what was known by `until`."""
        recorded = [
            {key: value for key, value in facts.items() if key != "notes"} | {"known_sha256": known_hash(one, until)}
            for one, facts in zip(self.inputs, self.facts, strict=True)
        ]
        return recorded + ([{"name": _MARKET, "known_sha256": self.market.known_hash(until)}] if self.market else [])

    def changed(self, recorded: Sequence[Mapping[str, Any]], until: np.datetime64) -> list[str]:
        """Names of inputs that no longer say what they said by `until`, when `recorded` was made."""
        before = {one["name"]: one.get("known_sha256") for one in recorded}
        now = {one.name: known_hash(one, until) for one in self.inputs}
        now |= {_MARKET: self.market.known_hash(until)} if self.market else {}
        return [name for name, known in now.items() if before.get(name) != known]

    def require_use(self, series: PriceSeries) -> None:
        """Refuse an input of which nothing is known on any day of `series`.

        Raises:
            NotEnoughDataError: Of the first such input.
        """
        for one, facts in zip(self.inputs, self.facts, strict=True):
            if missing_rows(one, series.dates).all():
                raise NotEnoughDataError(
                    f"input {one.name} runs from {facts['first']} to {facts['last']} and has no value for "
                    f"{series.instrument.name}, {series.dates[0]} to {series.dates[-1]}; expected dates in common"
                )


def input_instruments(names: Sequence[str]) -> tuple[tuple[str | None, Instrument], ...]:
    """The instruments of ``--with``, each with the source that is written before it, as ``sample:SP500``, or None.

    Files end in ``.csv``, two currencies are a pair, all else is a ticker.

    Raises:
        InstrumentError: One message for each name that is none.
    """
    found: list[tuple[str | None, Instrument]] = []
    mistakes: list[str] = []
    for name in names:
        try:
            source, colon, rest = name.partition(":")
            named = bool(colon) and source in SOURCES
            found.append((source, _instrument(rest)) if named else (None, _instrument(name)))
        except InstrumentError as error:
            mistakes += [f"--with: {message}" for message in error.messages]
    if mistakes:
        raise InstrumentError(*mistakes)
    return tuple(dict.fromkeys(found))


def _instrument(name: str) -> Instrument:
    if name.lower().endswith(".csv"):
        return csv_instrument(Path(name))
    letters = name.upper().replace("/", "")
    return parse_pair(name) if {letters[:3], letters[3:]} <= set(CURRENCIES) else parse_ticker(name)


def load_inputs(
    data: DataConfig, beside: Sequence[PriceSeries], histories: Histories, *, market: bool = False
) -> Inputs:
    """Load the covariates ``inputs`` and ``exog`` of the section ``data``.

    Args:
        data: Names of the covariates, and their lags. A price without a lag is known on its own day if *every* series
            of `beside` is quoted at the same time of day, else one day later.
        beside: The histories that are forecast; prices of their kind come from their source.
        histories: Histories of the same source.
        market: Whether the volatility of all currencies is read.

    Raises:
        ConfigError: A column has no lag, or a lag has no covariate, or two covariates have one name.
        InstrumentError, InputFileError, SourceError: A covariate cannot be loaded.
    """
    found = [_prices(one, beside, histories, data.lags) for one in input_instruments(data.inputs)]
    found += [] if data.exog is None else _columns(Path(data.exog), data)
    names = [one.name for one, _ in found]
    for name in data.lags:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            known = f"expected one of {', '.join(names)}" if names else "there are no inputs; add --with or --exog"
            raise ConfigError(f"lag of {shown(name)}: no input is called so; {known}{_meant(near)}")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ConfigError(
            f"two inputs are called {', '.join(repeated)}; expected a name of its own for each; rename one"
        )
    activity = market_activity([histories.whole(pair).series for pair in _against_the_euro()]) if market else None
    return Inputs(tuple(one for one, _ in found), tuple(facts for _, facts in found), activity)


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


def _against_the_euro() -> list[Instrument]:
    return [Instrument("pair", f"EUR{one}").canonical for one in PANEL_CURRENCIES if one != "EUR"]


def _meant(near: Sequence[str]) -> str:
    return f"; did you mean {near[0]}?" if near else ""


def recorded_inputs(data: DataConfig, inputs: Inputs) -> dict[str, Any]:
    """The keys of the section ``data`` that name covariates, as a run records them: whole paths, resolved lags."""
    return {
        "inputs": tuple(_recorded_name(source, instrument) for source, instrument in input_instruments(data.inputs)),
        "exog": None if data.exog is None else str(Path(data.exog).resolve()),
        "lags": {facts["name"]: facts["lag"] for facts in inputs.facts},
    }


def _recorded_name(source: str | None, instrument: Instrument) -> str:
    name = str(instrument.path.resolve()) if instrument.path else instrument.name
    return f"{source}:{name}" if source else name


def _prices(
    named: tuple[str | None, Instrument], beside: Sequence[PriceSeries], histories: Histories, lags: Mapping[str, int]
) -> Found:
    source, instrument = named
    main = beside[0]
    if instrument.canonical == main.instrument and source in (None, main.source):
        raise ConfigError(f"input {instrument.name} is the series itself; expected another one; leave it out of --with")
    likely = main.source if instrument.kind == main.instrument.kind else default_source(instrument)
    try:
        checked = histories.load_covariate(source or likely, instrument)
    except (SourceError, UsageError) as error:
        hint = "" if source else f"; to name a source, write it before: --with SOURCE:{instrument.name}"
        raise type(error)(*(f"input {instrument.name}: {message}{hint}" for message in error.messages)) from error
    series = checked.whole
    # Of two prices of different clocks none can be sure to know the other's of the same day.
    usual = 0 if all(same_clock(series, one) for one in beside) else 1
    lag = lags.get(instrument.name, lags.get(series.instrument.name, usual))
    made = price_covariate(dataclasses.replace(series, instrument=instrument), lag)
    facts = {
        "name": instrument.name, "series": series.name, "rows": len(series), "first": str(series.dates[0]),
        "last": str(series.dates[-1]), "sha256": series.sha256, "lag": lag, "notes": checked.notes,
    }  # fmt: skip
    return made, facts


def _columns(path: Path, data: DataConfig) -> list[Found]:
    read = read_exogenous(path)
    missing = [name for name in read.columns if name not in data.lags]
    if missing:
        raise ConfigError(
            f"{path} has no lag for {', '.join(map(shown, missing))}; expected for each column after how many days a "
            f"value is known (0: on its own date); add --lag {missing[0]}=DAYS"
        )
    return [
        (
            column_covariate(name, column.dates, column.values, data.lags[name]),
            {
                "name": name, "series": str(path), "rows": len(column.dates), "first": str(column.dates[0]),
                "last": str(column.dates[-1]), "sha256": read.sha256, "lag": data.lags[name], "notes": [],
            },
        )
        for name, column in read.columns.items()
    ]  # fmt: skip
