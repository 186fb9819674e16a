"""The program as a target of an audit: its stages from raw rows to forecasts, with rows altered before validation."""

import dataclasses
import datetime
import functools
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from forecaster.arrays import AnyArray, DateArray, FloatArray, IntArray
from forecaster.config import Config
from forecaster.data import validation
from forecaster.data.exogenous import read_exogenous
from forecaster.data.series import Panel, PriceSeries, is_price
from forecaster.data.sources import SOURCES
from forecaster.data.sources.base import Loaded, LoadRequest, SourceTraits
from forecaster.data.sources.registry import OpenSources, chosen_source
from forecaster.data.validation import Report
from forecaster.datasets.covariates import Covariates, LoadedCovariate, covariate_instruments, load_covariates
from forecaster.datasets.histories import Histories
from forecaster.datasets.history_checker import HistoryChecker
from forecaster.environment import Environment
from forecaster.evaluation import calibration
from forecaster.evaluation.daily_losses import OutOfSample
from forecaster.evaluation.leakage.alterations import THINNING, Alteration
from forecaster.evaluation.leakage.types import BacktestOutput, file_of
from forecaster.evaluation.splits import Fold, Split
from forecaster.experiments.backtest_plan import BacktestPlan
from forecaster.experiments.backtest_scores import out_of_sample
from forecaster.experiments.backtests import run_backtest
from forecaster.features import FEATURES, covariates, feature_matrix, market_volatility
from forecaster.features.covariates import column_covariate
from forecaster.features.history import History
from forecaster.features.market_volatility import MARKET_FEATURES
from forecaster.forecast import Forecasts
from forecaster.models import model_class
from forecaster.models.base import Fitted
from forecaster.pipeline import fit, forecaster_of, forecasts
from forecaster.pipeline_evaluation import forecasts_on_test

__all__ = ["AlteredSource", "AuditTarget"]

_FIRST_ISOLATED_ROW = 10  # before it there may be too few rows for a history
_ISOLATED_DAYS = 3
_MAIN = "audited"  # source of the panel


class _RawHistories:
    """Raw rows of instruments, read once from their sources or the store, without the network."""

    def __init__(self, environment: Environment, sources: OpenSources) -> None:
        self._environment = environment
        self._sources = sources
        self._series: dict[tuple[str, str], PriceSeries] = {}

    def read(self, source: str, request: LoadRequest) -> PriceSeries:
        """All rows of the instrument of `request`."""
        key = (source, request.instrument.name)
        if key not in self._series:
            checker = HistoryChecker(request.today, end=request.until, differences=request.signed)
            histories = Histories(
                self._environment, source, checker, request.options, network="never", sources=self._sources
            )
            self._series[key] = histories.whole(request.instrument).series
        return self._series[key]


class AlteredSource:
    """Source of the raw rows of another source, altered.

    Args:
        name: Registry key of the other source.
        raw: Its raw rows.
        alteration: Alteration of the rows; None for none.
        lags: Name of a covariate -> days until a value is known: the alteration begins so many days earlier.
    """

    traits: ClassVar[SourceTraits] = SourceTraits()

    def __init__(
        self, name: str, raw: _RawHistories, alteration: Alteration | None, lags: Mapping[str, int] | None = None
    ) -> None:
        self.name = name
        self._raw = raw
        self._alteration = alteration
        self._lags = lags or {}

    def load(self, request: LoadRequest) -> Loaded:
        """See `forecaster.data.sources.base.Source`."""
        series = self._raw.read(self.name, request)
        if self._alteration is None:
            return Loaded(series)
        lag = self._lags.get(request.instrument.name, 0)
        cut = self._alteration.cut - np.timedelta64(lag, "D")
        return Loaded(dataclasses.replace(self._alteration, cut=cut)(series))


