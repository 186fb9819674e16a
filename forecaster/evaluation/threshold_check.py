"""Thresholds: a ladder of round prices around the last one, and prices that are out of reach."""

import math
from collections.abc import Sequence

from forecaster.evaluation.price_odds import PriceAnswer, PriceQuestion, QuestionKind, answered
from forecaster.forecast import Forecast, PriceTargets

__all__ = ["comma_slip", "far_threshold", "ladder", "slips"]

LADDER_STEPS = 3
"""Round prices on each side of the last one."""

_MAX_RATIO = 2.0  # of a price to the last one, up to which it is always answered
_MAX_SHOWN = 1e12  # ratio up to which a message is about a slip of the unit
_MIN_FAR = math.log(1.4)  # distance to the last price at which a second price may be digits after a decimal comma
_IMPOSSIBLE = 1e-4  # probability below which a far price is taken for a slip
_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)


def ladder(forecast: Forecast, step: int) -> tuple[float, ...]:
    """Round prices around the last one, about a quarter of the 95 % range at `step` apart."""
    low, high = forecast.prices([0.025, 0.975])[step - 1].tolist()
    width = (high - low) / (2 * (LADDER_STEPS + 0.5)) or abs(forecast.last_price) / 100 or 1.0
    power = 10.0 ** math.floor(math.log10(width))
    unit = power * min(_ROUND, key=lambda factor: abs(factor - width / power))
    middle = round(forecast.last_price / unit)
    rungs = (round((middle + place) * unit, 12) for place in range(-LADDER_STEPS, LADDER_STEPS + 1))
    return tuple(rung for rung in rungs if rung > 0 or forecast.changes)


def far_threshold(forecast: Forecast, answer: PriceAnswer) -> str | None:
    """Message about a price that is probably a slip: in another unit, inverted, or not positive; None for others."""
    if forecast.changes:
        return None
    question = answer.question
    for price in question.prices:
        if price <= 0:
            return f"--{question.kind} {price:.12g}: prices of {forecast.instrument} are positive; expected more than 0"
        ratio = price / forecast.last_price
        above = float(forecast.probability_above(price)[question.step - 1])
        extreme = min(above, 1 - above)
        if max(ratio, 1 / ratio) > _MAX_RATIO and extreme < _IMPOSSIBLE:
            times = f"{_times(ratio)} times as much" if ratio > 1 else f"{_times(1 / ratio)} times less"
            return (
                f"--{question.kind} {price:.12g}: {forecast.instrument} is at {forecast.last_price:.6g}, and that is "
                f"{times}{_suggestion(price, forecast.last_price)}"
            )
    return None


def comma_slip(forecast: Forecast, kind: QuestionKind, prices: Sequence[float]) -> str | None:
    """Message about two prices that are one price with a decimal comma, such as 1 and 15 for 1.15; None for others."""
    if len(prices) != 2 or forecast.changes or any(price < 0 or price % 1 for price in prices):
        return None
    whole, part = (f"{price:.0f}" for price in prices)
    meant = f"{whole}.{part}"
    near = abs(math.log(float(meant) / forecast.last_price)) if float(meant) > 0 else math.inf
    far = abs(math.log(prices[1] / forecast.last_price)) if prices[1] > 0 else math.inf
    is_ladder = len(whole) == len(part) > 1 and prices[0] < prices[1]
    if is_ladder or far < _MIN_FAR or near > min(far, _MIN_FAR):
        return None
    return (
        f"--{kind} {whole},{part}: {forecast.instrument} is at {forecast.last_price:.6g}, and a comma separates two "
        f"prices; did you mean {meant}?"
    )


def slips(forecast: Forecast, targets: PriceTargets) -> list[str]:
    """Messages about prices that are probably slips, at the last step."""
    alone: dict[QuestionKind, Sequence[float]] = {"above": targets.above, "below": targets.below}
    messages = [comma_slip(forecast, kind, prices) for kind, prices in alone.items()]
    questions = [PriceQuestion(kind, (price,), forecast.horizon) for kind, prices in alone.items() for price in prices]
    questions += [PriceQuestion("between", between, forecast.horizon) for between in targets.between]
    messages += [far_threshold(forecast, answered(forecast, question)) for question in questions]
    return [message for message in messages if message is not None]


def _times(ratio: float) -> str:
    """Text of a ratio above 1."""
    return f"{ratio:,.0f}" if 100 <= ratio < _MAX_SHOWN else f"{ratio:.3g}"


def _suggestion(price: float, last_price: float) -> str:
    """A price nearby that differs by a power of ten, or the word that the inverse quotation is near."""
    if 1 / _MAX_RATIO < price * last_price < _MAX_RATIO:
        return "; the price of the inverse pair is near it: name that pair"
    if not 1 / _MAX_SHOWN < last_price / price < _MAX_SHOWN:
        return ""
    shifted = price * 10.0 ** round(math.log10(last_price / price))
    near = 1 / _MAX_RATIO < shifted / last_price < _MAX_RATIO
    return f"; did you mean {shifted:.12g}?" if near else ""
