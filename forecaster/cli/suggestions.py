"""The right place for a wrong command or option: near names, else a table of names that other programs use."""

import difflib
import re
from collections.abc import Collection, Mapping, Sequence

from forecaster.cli.setting_suggestions import MODEL_FLAGS, kind_suggestion, setting_suggestion
from forecaster.errors import did_you_mean

__all__ = ["choice_message", "command_message", "number_message", "option_message"]

MIN_LIKENESS = 0.75  # of a name that may have been meant; below it a suggestion is a guess
MAX_SUGGESTIONS = 2

_COMMANDS: Mapping[str, str] = {
    "fit": "train", "learn": "train", "run": "train, or forecast runs list", "retrain": "train",
    "refit": "train --refit",
    "forecast": "predict", "inference": "predict", "infer": "predict", "tomorrow": "predict", "odds": "odds",
    "evaluate": "backtest", "eval": "backtest", "test": "backtest", "score": "score", "validate": "backtest",
    "benchmark": "backtest", "walkforward": "backtest", "simulate": "backtest",
    "chart": "plot", "graph": "plot", "draw": "plot", "picture": "plot",
    "check": "audit", "leakage": "audit", "verify": "data verify",
    "download": "data fetch", "fetch": "data fetch", "get": "data fetch", "update": "data refresh",
    "refresh": "data refresh", "show": "data show", "info": "data show",
    "prune": "data prune", "clean": "data prune", "history": "data list", "store": "data list",
    "list": "runs list", "ls": "runs list", "models": "runs list, or forecast config list", "save": "export",
    "use": "runs use", "pin": "runs use",
    "configs": "config list", "settings": "config keys", "options": "config keys", "keys": "config keys",
    "help": "--help, or forecast COMMAND --help", "version": "--version", "grade": "score",
    "log": "predict USDJPY --log",
    "risk": "odds USDJPY --position 1000000USD", "var": "odds USDJPY --position 1000000USD",
    "hedge": "odds --portfolio FILE --base EUR --hedge USD", "portfolio": "odds --portfolio FILE --base EUR",
    "probability": "odds USDJPY --above 160", "whatif": "odds USDJPY --above 160", "level": "odds USDJPY --above 160",
    "price": "predict USDJPY", "range": "predict USDJPY", "excel": "predict USDJPY --out forecast.xlsx",
    "page": "report USDJPY", "html": "report USDJPY", "browser": "report USDJPY",
    "slide": "plot USDJPY --kind fan", "fan": "plot USDJPY --kind fan",
}  # fmt: skip
"""Name of a command in other programs -> what to type after ``forecast``."""

