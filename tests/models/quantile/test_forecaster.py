import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from forecaster.data.series import Panel
from forecaster.errors import NotEnoughDataError
from forecaster.features import FEATURES
from forecaster.features.history import WARM_UP, History
from forecaster.models.architectures.lstm import LSTM
from forecaster.models.base import FitReport, FitRequest
from forecaster.models.quantile.forecaster import FittedQuantileModel
from forecaster.models.quantile.members import linear_location
from forecaster.models.volatility_regression import VolatilityRegression
from forecaster.quantiles import SCORING_LEVELS, normal_scores

CUTOFFS = (WARM_UP + 23, 255, 256, 257, 300, 511, 512, 513)


def random_lstm(helpers: SimpleNamespace, supervision: str, units: tuple[int, ...] = (8, 5)) -> FittedQuantileModel:
    """Random weights and an open location: whatever leaks, leaks here."""
    options = helpers.lstm_options(supervision, units=units, features=tuple(FEATURES), knots=(1, 5))
    arrays = helpers.oracles.lstm_arrays(len(FEATURES), units, 3)
    return LSTM(options, 20).restore(arrays, FitReport({"location_steps": [1, 5, 20]}))


@pytest.mark.parametrize("supervision", ["dense", "last"])
@pytest.mark.parametrize("change", ["scrambled", "truncated"])
@pytest.mark.parametrize("cutoff", CUTOFFS)
def test_rows_after_a_cutoff_change_no_bit_before_it(
    helpers: SimpleNamespace, supervision: str, change: str, cutoff: int
) -> None:
    fitted = random_lstm(helpers, supervision)
    rows = np.arange(fitted.first_row, cutoff + 1)
    for series in (helpers.oracles.walk(600, rounded=True), helpers.oracles.bars(600)):
        expected = fitted.forecast(series, rows)
        other = getattr(helpers.oracles, change)(series, cutoff)
        for found in (fitted.forecast(other, rows), fitted.forecast(other, rows[-1:])):
            np.testing.assert_array_equal(found.scaled, expected.scaled[-len(found) :])
            np.testing.assert_array_equal(
                found.log_returns([1, 7, 20]), expected.log_returns([1, 7, 20])[-len(found) :]
            )


@pytest.mark.parametrize("supervision", ["dense", "last"])
@pytest.mark.parametrize("units", [(8, 5), (32, 32), (50,)])
def test_a_forecast_has_the_same_bits_alone_and_among_others(
    helpers: SimpleNamespace, supervision: str, units: tuple[int, ...]
) -> None:
    fitted, series = random_lstm(helpers, supervision, units), helpers.oracles.walk(600)
    rows = np.arange(fitted.first_row, 600)
    together = fitted.forecast(series, rows)
    for row in (fitted.first_row, 230, 255, 256, 257, 263, 264, 265, 599):
        alone = fitted.forecast(series, np.array([row]))
        np.testing.assert_array_equal(alone.scaled[0], together.scaled[row - fitted.first_row])
    mixed = np.array([599, 300, 300, 270])
    np.testing.assert_array_equal(fitted.forecast(series, mixed).scaled, together.scaled[mixed - fitted.first_row])
    assert fitted.forecast(series, rows[:0]).scaled.shape == (0, 3, 9)


@pytest.mark.parametrize("supervision", ["dense", "last"])
def test_rows_before_the_first_are_refused(helpers: SimpleNamespace, supervision: str) -> None:
    fitted = random_lstm(helpers, supervision)
    assert fitted.first_row == (WARM_UP if supervision == "dense" else WARM_UP + 23)
    for row in (fitted.first_row - 1, 0, -1):
        with pytest.raises(NotEnoughDataError, match=f"needs {fitted.first_row + 1} rows of history; got {row + 1}"):
            fitted.forecast(helpers.oracles.walk(600), np.array([300, row]))


def test_the_location_moves_only_the_steps_that_are_supported(helpers: SimpleNamespace) -> None:
    fitted, series, rows = random_lstm(helpers, "dense"), helpers.oracles.walk(400), np.array([300, 399])
    moved = fitted.forecast(series, rows)
    partly = fitted.with_location([5]).forecast(series, rows)
    np.testing.assert_array_equal(partly.scaled[:, 1], moved.scaled[:, 1])
    assert (partly.scaled[:, [0, 2], 4] == 0).all()
    assert (moved.scaled[:, :, 4] != 0).all()
    assert (fitted.with_location([]).forecast(series, rows).median(5) == 0).all()


