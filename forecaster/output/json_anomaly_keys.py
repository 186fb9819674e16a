"""Keys of the document of `forecast anomalies`; see `forecaster.output.json_keys`."""

__all__ = ["ANOMALIES"]

ANOMALIES = """
schema | text | anomalies/1
instrument | text | name of the instrument
source | text | source of the prices
data_sha256 | text | SHA-256 of the rows that were read
interval | text | frequency: 1d, 1wk or 1mo
model | text | baseline whose forecasts are the standard
refits | integer | fits of the baseline, each on the rows before
first | date | first day that was tested
last | date | last day that was tested
tests | integer | days that were tested
rate | number | largest expected share of false discoveries among the days
range_level | number | coverage of the range of low and high
days[].date | date | anomalous day
days[].kind | text | event, bad_tick, unconfirmed (until up to three rows later) or unit_change (such as a split)
days[].known_from | date | day from which the kind is known
days[].move | number | log return
days[].price | number | price of the day
days[].low | number or null | lower end of the forecast range; null for a row that the validation repaired
days[].high | number or null | upper end; null likewise
days[].pit | number or null | forecast probability of a smaller return; null likewise
days[].p_value | number or null | forecast probability of a return at least as far from the median; null likewise
days[].adjusted_p_value | number or null | by Benjamini and Hochberg, over all days; null likewise
days[].at_once | true or false or null | true if the days up to it alone were enough (LORD++); null likewise
days[].names[] | text | announcements, holidays and events of the day
regimes[].date | date | first day of the new regime of volatility, as estimated when it was known
regimes[].known_from | date | day after which it was known
regimes[].direction | text | up or down
regimes[].volatility_before | number | standard deviation of a row's log return in the regime before
regimes[].volatility_after | number | standard deviation from the first day to the one on which it was known
"""
