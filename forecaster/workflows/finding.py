"""Which recorded run serves an instrument, and the history to forecast from."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from forecaster.config import DataConfig, load_config
from forecaster.data.calendars import business_age
from forecaster.data.instruments import Instrument
from forecaster.data.series import PriceSeries
from forecaster.errors import NotEnoughDataError, RunNotFoundError
from forecaster.experiments.runs import Run, find_run, list_runs, runs_folder
from forecaster.workflows.loading import (
    InstrumentChoice,
    Loader,
    Project,
    data_line,
    named_instruments,
    with_choice,
)

__all__ = ["Served", "serve", "tell", "train_command"]

_OLD_WEIGHTS_DAYS = 250  # business days; after a year without a fit it is worth a word


@dataclasses.dataclass(frozen=True)
class Served:
    """One instrument, the run that serves it, and its history in canonical orientation.

    Args:
        instrument: As the user turned it.
        run: The run.
        series: The rows that the configuration of the run asks for, up to the newest one.
    """

    instrument: Instrument
    run: Run
    series: PriceSeries

    def until(self, as_of: np.datetime64 | None) -> "Served":
        """The same with rows up to `as_of` only.

        Raises:
            NotEnoughDataError: The model cannot forecast from so few rows.
        """
        series = self.series.between(end=as_of)
        first = self.run.fitted.first_row
        if len(series) <= first:
            earliest = self.series.dates[first] if len(self.series) > first else "never"
            raise NotEnoughDataError(
                f"{len(series)} rows of {self.instrument.name} up to {as_of or 'the end'}; a forecast needs "
                f"{first + 1}; the earliest cutoff is {earliest}; change --as-of or give a longer history"
            )
        return dataclasses.replace(self, series=series)

    def notes(self) -> list[str]:
        """What a user should know of the run and its age, in one line each."""
        cutoff = self.series.dates[-1]
        age = business_age(self.run.fitted_until, cutoff.astype(object))
        told = [f"run: {self.run.id} ({self.run.manifest['model']}), weights fitted on rows to {self.run.fitted_until}"]
        if age > _OLD_WEIGHTS_DAYS:
            told[0] += f", {age} business days before the cutoff; train --refit uses all rows"
        if self.in_sample:
            told.append(
                f"warning: the run has seen rows to {self.run.seen_until}; a forecast from {cutoff} is in-sample, "
                "better than any forecast made then could have been"
            )
        if self.run.history_changed(self.series) and cutoff >= np.datetime64(self._member["last"]):
            told.append(f"warning: {self.series.symbol} no longer begins with the rows the run was trained on")
        return told

    @property
    def in_sample(self) -> bool:
        """Whether fitting or choosing has used rows after the cutoff."""
        return bool(self.series.dates[-1] < self.run.seen_until)

    @property
    def _member(self) -> dict[str, str]:
        member: dict[str, str] = self.run.manifest["members"][self.series.instrument.name]
        return member


def serve(choice: InstrumentChoice, run_id: str | None, project: Project) -> list[Served]:
    """Every named instrument with the newest run that fits it, or with the run `run_id`.

    Raises:
        RunNotFoundError: No run fits; the message says what to type.
    """
    if choice.is_empty and choice.source is None:
        if run_id is None:
            named_instruments(DataConfig())  # says what was expected
        run = find_run(runs_folder(project.home), str(run_id))
        return [_try(run, one, choice, project, forced=True) for one in _instruments_of(run)]
    data = with_choice(load_config(), choice).data
    return [_serve_one(one, choice, run_id, project) for one in named_instruments(data)]


def tell(served: Sequence[Served], project: Project) -> None:
    """Note the data and the runs that are about to be used, each once."""
    lines = [line for one in served for line in (data_line(one.series, project.today), *one.notes())]
    for line in dict.fromkeys(lines):
        project.note(line)


def _instruments_of(run: Run) -> list[Instrument]:
    """The instruments that the user named when the run was trained."""
    return list(named_instruments(run.config.data))


def _serve_one(instrument: Instrument, choice: InstrumentChoice, run_id: str | None, project: Project) -> Served:
    folder = runs_folder(project.home)
    if run_id is not None:
        return _try(find_run(folder, run_id), instrument, choice, project, forced=True)
    for run in _candidates(list_runs(folder), instrument, choice.source):
        served = _try(run, instrument, choice, project, forced=False)
        if run.covers(served.series):
            return served
    raise RunNotFoundError(
        f"no run in {folder} fits {instrument.name}; train one with: {train_command(instrument, choice)} "
        "(or add --train-if-missing)"
    )


def _candidates(runs: Iterator[Run], instrument: Instrument, source: str | None) -> Iterator[Run]:
    for run in runs:
        same_kind = (run.source == "csv") == (instrument.kind == "csv")
        if same_kind and source in (None, "auto", run.source) and instrument.canonical.name in run.manifest["members"]:
            yield run


def _try(run: Run, instrument: Instrument, choice: InstrumentChoice, project: Project, forced: bool) -> Served:
    """The instrument with the history that `run` would read: its source, its options, its first row."""
    if instrument.canonical.name not in run.manifest["members"]:
        members = list(run.manifest["members"])
        some = ", ".join(members[:5]) + (f" and {len(members) - 5} more" if len(members) > 5 else "")
        raise RunNotFoundError(
            f"run {run.id} was not trained on {instrument.name}; it serves {some}; "
            f"train one with: {train_command(instrument, choice)}"
        )
    config = run.config
    data = config.data.model_copy(update={"source": run.source, "end": None})
    if choice.options:
        data = data.model_copy(update={"options": {**data.options, **choice.options}})
    loader = Loader(project, config.model_copy(update={"data": data}), [instrument])
    return Served(instrument, run, loader.load(instrument))


def train_command(instrument: Instrument, choice: InstrumentChoice | None = None) -> str:
    """The command that would train a run for `instrument`."""
    name = instrument.path if instrument.kind == "csv" else instrument.name
    source = f" --source {choice.source}" if choice and choice.source else ""
    return f"forecast train --{instrument.kind} {name}{source}"
