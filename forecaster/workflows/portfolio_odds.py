"""`odds --portfolio`: joint risk of positions in several currencies or stocks."""

import dataclasses
import datetime
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from forecaster.arrays import DateArray, FloatArray
from forecaster.data.horizons import parse_horizon, rows_until
from forecaster.data.instruments import CURRENCIES, parse_pair
from forecaster.data.portfolio_files import Portfolio, portfolio_of, read_portfolio
from forecaster.data.positions import parse_position
from forecaster.data.series import PriceSeries
from forecaster.datasets.keywords import Day, InstrumentKeywords, Texts, day_of, exact_keywords, selection_of, texts_of
from forecaster.datasets.selection import Selection
from forecaster.environment import Environment
from forecaster.errors import ForecasterError, UsageError
from forecaster.evaluation.portfolio import JointPrices, PortfolioRisk, joint_prices, least_risk_amount, portfolio_risk
from forecaster.evaluation.portfolio_record import (
    CORRELATION_ROWS,
    Holding,
    PastLosses,
    past_losses,
    recent_correlation,
    standardised_moves,
)
from forecaster.experiments.forecasting import Wanted, forecasts_together
from forecaster.experiments.portfolio_odds import Hedge, PortfolioOddsResult
from forecaster.experiments.predictions import Prediction
from forecaster.experiments.run_selection import RunQuery, SelectedRun, announce, select_runs
from forecaster.frames import with_fields
from forecaster.workflows.odds import DEFAULT_CONFIDENCE, DEFAULT_STEPS, check_confidence, note_age
from forecaster.workflows.predict import forecast_request, reaching

__all__ = ["PATHS", "PortfolioOdds", "portfolio_odds"]

PATHS = 50_000
"""Paths of the prices."""


@with_fields
class PortfolioOdds(PortfolioOddsResult):
    """Result of `portfolio_odds`, with a picture."""

    def figure(self) -> Any:
        """Earlier losses beside the value at risk, a `matplotlib.figure.Figure`; only this call imports matplotlib."""
        from forecaster.output.portfolio_figure import draw_past_losses

        return draw_past_losses(self)


@exact_keywords
def portfolio_odds(
    *,
    portfolio: str | Path | Mapping[str, float] | Sequence[str],
    base: str | None = None,
    hedge: Texts = (),
    var: Texts | Sequence[int] = (),
    confidence: Sequence[float] = DEFAULT_CONFIDENCE,
    as_of: Day | None = None,
    frequency: str | None = None,
    run: str | None = None,
    calibrate: bool = True,
    home: str | Path | None = None,
    environment: Environment | None = None,
    **source: Unpack[InstrumentKeywords],
) -> PortfolioOdds:
    """Value at risk, expected shortfall, contributions and hedges of a portfolio.

    Args:
        portfolio: File of positions, name -> amount, or texts such as ``"1000000USD"``.
        base: Currency of all values; needed for currencies, and not given for stocks.
        hedge: Currencies or symbols whose amount with the least variance is wanted.
        var: Rows or spans of the risks.
        confidence: Confidence levels, as shares.
        as_of: Last row that the forecasts may use; the newest when None.
        frequency: Length of a row; a day where there is such a run when None.
        run: Id of a run; the best run that fits each price when None.
        calibrate: True if past coverage adjusts the widths of the distributions.
        home: Project folder; the variable FORECAST_HOME or the working directory when None.
        environment: Home folder, clock, progress and messages, in place of `home`.
        source: Source of the prices and its use; no instruments.

    Raises:
        InputFileError: The file holds no portfolio.
        RunNotFoundError: No run fits a price, or none looks so far ahead.
        UsageError: The base is missing or unknown, or the prices do not end on one day.
    """
    environment = environment or Environment.at(home)
    check_confidence(confidence)
    positions = _portfolio(portfolio)
    base = None if base is None else base.upper()
    names = _priced(positions, base, tuple(name.upper() for name in texts_of(hedge)))
    choice = _choice(selection_of(source), names, base)
    query = RunQuery(run, None, frequency)
    selected, steps = _selected(choice, query, texts_of(var), day_of(as_of, "as_of"), environment)
    announce(selected, environment)
    predictions = _predictions(selected, max(steps), choice, calibrate, environment)
    if as_of is None:
        note_age(dataclasses.replace(predictions[0], today=environment.today), environment)
    series = [selection.series for selection in selected]
    rng = np.random.default_rng(selected[0].run.config.seed)
    wishes = _Wishes(positions, base, names, steps, tuple(confidence), tuple(map(str.upper, texts_of(hedge))))
    return _result(wishes, predictions, series, rng)


