"""The leak prover: what comes after a day is replaced by nonsense, and nothing before it may change by a bit.

A `Subject` is a way from raw rows to a forecast, taken apart into its stages. Each check sends it two versions of the
same raw rows, one of them altered after some day, and compares what each stage says of the days before, number by
number. What is found is named: the file of the stage, the column, and the first row.

The alterations come before validation, so that a repair that looks ahead is found as well.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from forecaster.arrays import AnyArray, IntArray
from forecaster.data.series import Panel, PriceSeries
from forecaster.evaluation.daily_losses import OutOfSample
from forecaster.evaluation.leakage.alterations import Alteration
from forecaster.evaluation.leakage.types import Check, Finding, FoldsSaid, Subject
from forecaster.forecast import Forecasts
from forecaster.models.base import FitReport
from forecaster.quantiles import SCORING_LEVELS

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


"""Facts of a fit that the validation decides; all others belong to the weights."""

_NOT_REPEATED = "(On this engine not even the same rows give the same bits; try --device cpu.)"
_LATEST = 30  # days by which an alteration may begin later
_ROWS = 40  # cutoffs before a cut whose forecasts are compared


def check_validation(subject: Subject, alterations: Sequence[Alteration]) -> Check:
    """A history as it was known on a day does not depend on rows after it, repairs and inputs among it."""
    findings: list[Finding] = []
    for one in alterations:
        if one.kind == "adjust":
            continue  # that is another past, and shows as it is
        expected, found = (subject.prepare(change, one.cut) for change in (None, one))
        for name in (name for name in subject.named if name in expected.names):
            for column, before, after, dates in _columns(expected[name], found[name]):
                read = column in expected[name].inputs
                file = subject.feature_file(column) if read else subject.files["validation"]
                findings += _compare(file, column, before, after, dates, f"{name}: {one.text}")
    what = "Raw rows after a day are altered, then cut and validated as of that day: the rows before stay as they are."
    return Check.of("validation", what, findings)


def _columns(expected: PriceSeries, found: PriceSeries) -> Iterator[tuple[str, AnyArray, AnyArray, AnyArray]]:
    dates = expected.dates
    yield "date", dates.astype("datetime64[D]").astype(float), found.dates.astype("datetime64[D]").astype(float), dates
    for part in ("columns", "inputs"):
        ours, theirs = getattr(expected, part), getattr(found, part)
        for name in ours:
            yield name, ours[name], theirs.get(name, np.empty(0)), dates
    if expected.rounding is not None and found.rounding is not None:
        yield "rounding", expected.rounding, found.rounding, dates


def check_features(subject: Subject, alterations: Sequence[Alteration]) -> Check:
    """What a model reads in a row does not depend on rows after it."""
    what = "Raw rows after a day are altered before validation: every input of the model before it stays, bit for bit."
    if subject.features is None:
        return Check("features", f"{what} (This model reads prices.)", "not_applicable")
    findings: list[Finding] = []
    plain, compared = subject.prepare(None, None), 0
    expected = {name: subject.features(plain[name]) for name in subject.named}
    for one in alterations:
        panel = subject.prepare(one, None)
        for name in subject.named:
            count, dropped = _untouched(subject, (plain[name], panel[name]), one)
            findings, compared = findings + dropped, compared + count
            names, before = expected[name]
            _, after = subject.features(panel[name])
            for column, feature in enumerate(names):
                place, dates = subject.feature_file(feature), plain[name].dates[:count]
                ours, theirs = before[:count, column], after[:count, column]
                findings += _compare(place, feature, ours, theirs, dates, f"{name}: {one.text}")
    return Check.of("features", what, findings, compared)


def check_forecasts(subject: Subject, fitted: Any, alterations: Sequence[Alteration]) -> Check:
    """A forecast does not depend on rows after its cutoff, nor on which others are asked for."""
    findings: list[Finding] = []
    plain = subject.prepare(None, None)
    for name in subject.named:
        for one in alterations:
            both = plain[name], subject.prepare(one, None)[name]
            findings += _changed_forecasts(subject, fitted, both, one, None)[1]
        rows = _rows(fitted, len(plain[name]))
        together = subject.forecasts(fitted, plain[name], rows, None)
        text = f"{name}: asked for alone instead of among others"
        for place in sorted({len(rows) // 2, len(rows) - 1}):
            alone = subject.forecasts(fitted, plain[name], rows[place : place + 1], None)
            findings += _quantiles(subject.files["fit"], together.take(np.array([place])), alone, plain[name], text)
    what = "Raw rows after a day are altered: forecasts made up to it stay; one asked for alone is that among others."
    return Check.of("forecasts", what, findings)


def check_calibration(subject: Subject, fitted: Any, alterations: Sequence[Alteration]) -> Check:
    """Calibrated intervals at a cutoff know only outcomes that had come by then."""
    findings: list[Finding] = []
    plain, compared = subject.prepare(None, None), 0
    for name in subject.named:
        for one in alterations:
            both = plain[name], subject.prepare(one, None)[name]
            count, found = _changed_forecasts(subject, fitted, both, one, subject.split.validation_start)
            findings, compared = findings + found, compared + count
    what = "Raw rows after a day are altered: the intervals up to it are calibrated as before."
    return Check.of("calibration", what, findings, compared)


def check_scores(subject: Subject, fitted: Any, alterations: Sequence[Alteration]) -> Check:
    """What a training scores are the forecasts that it would have made, and no day before the test is among them."""
    findings: list[Finding] = []
    plain, compared = subject.prepare(None, None), 0
    for name in subject.named:
        expected = subject.scored(fitted, plain[name])
        if expected is None:
            continue
        if expected.dates[0] < subject.split.test_start:
            text = f"{name}: scored though the test begins on {subject.split.test_start}"
            findings.append(Finding(subject.files["pipeline"], "date", str(expected.dates[0]), text))
        for one in alterations:
            panel = subject.prepare(one, None)
            found = subject.scored(fitted, panel[name])
            count, _ = _untouched(subject, (plain[name], panel[name]), one)
            if found is not None and count:
                days, text = plain[name].dates[:count], f"{name}: {one.text}"
                findings += _changed_track(subject.files["pipeline"], (expected, found), days, text)
                compared += 1
    what = "Raw rows after a day are altered: the forecasts that are scored up to it stay; the test alone is scored."
    return Check.of("scores", what, findings, compared)


def _changed_track(file: str, both: tuple[OutOfSample, OutOfSample], days: AnyArray, text: str) -> list[Finding]:
    """What differs on `days` (T,), the rows up to the cut: quantiles, outcomes that had come, cutoffs that had them."""
    expected, found = both
    step, model, findings = expected.step, expected.evaluated_model, []
    had = days[: max(len(days) - step, 0)]
    lost = np.setxor1d(np.intersect1d(expected.dates, had), np.intersect1d(found.dates, had))
    if len(lost):
        findings.append(Finding(file, "date", str(lost[0]), f"{text}: the cutoff is scored in one version alone"))
    dates = np.intersect1d(np.intersect1d(expected.dates, days), found.dates)
    ours, theirs = (np.searchsorted(one.dates, dates) for one in both)
    for q, level in enumerate(SCORING_LEVELS):
        before, after = expected.quantiles[model][ours, q], found.quantiles[model][theirs, q]
        findings += _compare(file, f"quantile {level:g} at step {step}", before, after, dates, text)
    come = np.isin(dates, had)
    before, after = expected.outcomes[ours[come]], found.outcomes[theirs[come]]
    return findings + _compare(file, f"outcome at step {step}", before, after, dates[come], text)


def check_weights(subject: Subject, fitted: Any, alterations: Sequence[Alteration]) -> Check:
    """Weights see nothing from the validation on: neither its rows nor outcomes that reach into it."""
    what = "Everything from the validation on is altered: the fit gives the same weights, bit for bit."
    return _check_fit(subject, fitted, alterations, "weights", what, _learned_facts)


def check_choices(subject: Subject, fitted: Any, alterations: Sequence[Alteration]) -> Check:
    """Choices see nothing from the test on: when to stop, whether the median moves, how wide the errors were."""
    what = "Everything from the test on is altered: weights and all choices of the fit stay, and those made before it."
    found = _check_fit(subject, fitted, alterations, "choices", what, _all_facts)
    findings = list(found.findings)
    expected = subject.decided(subject.prepare(None, None))
    for one in alterations:
        again = subject.decided(subject.prepare(one, None))
        findings += [
            Finding(subject.files["decided"], name, str(one.cut), f"{one.text}: it is decided otherwise")
            for name in _differ(expected, again)
        ]
    return Check.of("choices", found.what, findings) if findings else found


def check_folds(subject: Subject, alterations: Sequence[Alteration]) -> Check:
    """What a fold of a backtest says, its weights, its location and its intervals, rests on rows up to the cutoff."""
    what = "Raw rows after a day are altered: what folds of a backtest, fitted afresh, said up to it stays."
    findings: list[Finding] = []
    plain, compared = subject.prepare(None, None), 0
    expected = subject.backtest(plain)
    for planned in alterations:
        # A fold may answer for days before it was meant to begin: none of these may be learned from either.
        cut = planned.cut if expected.begun is None else min(planned.cut, expected.begun)
        one, panel = _comparable(subject, dataclasses.replace(planned, cut=cut))
        if panel is not None:
            found = subject.backtest(panel)
            findings += _changed_folds(subject, (plain, panel), (expected, found), one)
            compared += 1
    if findings and (shaky := _differ(expected.learned, subject.backtest(plain).learned)):
        findings = [found for found in findings if found.column in expected.learned and found.column not in shaky]
        what, compared = f"{what} {_NOT_REPEATED}", 0
    return Check.of("folds", what, findings, compared)


def _changed_folds(
    subject: Subject, both: tuple[Panel, Panel], said: tuple[FoldsSaid, FoldsSaid], one: Alteration
) -> list[Finding]:
    file, (plain, panel), (expected, found) = subject.files["folds"], both, said
    findings = [
        Finding(file, name, str(one.cut), f"{one.text}: the folds learn something else")
        for name in _differ(expected.learned, found.learned)
    ]
    for name in subject.named:
        count, dropped = _untouched(subject, (plain[name], panel[name]), one)
        findings += dropped
        if count:
            days, text = plain[name].dates[:count], f"{name}: {one.text}"
            after = {track.step: track for track in found.tracks[name]}
            for before in (track for track in expected.tracks[name] if track.step in after):
                findings += _changed_track(file, (before, after[before.step]), days, text)
    return findings


def _differ(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Names of what is not the same, to the last bit."""
    return [name for name, value in before.items() if not _equal(value, after.get(name))]


