"""`anomalies`: days beyond what was thought possible, bad ticks among them, and changes of volatility."""

import contextlib
import dataclasses
import datetime
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from forecaster.config import Config
from forecaster.data.events import read_events
from forecaster.data.instruments import Instrument, parse_pair
from forecaster.data.series import PriceSeries
from forecaster.data.sources.registry import source_traits
from forecaster.data.validation import Report
from forecaster.data.validation_findings import MAX_GAP_DAYS
from forecaster.datasets.histories import Histories, data_line, note_findings
from forecaster.datasets.history_checker import Checked
from forecaster.datasets.keywords import Day, InstrumentKeywords, config_of, day_of, exact_keywords, selection_of
from forecaster.datasets.selection import Selection, named_instruments
from forecaster.environment import Environment
from forecaster.errors import InstrumentError, NotEnoughDataError, UsageError, did_you_mean
from forecaster.evaluation import anomalies as anomaly_tests
from forecaster.evaluation.anomalies import AnomalousDay, RegimeChange, anomalous_days, day_tests
from forecaster.evaluation.bad_ticks import DayKind, cross_moves
from forecaster.frames import with_fields
from forecaster.models import MODELS, baseline_names
from forecaster.output.figure_request import HistoryFigureRequest
from forecaster.pipeline_walk_forward import walk_forward
from forecaster.stats.volatility_changes import volatility_changes
from forecaster.workflows.events import named_days

__all__ = ["DEFAULT_MODEL", "DEFAULT_RATE", "Anomalies", "anomalies", "anomaly_figure", "find_anomalies"]

DEFAULT_MODEL = "panel_har"
DEFAULT_RATE = 0.05

_REPAIRS: Mapping[str, DayKind] = {"reverting_spike": "bad tick", "unit_change": "unit change"}

Span = tuple[datetime.date | None, datetime.date | None]
"""First day to test and last row to use."""

Settings = tuple[str, float, Config]
"""Model, rate of false discoveries and configuration of the data."""


@with_fields
class Anomalies(anomaly_tests.Anomalies):
    """Result of `anomalies`, with a picture."""

    def figure(self) -> Any:
        """Prices and moves with the anomalous days, and the regimes of volatility, a `matplotlib.figure.Figure`."""
        from forecaster.output.anomaly_figure import draw_anomalies

        return draw_anomalies(self)


@exact_keywords
def anomalies(
    *,
    start: Day | None = None,
    end: Day | None = None,
    model: str = DEFAULT_MODEL,
    rate: float = DEFAULT_RATE,
    frequency: str | None = None,
    home: str | Path | None = None,
    environment: Environment | None = None,
    **instruments: Unpack[InstrumentKeywords],
) -> list[Anomalies]:
    """Find the days whose move lay outside what was thought possible the day before, and changes of volatility.

    Args:
        start: First day that is tested; the first with enough rows before it when None. Earlier rows are learned from.
        end: Last row to use; the newest when None.
        model: Baseline whose forecasts are the standard; it is fitted again each year on the rows before.
        rate: Largest expected share of false discoveries among the anomalous days.
        frequency: ``1d``, ``1wk`` or ``1mo``; days when None.
        home: Project folder; the variable FORECAST_HOME or the working directory when None.
        environment: Home folder, clock, progress and messages, in place of `home`.
        instruments: ``pair``, ``ticker`` or ``csv``, their source, and ``events``; see `InstrumentKeywords`.

    Raises:
        UsageError: The model is no baseline, or the rate is not between 0 and 1.
        NotEnoughDataError: A history is too short, or has no row to test.
    """
    environment = environment or Environment.at(home)
    _check(model, rate)
    span = (day_of(start, "start"), day_of(end, "end"))
    config = config_of(None, (), {"end": span[1], "frequency": frequency, "horizon": 1})
    return find_anomalies(selection_of(instruments), span, (model, rate, config), environment)


