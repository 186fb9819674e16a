"""Values that a shell completes: instruments, runs, kinds, configurations, universes, metrics of runs, keys.

A shell waits for them, so nothing here imports a model, a configuration or a run.
"""

import itertools
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from forecaster.model_names import BASELINE_NAMES, MODELS, NETWORK_NAMES

__all__ = [
    "Completer",
    "baselines",
    "config_keys",
    "configs",
    "documents",
    "instruments",
    "kinds",
    "models",
    "pairs",
    "run_facts",
    "run_ids",
    "runs_or_instruments",
    "universes",
]

RUN_FACTS = (
    *("id", "created", "instrument", "member", "series", "source", "frequency", "model", "horizon", "seed"),
    *("configuration", "refit", "fitted_until", "tag", "density", "coverage"),
)
"""Facts by which runs are filtered and sorted: a copy, because importing theirs takes too long; a test compares."""

MAX_RUNS = 50  # newest runs that are offered
MAX_INDEX_CHARACTERS = 100_000  # of the index of runs; the first runs have the names of all metrics
_METRIC_OF_RUN = re.compile(r"\b[a-z_]+(?:\.[a-z_]+)?@\d+\b")
_NAMED_FOLDER = re.compile(r"\d{8}-\d{6}-\d{3}-(?P<name>.+)-[0-9a-f]{6}")
_COMMENTED_KEY = re.compile(r"(?P<indent> *)(?P<name>\w+):(?P<value>[^#]*)")

Completer = Callable[[click.Context, Any, str], list[CompletionItem]]


def _completer(values: Callable[[click.Context, str], Iterable[str]], *, files: bool = False) -> Completer:
    """A completer of values, of which several may be separated by commas.

    Args:
        values: Gives the values that may be meant, from the context and the text so far.
        files: True if files may be named too: they are offered where no value fits.
    """

    def complete(ctx: click.Context, parameter: Any, incomplete: str) -> list[CompletionItem]:
        before, comma, last = incomplete.rpartition(",")
        taken = before.split(",")
        items = [
            CompletionItem(f"{before}{comma}{value}")
            for value in values(ctx, last)
            if value.lower().startswith(last.lower()) and value not in taken
        ]
        # bash completes either files or what it was given.
        return [CompletionItem(incomplete, type="file")] if files and not comma and not items else items

    return complete


def _home(ctx: click.Context) -> Path:
    home = ctx.params.get("home")
    return home if isinstance(home, Path) else Path(os.environ.get("FORECAST_HOME", ""))


def _run_folders(ctx: click.Context) -> list[str]:
    """Names of the newest run folders."""
    try:
        names = [entry.name for entry in os.scandir(_home(ctx) / "runs") if entry.name[:8].isdigit()]
    except OSError:
        return []
    return sorted(names, reverse=True)[:MAX_RUNS]


def _runs(ctx: click.Context, text: str) -> list[str]:
    return ["latest", *_run_folders(ctx)]


def _pairs(ctx: click.Context, text: str) -> list[str]:
    """Pairs: without a letter those of the runs and some that many trade, else all."""
    from forecaster.data.instruments import CURRENCIES, ENDED_CURRENCIES

    used = [match["name"].upper() for name in _run_folders(ctx) if (match := _NAMED_FOLDER.fullmatch(name))]
    codes = [code for code in CURRENCIES if code not in ENDED_CURRENCIES]
    first = [name for name in dict.fromkeys(used) if name[:3] in codes and name[3:] in codes]
    if not text:
        return [*dict.fromkeys([*first, "EURUSD", "USDJPY", "GBPUSD", "USDCHF", "AUDUSD"])]
    others = [base + quote for base, quote in itertools.permutations(codes, 2) if base.startswith(text[:3].upper())]
    return [*dict.fromkeys([*first, *others])]


def _configs(ctx: click.Context, text: str) -> list[str]:
    return [path.stem for path in _config_files()]


def _config_files() -> list[Path]:
    package = Path(__file__).parents[1]
    folder = next((path for path in (package / "configs", package.parent / "configs") if path.is_dir()), package)
    return sorted(folder.glob("*.yaml"))


def _keys(ctx: click.Context, text: str) -> list[str]:
    """Dotted keys with an equals sign, of the configuration that is named and the default one."""
    name = str(ctx.params.get("config") or "default").removesuffix(".yaml")
    keys: dict[str, None] = {}
    sections: list[str] = []
    for path in _config_files():
        for line in path.read_text(encoding="utf-8").splitlines() if path.stem in (name, "default") else ():
            if match := _COMMENTED_KEY.match(line):
                sections = [*sections[: len(match["indent"]) // 2], match["name"]]
                if match["value"].strip():
                    keys[f"{'.'.join(sections)}="] = None
    return [*keys]


def _universes(ctx: click.Context, text: str) -> list[str]:
    from forecaster.data.universes import UNIVERSES

    own = sorted(path.stem for path in (_home(ctx) / "data" / "universes").glob("*.txt"))
    return [*UNIVERSES, *own]


def _run_facts(ctx: click.Context, text: str) -> list[str]:
    """Facts of runs, and the metrics that the index of the runs names."""
    try:
        with open(_home(ctx) / "runs" / ".index.json", encoding="utf-8") as file:
            metrics_of_runs = _METRIC_OF_RUN.findall(file.read(MAX_INDEX_CHARACTERS))
    except (OSError, UnicodeDecodeError):
        metrics_of_runs = []
    return [*RUN_FACTS, *dict.fromkeys(metrics_of_runs)]


def _documents(ctx: click.Context, text: str) -> list[str]:
    from forecaster.output.json_schema import document_names

    return [*document_names()]


run_ids = _completer(_runs)
pairs = _completer(_pairs)
instruments = _completer(_pairs, files=True)
runs_or_instruments = _completer(lambda ctx, text: [*_runs(ctx, text), *_pairs(ctx, text)], files=True)
configs = _completer(_configs, files=True)
config_keys = _completer(_keys)
run_facts = _completer(_run_facts)
universes = _completer(_universes, files=True)
documents = _completer(_documents)
kinds = _completer(lambda ctx, text: ["all", *NETWORK_NAMES])
baselines = _completer(lambda ctx, text: BASELINE_NAMES)
models = _completer(lambda ctx, text: MODELS)
