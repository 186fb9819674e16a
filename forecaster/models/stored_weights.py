"""Comparison of stored weights with the network that they are for."""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import DTypeLike

from forecaster.arrays import AnyArray

__all__ = ["require_shapes"]


def require_shapes(
    arrays: Mapping[str, AnyArray],
    shapes: Mapping[str, tuple[int, ...]],
    optional: Collection[str] = (),
    dtype: DTypeLike = np.float32,
) -> None:
    """Compare arrays with the names, shapes and type that are expected.

    Args:
        arrays: Stored arrays.
        shapes: Name -> shape.
        optional: Names that may be missing.
        dtype: Type of every array.

    Raises:
        ValueError: A name is missing or unknown, or a shape or a type differs.
    """
    missing = [name for name in shapes if name not in arrays and name not in optional]
    unknown = [name for name in arrays if name not in shapes]
    if missing or unknown:
        problem = f"{missing[0]!r} is missing" if missing else f"{unknown[0]!r:.100} is unknown"
        raise ValueError(f"{problem}; expected the weights of the configured network")
    for name, array in arrays.items():
        if array.shape != shapes[name] or array.dtype != dtype:
            raise ValueError(
                f"{name!r} has the shape {array.shape} and the type {array.dtype}; "
                f"expected {shapes[name]} and {np.dtype(dtype)}"
            )
