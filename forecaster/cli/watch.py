"""`forecast watch`."""

import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import click

from forecaster.cli.options import INSTRUMENT_OPTIONS, with_options
from forecaster.cli.sections import SectionedCommand
from forecaster.environment import Environment

__all__ = ["command"]

MAX_SECONDS = 60  # of the command that gets an alert
MAX_SHOWN = 200  # characters of what it says
MAX_READ = 4000  # bytes of it that are read


@click.command("watch", cls=SectionedCommand, short_help="Check rules once, for cron: alerts as JSON lines.")
@with_options(
    common=("pair", "ticker", "csv", "universe", "rules", "exec", "run", "home"),
    rare=("frequency", *INSTRUMENT_OPTIONS),
)
def command(*, environment: Environment, rules: Path, exec: str | None, **keywords: Any) -> None:
    """Check the rules of a file for each instrument, and print a line of JSON for each that fires.

    Exit code 5: a rule has fired. 0: none. 1: an instrument could not be checked and none has fired, or --exec failed.
    Rules are about the width of a range, the probability of a price, an anomalous day, or an old price or run.

    \b
    Example:
      forecast watch USDJPY --rules rules.yaml
      forecast watch --universe all.txt --rules rules.yaml --exec notify.sh
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    words = [] if exec is None else _command_words(exec)
    from forecaster.cli.terminal import print_result
    from forecaster.errors import ExitCode, ForecasterError
    from forecaster.experiments.predictions import FailedPrediction
    from forecaster.files import json_line
    from forecaster.output.watch_documents import alert_document
    from forecaster.workflows.watch import watch

    fired = failed = unheard = 0
    for outcome in watch(rules=rules, environment=environment, **keywords):
        if isinstance(outcome, FailedPrediction):
            failed += 1
            environment.note(f"failed: {outcome.instrument.name}: {outcome.error.messages[0]}")
            continue
        fired += 1
        line = json_line(alert_document(outcome, environment.clock()))
        print_result(environment, line)
        problem = _handed_over(words, line) if words else None
        if problem is not None:
            unheard += 1
            environment.note(f"warning: --exec: {problem}")
    if unheard:
        raise ForecasterError(
            f"--exec: {unheard} of {fired} alerts were not taken; expected a command that reads a line and ends with "
            f"0; test it: {shlex.join(words)[:MAX_SHOWN]}"
        )
    if fired:
        raise click.exceptions.Exit(ExitCode.ALERT)
    if failed:
        several = "s" if failed > 1 else ""
        raise ForecasterError(
            f"{failed} check{several} failed and no rule has fired; expected none; the lines above give the reasons"
        )


def _command_words(text: str) -> list[str]:
    """Words of a command, as a shell would split them; it is run without a shell.

    Raises:
        UsageError: It is empty, malformed, or no program has this name.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise click.UsageError(f"--exec {text[:MAX_SHOWN]}: {error}; expected a command and its arguments.") from None
    if not words or shutil.which(words[0]) is None:
        name = words[0][:MAX_SHOWN] if words else "nothing"
        raise click.UsageError(f"--exec: {name} is no program that can be run; expected its name or path.")
    return words


def _handed_over(words: list[str], line: str) -> str | None:
    """Run a command with an alert on its standard input; a description of its failure, or None."""
    with tempfile.TemporaryFile() as output:  # a pipe would be open as long as a process that the command has left
        try:
            result = subprocess.run(
                words, input=f"{line}\n".encode(), stdout=output, stderr=output, timeout=MAX_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return f"the command ran longer than {MAX_SECONDS} seconds and was ended"
        except OSError as error:
            return f"the command cannot be run: {error.strerror or error}"
        if result.returncode == 0:
            return None
        output.seek(0)
        report = " ".join(output.read(MAX_READ).decode(errors="replace").split())[:MAX_SHOWN]
    return f"the command ended with {result.returncode}{f': {report}' if report else ''}"
