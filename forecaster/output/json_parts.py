"""Parts that several JSON documents have, with type and meaning of their keys; see `forecaster.output.json_keys`."""

from collections.abc import Mapping
from typing import Any, get_args

from forecaster.evaluation.claims import Outcome, Untestable
from forecaster.evaluation.step_coverage import CoverageOutcome

__all__ = ["JUDGEMENTS", "PARTS"]


def _alternatives(names: Any) -> str:
    *most, last = get_args(names)
    return f"{', '.join(most)} or {last}"


JUDGEMENTS = _alternatives(CoverageOutcome)
"""Values of the judgement of a coverage, as a text."""

_CLAIM = f"""
outcome | text | {_alternatives(Outcome)}
against | text or null | model or value that it is compared with
p_value | number or null | p-value after Holm's correction
raw_p_value | number or null | p-value before it
detectable | number or null | minimum detectable effect
unit | text | unit of the effect
untestable | text or null | reason why there is no test: {_alternatives(Untestable)}
text | text | the result as a sentence
"""

_VERDICT = """
point | CLAIM | error of the median against the last price
point.rmse_ratio | number or null | RMSE over that of the last price
point.rmse_ratio_of | text | prices or returns
point.median_is_last_price | true or false | true if the median is the last price at every step
point.steps[].step | integer | step at which the median moves
point.steps[].n | integer | cutoffs
point.steps[].rmse_ratio | number | RMSE over that of the last price
point.steps[].p_value | number or null | p-value at the step alone
direction | CLAIM | direction of the price
direction.hit_rate | number or null | share of days with the right direction
direction.days_with_direction | integer | days on which the median names a direction
density | CLAIM | CRPS against the strongest baseline
density.crps_ratio.<model> | number or null | CRPS over that of a baseline
density.baselines[] | text | baselines
density.left_out[] | text | baselines without enough forecasts
density.best | text or null | strongest baseline
density.raw_p_values.<model> | number or null | p-value against a baseline, before the correction
coverage | CLAIM | coverage of the intervals
coverage.coverage.<level> | number or null | share of outcomes inside an interval, at the first step
coverage.steps[] | COVERAGE | coverage at a step
coverage.steps[].p_value | number or null | p-value of nominal coverage at the step
coverage.detectable_by_level.<level> | number or null | minimum detectable deviation of an interval
name | text | instrument, or pooled
model | text | model
step | integer | step in rows
days | integer | cutoffs
instruments | integer | instruments
window[] | date | first and last cutoff
level | number | significance level
"""

_COVERAGE = f"""
step | integer | step in rows
n | integer | outcomes
coverage.<level> | number or null | share of outcomes inside an interval
outcome | text | {JUDGEMENTS}
"""

_FINDING = """
code | text | kind of the finding
severity | text | information, warning or error
count | integer | rows
dates[] | date | first dates
text | text | the finding as a sentence
"""

_RUN = """
run_id | text | id of a run
created | text | time
instruments[] | text | instruments that it named and scored
series | integer | number of series in its panel
source | text | source of the prices
interval | text | frequency: 1d, 1wk or 1mo
model | text | model
horizon | integer | steps
seed | integer | random seed
configuration | text | configuration
refit | true or false | true if the weights were fitted again
fitted_until | date | last row that the weights have seen
density | text or null | outcome of the verdict on the distribution
coverage | text or null | outcome of the verdict on the intervals
pinned | true or false | true if the run is pinned
tags[] | text | tags
notes | integer | number of notes
metrics.<metric> | number | metric on the test rows, averaged over the named instruments: name@step
"""

RUN_DIFF = """
runs[] | RUN | the two runs
differences[].subject | text | fact that differs: data, software or configuration
differences[].values[] | text or null | its value in each run
same_test_rows | true or false | false if the metrics of the runs are about different outcomes
scores[].metric | text | metric on the test rows that differs: name@step
scores[].values[] | number | its value in each run
scores[].change | number | second value less the first
"""

_VERSION = """
series | text | source/symbol/frequency@hash
sha256 | text | SHA-256 of the rows
rows | integer | rows
first | date or null | first date
last | date or null | last date
saved_at | text | time at which it was stored
added | integer or null | rows that the version before lacks
revised | integer or null | rows whose values differ from the version before
removed | integer or null | rows that only the version before has
"""

PARTS: Mapping[str, str] = {
    "CLAIM": _CLAIM,
    "VERDICT": _VERDICT,
    "COVERAGE": _COVERAGE,
    "FINDING": _FINDING,
    "VERSION": _VERSION,
    "RUN": _RUN,
    "RUN_DIFF": RUN_DIFF,
}
"""Name of a part -> its keys."""
