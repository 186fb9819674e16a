"""Recorded trainings: run folders, and later backtests, replays and searches."""
