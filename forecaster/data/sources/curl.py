"""The library curl_cffi, loaded so that it calls its own copies of functions that TensorFlow has as well.

In a process that has loaded TensorFlow first, curl would otherwise call TensorFlow's, and fail at every request with
"Impersonating chrome is not supported".
"""

import contextlib
import os
import sys
from collections.abc import Iterator

__all__ = ["CurlOpt", "requests"]


@contextlib.contextmanager
def _own_functions() -> Iterator[None]:
    """Libraries that load in this context prefer their own functions; elsewhere than with glibc all do.

    Without TensorFlow nothing is changed: functions that a user preloads, such as those of torsocks, stay in use.
    """
    if "tensorflow" not in sys.modules or not hasattr(os, "RTLD_DEEPBIND"):
        yield
        return
    flags = sys.getdlopenflags()
    sys.setdlopenflags(flags | os.RTLD_DEEPBIND)
    try:
        yield
    finally:
        sys.setdlopenflags(flags)


with _own_functions():
    from curl_cffi import CurlOpt, requests
