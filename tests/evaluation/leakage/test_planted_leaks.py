"""A zoo of leaks: each is planted in the program itself, and the audit has to find it where it is."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from forecaster import pipeline, pipeline_evaluation
from forecaster.config import load_config
from forecaster.data import exogenous
from forecaster.data.series import PriceSeries
from forecaster.data.store import Store, store_path
from forecaster.datasets import covariates
from forecaster.datasets.history_checker import HistoryChecker
from forecaster.datasets.selection import Selection
from forecaster.datasets.training import resolve
from forecaster.environment import Environment
from forecaster.evaluation.calibration import calibrate
from forecaster.evaluation.leakage.alterations import ALTERATIONS, EARLY_ROWS, TEMPTING, Alteration
from forecaster.evaluation.leakage.checks import (
    check_calibration,
    check_choices,
    check_features,
    check_folds,
    check_forecasts,
    check_scores,
    check_validation,
    check_weights,
)
from forecaster.evaluation.leakage.types import Check
from forecaster.evaluation.splits import Fold, Split, split_by_rows
from forecaster.experiments import backtest_scores, backtests
from forecaster.features import FEATURES, feature_matrix
from forecaster.features import covariates as covariate_features
from forecaster.features.history import History
from forecaster.features.outcomes import returns_after
from forecaster.models import classic, feature_options
from forecaster.models.architectures.bilstm import StackedBiLSTM
from forecaster.models.architectures.lstm import LSTM
from forecaster.models.coming_days import ComingDays, days_between
from forecaster.models.engine import use_engine
from forecaster.models.quantile.forecaster import FittedQuantileModel
from forecaster.pipeline import forecaster_of
from forecaster.workflows import audit_target
from forecaster.workflows.audit_target import AuditTarget

ROWS = 900
SPIKE = 860
LSTM_FLAGS = {
    "data.inputs": "peer.csv", "data.exog": "columns.csv", "data.lags": {"peer": 1, "mood": 5}, "horizon": 5,
    "model.units": [4], "model.training.steps": 8, "model.training.batch_size": 4, "backend": "jax",
    "model.windows.chunk": 96, "model.windows.burn_in": 32,
}  # fmt: skip
CLASSIC_FLAGS = {
    "horizon": 5, "model.units": [4], "model.epochs": 1, "model.context_length": 12, "backend": "jax",
    "model.dense_units": 0,
}  # fmt: skip


def write_bars(path: Path, seed: int, *, spike: int | None = None, memory: float = 0.5) -> None:
    """Bars of an autocorrelated return, with volumes, and a price that was adjusted for a dividend."""
    rng = np.random.default_rng(seed)
    days = np.busday_offset("2018-01-01", np.arange(ROWS), roll="forward")
    moves = rng.normal(0, 0.01, ROWS)
    for row in range(1, ROWS):
        moves[row] += memory * moves[row - 1]
    close = 100 * np.exp(moves.cumsum())
    if spike is not None:
        close[spike] *= 1.12
    opened = close * np.exp(rng.normal(0, 0.002, ROWS))
    high, low = np.maximum(opened, close) * 1.004, np.minimum(opened, close) * 0.996
    adjusted, volume = close * np.where(np.arange(ROWS) < 400, 0.98, 1.0), rng.uniform(1e6, 2e6, ROWS)
    columns = zip(days, opened, high, low, close, adjusted, volume, strict=True)
    lines = [",".join([str(day), *(f"{value:.8f}" for value in values)]) for day, *values in columns]
    path.write_text("\n".join(["Date,Open,High,Low,Close,Adj Close,Volume", *lines]))


def write_column(path: Path) -> None:
    rng = np.random.default_rng(5)
    days = np.busday_offset("2018-01-01", np.arange(ROWS), roll="forward")
    values = rng.normal(size=ROWS).cumsum()
    cells = ["" if row % 7 == 3 or 7 < row < 19 else f"{value:.6f}" for row, value in enumerate(values)]
    path.write_text("\n".join(["date,mood", *(f"{day},{cell}" for day, cell in zip(days, cells, strict=True))]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zoo")
    write_bars(folder / "main.csv", 1)
    write_bars(folder / "spiked.csv", 1, spike=SPIKE)
    write_bars(folder / "odd.csv", 1, spike=ROWS - 60)
    write_bars(folder / "walk.csv", 3, memory=0.0)
    write_bars(folder / "peer.csv", 2)
    write_column(folder / "columns.csv")
    days = np.busday_offset("2019-03-01", np.arange(0, 600, 20), roll="forward")
    (folder / "events.csv").write_text("\n".join(["date,name", *(f"{day},report" for day in days)]))
    return folder


Audited = Callable[..., SimpleNamespace]


@pytest.fixture
def audited(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Audited:
    """The program as a target for a CSV file, and the alterations that an audit would make."""

    def make(kind: str = "lstm", name: str = "main.csv", test_rows: int = 80, **flags: Any) -> SimpleNamespace:
        monkeypatch.chdir(folder)
        use_engine("jax", "cpu")
        environment = Environment(home=folder / "home", note=lambda text: None)
        base = LSTM_FLAGS if kind == "lstm" else CLASSIC_FLAGS
        config = load_config(Path("default" if kind == "lstm" else "classic"), flags={**base, **flags})
        least = forecaster_of(config).least_training_rows()

        def split_of(named: Sequence[PriceSeries]) -> Split:
            return split_by_rows(named[0].dates, test_rows, 120, least)

        selection = Selection(csvs=[folder / name], network="never")
        data = resolve(config, selection, environment, lambda named: split_of(named).validation_start)
        first = data.named[0]
        split = split_of(data.named)
        target = AuditTarget(data.config, data.panel, [first.instrument.name], split, environment)
        cut = first.dates[SPIKE]
        before = [first.dates[first.dates < day][-1] for day in (split.validation_start, split.test_start)]
        return SimpleNamespace(
            target=target,
            later=[Alteration(one, cut) for one in ALTERATIONS],
            young=[Alteration("thin", first.dates[row]) for row in EARLY_ROWS],
            unseen=[Alteration(one, before[0]) for one in ("scramble", "adjust")],
            untested=[Alteration(one, before[1]) for one in TEMPTING],
            gap=[Alteration("scramble", first.dates[row]) for row in range(SPIKE, SPIKE + 7)],
            first_cutoff=[Alteration(one, split.test_start) for one in TEMPTING],
            cut=str(cut),
        )

    return make


def fitted(case: SimpleNamespace) -> Any:
    return case.target.fit(case.target.prepare())


def caught(check: Check, *columns: str) -> set[str | None]:
    """The first rows of what was found; only `columns` may be among it, and each must be."""
    assert check.outcome == "failed"
    assert {one.column for one in check.findings} == set(columns)
    assert all(one.detail and one.file.endswith(".py") for one in check.findings)
    return {one.row for one in check.findings}


def plant(monkeypatch: pytest.MonkeyPatch, name: str, compute: Callable[[History], np.ndarray]) -> None:
    monkeypatch.setitem(FEATURES, name, FEATURES[name]._replace(compute=compute))


# --- nothing is planted -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["lstm", "classic"])
def test_the_program_as_it_is_has_no_leak(audited: Audited, kind: str) -> None:
    case = audited(kind)
    model = fitted(case)
    check_results = [
        check_validation(case.target, case.later),
        check_features(case.target, [*case.later, *case.young]),
        check_weights(case.target, model, case.unseen),
        check_choices(case.target, model, case.untested),
        check_forecasts(case.target, model, case.later),
        check_calibration(case.target, model, case.later),
        check_scores(case.target, model, case.later),
        check_folds(case.target, case.first_cutoff),
    ]
    assert [one.findings for one in check_results] == [()] * 8
    assert {one.outcome for one in check_results} <= {"passed", "not_applicable"}


@pytest.mark.parametrize("kind", ["lstm", "classic"])
def test_a_price_that_stands_alone_is_no_leak(audited: Audited, kind: str) -> None:
    case = audited(kind, "spiked.csv")
    check_results = [
        check_validation(case.target, case.later),
        check_features(case.target, [*case.later, *case.young]),
        check_choices(case.target, model := fitted(case), case.untested[:1]),
        check_forecasts(case.target, model, case.later),
    ]
    assert [one.findings for one in check_results] == [()] * 4


CALENDAR_FLAGS = {"model.volatility_calendar": True, "data.calendar": "weekdays", "data.events": "events.csv"}


def test_the_calendar_of_volatility_and_the_events_of_the_user_have_no_leak(audited: Audited) -> None:
    case = audited(**CALENDAR_FLAGS)
    model = fitted(case)
    assert {"calendar/effects", "calendar/variance", "events/effects"} <= model.arrays().keys()
    check_results = [
        check_weights(case.target, model, case.unseen),
        check_choices(case.target, model, case.untested),
        check_forecasts(case.target, model, case.later),
        check_folds(case.target, case.first_cutoff),
    ]
    assert [one.findings for one in check_results] == [()] * 4


# --- leaks in the inputs ----------------------------------------------------------------------------------------------


def test_scaling_by_the_whole_sample(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    true = FEATURES["absolute_return"].compute
    plant(monkeypatch, "absolute_return", lambda history: (true(history) - true(history).mean()) / true(history).std())
    assert caught(check_features(audited().target, audited().later), "absolute_return") == {"2018-01-01"}


def test_a_centred_window(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, "momentum_5", lambda history: np.convolve(history.log_return, np.ones(5), "same"))
    case = audited()
    (row,) = caught(check_features(case.target, case.later), "momentum_5")
    assert np.busday_count(np.datetime64(row), np.datetime64(case.cut)) == 1, "the last two rows before the cut"


def test_the_target_among_the_features(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, "scaled_return", lambda history: np.append(history.log_return[1:], 0) / 0.01)
    case = audited()
    assert caught(check_features(case.target, case.later), "scaled_return") == {case.cut}


def test_a_window_that_is_off_by_one(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    true = FEATURES["momentum_20"].compute
    plant(monkeypatch, "momentum_20", lambda history: np.append(true(history)[1:], 0))
    case = audited()
    assert caught(check_features(case.target, case.later), "momentum_20") == {case.cut}


def test_a_volume_over_its_mean_of_the_whole_sample(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, "volume_ratio", lambda history: np.log(history.volume / history.volume.mean()))
    assert caught(check_features(audited().target, audited().later), "volume_ratio") == {"2018-01-01"}


def test_a_gap_that_is_filled_from_behind(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    def filled(history: History) -> np.ndarray:
        known = np.arange(len(history)) % 7 == 0
        following = np.array(
            [np.flatnonzero(known[row:])[0] + row if known[row:].any() else -1 for row in range(len(history))]
        )
        return history.log_return[following]

    plant(monkeypatch, "overnight_gap", filled)
    case = audited()
    (row,) = caught(check_features(case.target, case.later), "overnight_gap")
    assert 0 <= np.busday_count(np.datetime64(row), np.datetime64(case.cut)) < 7


def test_a_feature_of_the_level_of_the_adjusted_price(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    case = audited()
    panel = case.target.prepare()
    assert "adj_close" in panel.series[0].columns
    names = case.target.feature_names

    def leaky(series: Any) -> Any:
        level = np.log(series.columns["adj_close"])[:, None]
        return np.concatenate([feature_matrix(History.of(series), names), level], axis=1)

    monkeypatch.setattr(case.target, "feature_names", (*names, "level"))
    monkeypatch.setattr(case.target, "features", leaky)
    monkeypatch.setattr(case.target, "feature_file", lambda name: "leak.py")
    assert caught(check_features(case.target, case.later), "level") == {"2018-01-01"}


def test_an_input_without_its_lag(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (covariates, audit_target):
        true = module.column_covariate
        monkeypatch.setattr(
            module, "column_covariate", lambda name, days, values, lag, true=true: true(name, days, values, 0)
        )
    case = audited()
    rows = caught(
        check_features(case.target, case.later), *(f"input:mood:{one}" for one in ("move", "level", "spread"))
    )
    assert min(rows) < case.cut


def test_the_close_of_another_market_on_the_same_day(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    true = covariates.price_covariate
    monkeypatch.setattr(covariates, "price_covariate", lambda series, lag: true(series, 0))
    case = audited()
    rows = caught(
        check_features(case.target, case.later), *(f"input:peer:{one}" for one in ("move", "level", "spread"))
    )
    assert rows == {case.cut}


def test_an_empty_cell_that_is_filled_from_behind(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    true = exogenous._column

    def leaky(text: Any, name: str, dates: Any, values: Any) -> Any:
        following = np.array([values[row:][np.isfinite(values[row:])][:1].sum() for row in range(len(values))])
        return true(text, name, dates, following)

    monkeypatch.setattr(exogenous, "_column", leaky)
    case = audited()
    check_results = {one.column for one in check_features(case.target, case.gap).findings}
    assert check_results
    assert all(column.startswith("input:mood:") for column in check_results)


@pytest.mark.parametrize("waits", [50, None])
def test_a_statistic_of_the_first_values_of_a_column(
    audited: Audited, monkeypatch: pytest.MonkeyPatch, waits: int | None
) -> None:
    """How long a value is used follows from the first waits of the whole column, which may lie after the row."""

    def leaky(dates: np.ndarray) -> np.ndarray:
        usual = np.median(np.diff(dates.astype("datetime64[D]")).astype(int)[:waits])
        return np.full(len(dates), max(10, int(3 * usual)))

    monkeypatch.setattr(covariate_features, "_age_limits", leaky)
    case = audited()
    assert not check_features(case.target, case.later).findings, "the end of the history does not show it"
    rows = caught(
        check_features(case.target, case.young), *(f"input:mood:{one}" for one in ("move", "level", "spread"))
    )
    assert min(rows) < "2018-02-01"


def test_decimals_of_a_whole_column(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    true = FEATURES["momentum_5"].compute

    def rounded(history: History) -> np.ndarray:
        typical = np.abs(history.log_return[1:200]).mean()
        return np.round(true(history) / typical, 1)

    plant(monkeypatch, "momentum_5", rounded)
    case = audited()
    assert not check_features(case.target, case.later).findings
    caught(check_features(case.target, case.young), "momentum_5")


def test_features_that_the_whole_sample_chooses(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    true = feature_options.suitable_features

    def leaky(panel: Any, before: Any = None) -> tuple[str, ...]:
        series, names = panel.series[0], true(panel, before)
        after = np.diff(series.log_price)
        values = feature_matrix(History.of(series), names)[:-1]
        fit = [abs(np.corrcoef(values[60:, k], after[60:])[0, 1]) for k in range(len(names))]
        return tuple(name for name, one in zip(names, fit, strict=True) if one >= np.median(fit))

    monkeypatch.setattr(feature_options, "suitable_features", leaky)
    case = audited(**{"model.kind": "linear"})  # compiled for each number of features: this kind is compiled fastest
    (check_results,) = check_choices(case.target, fitted(case), case.untested).findings
    assert (check_results.file, check_results.column) == ("forecaster/models/feature_options.py", "features")


@pytest.mark.parametrize("name", ["spiked.csv", "odd.csv"])
def test_a_repair_that_looks_ahead(audited: Audited, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A price that stands alone is replaced by the mean of its neighbours, and only then the history is cut."""
    true = HistoryChecker.check

    def leaky(self: HistoryChecker, loaded: Any, until: Any = None, previous: Any = None) -> Any:
        whole = loaded.series
        close = whole.close.copy()
        around = (close[2:] + close[:-2]) / 2
        alone = np.abs(np.log(close[1:-1] / around)) > 0.08
        close[1:-1] = np.where(alone, around, close[1:-1])
        mended = dataclasses.replace(whole, columns={**whole.columns, "close": close})
        return true(self, dataclasses.replace(loaded, series=mended), until, previous)

    monkeypatch.setattr(HistoryChecker, "check", leaky)
    case = audited(name=name)
    panel = case.target.prepare()
    odd = [Alteration("scramble", day) for day in case.target.isolated_days(panel.names[0])]
    check = check_validation(case.target, case.later if name == "spiked.csv" else odd)
    day = str(panel.series[0].dates[SPIKE if name == "spiked.csv" else ROWS - 60])
    assert {(one.column, one.row) for one in check.findings} >= {("close", day)}
    assert check.findings[0].file == "forecaster/data/validation.py"


