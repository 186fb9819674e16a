import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from forecaster.data.series import Panel
from forecaster.errors import NotEnoughDataError, UsageError
from forecaster.features.history import History
from forecaster.models.base import FitReport, FitRequest
from forecaster.models.classic import (
    Classic,
    ClassicOptions,
    FittedClassic,
    build_point_network,
    fit_scaler,
    scaled_level,
)
from forecaster.quantiles import SCORING_LEVELS

OPTIONS = ClassicOptions(context_length=12, units=(5, 4), dense_units=0)


def random_classic(helpers: SimpleNamespace, horizon: int = 5) -> FittedClassic:
    model = Classic(OPTIONS, horizon)
    arrays = helpers.oracles.lstm_arrays(1, (5, 4), 1)
    arrays |= {"output/kernel": np.ones((4, 1), np.float32), "output/bias": np.full(1, 0.5, np.float32)}
    spread = [list(np.linspace(-2, 2, 9))] * len(model.knots)
    report = FitReport({"spread": spread}, "learned", {"scaler": {"offset": 80.0, "width": 40.0}})
    return FittedClassic(OPTIONS, model.knots, arrays, report)


@pytest.mark.parametrize("change", ["scrambled", "truncated"])
@pytest.mark.parametrize("cutoff", [11, 12, 63, 64, 65, 255, 256, 257])
def test_rows_after_a_cutoff_change_no_bit_before_it(helpers: SimpleNamespace, change: str, cutoff: int) -> None:
    fitted, rows = random_classic(helpers), np.arange(11, cutoff + 1)
    for series in (helpers.oracles.walk(300, rounded=True), helpers.oracles.walk(300, name="random_walk")):
        expected = fitted.forecast(series, rows)
        other = getattr(helpers.oracles, change)(series, cutoff)
        for found in (fitted.forecast(other, rows), fitted.forecast(other, rows[-1:])):
            np.testing.assert_array_equal(found.scaled, expected.scaled[-len(found) :])
            np.testing.assert_array_equal(found.scale, expected.scale[-len(found) :])


def test_a_path_is_fed_back_one_price_at_a_time(helpers: SimpleNamespace) -> None:
    fitted, series = random_classic(helpers), helpers.oracles.walk(40)
    window = (series.close[20:32] - 80) / 40
    for step in range(3):
        hidden = helpers.oracles.lstm_stack(fitted.arrays(), np.array(window)[-12:, None])[-1]
        window = [*window, hidden.sum() + 0.5]
        assert fitted.path(series, np.array([31]), 3)[0, step] == pytest.approx(window[-1] * 40 + 80, rel=1e-5)


def test_what_is_fed_back_stays_a_price(helpers: SimpleNamespace) -> None:
    fitted, series = random_classic(helpers), helpers.oracles.walk(40)
    fitted.arrays()["output/bias"][:] = -1e3
    assert (fitted.path(series, np.arange(11, 40), 5) == series.close[11:, None] * 1e-3).all()


@pytest.mark.parametrize(
    ("longest", "steps"),
    [(1, (1,)), (2, (1, 2)), (4, (1, 2, 3, 4)), (None, (1, 2, 3, 4, 5)), (99, (1, 2, 3, 4, 5))],
)
def test_only_the_steps_that_are_asked_for_are_fed_back(
    helpers: SimpleNamespace, longest: int | None, steps: tuple[int, ...]
) -> None:
    fitted, series = random_classic(helpers), helpers.oracles.walk(40)
    forecast = fitted.forecast(series, np.array([30]), longest)
    assert forecast.knots == steps
    whole = fitted.forecast(series, np.array([30]))
    np.testing.assert_array_equal(forecast.scaled, whole.scaled[:, : len(steps)])
    medians = [forecast.median(step)[0] for step in steps]
    path = fitted.path(series, np.array([30]), len(steps))[0]
    np.testing.assert_allclose(medians, np.log(path / series.close[30]), rtol=1e-9)


def test_rows_before_the_first_are_refused(helpers: SimpleNamespace) -> None:
    for row in (10, -1):
        with pytest.raises(NotEnoughDataError, match="needs 12 rows of history"):
            random_classic(helpers).forecast(helpers.oracles.walk(40), np.array([row]))


# --- fitting ----------------------------------------------------------------------------------------------------------


def fresh_loss(classic: SimpleNamespace) -> float:
    """Squared error on the validation rows of the network before its first step."""
    network = build_point_network((5, 4), classic.model.options.dropout, 3, seed=0)
    level = scaled_level(classic.series, classic.fitted.report.learned["scaler"])
    rows = np.arange(230, 290)
    windows = np.stack([level[row - 11 : row + 1] for row in rows])
    return float(np.mean((network.predict_on_batch(windows) - level[rows + 1]) ** 2))


