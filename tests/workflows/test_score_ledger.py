"""Grades of the ledger: the forecasts as issued, the outcomes of today."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from documented_keys import differences, missing
from toy_ledgers import DAYS, SCALE, SCORES, VOLATILITY, clock_of, entry, integers, price_file, prices, write_ledger

import forecaster
from forecaster.data.series import PriceSeries
from forecaster.environment import Environment
from forecaster.errors import DamageError, InputFileError, NotEnoughDataError
from forecaster.evaluation.comparison import losses_by_name
from forecaster.evaluation.daily_losses import OutOfSample
from forecaster.evaluation.verdict import verdict
from forecaster.experiments.ledger import append_entries
from forecaster.experiments.ledger_grades import LedgerGrades
from forecaster.output.ledger_grade_documents import grade_lines, ledger_grade_document

CLOSE = prices()
N = 60  # forecasts


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a price file up to the last forecast and three rows more, and its ledger."""
    home = tmp_path_factory.mktemp("home")
    price_file(home / "toy.csv", CLOSE[: N + 3])
    series = forecaster.load_history(csv=home / "toy.csv", home=home)
    hashes = [series.between(end=day).sha256 for day in DAYS[:N]]
    write_ledger(home / "ledger.jsonl", [entry(row, CLOSE, data_sha256=hashes[row]) for row in range(N)])
    return home


def graded(home: Path, **keywords: Any) -> LedgerGrades:
    environment = Environment(home=home, clock=clock_of("2019-06-01"))
    return forecaster.score_ledger(environment=environment, **{"csv": home / "toy.csv", **keywords})


def test_grades_are_those_of_the_same_forecasts_in_a_backtest(project: Path) -> None:
    grades = graded(project)
    (forecaster_grades,) = grades.forecasters
    rows = np.arange(N)
    widths = {"lstm": 1.0, "garch": 1.1, "random_walk": 1.5}
    quantiles = {name: VOLATILITY * width * np.repeat(SCORES[None], N, 0) for name, width in widths.items()}
    sample = OutOfSample("toy", 1, DAYS[:N], np.log(CLOSE[rows + 1] / CLOSE[rows]), quantiles)
    losses = losses_by_name([sample], "lstm")["toy"]
    for name in widths:
        assert forecaster_grades.losses[1]["toy"].crps[name] == pytest.approx(losses.crps[name], rel=1e-6)
    expected = verdict(losses, [forecaster_grades.losses[5]["toy"]])
    for kind in ("density", "coverage"):
        assert forecaster_grades.verdict[kind].p_value == pytest.approx(expected[kind].p_value, abs=1e-6)
    counts = {(row.model, row.step): row.n for row in forecaster_grades.scores}
    assert counts == {(name, step): N if step == 1 else N - 2 for name in widths for step in (1, 5)}
    assert (grades.forecasts, grades.graded, grades.pending) == (N, N, 0)
    assert (grades.scored, grades.due_later) == (2 * N - 2, 2)
    assert (grades.checked, dict(grades.changed), dict(grades.revised)) == (3, {}, {})


def test_months_add_up_to_the_whole(project: Path) -> None:
    (forecaster_grades,) = graded(project).forecasters
    months = [month for month in forecaster_grades.months if month.step == 1]
    assert [month.month for month in months] == ["2019-01", "2019-02", "2019-03"]
    assert sum(month.n for month in months) == N
    inside = sum(month.n * month.coverage["0.8"] for month in months) / N
    assert inside == pytest.approx(forecaster_grades.scores[0].metrics["coverage"]["0.8"])


def test_the_document_is_documented_and_the_same_from_a_copy(project: Path, tmp_path: Path) -> None:
    documents = []
    for home in (project, tmp_path / "elsewhere"):
        if home != project:
            home.mkdir()
            for name in ("ledger.jsonl", "toy.csv"):
                shutil.copy(project / name, home / name)
        documents.append(ledger_grade_document(graded(home)) | {"file": "ledger.jsonl"})
    assert documents[0] == documents[1]
    command = "forecast score --format json"
    assert differences(command, documents[0]) == []
    absent = {
        "alarms",
        "ungraded",
        "other_frequencies",
        "revised",
        "changed_histories",
        "crps_ratio_worst",
        "interval.",
    }
    lacking = missing(command, documents[:1])
    assert [path for path in lacking if not any(name in path for name in absent) and "verdict" not in path] == []