@dataclasses.dataclass(frozen=True)
class _Wishes:
    """The question, with its spans as steps."""

    portfolio: Portfolio
    base: str | None
    names: tuple[str, ...]
    steps: tuple[int, ...]
    levels: tuple[float, ...]
    hedges: tuple[str, ...]

    @property
    def amounts(self) -> FloatArray:
        """(K,) units of every price; 0 of a hedge that the portfolio does not hold."""
        amounts = {position.name: position.amount for position in self.portfolio.positions}
        return np.array([amounts.get(name, 0.0) for name in self.names])


def _portfolio(given: str | Path | Mapping[str, float] | Sequence[str]) -> Portfolio:
    if isinstance(given, str | Path):
        return read_portfolio(Path(given))
    if isinstance(given, Mapping):
        return portfolio_of([parse_position(f"{amount} {name}") for name, amount in given.items()], "the portfolio")
    return portfolio_of([parse_position(text) for text in given], "the portfolio")


def _priced(portfolio: Portfolio, base: str | None, hedges: Sequence[str]) -> tuple[str, ...]:
    """Names whose prices are forecast: the positions and the hedges, without the base currency.

    Raises:
        UsageError: The base is missing, unknown, or given for stocks; or nothing but it is held.
    """
    names = [position.name for position in portfolio.positions]
    if portfolio.is_of_currencies:
        if base is None:
            raise UsageError(f"{portfolio.label} holds currencies; expected the one to count in, such as --base EUR")
        unknown = [name for name in (base, *hedges) if name not in CURRENCIES]
        if base in hedges:
            raise UsageError(f"--hedge {base}: the portfolio is counted in {base}, which hedges nothing; remove it")
        if unknown:
            raise UsageError(f"{unknown[0]:.40} is no currency of the ECB's rates; expected a code such as EUR")
    elif base is not None:
        raise UsageError(f"{portfolio.label} holds stocks, whose prices have one currency already; remove --base")
    priced = tuple(name for name in dict.fromkeys((*names, *hedges)) if name != base)
    if not set(names) - {base}:
        raise UsageError(f"{portfolio.label} holds {base} alone, which has no risk in {base}; choose another --base")
    return priced


def _choice(choice: Selection, names: Sequence[str], base: str | None) -> Selection:
    """`choice` with the prices of `names`.

    Raises:
        UsageError: Instruments are named besides the portfolio.
    """
    if not choice.is_empty:
        raise UsageError("a portfolio and an instrument are given; expected one of them; remove one")
    if base is None:
        return dataclasses.replace(choice, tickers=tuple(names))
    return dataclasses.replace(choice, pairs=tuple(parse_pair(name + base).name for name in names))


def _selected(
    choice: Selection, query: RunQuery, spans: Sequence[str], day: datetime.date | None, environment: Environment
) -> tuple[list[SelectedRun], tuple[int, ...]]:
    """A run for every price, cut at one day, and the steps of the spans.

    Raises:
        UsageError: The histories end on different days, or have rows of different lengths.
    """
    selected = [selection.until(day) for selection in select_runs(choice, query, environment)]
    frequencies = {selection.series.frequency: selection.instrument.name for selection in selected}
    if len(frequencies) > 1:
        lengths = ", ".join(f"{name} has rows of {frequency}" for frequency, name in frequencies.items())
        raise UsageError(f"{lengths}; expected one length for all prices; add --frequency {min(frequencies)}")
    ends = sorted({(selection.series.dates[-1], selection.instrument.name) for selection in selected})
    if ends[0][0] != ends[-1][0]:
        raise UsageError(
            f"prices of {ends[0][1]} end on {ends[0][0]}, those of {ends[-1][1]} on {ends[-1][0]}; expected one day; "
            f"use --as-of {ends[0][0]}"
        )
    series = selected[0].series
    horizon = min(selection.run.config.horizon for selection in selected)
    steps = [rows_until(series, parse_horizon(span)) for span in spans]
    steps = sorted(set(steps or [step for step in DEFAULT_STEPS if step <= horizon] or [horizon]))
    return [reaching(selection, choice, query, steps[-1], day, environment) for selection in selected], tuple(steps)


