"""Audit: alter later rows and check that no earlier number changes; check that random walks show no skill."""

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from forecaster.config import Config
from forecaster.data.findings import Severity
from forecaster.data.series import Panel, PriceSeries
from forecaster.data.store import Store, store_path
from forecaster.datasets.keywords import AuditKeywords, config_of, exact_keywords, selection_of
from forecaster.datasets.selection import selected_instruments
from forecaster.datasets.training import resolve
from forecaster.environment import Environment
from forecaster.errors import DamageError
from forecaster.evaluation.leakage import checks
from forecaster.evaluation.leakage.alterations import ALTERATIONS, EARLY_ROWS, TEMPTING, Alteration
from forecaster.evaluation.leakage.placebo import (
    PLACEBO_BASELINES,
    PLACEBO_WALKS,
    check_persistence,
    check_placebo,
    placebo_walk,
)
from forecaster.evaluation.leakage.types import Check, Finding
from forecaster.evaluation.verdict import Verdict, verdict
from forecaster.experiments.results import AuditResult
from forecaster.models.base import Fitted
from forecaster.models.engine import use_engine
from forecaster.models.keras_import import import_keras
from forecaster.pipeline import training_split
from forecaster.pipeline_evaluation import Baselines, losses_on_test
from forecaster.workflows.audit_target import AuditTarget

__all__ = ["audit"]

_DATA = "Stored versions of the histories match their hashes; warnings of the validation are named."
_MAX_OTHERS = 3  # further series in a short audit: a leak shows with few series as with many


@exact_keywords
def audit(
    *,
    config: Config | str | Path | None = None,
    set: Mapping[str, Any] | Sequence[str] = (),
    full: bool = False,
    home: str | Path | None = None,
    environment: Environment | None = None,
    **keywords: Unpack[AuditKeywords],
) -> AuditResult:
    """Load as a training does, then alter, fit and compare.

    Args:
        config: A configuration, a YAML file, or a shipped name; the defaults when None.
        set: Key of the configuration -> value, such as ``{"model.units": [64]}``.
        full: True to fit as configured, on the whole panel; else in few steps, on a few series.
        home: Project folder; the variable FORECAST_HOME or the working directory when None.
        environment: Home folder, clock, progress and messages, in place of `home`.
        keywords: ``pair``, ``ticker`` or ``csv``, and more; see `AuditKeywords`.

    Raises:
        ForecasterError: As for a training; the result holds the findings, among them damaged versions in the store.
    """
    environment = environment or Environment.at(home)
    requested = config_of(config, set, keywords)
    choice = selection_of(keywords)
    try:
        data = resolve(
            requested,
            choice,
            environment,
            lambda named: training_split(requested, named[0]).validation_start,
            quick=not full,
        )
    except DamageError as error:
        damage = Finding(store_path(environment.home).name, "hash", None, error.messages[0])
        section = choice.applied(requested.data)
        names = [instrument.name for instrument in selected_instruments(section, requested.universe, environment.home)]
        return AuditResult(names, requested.kind, [], [Check("data", _DATA, "failed", (damage,))], [0.0])
    first = data.named[0]
    names = [series.instrument.name for series in data.named]
    others = [series for series in data.panel if series.instrument.name not in names]
    panel = Panel((*data.named, *(others if full else others[:_MAX_OTHERS])))
    cheaper = [data.shortened] if data.shortened else []
    if len(panel) < len(data.panel):
        cheaper.append(f"{len(panel)} of {len(data.panel)} series")
    engine = use_engine(data.config.backend, data.config.device)
    environment.note(f"engine: {engine.backend} on {engine.device} ({engine.reason})")
    if environment.own_process:
        import_keras()
    target = AuditTarget(data.config, panel, names, training_split(data.config, first), environment, data.sources)
    checks_to_do = _checks(target, data.config, first, environment)
    return AuditResult(names, data.config.kind, cheaper, *_performed(checks_to_do, environment))


def _performed(
    checks_to_do: Sequence[Callable[[], Check]], environment: Environment
) -> tuple[list[Check], list[float]]:
    """Results of the checks, and the seconds of each."""
    results: list[Check] = []
    seconds: list[float] = []
    for number, check in enumerate(checks_to_do):
        environment.progress("audit", number, len(checks_to_do))
        begin = time.perf_counter()
        results.append(check())
        seconds.append(time.perf_counter() - begin)
    environment.progress("audit", len(checks_to_do), len(checks_to_do))
    return results, seconds


