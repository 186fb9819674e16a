"""The leak prover: what comes after a day is replaced by nonsense, and nothing before it may change by a bit.

A `Subject` is a way from raw rows to a forecast, taken apart into its stages. Each check sends it two versions of the
same raw rows, one of them altered after some day, and compares what each stage says of the days before, number by
number. What is found is named: the file of the stage, the column, and the first row.

The alterations come before validation, so that a repair that looks ahead is found as well.
"""

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

import forecaster
from forecaster.data.series import Panel, PriceSeries
from forecaster.evaluation.alterations import Alteration
from forecaster.evaluation.splits import Split
from forecaster.forecast import Forecasts

__all__ = [
    "CHOICES",
    "Check",
    "Finding",
    "Subject",
    "check_calibration",
    "check_choices",
    "check_features",
    "check_forecasts",
    "check_validation",
    "check_weights",
    "file_of",
]

Array = npt.NDArray[Any]
Outcome = Literal["passed", "failed", "named", "not_applicable"]

CHOICES = frozenset({"location_steps", "spread"})
"""Facts of a fit that the validation decides; all others belong to the weights."""

_ROWS = 40  # cutoffs before a cut whose forecasts are compared


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that changed though it must not.

    Args:
        file: Of the stage that said it, or the history's name.
        column: What changed: a column, a feature, an array of weights, a quantile.
        row: Date of the first row, or None for what belongs to no row.
        detail: One line: what was done and what followed.
    """

    file: str
    column: str
    row: str | None
    detail: str


@dataclasses.dataclass(frozen=True)
class Check:
    """One check and what it found.

    Args:
        name: Short, for programs.
        what: One line: what was done and demanded.
        outcome: ``named`` says something of a model that is no leak.
        findings: None when passed.
    """

    name: str
    what: str
    outcome: Outcome
    findings: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, name: str, what: str, findings: Sequence[Finding]) -> "Check":
        """Failed where there are findings; each column once, at its first row."""
        first: dict[tuple[str, str], Finding] = {}
        for one in findings:
            known = first.setdefault((one.file, one.column), one)
            if (one.row or "") < (known.row or ""):
                first[one.file, one.column] = one
        return cls(name, what, "failed" if first else "passed", tuple(first.values()))


@dataclasses.dataclass(frozen=True)
class Subject:
    """A way from raw rows to a forecast.

    Args:
        prepare: Alteration of the raw rows or None, last day that may be looked at or None -> the panel, validated and
            with its inputs.
        features: Series -> names and (T, F) what a model reads; None for a model that reads prices.
        fit: Panel -> fitted model.
        forecasts: Fitted, series, rows (N,), first date that the weights have not seen or None for raw intervals ->
            their forecasts.
        split: Of the fit.
        named: Names of the series that are looked at.
        files: Stage -> file that findings name: ``validation``, ``fit``, ``calibration``.
        feature_file: Name of a feature -> its file.
    """

    prepare: Callable[[Alteration | None, np.datetime64 | None], Panel]
    features: Callable[[PriceSeries], tuple[Sequence[str], Array]] | None
    fit: Callable[[Panel], Any]
    forecasts: Callable[[Any, PriceSeries, npt.NDArray[np.intp], np.datetime64 | None], Forecasts]
    split: Split
    named: Sequence[str]
    files: Mapping[str, str]
    feature_file: Callable[[str], str]


def file_of(thing: object) -> str:
    """The file of a function or class, as seen from the folder of the package."""
    thing = getattr(thing, "func", thing)  # functools.partial
    path = Path(inspect.getsourcefile(thing) or "?")  # type: ignore[arg-type]
    root = Path(str(forecaster.__file__)).resolve().parent.parent
    return path.resolve().relative_to(root).as_posix() if root in path.resolve().parents else path.name


def check_validation(subject: Subject, alterations: Sequence[Alteration]) -> Check:
    """A history as it was known on a day does not depend on rows after it, repairs and inputs among it."""
    findings: list[Finding] = []
    for one in alterations:
        if one.kind == "adjust":
            continue  # that is another past, and shows as it is
        expected, found = (subject.prepare(change, one.cut) for change in (None, one))
        for name in subject.named:
            for column, before, after, dates in _columns(expected[name], found[name]):
                findings += _compare(subject.files["validation"], column, before, after, dates, f"{name}: {one.text}")
    what = "Raw rows after a day are altered, then cut and validated as of that day: the rows before stay as they are."
    return Check.of("validation", what, findings)


def _columns(expected: PriceSeries, found: PriceSeries) -> Iterator[tuple[str, Array, Array, Array]]:
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
    plain = subject.prepare(None, None)
    expected = {name: subject.features(plain[name]) for name in subject.named}
    for one in alterations:
        panel = subject.prepare(one, None)
        for name in subject.named:
            count = _untouched(plain[name], panel[name], one.cut)
            names, before = expected[name]
            _, after = subject.features(panel[name])
            for column, feature in enumerate(names):
                place, dates = subject.feature_file(feature), plain[name].dates[:count]
                ours, theirs = before[:count, column], after[:count, column]
                findings += _compare(place, feature, ours, theirs, dates, f"{name}: {one.text}")
    return Check.of("features", what, findings)


def check_forecasts(subject: Subject, fitted: Any, alterations: Sequence[Alteration]) -> Check:
    """A forecast does not depend on rows after its cutoff, nor on which others are asked for."""
    findings: list[Finding] = []
    plain = subject.prepare(None, None)
    for name in subject.named:
        for one in alterations:
            findings += _changed_forecasts(subject, fitted, (plain[name], subject.prepare(one, None)[name]), one, None)
        rows = _rows(fitted, len(plain[name]))
        together = subject.forecasts(fitted, plain[name], rows, None)
        alone = subject.forecasts(fitted, plain[name], rows[-1:], None)
        text = f"{name}: asked for alone instead of among others"
        findings += _quantiles(subject.files["fit"], together.take(np.array([len(rows) - 1])), alone, plain[name], text)
    what = "Raw rows after a day are altered: forecasts made up to it stay; one asked for alone is that among others."
    return Check.of("forecasts", what, findings)


def check_calibration(subject: Subject, fitted: Any, alterations: Sequence[Alteration]) -> Check:
    """Calibrated intervals at a cutoff know only outcomes that had come by then."""
    findings: list[Finding] = []
    plain = subject.prepare(None, None)
    for name in subject.named:
        for one in alterations:
            both = (plain[name], subject.prepare(one, None)[name])
            findings += _changed_forecasts(subject, fitted, both, one, subject.split.validation_start)
    what = "Raw rows after a day are altered: the intervals up to it are calibrated as before."
    return Check.of("calibration", what, findings)


def check_weights(subject: Subject, fitted: Any, alterations: Sequence[Alteration]) -> Check:
    """Weights see nothing from the validation on: neither its rows nor outcomes that reach into it."""
    findings = _changed_fit(subject, fitted, alterations, lambda fact: fact not in CHOICES)
    what = "Everything from the validation on is altered: the fit gives the same weights, bit for bit."
    return Check.of("weights", what, findings)


def check_choices(subject: Subject, fitted: Any, alterations: Sequence[Alteration]) -> Check:
    """Choices see nothing from the test on: when to stop, whether the median moves, how wide the errors were."""
    findings = _changed_fit(subject, fitted, alterations, lambda fact: True)
    what = "Everything from the test on is altered: weights and all choices of the fit stay as they are."
    return Check.of("choices", what, findings)


def _changed_fit(
    subject: Subject, fitted: Any, alterations: Sequence[Alteration], counts: Callable[[str], bool]
) -> list[Finding]:
    findings: list[Finding] = []
    file = subject.files["fit"]
    for one in alterations:
        again = subject.fit(subject.prepare(one, None))
        for name, before in fitted.arrays().items():
            after = again.arrays().get(name, np.empty(0))
            if before.shape != after.shape or not np.array_equal(before, after, equal_nan=before.dtype.kind == "f"):
                findings.append(Finding(file, name, str(one.cut), f"{one.text}: the fit gives other numbers"))
        after_facts = again.state()
        findings += [
            Finding(file, fact, str(one.cut), f"{one.text}: {before} becomes {after_facts.get(fact)}"[:200])
            for fact, before in fitted.state().items()
            if counts(fact) and after_facts.get(fact) != before
        ]
    return findings


def _rows(fitted: Any, count: int) -> npt.NDArray[np.intp]:
    return np.arange(max(fitted.first_row, count - _ROWS), count)


def _changed_forecasts(
    subject: Subject, fitted: Any, both: tuple[PriceSeries, PriceSeries], one: Alteration, unseen: np.datetime64 | None
) -> list[Finding]:
    plain, altered = both
    rows = _rows(fitted, _untouched(plain, altered, one.cut))
    expected, found = (subject.forecasts(fitted, series, rows, unseen) for series in both)
    file = subject.files["fit" if unseen is None else "calibration"]
    return _quantiles(file, expected, found, plain, f"{plain.instrument.name}: {one.text}")


def _quantiles(file: str, expected: Forecasts, found: Forecasts, series: PriceSeries, text: str) -> list[Finding]:
    dates, findings = series.dates[expected.rows], []
    for k, step in enumerate(expected.knots):
        unit = "scale of the forecast"
        for q, level in enumerate(expected.quantile_levels):
            column = f"quantile {level:g} at step {step}"
            findings += _compare(file, column, expected.scaled[:, k, q], found.scaled[:, k, q], dates, text)
        findings += _compare(file, unit, expected.scale, found.scale, dates, text) if k == 0 else []
    return findings


def _untouched(plain: PriceSeries, altered: PriceSeries, cut: np.datetime64) -> int:
    """Leading rows up to `cut` before the first that one of the two lacks: there, a later row has told of a mistake."""
    ours, theirs = (one.dates[one.dates <= cut] for one in (plain, altered))
    count = min(len(ours), len(theirs))
    differ = np.flatnonzero(ours[:count] != theirs[:count])
    return int(differ[0]) if len(differ) else count


def _compare(file: str, column: str, before: Array, after: Array, dates: Array, text: str) -> list[Finding]:
    """A finding at the first row in which two columns differ by a bit; NaN equals NaN."""
    count = min(len(before), len(after))
    same = (before[:count] == after[:count]) | (np.isnan(before[:count]) & np.isnan(after[:count]))
    differ = np.flatnonzero(~same)
    if not len(differ) and len(before) == len(after):
        return []
    row = int(differ[0]) if len(differ) else count
    if row >= len(dates):
        return [Finding(file, column, str(dates[-1]), f"{text}: {len(after)} rows instead of {len(before)}")]
    told = f"{before[row]:.6g} becomes {after[row]:.6g}" if len(differ) else "the row is gone"
    return [Finding(file, column, str(dates[row]), f"{text}: {told}")]
