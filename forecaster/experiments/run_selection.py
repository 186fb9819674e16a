"""Which recorded run serves an instrument, and the history to forecast from."""

import dataclasses
import datetime
import functools
from collections.abc import Sequence

import numpy as np

from forecaster.config import DataConfig, load_config
from forecaster.data.calendars import business_age
from forecaster.data.instruments import Instrument
from forecaster.data.series import PriceSeries
from forecaster.data.sources import Source
from forecaster.datasets.covariates import Inputs, load_inputs
from forecaster.datasets.histories import Checked, Histories, HistoryChecker, data_line
from forecaster.datasets.selection import Selection, command_line, named_instruments, with_choice
from forecaster.environment import Environment
from forecaster.errors import ForecasterError, InputFileError, NotEnoughDataError, RunNotFoundError, SourceError
from forecaster.experiments.runs import Run, find_run, list_runs, runs_folder

__all__ = ["Served", "Wanted", "serve", "tell"]

_OLD_RUN_DAYS = 125  # business days; after half a year of new rows a training is worth repeating


@dataclasses.dataclass(frozen=True)
class Wanted:
    """Which run will do.

    Args:
        run_id: This one, or one whose id begins so; the newest that fits when None.
        horizon: It must look at least so many rows ahead.
        interval: It must have learned rows of this span; any when None.
    """

    run_id: str | None = None
    horizon: int | None = None
    interval: str | None = None


@dataclasses.dataclass(frozen=True)
class Served:
    """One instrument, the run that serves it, and its history in canonical orientation.

    Args:
        instrument: As the user turned it.
        run: The run.
        histories: Histories of the source of the run, checked as its configuration says.
        checked: Those up to the cutoff.
        inputs: What the network reads beside the prices.
    """

    instrument: Instrument
    run: Run
    histories: Histories
    checked: Checked
    inputs: Inputs

    @functools.cached_property
    def series(self) -> PriceSeries:
        """The rows that the configuration of the run asks for, up to the cutoff, as they were known there."""
        return self.inputs.beside(self.checked.series)

    @property
    def newest(self) -> np.datetime64:
        """Date of the newest row that there is."""
        return self.checked.newest

    def until(self, as_of: datetime.date | None) -> "Served":
        """The same with rows up to `as_of` only, looked at as they were then.

        Raises:
            NotEnoughDataError: The model cannot forecast from so few rows.
        """
        checked = self.checked
        if as_of is not None:
            # A cross is computed once more: its rows before a gap that comes after the cutoff are not left out then.
            again = self.histories.source.name == "ecb"
            whole = self.histories.whole(self.instrument, as_of) if again else checked.whole
            checked = self.histories.checker.check(whole, as_of)
        first = self.run.fitted.first_row
        if len(checked.series) <= first:
            earliest = self.series.dates[first] if len(self.series) > first else "never"
            raise NotEnoughDataError(
                f"{len(checked.series)} rows of {self.instrument.name} up to {as_of or 'the end'}; a forecast needs "
                f"{first + 1}; the earliest cutoff is {earliest}; change --as-of or give a longer history"
            )
        return dataclasses.replace(self, checked=dataclasses.replace(checked, newest=self.newest))

    def notes(self) -> list[str]:
        """What a user should know of the run and its age, in one line each."""
        run, cutoff = self.run, self.series.dates[-1]
        told = [f"run: {run.id} ({run.manifest['model']}), weights fitted on rows to {run.fitted_until}"]
        trained = np.datetime64(self._member["last"])
        age = business_age(trained, self.newest.astype(object))
        if age > _OLD_RUN_DAYS:
            told[0] += f"; old: {age} business days of data have come since the training, train again"
        if self.in_sample:
            told.append(
                f"warning: the run has seen rows to {run.seen_until}; a forecast from {cutoff} is in-sample, "
                "better than any forecast made then could have been"
            )
        if cutoff >= trained and run.history_changed(self.series):
            told.append(f"warning: {self.series.symbol} no longer begins with the rows the run was trained on")
        changed = self.inputs.changed(run.manifest.get("inputs", ()), trained) if cutoff >= trained else []
        told += [f"warning: input {name} no longer says what it said when the run was trained" for name in changed]
        return [*self.checked.lines, *self.inputs.notes(self.series), *told]

    @property
    def in_sample(self) -> bool:
        """Whether fitting or choosing has used rows after the cutoff."""
        return bool(self.series.dates[-1] < self.run.seen_until)

    @property
    def _member(self) -> dict[str, str]:
        member: dict[str, str] = self.run.manifest["members"][self.series.instrument.name]
        return member


