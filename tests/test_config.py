"""Configuration: defaults, files, assignments, and how mistakes are told."""

from pathlib import Path

import pytest
import yaml

from forecaster.config import FREQUENCIES, dump_config, load_config, shipped_configs
from forecaster.errors import ConfigError
from forecaster.models import network_names


def test_default_yaml_says_exactly_what_is_built_in(tmp_path):
    copy = tmp_path / "copy.yaml"  # under its own name the file is not read, because its values are built in
    copy.write_text(shipped_configs()["default"].read_text(encoding="utf-8"), encoding="utf-8")
    assert load_config(copy) == load_config()
    values = yaml.safe_load(copy.read_text(encoding="utf-8"))
    assert values.keys() == load_config().model_dump().keys()
    assert values["model"].keys() == load_config().model.model_dump().keys()


def test_a_default_that_differs_from_the_built_in_one_is_noticed(tmp_path):
    copy = tmp_path / "copy.yaml"
    text = shipped_configs()["default"].read_text(encoding="utf-8")
    copy.write_text(text.replace("units: [32, 32]", "units: [31, 32]"), encoding="utf-8")
    assert load_config(copy) != load_config()


@pytest.mark.parametrize("name", ["classic", "default", "development", "quick", "sine"])
def test_shipped_configs_are_valid_and_survive_a_round_trip(name, tmp_path):
    assert {"classic", "default", "development", "quick", "sine"} <= set(shipped_configs())
    config = load_config(Path(name))
    copy = tmp_path / "copy.yaml"
    copy.write_text(dump_config(config))
    assert load_config(copy) == config


@pytest.mark.parametrize("name", network_names())
def test_every_kind_has_a_config_that_writes_its_defaults_out(name):
    config = load_config(name)
    universe = "none" if name == "classic" else "auto"
    assert config == load_config(None, [f"model.kind={name}", f"universe={universe}"])
    assert config.kind == name


def test_the_config_of_the_default_kind_is_the_default_at_every_frequency():
    for frequency in FREQUENCIES:
        flags = {"data.frequency": frequency}
        assert load_config("lstm", flags=flags) == load_config(flags=flags)


def test_assignments_override_the_file_and_flags_override_both(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("seed: 1\nhorizon: 3\nmodel:\n  training: {steps: 7}\n")
    config = load_config(file, ["seed=2", "horizon=4", "model.units=[8, 9]"], {"horizon": 5})
    assert (config.seed, config.horizon) == (2, 5)
    assert config.model.units == (8, 9)
    assert config.model.training.steps == 7


def test_exponents_that_yaml_reads_as_text_are_numbers():
    assert load_config(None, ["model.training.learning_rate=1e-3"]).model.training.learning_rate == 1e-3


@pytest.mark.parametrize("text", ["50,50", "(50, 50)", "[50, 50]"])
def test_layers_are_numbers_with_commas(text):
    assert load_config(None, [f"model.units={text}"]).model.units == (50, 50)


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("seed=abc", "seed: expected a whole number"),
        ("model.dropout=20%", "model.dropout: expected a number"),
        ("refit=ja", "refit: expected true or false"),
        ("data.start=1/2/2010", "data.start: expected a date such as 2025-06-30"),
        ("model.units=many", "model.units: expected a list in brackets"),
        ("model=gru", "chosen by --config, such as --config gru"),
    ],
)
def test_a_value_of_a_wrong_type_is_answered_in_plain_words(assignment, message):
    with pytest.raises(ConfigError, match=message):
        load_config(None, [assignment])


def test_options_of_another_kind_of_model_are_refused():
    with pytest.raises(ConfigError, match=r"model\.epochs: unknown key"):
        load_config(None, ["model.epochs=3"])
    assert load_config(None, ["model.kind=classic", "model.epochs=3"]).model.epochs == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- 1\n", ":1: expected 'key: value' lines"),
        ("seed: [\n", "not valid YAML"),
        ("model: lstm\n", "model: expected a section"),
        ("model: {knots: [5, 10]}\n", ":1: model.knots: expected increasing steps that begin with 1"),
        ("horizon: 3\nhorizon: 4\n", ":2: horizon: given twice"),
        ("data:\n  end: 2020-02-30\n", ":2: data.end: expected a date such as 2025-06-30"),
        ("model:\n  kind: classic\n  windows: {chunk: 3}\n", ":3: model.windows: unknown key"),
    ],
)
def test_broken_files(tmp_path, text, told):
    file = tmp_path / "c.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert told in "\n".join(caught.value.messages)


