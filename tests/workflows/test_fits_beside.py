"""Baselines fitted in a thread beside a network."""

import threading
from collections.abc import Sequence

import numpy as np
import oracles
import pytest

from forecaster.config import load_config
from forecaster.data.series import Panel, PriceSeries
from forecaster.environment import no_progress
from forecaster.evaluation.splits import Split
from forecaster.pipeline_evaluation import Baselines
from forecaster.workflows.fits_beside import fits_beside


def baselines_of(series: PriceSeries) -> Baselines:
    split = Split(series.dates[600], series.dates[750])
    return Baselines(("garch", "combination", "panel_har"), Panel((series,)), split, load_config())


class Fits:
    """Stands for `Baselines`; notes the thread of each fit, and may fail or wait."""

    def __init__(self, error: Exception | None = None, gate: threading.Event | None = None) -> None:
        self.fits: list[tuple[str, str]] = []
        self._error = error
        self._gate = gate

    def of(self, series: PriceSeries) -> Sequence[object]:
        self.fits.append((series.instrument.name, threading.current_thread().name))
        if self._gate is not None:
            self._gate.wait(20)
        if self._error is not None:
            raise self._error
        return []


def test_fits_in_the_thread_have_the_bits_of_fits_in_line() -> None:
    series = oracles.walk(900)
    rows = np.arange(800, 820)
    beside = baselines_of(series)
    with fits_beside(beside, [series], no_progress) as progress:
        progress("fit", 1, 2)
    alone = baselines_of(series)
    assert beside._fitted
    for found, expected in zip(beside.of(series), alone.of(series), strict=True):
        assert found.name == expected.name
        assert np.array_equal(found.forecast(series, rows).scaled, expected.forecast(series, rows).scaled)


def test_the_context_waits_for_every_fit_and_passes_reports_on() -> None:
    fits = Fits()
    reports: list[tuple[str, int, int]] = []
    pair = [oracles.walk(300), oracles.walk(300, name="EURUSD")]
    with fits_beside(fits, pair, lambda stage, done, total, *rest: reports.append((stage, done, total))) as progress:
        progress("fit", 1, 2)
        progress("fit", 2, 2)
    assert reports == [("fit", 1, 2), ("fit", 2, 2)]
    assert fits.fits == [("USDJPY", "baselines"), ("EURUSD", "baselines")]


def test_nothing_is_fitted_before_the_first_report() -> None:
    fits = Fits()
    with fits_beside(fits, [oracles.walk(300)], no_progress):
        pass
    assert fits.fits == []


def test_a_fit_that_fails_does_not_end_the_context() -> None:
    fits = Fits(error=ValueError("singular"))
    with fits_beside(fits, [oracles.walk(300), oracles.walk(300, name="EURUSD")], no_progress) as progress:
        progress("fit", 1, 1)
    assert [name for name, _ in fits.fits] == ["USDJPY"]


def interrupted(stage: str, done: int, total: int, loss: float | None = None, detail: str = "") -> None:
    raise KeyboardInterrupt


def test_an_exception_in_the_context_ends_the_fits_without_waiting() -> None:
    gate = threading.Event()
    fits = Fits(gate=gate)
    pair = [oracles.walk(300), oracles.walk(300, name="EURUSD")]
    with pytest.raises(KeyboardInterrupt), fits_beside(fits, pair, interrupted) as progress:
        progress("fit", 1, 1)
    gate.set()
    for thread in threading.enumerate():
        if thread.name == "baselines":
            thread.join(20)
    assert [name for name, _ in fits.fits] in (["USDJPY"], [])
