"""Keys of every JSON document, with type and meaning: the source of docs/json.md; a test compares real documents.

A line has the path of a key, its type and its meaning. In a path, ``[]`` is each item of a list and ``<level>`` any key
of a mapping. A type in capitals is a part that several documents have, or ANY for values that are not fixed.
"""

import dataclasses
from collections.abc import Iterator, Mapping

from forecaster.evaluation.registry import METRICS
from forecaster.output.json_inspection_keys import INSPECTION

__all__ = ["DOCUMENTS", "DocumentedKey", "keys_of_document"]


@dataclasses.dataclass(frozen=True)
class DocumentedKey:
    """A key of a document.

    Args:
        path: Dotted path.
        kind: Type, such as ``number or null``; in capitals the name of a part.
        meaning: Meaning, with the unit.
    """

    path: str
    kind: str
    meaning: str


_FORECAST = """
schema | text | forecast/1
instrument | text | name of the instrument
run_id | text | run that made the forecast
model | text | model
source | text | source of the prices
data_sha256 | text | SHA-256 of the rows that were read
in_sample | true or false | true if the run has seen rows after the cutoff
calibrated | true or false | true if past coverage adjusts the widths
refit | true or false | true if the weights were fitted again after the test
cutoff | date | last row that the forecast uses
last_price | number | price at the cutoff
units | text | units of mean, median and quantiles: price, return or pips
horizon | integer | steps
interval | text | frequency: 1d, 1wk or 1mo
differences | true or false | true if the run models changes of the price instead of returns
calendar | text | calendar of the dates
median_is_last_price | true or false | true if the median is the last price at every step
drift | number | drift of the median over the first step, as a log return; 0 without one
quantile_levels[] | number | levels of the quantiles
steps[].step | integer | rows after the cutoff
steps[].date | date | date of the row
steps[].mean | number | mean of the distribution
steps[].median | number | median
steps[].probability_up | number | probability of a price above the last one
steps[].probability_unchanged | number | probability of the last price; above 0 where prices often stand still
steps[].probability_down | number | probability of a price below the last one
steps[].fed_back | true or false | true for a recursive step, beyond the steps of the model
steps[].scaled | true or false | true for a step beyond the horizon of the run, scaled from its last one
steps[].events[] | text | announcements, holidays and events that are known for the day
steps[].day_size | number or null | size of the day's move relative to an ordinary day, as learned; null without
steps[].quantiles.<level> | number | quantile at a level, such as 0.025
steps[].odds.<target> | number | probability of a target: above_160, below_150, between_150_160
skill | null | null where the run did not score the instrument; otherwise the list below
skill[].step | integer | step in rows
skill[].reference | text | baseline
skill[].crps_ratio | number or null | CRPS on the test rows over that of the baseline; below 1 is better
skill[].n | integer | cutoffs
skill[].window[] | date | first and last cutoff
coverage | null | null where it was not measured; otherwise the section below
coverage.since | date | first cutoff
coverage.steps[] | COVERAGE | share of earlier ranges that held, at a step
configuration | text | configuration of the run
calibration | text | origin of the widths: past outcomes, tested fit or none
age_days | integer or null | days since the last price; null with --as-of
past_steps | integer | steps whose date is over
"""

_FORECAST_ROWS = """
instrument | text | name of the instrument
run_id | text | run that made the forecast
model | text | model
configuration | text | configuration of the run
source | text | source of the prices
frequency | text | 1d, 1wk or 1mo
cutoff | date | last row that the forecast uses
last_price | number | price at the cutoff
units | text | units of mean, median and quantiles
calibrated | true or false | true if past coverage adjusts the widths
in_sample | true or false | true if the run has seen rows after the cutoff
step | integer | rows after the cutoff
date | date | date of the row
mean | number | mean of the distribution
median | number | median
probability_up | number | probability of a price above the last one
probability_unchanged | number | probability of the last price
probability_down | number | probability of a price below the last one
probability_<target> | number | probability of a target, such as probability_above_160
recursive | true or false | true for a step beyond the steps of the model
scaled | true or false | true for a step beyond the horizon of the run
events | text | announcements, holidays and events that are known for the day, separated by semicolons
day_size | number or null | size of the day's move relative to an ordinary day, as learned; null without
q<level> | number | quantile at a level, such as q0.025
"""

_TRAIN = """
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
scores[].instrument | text | instrument
scores[].part | text | part of the split
scores[].step | integer | step in rows
scores[].n | integer | cutoffs
scores[].window[] | date | first and last cutoff
scores[].rmse | number | RMSE of the median, in units of the price
scores[].rmse_naive | number | RMSE of the last price
scores[].mae | number | mean absolute error of the median
scores[].mae_naive | number | mean absolute error of the last price
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
summary[].ranges[].outcome | text or null | consistent, miscalibrated or too_few
configuration | text | configuration of the run
weights_of | text or null | run whose weights were used again
"""