def _checks(
    target: AuditTarget, config: Config, first: PriceSeries, environment: Environment
) -> list[Callable[[], Check]]:
    """All checks, in order; the first that needs the fit makes it for the others."""
    fitted = functools.cache(lambda: target.fit(target.prepare()))
    split = target.split
    tested = first.dates[first.dates >= split.test_start]
    early = tested[min(5, len(tested) - 1)]
    middle = tested[len(tested) // 2]
    later = [*(Alteration(kind, middle) for kind in ALTERATIONS), Alteration("scramble", early, seed=1)]
    young = [Alteration("thin", first.dates[row]) for row in EARLY_ROWS if row < len(first) // 2]
    # The day before, not the last row before: another series may have rows in between that may be learned from.
    trained = split.validation_start - np.timedelta64(1, "D")
    validated = split.test_start - np.timedelta64(1, "D")
    if config.model.stops_early:  # the validation chooses the epoch whose weights are kept
        trained = validated
    unseen = [Alteration(kind, trained) for kind in ("scramble", "truncate")]
    untested = [Alteration(kind, validated) for kind in TEMPTING]
    first_cutoff = [Alteration(kind, tested[0]) for kind in TEMPTING]
    if "adj_close" in first.columns:
        unseen.append(Alteration("adjust", trained))
    return [
        lambda: _check_data(target, environment),
        lambda: checks.check_validation(target, [*later, *_at_isolated_days(target)]),
        lambda: checks.check_features(target, [*later, *young]),
        lambda: checks.check_weights(target, fitted(), unseen),
        lambda: checks.check_choices(target, fitted(), untested),
        lambda: checks.check_forecasts(target, fitted(), later),
        lambda: checks.check_calibration(target, fitted(), later),
        lambda: checks.check_scores(target, fitted(), later),
        lambda: checks.check_folds(target, first_cutoff),
        lambda: _check_placebo(target, config, first),
        lambda: _check_persistence(target, fitted()),
    ]


def _at_isolated_days(target: AuditTarget) -> list[Alteration]:
    """Alterations after days whose price a repair that looks ahead would change."""
    return [Alteration("scramble", day, 2) for name in target.named for day in target.isolated_days(name)]


def _check_data(target: AuditTarget, environment: Environment) -> Check:
    """Check that the stored versions of the audited histories match their hashes, and name their warnings."""
    panel = target.prepare()
    path = store_path(environment.home)
    damaged: list[Finding] = []
    stored = 0
    if path.exists():
        with Store.open(path, clock=environment.clock) as store:
            for series in map(panel.__getitem__, target.named):
                versions = store.verify(store.versions(series.source, series.symbol, "1d"))
                stored += len(versions)
                damaged += [
                    Finding(path.name, series.name, None, version.damage) for version in versions if version.damage
                ]
    warnings = [
        Finding(
            target.files["validation"],
            f"{name} {finding.code}",
            finding.dates[0] if finding.dates else None,
            finding.text,
        )
        for name in target.named
        for finding in target.report(name).findings
        if finding.severity is Severity.WARNING and not finding.is_about_age
    ]
    what = _DATA if stored else f"{_DATA} (None is stored.)"
    if damaged:
        return Check.of("data", what, [*damaged, *warnings])
    return Check("data", what, "named" if warnings else "passed", tuple(warnings))


def _check_placebo(target: AuditTarget, config: Config, first: PriceSeries) -> Check:
    series = target.prepare()[first.instrument.name]
    verdicts: list[Verdict] = []
    for seed in range(PLACEBO_WALKS):
        walk = placebo_walk(series, seed)
        fitted = target.fit(Panel((walk,)))
        baselines = Baselines(PLACEBO_BASELINES, Panel((walk,)), target.split, config)
        losses = losses_on_test(fitted, walk, target.split, baselines)
        if losses is not None:
            verdicts.append(verdict(losses))
    return check_placebo(verdicts, target.files["pipeline"])


def _check_persistence(target: AuditTarget, fitted: Fitted) -> Check:
    series = target.prepare()[target.named[0]]
    rows = np.flatnonzero(series.dates >= target.split.validation_start)[:-1]
    rows = rows[rows >= fitted.first_row]
    medians = fitted.forecast(series, rows, 1).median(1)
    return check_persistence(series.moved(rows, medians), series, rows, target.files["fit"])
