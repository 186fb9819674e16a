"""`forecast config` from the outside."""

import json

import yaml

from forecaster.config import configuration_keys, load_config, shipped_configs


def test_list_names_every_installed_configuration_with_its_purpose(forecast):
    result = forecast("config", "list", "--format", "json")
    rows = json.loads(result.stdout)["configurations"]
    assert [row["name"] for row in rows] == list(shipped_configs())
    assert all(row["purpose"] and row["model"] for row in rows)
    assert "GRU layers" in forecast("config", "list").stdout


def test_show_prints_a_file_that_config_reads_back(forecast, tmp_path):
    result = forecast("config", "show", "gru", "--set", "model.units=50")
    assert result.exit_code == 0
    (tmp_path / "copy.yaml").write_text(result.stdout)
    assert load_config(tmp_path / "copy.yaml") == load_config("gru", ["model.units=[50]"])
    assert json.loads(forecast("config", "show", "--format", "json").stdout) == yaml.safe_load(
        forecast("config", "show", "default").stdout
    )
    assert "did you mean gru?" in forecast("config", "show", "gruu").stderr
    assert "did you mean lstm?" in forecast("config", "show", "lsmt").stderr
    assert "did you mean bilstm?" in forecast("config", "show", "bidirectional").stderr


def test_keys_lists_every_key_with_a_default_that_it_takes(forecast):
    rows = json.loads(forecast("config", "keys", "--format", "json").stdout)["keys"]
    assert {row["key"] for row in rows} == set(configuration_keys())
    for row in rows:
        assert row["meaning"], row["key"]
        kind = row["models"][0] if row["models"] else "lstm"
        value = json.dumps(row["default"])
        assert load_config(None, [f"model.kind={kind}", f"{row['key']}={value}"]).kind == kind
    steps = next(row for row in rows if row["key"] == "model.training.learning_rate")
    assert steps["default"] == 0.004
    assert steps["meaning"].startswith("peak")
    assert steps["models"][0] == "lstm"


def test_keys_may_be_limited(forecast):
    rows = json.loads(forecast("config", "keys", "model.training", "--format", "json").stdout)["keys"]
    assert rows
    assert all(row["key"].startswith("model.training.") for row in rows)
    assert "model.training.batch_size" in forecast("config", "keys", "batch-size").stdout
    assert "model.training.learning_rate" in forecast("config", "keys", "lr").stdout
    assert forecast("config", "keys", "dense").stdout.count("dense_units") == 1
    assert forecast("config", "keys", "frobnicate").exit_code == 2
    assert "model.epochs" in forecast("config", "keys", "epochs").stdout
