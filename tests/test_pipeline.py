import dataclasses
import datetime
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import oracles
import pytest

from forecaster.config import Config
from forecaster.data.instruments import parse_pair
from forecaster.data.series import Panel, PriceSeries
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.registry import get_source
from forecaster.evaluation.calibration import calibrate_forecasts
from forecaster.evaluation.distribution_scores import crps
from forecaster.evaluation.splits import Split, split_by_rows
from forecaster.features import RETURN_FEATURES
from forecaster.features.covariates import aligned, column_covariate, price_covariate
from forecaster.models import create
from forecaster.models.architectures.lstm import LSTM, LSTMOptions
from forecaster.models.base import FitReport, FitRequest, Fitted
from forecaster.models.baselines.panel_har import PanelHAR, PanelHAROptions
from forecaster.models.classic import Classic, ClassicOptions
from forecaster.models.engine import use_engine
from forecaster.pipeline import DivergedError, default_forecaster, fit, forecast_next, forecaster_of, forecasts
from forecaster.pipeline_evaluation import Baselines, evaluate, forecasts_on_test, losses_on_test
from forecaster.quantiles import SCORING_LEVELS


def tiny_config(horizon: int = 20, **options: object) -> Config:
    windows = {"chunk": 96, "burn_in": 32, "context_length": 24}
    model = {"units": (4,), "windows": windows, "training": {"steps": 20, "batch_size": 4}, **options}
    return Config(model=LSTMOptions.model_validate(model), horizon=horizon)


def baselines(panel: Panel | PriceSeries, split: Split, *names: str) -> Baselines:
    """Baselines for a horizon of 20 rows."""
    return Baselines(names, panel if isinstance(panel, Panel) else Panel((panel,)), split, tiny_config())


class Asked:
    """A forecaster that keeps what it is asked for."""

    def fit(self, request: FitRequest) -> FitRequest:
        return request


def test_a_configuration_names_its_forecaster() -> None:
    assert isinstance(forecaster_of(tiny_config()), LSTM)
    assert forecaster_of(tiny_config(5)).knots == (1, 5)
    assert isinstance(forecaster_of(Config(model=ClassicOptions())), Classic)


def test_a_fit_is_asked_for_rows_whose_outcomes_lie_in_their_part() -> None:
    panel = Panel((oracles.walk(900), oracles.walk(300, name="EURUSD")))
    dates = panel["USDJPY"].dates
    request = fit(Asked(), panel, Split(dates[600], dates[750]), tiny_config(20))
    assert request.training_rows == {"USDJPY": 580, "EURUSD": 280}
    assert request.validation_rows["USDJPY"].tolist() == list(range(600, 730))
    assert len(request.validation_rows["EURUSD"]) == 0
    assert (request.horizon, request.seed) == (20, tiny_config().seed)


def test_evaluation_scores_every_part_on_the_rows_that_all_models_have() -> None:
    series = oracles.walk(900)
    split = Split(series.dates[600], series.dates[750])
    model = create("ewma", 20).fit(FitRequest(Panel((series,)), {}, {}, 20))
    scores = evaluate(model, series, split, [1, 20], baselines(series, split, "random_walk")).scores
    found = {(one.part, one.step): (one.n, one.window) for one in scores}
    expected = {}
    for part, first, end in (("train", 40, 600), ("validation", 600, 750), ("test", 750, 900)):
        for step in (1, 20):
            expected[part, step] = end - step - first, (series.dates[first], series.dates[end - step - 1])
    assert found == expected
    assert all(list(score.metrics["crps"]) == ["ewma", "random_walk"] for score in scores)


def test_what_is_fed_back_is_not_scored_on_the_training_rows() -> None:
    series = oracles.walk(900)
    model = create("ewma", 20).fit(FitRequest(Panel((series,)), {}, {}, 20))
    fed_back = SimpleNamespace(name="ewma", own_steps=5, first_row=1, forecast=model.forecast)
    split = Split(series.dates[600], series.dates[750])
    beside = baselines(series, split)
    scored = {(one.part, one.step) for one in evaluate(fed_back, series, split, [5, 20], beside).scores}
    assert scored == {("train", 5)} | {(part, step) for part in ("validation", "test") for step in (5, 20)}
    scored = {(one.part, one.step) for one in evaluate(fed_back, series, split, [20], beside).scores}
    assert scored == {("validation", 20), ("test", 20)}