def test_a_fit_trains_every_epoch_and_validates_after_it(classic: SimpleNamespace) -> None:
    history = classic.fitted.report.curve
    validated = [row for row in history if "validation_loss" in row]
    per_epoch = (225 - 12 + 1) // 16
    assert [row["step"] for row in validated] == [per_epoch * epoch for epoch in range(1, 21)]
    assert validated[-1]["loss"] < validated[0]["loss"]
    level = (classic.series.close - classic.series.close[:225].min()) / np.ptp(classic.series.close[:225])
    assert classic.fitted.report.reference_losses["random_walk"] == pytest.approx(
        np.mean(np.diff(level)[230:290] ** 2), rel=0.3
    )
    assert classic.fitted.report.initial_loss == pytest.approx(fresh_loss(classic), rel=1e-4)
    assert classic.fitted.report.parity < 1e-5
    assert classic.fitted.report.parameters == sum(array.size for array in classic.fitted.arrays().values())


def test_the_scaler_has_seen_training_rows_only(classic: SimpleNamespace) -> None:
    prices = classic.series.close[:225]
    assert classic.fitted.report.learned["scaler"] == {"offset": prices.min(), "width": prices.max() - prices.min()}


def test_intervals_hold_their_share_of_the_validation_errors(classic: SimpleNamespace) -> None:
    fitted, series, rows = classic.fitted, classic.series, np.arange(230, 290)
    spread = np.array(fitted.report.chosen["spread"])
    assert spread.shape == (4, 9)
    path, volatility = fitted.path(series, rows, 5), History.of(series).volatility[rows]
    for k, step in enumerate((1, 2, 3, 5)):
        size = np.abs(np.log(series.close[rows + step] / path[:, step - 1])) / (volatility * np.sqrt(step))
        for level, edge in zip(SCORING_LEVELS, spread[k], strict=True):
            assert np.sign(edge) == np.sign(level - 0.5)
            assert np.mean(size <= abs(edge) + 1e-12) == pytest.approx(abs(2 * level - 1), abs=1 / len(rows) + 1e-9)


def test_a_fitted_model_comes_back_from_its_arrays(classic: SimpleNamespace) -> None:
    again = classic.model.restore(classic.fitted.arrays(), classic.fitted.report)
    rows = np.array([100, 300])
    made, expected = (one.forecast(classic.series, rows) for one in (again, classic.fitted))
    np.testing.assert_array_equal(made.scaled, expected.scaled)
    assert (made.model, again.own_steps) == ("classic", 1)


def tiny() -> Classic:
    options = {"context_length": 12, "units": (3,), "dense_units": 0, "epochs": 1, "batch_size": 16}
    return Classic(ClassicOptions.model_validate(options), 3)


def test_without_a_validation_the_intervals_come_from_training_rows_and_nothing_after(helpers: SimpleNamespace) -> None:
    """A short history has no validation rows to spare; its test rows must not stand in for them."""
    series = helpers.oracles.walk(250)
    spoiled = dataclasses.replace(series, columns={"close": np.where(np.arange(250) >= 200, 1e3, series.close)})
    fits = [tiny().fit(FitRequest(Panel((one,)), {"USDJPY": 197}, {}, 3)) for one in (series, spoiled)]
    assert fits[0].report == fits[1].report
    for name, array in fits[0].arrays().items():
        np.testing.assert_array_equal(fits[1].arrays()[name], array)


def test_a_price_that_never_moves_is_forecast_to_stay(helpers: SimpleNamespace) -> None:
    series = helpers.oracles.series_of([7.0] * 250)
    fitted = tiny().fit(FitRequest(Panel((series,)), {"USDJPY": 150}, {"USDJPY": np.arange(150, 200)}, 3))
    made = fitted.forecast(series, np.array([240]))
    assert np.isfinite(made.scaled).all()
    assert (np.diff(made.scaled, axis=-1) >= 0).all()


def test_a_panel_and_too_short_a_history_are_refused(helpers: SimpleNamespace, panel: Panel) -> None:
    with pytest.raises(UsageError, match="panel of 4"):
        tiny().fit(helpers.request_of(panel))
    with pytest.raises(NotEnoughDataError, match="11 rows before the validation are too few for windows of 12"):
        tiny().fit(FitRequest(Panel((helpers.oracles.walk(20),)), {"USDJPY": 11}, {}, 3))


def test_scalers() -> None:
    prices = np.array([1.0, 2.0, 6.0])
    assert fit_scaler(prices, "minmax") == {"offset": 1.0, "width": 5.0}
    assert fit_scaler(prices, "standard") == {"offset": 3.0, "width": pytest.approx((14 / 3) ** 0.5)}
    assert fit_scaler(np.full(3, 7.0), "minmax") == {"offset": 7.0, "width": 1.0}