class AuditTarget:
    """The program with a configuration and its series; see `forecaster.evaluation.leakage.types.Target`.

    Args:
        config: Resolved configuration of a training.
        panel: Series that train together.
        named: Names of the audited series.
        split: Split of the fit.
        environment: Project folder.
        sources: Sources of the training; sources opened anew when None.
    """

    def __init__(
        self,
        config: Config,
        panel: Panel,
        named: Sequence[str],
        split: Split,
        environment: Environment,
        sources: OpenSources | None = None,
    ) -> None:
        self.split = split
        self.named = tuple(named)
        self.files = _files(config.kind)
        self.feature_names: Sequence[str] = config.model.feature_names
        self._config = config
        self._environment = environment
        self._instruments = [series.instrument for series in panel]
        self._source = chosen_source(config.data.source, self._instruments[0])
        self._raw = _RawHistories(environment, OpenSources() if sources is None else sources)
        self._reports: dict[tuple[Alteration | None, str], Report] = {}

    def prepare(self, alteration: Alteration | None = None, until: np.datetime64 | None = None) -> Panel:
        """See `Target`."""
        data = self._config.data
        checker = HistoryChecker.of_section(data.model_copy(update={"strict": False}), self._today(alteration))
        histories = self._histories(checker, alteration)
        loaded = [histories.whole(instrument) for instrument in self._instruments]
        if until is not None:  # a member of the panel may be younger
            loaded = [answer for answer in loaded if answer.series.dates[0] <= until]
        day = None if until is None else until.astype("datetime64[D]").astype(object)
        checked = [checker.check(answer, day) for answer in loaded]
        if until is None:
            self._reports |= {(alteration, history.series.instrument.name): history.report for history in checked}
        series = [history.series for history in checked]
        covariates = load_covariates(data, series, histories, market=bool(data.market))
        covariates = _with_altered_columns(covariates, alteration, data.exog)
        return Panel(tuple(covariates.attached(member) for member in series))

    def _today(self, alteration: Alteration | None) -> datetime.date:
        """The current date; for rows that are cut off, the day of the cut, on which the last week was not over."""
        today = self._environment.today
        if alteration is None or alteration.kind != "truncate":
            return today
        cut: datetime.date = alteration.cut.astype("datetime64[D]").astype(datetime.date)
        return min(today, cut)

    def _histories(self, checker: HistoryChecker, alteration: Alteration | None) -> Histories:
        """Histories of altered rows. They are checked without ``strict``: a warning must not end the audit."""
        lags = self._lags()
        covariates = {name: AlteredSource(name, self._raw, alteration, lags) for name in SOURCES}
        main = AlteredSource(self._source, self._raw, alteration)  # an instrument may be a covariate as well
        sources = OpenSources({**covariates, _MAIN: main})
        return Histories(self._environment, _MAIN, checker, self._config.data.options, "never", sources, read_only=True)

    def _lags(self) -> dict[str, int]:
        """Lags by the names of the instruments in canonical orientation."""
        data = self._config.data
        lags: dict[str, int] = {}
        for _, instrument in covariate_instruments(data.inputs):
            lag = data.lags.get(instrument.name, 0)
            name = instrument.canonical.name
            lags[name] = min(lag, lags.get(name, lag))
        return lags

    def report(self, name: str) -> Report:
        """Report of the validation of a series without alterations."""
        if (None, name) not in self._reports:
            self.prepare()
        return self._reports[None, name]

    def late_repairs(self, alteration: Alteration | None, name: str) -> frozenset[np.datetime64]:
        """See `Target`."""
        report = self._reports.get((alteration, name))
        return frozenset() if report is None else frozenset(repair.date for repair in report.late_repairs)

    def isolated_days(self, name: str) -> list[np.datetime64]:
        """Days on which a raw price is farthest from both neighbours, where a repair that looks ahead would act."""
        series = self.prepare()[name]
        request = LoadRequest(series.instrument, self._environment.home, self._environment.today)
        raw = self._raw.read(self._source, request)
        return _isolated_days(raw, series.dates)

    def features(self, series: PriceSeries) -> AnyArray:
        """See `Target`."""
        return feature_matrix(History.of(series), self.feature_names)

    def feature_file(self, name: str) -> str:
        """See `Target`."""
        if name in FEATURES:
            return file_of(FEATURES[name].compute)
        return file_of(market_volatility.market_activity if name in MARKET_FEATURES else covariates.aligned)

    def decided(self, panel: Panel) -> Mapping[str, Any]:
        """See `Target`."""
        model = self._config.model
        names = {"features", "volatility_calendar"} & set(type(model).model_fields)
        automatic = model.model_copy(update=dict.fromkeys(names, "auto"))
        resolved = automatic.resolved(panel, self.split.validation_start)
        return dict(resolved.model_dump(mode="json", include=names))

    def fit(self, panel: Panel) -> Fitted:
        """See `Target`."""
        return fit(forecaster_of(self._config), panel, self.split, self._config)

    def forecasts(self, fitted: Any, series: PriceSeries, rows: IntArray, unseen: np.datetime64 | None) -> Forecasts:
        """See `Target`."""
        return forecasts(fitted, series, rows, None, unseen)

    def scored(self, fitted: Any, series: PriceSeries) -> OutOfSample | None:
        """See `Target`."""
        return forecasts_on_test(fitted, series, self.split)

    def backtest(self, panel: Panel) -> BacktestOutput:
        """See `Target`."""
        split = self.split
        end = max(series.dates[-1] for series in panel) + 1
        plan = BacktestPlan(
            panel=panel,
            named=self.named,
            config=self._config,
            forecasters={self._config.kind: forecaster_of(self._config)},
            folds=(Fold(split.validation_start, split.test_start), Fold(split.test_start, end)),
            steps=tuple(sorted({1, self._config.horizon})),
            stride=1,
            engine="",  # part of the names of records, which are deleted afterwards
        )
        with tempfile.TemporaryDirectory() as folder:
            records = run_backtest(plan, Path(folder))
        learned = {f"states of fold {number}": record.facts["states"] for number, record in enumerate(records, 1)}
        first, second = records
        if first.gains is not None:
            learned["location gains of fold 1"] = first.gains.gains
        samples = {
            name: list(out_of_sample(plan, records, panel[name], calibrated=True).values()) for name in self.named
        }
        cutoffs = [panel[name].dates[second.rows[name][0]] for name in self.named if len(second.rows[name])]
        return BacktestOutput(samples, learned, min(cutoffs, default=None))


