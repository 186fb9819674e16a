"""`forecast` without a command, on a terminal."""

import os
import shutil
from pathlib import Path

from forecaster.cli.streams import colored_lines, print_text
from forecaster.environment import HOME_VARIABLE, Environment

__all__ = ["print_next_steps"]


def print_next_steps() -> None:
    """Print the state of the project and the commands that go on from there."""
    from forecaster.output.doctor_tables import next_lines
    from forecaster.workflows.next_steps import next_steps

    home = Path(os.environ.get(HOME_VARIABLE, ""))
    width = shutil.get_terminal_size().columns
    print_text(colored_lines(next_lines(next_steps(Environment(home=home)), width)))
