"""Ensembles: several seeds of one model, and the mean of their quantiles."""

from types import SimpleNamespace

import numpy as np
import oracles
import pytest

from forecaster.data.series import Panel
from forecaster.models.architectures.lstm import LSTM
from forecaster.models.base import FitReport, FitRequest
from forecaster.models.classic import Classic, ClassicOptions
from forecaster.models.ensemble import Ensemble, FittedEnsemble, members_of

HORIZON = 5
ROWS = 700


def request(**options: object) -> FitRequest:
    panel = Panel((oracles.walk(ROWS, 0, "USDJPY"),))
    validation = {"USDJPY": np.arange(450, 600)}
    return FitRequest(panel, {"USDJPY": 440}, options.pop("validation_rows", validation), HORIZON, **options)


@pytest.fixture(scope="module", params=[pytest.param("lstm", marks=pytest.mark.slow), "classic"])
def fitted(request: pytest.FixtureRequest, helpers: SimpleNamespace) -> SimpleNamespace:
    if request.param == "lstm":
        windows = {"chunk": 64, "burn_in": 16, "warm_up": 100}
        training = {"steps": 20, "batch_size": 4, "patience": 1}
        model = LSTM(helpers.lstm_options(units=(3,), windows=windows, training=training), HORIZON)
    else:
        model = Classic(ClassicOptions(context_length=8, units=(3,), epochs=2, dense_units=0, patience=1), HORIZON)
    ensemble = Ensemble(model, 2)
    told: list[tuple[object, ...]] = []
    fits = ensemble.fit(globals()["request"](seed=3, progress=lambda *facts: told.append(facts)))
    return SimpleNamespace(model=model, ensemble=ensemble, fits=fits, told=told)


def forecasts(model: object) -> np.ndarray:
    return model.forecast(request().panel.series[0], np.arange(650, 690)).scaled


def test_members_are_fits_with_consecutive_seeds(fitted: SimpleNamespace) -> None:
    for number, member in enumerate(members_of(fitted.fits)):
        alone = fitted.model.fit(request(seed=3 + number))
        for name, array in alone.arrays().items():
            np.testing.assert_array_equal(member.arrays()[name], array)
    assert not members_of(alone)


def test_quantiles_are_the_mean_of_those_of_the_members(fitted: SimpleNamespace) -> None:
    single = [forecasts(member) for member in fitted.fits.members]
    assert (single[0] != single[1]).any()
    np.testing.assert_allclose(forecasts(fitted.fits), np.mean(single, axis=0), rtol=1e-12)


def test_an_ensemble_comes_back_from_its_arrays(fitted: SimpleNamespace) -> None:
    report = FitReport.from_json(fitted.fits.report.to_json())
    again = fitted.ensemble.restore(fitted.fits.arrays(), report)
    np.testing.assert_array_equal(forecasts(again), forecasts(fitted.fits))
    assert again.report.parameters == sum(member.report.parameters for member in fitted.fits.members)


@pytest.mark.parametrize("damage", ["missing", "unknown", "other count"])
def test_arrays_of_another_ensemble_are_refused(fitted: SimpleNamespace, damage: str) -> None:
    arrays = fitted.fits.arrays()
    ensemble = fitted.ensemble
    if damage == "missing":
        arrays.pop(next(iter(arrays)))
    elif damage == "unknown":
        arrays["member_2/output/bias"] = np.zeros(1, np.float32)
    else:
        ensemble = Ensemble(fitted.model, 3)
    with pytest.raises((ValueError, KeyError)):
        ensemble.restore(arrays, fitted.fits.report)


def test_a_refit_takes_over_the_decisions_of_every_member(fitted: SimpleNamespace) -> None:
    chosen = fitted.fits.report.chosen
    again = fitted.ensemble.fit(request(seed=3, validation_rows={}, chosen=chosen))
    for member, before in zip(again.members, fitted.fits.members, strict=True):
        for name in ("location_steps", "spread"):
            assert member.report.chosen.get(name) == before.report.chosen.get(name)
        validated = [row["step"] for row in before.report.curve if "validation_loss" in row]
        assert member.report.curve[-1]["step"] == validated[before.report.chosen["epochs"] - 1]


def test_progress_counts_the_steps_of_all_members(fitted: SimpleNamespace) -> None:
    assert all(done <= total for _, done, total, *_ in fitted.told)
    details = {facts[4].split(",")[0] for facts in fitted.told}
    assert details == {"member 1/2", "member 2/2"}


def test_one_gate_decides_for_all_members(fitted: SimpleNamespace) -> None:
    if not fitted.model.traits.located:
        pytest.skip("a model without a location")
    ensemble, fits = fitted.ensemble, fitted.fits
    gains = ensemble.location_gains(fits, request().panel, request().validation_rows)
    single = [
        fitted.model.location_gains(member, request().panel, request().validation_rows) for member in fits.members
    ]
    np.testing.assert_allclose(gains.gains, np.mean([one.gains for one in single], axis=0))
    assert fits.report.chosen["location_gains"] == pytest.approx(gains.means)
    assert fits.report.chosen["location_steps"] == gains.supported(ensemble.knots)
    located = ensemble.with_location(fits, [1])
    assert located.report.chosen["location_steps"] == [1]
    assert all(member.report.chosen["location_steps"] == [1] for member in located.members)
    assert located.report.curve == fits.report.curve


def test_the_learning_curve_is_the_mean_over_members_still_training() -> None:
    def member(curve: list[dict[str, float]]) -> SimpleNamespace:
        return SimpleNamespace(report=FitReport(curve=tuple(curve), initial_loss=2.0))

    long = [{"step": 1, "loss": 1.0}, {"step": 2, "loss": 3.0, "validation_loss": 4.0}]
    fits = FittedEnsemble.of([member(long), member([{"step": 1, "loss": 2.0}])])
    assert fits.report.curve == ({"step": 1, "loss": 1.5}, {"step": 2, "loss": 3.0, "validation_loss": 4.0})
    assert fits.report.initial_loss == 2.0


def test_one_member_is_the_model_itself() -> None:
    from forecaster.config import load_config
    from forecaster.pipeline import forecaster_of

    config = load_config()
    assert isinstance(forecaster_of(config), LSTM)
    assert isinstance(forecaster_of(config.model_copy(update={"members": 2})), Ensemble)
