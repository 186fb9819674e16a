"""`forecast init`."""

import shlex
from pathlib import Path
from typing import Any

import click

from forecaster.cli.options import TRAINING_OPTIONS, with_options
from forecaster.cli.sections import SectionedCommand
from forecaster.environment import Environment

__all__ = ["command"]

DEFAULT_FILE = Path("forecast.yaml")


@click.command("init", cls=SectionedCommand, short_help="Write a commented configuration for an instrument.")
@with_options(
    common=("pair", "ticker", "csv", "frequency", "config", "set", "horizon", "seed", "out", "yes", "home"),
    rare=[name for name in TRAINING_OPTIONS if name not in ("refresh", "offline")],
)
def command(*, environment: Environment, out: Path | None, yes: bool, **keywords: Any) -> None:
    """Write a configuration for an instrument: every key with its value, its meaning and the values that it takes.

    Without --out, the file is forecast.yaml. --yes replaces a file that is there.

    \b
    Example:
      forecast init USDJPY
      forecast init USDJPY --config gru --out gru.yaml
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    from forecaster.workflows.init import init

    path = DEFAULT_FILE if out is None else out
    init(out=path, replace=yes, **keywords)
    environment.note(f"written: {path}")
    environment.note(f"next: forecast train --config {shlex.quote(str(path))}")
