"""Page of a report: one HTML file without a network, whose only script and style are its own."""

import importlib.resources
import re
from collections.abc import Sequence
from pathlib import Path

from forecaster.experiments.predictions import FailedPrediction
from forecaster.output.html_elements import Content, Element, document, element, isolated, table
from forecaster.output.report_charts import price_decimals, row_chart
from forecaster.output.report_content import InstrumentReport, Report, ReportDetails
from forecaster.output.report_past_sections import anomaly_section, coverage, inputs, skill
from forecaster.output.report_sections import coming_days, data_and_replay, note, odds, overlay, section, verdict
from forecaster.output.summary_documents import summary_document
from forecaster.output.svg_charts import small_chart
from forecaster.output.tables import probability_text
from forecaster.output.training_summary import density_text, held_text

__all__ = ["report_page"]

_LINKS = {
    "verdict": "Verdict",
    "overlay": "History",
    "coming": "Coming days",
    "odds": "Odds",
    "skill": "Skill",
    "coverage": "Coverage",
    "inputs": "Inputs",
    "anomalies": "Anomalies",
    "data": "Data and replay",
}


MAX_NAMES = 5  # in a title
_SCRIPTS = ("scales.js", "chart.js", "report.js")


def report_page(report: Report) -> bytes:
    """The page as UTF-8. It depends on the run and its data alone: the same of both gives the same bytes."""
    body = _overview(report) if report.is_overview else _single(report)
    title = f"{_title(report)}: forecast report"
    script = "\n".join(_text(name) for name in _SCRIPTS)
    return document(title[:200], _text("report.css"), script, body)


def _text(name: str) -> str:
    """A file of the style or the script."""
    return (importlib.resources.files("forecaster.output") / "page" / name).read_text(encoding="utf-8")


def _title(report: Report) -> str:
    """Name of the universe, which may be a file, or of the instruments."""
    if report.universe is not None:
        return Path(report.universe).stem
    names = [_name(each) for each in report.instruments]
    return ", ".join(names) if len(names) <= MAX_NAMES else f"{len(names)} instruments"


def _name(report: InstrumentReport | FailedPrediction) -> str:
    return report.name if isinstance(report, InstrumentReport) else report.instrument.name


def _single(whole: Report) -> list[Element]:
    """The page of one instrument."""
    (report,) = whole.instruments
    if not isinstance(report, InstrumentReport) or report.details is None:
        raise ValueError("a page of one instrument needs its details; got a failure or a row of an overview")
    links = element("ul", *(element("li", element("a", text, href=f"#{name}")) for name, text in _LINKS.items()))
    return [
        element("a", "Skip to the verdict", href="#verdict", class_="skip"),
        element("header", _heading(report, "h1"), _subtitle(report), element("nav", links, aria_label="Sections")),
        element("main", *_sections(report, report.details)),
        element("footer", note("Not financial advice. Probabilities of a model, not promises.")),
    ]


def _heading(report: InstrumentReport, tag: str) -> Element:
    return element(tag, isolated(report.name), f": forecast after {report.prediction.forecast.cutoff}")


def _subtitle(report: InstrumentReport) -> Element:
    forecast = report.prediction.forecast
    price = f"{forecast.last_price:.{price_decimals(forecast)}f} {report.unit}"
    return note(f"Last price: {price.strip()}. Forecast by {report.prediction.model}, run {report.prediction.run_id}.")


def _sections(report: InstrumentReport, details: ReportDetails) -> list[Element]:
    return [
        section("verdict", "Verdict", *verdict(report)),
        overlay(report, details),
        coming_days(report),
        odds(report),
        skill(report, details.walk_forward),
        coverage(report, details),
        inputs(report, details.importances),
        anomaly_section(report, details.anomalies),
        data_and_replay(report),
    ]


def _overview(report: Report) -> list[Element]:
    """The page of several instruments: a table, and a section for each that its row opens."""
    whole = [each for each in report.instruments if isinstance(each, InstrumentReport)]
    failed = [each for each in report.instruments if isinstance(each, FailedPrediction)]
    places = {id(each): f"i{number + 1}-{_slug(each.name)}" for number, each in enumerate(whole)}
    parts: list[Content] = []
    if whole:
        ranges = summary_document(whole[0].prediction)["ranges"]
        spans = [row["span"] for row in ranges]
        heads = ["instrument", "last price", "history and forecast"]
        heads += [f"80 % range in {span}" for span in spans]
        heads += [f"rise in {spans[-1]}", f"trust: ranges in {spans[-1]} that held; simple rules"]
        rows = [_row(each, places[id(each)], spans) for each in whole]
        parts.append(
            table(
                f"Last prices of {_dates(whole)}; a name opens the section of its instrument",
                heads,
                rows,
                class_="overview",
            )
        )
        parts += [_details(each, places[id(each)]) for each in whole]
    if failed:
        lines = [[isolated(each.instrument.name), isolated(each.error.messages[0])] for each in failed]
        parts.append(table("Instruments without a forecast", ["instrument", "reason"], lines, class_="texts"))
    return [
        element("header", element("h1", isolated(_title(report)), ": forecasts")),
        element("main", *parts),
        element("footer", note("Not financial advice. Probabilities of a model, not promises.")),
    ]


def _dates(reports: Sequence[InstrumentReport]) -> str:
    """Dates of the last prices."""
    dates = sorted({str(report.prediction.forecast.cutoff) for report in reports})
    return dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:40]


def _row(report: InstrumentReport, place: str, spans: Sequence[str]) -> list[Content]:
    """Cells of an instrument, whose ranges are those of `spans` or say which they are."""
    summary = summary_document(report.prediction)
    forecast = report.prediction.forecast
    decimals = price_decimals(forecast)
    ranges = ["-"] * len(spans)
    for column, (span, row) in enumerate(zip(spans, summary["ranges"], strict=False)):
        other = "" if row["span"] == span else f" in {row['span']}"
        ranges[column] = f"{row['low']:.{decimals}f} to {row['high']:.{decimals}f}{other}"
    last = summary["ranges"][-1]
    claims = report.verdict
    held = str(held_text(last, summary["level"], count=True))
    text = f"{report.name}: last prices and the range of the coming {forecast.horizon} {report.span}s"
    return [
        element("a", isolated(report.name), href=f"#{place}"),
        f"{forecast.last_price:.{decimals}f}",
        small_chart(row_chart(report), text),
        *ranges,
        probability_text(float(forecast.probability_up[last["step"] - 1])),
        "; ".join([held, density_text(claims["density"]) if claims else "not compared with simple rules"]),
    ]


def _details(report: InstrumentReport, place: str) -> Element:
    """The section of an instrument, closed until its row opens it."""
    prefix = f"{place}-"
    return element(
        "details",
        element("summary", _heading(report, "h2")),
        _subtitle(report),
        *verdict(report),
        coming_days(report, prefix, level=3),
        odds(report, prefix, level=3),
        data_and_replay(report, prefix, level=3),
        class_="instrument",
        id=place,
    )
