"""Keys of the document of `forecast odds`; see `forecaster.output.json_keys`."""

__all__ = ["ODDS"]

_BIN = """
{0}low | number | lowest probability of the class
{0}high | number | highest probability
{0}n | integer | days with such an answer
{0}separate | integer | days among them without a common span
{0}probability | number | mean probability
{0}happened | integer | days after which the answer was yes
{0}share | number | their share
{0}error | number or null | standard error of the share, which allows for overlapping spans
{0}too_few | true or false | true if too few days without a common span say anything
""".strip()

ODDS = f"""
schema | text | odds/1
instrument | text | instrument
run_id | text | run that made the forecast
model | text | model
configuration | text | configuration of the run
source | text | source of the prices
data_sha256 | text | SHA-256 of the rows that were read
in_sample | true or false | true if the run has seen rows after the cutoff
calibrated | true or false | true if past coverage adjusts the widths
calendar | text | calendar of the dates
interval | text | frequency: 1d, 1wk or 1mo
cutoff | date | last row that the forecast uses
last_price | number | price at the cutoff
answers[].question | text | above, below, between or touch
answers[].prices[] | number | the price, or the lower and the higher one
answers[].step | integer | rows after the cutoff
answers[].date | date | day of the answer, or the last day of a touch
answers[].scaled | true or false | true if the day lies beyond the horizon of the run
answers[].probability | number | probability of yes
answers[].otherwise | number | probability of no
answers[].at | number | part of `otherwise`: the price equals the threshold, where prices often stand still
answers[].record | null | null where it was not measured; otherwise the answers to the same question in the past
answers[].record.since | date | first cutoff
answers[].record.until | date | last cutoff
answers[].record.n | integer | cutoffs
answers[].record.stride | integer | rows from one cutoff to the next
answers[].record.probability | number | mean probability
answers[].record.happened | integer | cutoffs after which the answer was yes
answers[].record.alike | null | null where no such answer was given; otherwise the class of today's probability
{_BIN.format("answers[].record.alike.")}
{_BIN.format("answers[].record.bins[].")}
position | null | null without a position; otherwise the keys below
position.amount | number | units; negative for a short position
position.unit | text | currency or symbol of the units
position.currency | text or null | currency of the losses; null for a stock, in units of its price
risks[].step | integer | rows after the cutoff
risks[].date | date | day
risks[].level | number | confidence level
risks[].price | number | price at which the loss is the value at risk
risks[].value_at_risk | number | loss that is exceeded with the probability 1 - level
risks[].expected_shortfall | number | mean of the losses beyond it
risks[].value_at_risk_own | number or null | in units of the position, at the last price; null for a stock
risks[].expected_shortfall_own | number or null | expected shortfall likewise
risks[].record | null | null where it was not measured; otherwise the keys below
risks[].record.n | integer | past days
risks[].record.within | number | share of them whose loss was within the value at risk
risks[].record.error | number or null | standard error of the share, which allows for overlapping spans
risks[].record.outcome | text | judgement: consistent, too_narrow, too_wide, too_few_rows or constant_price
break_even[].step | integer | rows for which a trade is held
break_even[].date | date | day of its end
break_even[].spread | number | cost of the trade, in units of the price
break_even[].mean_move | number | mean absolute move of the price
break_even[].hit_rate | number or null | share of trades that must be right; null where none suffices
age_days | integer or null | days since the last price; null with --as-of
past_steps | integer | steps whose date is over
"""
