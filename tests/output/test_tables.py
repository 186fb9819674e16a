import copy
import csv
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table

from forecaster.data.instruments import parse_pair
from forecaster.evaluation.registry import METRICS
from forecaster.experiments.manifest import Skill
from forecaster.experiments.predictions import Prediction
from forecaster.forecast import Forecast
from forecaster.output.backtest_tables import backtest_table, hidden_line, hidden_models
from forecaster.output.comparison_tables import comparison_lines
from forecaster.output.forecast_documents import forecast_document
from forecaster.output.forecast_trust import shown_steps
from forecaster.output.run_tables import difference_lines
from forecaster.output.score_tables import score_table, training_lines
from forecaster.output.tables import (
    csv_text,
    forecast_lines,
    forecast_rows,
    forecast_table,
    forecast_title,
    interval_keys,
    skill_line,
)
from forecaster.output.training_summary import density_text, held_text
from forecaster.quantiles import SCORING_LEVELS, normal_scores

SCORE = {
    "instrument": "USDJPY",
    "part": "test",
    "step": 1,
    "n": 749,
    "rmse": 0.9294249,
    "rmse_naive": 0.9294249,
    "mae": 0.6492,
    "mae_naive": 0.6492,
    "rmse_return": 0.9294249e-4,
    "rmse_return_naive": 0.9294249e-4,
    "mae_return": 0.6492e-4,
    "mae_return_naive": 0.6492e-4,
    "crps": {"lstm": 30.961e-4, "ewma": 31.24e-4, "random_walk": 31.456e-4},
    "coverage": {"0.8": 0.8304, "0.95": 0.9493},
}
TRAINED = {
    "model": "lstm",
    "parameters": 14756,
    "interval": "1d",
    "universe": "currencies",
    "series": 136,
    "instruments": ["USDJPY"],
    "seconds": {"total": 12.04, "fit": 9.96},
    "location_steps": [],
    "summary": [],
    "refit": False,
    "differences": False,
    "fitted_until": "2021-12-13",
    "fallbacks_of": {},
    "run_id": "20261030-usdjpy-3fa9c1",
    "verdict": None,
}


def rendered(table: Table) -> list[str]:
    console = Console(file=io.StringIO(), width=1000, color_system=None)
    with console.capture() as caught:
        console.print(table)
    return caught.get().rstrip().splitlines()


def document(last: float = 157.2503, own_steps: int = 3, pair: str = "USDJPY", **asked: Any) -> dict[str, Any]:
    """What `predict` would print for three days around `last`."""
    steps = np.arange(1, 4)
    scaled = 0.006 * np.sqrt(steps)[:, None] * normal_scores(SCORING_LEVELS)
    days = np.datetime64("2026-10-30") + steps
    forecast = Forecast(pair, np.datetime64("2026-10-30"), last, days, SCORING_LEVELS, scaled, own_steps)
    made = Prediction(
        parse_pair(pair), forecast, "run-1", "lstm", "ecb", "77ae", "ECB holidays", False, False, False, False,
        [Skill(step, "ewma", 1 - step / 1000, 749, ("2023-11-22", "2026-10-29")) for step in (1, 20)],
    )  # fmt: skip
    return forecast_document(made, **asked)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.9294249, "0.92942"),
        (0.00004110234, "0.000041102"),
        (1.41094, "1.4109"),
        (157.2503, "157.25"),
        (12345.678, "12,346"),
        (9876543.2, "9,876,543"),
        (0.0, "0"),
    ],
)
def test_errors_have_five_digits_and_no_exponent_whatever_the_price(value: float, text: str) -> None:
    row = rendered(score_table([{**SCORE, "rmse_return": value / 1e4, "mae_return": 0.5}], "lstm"))[1]
    assert row.split()[3] == text