def serve(choice: Selection, wanted: Wanted, environment: Environment) -> list[Served]:
    """Every named instrument with the newest run that fits it, or with the run that is asked for.

    Raises:
        RunNotFoundError: No run fits; the message says what to type.
        DamageError: The run that is asked for, or every run that might fit, is damaged.
    """
    sources: dict[str, Source] = {}
    folder = runs_folder(environment.home)
    if choice.is_empty and choice.source is None:
        if wanted.run_id is None:
            named_instruments(DataConfig())  # says what was expected
        run = find_run(folder, str(wanted.run_id))
        return [_read(run, one, choice, environment, sources) for one in named_instruments(run.config.data)]
    data = with_choice(load_config(), choice).data
    instruments = named_instruments(data)
    if wanted.run_id is not None:
        run = find_run(folder, wanted.run_id)
        return [_read(run, one, choice, environment, sources) for one in instruments]
    Histories.of_section(environment, data, instruments, sources=sources)  # raises for an unknown source
    return [_newest(one, choice, wanted, environment, sources) for one in instruments]


def tell(served: Sequence[Served], environment: Environment) -> None:
    """Note the data and the runs that are about to be used, each once."""
    lines = [line for one in served for line in (data_line(one.series, environment.today, one.newest), *one.notes())]
    for line in dict.fromkeys(lines):
        environment.note(line)


def _newest(
    instrument: Instrument,
    choice: Selection,
    wanted: Wanted,
    environment: Environment,
    sources: dict[str, Source],
) -> Served:
    folder = runs_folder(environment.home)
    damaged: list[ForecasterError] = []
    for found in list_runs(folder):
        if isinstance(found, ForecasterError):
            damaged.append(found)
        elif _may_serve(found, instrument, choice.source, wanted):
            served = _read(found, instrument, choice, environment, sources)
            if found.covers(served.series):
                for one in damaged:
                    environment.note(f"warning: passed over: {one.messages[0]}")
                return served
    if damaged:
        raise damaged[0]
    if instrument.kind == "csv":  # a file that cannot be read is the first thing to know
        data = with_choice(load_config(), choice).data
        Histories.of_section(environment, data, [instrument], choice.network, sources).whole(instrument)
    ahead = f" {wanted.horizon} rows ahead" if wanted.horizon else ""
    ahead += f" with --interval {wanted.interval}" if wanted.interval else ""
    flags = ["--horizon", str(wanted.horizon)] if wanted.horizon else []
    flags += ["--interval", wanted.interval] if wanted.interval else []
    raise RunNotFoundError(
        f"no run in {folder} fits {instrument.name}{ahead}; "
        f"train one with: {command_line('train', instrument, choice, environment, *flags)}"
    )


def _may_serve(run: Run, instrument: Instrument, source: str | None, wanted: Wanted) -> bool:
    same_kind = (run.source == "csv") == (instrument.kind == "csv")
    same_source = source in (None, "auto", run.source)
    far_enough = wanted.horizon is None or wanted.horizon <= run.manifest["horizon"]
    same_interval = wanted.interval in (None, run.interval)
    return (
        same_kind
        and same_source
        and far_enough
        and same_interval
        and instrument.canonical.name in run.manifest["members"]
    )


def _read(
    run: Run, instrument: Instrument, choice: Selection, environment: Environment, sources: dict[str, Source]
) -> Served:
    """The instrument with the history that `run` would read: its source, its options, its first row."""
    if instrument.canonical.name not in run.manifest["members"]:
        members = list(run.manifest["members"])
        some = ", ".join(members[:5]) + (f" and {len(members) - 5} more" if len(members) > 5 else "")
        raise RunNotFoundError(
            f"run {run.id} was not trained on {instrument.name}; it serves {some}; "
            f"train one with: {command_line('train', instrument, choice, environment)}"
        )
    config = run.config
    data = config.data
    checker = HistoryChecker(
        environment.today, start=data.start, interval=data.interval, strict=choice.strict or data.strict
    )
    options = {**data.options, **choice.options}
    histories = Histories(environment, run.source, checker, options, choice.network, sources)
    checked = histories.load(instrument)
    try:
        inputs = load_inputs(config, [checked.series], histories)
    except (InputFileError, SourceError) as error:
        asked = f"run {run.id} reads an input that cannot be had"
        advice = "bring it back, or choose another run with --run ID"
        raise type(error)(*(f"{asked}: {message}; {advice}" for message in error.messages)) from error
    return Served(instrument, run, histories, checked, inputs)
