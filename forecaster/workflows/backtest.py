"""`backtest`: what every model would have said at every cutoff of the last years, fitted anew as time went on."""

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from forecaster.config import Config
from forecaster.data.series import PriceSeries
from forecaster.errors import NotEnoughDataError, UsageError
from forecaster.evaluation.calibration import calibrate
from forecaster.evaluation.comparison import POOLED, Track, compare, evidence_of, standing
from forecaster.evaluation.evidence import Evidence
from forecaster.evaluation.folds import folds, parse_refit
from forecaster.evaluation.verdict import Verdict, verdict
from forecaster.experiments.backtest import BacktestPlan, FoldRecord, backtests_folder, run_backtest
from forecaster.models import CALIBRATED_MODELS, MODELS, model_class
from forecaster.models.backend import Engine, use_engine
from forecaster.models.base import Forecaster
from forecaster.models.baselines import BASELINES, baseline
from forecaster.pipeline import forecaster_of
from forecaster.workflows.choice import InstrumentChoice
from forecaster.workflows.project import Project
from forecaster.workflows.training_data import TrainingData, load_training_data

__all__ = ["DEFAULT_BASELINES", "BacktestRequest", "BacktestResult", "backtest"]

DEFAULT_BASELINES = ("random_walk", "ewma", "garch")
_STEPS = (1, 5, 10, 20)
_YEARS = 10
_LONG_FITS = 60  # so many fits of a network take minutes, which is worth a word beforehand


@dataclasses.dataclass(frozen=True)
class BacktestRequest:
    """What is asked of `backtest`.

    Args:
        choice: The instruments.
        config: Of the network; its ``data.end`` is the last row that is used.
        start: First cutoff; ten years before the last row when None.
        refit: ``never``, ``yearly``, ``monthly`` or a number of rows.
        stride: Every so many rows is a cutoff.
        models: Registry keys, the judged one first; the configured one and `DEFAULT_BASELINES` when empty.
        steps: Days ahead that are scored.
        calibrate: Whether intervals of networks are calibrated as time goes on.
    """

    choice: InstrumentChoice
    config: Config
    start: datetime.date | None = None
    refit: str = "yearly"
    stride: int = 1
    models: Sequence[str] = ()
    steps: Sequence[int] = _STEPS
    calibrate: bool = True


