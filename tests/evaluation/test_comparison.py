"""Models side by side."""

import numpy as np
import pytest

from forecaster.evaluation.comparison import POOLED, Track, compare, evidence_of, standing
from forecaster.forecast import SCORING_LEVELS, normal_scores

WIDTHS = {"judged": 1.0, "close": 1.03, "wide": 2.0}


def track(name: str, seed: int, days: int = 600, size: float = 0.01, first: str = "2020-01-01") -> Track:
    """Normal outcomes, and three models that think them `WIDTHS` times as wide."""
    outcomes = size * np.random.default_rng(seed).standard_normal(days)
    dates = np.datetime64(first) + np.arange(days)
    scores = normal_scores(SCORING_LEVELS)
    said = {model: np.tile(width * size * scores, (days, 1)) for model, width in WIDTHS.items()}
    return Track(name, 1, dates, outcomes, said)


def test_every_row_has_intervals_around_its_ratios_and_the_shares_of_the_pit() -> None:
    rows = {row["model"]: row for row in compare([track("A", 1)], "judged")}
    assert list(rows) == list(WIDTHS)
    for model, row in rows.items():
        assert set(row["crps_ratio_interval"]) == set(row["crps_ratio"]) == set(WIDTHS) - {model}
        for other, (low, high) in row["crps_ratio_interval"].items():
            assert low < row["crps_ratio"][other] < high
        assert sum(row["pit"]) == pytest.approx(1)
    assert max(rows["judged"]["pit"]) < 0.14  # even
    assert rows["wide"]["pit"][4] > 0.16  # a hump: too wide
    assert rows["judged"]["crps_ratio_interval"]["wide"][1] < 0.95


def test_pooled_rows_have_the_interval_of_the_mean_ratio() -> None:
    """A size of moves a hundred times as large, and other days, must not matter."""
    tracks = [track("A", 1), track("B", 2, 300, 1.0, "2020-06-01")]
    rows = compare(tracks, "judged", seed=3)
    pooled = next(row for row in rows if row["instrument"] == POOLED and row["model"] == "judged")
    low, high = pooled["crps_ratio_interval"]["wide"]
    assert low < pooled["crps_ratio"]["wide"] < high
    single = [row["crps_ratio_interval"]["wide"] for row in rows if row["model"] == "judged"][:2]
    assert high - low < max(ends[1] - ends[0] for ends in single)
    assert pooled["pit"] == pytest.approx(
        np.mean([row["pit"] for row in rows if row["model"] == "judged"][:2], axis=0).tolist()
    )
    assert compare(tracks, "judged", seed=3) == rows
    assert compare(tracks, "judged", seed=4) != rows


def test_where_all_models_stand() -> None:
    found = standing(evidence_of([track("A", 1)], "judged")["A"])
    assert found["confidence_set"]["models"][0] == "judged"
    assert "wide" not in found["confidence_set"]["models"]
    assert found["confidence_set"]["p_values"]["wide"] < 0.1
    assert found["spa"]["against"] == ["close", "wide"]
    assert found["spa"]["p_value"] > 0.3
    worse = track("A", 1)
    worse.quantiles["judged"][:] *= 3
    found = standing(evidence_of([worse], "judged")["A"])
    assert "judged" not in found["confidence_set"]["models"]
    assert found["spa"]["p_value"] < 0.01


def test_too_few_days_leave_it_open() -> None:
    found = standing(evidence_of([track("A", 1, 12)], "judged")["A"])
    assert found["confidence_set"]["models"] is None
    assert found["spa"]["p_value"] is None
    row = compare([track("A", 1, 12)], "judged")[0]
    assert row["crps_ratio_interval"] == {"close": None, "wide": None}
