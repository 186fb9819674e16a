"""`odds`: probabilities of prices, risk of a position and break-even hit rate, by the best run that fits."""

import dataclasses
import datetime
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from forecaster.data.calendars import future_dates
from forecaster.data.horizons import parse_horizon, rows_until
from forecaster.data.instruments import Instrument
from forecaster.data.positions import Position, parse_position, position_in
from forecaster.data.series import PriceSeries
from forecaster.datasets.keywords import Day, InstrumentKeywords, Texts, day_of, exact_keywords, selection_of, texts_of
from forecaster.datasets.selection import Selection
from forecaster.environment import Environment
from forecaster.errors import UsageError
from forecaster.evaluation.position_risk import BreakEven, PositionRisk, break_even, loss_record, position_risk
from forecaster.evaluation.price_odds import PriceAnswer, PriceQuestion, QuestionKind, answered, past_answers
from forecaster.evaluation.threshold_check import comma_slip, far_threshold, ladder
from forecaster.experiments.forecasting import forecast_of
from forecaster.experiments.odds import OddsResult
from forecaster.experiments.predictions import Prediction
from forecaster.experiments.run_selection import RunQuery, SelectedRun, announce, select_runs
from forecaster.forecast import Forecast
from forecaster.frames import with_fields
from forecaster.workflows.predict import forecast_request, reaching

__all__ = ["DEFAULT_CONFIDENCE", "DEFAULT_STEPS", "Odds", "check_confidence", "note_age", "odds"]

DEFAULT_CONFIDENCE = (0.95, 0.99)
"""Confidence levels of the value at risk."""

DEFAULT_STEPS = (1, 5, 20)
"""Rows of the value at risk and of the break-even hit rate, as far as the run looks."""


@with_fields
class Odds(OddsResult):
    """Answers of `odds`, with a picture."""

    def figure(self) -> Any:
        """Reliability of the earlier answers, a `matplotlib.figure.Figure`; only this call imports matplotlib."""
        from forecaster.output.odds_documents import odds_document
        from forecaster.output.odds_figure import draw_reliability

        return draw_reliability(odds_document(self))


@dataclasses.dataclass(frozen=True)
class _Wishes:
    """Questions of a user, before the steps of their days are known."""

    thresholds: tuple[tuple[QuestionKind, tuple[float, ...]], ...]
    on: datetime.date | None
    within: str | None
    position: Position | None
    spans: tuple[str, ...]
    levels: tuple[float, ...]
    spread: float | None


@exact_keywords
def odds(
    *,
    above: float | Sequence[float] = (),
    below: float | Sequence[float] = (),
    between: tuple[float, float] | Sequence[tuple[float, float]] = (),
    touch: float | Sequence[float] = (),
    on: Day | None = None,
    within: int | str | None = None,
    position: str | Position | None = None,
    var: Texts | Sequence[int] = (),
    spread: float | None = None,
    confidence: Sequence[float] = DEFAULT_CONFIDENCE,
    far: bool = False,
    as_of: Day | None = None,
    frequency: str | None = None,
    run: str | None = None,
    calibrate: bool = True,
    home: str | Path | None = None,
    environment: Environment | None = None,
    **instruments: Unpack[InstrumentKeywords],
) -> Odds:
    """Probabilities of prices of one instrument, and the risk of a position in it.

    Without a question about a price, a position or a spread, the answers are a ladder of round prices.

    Args:
        above: Prices to end above.
        below: Prices to end below.
        between: Lower and higher end of ranges to end in.
        touch: Prices that a row reaches by the day.
        on: Day of the questions; its last trading day before, where it is none. The last row of the run when None.
        within: Rows ahead, or a span such as ``"1mo"``, in place of `on`; ``"20d"`` are 20 trading days.
        position: Amount of a currency of the pair, or number of shares, such as ``"1000000USD"``.
        var: Rows or spans of the value at risk and the expected shortfall of the position.
        spread: Cost of a trade, in and out, in pips, whose break-even hit rate is wanted.
        confidence: Confidence levels of the value at risk, as shares.
        far: True to answer for prices that are far from the last one, too.
        as_of: Last row that the forecast may use; the newest when None.
        frequency: Length of a row; a day where there is such a run when None.
        run: Id of a run; the best run that fits when None.
        calibrate: True if past coverage adjusts the widths of the distribution.
        home: Project folder; the variable FORECAST_HOME or the working directory when None.
        environment: Home folder, clock, progress and messages, in place of `home`.
        instruments: ``pair``, ``ticker`` or ``csv``, and their source; see `InstrumentKeywords`.

    Raises:
        RunNotFoundError: No run fits, or none looks so far ahead.
        UsageError: A day is past, a price is out of reach, a position is in another currency, or there are several
            instruments.
    """
    environment = environment or Environment.at(home)
    wishes = _Wishes(
        thresholds=_thresholds(above, below, between, touch),
        on=day_of(on, "on"),
        within=None if within is None else str(within),
        position=parse_position(position) if isinstance(position, str) else position,
        spans=texts_of(var),
        levels=tuple(confidence),
        spread=spread,
    )
    _check(wishes)
    choice = selection_of(instruments)
    query = RunQuery(run, None, frequency)
    selection = _selected(choice, query, wishes, day_of(as_of, "as_of"), environment)
    announce([selection], environment)
    steps = _Steps.of(wishes, selection, environment)
    request = forecast_request(selection, steps.longest, choice, calibrate, environment)
    request = dataclasses.replace(request, today=None if as_of else environment.today, keep_earlier=True)
    prediction = forecast_of(selection.run, selection.instrument, selection.series, request)
    note_age(prediction, environment)
    return _answers(prediction, selection.series, wishes, steps, accept_far=far)


