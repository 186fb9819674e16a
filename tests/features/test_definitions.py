"""The formulas that exported forecasters come with, evaluated as they are written."""

import numpy as np
import oracles
import pytest

from forecaster.features import FEATURES, feature_matrix
from forecaster.features.covariates import covariate_features
from forecaster.features.definitions import FORMULAS, formula
from forecaster.features.history import History
from forecaster.features.market_volatility import MARKET_FEATURES

SETTLED = 300  # rows after which the first row, which only some averages read, has no weight


def ewma(x: np.ndarray, decay: float) -> np.ndarray:
    total = weight = 0.0
    means = []
    for value in x:
        if np.isfinite(value):
            total, weight = decay * total + value, decay * weight + 1
        means.append(total / weight if weight else np.nan)
    return np.array(means)


def mean(x: np.ndarray, rows: int) -> np.ndarray:
    return np.array([np.nanmean(x[max(t + 1 - rows, 0) : t + 1]) if t else np.nan for t in range(len(x))])


def before(x: np.ndarray, rows: int) -> np.ndarray:
    return np.concatenate([np.full(rows, np.nan), x[:-rows]])


def test_every_feature_has_a_formula() -> None:
    assert FORMULAS.keys() == FEATURES.keys()
    others = [*MARKET_FEATURES, *covariate_features("cpi")]
    assert len({formula(name) for name in others}) == len(others)


@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_gives_the_feature(name: str) -> None:
    history = History.of(oracles.bars(900, holes=False))
    names = {each: getattr(np, each) for each in ("abs", "clip", "log", "sqrt", "pi", "maximum")}
    names |= {each: getattr(history, each) for each in ("open", "high", "low", "close", "volume", "floor")}
    p = history.log_price
    names |= {"ewma": ewma, "mean": mean, "before": before, "p": p, "r": p - before(p, 1)}
    names["v"] = eval("maximum(floor, sqrt(ewma(r**2, 0.97)))", {}, names)
    values = eval(formula(name), {}, names)
    expected = feature_matrix(history, [name])[:, 0]
    assert expected[SETTLED:].std() > 0.01
    np.testing.assert_allclose(values[SETTLED:], expected[SETTLED:], atol=2e-3 if "0.99)" in formula(name) else 1e-5)
