"""Encoder and decoder: the forecaster whose quantiles are those of sampled paths."""
