import numpy as np
import pytest

from forecaster.evaluation.daily_losses import DailyLosses, OutOfSample, daily_losses, pool
from forecaster.evaluation.distribution_scores import crps
from forecaster.quantiles import SCORING_LEVELS, normal_scores
from forecaster.stats.mean_tests import pesaran_timmermann

SCORES = normal_scores(SCORING_LEVELS)


def losses(
    name: str,
    dates: np.ndarray,
    outcomes: np.ndarray,
    quantiles: dict[str, np.ndarray],
    step: int = 1,
    stride: int = 1,
) -> DailyLosses:
    return daily_losses(OutOfSample(name, step, dates, outcomes, quantiles, stride))


def made(seed: int, count: int = 300, unit: float = 0.01, first: int = 0, skip: int = 1) -> DailyLosses:
    """DailyLosses whose dates begin at day `first` and come every `skip` days."""
    rng = np.random.default_rng(seed)
    dates = np.datetime64("2020-01-01") + first + skip * np.arange(count)
    outcomes = unit * rng.normal(size=count)
    shift = 0.3 * unit * rng.normal(size=count)
    return losses(
        f"instrument{seed}",
        dates,
        outcomes,
        {"lstm": unit * SCORES + shift[:, None], "garch": np.tile(1.2 * unit * SCORES, (count, 1))},
    )


def test_evidence_holds_each_days_losses_in_units_of_the_instruments_moves() -> None:
    rng = np.random.default_rng(0)
    outcomes = 0.01 * rng.normal(size=50)
    model = 0.01 * SCORES + 0.002 * rng.normal(size=50)[:, None]
    dates = np.datetime64("2020-01-01") + np.arange(50)
    found = losses("USDJPY", dates, outcomes, {"lstm": model, "garch": np.tile(0.01 * SCORES, (50, 1))})
    size, power, median = np.abs(outcomes).mean(), (outcomes**2).mean(), model[:, 4]
    assert (found.name, found.model, found.step, found.instruments) == ("USDJPY", "lstm", 1, 1)
    assert found.baselines == ("garch",)
    np.testing.assert_allclose(found.crps["lstm"], crps(model, SCORING_LEVELS, outcomes) / size)
    np.testing.assert_allclose(found.squared, (median - outcomes) ** 2 / power)
    np.testing.assert_allclose(found.squared_naive, outcomes**2 / power)
    np.testing.assert_allclose(found.squared_forecast, median**2 / power, atol=1e-12)
    np.testing.assert_allclose(found.gain, (outcomes**2 - (median - outcomes) ** 2 + median**2) / power, atol=1e-12)
    timmermann = pesaran_timmermann(median, outcomes)
    assert np.nanmean(found.excess) == pytest.approx(timmermann.mean)
    assert found.independent_variance == pytest.approx((timmermann.standard_error or 0) ** 2)
    assert found.hits.mean() == np.mean((median > 0) == (outcomes > 0))
    inside = (model[:, 2] <= outcomes) & (outcomes <= model[:, 6])
    assert found.inside["0.8"].tolist() == inside.astype(float).tolist()
    wide = (model[:, 0] <= outcomes) & (outcomes <= model[:, 8])
    assert found.inside["0.95"].tolist() == wide.astype(float).tolist()


def test_a_median_at_the_last_price_gives_no_direction() -> None:
    outcomes = 0.01 * np.random.default_rng(0).normal(size=40)
    dates = np.datetime64("2020-01-01") + np.arange(40)
    quantiles = np.tile(0.01 * SCORES, (40, 1)) + 1e-18  # rounding is no forecast
    found = losses("a", dates, outcomes, {"lstm": quantiles})
    assert np.isnan(found.hits).all()
    assert np.isnan(found.excess).all()
    np.testing.assert_array_equal(found.squared, found.squared_naive)
    assert not found.gain.any()


def test_beyond_one_day_the_variance_of_independent_signs_does_not_hold() -> None:
    dates = np.datetime64("2020-01-01") + np.arange(40)
    outcomes = np.random.default_rng(0).normal(size=40)
    assert losses("a", dates, outcomes, {"m": np.tile(SCORES, (40, 1)) + 0.1}, 5).independent_variance is None


def test_outcomes_overlap_as_far_as_cutoffs_are_closer_than_the_step() -> None:
    dates = np.datetime64("2020-01-01") + np.arange(40)
    given = {"m": np.tile(SCORES, (40, 1)) + 0.1}
    outcomes = np.random.default_rng(0).normal(size=40)
    for step, stride, overlap in ((1, 1, 1), (20, 1, 20), (20, 20, 1), (20, 25, 1), (20, 7, 3), (21, 7, 3), (22, 7, 4)):
        found = losses("a", dates, outcomes, given, step, stride)
        assert (found.step, found.overlap) == (step, overlap)
        assert (found.independent_variance is None) == (overlap > 1)