def note_age(prediction: Prediction, environment: Environment) -> None:
    """Warn of a last price so old that days of the forecast are past."""
    if prediction.past_steps and prediction.age_days is not None:
        from forecaster.output.forecast_trust import age_text

        environment.note(f"warning: {age_text(prediction.age_days, prediction.past_steps)}")


def _thresholds(
    above: float | Sequence[float],
    below: float | Sequence[float],
    between: tuple[float, float] | Sequence[tuple[float, float]],
    touch: float | Sequence[float],
) -> tuple[tuple[QuestionKind, tuple[float, ...]], ...]:
    """Kind and prices of every question, in the order of the keywords."""
    ranges: Any = [between] if np.ndim(between) == 1 and len(between) else between
    return (
        *(("above", (float(price),)) for price in np.atleast_1d(above)),
        *(("below", (float(price),)) for price in np.atleast_1d(below)),
        *(("between", (float(low), float(high))) for low, high in ranges),
        *(("touch", (float(price),)) for price in np.atleast_1d(touch)),
    )


def _check(wishes: _Wishes) -> None:
    """Refuse questions that contradict one another.

    Raises:
        UsageError: They do.
    """
    strange = [price for _, prices in wishes.thresholds for price in prices if not np.isfinite(price)]
    strange += [low for kind, (low, *high) in wishes.thresholds if kind == "between" and low >= high[0]]
    if strange:
        raise UsageError(f"a question has the price {strange[0]:g}; expected finite prices, the lower one first")
    check_confidence(wishes.levels)
    if wishes.on is not None and wishes.within is not None:
        raise UsageError("--on and --within are given; expected one of them")
    if wishes.spans and wishes.position is None and wishes.spread is None:
        raise UsageError("--var needs a position; add one such as --position 1000000USD")
    if wishes.spans and not wishes.thresholds and (wishes.on is not None or wishes.within is not None):
        raise UsageError(f"--var and --{'on' if wishes.within is None else 'within'} are given; expected one of them")
    if wishes.spread is not None and not 0 < wishes.spread < 1e6:
        raise UsageError(f"--spread is {wishes.spread:g}; expected pips above 0, such as 1.5")


def check_confidence(levels: Sequence[float]) -> None:
    """Refuse what is no list of confidence levels.

    Raises:
        UsageError: It is empty, or a level is not between 0 and 1.
    """
    wrong = [level for level in levels if not 0 < level < 1]
    if wrong or not len(levels):
        raise UsageError(f"confidence is {wrong[0] if wrong else 'empty'}; expected shares such as 0.95")


@dataclasses.dataclass(frozen=True)
class _Steps:
    """Steps of the questions.

    Args:
        price: Step of the questions about the price.
        risk: Steps of the value at risk and of the break-even hit rate.
    """

    price: int
    risk: tuple[int, ...]

    @property
    def longest(self) -> int:
        """Steps that the forecast needs."""
        return max((self.price, *self.risk))

    @classmethod
    def of(cls, wishes: _Wishes, selection: SelectedRun, environment: Environment | None = None) -> "_Steps":
        """The steps in the calendar of the market; a day that is none of its days is reported."""
        series = selection.series
        horizon = selection.run.config.horizon
        price = horizon
        if wishes.on is not None:
            price = rows_until(series, wishes.on)
            last = future_dates(series, price)[-1]
            if environment is not None and last != np.datetime64(wishes.on):
                problem = "is no trading day" if series.frequency == "1d" else "dates no row"
                environment.note(f"{wishes.on} {problem} of {series.symbol}; the answer is for {last}")
        elif wishes.within is not None:
            price = rows_until(series, parse_horizon(wishes.within))
        if wishes.position is None and wishes.spread is None:
            return cls(price, ())
        spans = tuple(rows_until(series, parse_horizon(span)) for span in wishes.spans)
        has_day = wishes.on is not None or wishes.within is not None
        usual = (price,) if has_day else tuple(step for step in DEFAULT_STEPS if step <= horizon)
        risk = spans or usual or (horizon,)
        return cls(price if wishes.thresholds else max(risk), tuple(dict.fromkeys(risk)))


