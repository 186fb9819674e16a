"""Files of prices from the outside: standard input, packed files, symbols, and what is said about them."""

import gzip
from pathlib import Path

from click.testing import CliRunner
from conftest import Forecast

from forecaster.cli import cli
from forecaster.data.tables import content

PRICES = "Datum;Schluss\n02.01.2024;1.234,5\n15.01.2024;1.240,0\n16.01.2024;1.251,5\n"


def test_export_reads_standard_input() -> None:
    content._standard_input.cache_clear()
    done = CliRunner().invoke(cli, ["data", "export", "--csv", "-"], input=PRICES)
    content._standard_input.cache_clear()
    assert done.exit_code == 0
    assert done.stdout.splitlines() == ["date,close", "2024-01-02,1234.5", "2024-01-15,1240.0", "2024-01-16,1251.5"]


def test_export_says_what_was_done_to_the_rows(forecast: Forecast, tmp_path: Path) -> None:
    path = tmp_path / "prices.csv.gz"
    path.write_bytes(gzip.compress((PRICES + "Quelle: irgendwo\n").encode()))
    done = forecast("data", "export", "--csv", path)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == "2024-01-16,1251.5"
    assert "data: info: 1 line below the data left out" in done.stderr


def test_a_symbol_names_the_series(forecast: Forecast, tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    lines = [
        f"2024-01-{day:02},{symbol},{day + number}" for day in (2, 3, 4) for number, symbol in enumerate(("A/B", "C"))
    ]
    path.write_text("\n".join(["date,symbol,close", *lines]))
    refused = forecast("data", "show", "--csv", path, "--no-picture")
    assert refused.exit_code == 2
    assert (
        "rows of 2 series in the column 'symbol' ('A/B', 'C'); expected one; choose it with --symbol" in refused.stderr
    )
    done = forecast("data", "show", "--csv", path, "--no-picture", "--symbol", "a/b")
    assert done.exit_code == 0
    assert "csv/a-b/1d" in done.stdout
