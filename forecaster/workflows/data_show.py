"""`data show` and `data export`: one history, its facts, what was found in it, its picture, its rows."""

import contextlib
import csv
import dataclasses
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from forecaster.arrays import DateArray, FloatArray
from forecaster.config import load_config
from forecaster.data.calendars import business_age
from forecaster.data.instruments import Instrument
from forecaster.data.markets import market_of
from forecaster.data.series import COLUMNS, PriceSeries
from forecaster.data.sources import OnlineSource
from forecaster.data.store import Store, Version
from forecaster.data.validation import Finding, RawRows, Report, Severity, repaired, validate
from forecaster.datasets.histories import Histories
from forecaster.datasets.selection import Selection, resolve
from forecaster.environment import Environment
from forecaster.errors import DamageError, InstrumentError, SourceError, UsageError
from forecaster.files import json_text, write_file
from forecaster.workflows.data_store import SCHEMA, existing_store, version_facts

__all__ = ["ExportRequest", "HistoryFacts", "ShowRequest", "all_findings", "export", "finding_facts", "show"]


# Finding -> the marks that hold all of its rows, where these have another name.
_MARKS_OF = {"gap": "missing_days", "many_bad_prices": "bad_price", "wrong_symbol": "reference_mismatch"}
_NO_FACTS = ("findings", "notes", "attribution")  # of the origin: told in places of their own


@dataclasses.dataclass(frozen=True)
class ExportRequest:
    """What is asked of `export`.

    Args:
        choice: The instruments; empty where `history` names what is wanted.
        history: ``source/symbol/interval``, with ``@digits`` for one version, or digits of a hash alone.
        version: First digits of the hash of a stored version of the instrument.
        out: File to write; the text is given back in any case.
        output: ``csv`` or ``json``.
    """

    choice: Selection
    history: str | None = None
    version: str | None = None
    out: Path | None = None
    output: str = "csv"


@dataclasses.dataclass(frozen=True)
class ShowRequest(ExportRequest):
    """What is asked of `show`.

    Args:
        choice: See `ExportRequest`, as for `history` and `version`.
        out: Picture to write, png, svg or pdf; named after the instrument when None.
        picture: Whether to draw one.
    """

    picture: bool = True


@dataclasses.dataclass(frozen=True, eq=False)
class HistoryFacts:
    """What there is to say about one history.

    Args:
        series: All of its rows, as they are kept.
        versions: Those in the store, oldest first.
        report: What was found in the rows.
        age: Business days since the last row.
        path: Of its picture.
    """

    series: PriceSeries
    versions: tuple[Version, ...]
    report: Report
    age: int
    path: Path | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the source repaired, and what was found in the rows afterwards, errors first."""
        return all_findings(self.series, self.report)

    def to_json(self) -> dict[str, Any]:
        """The document ``data/1``."""
        series = self.series
        return {
            "schema": SCHEMA,
            "instrument": series.instrument.name,
            "series": series.name,
            **{key: getattr(series, key) for key in ("source", "symbol", "interval", "sha256")},
            "rows": len(series),
            "first": str(series.dates[0]),
            "last": str(series.dates[-1]),
            "age_business_days": self.age,
            "columns": list(series.columns),
            "last_price": float(series.close[-1]),
            "lowest": self._extreme(int(np.argmin(series.close))),
            "highest": self._extreme(int(np.argmax(series.close))),
            "attribution": series.meta.get("attribution"),
            "origin": {key: value for key, value in series.meta.items() if key not in _NO_FACTS},
            "versions": [version_facts(one) for one in self.versions],
            "findings": [finding_facts(one) for one in self.findings],
            "picture": None if self.path is None else str(self.path),
        }

    def _extreme(self, row: int) -> dict[str, Any]:
        return {"date": str(self.series.dates[row]), "price": float(self.series.close[row])}


def finding_facts(finding: Finding) -> dict[str, Any]:
    """What a document says of a finding."""
    return {**dataclasses.asdict(finding), "severity": finding.severity.value, "dates": list(finding.dates)}


def all_findings(whole: PriceSeries, report: Report) -> tuple[Finding, ...]:
    """What the source repaired before it gave the rows, and what was found in them afterwards, errors first."""
    before = (
        Finding(one["code"], Severity(one["severity"]), one["count"], tuple(one["dates"]), one["text"])
        for one in json.loads(whole.meta.get("findings", "[]"))
    )
    found = {one.text: one for one in (*before, *report.findings)}.values()
    return tuple(sorted(found, key=lambda one: list(Severity).index(one.severity)))


# export


def export(request: ExportRequest, environment: Environment) -> str:
    """One history: a date and every column that it has, numbers written so that they come back bit for bit.

    Raises:
        UsageError: Several instruments are named, or none.
        SourceError: There is no such history.
        StorageError: The file cannot be written.
    """
    wanted = list(_wanted(request, environment))
    if len(wanted) != 1:
        raise UsageError(f"{len(wanted)} instruments named; a CSV file holds one history; export each by itself")
    text = _csv_text(wanted[0]) if request.output == "csv" else json_text(_columns(wanted[0])) + "\n"
    if request.out is not None:
        write_file(request.out, text.encode())
        environment.note(f"written: {request.out}")
    return text


def _columns(series: PriceSeries) -> dict[str, Any]:
    """The document ``data/1`` of one history's rows."""
    columns = {name: values.tolist() for name, values in series.columns.items()}
    dates = [str(day) for day in series.dates]
    return {"schema": SCHEMA, "series": series.name, "sha256": series.sha256, "columns": {"date": dates, **columns}}