_BACKTEST = """
schema | text | backtest/1
id | text | id of the backtest
instruments[] | text | named instruments
models[] | text | models, the evaluated one first
interval | text | frequency: 1d, 1wk or 1mo
series | integer | number of series in the panel
last_cutoff | date | last date from which a forecast was scored
stride | integer | rows from one cutoff to the next
engine | text | backend and device
calibrated | true or false | true if intervals of networks were calibrated
data.<name> | text | SHA-256 of a history
folds[].start | date | first cutoff of a fold
folds[].end | date | first date after its cutoffs
unscored_steps[] | integer | steps without a known outcome
rows[].instrument | text | instrument, or pooled
rows[].model | text | model
rows[].step | integer | step in rows
rows[].n | integer | cutoffs
rows[].direction.pt_p_value | number or null | p-value of the test of Pesaran and Timmermann
rows[].coverage_tests.<level>.<test> | number or null | p-value of a test of an interval: kupiec, christoffersen
rows[].crps_ratio.<model> | number or null | CRPS over that of another model
rows[].crps_ratio_interval.<model> | null | null where there is none; otherwise the list below
rows[].crps_ratio_interval.<model>[] | number or null | ends of the bootstrap interval of the ratio
rows[].crps_ratio_worst.<model>[] | ANY | worst ratio of an instrument, and its name; pooled rows alone
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

_AUDIT = """
schema | text | audit/1
instruments[] | text | instruments
model | text | model
cheaper[] | text | ways in which the fits were shorter than configured
clean | true or false | true if no check failed
checks[].<fact> | ANY | name, outcome and text of a check, its findings and its seconds
"""

_EVENTS = """
schema | text | events/1
instrument | text | name of the instrument
run_id | text or null | run that has learned the sizes; null without one
days[].date | date | day whose price shows the events first
days[].names[] | text | announcements, holidays and events
days[].day_size | number or null | size of the day's move relative to an ordinary day; null where no run has learned it
"""

_RUNS = """
schema | text | runs/1
runs[].run_id | text | id of a run
runs[].created | text | time
runs[].instruments[] | text | instruments that it named and scored
runs[].series | integer | number of series in its panel
runs[].source | text | source of the prices
runs[].interval | text | frequency: 1d, 1wk or 1mo
runs[].model | text | model
runs[].horizon | integer | steps
runs[].configuration | text | configuration
runs[].refit | true or false | true if the weights were fitted again
runs[].fitted_until | date | last row that the weights have seen
runs[].density | text or null | outcome of the verdict on the distribution
runs[].coverage | text or null | outcome of the verdict on the intervals
runs[].pinned | true or false | true if the run is pinned
"""

_DATA_SHOW = """
schema | text | data/1
instrument | text | name of the instrument
series | text | source/symbol/frequency@hash
source | text | source
symbol | text | symbol at the source
interval | text | frequency
sha256 | text | SHA-256 of the rows
rows | integer | rows
first | date | first date
last | date | last date
age_business_days | integer | business days since the last date
columns[] | text | columns
last_price | number | last price
lowest.date | date | date of the lowest price
lowest.price | number | lowest price
highest.date | date | date of the highest price
highest.price | number | highest price
attribution | text or null | terms of the source
origin.<fact> | ANY | origin of the rows
versions[] | VERSION | stored version
findings[] | FINDING | finding of the checks
picture | text or null | file of the picture
"""

_DATA_LIST = """
schema | text | data/1
histories[].series | text | source/symbol/frequency@hash of the newest version
histories[].source | text | source
histories[].symbol | text | symbol at the source
histories[].interval | text | frequency
histories[].versions | integer | stored versions
histories[].rows | integer | rows of the newest version
histories[].first | date or null | first date
histories[].last | date or null | last date
histories[].age_business_days | integer or null | business days since the last date
histories[].saved_at | text | time at which it was stored
histories[].sha256 | text | SHA-256 of the rows
"""

_DATA_FETCH = """
schema | text | data/1
histories[].instrument | text | name of the instrument
histories[].outcome | text | new, added, revised, unchanged or failed
histories[].version | VERSION or null | version that is stored now
histories[].age_business_days | integer or null | business days since the last date
histories[].findings[] | FINDING | finding of the checks
histories[].reason | text or null | reason of a failure
"""

_DATA_EXPORT = """
schema | text | data/1
series | text | source/symbol/frequency@hash
sha256 | text | SHA-256 of the rows
columns.<column>[] | ANY | dates and values of a column, row by row
"""

_CONFIGURATIONS = """
schema | text | configurations/1
configurations[].name | text | name for --config
configurations[].model | text | kind of the model
configurations[].purpose | text | purpose
"""

_KEYS = """
schema | text | keys/1
keys[].key | text | dotted key for --set
keys[].values | text | values that it takes
keys[].default | ANY | default
keys[].models | null | null for a key of every model; otherwise the list below
keys[].models[] | text | kinds of models with this default
keys[].meaning | text | meaning
"""

DOCUMENTS: Mapping[str, str] = {
    "forecast predict --format json": _FORECAST,
    "forecast predict --format json-flat": _FORECAST_ROWS,
    "forecast train --format json": _TRAIN,
    "forecast backtest --format json": _BACKTEST,
    "forecast audit --format json": _AUDIT,
    "forecast inspect --format json": INSPECTION,
    "forecast events --format json": _EVENTS,
    "forecast runs list --format json": _RUNS,
    "forecast data show --format json": _DATA_SHOW,
    "forecast data list --format json": _DATA_LIST,
    "forecast data fetch --format json": _DATA_FETCH,
    "forecast data export --format json": _DATA_EXPORT,
    "forecast config list --format json": _CONFIGURATIONS,
    "forecast config keys --format json": _KEYS,
}
"""Command -> keys of its document."""

_METRICS_OF = {"forecast train --format json": "scores[]", "forecast backtest --format json": "rows[]"}


def keys_of_document(command: str) -> Iterator[DocumentedKey]:
    """Documented keys of the document of a command, in order; every registered metric is among those of scores."""
    for line in DOCUMENTS[command].strip().splitlines():
        yield DocumentedKey(*(part.strip() for part in line.split(" | ", 2)))
    place = _METRICS_OF.get(command)
    for name, metric in METRICS.items() if place is not None else ():
        if place == "rows[]" or metric.training is not None:
            yield DocumentedKey(f"{place}.{name}", "ANY", f"metric {name}; see evaluation.md")