def _equal(before: Any, after: Any) -> bool:
    return np.array_equal(before, after) if isinstance(before, np.ndarray) else bool(before == after)


def _mended_later(subject: Subject, panel: Panel, one: Alteration) -> bool:
    """Whether altered rows no longer tell, or newly tell, of a mistake up to the cut, in any series that is learned."""
    late = ((subject.late(None, name), subject.late(one, name)) for name in panel.names)
    return any(day <= one.cut for before, after in late for day in before ^ after)


def _comparable(subject: Subject, one: Alteration) -> tuple[Alteration, Panel | None]:
    """The alteration, begun later where it would touch a repair of earlier rows, and the altered panel.

    None instead of the panel where each of the days that were tried touches one.
    What may not know of rows after a day may not know of rows after a later day either.
    """
    for days in range(_LATEST):
        moved = dataclasses.replace(one, cut=one.cut + np.timedelta64(days, "D"))
        panel = subject.prepare(moved, None)
        if not _mended_later(subject, panel, moved):
            return moved, panel
    return one, None


def _learned_facts(report: FitReport) -> Mapping[str, Any]:
    """Facts that rest on training rows only."""
    return {**report.learned, "fallbacks": report.fallbacks, "parity": report.parity}


def _all_facts(report: FitReport) -> Mapping[str, Any]:
    """Facts that rest on training and validation rows."""
    return {**_learned_facts(report), **report.chosen, "median": report.median}


