"""Keys of the JSON lines of `forecast watch`; see `json_keys`."""

__all__ = ["ALERT"]

ALERT = """
schema | text | alert/1
time | text | time of the check, in UTC
rule | integer | place of the rule in the file, from 1
name | text or null | name of the rule; null without one
kind | text | band, probability, anomaly or stale
instrument | text | instrument
subject | text | width, probability, p_value, price_days or run_days
value | number or null | width in percent of the last price, probability, p-value or days; null for a repaired row
limit | number | limit of the rule, in the same unit; of an anomaly the rate of false discoveries
step | integer or null | step of the forecast; null for the other kinds
date | date | day that was forecast, anomalous day, day of the last price, or last row of the training
cutoff | date | last row
last_price | number | price at the last row
run_id | text or null | run that made the forecast; null for an anomaly
text | text | the alert in words
"""
