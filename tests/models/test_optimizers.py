"""Optimisers, schedules and clipping by name."""

from typing import Any, get_args

import numpy as np
import pytest
from pydantic import ValidationError

from forecaster.config import load_config
from forecaster.errors import ConfigError
from forecaster.models.classic_options import ClassicOptions
from forecaster.models.optimizer_options import OptimizerName, OptimizerOptions, ScheduleName
from forecaster.models.quantile.options import TrainingOptions


def optimizer(options: OptimizerOptions, steps: int = 100) -> Any:
    from forecaster.models.optimizers import optimizer_of

    return optimizer_of(options, steps)


def test_the_names_are_those_that_there_are() -> None:
    from forecaster.models.optimizers import OPTIMIZERS, SCHEDULES

    assert tuple(OPTIMIZERS) == get_args(OptimizerName)
    assert tuple(SCHEDULES) == get_args(ScheduleName)


@pytest.mark.parametrize("name", get_args(OptimizerName))
def test_an_optimizer_has_its_rate_its_decay_and_its_clipping(name: str) -> None:
    made = optimizer(TrainingOptions(optimizer=name, schedule="constant", weight_decay=0.25, clip_value=0.5))
    assert type(made).__name__.lower() == name
    assert float(made.learning_rate) == pytest.approx(4e-3)
    assert (made.weight_decay, made.clipnorm, made.clipvalue, made.global_clipnorm) == (0.25, None, 0.5, None)


@pytest.mark.parametrize("name", get_args(OptimizerName))
def test_no_weight_decay_is_none(name: str) -> None:
    assert not optimizer(TrainingOptions(optimizer=name, weight_decay=0)).weight_decay


def test_the_default_of_quantile_models_is_what_it_always_was() -> None:
    made = optimizer(TrainingOptions())
    assert (type(made).__name__, made.weight_decay, made.clipnorm) == ("AdamW", 0.02, 1.0)
    rates = [float(made._learning_rate(step)) for step in (0, 5, 10, 60, 100, 110)]
    np.testing.assert_allclose(rates, [0, 0.002, 0.004, 0.002, 0.004 * 0.02447, 0], atol=1e-8)


def test_the_default_of_classic_is_plain_adam() -> None:
    made = optimizer(ClassicOptions())
    assert (type(made).__name__, made.weight_decay, made.clipnorm) == ("Adam", None, None)
    assert float(made.learning_rate) == pytest.approx(1e-3)


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("cosine", [1, 0.5, 0]),
        ("exponential", [1, 0.1, 0.01]),
        ("linear", [1, 0.5, 0]),
        ("step", [1, 1, 0.01]),  # a boundary belongs to the rate before it
        ("warmup_cosine", [0, 0.6545, 0.0245]),
    ],
)
def test_a_schedule_at_the_start_in_the_middle_and_at_the_end(schedule: str, rates: list[float]) -> None:
    made = optimizer(OptimizerOptions(schedule=schedule, learning_rate=1.0))
    result = [float(made._learning_rate(step)) for step in (0, 50, 100)]
    np.testing.assert_allclose(result, rates, atol=1e-3)


@pytest.mark.parametrize("schedule", get_args(ScheduleName))
def test_every_schedule_exists_for_one_step(schedule: str) -> None:
    rate = optimizer(OptimizerOptions(schedule=schedule), steps=1)._learning_rate
    assert np.isfinite(float(rate(0) if callable(rate) else rate))


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (["model.training.optimizer=adamm"], "rmsprop, sgd; did you mean adam? (got 'adamm')"),
        (["model.training.optimizer=3"], "expected one of adadelta, "),
        (["model.training.schedule=cosin"], "did you mean cosine?"),
        (["model.training.loss=mse"], "expected pinball, the loss of quantiles; mse, mae and huber are losses of"),
        (["model.training.clip_value=1", "model.training.global_clip_norm=2"], "got clip_value and global_clip_norm"),
        (["model.training.clip_norm=1", "model.training.clip_value=1"], "set all but one to null"),
        (["model.training.patience=0"], "greater than or equal to 1"),
        (["model.kind=classic", "model.loss=hubber"], "expected one of mse, mae, huber; did you mean huber?"),
        (["model.kind=classic", "model.features=[close,volum]"], "did you mean volume?"),
        (["model.kind=classic", "model.features=[open]"], "expected close among the columns"),
        (["model.kind=lsmt"], "did you mean lstm?"),
        (["model.units=[]"], "--set: model.units: expected a list of 1 or more (got [])"),
        (["members=0"], "members: should be greater than or equal to 1"),
        (["model.training.early_stopping=3"], "did you mean model.training.patience?"),
    ],
)
def test_a_wrong_option_gives_one_line_with_the_nearest_name(settings: list[str], problem: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load_config(None, settings)
    (message,) = raised.value.messages
    assert problem in message


def test_a_configured_clipping_takes_the_place_of_the_default() -> None:
    options = load_config(None, ["model.training.global_clip_norm=0.5"]).model.training
    assert (options.clip_norm, options.clip_value, options.global_clip_norm) == (None, None, 0.5)
    assert load_config(None, ["model.training.clip_norm=null"]).model.training.clip_norm is None


def test_names_are_read_in_any_case() -> None:
    assert load_config(None, ["model.training.optimizer=RMSprop"]).model.training.optimizer == "rmsprop"


def test_the_keys_of_tutorials_are_read() -> None:
    config = load_config("classic", ["model.window=30", "model.features=[Close, Open, Volume]"])
    assert config.model.context_length == 30
    assert config.model.features == ("close", "open", "volume")


def test_an_option_of_the_wrong_type_is_refused() -> None:
    with pytest.raises(ValidationError):
        OptimizerOptions(clip_norm=-1)