@given(st.floats(1e-5, 1e9))
def test_errors_can_be_read_back_to_four_digits(value: float) -> None:
    row = rendered(score_table([{**SCORE, "rmse_return": value / 1e4}], "lstm"))[1]
    assert float(row.split()[3].replace(",", "")) == pytest.approx(value, rel=1e-4)


def test_scores_stand_under_their_heads_in_basis_points_and_percent() -> None:
    head, row = rendered(score_table([SCORE], "lstm"))
    heads = "part days cutoffs RMSE today MAE today CRPS lstm ewma random_walk in 80 % in 95 %"
    assert " ".join(head.split()) == heads
    assert " ".join(row.split()) == "test 1 749 0.92942 0.92942 0.64920 0.64920 30.96 31.24 31.46 83.0% 94.9%"
    assert len(head) == len(row), "numbers end where their heads end"


def test_the_evaluated_model_comes_first() -> None:
    scores = {"ewma": 1e-4, "classic": 2e-4}
    head, row = rendered(score_table([{**SCORE, "crps": scores}], "classic"))
    assert "CRPS classic  ewma" in head
    assert row.index("2.00") < row.index("1.00")


def test_instruments_are_named_only_where_there_are_several() -> None:
    assert "instrument" not in rendered(score_table([SCORE, SCORE], "lstm"))[0]
    head, first, second = rendered(score_table([SCORE, {**SCORE, "instrument": "EURCHF"}], "lstm"))
    assert head.startswith("instrument")
    assert (first.split()[0], second.split()[0]) == ("USDJPY", "EURCHF")


@pytest.mark.parametrize(
    ("steps", "line"),
    [
        ([], "median: the last price; the validation supports no direction"),
        ([1, 5], "median: differs from the last price at 1, 5 days, where the validation supports it"),
    ],
)
def test_training_says_where_the_median_lies(steps: list[int], line: str) -> None:
    assert line in training_lines({**TRAINED, "location_steps": steps})


@pytest.mark.parametrize(("drift", "direction"), [(0.001, "rises"), (-0.001, "falls")])
def test_training_and_forecast_name_a_drift(drift: float, direction: str) -> None:
    line = f"median: {direction} with a drift that past prices of USDTRY support"
    entries = [{"instrument": "USDJPY", "drift": 0.0}, {"instrument": "USDTRY", "drift": drift}]
    lines = training_lines({**TRAINED, "summary": entries})
    assert [text for text in lines if "drift" in text] == [line]


def test_a_model_without_a_location_output_says_nothing_of_its_median() -> None:
    lines = training_lines({**TRAINED, "location_steps": None})
    assert not any(line.startswith("median") for line in lines)
    assert lines[-2:] == [
        "run: 20261030-usdjpy-3fa9c1",
        "weights: fitted on rows up to 2021-12-13; --refit fits again on all rows",
    ]


def test_training_names_the_baselines_that_did_not_converge() -> None:
    lines = training_lines({**TRAINED, "fallbacks_of": {"garch": ["EURCZK", "EURDKK"]}})
    assert "garch: did not converge or had too few rows for EURCZK, EURDKK, and used substitute parameters" in lines


def test_a_refit_says_what_its_scores_are_of() -> None:
    assert training_lines({**TRAINED, "refit": True})[-1] == (
        "refit: fitted again on all rows up to 2021-12-13; the scores are those of the fit before"
    )
    (line,) = skill_line({**document(), "refit": True})
    assert "test rows before the refit" in line


def test_training_says_what_was_learned_and_how_long_it_took() -> None:
    text = "\n".join(training_lines(TRAINED))
    assert "lstm: 14,756 weights, trained on 136 series; 12.0 s in total, 10.0 s of training" in text
    assert '"tomorrow = today"' in text


