"""The activity of all currencies together."""

import dataclasses
import math

import numpy as np
import oracles
import pytest

from forecaster.data.series import PriceSeries
from forecaster.features.market_volatility import MARKET_FEATURES, MarketActivity, market_activity

NAMES = ("EURUSD", "EURJPY", "EURGBP", "EURCHF")


def members(rows: int = 300) -> list[PriceSeries]:
    """Four currencies against the euro, one of which begins later."""
    made = [oracles.walk(rows, seed, name) for seed, name in enumerate(NAMES)]
    return [*made[:3], made[3].between(start=made[3].dates[40])]


def slow_activity(panel: list[PriceSeries]) -> list[float]:
    """Day by day and currency by currency, in plain numbers."""
    dates = sorted({day for one in panel for day in one.dates})
    sums, counts, found = [0.0] * (len(panel) + 1), [0] * (len(panel) + 1), []
    for day in dates:
        moves: dict[int, float] = {}
        for number, one in enumerate(panel):
            place = int(np.searchsorted(one.dates, day))
            if 0 < place < len(one) and one.dates[place] == day:
                moves[number] = math.log(one.close[place] / one.close[place - 1])
        if moves:
            moves[len(panel)] = 0.0
        middle = sum(moves.values()) / max(len(moves), 1)
        shares = []
        for number, move in moves.items():
            sums[number] += abs(move - middle)
            counts[number] += 1
            usual = sums[number] / counts[number]
            shares.append(min(abs(move - middle) / usual, 6.0) if usual else 0.0)
        found.append(sum(shares) / max(len(shares), 1))
    return found


def test_activity_is_the_slow_loop() -> None:
    made = market_activity(members())
    np.testing.assert_allclose(made.activity, slow_activity(members()), rtol=1e-9, atol=1e-12)
    assert made.activity[60:].mean() == pytest.approx(1, abs=0.1)


def test_what_the_base_currency_does_alone_counts_once() -> None:
    """Quoted the other way round, or against another member, the market is the same."""
    panel = members()[:3]
    dates, prices = panel[0].dates, {one.instrument.quote: one.close for one in panel}
    dollar = {"EUR": 1 / prices["USD"], "JPY": prices["JPY"] / prices["USD"], "GBP": prices["GBP"] / prices["USD"]}
    others = [
        dataclasses.replace(oracles.walk(300, name=f"USD{one}"), dates=dates, columns={"close": values}, rounding=None)
        for one, values in dollar.items()
    ]
    np.testing.assert_allclose(market_activity(others).activity, market_activity(panel).activity, atol=1e-9)


@pytest.mark.parametrize("cutoff", [1, 45, 150, 298])
@pytest.mark.parametrize("change", ["scrambled", "truncated"])
def test_what_comes_after_a_day_changes_no_bit_before_it(cutoff: int, change: str) -> None:
    panel = members()
    day = panel[0].dates[cutoff]
    spoiled = []
    for one in panel:
        last = int(np.searchsorted(one.dates, day, side="right")) - 1
        spoiled.append(getattr(oracles, change)(one, last) if last >= 0 else one)
    spoiled = [one for one in spoiled if change == "scrambled" or one.dates[0] <= day]
    dates = panel[0].dates[: cutoff + 1]
    expected, found = market_activity(panel).features_on(dates), market_activity(spoiled).features_on(dates)
    assert tuple(expected) == MARKET_FEATURES
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


def test_features_are_logs_of_means_over_the_usual_activity() -> None:
    made = market_activity(members())
    found = made.features_on(made.dates)
    weights = 0.97 ** np.arange(250.0)
    for row in (30, 249):
        recent = (weights[: row + 1] @ made.activity[row::-1]) / weights[: row + 1].sum()
        spans = {"market:week": 5, "market:month": 22}
        for name, days in spans.items():
            mean = made.activity[max(row + 1 - days, 0) : row + 1].mean()
            assert found[name][row] == pytest.approx(math.log(mean / recent), rel=1e-9)
        assert found["market:anchor"][row] == pytest.approx(
            math.log(recent / made.activity[: row + 1].mean()), rel=1e-9
        )


def test_a_day_knows_the_market_of_that_day_and_an_old_one_is_not_believed() -> None:
    days = np.arange("2020-01-01", "2020-02-10", dtype="datetime64[D]")
    made = MarketActivity(days[:20], np.linspace(0.5, 2, 20))
    found = made.features_on(np.array(["2019-12-31", "2020-01-20", "2020-01-30", "2020-01-31"], dtype="datetime64[D]"))
    week = found["market:week"]
    assert week[0] == 0
    assert week[1] == week[2] != 0, "ten days old is believed"
    assert week[3] == 0


def test_a_market_that_stands_still_has_finite_features() -> None:
    still = [dataclasses.replace(one, columns={"close": np.full(len(one), 2.0)}, rounding=None) for one in members()]
    made = market_activity(still)
    assert all(np.isfinite(values).all() for values in made.features_on(made.dates).values())


def test_pairs_without_a_common_currency_are_no_market() -> None:
    with pytest.raises(ValueError, match="share one currency"):
        market_activity([oracles.walk(30, name="EURUSD"), oracles.walk(30, name="GBPJPY")])
