"""`watch`: rules about forecasts and histories, one after the other; what fires becomes an alert."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from forecaster.data.instruments import Instrument
from forecaster.data.universes import listed
from forecaster.datasets.keywords import InstrumentKeywords, config_of, exact_keywords, selection_of
from forecaster.datasets.selection import named_instruments
from forecaster.environment import Environment
from forecaster.errors import ForecasterError, RunNotFoundError, UsageError
from forecaster.experiments.predictions import FailedPrediction, Prediction
from forecaster.experiments.runs import Run, find_run, runs_folder
from forecaster.experiments.watch_alerts import Alert, forecast_alert, history_alerts, stale_alerts
from forecaster.experiments.watch_rules import AnomalyRule, Rule, StaleRule, read_rules
from forecaster.workflows.predict import predict
from forecaster.workflows.predict_universe import predict_universe

__all__ = ["watch"]

Numbered = Sequence[tuple[int, Rule]]
"""Rules, each with its place in the file."""

MAX_NAMED = 10  # instruments in a message


@exact_keywords
def watch(
    *,
    rules: str | Path,
    universe: str | None = None,
    frequency: str | None = None,
    run: str | None = None,
    home: str | Path | None = None,
    environment: Environment | None = None,
    **instruments: Unpack[InstrumentKeywords],
) -> Iterator[Alert | FailedPrediction]:
    """Check rules for every instrument of a universe, or for those that are named.

    Args:
        rules: YAML file of rules.
        universe: File of symbols, or the name of a universe, in place of instruments.
        frequency: Length of a row; a day where there is such a run when None.
        run: Id of a run; the best run that fits when None.
        home: Project folder; the variable FORECAST_HOME or the working directory when None.
        environment: Home folder, clock, progress and messages, in place of `home`.
        instruments: ``pair``, ``ticker`` or ``csv``, and their source; see `InstrumentKeywords`.

    Yields:
        An alert for each rule that fires, and a failure for each instrument that could not be checked.

    Raises:
        ConfigError: Rules are wrong.
        UsageError: No instrument is named, or some and a universe.
    """
    environment = environment or Environment.at(home)
    numbered = list(enumerate(read_rules(Path(rules)), start=1))
    choice = selection_of(instruments)
    if choice.is_empty == (universe is None):
        raise UsageError("expected instruments or a universe, one of them; name a pair, or give --universe FILE")
    named = named_instruments(choice.applied()) if universe is None else listed(universe, environment.home).instruments
    _require_watched(numbered, [instrument.name for instrument in named])
    quiet = dataclasses.replace(environment, note=_warnings_of(environment))
    watcher = _Watcher(numbered, quiet, {**instruments, "frequency": frequency, "run": run})
    return watcher.alerts(named, universe)


def _require_watched(rules: Numbered, names: Sequence[str]) -> None:
    """Refuse rules about instruments that are not watched, which would never fire.

    Raises:
        UsageError: There are some.
    """
    unwatched = [
        f"rule {number} is about {name:.50}, which is not watched; expected one of {', '.join(names[:MAX_NAMED])}"
        for number, rule in rules
        for name in rule.instruments
        if name not in names
    ]
    if unwatched:
        raise UsageError(*unwatched)


def _warnings_of(environment: Environment) -> Any:
    """Pass warnings and failures on, and nothing else."""

    def note(text: str) -> None:
        if text.startswith(("warning", "failed")):
            environment.note(text)

    return note


class _Watcher:
    """Rules, and what checking them needs."""

    def __init__(self, rules: Numbered, environment: Environment, keywords: Mapping[str, Any]) -> None:
        self._about_forecasts = [(number, rule) for number, rule in rules if not isinstance(rule, AnomalyRule)]
        self._about_histories = [(number, rule) for number, rule in rules if isinstance(rule, AnomalyRule)]
        self._environment = environment
        self._keywords = keywords
        self._runs: dict[str, Run] = {}

    def alerts(self, instruments: Sequence[Instrument], universe: str | None) -> Iterator[Alert | FailedPrediction]:
        """Alerts of every instrument, in order; a failure of one does not hide those of another."""
        if self._about_forecasts:
            for outcome in self._predictions(instruments, universe):
                if isinstance(outcome, FailedPrediction):
                    yield outcome
                else:
                    yield from self._of_forecast(outcome)
        for instrument in instruments if self._about_histories else ():
            yield from self._of_history(instrument)

    def _predictions(
        self, instruments: Sequence[Instrument], universe: str | None
    ) -> Iterator[Prediction | FailedPrediction]:
        """Forecasts up to the longest step; up to the horizon of the run where no run reaches that step."""
        steps = [step for _, rule in self._about_forecasts if (step := getattr(rule, "step", None)) is not None]
        longest = max(steps, default=None)
        outcomes: Iterable[Prediction | FailedPrediction]
        if universe is None:
            outcomes = (self._prediction(instrument, longest) for instrument in instruments)
        else:
            keywords = {**self._keywords, "horizon": longest, "log": False}
            outcomes = predict_universe(universe, environment=self._environment, **keywords)
        for outcome in outcomes:
            if isinstance(outcome, FailedPrediction) and isinstance(outcome.error, RunNotFoundError):
                shorter = self._prediction(outcome.instrument, None)
                yield outcome if isinstance(shorter, FailedPrediction) else shorter
            else:
                yield outcome

    def _prediction(self, instrument: Instrument, horizon: int | None) -> Prediction | FailedPrediction:
        keywords = {**self._keywords, **_alone(instrument), "horizon": horizon, "log": False}
        try:
            (prediction,) = predict(environment=self._environment, **keywords)
        except ForecasterError as error:
            return FailedPrediction(instrument, error)
        return prediction

    def _of_forecast(self, prediction: Prediction) -> Iterator[Alert | FailedPrediction]:
        name = prediction.instrument.name
        for number, rule in self._about_forecasts:
            if not rule.applies_to(name):
                continue
            try:
                yield from self._fired(rule, number, prediction)
            except ForecasterError as error:
                yield FailedPrediction(prediction.instrument, error)

    def _fired(self, rule: Rule, number: int, prediction: Prediction) -> Iterator[Alert]:
        if isinstance(rule, StaleRule):
            trained = self._trained_until(prediction)
            yield from stale_alerts(rule, number, prediction, trained, self._environment.today)
        elif not isinstance(rule, AnomalyRule):
            alert = forecast_alert(rule, number, prediction)
            if alert is not None:
                yield alert

    def _trained_until(self, prediction: Prediction) -> np.datetime64:
        """Last row of the instrument at the training of the run."""
        if prediction.run_id not in self._runs:
            self._runs[prediction.run_id] = find_run(runs_folder(self._environment.home), prediction.run_id)
        run = self._runs[prediction.run_id]
        return run.manifest.data.members[prediction.instrument.canonical.name].last

    def _of_history(self, instrument: Instrument) -> Iterator[Alert | FailedPrediction]:
        from forecaster.workflows.anomalies import DEFAULT_MODEL, find_anomalies

        keywords = {**self._keywords, **_alone(instrument)}
        config = config_of(None, (), {"frequency": keywords["frequency"], "horizon": 1})
        for number, rule in self._about_histories:
            if not (isinstance(rule, AnomalyRule) and rule.applies_to(instrument.name)):
                continue
            try:
                settings = (DEFAULT_MODEL, rule.rate / 100, config)
                (result,) = find_anomalies(selection_of(keywords), (None, None), settings, self._environment)
                yield from history_alerts(rule, number, result)
            except ForecasterError as error:
                yield FailedPrediction(instrument, error)


def _alone(instrument: Instrument) -> dict[str, Any]:
    """Keywords that name one instrument."""
    names = dict.fromkeys(("pair", "ticker", "csv"), ())
    return {**names, instrument.kind: (str(instrument.path or instrument.name),)}
