"""`forecast train`."""

from typing import Any

import click

from forecaster.cli.options import TRAINING_OPTIONS, with_options
from forecaster.cli.sections import SectionedCommand
from forecaster.environment import Environment

__all__ = ["command"]


@click.command("train", cls=SectionedCommand, short_help="Train a model on a history and record the run.")
@with_options(
    common=("pair", "ticker", "csv", "end", "universe", "with", "config", "set", "horizon", "seed", "home"),
    rare=(*TRAINING_OPTIONS, "base", "refit", "executor", "address", "gpu_share", "backend", "device", "verbose"),
    formats=("table", "json"),
)
def command(*, environment: Environment, format: str, verbose: bool, **keywords: Any) -> None:
    """Train a model, test it on the last rows next to the baselines, and record the run.

    The result is a summary: ranges of a week and of a month, and how often such ranges held. --verbose adds every
    score. --from trains with configuration and data of a run, apart from the given changes, and compares the two.

    \b
    Example:
      forecast train --pair USDJPY
      forecast train --from latest --set 'model.units=[64]'
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    from forecaster.cli.terminal import print_result
    from forecaster.output.documents import train_document
    from forecaster.output.run_tables import difference_lines
    from forecaster.workflows.train import train

    result = train(environment=environment, **keywords)
    document = train_document(result)
    print_result(environment, _text(document, format, verbose))
    for line in [] if document["change"] is None else difference_lines(document["change"]):
        environment.note(line)
    environment.note(f"next: {result.next_command}")


def _text(document: dict[str, Any], output: str, verbose: bool) -> str:
    from forecaster.cli.streams import colored_lines
    from forecaster.cli.terminal import table_text
    from forecaster.files import json_text
    from forecaster.output.run_tables import difference_tables
    from forecaster.output.score_tables import score_table, training_lines
    from forecaster.output.training_summary import summary_heading, summary_lines, summary_table

    if output == "json":
        return json_text(document)
    parts = []
    if verbose:
        parts.append(table_text(score_table(document["scores"], document["model"], document["interval"])))
        parts.append(colored_lines([*training_lines(document), ""]))
    if document["summary"]:
        parts.append(colored_lines(summary_heading(document["summary"])))
        parts.append(table_text(summary_table(document["summary"])))
    parts.append(colored_lines(summary_lines(document, verbose=verbose)))
    if document["change"] is not None:
        parts += [f"\n{table_text(table)}" for table in difference_tables(document["change"])]
    return "\n".join(part for part in parts if part)
