"""Command line: parse, call one workflow, print. This is the only place that prints errors."""

import errno
import importlib
import os
import sys
from typing import Any, NoReturn

import click

from forecaster import __version__
from forecaster.errors import ExitCode, ForecasterError

__all__ = ["cli", "main"]

# One thread for the small products of a forward pass: more of them wait for each other on a busy machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Command -> home; loaded when it is used, so that --help stays instant.
_COMMANDS = ("train", "predict", "plot", "backtest", "audit", "runs", "data")
_ENGINES = ("tensorflow", "keras", "jax", "numpy", "pandas", "matplotlib", "yfinance", "arch", "CurrencyConverter")


class LazyGroup(click.Group):
    """A group whose commands are modules of this package, and the one handler of errors."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which a user needs them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of the module of that name."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"forecaster.cli.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a foreseeable fault is one line each and an exit code."""
        try:
            return super().invoke(ctx)
        except ForecasterError as error:
            for message in error.messages:
                click.echo(f"error: {message}", err=True)
            ctx.exit(error.exit_code)
        except click.ClickException as error:  # wrong options: one line instead of click's four
            command = ctx.invoked_subcommand or ""
            click.echo(f"error: {error.format_message()} See: forecast {command} --help".replace("  ", " "), err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt as stop:
            click.echo(f"interrupted; {str(stop) or 'nothing was saved'}", err=True)
            ctx.exit(ExitCode.INTERRUPTED)
        except BrokenPipeError:  # the reader is gone, as in ``| head``
            _leave_stdout(ctx, ExitCode.OK)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            click.echo(
                f"error: the result cannot be written: {error.strerror}; expected free space; make room", err=True
            )
            _leave_stdout(ctx, ExitCode.FAILED)


def _leave_stdout(ctx: click.Context, code: ExitCode) -> NoReturn:
    """Nothing more can be written to stdout: leave without a traceback at the interpreter's exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    ctx.exit(code)


def _print_versions(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from importlib import metadata

    def version(name: str) -> str:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            return "not installed"

    engines = ", ".join(f"{name} {version(name)}" for name in _ENGINES)
    click.echo(f"forecast {__version__} (python {sys.version.split()[0]}, {engines})")
    ctx.exit()


_EXIT_CODES = "\b\nExit codes:\n" + "\n".join(f"{code.value:>5}  {code.meaning}" for code in ExitCode)


@click.group(
    cls=LazyGroup,
    epilog=_EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version", is_flag=True, callback=_print_versions, expose_value=False, is_eager=True,
    help="Show the version of this program and of its engines.",
)  # fmt: skip
def cli() -> None:
    """Forecast currencies and stocks with a stacked LSTM: probabilities, always next to those of naive forecasts.

    \b
    Example:
      forecast train --pair USDJPY      train on the installed history
      forecast predict --pair USDJPY    forecast the coming days
      forecast plot --pair USDJPY       draw history and forecast
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)


def main() -> NoReturn:
    """Entry point of the console script."""
    code: Any = ExitCode.OK
    try:
        cli.main(prog_name="forecast")
    except KeyboardInterrupt:  # before or after a command
        code = ExitCode.INTERRUPTED
    except SystemExit as leaving:
        code = leaving.code
    if code == ExitCode.INTERRUPTED:
        # An engine may still compute in its own threads, and taking the interpreter down under them can crash.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
