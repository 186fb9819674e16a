"""Facts of a training for its manifest."""

import functools
import hashlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

import forecaster
from forecaster.data.series import Panel, PriceSeries
from forecaster.datasets.training import Dataset
from forecaster.evaluation.scores import Score
from forecaster.evaluation.splits import Split, whole_history
from forecaster.evaluation.verdict import Verdict
from forecaster.experiments.engine_facts import EngineFacts
from forecaster.experiments.manifest import DataFacts, ScoreFacts, SeriesFacts, SplitFacts, SplitPart
from forecaster.models.engine import Engine, cpu_features, engine_settings, engine_versions
from forecaster.output.documents import score_document
from forecaster.output.score_parts import verdict_document

__all__ = ["data_facts", "engine_facts", "score_facts", "split_facts"]


def score_facts(scores: Sequence[Score], whole: Verdict | None, verdicts: Mapping[str, Verdict]) -> ScoreFacts:
    """Scores and verdicts of the named instruments; `whole` is the verdict on all of them together."""
    return ScoreFacts(
        scores=[score_document(score) for score in scores],
        verdict=None if whole is None else verdict_document(whole),
        verdicts={name: verdict_document(single) for name, single in verdicts.items()},
    )


def data_facts(named: Sequence[PriceSeries], data: Dataset) -> DataFacts:
    """Histories of a training; `named` are those that were scored."""
    return DataFacts(
        instruments=tuple(dict.fromkeys(instrument.name for instrument in data.instruments)),
        frequency=data.config.data.frequency,
        universe=data.config.universe,
        source=named[0].source,
        named=tuple(SeriesFacts.of(series) for series in named),
        origin=dict(named[0].meta),
        members={series.instrument.name: SeriesFacts.of(series) for series in data.panel},
        stored=data.stored,
        inputs=data.covariates.for_manifest(named[0].dates[-1]),
        universe_sha256=data.universe_sha256,
    )


def split_facts(named: Sequence[PriceSeries], panel: Panel, split: Split, refit: bool) -> SplitFacts:
    """The parts of the first named series, and the last dates that weights and choices have seen."""
    used = split if not refit else whole_history([series.dates[-1] for series in panel])
    return SplitFacts(
        parts={part: SplitPart(dates[0], dates[-1], len(dates)) for part, dates in split.parts(named[0].dates).items()},
        refit=refit,
        fitted_until=_last_before(panel, used.validation_start),
        seen_until=_last_before(panel, used.test_start),
    )


def _last_before(panel: Panel, date: np.datetime64) -> np.datetime64:
    """The newest date of any series before `date`."""
    newest: np.datetime64 = max(series.dates[series.dates < date][-1] for series in panel if series.dates[0] < date)
    return newest


@functools.cache
def _code_sha256() -> str:
    """Hash of all modules of this program, which tells checkouts of one version apart."""
    root = Path(forecaster.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def engine_facts(engine: Engine) -> EngineFacts:
    """Software, processor and command line of this process."""
    versions = {"forecaster": forecaster.__version__, "code": _code_sha256()[:12], **engine_versions()}
    return EngineFacts(engine, versions, cpu_features(), tuple(sys.argv), engine_settings(engine))