def test_what_is_not_graded_is_counted_and_the_first_forecast_of_a_day_counts(project: Path, tmp_path: Path) -> None:
    forecasts = [entry(0, CLOSE), entry(0, CLOSE, quantiles=[[0] * 9] * 5), entry(1, CLOSE, cutoff="2019-01-02")]
    forecasts += [entry(2, CLOSE, instrument="other"), entry(3, CLOSE, frequency="1wk"), entry(62, CLOSE)]
    path = write_ledger(tmp_path / "ledger.jsonl", forecasts)
    late = entry(5, CLOSE, dates=[str(DAYS[64])] * 5)  # of an old row, with days that seem to come
    append_entries(path, [late], clock_of(DAYS[63]))
    price_file(tmp_path / "toy.csv", np.delete(CLOSE[:63], 1))
    text = (tmp_path / "toy.csv").read_text(encoding="utf-8").splitlines()
    days = [str(day) for day in np.delete(DAYS[:63], 1)]
    rows = [f"{day},{line.split(',')[1]}" for day, line in zip(days, text[1:], strict=True)]
    (tmp_path / "toy.csv").write_text("\n".join(["date,close", *rows]) + "\n", encoding="utf-8")
    grades = forecaster.score_ledger(csv=tmp_path / "toy.csv", ledger=tmp_path / "ledger.jsonl", home=project)
    assert {(each.instrument, each.reason): each.n for each in grades.ungraded} == {
        ("toy", "repeated"): 1,
        ("toy", "no_row"): 1,
        ("toy", "known"): 1,
    }
    assert grades.forecasts == 6
    assert dict(grades.other_frequencies) == {"1wk": 1}
    assert (grades.graded, grades.pending) == (1, 1)
    assert grades.forecasters[0].scores[0].metrics["crps"] > 0
    assert dict(grades.changed) == {"toy": 1}
    lines = "\n".join(grade_lines(ledger_grade_document(grades)))
    assert "not graded: 1 of toy: another forecast from the same row was logged before" in lines
    assert "--frequency 1wk" in lines
    with pytest.raises(NotEnoughDataError, match="name it with --csv FILE"):
        forecaster.score_ledger(ledger=tmp_path / "ledger.jsonl", home=project)


def test_a_span_of_days_does_not_make_a_second_forecast_the_first(project: Path, tmp_path: Path) -> None:
    """Issued on a Friday evening, and once more on Sunday from the same row."""
    path = write_ledger(tmp_path / "ledger.jsonl", [entry(row, CLOSE) for row in range(4)])
    append_entries(path, [entry(3, CLOSE, quantiles=[[0] * 9] * 5)], clock_of("2019-01-06"))
    write_ledger(path, [entry(row, CLOSE) for row in range(4, 10)])
    grades = graded(project, ledger=path, since="2019-01-05")
    assert (grades.forecasts, grades.graded) == (6, 6)
    assert graded(project, ledger=path, since="2019-01-04").forecasts == 8


def test_a_revised_price_is_reported_and_the_logged_one_is_graded(project: Path, tmp_path: Path) -> None:
    shutil.copy(project / "ledger.jsonl", tmp_path / "ledger.jsonl")
    revised = CLOSE[: N + 3].copy()
    revised[10] *= 1.004
    price_file(tmp_path / "toy.csv", revised)
    grades = graded(tmp_path)
    assert dict(grades.revised) == {"toy": 1}
    assert dict(grades.changed) == {"toy": 3}
    before = graded(project).forecasters[0].losses[1]["toy"]
    after = grades.forecasters[0].losses[1]["toy"]
    ratio = after.crps["lstm"] / before.crps["lstm"]  # losses are in units of the mean move
    changed = np.abs(ratio / np.median(ratio) - 1) > 0.01
    assert np.flatnonzero(changed).tolist() == [9]  # the outcome of the day before; not the forecast from this price
    assert "graded from the logged price" in "\n".join(grade_lines(ledger_grade_document(grades)))


def test_the_inverse_quotation_is_graded_as_the_pair(tmp_path: Path) -> None:
    """Forecasts of JPYUSD mirror those of USDJPY: the same grades."""
    series = forecaster.load_history(pair="USDJPY", home=tmp_path, start="2019-01-01", end="2019-06-28")
    grades = []
    for name, sign in (("USDJPY", 1), ("JPYUSD", -1)):
        forecasts = [_pair_entry(series, row, name, sign) for row in range(40)]
        path = write_ledger(tmp_path / f"{name}.jsonl", forecasts)
        grades.append(forecaster.score_ledger(ledger=path, pair="USDJPY", home=tmp_path))
    straight, inverse = (each.forecasters[0].losses[1]["USDJPY"] for each in grades)
    assert inverse.crps["lstm"] == pytest.approx(straight.crps["lstm"], rel=1e-6)
    assert inverse.crps["garch"] == pytest.approx(straight.crps["garch"], rel=1e-6)
    assert dict(grades[1].revised) == {}