def _selected(
    choice: Selection, query: RunQuery, wishes: _Wishes, day: datetime.date | None, environment: Environment
) -> SelectedRun:
    """The best run of the instrument, or one that looks as far as the questions where that does not.

    Raises:
        UsageError: Not one instrument is named.
    """
    selected = select_runs(choice, query, environment)
    if len(selected) != 1:
        names = ", ".join(selection.instrument.name for selection in selected[:5])
        raise UsageError(f"{len(selected)} instruments are named ({names}); expected one")
    steps = _Steps.of(wishes, selected[0].until(day))
    return reaching(selected[0], choice, query, steps.longest, day, environment)


def _answers(prediction: Prediction, series: PriceSeries, wishes: _Wishes, steps: _Steps, *, accept_far: bool) -> Odds:
    """Answers to all questions.

    Raises:
        UsageError: A price is out of reach, a position is in another currency, or a spread is not in pips.
    """
    forecast = prediction.forecast
    thresholds = wishes.thresholds
    if not (thresholds or wishes.position or wishes.spread):
        thresholds = tuple(("above", (price,)) for price in ladder(forecast, steps.price))
    questions = [PriceQuestion(kind, prices, steps.price) for kind, prices in thresholds]
    answers = [answered(forecast, question) for question in questions]
    if not accept_far:
        _refuse_slips(forecast, answers)
    position = wishes.position
    unit = None if position is None else position_in(position, prediction.instrument)
    return Odds(
        prediction=prediction,
        answers=tuple(_with_record(prediction, series, answer) for answer in answers),
        position=position,
        currency=None if unit is None else unit.quote,
        risks=() if unit is None else _risks(prediction, series, wishes, steps, unit),
        break_even=() if wishes.spread is None else _break_even(prediction, wishes.spread, steps),
    )


def _refuse_slips(forecast: Forecast, answers: Sequence[PriceAnswer]) -> None:
    """Refuse prices that nobody means.

    Raises:
        UsageError: A price is in another unit, or two of them are one with a decimal comma.
    """
    kinds: tuple[QuestionKind, ...] = ("above", "below", "touch")
    alone = {kind: [each.question.prices[0] for each in answers if each.question.kind == kind] for kind in kinds}
    problems = [comma_slip(forecast, kind, prices) for kind, prices in alone.items()]
    problems += [far_threshold(forecast, answer) for answer in answers]
    for problem in filter(None, problems):
        raise UsageError(f"{problem}; add --far if it is meant")


def _break_even(prediction: Prediction, spread: float, steps: _Steps) -> tuple[BreakEven, ...]:
    """Hit rates that pay for `spread` pips, by step."""
    pip = prediction.instrument.pip_size
    if pip is None:
        raise UsageError(f"--spread is in pips; {prediction.instrument.name} has none; expected a currency pair")
    return tuple(break_even(prediction.forecast, spread * pip, step) for step in steps.risk)


def _with_record(prediction: Prediction, series: PriceSeries, answer: PriceAnswer) -> PriceAnswer:
    if prediction.earlier is None:
        return answer
    sign = prediction.instrument.sign
    record = past_answers(prediction.earlier, series, prediction.forecast, answer.question, sign)
    return dataclasses.replace(answer, record=record)


def _risks(
    prediction: Prediction, series: PriceSeries, wishes: _Wishes, steps: _Steps, unit: Instrument
) -> tuple[PositionRisk, ...]:
    """Risk of the position at each step and level."""
    if wishes.position is None:
        return ()
    amount = wishes.position.amount
    same = unit == prediction.instrument
    forecast = prediction.forecast if same else prediction.forecast.mirrored(unit.name)
    risks = []
    for step, level in itertools.product(steps.risk, wishes.levels):
        risk = position_risk(forecast, amount, step, level, is_currency=unit.kind == "pair")
        if prediction.earlier is not None:
            record = loss_record(prediction.earlier, series, step, level, falling=amount * unit.sign > 0)
            risk = dataclasses.replace(risk, record=record)
        risks.append(risk)
    return tuple(risks)