def anomaly_figure(request: HistoryFigureRequest) -> Any:
    """The anomalies of a history, as a matplotlib figure."""
    from forecaster.output.anomaly_figure import draw_anomalies

    span = (request.from_date, request.to_date)
    config = config_of(None, (), {"end": request.to_date, "frequency": request.frequency, "horizon": 1})
    (result,) = find_anomalies(request.choice, span, (DEFAULT_MODEL, DEFAULT_RATE, config), request.environment)
    return draw_anomalies(result, request.title)


def find_anomalies(choice: Selection, span: Span, settings: Settings, environment: Environment) -> list[Anomalies]:
    """Anomalies of every instrument of a selection.

    Args:
        choice: The instruments.
        span: First day to test and last row to use; None for the first possible and the newest one.
        settings: Model, rate of false discoveries and configuration of the data, whose horizon is 1.
        environment: Home folder, clock, progress and messages.

    Raises:
        UsageError: The first day lies after the last row.
        NotEnoughDataError: A history is too short, or has no row to test.
    """
    first, last = span
    if first is not None and last is not None and first > last:
        raise UsageError(f"--start {first} is after --end {last}; change one of them")
    data = choice.applied(settings[2].data)
    named = named_instruments(data)
    histories = Histories.of_section(environment, data, named, choice.network, choice.open_sources())
    loaded = {instrument.canonical.name: histories.load(instrument) for instrument in named}
    for checked in loaded.values():
        environment.note(data_line(checked.series, environment.today, checked.newest))
    note_findings(list(loaded.values()), environment.note)
    results = []
    for instrument in named:
        checked = loaded[instrument.canonical.name]
        series = checked.series
        if data.events is not None:
            series = dataclasses.replace(series, events=read_events(Path(data.events)).of(series.instrument))
        others = [other.series for name, other in loaded.items() if name != instrument.canonical.name]
        result = _of_series(series, _crosses(series, others), first, settings, environment)
        result = dataclasses.replace(result, days=_with_repairs(result, checked))
        results.append(_oriented(result, instrument))
    return results


def _check(model: str, rate: float) -> None:
    if model not in baseline_names():
        kind = "a network, which takes too long to fit each year" if model in MODELS else "unknown"
        names = baseline_names()
        hint = did_you_mean(model, names)
        raise UsageError(f"--model {model:.50} is {kind}; expected one of {', '.join(names)}{hint}")
    if not 0 < rate < 1:
        raise UsageError(f"rate is {rate:g}; expected a share of false discoveries between 0 and 1, such as 0.05")


def _of_series(
    series: PriceSeries,
    crosses: Mapping[np.datetime64, float],
    first: datetime.date | None,
    settings: Settings,
    environment: Environment,
) -> Anomalies:
    """Anomalies of one history in canonical orientation."""
    model, rate, config = settings
    forecasts = walk_forward(model, series, config, environment.progress)
    tests = day_tests(series, forecasts)
    earliest = series.dates[tests.rows[0]]
    if first is not None:
        tests = tests.since(int(np.searchsorted(series.dates, np.datetime64(first))))
        if not len(tests.rows):
            raise NotEnoughDataError(
                f"{series.instrument.name} has no row to test from {first} to {series.dates[-1]}; change --start"
            )
        if np.datetime64(first) < earliest:
            environment.note(f"{series.instrument.name}: days from {earliest} on are tested; earlier ones are learned")
    dates = series.dates[tests.rows]
    changes = volatility_changes(np.diff(series.log_price))
    regimes = [
        RegimeChange(
            date=series.dates[change.onset + 1],
            known_from=series.dates[change.alarm + 1],
            direction=change.direction,
            before=change.before,
            after=change.after,
        )
        for change in changes
        if series.dates[change.alarm + 1] >= dates[0]
    ]
    days = _with_names(series, anomalous_days(series, tests, rate, crosses))
    return Anomalies(
        instrument=series.instrument,
        series=series,
        model=model,
        rate=rate,
        tested=(dates[0], dates[-1]),
        tests=len(dates),
        refits=len(forecasts),
        days=tuple(days),
        regimes=tuple(regimes),
    )


