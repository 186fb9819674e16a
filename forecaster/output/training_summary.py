"""Summary of a training in at most eight lines: ranges, how often such ranges held, direction, simple rules."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from forecaster.data.calendars import SPANS
from forecaster.output.styles import BAD, GOOD
from forecaster.output.tables import number_text, plain_table, price_text
from forecaster.output.verdict_wording import joined_names, p_value_text, percent_text, verdict_summary

__all__ = ["density_text", "direction_text", "held_text", "summary_heading", "summary_lines", "summary_table"]

_NAMES = {
    "garch": "GARCH",
    "ewma": "EWMA",
    "random_walk": "the random walk",
    "har": "HAR",
    "combination": "the GARCH-HAR mean",
    "panel_har": "the panel regression",
}
BASIS_POINTS = 10_000
_MAX_NAMES = 3  # baselines that a line names


def summary_heading(documents: Sequence[Mapping[str, Any]]) -> list[str]:
    """The line above the table of one instrument: last price, its date and its age."""
    if len(documents) > 1:
        return []
    document = documents[0]
    price = price_text(document["last_price"], document["last_price"])
    age = document["age_days"]
    old = f", {age} day{'s' if age != 1 else ''} old" if age else ""
    raw = "; raw intervals" if document["calibration"] == "none" else ""
    return [f"{document['instrument']}: {price} on {document['cutoff']}{old}{raw}"]


def summary_table(documents: Sequence[Mapping[str, Any]]) -> Table:
    """Table of the ranges: a row for each span of one instrument, or for each of several instruments.

    Args:
        documents: Results of `summary_document`.
    """
    table = plain_table()
    heading = f"{100 * documents[0]['level']:g} % range"
    if len(documents) == 1:
        for name in ("", heading, "such ranges held"):
            table.add_column(name, no_wrap=name != "such ranges held")
        for row in documents[0]["ranges"]:
            label = f"in {row['span']}, to {row['date']}"
            table.add_row(label, _range_text(documents[0], row), held_text(row, documents[0]["level"], count=True))
        return table
    for name in ("", "last price"):
        table.add_column(name, no_wrap=True)
    for row in documents[0]["ranges"]:
        table.add_column(f"{heading} in {row['span']}", no_wrap=True)
        table.add_column("held", no_wrap=True)
    for document in documents:
        cells: list[str | Text] = [document["instrument"], price_text(document["last_price"], document["last_price"])]
        for row in document["ranges"]:
            cells += [_range_text(document, row), held_text(row, document["level"])]
        table.add_row(*cells[: len(table.columns)])
    return table


def _range_text(document: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    return " to ".join(price_text(row[key], document["last_price"]) for key in ("low", "high"))


def held_text(row: Mapping[str, Any], level: float, *, count: bool = False) -> Text:
    """Share of earlier ranges that held, with what a test says of it.

    Args:
        row: ``held``, ``n``, ``outcome`` and ``judged_level``.
        level: Nominal share.
        count: True to add the number of ranges and the judgement in words.
    """
    if row["held"] is None:
        return Text("not tested" if count else "-")
    text = f"{100 * row['held']:.0f} %"
    style = {"too_narrow": BAD, "consistent": GOOD}.get(row["outcome"], "")
    if not count:
        return Text(text, style)
    judged = "" if row["judged_level"] == level else f" {100 * row['judged_level']:g} %"
    words = {
        "too_narrow": f" times,{judged} too narrow",
        "too_wide": f" times,{judged} too wide",
        "too_few_rows": ", too few to tell",
    }
    return Text(f"{text} of {row['n']:,}{words.get(row['outcome'], ' times')}", style)


def summary_lines(document: Mapping[str, Any], *, verbose: bool = False) -> list[str]:
    """Lines of the summary after its table: direction, comparison with simple rules, and the run.

    Args:
        document: ``train/1``.
        verbose: True if all scores, and the run, stand above the summary.
    """
    verdict = document["verdict"]
    names = list(document["verdicts"])
    if verdict is None:
        lines = ["not tested: there are no test rows"]
    elif len(names) > 1:
        lines = [f"all {len(names)} together, next {SPANS[document['interval']]}: {verdict_summary(verdict)}"]
    else:
        lines = [
            f"direction: {direction_text(verdict['direction'])}",
            f"simple rules: {density_text(verdict['density'])}",
        ]
    if epochs := document["kept_epochs"]:
        shown = f"epoch{'s' if len(epochs) > 1 else ''} {joined_names(list(map(str, epochs)))}"
        lines.append(f"early stopping: weights of {shown}, of the lowest validation loss")
    lines += _accuracy_lines(document)
    unit = "ten-thousandths of the price's unit" if document["differences"] else "basis points"
    lines += [_member_line(scores, unit) for scores in document["members"]]
    more = len(document["instruments"]) - len(document["summary"])
    if more > 0:
        lines.insert(0, f"{more} more instrument{'s' if more > 1 else ''}: see forecast predict")
    if verbose:
        return lines
    refit = ", fitted again on all rows; the shares are those of the fit before" if document["refit"] else ""
    return [*lines, f"run: {document['run_id']}{refit} (all scores: --verbose)"]


def _accuracy_lines(document: Mapping[str, Any]) -> list[str]:
    """The "accuracy" of many tutorials, of the model and of the last price."""
    accuracy = document["accuracy"]
    if accuracy is None:
        return []
    model, naive = (f"{accuracy[name]:.2f} %" for name in ("model", "naive"))
    return [f'"accuracy" (100 % - MAPE): {document["model"]} {model}, "tomorrow = today" {naive}']


def _member_line(scores: Mapping[str, Any], unit: str) -> str:
    """Spread of the CRPS over the members of an ensemble; members of several kinds are listed."""
    single = scores["crps_of_members"]
    best, worst, whole = (number_text(BASIS_POINTS * loss) for loss in (min(single), max(single), scores["crps"]))
    kinds = scores["kinds"]
    if len(set(kinds)) == 1:
        members = "seeds"
        losses = f"{best} to {worst}"
    else:
        pairs = zip(kinds, single, strict=True)
        members = "members"
        losses = ", ".join(f"{kind} {number_text(BASIS_POINTS * loss)}" for kind, loss in pairs)
    where = f"on the test rows of {scores['instrument']}"
    return f"{len(single)} {members} {where}: CRPS {losses} {unit}, their mean forecast {whole}"


def direction_text(claim: Mapping[str, Any]) -> str:
    """Comparison of the direction with chance, in words."""
    if claim["outcome"] == "not_applicable":
        if claim["untestable"] == "one_direction":
            return "not tested; the forecasts, or the price, move in one direction only"
        return "not predicted; the most likely price is about the last one"
    if claim["untestable"] is not None or claim["hit_rate"] is None:
        return "too few rows to tell"
    words = {"better": "better than chance", "worse": "worse than chance"}.get(
        claim["outcome"], "no better than chance"
    )
    return f"{words}, {100 * claim['hit_rate']:.0f} % correct"


def density_text(claim: Mapping[str, Any]) -> str:
    """Comparison of the distribution with the baselines, in words."""
    if claim["untestable"] is not None:
        return "too few rows to tell" if claim["untestable"] == "too_few_days" else claim["text"].partition(": ")[2]
    names = [_NAMES.get(name, name) for name in claim["baselines"]]
    against = _NAMES.get(claim["against"], claim["against"])
    if claim["outcome"] == "better":
        gain = f"{percent_text(100 * (1 - claim['crps_ratio'][claim['best']]))} % lower CRPS than"
        if len(names) > _MAX_NAMES:
            return f"better than all {len(names)}, {gain} {_NAMES.get(claim['best'], claim['best'])}"
        return f"better than {joined_names(names)}, {gain} the best"
    if claim["outcome"] == "worse":
        return f"worse than {against}, {percent_text(100 * (claim['crps_ratio'][claim['against']] - 1))} % higher CRPS"
    p_value = "" if claim["p_value"] is None else f" ({p_value_text(claim['p_value'])})"
    return f"not significantly better than {against}{p_value}"