@pytest.mark.parametrize(
    ("last", "pair", "median"),
    [(157.2503, "USDJPY", "157.250"), (0.00635929, "JPYUSD", "0.00635929"), (25123.4, "USDIDR", "25123.4")],
)
def test_prices_have_six_digits_in_title_and_table(last: float, pair: str, median: str) -> None:
    one = document(last, pair=pair)
    assert f"{pair} after 2026-10-30 at {median} (price; ECB holidays; raw intervals)" == forecast_title(one)
    rows = rendered(forecast_table(one, [0.8]))
    assert rows[1].split()[:2] == ["2026-10-31", median]
    assert len({len(row.rstrip()) for row in rows}) == 1, "columns end at one place"


def test_an_in_sample_forecast_says_so_in_its_title() -> None:
    assert forecast_title({**document(), "in_sample": True}).endswith("; in-sample; raw intervals)")


def test_a_calibrated_forecast_says_so_in_its_title() -> None:
    assert forecast_title({**document(), "calibrated": True}).endswith("; calibrated)")
    assert "calibrated" not in forecast_title(document())


@pytest.mark.parametrize(
    ("units", "interval"),
    [
        ("price", "156.046 to 158.464"),
        ("return", "-0.77% to +0.77%"),
        ("pips", "-120.5 to +121.4"),
    ],
)
def test_intervals_are_written_in_the_asked_units(units: Any, interval: str) -> None:
    one = document(units=units)
    first = rendered(forecast_table(one, [0.8]))[1]
    assert interval in first
    assert first.split()[-1] == "50.0%"


def test_every_asked_level_has_a_column_and_wider_ones_hold_narrower_ones() -> None:
    one = document(intervals=[0.5, 0.9])
    head, first, *_ = rendered(forecast_table(one, [0.5, 0.9]))
    assert ("50 %" in head, "90 %" in head) == (True, True)
    low, high, wide_low, wide_high = (float(word) for word in first.split()[2:8] if word != "to")
    assert wide_low < low < high < wide_high


def test_recursive_steps_are_marked_and_others_are_not() -> None:
    assert not any("*" in row for row in rendered(forecast_table(document(), [0.8])))
    recursive = document(own_steps=1)
    _, *rows = rendered(forecast_table(recursive, [0.8]))
    assert ["*" in row for row in rows] == [False, True, True]
    assert "*: later than day 1, the horizon of the run; recursive" in " ".join(forecast_lines(recursive, [0.8], False))


@pytest.mark.parametrize(
    ("odds", "shown"),
    [
        ((), [1, 2, 3, 4, 5, 10, 15, 20]),
        (("above_160",), [1, 2, 3, 4, 5, 10, 15, 20]),
        (("above_1.15",), [1, 5, 10, 20]),
        (("above_160", "below_150"), [1, 5, 10, 20]),
    ],
)
def test_a_table_of_several_prices_shows_fewer_days(odds: tuple[str, ...], shown: list[int]) -> None:
    long = {"steps": [{"step": step, "odds": dict.fromkeys(odds, 0.5)} for step in range(1, 21)]}
    assert [step["step"] for step in shown_steps(long, every_step=False)] == shown
    assert len(shown_steps(long, every_step=True)) == 20


def test_skill_is_told_for_each_baseline() -> None:
    (line,) = skill_line(document())
    assert line.startswith("skill: CRPS over that of ewma")
    assert line.endswith("0.9990 at 1, 0.9800 at 20 days")


@pytest.mark.parametrize("skill", [None, []])
def test_an_instrument_that_was_not_scored_says_so(skill: list[Any] | None) -> None:
    (line,) = skill_line({**document(), "skill": skill})
    assert "did not score" in line


@pytest.mark.parametrize(
    ("level", "keys"),
    [
        (0.8, ("0.1", "0.9")),
        (0.95, ("0.025", "0.975")),
        (0.9, ("0.05", "0.95")),
        (0.5, ("0.25", "0.75")),
        (0.999, ("0.0005", "0.9995")),
    ],
)
def test_interval_keys_are_the_keys_of_a_document(level: float, keys: tuple[str, str]) -> None:
    assert interval_keys(level) == keys
    assert set(keys) <= set(document(intervals=[level])["steps"][0]["quantiles"])


