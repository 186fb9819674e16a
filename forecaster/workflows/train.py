"""`train`: from a history to a recorded run."""

import dataclasses
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

import forecaster
from forecaster.config import Config, dump_config
from forecaster.data.series import Panel, PriceSeries
from forecaster.datasets.selection import Selection, command_line
from forecaster.datasets.training import TrainingData, load_training_data
from forecaster.environment import Environment
from forecaster.errors import ForecasterError, NotEnoughDataError
from forecaster.evaluation.daily_losses import Evidence, pool
from forecaster.evaluation.scoring import Score
from forecaster.evaluation.splits import PARTS, Part, Split, split_by_rows, whole_history
from forecaster.evaluation.verdict import verdict
from forecaster.experiments.runs import Run, runs_folder, save_run, series_facts
from forecaster.files import check_writable
from forecaster.models.base import Fitted, Forecaster
from forecaster.models.engine import Engine, cpu_features, engine_versions, use_engine
from forecaster.pipeline import evaluate, evidence_on_test, fit, forecaster_of

__all__ = ["BESIDE", "TrainResult", "train"]

BESIDE = ("garch", "ewma", "random_walk")  # baselines that stand beside every training
_STEPS = (1, 5, 10, 20)
_PARITY = 1e-5  # largest difference between NumPy and Keras that a run may be saved with


@dataclasses.dataclass(frozen=True)
class TrainResult:
    """What a training produced.

    Args:
        run: As recorded.
        scores: Of the named instruments, part by part and step by step.
        engine: What it ran on.
        seconds: ``data``, ``fit``, ``evaluate`` and ``total``.
        next_command: What to type for the forecast.
    """

    run: Run
    scores: Sequence[Score]
    engine: Engine
    seconds: dict[str, float]
    next_command: str

    def to_json(self) -> dict[str, Any]:
        """The document ``train/1``."""
        facts = self.run.manifest
        model = facts["model"]
        return {
            "schema": "train/1",
            "run_id": self.run.id,
            "instrument": facts["instruments"][0],
            **{key: facts[key] for key in ("instruments", "interval", "universe", "model")},
            "series": len(facts["members"]),
            "backend": self.engine.backend,
            "device": self.engine.device,
            "seconds": self.seconds,
            **{key: facts[key] for key in ("parameters", "refit", "fitted_until", "data")},
            "splits": facts["split"],
            **{key: facts["state"].get(key) for key in ("location_steps", "mean_is_last_price")},
            "scores": [one.to_json(model) for one in self.scores],
            **{key: facts[key] for key in ("verdict", "verdicts")},
        }