def test_an_untrained_model_forecasts_ewma_volatility(helpers: SimpleNamespace) -> None:
    arrays = helpers.oracles.lstm_arrays(8, (4,), 2)
    arrays |= {name: np.zeros_like(one) for name, one in arrays.items() if name.startswith("head/")}
    series, rows = helpers.oracles.walk(400), np.arange(WARM_UP, 400)
    made = LSTM(helpers.lstm_options(knots=(1,)), 4).restore(arrays, FitReport()).forecast(series, rows)
    widths = np.multiply.outer(History.of(series).volatility[rows], [1, 2])
    np.testing.assert_allclose(made.log_returns([1, 4]), widths[..., None] * normal_scores(SCORING_LEVELS), atol=1e-8)


@pytest.mark.parametrize(
    ("horizon", "knots"), [(1, (1,)), (3, (1, 3)), (5, (1, 5)), (20, (1, 5, 10, 20)), (30, (1, 5, 10, 20, 30))]
)
def test_knots_end_at_the_horizon(helpers: SimpleNamespace, horizon: int, knots: tuple[int, ...]) -> None:
    model = LSTM(helpers.lstm_options(knots=(1, 5, 10, 20)), horizon)
    assert model.knots == knots
    arrays = helpers.oracles.lstm_arrays(8, (4,), len(knots))
    fitted = model.restore(arrays, FitReport())
    made = fitted.forecast(helpers.oracles.walk(300), np.array([299])).log_returns(range(1, horizon + 1))
    assert made.shape == (1, horizon, 9)
    assert (np.diff(made, axis=-1) > 0).all()
    assert fitted.own_steps == horizon


def test_a_fit_learns_and_says_what_it_did(lstm: SimpleNamespace) -> None:
    assert lstm.fitted.report.parity < 1e-5
    assert lstm.fitted.report.parameters == 4 * 4 * (8 + 4 + 1) + (4 + 1) * 4 * 9, "four gates; eight gaps, a location"
    assert lstm.fitted.report.learned["series"] == (4 if lstm.supervision == "last" else 3)
    assert lstm.fitted.report.chosen["location_steps"] == []
    assert [row["step"] for row in lstm.fitted.report.curve] == [10, 20, 25]
    assert all(np.isfinite(row["loss"]) for row in lstm.fitted.report.curve)
    assert list(lstm.fitted.report.reference_losses) == ["ewma"]
    assert np.isfinite(lstm.fitted.report.initial_loss)
    stages = [facts[:3] for facts in lstm.told]
    assert stages == [("features", k, 4) for k in (1, 2, 3, 4)] + [("fit", k, 25) for k in (10, 20, 25)]
    assert np.abs(lstm.fitted.arrays()["head/spread/kernel"]).max() > 0
    assert np.abs(lstm.fitted.arrays()["head/location/kernel"]).max() > 0


def test_a_fitted_model_forecasts_and_comes_back_from_its_arrays(lstm: SimpleNamespace, panel: Panel) -> None:
    rows = np.arange(lstm.fitted.first_row, 900, 50)
    made = lstm.fitted.forecast(panel["USDJPY"], rows)
    assert made.model == "lstm"
    assert made.scaled.shape == (len(rows), 4, 9)
    assert (np.diff(made.scaled, axis=-1) > 0).all()
    again = lstm.model.restore(lstm.fitted.arrays(), lstm.fitted.report).forecast(panel["USDJPY"], rows)
    np.testing.assert_array_equal(again.scaled, made.scaled)


def samples_of(model: LSTM, request: FitRequest) -> list[tuple[np.ndarray, np.ndarray]]:
    samples = model._samples(model._members(request))
    return [windows.batch(np.arange(len(windows))) for windows in samples]


def spoiled(panel: Panel, horizon: int) -> Panel:
    """The panel with nonsense in the 200 rows that may not be learned from."""
    return Panel(tuple(_spoil(one) for one in panel))


