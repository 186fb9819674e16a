"""Fit reports, and those of runs that were recorded before reports had sections."""

import json

import pytest

from forecaster.models.base import FitReport

LSTM = {
    "location_steps": [],
    "location_gains": [0.1, -0.2],
    "mean_is_last_price": False,
    "numpy_difference": 4e-7,
    "series": 136,
    "steps": 300,
}
SCALER = {"offset": 80.0, "width": 40.0}


def test_a_report_comes_back_from_json() -> None:
    losses = {"initial_loss": 1.34, "reference_losses": {"ewma": 1.33}}
    report = FitReport({"location_steps": [5]}, "learned", {"series": 3}, ("USDJPY",), 1e-7, **losses)
    assert FitReport.from_json(json.loads(json.dumps(report.to_json()))) == report


@pytest.mark.parametrize(
    ("state", "report"),
    [
        (
            LSTM,
            FitReport(
                {"location_gains": [0.1, -0.2], "location_steps": []},
                "last_price",
                {"series": 136, "steps": 300},
                parity=4e-7,
            ),
        ),
        ({"location_steps": [20]}, FitReport({"location_steps": [20]}, "learned")),
        (
            {"location_steps": [], "mean_is_last_price": True},
            FitReport({"location_steps": []}, "mean_is_last_price"),
        ),
        (
            {"scaler": SCALER, "spread": [[0.0]], "series": 1, "numpy_difference": 1e-7},
            FitReport({"spread": [[0.0]]}, "learned", {"scaler": SCALER, "series": 1}, parity=1e-7),
        ),
        ({"fallbacks": ["USDJPY"], "seed": 3}, FitReport(learned={"seed": 3}, fallbacks=("USDJPY",))),
        ({}, FitReport()),
    ],
)
def test_flat_reports_of_older_runs_are_read(state: dict[str, object], report: FitReport) -> None:
    assert FitReport.from_json(state) == report
