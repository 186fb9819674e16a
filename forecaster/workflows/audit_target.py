"""The program's own way from raw rows to a forecast, laid open for an audit: rows can be altered before validation."""

import dataclasses
import functools
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from forecaster.arrays import DateArray, FloatArray
from forecaster.config import Config
from forecaster.data import validation
from forecaster.data.exogenous import read_exogenous
from forecaster.data.instruments import Instrument
from forecaster.data.series import Panel, PriceSeries, is_price
from forecaster.data.sources.base import Loaded
from forecaster.data.sources.registry import chosen_source
from forecaster.data.validation import Report
from forecaster.datasets.covariates import Inputs, load_inputs
from forecaster.datasets.histories import Checked, Histories, HistoryChecker
from forecaster.environment import Environment
from forecaster.evaluation import calibration
from forecaster.evaluation.leakage.alterations import Alteration
from forecaster.evaluation.leakage.types import FoldsSaid, Subject, file_of
from forecaster.evaluation.splits import Fold, Split
from forecaster.experiments.backtest_plan import BacktestPlan
from forecaster.experiments.backtest_scores import out_of_sample
from forecaster.experiments.backtests import run_backtest
from forecaster.features import FEATURES, covariates, feature_matrix, market_volatility
from forecaster.features.covariates import column_covariate
from forecaster.features.history import History
from forecaster.features.market_volatility import MARKET_FEATURES
from forecaster.models import model_class, traits_of
from forecaster.pipeline import fit, forecaster_of, forecasts, forecasts_on_test

__all__ = ["RowsByName", "subject_of"]


_SETTLED_ROWS = 10  # of the beginning, before which there may be too little to be a history
_ALONE = 3  # so many odd days are looked at

RowsByName = dict[tuple[str, str], PriceSeries]
"""Source and instrument -> its raw rows, read once."""


class _AlteredHistories(Histories):
    """Histories whose raw rows are altered before anything reads them; nothing is stored.

    Args:
        environment: Home folder.
        source: Registry key of the source.
        checker: Checks the altered rows; without `strict`, since a warning about them must not end the audit.
        config: Options of the source, lags of covariates.
        raw: Rows that were read before; what is read is added.
        change: Alteration of the raw rows; None for none.
    """

    def __init__(
        self,
        environment: Environment,
        source: str,
        checker: HistoryChecker,
        config: Config,
        raw: RowsByName,
        change: Alteration | None,
    ) -> None:
        super().__init__(environment, source, checker, config.data.options, network="never")
        self._config = config
        self._raw = raw
        self._change = change

    def whole(self, instrument: Instrument, until: object = None) -> Loaded:
        """The same rows at every call, altered; see `Histories.whole`."""
        key = (self.source.name, instrument.canonical.name)
        if key not in self._raw:
            self._raw[key] = super().whole(instrument).series
        return Loaded(self._raw[key] if self._change is None else self._change(self._raw[key]))

    def accept(self, loaded: Loaded, *, keep: bool = False) -> Checked:
        """Check a history and store nothing; see `Histories.accept`."""
        return self.checker.check(loaded)

    def _of_source(self, source: str, instrument: Instrument) -> Histories:
        """Histories of a covariate: rows that are not known on the day of the cut, by its lag, are altered too."""
        change, lag = self._change, self._config.data.lags.get(instrument.name, 0)
        if change is not None and lag:
            change = dataclasses.replace(change, cut=change.cut - np.timedelta64(lag, "D"))
        checker = HistoryChecker(self._environment.today)
        return _AlteredHistories(self._environment, source, checker, self._config, self._raw, change)


def subject_of(config: Config, panel: Panel, named: Sequence[str], split: Split, environment: Environment) -> Subject:
    """The way of `config` from the raw rows of the instruments of `panel` to forecasts of those `named`.

    Args:
        config: With all that a training decides by its data: features, lags, universe.
        panel: Whose instruments learn together.
        named: Names of those that are looked at.
        split: Of the fit.
        environment: For its home.
    """
    instruments, raw = [one.instrument for one in panel], RowsByName()
    reports: dict[tuple[Alteration | None, str], Report] = {}

    def prepare(change: Alteration | None, until: np.datetime64 | None) -> Panel:
        data = config.data
        source = chosen_source(data.source, instruments[0])
        checker = HistoryChecker(environment.today, data.start, data.end, data.frequency)
        histories = _AlteredHistories(environment, source, checker, config, raw, change)
        day = None if until is None else until.astype("datetime64[D]").astype(object)
        loaded = [answer for answer in map(histories.whole, instruments) if _begun(answer.series, until)]
        checked = [checker.check(answer, day) for answer in loaded]
        for one in checked if until is None else ():
            reports[change, one.series.instrument.name] = one.report
        series = [one.series for one in checked]
        found = _altered_columns(
            load_inputs(data, series, histories, market=bool(data.market)), change, config.data.exog
        )
        return Panel(tuple(found.beside(one) for one in series))

    def late(change: Alteration | None, name: str) -> frozenset[np.datetime64]:
        report = reports.get((change, name))
        return frozenset(() if report is None else (repair.date for repair in report.late_repairs))

    steps = tuple(sorted({1, config.horizon}))
    options = config.model
    names = options.feature_names
    return Subject(
        prepare=prepare,
        features=(lambda series: (names, feature_matrix(History.of(series), names))) if names else None,
        fit=lambda learned: fit(forecaster_of(config), learned, split, config),
        scored=lambda fitted, series: forecasts_on_test(fitted, series, split, (), config.horizon),
        decided=lambda learned: {"features": _decided_features(config, learned, split)},
        backtest=functools.partial(_backtest, config, named, split, steps),
        alone=lambda name: _alone(next(rows for (_, key), rows in raw.items() if key == name), panel[name].dates),
        forecasts=lambda fitted, series, rows, unseen: forecasts(fitted, series, rows, None, unseen),
        split=split,
        named=named,
        report=lambda name: reports[None, name],
        late=late,
        files=_files(config),
        feature_file=_feature_file,
    )


