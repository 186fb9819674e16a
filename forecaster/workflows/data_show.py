"""`data show` and `data export`: facts, picture and rows of a history."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path

from forecaster.data.calendars import business_age
from forecaster.data.corrections import Corrections
from forecaster.data.findings import Note, merged_findings
from forecaster.data.instruments import Instrument
from forecaster.data.results import HistoryFacts
from forecaster.data.series import PriceSeries
from forecaster.data.sources.base import Loaded, OnlineSource
from forecaster.data.store import Store, Version
from forecaster.data.validation import RawRows, market_expectations, validate
from forecaster.datasets.histories import Histories
from forecaster.datasets.selection import Selection, named_instruments
from forecaster.environment import Environment
from forecaster.errors import DamageError, InstrumentError, SourceError, UsageError
from forecaster.workflows.data_store import existing_store

__all__ = ["export", "show"]


def export(
    choice: Selection, environment: Environment, *, history: str | None = None, version: str | None = None
) -> PriceSeries:
    """All rows of one history, as they are stored; those of an inverted pair are computed from them.

    Args:
        choice: The instrument; empty where `history` names it.
        environment: Home folder, clock and messages.
        history: ``source/symbol/frequency``, with ``@digits`` for one version, or digits of a hash alone.
        version: First digits of the hash of a stored version of the instrument.

    Raises:
        UsageError: Several instruments are named, or none.
        SourceError: There is no such history.
    """
    histories = list(_histories(choice, environment, history, version))
    if len(histories) != 1:
        raise UsageError(f"{len(histories)} instruments named; a file holds one history; export each by itself")
    series = histories[0].series
    for finding in histories[0].findings:
        environment.note(str(Note("data", finding.text, finding.severity)))
    instruments = () if history is not None or choice.is_empty else named_instruments(choice.applied())
    inverted = bool(instruments) and instruments[0].sign < 0
    return _inverted(series, instruments[0]) if inverted else series


def _inverted(series: PriceSeries, instrument: Instrument) -> PriceSeries:
    """The prices of a pair in the other orientation: the high of one is the low of the other, inverted."""
    opposite = {"high": "low", "low": "high"}
    columns = {
        opposite.get(name, name): values if name == "volume" else 1 / values for name, values in series.columns.items()
    }
    return dataclasses.replace(series, instrument=instrument, symbol=instrument.name, columns=columns)


def show(
    choice: Selection,
    environment: Environment,
    *,
    history: str | None = None,
    version: str | None = None,
    out: Path | None = None,
    picture: bool = True,
) -> list[HistoryFacts]:
    """Facts about the named histories, each with a picture.

    Args:
        choice: The instruments; empty where `history` names one history.
        environment: Home folder, clock and messages.
        history: See `export`.
        version: See `export`.
        out: Picture to write, png, svg or pdf; named after the instrument when None.
        picture: True to draw one.

    Raises:
        InstrumentError, UsageError: A name is neither an instrument nor a history.
        SourceError: There is no such history.
        StorageError: The picture cannot be written.
    """
    histories = list(_histories(choice, environment, history, version))
    if out is not None and len(histories) > 1:
        raise UsageError(
            f"--out names one file; got {len(histories)} instruments; leave it out to name a file after each"
        )
    data = choice.applied()
    corrections = Corrections.of_texts(data.splits, data.drop, data.keep)
    results = []
    for loaded in histories:
        facts = _facts(loaded, corrections, environment)
        path = out or Path(f"{facts.series.instrument.name}-data.png")
        results.append(_drawn(facts, path, environment) if picture else facts)
    return results


def _facts(loaded: Loaded, corrections: Corrections, environment: Environment) -> HistoryFacts:
    series = loaded.series
    with existing_store(environment) as store:
        versions = () if store is None else store.versions(series.source, series.symbol, series.frequency)
        previous = None if store is None else _previous(series, versions, store)
    market = market_expectations(series)
    report = validate(
        RawRows.of(series), today=environment.today, market=market, previous=previous, corrections=corrections
    )
    age = business_age(series.dates[-1], environment.today)
    return HistoryFacts(series, versions, report, merged_findings(loaded.findings, report.findings), age)


def _drawn(facts: HistoryFacts, path: Path, environment: Environment) -> HistoryFacts:
    """The same with the path of its picture, which is written."""
    if len(facts.series) < 2:
        environment.note(f"{facts.series.symbol} has 1 row, which makes no picture")
        return facts
    from forecaster.output.canvas import save_figure
    from forecaster.output.data_figure import draw_history_picture, history_picture

    save_figure(draw_history_picture(history_picture(facts)), path)
    return dataclasses.replace(facts, path=path)


def _previous(series: PriceSeries, versions: tuple[Version, ...], store: Store) -> PriceSeries | None:
    """The version before `series`, to report changes; the newest where `series` is not stored."""
    hashes = [version.sha256 for version in versions]
    place = len(hashes) - 1 - hashes[::-1].index(series.sha256) if series.sha256 in hashes else len(hashes)
    with contextlib.suppress(DamageError):  # `verify` reports damage of earlier versions
        return store.load_version(versions[place - 1]) if place else None
    return None


def _histories(
    choice: Selection, environment: Environment, history: str | None, version: str | None
) -> Iterator[Loaded]:
    """The wanted histories: from the store by name, or by instrument as `train` would read them."""
    if history is None:
        yield from _by_instrument(choice, environment, version)
        return
    if not choice.is_empty or version is not None:
        raise UsageError(
            f"the stored history {history} and {'--hash' if version else 'an instrument'} given; "
            "expected one way of naming it; leave the other out"
        )
    yield _stored(history, environment)


def _stored(name: str, environment: Environment) -> Loaded:
    with existing_store(environment) as store:
        if store is not None:
            version = store.find(name)
            return Loaded(store.load_version(version), store.findings(version))
    raise SourceError(f"there is no store in {environment.home} yet, so no {name}; load it first: forecast data fetch")


def _by_instrument(choice: Selection, environment: Environment, version: str | None) -> Iterator[Loaded]:
    if choice.is_empty and choice.source is None:
        raise InstrumentError(
            "no history given; expected --pair, --ticker or --csv, or a name such as ecb/USDJPY/1d; "
            "see: forecast data list"
        )
    data = choice.applied()
    instruments = named_instruments(data)
    histories = Histories.of_section(environment, data, instruments, choice.network)
    histories.checker = dataclasses.replace(histories.checker, frequency=None)  # rows of any length can be stored
    for instrument in instruments:
        if instrument.sign < 0:
            environment.note(f"{instrument.name} is stored as {instrument.canonical.name}, its exact mirror")
    for instrument in dict.fromkeys(instrument.canonical for instrument in instruments):
        if version is None:
            loaded = histories.whole(instrument)
            with contextlib.suppress(SourceError, UsageError):  # a history that cannot be used can be shown
                histories.accept(loaded)
            yield loaded
        else:
            source = histories.source
            symbol = source.symbol(instrument) if isinstance(source, OnlineSource) else instrument.name
            frequency = histories.whole(instrument).series.frequency if source.traits.is_given else "1d"
            yield _stored(f"{source.name}/{symbol}/{frequency}@{version}", environment)
