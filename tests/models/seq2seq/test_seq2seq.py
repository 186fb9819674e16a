"""The encoder-decoder as a forecaster: options, paths, batches."""

from types import SimpleNamespace

import numpy as np
import oracles
import pytest
from pydantic import ValidationError

from forecaster.data.series import Panel
from forecaster.features.windows import DenseWindows
from forecaster.models.base import FitRequest
from forecaster.models.seq2seq.batches import PathBatches
from forecaster.models.seq2seq.forecaster import Seq2Seq
from forecaster.models.seq2seq.options import Seq2SeqOptions
from forecaster.quantiles import SCORING_LEVELS


@pytest.fixture(scope="module")
def fitted(helpers: SimpleNamespace, panel: Panel) -> object:
    options = helpers.options_of(Seq2SeqOptions, decoder_units=4)
    unseen = {"USDJPY": np.arange(700, 880)}
    return Seq2Seq(options, 10).fit(helpers.request_of(panel, 10, validation_rows=unseen))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"windows": {"supervision": "last"}}, "seq2seq decodes from several rows of a chunk; got last; use dense"),
        ({"attention": "bahdanu"}, "'none', 'luong' or 'bahdanau'"),
        ({"location": "auto"}, "'never'"),
        ({"sampling_ratio": 1.5}, "less than or equal to 1"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Seq2SeqOptions.model_validate(options)


def test_a_fit_learns_and_agrees_with_numpy(fitted: object) -> None:
    report = fitted.report
    assert report.parity < 1e-5
    assert report.median == "last_price"
    assert report.curve[-1]["validation_loss"] < report.initial_loss * 1.2
    assert report.parameters == sum(
        array.size for name, array in fitted.arrays().items() if name.startswith(("lstm", "decoder"))
    )


def test_paths_have_the_given_distribution_at_every_step(fitted: object) -> None:
    series = oracles.walk(900)
    values = 2 * fitted.forecast(series, np.array([899])).log_returns(range(1, 11))[0] + 0.01
    paths = fitted.paths(series, values, 6000, np.random.default_rng(0))
    assert paths.shape == (6000, 10)
    for step in (0, 4, 9):
        held = (paths[:, step, None] <= values[step]).mean(axis=0)
        np.testing.assert_allclose(held, SCORING_LEVELS, atol=0.03)
    # The distributions at the steps are shared with independent draws; that a path hangs together is not.
    neighbours = np.corrcoef(paths[:, 8], paths[:, 9])[0, 1]
    assert neighbours == pytest.approx((9 / 10) ** 0.5, abs=0.03)
    assert fitted.paths(series, values[:3], 5, np.random.default_rng(0)).shape == (5, 3)


def test_rows_after_the_last_one_are_not_read_by_paths(fitted: object) -> None:
    series = oracles.walk(900)
    cut = oracles.truncated(series, 800)
    values = fitted.forecast(series, np.array([800])).log_returns(range(1, 11))[0]
    scrambled = oracles.truncated(oracles.scrambled(series, 800), 800)
    first, second = (fitted.paths(each, values, 50, np.random.default_rng(0)) for each in (cut, scrambled))
    np.testing.assert_array_equal(first, second)


def test_batches_hold_the_days_after_each_start_and_sample_more_with_each_epoch(helpers: SimpleNamespace) -> None:
    options = helpers.options_of(Seq2SeqOptions, decode_every=32, sampling_ratio=0.8)
    rows = np.arange(400, dtype=np.float32)
    days = rows[:, None] + np.arange(1, 4)
    days[398:] = np.nan
    windows = DenseWindows(rows[:, None], days, 128, 32, 400)
    samples = np.stack([np.zeros(20, int), np.arange(20), np.tile([1, -1], 10)], axis=1)
    batches = PathBatches([windows], samples, np.array([True]), 5, options, seed=0)
    shares = []
    for epoch in range(5):
        batches.begin(epoch)
        inputs, y = batches[0]
        shares.append((inputs["draws"] > 0).mean())
        sign, first = inputs["features"][:, 1, 0] > 0, np.abs(inputs["features"][:, 0, 0])
        np.testing.assert_array_equal(np.abs(y[:, :, 0]), first[:, None] + [33, 65, 97])
        assert ((y[:, 0, 0] > 0) == sign).all()
        np.testing.assert_array_equal(inputs["path"], y)
        np.testing.assert_array_equal(batches[0][0]["draws"], inputs["draws"])
    assert shares[0] == 0
    assert shares[4] == pytest.approx(0.8, abs=0.2)
    assert shares[2] == pytest.approx(0.4, abs=0.2)


ALPHA, BETA = 0.12, 0.85


def garch(rows: int, seed: int, name: str) -> tuple[object, np.ndarray]:
    """A series with GARCH(1,1) returns of 0.6 % a day, and the true variance (T,) of the day after each row."""
    rng = np.random.default_rng(seed)
    base = 0.006**2
    variance = np.full(rows + 1, base)
    returns = np.zeros(rows)
    for row in range(rows):
        returns[row] = np.sqrt(variance[row]) * rng.standard_normal()
        variance[row + 1] = (1 - ALPHA - BETA) * base + ALPHA * returns[row] ** 2 + BETA * variance[row]
    return oracles.series_of(100 * np.exp(np.cumsum(returns)), name), variance[1:]


def true_paths(variance: float, count: int, days: int, rng: np.random.Generator) -> np.ndarray:
    """Returns (N, H) that follow a day after which the variance is `variance`."""
    ahead = np.full(count, variance)
    returns = []
    for _ in range(days):
        returns.append(np.sqrt(ahead) * rng.standard_normal(count))
        ahead = (1 - ALPHA - BETA) * 0.006**2 + ALPHA * returns[-1] ** 2 + BETA * ahead
    return np.stack(returns, axis=1)


def joint_facts(returns: np.ndarray) -> np.ndarray:
    """Means and upper tenths of highest, lowest and realised variance of paths (N, H)."""
    total = returns.cumsum(axis=1)
    facts = np.stack([total.max(axis=1), -total.min(axis=1), (returns**2).sum(axis=1)])
    return np.concatenate([facts.mean(axis=1), np.quantile(facts, 0.9, axis=1)])


@pytest.mark.slow
def test_sampled_paths_have_the_joint_behaviour_of_a_simulated_garch() -> None:
    names = ("EURUSD", "GBPUSD", "USDJPY", "AUDUSD", "USDCAD", "USDCHF")
    simulated = [garch(3000, seed, name) for seed, name in enumerate(names)]
    panel = Panel(tuple(series for series, _ in simulated))
    model = Seq2Seq(Seq2SeqOptions(), 20)
    fitted = model.fit(FitRequest(panel, dict.fromkeys(panel.names, 2500), {}, 20))
    rng = np.random.default_rng(0)
    facts, truth = [], []
    for series, variance in simulated:
        for cutoff in range(2520, 2980, 46):
            cut = oracles.truncated(series, cutoff)
            values = fitted.forecast(cut, np.array([cutoff])).log_returns(range(1, 21))[0]
            total = fitted.paths(cut, values, 512, rng)
            facts.append(joint_facts(np.diff(total, axis=1, prepend=0)))
            truth.append(joint_facts(true_paths(variance[cutoff], 512, 20, rng)))
    facts, truth = np.array(facts), np.array(truth)
    np.testing.assert_allclose(facts.mean(axis=0), truth.mean(axis=0), rtol=0.08)
    for column in range(facts.shape[1]):  # and they follow the state of the day
        assert np.corrcoef(facts[:, column], truth[:, column])[0, 1] > 0.8
