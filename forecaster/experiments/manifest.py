"""Manifest of a run: what was trained, on which data, with which versions, and how it scored.

A manifest has a part for each subject; in ``manifest.json`` the keys of all parts stand side by side. Keys may be added
within a schema version, never renamed.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from forecaster.data.series import PriceSeries
from forecaster.experiments.carried_facts import CarriedFacts
from forecaster.experiments.configurations import ConfigurationFacts
from forecaster.experiments.engine_facts import EngineFacts
from forecaster.models.base import FitReport

__all__ = [
    "SCHEMA",
    "DataFacts",
    "Manifest",
    "ModelFacts",
    "ScoreFacts",
    "SeriesFacts",
    "Skill",
    "SplitFacts",
    "SplitPart",
]

SCHEMA = 1
JSON = Mapping[str, Any]


def _date(text: str) -> np.datetime64:
    date = np.datetime64(text, "D")
    if np.isnat(date):
        raise ValueError(f"{text!r} is not a date")
    return date


@dataclasses.dataclass(frozen=True)
class SeriesFacts:
    """One history as a run used it.

    Args:
        series: Name, ``source/symbol/frequency@sha256``.
        rows: Number of rows.
        first: First date.
        last: Last date.
        sha256: Hash of the rows.
    """

    series: str
    rows: int
    first: np.datetime64
    last: np.datetime64
    sha256: str

    @classmethod
    def of(cls, series: PriceSeries) -> Self:
        """The facts of a history."""
        return cls(series.name, len(series), series.dates[0], series.dates[-1], series.sha256)

    @classmethod
    def from_json(cls, document: JSON) -> Self:
        """The facts that `to_json` has written."""
        first, last = _date(document["first"]), _date(document["last"])
        return cls(document["series"], document["rows"], first, last, document["sha256"])

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "series": self.series,
            "rows": self.rows,
            "first": str(self.first),
            "last": str(self.last),
            "sha256": self.sha256,
        }


@dataclasses.dataclass(frozen=True)
class DataFacts:
    """Histories of a training.

    Args:
        instruments: Names of the instruments, as the user gave them.
        frequency: ``1d``, ``1wk`` or ``1mo``.
        universe: Name of the universe.
        source: Registry key of the source.
        named: Histories of the named instruments.
        origin: Facts that the source reported about the first of them.
        members: Name -> history of every series of the panel.
        stored: Name -> SHA-256 of the whole history in the store.
        inputs: Facts of each covariate, as `forecaster.datasets.covariates` records and compares them.
        universe_sha256: Hash of the names that the universe lists; empty in manifests that do not record it.
    """

    instruments: tuple[str, ...]
    frequency: str
    universe: str
    source: str
    named: tuple[SeriesFacts, ...]
    origin: Mapping[str, str]
    members: Mapping[str, SeriesFacts]
    stored: Mapping[str, str]
    inputs: Sequence[JSON]
    universe_sha256: str = ""

    @classmethod
    def from_json(cls, document: JSON) -> Self:
        """The part of a manifest about data."""
        return cls(
            instruments=tuple(document["instruments"]),
            frequency=document.get("interval", "1d"),
            universe=document.get("universe", "none"),
            source=document["source"],
            named=tuple(SeriesFacts.from_json(facts) for facts in document.get("data", ())),
            origin=document.get("origin", {}),
            members={name: SeriesFacts.from_json(facts) for name, facts in document["members"].items()},
            stored=document.get("stored", {}),
            inputs=document.get("inputs", ()),
            universe_sha256=document.get("universe_sha256", ""),
        )

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "instruments": list(self.instruments),
            "interval": self.frequency,
            "universe": self.universe,
            "source": self.source,
            "data": [facts.to_json() for facts in self.named],
            "origin": dict(self.origin),
            "members": {name: facts.to_json() for name, facts in self.members.items()},
            "stored": dict(self.stored),
            "inputs": [dict(facts) for facts in self.inputs],
            **({"universe_sha256": self.universe_sha256} if self.universe_sha256 else {}),
        }


@dataclasses.dataclass(frozen=True)
class SplitPart:
    """Train, validation or test rows of the first named series."""

    first: np.datetime64
    last: np.datetime64
    rows: int


@dataclasses.dataclass(frozen=True)
class SplitFacts:
    """Rows that the weights and the choices of a run have used.

    Args:
        parts: ``train``, ``validation`` and ``test``.
        refit: True if the weights were fitted again on all rows after the test.
        fitted_until: Last date that the weights have seen.
        seen_until: Last date that weights or choices have seen; forecasts from earlier cutoffs are in-sample.
    """

    parts: Mapping[str, SplitPart]
    refit: bool
    fitted_until: np.datetime64
    seen_until: np.datetime64

    @classmethod
    def from_json(cls, document: JSON) -> Self:
        """The part of a manifest about splits."""
        parts = {
            name: SplitPart(_date(part["first"]), _date(part["last"]), part["rows"])
            for name, part in document["split"].items()
        }
        return cls(
            parts=parts,
            refit=bool(document.get("refit", False)),
            fitted_until=_date(document["fitted_until"]),
            seen_until=_date(document["seen_until"]),
        )

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        parts = {
            name: {"first": str(part.first), "last": str(part.last), "rows": part.rows}
            for name, part in self.parts.items()
        }
        return {
            "split": parts,
            "refit": self.refit,
            "fitted_until": str(self.fitted_until),
            "seen_until": str(self.seen_until),
        }


@dataclasses.dataclass(frozen=True)
class ModelFacts:
    """Model of a run.

    Args:
        model: Registry key.
        parameters: Number of trained weights.
        seed: Random seed.
        horizon: Longest step.
    """

    model: str
    parameters: int | None
    seed: int
    horizon: int

    @classmethod
    def from_json(cls, document: JSON) -> Self:
        """The part of a manifest about the model."""
        return cls(document["model"], document.get("parameters"), document.get("seed", 0), document["horizon"])

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Skill:
    """CRPS of a run on its test rows over that of a baseline.

    Args:
        step: Rows ahead.
        reference: Registry key of the baseline.
        crps_ratio: Mean CRPS of the model over that of the baseline, on the same cutoffs; below 1 is better.
        n: Number of cutoffs.
        window: First and last cutoff.
    """

    step: int
    reference: str
    crps_ratio: float
    n: int
    window: tuple[str, str]


@dataclasses.dataclass(frozen=True)
class ScoreFacts:
    """Scores and verdicts of a training, as documents: a later version may measure more.

    Args:
        scores: A document for each instrument, part and step.
        verdict: Verdict on all named instruments; None where the test has no rows.
        verdicts: Name -> verdict on one instrument.
    """

    scores: Sequence[JSON]
    verdict: JSON | None
    verdicts: Mapping[str, JSON]

    @classmethod
    def from_json(cls, document: JSON) -> Self:
        """The part of a manifest about scores."""
        return cls(document.get("scores", ()), document.get("verdict"), document.get("verdicts", {}))

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "scores": [dict(score) for score in self.scores],
            "verdict": self.verdict,
            "verdicts": dict(self.verdicts),
        }

    def skill(self, instrument: str) -> tuple[Skill, ...] | None:
        """CRPS ratios on the test rows of `instrument`; None where it was not scored."""
        skills = tuple(
            Skill(score["step"], baseline, ratio, score["n"], tuple(score["window"]))
            for score in self.scores
            if score["instrument"] == instrument and score["part"] == "test"
            for baseline, ratio in score["crps_ratio"].items()
            if ratio is not None
        )
        return skills or None


@dataclasses.dataclass(frozen=True)
class Manifest:
    """Everything that a run records about itself.

    Args:
        data: Histories.
        split: Rows of the training, of the validation and of the test.
        model: Model, seed and horizon.
        engine: Software and processor.
        created: Time of the training, ISO 8601.
        scores: Scores and verdicts.
        seconds: Stage -> seconds.
        report: Facts about the fit, under the key ``state``.
        run_id: Name of the run's folder.
        files: File name -> SHA-256.
        configuration: Name of the configuration; None in manifests that do not record it.
        carried: Name -> calibration that a refit takes over.
        fit_key: Hash of all that decides the tested weights; empty in manifests that do not record it.
    """

    data: DataFacts
    split: SplitFacts
    model: ModelFacts
    engine: EngineFacts
    created: str
    scores: ScoreFacts
    seconds: Mapping[str, float]
    report: FitReport = dataclasses.field(default_factory=FitReport)
    run_id: str = ""
    files: Mapping[str, str] = dataclasses.field(default_factory=dict)
    configuration: ConfigurationFacts | None = None
    carried: Mapping[str, CarriedFacts] = dataclasses.field(default_factory=dict)
    fit_key: str = ""

    @classmethod
    def from_json(cls, document: JSON) -> Self:
        """The manifest in the content of a ``manifest.json`` of schema 1.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: It lacks a fact, or holds a value of another type.
        """
        configuration = document.get("configuration")
        return cls(
            data=DataFacts.from_json(document),
            split=SplitFacts.from_json(document),
            model=ModelFacts.from_json(document),
            engine=EngineFacts.from_json(document),
            created=document.get("created", ""),
            scores=ScoreFacts.from_json(document),
            seconds=document.get("seconds", {}),
            report=FitReport.from_json(document["state"]),
            run_id=document["run_id"],
            files=document["files"],
            configuration=None if configuration is None else ConfigurationFacts.from_json(configuration),
            carried={name: CarriedFacts.from_json(facts) for name, facts in document.get("carried", {}).items()},
            fit_key=document.get("fit_key", ""),
        )

    def to_json(self) -> dict[str, Any]:
        """The content of ``manifest.json``, without its checksum."""
        carried = {name: facts.to_json() for name, facts in self.carried.items()}
        return {
            "schema": SCHEMA,
            "run_id": self.run_id,
            **self.data.to_json(),
            **self.split.to_json(),
            **self.model.to_json(),
            **self.engine.to_json(),
            "created": self.created,
            **self.scores.to_json(),
            "seconds": dict(self.seconds),
            "state": self.report.to_json(),
            "files": dict(self.files),
            **({} if self.configuration is None else {"configuration": self.configuration.to_json()}),
            **{key: value for key, value in (("carried", carried), ("fit_key", self.fit_key)) if value},
        }

    @property
    def histories(self) -> frozenset[str]:
        """SHA-256 of every history that the run has used: whole as stored, and cut to the rows of the training."""
        used = (*self.data.named, *self.data.members.values())
        covariates = (facts["sha256"] for facts in self.data.inputs if facts.get("sha256"))
        return frozenset((*self.data.stored.values(), *(facts.sha256 for facts in used), *covariates))
