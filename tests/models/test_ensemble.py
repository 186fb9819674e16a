"""Ensembles: several seeds of one model, and the mean of their quantiles."""

from types import SimpleNamespace

import numpy as np
import oracles
import pytest

from forecaster import pipeline
from forecaster.config import load_config
from forecaster.data.series import Panel
from forecaster.errors import ConfigError
from forecaster.evaluation.distribution_scores import crps
from forecaster.evaluation.splits import split_by_rows
from forecaster.models.architectures.gates import LayerGates
from forecaster.models.architectures.lstm import LSTM
from forecaster.models.base import FitReport, FitRequest
from forecaster.models.classic import Classic, ClassicOptions
from forecaster.models.ensemble import Ensemble, FittedEnsemble, members_of
from forecaster.models.ensemble_inspection import EnsembleInspection
from forecaster.models.ensemble_of_kinds import EnsembleOfKinds, EnsembleOptions
from forecaster.models.quantile.location_gate import LocationGains
from forecaster.pipeline_evaluation import member_scores
from forecaster.quantiles import SCORING_LEVELS

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
    ensemble = Ensemble.of_seeds(model, 2)
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
        ensemble = Ensemble.of_seeds(fitted.model, 3)
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
    fits = FittedEnsemble.of([member(long), member([{"step": 1, "loss": 2.0}])], "lstm")
    assert fits.report.curve == ({"step": 1, "loss": 1.5}, {"step": 2, "loss": 3.0, "validation_loss": 4.0})
    assert fits.report.initial_loss == 2.0


def test_one_member_is_the_model_itself() -> None:
    config = load_config()
    assert isinstance(pipeline.forecaster_of(config), LSTM)
    assert isinstance(pipeline.forecaster_of(config.model_copy(update={"members": 2})), Ensemble)


def of_kinds(helpers: SimpleNamespace, *members: dict[str, object]) -> EnsembleOfKinds:
    network = helpers.lstm_options(
        units=(3,),
        windows={"chunk": 64, "burn_in": 16, "warm_up": 100, "context_length": 32},
        training={"steps": 6, "batch_size": 4},
    ).model_dump(mode="json", include={"units", "windows", "training"})
    sections = [
        {**network, **member, "windows": {**network["windows"], **member.get("windows", {})}} for member in members
    ]
    return EnsembleOfKinds(EnsembleOptions.model_validate({"members": sections}), HORIZON)


@pytest.mark.slow
def test_kinds_are_averaged_and_differ_in_what_they_need(helpers: SimpleNamespace) -> None:
    """Members of other warm-ups, windows and locations: a kind that cannot move its median closes the gate for all."""
    last = {"supervision": "last", "context_length": 24}
    ensemble = of_kinds(helpers, {"kind": "linear"}, {"kind": "seq2seq"}, {"kind": "linear", "windows": last})
    fits = ensemble.fit(request(seed=3))
    series, rows = request().panel.series[0], np.arange(650, 690)
    parts = [member.forecast(series, rows) for member in fits.members]
    whole = fits.forecast(series, rows)
    assert (fits.name, whole.model) == ("ensemble", "ensemble")
    assert [member.name for member in fits.members] == ["linear", "seq2seq", "linear"]
    np.testing.assert_allclose(whole.scaled, np.mean([part.scaled for part in parts], axis=0), rtol=1e-12)
    assert fits.first_row == max(member.first_row for member in fits.members)
    assert len({member.first_row for member in fits.members}) > 1
    assert fits.drift(series) == pytest.approx(np.mean([member.drift(series) for member in fits.members]))
    assert not ensemble.may_locate
    assert fits.report.chosen["location_steps"] == []
    assert ensemble.with_location(fits, [1]) is fits
    assert not len(ensemble.location_gains(fits, request().panel, request().validation_rows).days)
    again = ensemble.restore(fits.arrays(), FitReport.from_json(fits.report.to_json()))
    np.testing.assert_array_equal(again.forecast(series, rows).scaled, whole.scaled)
    inspection = fits.inspection(series)
    cutoffs = rows - inspection.first_row
    states, forecasts = inspection.responses(inspection.inputs[None, inspection.first_row :], cutoffs)
    assert states.shape[:2] == (1, len(rows))
    drifts = whole.scaled - forecasts[0]
    np.testing.assert_allclose(drifts, np.broadcast_to(drifts[..., :1], drifts.shape), atol=0.02)


def test_gains_of_members_with_other_warm_ups_are_those_of_their_common_days(helpers: SimpleNamespace) -> None:
    ensemble = of_kinds(helpers, {"kind": "linear"}, {"kind": "linear"})
    rng = np.random.default_rng(1)
    parts = [LocationGains(days, *rng.normal(size=(2, len(days), 2)), 1) for days in (np.arange(9), np.arange(4, 9))]
    for model, part in zip(ensemble.models, parts, strict=True):
        model.location_gains = lambda fitted, panel, rows, part=part: part
    gains = ensemble.location_gains(SimpleNamespace(members=(None, None)), request().panel, {})
    np.testing.assert_array_equal(gains.days, parts[1].days)
    np.testing.assert_allclose(gains.gains, (parts[0].gains[4:] + parts[1].gains) / 2)
    np.testing.assert_allclose(gains.products, (parts[0].products[4:] + parts[1].products) / 2)


