"""Files of --out, and the probabilities of --above, --below and --between."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from documented_keys import differences, missing

from forecaster.errors import StorageError
from forecaster.forecast import Forecast, PriceTargets
from forecaster.output.result_files import html_page
from forecaster.output.workbook_file import workbook_bytes
from forecaster.quantiles import SCORING_LEVELS, normal_scores

ROW_FACTS = {"frequency", "last_price", "calibrated", "run_id", "model", "cutoff", "source", "units"}


def predicted(forecast, home: Path, *arguments: object):
    result = forecast("predict", "USDJPY", "--horizon", "3", "--home", home, *arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_json_is_a_list_and_its_flat_form_equals_the_csv(forecast, home):
    documents = json.loads(predicted(forecast, home, "--format", "json"))
    assert [document["schema"] for document in documents] == ["forecast/1"]
    flat = pd.DataFrame(json.loads(predicted(forecast, home, "--format", "json-flat", "--above", "160")))
    text = predicted(forecast, home, "--format", "csv", "--above", "160")
    table = pd.read_csv(io.StringIO(text), keep_default_na=False)  # days without an event have an empty text
    pd.testing.assert_frame_equal(flat, table)
    rows = json.loads(predicted(forecast, home, "--format", "json-flat", "--above", "160"))
    assert [differences("forecast predict --format json-flat", row) for row in rows] == [[], [], []]
    assert missing("forecast predict --format json-flat", rows) == []
    assert (
        missing(
            "forecast predict --format json", [*documents, {"steps": [{"odds": {"above_1": 0.5}, "events": ["Fed"]}]}]
        )
        == []
    )
    assert set(table.columns) > ROW_FACTS
    assert (table["frequency"] == "1d").all()
    assert table["last_price"].nunique() == 1
    assert table["calibrated"].dtype == bool


@pytest.mark.parametrize("ending", ["csv", "json", "xlsx", "html", "txt"])
def test_the_ending_of_a_file_decides_about_its_format(forecast, home, tmp_path, ending):
    path = tmp_path / f"f.{ending}"
    assert predicted(forecast, home, "--out", path) == ""
    rows = list(csv.DictReader(io.StringIO(predicted(forecast, home, "--format", "csv"))))
    if ending == "csv":
        assert list(csv.DictReader(io.StringIO(path.read_text()))) == rows
    elif ending == "json":
        assert len(json.loads(path.read_text())[0]["steps"]) == 3
    elif ending == "xlsx":
        sheet = openpyxl.load_workbook(path).active
        header, *cells = sheet.iter_rows(values_only=True)
        assert sheet.cell(2, header.index("probability_up") + 1).number_format == "0.0%"
        assert list(header) == list(rows[0])
        frame = pd.DataFrame(cells, columns=header)
        assert np.allclose(frame["median"].astype(float), [float(row["median"]) for row in rows])
        assert [day.date().isoformat() for day in frame["date"]] == [row["date"] for row in rows]
    elif ending == "html":
        text = path.read_text()
        assert text.count("<tr>") == 4
        assert "http" not in text
        assert "<script" not in text
    else:
        assert path.read_text() == predicted(forecast, home, "--format", "table")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("f.dat", (), "names no format; expected one of .csv, .json, .jsonl, .xlsx, .html"),
        ("f", (), "names no format"),
        (
            "f.png",
            (),
            "names no format; expected one of .csv, .json, .jsonl, .xlsx, .html, .txt; pictures: forecast plot",
        ),
        ("f.xls", (), "did you mean .xlsx?"),
        ("f.csv", ("--format", "json"), "contradict each other"),
        ("f.xlsx", ("--format", "csv"), "contradict each other"),
        ("f.png", ("--format", "csv"), "names another kind of file"),
    ],
)
def test_a_file_of_another_format_is_refused_before_any_work(forecast, home, tmp_path, name, options, message):
    result = forecast("predict", "USDJPY", "--home", home, "--out", tmp_path / name, *options)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert message in line
    assert not (tmp_path / name).exists()


def test_json_flat_goes_into_a_json_file(forecast, home, tmp_path):
    predicted(forecast, home, "--format", "json-flat", "--out", tmp_path / "f.json")
    assert [row["step"] for row in json.loads((tmp_path / "f.json").read_text())] == [1, 2, 3]


def test_a_history_is_exported_as_its_ending_says(forecast, tmp_path):
    prices = tmp_path / "=cmd.csv"
    prices.write_text("date,close\n" + "".join(f"2024-01-{day:02},{day}.5\n" for day in range(1, 29)))
    for ending in ("csv", "json", "xlsx", "html"):
        result = forecast("data", "export", prices, "--out", tmp_path / f"x.{ending}", "--home", tmp_path)
        assert result.exit_code == 0, result.stderr
    _, first, *_ = openpyxl.load_workbook(tmp_path / "x.xlsx").active.iter_rows(values_only=True)
    assert (first[0].date().isoformat(), first[1]) == ("2024-01-01", 1.5)
    assert forecast("data", "export", prices, "--out", tmp_path / "x.doc", "--home", tmp_path).exit_code == 2


def test_probabilities_stand_in_table_and_json(forecast, home):
    (document,) = json.loads(
        predicted(forecast, home, "--format", "json", "--above", "150,160", "--below", "150", "--between", "150,160")
    )
    odds = document["steps"][2]["odds"]
    assert list(odds) == ["above_150", "above_160", "below_150", "between_150_160"]
    assert odds["above_150"] == pytest.approx(1 - odds["below_150"])
    assert odds["between_150_160"] == pytest.approx(odds["above_150"] - odds["above_160"])
    assert 0 < odds["above_160"] < odds["above_150"] < 1
    lines = predicted(forecast, home, "--above", "160", "--between", "150:160", "--between", "160:165").splitlines()
    heads = next(line for line in lines if line.startswith("date"))
    assert heads.split("up")[1].split()[:8] == [">", "160", "150", "to", "160", "160", "to", "165"]


@pytest.mark.parametrize(
    "options",
    [("--above", "x"), ("--above", "inf"), ("--between", "160,150"), ("--between", "150"), ("--between", "1,2,3")],
)
def test_what_is_no_price_is_refused(forecast, home, options):
    result = forecast("predict", "USDJPY", "--home", home, *options)
    assert result.exit_code == 2
    assert "expected" in result.stderr


def example(unchanged: float | None = None, *, changes: bool = False) -> Forecast:
    """One step of a normal distribution with a standard deviation of 0.1 around the last price 100."""
    return Forecast(
        "X",
        np.datetime64("2024-01-01"),
        100.0,
        np.array(["2024-01-02"], dtype="datetime64[D]"),
        SCORING_LEVELS,
        0.1 * normal_scores(SCORING_LEVELS)[None, :],
        1,
        None if unchanged is None else np.array([unchanged]),
        changes,
    )


def test_pages_and_workbooks_hold_visible_characters_alone() -> None:
    rows = [{"name\x1b[31m": "a\x9b\u202e\ufffe\udcff<b>"}]
    page = html_page("t\x07", [("h\x07", rows, ["l\x07"])])
    assert page.replace("\n", "").isprintable()
    assert r'<td class="text">a\x9b\u202e\ufffe\udcff&lt;b&gt;</td>' in page
    sheet = openpyxl.load_workbook(io.BytesIO(workbook_bytes("s", rows))).active
    assert [[cell.value for cell in row] for row in sheet] == [[r"name\x1b[31m"], [r"a\x9b\u202e\ufffe\udcff<b>"]]


def test_probabilities_of_a_known_distribution() -> None:
    forecast = example()
    at = 100 * np.exp(0.1)  # one standard deviation above
    assert forecast.probability_above(at)[0] == pytest.approx(0.158655, abs=1e-4)
    assert forecast.probability_between(100 * np.exp(-0.1), at)[0] == pytest.approx(0.682689, abs=1e-4)
    assert forecast.probability_above(-5)[0] == 1
    assert forecast.probability_above(0)[0] == 1
    assert example(changes=True).probability_above(99.9)[0] == pytest.approx(0.841345, abs=1e-4)


def test_a_price_that_stands_still_is_neither_above_nor_below() -> None:
    forecast = example(unchanged=0.4)
    odds = PriceTargets(above=(100.0,), below=(100.0,), between=((100.0, 200.0),)).probabilities(forecast)
    assert odds["above_100"][0] == pytest.approx(0.3)
    assert odds["below_100"][0] == pytest.approx(0.3)
    assert odds["between_100_200"][0] == pytest.approx(0.7, abs=1e-3)


def test_a_full_folder_of_temporary_files_is_one_line_about_the_workbook(monkeypatch: pytest.MonkeyPatch) -> None:
    class SerialisationError(Exception):
        """The error of lxml, which is no OSError."""

    def refuse(*arguments: object) -> None:
        raise SerialisationError("IO_ENOSPC")

    monkeypatch.setattr(openpyxl.Workbook, "save", refuse)
    with pytest.raises(StorageError, match="temporary files: IO_ENOSPC; it was not saved; free some space"):
        workbook_bytes("x", [{"price": 1.0}])