def _csv_text(series: PriceSeries) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    names = [name for name in COLUMNS if name in series.columns]
    writer.writerow(["date", *names])
    columns = (series.columns[name].tolist() for name in names)
    for date, *values in zip(series.dates.tolist(), *columns, strict=True):
        writer.writerow([date.isoformat(), *("" if value != value else repr(value) for value in values)])
    return text.getvalue()


# show


def show(request: ShowRequest, environment: Environment) -> list[HistoryFacts]:
    """Facts about the named histories, each with a picture.

    Raises:
        InstrumentError, UsageError: What is named is no instrument and no history.
        SourceError: There is no such history.
        StorageError: The picture cannot be written.
    """
    wanted = list(_wanted(request, environment))
    if request.out is not None and len(wanted) > 1:
        raise UsageError(f"--out names one file; got {len(wanted)} instruments; leave it out to name a file after each")
    return [_shown(series, request, environment) for series in wanted]


def _shown(series: PriceSeries, request: ShowRequest, environment: Environment) -> HistoryFacts:
    with existing_store(environment) as store:
        versions = () if store is None else store.versions(series.source, series.symbol, series.interval)
        previous = None if store is None else _previous(series, versions, store)
    report = validate(RawRows.of(series), today=environment.today, market=market_of(series), previous=previous)
    facts = HistoryFacts(series, versions, report, business_age(series.dates[-1], environment.today))
    if not request.picture:
        return facts
    if len(series) < 2:
        environment.note(f"{series.symbol} has 1 row, which makes no picture")
        return facts
    path = request.out or Path(f"{series.instrument.name}-data.png")
    _draw(facts, path)
    return dataclasses.replace(facts, path=path)


def _previous(series: PriceSeries, versions: tuple[Version, ...], store: Store) -> PriceSeries | None:
    """The version before `series`, to tell what changed; the newest where `series` is not stored."""
    hashes = [one.sha256 for one in versions]
    place = len(hashes) - 1 - hashes[::-1].index(series.sha256) if series.sha256 in hashes else len(hashes)
    # A damaged version before this one is for `verify` to tell.
    with contextlib.suppress(DamageError):
        return store.load_version(versions[place - 1]) if place else None
    return None


def _wanted(request: ExportRequest, environment: Environment) -> Iterator[PriceSeries]:
    """The histories that are asked for: from the store by name, or by instrument as `train` would see them."""
    if request.history is None:
        yield from _by_instrument(request, environment)
        return
    if not request.choice.is_empty or request.version is not None:
        raise UsageError(
            f"the stored history {request.history} and {'--version' if request.version else 'an instrument'} given; "
            "expected one way of naming it; leave the other out"
        )
    yield _stored(request.history, environment)