_FLAGS: Mapping[str, tuple[str, ...]] = {
    "--days": ("--last {250}", "--horizon {5}", "--step {5}"),
    "--ahead": ("--horizon {5}", "--step {5}"),
    "--steps": ("--horizon {5}", "--step {5}"),
    "--periods": ("--horizon {5}", "--step {5}"),
    "--forecast-horizon": ("--horizon {5}", "--step {5}"),
    "--horizon": ("--step {5}", "--within {5}"),
    "--weeks": ("--horizon {2}wk", "--within {2}wk"),
    "--months": ("--horizon {2}mo", "--within {2}mo"),
    "--step": ("--horizon {5}",),
    "--gpu": ("--device gpu",),
    "--cpu": ("--device cpu",),
    "--stock": ("--ticker {AAPL}",),
    "--share": ("--ticker {AAPL}",),
    "--symbol": ("--ticker {AAPL}",),
    "--index": ("--ticker {^GSPC}",),
    "--crypto": ("--ticker {BTC-USD}",),
    "--instrument": ("--pair {USDJPY}",),
    "--currency": ("--pair {USDJPY}",),
    "--fx": ("--pair {USDJPY}",),
    "--forex": ("--pair {USDJPY}",),
    "--file": ("--csv {prices.csv}",),
    "--input": ("--csv {prices.csv}",),
    "--data": ("--csv {prices.csv}",),
    "--path": ("--csv {prices.csv}",),
    "--excel": ("--out {forecast.xlsx}", "--csv {prices.xlsx}"),
    "--xlsx": ("--out {forecast.xlsx}", "--csv {prices.xlsx}"),
    "--html": ("--out {forecast.html}",),
    "--freq": ("--frequency {1wk}",),
    "--timeframe": ("--frequency {1wk}",),
    "--period": ("--frequency {1wk}",),
    "--resample": ("--frequency {1wk}",),
    "--weekly": ("--frequency 1wk",),
    "--monthly": ("--frequency 1mo",),
    "--daily": ("--frequency 1d",),
    "--confidence": ("--level {80,95}",),
    "--ci": ("--level {80,95}",),
    "--alpha": ("--level {80,95}",),
    "--interval-level": ("--level {80,95}",),
    "--quantiles": ("--level {80,95}",),
    "--levels": ("--level {80,95}", "--above {160}"),
    "--price": ("--above {160}", "--price-column {Close}"),
    "--probability": ("--above {160}",),
    "--target": ("--above {160}", "--price-column {Close}"),
    "--column": ("--price-column {Close}",),
    "--field": ("--price-column {Close}",),
    "--price-col": ("--price-column {Close}",),
    "--close-column": ("--price-column {Close}",),
    "--threshold": ("--above {160}",),
    "--over": ("--above {160}",),
    "--greater": ("--above {160}",),
    "--under": ("--below {150}",),
    "--range": ("--between {150,160}",),
    "--output": ("--out {forecast.csv}",),
    "--output-file": ("--out {forecast.csv}",),
    "--save": ("--out {forecast.csv}",),
    "--export": ("--out {forecast.csv}",),
    "-o": ("--out {forecast.csv}",),
    "--json": ("--format json",),
    "--csv-output": ("--format csv",),
    "--date": (
        "--on {2026-12-31}",
        "--until {2026-12-31} for the last day, --as-of for the newest row",
        "--as-of {2025-06-30}",
        "--end {2025-06-30}",
    ),
    "--by": ("--on {2026-12-31}", "--until {2026-12-31}"),
    "--at": ("--on {2026-12-31}", "--until {2026-12-31}"),
    "--on": ("--until {2026-12-31}",),
    "--within": ("--horizon {1mo}",),
    "--touch": ("--above {160}",),
    "--cutoff": ("--as-of {2025-06-30}", "--end {2025-06-30}"),
    "--asof": ("--as-of {2025-06-30}", "--end {2025-06-30}"),
    "--from": ("--start {2010-01-01}",),
    "--since": ("--start {2010-01-01}",),
    "--begin": ("--start {2010-01-01}", "--from {2010-01-01}"),
    "--start-date": ("--start {2010-01-01}", "--from {2010-01-01}"),
    "--to": ("--until {2026-12-31}", "--on {2026-12-31}", "--end {2025-06-30}"),
    "--end-date": ("--end {2025-06-30}", "--to {2025-06-30}"),
    "--until": ("--on {2026-12-31}", "--end {2025-06-30}", "--to {2025-06-30}"),
    "--dir": ("--home {folder}",),
    "--folder": ("--home {folder}",),
    "--project": ("--home {folder}",),
    "--workers": ("--jobs {2}",),
    "--threads": ("--jobs {2}",),
    "--n-jobs": ("--jobs {2}",),
    "--processes": ("--jobs {2}",),
    "--folds": ("--schedule yearly",),
    "--refit-every": ("--schedule yearly",),
    "--run-id": ("--run {latest}",),
    "--covariates": ("--with {EURUSD}",),
    "--regressors": ("--with {EURUSD}",),
    "--multivariate": ("--with EURUSD",),
    "--retrain": ("--refit",),
    "--baselines": ("--models {lstm,garch}",),
    "--no-network": ("--offline",),
    "--download": ("--refresh",),
    "--loss": ("--kind loss",),
    "--learning-curve": ("--kind loss",),
    "--fan": ("--kind fan",),
    "--figure": ("--kind fan",),
    "--chart": ("--kind fan",),
    "--type": ("--kind fan",),
    "--online": ("--refresh",),
}
"""Flag of other programs -> what to type here, the first that the command has; the text in braces is an example."""


def command_message(name: str, commands: Sequence[str], is_first: bool) -> str:
    """Message about an unknown command.

    Args:
        name: Name as typed.
        commands: Names that there are.
        is_first: True for the first word after ``forecast``, where an instrument may stand too.

    Example:
        >>> command_message("trian", ["train", "predict"], True)
        "No such command 'trian'; did you mean train?"
    """
    shown = f"No such command {name[:60]!r}"
    word = name.lower().replace("-", "").replace("_", "")
    if word in _COMMANDS:
        return f"{shown}; use: forecast {_COMMANDS[word]}."
    near = _near(name.lower(), commands)
    if near:
        return f"{shown}; did you mean {' or '.join(near)}?"
    listed = f"{shown}; the commands are {', '.join(commands)}."
    if is_first and name.isascii() and name.isalnum() and len(name) <= 6:
        return f"{listed[:-1]}; a symbol is written in capitals: forecast {name.upper()}."
    return listed