def _predictions(
    selected: Sequence[SelectedRun], longest: int, choice: Selection, calibrate: bool, environment: Environment
) -> tuple[Prediction, ...]:
    """The forecast of every price, in their order; those of one run are made together."""
    predictions: dict[str, Prediction] = {}
    for _, group in itertools.groupby(selected, key=lambda selection: selection.run.id):
        members = list(group)
        wanted = []
        for member in members:
            request = forecast_request(member, longest, choice.alone(member.instrument), calibrate, environment)
            wanted.append(Wanted(member.instrument, member.series, dataclasses.replace(request, keep_earlier=True)))
        for member, outcome in zip(members, forecasts_together(members[0].run, wanted), strict=True):
            if isinstance(outcome, ForecasterError):
                raise outcome
            predictions[member.instrument.name] = outcome
    return tuple(predictions[selection.instrument.name] for selection in selected)


def _result(
    wishes: _Wishes, predictions: tuple[Prediction, ...], series: Sequence[PriceSeries], rng: np.random.Generator
) -> PortfolioOdds:
    """Risks, hedges and record, from the forecasts and the histories of all prices."""
    amounts = wishes.amounts
    forecasts = [prediction.forecast for prediction in predictions]
    last = np.array([forecast.last_price for forecast in forecasts])
    holdings = [
        Holding(float(value), history, prediction.instrument.sign, prediction.earlier)
        for value, history, prediction in zip(amounts * last, series, predictions, strict=True)
    ]
    _, moves = standardised_moves(holdings)
    correlation, shrinkage = recent_correlation(moves)
    prices = joint_prices(forecasts, correlation, wishes.steps, PATHS, rng)
    joint = JointPrices(wishes.names, wishes.base, last, wishes.steps, prices)
    past = [past_losses(holdings, step, wishes.levels, rng) for step in wishes.steps]
    return PortfolioOdds(
        portfolio=wishes.portfolio,
        base=wishes.base,
        predictions=predictions,
        joint=joint,
        correlation_shrinkage=shrinkage,
        correlation_rows=min(len(moves), CORRELATION_ROWS),
        risks=tuple(
            _risk(joint, amounts, place, level, forecasts[0].dates, losses)
            for (place, losses), level in itertools.product(enumerate(past), wishes.levels)
        ),
        hedges=tuple(
            _hedge(joint, amounts, place, name, wishes.levels[0])
            for name, place in itertools.product(wishes.hedges, range(len(wishes.steps)))
        ),
        past=tuple(losses for losses in past if losses is not None),
    )


def _risk(
    joint: JointPrices, amounts: FloatArray, place: int, level: float, dates: DateArray, past: PastLosses | None
) -> PortfolioRisk:
    risk = portfolio_risk(joint, amounts, place, level, dates[joint.steps[place] - 1])
    return risk if past is None else dataclasses.replace(risk, record=past.record(level))


def _hedge(joint: JointPrices, amounts: FloatArray, place: int, name: str, level: float) -> Hedge:
    """The hedge with `name` at the step at `place`."""
    column = joint.names.index(name)
    hedged = amounts.copy()
    hedged[column] = least_risk_amount(joint.prices[:, place], amounts, column)
    after = portfolio_risk(joint, hedged, place, level, np.datetime64("NaT"))
    added = float(hedged[column] - amounts[column])
    gross = float(np.abs(amounts) @ joint.last)
    return Hedge(
        name=name,
        step=joint.steps[place],
        amount=added,
        ratio=-added * float(joint.last[column]) / gross,
        level=level,
        value_at_risk=after.value_at_risk,
        expected_shortfall=after.expected_shortfall,
    )
