"""Keys of every JSON document, with type and meaning: the source of docs/json.md; a test compares real documents.

A line has the path of a key, its type and its meaning. In a path, ``[]`` is each item of a list and ``<level>`` any key
of a mapping. A type in capitals is a part that several documents have, or ANY for values that are not fixed. A key is
there in every document, or in every one with the section that it is in, unless its type begins with ``optional``.
"""

import dataclasses
from collections.abc import Iterator, Mapping

from forecaster.evaluation.registry import METRICS
from forecaster.output.json_anomaly_keys import ANOMALIES
from forecaster.output.json_inspection_keys import INSPECTION
from forecaster.output.json_ledger_keys import LEDGER_CHECK, LEDGER_ENTRY, LEDGER_LIST, LEDGER_SCORE
from forecaster.output.json_odds_keys import ODDS
from forecaster.output.json_parts import RUN_DIFF
from forecaster.output.json_portfolio_keys import PORTFOLIO
from forecaster.output.json_program_keys import DOCTOR, ERROR, HELP, SCHEMAS
from forecaster.output.json_score_keys import BACKTEST, COMPARE, SCORE, TRAIN
from forecaster.output.json_search_keys import SEARCH, STUDIES
from forecaster.output.json_watch_keys import ALERT

__all__ = ["DOCUMENTS", "LISTS", "NAMES", "DocumentedKey", "keys_of_document"]


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

_EXPORT = """
schema | text | export/1
run_id | text | run that was exported
model | text | model
format | text | keras, onnx or saved-model
file | text | file or folder of the model, beside this document
version | text | version of the program that wrote it
instrument | text | series of the check and of the example, in the orientation of the model
frequency | text | length of a row: 1d, 1wk or 1mo
inputs[].name | text | features or volatility
inputs[].type | text | type of the numbers
inputs[].shape[] | text or integer | batch and rows are free, the others fixed
inputs[].unit | text | unit
inputs[].order | text | order of the rows
inputs[].first_row | optional integer | of features: row of a history, counted from 1, at which reading begins
inputs[].window | optional integer or null | of features: rows to give; null where all rows from first_row on are read
inputs[].settled_rows | optional integer | of features: number of last rows that are enough
inputs[].settled_difference | optional number | of features: volatilities by which that differs from predict
inputs[].columns | optional list | of features: the columns in their order; each has the keys below
inputs[].columns[].name | text | feature
inputs[].columns[].formula | text | formula, or a description where it needs other series
inputs[].columns[].antisymmetric | true or false | true if it changes its sign when the quotation is inverted
symbols.<name> | text | meaning of a name in the formulas
output.name | text | name of the output
output.type | text | type of the numbers
output.shape[] | text or integer | batch, steps and levels
output.unit | text | unit
output.steps[] | integer | rows after the cutoff
output.quantile_levels[] | number | levels
output.location_steps[] | integer | steps whose median moves by a learned location
output.price | text | price of a value
contained[] | text | parts of the forecaster that the model contains
not_contained[].name | text | part of predict that it does not contain
not_contained[].meaning | text | its effect, and what to do instead
check.forecasts | integer | forecasts that were compared with predict
check.largest_difference | number | largest difference
check.tolerance | number | difference from which on nothing is exported
check.unit | text | unit of the differences
example.cutoff | date | last row of the inputs in example.npz
example.last_price | number | its price
"""

_RUN = """
schema | text | run/1
run | RUN | the run
annotations[].created | text | time of a note
annotations[].author | text | its author
annotations[].text | text | the note
data[].series | text | source/symbol/frequency@hash of a named history
data[].rows | integer | rows
data[].first | date | first date
data[].last | date | last date
data[].sha256 | text | SHA-256 of the rows
universe | text | series that trained together
split.<part>.first | date | first row of train, validation or test
split.<part>.last | date | last row
split.<part>.rows | integer | rows
seed | integer | random seed
parameters | integer or null | trained weights
backend | text or null | engine
device | text or null | cpu or gpu
versions.<package> | text | version
processor | text | processor and its vector extensions
command[] | text | command line
seconds.<stage> | number | seconds of a stage
files.<name> | text | SHA-256 of a file
verdict | ANY | verdict as recorded
"""

