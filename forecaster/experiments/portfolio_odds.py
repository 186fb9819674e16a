"""Risk of a portfolio: value at risk, contributions, hedges, and the record, with the provenance of the forecasts."""

import dataclasses

from forecaster.data.portfolio_files import Portfolio
from forecaster.evaluation.portfolio import JointPrices, PortfolioRisk
from forecaster.evaluation.portfolio_record import PastLosses
from forecaster.experiments.predictions import Prediction
from forecaster.frames import Row, Tabular

__all__ = ["Hedge", "PortfolioOddsResult"]


@dataclasses.dataclass(frozen=True)
class Hedge:
    """Amount of one currency or stock that leaves the portfolio with the least variance at a step.

    Args:
        name: Currency or symbol.
        step: Rows after the cutoff.
        amount: Units to add; negative to sell.
        ratio: Hedge ratio: the value of the units to sell, over the sum of the absolute values of the positions.
        level: Confidence level of the risks below.
        value_at_risk: Value at risk after the hedge.
        expected_shortfall: Expected shortfall after it.
    """

    name: str
    step: int
    amount: float
    ratio: float
    level: float
    value_at_risk: float
    expected_shortfall: float


@dataclasses.dataclass(frozen=True)
class PortfolioOddsResult(Tabular):
    """Risk of a portfolio.

    Args:
        portfolio: The positions.
        base: Currency of all values; None for stocks, in units of their prices.
        predictions: Forecasts of the prices, in the order of `joint`.
        joint: Paths of the prices.
        correlation_shrinkage: Share by which the correlations were shrunk towards 0.
        correlation_rows: Rows that decided about them.
        risks: Risk by step and level.
        hedges: Named hedges, by step.
        past: Losses at earlier cutoffs, by step; none where they are not measured.
    """

    portfolio: Portfolio
    base: str | None
    predictions: tuple[Prediction, ...]
    joint: JointPrices
    correlation_shrinkage: float
    correlation_rows: int
    risks: tuple[PortfolioRisk, ...]
    hedges: tuple[Hedge, ...] = ()
    past: tuple[PastLosses, ...] = ()

    @property
    def title(self) -> str:
        """Name of the portfolio and cutoff."""
        return f"Risk of {self.portfolio.label} after {self.predictions[0].forecast.cutoff}"

    @property
    def value(self) -> float:
        """Value of the positions at the last prices, cash in the base currency among them."""
        cash = sum(position.amount for position in self.portfolio.positions if position.name == self.base)
        return float(sum(share.value for share in self.risks[0].shares) + cash)

    def table_rows(self) -> list[Row]:
        """A row for the portfolio and for each position, by step and level."""
        return [row for risk in self.risks for row in self._risk_rows(risk)]

    def _risk_rows(self, risk: PortfolioRisk) -> list[Row]:
        about = {"step": risk.step, "date": risk.date, "level": risk.level, "currency": self.base}
        record = risk.record
        total = {
            "name": "portfolio",
            "amount": None,
            "value": self.value,
            "value_at_risk": risk.value_at_risk,
            "expected_shortfall": risk.expected_shortfall,
            "least_risk_amount": None,
            "record_n": None if record is None else record.n,
            "record_share": None if record is None else record.within,
        }
        shares = [{**dataclasses.asdict(share), "record_n": None, "record_share": None} for share in risk.shares]
        return [{**about, **row} for row in (total, *shares)]
