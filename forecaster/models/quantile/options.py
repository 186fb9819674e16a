"""Section ``model`` of a configuration with ``kind: lstm``."""

import itertools
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from forecaster.features import FEATURES, RETURN_FEATURES
from forecaster.features.covariates import is_covariate
from forecaster.features.history import WARM_UP

__all__ = ["LSTMOptions", "TrainingOptions", "WindowOptions"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WindowOptions(_Section):
    """How samples are cut: `dense` scores every row of a chunk, `last` only the last row of a window.

    The first `warm_up` rows of a history are read by its features alone, until their volatilities have settled.
    """

    supervision: Literal["dense", "last"] = "dense"
    chunk: PositiveInt = 384
    burn_in: PositiveInt = 128
    warm_up: Annotated[int, Field(ge=20)] = WARM_UP
    context_length: PositiveInt = 128

    @model_validator(mode="after")
    def _something_is_scored(self) -> Self:
        if self.supervision == "dense" and self.chunk <= self.burn_in:
            raise ValueError(
                f"expected a chunk longer than its burn-in; chunk {self.chunk} and burn_in {self.burn_in} "
                "leave no row to score"
            )
        return self


class TrainingOptions(_Section):
    """How long to train, and how fast; a small panel gets fewer steps, so that no row is scored too often."""

    steps: PositiveInt = 300
    max_passes: PositiveInt = 32
    batch_size: PositiveInt = 16
    learning_rate: PositiveFloat = 2e-3
    weight_decay: NonNegativeFloat = 2e-2
    clip_norm: PositiveFloat = 1.0


class LSTMOptions(_Section):
    """Section ``model`` of a configuration with ``kind: lstm``."""

    kind: Literal["lstm"] = "lstm"
    features: tuple[str, ...] | Literal["auto"] = "auto"
    units: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (32, 32)
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3
    knots: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (1, 5, 10, 20)
    location: Literal["auto", "never"] = "auto"
    linear_share: Annotated[float, Field(ge=0, le=1)] = 0.4
    windows: WindowOptions = WindowOptions()
    training: TrainingOptions = TrainingOptions()

    @field_validator("features", mode="before")
    @classmethod
    def _known_features(cls, names: Any) -> Any:
        if names == "auto":
            return names
        if not isinstance(names, (list, tuple)) or not names:
            raise ValueError("expected auto, or a list of at least 1 feature")
        unknown = [name for name in map(str, names) if not (name in FEATURES or is_covariate(name))]
        if unknown:
            raise ValueError(f"unknown feature {', '.join(unknown)}; the features are {', '.join(FEATURES)}")
        if len(set(names)) < len(names):
            raise ValueError("a feature is listed twice")
        return names

    @field_validator("knots")
    @classmethod
    def _increasing_knots(cls, knots: tuple[int, ...]) -> tuple[int, ...]:
        if knots[0] != 1 or any(b <= a for a, b in itertools.pairwise(knots)):
            raise ValueError("expected increasing steps that begin with 1")
        return knots

    @property
    def feature_names(self) -> tuple[str, ...]:
        """(F,) the inputs in their order; those of the returns alone as long as ``auto`` is not settled."""
        return RETURN_FEATURES if self.features == "auto" else self.features

    def with_features(self, names: tuple[str, ...], inputs: Iterable[str] = ()) -> Self:
        """These options with ``auto`` settled: `names` are the features, unless the options name their own.

        Features from outside, `inputs`, are read in any case.
        """
        known = names if self.features == "auto" else self.features
        return self.model_copy(update={"features": tuple(dict.fromkeys((*known, *inputs)))})
