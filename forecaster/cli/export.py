"""`forecast export`."""

from typing import Any

import click

from forecaster.cli.completion_values import run_ids
from forecaster.cli.option_builders import option
from forecaster.cli.options import with_options
from forecaster.cli.sections import SectionedCommand
from forecaster.cli.streams import print_text
from forecaster.environment import Environment
from forecaster.errors import did_you_mean

__all__ = ["command"]


def _to_format(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    """The name of a registered format."""
    from forecaster.models.exports import FORMATS

    if value not in FORMATS:
        hint = did_you_mean(value, FORMATS) or "."
        raise click.BadParameter(f"{value!r} is unknown; expected one of {', '.join(FORMATS)}{hint}")
    return value


_FORMAT = option(
    "Output",
    "--format",
    default="keras",
    show_default=True,
    callback=_to_format,
    metavar="NAME",
    help="Format: keras, onnx or saved-model.",
)


@click.command("export", cls=SectionedCommand, short_help="Write a forecaster for programs without this package.")
@click.argument("run", metavar="RUN", shell_complete=run_ids)
@_FORMAT(False)
@with_options(common=("folder", "home"))
def command(*, environment: Environment, **keywords: Any) -> None:
    """Write the whole forecaster of a run as a Keras file, an ONNX file or a TensorFlow SavedModel.

    Network, regression, location gate and scaling are in one model, which is compared with predict before it is
    written. inputs.json describes the inputs, example.py uses them. RUN may be the beginning of an id, or latest.

    \b
    Example:
      forecast export latest
      forecast export 20261126-040128 --format onnx --folder usdjpy-onnx
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    from forecaster.workflows.export import export

    print_text(export(environment=environment, **keywords).folder)
