"""Every parser with random input: a value, or an error of this program with one line a mistake, and nothing else."""

import contextlib
import datetime
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecaster.cli import cli
from forecaster.config import load_config
from forecaster.data.instruments import parse_pair, parse_ticker
from forecaster.data.sources.ecb_cache import last_attempt, read_stored, stored_path
from forecaster.data.sources.ecb_download import DownloadError, unzipped
from forecaster.data.sources.ecb_table import RateTable
from forecaster.data.sources.yahoo_answers import Answer, Fault
from forecaster.data.sources.yahoo_bars import read_bars
from forecaster.data.sources.yahoo_retry import Pause
from forecaster.data.universes import read_universe
from forecaster.errors import ForecasterError
from forecaster.evaluation.splits import parse_refit
from forecaster.yaml_text import YamlTextError, parse_yaml

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

EXAMPLES = 120
MAX_MESSAGE = 2000
BOUNDED = settings(
    max_examples=EXAMPLES, deadline=5000, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
NOW = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)

YAML_PIECES = (
    *("seed: ", "model: ", "data: ", "kind", "[", "]", "{", "}", "&a ", "*a", "!!int ", "!", "- ", "\n", "  "),
    *(": ", "? ", "9" * 40, "0x_", ".inf", ".nan", "~", "=", "<<: ", "'", '"', "\\e", "|", ">", "%YAML", "---"),
    *("1:2:3", "0b_", "\ud83d"),
    *("units", "training", "1e400", "2020-13-01", "#", "\t", "@", "`", "null", "true"),
)  # fmt: skip
TEXT = st.text(max_size=60)
YAML = st.lists(st.sampled_from(YAML_PIECES) | st.text(max_size=5), max_size=30).map("".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = ("seed", "model", "model.kind", "model.units", "data", "data.pair", "data.options.x", "horizon")
FACTS = ("symbol", "instrumentType", "currency", "exchangeTimezoneName", "exchangeName", "currentTradingPeriod")
CSV_PIECES = (b"Date", b",", b"USD", b"JPY", b"\n", b"\r\n", b"2024-01-02", b"2024-01-01", b"NaT", b"1.1", b"N/A",
              b"-1", b"nan", b"1e99", b"", b"\xff", b"\x1b[31m", b" ")  # fmt: skip
CSV = st.lists(st.sampled_from(CSV_PIECES) | st.binary(max_size=4), max_size=40).map(b"".join)


def accept(parse: Callable[[], Any], *expected: type[Exception]) -> None:
    """Run a parser; fail on any other error than one of this program's or those `expected`."""
    messages: tuple[str, ...] = ("",)
    try:
        parse()
    except ForecasterError as error:
        messages = error.messages
    except expected as error:
        messages = (str(error),)
    assert messages
    assert all(len(message) < MAX_MESSAGE for message in messages)


@BOUNDED
@given(YAML)
def test_yaml(text: str) -> None:
    accept(lambda: parse_yaml(text), YamlTextError)


@BOUNDED
@given(YAML)
def test_a_configuration_file(tmp_path: Path, text: str) -> None:
    file = tmp_path / "c.yaml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    accept(lambda: load_config(file))


@BOUNDED
@given(
    st.sampled_from(["seed", "model", "model.kind", "model.units", "data", "data.pair", "data.options.x", "horizon"]),
    YAML,
)
def test_an_assignment(key: str, value: str) -> None:
    accept(lambda: load_config(None, [f"{key}={value}"]))


@BOUNDED
@given(TEXT)
def test_an_assignment_of_any_text(text: str) -> None:
    accept(lambda: load_config(None, [text]))


@BOUNDED
@given(st.dictionaries(st.sampled_from(["seed", "model", "data", "horizon", "universe"]) | TEXT, JSON, max_size=4))
def test_a_configuration_of_any_values(values: dict[str, Any]) -> None:
    accept(lambda: load_config(None, values))


@BOUNDED
@given(TEXT)
def test_names_of_instruments_and_options(text: str) -> None:
    for parse in (parse_pair, parse_ticker, parse_refit):
        accept(lambda parse=parse: parse(text))


@BOUNDED
@given(st.lists(TEXT | st.sampled_from(["AAPL", "USDJPY", "x.csv", "#", ""]), max_size=8).map("\n".join))
def test_a_list_of_symbols(tmp_path: Path, text: str) -> None:
    file = tmp_path / "u.txt"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    accept(lambda: read_universe(file))


@BOUNDED
@given(st.binary(max_size=80))
def test_a_list_of_symbols_of_any_bytes(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "u.txt"
    file.write_bytes(content)
    accept(lambda: read_universe(file))


@BOUNDED
@given(CSV)
def test_a_table_of_the_ecb(content: bytes) -> None:
    def parse() -> None:
        table = RateTable.of(b"Date,USD,JPY,\n" + content, "a test")
        for currency in table.cells:
            rates = table.rates(currency)
            assert (np.isnan(rates) | (rates > 0)).all()
        assert not np.isnat(table.dates).any()

    accept(parse, ValueError)
    accept(lambda: RateTable.of(content, "a test"), ValueError)


@BOUNDED
@given(st.binary(max_size=200), st.integers(0, 10_000), st.binary(min_size=1, max_size=3))
def test_a_zip_of_the_ecb(content: bytes, place: int, change: bytes) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.csv", content)
    packed = bytearray(buffer.getvalue())
    place %= len(packed)
    packed[place : place + len(change)] = change
    accept(lambda: unzipped(bytes(packed)), DownloadError)
    accept(lambda: unzipped(content), DownloadError)


@BOUNDED
@given(JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60), CSV)
def test_a_stored_table_and_the_memory_of_requests(tmp_path: Path, facts: bytes, content: bytes) -> None:
    path = stored_path(tmp_path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("eurofxref-hist.csv", content)
        archive.comment = facts
    path.with_name("attempt.json").write_bytes(facts)
    pause = Pause(tmp_path, "yahoo")
    pause.path.write_bytes(facts)
    accept(lambda: read_stored(tmp_path))
    last_attempt(tmp_path)
    pause.until(NOW)


@BOUNDED
@given(st.dictionaries(
    st.sampled_from(FACTS),
    JSON | st.sampled_from(["UTC", "Europe", "tzlocal()", "../x", "EQUITY"]),
))  # fmt: skip
def test_facts_of_yahoo(facts: dict[str, Any]) -> None:
    import pandas as pd

    index = pd.date_range("2024-01-01", periods=3, tz="UTC")
    titles = ("Open", "High", "Low", "Close", "Adj Close", "Volume", "Dividends", "Stock Splits")
    accept(lambda: read_bars(Answer(pd.DataFrame({title: 1.0 for title in titles}, index=index), facts)), Fault)


OPTIONS = (
    "--pair",
    "--ticker",
    "--level",
    "--step",
    "--lag",
    "--run",
    "--as-of",
    "--horizon",
    "--start",
    "--with",
    "--units",
)


@BOUNDED
@given(st.sampled_from(["train", "predict", "plot", "backtest", "audit", "nonsense"]), st.sampled_from(OPTIONS), TEXT)
def test_options_of_the_command_line(tmp_path: Path, command: str, option: str, text: str) -> None:
    """Only their parsing: without an instrument no command begins."""
    from click.testing import CliRunner

    if option in {"--pair", "--ticker"}:
        text = f"{text}!"  # no instrument
    with contextlib.chdir(tmp_path):
        result = CliRunner().invoke(cli, [command, option, text, "--offline", "--home", "home"])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.exit_code in {0, 1, 2, 3}
    assert all(line.replace("\t", "").isprintable() for line in result.output.splitlines())
