"""What every forecaster obeys, neural or not: fit on a panel, then forecast any of its series at any row."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol, Self

from pydantic import BaseModel

from forecaster.arrays import AnyArray, IntArray
from forecaster.data.series import Panel, PriceSeries
from forecaster.environment import Progress, no_progress
from forecaster.errors import NotEnoughDataError
from forecaster.forecast import Forecasts

__all__ = ["FitRequest", "Fitted", "Forecaster", "NothingToFit", "check_rows"]


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


@dataclasses.dataclass(frozen=True)
class FitRequest:
    """What a fit may see.

    Args:
        panel: The series.
        training_rows: Name -> number of leading rows whose features and outcomes may be learned from.
        validation_rows: Name -> rows (N,) that may be used to choose, never to fit weights; empty for a refit.
        horizon: Longest step H that will be asked for.
        seed: Of every random choice.
        progress: Told after every few steps.
        decided: State of an earlier fit; what its validation decided holds for this one, which has none.
    """

    panel: Panel
    training_rows: Mapping[str, int]
    validation_rows: Mapping[str, IntArray]
    horizon: int
    seed: int = 0
    progress: Progress = no_progress
    decided: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class Fitted(Protocol):
    """The result of a fit: it forecasts, and it can be written down and restored without code."""

    @property
    def name(self) -> str:
        """Registry key, as it stands in tables and JSON."""

    @property
    def own_steps(self) -> int:
        """Steps that the model forecasts itself; later ones are fed back into it."""

    @property
    def first_row(self) -> int:
        """First row at which a forecast can be made."""

    def forecast(self, series: PriceSeries, rows: IntArray, longest: int | None = None) -> Forecasts:
        """Distributions at the cutoffs `rows` (N,); each depends on the rows up to its cutoff alone.

        Args:
            series: The history.
            rows: (N,) row numbers, none before `first_row`.
            longest: Longest step that is asked for, where a model that is fed back can save work by it;
                None for the horizon.

        Raises:
            NotEnoughDataError: A row lies before `first_row`.
        """

    def arrays(self) -> dict[str, AnyArray]:
        """The numbers to store."""

    def state(self) -> dict[str, Any]:
        """Facts about the fit that belong in a manifest, as JSON values."""

    @property
    def history(self) -> list[dict[str, float]]:
        """Learning curve: rows with ``step``, ``loss`` and, where it exists, ``validation_loss``."""


class Forecaster(Protocol):
    """A kind of model with its options.

    Attributes:
        Options: pydantic class of the section ``model`` of a configuration.
    """

    Options: type[BaseModel]

    def __init__(self, options: Any, horizon: int) -> None: ...

    @property
    def options(self) -> BaseModel:
        """The options it was made with."""

    @property
    def parameters(self) -> int:
        """Number of trained weights."""

    def least_training_rows(self) -> int:
        """Rows that a series needs before the validation."""

    def fit(self, request: FitRequest) -> Fitted:
        """Learn from the training rows of every series that is long enough."""

    def restore(self, arrays: Mapping[str, AnyArray], state: Mapping[str, Any]) -> Fitted:
        """The fitted model that `Fitted.arrays` and `Fitted.state` were taken from."""


class NothingToFit:
    """Base of a baseline that has no parameters to estimate: its fitted form is itself."""

    parameters = 0

    @property
    def history(self) -> list[dict[str, float]]:
        """No learning curve."""
        return []

    def fit(self, request: FitRequest) -> Self:
        """See `Forecaster`."""
        return self

    def restore(self, arrays: Mapping[str, AnyArray], state: Mapping[str, Any]) -> Self:
        """See `Forecaster`."""
        return self

    def arrays(self) -> dict[str, AnyArray]:
        """Nothing was fitted."""
        return {}

    def state(self) -> dict[str, Any]:
        """Nothing was fitted."""
        return {}
