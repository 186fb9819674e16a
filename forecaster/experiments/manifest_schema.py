"""Schema of ``manifest.json``: every fact that is read has its type, and numbers and dates fit each other.

Checksums protect against damage, not against a manifest that was written with false content and a fitting checksum.
Keys of later versions are allowed.
"""

import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
    model_validator,
)

__all__ = ["check_document"]


def _is_date(text: str) -> str:
    datetime.date.fromisoformat(text)
    return text


Date = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$"), AfterValidator(_is_date)]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Factor = Annotated[FiniteFloat, Field(gt=0, le=100)]
Name = Annotated[str, Field(min_length=1, max_length=1000)]


class _Section(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class _Series(_Section):
    series: Name
    rows: PositiveInt
    first: Date
    last: Date
    sha256: Hash

    @model_validator(mode="after")
    def _dates_increase(self) -> Self:
        if self.first > self.last:
            raise ValueError(f"{self.series} ends before it begins")
        return self


class _Covariate(_Section):
    name: Name
    sha256: Hash | None = None
    known_sha256: Hash | None = None


class _Part(_Section):
    first: Date
    last: Date
    rows: PositiveInt


class _Split(_Section):
    train: _Part
    validation: _Part
    test: _Part

    @model_validator(mode="after")
    def _parts_follow_each_other(self) -> Self:
        parts = (self.train, self.validation, self.test)
        dates = [date for part in parts for date in (part.first, part.last)]
        if dates != sorted(dates):
            raise ValueError("the parts of the split overlap")
        return self


class _Engine(_Section):
    backend: Literal["jax", "tensorflow"]
    device: Literal["cpu", "gpu"]
    reason: str


class _Score(_Section):
    instrument: Name
    part: Literal["train", "validation", "test"]
    step: PositiveInt
    n: NonNegativeInt
    window: Annotated[list[Date], Field(min_length=2, max_length=2)]
    crps_ratio: dict[str, FiniteFloat | None]
    coverage: dict[str, FiniteFloat | None]
    rmse_return: FiniteFloat | None = None
    rmse_return_naive: FiniteFloat | None = None


class _Claim(_Section):
    outcome: str = ""
    text: str = ""
    against: str | None = None


class _StepCoverage(_Section):
    step: PositiveInt
    n: NonNegativeInt
    coverage: dict[str, FiniteFloat | None]
    outcome: str
    p_value: FiniteFloat | None


class _CoverageClaim(_Claim):
    steps: list[_StepCoverage] = []


class _Verdict(_Section):
    point: _Claim = _Claim()
    direction: _Claim = _Claim()
    density: _Claim = _Claim()
    coverage: _CoverageClaim = _CoverageClaim()


class _Configuration(_Section):
    base: Name
    changes: dict[str, Any]
    shortened: str | None = None


class _Carried(_Section):
    since: Date
    factors: Annotated[list[Annotated[list[Factor], Field(min_length=4, max_length=4)]], Field(min_length=1)]


class _Scaler(_Section):
    offset: FiniteFloat
    width: Annotated[FiniteFloat, Field(gt=0)]


class _Choices(_Section):
    location_steps: list[PositiveInt] = []
    location_gains: list[FiniteFloat | None] = []
    spread: list[list[FiniteFloat]] = []


class _Learned(_Section):
    scaler: _Scaler | None = None


class _Report(_Choices, _Learned):
    """A report in sections, or of a run recorded before reports had sections."""

    chosen: _Choices = _Choices()
    learned: _Learned = _Learned()
    median: Literal["last_price", "mean_is_last_price", "learned"] = "last_price"
    fallbacks: list[str] = []
    parity: FiniteFloat | None = None
    parameters: NonNegativeInt = 0
    initial_loss: FiniteFloat | None = None
    reference_losses: dict[Name, FiniteFloat] = {}
    mean_is_last_price: bool = False
    numpy_difference: FiniteFloat | None = None


class _Document(_Section):
    run_id: Name
    instruments: Annotated[list[Name], Field(min_length=1)]
    interval: Literal["1d", "1wk", "1mo"] = "1d"
    universe: str = "none"
    universe_sha256: Hash | None = None
    source: Name
    data: list[_Series] = []
    origin: dict[str, str] = {}
    members: dict[Name, _Series]
    stored: dict[str, Hash] = {}
    inputs: list[_Covariate] = []
    split: _Split
    refit: bool = False
    fitted_until: Date
    seen_until: Date
    model: Name
    parameters: NonNegativeInt | None = None
    seed: int = 0
    horizon: PositiveInt
    engine: _Engine | None = None
    versions: dict[str, str] = {}
    processor: str = ""
    command: list[str] = []
    settings: dict[str, str] = {}
    created: str = ""
    scores: list[_Score] = []
    verdict: _Verdict | None = None
    verdicts: dict[str, _Verdict] = {}
    configuration: _Configuration | None = None
    carried: dict[Name, _Carried] = {}
    fit_key: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    seconds: dict[str, FiniteFloat] = {}
    state: _Report
    files: dict[str, Hash]

    @model_validator(mode="after")
    def _choices_follow_weights(self) -> Self:
        if self.fitted_until > self.seen_until:
            raise ValueError("the weights have seen later rows than the choices")
        return self


def check_document(document: object) -> None:
    """Compare the content of a manifest with the schema.

    Raises:
        ValueError: A fact is missing, has another type, or contradicts another one; the message names the first one.
    """
    try:
        _Document.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(key)[:40] for key in first["loc"])
        raise ValueError(f"{place}: {first['msg']}" if place else first["msg"]) from error