def _backtest(config: Config, named: Sequence[str], split: Split, steps: tuple[int, ...], panel: Panel) -> FoldsSaid:
    """What the folds from the validation and from the test on say of each name, as a backtest scores it."""
    last = max(one.dates[-1] for one in panel) + 1
    plan = BacktestPlan(
        panel=panel,
        named=tuple(named),
        config=config,
        forecasters={config.kind: forecaster_of(config)},
        folds=(Fold(split.validation_start, split.test_start), Fold(split.test_start, last)),
        steps=steps,
        stride=1,
        engine="",  # decides the name of the folder, which is gone afterwards
    )
    with tempfile.TemporaryDirectory() as folder:
        records = run_backtest(plan, Path(folder))
    learned = {f"states of fold {number}": one.facts["states"] for number, one in enumerate(records, 1)}
    if records[0].gains is not None:
        learned["location gains of fold 1"] = records[0].gains.gains
    tracks = {name: list(out_of_sample(plan, records, panel[name], calibrated=True).values()) for name in named}
    begun = [panel[name].dates[records[1].rows[name][0]] for name in named if len(records[1].rows[name])]
    return FoldsSaid(tracks, learned, min(begun, default=None))


def _decided_features(config: Config, panel: Panel, split: Split) -> list[str]:
    """Features that a training chooses where ``features`` is ``auto``."""
    if not traits_of(config.kind).reads_features:
        return []
    automatic = config.model.model_copy(update={"features": "auto"})
    return list(automatic.resolved(panel, split.validation_start).feature_names)


def _alone(series: PriceSeries, dates: DateArray) -> list[np.datetime64]:
    """Days of `dates` (T,) on which a raw price stands most apart: where a repair that looks ahead would act."""
    first = dates[min(_SETTLED_ROWS, len(dates) - 1)]
    series = series.between(start=first, end=dates[-1])
    price = np.log(np.where(is_price(series.close), series.close, np.nan))
    apart = np.fmin(np.abs(price[1:-1] - price[:-2]), np.abs(price[1:-1] - price[2:]))
    apart = np.where((price[1:-1] - price[:-2]) * (price[1:-1] - price[2:]) > 0, apart, 0.0)
    return [series.dates[row + 1] for row in np.argsort(np.nan_to_num(apart))[-_ALONE:].tolist()]


def _begun(series: PriceSeries, until: np.datetime64 | None) -> bool:
    """Whether there are rows by `until`: a member of a panel may be younger than the first."""
    return until is None or bool(series.dates[0] <= until)


def _files(config: Config) -> dict[str, str]:
    stages = {
        "validation": validation.validate,
        "decided": model_class(config.kind).Options.resolved,
        "fit": model_class(config.kind).fit,
        "calibration": calibration.calibrate,
        "pipeline": fit,
        "folds": run_backtest,
    }
    return {stage: file_of(thing) for stage, thing in stages.items()}


def _feature_file(name: str) -> str:
    if name in FEATURES:
        return file_of(FEATURES[name].compute)
    return file_of(market_volatility.market_activity if name in MARKET_FEATURES else covariates.aligned)


def _scrambled(change: Alteration, lag: int, name: str, dates: DateArray, cells: FloatArray) -> FloatArray:
    """Cells of a dated column; empty ones stay empty."""
    later = (dates + np.timedelta64(lag, "D") > change.cut) & np.isfinite(cells)
    return np.where(later, np.random.default_rng(change.seed).normal(0, 9, len(cells)), cells)


def _altered_columns(inputs: Inputs, change: Alteration | None, inputs_file: str | None) -> Inputs:
    """The same with the values of dated columns scrambled that are not known on the day of the cut, by their lag."""
    if change is None or change.kind == "adjust":
        return inputs
    altered = []
    for one, facts in zip(inputs.inputs, inputs.facts, strict=True):
        lag = int(facts["lag"])
        # Prices were altered as raw rows; the columns of the file were not.
        if Path(str(facts["series"])) == Path(str(inputs_file)):
            altered_cells = functools.partial(_scrambled, change, lag)
            column = read_exogenous(Path(str(facts["series"])), altered_cells).columns[one.name]
            one = column_covariate(one.name, column.dates, column.values, lag)
        altered.append(one)
    return dataclasses.replace(inputs, inputs=tuple(altered))
