"""Keys of the document of `forecast search`; see `forecaster.output.json_keys`."""

__all__ = ["SEARCH", "STUDIES"]

_TRIAL = """
{0}trial | integer | number of the trial; 0 is the starting configuration
{0}state | text | running, complete, pruned (stopped early) or failed
{0}loss | number or null | mean loss of the scored folds: CRPS over that of the baseline; null without one
{0}loss_change | number or null | loss over that of the starting configuration on the same folds, minus 1
{0}losses[] | number | loss of each scored fold
{0}steering_losses[] | number | loss of each on the first half of its days, which alone steers the search
{0}settings.<key> | ANY | value of each dotted key that the trial sets
{0}reason | text or null | reason of a failure
"""

SEARCH = f"""
schema | text | search/1
study | text | id of the study, for --study
created | text | time at which it began
instruments[] | text | instruments
model | text | kind of network
baseline | text | baseline in whose CRPS losses are measured
steps[] | integer | rows ahead that are scored
folds[].start | date | first cutoff of a fold
folds[].end | date | first date after its last cutoff
space.<key> | ANY | list of values, or low, high and log, of each dotted key
counts.complete | integer | trials with every fold
counts.pruned | integer | trials that were stopped early
counts.failed | integer | trials that could not be trained
counts.running | integer | trials that are not finished, where an earlier command asked for more
winner | null | null where no trial is complete; otherwise the section below
{_TRIAL.format("winner.").strip()}
luck | null | null while trials are under way; otherwise the section below
luck.trials | integer | trials of the study
luck.days | integer | days that have steered no trial, on which the complete trials are tested
luck.p_against_start | number or null | p-value of "no trial is better than the starting configuration"
luck.p_against_baseline | number or null | p-value of "no trial is better than the baseline"
lockbox.start | date | first row of the lockbox
lockbox.end | date | first date after its last row
lockbox.opened_now | true or false | true if this command has opened it
lockbox.record | null | null while it is closed; otherwise the section below
lockbox.record.winner | integer | trial that it was opened for
lockbox.record.opened | text | time of the opening
lockbox.record.trials | integer | trials of the study at that time
lockbox.record.earlier_openings | integer | openings of rows of it by other searches before that
lockbox.record.days | integer | days that were scored
lockbox.record.losses.winner | number | loss of the winner
lockbox.record.losses.start | number | loss of the starting configuration
lockbox.record.steps[].step | integer | rows ahead
lockbox.record.steps[].winner | number | loss of the winner at the step
lockbox.record.steps[].start | number | loss of the starting configuration at the step
lockbox.record.p_against_start | number or null | p-value of "the winner is not better than the starting configuration"
lockbox.record.p_against_baseline | number or null | p-value of "the winner is not better than the baseline"
effects[].key | text | dotted key; the most important one first
effects[].importance | number | share of the differences between trials that its groups explain
effects[].p_value | number | p-value of "its groups have the same loss", times the number of keys
effects[].groups[].values[] | ANY | the value, or the ends of the range
effects[].groups[].trials | integer | trials of the group
effects[].groups[].loss_change | number | their mean loss_change
{_TRIAL.format("trials[].").strip()}
next_command | text | command that trains the winner, or goes on with the search
"""

STUDIES = """
schema | text | studies/1
studies[].study | text | id of a study; the newest first
studies[].created | text | time at which it began
studies[].instruments[] | text | instruments
studies[].model | text | kind of network
studies[].trials | integer | trials
studies[].complete | integer | trials with every fold
studies[].running | integer | trials that are not finished
studies[].winner | integer or null | number of the complete trial with the least loss
studies[].loss | number or null | its loss
studies[].loss_change | number or null | its loss over that of the starting configuration, minus 1
studies[].p_against_start | number or null | p-value of "no trial is better than the starting configuration"
studies[].p_against_baseline | number or null | p-value of "no trial is better than the baseline"
studies[].lockbox_opened | text or null | time at which the lockbox was opened; null while it is closed
"""
