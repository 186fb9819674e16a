"""Files that may be damaged or forged: JSON and arrays are checked before anything is built from them."""

import contextlib
import hashlib
import io
import json
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, cast

import numpy as np

from forecaster.arrays import AnyArray
from forecaster.files import json_text, plain, require_bounded_packing, sha256_of

__all__ = [
    "MAX_FILE_BYTES",
    "MAX_TEXT_BYTES",
    "arrays_checksum",
    "document_checksum",
    "parse_arrays",
    "parse_json",
    "parse_sealed",
    "read_member",
    "reported_as_value_error",
    "require_finite",
    "sealed_json",
]

MAX_FILE_BYTES = 2**30
"""Size of a stored file; the weights of a network with 200 million parameters fit."""

MAX_TEXT_BYTES = 2**26
"""Size of a manifest, a configuration or a learning curve."""

MAX_JSON_DEPTH = 32
"""Levels of lists and mappings in a stored document; those of this program have up to 7."""

MAX_UNPACKED_RATIO = 4
"""Bytes of arrays for each byte of their file; weights cannot be compressed so far."""

MIN_UNPACKED_BYTES = 2**24
"""Bytes of arrays that any file may hold."""

_NUMBERS = "biuf"  # kinds of NumPy types: no objects, no text
_END_RECORD = struct.Struct("<4s4H2LH")  # end of a zip file without a comment


def parse_json(content: bytes) -> Any:
    """The document in a JSON file.

    Raises:
        ValueError: It is not JSON, holds NaN or infinity, or is nested too deeply.
    """
    try:
        document = json.loads(content.decode("utf-8"), parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    level = [document]
    for _ in range(MAX_JSON_DEPTH):
        level = [child for value in level for child in _children(value)]
    if level:
        raise ValueError("it is nested too deeply")
    return document


def document_checksum(document: Mapping[str, Any], place: str = "") -> str:
    """SHA-256 of the content of a JSON document, its own checksum aside.

    Args:
        document: The document.
        place: Owner of the document, so that it fits no other one; empty where the document names it.
    """
    body = {key: value for key, value in plain(document).items() if key != "checksum"}
    return sha256_of(place.encode() + json.dumps(body, sort_keys=True, allow_nan=False).encode())


def sealed_json(document: Mapping[str, Any], place: str = "") -> bytes:
    """Content of a JSON file that holds its own checksum; see `document_checksum`."""
    return (json_text({**document, "checksum": document_checksum(document, place)}) + "\n").encode()


def parse_sealed(content: bytes, place: str = "") -> dict[str, Any]:
    """The document that `sealed_json` wrote for the same place, without its checksum.

    Raises:
        ValueError: It is another one, or was altered.
    """
    document = parse_json(content)
    if not isinstance(document, dict) or document.pop("checksum", None) != document_checksum(document, place):
        raise ValueError("it does not match its own checksum")
    return document


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"it holds {text}")


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def parse_arrays(content: bytes) -> dict[str, AnyArray]:
    """The named arrays of numbers in an ``npz`` file.

    Every size is compared with the bytes that are there before memory is reserved for an array, and a file that
    unpacks to much more than its own size is not unpacked.

    Raises:
        ValueError: It is not such a file, or holds anything else.
    """
    with reported_as_value_error():
        _require_plain_end(content)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            require_bounded_packing(member.compress_type for member in members)
            if len({member.filename for member in members}) < len(members):
                raise ValueError("it holds a name twice")
            unpacked = sum(member.file_size for member in members)
            if unpacked > max(MAX_UNPACKED_RATIO * len(content), MIN_UNPACKED_BYTES):
                raise ValueError(f"its {len(content)} bytes unpack to {unpacked}")
            return dict(_member(archive, member) for member in members)


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Content of a member of a zip archive.

    `zipfile.ZipFile.read` unpacks whatever is there before it looks at the size that the archive states.

    Raises:
        ValueError: The content does not have the stated size.
    """
    with archive.open(member) as file:
        content = file.read(member.file_size + 1)
    if len(content) != member.file_size:
        raise ValueError(f"{member.filename[:80]!r} does not have the stated size")
    return content


@contextlib.contextmanager
def reported_as_value_error() -> Iterator[None]:
    """Turn what `zipfile` and `numpy.lib.format` raise for damaged files into ValueError."""
    try:
        yield
    except (
        *(EOFError, KeyError, TypeError, IndexError, OverflowError, UnicodeError, RecursionError, MemoryError),
        *(
            NotImplementedError,
            RuntimeError,
            SyntaxError,
            tokenize.TokenError,
            struct.error,
            zipfile.BadZipFile,
            zlib.error,
        ),
    ) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _require_plain_end(content: bytes) -> None:
    """Refuse bytes after the end of a zip file: `zipfile` would overlook them."""
    if content[-_END_RECORD.size :][:4] != b"PK\x05\x06" or content[-2:] != b"\0\0":
        raise ValueError("it does not end as a file of arrays")


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> tuple[str, AnyArray]:
    """Name and array of one member of an archive."""
    data = read_member(archive, member)
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"{member.filename!r} has the format {version}")
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran_order, dtype = header(file)
    if dtype.kind not in _NUMBERS or dtype.hasobject:
        raise ValueError(f"{member.filename!r} holds no numbers")
    if any(length < 0 for length in shape) or math.prod(shape) * dtype.itemsize != len(data) - file.tell():
        raise ValueError(f"{member.filename!r} has the shape {shape} and {len(data) - file.tell()} bytes")
    array = np.frombuffer(data, dtype, offset=file.tell()).copy()
    # An order of C for what was stored in the order of Fortran: the values are the same.
    array = array.reshape(shape[::-1]).T if fortran_order else array.reshape(shape)
    return member.filename.removesuffix(".npy"), cast(AnyArray, array)


def require_finite(arrays: Mapping[str, AnyArray]) -> None:
    """Raise ValueError where an array holds NaN or infinity."""
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{name!r} holds NaN or infinity")


def arrays_checksum(arrays: Mapping[str, AnyArray]) -> str:
    """SHA-256 of names, types, shapes and values of `arrays`."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(json.dumps([name, array.dtype.str, array.shape]).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