def _pair_entry(series: PriceSeries, row: int, name: str, sign: int) -> dict[str, Any]:
    """A skewed forecast, as the market writes the pair or the other way round."""
    values = np.multiply.outer(np.sqrt(np.arange(1, 6)), 0.004 * SCORES + 0.001 * (SCORES > 1))
    values = values if sign > 0 else -values[:, ::-1]
    last = float(series.close[row])
    return entry(0, CLOSE) | {
        "instrument": name,
        "kind": "pair",
        "source": "ecb",
        "data": {"start": "2019-01-01"},
        "cutoff": str(series.dates[row]),
        "last_price": last if sign > 0 else 1 / last,
        "dates": (series.dates[row] + np.arange(1, 6)).astype(str).tolist(),
        "quantiles": integers(values / SCALE),
        "baselines": {"garch": integers(1.1 * values[[0, 4]] / SCALE)},
    }


def test_a_ledger_that_is_missing_or_not_sound_or_has_nothing_due_is_refused(project: Path, tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="no such ledger"):
        forecaster.score_ledger(home=tmp_path)
    with pytest.raises(NotEnoughDataError, match="no forecast of these instruments and days"):
        graded(project, since="2030-01-01")
    path = write_ledger(tmp_path / "falling.jsonl", [entry(0, CLOSE, quantiles=[list(range(9, 0, -1))] * 5)])
    with pytest.raises(DamageError, match="quantiles that decrease"):
        graded(project, ledger=path)
    path = write_ledger(tmp_path / "ledger.jsonl", [entry(N + 2, CLOSE)])
    with pytest.raises(NotEnoughDataError, match="has come true yet"):
        graded(project, ledger=path)
    path.write_bytes((project / "ledger.jsonl").read_bytes() * 2)
    with pytest.raises(DamageError, match="line 61: it repeats line 1"):
        graded(project, ledger=path)


def test_dividends_and_splits_change_past_prices_and_no_grade(tmp_path: Path) -> None:
    """A stock that has split since: its past closes are halved, its returns are the same."""
    frames = []
    for factor in (1.0, 0.5):
        close = factor * CLOSE[:50]
        adjusted = close * np.where(np.arange(50) < 30, 0.99, 1.0)  # a dividend on the thirtieth day
        frames.append(pd.DataFrame({"close": close, "adj_close": adjusted}, index=pd.DatetimeIndex(DAYS[:50])))
    facts = {"instrument": "stock", "kind": "memory", "source": "memory"}
    path = write_ledger(tmp_path / "ledger.jsonl", [entry(row, CLOSE, **facts) for row in range(40)])
    keywords = {"ledger": path, "name": "stock", "home": tmp_path}
    before, after = (forecaster.score_ledger(history=frame, **keywords) for frame in frames)
    assert dict(before.revised) == {}
    assert dict(after.revised) == {"stock": 40}
    losses = [grades.forecasters[0].losses[1]["stock"].crps["lstm"] for grades in (before, after)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-9)
    assert len(losses[0]) == 40


def test_price_changes_are_graded_apart_from_returns_in_their_own_unit(tmp_path: Path) -> None:
    """One model has forecast a price and a spread: their losses have different units, and no common mean."""
    price_file(tmp_path / "toy.csv", CLOSE[:25])
    price_file(tmp_path / "gap.csv", CLOSE[:25] - 100)
    gap = {"instrument": "gap", "unit": "change", "data": {"differences": True}, "scale": 100 * SCALE}
    entries = [each for row in range(20) for each in (entry(row, CLOSE), {**entry(row, CLOSE - 100), **gap})]
    path = write_ledger(tmp_path / "ledger.jsonl", entries)
    document = ledger_grade_document(graded(tmp_path, csv=[tmp_path / "toy.csv", tmp_path / "gap.csv"], ledger=path))
    assert {each["differences"]: each["instruments"] for each in document["forecasters"]} == {
        False: ["toy"],
        True: ["gap"],
    }
    crps = [next(row["crps"] for row in each["rows"] if row["model"] == "lstm") for each in document["forecasters"]]
    assert sorted(crps)[1] == pytest.approx(100 * sorted(crps)[0], rel=0.1)  # prices about 100
    lines = "\n".join(grade_lines(document))
    assert "CRPS in 1/10,000 of the unit of the price (gap) or basis points of the return (toy) over the days" in lines
