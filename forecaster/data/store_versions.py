"""Path and versions of the store, for those who do not open it: SQLite is not loaded."""

import dataclasses
from pathlib import Path

__all__ = ["Version", "store_path"]


def store_path(home: Path) -> Path:
    """Path of a project's store."""
    return home / "data" / "store.sqlite"


@dataclasses.dataclass(frozen=True)
class Version:
    """One saved state of one history.

    Args:
        id: Number of the version, increasing over the whole store.
        source: Registry key of the source.
        symbol: The source's spelling of the instrument.
        frequency: ``"1d"``.
        sha256: Hash of dates and values.
        saved_at: Time of saving, ISO 8601, UTC.
        rows: Number of rows.
        first: Date of the first row, ISO 8601.
        last: Date of the last row.
        added: Rows that the version before, when this one was saved, did not have.
        revised: Rows whose values changed.
        removed: Rows that are no longer there.
    """

    id: int
    source: str
    symbol: str
    frequency: str
    sha256: str
    saved_at: str
    rows: int
    first: str
    last: str
    added: int
    revised: int
    removed: int

    @property
    def key(self) -> tuple[str, str, str]:
        """Source, symbol and frequency: which history it is a version of."""
        return self.source, self.symbol, self.frequency

    @property
    def series(self) -> str:
        """The history it is a version of, as ``source/symbol/frequency``."""
        return "/".join(self.key)

    @property
    def name(self) -> str:
        """``source/symbol/frequency@`` and the first twelve digits of the hash, as `PriceSeries.name`."""
        return f"{self.series}@{self.sha256[:12]}"
