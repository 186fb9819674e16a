"""Universes on the command line: lists with a name, their hash in the manifest, and the data that a run has used."""

import json

import pytest
from documented_keys import differences, missing
from short_trainings import SMALL_NETWORK

from forecaster.data.instruments import parse_pair
from forecaster.data.universes import listed, ordered_pairs, universe, universe_sha256

PAIRS = ("EURUSD", "GBPUSD", "USDJPY")


def used(forecast, home, run="latest"):
    result = forecast("data", "list", "--used-by", run, "--home", home, "--format", "json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_a_run_names_the_versions_of_all_its_data(forecast, home):
    document = used(forecast, home)
    assert differences("forecast data list --used-by latest --format json", document) == []
    unused = {"covariates[].name", "covariates[].sha256"}
    assert set(missing("forecast data list --used-by latest --format json", [document])) <= unused
    (history,) = document["histories"]
    assert (history["instrument"], history["role"], history["in_store"]) == ("USDJPY", "named", True)
    assert history["series"].startswith("ecb/USDJPY/1d@")
    assert document["universe_sha256"] == universe_sha256([parse_pair("USDJPY")])
    table = forecast("data", "list", "--used-by", document["run_id"], "--home", home).stdout
    assert history["sha256"][:12] in table
    assert history["stored_sha256"][:12] in table


def test_a_version_that_is_gone_is_marked(forecast, home):
    (home / "data" / "store.sqlite").unlink()
    assert used(forecast, home)["histories"][0]["in_store"] is False
    assert "(gone)" in forecast("data", "list", "--used-by", "latest", "--home", home).stdout


def test_an_unknown_run_is_one_line(forecast, home):
    result = forecast("data", "list", "--used-by", "nobody", "--home", home)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1


def test_all_ordered_pairs_of_the_ecb():
    pairs = ordered_pairs()
    assert len(set(pairs)) == len(pairs) == 870
    assert all(first.canonical == second.canonical for first, second in zip(pairs[::2], pairs[1::2], strict=True))
    assert len(universe("ecb-all", [])) == 435
    assert listed("ecb-all").instruments == pairs


def test_a_backtest_of_a_universe_equals_that_of_its_names(forecast, tmp_path):
    folder = tmp_path / "data" / "universes"
    folder.mkdir(parents=True)
    (folder / "majors.txt").write_text("\n".join(PAIRS))
    common = ("--models", "ewma,random_walk", "--start", "2019-06-01", "--end", "2019-12-31", "--home", tmp_path)
    texts = []
    for names in (("--universe", "majors"), ("--pair", ",".join(PAIRS))):
        result = forecast("backtest", *names, *common, "--format", "json")
        assert result.exit_code == 0, result.stderr
        texts.append(json.loads(result.stdout)["rows"])
    assert texts[0] == texts[1]


@pytest.mark.slow
def test_a_training_of_a_universe_records_name_and_hash_and_forecasts_all_of_it(forecast, tmp_path):
    path = tmp_path / "majors.txt"
    path.write_text("\n".join(PAIRS))
    result = forecast("train", "--universe", path, *SMALL_NETWORK, "--end", "2019-12-31", "--home", tmp_path)
    assert result.exit_code == 0, result.stderr
    document = used(forecast, tmp_path)
    assert [history["instrument"] for history in document["histories"]] == list(PAIRS)
    assert document["universe_sha256"] == universe_sha256(listed(str(path)).instruments)
    together = forecast("predict", "--universe", path, "--home", tmp_path, "--format", "jsonl")
    assert together.exit_code == 0, together.stderr
    assert [json.loads(line)["instrument"] for line in together.stdout.splitlines()] == list(PAIRS)
