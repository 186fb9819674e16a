"""Checks for look-ahead leakage."""
