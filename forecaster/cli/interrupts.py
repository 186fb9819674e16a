"""Ctrl-C, SIGTERM and SIGHUP, which a closed terminal sends: all end a command in the same way."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Self

__all__ = ["Interrupt", "ignore_signals"]

_RETRY_SECONDS = 0.1


def _signals() -> Iterator[signal.Signals]:
    """Signals that end a command; without SIGHUP where nohup has started it."""
    yield from (signal.SIGINT, signal.SIGTERM)
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        yield signal.SIGHUP


def ignore_signals() -> None:
    """Let a finished command end in peace."""
    if threading.current_thread() is threading.main_thread():
        for number in _signals():
            signal.signal(number, signal.SIG_IGN)


class Interrupt:
    """KeyboardInterrupt that cannot get lost.

    An engine may swallow it in a callback, or turn it into an error of its own: the next report of progress raises it
    again, and so does the end of this context after any error.
    """

    def __init__(self) -> None:
        self._received = False
        self._is_active = False
        self._before: dict[signal.Signals, Any] = {}
        self._unraisable: Callable[[Any], object] = sys.unraisablehook

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._receive) for number in _signals()}
            self._unraisable = sys.unraisablehook
            sys.unraisablehook = self._report_unraisable
            self._is_active = True
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._is_active = False
        if self._before:
            sys.unraisablehook = self._unraisable
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._received and isinstance(error, Exception):
            raise KeyboardInterrupt from error

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self._received = True
        if _is_importing(frame):
            self._try_again(number)
        else:
            raise KeyboardInterrupt

    def _try_again(self, number: int) -> None:
        timer = threading.Timer(_RETRY_SECONDS, self._send, (number,))
        timer.daemon = True
        timer.start()

    def _send(self, number: int) -> None:
        if self._is_active:
            signal.raise_signal(number)

    def _report_unraisable(self, details: Any) -> None:
        """Raise an interrupt again that fell into a destructor or a collector's callback, which cannot pass it on."""
        if issubclass(details.exc_type, KeyboardInterrupt):
            self._try_again(signal.SIGINT)
        else:
            self._unraisable(details)

    def check(self) -> None:
        """Raise KeyboardInterrupt where a signal was received and swallowed."""
        if self._received:
            raise KeyboardInterrupt


def _is_importing(frame: FrameType | None) -> bool:
    """True while a module loads: an engine written in C++ aborts the process if its loading is interrupted."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
