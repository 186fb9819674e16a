"""Odds in words: a sentence for each answer, the tables below, and the record of earlier answers."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from forecaster.data.calendars import SPANS
from forecaster.output.tables import number_text, plain_table, price_text, probability_text

__all__ = ["answer_table", "break_even_table", "odds_lines", "odds_sentences", "record_cells", "risk_table"]

MAX_SENTENCES = 4
"""Sentences about prices; more answers are a table alone."""

_PREDICATES = {
    "above": "ends above {}",
    "below": "ends below {}",
    "between": "ends from {} to {}",
    "touch": "reaches {}",
}


def odds_sentences(document: Mapping[str, Any]) -> list[str]:
    """A sentence for each answer about a price, for the position at its first step, and for the spread.

    Args:
        document: ``odds/1``.
    """
    answers = document["answers"]
    sentences = [_answer_sentence(document, answer) for answer in answers] if len(answers) <= MAX_SENTENCES else []
    if not sentences and answers:
        ladder = all(answer["question"] == "above" for answer in answers)
        event = "of ending above these prices on" if ladder else "up to"
        price = _price(document, document["last_price"])
        sentences.append(f"{document['instrument']} is at {price}; probabilities {event} {answers[0]['date']}:")
    if document["risks"]:
        sentences.append(_risk_sentence(document))
    if document["break_even"]:
        sentences.append(_break_even_sentence(document))
    return sentences


def _answer_sentence(document: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    prices = [_typed(price) for price in answer["prices"]]
    predicate = _PREDICATES[answer["question"]].format(*prices)
    when = f"on a day up to {answer['date']}" if answer["question"] == "touch" else f"on {answer['date']}"
    probability = _percent(answer["probability"])
    past = _in_the_past(document, answer)
    return f"{document['instrument']} {predicate} {when} with a probability of {probability}{past}."


def _in_the_past(document: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    record = answer["record"]
    if record is None or record["alike"] is None:
        return ""
    alike = record["alike"]
    tenth = f"{100 * alike['low']:.0f} to {100 * alike['high']:.0f} %"
    return (
        f"; on {alike['n']:,} past {SPANS[document['interval']]}s it was {tenth}, and it came true after "
        f"{alike['happened']:,} of them ({100 * alike['share']:.0f} %)"
    )


def _risk_sentence(document: Mapping[str, Any]) -> str:
    risk = document["risks"][0]
    position = document["position"]
    amount = f"{abs(position['amount']):,.10g} {position['unit']}"
    own = "" if risk["value_at_risk_own"] is None else f" ({number_text(risk['value_at_risk_own'])} {position['unit']})"
    owner = f"A short position of {amount}" if position["amount"] < 0 else f"A position of {amount}"
    return (
        f"{owner} loses more than {number_text(risk['value_at_risk'])}{_currency(document)}{own} up to "
        f"{risk['date']} with a probability of {_percent(1 - risk['level'])}."
    )


def _break_even_sentence(document: Mapping[str, Any]) -> str:
    rate = document["break_even"][0]
    held = _rows(document, rate["step"])
    spread = f"a spread of {rate['spread']:g}"
    if rate["hit_rate"] is None:
        return f"A trade of {held} cannot pay for {spread}: the mean move is {number_text(rate['mean_move'])}."
    share = f"{100 * rate['hit_rate']:.1f} %"
    return f"Trades of {held} pay for {spread} if more than {share} of them have the right direction."


def answer_table(document: Mapping[str, Any]) -> Table | None:
    """Table of the answers about prices; None without any."""
    if not document["answers"]:
        return None
    table = plain_table()
    table.add_column("question", no_wrap=True)
    table.add_column("day", no_wrap=True)
    table.add_column("yes", justify="right", no_wrap=True)
    table.add_column("no", justify="right", no_wrap=True)
    ties = any(answer["at"] for answer in document["answers"])
    if ties:
        table.add_column("of it at", justify="right", no_wrap=True)
    recorded = any(answer["record"] for answer in document["answers"])
    for heading in ("said before", f"{SPANS[document['interval']]}s", "happened") if recorded else ():
        table.add_column(heading, justify="right", no_wrap=True)
    for answer in document["answers"]:
        prices = " and ".join(map(_typed, answer["prices"]))
        day = f"{'by' if answer['question'] == 'touch' else 'on'} {answer['date']}"
        at = [probability_text(answer["at"])] if ties else []
        yes, no = probability_text(answer["probability"]), probability_text(answer["otherwise"])
        table.add_row(f"{answer['question']} {prices}", day, yes, no, *at, *(record_cells(answer) if recorded else ()))
    return table


def record_cells(answer: Mapping[str, Any]) -> Sequence[str]:
    """The class of an answer, the number of earlier answers in it, and how often they came true."""
    record = answer["record"]
    if record is None or record["alike"] is None:
        return "-", "-", "-"
    alike = record["alike"]
    tenth = f"{100 * alike['low']:.0f} to {100 * alike['high']:.0f} %"
    return tenth, f"{alike['n']:,}", f"{alike['share']:.0%}{'?' if alike['too_few'] else ''}"


def risk_table(document: Mapping[str, Any]) -> Table | None:
    """Table of value at risk and expected shortfall; None without a position."""
    if not document["risks"]:
        return None
    unit = document["position"]["unit"]
    own = document["risks"][0]["value_at_risk_own"] is not None
    table = plain_table()
    table.add_column("up to", no_wrap=True)
    table.add_column("level", justify="right", no_wrap=True)
    for name in ("VaR", "ES"):
        for currency in (_currency(document), f" {unit}") if own else (_currency(document),):
            table.add_column(f"{name}{currency}", justify="right", no_wrap=True)
    recorded = any(risk["record"] for risk in document["risks"])
    for heading in ("within", f"{SPANS[document['interval']]}s") if recorded else ():
        table.add_column(heading, justify="right", no_wrap=True)
    for risk in document["risks"]:
        cells = [risk["date"], f"{100 * risk['level']:g} %"]
        for name in ("value_at_risk", "expected_shortfall"):
            cells += [number_text(risk[key]) for key in ((name, f"{name}_own") if own else (name,))]
        record = risk["record"]
        cells += [f"{record['within']:.1%}{_mark(record)}", f"{record['n']:,}"] if record else []
        table.add_row(*cells)
    return table


def _mark(record: Mapping[str, Any]) -> str:
    return {"too_narrow": "!", "too_few_rows": "?"}.get(record["outcome"], "")


def break_even_table(document: Mapping[str, Any]) -> Table | None:
    """Table of break-even hit rates; None without a spread."""
    if not document["break_even"]:
        return None
    table = plain_table()
    table.add_column("held to", no_wrap=True)
    for heading in ("mean move", "spread", "break-even hit rate"):
        table.add_column(heading, justify="right", no_wrap=True)
    for rate in document["break_even"]:
        share = "more than 100 %" if rate["hit_rate"] is None else f"{rate['hit_rate']:.1%}"
        table.add_row(rate["date"], number_text(rate["mean_move"]), format(rate["spread"], "g"), share)
    return table


def odds_lines(document: Mapping[str, Any]) -> list[str]:
    """Lines under the tables: the record, limits of touches and of risks, provenance."""
    lines = [*_record_lines(document), *_risk_lines(document)]
    if any(answer["question"] == "touch" for answer in document["answers"]):
        lines.append(
            f"touch: on the one price of each {SPANS[document['interval']]} up to the day; prices in between are not "
            "forecast, and may reach more"
        )
    if any(answer["scaled"] for answer in document["answers"]):
        lines.append("scaled: the day lies beyond the horizon of the run, by the square root of time")
    if document["in_sample"]:
        lines.append("in-sample: the run has seen later rows; a forecast made then could not have been as good")
    calibrated = "calibrated" if document["calibrated"] else "raw widths"
    lines.append(
        f"{document['instrument']} after {document['cutoff']} at {_price(document, document['last_price'])}; "
        f"{calibrated}; run {document['run_id']}"
    )
    return lines


def _record_lines(document: Mapping[str, Any]) -> list[str]:
    records = [answer["record"] for answer in document["answers"] if answer["record"] is not None]
    if not records:
        return ["said before: not measured for this run, instrument and day"] if document["answers"] else []
    record = records[0]
    step = document["answers"][0]["step"]
    text = (
        f"said before: answers of {record['since']} to {record['until']} to the same question, "
        "about a price as far away"
    )
    text += f"; spans of {_rows(document, step)} overlap" if step > 1 else ""
    strides = {record["stride"] for record in records} - {1}
    if strides:
        text += f"; a touch is asked every {max(strides)} rows"
    alike = [record["alike"] for record in records if record["alike"]]
    if alike and step > 1:
        fewest = min(each["separate"] for each in alike)
        most = max(each["separate"] for each in alike)
        count = f"{fewest}" if fewest == most else f"{fewest} to {most}"
        text += f", and {count} of these {SPANS[document['interval']]}s have no common span"
    few = any(each["too_few"] for each in alike)
    return [text, *([f"?: too few {SPANS[document['interval']]}s without a common span to tell"] if few else [])]


def _risk_lines(document: Mapping[str, Any]) -> list[str]:
    if not document["risks"]:
        return []
    lines = ["VaR, ES: loss that is exceeded with the probability 100 % - level, and the mean of the losses beyond it"]
    unit = document["position"]["unit"]
    if document["risks"][0]["value_at_risk_own"] is not None:
        price = _price(document, document["last_price"])
        lines[0] += f"; in {unit} at the last price, {price}"
    elif document["position"]["currency"] is None:
        lines[0] += "; in units of the price"
    records = [risk["record"] for risk in document["risks"] if risk["record"]]
    if records:
        marks = {_mark(record) for record in records}
        text = "within: share of the past whose loss was within the VaR of its day"
        text += "; !: too few were" if "!" in marks else ""
        text += "; ?: too few days to tell" if "?" in marks else ""
        lines.append(text)
    return lines


def _currency(document: Mapping[str, Any]) -> str:
    currency = document["position"]["currency"]
    return f" {currency}" if currency else ""


def _rows(document: Mapping[str, Any], step: int) -> str:
    return f"{step} {SPANS[document['interval']]}{'s' if step > 1 else ''}"


def _percent(share: float) -> str:
    """A probability in a sentence."""
    return probability_text(share).replace("%", " %")


def _typed(price: float) -> str:
    return format(price, ".12g")


def _price(document: Mapping[str, Any], price: float) -> str:
    return price_text(price, document["last_price"])
