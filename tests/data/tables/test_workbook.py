import datetime
from pathlib import Path

import openpyxl
import pytest
from layouts import CLOSE, DAYS, answer, load

from forecaster.data.tables.opening import open_table
from forecaster.errors import InputFileError


def workbook(path: Path, **sheets: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path.read_bytes()


def history(*, in_text: bool = False) -> list[list[object]]:
    days = [day.strftime("%d.%m.%Y") if in_text else datetime.datetime.combine(day, datetime.time()) for day in DAYS]
    return [["Datum", "Schluss"], *([day, close] for day, close in zip(days, CLOSE, strict=True))]


def test_dates_and_numbers_of_cells(tmp_path: Path) -> None:
    series = load(tmp_path / "prices.xlsx", workbook(tmp_path / "made.xlsx", Prices=history()))
    assert series.dates.astype(datetime.date).tolist() == list(DAYS)
    assert series.close.tolist() == list(CLOSE)
    assert series.meta["layout"] == "Excel workbook, sheet Prices, dates year-month-day"


def test_texts_of_cells_lines_around_them_and_empty_columns(tmp_path: Path) -> None:
    rows = [["Price history", None, None], [None, None, None], *([None, *row] for row in history(in_text=True))]
    rows += [[None, None, None], ["Source: somewhere", None, None]]
    loaded = answer(tmp_path / "prices.xlsx", workbook(tmp_path / "made.xlsx", Notes=[["about"]], Prices=rows))
    assert loaded.series.close.tolist() == list(CLOSE)
    assert [finding.text for finding in loaded.findings] == ["1 line below the data left out"]


def test_one_of_several_sheets(tmp_path: Path) -> None:
    content = workbook(tmp_path / "made.xlsx", One=history(), Two=history(in_text=True))
    with pytest.raises(InputFileError, match=r"the sheets 'One', 'Two'; expected one sheet .*--sheet NAME"):
        load(tmp_path / "prices.xlsx", content)
    assert load(tmp_path / "prices.xlsx", content, sheet="two").close.tolist() == list(CLOSE)
    with pytest.raises(InputFileError, match="has no sheet 'Three'; found the sheets 'One', 'Two'"):
        load(tmp_path / "prices.xlsx", content, sheet="Three")


def test_a_hidden_sheet_is_read_by_its_name_only(tmp_path: Path) -> None:
    workbook(tmp_path / "made.xlsx", One=history(), Two=[["Datum", "Schluss"], ["2024-01-01", 1], ["2024-01-02", 2]])
    book = openpyxl.load_workbook(tmp_path / "made.xlsx")
    book["Two"].sheet_state = "hidden"
    book.save(tmp_path / "made.xlsx")
    content = (tmp_path / "made.xlsx").read_bytes()
    assert load(tmp_path / "prices.xlsx", content).close.tolist() == list(CLOSE)
    assert load(tmp_path / "prices.xlsx", content, sheet="Two").close.tolist() == [1, 2]


def test_a_complaint_names_the_row_of_the_sheet(tmp_path: Path) -> None:
    rows = [["Prices"], [], *history()]
    rows[7][1] = "high"
    with pytest.raises(InputFileError, match="row 8 of sheet 'Prices': 'Schluss' is 'high'; expected a number"):
        load(tmp_path / "prices.xlsx", workbook(tmp_path / "made.xlsx", Prices=rows))


def test_errors_and_empty_cells_are_no_prices(tmp_path: Path) -> None:
    rows = history()
    rows[3][1] = "#N/A"
    rows[4][1] = None
    assert len(load(tmp_path / "prices.xlsx", workbook(tmp_path / "made.xlsx", Prices=rows))) == len(CLOSE) - 2


def test_a_workbook_without_a_table(tmp_path: Path) -> None:
    workbook(tmp_path / "empty.xlsx", Nothing=[])
    with pytest.raises(InputFileError, match="no sheet with content; expected one sheet with rows"):
        open_table(tmp_path / "empty.xlsx")
