"""Write docs/json.md out of `forecaster.output.json_keys`, which a test compares with real documents.

Run ``python docs/make_json.py`` to write the page; with ``--check``, exit 1 when it is out of date.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from forecaster.output.json_keys import DOCUMENTS, DocumentedKey, keys_of_document
from forecaster.output.json_parts import PARTS

PAGE = Path(__file__).with_name("json.md")

_HEAD = """\
# JSON documents

Written by `python docs/make_json.py`; a test compares the tables with the documents that the commands print.

- `predict` and `data show` print a list with one document for each instrument, also for a single one.
- `predict --format json-flat` prints a list of rows, the same as `--format csv`: `pandas.DataFrame(rows)` reads it.
- NaN and infinity, which JSON lacks, are null. Dates are texts such as 2026-10-30.
- `forecast schema NAME` prints the same keys as a JSON Schema, for programs that validate documents.
- A key whose type begins with "optional" may be missing.
- Keys may be added within a version of a schema, never renamed or removed. Ignore keys that you do not know.
- In a path, `[]` is each item of a list, and a name in angle brackets is any key. A type in capitals is a part, with
  its keys in a table at the end; ANY is a value of no fixed type. The [glossary](glossary.md) explains the terms.
"""


def reference() -> str:
    """The text of the page."""
    blocks = [_HEAD]
    for command in DOCUMENTS:
        blocks.append(f"## {command}\n\n{_table(keys_of_document(command))}")
    for part, text in PARTS.items():
        lines = (line.split(" | ", 2) for line in text.strip().splitlines())
        blocks.append(f"## Part {part}\n\n{_table(DocumentedKey(*line) for line in lines)}")
    return "\n".join(blocks)


def _table(keys: Iterable[DocumentedKey]) -> str:
    rows = "".join(f"| `{key.path}` | {key.kind} | {key.meaning} |\n" for key in keys)
    return f"| key | type | meaning |\n|---|---|---|\n{rows}"


def main() -> int:
    """Write the page or, with ``--check``, compare it."""
    if "--check" in sys.argv[1:]:
        return 0 if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == reference() else 1
    PAGE.write_text(reference(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