def _check_fit(
    subject: Subject,
    fitted: Any,
    alterations: Sequence[Alteration],
    name: str,
    what: str,
    facts: Callable[[FitReport], Mapping[str, Any]],
) -> Check:
    compared, findings = _changed_fit(subject, fitted, alterations, facts)
    if findings and (repeated := _changed_fit(subject, fitted, [None], facts)[1]):
        shaky = {one.column for one in repeated}
        findings = [one for one in findings if one.column not in shaky]
        what, compared = f"{what} {_NOT_REPEATED}", 0
    return Check.of(name, what, findings, compared)


def _changed_fit(
    subject: Subject,
    fitted: Any,
    alterations: Sequence[Alteration | None],
    facts: Callable[[FitReport], Mapping[str, Any]],
) -> tuple[int, list[Finding]]:
    """How many fits were compared, and what differs."""
    findings: list[Finding] = []
    file, compared = subject.files["fit"], 0
    for planned in alterations:
        one, panel = (None, subject.prepare(None, None)) if planned is None else _comparable(subject, planned)
        if panel is None:
            continue
        again, compared = subject.fit(panel), compared + 1
        cut, text = (None, "nothing altered") if one is None else (str(one.cut), one.text)
        for name, before in fitted.arrays().items():
            after = again.arrays().get(name, np.empty(0))
            if before.shape != after.shape or not np.array_equal(before, after, equal_nan=before.dtype.kind == "f"):
                findings.append(Finding(file, name, cut, f"{text}: the fit gives other numbers"))
        after_facts = facts(again.report)
        findings += [
            Finding(file, fact, cut, f"{text}: {before} becomes {after_facts.get(fact)}"[:200])
            for fact, before in facts(fitted.report).items()
            if after_facts.get(fact) != before
        ]
    return compared, findings


