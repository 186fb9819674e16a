"""The pause after "too many requests", remembered between processes so that none of them asks again too soon."""

import contextlib
import datetime
import json
from pathlib import Path

from forecaster.errors import StorageError
from forecaster.files import write_file

__all__ = ["PAUSE", "Pause"]

PAUSE = datetime.timedelta(minutes=30)
"""How long Yahoo is left alone."""


class Pause:
    """Until when a server is not to be asked, in a small file.

    It is a courtesy and no more: a file that cannot be read or written is as good as none.

    Args:
        home: The project's folder.
        server: Which server; each has a pause of its own.
    """

    def __init__(self, home: Path, server: str) -> None:
        self.path = home / "data" / "yahoo-pause.json"
        self._server = server

    def until(self, now: datetime.datetime) -> datetime.datetime | None:
        """When the pause ends; None when there is none. A date too far ahead is a clock set back, and no pause."""
        try:
            end = datetime.datetime.fromisoformat(self._read()[self._server])
            return end if now < end <= now + PAUSE else None
        except (KeyError, TypeError, ValueError):
            return None

    def begin(self, now: datetime.datetime) -> datetime.datetime:
        """Ask nothing more for half an hour; returns when that ends."""
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