def _stored(name: str, environment: Environment) -> PriceSeries:
    with existing_store(environment) as store:
        if store is not None:
            return store.load_version(store.find(name))
    raise SourceError(f"there is no store in {environment.home} yet, so no {name}; load it first: forecast data fetch")


def _by_instrument(request: ExportRequest, environment: Environment) -> Iterator[PriceSeries]:
    if request.choice.is_empty and request.choice.source is None:
        raise InstrumentError(
            "no history given; expected --pair, --ticker or --csv, or a name such as ecb/USDJPY/1d; "
            "see: forecast data list"
        )
    config, instruments = resolve(load_config(), request.choice)
    histories = Histories.of_section(environment, config.data, instruments, request.choice.network)
    for one in dict.fromkeys(one.canonical for one in _told(instruments, environment)):
        if request.version is None:
            whole = histories.whole(one)
            with contextlib.suppress(SourceError, UsageError):  # what forbids its use is shown all the same
                histories.accept(whole)
            yield whole
        else:
            source = histories.source
            symbol = source.symbol(one) if isinstance(source, OnlineSource) else one.name
            yield _stored(f"{source.name}/{symbol}/1d@{request.version}", environment)


def _told(instruments: tuple[Instrument, ...], environment: Environment) -> Iterator[Instrument]:
    for one in instruments:
        if one.sign < 0:
            environment.note(f"{one.name} is kept as {one.canonical.name}, whose exact mirror it is")
        yield one


# picture


def _draw(facts: HistoryFacts, path: Path) -> None:
    from forecaster.output.canvas import save_figure
    from forecaster.output.data_figure import Flag, HistoryPicture, draw_history_picture

    series, instrument = facts.series, facts.series.instrument
    rows = repaired(RawRows.of(series), facts.report)
    flags = []
    for one in facts.findings:
        dates = _dates_of(one, facts.report)
        flags.append(Flag(one.severity.value, one.text, dates, _prices_at(series, dates)))
    picture = HistoryPicture(
        title=f"{instrument.name}: prices and what was found in them",
        unit=f"{instrument.quote} per {instrument.base}" if instrument.kind == "pair" else "price",
        dates=rows.dates,
        prices=rows.columns["close"],
        flags=flags,
        facts=_facts_beside(facts),
        note=" · ".join(filter(None, (series.name, f"rows to {series.dates[-1]}", series.meta.get("attribution")))),
    )
    save_figure(draw_history_picture(picture), path)


def _facts_beside(facts: HistoryFacts) -> Mapping[str, str]:
    """What stands beside the picture."""
    said = facts.to_json()
    stored = facts.versions
    return {
        "source": said["source"],
        "rows": f"{said['rows']:,}",
        "first": said["first"],
        "last": said["last"],
        "age": f"{facts.age:,} business day{'' if facts.age == 1 else 's'}",
        **{label: f"{said[label]['price']:,.6g} on {said[label]['date']}" for label in ("lowest", "highest")},
        "columns": ", ".join(said["columns"]),
        "stored": f"{len(stored)} version{'s' if len(stored) > 1 else ''}" if stored else "not yet",
        "sha256": said["sha256"][:12],
    }


def _dates_of(finding: Finding, report: Report) -> DateArray:
    """(N,) the rows that a finding is about: all of them where the report still knows, else the first few."""
    code = finding.code.removesuffix("_by_factor")
    marks = next((one for one in report.marks if one.code == _MARKS_OF.get(code, code)), None)
    if code == "close_equals_open" or marks is None or not len(marks):
        return np.array([one for one in finding.dates if len(one) == len("2020-12-31")], dtype="datetime64[D]")
    if code == "rows_gone":
        return marks.values.astype("datetime64[D]")
    rows = marks.rows[marks.known_until > len(report.dates) - 1]
    if code == "gap":  # the longest of the pauses
        rows = marks.rows[np.sort(np.argsort(-marks.values, kind="stable")[: finding.count])]
    return report.dates[rows].astype("datetime64[D]")


def _prices_at(series: PriceSeries, dates: DateArray) -> FloatArray:
    """(N,) closing prices on `dates`, NaN where there is no row: the source has left it out."""
    places = np.minimum(np.searchsorted(series.dates, dates), len(series) - 1)
    return np.where(series.dates[places] == dates, series.close[places], np.nan)
