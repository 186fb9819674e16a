"""Entry point of the console script and of ``python -m forecaster``.

Its first act is to take over Ctrl-C, SIGTERM and SIGHUP, so that they end the program in one line while it still loads.
"""

import contextlib
import gc
import os
import signal
import sys
from typing import NoReturn

__all__ = ["main"]

_COLLECTION = (200_000, 20, 50)  # thresholds: nearly all objects of a command's start live as long as it does
_INTERRUPTED = 130  # as forecaster.errors.ExitCode.INTERRUPTED, which is not loaded yet
_DOCUMENT = (
    b'{"schema": "error/1", "code": "interrupted", "message": "interrupted", "hint": "unfinished work was not saved", '
    b'"commands": [], "exit_code": 130, "mistakes": ["interrupted; unfinished work was not saved"]}\n'
)
"""Document of an interrupt, as `forecaster.output.error_documents` makes it."""


def _end_at_once(number: int, frame: object) -> NoReturn:
    """End the process; it has no work in progress."""
    words = " ".join(sys.argv).replace("--format ", "--format=")
    line = _DOCUMENT if "--format=json" in words else b"interrupted; unfinished work was not saved\n"
    with contextlib.suppress(OSError):
        os.write(2, line)
    os._exit(_INTERRUPTED)


def main() -> NoReturn:
    """Run the command line."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end_at_once)
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # else nohup has started it
        signal.signal(signal.SIGHUP, _end_at_once)
    gc.set_threshold(*_COLLECTION)
    from forecaster.cli import main as run_command_line

    run_command_line()


if __name__ == "__main__":
    main()
