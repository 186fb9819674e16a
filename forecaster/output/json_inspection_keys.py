"""Keys of the document of an inspection; see `forecaster.output.json_keys`."""

__all__ = ["INSPECTION"]

INSPECTION = """
schema | text | inspect/1
instrument | text | name of the instrument
run_id | text | run
model | text | kind of the model
source | text | source of the prices
data_sha256 | text | SHA-256 of the rows that were read
first | date | first row whose gates were read
last | date | last row
layers[].layer | text | recurrent layer; no items for a network without
layers[].units | integer | units
layers[].gates.<gate>.mean | number | mean of a gate; 0 is closed, 1 is open
layers[].gates.<gate>.low | number | quantile at 10 % over rows and units
layers[].gates.<gate>.high | number | quantile at 90 %
layers[].gates.<gate>.below | number | share below 0.1
layers[].gates.<gate>.above | number | share above 0.9
layers[].state | text | what the layer keeps from row to row: cell, or output where it has no cells
layers[].state_size.<fact> | number | absolute values of the state: the five numbers of a gate
layers[].half_life | null | null for a layer without gates; otherwise the section below
layers[].half_life.gate | text | gate that keeps the state: forget of an LSTM, update of a GRU
layers[].half_life.median | number | rows after which this gate alone has halved the state, median of the units
layers[].half_life.longest | number | the same for the unit that keeps longest
days[].date | date | row
days[].layers.<layer>.<gate> | number | mean of a gate over the units
days[].layers.<layer>.state_size | number | mean size of the state
lag_weights[].layer | text | layer that reads past rows at once, such as attention; no items for a network without
lag_weights[].rows_to.half | integer | newest rows that have half of the weight
lag_weights[].rows_to.nine_tenths | integer | the same for nine tenths
lag_weights[].weights[] | number | weight of the lags 0, 1, ...; their sum is 1
memory | null | null where it was not measured; otherwise the section below
memory.rows | integer | rows whose inputs were moved
memory.longest_lag | integer | longest lag that was measured
memory.lags_to.half.<curve> | integer or null | rows until half of the influence on state or forecast is lost
memory.lags_to.tenth.<curve> | integer or null | the same for a tenth; null beyond the longest lag
memory.influence.<curve>[] | number | influence at the lags 0, 1, ..., the largest is 1
part | text or null | part of the split that importances were measured on: test or validation
cutoffs | null | null where no importance was measured; otherwise the list below
cutoffs[] | date | first and last cutoff
importance[].input | text | input, covariate with all its inputs, or all inputs
importance[].step | integer | step in rows
importance[].n | integer | cutoffs
importance[].increase | number | CRPS with the shuffled input over that of the run, less 1
importance[].low | number or null | lower end of the 95 % interval; null with too few cutoffs
importance[].high | number or null | upper end
curve[].step | number | optimiser step
curve[].loss | number | training loss
curve[].validation_loss | number | validation loss, where it was measured
initial_loss | number or null | loss before the training
reference_losses.<model> | number | loss of a baseline on the same samples
missing.<section> | text | reason why a section is not there
"""
