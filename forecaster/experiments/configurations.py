"""Names of configurations: the shipped one that a training used, and the keys that differ from it."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, Self

from forecaster.config import Config, load_config, shipped_configs
from forecaster.data.sources.registry import source_traits
from forecaster.errors import ConfigError
from forecaster.models import model_class, network_names, traits_of

__all__ = ["ConfigurationFacts", "described_configuration", "flat_values", "requested_configuration"]

DEFAULT_NAME = "default"
MAX_NAMED_CHANGES = 3
DATA_KEYS = (
    "start",
    "end",
    "peers",
    "inputs",
    "exog",
    "events",
)  # of the section ``data``; the others name instruments
LENGTHS = ("model.training.steps", "model.epochs")  # keys that decide how long a model trains


@dataclasses.dataclass(frozen=True)
class ConfigurationFacts:
    """Configuration of a training, next to the shipped one that is nearest to it.

    Args:
        base: Name of the shipped configuration.
        changes: Dotted key -> value that differs from it.
        shortened: Description of a training that is shorter than that of the shipped configuration; None if it is not.
    """

    base: str
    changes: Mapping[str, Any]
    shortened: str | None = None

    @property
    def is_default(self) -> bool:
        """True if every key has its default."""
        return self.base == DEFAULT_NAME and not self.changes

    @property
    def name(self) -> str:
        """The name in one line.

        >>> ConfigurationFacts("default", {"horizon": 30}).name
        'default with horizon=30'
        """
        if not self.changes:
            return self.base
        texts = [f"{key}={_text(value)}" for key, value in self.changes.items()]
        more = len(texts) - MAX_NAMED_CHANGES
        return f"{self.base} with {', '.join(texts[:MAX_NAMED_CHANGES])}" + (f" and {more} more" if more > 0 else "")

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The facts that `to_json` has written."""
        return cls(str(document["base"]), dict(document["changes"]), document.get("shortened"))

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {"base": self.base, "changes": dict(self.changes), "shortened": self.shortened}


def _text(value: Any) -> str:
    """A value in one line; of a member of an ensemble its kind, and its options that are not the defaults.

    >>> _text(["lstm", {"kind": "gru", "units": [8]}])
    '[lstm, gru(units=[8])]'
    """
    if isinstance(value, Mapping) and str(value.get("kind")) in network_names():
        defaults = flat_values(model_class(value["kind"]).Options().model_dump(mode="json"))
        options = [f"{key}={_text(item)}" for key, item in flat_values(value).items() if item != defaults.get(key)]
        return f"{value['kind']}({', '.join(options)})" if options else str(value["kind"])
    return f"[{', '.join(map(_text, value))}]" if isinstance(value, list | tuple) else str(value)


def described_configuration(config: Config, source: str, *, resolved: bool = False) -> ConfigurationFacts:
    """The shipped configuration of the kind of `config` that is nearest to it, and the keys that differ.

    Args:
        config: A configuration.
        source: Registry key of the source of its data, which decides what ``universe: auto`` means.
        resolved: True if ``features: auto`` was replaced by a list, as in the configuration of a run; then features
            are not compared.
    """
    automatic = "currencies" if source_traits(source).one_fixing and traits_of(config.kind).panel else "none"
    values = _values(config, automatic)
    ignored = {"model.features"} if resolved else set()
    nearest: tuple[tuple[bool, int], str, dict[str, Any], dict[str, Any]] | None = None
    for name, base in _shipped(config.data.frequency):
        defaults = _values(base, automatic)
        keys = [key for key in (*values, *(set(defaults) - set(values))) if key not in ignored]
        changes = {key: values.get(key) for key in keys if values.get(key) != defaults.get(key)}
        distance = ("model.kind" in changes, len(changes))
        if nearest is None or distance < nearest[0]:
            nearest = (distance, name, changes, defaults)
    if nearest is None:  # the installation lacks its configurations
        return ConfigurationFacts(config.kind, {})
    _, name, changes, defaults = nearest
    lengths = [key for key in LENGTHS if key in values and key in defaults]  # an ensemble has none of its own
    shorter = [key for key in lengths if values[key] < defaults[key]]
    shortened = [f"{values[key]} of {defaults[key]} {key.rpartition('.')[2]}" for key in shorter]
    return ConfigurationFacts(name, changes, shortened[0] if shortened else None)


def requested_configuration(config: Config, facts: ConfigurationFacts) -> Config:
    """The configuration of a run as the user gave it: options that the training chose are ``auto`` again.

    Args:
        config: Configuration of the run.
        facts: Its name.
    """
    defaults = type(config.model)().model_dump()
    chosen = {key: "auto" for key, value in defaults.items() if value == "auto" and f"model.{key}" not in facts.changes}
    return config.model_copy(update={"model": config.model.model_copy(update=chosen)})


@functools.cache
def _shipped(frequency: str) -> tuple[tuple[str, Config], ...]:
    """Name and content of every shipped configuration at a frequency, the defaults first."""
    configs = []
    for name in sorted(shipped_configs(), key=lambda name: name != DEFAULT_NAME):
        try:
            configs.append((name, load_config(name, flags={"data.frequency": frequency})))
        except ConfigError:  # it does not support the frequency
            continue
    return tuple(configs)


def _values(config: Config, automatic: str) -> dict[str, Any]:
    """Dotted key -> JSON value of the keys that decide how good a model is, without data and instruments."""
    document = config.model_dump(mode="json")
    universe = "auto" if config.universe == automatic else config.universe
    return {
        "horizon": document["horizon"],
        "universe": universe,
        "members": document["members"],
        **{f"data.{key}": document["data"][key] or None for key in DATA_KEYS},
        **flat_values(document["split"], "split."),
        **flat_values(document["model"], "model."),
    }


def flat_values(section: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted key -> value of nested sections.

    >>> flat_values({"seed": 1, "model": {"units": [8]}})
    {'seed': 1, 'model.units': [8]}
    """
    values: dict[str, Any] = {}
    for key, value in section.items():
        if isinstance(value, Mapping):
            values |= flat_values(value, f"{prefix}{key}.")
        else:
            values[prefix + key] = value
    return values
