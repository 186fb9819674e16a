"""Keys of the document of `forecast odds --portfolio`; see `forecaster.output.json_keys`."""

__all__ = ["PORTFOLIO"]

PORTFOLIO = """
schema | text | portfolio/1
portfolio | text | file of the positions
portfolio_sha256 | text or null | SHA-256 of the file; null for positions that a program gives
base | text or null | currency of all values; null for stocks, in units of their prices
value | number | value of all positions at the last prices
cutoff | date | last row that the forecasts use
interval | text | frequency: 1d, 1wk or 1mo
in_sample | true or false | true if a run has seen rows after the cutoff
positions[].amount | number | units; negative for a short position
positions[].name | text | currency or symbol
prices[].instrument | text | instrument whose price is forecast
prices[].run_id | text | run that made the forecast
prices[].data_sha256 | text | SHA-256 of the rows that were read
prices[].last_price | number | price at the cutoff
prices[].calibrated | true or false | true if past coverage adjusts the widths
correlation.shrinkage | number | share by which the correlations are shrunk towards 0
correlation.rows | integer | rows that decided about them
paths | integer | paths of the prices
risks[].step | integer | rows after the cutoff
risks[].date | date | day
risks[].level | number | confidence level
risks[].value_at_risk | number | loss that is exceeded with the probability 1 - level
risks[].expected_shortfall | number | mean of the losses beyond it
risks[].undiversified | number | sum of the values at risk of the positions alone
risks[].shares[].name | text | currency or symbol
risks[].shares[].amount | number | units
risks[].shares[].value | number | value at the last price
risks[].shares[].value_at_risk | number | contribution to the value at risk; contributions sum to it
risks[].shares[].expected_shortfall | number | contribution to the expected shortfall likewise
risks[].shares[].least_risk_amount | number | units that leave the least variance, if all others stay
risks[].record | null | null where it was not measured; otherwise the keys below
risks[].record.n | integer | past days
risks[].record.within | number | share of them whose loss was within the value at risk
risks[].record.error | number or null | standard error of the share, which allows for overlapping spans
risks[].record.outcome | text | judgement: consistent, too_narrow, too_wide, too_few_rows or constant_price
hedges[].name | text | currency or symbol of a named hedge
hedges[].step | integer | rows after the cutoff
hedges[].amount | number | units to add for the least variance; negative to sell
hedges[].ratio | number | value of the units to sell over the sum of the absolute values of the positions
hedges[].level | number | confidence level of the risks below
hedges[].value_at_risk | number | value at risk after the hedge
hedges[].expected_shortfall | number | expected shortfall after it
record_since | date or null | first cutoff of the record
record_until | date or null | last cutoff
"""
