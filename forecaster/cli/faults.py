"""The one handler of errors: a foreseeable fault becomes one line on stderr for each mistake, and an exit code."""

import contextlib
import errno
from collections.abc import Iterator

import click

from forecaster.cli.streams import print_note
from forecaster.errors import ExitCode, ForecasterError

__all__ = ["reported_faults"]

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


@contextlib.contextmanager
def reported_faults(context: click.Context | None = None) -> Iterator[None]:
    """Print the error of the block, if there is one, and leave with its exit code.

    Args:
        context: Context of the command line, for the command that an error of usage refers to; None before there is
            one.

    Raises:
        click.exceptions.Exit: An error was printed.
    """
    try:
        yield
    except ForecasterError as error:
        for message in error.messages:
            print_note(f"error: {message}")
        raise click.exceptions.Exit(error.exit_code) from error
    except click.exceptions.NoArgsIsHelpError as error:  # a group without a command: its message is the help
        for line in error.ctx.get_help().splitlines():
            print_note(line)
        raise click.exceptions.Exit(error.exit_code) from error
    except click.ClickException as error:  # wrong options: one line instead of click's four
        command = (context.invoked_subcommand if context is not None else None) or ""
        see = " ".join(f"See: forecast {command} --help".split())
        print_note(f"error: {error.format_message()} {see}")
        raise click.exceptions.Exit(error.exit_code) from error
    except (KeyboardInterrupt, click.Abort) as stop:
        print_note(f"interrupted; {str(stop) or 'unfinished work was not saved'}")
        raise click.exceptions.Exit(ExitCode.INTERRUPTED) from stop
    except OSError as error:
        print_note(f"error: {_os_message(error)}")
        raise click.exceptions.Exit(ExitCode.FAILED) from error
    except MemoryError as error:
        print_note(
            "error: there is not enough memory; expected more of it; use fewer series, a shorter history, smaller "
            "settings of the model, or fewer --jobs"
        )
        raise click.exceptions.Exit(ExitCode.FAILED) from error


def _os_message(error: OSError) -> str:
    """The line for an error of the operating system that no other place has put into words."""
    place = "the command" if error.filename is None else f"{error.filename}"
    reason = error.strerror or str(error) or type(error).__name__
    advice = _ADVICE.get(error.errno or 0, "expected the disk and the system to work; check them and try again")
    return f"{place} cannot go on: {reason}; {advice}" if error.filename is None else f"{place}: {reason}; {advice}"