def _spoil(series: object) -> object:
    after = np.arange(len(series)) >= len(series) - 200
    return dataclasses.replace(series, columns={"close": np.where(after, 1e-9, series.close)})


@pytest.mark.parametrize("supervision", ["dense", "last"])
@pytest.mark.parametrize("horizon", [1, 20])
def test_no_sample_holds_anything_of_the_validation(
    helpers: SimpleNamespace, panel: Panel, supervision: str, horizon: int
) -> None:
    model = LSTM(helpers.lstm_options(supervision), horizon)
    plain = samples_of(model, helpers.request_of(panel, horizon))
    for (x, y), (spoiled_x, spoiled_y) in zip(
        plain, samples_of(model, helpers.request_of(spoiled(panel, horizon), horizon)), strict=True
    ):
        np.testing.assert_array_equal(spoiled_x, x)
        np.testing.assert_array_equal(spoiled_y, y)
        assert np.isfinite(y).any()
    more = helpers.request_of(spoiled(panel, horizon), horizon)
    more = dataclasses.replace(more, training_rows={name: n + 1 for name, n in more.training_rows.items()})
    assert any(np.nanmax(np.abs(y)) > 500 for _, y in samples_of(model, more)), "one row more would be seen"


def test_samples_of_a_series_do_not_depend_on_the_others(helpers: SimpleNamespace, panel: Panel) -> None:
    model = LSTM(helpers.lstm_options(), 20)
    members = {one.series.instrument.name: one for one in model._members(helpers.request_of(panel))}
    for part in (Panel(panel.series[::-1]), Panel(panel.series[1:3])):
        for one in model._members(helpers.request_of(part)):
            np.testing.assert_array_equal(one.features, members[one.series.instrument.name].features)
            np.testing.assert_array_equal(one.targets, members[one.series.instrument.name].targets)


@pytest.mark.parametrize("horizon", [1, 20])
def test_the_direct_path_holds_nothing_of_the_validation(helpers: SimpleNamespace, panel: Panel, horizon: int) -> None:
    model = LSTM(helpers.lstm_options(), horizon)
    plain, other = (helpers.request_of(one, horizon) for one in (panel, spoiled(panel, horizon)))

    def direct(request: FitRequest) -> Any:
        options = model.options
        return linear_location(model._members(request), options.feature_names, model.knots, options.windows.warm_up)

    expected, result = (direct(request) for request in (plain, other))
    np.testing.assert_array_equal(result, expected)
    assert np.abs(expected).max() > 0
    rows = {name: count + 1 for name, count in other.training_rows.items()}
    seen = direct(dataclasses.replace(other, training_rows=rows))
    assert (seen != expected).any(), "one row more would be seen"


@pytest.mark.parametrize("horizon", [1, 20])
def test_the_regression_of_the_widths_holds_nothing_of_the_validation(
    helpers: SimpleNamespace, panel: Panel, horizon: int
) -> None:
    """One day ahead it learns from means over ten days, of which nine lie beyond what is purged."""
    model = LSTM(helpers.lstm_options(), horizon)
    plain, other = (helpers.request_of(one, horizon) for one in (panel, spoiled(panel, horizon)))
    expected, found = (model._regression(model._members(one), horizon) for one in (plain, other))
    for name, array in expected.arrays().items():
        np.testing.assert_array_equal(found.arrays()[name], array)
    rows = {name: count + 1 for name, count in other.training_rows.items()}
    more = dataclasses.replace(other, training_rows=rows)
    found = model._regression(model._members(more), horizon)
    assert (found.kernel != expected.kernel).any(), "one row more would be seen"


