"""Styles of words on a terminal."""

__all__ = ["BAD", "GOOD"]

GOOD = "green"
"""Style of what is better, or holds."""

BAD = "red"
"""Style of what is worse, or does not hold."""
