"""Odds of prices and risk of a position: answers of one forecast, with their record and provenance."""

import dataclasses

from forecaster.data.positions import Position
from forecaster.evaluation.position_risk import BreakEven, PositionRisk
from forecaster.evaluation.price_odds import PriceAnswer
from forecaster.experiments.predictions import Prediction
from forecaster.frames import Row, Tabular

__all__ = ["OddsResult"]


@dataclasses.dataclass(frozen=True)
class OddsResult(Tabular):
    """Answers of a forecast.

    Args:
        prediction: The forecast, up to the last step that an answer needs.
        answers: Answers to questions about the price.
        position: Position whose risk is wanted; None without one.
        currency: Currency of its losses; None for a stock, whose losses are in units of its price.
        risks: Risk of the position, by step and level.
        break_even: Hit rates that pay for the spread, by step.
    """

    prediction: Prediction
    answers: tuple[PriceAnswer, ...] = ()
    position: Position | None = None
    currency: str | None = None
    risks: tuple[PositionRisk, ...] = ()
    break_even: tuple[BreakEven, ...] = ()

    @property
    def title(self) -> str:
        """Instrument, cutoff and last price."""
        return f"Odds of {self.prediction.title}"

    def table_rows(self) -> list[Row]:
        """A row for each answer, risk and hit rate, named in the column ``question``."""
        prediction = self.prediction
        about = {
            "instrument": prediction.instrument.name,
            **{key: getattr(prediction, key) for key in ("run_id", "model", "configuration", "source", "frequency")},
            "cutoff": prediction.forecast.cutoff,
            "last_price": prediction.forecast.last_price,
            **{key: getattr(prediction, key) for key in ("calibrated", "in_sample")},
        }
        rows = [
            *map(_answer_row, self.answers),
            *(self._risk_row(risk) for risk in self.risks),
            *map(_break_even_row, self.break_even),
        ]
        columns = dict.fromkeys(column for row in rows for column in row)
        return [{**about, **{column: row.get(column) for column in columns}} for row in rows]

    def _risk_row(self, risk: PositionRisk) -> Row:
        record = risk.record
        position = self.position
        return {
            "question": "value at risk",
            "step": risk.step,
            "date": risk.date,
            "level": risk.level,
            "price": risk.price,
            "amount": None if position is None else position.amount,
            "unit": None if position is None else position.name,
            "currency": self.currency,
            "value_at_risk": risk.value_at_risk,
            "expected_shortfall": risk.expected_shortfall,
            "value_at_risk_own": risk.value_at_risk_own,
            "expected_shortfall_own": risk.expected_shortfall_own,
            "record_n": None if record is None else record.n,
            "record_share": None if record is None else record.within,
        }


def _answer_row(answer: PriceAnswer) -> Row:
    question = answer.question
    record = answer.record
    alike = None if record is None else record.bin_of(answer.probability)
    return {
        "question": question.kind,
        "step": question.step,
        "date": answer.date,
        "price": question.prices[0],
        "price_high": question.prices[1] if len(question.prices) > 1 else None,
        "probability": answer.probability,
        "otherwise": answer.otherwise,
        "at": answer.at,
        "record_n": None if alike is None else alike.n,
        "record_share": None if alike is None else alike.share,
    }


def _break_even_row(rate: BreakEven) -> Row:
    return {
        "question": "break-even hit rate",
        "step": rate.step,
        "date": rate.date,
        "spread": rate.spread,
        "mean_move": rate.mean_move,
        "probability": rate.hit_rate if rate.hit_rate <= 1 else None,
    }