def test_seeds_of_an_ensemble_of_kinds_are_all_different(helpers: SimpleNamespace) -> None:
    """Two fits of one kind with one seed would be the same network, counted twice."""
    ensemble = Ensemble.of_seeds(of_kinds(helpers, {"kind": "lstm"}, {"kind": "lstm"}), 2)
    seeds: list[int] = []
    for model in ensemble.models:
        model.fit = lambda wanted: seeds.append(wanted.seed) or SimpleNamespace(report=FitReport(), name="lstm")
    ensemble.fit(request(seed=3, chosen={"members": [{}] * 4}))
    assert sorted(seeds) == [3, 4, 5, 6]
    assert (ensemble.name, ensemble.options.kind, len(ensemble.models)) == ("ensemble", "ensemble", 4)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ("[lstm, clasic]", "member 2: expected a kind among lstm, gru, "),
        ("[lstm, gruu]", r"got 'gruu'; did you mean gru\?"),
        ("[lstm, classic]", "member 2: classic forecasts the price of one row ahead"),
        ("[lstm, ensemble]", "member 2: expected a kind among lstm, gru, "),
        ("[lstm]", "expected 2 to 20 members; got 1"),
        ("3", "expected a list of kinds"),
        ("[lstm, {kind: gru, knots: [1, 5]}]", r"the same knots; got lstm \[1, 5, 10, 20\], gru \[1, 5\]"),
        ("[lstm, {kind: gru, horizon: 5}]", "member 2: all members have one horizon"),
        ("[lstm, {kind: gru, units: [-1]}]", "member 2, gru: units.0: "),
        ("[lstm, {kind: gru, uints: [1]}]", "member 2, gru: uints: unknown key"),
        ("[lstm, {kind: gru, features: [momentum_5]}]", "features of member 2, gru, is its own; .*set model.features"),
    ],
)
def test_members_that_do_not_fit_together_are_one_line(members: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(None, ["model.kind=ensemble", f"model.members={members}"])
    assert len(caught.value.messages) == 1
    assert "\n" not in caught.value.messages[0]


def test_an_option_of_the_members_names_the_way_to_set_it() -> None:
    with pytest.raises(ConfigError, match=r"model\.training: unknown key; it is an option of a member, such as "):
        load_config("ensemble", ["model.training.steps=30"])


def test_kinds_in_place_of_a_number_of_seeds_are_one_line() -> None:
    with pytest.raises(ConfigError, match=r"expected a number of seeds; an ensemble of kinds is model\.kind=ensemble"):
        load_config(None, ["members=[lstm, gru]"])


def test_every_member_has_the_defaults_of_its_frequency() -> None:
    config = load_config("ensemble", ["data.frequency=1wk", "model.features=[momentum_5]"])
    for member in config.model.networks:
        alone = load_config(None, [f"model.kind={member.kind}", "data.frequency=1wk", "model.features=[momentum_5]"])
        assert member == alone.model
    assert load_config(config) == config


def test_scores_of_members_are_those_of_the_same_test_rows(fitted: SimpleNamespace) -> None:
    """Each member is calibrated and scored as if it were alone."""
    series = request().panel.series[0]
    split = split_by_rows(series.dates, 80, 80, 200)
    scores = member_scores(fitted.fits, series, split)
    cutoffs = split.cutoffs(series.dates, "test", 1)
    outcomes = series.log_price[cutoffs + 1] - series.log_price[cutoffs]

    def loss(model: object) -> float:
        calibrated = pipeline.forecasts(model, series, cutoffs, 1, split.validation_start)
        return float(crps(calibrated.log_returns([1])[:, 0], SCORING_LEVELS, outcomes).mean())

    assert scores.n == len(cutoffs)
    assert scores.kinds == (fitted.fits.name,) * 2
    assert scores.crps == pytest.approx(loss(fitted.fits))
    assert scores.crps_of_members == pytest.approx([loss(member) for member in fitted.fits.members])


def test_an_inspection_is_that_of_the_mean_forecast_and_of_all_states() -> None:
    def member(number: int, layers: tuple[LayerGates, ...]) -> SimpleNamespace:
        return SimpleNamespace(
            first_row=number,
            settling_rows=10 * number,
            longest_lag=100 - number,
            is_fast=number == 1,
            responses=lambda x, rows: (np.full((1, 2, number), 0.5), np.full((1, 2, 4, 9), float(number))),
            gates=lambda rows: layers,
        )

    layer = LayerGates("lstm_0", {}, np.zeros((2, 3)))
    inspection = EnsembleInspection([member(1, ()), member(2, (layer,)), member(3, (layer,))])
    states, forecasts = inspection.responses(np.zeros((1, 5, 2)), np.array([3, 4]))
    assert states.shape == (1, 2, 6)
    np.testing.assert_array_equal(forecasts, np.full((1, 2, 4, 9), 2.0))
    assert [found.name for found in inspection.gates(np.array([3, 4]))] == ["2/lstm_0"]
    assert (inspection.first_row, inspection.settling_rows, inspection.longest_lag) == (3, 30, 97)
    assert not inspection.is_fast
    assert not EnsembleInspection([member(1, ())]).gates(np.array([3]))
