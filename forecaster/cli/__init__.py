"""Command line: parse, call one workflow, print."""

import atexit
import importlib
import os
import sys
import traceback
from typing import Any, NoReturn

import click

from forecaster import __version__
from forecaster.cli.faults import reported_faults
from forecaster.cli.groups import CommandGroup
from forecaster.cli.interrupts import ignore_signals
from forecaster.cli.positional import is_instrument
from forecaster.cli.streams import open_missing_streams, print_note, print_text, release_streams
from forecaster.environment import BACKEND_VARIABLE, WINDOW_VARIABLE
from forecaster.errors import ExitCode

__all__ = ["cli", "main"]

# One thread for the small products of a forward pass: more of them wait for each other on a busy machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Pydantic would look for plugins in the metadata of every installed package.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

# Command -> home; loaded when it is used, so that --help stays instant.
_COMMANDS = (
