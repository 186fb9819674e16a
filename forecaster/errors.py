"""Every foreseeable error, and the exit code of the process after it.

    ForecasterError                 1   the command failed
    |-- UsageError                  2   a request that cannot be carried out
    |   |-- InstrumentError             unknown or malformed pair, two kinds of instrument, none
    |   |-- ConfigError                 a config file or a ``--set`` key; one message per mistake
    |   |-- InputFileError              a CSV that cannot be read as a price history
    |   `-- NotEnoughDataError          fewer rows than the model needs
    |-- SourceError                 3   a data source is unavailable or does not know the symbol
    |   `-- UnreachableError            the network, or the server, does not answer
    |-- DamageError                 4   a run or a store does not match its own checksums
    |-- DataChangedError            4   histories are no longer those of a training
    |-- RunNotFoundError            1   no recorded run fits the request
    |-- NewerSchemaError            1   a run or a store written by a newer version
    `-- StorageError                1   a folder or disk refused the write

A message is one line and says what happened, what was expected and what to do. The name of the class is the ``code`` of
the JSON document of an error.
"""

import enum
import re
from collections.abc import Iterable
from typing import Self

__all__ = [
    "ConfigError",
    "DamageError",
    "DataChangedError",
    "ExitCode",
    "ForecasterError",
    "InputFileError",
    "InstrumentError",
    "NewerSchemaError",
    "NotEnoughDataError",
    "RunNotFoundError",
    "SourceError",
    "StorageError",
    "UnreachableError",
    "UsageError",
    "did_you_mean",
]


class ExitCode(enum.IntEnum):
    """Exit code of the process, and its meaning; scripts may rely on these numbers."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> Self:
        """A member with the number `value`."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    OK = 0, "success"
    FAILED = 1, "failed, such as no run that fits, or a full disk"
    USAGE = 2, "wrong usage, configuration or input file"
    SOURCE = 3, "data source unavailable, or symbol unknown to it"
    DIFFERENCE = 4, "leak (audit), problem (doctor), damage, difference (replay, data diff)"
    ALERT = 5, "a rule of watch has fired"
    INTERRUPTED = 130, "interrupted by Ctrl-C, SIGTERM or a closed terminal"


def did_you_mean(text: str, names: Iterable[str]) -> str:
    """End of a message about an unknown name: the nearest of `names`, if one is near.

    Example:
        >>> did_you_mean("garhc", ["ewma", "garch"]), did_you_mean("x", ["ewma"])
        ('; did you mean garch?', '')
    """
    import difflib

    choices = [*names]
    typed = text[:64]
    near = difflib.get_close_matches(typed, choices, n=1) or difflib.get_close_matches(typed.lower(), choices, n=1)
    return f"; did you mean {near[0]}?" if near else ""


class ForecasterError(Exception):
    """Base of every error that is reported in one line per mistake, without a traceback.

    Args:
        messages: One line per mistake, in the order in which they should be read.
    """

    exit_code: ExitCode = ExitCode.FAILED

    @classmethod
    def code(cls) -> str:
        """Kind of the error, as the JSON document of an error names it.

        >>> RunNotFoundError.code()
        'run_not_found'
        """
        name = cls.__name__.removesuffix("Error")
        return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() if name != "Forecaster" else "failed"

    def __init__(self, *messages: str) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages

    def __reduce__(self) -> tuple[type["ForecasterError"], tuple[str, ...]]:
        """The messages one by one, for an error that another process raised."""
        return type(self), self.messages


class UsageError(ForecasterError):
    """A request that cannot be carried out."""

    exit_code = ExitCode.USAGE


class InstrumentError(UsageError):
    """An instrument is unknown, malformed, missing, or named in two ways at once."""


class ConfigError(UsageError):
    """A config file or a ``--set`` assignment has mistakes; one message for each."""


class InputFileError(UsageError):
    """A file given by the user cannot be read as a price history."""


class NotEnoughDataError(UsageError):
    """A series has fewer rows than the model needs; the message says how many that is."""


class SourceError(ForecasterError):
    """A data source is unavailable, or does not know the symbol."""

    exit_code = ExitCode.SOURCE


class UnreachableError(SourceError):
    """A source does not answer at all; others at the same place would not either."""


class DamageError(ForecasterError):
    """A stored file does not match its own checksum or structure."""

    exit_code = ExitCode.DIFFERENCE


class DataChangedError(ForecasterError):
    """Histories are no longer those that a training used."""

    exit_code = ExitCode.DIFFERENCE


class RunNotFoundError(ForecasterError):
    """No recorded run fits the request."""


class NewerSchemaError(ForecasterError):
    """A run or a store was written by a newer version of this program."""


class StorageError(ForecasterError):
    """A folder or disk refused the write."""
