"""Names without a flag, and mistakes that lead to the right place."""

import datetime
import itertools
import json
from pathlib import Path

import click
import pytest

from forecaster.cli import cli
from forecaster.cli.suggestions import _COMMANDS, _FLAGS, command_message, option_message
from forecaster.config import configuration_keys, load_config
from forecaster.data.instrument_names import is_stored_name, recognised_kind, sorted_by_kind
from forecaster.data.spellings import parse_day, parse_frequency
from forecaster.errors import UsageError
from forecaster.models import network_names
from forecaster.models.option_aliases import EXAMPLE_VALUES, KEY_ALIASES, REQUIRED_SETTINGS

TINY = "universe: none\nbackend: jax\nmodel:\n  units: [6]\n  training: {steps: 10}\n"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *itertools.product(
            ("USDJPY", "usd/jpy", "USDJPY=X", "eur-chf", "USDJPX", "XAUUSD", "BTCUSD", "yen"), ("pair",)
        ),
        *itertools.product(
            ("AAPL", "^GSPC", "^gspc", "BTC-USD", "7203.T", "GC=F", "sine", "SINE", "REAL"), ("ticker",)
        ),
        *itertools.product(("a.csv", "folder/prices", "-", "C:\\x.txt", "a.csv.gz", "book.xlsx"), ("csv",)),
        *itertools.product(("trian", "aapl", "--x", "", "a b"), (None,)),
    ],
)
def test_a_name_is_recognised_by_its_form(name: str, kind: str | None) -> None:
    assert recognised_kind(name) == kind


def test_a_file_that_exists_is_a_file_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "GOLD,2").write_text("")
    (tmp_path / "5f2a").write_text("")
    assert sorted_by_kind(["GOLD,2", "AAPL,MSFT"]) == {"csv": ("GOLD,2",), "ticker": ("AAPL", "MSFT")}
    assert not is_stored_name("5f2a")
    assert is_stored_name("5f2b")


def test_an_instrument_alone_trains_where_no_run_fits_and_then_forecasts(forecast, tmp_path):
    (tmp_path / "tiny.yaml").write_text(TINY)
    command_line = ("EURSEK", "--config", tmp_path / "tiny.yaml", "--home", tmp_path, "--format", "csv")
    first = forecast(*command_line)
    assert first.exit_code == 0, first.stderr
    assert "training one" in first.stderr
    second = forecast(*command_line)
    assert "training one" not in second.stderr
    assert second.stdout == first.stdout
    assert forecast("predict", "eur/sek", *command_line[1:]).stdout == first.stdout
    assert len(list(tmp_path.glob("runs/2*"))) == 1


def test_a_file_alone_is_read(forecast, tmp_path):
    result = forecast("predict", "missing.csv", "--home", tmp_path)
    assert result.exit_code == 2
    assert "missing.csv does not exist" in result.stderr


def test_a_stored_history_is_named_as_before(forecast, tmp_path):
    forecast("data", "fetch", "USDJPY", "--home", tmp_path)
    shown = [
        forecast("data", "show", name, "--format", "json", "--home", tmp_path) for name in ("USDJPY", "ecb/USDJPY/1d")
    ]
    assert [json.loads(result.stdout)[0]["instrument"] for result in shown] == ["USDJPY", "USDJPY"]
    both = forecast("data", "show", "ecb/USDJPY/1d", "AAPL", "--home", tmp_path)
    assert both.exit_code == 2


