import dataclasses
import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecaster.data.findings import Note
from forecaster.data.instruments import Instrument, parse_ticker
from forecaster.data.series import PriceSeries
from forecaster.data.sources.base import Loaded, LoadRequest
from forecaster.data.sources.registry import OpenSources, source_traits
from forecaster.data.store import Store, store_path
from forecaster.datasets.histories import Histories, data_line, load_members, note_findings
from forecaster.datasets.history_checker import HistoryChecker
from forecaster.environment import Environment
from forecaster.errors import InputFileError, InstrumentError, NotEnoughDataError, SourceError, UnreachableError

TICKER = parse_ticker("MADE")
DAYS = np.busday_offset("2024-01-02", np.arange(400), roll="forward")


def made(rows: int = 300, scale: float = 1.0, meta: dict[str, str] | None = None) -> PriceSeries:
    moves = np.random.default_rng(1).normal(0, 0.01, size=len(DAYS)).cumsum()
    return PriceSeries(TICKER, "yahoo", "MADE", DAYS[:rows], {"close": scale * np.exp(moves[:rows])}, meta=meta or {})


class Fake:
    """A source that needs the network, and counts how often it is asked."""

    name = "yahoo"
    traits = source_traits("yahoo")
    endpoint: str | None = None

    def __init__(self, answer: PriceSeries | Exception, notes: tuple[Note, ...] = ()) -> None:
        self.answer, self.notes, self.asked = answer, notes, 0

    def symbol(self, instrument: Instrument) -> str:
        return instrument.name

    def load(self, request: LoadRequest) -> Loaded:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return Loaded(self.answer, notes=self.notes)


class Bench:
    """A project whose clock is set and whose notes are kept."""

    def __init__(self, home: Path) -> None:
        self.home, self.notes = home, list[str]()
        self.today = DAYS[299].astype(datetime.date)

    def histories(self, source: Fake, network: str = "auto", **rules: Any) -> Histories:
        checker = HistoryChecker(self.today, **rules)
        return Histories(self.environment, "yahoo", checker, network=network, sources=OpenSources({"yahoo": source}))

    @property
    def environment(self) -> Environment:
        noon = datetime.datetime.combine(self.today, datetime.time(12), datetime.UTC)
        return Environment(home=self.home, clock=lambda: noon, note=self.notes.append)

    def later(self, rows: int) -> None:
        self.today = DAYS[299 + rows].astype(datetime.date)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_what_came_over_the_network_is_kept_and_used_again(bench: Bench) -> None:
    source = Fake(made())
    first = bench.histories(source).load(TICKER)
    again = bench.histories(source).load(TICKER)
    assert source.asked == 1
    assert again.whole.sha256 == first.whole.sha256
    assert (first.is_new, again.is_new) == (True, False)
    assert again.stored == first.stored
    with Store.open(store_path(bench.home)) as store:
        assert [one.sha256 for one in store.versions("yahoo", "MADE")] == [first.whole.sha256]


def test_the_source_is_asked_when_a_trading_day_has_ended_since(bench: Bench) -> None:
    bench.histories(Fake(made())).load(TICKER)
    source = Fake(made(302))
    bench.later(1)  # the next day has begun and is not over
    assert len(bench.histories(source).load(TICKER).whole) == 300
    bench.later(2)
    assert len(bench.histories(source).load(TICKER).whole) == 302
    assert source.asked == 1


def test_refresh_asks_always_and_fails_where_there_is_no_answer(bench: Bench) -> None:
    source = Fake(made())
    bench.histories(source).load(TICKER)
    bench.histories(source, "refresh").load(TICKER)
    assert source.asked == 2
    with pytest.raises(SourceError, match="away"):
        bench.histories(Fake(SourceError("away")), "refresh").load(TICKER)


def test_offline_never_asks(bench: Bench) -> None:
    source = Fake(made())
    with pytest.raises(SourceError, match=r"has no prices of MADE .* --offline forbids to ask"):
        bench.histories(source, "never").load(TICKER)
    bench.histories(source).load(TICKER)
    bench.later(50)
    assert len(bench.histories(source, "never").load(TICKER).whole) == 300
    assert source.asked == 1


def test_without_an_answer_the_store_serves_and_says_so(bench: Bench) -> None:
    bench.histories(Fake(made())).load(TICKER)
    bench.later(20)
    assert len(bench.histories(Fake(SourceError("away"))).load(TICKER).whole) == 300
    assert bench.notes == ["warning: away", f"warning: the prices in the store are used instead, to {DAYS[299]}"]


