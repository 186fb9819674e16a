"""Forecasters without a network, shown next to every network."""
