"""The one handler of errors: a foreseeable fault becomes one line on stderr for each mistake, and an exit code.

With a JSON format, these lines are one document on one line, the last of stderr.
"""

import contextlib
import dataclasses
import errno
import itertools
import json
import traceback
from collections.abc import Iterator, Sequence

import click

from forecaster.cli.streams import print_line, print_note, speech
from forecaster.errors import ExitCode, ForecasterError

__all__ = ["print_unexpected", "reported_faults", "wants_json"]

_ADVICE = {
    errno.ENOSPC: "expected free space; make room, or choose another place",
    errno.EDQUOT: "expected free space; make room, or choose another place",
    errno.EFBIG: "expected room for a larger file; raise the limit (ulimit -f), or choose another place",
    errno.EACCES: "expected permission to read and write; change its mode, or choose another --home or file",
    errno.EPERM: "expected permission to read and write; change its mode, or choose another --home or file",
    errno.EROFS: "expected a file system that can be written; choose another --home or file",
    errno.ENAMETOOLONG: "expected a shorter name; choose another path",
    errno.ENOENT: "expected it to exist; check the path",
    errno.ELOOP: "expected a link that leads to a file; choose another path",
    errno.EMFILE: "expected more files to be allowed; raise the limit (ulimit -n)",
}
_NO_MEMORY = (
    "there is not enough memory; expected more of it; use fewer series, a shorter history, smaller settings of the "
    "model, or fewer --jobs"
)


@dataclasses.dataclass(frozen=True)
class _Fault:
    """A fault in words.

    Args:
        code: Kind, see `ForecasterError.code`.
        messages: One line for each mistake.
        exit_code: Exit code of the process.
        commands: Command lines that may help.
        lines: Lines of the text form, where they are not the messages after ``error:``.
    """

    code: str
    messages: Sequence[str]
    exit_code: int
    commands: Sequence[str] = ()
    lines: Sequence[str] | None = None


def wants_json(words: Sequence[str]) -> bool:
    """True if a command line asks for JSON, in any of its forms, whether or not the rest of it is right.

    Example:
        >>> wants_json(["predict", "--format=jsonl"]), wants_json(["predict", "--", "--format", "json"])
        (True, False)
    """
    words = words[: words.index("--")] if "--" in words else words
    values = [word.partition("=")[2] for word in words if word.startswith("--format=")]
    values += [value for word, value in itertools.pairwise(words) if word == "--format"]
    return any(value.startswith("json") for value in values)


@contextlib.contextmanager
def reported_faults(words: Sequence[str], context: click.Context | None = None) -> Iterator[None]:
    """Print the error of the block, if there is one, and leave with its exit code.

    Args:
        words: Words after ``forecast``.
        context: Context of the command line, for the command that an error of usage refers to; None before there is
            one.

    Raises:
        click.exceptions.Exit: An error was printed.
    """
    try:
        yield
    except (ForecasterError, click.ClickException, click.Abort, KeyboardInterrupt, OSError, MemoryError) as error:
        fault = _fault_of(error, words, context)
        _print_fault(fault, words, error)
        raise click.exceptions.Exit(fault.exit_code) from error


def print_unexpected(error: Exception, words: Sequence[str]) -> None:
    """Print a mistake of this program: its report may quote texts from outside."""
    _print_report(error)
    if wants_json(words):
        message = f"{type(error).__name__}: {error}".replace("\n", " ")
        hint = "this is a mistake of the program; report it with the lines above"
        _print_fault(_Fault("internal", [f"{message}; {hint}"], ExitCode.FAILED, ["forecast doctor"]), words, error)


def _print_report(error: BaseException) -> None:
    for text in traceback.format_exception(error):
        for line in text.splitlines():
            print_note(line)


def _print_fault(fault: _Fault, words: Sequence[str], error: BaseException) -> None:
    if wants_json(words):
        from forecaster.output.error_documents import corrected_command, error_document

        corrected = [corrected_command(words, message) for message in fault.messages[:1]]
        commands = [*filter(None, corrected), *fault.commands]
        print_line(json.dumps(error_document(fault.code, fault.messages, fault.exit_code, commands)))
        return
    if speech().verbose:
        _print_report(error)
    lines = [f"error: {message}" for message in fault.messages] if fault.lines is None else fault.lines
    for line in lines:
        print_note(line)


def _fault_of(error: BaseException, words: Sequence[str], context: click.Context | None) -> _Fault:
    """The fault that an exception stands for."""
    if isinstance(error, ForecasterError):
        return _Fault(error.code(), error.messages, error.exit_code)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):  # a group without a command: its message is the help
        path = _path(error.ctx)
        message = f"{path} needs a command; expected one of {', '.join(_commands_of(error.ctx))}"
        return _Fault("usage", [message], error.exit_code, [f"{path} --help"], error.ctx.get_help().splitlines())
    if isinstance(error, click.ClickException):  # wrong options: one line instead of click's four
        within = error.ctx if isinstance(error, click.UsageError) else None
        see = f"{_path(within)} --help" if within else " ".join(f"forecast {_command_name(context)} --help".split())
        message = error.format_message()
        return _Fault("usage", [message], error.exit_code, [see], [f"error: {message} See: {see}"])
    if isinstance(error, OSError):
        return _Fault("system", [_os_message(error)], ExitCode.FAILED)
    if isinstance(error, MemoryError):
        return _Fault("memory", [_NO_MEMORY], ExitCode.FAILED)
    line = f"interrupted; {str(error) or 'unfinished work was not saved'}"
    return _Fault("interrupted", [line], ExitCode.INTERRUPTED, lines=[line])


def _path(context: click.Context) -> str:
    """The command as it is typed, such as ``forecast runs list``, whatever the program was called."""
    return " ".join(["forecast", *context.command_path.split()[1:]])


def _command_name(context: click.Context | None) -> str:
    return (context.invoked_subcommand if context is not None else None) or ""


def _commands_of(context: click.Context) -> list[str]:
    return context.command.list_commands(context) if isinstance(context.command, click.Group) else []


def _os_message(error: OSError) -> str:
    """The line for an error of the operating system that no other place has put into words."""
    place = "the command" if error.filename is None else f"{error.filename}"
    reason = error.strerror or str(error) or type(error).__name__
    advice = _ADVICE.get(error.errno or 0, "expected the disk and the system to work; check them and try again")
    return f"{place} cannot go on: {reason}; {advice}" if error.filename is None else f"{place}: {reason}; {advice}"
