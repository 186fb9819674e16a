"""What is to be expected of a series that is already in hand."""

from forecaster.data.calendars import trading_weekdays
from forecaster.data.series import PriceSeries
from forecaster.data.validation import Market

__all__ = ["market_of"]


def market_of(series: PriceSeries) -> Market:
    """The market of `series`, whose rows are all final: the days it trades on, and whether it is a pair."""
    return Market(weekdays=trading_weekdays(series), is_pair=series.instrument.kind == "pair")
