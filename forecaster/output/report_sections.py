"""Sections of a report about the forecast of one instrument: verdict, charts, coming days, odds, data and replay."""

from collections.abc import Sequence

from forecaster.data.sources.registry import source_traits
from forecaster.evaluation.claims import KINDS
from forecaster.experiments.predictions import CoverageRecord
from forecaster.output.html_elements import Content, Element, code, data_block, element, isolated, table
from forecaster.output.odds_documents import answer_document
from forecaster.output.odds_wording import record_cells
from forecaster.output.page_charts import Chart, chart_document
from forecaster.output.report_charts import close_up_chart, overlay_chart, price_decimals
from forecaster.output.report_content import InstrumentReport, ReportDetails
from forecaster.output.summary_documents import summary_document
from forecaster.output.svg_charts import legend, static_chart
from forecaster.output.tables import probability_text
from forecaster.output.training_summary import density_text, direction_text, held_text

__all__ = [
    "chart_figure",
    "coming_days",
    "data_and_replay",
    "note",
    "odds",
    "overlay",
    "section",
    "step_text",
    "verdict",
]

_HINT = "Arrow keys read day by day, + and - zoom, Home and End go to the ends, Escape goes back."
_YEARS = {"1d": 250, "1wk": 52, "1mo": 12}  # rows


def section(name: str, title: str, *children: Content, level: int = 2) -> Element:
    """A section with a heading that a link can lead to."""
    return element("section", element(f"h{level}", title), *children, id=name, aria_label=title)


def note(*children: Content) -> Element:
    """A paragraph in small print."""
    return element("p", *children, class_="note")


def step_text(step: int, span: str) -> str:
    """A number of rows in words.

    >>> step_text(1, "day"), step_text(20, "day")
    ('1 day', '20 days')
    """
    return f"{step} {span}{'s' if step > 1 else ''}"


def chart_figure(chart: Chart, frequency: str) -> Element:
    """A chart with its legend, for a pointer, a keyboard, a screen reader and paper.

    Args:
        chart: The chart.
        frequency: Length of its rows.
    """
    buttons = [
        element("button", text, type="button", tabindex=-1, aria_label=label, **attributes)
        for text, label, attributes in (
            ("+", "zoom in", {"data_action": "in"}),
            ("-", "zoom out", {"data_action": "out"}),
            ("1 year", "show the last year", {"data_rows": str(_YEARS[frequency])}),
            ("all", "show all rows", {"data_action": "all"}),
        )
    ]
    canvas = element(
        "canvas",
        chart.summary,
        tabindex=0,
        role="application",
        aria_roledescription="chart",
        aria_label=f"{chart.name}. {chart.summary} {_HINT}",
    )
    return element(
        "figure",
        element("figcaption", element("strong", chart.name), element("br"), chart.summary),
        legend(chart),
        element("div", *buttons, class_="controls") if len(chart.dates) > 120 else None,
        canvas,
        static_chart(chart),
        element("p", class_="reading", aria_live="polite"),
        data_block(chart_document(chart)),
        class_="chart",
    )


def verdict(report: InstrumentReport) -> list[Content]:
    """Ranges of the coming days in words, how often such ranges held, and what the tests of the run said."""
    document = summary_document(report.prediction)
    decimals = price_decimals(report.prediction.forecast)
    unit = f" {report.unit}" if report.unit else ""
    parts: list[Content] = []
    for row in document["ranges"]:
        held = str(held_text(row, document["level"], count=True))
        parts.append(
            element(
                "p",
                f"In {row['span']}, to {row['date']}, the price will lie between ",
                element("strong", f"{row['low']:.{decimals}f} and {row['high']:.{decimals}f}"),
                f"{unit} with a probability of {100 * document['level']:g} %. Such ranges held: {held}.",
                class_="lead",
            )
        )
    parts += [element("p", line, class_="warning") for line in _warnings(report)]
    claims = report.verdict
    if not claims:
        return [*parts, note(_no_verdict(report))]
    window = " to ".join(claims["window"])
    parts.append(
        element(
            "p",
            f"Direction: {direction_text(claims['direction'])}. Simple rules: {density_text(claims['density'])}.",
        )
    )
    sentences = element("ul", *(element("li", claims[kind]["text"]) for kind in KINDS if "text" in claims[kind]))
    about = f"Tests of the run on {claims['days']:,} cutoffs that it has not learned from, {window}:"
    return [*parts, element("p", about), sentences]


def _no_verdict(report: InstrumentReport) -> str:
    later = report.later_verdict
    if later is None:
        return "The run did not test this instrument: train with it named to get a verdict."
    return (
        f"The run was tested on cutoffs from {later[0]} to {later[1]}, after {report.prediction.forecast.cutoff} in "
        "part or as a whole; a report without --as-of shows the result."
    )


def in_unit(report: InstrumentReport) -> str:
    """Unit after a comma; empty where it is not known."""
    return f", {report.unit}" if report.unit else ""


def _warnings(report: InstrumentReport) -> list[str]:
    """Warnings of the run and of its data, without those that only a clock could tell."""
    lines = [line.removeprefix("warning: ") for line in report.selection.notes() if line.startswith("warning: ")]
    scaled = report.prediction.forecast.scaled_from
    if scaled is not None:
        lines.append(f"ranges from {report.span} {scaled} on are scaled by the square root of time")
    return [line[:1].upper() + line[1:] + "." for line in lines]


def overlay(report: InstrumentReport, details: ReportDetails) -> Element:
    """The interactive overlay of actual and predicted prices."""
    return section(
        "overlay",
        "Actual and predicted prices",
        chart_figure(overlay_chart(report, details.picture), report.prediction.frequency),
        note(f"Each prediction was made one {report.span} before. {_seen(report)} Prices: {details.picture.note}."),
    )


