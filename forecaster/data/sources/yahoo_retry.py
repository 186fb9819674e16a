"""Retries of a request to Yahoo, and the pause after HTTP 429.

The end of a pause is stored in a file, so that no process asks again too soon.
"""

import contextlib
import dataclasses
import datetime
import json
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from forecaster.data.sources.yahoo_answers import Fault, Outcome
from forecaster.errors import StorageError
from forecaster.files import read_regular_file, write_file

__all__ = ["PAUSE", "Pause", "RetryPolicy"]

PAUSE = datetime.timedelta(minutes=30)
"""Length of the pause after HTTP 429."""

MAX_FILE_BYTES = 64 * 2**10
_MIN_ATTEMPT_SECONDS = 0.5  # time that an attempt needs after a pause


@dataclasses.dataclass(frozen=True)
class RetryPolicy:
    """Time limits and pauses of the requests for one history.

    Args:
        deadline_seconds: Limit for attempts, pauses and side requests of yfinance together.
        request_seconds: Limit for one answer with prices.
        side_request_seconds: Limit for one cookie or crumb, which prices do not need.
        pauses_seconds: Before the second, third, ... attempt, each times a number between a half and one and a half.
        rate_limited_attempts: Attempts when the answer is "too many requests": each one makes it worse.
        clock: Seconds on a clock that never goes back.
        sleep: Waits.
        random: Draws the length of the pauses, so that many processes do not come back together.
    """

    deadline_seconds: float = 12.0
    request_seconds: float = 6.0
    side_request_seconds: float = 2.0
    pauses_seconds: tuple[float, ...] = (1.0, 2.0, 4.0)
    rate_limited_attempts: int = 2
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Random = dataclasses.field(default_factory=Random)

    def pause_seconds(self, fault: Fault, seconds_left: float) -> float | None:
        """Seconds to wait before the next attempt.

        Args:
            fault: Fault of the last attempt, with the number of attempts so far.
            seconds_left: Until the deadline.

        Returns:
            The pause; None if there is to be no other attempt.
        """
        attempts = len(self.pauses_seconds) + 1
        if fault.outcome is Outcome.RATE_LIMITED:
            attempts = min(attempts, self.rate_limited_attempts)
        time_for_pause = seconds_left - _MIN_ATTEMPT_SECONDS
        if fault.outcome is Outcome.NO_DATA or fault.attempts >= attempts or time_for_pause <= 0:
            return None
        return min(self.pauses_seconds[fault.attempts - 1] * self.random.uniform(0.5, 1.5), time_for_pause)


class Pause:
    """End of a server's pause, in a small file. A file that cannot be read or written is ignored.

    Args:
        home: The project's folder.
        server: The server; each has its own pause.
    """

    def __init__(self, home: Path, server: str) -> None:
        self.path = home / "data" / "yahoo-pause.json"
        self._server = server

    def until(self, now: datetime.datetime) -> datetime.datetime | None:
        """End of the pause; None if there is none. An end too far ahead means a clock set back: no pause."""
        try:
            end = datetime.datetime.fromisoformat(self._read()[self._server])
            return end if now < end <= now + PAUSE else None
        except (KeyError, TypeError, ValueError):
            return None

    def begin(self, now: datetime.datetime) -> datetime.datetime:
        """Begin a pause of half an hour and return its end."""
        end = now + PAUSE
        content = json.dumps(self._read() | {self._server: end.isoformat(timespec="seconds")})
        with contextlib.suppress(OSError, StorageError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_file(self.path, content.encode())
        return end

    def _read(self) -> dict[str, str]:
        try:
            content = json.loads(read_regular_file(self.path, MAX_FILE_BYTES))
        except (OSError, ValueError, RecursionError):
            return {}
        return content if isinstance(content, dict) else {}
