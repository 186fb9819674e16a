"""`score` of the ledger: logged forecasts that have come true, beside the baselines that were logged with them."""

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from forecaster.config import DataConfig
from forecaster.data.instruments import Instrument
from forecaster.datasets.histories import Histories
from forecaster.datasets.history_checker import HistoryChecker
from forecaster.datasets.keywords import Day, InstrumentKeywords, day_of, exact_keywords, selection_of
from forecaster.datasets.selection import Selection, named_instruments
from forecaster.environment import Environment
from forecaster.errors import ForecasterError, InstrumentError, NotEnoughDataError
from forecaster.experiments import ledger_grades
from forecaster.experiments.ledger import issue_time
from forecaster.experiments.ledger_columns import SeriesKey
from forecaster.experiments.ledger_histories import History
from forecaster.frames import with_fields
from forecaster.workflows.ledger import ledger_file, named_entries, sound_entries

__all__ = ["LedgerGrades", "LedgerHistories", "score_ledger"]


@with_fields
class LedgerGrades(ledger_grades.LedgerGrades):
    """Result of `score_ledger`, with a picture."""

    def figure(self) -> Any:
        """Gains over the baselines and coverage day by day, a `matplotlib.figure.Figure`."""
        from forecaster.output.ledger_figure import ledger_figure

        return ledger_figure(self)


@exact_keywords
def score_ledger(
    *,
    since: Day | None = None,
    frequency: str | None = None,
    ledger: str | Path | None = None,
    home: str | Path | None = None,
    environment: Environment | None = None,
    **instruments: Unpack[InstrumentKeywords],
) -> LedgerGrades:
    """Grade the logged forecasts that have come true; nothing is fitted.

    Args:
        since: First day of issue; the oldest when None.
        frequency: Length of a row; that of most forecasts when None.
        ledger: File; ``ledger.jsonl`` of the project when None.
        home: Project folder; the variable FORECAST_HOME or the working directory when None.
        environment: Home folder, clock, progress and messages, in place of `home`.
        instruments: The instruments to grade, all when none is named; files of prices, which a ledger does not name;
            and the use of the sources; see `InstrumentKeywords`.

    Raises:
        InputFileError: There is no ledger.
        DamageError: A line of the ledger is not sound.
        NotEnoughDataError: No forecast has come true.
    """
    environment = environment or Environment.at(home)
    choice = selection_of(instruments)
    check = sound_entries(ledger, environment)
    chosen = _issued_since(named_entries(check.entries, choice, None), day_of(since, "since"))
    file = ledger_file(ledger, environment)
    if not chosen:
        raise NotEnoughDataError(
            f"{file} has no forecast of these instruments and days; expected one of its {check.lines}; see: forecast "
            "ledger list"
        )
    most = Counter(entry["frequency"] for entry in chosen).most_common(1)[0][0]
    histories = LedgerHistories(choice, frequency or most, environment)
    grades = ledger_grades.grade_ledger(chosen, check, str(file), frequency or most, histories.of)
    return LedgerGrades(**vars(grades))


def _issued_since(entries: Sequence[Mapping[str, Any]], day: datetime.date | None) -> Sequence[Mapping[str, Any]]:
    """Entries since a day, without those whose first forecast from the same row is older: that one counts."""
    if day is None:
        return entries
    keys = [(entry["model"], entry["frequency"], entry["cutoff"], SeriesKey.of(entry)) for entry in entries]
    first: dict[tuple[Any, ...], datetime.date] = {}
    for key, entry in zip(keys, entries, strict=True):
        first.setdefault(key, issue_time(entry).date())
    return [entry for key, entry in zip(keys, entries, strict=True) if first[key] >= day]


class LedgerHistories:
    """Histories of today behind logged forecasts.

    Args:
        choice: Files, and the use of the sources.
        frequency: Length of a row.
        environment: Home folder, clock and messages.
    """

    def __init__(self, choice: Selection, frequency: str, environment: Environment) -> None:
        self._choice = choice
        self._frequency = frequency
        self._environment = environment
        self._sources = choice.open_sources()
        given = () if choice.is_empty else named_instruments(choice.applied())
        self._given = {(each.kind, each.name): each for each in given}

    def of(self, key: SeriesKey, entry: Mapping[str, Any]) -> History:
        """The history of a key, read as for its newest entry.

        Raises:
            ForecasterError: It cannot be loaded.
        """
        instrument = self._given.get((key.kind, key.name), Instrument(key.kind, key.name))
        if instrument.kind == "csv" and instrument.path is None:
            raise InstrumentError(f"the prices of {key.name} came from a file; name it with --csv FILE")
        data = DataConfig.model_validate({**entry["data"], "frequency": self._frequency})
        data = self._choice.corrected(data)
        checker = HistoryChecker.of_section(data, self._environment.today)
        options = {**data.options, **self._choice.options}
        network = self._choice.network
        histories = Histories(self._environment, key.source, checker, options, network, self._sources)
        checked = histories.load(instrument)

        def is_same(cutoff: np.datetime64, sha256: str) -> bool:
            if checked.series.between(end=cutoff).sha256 == sha256:
                return True
            try:  # as the rows would have been repaired then
                return checker.check(checked.loaded, cutoff.astype(object)).series.sha256 == sha256
            except ForecasterError:
                return False

        return History(checked.series, is_same)
