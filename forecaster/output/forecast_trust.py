"""Trust in a forecast, in words: past coverage of its ranges, skill, and the age of its price."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from forecaster.data.calendars import SPANS
from forecaster.output.styles import BAD

__all__ = ["age_text", "event_lines", "held_cells", "provenance_line", "shown_steps", "strongest_skill", "trust_lines"]

MAX_ROWS = 12  # of a table that shows every step
FIRST_STEPS = 5  # that a longer table shows one by one
MIN_DAY_EFFECT = 0.05  # of a known event on the size of the day's move, from which on it is shown
MAX_NAMED_DAYS = 3
_LATER_STEPS = (10, 15, 20, 40, 60, 90, 120, 180, 250)
_FEW_STEPS = (5, 10, 20, 60, 120, 250)
_MARKS = {"too_narrow": "!", "too_few_rows": "?"}


def shown_steps(document: Mapping[str, Any], *, every_step: bool) -> list[Mapping[str, Any]]:
    """Steps of a table: all of a short one; of a long one the first five, some later ones and the last.

    With several prices, or one of many digits, a terminal of 80 columns shows two blocks: fewer steps fit its height.

    Args:
        document: ``forecast/1``.
        every_step: True for all.
    """
    steps: list[Mapping[str, Any]] = document["steps"]
    is_wide = len("".join(steps[0]["odds"])) > len("above_160")  # a column of five characters fits 80
    if every_step or len(steps) <= (FIRST_STEPS if is_wide else MAX_ROWS):
        return steps
    first, later = (1, _FEW_STEPS) if is_wide else (FIRST_STEPS, _LATER_STEPS)
    return [step for step in steps if step["step"] <= first or step["step"] in (*later, len(steps))]


def held_cells(document: Mapping[str, Any], levels: Sequence[float]) -> dict[int, Text]:
    """Step -> shares of earlier ranges that held, such as ``81/95``; ``!`` where they were too narrow.

    ``?`` marks shares of too few outcomes.
    """
    if document["coverage"] is None:
        return {}
    keys = [format(level, "g") for level in levels]
    cells = {}
    for record in document["coverage"]["steps"]:
        shares = [f"{100 * record['coverage'][key]:.0f}" for key in keys if key in record["coverage"]]
        if len(shares) == len(keys):
            style = BAD if record["outcome"] == "too_narrow" else ""
            cells[record["step"]] = Text("/".join(shares) + _MARKS.get(record["outcome"], ""), style)
    return cells


def provenance_line(document: Mapping[str, Any]) -> str:
    """Length of a row, run and configuration."""
    rows = {"1d": "daily rows", "1wk": "weekly rows", "1mo": "monthly rows"}[document["interval"]]
    refit = ", fitted again on all rows" if document["refit"] else ""
    return f"{rows}; run {document['run_id']}; configuration {document['configuration']}{refit}"


def trust_lines(document: Mapping[str, Any], levels: Sequence[float], *, every_step: bool) -> list[str]:
    """Lines under the table of a forecast: rows left out, past coverage, scaled steps, age of the price."""
    span = SPANS[document["interval"]]
    lines = []
    steps = [step["step"] for step in shown_steps(document, every_step=every_step)]
    hidden = len(document["steps"]) - len(steps)
    cells = {step: cell for step, cell in held_cells(document, levels).items() if step in steps}
    if cells:
        record = document["coverage"]
        counts = [step["n"] for step in record["steps"] if step["step"] in cells]
        names = " and ".join(f"{100 * level:g}" for level in levels)
        marks = "".join(cell.plain[-1] for cell in cells.values())
        times = str(max(counts)) if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
        text = f"held: % of the {names} % ranges that held since {record['since']} ({times} times)"
        plural = "" if list(cells) == [1] else "s"
        text += "; !: too narrow" if "!" in marks else ""
        text += "; ?: too few rows to tell" if "?" in marks else ""
        text += (
            f"; -: measured only at {', '.join(map(str, cells))} {span}{plural}" if not set(steps) <= set(cells) else ""
        )
        lines.append(text)
    elif document["coverage"] is None:
        lines.append("held: not measured for this instrument and cutoff")
    if document["drift"]:
        direction = "rises" if document["drift"] > 0 else "falls"
        lines.append(f"median: {direction} with a drift that past prices of {document['instrument']} support")
    lines += event_lines(document)
    beyond = [step for step in document["steps"] if step["scaled"] or step["fed_back"]]
    if beyond:
        way = "scaled by the square root of time" if beyond[0]["scaled"] else "recursive, from the forecasts before"
        lines.append(f"*: later than {span} {beyond[0]['step'] - 1}, the horizon of the run; {way}")
    if hidden:
        lines.append(f"{hidden} of {len(document['steps'])} {span}s are not shown: --verbose, or --format csv")
    if document["past_steps"]:
        lines.append(f"warning: {age_text(document['age_days'], document['past_steps'])}")
    return lines


def age_text(age_days: int, past_steps: int) -> str:
    """Statement about a last price so old that days of the forecast are past.

    >>> age_text(2, 1)
    'the last price is 2 days old, and the first date is past; newer prices: --refresh, or a newer file'
    """
    past = "first date is" if past_steps == 1 else f"first {past_steps} dates are"
    days = f"{age_days} day{'s' if age_days != 1 else ''}"
    return f"the last price is {days} old, and the {past} past; newer prices: --refresh, or a newer file"


def event_lines(document: Mapping[str, Any]) -> list[str]:
    """Line about the coming days whose known events widen or narrow the ranges most."""
    days = [
        step
        for step in document["steps"]
        if step["events"] and step["day_size"] is not None and abs(step["day_size"] - 1) >= MIN_DAY_EFFECT
    ]
    if not days:
        return []
    strongest = sorted(days, key=lambda step: abs(math.log(step["day_size"])), reverse=True)[:MAX_NAMED_DAYS]
    named = sorted(strongest, key=lambda step: step["date"])
    texts = [f"{step['date']} {' and '.join(step['events'])} x{step['day_size']:.2f}" for step in named]
    more = f", and {len(days) - len(named)} more: forecast events" if len(days) > len(named) else ""
    return [f"moves of these days against ordinary ones: {', '.join(texts)}{more}"]


def strongest_skill(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """`document` with the skill against the baseline that comes closest, or is ahead, alone."""
    ratios: dict[str, list[float]] = {}
    for skill in document["skill"] or []:
        ratios.setdefault(skill["reference"], []).append(skill["crps_ratio"])
    if not ratios:
        return document
    strongest = max(ratios, key=lambda name: sum(ratios[name]) / len(ratios[name]))
    return {**document, "skill": [skill for skill in document["skill"] if skill["reference"] == strongest]}