def _seen(report: InstrumentReport) -> str:
    """Sentence about the days that the weights have seen."""
    run = report.selection.run
    if run.manifest.split.refit:
        return (
            f"The weights were fitted again on all rows to {run.fitted_until}, so that every prediction up to then is "
            "in-sample, those for the former test days as well."
        )
    return (
        "The train days are those that the weights were fitted to, so that the predictions for them are in-sample; "
        "the test days were not used."
    )


def coming_days(report: InstrumentReport, prefix: str = "", level: int = 2) -> Element:
    """Fan and table of the coming days."""
    prediction = report.prediction
    forecast = prediction.forecast
    decimals = price_decimals(forecast)
    prices = forecast.prices([0.025, 0.1, 0.5, 0.9, 0.975]).tolist()
    record = prediction.coverage
    has_names = any(day.names for day in prediction.days)
    rows = []
    chances = {"rise": forecast.probability_up}
    if forecast.unchanged is not None:
        chances |= {"unchanged": forecast.unchanged, "fall": forecast.probability_down}
    for index, values in enumerate(prices):
        low_95, low_80, median, high_80, high_95 = (f"{value:.{decimals}f}" for value in values)
        names = prediction.days[index].names if prediction.days else ()
        ranges = (f"{low_80} to {high_80}", f"{low_95} to {high_95}")
        rows.append([str(forecast.dates[index]), median, *ranges])
        rows[-1] += [probability_text(float(chance[index])) for chance in chances.values()]
        rows[-1] += [] if record is None else _held(record, index + 1)
        rows[-1] += [", ".join(names)] if has_names else []
    heads = [report.span, "median", "80 % range", "95 % range", *chances]
    heads += [] if record is None else ["80 % held", "95 % held"]
    heads += ["events"] if has_names else []
    held = "" if record is None else f"; held: share of earlier ranges, since {record.since}, that held"
    return section(
        f"{prefix}coming",
        f"The coming {step_text(forecast.horizon, report.span)}",
        chart_figure(close_up_chart(report), prediction.frequency),
        table(
            f"Prices{in_unit(report)}, and the probability of a rise{held}",
            heads,
            rows,
            class_="days named" if has_names else "days",
        ),
        level=level,
    )


def _held(record: CoverageRecord, step: int) -> list[str]:
    """Shares of earlier ranges that held."""
    earlier = record.at(step)
    shares = {} if earlier is None else earlier.coverage
    return [f"{100 * shares[level]:.0f} %" if level in shares else "-" for level in ("0.8", "0.95")]


def odds(report: InstrumentReport, prefix: str = "", level: int = 2) -> Element:
    """Probabilities of ending above prices, and what came of such answers in the past."""
    forecast = report.prediction.forecast
    steps = sorted({1, *(row["step"] for row in summary_document(report.prediction)["ranges"]), forecast.horizon})
    rows = []
    for answer in report.answers:
        (price,) = answer.question.prices
        chances = forecast.probability_above(price)
        name = "the last price" if price == forecast.last_price else f"{price:.10g}"
        cells = [probability_text(float(chances[step - 1])) for step in steps]
        rows.append([f"above {name}", *cells, *record_cells(answer_document(answer, forecast.scaled_from))])
    heads = ["price", *(f"{step_text(step, report.span)}, {forecast.dates[step - 1]}" for step in steps)]
    return section(
        f"{prefix}odds",
        "Odds",
        table(
            f"Probability that the price ends above a level{in_unit(report)}",
            [*heads, "said before", f"{report.span}s", "happened"],
            rows,
        ),
        note(
            "The probability of ending at or below a level is the rest to 100 %. Said before: the class of past "
            f"answers to the same question {step_text(forecast.horizon, report.span)} ahead, about a price as far "
            "away; happened: how often it came true; ?: too few."
        ),
        level=level,
    )


def data_and_replay(report: InstrumentReport, prefix: str = "", level: int = 2) -> Element:
    """Origin of the numbers, and the commands that give them again."""
    commands: list[list[Content]] = [[purpose, code(command)] for purpose, command in report.commands.items()]
    heading = "Data, and how to replay"
    return section(
        f"{prefix}data",
        heading,
        table("Origin of the numbers", ["fact", "value"], _facts(report), class_="texts"),
        table("Commands, in the project folder of this report", ["purpose", "command"], commands, class_="texts"),
        level=level,
    )


def _facts(report: InstrumentReport) -> list[Sequence[Content]]:
    series = report.selection.series
    run = report.selection.run
    manifest = run.manifest
    source = source_traits(series.source).description or series.source
    engine = manifest.engine
    parts = manifest.split.parts
    spans = "; ".join(f"{name} {part.first} to {part.last}, {part.rows:,} rows" for name, part in parts.items())
    facts: list[Sequence[Content]] = [
        ["prices", element("span", isolated(series.symbol), f", {source}")],
        ["rows", f"{len(series):,}, {series.dates[0]} to {series.dates[-1]}"],
        ["sha256 of the rows", code(series.sha256)],
        ["run", code(run.id)],
        ["model", f"{manifest.model.model}, configuration {run.configuration.name}, seed {manifest.model.seed}"],
        ["learned from", f"{len(manifest.data.members)} series, weights fitted on rows to {run.fitted_until}"],
        ["split", spans],
        ["calendar", report.prediction.calendar],
        ["versions", ", ".join(f"{name} {version}" for name, version in engine.versions.items())],
        ["processor", engine.processor],
    ]
    if report.details is not None:
        annotations = report.details.annotations
        facts += [["tags", element("span", ", ".join(annotations.tags))]] if annotations.tags else []
        facts += [[f"note of {note.created[:10]}", isolated(note.text)] for note in annotations.notes]
    return facts
