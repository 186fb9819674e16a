"""Options of an optimiser, with the names of Keras: those of every network."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from forecaster.models.bounds import LearningRate

__all__ = ["Limit", "Optimizer", "OptimizerName", "OptimizerOptions", "Schedule", "ScheduleName", "named"]

OptimizerName = Literal[
    "adadelta", "adafactor", "adagrad", "adam", "adamax", "adamw", "ftrl", "lamb", "lion", "nadam", "rmsprop", "sgd"
]
ScheduleName = Literal["constant", "cosine", "exponential", "linear", "step", "warmup_cosine"]

_CLIPPING = ("clip_norm", "clip_value", "global_clip_norm")

Limit = Annotated[float, Field(gt=0, le=1e6)] | None


def named(names: Sequence[str], more: str = "", long_names: Mapping[str, str] | None = None) -> BeforeValidator:
    """A validator for one of `names`, in any case; its message gives the nearest name.

    Args:
        names: Names in lower case.
        more: End of the message about an unknown name.
        long_names: Names of Keras or scikit-learn in lower case without hyphens and underscores -> the name.
    """

    def check(value: Any) -> Any:
        name = value.lower() if isinstance(value, str) else value
        if isinstance(value, str) and long_names is not None:
            name = long_names.get(name.replace("_", "").replace("-", ""), name)
        if name in names:
            return name
        near = difflib.get_close_matches(str(name), names, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"expected {'one of ' if len(names) > 1 else ''}{', '.join(names)}{more}{hint}")

    return BeforeValidator(check)


Optimizer = Annotated[OptimizerName, named(get_args(OptimizerName))]
Schedule = Annotated[ScheduleName, named(get_args(ScheduleName))]


class OptimizerOptions(BaseModel):
    """Optimiser, learning rate, clipping of gradients, and early stopping.

    Attributes:
        optimizer: Optimiser of Keras.
        learning_rate: Rate, the highest one where it changes.
        schedule: Change of the rate over the training.
        weight_decay: Share of each weight that is subtracted at a step, times the rate.
        clip_norm: Largest norm of the gradient of one variable; None for no limit.
        clip_value: Largest size of one entry of a gradient.
        global_clip_norm: Largest norm of the gradient of all variables together.
        patience: Epochs without a lower validation loss after which the training stops; the weights of the lowest one
            are kept. None trains every epoch and keeps the last weights.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    optimizer: Optimizer = "adam"
    learning_rate: LearningRate = 1e-3
    schedule: Schedule = "constant"
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.0
    clip_norm: Limit = None
    clip_value: Limit = None
    global_clip_norm: Limit = None
    patience: Annotated[int, Field(ge=1, le=10_000)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _named_clipping_replaces_the_default(cls, values: Any) -> Any:
        """A clipping that is configured takes the place of one that is not."""
        if isinstance(values, dict) and any(values.get(name) is not None for name in _CLIPPING):
            return {**dict.fromkeys(_CLIPPING), **values}
        return values

    @model_validator(mode="after")
    def _one_clipping(self) -> Self:
        used = [name for name in _CLIPPING if getattr(self, name) is not None]
        if len(used) > 1:
            raise ValueError(f"expected one way to clip gradients; got {' and '.join(used)}; set all but one to null")
        return self
