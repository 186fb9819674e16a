"""Histories asked for before they are wanted, a few at a time, so that the waits for a server overlap."""

import contextlib
import functools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ClassVar

from forecaster.data.instruments import Instrument
from forecaster.data.sources.base import Loaded, LoadRequest, OnlineSource, SourceTraits
from forecaster.errors import ForecasterError, UnreachableError

__all__ = ["MAX_REQUESTS", "AheadSource", "asked_ahead"]

MAX_REQUESTS = 4
"""Requests to one server at a time."""

_MAX_WAITING = 2 * MAX_REQUESTS  # answers that wait to be taken, so that memory stays flat


class AheadSource:
    """A source whose next histories are being loaded already; one that was not announced is loaded when asked for.

    Args:
        source: The source; its `load` is called in several threads.
        instruments: In canonical orientation, in the order in which they will be asked for.
        request_of: Gives the request for an instrument; None for one that will probably not be asked for.
    """

    traits: ClassVar[SourceTraits] = SourceTraits()

    def __init__(
        self,
        source: OnlineSource,
        instruments: Sequence[Instrument],
        request_of: Callable[[Instrument], LoadRequest | None],
    ) -> None:
        self.traits = source.traits  # type: ignore[misc]  # those of the source in its place
        self._source = source
        self._instruments = instruments
        self._places = {instrument: place for place, instrument in enumerate(instruments)}
        self._next = 0
        self._request_of = request_of
        self._answers = False  # then it is asked for more than one history at a time
        self._pool = ThreadPoolExecutor(MAX_REQUESTS, thread_name_prefix="ahead")
        self._running: deque[tuple[Instrument, Future[Loaded]]] = deque()

    @property
    def name(self) -> str:
        """Registry key."""
        return self._source.name

    @property
    def endpoint(self) -> str | None:
        """See `OnlineSource`."""
        return self._source.endpoint

    def symbol(self, instrument: Instrument) -> str:
        """See `OnlineSource`."""
        return self._source.symbol(instrument)

    def load(self, request: LoadRequest) -> Loaded:
        """The history that was announced, or a new request; see `Source.load`."""
        self._next = max(self._next, self._places.get(request.instrument, -1) + 1)
        while any(instrument == request.instrument for instrument, _ in self._running):
            instrument, future = self._running.popleft()
            if instrument == request.instrument:
                self._fill()
                return self._answer(future.result)
        return self._answer(functools.partial(self._source.load, request))

    def _answer(self, wait: Callable[[], Loaded]) -> Loaded:
        """The answer that `wait` gives; a source that does not answer is asked for no more until it does."""
        try:
            loaded = wait()
        except UnreachableError:
            self._answers = False
            raise
        except ForecasterError:  # about this history alone
            self._answers = True
            raise
        else:
            self._answers = True
            return loaded
        finally:
            self._fill()

    def _fill(self) -> None:
        while self._answers and len(self._running) < _MAX_WAITING and self._next < len(self._instruments):
            request = self._request_of(self._instruments[self._next])
            self._next += 1
            if request is None:
                continue
            self._running.append((request.instrument, self._pool.submit(self._source.load, request)))

    def close(self) -> None:
        """Drop the requests that have not begun, and wait for the others, each of which has its deadline."""
        self._pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def asked_ahead(
    source: OnlineSource,
    instruments: Sequence[Instrument],
    request_of: Callable[[Instrument], LoadRequest | None],
) -> Iterator[AheadSource]:
    """An `AheadSource`, closed at the end."""
    ahead = AheadSource(source, instruments, request_of)
    try:
        yield ahead
    finally:
        ahead.close()
