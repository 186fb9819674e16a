"""Types of a request to Yahoo: patience, answers and faults."""

import dataclasses
import enum
import time
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

__all__ = ["Answer", "Fault", "Outcome", "Patience"]


class Outcome(enum.Enum):
    """Reasons for a missing history."""

    RATE_LIMITED = "refuses more requests"
    UNREACHABLE = "cannot be reached"
    GARBLED = "sends no price history"
    NO_DATA = "has no prices"


class Fault(Exception):
    """Yahoo gave no history; becomes a SourceError where symbol and advice are known.

    Args:
        outcome: Kind of the failure.
        detail: Short description.
    """

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail
        self.attempts = 1


@dataclasses.dataclass(frozen=True)
class Patience:
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


@dataclasses.dataclass(frozen=True)
class Answer:
    """Yahoo's answer as parsed by yfinance.

    Args:
        frame: A pandas DataFrame: raw open, high, low, close, adjusted close, volume, dividends and splits, by date.
        metadata: Yahoo's own description of the symbol.
    """

    frame: Any
    metadata: Mapping[str, Any]
