"""`forecast replay`."""

from typing import Any

import click

from forecaster.cli.completion_values import run_ids
from forecaster.cli.options import with_options
from forecaster.cli.sections import SectionedCommand
from forecaster.environment import Environment
from forecaster.errors import ExitCode

__all__ = ["command"]


@click.command("replay", cls=SectionedCommand, short_help="Repeat a training, and compare weights and scores.")
@click.argument("run_id", metavar="ID", shell_complete=run_ids)
@with_options(("offline", "exog", "events", "backend", "device", "home"), (), ("table", "json"))
def command(*, environment: Environment, run_id: str, format: str, **keywords: Any) -> None:
    """Repeat the training of a run with its data, configuration and seed, and compare weights and scores.

    Weights, forecasts and scores have the same bits where software, engine and processor are those of the training.
    Elsewhere the CRPS on the test rows may differ by 1 %, and the output names what differs. --backend and --device
    choose another engine; --exog and --events name files that were moved. Exit code 4 means that the training was not
    repeated. The project stays as it is.

    \b
    Example:
      forecast replay latest
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    from forecaster.cli.streams import colored_lines
    from forecaster.cli.terminal import print_result
    from forecaster.files import json_text
    from forecaster.output.replay_tables import replay_document, replay_lines
    from forecaster.workflows.replay import replay

    document = replay_document(replay(run=run_id, environment=environment, **keywords))
    print_result(environment, json_text(document) if format == "json" else colored_lines(replay_lines(document)))
    if not document["repeated"]:
        click.get_current_context().exit(ExitCode.DIFFERENCE)
