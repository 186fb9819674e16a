"""Completion in shells: values for every option that has them, and scripts that shells read."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import Result

from forecaster.cli import cli, completion_values
from forecaster.experiments.run_filters import _FACTS
from forecaster.model_names import BASELINE_NAMES, NETWORK_NAMES
from forecaster.models import baseline_names, network_names

HEAVY = {"pydantic", "yaml", "rich", "keras", "jax", "tensorflow", "pandas", "matplotlib", "scipy"}


def completed(*words: str) -> list[str]:
    """Values offered for the last word."""
    items = ShellComplete(cli, {}, "forecast", "_FORECAST_COMPLETE").get_completions([*words[:-1]], words[-1])
    return [f"<{item.type}>" if item.type != "plain" else item.value for item in items]


def test_names_without_an_import_are_those_of_the_registries() -> None:
    assert list(NETWORK_NAMES) == list(network_names())
    assert list(BASELINE_NAMES) == list(baseline_names())
    assert list(completion_values.RUN_FACTS) == list(_FACTS)


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (("tr",), {"train"}),
        (("USDJ",), {"USDJPY"}),
        (("predict", "usdj"), {"USDJPY"}),
        (("predict", "--pair", "USDJPY,EURU"), {"USDJPY,EURUSD"}),
        (("predict", "USDJPY,USDJ"), set()),
        (("predict", "pri"), {"<file>"}),
        (("train", "--config", "bi"), {"bilstm"}),
        (("train", "--config", "gru", "--set", "model.training.st"), {"model.training.steps="}),
        (("compare", "--kinds", "lstm,g"), {"lstm,gru"}),
        (("backtest", "--models", "lstm,har"), {"lstm,har"}),
        (("anomalies", "--model", "panel"), {"panel_har"}),
        (("runs", "list", "--sort", "created"), {"created"}),
        (("schema", "err"), {"error"}),
        (("completion", "f"), {"fish"}),
        (("trian", "pr"), {"predict"}),
        (("runs", "sho", "2"), set()),
        (("train", "--help", "--format", "json", "--hori"), {"--horizon"}),
    ],
)
def test_values_are_completed(words: tuple[str, ...], values: set[str]) -> None:
    assert set(completed(*words)) == values


def test_what_the_project_holds_is_completed(
    trained_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path))
    assert completed("runs", "show", "2") == []
    runs = sorted((folder.name for folder in (trained_once / "runs").glob("2*")), reverse=True)
    home = ("--home", str(trained_once))
    assert completed("runs", "show", *home, "") == ["latest", *runs]
    assert completed("predict", *home, "--run", "2") == runs
    assert completed("train", *home, "--from", "lat") == ["latest"]
    assert set(runs) == set(completed("inspect", *home, "2"))
    assert completed("predict", *home, "")[0] == "USDJPY"
    lists = tmp_path / "data" / "universes"
    lists.mkdir(parents=True)
    (lists / "mine.txt").write_text("USDJPY\n")
    assert completed("train", "--universe", "m") == ["mine"]
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / ".index.json").write_text('{"metric_names": ["crps@1", "crps_ratio.garch@5"]}')
    assert completed("runs", "list", "--where", "crps") == ["crps@1", "crps_ratio.garch@5"]


def test_completion_imports_nothing_slow(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom click.shell_completion import ShellComplete\nfrom forecaster.cli import cli\n"
        "complete = ShellComplete(cli, {}, 'forecast', 'X').get_completions\n"
        "complete([], 'tr'), complete([], 'US'), complete(['predict', '--run'], '')\n"
        "complete(['compare', '--kinds'], ''), complete(['schema'], ''), complete(['train', '--set'], 'm')\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert not set(done.stdout.split()) & HEAVY


def test_a_script_is_printed_for_each_shell(forecast: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert f"_FORECAST_COMPLETE={shell}_complete" in forecast("completion", shell).stdout
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    assert forecast("completion").stdout == forecast("completion", "fish").stdout
    monkeypatch.setenv("SHELL", "/bin/csh")
    assert "one of bash, zsh, fish" in forecast("completion").stderr


SCRIPTS = {
    "bash": """source <(forecast completion bash)
COMP_WORDS=(forecast predict --pair USDJPY,EURU); COMP_CWORD=3; _forecast_completion forecast; echo "${COMPREPLY[*]}"
COMP_WORDS=(forecast runs sh); COMP_CWORD=2; COMPREPLY=(); _forecast_completion forecast; echo "${COMPREPLY[*]}" """,
    "fish": """forecast completion fish | source
complete -C "forecast predict --pair USDJPY,EURU"
complete -C "forecast runs sh" | string split --fields 1 \\t""",
    "zsh": """zmodload zsh/zpty
zpty terminal zsh -f -i
zpty -w terminal "autoload -Uz compinit; compinit -u -D; bindkey '^I' complete-word"
zpty -w terminal "source <(forecast completion zsh)"
for words in "forecast predict --pair USDJPY,EURU" "forecast runs sh"; do
    zpty -w -n terminal "$words"$'\\t'
    sleep 4
    zpty -w -n terminal $'\\x15'
done
sleep 1
zpty -r terminal text '*'
while zpty -r -t terminal more; do text+=$more; done
print -r -- "$text" | grep -o 'forecast predict --pair USDJPY,EURUSD\\|forecast runs show'""",
}


@pytest.mark.parametrize("shell", ["bash", *(pytest.param(name, marks=pytest.mark.slow) for name in ("fish", "zsh"))])
def test_a_shell_completes(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    program = tmp_path / "forecast"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m forecaster "$@"\n')
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    done = subprocess.run(
        [shell, "-c", SCRIPTS[shell]], capture_output=True, text=True, timeout=60, check=False, env=environment
    )
    assert [line.split()[-1] for line in done.stdout.splitlines()] == ["USDJPY,EURUSD", "show"], done.stderr
