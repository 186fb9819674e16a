"""The quantile forecaster: everything about the default model but the network in its middle."""
