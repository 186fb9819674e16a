"""Options of the classic model of many tutorials."""

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args

import numpy as np
from pydantic import Field, PositiveInt, field_validator, model_validator

from forecaster.data.series import Panel, PriceSeries
from forecaster.errors import UsageError
from forecaster.features.covariates import is_covariate
from forecaster.features.market_volatility import MARKET_FEATURES
from forecaster.models.base import ModelOptions
from forecaster.models.bounds import MAX_UNITS, BatchSize, Dropout, Rows, Units
from forecaster.models.memory import MAX_TRAINING_BYTES, in_gigabytes, recurrent_training_bytes
from forecaster.models.optimizer_options import OptimizerOptions, named
from forecaster.models.search_values import Range

__all__ = ["MIN_TARGETS", "ClassicOptions", "PointLoss"]

QUICK_EPOCHS = 2  # of a short training
MIN_TARGETS = 100  # rows that are learned from
CLOSE = "close"
INPUT_COLUMNS = (CLOSE, "open", "high", "low", "volume")
MIN_PRESENT_SHARE = 0.9  # of the rows of a column that ``features: auto`` takes

PointLoss = Literal["mse", "mae", "huber"]
Scaler = Literal["minmax", "standard"]

_LOSSES = {
    "meansquarederror": "mse",
    "meanabsoluteerror": "mae",
    "pinball": "mae",  # twice the pinball loss of the median
    "huberloss": "huber",
}
_SCALERS = {"minmax": "minmax", "minmaxscaler": "minmax", "standardscaler": "standard"}


class ClassicOptions(OptimizerOptions, ModelOptions):
    """Section ``model`` of a configuration with ``kind: classic``."""

    kind: Literal["classic"] = "classic"
    context_length: Annotated[Rows, Range(20, 120)] = 60
    features: tuple[str, ...] | Literal["auto"] = (CLOSE,)
    units: Units = (50, 50)
    dropout: Dropout = 0.2
    dense_units: Annotated[int, Field(ge=0, le=MAX_UNITS)] = 25
    scaler: Annotated[Scaler, named(get_args(Scaler), long_names=_SCALERS)] = "minmax"
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 20
    batch_size: BatchSize = 32
    loss: Annotated[PointLoss, named(get_args(PointLoss), long_names=_LOSSES)] = "mse"
    calibration_rows: PositiveInt = 250

    @field_validator("features", mode="before")
    @classmethod
    def _known_columns(cls, names: Any) -> Any:
        """Names of columns in lower case, the close first: the network forecasts it from its own past."""
        if names == "auto":
            return names
        words = names.split(",") if isinstance(names, str) else names
        if not isinstance(words, (list, tuple)) or not words:
            raise ValueError(f"expected auto, or a list of {', '.join(INPUT_COLUMNS)}")
        columns = [name if is_covariate(name) else name.strip().lower() for name in map(str, words)]
        for name in columns:
            if name not in INPUT_COLUMNS and not is_covariate(name):
                near = difflib.get_close_matches(name, INPUT_COLUMNS, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise ValueError(f"unknown column {name}; expected some of {', '.join(INPUT_COLUMNS)}{hint}")
        if CLOSE not in columns:
            raise ValueError("expected close among the columns: the network forecasts it from its own past")
        return tuple(dict.fromkeys([CLOSE, *columns]))

    @model_validator(mode="after")
    def _fits_into_memory(self) -> Self:
        if self.training_bytes > MAX_TRAINING_BYTES:
            raise ValueError(
                f"a training would need about {in_gigabytes(self.training_bytes)} of memory; expected at most "
                f"{in_gigabytes(MAX_TRAINING_BYTES)}; lower units, batch_size or context_length"
            )
        return self

    @property
    def stops_early(self) -> bool:
        """See `ModelOptions`."""
        return self.patience is not None

    @property
    def training_bytes(self) -> int:
        """Memory of a training, a low estimate."""
        return recurrent_training_bytes(self.units, self.context_length, self.batch_size)

    @property
    def input_names(self) -> tuple[str, ...]:
        """(F,) inputs in their order, the close first; only the close while ``auto`` is not resolved."""
        return (CLOSE,) if self.features == "auto" else self.features

    def resolved(self, panel: Panel, before: np.datetime64) -> Self:
        """These options with the columns that ``auto`` finds, and with the covariates that the user names.

        Raises:
            UsageError: The series lacks a configured column.
        """
        series = panel.series[0]
        rows = series.dates < before
        columns = [name for name in INPUT_COLUMNS if _is_present(series, name, rows)]
        for name in self.input_names:
            if name in INPUT_COLUMNS and name not in columns:
                raise UsageError(
                    f"model.features: {series.instrument.name} has no column {name}; it has {', '.join(columns)}"
                )
        covariates = [name for name in series.inputs if name not in MARKET_FEATURES]
        chosen = columns if self.features == "auto" else self.features
        return self.model_copy(update={"features": tuple(dict.fromkeys((*chosen, *covariates)))})

    def for_rows(self, rows: int, horizon: int) -> Mapping[str, Any]:
        """A shorter window."""
        length = min(rows - MIN_TARGETS - horizon, self.context_length)
        return {"model.context_length": length} if length > 0 else {}

    def quick(self) -> tuple[Self, str | None]:
        """These options with few epochs."""
        if self.epochs <= QUICK_EPOCHS:
            return self, None
        return self.model_copy(update={"epochs": QUICK_EPOCHS}), f"{QUICK_EPOCHS} of {self.epochs} epochs"


def _is_present(series: PriceSeries, name: str, rows: Any) -> bool:
    """True if nine of ten `rows` of a column hold a value, or if there are no rows to tell."""
    values = series.columns.get(name)
    if values is None:
        return False
    return not rows.any() or float(np.isfinite(values[rows]).mean()) >= MIN_PRESENT_SHARE
