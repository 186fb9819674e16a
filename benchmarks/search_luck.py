"""Size of the p-value of a search: how often the best of many trials is called better when none is.

First daily losses of trials without skill, of outcomes over 1, 5 and 20 days: independent, autocorrelated, and with a
volatility that lasts for months. All trials share a part of their losses. Then real searches: the sampler of
`forecast search` proposes settings on surfaces of losses that change smoothly with the settings and are luck alone. For
each: the share of p-values up to 1, 5, 10 and 25 % (nominal: at most that), with days that have steered no trial, as a
search tests them, and, for comparison, with the days that have steered it.

    python benchmarks/search_luck.py                     # 1000 searches of each kind; an hour for --part steered
    python benchmarks/search_luck.py --part steered --searches 200
"""

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from processes import positive, print_result

from forecaster.experiments.search_proposals import propose
from forecaster.experiments.studies import Trial
from forecaster.models.search_values import Range
from forecaster.stats.best_of_many import best_of_many, waves_of

FloatArray = npt.NDArray[np.float64]
LEVELS = (0.01, 0.05, 0.1, 0.25)
KINDS = ("independent", "autocorrelated", "volatile")
STEPS = {1: 738, 5: 738, 20: 1848}
"""Step -> days that test: those of 3 folds of 500 days, or of 8 for step 20, where 3 are too few."""

TRIALS = (5, 20, 50)
REPETITIONS = 500  # rotations; a p-value of 1 % is known to 0.4 %
SETTINGS = 5
FEATURES = 150  # waves of a surface
BATCH = 4
BURN = 300


def innovations(kind: str, days: int, trials: int, rng: np.random.Generator) -> FloatArray:
    """(days, trials) losses without skill; half of their variance is common."""
    count = days + BURN
    values = rng.standard_normal((count, trials)) + rng.standard_normal((count, 1))
    if kind == "autocorrelated":
        for day in range(1, count):
            values[day] += 0.3 * values[day - 1]
    if kind == "volatile":
        shocks = rng.normal(0, 0.1, count)
        log_volatility = np.zeros(count)
        for day in range(1, count):
            log_volatility[day] = 0.99 * log_volatility[day - 1] + shocks[day]
        values *= np.exp(log_volatility)[:, None]
    return values[BURN:]


def overlapping(values: FloatArray, step: int) -> FloatArray:
    """Means over `step` neighbouring days."""
    sums = np.cumsum(np.vstack([np.zeros((1, values.shape[1])), values]), axis=0)
    return (sums[step:] - sums[:-step]) / step


def plain_p_values(kind: str, step: int, trials: int, searches: int, seed: int) -> FloatArray:
    """P-values of searches whose trials do not learn from one another."""
    rng = np.random.default_rng([seed, step, trials, KINDS.index(kind)])
    p_values = []
    for search in range(searches):
        losses = overlapping(innovations(kind, STEPS[step] + step - 1, trials + 1, rng), step)
        gains = losses[:, :1] - losses[:, 1:]
        p_values.append(best_of_many(gains, int(gains.mean(axis=0).argmax()), step, search, REPETITIONS))
    return np.array(p_values, dtype=float)


def steered_p_values(scale: float, trials: int, searches: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """P-values of searches on smooth surfaces: by days that have steered no trial, and by those that have.

    Args:
        scale: Distance in a cube of settings over which losses are alike.
        trials: Trials of a search.
        searches: Number of searches.
        seed: Seed.
    """
    space = {f"setting_{number}": Range(0.0, 1.0) for number in range(SETTINGS)}
    days = STEPS[1]
    separate = []
    same = []
    for search in range(searches):
        rng = np.random.default_rng([seed, search, trials])
        directions = rng.normal(0, 1 / scale, (FEATURES, SETTINGS))
        phases = rng.uniform(0, 2 * np.pi, FEATURES)
        steering, testing = rng.standard_normal((2, days, FEATURES))
        waves = [np.cos(directions @ np.full(SETTINGS, 0.5) + phases)]
        done = [Trial(0, {}, "complete", (1.0,), (1.0,))]
        for number in range(1, trials + 1):
            first = number - number % BATCH
            earlier = [trial if trial.number < first else Trial(trial.number, trial.settings) for trial in done]
            settings = propose(space, earlier, number, 1000 * search + seed)
            waves.append(np.cos(directions @ np.array(list(settings.values())) + phases))
            loss = 1 + float((steering @ (waves[-1] - waves[0])).mean()) / 100
            done.append(Trial(number, settings, "complete", (loss,), (loss,)))
        for values, days_of in ((separate, testing), (same, steering)):
            losses = days_of @ np.stack(waves, axis=1)
            gains = losses[:, :1] - losses[:, 1:]
            values.append(best_of_many(gains, int(gains.mean(axis=0).argmax()), 1, search, REPETITIONS))
    return np.array(separate, dtype=float), np.array(same, dtype=float)


def sizes(p_values: FloatArray) -> dict[str, float]:
    """Level -> share of the p-values up to it."""
    return {f"{level:g}": float((p_values <= level).mean()) for level in LEVELS}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("plain", "steered", "all"), default="all", help="searches to simulate")
    parser.add_argument("--searches", type=positive, default=1000, help="number of searches of each kind")
    parser.add_argument("--trials", type=positive, nargs="+", default=TRIALS, help="numbers of trials")
    parser.add_argument("--seed", type=int, default=1, help="seed of the simulation")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    options = parser.parse_args(arguments)
    rows: list[dict[str, Any]] = []
    if options.part != "steered":
        for kind in KINDS:
            for step in STEPS:
                for trials in options.trials:
                    p_values = plain_p_values(kind, step, trials, options.searches, options.seed)
                    waves = waves_of(STEPS[step], step)
                    rows.append({"losses": kind, "step": step, "trials": trials, "waves": waves, **sizes(p_values)})
    if options.part != "plain":
        for scale in (0.3, 1.0):
            for trials in options.trials:
                separate, same = steered_p_values(scale, trials, options.searches, options.seed)
                for name, p_values in (("other days", separate), ("same days", same)):
                    label = f"scale {scale:g}, {name}"
                    waves = waves_of(STEPS[1], 1)
                    rows.append({"losses": label, "step": 1, "trials": trials, "waves": waves, **sizes(p_values)})
    table = [("losses", "step", "trials", "waves", *(f"p <= {level:g}" for level in LEVELS))]
    for row in rows:
        shares = [f"{row[f'{level:g}']:.3f}" for level in LEVELS]
        table.append((row["losses"], str(row["step"]), str(row["trials"]), str(row["waves"]), *shares))
    print_result(table, {"benchmark": "search_luck", "searches": options.searches, "rows": rows}, options.format)


if __name__ == "__main__":
    main()
