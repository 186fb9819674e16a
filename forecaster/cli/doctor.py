"""`forecast doctor`."""

import click

from forecaster.cli.options import with_options
from forecaster.cli.sections import SectionedCommand
from forecaster.environment import Environment
from forecaster.errors import ExitCode

__all__ = ["command"]


@click.command("doctor", cls=SectionedCommand, short_help="Check installation, engines, network and project.")
@with_options(("online", "offline", "home"), formats=("table", "json"))
def command(*, environment: Environment, online: bool, offline: bool, format: str) -> None:
    """Check the installation, engines, network and project: what is wrong, and what to type.

    A warning means that something works less well than it could. With a problem, the exit code is 4. The network is
    asked for at most three seconds, unless --offline or FORECAST_OFFLINE forbids it.

    \b
    Example:
      forecast doctor
      forecast doctor --format json
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    from forecaster.cli.terminal import print_result, table_text
    from forecaster.files import json_text
    from forecaster.output.doctor_tables import diagnosis_document, diagnosis_table
    from forecaster.workflows.doctor import doctor

    if online and offline:
        raise click.UsageError("--online asks the network and --offline forbids it; give one of them.")
    environment.progress("checks", 0, 1, detail="loading the engines")
    diagnosis = doctor(environment, online=online, offline=offline)
    document = diagnosis_document(diagnosis)
    text = json_text(document) if format == "json" else table_text(diagnosis_table(document))
    print_result(environment, text)
    if diagnosis.outcome == "problem":
        raise click.exceptions.Exit(ExitCode.DIFFERENCE)
