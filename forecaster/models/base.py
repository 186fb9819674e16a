"""Protocols of forecasters: a fit on a panel, then forecasts of any of its series at any row."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Protocol, Self

import numpy as np
from pydantic import BaseModel, ConfigDict

from forecaster.arrays import AnyArray, FloatArray, IntArray
from forecaster.data.series import Panel, PriceSeries
from forecaster.environment import Progress, no_progress
from forecaster.errors import NotEnoughDataError
from forecaster.forecast import Forecasts
from forecaster.models.quantile.location_gate import LocationGains
from forecaster.models.traits import Traits

__all__ = [
    "FitReport",
    "FitRequest",
    "Fitted",
    "Forecaster",
    "LocatedFitted",
    "LocatedForecaster",
    "Median",
    "ModelOptions",
    "NothingToFit",
    "SamplesPaths",
    "check_rows",
    "merged",
]


def check_rows(rows: IntArray, first_row: int) -> None:
    """Refuse cutoffs (N,) before the first row at which a forecast can be made.

    Raises:
        NotEnoughDataError: A row lies before `first_row`; an index below 0 would even reach the future.
    """
    if len(rows) and rows.min() < first_row:
        raise NotEnoughDataError(
            f"a forecast needs {first_row + 1} rows of history; got {max(int(rows.min()) + 1, 0)}; "
            "give a longer history"
        )


def merged(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """`given`, with the keys that it lacks taken from `defaults`, section by section."""
    result = {**defaults, **given}
    for key, value in defaults.items():
        if isinstance(value, Mapping) and isinstance(given.get(key), Mapping):
            result[key] = merged(value, given[key])
    return result


class ModelOptions(BaseModel):
    """Options of a model: the section ``model`` of a configuration for a network.

    Attributes:
        kind: Registry key of the model; the options of a model have no other.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str = ""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features that the model reads; none for a model of prices."""
        return ()

    @property
    def stops_early(self) -> bool:
        """True if the validation may end a training before its last epoch."""
        return False

    @classmethod
    def for_frequency(cls, frequency: str) -> Mapping[str, Any]:
        """Defaults that differ where a row is a week (``1wk``) or a month (``1mo``), as keys of these options."""
        return {}

    @classmethod
    def completed(cls, section: Mapping[str, Any], frequency: str) -> Mapping[str, Any]:
        """A section of a configuration, not yet validated, with the defaults of a frequency."""
        return merged(cls.for_frequency(frequency), section)

    def resolved(self, panel: Panel, before: np.datetime64) -> Self:
        """These options with every ``auto`` decided by the rows of `panel` before the date `before`."""
        return self

    def beside(self, model: "ModelOptions") -> Self:
        """These options for a comparison with `model`: what both have is set alike where only the rest is compared."""
        return self

    def for_rows(self, rows: int, horizon: int) -> Mapping[str, Any]:
        """Settings with which `rows` training rows are enough for a horizon, as dotted keys; empty without any."""
        return {}

    def quick(self) -> tuple[Self, str | None]:
        """Options for a short training that still runs all the code, and a description of what is shorter."""
        return self, None


Median = Literal["last_price", "mean_is_last_price", "learned"]


@dataclasses.dataclass(frozen=True)
class FitReport:
    """Facts about a fit, besides its arrays.

    Args:
        chosen: Decisions made on the validation rows, as JSON values; a refit, which has no such rows, takes them over.
        median: Median of the forecasts: the last price; the median of a skewed distribution whose mean is the last
            price; or learned.
        learned: Further facts and fitted numbers as JSON values, those that `Forecaster.restore` needs among them.
        fallbacks: Names of series whose parameters could not be estimated: they are the best that the optimiser
            reached, or typical ones.
        parity: Largest difference between the forecasts of NumPy and Keras; None where there is one of them only.
        parameters: Number of weights that were trained.
        curve: Learning curve: rows with ``step``, ``loss`` and, where it was measured, ``validation_loss``. It is
            recorded in a file of its own, not in JSON.
        initial_loss: Loss before the training, on the samples of ``validation_loss``, or on the first batch where there
            is no validation; None where none was measured.
        reference_losses: Baseline -> its loss on the samples of ``validation_loss``, or on the training samples where
            there is no validation.
    """

    chosen: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    median: Median = "last_price"
    learned: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    fallbacks: tuple[str, ...] = ()
    parity: float | None = None
    parameters: int = 0
    curve: tuple[Mapping[str, float], ...] = ()
    initial_loss: float | None = None
    reference_losses: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values, without the learning curve."""
        return {
            "chosen": dict(self.chosen),
            "median": self.median,
            "learned": dict(self.learned),
            "fallbacks": list(self.fallbacks),
            "parity": self.parity,
            "parameters": self.parameters,
            "initial_loss": self.initial_loss,
            "reference_losses": dict(self.reference_losses),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The report that `to_json` wrote, or one of a run recorded before reports had sections."""
        if "chosen" in document:
            return cls(
                chosen=document["chosen"],
                median=document["median"],
                learned=document["learned"],
                fallbacks=tuple(document["fallbacks"]),
                parity=document["parity"],
                parameters=document.get("parameters", 0),
                initial_loss=document.get("initial_loss"),
                reference_losses=document.get("reference_losses", {}),
            )
        return cls._from_flat(document)

    @classmethod
    def _from_flat(cls, document: Mapping[str, Any]) -> Self:
        chosen = {key: document[key] for key in ("location_gains", "location_steps", "spread") if key in document}
        other = {*chosen, "mean_is_last_price", "numpy_difference", "fallbacks"}
        if document.get("mean_is_last_price"):
            median: Median = "mean_is_last_price"
        else:
            median = "learned" if chosen.get("location_steps") or "spread" in chosen else "last_price"
        return cls(
            chosen=chosen,
            median=median,
            learned={key: value for key, value in document.items() if key not in other},
            fallbacks=tuple(document.get("fallbacks", ())),
            parity=document.get("numpy_difference"),
        )


@dataclasses.dataclass(frozen=True)
class FitRequest:
    """Data and settings of a fit.

    Args:
        panel: The series.
        training_rows: Name -> number of leading rows whose features and outcomes may be learned from.
        validation_rows: Name -> rows (N,) that may be used to choose, never to fit weights; empty for a refit.
        horizon: Longest step H that will be asked for.
        seed: Seed of every random choice.
        progress: Called after every few steps.
        chosen: Decisions that the validation of an earlier fit made, for a refit; see `FitReport.chosen`.
    """

    panel: Panel
    training_rows: Mapping[str, int]
    validation_rows: Mapping[str, IntArray]
    horizon: int
    seed: int = 0
    progress: Progress = no_progress
    chosen: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class Fitted(Protocol):
    """Fitted model: it forecasts, and its arrays and report restore it without stored code."""

    @property
    def name(self) -> str:
        """Registry key, as in tables and JSON."""

    @property
    def own_steps(self) -> int:
        """Steps that the model forecasts itself; later ones are recursive."""

    @property
    def first_row(self) -> int:
        """First row at which a forecast can be made."""

    def forecast(self, series: PriceSeries, rows: IntArray, longest: int | None = None) -> Forecasts:
        """Distributions at the cutoffs `rows` (N,); each depends on the rows up to its cutoff alone.

        Args:
            series: The history.
            rows: (N,) row numbers, none before `first_row`.
            longest: Longest step that is asked for, so that a recursive model does no more work; None for the
                horizon.

        Raises:
            NotEnoughDataError: A row lies before `first_row`.
        """

    def arrays(self) -> dict[str, AnyArray]:
        """Arrays to store."""

    @property
    def report(self) -> FitReport:
        """Facts about the fit."""


class Forecaster(Protocol):
    """A kind of model with its options.

    Attributes:
        Options: Class of the options.
        traits: Properties of this kind of model.
    """

    Options: ClassVar[type[ModelOptions]]
    traits: ClassVar[Traits]

    def __init__(self, options: Any, horizon: int) -> None: ...

    @property
    def options(self) -> Any:
        """Options of this forecaster, an instance of `Options`."""

    def least_training_rows(self) -> int:
        """Rows that a series needs before the validation."""

    def fit(self, request: FitRequest) -> Fitted:
        """Learn from the training rows of every series that is long enough."""

    def restore(self, arrays: Mapping[str, AnyArray], report: FitReport) -> Fitted:
        """The fitted model that `Fitted.arrays` and `Fitted.report` were taken from."""


class LocatedForecaster(Forecaster, Protocol):
    """A forecaster with the trait `located`: its median moves where forecasts of unseen rows support it."""

    @property
    def knots(self) -> tuple[int, ...]:
        """(K,) steps that are forecast without interpolation."""

    @property
    def may_locate(self) -> bool:
        """True if the options allow a location."""

    def with_location(self, fitted: Any, steps: Sequence[int]) -> Any:
        """`fitted` with a median that moves at `steps` only."""

    def location_gains(self, fitted: Any, panel: Panel, rows: Mapping[str, IntArray]) -> LocationGains:
        """Gains of the location at rows that the weights of `fitted` have not seen.

        Args:
            fitted: Result of this forecaster's `fit`.
            panel: The series.
            rows: Name -> (N,) consecutive cutoffs whose outcomes are known; other series are left out.
        """


class LocatedFitted(Fitted, Protocol):
    """A fitted `LocatedForecaster`."""

    def drift(self, series: PriceSeries) -> float:
        """Drift of the median over the row after the last one of `series`, a log return; 0 without one."""


class SamplesPaths(Fitted, Protocol):
    """A fitted model with the trait `samples_paths`."""

    def paths(self, series: PriceSeries, values: FloatArray, count: int, rng: np.random.Generator) -> FloatArray:
        """Paths after the last row of `series`, drawn day by day and fitted to given distributions.

        Args:
            series: The history.
            values: (H, Q) quantiles of the log return at `SCORING_LEVELS`, with H at most `own_steps`: the distribution
                that the paths have at each step. How the steps of a path hang together is that of the model.
            count: Number N of paths.
            rng: Source of randomness.

        Returns:
            (N, H) log returns from the last row to each step.
        """


class NothingToFit:
    """Base class of a baseline without parameters to estimate: its fitted form is itself."""

    traits: ClassVar[Traits] = Traits()
    report = FitReport()

    def fit(self, request: FitRequest) -> Self:
        """See `Forecaster`."""
        return self

    def restore(self, arrays: Mapping[str, AnyArray], report: FitReport) -> Self:
        """See `Forecaster`."""
        return self

    def arrays(self) -> dict[str, AnyArray]:
        """No numbers are stored."""
        return {}
