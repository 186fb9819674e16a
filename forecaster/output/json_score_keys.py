"""Keys of the JSON documents that hold scores, of trainings, backtests, comparisons and files; see `json_keys`."""

from forecaster.output.json_parts import JUDGEMENTS

__all__ = ["BACKTEST", "COMPARE", "MODEL_ROWS", "SCORE", "TRAIN"]

TRAIN = f"""
schema | text | train/1
run_id | text | id of the run
instrument | text | first instrument
instruments[] | text | named instruments
interval | text | frequency: 1d, 1wk or 1mo
differences | true or false | true if the run models changes of the price instead of returns
universe | text | series that trained together
model | text | model
series | integer | number of series in the panel
backend | text | engine
device | text | cpu or gpu
seconds.<stage> | number | seconds of a stage: data, fit, evaluate, refit, total
parameters | integer | trained weights
refit | true or false | true if the weights were fitted again on all rows
fitted_until | date | last row that the weights have seen
data[].series | text | source/symbol/frequency@hash of a history
data[].rows | integer | rows
data[].first | date | first date
data[].last | date | last date
data[].sha256 | text | SHA-256 of the rows
splits.<part>.first | date | first row of train, validation or test
splits.<part>.last | date | last row
splits.<part>.rows | integer | rows
location_steps | null | null for a model without a location output; otherwise the list below
location_steps[] | integer | steps at which the median differs from the last price
mean_is_last_price | true or false or null | true if the distribution is skewed and its mean is the last price
kept_epochs[] | integer | epoch whose weights early stopping has kept, for each member; the list is empty without it
accuracy | null | null for a model that learns a distribution; otherwise the keys below
accuracy.step | integer | step in rows
accuracy.n | integer | test cutoffs
accuracy.model | number | 100 - MAPE of the model, in percent
accuracy.naive | number | 100 - MAPE of the last price, in percent
members[].instrument | text | instrument; the list is empty for a single fit
members[].n | integer | test cutoffs
members[].crps | number | CRPS of the ensemble one step ahead, as a log return
members[].crps_of_members[] | number | CRPS of each member
members[].kinds[] | text | kind of each member
scores[].instrument | text | instrument
scores[].part | text | part of the split
scores[].step | integer | step in rows
scores[].n | integer | cutoffs
scores[].window[] | date | first and last cutoff
scores[].rmse | number | RMSE of the median, in units of the price
scores[].rmse_naive | number | RMSE of the last price
scores[].mae | number | mean absolute error of the median
scores[].mae_naive | number | mean absolute error of the last price
scores[].mape | number or null | mean absolute error of the median, in percent of the price; null if one is not positive
scores[].mape_naive | number or null | mean absolute error of the last price, in percent of the price
scores[].rmse_return | number | RMSE of the log return
scores[].rmse_return_naive | number | RMSE of a log return of 0
scores[].mae_return | number | mean absolute error of the log return
scores[].mae_return_naive | number | mean absolute error of a log return of 0
scores[].rmse_ratio_prices | number or null | RMSE over that of the last price, in prices
scores[].rmse_ratio_returns | number or null | the same in log returns
scores[].crps_ratio.<model> | number or null | CRPS over that of a baseline
fallbacks_of.<model> | ANY | series whose baseline did not converge
verdict | VERDICT or null | verdict on all instruments together; null without test rows
verdicts.<name> | VERDICT | verdict on one instrument
summary[].instrument | text | instrument
summary[].last_price | number | last price
summary[].drift | number | drift of the median over a step, as a log return; 0 without one
summary[].cutoff | date | date of the last price
summary[].age_days | integer or null | days since then
summary[].calibration | text | origin of the widths
summary[].level | number | coverage of the ranges below
summary[].ranges[].span | text | week or month
summary[].ranges[].step | integer | step in rows
summary[].ranges[].date | date | date
summary[].ranges[].low | number | lower end
summary[].ranges[].high | number | upper end
summary[].ranges[].held | number or null | share of such ranges that held
summary[].ranges[].n | integer or null | cutoffs
summary[].ranges[].outcome | text or null | {JUDGEMENTS}
summary[].ranges[].judged_level | number or null | level of the ranges that the judgement is about
configuration | text | configuration of the run
weights_of | text or null | run whose weights were used again
change | RUN_DIFF or null | with --from: that run and this one
"""

