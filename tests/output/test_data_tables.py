"""The documents ``data/1`` as text: nothing is lost, nothing is mistaken for markup."""

from typing import Any

import pytest
from rich.console import Console

from forecaster.output.data_tables import (
    difference_lines,
    fetch_table,
    findings_table,
    histories_table,
    prune_lines,
    revised_table,
    show_lines,
    versions_table,
)

VERSION: dict[str, Any] = {
    "series": "yahoo/AAPL/1d", "sha256": "0123456789abcdef" * 4, "rows": 2500, "first": "2017-04-21",
    "last": "2026-11-19", "saved_at": "2026-11-20T12:34:56+00:00", "added": 2, "revised": 1, "removed": 0,
}  # fmt: skip


def text(table: Any) -> str:
    console = Console(width=140)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def test_square_brackets_are_no_markup() -> None:
    found = [{"severity": "repair", "code": "x", "count": 1200, "text": "[red]1 row[/red]"}]
    assert "[red]1 row[/red]" in text(findings_table(found))
    assert "1,200" in text(findings_table(found))


def test_histories_have_an_age_in_words() -> None:
    ages = {0: "up to date", -1: "up to date", 1: "1 day", 2059: "2,059 days"}
    for age, told in ages.items():
        line = text(histories_table([{**VERSION, "versions": 3, "age_business_days": age}])).splitlines()[1]
        assert f"  {told}  2026-11-20 12:34  0123456789ab" in line


def test_changes_are_shown_of_new_versions_only() -> None:
    one = {"instrument": "AAPL", "version": VERSION, "age_business_days": 1, "findings": [{"severity": "warning"}] * 2}
    new, same, failed = (
        text(fetch_table([{**one, "outcome": outcome}])).splitlines()[1].split()
        for outcome in ("new", "unchanged", "failed")
    )
    assert new[:7] == ["yahoo/AAPL/1d", "new", "version", "2,500", "2", "1", "0"]
    assert new[-2:] == ["2", "warnings"]
    assert same[:6] == ["yahoo/AAPL/1d", "unchanged", "2,500", "-", "-", "-"]
    assert failed[-1] == "-"  # nobody has looked at its rows
    nothing: dict[str, Any] = {
        "instrument": "WRONG",
        "outcome": "failed",
        "version": None,
        "age_business_days": None,
        "findings": [],
    }
    assert text(fetch_table([nothing])).splitlines()[1].split() == ["WRONG", "failed"]


def test_versions_name_their_history_where_there_are_several() -> None:
    assert "history" not in text(versions_table([VERSION, VERSION]))
    assert "ecb/USDJPY/1d" in text(versions_table([VERSION, {**VERSION, "series": "ecb/USDJPY/1d"}]))


def test_long_facts_are_cut_in_the_table() -> None:
    price = {"date": "2020-01-01", "price": 1.5}
    document = {
        **VERSION, "age_business_days": 0, "columns": ["close"], "last_price": 2.0, "lowest": price, "highest": price,
        "attribution": "them", "origin": {"dividends": "0.25 " * 100, "file_sha256": "5f2a"}, "versions": [],
    }  # fmt: skip
    lines = show_lines(document)
    assert max(len(line) for line in lines) < 140
    assert "attribution: them" in lines
    assert "  file sha256: 5f2a" in lines
    assert "rows: 2,500 from 2017-04-21 to 2026-11-19 (up to date)" in lines


def difference(**changes: Any) -> dict[str, Any]:
    none = {"count": 0, "dates": []}
    facts = {"first": VERSION, "second": VERSION, "same": False, "added": none, "removed": none}
    return {**facts, "revised": {**none, "columns": {}}, **changes}


def test_a_value_that_is_none_has_no_ratio() -> None:
    rows = [{"date": "2020-01-01", "old": None, "new": 7.0}, {"date": "2020-01-02", "old": 0.0, "new": 7.0}]
    columns = {"volume": {"count": 2, "ratio": None, "rows": rows}}
    shown = text(revised_table(difference(revised={"count": 2, "dates": [], "columns": columns})))
    assert [line.split()[-3:] for line in shown.splitlines()[1:3]] == [["-", "7", "-"], ["0", "7", "-"]]
    assert revised_table(difference()) is None


def test_more_dates_than_are_shown() -> None:
    lines = difference_lines(difference(added={"count": 3, "dates": ["2020-01-01", "2020-01-02"]}))
    assert lines[2:] == ["added: 3 rows (2020-01-01, 2020-01-02, ...)", "removed: 0 rows", "revised: 0 rows"]
    assert difference_lines(difference(same=True))[2:] == ["no difference"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "removed 1 version with 7 rows that no other version has, 1,000 KiB freed; 3 versions kept"),
        ({"dry_run": True}, "would remove 1 version with 7 rows that no other version has, about 1,000 KiB; 3"),
        ({"shrunk": False}, "the file is in use and keeps its size, for the next versions; 3 versions kept"),
        ({"versions": []}, "nothing to remove: 3 versions kept"),
    ],
)  # fmt: skip
def test_pruning_in_a_line(changes: dict[str, Any], told: str) -> None:
    document = {"versions": [VERSION], "rows": 7, "bytes": 1_024_000, "kept": 3, "dry_run": False, "shrunk": True}
    (line,) = prune_lines({**document, **changes})
    assert told in line
