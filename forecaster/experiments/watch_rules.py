"""Rules of `forecast watch`, typed, and read from a YAML file."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pydantic
from pydantic import Field

from forecaster.config_sections import Section
from forecaster.errors import ConfigError
from forecaster.files import read_regular_file
from forecaster.yaml_text import MAX_BYTES, Location, YamlTextError, parse_yaml, unreadable

__all__ = ["AnomalyRule", "BandRule", "ProbabilityRule", "Rule", "StaleRule", "read_rules"]

MAX_RULES = 1000
MAX_SHOWN = 80  # characters of a wrong value in a message
_EXAMPLE = "expected a list of rules, such as '- {kind: band, level: 80, step: 5, wider_than: 3}'"

Step = Annotated[int, Field(ge=1, le=1000)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Percent = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Price = Annotated[float, Field(allow_inf_nan=False)]


class _Rule(Section):
    """A name for the alerts, and the instruments that a rule is about; all when none is named."""

    name: Name | None = None
    instruments: tuple[Name, ...] = ()

    def applies_to(self, instrument: str) -> bool:
        """True if the rule is about an instrument."""
        return not self.instruments or instrument in self.instruments

    def _require_one(self, *names: str) -> None:
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"expected one of {', '.join(names)} (got {' and '.join(given) or 'none'})")


class BandRule(_Rule):
    """Fires if a central interval is wider, or narrower, than a share of the last price."""

    kind: Literal["band"]
    level: Annotated[float, Field(ge=1, le=99.9)] = 80.0
    step: Step = 5
    wider_than: Percent | None = None
    narrower_than: Percent | None = None

    @pydantic.model_validator(mode="after")
    def _one_limit(self) -> Self:
        self._require_one("wider_than", "narrower_than")
        return self


class ProbabilityRule(_Rule):
    """Fires if the probability of a price at a step is more, or less, than a limit."""

    kind: Literal["probability"]
    above: Price | None = None
    below: Price | None = None
    between: tuple[Price, Price] | None = None
    step: Step = 5
    more_than: Share | None = None
    less_than: Share | None = None

    @pydantic.model_validator(mode="after")
    def _one_target_and_limit(self) -> Self:
        self._require_one("above", "below", "between")
        self._require_one("more_than", "less_than")
        if self.between is not None and self.between[0] >= self.between[1]:
            raise ValueError(f"between: expected a lower and a higher price (got {list(self.between)})")
        return self

    @property
    def target(self) -> tuple[Literal["above", "below", "between"], tuple[float, ...]]:
        """Side, and price or prices."""
        if self.above is not None:
            return "above", (self.above,)
        return ("between", self.between) if self.between is not None else ("below", (self.below or 0.0,))


class AnomalyRule(_Rule):
    """Fires if one of the newest rows is an anomalous day, at a rate of false discoveries in percent."""

    kind: Literal["anomaly"]
    rate: Annotated[float, Field(gt=0, le=50)] = 5.0
    rows: Annotated[int, Field(ge=1, le=1000)] = 1


class StaleRule(_Rule):
    """Fires if the last price, or the last row of the training, is older than a number of business days."""

    kind: Literal["stale"]
    price_days: Annotated[int, Field(ge=0)] | None = 5
    run_days: Annotated[int, Field(ge=0)] | None = 125


Rule = BandRule | ProbabilityRule | AnomalyRule | StaleRule
_Tagged = Annotated[Rule, Field(discriminator="kind")]


_FIELDS = {
    "band": tuple(BandRule.model_fields),
    "probability": tuple(ProbabilityRule.model_fields),
    "anomaly": tuple(AnomalyRule.model_fields),
    "stale": tuple(StaleRule.model_fields),
}
"""Kind -> keys of its rules."""


class _Rules(Section):
    rules: Annotated[tuple[_Tagged, ...], Field(min_length=1, max_length=MAX_RULES)]


def read_rules(path: Path) -> tuple[Rule, ...]:
    """Read rules from a YAML file: a list, or one under the key ``rules``.

    Raises:
        ConfigError: The file cannot be read, or rules of it are wrong; one message for each mistake, with its line.
    """
    try:
        document = parse_yaml(read_regular_file(path, MAX_BYTES).decode("utf-8-sig"))
    except YamlTextError as error:
        line = "" if error.line is None else f":{error.line}"
        raise ConfigError(f"{path}{line}: {error.problem}") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {unreadable(error)}; {_EXAMPLE}") from error
    is_list = isinstance(document.value, list)
    lines = {location if not is_list else ("rules", *location): line for location, line in document.lines}
    if not (is_list or isinstance(document.value, dict)):
        raise ConfigError(f"{path}:1: {_EXAMPLE}")
    try:
        return _Rules.model_validate({"rules": document.value} if is_list else document.value).rules
    except pydantic.ValidationError as error:
        errors = error.errors()
        rules = [details for details in errors if len(details["loc"]) > 1]
        raise ConfigError(*(_described(details, lines, path) for details in rules or errors)) from None


def _described(details: Mapping[str, Any], lines: Mapping[Location, int], path: Path) -> str:
    """One mistake with its file, line and key."""
    location = tuple(part for place, part in enumerate(details["loc"]) if not (place == 2 and part in _FIELDS))
    line = next((lines[location[:end]] for end in range(len(location), 0, -1) if location[:end] in lines), 1)
    if location == ("rules",):
        return f"{path}:{line}: {_EXAMPLE}"
    place = f"{path}:{line}: rule {int(location[1]) + 1}" if len(location) > 1 else f"{path}:{line}"
    key = ".".join(map(str, location[2:] if len(location) > 1 else location))
    if details["type"] in ("union_tag_invalid", "union_tag_not_found", "model_attributes_type"):
        return f"{place}: kind: expected one of {', '.join(_FIELDS)} (got {_tag(details['input'])})"
    if details["type"] == "extra_forbidden":
        kind = details["loc"][2] if len(details["loc"]) > 2 else ""
        keys = _FIELDS.get(str(kind), ("rules",))
        near = difflib.get_close_matches(key, keys, n=1)
        hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(keys)}"
        return f"{place}: {key[:MAX_SHOWN]}: unknown key; {hint}"
    message = details["msg"].removeprefix("Value error, ").removeprefix("Input ")
    shown = repr(details["input"])[:MAX_SHOWN]
    received = "" if "(got " in message else f" (got {shown})"
    text = f"{message[0].lower()}{message[1:]}{received}"
    return f"{place}: {key}: {text}" if key else f"{place}: {text}"


def _tag(rule: Any) -> str:
    return repr(rule.get("kind"))[:MAX_SHOWN] if isinstance(rule, dict) else repr(rule)[:MAX_SHOWN]
