"""Leakage checks: rows after a day are altered, and no number before that day may change by a bit.

A `Target` is the program from raw rows to forecasts, divided into stages. Each check runs stages of it on two versions
of the same raw rows, one of them altered after a day, and compares the results of both up to that day, number by
number. A finding names the source file of the stage, the column and the first row.

The alterations come before the validation, so that a repair that looks ahead is found as well.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from forecaster.arrays import IntArray
from forecaster.data.series import Panel, PriceSeries
from forecaster.evaluation.leakage.alterations import Alteration
from forecaster.evaluation.leakage.differences import (
    column_differences,
    columns_of_both,
    different_keys,
    forecast_differences,
    sample_differences,
)
from forecaster.evaluation.leakage.types import BacktestOutput, Check, Finding, Target
from forecaster.models.base import FitReport

__all__ = [
    "check_calibration",
    "check_choices",
    "check_features",
    "check_folds",
    "check_forecasts",
    "check_scores",
    "check_validation",
    "check_weights",
]

ReportFacts = Callable[[FitReport], Mapping[str, Any]]

_NOT_REPEATED = "(On this engine the same rows do not give the same bits; try --device cpu.)"
_MAX_DELAY = 30  # days by which an alteration may begin later
_COMPARED_ROWS = 40  # cutoffs before a cut whose forecasts are compared, and as many after it


def check_validation(target: Target, alterations: Sequence[Alteration]) -> Check:
    """Check that the validated history of a day, with its covariates, does not depend on later rows."""
    findings: list[Finding] = []
    for alteration in alterations:
        if alteration.kind == "adjust":
            continue  # it changes the past itself, which is visible in the rows
        original = target.prepare(None, alteration.cut)
        altered = target.prepare(alteration, alteration.cut)
        for name in target.named:
            if name not in original.names:
                continue
            series = original[name]
            for column, before, after in columns_of_both(series, altered[name]):
                file = target.feature_file(column) if column in series.inputs else target.files["validation"]
                text = f"{name}: {alteration.text}"
                findings += column_differences(file, column, before, after, series.dates, text)
    what = "Raw rows after a day are altered, then cut and validated as of that day: earlier rows stay the same."
    return Check.of("validation", what, findings)


def check_features(target: Target, alterations: Sequence[Alteration]) -> Check:
    """Check that the features of a row do not depend on later rows."""
    what = "Raw rows after a day are altered before the validation: every earlier feature stays the same, bit for bit."
    if not target.feature_names:
        return Check("features", f"{what} (This model reads prices.)", "not_applicable")
    findings: list[Finding] = []
    compared = 0
    original = target.prepare()
    expected = {name: target.features(original[name]) for name in target.named}
    for alteration in alterations:
        altered = target.prepare(alteration)
        for name in target.named:
            count, missing = _comparable_rows(target, original[name], altered[name], alteration)
            compared += count
            findings += missing
            before = expected[name][:count]
            after = target.features(altered[name])[:count]
            dates = original[name].dates[:count]
            text = f"{name}: {alteration.text}"
            for column, feature in enumerate(target.feature_names):
                file = target.feature_file(feature)
                findings += column_differences(file, feature, before[:, column], after[:, column], dates, text)
    return Check.of("features", what, findings, compared)


def check_forecasts(target: Target, fitted: Any, alterations: Sequence[Alteration]) -> Check:
    """Check that a forecast depends neither on rows after its cutoff nor on the other requested cutoffs."""
    findings: list[Finding] = []
    original = target.prepare()
    for name in target.named:
        series = original[name]
        for alteration in alterations:
            altered = target.prepare(alteration)[name]
            findings += _forecast_changes(target, fitted, series, altered, alteration, None)[1]
        rows = _last_rows(fitted, len(series))
        together = target.forecasts(fitted, series, rows, None)
        text = f"{name}: requested alone instead of with others"
        for place in sorted({len(rows) // 2, len(rows) - 1}):
            alone = target.forecasts(fitted, series, rows[place : place + 1], None)
            expected = together.take(np.array([place]))
            findings += forecast_differences(target.files["fit"], expected, alone, series, text)
    what = (
        "Raw rows after a day are altered: earlier forecasts stay the same; "
        "a forecast requested alone is the same as with others."
    )
    return Check.of("forecasts", what, findings)


def check_calibration(target: Target, fitted: Any, alterations: Sequence[Alteration]) -> Check:
    """Check that calibrated intervals at a cutoff use only outcomes known at that cutoff."""
    findings: list[Finding] = []
    compared = 0
    original = target.prepare()
    unseen = target.split.validation_start
    for name in target.named:
        for alteration in alterations:
            altered = target.prepare(alteration)[name]
            count, changes = _forecast_changes(target, fitted, original[name], altered, alteration, unseen)
            compared += count
            findings += changes
    what = "Raw rows after a day are altered: earlier calibrated intervals stay the same."
    return Check.of("calibration", what, findings, compared)


def check_scores(target: Target, fitted: Any, alterations: Sequence[Alteration]) -> Check:
    """Check that a training scores forecasts of test rows alone, and that they do not depend on later rows."""
    findings: list[Finding] = []
    compared = 0
    file = target.files["pipeline"]
    original = target.prepare()
    for name in target.named:
        expected = target.scored(fitted, original[name])
        if expected is None:
            continue
        if expected.dates[0] < target.split.test_start:
            text = f"{name}: scored although the test rows begin on {target.split.test_start}"
            findings.append(Finding(file, "date", str(expected.dates[0]), text))
        for alteration in alterations:
            altered = target.prepare(alteration)[name]
            sample = target.scored(fitted, altered)
            count, _ = _comparable_rows(target, original[name], altered, alteration)
            if sample is not None and count:
                days = original[name].dates[:count]
                findings += sample_differences(file, expected, sample, days, f"{name}: {alteration.text}")
                compared += 1
    what = "Raw rows after a day are altered: earlier scored forecasts stay the same; test rows alone are scored."
    return Check.of("scores", what, findings, compared)


def check_weights(target: Target, fitted: Any, alterations: Sequence[Alteration]) -> Check:
    """Check that weights depend neither on rows from the validation on nor on outcomes that reach into them.

    Early stopping chooses weights by the validation: then the rows from the test on are altered.
    """
    part = "test" if alterations[0].cut >= target.split.validation_start else "validation"
    what = f"All rows from the {part} on are altered: the fit gives the same weights, bit for bit."
    return _check_fit(target, fitted, alterations, Check("weights", what, "passed"), _facts_of_weights)


def check_choices(target: Target, fitted: Any, alterations: Sequence[Alteration]) -> Check:
    """Check that choices do not depend on test rows: early stopping, the location gate, the features."""
    what = "All rows from the test on are altered: weights and all choices of the fit, and those before it, stay."
    fit_check = _check_fit(target, fitted, alterations, Check("choices", what, "passed"), _all_facts)
    findings = list(fit_check.findings)
    expected = target.decided(target.prepare())
    for alteration in alterations:
        decided = target.decided(target.prepare(alteration))
        findings += [
            Finding(target.files["decided"], name, str(alteration.cut), f"{alteration.text}: the choice changes")
            for name in different_keys(expected, decided)
        ]
    return Check.of("choices", fit_check.what, findings) if findings else fit_check


def check_folds(target: Target, alterations: Sequence[Alteration]) -> Check:
    """Check that weights, location, intervals and scores of a backtest do not depend on rows after each cutoff."""
    what = "Raw rows after a day are altered: refitted folds of a backtest give the same earlier forecasts."
    findings: list[Finding] = []
    compared = 0
    original = target.prepare()
    expected = target.backtest(original)
    for planned in alterations:
        # A fold may forecast days before its planned beginning: no fit may depend on these days either.
        cut = planned.cut if expected.first_cutoff is None else min(planned.cut, expected.first_cutoff)
        alteration, altered = _without_late_repairs(target, dataclasses.replace(planned, cut=cut))
        if altered is not None:
            output = target.backtest(altered)
            findings += _fold_changes(target, (original, altered), (expected, output), alteration)
            compared += 1
    if findings and (unstable := different_keys(expected.learned, target.backtest(original).learned)):
        stable = [name for name in expected.learned if name not in unstable]
        findings = [finding for finding in findings if finding.column in stable]
        what = f"{what} {_NOT_REPEATED}"
        compared = 0
    return Check.of("folds", what, findings, compared)


def _fold_changes(
    target: Target, panels: tuple[Panel, Panel], outputs: tuple[BacktestOutput, BacktestOutput], alteration: Alteration
) -> list[Finding]:
    """Differences of two backtests, of the original and of the altered panel."""
    original, altered = panels
    expected, output = outputs
    file = target.files["folds"]
    findings = [
        Finding(file, name, str(alteration.cut), f"{alteration.text}: the folds learn other values")
        for name in different_keys(expected.learned, output.learned)
    ]
    for name in target.named:
        count, missing = _comparable_rows(target, original[name], altered[name], alteration)
        findings += missing
        days = original[name].dates[:count]
        samples = {sample.step: sample for sample in output.samples[name]}
        for sample in expected.samples[name]:
            if count and sample.step in samples:
                text = f"{name}: {alteration.text}"
                findings += sample_differences(file, sample, samples[sample.step], days, text)
    return findings


def _without_late_repairs(target: Target, planned: Alteration) -> tuple[Alteration, Panel | None]:
    """The alteration, begun later where it would change a repair of earlier rows, and the altered panel.

    The panel is None where it would do so on each of the tried days. To begin later is no loss: what may not depend
    on rows after a day may not depend on rows after a later day either.
    """
    for days in range(_MAX_DELAY):
        alteration = dataclasses.replace(planned, cut=planned.cut + np.timedelta64(days, "D"))
        panel = target.prepare(alteration)
        if not _changes_repairs(target, panel, alteration):
            return alteration, panel
    return planned, None


def _changes_repairs(target: Target, panel: Panel, alteration: Alteration) -> bool:
    """True if the altered rows reveal another set of errors up to the cut, in any series of the panel."""
    for name in panel.names:
        changed = target.late_repairs(None, name) ^ target.late_repairs(alteration, name)
        if any(day <= alteration.cut for day in changed):
            return True
    return False


def _facts_of_weights(report: FitReport) -> Mapping[str, Any]:
    """Facts that depend on training rows only."""
    return {**report.learned, "fallbacks": report.fallbacks, "parity": report.parity}


def _all_facts(report: FitReport) -> Mapping[str, Any]:
    """Facts that depend on training and validation rows."""
    return {**_facts_of_weights(report), **report.chosen, "median": report.median}


def _check_fit(
    target: Target, fitted: Any, alterations: Sequence[Alteration], check: Check, facts: ReportFacts
) -> Check:
    """`check`, a description without findings, after a fit on each altered panel."""
    what = check.what
    findings: list[Finding] = []
    compared = 0
    for planned in alterations:
        alteration, panel = _without_late_repairs(target, planned)
        if panel is not None:
            findings += _fit_changes(target, fitted, panel, facts, alteration)
            compared += 1
    if findings and (repeated := _fit_changes(target, fitted, target.prepare(), facts, None)):
        unstable = {finding.column for finding in repeated}
        findings = [finding for finding in findings if finding.column not in unstable]
        what = f"{what} {_NOT_REPEATED}"
        compared = 0
    return Check.of(check.name, what, findings, compared)


def _fit_changes(
    target: Target, fitted: Any, panel: Panel, facts: ReportFacts, alteration: Alteration | None
) -> list[Finding]:
    """Differences between `fitted` and a fit on `panel`: arrays, and the `facts` of the reports."""
    file = target.files["fit"]
    refitted = target.fit(panel)
    cut = None if alteration is None else str(alteration.cut)
    text = "nothing altered" if alteration is None else alteration.text
    arrays = refitted.arrays()
    findings = []
    for name, before in fitted.arrays().items():
        after = arrays.get(name, np.empty(0))
        if before.shape != after.shape or not np.array_equal(before, after, equal_nan=before.dtype.kind == "f"):
            findings.append(Finding(file, name, cut, f"{text}: the fit gives other numbers"))
    expected = facts(fitted.report)
    changed = facts(refitted.report)
    for name in different_keys(expected, changed):
        detail = f"{text}: {expected[name]} becomes {changed.get(name)}"
        findings.append(Finding(file, name, cut, detail[:200]))
    return findings


def _last_rows(fitted: Any, count: int) -> IntArray:
    return np.arange(max(fitted.first_row, count - _COMPARED_ROWS), count)


def _forecast_changes(
    target: Target,
    fitted: Any,
    original: PriceSeries,
    altered: PriceSeries,
    alteration: Alteration,
    unseen: np.datetime64 | None,
) -> tuple[int, list[Finding]]:
    """Number of compared cutoffs up to the cut, and the differences of their forecasts."""
    count, findings = _comparable_rows(target, original, altered, alteration)
    rows = _last_rows(fitted, count)
    both = []
    for series in (original, altered):
        # Cutoffs after the cut are requested as well: a forecast must not depend on later forecasts either.
        requested = np.arange(rows[0], min(count + _COMPARED_ROWS, len(series))) if len(rows) else rows
        both.append(target.forecasts(fitted, series, requested, unseen).take(np.arange(len(rows))))
    file = target.files["fit" if unseen is None else "calibration"]
    text = f"{original.instrument.name}: {alteration.text}"
    return len(rows), findings + forecast_differences(file, both[0], both[1], original, text)


def _comparable_rows(
    target: Target, original: PriceSeries, altered: PriceSeries, alteration: Alteration
) -> tuple[int, list[Finding]]:
    """Number of leading rows up to the cut that both versions have, and a finding if a row is missing without reason.

    A later row may reveal an error in an earlier one; from there on the two versions may differ.
    """
    dates = original.dates[original.dates <= alteration.cut]
    altered_dates = altered.dates[altered.dates <= alteration.cut]
    count = min(len(dates), len(altered_dates))
    different = np.flatnonzero(dates[:count] != altered_dates[:count])
    count = int(different[0]) if len(different) else count
    name = original.instrument.name
    excused = target.late_repairs(None, name) | target.late_repairs(alteration, name)
    lost = [day for day in np.setxor1d(dates, altered_dates) if day not in excused]
    if alteration.kind == "truncate" and original.frequency != "1d" and lost == [dates[-1]]:
        lost = []  # without a later row it is unknown that the week or month has ended
    text = f"{name}: {alteration.text}: the row exists in one version alone"
    return count, [Finding(target.files["validation"], "date", str(lost[0]), text)] if lost else []
