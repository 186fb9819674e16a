"""A metric that is registered in one line appears in every document, table and page."""

import csv
import io
import json

import pytest
from short_trainings import TINY

from forecaster.evaluation.registry import METRICS, Metric, metric_table

TRAIN = ("train", "--pair", "USDJPY", *TINY)
BACKTEST = ("backtest", "--pair", "USDJPY,EURUSD", "--start", "2019-01-01", "--end", "2020-12-31", "--step", "1")
MODELS = ("--models", "ewma,random_walk", *TINY)


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        METRICS, "bias", Metric("bias", "log return", "0", "mean(median - y)", lambda sample: sample.error)
    )


def test_a_new_metric_is_in_the_document_and_the_table_of_a_training(forecast) -> None:
    document = json.loads(forecast(*TRAIN, "--format", "json").stdout)
    assert all(isinstance(score["bias"], float) for score in document["scores"])
    lines = forecast(*TRAIN, "--verbose").stdout.splitlines()
    head = next(number for number, line in enumerate(lines) if line.startswith("part"))
    assert lines[head].split()[-1] == "bias"
    assert lines[head + 1].split()[-1] == f"{document['scores'][0]['bias']:.4f}"


def test_a_new_metric_is_in_the_document_the_table_and_the_csv_of_a_backtest(forecast) -> None:
    document = json.loads(forecast(*BACKTEST, *MODELS, "--format", "json").stdout)
    values = {(row["instrument"], row["model"]): row["bias"] for row in document["rows"]}
    assert values["pooled", "ewma"] == pytest.approx((values["USDJPY", "ewma"] + values["EURUSD", "ewma"]) / 2)
    table = forecast(*BACKTEST, *MODELS).stdout.splitlines()
    assert table[0].split()[-1] == "bias"
    assert table[1].split()[-1] == f"{values['pooled', 'ewma']:.4f}"
    rows = csv.DictReader(io.StringIO(forecast(*BACKTEST, *MODELS, "--format", "csv").stdout))
    assert {(row["instrument"], row["model"]): float(row["bias"]) for row in rows} == values


def test_a_new_metric_is_in_the_list_of_the_documentation() -> None:
    assert metric_table().splitlines()[-1] == "| `bias` | log return | 0 | mean(median - y) |"
