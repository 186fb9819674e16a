"""Options of every quantile forecaster: section ``model`` of a configuration."""

import itertools
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    field_validator,
    model_validator,
)

from forecaster.features.history import WARM_UP, WARM_UP_OF_FREQUENCY
from forecaster.models.architectures.base import Architecture
from forecaster.models.bounds import MAX_ROWS, BatchSize, Dropout, LearningRate, Rows, Steps, Units
from forecaster.models.calendar_options import CalendarOptions
from forecaster.models.memory import MAX_TRAINING_BYTES, in_gigabytes, recurrent_training_bytes
from forecaster.models.optimizer_options import Limit, Optimizer, OptimizerOptions, Schedule, named
from forecaster.models.search_values import Range

__all__ = ["QuantileOptions", "TrainingOptions", "Units", "WindowOptions"]


OTHER_LOSSES = ", the loss of quantiles; mse, mae and huber are losses of --config classic"
QUICK_STEPS = 30  # of a short training
FREQUENCY_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "1wk": {"windows": {"warm_up": WARM_UP_OF_FREQUENCY["1wk"]}, "training": {"max_passes": 2}},
    "1mo": {
        "windows": {"chunk": 96, "burn_in": 24, "warm_up": WARM_UP_OF_FREQUENCY["1mo"]},
        "training": {"max_passes": 1},
    },
}


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


MIN_SCORED_ROWS = 64
"""Scored rows of a series that is long enough."""

MIN_WARM_UP = 20
_ROUND_ROWS = 8


class WindowOptions(_Section):
    """Samples of the training: `dense` scores every row of a chunk, `last` only the last row of a window.

    The first `warm_up` rows of a history are read by its features alone, until their volatilities have settled.

    Attributes:
        truncation: Rows after which the gradient is cut, in each of which the optimiser makes a step (truncated
            backpropagation through time); the state is carried on to the end of the chunk. None for the whole chunk.
    """

    supervision: Literal["dense", "last"] = "dense"
    chunk: Rows = 256
    burn_in: Rows = 64
    warm_up: Annotated[int, Field(ge=MIN_WARM_UP, le=MAX_ROWS)] = WARM_UP
    context_length: Rows = 128
    truncation: Rows | None = None

    @property
    def step_rows(self) -> int:
        """Rows of a sample that an optimiser step reads."""
        return self.truncation or self.sample_rows

    @property
    def sample_rows(self) -> int:
        """Rows of a sample."""
        return self.chunk if self.supervision == "dense" else self.context_length

    @model_validator(mode="after")
    def _something_is_scored(self) -> Self:
        if self.supervision == "dense" and self.chunk <= self.burn_in:
            raise ValueError(
                f"expected a chunk longer than its burn-in; chunk {self.chunk} and burn_in {self.burn_in} "
                "leave no row to score"
            )
        return self

    @model_validator(mode="after")
    def _pieces_fill_a_chunk(self) -> Self:
        rows = self.truncation
        if rows and self.supervision != "dense":
            raise ValueError(
                f"truncation: a window that is scored in its last row alone is read as a whole; got {rows}; use null"
            )
        if rows and (self.chunk % rows or rows <= self.burn_in):
            raise ValueError(
                "truncation: expected a divisor of chunk that is greater than burn_in; "
                f"got {rows} with chunk {self.chunk} and burn_in {self.burn_in}"
            )
        return self


class TrainingOptions(OptimizerOptions):
    """Length and optimiser of the training; a small panel gets fewer steps, so that no row is scored too often."""

    steps: Steps = 200
    max_passes: Annotated[int, Field(ge=1, le=100_000)] = 16
    batch_size: BatchSize = 16
    loss: Annotated[Literal["pinball"], named(("pinball",), OTHER_LOSSES)] = "pinball"
    optimizer: Optimizer = "adamw"
    learning_rate: LearningRate = 4e-3
    schedule: Schedule = "warmup_cosine"
    weight_decay: Annotated[float, Field(ge=0, le=10), Range(1e-3, 0.3, log=True)] = 2e-2
    clip_norm: Limit = 1.0


