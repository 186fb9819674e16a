"""Histories asked for ahead: a few at a time, each once, in order; none from a source that does not answer."""

import datetime
import threading
import time
from pathlib import Path

import pytest

from forecaster.data.instruments import Instrument, parse_ticker
from forecaster.data.sources.ahead import MAX_REQUESTS, asked_ahead
from forecaster.data.sources.base import Loaded, LoadRequest, SourceTraits
from forecaster.errors import SourceError, UnreachableError

NAMES = [parse_ticker(f"M{number}") for number in range(30)]


class Server:
    """A source that counts its requests; the answer is the name, or an error."""

    name = "yahoo"
    endpoint = None
    traits = SourceTraits()

    def __init__(self, errors: dict[str, SourceError] | None = None) -> None:
        self.errors = errors or {}
        self.asked: list[str] = []
        self.most = self.now = 0
        self.arrived = threading.Semaphore(0)
        self._lock = threading.Lock()

    def symbol(self, instrument: Instrument) -> str:
        return instrument.name

    def load(self, request: LoadRequest) -> Loaded:
        with self._lock:
            self.asked.append(request.instrument.name)
            self.now += 1
            self.most = max(self.most, self.now)
        self.arrived.release()
        time.sleep(0.005)
        with self._lock:
            self.now -= 1
        if request.instrument.name in self.errors:
            raise self.errors[request.instrument.name]
        return request.instrument.name  # type: ignore[return-value]


def request_of(instrument: Instrument) -> LoadRequest:
    return LoadRequest(instrument, Path(), datetime.date(2026, 11, 20))


def test_each_is_asked_for_once_and_a_few_at_a_time() -> None:
    server = Server()
    with asked_ahead(server, NAMES, request_of) as source:
        answers = [source.load(request_of(name)) for name in NAMES]
    assert answers == [name.name for name in NAMES]
    assert sorted(server.asked) == sorted(answers)
    assert 1 < server.most <= MAX_REQUESTS


def test_those_that_were_not_needed_are_passed_over() -> None:
    server = Server()
    wanted = NAMES[::3]
    with asked_ahead(server, NAMES, lambda name: request_of(name) if name in wanted[1:] else None) as source:
        assert [source.load(request_of(name)) for name in wanted] == [name.name for name in wanted]
    assert sorted(server.asked) == sorted(name.name for name in wanted)


def test_a_failure_belongs_to_its_own_history() -> None:
    server = Server({"M3": SourceError("no M3")})
    with asked_ahead(server, NAMES, request_of) as source:
        for name in NAMES:
            if name.name == "M3":
                with pytest.raises(SourceError, match="no M3"):
                    source.load(request_of(name))
            else:
                assert source.load(request_of(name)) == name.name


def test_nothing_is_asked_ahead_of_a_source_that_does_not_answer() -> None:
    server = Server({name.name: UnreachableError("nobody there") for name in NAMES})
    with asked_ahead(server, NAMES, request_of) as source:
        for name in NAMES[:2]:
            with pytest.raises(UnreachableError):
                source.load(request_of(name))
    assert server.asked == ["M0", "M1"]


def test_only_a_few_answers_wait_and_the_rest_is_dropped_at_the_end() -> None:
    server = Server()
    with asked_ahead(server, NAMES, request_of) as source:
        source.load(request_of(NAMES[0]))
        assert all(server.arrived.acquire(timeout=60) for _ in range(1 + 2 * MAX_REQUESTS))
    assert len(server.asked) == 1 + 2 * MAX_REQUESTS
