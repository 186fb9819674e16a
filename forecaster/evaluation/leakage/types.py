"""Types of an audit: the program under audit, findings, and outcomes of checks."""

import dataclasses
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

import forecaster
from forecaster.arrays import AnyArray, IntArray
from forecaster.data.series import Panel, PriceSeries
from forecaster.evaluation.daily_losses import OutOfSample
from forecaster.evaluation.leakage.alterations import Alteration
from forecaster.evaluation.splits import Split
from forecaster.forecast import Forecasts

__all__ = ["BacktestOutput", "Check", "Finding", "Target", "file_of"]

Outcome = Literal["passed", "failed", "named", "not_applicable"]


@dataclasses.dataclass(frozen=True)
class Finding:
    """A value that changed although it must not.

    Args:
        file: Source file of the stage that computed the value, or the name of the history.
        column: Changed value: a column, a feature, an array of weights, a quantile.
        row: Date of the first row that changed, or None for a value without rows.
        detail: One line: the alteration and its effect.
    """

    file: str
    column: str
    row: str | None
    detail: str


@dataclasses.dataclass(frozen=True)
class Check:
    """One check and its findings.

    Args:
        name: Short name, for programs.
        what: One line: the alteration and the requirement.
        outcome: ``named`` reports a property of the model that is no leak.
        findings: Findings; none when passed.
    """

    name: str
    what: str
    outcome: Outcome
    findings: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, name: str, what: str, findings: Sequence[Finding], compared: int = 1) -> "Check":
        """A check that fails if there are findings; of each column only the first row is reported.

        Args:
            name: Short name.
            what: The alteration and the requirement.
            findings: All findings.
            compared: Number of comparisons; without one the check is not applicable.
        """
        first: dict[tuple[str, str], Finding] = {}
        for finding in findings:
            earliest = first.setdefault((finding.file, finding.column), finding)
            if (finding.row or "") < (earliest.row or ""):
                first[finding.file, finding.column] = finding
        if not first and not compared:
            return cls(name, f"{what} (No row could be compared.)", "not_applicable")
        return cls(name, what, "failed" if first else "passed", tuple(first.values()))


@dataclasses.dataclass(frozen=True)
class BacktestOutput:
    """Output of a backtest of two folds, the second of which begins with the test rows.

    Args:
        samples: Name of a series -> scored forecasts at every step.
        learned: Reports of the fits of both folds, and the values that the first fold alone decides for the second:
            name -> JSON value or array. None of them may depend on a row after the first cutoff of the second fold.
        first_cutoff: First cutoff of the second fold; None where it has no forecast.
    """

    samples: Mapping[str, Sequence[OutOfSample]]
    learned: Mapping[str, Any]
    first_cutoff: np.datetime64 | None


class Target(Protocol):
    """The program under audit, from raw rows to forecasts, divided into stages."""

    @property
    def split(self) -> Split:
        """Split of the fit."""

    @property
    def named(self) -> Sequence[str]:
        """Names of the audited series."""

    @property
    def files(self) -> Mapping[str, str]:
        """Stage -> source file: ``validation``, ``decided``, ``fit``, ``calibration``, ``pipeline``, ``folds``."""

    def feature_file(self, name: str) -> str:
        """Source file of the feature `name`."""

    def prepare(self, alteration: Alteration | None = None, until: np.datetime64 | None = None) -> Panel:
        """Validated series with their covariates.

        Args:
            alteration: Alteration of the raw rows; None for none.
            until: Last day that may be used; None for all days.
        """

    def late_repairs(self, alteration: Alteration | None, name: str) -> frozenset[np.datetime64]:
        """Days of a prepared series whose error the validation found in a later row: there, rows may differ."""

    @property
    def feature_names(self) -> Sequence[str]:
        """Names of the features that the model reads; none for a model of prices."""

    def features(self, series: PriceSeries) -> AnyArray:
        """(T, F) features that the model reads."""

    def decided(self, panel: Panel) -> Mapping[str, Any]:
        """Choices that the program makes from the data before a fit: name -> JSON value."""

    def fit(self, panel: Panel) -> Any:
        """The fitted model."""

    def forecasts(self, fitted: Any, series: PriceSeries, rows: IntArray, unseen: np.datetime64 | None) -> Forecasts:
        """Forecasts at `rows` (N,), calibrated from the date `unseen` on; None for intervals without calibration."""

    def scored(self, fitted: Any, series: PriceSeries) -> OutOfSample | None:
        """Forecasts on the test rows that a training scores."""

    def backtest(self, panel: Panel) -> BacktestOutput:
        """Backtest of two folds, which begin with the validation rows and with the test rows."""


def file_of(thing: Any) -> str:
    """Source file of a function or class, relative to the folder that holds the package."""
    thing = getattr(thing, "func", thing)  # functools.partial
    path = Path(inspect.getsourcefile(thing) or "?")
    root = Path(str(forecaster.__file__)).resolve().parent.parent
    return path.resolve().relative_to(root).as_posix() if root in path.resolve().parents else path.name