def test_without_an_answer_and_without_a_store_there_is_nothing(bench: Bench) -> None:
    with pytest.raises(SourceError, match="away"):
        bench.histories(Fake(SourceError("away"))).load(TICKER)


def test_a_changed_history_is_a_new_version_and_told(bench: Bench) -> None:
    bench.histories(Fake(made())).load(TICKER)
    bench.later(2)
    checked = bench.histories(Fake(made(302, scale=0.5))).load(TICKER)  # split two for one
    (told,) = [one for one in checked.report.findings if one.code == "price_changed_by_factor"]
    assert told.count == 300
    assert told.text.startswith("300 rows whose prices were rescaled since the last version, the newest by 0.5")
    with Store.open(store_path(bench.home)) as store:
        versions = store.versions("yahoo", "MADE")
        assert [len(store.load("yahoo", "MADE", sha256=one.sha256)) for one in versions] == [300, 302]


def spiked(row: int, rows: int = 300) -> PriceSeries:
    whole = made(rows)
    close = whole.close.copy()
    close[row] *= 100
    return dataclasses.replace(whole, columns={"close": close})


def test_a_spike_is_repaired_from_the_day_on_which_it_is_known(bench: Bench) -> None:
    histories = bench.histories(Fake(spiked(200)))
    loaded = histories.whole(TICKER)
    whole = loaded.series
    then, after = (histories.checker.check(loaded, DAYS[row].astype(datetime.date)) for row in (200, 201))
    assert then.series.dates[-1] == DAYS[200]
    assert then.series.close[-1] == whole.close[200]
    assert DAYS[200] not in after.series.dates
    assert [one.code for one in after.report.repairs] == ["reverting_spike"]
    assert any("jumps and comes back" in note.text for note in after.notes)


def test_strict_makes_warnings_errors(bench: Bench) -> None:
    whole = made()
    close = whole.close.copy()
    close[150:] *= 1.4
    source = Fake(dataclasses.replace(whole, columns={"close": close}))
    assert any(one.severity == "warning" for one in bench.histories(source).load(TICKER).report.findings)
    with pytest.raises(SourceError, match=f"MADE: 1 row with an unusually large move.*{DAYS[150]}"):
        bench.histories(source, strict=True).load(TICKER)


def test_the_span_is_cut_before_anything_is_looked_at(bench: Bench) -> None:
    histories = bench.histories(Fake(spiked(200)), end=DAYS[199].astype(datetime.date))
    assert histories.load(TICKER).report.repairs == ()


def test_weeks_are_made_of_repaired_days(bench: Bench) -> None:
    friday = int(np.flatnonzero(np.is_busday(DAYS, weekmask="Fri"))[30])
    series = bench.histories(Fake(spiked(friday)), frequency="1wk").load(TICKER).series
    assert series.frequency == "1wk"
    assert series.close.max() < 10


def test_a_span_without_rows(bench: Bench) -> None:
    with pytest.raises(NotEnoughDataError, match=r"no rows from 2030-01-01 to the last; it runs from .* --as-of$"):
        bench.histories(Fake(made()), start=datetime.date(2030, 1, 1)).load(TICKER)


def test_notes_of_a_source_are_told_once(bench: Bench) -> None:
    histories = bench.histories(Fake(made(), (Note("data", "the ECB cannot be reached"),)))
    histories.whole(TICKER)
    histories.whole(TICKER)
    assert bench.notes == ["data: the ECB cannot be reached"]


class Some(Fake):
    """Has every second symbol; or does not answer at all."""

    def load(self, request: LoadRequest) -> Loaded:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        if int(request.instrument.name[1:]) % 2:
            raise SourceError(f"no {request.instrument.name}")
        return Loaded(dataclasses.replace(made(), instrument=request.instrument, symbol=request.instrument.name))


def test_members_that_cannot_be_had_are_told_and_the_rest_is_used(bench: Bench) -> None:
    members = [parse_ticker(f"M{number}") for number in range(14)]
    loaded = load_members(bench.histories(Some(made())), members, bench.environment)
    assert [one.series.instrument.name for one in loaded] == [f"M{number}" for number in range(0, 14, 2)]
    assert bench.notes[0] == "universe: left out M1: no M1"
    assert bench.notes[-1] == "universe: left out M11, M13: for reasons like these"
    assert len(bench.notes) == 6


