"""`forecast train` from the outside."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from short_trainings import TINY

from forecaster.cli import cli
from forecaster.evaluation import DEFAULT_BASELINES


def runs_in(home: Path) -> list[Path]:
    return sorted((home / "runs").glob("[!.]*"))


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, Path]:
    """Document and home of a training of USDJPY; nobody writes to the home."""
    home = tmp_path_factory.mktemp("training")
    flags = ("--pair", "USDJPY", *TINY, "--offline", "--home", str(home), "--format", "json")
    return json.loads(CliRunner().invoke(cli, ["train", *flags]).stdout), home


def test_table_shows_every_part_beside_tomorrow_is_today_and_the_baselines(forecast, tmp_path):
    result = forecast("train", "--pair", "usd/jpy", *TINY, "--verbose", "--home", tmp_path)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == [
        "part",
        "days",
        "cutoffs",
        "RMSE",
        "today",
        "MAE",
        "today",
        "CRPS",
        "lstm",
        *DEFAULT_BASELINES,
        "in",
        "80",
        "%",
        "in",
        "95",
        "%",
    ]
    assert [line.split()[:2] for line in lines[1:13]] == [
        [part, step] for part in ("train", "validation", "test") for step in ("1", "5", "10", "20")
    ]
    assert "data: ecb/USDJPY/1d@" in result.stderr
    assert "engine: jax on cpu" in result.stderr
    assert result.stderr.rstrip().endswith(f"next: forecast predict --pair USDJPY --home {tmp_path}")


def test_a_training_ends_with_a_summary_of_at_most_eight_lines(forecast, tmp_path):
    result = forecast("train", "--pair", "USDJPY", *TINY, "--home", tmp_path)
    lines = result.stdout.splitlines()
    assert len(lines) <= 7, "the command to type next is the eighth"
    assert lines[0].startswith("USDJPY: 157.250 on 2026-10-30, ")
    assert lines[2].startswith("in a week, to 2026-11-06 ")
    assert lines[3].startswith("in a month, to 2026-11-27 ")
    assert all(" % of 7" in line for line in lines[2:4])
    assert [line.partition(":")[0] for line in lines[4:]] == ["direction", "simple rules", "run"]
    assert max(map(len, lines[:-1])) <= 80


def test_the_same_fit_is_not_made_again_for_another_pair_of_its_panel(forecast, tmp_path, monkeypatch):
    panel = ("--peers", "EURUSD,USDJPY", *TINY, "--home", tmp_path)
    first = json.loads(forecast("train", "--pair", "USDJPY", *panel, "--format", "json").stdout)
    alone = json.loads(
        forecast("train", "--pair", "EURUSD", *panel, "--home", tmp_path / "other", "--format", "json").stdout
    )
    monkeypatch.setattr("forecaster.experiments.training_fits.fit", lambda *values, **more: pytest.fail("fitted again"))
    second = json.loads(forecast("train", "--pair", "EURUSD", *panel, "--format", "json").stdout)
    assert (first["weights_of"], second["weights_of"]) == (None, first["run_id"])
    assert second["scores"] == alone["scores"]
    assert second["summary"][0]["ranges"] == alone["summary"][0]["ranges"]
    one, other = runs_in(tmp_path)
    for name in ("weights.npz", "history.csv"):
        assert (one / name).read_bytes() == (other / name).read_bytes()


def test_a_changed_setting_is_a_new_fit(forecast, home):
    """In a home that has a run without these settings."""
    for setting in (("--seed", "1"), ("--end", "2026-10-01"), ("--set", "model.dropout=0.2")):
        made = json.loads(
            forecast("train", "--pair", "USDJPY", *TINY, *setting, "--home", home, "--format", "json").stdout
        )
        assert made["weights_of"] is None
    assert forecast("runs", "use", "latest", "--home", home).exit_code == 0
    result = forecast("train", "--pair", "USDJPY", *TINY, "--home", home, "--format", "json")
    again = json.loads(result.stdout)
    assert again["weights_of"] is not None
    assert result.stderr.endswith(f" --run {again['run_id']}\n"), "the pinned run would forecast"


def test_run_folder_holds_everything_needed_to_repeat_it(training):
    document, home = training
    (folder,) = runs_in(home)
    assert folder.name == document["run_id"]
    assert sorted(file.name for file in folder.iterdir()) == [
        "config.yaml",
        "history.csv",
        "manifest.json",
        "weights.npz",
    ]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["data"][0]["sha256"].startswith(manifest["data"][0]["series"].partition("@")[2])
    assert {"python", "keras", "jax", "tensorflow", "numpy", "forecaster"} <= manifest["versions"].keys()
    assert manifest["seed"] == 0
    assert yaml.safe_load((folder / "config.yaml").read_text())["data"]["pair"] == ["USDJPY"]
    assert (home / "data" / "store.sqlite").exists()


def test_json_document_has_the_contracted_keys(training):
    document, _ = training
    assert document["schema"] == "train/1"
    assert {"total", "data", "fit", "evaluate"} <= document["seconds"].keys()
    keys = {
        "run_id",
        "instrument",
        "universe",
        "backend",
        "device",
        "parameters",
        "data",
        "splits",
        "scores",
        "verdict",
    }
    assert keys <= document.keys()
    assert document["splits"]["test"]["rows"] == 750
    assert document["splits"]["validation"]["rows"] == 500
    for score in document["scores"]:
        assert score["crps_ratio"]["ewma"] == pytest.approx(score["crps"]["lstm"] / score["crps"]["ewma"])


def test_without_a_supported_direction_the_point_forecast_is_tomorrow_is_today(forecast, tmp_path):
    tiny = (*TINY, "--set", "model.location=never", "--home", tmp_path)
    document = json.loads(forecast("train", "--pair", "USDJPY", *tiny, "--format", "json").stdout)
    assert document["location_steps"] == []
    assert all(score["rmse"] == score["rmse_naive"] for score in document["scores"])


def test_same_seed_gives_the_same_weights_and_another_seed_others(forecast, training, tmp_path):
    homes = [training[1], tmp_path / "b", tmp_path / "c"]
    for home, seed in zip(homes[1:], (0, 1), strict=True):
        assert forecast("train", "--pair", "USDJPY", *TINY, "--seed", seed, "--home", home).exit_code == 0
    a, b, c = ((runs_in(home)[0] / "weights.npz").read_bytes() for home in homes)
    assert a == b
    assert a != c


def test_end_keeps_later_rows_out(forecast, tmp_path):
    result = forecast(
        "train", "--pair", "USDJPY", *TINY, "--config", "development", "--home", tmp_path, "--format", "json"
    )
    document = json.loads(result.stdout)
    assert document["data"][0]["last"] == "2020-12-31"
    assert document["splits"]["test"]["last"] == "2020-12-31"


def test_refit_learns_from_the_newest_rows_and_says_so(forecast, tmp_path):
    assert forecast("train", "--pair", "USDJPY", *TINY, "--refit", "--home", tmp_path).exit_code == 0
    manifest = json.loads((runs_in(tmp_path)[0] / "manifest.json").read_text())
    assert manifest["refit"] is True
    assert manifest["fitted_until"] == manifest["seen_until"] == manifest["data"][0]["last"]
    (made,) = json.loads(forecast("predict", "--pair", "USDJPY", "--home", tmp_path, "--format", "json").stdout)
    assert (made["refit"], made["in_sample"]) == (True, False)
    assert "in-sample" in forecast("predict", "--pair", "USDJPY", "--as-of", "2026-06-01", "--home", tmp_path).stderr
    assert (made["calibrated"], made["calibration"]) == (True, "tested fit")
    factors = np.array(manifest["carried"]["USDJPY"]["factors"])
    assert factors.shape == (4, 4)
    raw = ("predict", "--pair", "USDJPY", "--home", tmp_path, "--no-calibration")
    (plain,) = json.loads(forecast(*raw, "--format", "json").stdout)
    for level, factor in (("0.9", factors[0, 1]), ("0.95", factors[0, 2])):
        widths = [document["steps"][0]["quantiles"][level] / document["last_price"] for document in (plain, made)]
        assert np.log(widths[1]) == pytest.approx(factor * np.log(widths[0]), rel=1e-9)
    table = forecast(*raw).stdout
    assert "raw intervals" in table.splitlines()[0]
    assert "; -: measured only at 1, 5, 10, 20 days" in table
    assert made["coverage"]["steps"][-1]["step"] == 20, "those of the test, before the refit"


def test_several_pairs_are_each_scored(forecast, tmp_path):
    tiny = (*TINY, "--home", tmp_path, "--format", "json")
    document = json.loads(forecast("train", "--pair", "USDJPY,EURUSD", "--pair", "JPYUSD", *tiny).stdout)
    assert {score["instrument"] for score in document["scores"]} == {"USDJPY", "EURUSD"}


@pytest.mark.parametrize("name", ["sine", "random_walk", "ar1", "garch"])
def test_synthetic_series_train_by_name(forecast, tmp_path, name):
    result = forecast("train", "--source", "synthetic", "--ticker", name, *TINY, "--home", tmp_path)
    assert result.exit_code == 0, result.stderr
    assert f"synthetic/{name}/1d@" in result.stderr


def test_csv_trains_and_predicts_while_its_rows_begin_with_those_of_the_run(forecast, tmp_path):
    source = tmp_path / "prices.csv"
    lines = ["date,close"] + [
        f"{2000 + i // 336}-{i // 28 % 12 + 1:02d}-{i % 28 + 1:02d},{100 + i % 7 + i % 11}" for i in range(900)
    ]
    source.write_text("\n".join(lines[:-10]))
    trained = forecast("train", "--csv", source, *TINY, "--home", tmp_path)
    assert trained.exit_code == 0, trained.stderr
    assert f"next: forecast predict --csv {source}" in trained.stderr
    source.write_text("\n".join(lines))
    assert forecast("predict", "--csv", source, "--home", tmp_path).exit_code == 0
    day = lines[50].partition(",")[0]
    source.write_text("\n".join([lines[0], *lines[20:50], f"{day},105.5", *lines[51:]]))
    changed = forecast("predict", "--csv", source, "--home", tmp_path)
    assert changed.exit_code == 0, changed.stderr
    (warning,) = [line for line in changed.stderr.splitlines() if "has changed since the training" in line]
    assert f"1 price revised ({day})" in warning
    assert "it begins on 2000-01-20 instead of 2000-01-01" in warning
    source.write_text(
        "\n".join([lines[0], *(f"{line.partition(',')[0]},{100 + 3**i % 17}" for i, line in enumerate(lines[1:]))])
    )
    other = forecast("predict", "--csv", source, "--home", tmp_path)
    assert other.exit_code == 1
    assert f"train one with: forecast train --csv {source}" in other.stderr
    forced = forecast("predict", "--csv", source, "--home", tmp_path, "--run", "latest")
    assert forced.exit_code == 0
    assert "has changed since the training" in forced.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", ["default", "quick", "development", "classic", "sine"])
def test_shipped_configs_train_predict_and_plot(forecast, tmp_path, name):
    chosen = ("--ticker", "sine") if name == "sine" else ("--pair", "USDJPY")
    trained = forecast("train", *(() if name == "sine" else chosen), "--config", name, "--home", tmp_path)
    assert trained.exit_code == 0, trained.stderr
    assert forecast("predict", *chosen, "--home", tmp_path).exit_code == 0
    assert forecast("plot", *chosen, "--home", tmp_path, "--out", tmp_path / "p.png").exit_code == 0
    assert (tmp_path / "p.png").stat().st_size > 20_000


def test_a_training_ends_with_a_verdict(training):
    made, _ = training
    assert set(made["verdicts"]) == {"USDJPY"}
    assert made["verdict"] == made["verdicts"]["USDJPY"]
    found = made["verdict"]
    assert (found["step"], found["days"], found["model"]) == (1, 749, "lstm")
    for kind in ("point", "direction", "density", "coverage"):
        assert {"outcome", "against", "p_value", "detectable", "text"} <= set(found[kind])
    assert found["density"]["against"] in DEFAULT_BASELINES
    test = next(row for row in made["scores"] if row["part"] == "test" and row["step"] == 1)
    ratio = found["density"]["crps_ratio"]
    ratio = ratio[found["density"]["against"]] if isinstance(ratio, dict) else ratio
    assert ratio == pytest.approx(test["crps_ratio"][found["density"]["against"]], rel=1e-9)


@pytest.mark.parametrize("given", [("--with", ""), ("--with", "EURUSD,"), ("--peers", " ")])
def test_an_empty_name_is_refused(forecast, tmp_path, given):
    result = forecast("train", "--pair", "USDJPY", *given, "--home", tmp_path / "home")
    assert result.exit_code == 2
    assert f"'{given[0]}': expected names separated by commas; got an empty one" in result.stderr
    assert not (tmp_path / "home").exists()


@pytest.mark.slow
def test_a_baseline_that_does_not_converge_is_named_on_every_screen(forecast):
    peg = ("train", "EURCZK", "--universe", "none", "--set", "model.training.steps=10", "--set", "model.units=[4]")
    result = forecast(*peg, "--backend", "jax", "--format", "json")
    assert result.exit_code == 0, result.stderr
    fallbacks = json.loads(result.stdout)["fallbacks_of"]
    assert fallbacks["garch"] == fallbacks["combination"] == ["EURCZK"]
    assert (
        "warning: garch did not converge or had too few rows for EURCZK; it has substitute parameters" in result.stderr
    )