def test_binary_and_missing_files(tmp_path):
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ConfigError, match="cannot be read as a YAML text file"):
        load_config(tmp_path / "b.yaml")
    with pytest.raises(ConfigError, match=f"no such config file; .* one of: {', '.join(shipped_configs())}$"):
        load_config(tmp_path / "missing.yaml")


def test_an_empty_file_is_the_default(tmp_path):
    (tmp_path / "e.yaml").write_text("# nothing\n")
    assert load_config(tmp_path / "e.yaml") == load_config()


@pytest.mark.parametrize("text", ["[USDJPY, EURUSD]", "USDJPY, EURUSD", "'USDJPY,EURUSD,'", "\n  - USDJPY\n  - EURUSD"])
def test_several_names_are_a_list_or_a_text_with_commas(tmp_path, text):
    file = tmp_path / "c.yaml"
    file.write_text(f"data:\n  pair: {text}\n")
    assert load_config(file).data.pair == ("USDJPY", "EURUSD")


def test_nothing_is_an_empty_list_of_names(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("data: {pair: null, peers: [], inputs: ''}\n")
    assert load_config(file) == load_config()


def test_a_name_in_a_list_may_hold_a_comma_and_must_be_a_text(tmp_path):
    assert load_config(None, ["data.csv=['prices, 2020.csv']"]).data.csv == ("prices, 2020.csv",)
    file = tmp_path / "c.yaml"
    file.write_text("data:\n  ticker:\n    - AAPL\n    - 7203\n    - ''\n")
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert [message.partition(": ")[2] for message in caught.value.messages] == [
        "data.ticker.1: expected a text; quotation marks make one (got 7203)",
        "data.ticker.2: expected at least one character (got '')",
    ]
    assert f"{file}:4: data.ticker.1" in caught.value.messages[0]


def test_a_mistake_in_a_section_is_placed_at_the_key_that_is_wrong_in_it(tmp_path):
    with pytest.raises(ConfigError, match=r"^--set: model\.windows\.supervision: bilstm reads later rows"):
        load_config("bilstm", ["model.windows.supervision=dense"])
    file = tmp_path / "c.yaml"
    file.write_text("model:\n  kind: transformer\n  units: [32]\n  heads: 3\n")
    with pytest.raises(ConfigError, match=r"c\.yaml:4: model\.heads: expected a divisor of the 32 units"):
        load_config(file)


@pytest.mark.parametrize("value", ["[0]", "[5000]"])
def test_a_mistake_in_a_value_that_replaces_one_of_a_file_is_told_once(tmp_path, value):
    file = tmp_path / "c.yaml"
    file.write_text("model:\n  units: [32]\n")
    with pytest.raises(ConfigError) as error:
        load_config(file, [f"model.units={value}"])
    (message,) = error.value.messages
    assert message.startswith("--set: model.units.0: should be ")


@pytest.mark.parametrize("key", ["frequency", "interval"])
def test_the_earlier_name_of_the_frequency_is_read(tmp_path, key):
    file = tmp_path / "c.yaml"
    file.write_text(f"data:\n  {key}: 1wk\n")
    assert load_config(file).data.frequency == "1wk"
    assert load_config(file).split.test_rows == 150
    assert load_config(file, [f"data.{key}=1mo"]).data.frequency == "1mo"
    assert load_config(file, flags={f"data.{key}": "1d"}) == load_config()
    file.write_text(f"data:\n  frequency: 1wk\n  {key}: 1d\n")
    with pytest.raises(ConfigError, match=r"c.yaml:3: data.frequency: given twice"):
        load_config(file)


def test_a_wrong_frequency_is_reported_with_its_line_under_both_names(tmp_path):
    file = tmp_path / "c.yaml"
    for key in ("frequency", "interval"):
        file.write_text(f"data:\n  {key}: 5m\n")
        with pytest.raises(ConfigError, match=r"c.yaml:2: data.frequency: expected one of 1d, 1wk, 1mo"):
            load_config(file)


def test_another_kind_takes_over_the_options_that_it_accepts() -> None:
    config = load_config("quick", {"model.units": [16, 16], "model.features": ["scaled_return"], "model.dropout": 0.4})
    for kind in ("gru", "linear", "classic", "transformer", "ensemble"):
        changed = load_config(config, {"model.kind": kind})
        assert changed.kind == kind
        assert changed.split == config.split
    assert load_config(config, {"model.kind": "gru"}).model.model_dump()["units"] == (16, 16)
    with pytest.raises(ConfigError, match=r"model\.forget_bias: unknown key"):
        load_config(config, {"model.kind": "linear", "model.forget_bias": 1})
    with pytest.raises(ConfigError, match="expected one of"):
        load_config(config, {"model.kind": "nothing"})