def test_a_forecast_is_the_mean_of_network_and_regression(helpers: SimpleNamespace) -> None:
    series, rows = helpers.oracles.bars(400), np.array([300, 399])
    model = LSTM(helpers.lstm_options(linear_share=0.25, knots=(1,)), 20)
    kernel, shape = np.zeros((9, 2)), np.stack([normal_scores(SCORING_LEVELS) + 0.1] * 2)
    kernel[0] = np.log([2, 3])
    second = VolatilityRegression(kernel, np.array([[-9.0, -9], [9, 9]]), shape)
    arrays = helpers.oracles.lstm_arrays(8, (4,), 2)
    alone = model.restore(arrays, FitReport({"location_steps": [20]})).forecast(series, rows).scaled
    found = model.restore(arrays | second.arrays(), FitReport({"location_steps": [20]})).forecast(series, rows).scaled
    scores = normal_scores(SCORING_LEVELS)
    np.testing.assert_allclose(found[:, 0], 0.75 * alone[:, 0] + 0.25 * 2 * scores + 2 * 0.1, atol=1e-6)
    location = alone[:, 1, 4:5]  # a mean: the middle of the regression lies beside it as beside the last price
    expected = location + 0.75 * (alone[:, 1] - location) + 0.25 * 3 * scores + 3 * 0.1
    np.testing.assert_allclose(found[:, 1], expected, atol=1e-6)


@pytest.mark.parametrize(("kind", "skewed"), [("pair", False), ("ticker", True)])
def test_only_what_has_no_mirror_has_a_median_beside_the_last_price(
    helpers: SimpleNamespace, kind: str, skewed: bool
) -> None:
    series = helpers.oracles.walk(700) if kind == "pair" else helpers.oracles.bars(700)
    fitted = LSTM(helpers.lstm_options(training={"steps": 2}), 5).fit(helpers.request_of(Panel((series,)), 5))
    assert (fitted.report.median == "mean_is_last_price") is skewed
    assert (fitted.forecast(series, np.array([500])).scaled[0, :, 4] != 0).all() == skewed


def test_without_a_share_there_is_no_regression(helpers: SimpleNamespace, panel: Panel) -> None:
    model = LSTM(helpers.lstm_options(linear_share=0, training={"steps": 2}), 5)
    fitted = model.fit(helpers.request_of(panel, 5))
    assert not [name for name in fitted.arrays() if name.startswith("linear_volatility")]
    assert (fitted.report.median == "mean_is_last_price") is False


@pytest.mark.slow
@pytest.mark.parametrize("supervision", ["dense", "last"])
def test_a_fit_has_the_same_bits_whatever_the_validation_holds(
    helpers: SimpleNamespace, panel: Panel, supervision: str
) -> None:
    model = LSTM(helpers.lstm_options(supervision), 20)
    plain, other = (model.fit(helpers.request_of(one)).arrays() for one in (panel, spoiled(panel, 20)))
    for name, array in plain.items():
        np.testing.assert_array_equal(other[name], array)


def test_too_short_a_panel_is_refused(helpers: SimpleNamespace) -> None:
    model = LSTM(helpers.lstm_options(), 20)
    short = Panel((helpers.oracles.walk(420), helpers.oracles.walk(1, name="EURUSD")))
    with pytest.raises(NotEnoughDataError, match=f"no series has {model.least_training_rows()} rows"):
        model._samples(model._members(helpers.request_of(short)))


@pytest.mark.parametrize("supervision", ["dense", "last"])
def test_the_least_training_rows_make_some_windows(helpers: SimpleNamespace, supervision: str) -> None:
    model = LSTM(helpers.lstm_options(supervision), 20)
    rows = model.least_training_rows()
    request = FitRequest(Panel((helpers.oracles.walk(rows),)), {"USDJPY": rows - 20}, {}, 20)
    assert sum(len(one) for one in model._samples(model._members(request))) >= 32


@pytest.mark.parametrize(("kind", "flips"), [("pair", True), ("ticker", False)])
def test_only_pairs_are_flipped(
    helpers: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, kind: str, flips: bool
) -> None:
    from forecaster.models import training

    drawn: list[np.ndarray] = []

    def draw(*arguments: Any) -> np.ndarray:
        drawn.append(training_draw(*arguments))
        return drawn[-1]

    training_draw = training.draw_samples
    monkeypatch.setattr(training, "draw_samples", draw)
    other = helpers.oracles.walk(700, 1) if kind == "pair" else helpers.oracles.bars(700)
    panel = Panel((helpers.oracles.walk(700, name="EURUSD"), other))
    LSTM(helpers.lstm_options(training={"steps": 2, "batch_size": 16}), 5).fit(helpers.request_of(panel, 5))
    assert set(drawn[0][:, 2]) == ({1, -1} if flips else {1})