def test_a_part_without_rows_has_no_score() -> None:
    series = oracles.walk(300)
    model = create("ewma", 20).fit(FitRequest(Panel((series,)), {}, {}, 20))
    split = Split(series.dates[250], series.dates[285])
    scores = evaluate(model, series, split, [1, 20], baselines(series, split)).scores
    assert ("test", 20) not in {(one.part, one.step) for one in scores}
    assert ("test", 1) in {(one.part, one.step) for one in scores}


def test_each_baseline_is_fitted_once_and_forecasts_each_part_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores and the sample of the verdict come from the same fits and the same forecasts."""
    series = oracles.walk(900)
    split = Split(series.dates[600], series.dates[750])
    model = create("ewma", 20).fit(FitRequest(Panel((series,)), {}, {}, 20))
    expected = forecasts_on_test(model, series, split, baselines(series, split, "garch"))
    fits, calls = [], []

    def counted(name: str, *_: object) -> SimpleNamespace:
        def fit_once(request: FitRequest) -> SimpleNamespace:
            fits.append(name)
            fitted = create(name, request.horizon).fit(request)

            def forecast(*arguments: object) -> object:
                calls.append(name)
                return fitted.forecast(*arguments)

            return SimpleNamespace(
                name=name, own_steps=20, first_row=fitted.first_row, forecast=forecast, report=fitted.report
            )

        return SimpleNamespace(fit=fit_once)

    monkeypatch.setattr("forecaster.pipeline_evaluation.default_forecaster", counted)
    evaluation = evaluate(model, series, split, [1, 5, 20], baselines(series, split, "garch"))
    assert fits == ["garch"]
    assert calls == ["garch"] * 3
    assert evaluation.test is not None
    np.testing.assert_array_equal(evaluation.test.dates, expected.dates)
    np.testing.assert_array_equal(evaluation.test.outcomes, expected.outcomes)
    for name, quantiles in expected.quantiles.items():
        np.testing.assert_array_equal(evaluation.test.quantiles[name], quantiles)


# --- the network, from the panel to the forecast ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def pairs() -> Panel:
    """Six years of real rates, each with what was known of a third one, and of a column a week later."""
    start, end = np.datetime64("2012-01-01"), np.datetime64("2017-12-31")
    source = get_source("ecb")
    today = datetime.date(2021, 1, 1)
    loaded = [
        source.load(LoadRequest(parse_pair(name), Path(), today)).series for name in ("USDJPY", "EURUSD", "GBPUSD")
    ]
    pound, days = loaded.pop(), loaded[0].dates[::5]
    column = column_covariate("column", days, np.random.default_rng(3).normal(size=len(days)).cumsum(), 7)
    cut = [one.between(start, end) for one in loaded]
    known = (price_covariate(pound, 0), column)
    return Panel(tuple(dataclasses.replace(one, inputs=aligned(known, one.dates)) for one in cut))


@pytest.fixture(scope="module")
def trained(pairs: Panel) -> SimpleNamespace:
    use_engine("jax", "cpu")
    names = (*RETURN_FEATURES, *pairs.series[0].inputs)
    config = tiny_config(features=names)
    model = forecaster_of(config)
    split = split_by_rows(pairs["USDJPY"].dates, 300, 200, model.least_training_rows())
    return SimpleNamespace(fitted=fit(model, pairs, split, config), split=split, config=config)


def test_panel_har_is_what_the_network_blends(pairs: Panel, trained: SimpleNamespace) -> None:
    """The same regression and calendar to the bit, so the difference between both models is the network."""
    names = trained.config.model.features
    default = default_forecaster("panel_har", trained.config, pairs, trained.split.validation_start)
    assert default.options.features == names
    model = fit(
        PanelHAR(PanelHAROptions(features=names, volatility_calendar=True), 20), pairs, trained.split, trained.config
    )
    weights = trained.fitted.arrays()
    numbers = model.arrays()
    common = numbers.keys() & weights.keys()
    assert {name.partition("/")[0] for name in numbers.keys() - common} <= {"calendar"}
    for name in common:
        np.testing.assert_array_equal(numbers[name], weights[name])
    changes = {"linear_share": 1.0, "location": "never", "volatility_calendar": True}
    options = trained.config.model.model_copy(update=changes)
    alone = LSTM(options, 20).restore({**weights, **numbers}, FitReport(learned=model.report.learned))
    rows = np.arange(300, len(pairs["USDJPY"]))
    actual, expected = (one.forecast(pairs["USDJPY"], rows) for one in (model, alone))
    np.testing.assert_array_equal(actual.scale, expected.scale)
    np.testing.assert_array_equal(actual.log_returns([1, 3, 5, 20]), expected.log_returns([1, 3, 5, 20]))
    plain = fit(PanelHAR(PanelHAROptions(features=names), 20), pairs, trained.split, trained.config)
    assert plain.forecast(pairs["USDJPY"], rows).widths is None
    assert np.ptp(actual.widths) > 0.1


def test_a_baseline_of_panels_is_fitted_once_for_all_series(pairs: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    panels: list[tuple[str, ...]] = []

    def counted(model: Any, panel: Panel, *rest: Any) -> Fitted:
        panels.append(panel.names)
        return fit(model, panel, *rest)

    monkeypatch.setattr("forecaster.pipeline_evaluation.fit", counted)
    dates = pairs["USDJPY"].dates
    beside = baselines(pairs, Split(dates[-500], dates[-300]), "ewma", "panel_har")
    models = [beside.of(series) for series in pairs]
    assert [[model.name for model in group] for group in models] == [["ewma", "panel_har"]] * len(pairs)
    assert panels == [pairs.names, *((name,) for name in pairs.names)]
    assert models[0][1] is models[1][1]


def coming_days(series: PriceSeries, count: int = 20) -> np.ndarray:
    return np.busday_offset(series.dates[-1], np.arange(1, count + 1), roll="forward")


def test_a_forecast_of_the_coming_days(pairs: Panel, trained: SimpleNamespace) -> None:
    series = pairs["USDJPY"]
    actual = forecast_next(trained.fitted, series, coming_days(series))
    assert (actual.instrument, actual.cutoff, actual.horizon) == ("USDJPY", series.dates[-1], 20)
    assert actual.last_price == series.close[-1]
    assert (np.diff(actual.values, axis=1) > 0).all()
    among = trained.fitted.forecast(series, np.arange(300, len(series)))
    np.testing.assert_array_equal(actual.values, among.log_returns(range(1, 21))[-1])
    shorter = forecast_next(trained.fitted, series, coming_days(series, 7))
    np.testing.assert_array_equal(shorter.values, actual.values[:7])


def test_jpyusd_is_the_exact_mirror_of_usdjpy(pairs: Panel, trained: SimpleNamespace) -> None:
    assert parse_pair("JPYUSD").canonical == parse_pair("USDJPY")
    direct = forecast_next(trained.fitted, pairs["USDJPY"], coming_days(pairs["USDJPY"]))
    mirror = direct.mirrored("JPYUSD")
    np.testing.assert_array_equal(mirror.values, -direct.values[:, ::-1])
    assert mirror.last_price == 1 / direct.last_price
    levels = [0.01, 0.1, 0.5, 0.77, 0.975]
    np.testing.assert_allclose(
        mirror.prices(levels) * direct.prices([1 - level for level in levels]), 1, rtol=0, atol=1e-14
    )
    np.testing.assert_allclose(mirror.probability_up + direct.probability_up, 1, atol=1e-12)


@pytest.mark.parametrize("cutoff", [512, 700, 1000])
def test_rows_after_a_cutoff_change_no_bit_of_its_forecast(pairs: Panel, trained: SimpleNamespace, cutoff: int) -> None:
    series = pairs["USDJPY"]
    days = coming_days(series.between(end=series.dates[cutoff]))
    expected = forecast_next(trained.fitted, oracles.truncated(series, cutoff), days)
    for other in (series, oracles.scrambled(series, cutoff)):
        found = trained.fitted.forecast(other, np.array([cutoff])).log_returns(range(1, 21))[0]
        np.testing.assert_array_equal(found, expected.values)


def test_rows_that_the_weights_have_not_seen_are_calibrated_and_others_are_not(
    pairs: Panel, trained: SimpleNamespace
) -> None:
    series, unseen = pairs["USDJPY"], trained.split.validation_start
    first = int(np.searchsorted(series.dates, unseen))
    raw = trained.fitted.forecast(series, np.arange(first, len(series)))
    expected = calibrate_forecasts(raw, series.log_price).scaled
    rows = np.array([first - 9, first - 1, first + 150, len(series) - 1])
    actual = forecasts(trained.fitted, series, rows, unseen_from=unseen)
    np.testing.assert_array_equal(actual.rows, rows)
    np.testing.assert_array_equal(actual.scaled[:2], trained.fitted.forecast(series, rows[:2]).scaled)
    np.testing.assert_array_equal(actual.scaled[2:], expected[[150, -1]])
    assert (actual.scaled[2:] != raw.scaled[[150, -1]]).any(axis=(1, 2)).all()
    asked_raw = forecasts(trained.fitted, series, rows)
    np.testing.assert_array_equal(asked_raw.scaled, trained.fitted.forecast(series, rows).scaled)


def test_what_is_scored_is_what_is_given(pairs: Panel, trained: SimpleNamespace) -> None:
    """The same numbers at the newest row that has an outcome: in the daily losses, and in the forecast made there."""
    series = pairs["USDJPY"]
    unseen = trained.split.validation_start
    losses = losses_on_test(trained.fitted, series, trained.split, baselines(series, trained.split, "ewma"))
    before = series.between(end=series.dates[-2])
    given = forecast_next(trained.fitted, before, coming_days(before), unseen)
    ewma = forecast_next(create("ewma", 20).fit(FitRequest(Panel((series,)), {}, {}, 20)), before, given.dates)
    moved = np.array([series.log_price[-1] - series.log_price[-2]])
    ours, theirs = (crps(one.values[:1], SCORING_LEVELS, moved)[0] for one in (given, ewma))
    assert losses.dates[-1] == before.dates[-1]
    assert losses.crps["lstm"][-1] / losses.crps["ewma"][-1] == pytest.approx(ours / theirs, rel=1e-12)


@pytest.mark.parametrize("cutoff", [1050, 1300])
def test_calibration_at_a_cutoff_sees_nothing_after_it(pairs: Panel, trained: SimpleNamespace, cutoff: int) -> None:
    series, unseen = pairs["USDJPY"], trained.split.validation_start
    assert series.dates[cutoff] >= unseen
    days = coming_days(series.between(end=series.dates[cutoff]))
    expected = forecast_next(trained.fitted, oracles.truncated(series, cutoff), days, unseen)
    for other in (series, oracles.scrambled(series, cutoff)):
        found = forecasts(trained.fitted, other, np.arange(300, len(other)), unseen_from=unseen)
        at = found.take(np.array([cutoff - 300])).log_returns(range(1, 21))[0]
        np.testing.assert_array_equal(at, expected.values)


def test_a_baseline_is_never_calibrated() -> None:
    series = oracles.walk(900)
    model = create("ewma", 20).fit(FitRequest(Panel((series,)), {}, {}, 20))
    rows = np.arange(500, 900)
    actual = forecasts(model, series, rows, unseen_from=series.dates[450])
    np.testing.assert_array_equal(actual.scaled, model.forecast(series, rows).scaled)


def test_scores_of_the_test_do_not_depend_on_training_beyond_it(pairs: Panel, trained: SimpleNamespace) -> None:
    """The whole way, features to weights: nonsense in the test leaves weights and validation scores alone."""
    split = trained.split
    row = int(np.searchsorted(pairs["USDJPY"].dates, split.test_start))
    spoiled = Panel(tuple(oracles.scrambled(one, row - 1) for one in pairs))
    again = fit(forecaster_of(trained.config), spoiled, trained.split, trained.config)
    for name, array in trained.fitted.arrays().items():
        np.testing.assert_array_equal(again.arrays()[name], array)
    assert again.report.chosen["location_steps"] == trained.fitted.report.chosen["location_steps"]
    scores = [
        [
            score
            for score in evaluate(
                model, panel["USDJPY"], trained.split, [1, 20], baselines(panel, trained.split, "ewma")
            ).scores
            if score.part != "test"
        ]
        for model, panel in ((trained.fitted, pairs), (again, spoiled))
    ]
    assert [dataclasses.asdict(one) for one in scores[0]] == [dataclasses.asdict(one) for one in scores[1]]


@pytest.mark.parametrize("change", [lambda q: q * np.nan, lambda q: q * np.inf, lambda q: q * 1e6, lambda q: -q])
def test_forecasts_that_cannot_be_are_refused(change: Callable[[Any], Any]) -> None:
    series = oracles.walk(400, seed=1)
    sound = create("ewma", 5).fit(FitRequest(Panel((series,)), {"USDJPY": 300}, {}, 5))

    class Diverged:
        name = "ewma"
        first_row = sound.first_row

        def forecast(self, *arguments: Any) -> Any:
            result = sound.forecast(*arguments)
            return dataclasses.replace(result, scaled=change(result.scaled))

    rows = np.arange(300, 400)
    assert len(forecasts(sound, series, rows)) == 100
    with pytest.raises(DivergedError, match="the weights diverged, lower the learning rate"):
        forecasts(cast(Fitted, Diverged()), series, rows)
