"""`forecast completion`."""

import os
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from forecaster.cli.sections import SectionedCommand
from forecaster.cli.streams import has_terminal, print_note, print_text

__all__ = ["command"]

_PLACES = {
    "bash": "~/.local/share/bash-completion/completions/forecast",
    "zsh": "~/.zfunc/_forecast",
    "fish": "~/.config/fish/completions/forecast.fish",
}
"""Shell -> file that it reads when a command is completed for the first time."""

_HINTS = {"zsh": "; ~/.zshrc needs: fpath+=~/.zfunc; autoload -Uz compinit; compinit"}


@click.command("completion", cls=SectionedCommand, short_help="Print the completion script of a shell.")
@click.argument("shell", required=False, type=click.Choice([*_PLACES]))
def command(*, shell: str | None) -> None:
    """Print a script that lets bash, zsh or fish complete commands, options, pairs, ids of runs, kinds and more.

    Without SHELL, the shell of the variable SHELL is meant. A new shell reads the file.

    \b
    Example:
      forecast completion fish > ~/.config/fish/completions/forecast.fish
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    name = shell or Path(os.environ.get("SHELL", "")).name
    completion = get_completion_class(name) if name in _PLACES else None
    if completion is None:
        raise click.UsageError(f"Expected a shell, one of {', '.join(_PLACES)}.")
    from forecaster.cli import cli

    script = completion(cli, {}, "forecast", "_FORECAST_COMPLETE")
    # Not `source()`, which looks for the version of the shell on this machine.
    text = (script.source_template % script.source_vars()).strip()
    # A value of fish may be a list with commas, and its help a sentence.
    print_text(text.replace('string split ","', 'string split --max 1 ","'))
    if has_terminal():
        place = _PLACES[name]
        folder = place.rpartition("/")[0]
        print_note(f"install: mkdir -p {folder}; forecast completion {name} > {place}{_HINTS.get(name, '')}")
