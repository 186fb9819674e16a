"""Answers of Yahoo, and the faults in place of one."""

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any

__all__ = ["Answer", "Fault", "Outcome"]


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
class Answer:
    """Yahoo's answer as parsed by yfinance.

    Args:
        frame: A pandas DataFrame: raw open, high, low, close, adjusted close, volume, dividends and splits, by date.
        metadata: Yahoo's own description of the symbol.
    """

    frame: Any
    metadata: Mapping[str, Any]