def test_rows_that_are_dropped_for_what_follows(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    """Days before a fall are left out: the cut comes first, so that only the whole history shows it."""
    true = HistoryChecker.check

    def leaky(self: HistoryChecker, whole: Any, until: Any = None, previous: Any = None) -> Any:
        checked = true(self, whole, until, previous)
        series = checked.series
        later = np.append(np.log(series.close[3:] / series.close[:-3]), np.zeros(3))
        kept = later > -0.055
        columns = {name: values[kept] for name, values in series.columns.items()}
        return dataclasses.replace(
            checked, series=dataclasses.replace(series, dates=series.dates[kept], columns=columns)
        )

    monkeypatch.setattr(HistoryChecker, "check", leaky)
    case = audited()
    later = [Alteration("scramble", case.later[0].cut, seed) for seed in range(12)]
    check = check_features(case.target, later)
    assert "date" in {one.column for one in check.findings}


def test_a_bidirectional_network_that_is_scored_in_every_row(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    """The options refuse it; here they take the network for a causal one."""
    monkeypatch.setattr(StackedBiLSTM, "causal", True)
    case = audited(**{"model.kind": "bilstm", "model.windows.supervision": "dense"})
    check = check_forecasts(case.target, fitted(case), case.later)
    assert check.outcome == "failed"


def test_a_bidirectional_network_has_no_leak_in_the_last_rows_of_windows(audited: Audited) -> None:
    case = audited(**{"model.kind": "bilstm", "model.windows.context_length": 24})
    model = fitted(case)
    check_results = [
        check_forecasts(case.target, model, case.later),
        check_scores(case.target, model, case.later),
    ]
    assert [one.findings for one in check_results] == [()] * 2


# --- leaks in the fit -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["lstm", "classic"])
def test_outcomes_that_reach_into_the_validation(audited: Audited, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    def unpurged(self: Split, dates: Any, horizon: int) -> int:
        return int(np.searchsorted(dates, self.validation_start))

    monkeypatch.setattr(Split, "training_rows", unpurged)
    case = audited(kind)
    check = check_weights(case.target, fitted(case), case.unseen[:1])
    assert check.outcome == "failed"
    assert "kernel" in check.findings[0].column
    file = {"lstm": "quantile/forecaster.py", "classic": "classic.py"}[kind]
    assert check.findings[0].file == f"forecaster/models/{file}"
    if kind == "lstm":  # the outcome of one row ahead, the only one that classic learns, is known at the first cutoff
        (file,) = {one.file for one in check_folds(case.target, case.first_cutoff).findings}
        assert file == "forecaster/experiments/backtests.py"


@pytest.mark.parametrize("kind", ["lstm", "classic"])
def test_a_shuffled_split(audited: Audited, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Training samples from the whole history, as of a split that does not know of time."""
    monkeypatch.setattr(Split, "training_rows", lambda self, dates, horizon: len(dates) - horizon)
    case = audited(kind)
    assert check_weights(case.target, fitted(case), case.unseen[:1]).outcome == "failed"
    assert check_choices(case.target, fitted(case), case.untested).outcome == "failed"


def test_test_rows_that_choose(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    """What should be measured on the validation is measured up to the end: early stopping, widths of errors."""
    true = Split.cutoffs

    def leaky(self: Split, dates: Any, part: Any, step: int) -> Any:
        rows = true(self, dates, part, step)
        return np.arange(rows[0], len(dates) - step) if part == "validation" else rows

    monkeypatch.setattr(Split, "cutoffs", leaky)
    case = audited("classic")
    caught(check_choices(case.target, fitted(case), case.untested), "spread")
    assert check_weights(case.target, fitted(case), case.unseen[:1]).outcome == "passed"


def test_a_location_by_outcomes_that_reach_into_the_test(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few outcomes seldom change the decision, but always what it rests on."""
    true = Split.cutoffs

    def leaky(self: Split, dates: Any, part: Any, step: int) -> Any:
        rows = true(self, dates, part, step)
        return np.arange(rows[0], np.searchsorted(dates, self.test_start)) if part == "validation" else rows

    monkeypatch.setattr(Split, "cutoffs", leaky)
    case = audited(name="walk.csv")
    caught(check_choices(case.target, fitted(case), case.untested), "location_gains")


@pytest.mark.parametrize("name", ["main.csv", "walk.csv"])
def test_a_location_that_test_rows_decide(audited: Audited, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def leaky(self: LSTM, model: Any, members: Any, request: Any) -> dict[str, Any]:
        rows = {one.series.instrument.name: np.arange(one.training_rows, len(one.series) - 5) for one in members}
        return {"location_steps": self._gains(model, members, rows).supported(self.knots)}

    monkeypatch.setattr(LSTM, "_chosen", leaky)
    case = audited(name=name, test_rows=80 if name == "main.csv" else 160)
    model = fitted(case)
    assert bool(model.report.chosen["location_steps"]) is (name == "main.csv"), (
        "an autocorrelated return supports a location"
    )
    caught(check_choices(case.target, model, case.untested), "location_steps")


def test_a_scaler_of_all_rows(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    true = classic.fit_scaler
    monkeypatch.setattr(
        classic, "fit_scaler", lambda prices, kind: true(prices if prices.base is None else prices.base, kind)
    )
    case = audited("classic")
    check = check_weights(case.target, fitted(case), case.unseen[:1])
    assert "scaler" in {one.column for one in check.findings}


def test_adjusted_levels_in_the_classic_model(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    """A later dividend rewrites every earlier adjusted price: with it the scaler, and the level that is forecast."""
    true_fit, true_level = classic.Classic.fit, classic.scaled_level

    def adjusted(series: Any) -> Any:
        return dataclasses.replace(series, columns={**series.columns, "close": series.columns["adj_close"]})

    monkeypatch.setattr(
        classic.Classic,
        "fit",
        lambda self, request: true_fit(
            self, dataclasses.replace(request, panel=type(request.panel)(tuple(map(adjusted, request.panel))))
        ),
    )
    monkeypatch.setattr(classic, "scaled_level", lambda series, scaler: true_level(adjusted(series), scaler))
    case = audited("classic")
    assert "scaler" in {one.column for one in check_weights(case.target, fitted(case), case.unseen[1:]).findings}


def test_a_calendar_of_volatility_that_is_fitted_on_all_rows(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    true = ComingDays.fit

    def leaky(request: Any, has_calendar: bool) -> ComingDays:
        every = {series.instrument.name: len(series) for series in request.panel}
        return true(dataclasses.replace(request, training_rows=every), has_calendar)

    monkeypatch.setattr(ComingDays, "fit", leaky)
    case = audited(**CALENDAR_FLAGS)
    caught(
        check_weights(case.target, fitted(case), case.unseen[:1]),
        *("calendar/effects", "calendar/variance", "events/effects"),
    )


# --- leaks in the forecast --------------------------------------------------------------------------------------------


def test_calibration_by_outcomes_that_have_not_come(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outcomes over five rows are taken as known after one."""

    def leaky(case: Any, log_price: Any) -> Any:
        unit = case.scale[:, None] * np.sqrt(np.asarray(case.knots, dtype=float))
        outcomes = returns_after(log_price, case.rows, case.knots) / unit
        return dataclasses.replace(case, scaled=calibrate(case.scaled, case.rows, outcomes, [1] * len(case.knots)))

    monkeypatch.setattr(pipeline, "calibrate_together", lambda cases, prices: list(map(leaky, cases, prices)))
    case = audited()
    model = fitted(case)
    check = check_calibration(case.target, model, case.later)
    assert check.outcome == "failed"
    assert {one.file for one in check.findings} == {"forecaster/evaluation/calibration.py"}
    assert {one.column.rpartition(" ")[2] for one in check.findings} == {"5"}, "one row ahead nothing is early"
    assert check_forecasts(case.target, model, case.later).outcome == "passed"


def test_a_forecast_in_units_of_a_volatility_that_comes_later(
    audited: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = FittedQuantileModel.forecast

    def leaky(self: FittedQuantileModel, series: Any, rows: Any, longest: Any = None) -> Any:
        volatility = History.of(series).volatility
        return dataclasses.replace(true(self, series, rows), scale=volatility[np.minimum(rows + 1, len(series) - 1)])

    monkeypatch.setattr(FittedQuantileModel, "forecast", leaky)
    case = audited()
    check = check_forecasts(case.target, fitted(case), case.later)
    assert case.cut in caught(check, "scale of the forecast")


def test_coming_days_that_are_those_of_later_rows(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    def leaky(self: ComingDays, series: Any, rows: Any, count: int) -> Any:
        days = days_between(series, series.dates[0], series.dates[-1])
        place = np.searchsorted(days, series.dates)
        variances = np.append(self.day_variances(series, days)[place], np.ones(count))
        coming = variances[rows[:, None] + 1 + np.arange(count)]
        return np.sqrt(np.cumsum(coming, axis=1) / np.arange(1, count + 1))

    monkeypatch.setattr(ComingDays, "widths", leaky)
    case = audited(**CALENDAR_FLAGS)
    check = check_forecasts(case.target, fitted(case), case.later)
    assert check.outcome == "failed"
    assert {one.column.rpartition(" ")[0] for one in check.findings} == {"width of step"}
    assert case.cut in {one.row for one in check.findings}


def test_a_forecast_that_depends_on_which_others_are_asked_for(
    audited: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = FittedQuantileModel.forecast

    def leaky(self: FittedQuantileModel, series: Any, rows: Any, longest: Any = None) -> Any:
        case = true(self, series, rows)
        return dataclasses.replace(case, scaled=case.scaled * (1 + case.scaled.mean()))

    monkeypatch.setattr(FittedQuantileModel, "forecast", leaky)
    case = audited()
    check = check_forecasts(case.target, fitted(case), [])
    assert check.outcome == "failed"
    assert "requested alone" in check.findings[0].detail


def test_forecasts_smoothed_over_those_made_later(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    true = FittedQuantileModel.forecast

    def leaky(self: FittedQuantileModel, series: Any, rows: Any, longest: Any = None) -> Any:
        case = true(self, series, rows)
        scaled = case.scaled.copy()
        scaled[1:-1] = (case.scaled[:-2] + case.scaled[1:-1] + case.scaled[2:]) / 3
        return dataclasses.replace(case, scaled=scaled)

    monkeypatch.setattr(FittedQuantileModel, "forecast", leaky)
    case = audited()
    check = check_forecasts(case.target, fitted(case), case.later)
    assert case.cut in {one.row for one in check.findings}
    assert check_calibration(case.target, fitted(case), case.later).outcome == "failed"


# --- leaks in what is scored ------------------------------------------------------------------------------------------


def test_scores_of_forecasts_made_a_day_later(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    true = pipeline_evaluation.forecasts
    monkeypatch.setattr(
        pipeline_evaluation, "forecasts", lambda model, series, rows, *rest: true(model, series, rows + 1, *rest)
    )
    case = audited()
    model = fitted(case)
    check = check_scores(case.target, model, case.later)
    assert {one.file for one in check.findings} == {"forecaster/pipeline_evaluation.py"}
    assert {one.row for one in check.findings} == {case.cut}
    assert check_forecasts(case.target, model, case.later).outcome == "passed"


def test_scores_of_rows_that_were_learned(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    true = Split.cutoffs
    monkeypatch.setattr(
        Split, "cutoffs", lambda self, dates, part, step: true(self, dates, "train" if part == "test" else part, step)
    )
    case = audited()
    check = check_scores(case.target, fitted(case), case.later)
    assert "scored although the test rows begin on" in check.findings[0].detail


def test_scores_by_an_outcome_that_is_not_the_next(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    true = pipeline_evaluation.OutOfSample
    monkeypatch.setattr(
        pipeline_evaluation,
        "OutOfSample",
        lambda name, step, dates, moved, said: true(name, step, dates, np.roll(moved, -1), said),
    )
    case = audited()
    assert "outcome at step 1" in {one.column for one in check_scores(case.target, fitted(case), case.later).findings}


def test_scores_without_days_before_a_fall(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    true = pipeline_evaluation.OutOfSample

    def leaky(name: str, step: int, dates: Any, moved: Any, said: Any) -> Any:
        kept = np.append(moved[1:] > 0, True)
        return true(name, step, dates[kept], moved[kept], {model: one[kept] for model, one in said.items()})

    monkeypatch.setattr(pipeline_evaluation, "OutOfSample", leaky)
    case = audited()
    later = [Alteration("scramble", case.later[0].cut, seed) for seed in range(6)]
    (check_results,) = check_scores(case.target, fitted(case), later).findings
    assert check_results.column == "date"
    assert "scored in one version alone" in check_results.detail


# --- leaks in a backtest ----------------------------------------------------------------------------------------------


def test_a_fold_that_learns_what_it_forecasts(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fold, "split", property(lambda self: Split(self.end, self.end)))
    case = audited()
    check = check_folds(case.target, case.first_cutoff[:1])
    assert check.outcome == "failed"
    assert check_weights(case.target, fitted(case), case.unseen[:1]).outcome == "passed", "a training has no folds"


def test_a_fold_that_answers_for_days_it_has_learned(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    def early(self: Fold, dates: Any, stride: int = 1) -> Any:
        first, last = np.searchsorted(dates, [self.start, self.end])
        return np.arange(first - 5, last - 5)

    monkeypatch.setattr(Fold, "rows", early)
    case = audited()
    assert "quantile 0.9 at step 5" in {one.column for one in check_folds(case.target, case.first_cutoff[:1]).findings}


def test_a_backtest_that_scores_the_next_forecast(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    true = backtest_scores.model_forecasts

    def leaky(*arguments: Any, **named: Any) -> Any:
        rows, said = true(*arguments, **named)
        return rows, np.roll(said, -1, axis=0)

    monkeypatch.setattr(backtest_scores, "model_forecasts", leaky)
    case = audited()
    (row,) = {one.row for one in check_folds(case.target, case.first_cutoff[:1]).findings}
    assert row == str(case.first_cutoff[0].cut)


def test_a_location_that_the_fold_itself_decides(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    true = backtests.fold_record

    def leaky(plan: Any, tasks: Any, parts: Any, earlier: Any) -> Any:
        fits = list(parts)
        gains = true(plan, tasks, iter(fits), earlier).gains
        return true(plan, tasks, iter(fits), [*earlier, gains])

    monkeypatch.setattr(backtests, "fold_record", leaky)
    case = audited(name="walk.csv", test_rows=160)
    assert check_folds(case.target, case.first_cutoff[:1]).outcome == "failed"


def test_a_location_by_outcomes_that_reach_into_the_next_fold(
    audited: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fold, "settled_rows", lambda self, dates, horizon: self.rows(dates))
    case = audited()
    assert "location gains of fold 1" in {
        one.column for one in check_folds(case.target, case.first_cutoff[:1]).findings
    }


def test_folds_calibrated_by_outcomes_that_have_not_come(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        backtest_scores, "calibrate", lambda said, rows, outcomes, steps: calibrate(said, rows, outcomes, [1] * 2)
    )
    case = audited()
    columns = {one.column for one in check_folds(case.target, case.first_cutoff[:1]).findings}
    assert columns
    assert {column.rpartition(" ")[2] for column in columns} == {"5"}, "one row ahead nothing is early"


# --- what is no leak --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", [check_folds, check_weights])
def test_an_engine_that_does_not_repeat_itself_proves_nothing(
    audited: Audited, monkeypatch: pytest.MonkeyPatch, check: Any
) -> None:
    case = audited()
    noise = np.random.default_rng(1)
    true_fit = case.target.fit
    true_backtest = case.target.backtest

    def fit(panel: Any) -> Any:
        model = true_fit(panel)
        for values in model.arrays().values():
            values += noise.normal(0, 1e-7, values.shape).astype(values.dtype)
        return model

    def backtest(panel: Any) -> Any:
        output = true_backtest(panel)
        samples = {
            name: [
                dataclasses.replace(one, quantiles={"lstm": one.quantiles["lstm"] + noise.normal(0, 1e-9)})
                for one in several
            ]
            for name, several in output.samples.items()
        }
        return dataclasses.replace(output, samples=samples, learned={**output.learned, "bits": noise.normal()})

    monkeypatch.setattr(case.target, "fit", fit)
    monkeypatch.setattr(case.target, "backtest", backtest)
    arguments = [case.first_cutoff] if check is check_folds else [fitted(case), case.unseen]
    result = check(case.target, *arguments)
    assert result.outcome == "not_applicable"
    assert "try --device cpu" in result.what


def test_an_engine_that_repeats_itself_in_part_still_tells_of_the_rest(
    audited: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Split, "training_rows", lambda self, dates, horizon: np.searchsorted(dates, self.test_start))
    case = audited()
    noise = np.random.default_rng(1)
    true = case.target.fit

    def fit(panel: Any) -> Any:
        model = true(panel)
        for name, values in model.arrays().items():
            if not name.startswith("linear_volatility"):
                values += noise.normal(0, 1e-7, values.shape).astype(values.dtype)
        return model

    monkeypatch.setattr(case.target, "fit", fit)
    check = check_weights(case.target, fitted(case), case.unseen[:1])
    assert check.outcome == "failed"
    assert "try --device cpu" in check.what
    assert any(one.column.startswith("linear_volatility") for one in check.findings)


def test_a_cut_moves_on_where_a_repair_of_earlier_rows_hangs_on_it(
    audited: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = audited()
    planned = case.untested[0].cut

    def late_repairs(change: Any, name: str) -> frozenset[np.datetime64]:
        return frozenset([planned] if change is None or change.cut > planned + np.timedelta64(3, "D") else [])

    monkeypatch.setattr(case.target, "late_repairs", late_repairs)
    assert check_choices(case.target, fitted(case), case.untested).outcome == "passed"


@pytest.mark.parametrize("check", [check_folds, check_choices])
def test_a_mistake_that_later_rows_tell_of_is_not_compared(
    audited: Audited, monkeypatch: pytest.MonkeyPatch, check: Any
) -> None:
    case = audited()
    day = case.first_cutoff[0].cut - np.timedelta64(9, "D")
    monkeypatch.setattr(case.target, "late_repairs", lambda change, name: frozenset([day] if change is None else []))
    arguments = [case.first_cutoff] if check is check_folds else [fitted(case), case.untested]
    result = check(case.target, *arguments)
    assert (result.outcome, result.findings) == ("not_applicable", ())


# --- the target -------------------------------------------------------------------------------------------------------


def test_nothing_altered_is_put_into_the_store(audited: Audited, folder: Path) -> None:
    case = audited()
    with Store.open(store_path(folder / "home")) as store:
        before = store.all_versions()
    case.target.prepare(case.later[0])
    with Store.open(store_path(folder / "home")) as store:
        assert len(before) >= 2, "the history and its covariate"
        assert store.all_versions() == before


def test_covariates_are_altered_from_the_day_on_which_the_cut_does_not_know_them(audited: Audited) -> None:
    case = audited()
    original = case.target.prepare().series[0]
    altered = case.target.prepare(case.later[0]).series[0]
    known = original.dates <= case.later[0].cut
    for name in original.inputs:
        np.testing.assert_array_equal(altered.inputs[name][known], original.inputs[name][known])
    column = "input:peer:move"
    assert (altered.inputs[column][~known] != original.inputs[column][~known]).mean() > 0.9
