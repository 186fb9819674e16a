"""Suggestions for a setting of a training that other programs have as an option: a configuration, or ``--set``."""

import json

__all__ = ["MODEL_FLAGS", "kind_suggestion", "setting_suggestion"]

MODEL_FLAGS = frozenset({"model", "kind", "arch", "architecture", "network", "algorithm", "model_type", "net"})
"""Options of other programs that choose the kind of network, in lower case and without dashes."""

_LAYER_COUNTS = frozenset("12345678")


def kind_suggestion(name: str | None, strict: bool = False) -> str | None:
    """``--config NAME`` for a kind of network.

    Args:
        name: Kind as typed, if any.
        strict: True if a word that is no kind has no suggestion.

    Example:
        >>> kind_suggestion("GRU"), kind_suggestion("bi_lstm"), kind_suggestion("prophet", strict=True)
        ('--config gru', '--config bilstm', None)
    """
    from forecaster.config import shipped_configs
    from forecaster.models.option_aliases import KIND_ALIASES

    word = (name or "gru").lower().replace("-", "_")
    kind = KIND_ALIASES.get(word, word)
    if kind in shipped_configs():
        return f"--config {kind}"
    return None if strict else "--config NAME; the names are listed by: forecast config list"


def setting_suggestion(word: str, value: str | None, config: str | None) -> str | None:
    """``--set KEY=VALUE`` for an option called like a key of the configuration, or like an alias of one.

    A value that the configuration refuses is replaced by an example. Where `config` is None and the default
    configuration has no such key, the first configuration that has it is suggested too.

    Args:
        word: Option in lower case, without dashes in front and with underscores inside.
        value: Its value as typed, if any.
        config: Configuration that was named.

    Example:
        >>> setting_suggestion("lr", "0.01", None), setting_suggestion("scaler", "minmax", None)
        ('--set model.training.learning_rate=0.01', '--config classic --set model.scaler=minmax')
    """
    from forecaster.config import configuration_keys
    from forecaster.models import network_names
    from forecaster.models.option_aliases import EXAMPLE_VALUES, KEY_ALIASES, REQUIRED_SETTINGS, UNITS_OF_KEYS

    alias = KEY_ALIASES.get(word) or next((key for key in configuration_keys() if _last(key) == word), None)
    if alias is None:
        return None
    configs = [None, *network_names()] if config is None else [config]
    keys = {name: key for name in configs if (key := _key_of(name, alias)) is not None}
    if not keys:
        return None
    if "layers" in word and value and value.isdecimal():
        value = ",".join(["32"] * int(value)) if value in _LAYER_COUNTS else None
    name, key = next(iter(keys.items()))
    unit = UNITS_OF_KEYS.get((word, key))
    accepting = (each for each in keys.items() if value and not unit and _is_accepted(each[0], f"{each[1]}={value}"))
    if pair := next(accepting, None):
        name, key = pair
    else:
        value = EXAMPLE_VALUES.get(key) or _value_in(name, key)
    words = [f"--config {name}"] if config is None and name is not None else []
    words += [f"--set {REQUIRED_SETTINGS[key]}"] if key in REQUIRED_SETTINGS else []
    return " ".join([*words, f"--set {key}={value}", *([f"({unit})"] if unit else [])])


def _last(key: str) -> str:
    return key.rpartition(".")[2]


def _key_of(config: str | None, alias: str) -> str | None:
    """The key of a configuration that has the meaning of `alias`; `alias` itself if there is no such configuration."""
    from forecaster.config import configuration_keys, load_config
    from forecaster.errors import ConfigError
    from forecaster.models.option_aliases import key_among

    try:
        return key_among(configuration_keys(load_config(config).kind), alias)
    except ConfigError:
        return alias


def _value_in(config: str | None, key: str) -> str:
    """Value of a key in a configuration, as ``--set`` takes it: a list without brackets, which zsh would expand."""
    from forecaster.config import load_config

    value = load_config(config).model_dump(mode="json")
    for name in key.split("."):
        value = value[name]
    return ",".join(json.dumps(item).strip('"') for item in (value if isinstance(value, list) and value else [value]))


def _is_accepted(config: str | None, assignment: str) -> bool:
    from forecaster.config import load_config
    from forecaster.errors import ConfigError

    try:
        load_config(config, [assignment])
    except ConfigError:
        return False
    return True