@dataclasses.dataclass(frozen=True)
class BacktestResult:
    """What a backtest found.

    Args:
        id: Name of its folder.
        plan: What was done.
        records: As they are kept.
        tracks: Step -> one for each instrument.
        rows: JSON values of the table.
        standings: Of all models together, one a step (`forecaster.evaluation.comparison.standing`).
        verdicts: Name -> verdict at the first step; ``pooled`` where there are several instruments.
        skipped: Model -> instrument -> why there is no forecast.
        calibrated: Whether intervals of networks were calibrated as time went on.
    """

    id: str
    plan: BacktestPlan
    records: Sequence[FoldRecord]
    tracks: Mapping[int, Sequence[Track]]
    rows: Sequence[Mapping[str, Any]]
    standings: Sequence[Mapping[str, Any]]
    verdicts: Mapping[str, Verdict]
    skipped: Mapping[str, Mapping[str, str]]
    calibrated: bool

    @property
    def verdict(self) -> Verdict:
        """Of all instruments together."""
        return self.verdicts.get("pooled") or next(iter(self.verdicts.values()))

    def draw(self, path: Path) -> None:
        """Write the picture of the first step, all instruments together, as PNG, SVG or PDF.

        Raises:
            UsageError, StorageError: See `forecaster.output.canvas.save_figure`.
        """
        from forecaster.output.backtest_picture import BacktestPicture, draw_backtest
        from forecaster.output.canvas import save_figure

        known = _whole(evidence_of(self.tracks[min(self.tracks)]))
        several = f"{len(self.plan.named)} instruments" if len(self.plan.named) > 1 else self.plan.named[0]
        picture = BacktestPicture(
            title=f"{known.model} on {several}, walk-forward",
            step=known.step,
            dates=known.dates,
            gains={
                name: (known.crps[known.model] - known.crps[name]) / known.crps[name].mean() for name in known.baselines
            },
            inside={float(level): daily for level, daily in known.inside.items()},
            fits=np.array([fold.start for fold in self.plan.folds]),
            note=f"backtest {self.id}, {len(known):,} cutoffs from {known.dates[0]} to {known.dates[-1]}",
            words=tuple(self.verdict.lines),
        )
        save_figure(draw_backtest(picture), path)

    def to_json(self) -> dict[str, Any]:
        """The document ``backtest/1``."""
        facts = self.plan.facts()
        return {
            "schema": "backtest/1",
            "id": self.id,
            "instruments": list(self.plan.named),
            "models": list(self.plan.forecasters),
            "interval": self.plan.config.data.interval,
            "series": len(self.plan.panel),
            "last_cutoff": str(max(one.dates[-1] for found in self.tracks.values() for one in found)),
            "stride": self.plan.stride,
            "engine": self.plan.engine,
            "calibrated": self.calibrated,
            "data": {name: facts["data"][name] for name in self.plan.named},
            "folds": [{"start": start, "end": end} for start, end in facts["folds"]],
            "rows": [dict(row) for row in self.rows],
            "confidence_set": [one["confidence_set"] for one in self.standings],
            "spa": [one["spa"] for one in self.standings],
            "skipped": {name: dict(found) for name, found in self.skipped.items()},
            "fallbacks": _fallbacks(self.records),
            "verdict": self.verdict.to_json(),
            "verdicts": {name: one.to_json() for name, one in self.verdicts.items()},
        }


def backtest(request: BacktestRequest, project: Project) -> BacktestResult:
    """Fit, forecast and judge; what an earlier call has done is read, not done again.

    Raises:
        UsageError: A model is unknown, or a step or the refit is none.
        NotEnoughDataError: No row is left to forecast, or no model can run.
    """
    refit = parse_refit(request.refit)
    config = _with_horizon(request.config, request.steps)
    names = _models(request.models or (config.kind, *DEFAULT_BASELINES))
    data = load_training_data(config, request.choice, project)
    first = data.named[0]
    found = folds(first.dates, _start(request.start, first), refit)
    networks = [name for name in names if name in MODELS]
    engine = use_engine(config.backend, config.device) if networks else Engine("jax", "cpu", "no network is asked for")
    if len(found) * len(networks) > _LONG_FITS:
        project.note(f"{len(found)} folds, each with {len(networks)} fits of a network: this takes a while")
    plan = BacktestPlan(
        panel=data.panel,
        named=tuple(one.instrument.name for one in data.named),
        config=data.config,
        forecasters={name: _forecaster(name, data) for name in names},
        folds=found,
        steps=tuple(sorted(set(request.steps))),
        stride=request.stride,
        engine=f"{engine.backend} on {engine.device}",
    )
    folder = backtests_folder(project.home) / plan.id
    records = run_backtest(plan, folder, project.progress)
    return _result(plan, records, data.named, request.calibrate)


def _with_horizon(config: Config, steps: Sequence[int]) -> Config:
    if not steps or min(steps) < 1:
        raise UsageError(
            f"--step is {', '.join(map(str, steps)) or 'empty'}; expected days ahead from 1, such as 1,5,20"
        )
    return config.model_copy(update={"horizon": max(config.horizon, *steps)})


def _models(names: Sequence[str]) -> tuple[str, ...]:
    unknown = [name for name in names if name not in MODELS and name not in BASELINES]
    if unknown:
        known = ", ".join((*MODELS, *BASELINES))
        raise UsageError(f"model {', '.join(unknown):.100} is unknown; expected some of {known}; change --models")
    return tuple(dict.fromkeys(names))


