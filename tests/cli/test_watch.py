"""`forecast watch` from the outside."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from click.testing import Result
from conftest import Forecast
from documented_keys import differences, missing
from oracles import series_of
from toy_ledgers import clock_of, price_file, prices

from forecaster.errors import UsageError
from forecaster.evaluation.anomalies import Anomalies, AnomalousDay
from forecaster.experiments.watch_alerts import forecast_alert, history_alerts
from forecaster.experiments.watch_rules import AnomalyRule, BandRule
from forecaster.files import json_line
from forecaster.forecast import Forecast as Distribution
from forecaster.output.watch_documents import alert_document

COMMAND = "forecast watch"


def written(path: Path, *rules: str) -> Path:
    path.write_text("".join(f"- {{{rule}}}\n" for rule in rules), encoding="utf-8")
    return path


def lines(result: Result) -> list[dict]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_each_rule_that_fires_is_a_line(forecast: Forecast, home: Path, tmp_path: Path) -> None:
    rules = written(
        tmp_path / "rules.yaml",
        "kind: band, level: 80, step: 5, wider_than: 0.1, name: wide",
        "kind: band, wider_than: 90",
        "kind: band, narrower_than: 90, step: 20",
        "kind: probability, above: 150, step: 5, more_than: 0.3",
        "kind: probability, below: 150, step: 5, more_than: 0.3",
        "kind: probability, between: [150, 165], less_than: 0.2",
        "kind: stale, price_days: 3",
    )
    result = forecast("watch", "USDJPY", "--rules", rules, "--home", home)
    assert result.exit_code == 5, result.stderr
    alerts = lines(result)
    assert [alert["rule"] for alert in alerts] == [1, 3, 4, 7]
    assert all(differences(COMMAND, alert) == [] for alert in alerts)
    assert missing(COMMAND, alerts) == []
    (document,) = json.loads(forecast("predict", "USDJPY", "--home", home, "--format", "json").stdout)
    step = document["steps"][4]
    width = 100 * (step["quantiles"]["0.9"] - step["quantiles"]["0.1"]) / document["last_price"]
    assert alerts[0]["value"] == pytest.approx(width, rel=1e-9)
    assert (alerts[0]["name"], alerts[0]["date"], alerts[0]["limit"]) == ("wide", step["date"], 0.1)
    assert alerts[2]["value"] > 0.3
    assert [alert["subject"] for alert in alerts[3:]] == ["price_days"]
    assert not (home / "ledger.jsonl").exists()
    quiet = written(tmp_path / "quiet.yaml", "kind: band, wider_than: 90")
    nothing = forecast("watch", "USDJPY", "--rules", quiet, "--home", home)
    assert (nothing.exit_code, nothing.stdout) == (0, "")


def test_a_failing_instrument_does_not_hide_the_others(forecast: Forecast, home: Path, tmp_path: Path) -> None:
    fires = written(tmp_path / "fires.yaml", "kind: band, wider_than: 0.1")
    for names in (("EURUSD,USDJPY",), ("--universe", tmp_path / "pairs.txt")):
        (tmp_path / "pairs.txt").write_text("EURUSD\nUSDJPY\n", encoding="utf-8")
        result = forecast("watch", *names, "--rules", fires, "--home", home)
        assert result.exit_code == 5
        assert [alert["instrument"] for alert in lines(result)] == ["USDJPY"]
        assert "failed: EURUSD: no run" in result.stderr
    alone = forecast("watch", "EURUSD", "--rules", fires, "--home", home)
    assert (alone.exit_code, alone.stdout) == (1, "")
    long = written(tmp_path / "long.yaml", "kind: band, wider_than: 0.1", "kind: band, step: 200, wider_than: 0.1")
    for names in (("USDJPY",), ("--universe", tmp_path / "pairs.txt")):
        result = forecast("watch", *names, "--rules", long, "--home", home)
        assert result.exit_code == 5, result.stderr  # no run reaches the second rule; the first fires all the same
        assert [alert["rule"] for alert in lines(result)] == [1]
        assert "failed: USDJPY: rule 2 is about step 200, and the forecast of USDJPY has 20" in result.stderr
    far = written(tmp_path / "far.yaml", "kind: probability, above: 1.6, more_than: 0.3")
    slip = forecast("watch", "USDJPY", "--rules", far, "--home", home)
    assert slip.exit_code == 1
    assert "rule 1: above 1.6: USDJPY is at 157.25, and that is 98.3 times less" in slip.stderr


def test_a_command_gets_each_line_without_a_shell(forecast: Forecast, home: Path, tmp_path: Path) -> None:
    rules = written(tmp_path / "rules.yaml", "kind: band, wider_than: 0.1, name: '$(touch x); `touch y`'")
    heard = tmp_path / "heard.jsonl"
    script = tmp_path / "hear it.py"
    script.write_text(f"import sys\nopen({str(heard)!r}, 'a').write(sys.stdin.read())\nsys.exit(len(sys.argv) - 1)\n")
    flags = ("watch", "USDJPY", "--rules", rules, "--home", home, "--exec")
    taken = forecast(*flags, f"{sys.executable} '{script}'")
    assert taken.exit_code == 5, taken.stderr
    assert heard.read_text(encoding="utf-8") == taken.stdout
    assert not (tmp_path / "x").exists()
    refused = forecast(*flags, f"{sys.executable} '{script}' --flag")
    assert refused.exit_code == 1
    assert "1 of 1 alerts were not taken" in refused.stderr
    assert len(lines(refused)) == 1
    for command, message in (("no-such-program", "is no program"), ("'x", "No closing quotation"), ("", "nothing")):
        wrong = forecast(*flags, command)
        assert (wrong.exit_code, wrong.stdout) == (2, "")
        assert message in wrong.stderr


def test_a_command_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    from forecaster.cli import watch

    def hangs(words: list[str], **settings: object) -> None:
        assert settings["timeout"] == watch.MAX_SECONDS
        raise subprocess.TimeoutExpired(words, watch.MAX_SECONDS)

    monkeypatch.setattr(watch.subprocess, "run", hangs)
    assert "longer than 60 seconds" in str(watch._handed_over(["true"], "{}"))


def test_a_process_that_a_command_leaves_behind_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from forecaster.cli import watch

    monkeypatch.setattr(watch, "MAX_SECONDS", 3)
    process = tmp_path / "process"
    try:
        for code, problem in ((0, None), (3, "the command ended with 3: no mail")):
            script = f"cat > /dev/null; sleep 60 & echo $! >> '{process}'; echo no mail; exit {code}"
            assert watch._handed_over(["sh", "-c", script], "{}") == problem
    finally:
        for number in process.read_text(encoding="utf-8").split():
            os.kill(int(number), signal.SIGKILL)


def test_an_anomaly_among_the_newest_rows(forecast: Forecast, tmp_path: Path) -> None:
    """A fall of twelve usual moves on the last day but one."""
    close = prices(800)
    close = np.concatenate([close, close[-1] * np.exp([-0.072, -0.07])])
    file = price_file(tmp_path / "toy.csv", close)
    for rows, count in ((1, 0), (2, 1)):
        rules = written(tmp_path / "rules.yaml", f"kind: anomaly, rows: {rows}")
        result = forecast("watch", "--csv", file, "--rules", rules, "--home", tmp_path)
        assert result.exit_code == (5 if count else 0), result.stderr
        assert len(lines(result)) == count
    (alert,) = lines(result)
    assert differences(COMMAND, alert) == []
    assert (alert["subject"], alert["run_id"], alert["kind"]) == ("p_value", None, "anomaly")
    assert alert["value"] < 1e-4


def test_a_row_that_the_validation_repairs_has_no_p_value() -> None:
    series = series_of([100.0, 101.0, 102.0])
    last = series.dates[-1]
    nothing = dict.fromkeys(("low", "high", "pit", "p_value", "adjusted_p_value", "at_once"))
    day = AnomalousDay(last, 4.6, 10200.0, kind="unconfirmed", known_from=last, **nothing)
    result = Anomalies(series.instrument, series, "panel_har", 0.05, (last, last), 1, 1, (day,), ())
    (alert,) = history_alerts(AnomalyRule(kind="anomaly"), 1, result)
    document = json.loads(json_line(alert_document(alert, clock_of("2000-01-05")())))
    assert differences(COMMAND, document) == []
    assert document["value"] is None
    assert "repaired by the validation" in document["text"]


def test_a_width_in_percent_needs_a_positive_price() -> None:
    values = np.array([[-1.0, 0.0, 1.0]])
    day = np.datetime64("2020-01-01")
    forecast = Distribution("spread", day, 0.0, np.array([day + 1]), (0.1, 0.5, 0.9), values, 1, changes=True)
    with pytest.raises(UsageError, match=r"rule 2 is about a width in percent, and changes of spread are modelled"):
        forecast_alert(BandRule(kind="band", step=1, wider_than=1), 2, mock.Mock(forecast=forecast))


WRONG = {
    "[]": "rules.yaml:1: expected a list of rules",
    "rules: 3": "rules.yaml:1: expected a list of rules",
    "text": "expected a list of rules",
    "- kind: bandd": "rules.yaml:1: rule 1: kind: expected one of band, probability, anomaly, stale (got 'bandd')",
    "- 3": "rule 1: kind: expected one of band, probability, anomaly, stale (got 3)",
    "- kind: stale\n- kind: band\n  level: 200\n  wider_than: 1": "rules.yaml:3: rule 2: level: should be less than",
    "- kind: band": "rule 1: expected one of wider_than, narrower_than (got none)",
    "- kind: stale\n  price_day: 3": "rules.yaml:2: rule 1: price_day: unknown key; did you mean price_days?",
    "- {kind: probability, above: 1, below: 2, more_than: 0.1}": "expected one of above, below, between (got above and",
    "- {kind: probability, between: [2, 1], more_than: 0.1}": "expected a lower and a higher price",
    "- {kind: probability, above: high, more_than: 0.1}": "above: should be a valid number",
    "- {kind: probability, above: .nan, more_than: 0.1}": "above",
    "- {kind: band, wider_than: 1": "rules.yaml:",
    "- {kind: band, wider_than: 1, instruments: [GBPUSD]}": "rule 1 is about GBPUSD, which is not watched",
}


@pytest.mark.parametrize("text", WRONG)
def test_wrong_rules_are_one_line_with_their_place(forecast: Forecast, tmp_path: Path, text: str) -> None:
    (tmp_path / "rules.yaml").write_text(text + "\n", encoding="utf-8")
    result = forecast("watch", "USDJPY", "--rules", tmp_path / "rules.yaml", "--home", tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert WRONG[text] in result.stderr


def test_faults_of_the_command_line(forecast: Forecast, tmp_path: Path) -> None:
    rules = written(tmp_path / "rules.yaml", "kind: stale")
    for flags, message in (
        ((), "expected instruments or a universe"),
        (("USDJPY", "--universe", "currencies"), "one of them"),
        (("USDJPY", "--rules", tmp_path / "none.yaml"), "cannot be read"),
    ):
        result = forecast("watch", "--rules", rules, *flags, "--home", tmp_path)
        assert result.exit_code == 2
        assert message in result.stderr