class QuantileOptions(CalendarOptions):
    """Section ``model`` of a configuration, for every quantile forecaster; a subclass names its `kind`.

    Attributes:
        architecture: Network between the inputs and the head.
    """

    architecture: ClassVar[Architecture]

    dropout: Dropout = 0.3
    knots: Annotated[tuple[PositiveInt, ...], Field(min_length=1, max_length=50)] = (1, 5, 10, 20)
    location: Literal["auto", "never"] = "auto"
    linear_share: Annotated[float, Field(ge=0, le=1), Range(0.0, 1.0)] = 0.4
    windows: WindowOptions = WindowOptions()
    training: TrainingOptions = TrainingOptions()

    @field_validator("knots")
    @classmethod
    def _increasing_knots(cls, knots: tuple[int, ...]) -> tuple[int, ...]:
        if knots[0] != 1 or any(b <= a for a, b in itertools.pairwise(knots)):
            raise ValueError("expected increasing steps that begin with 1")
        return knots

    @model_validator(mode="after")
    def _no_row_reads_later_ones(self) -> Self:
        if self.windows.supervision == "dense" and not self.architecture.causal:
            raise ValueError(
                f"windows.supervision: {self.kind} reads later rows of a sample, so only its last row may be scored; "
                "got dense; use last"
            )
        return self

    @model_validator(mode="after")
    def _a_state_can_be_carried(self) -> Self:
        if self.windows.truncation and not self.architecture.carries_state:
            raise ValueError(
                f"windows.truncation: {self.kind} has no state that a chunk carries from row to row; "
                f"got {self.windows.truncation}; use null, or the kind lstm, gru or rnn"
            )
        return self

    @model_validator(mode="after")
    def _fits_into_memory(self) -> Self:
        needed = self.training_bytes
        if needed > MAX_TRAINING_BYTES:
            raise ValueError(
                f"a training would need about {in_gigabytes(needed)} of memory; expected at most "
                f"{in_gigabytes(MAX_TRAINING_BYTES)}; lower units, training.batch_size or windows.chunk"
            )
        return self

    @property
    def stops_early(self) -> bool:
        """See `ModelOptions`."""
        return self.training.patience is not None

    @property
    def training_bytes(self) -> int:
        """Memory of a training, a low estimate."""
        return recurrent_training_bytes(getattr(self, "units", ()), self.windows.step_rows, self.training.batch_size)

    @classmethod
    def for_frequency(cls, frequency: str) -> Mapping[str, Any]:
        """Shorter chunks for weeks and months, of which a history has fewer."""
        return FREQUENCY_DEFAULTS.get(frequency, {})

    def for_rows(self, rows: int, horizon: int) -> Mapping[str, Any]:
        """Shorter warm-up and samples, half of the rows each, for a history that is too short for these options."""
        half = (rows - MIN_SCORED_ROWS - horizon) // 2 // _ROUND_ROWS * _ROUND_ROWS
        if half < MIN_WARM_UP:
            return {}
        settings: dict[str, int | None] = {"warm_up": min(half, self.windows.warm_up)}
        if self.windows.supervision == "last":
            settings["context_length"] = min(half, self.windows.context_length)
        else:
            burn_in = min(half, self.windows.burn_in)
            settings |= {"burn_in": burn_in, "chunk": min(burn_in + MIN_SCORED_ROWS, self.windows.chunk)}
            if self.windows.truncation:
                settings["truncation"] = None
        return {f"model.windows.{name}": value for name, value in settings.items()}

    def quick(self) -> tuple[Self, str | None]:
        """These options with few optimiser steps."""
        steps = self.training.steps
        if steps <= QUICK_STEPS:
            return self, None
        training = self.training.model_copy(update={"steps": QUICK_STEPS})
        return self.model_copy(update={"training": training}), f"{QUICK_STEPS} of {steps} steps"
