"""Models side by side: every score of every model on the same cutoffs, each next to the others'."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from forecaster.arrays import DateArray, FloatArray
from forecaster.evaluation.daily_losses import DailyLosses, OutOfSample, daily_losses, pool
from forecaster.evaluation.tally import COVERED, Tally
from forecaster.quantiles import SCORING_LEVELS
from forecaster.stats.bootstrap import mean_ratio_intervals, model_confidence_set, superior_ability
from forecaster.stats.coverage_tests import christoffersen, kupiec
from forecaster.stats.mean_tests import diebold_mariano, pesaran_timmermann

__all__ = ["CONFIDENCE", "POOLED", "compare", "losses_by_name", "standing"]

POOLED = "pooled"
CONFIDENCE = 0.9  # of the model confidence set


_MIDDLE = SCORING_LEVELS.index(0.5)


def losses_by_name(tracks: Sequence[OutOfSample], judged: str) -> dict[str, DailyLosses]:
    """Name -> evidence of each track, and under `POOLED` of all together where there are several.

    Args:
        tracks: Of one step.
        judged: Registry key; tracks without this model have another one judged, and are not pooled.
    """
    found = {one.instrument: _gathered(one) for one in tracks}
    pooled = [one for one in found.values() if one.model == judged]
    return found | ({POOLED: pool(pooled)} if len(pooled) > 1 else {})


def _gathered(track: OutOfSample) -> DailyLosses:
    return daily_losses(track)


def standing(evidence: DailyLosses, seed: int = 0) -> dict[str, Any]:
    """All models together, by their daily CRPS: which may be the best, and whether any is better than the judged one.

    Returns:
        JSON values: ``confidence_set`` with the ``models`` that are in it and all ``p_values``, and ``spa`` with the
        ``p_value`` of "some other model is better than the judged one". What too few days or equal models leave
        open is None.
    """
    about = {"step": evidence.step, "name": evidence.name, "days": len(evidence)}
    found = model_confidence_set(evidence.crps, 1 - CONFIDENCE, seed, overlap=evidence.overlap)
    others = {name: evidence.crps[name] for name in evidence.baselines}
    p_value = superior_ability(evidence.crps[evidence.model], others, seed, overlap=evidence.overlap)
    return {
        "confidence_set": {
            **about,
            "confidence": CONFIDENCE,
            "models": None if found is None else list(found.included),
            "p_values": None if found is None else dict(found.p_values),
        },
        "spa": {**about, "model": evidence.model, "against": list(others), "p_value": p_value},
    }


def compare(tracks: Sequence[OutOfSample], judged: str, seed: int = 0) -> list[dict[str, Any]]:
    """A row for each model of each track, and rows of their means where there are several tracks.

    Args:
        tracks: Of one step.
        judged: Registry key; tracks without this model stand for themselves alone.
        seed: Of the bootstrap of the intervals of the CRPS ratios.

    Returns:
        JSON values, as the document ``backtest/1`` has them.
    """
    rows = [row for one in tracks for row in _rows(one, seed)]
    members = [one for one in tracks if one.evaluated_model == judged]
    if len(members) > 1:
        together = {one.instrument for one in members}
        rows += _pooled_rows(members, [row for row in rows if row["instrument"] in together], seed)
    return rows


def _rows(track: OutOfSample, seed: int) -> list[dict[str, Any]]:
    evidence = _gathered(track)
    losses = evidence.crps
    intervals = mean_ratio_intervals(losses, seed=seed, overlap=evidence.overlap)
    rows = []
    for model, quantiles in track.quantiles.items():
        tally = Tally()
        tally.add(quantiles, track.outcomes)
        others = [name for name in track.quantiles if name != model]
        results = tally.results()
        signs = pesaran_timmermann(quantiles[:, _MIDDLE], track.outcomes) if evidence.overlap == 1 else None
        results["direction"]["pt_p_value"] = None if signs is None else signs.p_above
        row = {
            "instrument": track.instrument,
            "model": model,
            "step": track.step,
            **results,
            "coverage_tests": _coverage_tests(quantiles, track.outcomes, evidence.overlap),
            "pit": [count / tally.n for count in results["pit"]],
            "crps_ratio": {name: _ratio(losses[model], losses[name]) for name in others},
            "crps_ratio_interval": intervals[model],
            "dm": [_tested(losses[model] - losses[name], name, evidence.overlap) for name in others],
        }
        rows.append(row)
    return rows


def _coverage_tests(quantiles: FloatArray, outcomes: FloatArray, overlap: int) -> dict[str, dict[str, float | None]]:
    """P-values by level: whether the share inside is as promised, and whether misses cluster besides."""
    found = {}
    for level, (low, high) in COVERED.items():
        inside = (quantiles[:, low] <= outcomes) & (outcomes <= quantiles[:, high])
        tests = {"kupiec": kupiec, "christoffersen": christoffersen}
        found[format(level, "g")] = {name: test(inside, level, overlap).p_value for name, test in tests.items()}
    return found


def _ratio(losses: FloatArray, others: FloatArray) -> float | None:
    total = float(others.mean())
    return float(losses.mean()) / total if total > 0 else None


def _tested(difference: FloatArray, against: str, overlap: int) -> dict[str, Any]:
    """Below zero the model is better than `against`."""
    test = diebold_mariano(difference, overlap)
    return {"against": against, "statistic": test.statistic, "p_value": test.p_two_sided}


_AVERAGED = ("crps", "rmse", "mae", "rmse_ratio_random_walk", "mae_ratio_random_walk")
_AVERAGED_BY_LEVEL = ("coverage", "width", "interval_score")


def _pooled_rows(tracks: Sequence[OutOfSample], rows: Sequence[Mapping[str, Any]], seed: int) -> list[dict[str, Any]]:
    """Means over the instruments, the worst of them named; tests count a day once, however many instruments it has."""
    members = [_gathered(one) for one in tracks]
    whole = pool(members)
    aligned = {model: _aligned(members, model, whole.dates) for model in whole.crps}
    intervals = mean_ratio_intervals(aligned, seed=seed, overlap=whole.overlap)
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
            level: min((worst for one in mine if (worst := one["worst_coverage_250"][level]) is not None), default=None)
            for level in mine[0]["worst_coverage_250"]
        }
        row["direction"] = _pooled_direction([one["direction"] for one in mine])
        row["pit"] = np.mean([one["pit"] for one in mine], axis=0).tolist()
        row["crps_ratio"] = {name: _mean([ratio for ratio, _ in ratios[name]]) for name in others}
        row["crps_ratio_interval"] = intervals[model]
        row["crps_ratio_worst"] = {name: max(ratios[name], key=lambda one: one[0] or 0.0) for name in others}
        row["dm"] = [_tested(whole.crps[model] - whole.crps[name], name, whole.overlap) for name in others]
        pooled.append(row)
    return pooled


def _pooled_direction(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The share of all directions that were right; days of several instruments are not independent, so no test."""
    counted = sum(one["n"] for one in rows)
    right = sum(one["n"] * one["hit_rate"] for one in rows if one["n"])
    return {
        "hit_rate": right / counted if counted else None,
        "n": counted,
        "without_direction": sum(one["without_direction"] for one in rows),
        "pt_p_value": None,
    }


def _aligned(members: Sequence[DailyLosses], model: str, dates: DateArray) -> FloatArray:
    """(N, I) daily CRPS of a model on all days of any instrument, NaN where an instrument does not have the day."""
    result = np.full((len(dates), len(members)), np.nan)
    for column, one in enumerate(members):
        result[np.searchsorted(dates, one.dates), column] = one.crps[model]
    return result


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