MODEL_ROWS = """
rows[].instrument | text | instrument, or pooled
rows[].model | text | model
rows[].step | integer | step in rows
rows[].n | integer | cutoffs
rows[].direction.pt_p_value | number or null | p-value of the test of Pesaran and Timmermann
rows[].coverage_tests.<level>.<test> | number or null | p-value of a test of an interval: kupiec, christoffersen
rows[].crps_ratio.<model> | number or null | CRPS over that of another model
rows[].crps_ratio_interval.<model> | null | null where there is none; otherwise the list below
rows[].crps_ratio_interval.<model>[] | number or null | ends of the bootstrap interval of the ratio
rows[].crps_ratio_worst.<model>[] | optional ANY | worst ratio of an instrument, and its name; pooled rows alone
rows[].dm[].against | text | other model
rows[].dm[].statistic | number or null | statistic of Diebold and Mariano
rows[].dm[].p_value | number or null | two-sided p-value
confidence_set[].step | integer | step in rows
confidence_set[].name | text | instrument, or pooled
confidence_set[].days | integer | cutoffs
confidence_set[].confidence | number | confidence
confidence_set[].models | null | null where there are too few cutoffs; otherwise the list below
confidence_set[].models[] | text | models of the confidence set
confidence_set[].p_values | null | null where there are too few cutoffs; otherwise the section below
confidence_set[].p_values.<model> | number or null | p-value of a model
""".strip()

BACKTEST = f"""
schema | text | backtest/1
id | text | id of the backtest
instruments[] | text | named instruments
models[] | text | models, the evaluated one first
interval | text | frequency: 1d, 1wk or 1mo
differences | true or false | true if the models forecast changes of the price instead of returns
series | integer | number of series in the panel
last_cutoff | date | last date from which a forecast was scored
stride | integer | rows from one cutoff to the next
engine | text | backend and device
calibrated | true or false | true if intervals of networks were calibrated
data.<name> | text | SHA-256 of a history
folds[].start | date | first cutoff of a fold
folds[].end | date | first date after its cutoffs
unscored_steps[] | integer | steps without a known outcome
{MODEL_ROWS}
spa[].step | integer | step in rows
spa[].name | text | instrument, or pooled
spa[].days | integer | cutoffs
spa[].model | text | model that none is better than, under the hypothesis
spa[].against[] | text | other models
spa[].p_value | number or null | p-value of the test of superior predictive ability
skipped.<model>.<name> | text | reason why a model has no forecast of an instrument
fallbacks.<model> | integer | fits that did not converge and have substitute parameters
fallbacks_of.<model>.<name> | integer | the same by instrument
verdict | VERDICT | verdict on all instruments together
verdicts.<name> | VERDICT | verdict on one instrument, or pooled
"""

SCORE = f"""
{BACKTEST.strip().replace("backtest/1", "score/1")}
forecasters[] | text | forecasters of the file that are scored, the evaluated one first
file | text | file of forecasts
file_sha256 | text | SHA-256 of the file
units | text | units of the forecasts: price or return
quantile_levels[] | number | levels of the file; none for mean and sigma
forecasts | integer | forecasts in the file
scored | integer | forecasts that are scored
rejected[].model | text | forecaster
rejected[].instrument | text | instrument as the file names it
rejected[].reason | text | key of the reason why forecasts are not scored, such as no_trading_day
rejected[].text | text | the reason in words
rejected[].n | integer | forecasts
rejected[].first | date | first of their cutoffs
foresight[].model | text | forecaster whose forecasts were probably made after their cutoffs
foresight[].instrument | text | instrument as the file names it
foresight[].correlation | number | correlation of its last prices and medians with the next return
foresight[].n | integer | cutoffs
unread_columns[] | text | columns of the file without a meaning
"""

COMPARE = f"""
schema | text | compare/1
name | text | instrument, or pooled where there are several
instruments[] | text | compared instruments
interval | text | frequency: 1d, 1wk or 1mo
source | text | source of the prices
reference | text | baseline that the CRPS is compared with in the table
models[].model | text | model, with the end of the run id where several are of a kind; the lowest CRPS first
models[].kind | text | kind of the model
models[].run_id | text or null | run; null for a baseline
models[].configuration | text or null | configuration of the run
models[].seconds | number or null | seconds of the fit
models[].parameters | integer or null | numbers that the fit has estimated
samples[].instrument | text | instrument
samples[].step | integer | step in rows
samples[].n | integer | cutoffs, the test rows that all runs share
samples[].window[] | date | first and last cutoff
{MODEL_ROWS}
rows[].in_confidence_set | true or false or null | true if the model is in the confidence set of the step
differences[].subject | text | fact that differs between the runs
differences[].values.<model> | text | its value
left_out.<kind> | text | reason why a kind of network is not compared
"""
