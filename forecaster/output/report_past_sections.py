"""Sections of a report about the past: skill and coverage over time, important inputs, anomalies."""

import math
from typing import Any

import numpy as np

from forecaster.evaluation.anomalies import Anomalies
from forecaster.experiments.inspections import InputImportances
from forecaster.output.anomaly_tables import anomaly_document, anomaly_title
from forecaster.output.html_elements import Content, Element, code, element, isolated, table
from forecaster.output.report_charts import coverage_chart, gain_chart
from forecaster.output.report_content import InstrumentReport, ReportDetails, WalkForward
from forecaster.output.report_sections import chart_figure, note, section, step_text
from forecaster.output.svg_charts import bars

__all__ = ["anomaly_section", "coverage", "inputs", "skill"]

_BINS = 20
_MAX_DAYS = 25


def skill(report: InstrumentReport, past: WalkForward | str) -> Element:
    """Comparison with every baseline over time, of walk-forward forecasts alone."""
    title = "Skill against simple rules over time"
    if isinstance(past, str):
        return section("skill", title, *_missing(report, past), _test_skill(report))
    steps = dict.fromkeys([min(past.losses), max(past.losses)])
    charts = [chart for step in steps if (chart := gain_chart(past.losses[step], report.span)).lines]
    if not charts:
        return section(
            "skill", title, element("p", "Not shown: no baseline has a loss to compare with."), note(_about(past))
        )
    figures = [chart_figure(chart, report.prediction.frequency) for chart in charts]
    return section("skill", title, *figures, _skill_table(past, report.span), note(_about(past)))


def _missing(report: InstrumentReport, reason: str) -> list[Content]:
    return [
        element("p", f"Not shown: {reason}."),
        element("p", "This command makes it, and then this report shows it: ", code(report.commands["backtest"])),
    ]


def _test_skill(report: InstrumentReport) -> Content:
    """Scores that the training recorded on its test rows, where it did."""
    scores = report.prediction.skill
    if not scores or not report.was_known(scores[0].window):
        return None
    steps = sorted({score.step for score in scores})
    ratios = {(score.reference, score.step): score for score in scores}
    names = list(dict.fromkeys(score.reference for score in scores))
    rows = [
        [name, *(f"{ratios[name, step].crps_ratio:.4f}" if (name, step) in ratios else "-" for step in steps)]
        for name in names
    ]
    first = scores[0]
    caption = (
        f"CRPS on the test rows of the run over that of each baseline, below 1 is better; "
        f"{first.n:,} cutoffs, {first.window[0]} to {first.window[1]}"
    )
    return table(caption, ["baseline", *(step_text(step, report.span) for step in steps)], rows)


def _skill_table(past: WalkForward, span: str) -> Element:
    first = past.losses[min(past.losses)]
    rows = []
    for name in first.baselines:
        cells = []
        for losses in past.losses.values():
            mean = losses.crps[name].mean() if name in losses.crps else 0.0
            cells.append(f"{losses.crps[losses.model].mean() / mean:.4f}" if mean > 0 else "-")
        rows.append([name, *cells])
    caption = f"CRPS of {first.model} over that of each baseline, below 1 is better"
    return table(caption, ["baseline", *(step_text(step, span) for step in past.losses)], rows)


def _about(past: WalkForward) -> str:
    losses = past.losses[min(past.losses)]
    cutoffs = f"{len(losses):,} cutoffs from {losses.dates[0]} to {losses.dates[-1]}."
    if past.backtest_id is None:
        return f"Forecasts of the run itself, after the rows that it has seen: {cutoffs}"
    return f"Backtest {past.backtest_id}: {past.fits} fits, each on the rows before its forecasts; {cutoffs}"


def coverage(report: InstrumentReport, details: ReportDetails) -> Element:
    """Coverage of the ranges over time, and the histogram of the probability integral transform."""
    title = "Coverage over time"
    past = details.walk_forward
    if isinstance(past, str):
        if details.own_record is None:
            return section("coverage", title, *_missing(report, past))
        past = details.own_record
    steps = dict.fromkeys([min(past.losses), max(past.losses)])
    frequency = report.prediction.frequency
    charts = [chart_figure(coverage_chart(past.losses[step], report.span), frequency) for step in steps]
    return section("coverage", title, *charts, *_pit(past, report.span), note(_about(past)))