def test_names_of_two_kinds_are_refused(forecast, tmp_path):
    result = forecast("predict", "USDJPY", "AAPL", "--home", tmp_path)
    assert result.exit_code == 2
    assert "instruments of 2 kinds" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("trian",), "did you mean train?"),
        (("fit",), "use: forecast train."),
        (("aapl",), "a symbol is written in capitals: forecast AAPL."),
        (("download", "USDJPY"), "use: forecast data fetch."),
        (("data", "shwo"), "did you mean show?"),
        (("--pair", "USDJPY"), "options follow the command"),
        (("run", "USDJPY"), "use: forecast train, or forecast runs list."),
        (
            ("train", "USDJPY", "--epochs", "50"),
            "use --set model.training.steps=200 (batches, not passes over the rows).",
        ),
        (("train", "USDJPY", "--iterations=50"), "use --set model.training.steps=50."),
        (("train", "USDJPY", "--test_size", "0.2"), "use --set split.test_rows=750 (rows, not a share)."),
        (("train", "USDJPY", "--model", "GRU"), "use --config gru."),
        (("train", "USDJPY", "--model", "prophet"), "listed by: forecast config list"),
        (("train", "USDJPY", "--model", "garch"), "forecast backtest --models garch."),
        (("train", "USDJPY", "--bidirectional"), "use --config bilstm."),
        (("train", "USDJPY", "--scaler", "minmax"), "use --config classic --set model.scaler=minmax."),
        (("train", "USDJPY", "--loss", "mse"), "use --config classic --set model.loss=mse."),
        (("train", "USDJPY", "--attention"), "use --config seq2seq --set model.attention=luong."),
        (("train", "USDJPY", "--normalize"), "use --config classic --set model.scaler=minmax."),
        (("train", "USDJPY", "--retrain"), "use --refit."),
        (("train", "--csv", "a.csv", "--column", "Last"), "use --price-column Last."),
        (("train", "--symbol", "AAPL"), "such as --ticker AAPL,"),
        (("plot", "USDJPY", "--type", "fan"), "use --kind fan."),
        (("train", "USDJPY", "--dropout", "20"), "use --set model.dropout=0.3."),
        (("train", "USDJPY", "--plot"), "it is a command: forecast plot."),
        (("train", "USDJPY", "--lr", "0.01"), "use --set model.training.learning_rate=0.01."),
        (("train", "USDJPY", "--batch-size", "8"), "use --set model.training.batch_size=8."),
        (("train", "USDJPY", "--window", "60"), "supervision=last --set model.windows.context_length=60."),
        (("train", "USDJPY", "--layers", "2"), "use --set model.units=32,32."),
        (("train", "USDJPY", "--num-layers", "3"), "use --set model.units=32,32,32."),
        (("train", "USDJPY", "--hidden-size", "50"), "use --set model.units=50."),
        (("plot", "USDJPY", "--loss"), "use --kind loss."),
        (("runs", "list", "--foo"), "See: forecast runs list --help"),
        (("predict", "USDJPY", "--model", "gru"), "use --config gru."),
        (("plot", "USDJPY", "--kind", "learning-curve"), "did you mean loss?"),
        (("plot", "USDJPY", "--last", "all"), "'all' is not a whole number."),
        (("predict", "USDJPY", "--horizon", "2", "WEEKS"), "(--pair USDJPY, --ticker WEEKS)"),
        (("train", "USDJPY", "--dropout", "0.1"), "use --set model.dropout=0.1."),
        (("train", "USDJPY", "--hroizon", "5"), "did you mean --horizon?"),
        (("predict", "USDJPY", "--epochs", "5"), "forecast train --set model.training.steps=200 "),
        (("predict", "USDJPY", "--days", "5"), "use --horizon 5."),
        (("train", "USDJPY", "--zzz"), "No such option '--zzz'."),
        (("predict", "USDJPY", "--level", "0.8"), "did you mean 80?"),
        (("predict", "USDJPY", "--format", "xlsx"), "such as --out result.xlsx"),
        (("plot", "USDJPY", "--days", "90"), "use --last 90."),
        (("predict", "USDJPY", "--above", "1,05"), "did you mean 1.05?"),
        (("odds", "USDJPY", "--touch", "1,1"), "did you mean 1.1?"),
        (("odds", "USDJPY", "--until", "2026-12-31"), "use --on 2026-12-31."),
        (("predict", "USDJPY", "--months", "3"), "use --horizon 3mo."),
        (("predict", "USDJPY", "--excel", "x.xlsx"), "use --out x.xlsx."),
        (("odds", "USDJPY", "--on", "1mo"), "a span is written --within 1mo."),
        (("predict", "USDJPY", "--horizon", "31.12.26"), "a date is written --until 2026-12-31, in odds --on."),
        (("predict", "USDJPY", "--until", "1q"), "a span is written --horizon 1q."),
        (("hedge", "USDJPY"), "use: forecast odds --portfolio FILE"),
        (("predict", "USDJPY", "--as-of", "3/4/2025"), "expected a date such as 2025-06-30"),
        (("predict", "USDJPY", "--as-of", "gestern"), "expected a date such as 2025-06-30"),
        (("predict", "USDJPY", "--frequency", "5m"), "days and longer spans only"),
        (("predict", "USDJPY", "--frequency", "1m"), "may mean a minute"),
        (("train", "USDJPY", "--set", "epochs=5"), "did you mean model.training.steps?"),
        (("train", "USDJPY", "--set", "model.lr=5"), "did you mean model.training.learning_rate?"),
        (("train", "USDJPY", "--config", "classic", "--epochs", "5"), "use --set model.epochs=5."),
        (("train", "USDJPY", "--config", "classic", "--lookback", "5"), "use --set model.context_length=5."),
        (("train", "USDJPY", "--config", "classic", "--set", "model.optimiser=sgd"), "did you mean model.optimizer?"),
        (
            ("train", "USDJPY", "--config", "classic", "--set", "model.look_back=9"),
            "did you mean model.context_length?",
        ),
        (("train", "USDJPY", "--config", "classic", "--set", "model.early-stopping=9"), "did you mean model.patience?"),
        (
            ("train", "USDJPY", "--config", "classic", "--set", "model.activation=relu"),
            "it is an option of lstm, gru, rnn, bilstm, transformer, seq2seq, not of classic",
        ),
    ],
)
def test_a_mistake_leads_to_the_right_place(forecast, arguments, message):
    result = forecast(*arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert message in line


def test_only_near_names_are_suggested() -> None:
    assert "mean" not in command_message("serialize", ["train", "predict"], True)
    assert option_message("--frobnicate", [], ["--format", "--from", "--horizon"]) is None


def test_every_alias_leads_to_a_key_that_takes_its_example() -> None:
    keys = set(configuration_keys())
    assert {*KEY_ALIASES.values(), *EXAMPLE_VALUES, *REQUIRED_SETTINGS} <= keys
    for key, value in EXAMPLE_VALUES.items():
        configs = [name for name in (None, *network_names()) if key in configuration_keys(load_config(name).kind)]
        assert configs
        load_config(configs[0], [f"{key}={value}"])


def test_every_suggested_command_and_flag_exists() -> None:
    context = click.Context(cli)
    flags: set[str] = set()
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        members = command.commands.values() if isinstance(command, click.Group) else [command]
        flags |= {flag for member in members for option in member.params for flag in option.opts}
    assert {text.split()[0] for texts in _FLAGS.values() for text in texts} <= flags | {
        "--above",
        "--below",
        "--between",
    }
    for text in {text for texts in _COMMANDS.values() for text in texts.split(", or forecast ")} - {"COMMAND --help"}:
        command = cli.get_command(context, text.split()[0]) if not text.startswith("-") else cli
        assert command is not None, text


@pytest.mark.parametrize(
    "text",
    [
        *("2025-06-30", "2025/06/30", "2025.6.30", "20250630", "30.06.2025", "30.6.2025", "30/06/2025", "06/30/2025"),
        *("30 June 2025", "30 Jun 2025", "30-Jun-2025", "June 30, 2025", "Jun 30 2025", "30th June 2025", "30JUN2025"),
        *("30.06.25", "30. Juni 2025", "30-Jun-25", "30 juin 2025", "30 czerwiec 2025"),
        *("2025-06-30T00:00:00Z", "2025-06-30 17:00", " 2025-06-30 ", "2025 June 30"),
    ],
)
def test_a_date_in_any_common_form(text: str) -> None:
    assert parse_day(text) == datetime.date(2025, 6, 30)


@pytest.mark.parametrize("text", ["2025-13-01", "2025-02-30", "3/4/2025", "30 Foo 2025", "25-06-30", "yesterday", ""])
def test_what_is_no_single_date_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected a date such as 2025-06-30"):
        parse_day(text)


@pytest.mark.parametrize(
    ("frequency", "texts"),
    [("1d", "1d daily D Day"), ("1wk", "1wk 1w W weekly Week"), ("1mo", "1mo 1M M monthly month MONTHLY")],
)
def test_a_frequency_in_any_common_form(frequency: str, texts: str) -> None:
    assert {parse_frequency(text) for text in texts.split()} == {frequency}
    assert load_config(None, {"data.frequency": texts.split()[-1]}).data.frequency == frequency


def test_one_number_of_units_is_one_layer() -> None:
    assert load_config(None, ["model.units=50"]).model.units == (50,)
    assert load_config("classic", ["model.units=50"]).model.units == (50,)
    assert str(load_config(None, ["data.end=30 June 2025"]).data.end) == "2025-06-30"