def _with_names(series: PriceSeries, days: Sequence[AnomalousDay]) -> list[AnomalousDay]:
    """`days` with the announcements, holidays and events that were known for them."""
    if series.frequency != "1d":
        return list(days)
    names = {day.date: day.names for day in named_days(series, np.array([day.date for day in days]))}
    return [dataclasses.replace(day, names=names.get(day.date, ())) for day in days]


def _with_repairs(result: Anomalies, checked: Checked) -> tuple[AnomalousDay, ...]:
    """The anomalous days, those like a split named, and the rows that the validation has repaired, by date."""
    report = checked.report
    if checked.series.frequency != "1d":
        return result.days
    remarks = _remarks(report)
    days = [dataclasses.replace(day, names=(*day.names, *remarks.get(day.date, ()))) for day in result.days]
    first, last = result.tested
    prices = dict(zip(checked.whole.dates, checked.whole.close.tolist(), strict=True))
    repaired = [
        AnomalousDay(
            date=report.dates[row],
            move=-math.log(value) if marks.code == "unit_change" else value,
            price=prices[report.dates[row]],
            low=None,
            high=None,
            pit=None,
            p_value=None,
            adjusted_p_value=None,
            at_once=None,
            kind="unconfirmed" if row == len(report.dates) - 1 else _REPAIRS[marks.code],
            known_from=report.dates[known_from],
        )
        for marks in report.marks
        if marks.code in _REPAIRS
        for row, known_from, until, value in zip(
            *(each.tolist() for each in (marks.rows, marks.known_from, marks.known_until, marks.values)), strict=True
        )
        if first <= report.dates[row] <= last and until >= len(report.dates)
    ]
    return tuple(sorted([*days, *repaired], key=lambda day: day.date))


def _remarks(report: Report) -> Mapping[np.datetime64, Sequence[str]]:
    """Findings of the validation that may explain the move of a day, by date."""
    remarks: dict[np.datetime64, list[str]] = {}
    for marks in report.marks:
        for day, value in zip(report.dates[marks.rows], marks.values.tolist(), strict=True):
            if marks.code == "possible_split":
                remarks.setdefault(day, []).append("possible split")
            elif marks.code == "missing_days" and value > MAX_GAP_DAYS:
                remarks.setdefault(day, []).append(f"after {value:.0f} missing days")
    return remarks


def _crosses(series: PriceSeries, others: Sequence[PriceSeries]) -> Mapping[np.datetime64, float]:
    """Moves of a pair by the other pairs that are named; none where one source computes all from the same rates."""
    if source_traits(series.source).one_fixing:
        return {}
    pairs = [pair for pair in map(_as_pair, others) if pair is not None]
    own = _as_pair(series)
    return {} if own is None else cross_moves(own, pairs)


def _as_pair(series: PriceSeries) -> PriceSeries | None:
    """The series as one of a currency pair, which the name of a file may say."""
    if series.instrument.kind == "pair":
        return series
    with contextlib.suppress(InstrumentError):
        return dataclasses.replace(series, instrument=parse_pair(series.instrument.name))
    return None


def _oriented(result: Anomalies, instrument: Instrument) -> Anomalies:
    """The result in the user's orientation."""
    result = dataclasses.replace(result, instrument=instrument)
    if instrument.sign > 0:
        return result
    days = [
        dataclasses.replace(
            day,
            move=-day.move,
            price=1 / day.price,
            low=None if day.high is None else 1 / day.high,
            high=None if day.low is None else 1 / day.low,
            pit=None if day.pit is None else 1 - day.pit,
        )
        for day in result.days
    ]
    return dataclasses.replace(result, days=tuple(days))
