import numpy as np
import oracles
import pytest

from forecaster.evaluation.scoring import score
from forecaster.forecast import Forecasts
from forecaster.quantiles import SCORING_LEVELS, normal_scores


def forecasts(model: str, rows: np.ndarray, width: float, middle: float = 0.0) -> Forecasts:
    scaled = np.broadcast_to(middle + normal_scores(SCORING_LEVELS), (len(rows), 2, 9))
    return Forecasts(model, rows, np.full(len(rows), width), (1, 5), SCORING_LEVELS, scaled)


def test_a_score_is_made_of_each_price_and_its_outcome() -> None:
    series, rows, step = oracles.walk(100), np.array([3, 10, 50, 94]), 5
    found = score(series, "test", step, {"a": forecasts("a", rows, 0.01, 0.5), "b": forecasts("b", rows, 0.001)})
    errors, naive, losses, inside = [], [], [], []
    for row in rows:
        price, outcome = series.close[row], series.close[row + step]
        errors.append(price * np.exp(0.5 * 0.01 * np.sqrt(step)) - outcome)
        naive.append(price - outcome)
        quantiles = (0.5 + normal_scores(SCORING_LEVELS)) * 0.01 * np.sqrt(step)
        moved = np.log(outcome / price)
        losses.append(oracles.crps(quantiles.tolist(), SCORING_LEVELS, moved))
        inside.append(quantiles[2] <= moved <= quantiles[6])
    assert found.rmse == pytest.approx(np.sqrt(np.mean(np.square(errors))))
    assert found.mae == pytest.approx(np.mean(np.abs(errors)))
    assert found.rmse_naive == pytest.approx(np.sqrt(np.mean(np.square(naive))))
    assert found.mae_naive == pytest.approx(np.mean(np.abs(naive)))
    assert found.crps["a"] == pytest.approx(np.mean(losses))
    assert found.coverage["0.8"] == pytest.approx(np.mean(inside))
    assert (found.n, found.window) == (4, (series.dates[3], series.dates[94]))
    written = found.to_json("a")
    assert written["crps_ratio"] == {"b": pytest.approx(found.crps["a"] / found.crps["b"])}
    assert written["window"] == [str(series.dates[3]), str(series.dates[94])]


def test_a_dividend_is_part_of_the_outcome() -> None:
    series = oracles.bars(200, holes=False)
    rows, step = np.array([48, 49, 50]), 1  # the dividend is paid in row 50
    found = score(series, "test", step, {"a": forecasts("a", rows, 0.01)})
    adjusted = series.columns["adj_close"]
    moved = np.log(adjusted[rows + step] / adjusted[rows])
    assert moved[1] == pytest.approx(np.log(series.close[50] / series.close[49]) + 0.01)
    quantiles = (normal_scores(SCORING_LEVELS) * 0.01).tolist()
    assert found.crps["a"] == pytest.approx(np.mean([oracles.crps(quantiles, SCORING_LEVELS, one) for one in moved]))
    assert found.mae == pytest.approx(np.mean(np.abs(series.close[rows] * np.expm1(moved))))


def test_a_loss_of_zero_has_no_ratio() -> None:
    series, rows = oracles.series_of([7.0] * 20), np.array([3, 10])
    scored = score(series, "test", 1, {"a": forecasts("a", rows, 0.01), "b": forecasts("b", rows, 0.0)})
    assert scored.crps["b"] == 0
    assert scored.to_json("a")["crps_ratio"] == {}
