"""Records of a backtest: exchanged, altered and forged ones are refused."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import oracles
import pytest

from forecaster.config import Config
from forecaster.data.series import Panel
from forecaster.errors import DamageError, ForecasterError
from forecaster.evaluation.splits import folds
from forecaster.experiments.backtest_plan import BacktestPlan
from forecaster.experiments.backtests import run_backtest
from forecaster.experiments.fold_records import read_fold, record_bytes
from forecaster.experiments.stored_files import arrays_checksum, parse_arrays
from forecaster.models import create
from forecaster.models.classic import ClassicOptions

Arrays = dict[str, Any]


def plan_of(panel: Panel, models: tuple[str, ...] = ("ewma", "random_walk")) -> BacktestPlan:
    dates = panel.series[0].dates
    return BacktestPlan(
        panel=panel,
        named=panel.names,
        config=Config(model=ClassicOptions(), horizon=5),
        forecasters={name: create(name, 5) for name in models},
        folds=folds(dates, dates[500], 50),
        steps=(1, 5),
        stride=1,
        engine="jax on cpu",
    )


@pytest.fixture(scope="module")
def plan() -> BacktestPlan:
    return plan_of(Panel((oracles.walk(600, seed=1), oracles.walk(600, seed=2, name="EURUSD"))))


@pytest.fixture(scope="module")
def done(plan: BacktestPlan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("backtest")
    run_backtest(plan, folder)
    return folder


@pytest.fixture
def folder(done: Path, tmp_path: Path) -> Path:
    return shutil.copytree(done, tmp_path / "copy")


def refused(plan: BacktestPlan, folder: Path, message: str) -> None:
    with pytest.raises(DamageError, match=message) as caught:
        run_backtest(plan, folder)
    assert "delete it, and it is made anew" in str(caught.value)


def test_records_exchanged_between_models_folds_and_panels_are_refused(plan: BacktestPlan, folder: Path) -> None:
    paths = sorted(folder.glob("fits/*.npz"))
    contents = {path: path.read_bytes() for path in paths}
    for target, origin in itertools.permutations(paths, 2):
        target.write_bytes(contents[origin])
        refused(plan, folder, "it is the record of another fit")
        target.write_bytes(contents[target])
    run_backtest(plan, folder)


def test_a_record_of_another_history_is_refused(plan: BacktestPlan, folder: Path, tmp_path: Path) -> None:
    other = plan_of(Panel((oracles.walk(600, seed=3), oracles.walk(600, seed=4, name="EURUSD"))))
    run_backtest(other, tmp_path / "other")
    (origin, *_), (target, *_) = (sorted(path.glob("fits/*-ewma-*")) for path in (tmp_path / "other", folder))
    shutil.copy(origin, target)
    refused(plan, folder, "it is the record of another fit")


def damages(content: bytes) -> Iterator[bytes]:
    rng = np.random.default_rng(5)
    yield b""
    yield content[:1]
    yield content + b"x"
    yield content[len(content) // 2 :]
    yield b"x" + content
    for cut in rng.integers(1, len(content), 40).tolist():
        yield content[:cut]
    for place in rng.integers(0, len(content) * 8, 200).tolist():
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        yield bytes(flipped)


def test_a_damaged_record_is_refused_or_read_as_it_was(plan: BacktestPlan, folder: Path) -> None:
    path = plan.record_path(folder, "ewma", 0)
    whole = read_fold(path, "ewma", 0, plan)
    refusals = 0
    for content in damages(path.read_bytes()):
        path.write_bytes(content)
        try:
            record = read_fold(path, "ewma", 0, plan)
        except DamageError:
            refusals += 1
            continue
        for name in plan.named:  # a bit that nothing reads, such as one of a time stamp
            np.testing.assert_array_equal(record.quantiles[name], whole.quantiles[name])
            np.testing.assert_array_equal(record.rows[name], whole.rows[name])
    assert refusals > 200


def forged(path: Path, change: Callable[[Arrays], None]) -> None:
    """Rewrite a record with a checksum that fits."""
    arrays: Arrays = parse_arrays(path.read_bytes())
    change(arrays)
    arrays.pop("sha256", None)
    arrays["sha256"] = np.frombuffer(bytes.fromhex(arrays_checksum(arrays)), np.uint8)
    np.savez(path, **arrays)


FORGERIES: dict[str, Callable[[Arrays], None]] = {
    "not those of a fit": lambda arrays: arrays.update(facts=np.frombuffer(b"[]", np.uint8)),
    "nested too deeply": lambda arrays: arrays.update(facts=np.frombuffer(b"[" * 100_000, np.uint8)),
    r"quantiles \(50, 3, 9\) of EURUSD": lambda arrays: arrays.update(quantiles_0=np.zeros((50, 3, 9))),
    "rows of USDJPY are not cutoffs": lambda arrays: arrays.update(rows_1=np.arange(50)),
    "rows of EURUSD are not cutoffs": lambda arrays: arrays.update(rows_0=arrays["rows_0"] + 1),
    "quantiles of EURUSD are not finite": lambda arrays: arrays["quantiles_0"].put(3, np.nan),
    "quantiles of USDJPY do not increase": lambda arrays: arrays.update(quantiles_1=arrays["quantiles_1"][..., ::-1]),
    "more than a record": lambda arrays: arrays.update(more=np.zeros(1)),
    "'rows_0'": lambda arrays: arrays.pop("rows_0"),
}


@pytest.mark.parametrize("message", FORGERIES)
def test_a_forged_record_is_refused(plan: BacktestPlan, folder: Path, message: str) -> None:
    forged(plan.record_path(folder, "ewma", 0), FORGERIES[message])
    refused(plan, folder, message)


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"[" * 100_000, b'{"schema": NaN}'])
def test_a_damaged_plan_is_refused(plan: BacktestPlan, folder: Path, content: bytes) -> None:
    plan.plan_path(folder).write_bytes(content)
    refused(plan, folder, "plan.json is damaged")


def test_forecasts_that_are_not_finite_are_not_recorded(plan: BacktestPlan, folder: Path) -> None:
    record = run_backtest(plan, folder)[0]
    record.quantiles["EURUSD"][2, 0, 4] = np.inf
    with pytest.raises(ForecasterError, match="nothing was recorded"):
        record_bytes(record, 0, plan)
