"""`events`: the coming days whose known events widen or narrow the ranges."""

import dataclasses
import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

import numpy as np

from forecaster.arrays import DateArray
from forecaster.config import DataConfig
from forecaster.data.calendars import trading_days
from forecaster.data.events import read_events
from forecaster.data.instruments import Instrument
from forecaster.data.series import PriceSeries
from forecaster.data.sources.registry import source_traits
from forecaster.datasets.histories import Histories
from forecaster.datasets.keywords import Day, InstrumentKeywords, day_of, exact_keywords, selection_of
from forecaster.datasets.selection import Selection, named_instruments
from forecaster.environment import Environment
from forecaster.errors import RunNotFoundError, UsageError
from forecaster.experiments.predictions import KnownEvents
from forecaster.experiments.run_selection import RunQuery, SelectedRun, select_runs
from forecaster.models.coming_days import KnownDay, calendar_names, days_between
from forecaster.pipeline import coming_days_of

__all__ = ["events", "named_days"]

DEFAULT_DAYS = 30
MAX_DAYS = 800


@exact_keywords
def events(
    *,
    until: Day | None = None,
    run: str | None = None,
    home: str | Path | None = None,
    environment: Environment | None = None,
    **instruments: Unpack[InstrumentKeywords],
) -> list[KnownEvents]:
    """List the coming days on which something is known to happen, with the sizes of their moves where a run exists.

    Args:
        until: Last day; 30 days from today when None.
        run: Id of a run; the best run that fits when None.
        home: Project folder; the variable FORECAST_HOME or the working directory when None.
        environment: Home folder, clock, progress and messages, in place of `home`.
        instruments: ``pair``, ``ticker`` or ``csv``, their source, and ``events``; see `InstrumentKeywords`.

    Raises:
        UsageError: The last day lies in the past or too far ahead, or the trading days to come are not known.
    """
    environment = environment or Environment.at(home)
    choice = selection_of(instruments)
    last = day_of(until, "until") or environment.today + datetime.timedelta(days=DEFAULT_DAYS)
    if not environment.today <= last <= environment.today + datetime.timedelta(days=MAX_DAYS):
        raise UsageError(f"--until is {last}; expected a day from today on, at most {MAX_DAYS} days ahead")
    instruments_named = named_instruments(choice.applied())
    return [_of_instrument(instrument, choice, run, last, environment) for instrument in instruments_named]


def _of_instrument(
    instrument: Instrument, choice: Selection, run_id: str | None, last: datetime.date, environment: Environment
) -> KnownEvents:
    selected = _selected(choice.alone(instrument), run_id, environment)
    if selected is None:
        series = _history(instrument, choice, environment)
        environment.note(f"no run of days fits {instrument.name}: the sizes of the days are not known")
        return KnownEvents(instrument, None, named_days(series, _coming(series, last, environment)))
    series = selected.series
    coming = coming_days_of(selected.run.fitted)
    if choice.events is not None:
        series = dataclasses.replace(series, events=read_events(Path(choice.events)).of(series.instrument))
        if coming.events is None:
            environment.note(f"run {selected.run.id} has learned no events: their effects are not known")
    dates = _coming(series, last, environment)
    # Names that the run has not learned, such as those of an older run or a newer file, are listed too.
    names = {day.date: day.names for day in named_days(series, dates)}
    days = [
        dataclasses.replace(day, names=tuple(dict.fromkeys((*day.names, *names.get(day.date, ())))))
        for day in coming.known_days(series, dates)
    ]
    return KnownEvents(instrument, selected.run.id, tuple(day for day in days if day.names))


def _selected(choice: Selection, run_id: str | None, environment: Environment) -> SelectedRun | None:
    """The best run of one instrument, if possible one that has learned events where the user names some."""
    query = RunQuery(run_id, frequency="1d")
    try:
        (selected,) = select_runs(choice, query, environment)
        return selected
    except (RunNotFoundError, UsageError):
        if choice.events is not None:
            return _selected(dataclasses.replace(choice, events=None), run_id, environment)
        if run_id is not None:
            raise
        return None


def _history(instrument: Instrument, choice: Selection, environment: Environment) -> PriceSeries:
    """The history of an instrument without a run, with the events of the user."""
    data: DataConfig = choice.applied()
    histories = Histories.of_section(environment, data, [instrument], choice.network, choice.open_sources())
    series = histories.load(instrument).series
    if data.events is None:
        return series
    return dataclasses.replace(series, events=read_events(Path(data.events)).of(instrument))


def _coming(series: PriceSeries, last: datetime.date, environment: Environment) -> DateArray:
    """Trading days after the last row, from today on, up to `last`.

    Raises:
        UsageError: Only the weekdays of the rows are known, or no row is a day.
    """
    first = max(series.dates[-1] + 1, np.datetime64(environment.today))
    days = trading_days(series, first, np.datetime64(last))
    if days is None or series.frequency != "1d":
        raise UsageError(
            f"the trading days to come of {series.instrument.name} are not known; expected daily rows of a market with "
            "a calendar; name it with --calendar, such as NYSE"
        )
    return days


def named_days(series: PriceSeries, dates: DateArray) -> tuple[KnownDay, ...]:
    """Days that have a name, without sizes."""
    days = days_between(series, dates[0], dates[-1]) if len(dates) else None
    if days is None:
        return ()
    names: Sequence[tuple[str, ...]] = [()] * len(days)
    if series.instrument.kind == "pair" and source_traits(series.source).one_fixing:
        names = calendar_names(series, days)
    named = []
    for day, place in zip(dates, np.searchsorted(days, dates).tolist(), strict=True):
        own = [event.name for event in series.events if days[place - 1] < event.day <= day]
        if names[place] or own:
            named.append(KnownDay(day, tuple(dict.fromkeys((*names[place], *own)))))
    return tuple(named)
