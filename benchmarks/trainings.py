"""Trainings on random walks through the command line, for `placebo.py`.

Each walk is written as a CSV file of business days, `forecast train --csv FILE --format json` runs as a separate
process, and the claims of its verdict are read. A verdict limits the probability of any false claim to 5 %, so the
number of claims should agree with chance. More claims of point and direction together than chance explains are a fault.
"""

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from processes import run

from forecaster.evaluation.claims import KINDS, LEVEL

__all__ = ["claims", "train_on_walks", "write_walk"]

FloatArray = npt.NDArray[np.float64]

FIRST_DAY = np.datetime64("2010-01-04")


def train_on_walks(returns: FloatArray, flags: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Train on each walk, in a temporary home folder.

    Args:
        returns: (W, T) log returns.
        flags: Additional flags of the command.

    Returns:
        The verdicts, as in the document ``train/1``.
    """
    verdicts = []
    with tempfile.TemporaryDirectory() as folder:
        for number, walk in enumerate(returns):
            file = write_walk(Path(folder) / f"walk{number}.csv", walk)
            command = [sys.executable, "-m", "forecaster", "train", "--csv", file.name, "--home", folder, "--offline"]
            output = run([*command, "--format", "json", *flags], Path(folder)).output
            verdicts.append(json.loads(output)["verdict"])
            print(f"training {number + 1} of {len(returns)}: done", file=sys.stderr)
    return verdicts


def write_walk(file: Path, returns: FloatArray) -> Path:
    """Write the prices of log returns (T,) to a CSV file of business days.

    Returns:
        The file.
    """
    prices = 100 * np.exp(np.concatenate([[0.0], np.cumsum(returns)]))
    days = np.busday_offset(FIRST_DAY, np.arange(len(prices)), roll="forward")
    rows = (f"{day},{price:.10g}\n" for day, price in zip(days.astype(str), prices.tolist(), strict=True))
    file.write_text("date,close\n" + "".join(rows))
    return file


def claims(verdicts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Count the claims of the verdicts, and compare those of point and direction with chance.

    `tested` counts the verdicts with a test: a median at the last price makes no claim.
    """
    from scipy import stats

    count = len(verdicts)
    claimed = {
        kind: [verdict[kind]["outcome"] == ("worse" if kind == "coverage" else "better") for verdict in verdicts]
        for kind in KINDS
    }
    either = int(np.logical_or(claimed["point"], claimed["direction"]).sum())
    chance = float(stats.binom.sf(either - 1, count, LEVEL))
    return {
        "walks": count,
        "claims": {kind: int(sum(hits)) for kind, hits in claimed.items()},
        "tested": {kind: sum(verdict[kind]["p_value"] is not None for verdict in verdicts) for kind in KINDS},
        "any": int(np.any(list(claimed.values()), axis=0).sum()),
        "expected": count * LEVEL,
        "point_or_direction": either,
        "chance_of_so_many": chance,
        "met": chance >= LEVEL,
    }
