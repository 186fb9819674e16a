"""What an audit speaks of: the way that it looks at, what it finds there, and what becomes of a check."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

import forecaster
from forecaster.arrays import AnyArray, IntArray
from forecaster.data.series import Panel, PriceSeries
from forecaster.data.validation import Report
from forecaster.evaluation.daily_losses import OutOfSample
from forecaster.evaluation.leakage.alterations import Alteration
from forecaster.evaluation.splits import Split
from forecaster.forecast import Forecasts

__all__ = ["Check", "Finding", "FoldsSaid", "Subject", "file_of"]

Outcome = Literal["passed", "failed", "named", "not_applicable"]


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
    def of(cls, name: str, what: str, findings: Sequence[Finding], compared: int = 1) -> "Check":
        """Failed where there are findings; each column once, at its first row. Nothing `compared` proves nothing."""
        first: dict[tuple[str, str], Finding] = {}
        for one in findings:
            known = first.setdefault((one.file, one.column), one)
            if (one.row or "") < (known.row or ""):
                first[one.file, one.column] = one
        if not first and not compared:
            return cls(name, f"{what} (No row could be compared.)", "not_applicable")
        return cls(name, what, "failed" if first else "passed", tuple(first.values()))


@dataclasses.dataclass(frozen=True)
class FoldsSaid:
    """What two folds of a backtest say, the second of which begins with the test.

    Args:
        tracks: Name -> what is scored of it, at every step; calibrated where that is done.
        learned: What both fits say of themselves, and what the first fold alone decides for the second: name ->
            JSON value or array, none of which may know a row after the first cutoff of the second.
        begun: First day for which the second fold answers; None where it has no answer.
    """

    tracks: Mapping[str, Sequence[OutOfSample]]
    learned: Mapping[str, Any]
    begun: np.datetime64 | None


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
        scored: Fitted, series -> what a training scores of it on the test rows.
        decided: Panel -> what is decided before a fit by looking at the data: name -> JSON value.
        named: Names of the series that are looked at.
        backtest: Panel -> what folds from the validation and from the test on say.
        alone: Name -> days on which its raw price stands most apart from its neighbours.
        report: Name -> what the validation has found in the history as it is; after `prepare`.
        late: Alteration or None, name -> days on which the validation has found a mistake later than on the day itself:
            there, rows may differ.
        files: Stage -> file that findings name: ``validation``, ``decided``, ``fit``, ``calibration``, ``pipeline``,
            ``folds``.
        feature_file: Name of a feature -> its file.
    """

    prepare: Callable[[Alteration | None, np.datetime64 | None], Panel]
    features: Callable[[PriceSeries], tuple[Sequence[str], AnyArray]] | None
    fit: Callable[[Panel], Any]
    forecasts: Callable[[Any, PriceSeries, IntArray, np.datetime64 | None], Forecasts]
    scored: Callable[[Any, PriceSeries], OutOfSample | None]
    decided: Callable[[Panel], Mapping[str, Any]]
    backtest: Callable[[Panel], "FoldsSaid"]
    alone: Callable[[str], Sequence[np.datetime64]]
    split: Split
    named: Sequence[str]
    report: Callable[[str], Report]
    late: Callable[[Alteration | None, str], frozenset[np.datetime64]]
    files: Mapping[str, str]
    feature_file: Callable[[str], str]


def file_of(thing: Any) -> str:
    """The file of a function or class, as seen from the folder of the package."""
    thing = getattr(thing, "func", thing)  # functools.partial
    path = Path(inspect.getsourcefile(thing) or "?")
    root = Path(str(forecaster.__file__)).resolve().parent.parent
    return path.resolve().relative_to(root).as_posix() if root in path.resolve().parents else path.name
