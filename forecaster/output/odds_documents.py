"""JSON document of odds, ``odds/1``, and its rows."""

import dataclasses
from typing import Any

from forecaster.evaluation.position_risk import BreakEven, PositionRisk
from forecaster.evaluation.price_odds import PriceAnswer
from forecaster.evaluation.reliability import Reliability, ReliabilityBin
from forecaster.experiments.odds import OddsResult

__all__ = ["answer_document", "odds_document", "odds_rows"]

_PROVENANCE = ("run_id", "model", "configuration", "source", "data_sha256", "in_sample", "calibrated", "calendar")


def odds_document(result: OddsResult) -> dict[str, Any]:
    """The document ``odds/1``."""
    prediction = result.prediction
    forecast = prediction.forecast
    position = result.position
    return {
        "schema": "odds/1",
        "instrument": prediction.instrument.name,
        **{key: getattr(prediction, key) for key in _PROVENANCE},
        "interval": prediction.frequency,
        "cutoff": str(forecast.cutoff),
        "last_price": forecast.last_price,
        "answers": [answer_document(answer, forecast.scaled_from) for answer in result.answers],
        "position": None
        if position is None
        else {"amount": position.amount, "unit": position.name, "currency": result.currency},
        "risks": [_risk_document(risk) for risk in result.risks],
        "break_even": [_break_even_document(rate) for rate in result.break_even],
        **{key: getattr(prediction, key) for key in ("age_days", "past_steps")},
    }


def odds_rows(result: OddsResult) -> list[dict[str, Any]]:
    """A row for each answer, with the same columns."""
    rows = result.table_rows()
    return [{key: str(value) if key in ("date", "cutoff") else value for key, value in row.items()} for row in rows]


def answer_document(answer: PriceAnswer, scaled_from: int | None) -> dict[str, Any]:
    """One answer of the document; `scaled_from` is the first step that is scaled by the square root of time."""
    question = answer.question
    return {
        "question": question.kind,
        "prices": list(question.prices),
        "step": question.step,
        "date": str(answer.date),
        "scaled": scaled_from is not None and question.step >= scaled_from,
        "probability": answer.probability,
        "otherwise": answer.otherwise,
        "at": answer.at,
        "record": None if answer.record is None else _record_document(answer.record, answer.probability),
    }


def _record_document(record: Reliability, probability: float) -> dict[str, Any]:
    alike = record.bin_of(probability)
    return {
        "since": str(record.since),
        "until": str(record.until),
        "n": record.n,
        "stride": record.stride,
        "probability": record.probability,
        "happened": record.happened,
        "alike": None if alike is None else _bin_document(alike),
        "bins": [_bin_document(each) for each in record.bins],
    }


def _bin_document(each: ReliabilityBin) -> dict[str, Any]:
    keys = ("low", "high", "n", "separate", "probability", "happened", "share", "error", "is_meagre")
    return {"too_few" if key == "is_meagre" else key: getattr(each, key) for key in keys}


def _risk_document(risk: PositionRisk) -> dict[str, Any]:
    amounts = ("value_at_risk", "expected_shortfall", "value_at_risk_own", "expected_shortfall_own")
    return {
        "step": risk.step,
        "date": str(risk.date),
        "level": risk.level,
        "price": risk.price,
        **{key: getattr(risk, key) for key in amounts},
        "record": None if risk.record is None else dataclasses.asdict(risk.record),
    }


def _break_even_document(rate: BreakEven) -> dict[str, Any]:
    return {
        "step": rate.step,
        "date": str(rate.date),
        "spread": rate.spread,
        "mean_move": rate.mean_move,
        "hit_rate": rate.hit_rate if rate.hit_rate <= 1 else None,
    }