@given(st.integers(1, 999))
def test_interval_keys_find_every_level_that_can_be_asked_for(permille: int) -> None:
    low, high = interval_keys(permille / 1000)
    assert float(low) + float(high) == pytest.approx(1)
    assert float(high) - float(low) == pytest.approx(permille / 1000)


def test_csv_has_one_row_a_day_with_every_quantile_at_full_precision() -> None:
    one = document(own_steps=1, intervals=[0.8, 0.95])
    read = list(csv.DictReader(io.StringIO(csv_text(forecast_rows(one)))))
    assert [row["step"] for row in read] == ["1", "2", "3"]
    assert {row["instrument"] for row in read} == {"USDJPY"}
    for row, step in zip(read, one["steps"], strict=True):
        assert row["date"] == step["date"]
        assert float(row["median"]) == step["median"]
        assert {key: float(row[f"q{key}"]) for key in step["quantiles"]} == step["quantiles"]


def test_csv_rows_hold_what_the_document_holds_and_leave_it_alone() -> None:
    one = document()
    before = copy.deepcopy(one)
    rows = forecast_rows(one)
    first = "instrument run_id model configuration source frequency cutoff last_price units calibrated in_sample step"
    assert " ".join(list(rows[0])[:12]) == first
    assert one == before
    assert forecast_rows({**one, "steps": []}) == []


def test_csv_quotes_what_must_be_quoted_and_ends_without_an_empty_line() -> None:
    text = csv_text([{"name": 'a,"b"', "value": 1.5}, {"name": "c", "value": None}])
    assert text == 'name,value\n"a,""b""",1.5\nc,'


def test_csv_of_nothing_is_empty() -> None:
    assert csv_text([]) == ""


def test_csv_refuses_rows_of_two_shapes() -> None:
    with pytest.raises(ValueError, match="fields not in fieldnames"):
        csv_text([{"a": 1}, {"b": 2}])


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-1", "@x", "\t=1"])
def test_a_text_cell_is_no_formula(text: str) -> None:
    rows = [{"instrument": text, "mean": -1.5, "step": -2}]
    (row,) = csv.DictReader(io.StringIO(csv_text(rows), newline=""))
    assert row == {"instrument": f"'{text}", "mean": "-1.5", "step": "-2"}
    assert csv_text([{"instrument": "^GSPC"}]) == "instrument\n^GSPC"


# --- backtests and summaries with several opponents ------------------------------------------------------------------

OPPONENTS = {
    "garch": 0.997,
    "har": 0.998,
    "combination": 0.9985,
    "panel_har": 0.9992,
    "ewma": 0.99,
    "random_walk": None,
}


def backtest_of(opponents: Mapping[str, float | None]) -> dict[str, Any]:
    """What a backtest document says of its models at two steps, as far as a table reads it."""
    values: dict[str, Any] = dict.fromkeys(METRICS)
    rows = [
        {
            "instrument": "USDJPY", "model": model, "step": step, "n": 250, **values,
            "crps_ratio": opponents if model == "lstm" else {}, "dm": [],
        }
        for step in (1, 20) for model in ("lstm", *opponents)
    ]  # fmt: skip
    return {"rows": rows, "models": ["lstm", *opponents], "verdict": {"model": "lstm", "name": "USDJPY"}}


def test_a_short_table_has_the_opponents_that_come_closest() -> None:
    document = backtest_of(OPPONENTS)
    assert hidden_models(document) == ("garch", "ewma", "random_walk")
    lines = rendered(backtest_table(document, every_model=False))
    shown = ["lstm", "har", "combination", "panel_har"]
    assert [line.split()[0 if not line[0].isdigit() else 1] for line in lines[1:] if line.strip()] == 2 * shown
    assert max(map(len, lines)) <= 80
    assert len(rendered(backtest_table(document))) == 2 * 7 + 2
    assert hidden_models(backtest_of({"garch": 1.0, "ewma": 0.9})) == ()


