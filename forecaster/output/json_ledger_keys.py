"""Keys of the JSON documents about the ledger; see `json_keys`."""

from forecaster.output.json_score_keys import MODEL_ROWS

__all__ = ["LEDGER_CHECK", "LEDGER_ENTRY", "LEDGER_LIST", "LEDGER_SCORE"]

LEDGER_CHECK = """
schema | text | ledger_check/1
file | text | the ledger
sound | true or false | false if a line is not sound
lines | integer | complete lines
head | text | hash of the last line; that before a bad one
first_issued | text or null | issue time of the first line, in UTC; null for an empty ledger
last_issued | text or null | issue time of the last sound line
torn_bytes | integer | bytes of an append that was cut off; 0 as a rule
since_head | integer or null | lines after that with the hash of --head; null without one
bad | null | null for a sound ledger; otherwise the section below
bad.line | integer | first line that is not sound
bad.reason | text | key of the reason, such as edited, removed or future
bad.text | text | the reason in words
"""

LEDGER_LIST = """
schema | text | ledger_list/1
forecasts[].number | integer | line of the ledger
forecasts[].issued | text | issue time, in UTC
forecasts[].instrument | text | instrument
forecasts[].source | text | source of the prices
forecasts[].frequency | text | 1d, 1wk or 1mo
forecasts[].cutoff | date | last row that the forecast uses
forecasts[].last_price | number | price at the cutoff
forecasts[].last_date | date | last day that was forecast
forecasts[].steps | integer | number of steps
forecasts[].model | text | model
forecasts[].configuration | text | configuration of the run
forecasts[].run_id | text | run that made the forecast
forecasts[].data_sha256 | text | SHA-256 of the rows that were read
"""

LEDGER_ENTRY = """
schema | text | ledger/1
number | integer | line of the ledger
issued | text | issue time, in UTC
version | text | version of this program
instrument | text | instrument
kind | text | kind of the instrument: pair, ticker, csv or memory
source | text | source of the prices
frequency | text | 1d, 1wk or 1mo
data.<key> | ANY | keys of the section data of the configuration that decide the rows, where they are not the default
data_sha256 | text | SHA-256 of the rows that were read
run_id | text | run that made the forecast
model | text | model
configuration | text | configuration of the run
calibration | text | origin of the widths: past outcomes, tested fit or none
cutoff | date | last row that the forecast uses
last_price | number | price at the cutoff
unit | text | unit of the quantiles: log_return, or change for changes of the price
levels[] | number | levels of the quantiles
dates[] | date | day of each step
scale | number | unit of the quantiles, a power of ten: a quantile is an integer times the scale
quantiles[][] | integer | quantiles of the return from the cutoff over the scale, for each step one at each level
unchanged | null | null where the last price has no probability of its own; otherwise the list below
unchanged[] | number | probability of a price that equals the last one, for each step
baseline_steps[] | integer | steps of the baselines, at which the forecast is graded
baselines.<model>[][] | integer | the same of a baseline, at the nine scoring levels, for each of these steps
"""

_FORECASTER_ROWS = MODEL_ROWS.split("\nconfidence_set[]")[0].replace("rows[]", "forecasters[].rows[]")

LEDGER_SCORE = f"""
schema | text | ledger_score/1
file | text | the ledger
lines | integer | its lines
head | text | hash of the last line
interval | text | frequency: 1d, 1wk or 1mo
forecasts | integer | forecasts of the chosen instruments and days
graded | integer | forecasts with a step whose outcome is known
pending | integer | forecasts without such a step yet
scored | integer | graded steps of all forecasts
due_later | integer | steps whose outcome is not known yet
ungraded[].instrument | text | instrument of forecasts that are not graded
ungraded[].reason | text | key of the reason: no_history, no_row, known or repeated
ungraded[].text | text | the reason in words
ungraded[].n | integer | forecasts
other_frequencies.<frequency> | integer | forecasts with rows of another length, which are not graded
revised.<name> | integer | forecasts of an instrument whose last price is another one today
checked_histories | integer | histories whose hash was compared with the logged one: the last of a month and instrument
changed_histories.<name> | integer | those of an instrument that differ
false_alarm_rows | integer | least mean number of rows until a false drift alarm
forecasters[].model | text | model
forecasters[].differences | true or false | true for forecasts of price changes, which are graded apart
forecasters[].models[] | text | the model and its baselines
forecasters[].instruments[] | text | graded instruments
forecasters[].runs.<run> | integer | run -> its graded forecasts
{_FORECASTER_ROWS}
forecasters[].months[].month | text | month of the cutoffs
forecasters[].months[].step | integer | step in rows
forecasters[].months[].n | integer | days
forecasters[].months[].crps_ratio.<model> | number or null | CRPS over that of a baseline
forecasters[].months[].coverage.<level> | number | share of outcomes in a central interval
forecasters[].months[].hit_rate | number or null | share of directions that were right; null without one
forecasters[].alarms[].instrument | text | instrument of a drift alarm
forecasters[].alarms[].step | integer | step in rows
forecasters[].alarms[].kind | text | too_high, too_low, too_narrow, too_wide or crps
forecasters[].alarms[].date | date | day of the outcome that raised it
forecasters[].alarms[].since | date | most probable first cutoff of the change
forecasters[].alarms[].n | integer | forecasts from there to the alarm
forecasters[].alarms[].crps_ratio | number | their CRPS over the expected one
forecasters[].alarms[].run_id | text | run that issued the last of them
forecasters[].alarms[].text | text | the alarm in words
forecasters[].verdict | VERDICT | verdict on all instruments together
forecasters[].verdicts.<name> | VERDICT | verdict on one instrument, or pooled
"""
