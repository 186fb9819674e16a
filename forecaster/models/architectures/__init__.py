"""Networks in the middle of the quantile forecaster."""