def test_cutoffs_of_a_pool_that_lie_between_each_other_overlap_the_more() -> None:
    def every_20_days(name: str, first: int) -> DailyLosses:
        dates = np.datetime64("2020-01-01") + first + 20 * np.arange(60)
        outcomes = np.random.default_rng(first).normal(size=60)
        return losses(name, dates, outcomes, {"m": np.tile(SCORES, (60, 1))}, 20, 20)

    assert pool([every_20_days("a", 0), every_20_days("b", 0)]).overlap == 1
    assert pool([every_20_days("a", 0), every_20_days("b", 7)]).overlap == 2
    assert pool([every_20_days("a", 0), every_20_days("b", 7), every_20_days("c", 13)]).overlap == 3
    daily = [made(1), made(2, 200, first=50)]
    assert pool(daily).overlap == 1
    long = [losses("x", one.dates, one.squared, {"m": np.tile(SCORES, (len(one), 1))}, 5) for one in daily]
    assert pool(long).overlap == 5
    assert pool([long[0], losses("y", long[0].dates[:3], np.ones(3), {"m": np.tile(SCORES, (3, 1))}, 5)]).overlap == 5


def test_units_do_not_matter() -> None:
    one, other = made(1, unit=0.01), made(1, unit=3.0)
    for name in ("squared", "squared_naive", "gain", "hits", "excess"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(one.crps["lstm"], other.crps["lstm"], rtol=1e-9)


def test_a_day_counts_once_however_many_share_it() -> None:
    members = [made(1), made(2, first=100), made(3, first=50, skip=2)]
    found = pool(members)
    assert (found.name, found.instruments, found.independent_variance) == ("pooled", 3, None)
    assert (np.diff(found.dates) > np.timedelta64(0)).all()
    for row in range(0, len(found), 17):
        day = found.dates[row]
        of_day = [(one, int(np.flatnonzero(one.dates == day)[0])) for one in members if day in one.dates]
        assert of_day
        for name in ("squared", "squared_naive", "gain", "hits", "excess"):
            expected = np.mean([getattr(one, name)[place] for one, place in of_day])
            assert getattr(found, name)[row] == pytest.approx(expected)
        assert found.crps["garch"][row] == pytest.approx(np.mean([one.crps["garch"][at] for one, at in of_day]))
        assert found.inside["0.8"][row] == pytest.approx(np.mean([one.inside["0.8"][at] for one, at in of_day]))


def test_copies_of_one_instrument_are_one_instrument() -> None:
    one = made(4)
    found = pool([one, one, one])
    np.testing.assert_allclose(found.squared, one.squared)
    np.testing.assert_array_equal(found.dates, one.dates)
    assert pool([one]).independent_variance == one.independent_variance


def test_the_order_of_the_members_does_not_matter() -> None:
    members = [made(1), made(2, first=100), made(3, first=50, skip=2)]
    for one, other in ((pool(members), pool(members[::-1])),):
        np.testing.assert_allclose(one.crps["lstm"], other.crps["lstm"], rtol=1e-12)
        np.testing.assert_array_equal(one.dates, other.dates)


def test_days_without_a_direction_stay_without() -> None:
    one = made(5)
    dates = one.dates + 1000
    still = losses("still", dates, one.squared_naive**0.5, {"lstm": np.tile(SCORES, (300, 1)), "garch": one_like(300)})
    found = pool([one, still])
    assert np.isnan(found.excess[300:]).all()
    assert np.isfinite(found.excess[:300]).all()


def one_like(count: int) -> np.ndarray:
    return np.tile(1.1 * SCORES, (count, 1))


def test_baselines_that_some_lack_are_left_out_and_named() -> None:
    dates = np.datetime64("2020-01-01") + np.arange(60)
    outcomes = np.random.default_rng(0).normal(size=60)
    both = {"lstm": one_like(60), "garch": one_like(60), "ewma": one_like(60)}
    found = pool(
        [losses("a", dates, outcomes, both), losses("b", dates, outcomes, {"lstm": both["lstm"], "ewma": both["ewma"]})]
    )
    assert found.baselines == ("ewma",)
    assert found.left_out == ("garch",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dates": np.array([], dtype="datetime64[D]"), "outcomes": np.zeros(0)}, "at least one date"),
        ({"outcomes": np.zeros(39)}, "one outcome for each"),
        ({"dates": np.datetime64("2020-01-01") - np.arange(40)}, "must increase"),
        ({"dates": np.repeat(np.datetime64("2020-01-01"), 40)}, "must increase"),
        ({"outcomes": np.full(40, np.nan)}, "finite outcomes"),
        ({"quantiles": {"m": np.zeros((40, 8))}}, r"m: expected quantiles of shape \(40, 9\); got \(40, 8\)"),
        ({"quantiles": {"m": np.full((40, 9), np.inf)}}, "m: expected finite quantiles"),
    ],
)
def test_what_does_not_fit_is_told(change: dict[str, object], message: str) -> None:
    given = {
        "dates": np.datetime64("2020-01-01") + np.arange(40),
        "outcomes": np.zeros(40),
        "quantiles": {"m": np.zeros((40, 9))},
    }
    with pytest.raises(ValueError, match=message):
        losses("a", **{**given, **change})  # type: ignore[arg-type]


def test_only_what_is_alike_is_pooled() -> None:
    with pytest.raises(ValueError, match="one model at one step"):
        pool([])
    one = made(1)
    other = losses("a", one.dates, one.squared, {"ewma": one_like(300)})
    with pytest.raises(ValueError, match="one model at one step"):
        pool([one, other])