class _Stopwatch:
    """Seconds of each stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._begun = self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage] = round(self.seconds.get(stage, 0.0) + now - self._last, 3)
        self._last = now

    def total(self) -> dict[str, float]:
        return {**self.seconds, "total": round(time.perf_counter() - self._begun, 3)}


def train(config: Config, choice: Selection, environment: Environment) -> TrainResult:
    """Fit the configured model, score it beside the baselines, and record the run.

    Args:
        config: Everything about the training; `choice` overrides its instruments and source.
        choice: What the user named on the command line.
        environment: Where to keep the data and the run.

    Raises:
        ForecasterError: See `forecaster.errors`; nothing is left behind.
    """
    watch = _Stopwatch()
    check_writable(runs_folder(environment.home))
    data = load_training_data(config, choice, environment)
    split, named = _split(data, forecaster_of(data.config))
    data = data.with_features(split.validation_start)
    config, panel = data.config, data.panel
    model = forecaster_of(config)
    watch.lap("data")
    engine = use_engine(config.backend, config.device)
    environment.note(f"engine: {engine.backend} on {engine.device} ({engine.reason})")
    fitted = fit(model, panel, split, config, environment.progress)
    watch.lap("fit")
    scores = []
    evidence = []
    for number, series in enumerate(named):
        environment.progress("evaluate", number, len(named))
        scores += evaluate(fitted, series, split, _steps(config), BESIDE, config.horizon)
        found = evidence_on_test(fitted, series, split, BESIDE, config.horizon)
        evidence += [] if found is None else [found]
    environment.progress("evaluate", len(named), len(named))
    watch.lap("evaluate")
    if config.refit:
        everything = whole_history([one.dates[-1] for one in panel])
        fitted = fit(model, panel, everything, config, environment.progress, decided=fitted.state())
        watch.lap("refit")
    _check_parity(fitted)
    facts = {
        **_data_facts(named, data),
        **_split_facts(named, panel, split, config.refit),
        **_engine_facts(engine, model, config),
        "created": environment.clock().isoformat(),
        "scores": [one.to_json(fitted.name) for one in scores],
        **_verdicts(evidence),
        "seconds": watch.total(),
    }
    run = save_run(runs_folder(environment.home), environment.clock(), dump_config(config), fitted, facts)
    following = command_line("predict", data.instruments[0], choice, environment)
    return TrainResult(run, scores, engine, watch.total(), following)


def _verdicts(evidence: Sequence[Evidence]) -> dict[str, Any]:
    """What the test proves: of every named series, and of all together, the headline where they are several."""
    found = {one.name: verdict(one).to_json() for one in evidence}
    whole = verdict(pool(evidence)).to_json() if len(evidence) > 1 else next(iter(found.values()), None)
    return {"verdict": whole, "verdicts": found}


def _steps(config: Config) -> list[int]:
    """Days ahead that are scored: the usual ones up to the horizon, and the horizon."""
    return sorted({step for step in _STEPS if step < config.horizon} | {config.horizon})


def _split(data: TrainingData, model: Forecaster) -> tuple[Split, tuple[PriceSeries, ...]]:
    """The split by the rows of the first named series, and the named series that have rows in all of its parts."""
    first, rows = data.named[0], data.config.split
    split = split_by_rows(first.dates, rows.test_rows, rows.validation_rows, model.least_training_rows())
    scored = []
    for one in data.named:
        lacking = _lacking(one, split, data.config)
        if not lacking:
            scored.append(one)
        elif not data.listed:
            raise NotEnoughDataError(
                f"{one.instrument.name} has no rows for {' and '.join(lacking)} with the split of "
                f"{first.instrument.name} (test from {split.test_start}); it runs from {one.dates[0]} to "
                f"{one.dates[-1]}; train it alone"
            )
    return split, tuple(scored)


def _lacking(series: PriceSeries, split: Split, config: Config) -> list[Part]:
    """Parts of the split in which a series has no cutoff whose outcomes are all known."""
    return [part for part in PARTS if not len(split.cutoffs(series.dates, part, config.horizon))]


def _check_parity(fitted: Fitted) -> None:
    difference = fitted.state()["numpy_difference"]
    if not difference <= _PARITY:
        raise ForecasterError(
            f"NumPy and Keras differ by {difference:.2g} with these weights; expected at most {_PARITY:g}; "
            "nothing was saved; lower the learning rate, since weights this large are not a model"
        )


def _data_facts(named: Sequence[PriceSeries], data: TrainingData) -> dict[str, Any]:
    return {
        "instruments": list(dict.fromkeys(one.name for one in data.instruments)),
        "interval": data.config.data.interval,
        "universe": data.config.universe,
        "source": named[0].source,
        "data": [series_facts(one) for one in named],
        "origin": dict(named[0].meta),
        "members": {one.instrument.name: series_facts(one) for one in data.panel},
        "stored": data.stored,
        "inputs": data.inputs.for_manifest(named[0].dates[-1]),
    }


def _split_facts(named: Sequence[PriceSeries], panel: Panel, split: Split, refit: bool) -> dict[str, Any]:
    """The first and last date of each part of the first named series, and how far weights and choices have seen."""
    parts = {
        part: {"first": str(dates[0]), "last": str(dates[-1]), "rows": len(dates)}
        for part, dates in split.parts(named[0].dates).items()
    }
    before = split if not refit else whole_history([one.dates[-1] for one in panel])
    return {
        "split": parts,
        "refit": refit,
        "fitted_until": str(_last_before(panel, before.validation_start)),
        "seen_until": str(_last_before(panel, before.test_start)),
    }


def _last_before(panel: Panel, date: np.datetime64) -> np.datetime64:
    """The newest date of any series before `date`."""
    newest: np.datetime64 = max(one.dates[one.dates < date][-1] for one in panel if one.dates[0] < date)
    return newest


def _engine_facts(engine: Engine, model: Forecaster, config: Config) -> dict[str, Any]:
    return {
        "model": config.kind,
        "parameters": model.parameters,
        "seed": config.seed,
        "horizon": config.horizon,
        "engine": dataclasses.asdict(engine),
        "versions": {"forecaster": forecaster.__version__, **engine_versions()},
        "processor": cpu_features(),
        "command": sys.argv,
    }
