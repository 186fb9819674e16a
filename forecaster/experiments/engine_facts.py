"""Software and processor of a training, as a manifest records them."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

from forecaster.models.engine import Engine

__all__ = ["EngineFacts"]


@dataclasses.dataclass(frozen=True)
class EngineFacts:
    """Software and processor of a training.

    Args:
        engine: Backend and device; None in manifests that do not record them.
        versions: Package -> version.
        processor: Processor and its vector extensions.
        command: Command line of the process.
        settings: Settings that can change bits; see `forecaster.models.engine.engine_settings`.
    """

    engine: Engine | None
    versions: Mapping[str, str]
    processor: str
    command: tuple[str, ...]
    settings: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The part of a manifest about software."""
        engine = document.get("engine")
        return cls(
            engine=None if engine is None else Engine(engine["backend"], engine["device"], engine["reason"]),
            versions=document.get("versions", {}),
            processor=document.get("processor", ""),
            command=tuple(document.get("command", ())),
            settings=document.get("settings", {}),
        )

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "engine": None if self.engine is None else dataclasses.asdict(self.engine),
            "versions": dict(self.versions),
            "processor": self.processor,
            "command": list(self.command),
            **({"settings": dict(self.settings)} if self.settings else {}),
        }