def option_message(flag: str, arguments: Sequence[str], flags: Collection[str]) -> str | None:
    """Message about an unknown option that names the right one; None if no option comes near.

    Args:
        flag: Option as typed, without its value.
        arguments: All words after the command.
        flags: Options that the command has.

    Example:
        >>> option_message("--hroizon", [], ["--horizon"])
        "No such option '--hroizon'; did you mean --horizon?"
        >>> option_message("--lr", ["--lr", "0.01"], ["--set"])
        "No such option '--lr'; use --set model.training.learning_rate=0.01."
        >>> option_message("--set", ["--set", "data.end=2020-12-31"], ["--sheet"])
        "No such option '--set'; settings are those of a training: forecast train --set KEY=VALUE."
    """
    from forecaster.models import baseline_names

    shown = f"No such option {flag[:60]!r}"
    if flag == "--format":
        return f"{shown}; the output of this command has one form; remove it."
    if flag == "--set":
        return f"{shown}; settings are those of a training: forecast train --set KEY=VALUE."
    value = _value_of(flag, arguments)
    if meant := _from_table(flag, value, flags):
        return f"{shown}; use {meant}."
    word = flag.lstrip("-").lower().replace("-", "_")
    if word in MODEL_FLAGS and (value or "").lower() in baseline_names():
        return f"{shown}; a baseline is not trained alone: forecast backtest --models {value}."
    if word in MODEL_FLAGS:
        meant = kind_suggestion(value)
    else:
        meant = setting_suggestion(word, value, _value_of("--config", arguments)) or kind_suggestion(word, strict=True)
    if meant:
        way = "use" if meant.split()[0] in flags else "it is set when a model is trained: forecast train"
        return f"{shown}; {way} {meant}."
    if (command := _COMMANDS.get(word, word)) in _COMMANDS.values() and command.isalpha():
        return f"{shown}; it is a command: forecast {command}."
    near = [f"--{name}" for name in _near(word, [name.lstrip("-") for name in flags])] if flag.startswith("--") else []
    return f"{shown}; did you mean {' or '.join(near)}?" if near else None


def choice_message(message: str, choices: Collection[str]) -> str:
    """Message about a value that is none of several, with the one that was probably meant.

    Example:
        >>> choice_message("'gppu' is not one of 'cpu', 'gpu'.", ["cpu", "gpu"])
        "'gppu' is not one of 'cpu', 'gpu'; did you mean gpu?"
    """
    value = re.match(r"'([^']*)' ", message)
    hint = did_you_mean(value[1], choices) if value else ""
    return f"{message.rstrip('.')}{hint}" if hint else message


def number_message(message: str) -> str:
    """Message about a value that is no number, in plain words.

    Example:
        >>> number_message("'all' is not a valid integer range.")
        "'all' is not a whole number."
    """
    return re.sub(r"a valid (integer|float)( range)?", lambda match: _NUMBERS[match[1]], message)


_NUMBERS = {"integer": "a whole number", "float": "a number"}


def _from_table(flag: str, value: str | None, flags: Collection[str]) -> str | None:
    for text in _FLAGS.get(flag.lower().replace("_", "-"), ()):
        if text.split()[0] in flags:
            example = re.search(r"{(.*)}", text)
            return text if example is None else text.replace(example[0], value or example[1])
    return None


def _value_of(flag: str, arguments: Sequence[str]) -> str | None:
    """The value that was typed after a flag, if it is one plain word."""
    for position, word in enumerate(arguments):
        name, equals, value = word.partition("=")
        if name == flag:
            following = arguments[position + 1] if position + 1 < len(arguments) else ""
            text = value if equals else following
            return text if re.fullmatch(r"[\w.,/^][\w.,/^-]{0,39}", text) else None
    return None


def _near(name: str, names: Collection[str]) -> list[str]:
    """Names that a slip of the fingers turns into `name`."""
    return difflib.get_close_matches(name, names, n=MAX_SUGGESTIONS, cutoff=MIN_LIKENESS)
