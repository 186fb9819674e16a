"""`audit`: prove that no number rests on rows that came after it, and that no skill is found where there is none."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from forecaster.config import Config
from forecaster.data.findings import Severity
from forecaster.data.series import Panel, PriceSeries
from forecaster.data.store import Store, store_path
from forecaster.datasets.selection import Selection, selected_instruments
from forecaster.datasets.training import resolve
from forecaster.environment import Environment
from forecaster.errors import DamageError
from forecaster.evaluation import DEFAULT_BASELINES
from forecaster.evaluation.leakage import checks as checks
from forecaster.evaluation.leakage.alterations import ALTERATIONS, TEMPTING, Alteration
from forecaster.evaluation.leakage.placebo import PLACEBO_WALKS, check_persistence, check_placebo, placebo_walk
from forecaster.evaluation.leakage.types import Check, Finding, Subject
from forecaster.evaluation.verdict import Verdict, verdict
from forecaster.experiments.results import AuditResult
from forecaster.models.engine import use_engine
from forecaster.pipeline import losses_on_test, training_split
from forecaster.workflows.audit_target import subject_of

__all__ = ["audit"]

_DATA = "Stored versions of the histories match their hashes; what the validation warns of is named."
_OTHERS = 3  # series beside the named ones in a short audit: what leaks does so beside few as beside many


def audit(choice: Selection, environment: Environment, *, config: Config, full: bool = False) -> AuditResult:
    """Load as a training does, then alter, fit and compare.

    Args:
        choice: Instruments.
        environment: Home folder, clock, progress and messages.
        config: Configuration of the training to audit.
        full: True to fit as configured, each time; otherwise in few steps and on few other series.

    Raises:
        ForecasterError: As for a training; findings are in the result, damage of what is stored too.
    """
    try:
        data = resolve(
            config,
            choice,
            environment,
            lambda named: training_split(config, named[0]).validation_start,
            quick=not full,
        )
    except DamageError as error:
        damage = Finding(store_path(environment.home).name, "hash", None, error.messages[0])
        section = choice.applied(config.data)
        names = [instrument.name for instrument in selected_instruments(section, config.universe)]
        return AuditResult(names, config.kind, [], [Check("data", _DATA, "failed", (damage,))], [0.0])
    first = data.named[0]
    split = training_split(data.config, first)
    config = data.config
    cheaper = [data.shortened] if data.shortened else []
    names = [one.instrument.name for one in data.named]
    others = [one for one in data.panel if one.instrument.name not in names]
    panel = Panel((*data.named, *(others if full else others[:_OTHERS])))
    if len(panel) < len(data.panel):
        cheaper = [*cheaper, f"{len(panel)} of {len(data.panel)} series"]
    engine = use_engine(config.backend, config.device)
    environment.note(f"engine: {engine.backend} on {engine.device} ({engine.reason})")
    subject = subject_of(config, panel, names, split, environment)
    done, seconds = [], []
    todo = _checks(subject, config, first, environment)
    for number, check in enumerate(todo):
        environment.progress("audit", number, len(todo))
        begun = time.perf_counter()
        done.append(check())
        seconds.append(time.perf_counter() - begun)
    environment.progress("audit", len(todo), len(todo))
    return AuditResult(names, config.kind, cheaper, done, seconds)


def _checks(
    subject: Subject, config: Config, first: PriceSeries, environment: Environment
) -> list[Callable[[], Check]]:
    """What is to be done, in order; the fit that several of them share is made by the first that needs it."""
    memory: dict[str, Any] = {}

    def fitted() -> Any:
        if "fitted" not in memory:
            memory["fitted"] = subject.fit(subject.prepare(None, None))
        return memory["fitted"]

    split, file = subject.split, subject.files
    tested = first.dates[first.dates >= split.test_start]
    near, middle = tested[min(5, len(tested) - 1)], tested[len(tested) // 2]
    later = [*(Alteration(kind, middle) for kind in ALTERATIONS), Alteration("scramble", near, seed=1)]
    # The day before, not the last row before: another series may have rows in between that may be learned from.
    ends = [day - np.timedelta64(1, "D") for day in (split.validation_start, split.test_start)]
    unseen = [Alteration(kind, ends[0]) for kind in ("scramble", "truncate")]
    untested = [Alteration(kind, ends[1]) for kind in TEMPTING]
    first_cutoff = [Alteration(kind, tested[0]) for kind in TEMPTING]
    if "adj_close" in first.columns:
        unseen.append(Alteration("adjust", ends[0]))
    return [
        lambda: _check_data(subject, environment),
        lambda: checks.check_validation(subject, [*later, *_at_odd_prices(subject)]),
        lambda: checks.check_features(subject, later),
        lambda: checks.check_weights(subject, fitted(), unseen),
        lambda: checks.check_choices(subject, fitted(), untested),
        lambda: checks.check_forecasts(subject, fitted(), later),
        lambda: checks.check_calibration(subject, fitted(), later),
        lambda: checks.check_scores(subject, fitted(), later),
        lambda: checks.check_folds(subject, first_cutoff),
        lambda: _check_placebo(subject, config, first, file["pipeline"]),
        lambda: _check_persistence(subject, fitted(), file["fit"]),
    ]


def _at_odd_prices(subject: Subject) -> list[Alteration]:
    """What a history says there is repaired by what follows, if anything is."""
    return [Alteration("scramble", day, 2) for name in subject.named for day in subject.alone(name)]


def _check_data(subject: Subject, environment: Environment) -> Check:
    """What is stored of the named histories is what was put there; what the validation warns of is named."""
    panel, path = subject.prepare(None, None), store_path(environment.home)
    damaged, stored = [], 0
    if path.exists():
        with Store.open(path, clock=environment.clock) as store:
            for series in map(panel.__getitem__, subject.named):
                versions = store.verify(store.versions(series.source, series.symbol, "1d"))
                stored += len(versions)
                damaged += [Finding(path.name, series.name, None, one.damage) for one in versions if one.damage]
    warned = [
        Finding(subject.files["validation"], f"{name} {one.code}", one.dates[0] if one.dates else None, one.text)
        for name in subject.named
        for one in subject.report(name).findings
        if one.severity is Severity.WARNING and not one.is_about_age
    ]
    what = _DATA if stored else f"{_DATA} (None is stored.)"
    if damaged:
        return Check.of("data", what, [*damaged, *warned])
    return Check("data", what, "named" if warned else "passed", tuple(warned))


def _check_placebo(subject: Subject, config: Config, first: PriceSeries, file: str) -> Check:
    series = subject.prepare(None, None)[first.instrument.name]
    verdicts: list[Verdict] = []
    for seed in range(PLACEBO_WALKS):
        walk = placebo_walk(series, seed)
        fitted = subject.fit(Panel((walk,)))
        found = losses_on_test(fitted, walk, subject.split, DEFAULT_BASELINES, config.horizon)
        verdicts += [] if found is None else [verdict(found)]
    return check_placebo(verdicts, file)


def _check_persistence(subject: Subject, fitted: Any, file: str) -> Check:
    series = subject.prepare(None, None)[subject.named[0]]
    rows = np.flatnonzero(series.dates >= subject.split.validation_start)[:-1]
    rows = rows[rows >= fitted.first_row]
    made = fitted.forecast(series, rows, 1)
    return check_persistence(series.close[rows] * np.exp(made.median(1)), series, rows, file)