def test_an_opponent_that_a_short_table_leaves_out_is_named_where_it_is_ahead() -> None:
    document = {**backtest_of(OPPONENTS), "interval": "1d"}
    words = "not in the table: garch (--verbose), on average weaker than the baselines in it"
    assert hidden_line(document, ["garch"]) == [words]
    document["rows"][len(OPPONENTS) + 1]["crps_ratio"] = {**OPPONENTS, "garch": 1.01}
    assert hidden_line(document, ["garch"]) == [f"{words}; ahead of lstm: garch at 20 days"]
    assert hidden_line(document, []) == []


def test_a_summary_counts_many_opponents() -> None:
    claim = {
        "untestable": None, "baselines": list(OPPONENTS), "against": "har", "outcome": "better", "best": "panel_har",
        "crps_ratio": OPPONENTS, "p_value": 0.001, "text": "",
    }  # fmt: skip
    assert density_text(claim) == "better than all 6, 0.08 % lower CRPS than the panel regression"
    few = {**claim, "baselines": ["garch", "ewma"], "best": "garch"}
    assert density_text(few) == "better than GARCH and EWMA, 0.30 % lower CRPS than the best"


@pytest.mark.parametrize(
    ("outcome", "judged", "words"),
    [
        ("too_few_rows", 0.8, ", too few to tell"),
        ("consistent", 0.8, " times"),
        ("too_narrow", 0.8, " times, too narrow"),
        ("too_wide", 0.95, " times, 95 % too wide"),
    ],
)
def test_a_summary_counts_the_ranges_that_held(outcome: str, judged: float, words: str) -> None:
    row = {"held": 0.41, "n": 1380, "outcome": outcome, "judged_level": judged}
    assert str(held_text(row, 0.8, count=True)) == f"41 % of 1,380{words}"


def test_a_comparison_says_whether_the_best_run_is_luck() -> None:
    sets = {1: ["a", "b", "garch"], 5: ["a", "c"], 20: None}
    document: dict[str, Any] = {
        **{"interval": "1d", "reference": "garch", "instruments": ["USDJPY"], "source": "ecb"},
        "samples": [{"step": step, "n": 9, "window": ["2020-01-01", "2020-02-01"]} for step in sets],
        "confidence_set": [{"step": step, "confidence": 0.9, "models": models} for step, models in sets.items()],
        "models": [{"model": name, "run_id": name, "configuration": "quick"} for name in ("a", "b", "c")],
        **{"differences": [], "left_out": {}},
    }
    luck = [line for line in comparison_lines(document) if line.startswith("luck")]
    assert luck == [
        "luck: b is worse than the best by more than chance at step 5",
        "luck: c is worse than the best by more than chance at step 1",
    ]
    sets[1].append("c")  # type: ignore[union-attr]
    sets[5].append("b")  # type: ignore[union-attr]
    assert "luck: the differences between the runs may be chance" in comparison_lines(document)


def test_scores_of_different_rows_are_not_compared() -> None:
    score = {"metric": "crps@1", "values": [0.002, 0.003], "change": 0.001}
    document: dict[str, Any] = {
        "runs": [{"run_id": "first"}, {"run_id": "second"}],
        "differences": [{"subject": "instruments", "values": ["c3", "c4"]}],
        "scores": [score] * 15,
        "same_test_rows": False,
    }
    assert difference_lines(document) == [
        "3 more metrics: forecast runs diff first second --format json",
        "the runs were tested on different rows, so their scores do not say which of them is better",
    ]
    assert difference_lines({**document, "same_test_rows": True, "scores": [score]}) == [
        "better, or luck? forecast compare first second tests it"
    ]
    assert difference_lines({**document, "differences": [], "scores": []}) == ["the runs do not differ"]
