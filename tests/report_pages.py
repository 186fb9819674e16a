"""Reports for tests: the content of a small run, variants of it, and pages as a parser sees them."""

import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import forecaster
from forecaster.data.instruments import Instrument
from forecaster.environment import Environment
from forecaster.evaluation.anomalies import Anomalies, AnomalousDay
from forecaster.evaluation.daily_losses import OutOfSample, daily_losses
from forecaster.evaluation.importance import Importance
from forecaster.experiments.annotations import Annotations, Note
from forecaster.experiments.inspections import InputImportances
from forecaster.models.coming_days import KnownDay
from forecaster.output.report_content import InstrumentReport, Report, WalkForward
from forecaster.output.report_page import report_page

AS_OF = "2024-03-01"
HOSTILE = "<img src=x onerror=alert(1)>\"'&</script><script>alert(2)</script>\u2028\u202e<!--" + "W" * 200


class Page(HTMLParser):
    """Text, tags and charts of a page."""

    def __init__(self, source: bytes) -> None:
        super().__init__()
        self.source = source.decode("utf-8")
        self.text = ""
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(self.source)
        blocks = re.findall(r'<script type="application/json">(.*?)</script>', self.source)
        self.charts: list[dict[str, Any]] = [json.loads(block) for block in blocks]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, name: str) -> list[str | None]:
        """Values of an attribute, in order."""
        return [attributes[name] for _, attributes in self.tags if name in attributes]

    def elements(self, *tags: str) -> list[str]:
        """Those of the tags that the page has, in order."""
        return [tag for tag, _ in self.tags if tag in tags]


def decoded(steps: list[int | None], count: int, decimals: int) -> np.ndarray:
    """Values of a line as the script of the page decodes them."""
    values = np.full(count, np.nan)
    total = 0
    for place, step in enumerate(steps[1:]):
        if step is not None:
            total += step
            values[place - (steps[0] or 0)] = total / 10**decimals
    return values


def written_report(home: Path, path: Path, **keywords: Any) -> Report:
    """Write the report of the small run of USDJPY, and return its content."""
    contents: list[Report] = []

    def keep(content: Report) -> bytes:
        contents.append(content)
        return report_page(content)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("forecaster.workflows.report.report_page", keep)
        assert forecaster.report(out=path, environment=Environment(home=home), **keywords) == path
    return contents[0]


def changed(content: Report, details: dict[str, Any], **fields: Any) -> Report:
    """The content with other fields of its only instrument, and other details."""
    (report,) = content.instruments
    assert isinstance(report, InstrumentReport)
    assert report.details is not None
    fields["details"] = dataclasses.replace(report.details, **details)
    return Report([dataclasses.replace(report, **fields)])


def walk_forward(count: int = 600) -> WalkForward:
    """A backtest of invented forecasts."""
    rng = np.random.default_rng(1)
    dates = np.arange("2015-01-01", count, dtype="datetime64[D]")
    levels = np.array([-1.96, -1.64, -1.28, -0.67, 0.0, 0.67, 1.28, 1.64, 1.96])
    losses = {}
    for step in (1, 5):
        outcomes = rng.normal(0, step**0.5, count)
        widths = {"lstm": 1.0, "garch": 1.1, "random_walk": 1.4}
        quantiles = {name: np.tile(width * step**0.5 * levels, (count, 1)) for name, width in widths.items()}
        losses[step] = daily_losses(OutOfSample("USDJPY", step, dates, outcomes, quantiles))
    return WalkForward("USDJPY-abc", 2, losses, rng.uniform(size=count))


def hostile(content: Report) -> Report:
    """The content with every text from data replaced by one that tries to become markup."""
    (report,) = content.instruments
    assert isinstance(report, InstrumentReport)
    day = np.datetime64("2020-03-09")
    instrument = Instrument("csv", HOSTILE)
    forecast = dataclasses.replace(report.prediction.forecast, instrument=HOSTILE)
    days = tuple(KnownDay(date, (HOSTILE,), 1.0) for date in forecast.dates)
    prediction = dataclasses.replace(
        report.prediction, instrument=instrument, forecast=forecast, days=days, calendar=HOSTILE
    )
    anomalous = AnomalousDay(day, 0.1, 100.0, 1.0, 2.0, 0.99, 1e-6, 1e-3, True, "event", day, (HOSTILE,))
    details = report.details
    assert details is not None
    assert isinstance(details.anomalies, Anomalies)
    changes = {
        "picture": dataclasses.replace(details.picture, instrument=HOSTILE, note=HOSTILE),
        "anomalies": dataclasses.replace(details.anomalies, instrument=instrument, days=(anomalous,)),
        "importances": InputImportances("test", (day, day), [Importance(HOSTILE, 1, 9, 0.1, None)]),
        "annotations": Annotations((Note("2026-01-01", HOSTILE, HOSTILE),), (HOSTILE,)),
        "walk_forward": HOSTILE,
        "own_record": None,
    }
    commands = dict.fromkeys(report.commands, HOSTILE)
    return changed(content, changes, prediction=prediction, unit=HOSTILE, commands=commands)
