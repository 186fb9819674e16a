"""Command line: parse, call one workflow, print."""

import atexit
import importlib
import os
import sys
import warnings
from typing import Any, NoReturn

import click
from click.shell_completion import CompletionItem

from forecaster import __version__
from forecaster.cli.completion_values import pairs
from forecaster.cli.faults import print_unexpected, reported_faults
from forecaster.cli.groups import CommandGroup
from forecaster.cli.interrupts import ignore_signals
from forecaster.cli.positional import is_instrument
from forecaster.cli.streams import has_terminal, narrow_width, open_missing_streams, print_text, release_streams
from forecaster.environment import BACKEND_VARIABLE, WINDOW_VARIABLE
from forecaster.errors import ExitCode

__all__ = ["cli", "main"]

# One thread for the small products of a forward pass: more of them wait for each other on a busy machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Pydantic would look for plugins in the metadata of every installed package.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

# Command -> home; loaded when it is used, so that --help stays instant.
_COMMANDS = (
    *("train", "predict", "plot", "odds", "backtest", "compare", "search", "studies", "score", "ledger", "watch"),
    *("audit", "inspect", "anomalies", "events", "report", "export", "runs", "replay", "data", "config", "schema"),
    *("init", "doctor", "completion"),
)
_WORDS = "forecaster.words"
_ENGINES = ("tensorflow", "keras", "jax", "numpy", "pandas", "matplotlib", "yfinance", "arch", "CurrencyConverter")


class LazyGroup(CommandGroup):
    """A group whose commands are modules of this package."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which a user needs them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of the module of that name."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"forecaster.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first word names; an instrument alone asks for its forecast."""
        if self.get_command(ctx, args[0]) is None and is_instrument(args[0], _COMMANDS):
            return "predict", self.get_command(ctx, "predict"), ["--train-if-missing", *args]
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands that begin so, and pairs."""
        items = super().shell_complete(ctx, incomplete)
        return items + (pairs(ctx, self, incomplete) if incomplete.isupper() else [])

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parse the options before the command; a fault is one line and an exit code."""
        words = list(args)
        if (width := narrow_width()) is not None:  # click itself wraps at no less than 50 columns
            extra.setdefault("terminal_width", width)
        with reported_faults(words):
            context = super().make_context(info_name, args, parent, **extra)
        context.meta[_WORDS] = words
        return context

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the options before the command; without a word, a terminal shows what to do next."""
        if not args and has_terminal() and not ctx.resilient_parsing:
            from forecaster.cli.next_steps import print_next_steps

            print_next_steps()
            ctx.exit()
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a foreseeable fault is one line each and an exit code."""
        with reported_faults(ctx.meta.get(_WORDS, []), ctx):
            return super().invoke(ctx)


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
    print_text(f"forecast {__version__} (python {sys.version.split()[0]}, {engines})")
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
      forecast USDJPY            train where no run fits, then forecast
      forecast train USDJPY      train on the installed history
      forecast predict USDJPY    forecast the coming days
      forecast plot USDJPY       draw history and forecast
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)


def _reset_warnings() -> None:
    """Restore Python's own choice of warnings: with PYTHONWARNINGS=error, one of a library would end a command."""
    os.environ.pop("PYTHONWARNINGS", None)  # processes that this one starts read both
    sys.warnoptions.clear()
    warnings.resetwarnings()
    for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", category)


def main() -> NoReturn:
    """Run the command line in this process and end it."""
    open_missing_streams()
    # Matplotlib does not load with a backend that it does not know, and only a window needs one.
    if BACKEND_VARIABLE in os.environ:
        os.environ[WINDOW_VARIABLE] = os.environ.pop(BACKEND_VARIABLE)
    _reset_warnings()
    code: Any = ExitCode.OK
    try:
        cli.main(prog_name="forecast")
    except KeyboardInterrupt:  # before or after a command
        code = ExitCode.INTERRUPTED
    except SystemExit as leaving:
        code = leaving.code
    except Exception as error:
        print_unexpected(error, sys.argv[1:])
        code = ExitCode.FAILED
    ignore_signals()
    if not release_streams() and code == ExitCode.OK:
        code = ExitCode.FAILED
    # Taking the interpreter down takes a second once an engine is loaded, and can crash while one computes.
    if code != ExitCode.INTERRUPTED:
        atexit._run_exitfuncs()
    os._exit(code if isinstance(code, int) else ExitCode.OK)