def _rows(fitted: Any, count: int) -> IntArray:
    return np.arange(max(fitted.first_row, count - _ROWS), count)


def _changed_forecasts(
    subject: Subject, fitted: Any, both: tuple[PriceSeries, PriceSeries], one: Alteration, unseen: np.datetime64 | None
) -> tuple[int, list[Finding]]:
    """How many cutoffs up to the cut were compared, and what differs there."""
    plain, _ = both
    count, findings = _untouched(subject, both, one)
    rows = _rows(fitted, count)
    # Cutoffs after the cut are asked for as well: a forecast must not look at those made after it either.
    asked = [np.arange(rows[0], min(count + _ROWS, len(series))) if len(rows) else rows for series in both]
    expected, found = (
        subject.forecasts(fitted, series, more, unseen).take(np.arange(len(rows)))
        for series, more in zip(both, asked, strict=True)
    )
    file = subject.files["fit" if unseen is None else "calibration"]
    return len(rows), findings + _quantiles(file, expected, found, plain, f"{plain.instrument.name}: {one.text}")


def _quantiles(file: str, expected: Forecasts, found: Forecasts, series: PriceSeries, text: str) -> list[Finding]:
    dates, findings = series.dates[expected.rows], []
    for k, step in enumerate(expected.knots):
        unit = "scale of the forecast"
        for q, level in enumerate(expected.quantile_levels):
            column = f"quantile {level:g} at step {step}"
            findings += _compare(file, column, expected.scaled[:, k, q], found.scaled[:, k, q], dates, text)
        findings += _compare(file, unit, expected.scale, found.scale, dates, text) if k == 0 else []
    return findings


def _untouched(subject: Subject, both: tuple[PriceSeries, PriceSeries], one: Alteration) -> tuple[int, list[Finding]]:
    """Leading rows up to the cut that both versions have, and a finding where one lacks a row without a reason.

    A later row may tell of a mistake in an earlier one; from there on the two versions rightly differ.
    """
    ours, theirs = (series.dates[series.dates <= one.cut] for series in both)
    count = min(len(ours), len(theirs))
    differ = np.flatnonzero(ours[:count] != theirs[:count])
    count = int(differ[0]) if len(differ) else count
    name = both[0].instrument.name
    excused = subject.late(None, name) | subject.late(one, name)
    lost = [day for day in np.setxor1d(ours, theirs) if day not in excused]
    if one.kind == "truncate" and both[0].frequency != "1d" and lost == [ours[-1]]:
        lost = []  # without a later row nobody knows that the week or month is over
    text = f"{name}: {one.text}: the row is there in one version alone"
    return count, [Finding(subject.files["validation"], "date", str(lost[0]), text)] if lost else []


def _compare(file: str, column: str, before: AnyArray, after: AnyArray, dates: AnyArray, text: str) -> list[Finding]:
    """A finding at the first row in which two columns differ by a bit; NaN equals NaN."""
    count = min(len(before), len(after))
    same = (before[:count] == after[:count]) | (np.isnan(before[:count]) & np.isnan(after[:count]))
    differ = np.flatnonzero(~same)
    if not len(differ) and len(before) == len(after):
        return []
    row = int(differ[0]) if len(differ) else count
    if row >= len(dates):
        return [
            Finding(
                file,
                column,
                str(dates[-1]) if len(dates) else None,
                f"{text}: {len(after)} rows instead of {len(before)}",
            )
        ]
    told = f"{before[row]:.6g} becomes {after[row]:.6g}" if len(differ) else "the row is gone"
    return [Finding(file, column, str(dates[row]), f"{text}: {told}")]