def test_a_source_that_does_not_answer_is_asked_twice_and_no_more(bench: Bench) -> None:
    source = Some(UnreachableError("no network"))
    assert load_members(bench.histories(source), [parse_ticker(f"M{n}") for n in range(9)], bench.environment) == []
    assert source.asked == 2
    assert "universe: left out M2: yahoo does not answer, and was not asked for M2" in bench.notes


def test_a_symbol_that_its_source_refuses_by_name_is_told_too(bench: Bench) -> None:
    class Strict(Some):
        def symbol(self, instrument: Instrument) -> str:
            if instrument.name == "M2":
                raise InstrumentError("ticker 'M2' is not how it is written")
            return instrument.name

    loaded = load_members(bench.histories(Strict(made())), [parse_ticker("M2"), parse_ticker("M4")], bench.environment)
    assert [one.series.instrument.name for one in loaded] == ["M4"]
    assert bench.notes == ["universe: left out M2: ticker 'M2' is not how it is written"]


def test_a_refused_history_is_not_put_into_the_store(bench: Bench) -> None:
    bench.histories(Fake(made())).load(TICKER)
    bench.later(2)
    changed = made(302)
    close = changed.close.copy()
    close[[20, 90]] *= [1.01, 0.99]
    source = Fake(dataclasses.replace(changed, columns={"close": close}))
    for _ in range(2):  # what it is refused for does not go away by asking twice
        with pytest.raises(SourceError, match="2 rows whose prices were revised since the last version"):
            bench.histories(source, strict=True).load(TICKER)
    with Store.open(store_path(bench.home)) as store:
        assert len(store.versions("yahoo", "MADE")) == 1
    assert "2 rows whose prices were revised" in "".join(map(str, bench.histories(source).load(TICKER).notes))
    assert "revised" not in "".join(map(str, bench.histories(source).load(TICKER).notes))


def test_prices_of_another_server_are_not_yahoos(bench: Bench) -> None:
    elsewhere = Fake(made(meta={"endpoint": "http://127.0.0.1:1"}))
    elsewhere.endpoint = "http://127.0.0.1:1"
    assert "from http://127.0.0.1:1" in data_line(bench.histories(elsewhere).load(TICKER).series, bench.today)
    source = Fake(made())
    bench.histories(source).load(TICKER)
    assert source.asked == 1
    assert "warning: the store has prices of MADE from http://127.0.0.1:1; they are not used" in bench.notes


def test_findings_beside_the_named_series_are_told_or_counted(bench: Bench) -> None:
    checked = bench.histories(Fake(spiked(200))).load(TICKER)
    note_findings([checked], bench.notes.append)
    assert bench.notes[0].startswith("data: MADE: repair: 1 row whose price jumps and comes back")
    bench.notes.clear()
    note_findings([checked] * 30, bench.notes.append)
    (line,) = bench.notes
    assert line.startswith("universe: findings in the 30 other series: repair reverting_spike (30)")


def test_a_source_that_does_not_answer_leaves_what_the_store_has(bench: Bench) -> None:
    members = [parse_ticker(f"M{number}") for number in (0, 2, 4, 6)]
    load_members(bench.histories(Some(made())), members, bench.environment)
    bench.later(20)
    away = Some(UnreachableError("no network"))
    loaded = load_members(bench.histories(away), [*members, parse_ticker("M8")], bench.environment)
    assert [one.series.instrument.name for one in loaded] == ["M0", "M2", "M4", "M6"]
    assert away.asked == 2


def test_a_file_that_cannot_be_used_is_a_fault_of_the_file(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("date,close\n2024-01-01,1\n2024-01-02,1\n2024-01-03,40\n2024-01-04,41\n")
    instrument = Instrument("csv", "x", path)
    histories = Histories(bench.environment, "csv", HistoryChecker(bench.today, strict=True))
    with pytest.raises(InputFileError):
        histories.load(instrument)


@pytest.mark.parametrize(
    ("days", "told"),
    [(0, "(up to date)"), (1, "(1 business day old)"), (6, "(6 business days old, older than a week)")],
)
def test_the_line_about_the_data(days: int, told: str) -> None:
    series = made()
    today = DAYS[299 + days].astype(datetime.date)
    assert data_line(series, today) == f"data: {series.name}, 300 rows, {DAYS[0]} to {DAYS[299]} {told}"
