"""Pause after HTTP 429, stored in a file so that no process asks again too soon."""

import contextlib
import datetime
import json
from pathlib import Path

from forecaster.errors import StorageError
from forecaster.files import write_file

__all__ = ["PAUSE", "Pause"]

PAUSE = datetime.timedelta(minutes=30)
"""Length of the pause."""


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
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}
