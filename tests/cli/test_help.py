"""--help: options in sections, few of them, each with one meaning; exit codes as the program uses them."""

from collections.abc import Callable, Iterator

import click
import pytest
from click.testing import CliRunner, Result

from forecaster.cli import cli
from forecaster.cli.sections import MAX_COMMON_OPTIONS, SECTIONS, SectionedCommand, SectionOption
from forecaster.errors import ExitCode, ForecasterError

GROUP = click.Context(cli, info_name="forecast", **cli.context_settings)


def commands(group: click.Group, *names: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name in group.list_commands(GROUP):
        command = group.get_command(GROUP, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, *names, name)
        else:
            yield (*names, name), command


COMMANDS = dict(commands(cli))


def lines_of(names: tuple[str, ...], flag: str) -> list[str]:
    result = CliRunner().invoke(cli, [*names, flag], terminal_width=80)
    assert result.exit_code == 0
    return result.stdout.splitlines()


def flags_in(lines: list[str]) -> list[str]:
    return [line.split()[0].rstrip(",") for line in lines if line.startswith("  -")]


@pytest.mark.parametrize("names", COMMANDS, ids=" ".join)
def test_options_stand_in_sections_and_few_of_them_at_once(names: tuple[str, ...]) -> None:
    command = COMMANDS[names]
    assert isinstance(command, SectionedCommand)
    lines = lines_of(names, "--help")
    common = flags_in(lines)
    assert len(common) <= MAX_COMMON_OPTIONS < 15
    sections = [line.removesuffix(":") for line in lines if line[:1].isalpha() and line.endswith(":")]
    assert sections == [name for name in (*SECTIONS, "Help") if name in sections]
    assert {option.section for option in command.options()} <= set(SECTIONS)
    if "--help-all" in common:
        every = flags_in(lines_of(names, "--help-all"))
        options = {option.opts[0] for option in command.options()}
        assert set(common) < set(every)
        assert options == {flag for flag in every if flag not in ("-h", "--help-all")}
    assert all(len(line) <= 80 for line in lines), max(lines, key=len)


def test_a_flag_has_one_meaning_and_one_text() -> None:
    meanings: dict[str, set[tuple[object, ...]]] = {}
    for command in COMMANDS.values():
        for option in command.params:
            if isinstance(option, SectionOption) and option.name != "format":
                facts = (option.help, option.metavar, option.section, str(option.type), option.is_flag)
                meanings.setdefault(option.opts[0], set()).add(facts)
    # A training begins from a run, a picture from a date; score reads the file of forecasts that a backtest writes.
    several = {"--from": 2, "--forecasts": 2, "--models": 2, "--units": 2}
    assert {flag: len(texts) for flag, texts in meanings.items() if len(texts) > 1} == several
    texts = {str(command.help) for command in COMMANDS.values()}
    assert len(texts) == len(COMMANDS)


def test_the_covariates_of_a_training_can_be_backtested_and_audited() -> None:
    for name in ("train", "backtest", "audit"):
        flags = {option.opts[0] for option in COMMANDS[(name,)].params}
        assert {"--peers", "--with", "--exog", "--lag"} <= flags


def test_the_help_names_every_exit_code() -> None:
    lines = lines_of((), "--help")
    assert all(len(line) <= 80 for line in lines), max(lines, key=len)
    text = " ".join(" ".join(lines).split())
    assert all(f" {code.value} {code.meaning}" in text for code in ExitCode)
    assert "audit" in ExitCode.DIFFERENCE.meaning


def test_every_exit_code_is_used() -> None:
    def kinds(kind: type[ForecasterError]) -> Iterator[type[ForecasterError]]:
        yield kind
        for inner in kind.__subclasses__():
            yield from kinds(inner)

    raised = {kind.exit_code for kind in kinds(ForecasterError)}
    assert {*raised, ExitCode.OK, ExitCode.ALERT, ExitCode.INTERRUPTED} == set(ExitCode)


@pytest.mark.parametrize(
    ("arguments", "flag"),
    [
        (("backtest", "--pair", "USDJPY", "--refit", "yearly"), "--schedule"),
        (("plot", "--pair", "USDJPY", "--start", "2020-01-01"), "--from"),
        (("data", "show", "--pair", "USDJPY", "--version", "abc"), "--hash"),
    ],
)
def test_the_former_name_of_an_option_names_the_new_one(
    forecast: Callable[..., Result], arguments: tuple[str, ...], flag: str
) -> None:
    result = forecast(*arguments)
    assert result.exit_code == 2
    assert f"use {flag}." in result.stderr


@pytest.mark.parametrize("names", [(), ("data",), ("runs",), ("config",)])
def test_a_group_without_a_command_prints_its_help_as_it_is(names: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, names)
    assert result.exit_code == ExitCode.USAGE
    assert result.stdout == ""
    assert result.stderr == CliRunner().invoke(cli, [*names, "--help"]).stdout


def test_the_help_wraps_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forecaster.cli.streams.has_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    lines = CliRunner().invoke(cli, ["train", "--help"]).stdout.splitlines()
    examples = [line for line in lines if line.lstrip().startswith("forecast ")]
    assert len(lines) > 60
    assert all(len(line) <= 40 for line in lines if line not in examples)
