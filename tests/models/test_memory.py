"""Settings that would hang or exhaust the memory are refused before anything is built."""

import pytest

from forecaster.config import load_config
from forecaster.errors import ConfigError, UsageError
from forecaster.models import memory
from forecaster.models.memory import available_bytes, check_memory, recurrent_training_bytes

BEYOND = (
    *("model.windows.warm_up=2147483648", "model.windows.chunk=2147483648", "model.windows.burn_in=1000000000"),
    *("model.windows.context_length=2147483648", "model.units=[1000000000]", f"model.units={[8] * 30}"),
    *(
        "model.training.batch_size=1000000",
        "model.training.steps=1000000000000",
        "model.training.max_passes=99999999",
    ),
    *("model.training.clip_norm=.inf", "model.training.weight_decay=.inf", "model.training.learning_rate=.inf"),
    *("model.training.learning_rate=.nan", "model.training.clip_norm=.nan", f"model.knots={list(range(1, 200))}"),
    *("split.test_rows=1000000000000000000", "split.validation_rows=1000000000000000000"),
)
BEYOND_OF_CLASSIC = (
    *("context_length=2147483648", "units=[1000000000]", "dense_units=1000000000", "epochs=1000000000"),
    *("batch_size=1000000", "learning_rate=.inf", "units=[]"),
)


@pytest.mark.parametrize("text", [*BEYOND, *(f"model.{text}" for text in BEYOND_OF_CLASSIC)])
@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_a_setting_beyond_its_bounds_is_one_line(text: str, kind: str) -> None:
    kind = "classic" if text.removeprefix("model.") in BEYOND_OF_CLASSIC and "units=[1" not in text else kind
    with pytest.raises(ConfigError, match=r"should be|should have|expected") as caught:
        load_config(None, [f"model.kind={kind}", text])
    assert all(len(message) < 200 for message in caught.value.messages)


@pytest.mark.parametrize(
    "assignments",
    [
        ["model.units=[4096, 4096]", "model.training.batch_size=4096"],
        ["model.units=[512]", "model.windows.chunk=10000", "model.training.batch_size=1024"],
        ["model.kind=classic", "model.units=[4096]", "model.context_length=10000", "model.batch_size=256"],
    ],
)
def test_settings_that_are_too_large_together_name_the_memory(assignments: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"need about [0-9.]+ GB of memory; expected at most 34.4 GB; lower units"):
        load_config(None, assignments)


def test_a_training_that_does_not_fit_into_this_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda: 10**9)
    check_memory(10**9)
    with pytest.raises(UsageError, match=r"needs about 1.5 GB of memory, 1.0 GB are free; .* lower model\.units"):
        check_memory(1_500_000_000)
    monkeypatch.setattr(memory, "available_bytes", lambda: None)
    check_memory(10**18)


def test_the_command_line_says_it_in_one_line(forecast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda: 10**6)
    result = forecast("train", "--source", "synthetic", "--ticker", "ar1", "--set", "data.options.rows=900")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith("error: the training needs about")


def test_the_estimate_counts_weights_and_states() -> None:
    assert recurrent_training_bytes([], 10, 10) == 0
    weights = 4 * 8 * (16 + 8 + 1) + 4 * 3 * (8 + 3 + 1)
    assert recurrent_training_bytes([8, 3], 5, 2) == 4 * (4 * weights + 5 * 2 * 11 * 12)


def test_the_memory_of_this_machine_is_known() -> None:
    free = available_bytes()
    assert free is None or 10**7 < free < 10**14