def _pit(past: WalkForward, span: str) -> list[Content]:
    counts, _ = np.histogram(past.pit, bins=_BINS, range=(0, 1))
    count = len(past.pit)
    shares = (counts / count).tolist()
    expected = 1 / _BINS
    deviation = 1.96 * math.sqrt(expected * (1 - expected) / count)
    outside = sum(abs(share - expected) > deviation for share in shares)
    rows = [
        [f"{number / _BINS:.2f} to {(number + 1) / _BINS:.2f}", f"{100 * share:.1f} %"]
        for number, share in enumerate(shares)
    ]
    words = (
        f"Forecast probability of a lower return than the one that came, 1 {span} ahead, {count:,} outcomes. "
        f"Each bar would hold {100 * expected:g} % of a right forecast, and 95 of 100 bars lie in the shaded range by "
        f"chance; here {outside} of {_BINS} lie outside. A hump in the middle means ranges that are too wide; high "
        "ends mean ranges that are too narrow."
    )
    return [
        element("h3", "Histogram of the probability integral transform (PIT)"),
        element(
            "figure", element("figcaption", words), bars(shares, expected, expected - deviation, expected + deviation)
        ),
        element(
            "details",
            element("summary", "The histogram as a table"),
            table("Share of the outcomes in each bar", ["probability", "share"], rows),
        ),
    ]


def inputs(report: InstrumentReport, measured: InputImportances | str) -> Element:
    """Importance of the inputs."""
    title = "Important inputs"
    if isinstance(measured, str):
        command = report.commands["inspect"]
        return section("inputs", title, element("p", f"Not shown: {measured}. More about the run: ", code(command)))
    ordered = sorted(measured.importances, key=lambda importance: -importance.increase)
    rows: list[list[Content]] = []
    for importance in ordered:
        low, high = importance.interval or (math.nan, math.nan)
        interval = f"{100 * low:+.2f} to {100 * high:+.2f} %" if importance.interval else "-"
        rows.append([isolated(importance.name), f"{100 * importance.increase:+.2f} %", interval])
    first, last = measured.cutoffs
    caption = (
        f"Increase of the CRPS, 1 {report.span} ahead, when the days of an input are shuffled; {measured.part} rows, "
        f"{ordered[0].n:,} cutoffs from {first} to {last}"
    )
    return section(
        "inputs",
        title,
        table(caption, ["input", "increase", "95 % interval"], rows),
        note("Inputs that resemble each other share their importance. More: ", code(report.commands["inspect"])),
    )


def anomaly_section(report: InstrumentReport, anomalies: Anomalies | str) -> Element:
    """Days that were thought impossible the day before, newest first, and changes of volatility."""
    title = "Anomalies"
    command = report.commands["anomalies"]
    if isinstance(anomalies, str):
        return section("anomalies", title, element("p", f"Not shown: {anomalies}. The command is ", code(command)))
    document = anomaly_document(anomalies)
    days = document["days"][::-1]
    parts: list[Content] = [element("p", f"{anomaly_title(document)}.")]
    if days:
        heads = [report.span, "move", "price", "kind"]
        caption = f"The newest {_MAX_DAYS} of {len(days)}" if len(days) > _MAX_DAYS else "Anomalous days, newest first"
        parts.append(table(caption, heads, [_day(day) for day in days[:_MAX_DAYS]]))
    if document["regimes"]:
        heads = ["since", "known on", "change", "before", "after"]
        rows = [_regime(change) for change in document["regimes"][::-1]]
        parts.append(table(f"Changes of volatility, in standard deviations of a {report.span}'s move", heads, rows))
    rate = f"{100 * anomalies.rate:.3g} %"
    parts.append(
        note(
            f"Each {report.span} is compared with the forecast of the {report.span} before by {anomalies.model}, "
            f"fitted {anomalies.refits} times on the rows before. At most {rate} of the list are expected to be false. "
            "All: ",
            code(command),
        )
    )
    return section("anomalies", title, *parts)


def _day(day: dict[str, Any]) -> list[Content]:
    kind = ": ".join(filter(None, (day["kind"].replace("_", " "), " and ".join(day["names"]))))
    return [day["date"], f"{math.expm1(day['move']):+.2%}", f"{day['price']:.6g}", isolated(kind)]


def _regime(change: dict[str, Any]) -> list[Content]:
    volatilities = [f"{change[f'volatility_{side}']:.2%}" for side in ("before", "after")]
    return [change["date"], change["known_from"], change["direction"], *volatilities]
