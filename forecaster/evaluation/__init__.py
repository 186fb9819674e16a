"""Judging forecasts: splits, metrics, and later significance, calibration and audit."""
