"""Spaces of searches: those that the options declare, and those of a file."""

from pathlib import Path

import pytest

from forecaster.config import load_config
from forecaster.errors import ConfigError, UsageError
from forecaster.experiments.search_proposals import require_optuna
from forecaster.experiments.search_space import declared_space, read_space, space_document, space_of_document
from forecaster.models import network_names
from forecaster.models.search_values import Choices, Range

LSTM = load_config(None)


@pytest.mark.parametrize("kind", [name for name in network_names() if name != "ensemble"])
def test_declared_values_are_valid_options(kind: str) -> None:
    config = load_config(None, {"model.kind": kind})
    space = declared_space(kind)
    assert any(key.endswith("learning_rate") for key in space)
    for key, values in space.items():
        for value in (values.low, values.high) if isinstance(values, Range) else values.values:
            load_config(config, {key: value})  # raises for a value that is none


def test_a_kind_without_declared_values() -> None:
    with pytest.raises(UsageError, match="--space FILE"):
        declared_space("ensemble")


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(
        "model.units: [[8], [16, 16]]\n"
        "model.training.learning_rate: {low: 1e-3, high: 0.01, log: true}\n"  # YAML reads 1e-3 as text
        "model.training.steps: {low: 10, high: 20}\n"
    )
    space = read_space(path, LSTM)
    assert space == {
        "model.units": Choices(([8], [16, 16])),
        "model.training.learning_rate": Range(0.001, 0.01, log=True),
        "model.training.steps": Range(10, 20),
    }
    assert space_of_document(space_document(space)) == space


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("model.droput: [0.1]", "did you mean model.dropout?"),
        ("dropout: [0.1]", "did you mean model.dropout?"),
        ("horizon: [5, 10]", "expected a key of the section model"),
        ("model.kind: [lstm, gru]", "a search has one kind; set it with --set model.kind=NAME"),
        ("model.dropout: []", "the list of values is empty"),
        ("model.dropout: {low: 0.5, high: 0.5}", "the range is empty: low 0.5 is not below high 0.5"),
        ("model.dropout: {low: 0.5, hihg: 0.6}", "unknown key hihg; expected low, high and log"),
        ("model.dropout: {low: 0.5}", "expected numbers low and high (got low 0.5, high None)"),
        ("model.dropout: {low: .nan, high: 1}", "expected numbers low and high"),
        ("model.dropout: {low: 0, high: 0.5, log: true}", "begins above 0"),
        ("model.dropout: {low: 0, high: 0.5, log: 3}", "expected true or false"),
        ("model.dropout: {low: 0, high: 1.5}", "less than 1"),
        ("model.units: [[32], [0]]", "greater than or equal to 1"),
        ("model.dropout: 0.5", "expected a list of values, or low and high"),
        ("model.dropout: [0.1, 1e-1]", "a value is listed twice"),
        ("model.units: [[8], 8]", "a value is listed twice"),
        ("model.training.steps: {low: 10.0, high: 20.0}", "expected a whole number"),
    ],
)
def test_mistakes_in_a_file(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(f"# space\nmodel.location: [auto, never]\n{line}\n")
    with pytest.raises(ConfigError) as raised:
        read_space(path, LSTM)
    (text,) = raised.value.messages
    assert text.startswith(f"{path}:3: {line.partition(':')[0]}: ")
    assert message in text


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text("model.dropout: []\nmodel.x: [1]\n")
    with pytest.raises(ConfigError) as raised:
        read_space(path, LSTM)
    assert len(raised.value.messages) == 2


@pytest.mark.parametrize("text", ["", "- 1\n", "{", "model.dropout: [0.1]\nmodel.dropout: [0.2]\n"])
def test_a_file_that_is_no_space(tmp_path: Path, text: str) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"space\.yaml"):
        read_space(path, LSTM)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_space(tmp_path / "missing.yaml", LSTM)


def test_a_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'forecaster\[search\]'"):
        require_optuna()
