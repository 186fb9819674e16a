"""Ensemble of several kinds of networks: ``model.kind: ensemble``, with a list of them in ``model.members``."""

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import pydantic
from pydantic import SerializeAsAny

from forecaster.models import MODELS, model_class
from forecaster.models.architectures.gru import GRUOptions
from forecaster.models.architectures.linear import LinearOptions
from forecaster.models.architectures.lstm import LSTMOptions
from forecaster.models.base import ModelOptions
from forecaster.models.calendar_options import CalendarOptions
from forecaster.models.ensemble import Ensemble
from forecaster.models.quantile.options import QuantileOptions
from forecaster.models.traits import Traits

__all__ = ["EnsembleOfKinds", "EnsembleOptions"]

MIN_KINDS = 2
MAX_KINDS = 20
_SHARED = ("features", "volatility_calendar")  # options of the ensemble that all members have


def _kinds() -> list[str]:
    """Kinds that can be members."""
    return [name for name in MODELS if issubclass(model_class(name).Options, QuantileOptions)]


def _section(member: Any) -> dict[str, Any]:
    """A member as a section; its kind alone is enough."""
    if not isinstance(member, Mapping):
        member = {"kind": member}
    return dict(member)


def _members(members: Any) -> Any:
    """Options of each member."""
    if not isinstance(members, (list, tuple)):
        raise ValueError(
            "expected a list of kinds, such as [lstm, gru]; a number of seeds is the key members, outside model"
        )
    if not MIN_KINDS <= len(members) <= MAX_KINDS:
        raise ValueError(f"expected {MIN_KINDS} to {MAX_KINDS} members; got {len(members)}")
    return tuple(
        member if isinstance(member, ModelOptions) else _options(_section(member), f"member {number}")
        for number, member in enumerate(members, start=1)
    )


def _options(section: Mapping[str, Any], member: str) -> ModelOptions:
    kind = section.get("kind")
    kinds = _kinds()
    if kind == "classic":
        raise ValueError(f"{member}: classic forecasts the price of one row ahead; expected some of {', '.join(kinds)}")
    if kind not in kinds:
        near = difflib.get_close_matches(str(kind), kinds, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"{member}: expected a kind among {', '.join(kinds)}; got {kind!r:.80}{hint}")
    if "horizon" in section:
        raise ValueError(
            f"{member}: all members have one horizon; got a horizon of its own; set horizon, outside model"
        )
    try:
        return model_class(kind).Options.model_validate(section)
    except pydantic.ValidationError as error:
        (first, *_) = error.errors()
        key = ".".join(map(str, first["loc"]))
        text = "unknown key" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
        raise ValueError(f"{member}, {kind}: {key}: {text}" if key else f"{member}, {kind}: {text}") from error


class EnsembleOptions(CalendarOptions):
    """Section ``model`` of a configuration with ``kind: ensemble``."""

    kind: Literal["ensemble"] = "ensemble"
    members: Annotated[
        tuple[SerializeAsAny[ModelOptions], ...],
        pydantic.BeforeValidator(_members),
        pydantic.WithJsonSchema({"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "object"}]}}),
    ] = (LSTMOptions(), GRUOptions(), LinearOptions())

    @pydantic.model_validator(mode="after")
    def _members_agree(self) -> Self:
        knots = {f"{member.kind} {list(member.knots)}": member.knots for member in self.networks}
        if len(set(knots.values())) > 1:
            raise ValueError(f"members: all members have the same knots; got {', '.join(knots)}; set the same for each")
        for number, member in enumerate(self.members, start=1):
            for name in _SHARED:
                if getattr(member, name) not in ("auto", getattr(self, name)):
                    raise ValueError(
                        f"members: {name} of member {number}, {member.kind}, is its own; expected the same for all "
                        f"members; set model.{name}"
                    )
        return self

    @property
    def networks(self) -> tuple[QuantileOptions, ...]:
        """Options of each member, with the inputs and the calendar of the ensemble."""
        shared = {name: getattr(self, name) for name in _SHARED}
        return tuple(member.model_copy(update=shared) for member in self.members)  # type: ignore[misc]

    @property
    def stops_early(self) -> bool:
        """See `ModelOptions`."""
        return any(member.stops_early for member in self.members)

    @classmethod
    def completed(cls, section: Mapping[str, Any], frequency: str) -> Mapping[str, Any]:
        """See `ModelOptions`; each member has the defaults of its kind."""
        members = section.get("members", [member.kind for member in cls.model_fields["members"].default])
        if not isinstance(members, (list, tuple)):
            return section
        sections = [_section(member) for member in members]
        kinds = _kinds()
        return {
            **section,
            "members": [
                model_class(member["kind"]).Options.completed(member, frequency)
                if member.get("kind") in kinds
                else member
                for member in sections
            ],
        }

    def quick(self) -> tuple[Self, str | None]:
        """These options with few optimiser steps for each member."""
        shorter = [member.quick() for member in self.members]
        texts = dict.fromkeys(text for _, text in shorter if text is not None)
        if not texts:
            return self, None
        members = tuple(options for options, _ in shorter)
        return self.model_copy(update={"members": members}), f"for each member, {' or '.join(texts)}"


class EnsembleOfKinds(Ensemble):
    """One fit of each member; see `Ensemble`.

    Args:
        options: Section ``model`` of the configuration.
        horizon: Longest step H that will be asked for.
    """

    name = "ensemble"
    Options = EnsembleOptions
    traits = Traits(
        panel=True,
        calibrated=True,
        reads_features=True,
        engine=True,
        located=True,
        known_days=True,
        inspectable=True,
        combines=True,
    )

    def __init__(self, options: EnsembleOptions, horizon: int) -> None:
        models = [model_class(member.kind)(member, horizon) for member in options.networks]
        super().__init__(models, "ensemble")
        self.options = options
        in_numpy = all(model.traits.numpy_forecast for model in models)
        self.traits = dataclasses.replace(type(self).traits, numpy_forecast=in_numpy)
