"""Models side by side: every score of every model on the same cutoffs, each next to the others'."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from forecaster.evaluation.evidence import Evidence, gather, pool
from forecaster.evaluation.significance import diebold_mariano, pesaran_timmermann
from forecaster.evaluation.superiority import mean_ratio_interval
from forecaster.evaluation.tally import Tally
from forecaster.forecast import SCORING_LEVELS

__all__ = ["POOLED", "Track", "compare", "evidence_of"]

POOLED = "pooled"

FloatArray = npt.NDArray[np.float64]
DateArray = npt.NDArray[np.datetime64]

_MIDDLE = SCORING_LEVELS.index(0.5)


@dataclasses.dataclass(frozen=True, eq=False)
class Track:
    """What every model said of one instrument at one step, on the same cutoffs.

    Args:
        instrument: Its name.
        step: Days ahead.
        dates: (N,) cutoffs, increasing.
        outcomes: (N,) log returns that came.
        quantiles: Model -> (N, 9) at `SCORING_LEVELS`; the first model is the one that is judged.
    """

    instrument: str
    step: int
    dates: DateArray
    outcomes: FloatArray
    quantiles: Mapping[str, FloatArray]

    @property
    def judged(self) -> str:
        """Registry key of the first model."""
        return next(iter(self.quantiles))


def evidence_of(tracks: Sequence[Track]) -> dict[str, Evidence]:
    """Name -> evidence of each track, and under `POOLED` of all together where there are several."""
    found = {one.instrument: gather(one.instrument, one.dates, one.outcomes, one.quantiles, one.step) for one in tracks}
    return found | ({POOLED: pool(list(found.values()))} if len(found) > 1 else {})


def compare(tracks: Sequence[Track], intervals: bool = False) -> list[dict[str, Any]]:
    """A row for each model of each track, and rows of their means where there are several tracks.

    Args:
        tracks: Of one step and the same models.
        intervals: Whether to bootstrap intervals of the CRPS ratios, which takes a second each.

    Returns:
        JSON values, as the document ``backtest/1`` has them.
    """
    rows = [row for one in tracks for row in _rows(one, intervals)]
    if len(tracks) > 1:
        rows += _pooled_rows(tracks, rows)
    return rows


def _rows(track: Track, intervals: bool) -> list[dict[str, Any]]:
    evidence = gather(track.instrument, track.dates, track.outcomes, track.quantiles, track.step)
    rows = []
    for model, quantiles in track.quantiles.items():
        tally = Tally()
        tally.add(quantiles, track.outcomes)
        others = [name for name in track.quantiles if name != model]
        results = tally.results()
        if track.step == 1:
            test = pesaran_timmermann(quantiles[:, _MIDDLE], track.outcomes)
            results["direction"]["pt_p_value"] = test.p_above
        losses = evidence.crps
        row = {
            "instrument": track.instrument,
            "model": model,
            "step": track.step,
            **results,
            "crps_ratio": {name: _ratio(losses[model], losses[name]) for name in others},
            "dm": [_tested(losses[model] - losses[name], name, track.step) for name in others],
        }
        if intervals and model == track.judged:
            row["crps_ratio_95"] = {name: mean_ratio_interval(losses[model], losses[name]) for name in others}
        rows.append(row)
    return rows


def _ratio(losses: FloatArray, others: FloatArray) -> float | None:
    total = float(others.mean())
    return float(losses.mean()) / total if total > 0 else None


def _tested(difference: FloatArray, against: str, step: int) -> dict[str, Any]:
    """Below zero the model is better than `against`."""
    test = diebold_mariano(difference, step)
    return {"against": against, "statistic": test.statistic, "p_value": test.p_two_sided}


_AVERAGED = ("crps", "rmse_ratio_random_walk", "mae_ratio_random_walk")
_AVERAGED_BY_LEVEL = ("coverage", "width", "interval_score")


def _pooled_rows(tracks: Sequence[Track], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Means over the instruments, the worst of them named; tests count a day once, however many instruments it has."""
    whole = pool([gather(one.instrument, one.dates, one.outcomes, one.quantiles, one.step) for one in tracks])
    pooled = []
    for model in whole.crps:  # those that every instrument has
        mine = [row for row in rows if row["model"] == model]
        others = [name for name in whole.crps if name != model]
        ratios = {name: [(row["crps_ratio"][name], row["instrument"]) for row in mine] for name in others}
        row: dict[str, Any] = {"instrument": POOLED, "model": model, "step": tracks[0].step}
        row["n"] = sum(one["n"] for one in mine)
        row |= {key: _mean([one[key] for one in mine]) for key in _AVERAGED}
        row |= {
            key: {level: _mean([one[key][level] for one in mine]) for level in mine[0][key]}
            for key in _AVERAGED_BY_LEVEL
        }
        row["worst_coverage_250"] = {
            level: min(
                (one["worst_coverage_250"][level] for one in mine if one["worst_coverage_250"][level]), default=None
            )
            for level in mine[0]["worst_coverage_250"]
        }
        row["crps_ratio"] = {name: _mean([ratio for ratio, _ in ratios[name]]) for name in others}
        row["crps_ratio_worst"] = {name: max(ratios[name], key=lambda one: one[0] or 0.0) for name in others}
        row["dm"] = [_tested(whole.crps[model] - whole.crps[name], name, tracks[0].step) for name in others]
        pooled.append(row)
    return pooled


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