def _isolated_days(series: PriceSeries, dates: DateArray) -> list[np.datetime64]:
    """Days of raw `series` within `dates` (T,) on which the price is farthest from both neighbours."""
    first = dates[min(_FIRST_ISOLATED_ROW, len(dates) - 1)]
    series = series.between(start=first, end=dates[-1])
    log_price = np.log(np.where(is_price(series.close), series.close, np.nan))
    before = log_price[1:-1] - log_price[:-2]
    after = log_price[1:-1] - log_price[2:]
    distance = np.where(before * after > 0, np.fmin(np.abs(before), np.abs(after)), 0.0)
    return [series.dates[row + 1] for row in np.argsort(np.nan_to_num(distance))[-_ISOLATED_DAYS:].tolist()]


def _files(kind: str) -> dict[str, str]:
    """Source file of each stage."""
    stages = {
        "validation": validation.validate,
        "decided": model_class(kind).Options.resolved,
        "fit": model_class(kind).fit,
        "calibration": calibration.calibrate,
        "pipeline": forecasts_on_test,
        "folds": run_backtest,
    }
    return {stage: file_of(function) for stage, function in stages.items()}


def _scrambled(alteration: Alteration, lag: int, name: str, dates: DateArray, cells: FloatArray) -> FloatArray:
    """Cells of a dated column, those unknown on the day of the cut replaced at random, or in part emptied."""
    later = (dates + np.timedelta64(lag, "D") > alteration.cut) & np.isfinite(cells)
    changed = np.where(later, np.random.default_rng(alteration.seed).normal(0, 9, len(cells)), cells)
    if alteration.kind == "thin":
        changed[later & (np.cumsum(later) % THINNING != 0)] = np.nan
    return changed


def _with_altered_columns(
    covariates: Covariates, alteration: Alteration | None, exogenous_file: str | None
) -> Covariates:
    """`covariates` with altered columns of the file of ``--exog``; prices were altered as raw rows already."""
    if alteration is None or alteration.kind == "adjust":
        return covariates
    members = [
        _altered_column(member, alteration) if member.series == str(exogenous_file) else member
        for member in covariates.members
    ]
    return dataclasses.replace(covariates, members=tuple(members))


def _altered_column(member: LoadedCovariate, alteration: Alteration) -> LoadedCovariate:
    change = functools.partial(_scrambled, alteration, member.lag)
    column = read_exogenous(Path(member.series), change).columns[member.name]
    covariate = column_covariate(member.name, column.dates, column.values, member.lag)
    return dataclasses.replace(member, covariate=covariate)
