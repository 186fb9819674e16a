"""JSON documents: the keys that other programs rely on. A key may be added here, never renamed or removed."""

import itertools
import json

from documented_keys import differences
from short_trainings import TINY

from forecaster.evaluation.leakage.types import Check, Finding
from forecaster.experiments.results import AuditResult
from forecaster.output.documents import audit_document
from forecaster.output.json_keys import DOCUMENTS

SPAN = ("--start", "2020-01-01", "--end", "2020-12-31")

SCORE = (
    *("instrument", "part", "step", "n", "window", "rmse", "rmse_naive", "mae", "mae_naive"),
    *("crps", "coverage", "crps_ratio"),
)
ROW = (
    *("instrument", "model", "step", "n", "crps", "rmse", "mae", "rmse_ratio_random_walk", "mae_ratio_random_walk"),
    *("coverage", "width", "interval_score", "worst_coverage_250", "pit", "direction", "coverage_tests"),
    *("crps_ratio", "crps_ratio_interval", "dm"),
)
VERDICT = (
    *("point", "direction", "density", "coverage"),
    *("name", "model", "step", "days", "instruments", "window", "level"),
)
FINDING = ("outcome", "against", "p_value", "raw_p_value", "detectable", "unit", "text")


def document(forecast, *arguments: object) -> dict:
    result = forecast(*arguments, "--format", "json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    check_documented(arguments, document)
    return document[0] if isinstance(document, list) else document


def check_documented(arguments: tuple[object, ...], document: object) -> None:
    """Compare a document with the page that lists its keys."""
    words = itertools.takewhile(lambda word: word.isalpha() and word.islower(), map(str, arguments))
    command = f"forecast {' '.join(words)} --format json"
    if command in DOCUMENTS:
        for member in document if isinstance(document, list) else [document]:
            assert differences(command, member) == []


def check_verdict(verdict: dict) -> None:
    assert tuple(verdict) == VERDICT
    for kind in VERDICT[:4]:
        assert set(FINDING) <= set(verdict[kind])


def test_a_training(forecast) -> None:
    made = document(forecast, "train", "--pair", "USDJPY", *TINY)
    assert tuple(made) == (
        *("schema", "run_id", "instrument", "instruments", "interval", "universe", "model", "series"),
        *("backend", "device", "seconds", "parameters", "refit", "fitted_until", "data", "differences", "splits"),
        *(
            "location_steps",
            "mean_is_last_price",
            "kept_epochs",
            "accuracy",
            "scores",
            "members",
            "fallbacks_of",
            "verdict",
            "verdicts",
        ),
        *("summary", "configuration", "weights_of", "change"),
    )
    assert made["schema"] == "train/1"
    assert set(made["seconds"]) == {"data", "fit", "evaluate", "total"}
    assert [tuple(series) for series in made["data"]] == [("series", "rows", "first", "last", "sha256")]
    assert {name: tuple(part) for name, part in made["splits"].items()} == dict.fromkeys(
        ("train", "validation", "test"), ("first", "last", "rows")
    )
    assert all(set(SCORE) <= set(score) for score in made["scores"])
    check_verdict(made["verdict"])


def test_a_forecast(forecast, home) -> None:
    made = document(forecast, "predict", "--pair", "USDJPY", "--home", home)
    assert tuple(made) == (
        *("schema", "instrument", "run_id", "model", "source", "data_sha256", "in_sample", "calibrated", "refit"),
        *("cutoff", "last_price", "differences", "units", "horizon", "interval", "calendar", "median_is_last_price"),
        "drift",
        *("quantile_levels", "steps", "skill", "coverage", "configuration", "calibration", "age_days", "past_steps"),
    )
    assert made["schema"] == "forecast/1"
    step = (
        "step",
        "date",
        "mean",
        "median",
        "probability_up",
        "probability_unchanged",
        "probability_down",
        "fed_back",
        "scaled",
        "events",
        "day_size",
        "quantiles",
        "odds",
    )
    assert {tuple(one) for one in made["steps"]} == {step}
    assert {tuple(skill) for skill in made["skill"]} == {("step", "reference", "crps_ratio", "n", "window")}


def test_a_backtest(forecast) -> None:
    made = document(forecast, "backtest", "--pair", "USDJPY", *SPAN, *TINY, "--models", "ewma,garch", "--step", "1,5")
    assert tuple(made) == (
        *("schema", "id", "instruments", "models", "interval", "differences", "series", "last_cutoff", "stride"),
        *("engine", "calibrated", "data", "folds", "unscored_steps", "rows", "confidence_set", "spa"),
        *("skipped", "fallbacks", "fallbacks_of", "verdict", "verdicts"),
    )
    assert made["schema"] == "backtest/1"
    assert all(set(ROW) <= set(row) for row in made["rows"])
    row = made["rows"][0]
    assert {tuple(test) for test in row["dm"]} == {("against", "statistic", "p_value")}
    assert tuple(row["direction"]) == ("hit_rate", "n", "without_direction", "pt_p_value")
    assert tuple(made["spa"][0]) == ("step", "name", "days", "model", "against", "p_value")
    assert tuple(made["confidence_set"][0]) == ("step", "name", "days", "confidence", "models", "p_values")
    assert [tuple(fold) for fold in made["folds"]] == [("start", "end")]
    check_verdict(made["verdict"])


def test_an_audit() -> None:
    finding = Finding("forecaster/features/returns.py", "scaled_return", "2020-01-02", "differs")
    checks = [Check("features", "Features are compared.", "failed", (finding,)), Check("data", "Hashes.", "passed")]
    made = audit_document(AuditResult(["USDJPY"], "lstm", ["30 of 300 steps"], checks, [1.234, 0.5]))
    assert made == {
        "schema": "audit/1",
        "instruments": ["USDJPY"],
        "model": "lstm",
        "cheaper": ["30 of 300 steps"],
        "clean": False,
        "checks": [
            {
                "name": "features",
                "what": "Features are compared.",
                "outcome": "failed",
                "findings": [
                    {
                        "file": "forecaster/features/returns.py",
                        "column": "scaled_return",
                        "row": "2020-01-02",
                        "detail": "differs",
                    }
                ],
                "seconds": 1.23,
            },
            {"name": "data", "what": "Hashes.", "outcome": "passed", "findings": [], "seconds": 0.5},
        ],
    }


def test_stored_histories(forecast, tmp_path) -> None:
    assert forecast("data", "fetch", "--pair", "USDJPY").exit_code == 0
    version = ("series", "sha256", "rows", "first", "last", "saved_at", "added", "revised", "removed")
    shown = document(forecast, "data", "show", "ecb/USDJPY/1d")
    assert tuple(shown) == (
        *("schema", "instrument", "series", "source", "symbol", "interval", "sha256", "rows", "first", "last"),
        *("age_business_days", "columns", "last_price", "lowest", "highest", "attribution", "origin"),
        *("versions", "findings", "picture"),
    )
    assert [tuple(one) for one in shown["versions"]] == [version]
    assert {tuple(one) for one in shown["findings"]} <= {("code", "severity", "count", "dates", "text")}
    listed = document(forecast, "data", "list")
    assert [tuple(one) for one in listed["histories"]] == [
        (
            *("series", "source", "symbol", "interval", "versions", "rows", "first", "last"),
            *("age_business_days", "saved_at", "sha256"),
        )
    ]
    fetched = document(forecast, "data", "fetch", "--pair", "USDJPY")
    assert [tuple(one) for one in fetched["histories"]] == [
        ("instrument", "outcome", "version", "age_business_days", "findings", "reason")
    ]
    verified = document(forecast, "data", "verify")
    assert tuple(verified) == ("schema", "intact", "versions", "histories", "damaged", "faults")
    same = document(forecast, "data", "diff", "ecb/USDJPY/1d", "ecb/USDJPY/1d")
    assert tuple(same) == ("schema", "first", "second", "same", "added", "removed", "revised")
    pruned = document(forecast, "data", "prune", "--dry-run")
    assert tuple(pruned) == ("schema", "dry_run", "versions", "rows", "bytes", "shrunk", "kept")
    exported = document(forecast, "data", "export", "ecb/USDJPY/1d")
    assert tuple(exported) == ("schema", "series", "sha256", "columns")
    assert {one["schema"] for one in (shown, listed, fetched, verified, same, pruned, exported)} == {"data/1"}
