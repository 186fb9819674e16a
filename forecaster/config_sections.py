"""Sections of the configuration and types of its values."""

import datetime
import re
from typing import Annotated, Any

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from forecaster.data.calendars import calendar_code
from forecaster.data.corrections import Corrections
from forecaster.data.spellings import parse_day, parse_frequency
from forecaster.errors import UsageError

__all__ = ["FREQUENCIES", "DataConfig", "Section", "SplitConfig", "TrackingUri"]

FREQUENCIES = ("1d", "1wk", "1mo")
"""Lengths of a row."""

MAX_LAG = 3660  # days; a value that is known ten years late is no covariate
MAX_URI = 1000

SplitRows = Annotated[int, Field(ge=1, le=1_000_000)]

_URI = re.compile(r"(https?://[^/\s]|(sqlite|postgresql|mysql|mssql)(\+\w+)?:///?[^\s])")
_USER = re.compile(r"\w[\w+]*://[^/\s]*@")


class Section(BaseModel):
    """A part of the configuration, which forbids unknown keys and never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _listed(value: Any) -> Any:
    """Names as a list: a text is split at its commas, and None names nothing."""
    if isinstance(value, str):
        return [name.strip() for name in value.split(",") if name.strip()]
    return [] if value is None else value


def _not_empty(value: str) -> str:
    """A name; a constraint of pydantic would refuse those of files whose bytes are no text."""
    if not value:
        raise ValueError("expected at least one character")
    return value


def _as_day(value: Any) -> Any:
    """A date in any form that has one meaning; another text is left to the check of its type."""
    try:
        return parse_day(value) if isinstance(value, str) else value
    except UsageError:
        return value


Day = Annotated[datetime.date, pydantic.BeforeValidator(_as_day)]
Name = Annotated[str, pydantic.AfterValidator(_not_empty)]
Names = Annotated[tuple[Name, ...], pydantic.BeforeValidator(_listed)]


class DataConfig(Section):
    """Histories: instruments (unless a flag names them), their source, their span, and covariates."""

    source: str = "auto"
    pair: Names = ()
    ticker: Names = ()
    csv: Names = ()
    name: str | None = None
    start: Day | None = None
    end: Day | None = None
    frequency: str = "1d"
    strict: bool = False
    calendar: str | None = None
    differences: bool = False
    splits: dict[str, float] = Field(default_factory=dict)
    drop: Names = ()
    keep: Names = ()
    peers: Names = ()
    inputs: Names = ()
    exog: str | None = None
    events: str | None = None
    market: bool | None = None
    lags: dict[str, Annotated[int, Field(ge=0, le=MAX_LAG)]] = Field(default_factory=dict)
    options: dict[str, Any] = Field(default_factory=dict)

    @pydantic.field_validator("frequency")
    @classmethod
    def _daily_or_longer(cls, frequency: str) -> str:
        try:
            return parse_frequency(frequency)
        except UsageError as error:
            raise ValueError(error.messages[0].partition(": ")[2]) from None

    @pydantic.field_validator("calendar")
    @classmethod
    def _known_calendar(cls, calendar: str | None) -> str | None:
        if calendar is not None:
            try:
                calendar_code(calendar)
            except UsageError as error:
                raise ValueError(error.messages[0]) from error
        return calendar

    @pydantic.model_validator(mode="after")
    def _corrections(self) -> "DataConfig":
        Corrections.of_texts(self.splits, self.drop, self.keep)
        return self

    @pydantic.model_validator(mode="after")
    def _in_order(self) -> "DataConfig":
        if self.start and self.end and self.start > self.end:
            raise ValueError(f"start {self.start} lies after end {self.end}")
        return self


class SplitConfig(Section):
    """Rows at the end of the history that weights are not fitted on."""

    test_rows: SplitRows = 750
    validation_rows: SplitRows = 500


def _without_user(uri: str) -> str:
    """The URI of a server or a database, without a password: runs record the command line."""
    if not _URI.match(uri):
        raise ValueError("expected http://HOST:PORT, https://HOST or a database such as sqlite:///FILE")
    if _USER.match(uri):
        raise ValueError("expected no user or password here; set MLFLOW_TRACKING_URI in the environment instead")
    return uri


TrackingUri = Annotated[str, Field(max_length=MAX_URI), pydantic.AfterValidator(_without_user)]