_REPLAY = """
schema | text | replay/1
run_id | text | id of the run
repeated | true or false | true if the training was repeated; see runs.md
identical | true or false | true if weights, forecasts and scores have the same bits
largest_weight_difference | number or null | largest difference of a weight, relative to the largest of its array
largest_forecast_difference | number | largest difference of a quantile, relative to the largest one
score_differences.<metric> | number | relative difference of a metric on the test rows
tolerance | number | largest relative difference of a CRPS on other software or hardware
environment[].subject | text | fact about software or processor that differs
environment[].recorded | text | its value in the run
environment[].now | text | its value now
differences[].subject | text | other fact that differs
differences[].recorded | text | its value in the run
differences[].now | text | its value now
"""

_RUNS = """
schema | text | runs/1
runs[] | RUN | run
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

_DATA_USED = """
schema | text | data/1
run_id | text | id of the run
universe | text | universe of the training
universe_sha256 | text or null | hash of the names that the universe lists; predict --universe prints its first digits
histories[].instrument | text | name of the instrument
histories[].role | text | named, or panel for a series beside the named ones
histories[].series | text | source/symbol/frequency@hash of the rows that were used
histories[].rows | integer | rows that were used
histories[].first | date | first date
histories[].last | date | last date
histories[].sha256 | text | SHA-256 of the rows that were used
histories[].stored_sha256 | text or null | SHA-256 of the whole history in the store; null where it was not stored
histories[].in_store | true or false | the store has that version
covariates[].name | text | name of a covariate
covariates[].sha256 | text or null | its SHA-256
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
    "forecast odds --format json": ODDS,
    "forecast odds --portfolio FILE --format json": PORTFOLIO,
    "forecast train --format json": TRAIN,
    "forecast backtest --format json": BACKTEST,
    "forecast score --forecasts FILE --format json": SCORE,
    "forecast score --format json": LEDGER_SCORE,
    "forecast ledger verify --format json": LEDGER_CHECK,
    "forecast ledger list --format json": LEDGER_LIST,
    "forecast ledger show --format json": LEDGER_ENTRY,
    "forecast watch": ALERT,
    "forecast compare --format json": COMPARE,
    "forecast search --format json": SEARCH,
    "forecast studies show ID --format json": SEARCH,
    "forecast studies list --format json": STUDIES,
    "forecast audit --format json": _AUDIT,
    "forecast inspect --format json": INSPECTION,
    "forecast anomalies --format json": ANOMALIES,
    "forecast events --format json": _EVENTS,
    "forecast export: inputs.json": _EXPORT,
    "forecast runs list --format json": _RUNS,
    "forecast runs show --format json": _RUN,
    "forecast runs diff --format json": f"schema | text | run-diff/1{RUN_DIFF}",
    "forecast replay --format json": _REPLAY,
    "forecast data show --format json": _DATA_SHOW,
    "forecast data list --format json": _DATA_LIST,
    "forecast data list --used-by latest --format json": _DATA_USED,
    "forecast data fetch --format json": _DATA_FETCH,
    "forecast data export --format json": _DATA_EXPORT,
    "forecast config list --format json": _CONFIGURATIONS,
    "forecast config keys --format json": _KEYS,
    "forecast doctor --format json": DOCTOR,
    "forecast schema --format json": SCHEMAS,
    "forecast --help --format json": HELP,
    "error of a command with --format json": ERROR,
}
"""Command -> keys of its document."""

LISTS = frozenset(
    {
        *("forecast predict --format json", "forecast predict --format json-flat"),
        "forecast data show --format json",
    }
)
"""Commands that print a list of their documents."""

NAMES = {
    "forecast ledger show --format json": "ledger-line",
    "forecast predict --format json-flat": "forecast-rows",
    "forecast data list --used-by latest --format json": "data-used",
}
"""Command -> name of its document, where neither its schema nor its words make one."""

_METRICS_OF = {
    "forecast train --format json": "scores[]",
    "forecast backtest --format json": "rows[]",
    "forecast score --forecasts FILE --format json": "rows[]",
    "forecast score --format json": "forecasters[].rows[]",
    "forecast compare --format json": "rows[]",
}


def keys_of_document(command: str) -> Iterator[DocumentedKey]:
    """Documented keys of the document of a command, in order; every registered metric is among those of scores."""
    for line in DOCUMENTS[command].strip().splitlines():
        yield DocumentedKey(*(part.strip() for part in line.split(" | ", 2)))
    place = _METRICS_OF.get(command)
    for name, metric in METRICS.items() if place is not None else ():
        if place != "scores[]" or metric.training is not None:
            yield DocumentedKey(f"{place}.{name}", "ANY", f"metric {name}; see evaluation.md")