def _forecaster(name: str, data: TrainingData) -> Forecaster:
    config = data.config
    if name == config.kind:
        return forecaster_of(config)
    if name in MODELS:
        kind = model_class(name)
        return kind(kind.Options(), config.horizon)
    return baseline(name, config.horizon)


def _start(asked: datetime.date | None, series: PriceSeries) -> np.datetime64:
    if asked is not None:
        return np.datetime64(asked)
    last: datetime.date = series.dates[-1].astype(datetime.date)
    return np.datetime64(last) - np.timedelta64(round(_YEARS * 365.25), "D")


def _result(
    plan: BacktestPlan, records: Sequence[FoldRecord], named: Sequence[PriceSeries], calibrated: bool
) -> BacktestResult:
    skipped: dict[str, dict[str, str]] = {}
    for record in records:
        for name, reason in record.facts["skipped"].items():
            skipped.setdefault(record.model, {})[name] = reason
    tracks: dict[int, list[Track]] = {}
    dates = {series.instrument.name: series.dates for series in named}
    for step in plan.steps:
        found = [one for series in named if (one := _track(plan, records, series, step)) is not None]
        if found:
            tracks[step] = [_calibrated(one, dates[one.instrument]) for one in found] if calibrated else found
    if not tracks:
        reasons = next(iter(next(iter(skipped.values()), {}).values()), "no outcome is known yet")
        raise NotEnoughDataError(
            f"no model could forecast anything in this span: {reasons}; change --start or --models"
        )
    known = [evidence_of(found) for found in tracks.values()]
    return BacktestResult(
        id=plan.id,
        plan=plan,
        records=records,
        tracks=tracks,
        rows=[row for found in tracks.values() for row in compare(found, plan.config.seed)],
        standings=[standing(_whole(found), plan.config.seed) for found in known],
        verdicts={name: verdict(one) for name, one in known[0].items()},
        skipped=skipped,
        calibrated=calibrated,
    )


def _whole(found: Mapping[str, Evidence]) -> Evidence:
    """Of all instruments together."""
    return found.get(POOLED) or next(iter(found.values()))


def _track(plan: BacktestPlan, records: Sequence[FoldRecord], series: PriceSeries, step: int) -> Track | None:
    """What the models said of one series `step` rows ahead, on the cutoffs that all have and whose outcome came."""
    name, place = series.instrument.name, plan.steps.index(step)
    rows: dict[str, Any] = {}
    said: dict[str, Any] = {}
    for model in plan.forecasters:
        mine = [one for one in records if one.model == model]
        rows[model] = np.concatenate([one.rows[name] for one in mine])
        said[model] = np.concatenate([one.quantiles[name][:, place] for one in mine])
    usable = [model for model in plan.forecasters if len(rows[model])]
    if not usable:
        return None
    common = rows[usable[0]]
    for model in usable[1:]:
        common = np.intersect1d(common, rows[model])
    common = common[common + step < len(series)]
    if not len(common):
        return None
    outcomes = series.log_price[common + step] - series.log_price[common]
    quantiles = {model: said[model][np.searchsorted(rows[model], common)] for model in usable}
    return Track(name, step, series.dates[common], outcomes, quantiles)


def _calibrated(track: Track, dates: npt.NDArray[np.datetime64]) -> Track:
    """The same with the intervals of networks calibrated, cutoff after cutoff, by the outcomes known there."""
    rows = np.searchsorted(dates, track.dates)
    outcomes = track.outcomes[:, None]
    quantiles = {
        name: calibrate(said[:, None], rows, outcomes, [track.step])[:, 0] if name in CALIBRATED_MODELS else said
        for name, said in track.quantiles.items()
    }
    return dataclasses.replace(track, quantiles=quantiles)


def _fallbacks(records: Sequence[FoldRecord]) -> dict[str, int]:
    """Model -> how many fits did not converge and fell back."""
    counts: dict[str, int] = {}
    for record in records:
        for state in record.facts["states"]:
            if found := len(state.get("fallbacks", ())):
                counts[record.model] = counts.get(record.model, 0) + found
    return counts
