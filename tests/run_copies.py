"""Copies of the golden run under other names, with changed facts."""

import json
import shutil
from pathlib import Path
from typing import Any

from forecaster.experiments.stored_files import document_checksum

GOLDEN = next((Path(__file__).parent / "golden").glob("2*"))


def copy_run(folder: Path, name: str = GOLDEN.name, **changes: Any) -> None:
    """Write the golden run into `folder` as the run `name`."""
    shutil.copytree(GOLDEN, folder / name)
    document = {**json.loads((GOLDEN / "manifest.json").read_text()), "run_id": name, **changes}
    document["checksum"] = document_checksum(document)
    (folder / name / "manifest.json").write_text(json.dumps(document))
