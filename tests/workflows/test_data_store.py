"""The intents of `forecast data`, with sources that are made up and a clock that stands still."""

import contextlib
import dataclasses
import datetime
import json
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from forecaster.data.instruments import Instrument, csv_instrument, parse_pair, parse_ticker
from forecaster.data.results import Fetched, Fetching, Verification
from forecaster.data.series import PriceSeries
from forecaster.data.sources import registry
from forecaster.data.sources.base import Loaded, LoadRequest, Source, SourceTraits
from forecaster.data.sources.registry import get_source
from forecaster.data.store import Store, Version, store_path
from forecaster.datasets.selection import Selection
from forecaster.environment import Environment
from forecaster.errors import (
    DamageError,
    ForecasterError,
    InstrumentError,
    SourceError,
    StorageError,
    UnreachableError,
    UsageError,
)
from forecaster.experiments.manifest import SeriesFacts
from forecaster.output.data_documents import (
    columns_csv,
    difference_document,
    fetching_document,
    histories_document,
    history_document,
    verification_document,
)
from forecaster.output.data_tables import verification_line
from forecaster.workflows.data_fetch import fetch, refresh
from forecaster.workflows.data_show import export, show
from forecaster.workflows.data_store import diff, list_histories, prune, verify

NOON = datetime.datetime(2024, 3, 1, 12, tzinfo=datetime.UTC)  # a Friday
NONE = Selection()


def walk(rows: int, last: str = "2024-02-29", seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    dates = np.busday_offset(np.datetime64(last), np.arange(1 - rows, 1))
    return dates, 100 * np.exp(np.cumsum(0.01 * np.random.default_rng(seed).standard_normal(rows)))


def made(instrument: Instrument, source: str, rows: int = 300, **changes: object) -> PriceSeries:
    dates, close = walk(rows)
    facts = {"dates": dates, "columns": {"close": close}, "meta": {"attribution": "made up"}}
    return PriceSeries(instrument, source, instrument.name, **{**facts, **changes})  # type: ignore[arg-type]


@dataclasses.dataclass
class MadeSource:
    """A source over a network that is not there: what it gives is put into it, an error to be raised as well."""

    name: str
    gives: dict[str, PriceSeries | Exception]
    asked: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    endpoint: str | None = None
    traits: ClassVar[SourceTraits] = SourceTraits(grows=True)

    def symbol(self, instrument: Instrument) -> str:
        return instrument.name

    def load(self, request: LoadRequest) -> Loaded:
        self.asked.append((request.instrument.name, request.network))
        exported = self.gives.get(request.instrument.name) or SourceError(f"{request.instrument.name} is unknown")
        if isinstance(exported, Exception):
            raise exported
        return Loaded(exported)


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def environment(tmp_path: Path, notes: list[str]) -> Environment:
    return Environment(home=tmp_path / "home", clock=lambda: NOON, note=notes.append)


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, MadeSource]:
    exported = {name: MadeSource(name, {}) for name in ("ecb", "yahoo")}

    def made_or_real(name: str) -> Source:
        return exported.get(name) or get_source(name)

    monkeypatch.setattr(registry, "get_source", made_or_real)
    return exported


@pytest.fixture
def save(environment: Environment) -> Callable[..., None]:
    def put(*series: PriceSeries) -> None:
        with Store.open(store_path(environment.home), clock=environment.clock) as store:
            for one in series:
                store.save(one)

    return put


AAPL, MSFT, IBM = (parse_ticker(name) for name in ("AAPL", "MSFT", "IBM"))
USDJPY = parse_pair("USDJPY")


def tickers(*names: str, **more: object) -> Selection:
    return Selection(tickers=names, **more)  # type: ignore[arg-type]


def damage(environment: Environment, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(store_path(environment.home))) as connection, connection:
        connection.execute(statement)


def line(verification: Verification) -> str:
    return verification_line(verification_document(verification))


def version_of(one: Fetched) -> Version:
    assert one.version is not None
    return one.version


def error_of(one: Fetched) -> ForecasterError:
    assert one.error is not None
    return one.error


def problem_of(exported: Fetching | Verification) -> ForecasterError:
    assert exported.problem is not None
    return exported.problem


# fetch


def test_fetch_keeps_and_tells(environment: Environment, sources: Mapping[str, MadeSource]) -> None:
    sources["yahoo"].gives["AAPL"] = made(AAPL, "yahoo")
    (one,) = fetch(tickers("AAPL"), environment).fetched
    assert (one.name, one.outcome, one.age, one.findings, one.error) == ("AAPL", "new", 1, (), None)
    assert version_of(one).rows == version_of(one).added == 300
    (again,) = fetch(tickers("AAPL", network="refresh"), environment).fetched
    assert (again.outcome, again.version) == ("unchanged", one.version)
    sources["yahoo"].gives["AAPL"] = made(AAPL, "yahoo", 302)  # another walk: every row is another
    (new,) = fetch(tickers("AAPL", network="refresh"), environment).fetched
    assert (new.outcome, version_of(new).added) == ("new", 2)
    assert "price_changed" in {one.code for one in new.findings}


def test_fetch_tells_what_fails_and_keeps_the_rest(environment: Environment, sources: Mapping[str, MadeSource]) -> None:
    sources["yahoo"].gives |= {"AAPL": made(AAPL, "yahoo"), "IBM": made(IBM, "yahoo")}
    exported = fetch(tickers("AAPL", "WRONG", "IBM"), environment)
    assert [(one.name, one.outcome) for one in exported.fetched] == [
        ("AAPL", "new"), ("WRONG", "failed"), ("IBM", "new"),
    ]  # fmt: skip
    assert isinstance(exported.problem, SourceError)
    assert problem_of(exported).messages == ("WRONG is unknown",)
    assert [one.newest.symbol for one in list_histories(environment)] == ["AAPL", "IBM"]
    document = fetching_document(exported)
    assert document["schema"] == "data/1"
    assert [one["reason"] for one in document["histories"]] == [None, "WRONG is unknown", None]
    json.dumps(document, allow_nan=False)


def test_a_mirrored_pair_is_kept_once_in_its_market_order(
    environment: Environment, sources: Mapping[str, MadeSource], notes: list[str]
) -> None:
    sources["ecb"].gives["USDJPY"] = made(USDJPY, "ecb")
    (one,) = fetch(Selection(pairs=["JPYUSD", "USDJPY"]), environment).fetched
    assert one.name == "USDJPY"
    assert notes == ["JPYUSD is stored as USDJPY, its exact mirror"]


def test_an_export_has_the_orientation_that_was_named(
    environment: Environment, sources: Mapping[str, MadeSource]
) -> None:
    plain = made(USDJPY, "ecb")
    bars = {"open": plain.close, "high": 1.1 * plain.close, "low": 0.8 * plain.close, "volume": 5 * plain.close}
    sources["ecb"].gives["USDJPY"] = dataclasses.replace(plain, columns={**plain.columns, **bars})
    exported = export(Selection(pairs=["JPYUSD"]), environment)
    assert (exported.symbol, exported.instrument.name) == ("JPYUSD", "JPYUSD")
    np.testing.assert_array_equal(exported.close, 1 / plain.close)
    np.testing.assert_array_equal(exported.columns["high"], 1 / bars["low"])
    np.testing.assert_array_equal(exported.columns["low"], 1 / bars["high"])
    np.testing.assert_array_equal(exported.columns["volume"], bars["volume"])


def test_fetch_of_a_source_that_does_not_answer_stops_after_two(
    environment: Environment, sources: Mapping[str, MadeSource]
) -> None:
    sources["yahoo"].gives |= {name: UnreachableError(f"no answer for {name}") for name in ("A", "B", "C", "D")}
    exported = fetch(tickers("A", "B", "C", "D"), environment)
    assert [one.outcome for one in exported.fetched] == ["failed", "failed", "not asked", "not asked"]
    assert [name for name, _ in sources["yahoo"].asked] == ["A", "B"]
    assert problem_of(exported).messages == (
        "no answer for A",
        "no answer for B",
        "skipped, since their source does not answer: C, D; try later",
    )


def test_bad_rows_fail_with_a_reason(environment: Environment, tmp_path: Path) -> None:
    file = tmp_path / "gold.csv"
    file.write_text("date,close\n2023-01-02,1\n2023-01-03,1.1\n2030-01-02,1.2\n")
    (one,) = fetch(Selection(csvs=[str(file)]), environment).fetched
    assert one.outcome == "failed"
    assert error_of(one).exit_code == 2
    assert "in the future" in error_of(one).messages[0]


def test_a_store_that_cannot_be_written_is_told(environment: Environment, sources: Mapping[str, MadeSource]) -> None:
    sources["yahoo"].gives["AAPL"] = made(AAPL, "yahoo")
    environment.home.parent.mkdir(exist_ok=True)
    environment.home.write_text("a file where the folder should be")
    exported = fetch(tickers("AAPL"), environment)
    assert isinstance(exported.problem, StorageError)


# refresh


def test_refresh_asks_for_every_online_history(
    environment: Environment, sources: Mapping[str, MadeSource], save: Callable[..., None]
) -> None:
    save(made(AAPL, "yahoo", 300), made(USDJPY, "ecb"), made(IBM, "sample"), made(MSFT, "yahoo"))
    dates, close = walk(300)
    longer = made(
        AAPL, "yahoo", dates=np.append(dates, np.datetime64("2024-03-01")), columns={"close": np.append(close, 99.0)}
    )
    sources["yahoo"].gives |= {"AAPL": longer, "MSFT": SourceError("MSFT is gone")}
    sources["ecb"].gives["USDJPY"] = made(USDJPY, "ecb")
    exported = refresh(NONE, environment)
    assert [(one.name, one.outcome) for one in exported.fetched] == [
        ("USDJPY", "unchanged"), ("AAPL", "new"), ("MSFT", "failed"),
    ]  # fmt: skip
    assert (version_of(exported.fetched[2]).rows, exported.fetched[2].age) == (300, 1)  # what there is already
    changes = version_of(exported.fetched[1])
    assert (changes.added, changes.revised, changes.removed) == (1, 0, 0)
    assert {network for one in sources.values() for _, network in one.asked} == {"refresh"}
    assert problem_of(exported).exit_code == 3


def test_refresh_of_one_source_or_of_named_instruments(
    environment: Environment, sources: Mapping[str, MadeSource], save: Callable[..., None]
) -> None:
    save(made(AAPL, "yahoo"), made(USDJPY, "ecb"))
    sources["yahoo"].gives["AAPL"] = made(AAPL, "yahoo")
    sources["ecb"].gives["USDJPY"] = made(USDJPY, "ecb")
    assert [one.name for one in refresh(Selection(source="ecb"), environment).fetched] == ["USDJPY"]
    assert [one.name for one in refresh(tickers("AAPL"), environment).fetched] == ["AAPL"]
    assert sources["yahoo"].asked == [("AAPL", "refresh")]


def test_one_source_away_does_not_stop_the_other(
    environment: Environment, sources: Mapping[str, MadeSource], save: Callable[..., None]
) -> None:
    pairs = [parse_pair(name) for name in ("EURUSD", "GBPUSD", "USDCHF")]
    save(*(made(one, "ecb") for one in pairs), made(AAPL, "yahoo"))
    sources["ecb"].gives |= {one.name: UnreachableError("the ECB is away") for one in pairs}
    sources["yahoo"].gives["AAPL"] = made(AAPL, "yahoo")
    exported = refresh(NONE, environment)
    assert [one.outcome for one in exported.fetched] == ["failed", "failed", "not asked", "unchanged"]
    assert problem_of(exported).messages[0] == "the ECB is away"
    assert "USDCHF" in problem_of(exported).messages[1]


def test_an_answer_in_between_shows_that_the_source_is_there(
    environment: Environment, sources: Mapping[str, MadeSource], save: Callable[..., None]
) -> None:
    names = ["A", "B", "C", "D"]
    save(*(made(parse_ticker(name), "yahoo") for name in names))
    sources["yahoo"].gives |= {name: UnreachableError("away") for name in ("A", "C")}
    sources["yahoo"].gives |= {name: made(parse_ticker(name), "yahoo") for name in ("B", "D")}
    outcomes = [one.outcome for one in refresh(NONE, environment).fetched]
    assert outcomes == ["failed", "unchanged", "failed", "unchanged"]


def test_refresh_without_a_store_has_nothing_to_do_and_makes_no_files(
    environment: Environment, sources: Mapping[str, MadeSource]
) -> None:
    assert refresh(NONE, environment).fetched == ()
    assert not environment.home.exists()


def test_a_damaged_history_does_not_stop_the_others(
    environment: Environment, sources: Mapping[str, MadeSource], save: Callable[..., None]
) -> None:
    save(made(AAPL, "yahoo"), made(MSFT, "yahoo"))
    damage(environment, "UPDATE bar SET close = close + 1 WHERE series = 1")
    sources["yahoo"].gives |= {"AAPL": made(AAPL, "yahoo"), "MSFT": made(MSFT, "yahoo")}
    exported = refresh(NONE, environment)
    assert [one.outcome for one in exported.fetched] == ["failed", "unchanged"]
    assert isinstance(exported.problem, DamageError)


# list


def test_list_tells_of_every_history(environment: Environment, save: Callable[..., None]) -> None:
    save(made(AAPL, "yahoo", 10), made(AAPL, "yahoo", 12), made(USDJPY, "ecb", 5))
    document = histories_document(list_histories(environment))
    keys = ("series", "versions", "rows", "age_business_days")
    assert [tuple(one[key] for key in keys) for one in document["histories"]] == [
        ("ecb/USDJPY/1d", 1, 5, 1), ("yahoo/AAPL/1d", 2, 12, 1),
    ]  # fmt: skip
    assert document["histories"][1]["saved_at"] == "2024-03-01T12:00:00+00:00"


def test_looking_makes_no_files(environment: Environment) -> None:
    assert list_histories(environment) == []
    assert line(verify(environment)) == "0 versions of 0 histories are intact"
    assert prune(environment).pruned.versions == ()
    for look in (
        lambda: verify(environment, history="ecb/USDJPY/1d"),
        lambda: diff(environment, "ecb/USDJPY/1d", "ecb/EURUSD/1d"),
        lambda: show(NONE, environment, history="ecb/USDJPY/1d"),
        lambda: export(NONE, environment, history="ecb/USDJPY/1d"),
    ):
        with pytest.raises(SourceError, match=r"there is no store .* forecast data fetch"):
            look()
    assert not environment.home.exists()


# verify


def test_verify_counts_and_names(environment: Environment, save: Callable[..., None]) -> None:
    save(made(AAPL, "yahoo", 10), made(AAPL, "yahoo", 12), made(USDJPY, "ecb", 5))
    sound = verify(environment)
    assert (line(sound), sound.problem) == ("3 versions of 2 histories are intact", None)
    damage(environment, "UPDATE bar SET close = close * 2 WHERE series = 1 AND died IS NULL")
    exported = verify(environment)
    assert line(exported) == "1 of 3 versions of 2 histories is damaged"
    assert isinstance(exported.problem, DamageError)
    assert len(problem_of(exported).messages) == 1
    assert verification_document(exported)["intact"] is False
    assert verification_document(exported)["damaged"][0]["series"] == "yahoo/AAPL/1d"
    assert verify(environment, history="ecb/USDJPY/1d").problem is None
    assert verify(environment, history="yahoo/AAPL/1d").problem is not None


def test_verify_of_one_version(environment: Environment, save: Callable[..., None]) -> None:
    old, new = made(AAPL, "yahoo", 10), made(AAPL, "yahoo", 12)
    save(old, new)
    assert len(verify(environment, history="yahoo/AAPL/1d").checkups) == 2
    for name in (old.name, old.sha256[:8]):
        (one,) = verify(environment, history=name).checkups
        assert one.version.sha256 == old.sha256


# diff


def test_diff_of_two_versions(environment: Environment, save: Callable[..., None]) -> None:
    dates, close = walk(300)
    split = made(AAPL, "yahoo", dates=dates[1:], columns={"close": close[1:] / 2})
    save(made(AAPL, "yahoo"), split)
    document = difference_document(diff(environment, made(AAPL, "yahoo").name, "yahoo/AAPL/1d", rows=2))
    assert document["same"] is False
    assert (document["added"]["count"], document["removed"]) == (0, {"count": 1, "dates": [str(dates[0])]})
    revised = document["revised"]
    assert (revised["count"], revised["dates"]) == (299, [str(dates[1]), str(dates[2])])
    assert revised["columns"]["close"]["ratio"] == pytest.approx(0.5)
    assert revised["columns"]["close"]["rows"][0] == {"date": str(dates[1]), "old": close[1], "new": close[1] / 2}
    assert len(revised["columns"]["close"]["rows"]) == 2
    same = difference_document(diff(environment, "yahoo/AAPL/1d", split.sha256[:10]))
    assert (same["same"], same["revised"]["columns"]) == (True, {})


def test_a_column_that_only_one_has_is_null_on_the_other_side(
    environment: Environment, save: Callable[..., None]
) -> None:
    dates, close = walk(5)
    with_volume = made(AAPL, "yahoo", dates=dates, columns={"close": close, "volume": np.full(5, 7.0)})
    save(made(AAPL, "yahoo", 5), with_volume)
    document = difference_document(diff(environment, made(AAPL, "yahoo", 5).name, with_volume.name, rows=1))
    assert document["revised"]["columns"] == {
        "volume": {"count": 5, "ratio": None, "rows": [{"date": str(dates[0]), "old": None, "new": 7.0}]}
    }


# show and export


def test_show_tells_origin_versions_and_findings(environment: Environment, save: Callable[..., None]) -> None:
    dates, close = walk(300)
    close[150] = close[149] * 1.6
    meta = {
        "attribution": "the makers", "file": "x.csv",
        "findings": json.dumps([
            {"code": "bad_price", "severity": "repair", "count": 1, "dates": ["2023-05-01"], "text": "1 row dropped"}]),
    }  # fmt: skip
    save(made(AAPL, "yahoo", 299), made(AAPL, "yahoo", columns={"close": close}, meta=meta))
    (facts,) = show(NONE, environment, history="yahoo/AAPL/1d", picture=False)
    document = history_document(facts)
    assert (document["attribution"], document["origin"]) == ("the makers", {"file": "x.csv"})
    assert [one["rows"] for one in document["versions"]] == [299, 300]
    codes = {one["code"]: one["severity"] for one in document["findings"]}
    assert codes["bad_price"] == codes["reverting_spike"] == "repair"
    assert "price_changed" in codes  # against the version before
    assert [one["severity"] for one in document["findings"]] == sorted(
        codes.values(), key=["error", "repair", "warning", "info"].index
    )
    assert document["highest"] == {"date": str(dates[np.argmax(close)]), "price": close.max()}
    json.dumps(document, allow_nan=False)
    (old,) = show(NONE, environment, history=made(AAPL, "yahoo", 299).name, picture=False)
    assert "price_changed" not in {one.code for one in old.findings}


def test_show_marks_every_row_that_was_found(
    environment: Environment, save: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import forecaster.output.canvas
    import forecaster.output.data_figure as drawing

    dates, close = walk(600)
    close[100] *= 1.7  # a spike that comes back
    close[200:207] = close[200]  # a feed that stands still
    kept = np.ones(600, dtype=bool)
    kept[300:340] = False  # a pause
    before = dates[~kept][:2]
    save(
        made(AAPL, "yahoo", dates=dates, columns={"close": close}),
        made(AAPL, "yahoo", dates=dates[kept], columns={"close": close[kept]}),
    )
    pictures: list[drawing.HistoryPicture] = []
    monkeypatch.setattr(drawing, "draw_history_picture", pictures.append)
    monkeypatch.setattr(forecaster.output.canvas, "save_figure", lambda figure, path: path.write_bytes(b"drawn"))
    (facts,) = show(NONE, environment, history="yahoo/AAPL/1d", out=tmp_path / "p.png")
    assert facts.path is not None
    assert facts.path.read_bytes() == b"drawn"
    (picture,) = pictures
    flags = {facts.findings[place].code: flag for place, flag in enumerate(picture.flags)}
    assert [str(one) for one in flags["reverting_spike"].dates] == [str(dates[100])]
    assert flags["reverting_spike"].prices.tolist() == [close[100]]
    assert dates[100] not in picture.dates  # the repair has been made
    assert list(flags["gap"].dates) == [dates[340]]
    assert list(flags["rows_gone"].dates[:2]) == list(before)
    assert len(flags["rows_gone"].dates) == 40
    assert np.isnan(flags["rows_gone"].prices).all()
    assert {flag.severity for flag in picture.flags} <= {"error", "repair", "warning", "info"}
    assert "sha256" in picture.facts
    assert facts.series.sha256[:12] in picture.note


def test_show_of_an_instrument_loads_it(
    environment: Environment, sources: Mapping[str, MadeSource], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sources["yahoo"].gives["AAPL"] = made(AAPL, "yahoo")
    (facts,) = show(tickers("AAPL"), environment)
    assert facts.path == Path("AAPL-data.png")
    assert facts.path.read_bytes().startswith(b"\x89PNG")
    assert len(facts.versions) == 1


def test_one_row_has_facts_but_no_picture(
    environment: Environment, save: Callable[..., None], notes: list[str]
) -> None:
    save(made(AAPL, "yahoo", 1))
    (facts,) = show(NONE, environment, history="yahoo/AAPL/1d")
    assert facts.path is None
    assert notes == ["AAPL has 1 row, which makes no picture"]


def test_a_version_of_an_instrument(
    environment: Environment, sources: Mapping[str, MadeSource], save: Callable[..., None]
) -> None:
    old, new = made(AAPL, "yahoo", 20), made(AAPL, "yahoo", 22)
    save(old, new)
    (facts,) = show(tickers("AAPL"), environment, version=old.sha256[:7], picture=False)
    assert facts.series.sha256 == old.sha256
    assert sources["yahoo"].asked == []
    assert export(tickers("AAPL"), environment, version=old.sha256[:7]).sha256 == old.sha256


@pytest.mark.parametrize("work", [show, export])
def test_a_history_is_named_in_one_way(environment: Environment, work: Callable[..., object]) -> None:
    with pytest.raises(UsageError, match="and an instrument given"):
        work(tickers("AAPL"), environment, history="yahoo/AAPL/1d")
    with pytest.raises(UsageError, match="and --hash given"):
        work(NONE, environment, history="yahoo/AAPL/1d", version="5f2a")
    with pytest.raises(InstrumentError, match="no history given; expected --pair, --ticker or --csv, or a name"):
        work(NONE, environment)


def test_one_file_holds_one_history(
    environment: Environment, sources: Mapping[str, MadeSource], tmp_path: Path
) -> None:
    sources["yahoo"].gives |= {"AAPL": made(AAPL, "yahoo"), "IBM": made(IBM, "yahoo")}
    with pytest.raises(UsageError, match="2 instruments named; a file holds one history"):
        export(tickers("AAPL", "IBM"), environment)
    with pytest.raises(UsageError, match="--out names one file; got 2 instruments"):
        show(tickers("AAPL", "IBM"), environment, out=tmp_path / "x.png")


def test_what_is_exported_comes_back_bit_for_bit(
    environment: Environment, save: Callable[..., None], tmp_path: Path
) -> None:
    rng = np.random.default_rng(5)
    dates, _ = walk(400)
    level = np.exp(np.cumsum(rng.normal(0, 0.01, 400)))
    four = np.sort(level * np.exp(rng.normal(0, 0.005, (4, 400))), axis=0)  # low, two prices between, high
    columns = dict(zip(("low", "open", "close", "high"), four, strict=True))
    columns |= {"adj_close": columns["close"] / 3, "volume": np.exp(rng.normal(0, 8, 400))}
    columns["open"][3] = columns["volume"][7] = np.nan
    saved = made(AAPL, "yahoo", dates=dates, columns=columns)
    save(saved)
    file = tmp_path / "out.csv"
    file.write_text(columns_csv(export(NONE, environment, history="yahoo/AAPL/1d")))
    assert file.read_text().splitlines()[0] == "date,open,high,low,close,adj_close,volume"
    again = get_source("csv").load(LoadRequest(csv_instrument(file), tmp_path, NOON.date())).series
    assert again.sha256 == saved.sha256


def test_only_columns_that_are_there_are_exported(environment: Environment, save: Callable[..., None]) -> None:
    save(made(USDJPY, "ecb", 3))
    assert columns_csv(export(NONE, environment, history="ecb/USDJPY/1d")).splitlines()[0] == "date,close"


# prune


def manifest(environment: Environment, name: str, content: object) -> None:
    """A run folder that says `content`, sound or not."""
    from forecaster.experiments.stored_files import document_checksum

    folder = environment.home / "runs" / name
    folder.mkdir(parents=True)
    if isinstance(content, dict):
        facts = {"run_id": name, "model": "lstm", "source": "yahoo", "instruments": ["AAPL"], "horizon": 20}
        part = {"first": "2020-01-01", "last": "2020-01-01", "rows": 1}
        split = dict.fromkeys(("train", "validation", "test"), part)
        facts |= {"members": {}, "split": split, "fitted_until": "2020-01-02", "seen_until": "2020-01-02"}
        content = {"schema": 1, **facts, "state": {}, "files": {}, **content}
        content["checksum"] = document_checksum(content)
    (folder / "manifest.json").write_text(json.dumps(content))


def facts(series: PriceSeries) -> dict[str, object]:
    return SeriesFacts.of(series).to_json()


def test_prune_keeps_what_runs_were_trained_on(environment: Environment, save: Callable[..., None]) -> None:
    versions = [made(AAPL, "yahoo", rows) for rows in (10, 12, 14, 16, 18)]
    save(*versions)
    manifest(environment, "1", {"stored": {"AAPL": versions[0].sha256}})
    manifest(environment, "2", {"members": {"AAPL": facts(versions[1])}})
    manifest(environment, "3", {"data": [facts(versions[2])]})
    told = prune(environment, dry_run=True)
    assert [one.sha256 for one in told.pruned.versions] == [versions[3].sha256]
    assert told.remaining == 4
    assert list_histories(environment)[0].versions == 5
    done = prune(environment)
    assert (done.pruned.versions, done.remaining) == (told.pruned.versions, 4)
    assert line(verify(environment)) == "4 versions of 1 history are intact"
    assert prune(environment).pruned.versions == ()


def test_prune_refuses_where_a_run_cannot_be_read(environment: Environment, save: Callable[..., None]) -> None:
    save(made(AAPL, "yahoo", 10), made(AAPL, "yahoo", 12))
    manifest(environment, "1", "half a mani")
    for dry_run in (False, True):
        with pytest.raises(DamageError, match=r"1 run cannot be read, .*, or ignore it with --force \(.*manifest.json"):
            prune(environment, dry_run=dry_run)
    assert list_histories(environment)[0].versions == 2
    assert len(prune(environment, force=True).pruned.versions) == 1


def test_histories_that_runs_have_stored_must_be_there(environment: Environment, save: Callable[..., None]) -> None:
    lost = made(AAPL, "yahoo", 10)
    manifest(environment, "1", {"stored": {"AAPL": lost.sha256}})
    assert list_histories(environment) == []
    assert "runs were trained on histories of a store that is gone" in environment.note.__self__[-1]  # type: ignore[attr-defined]
    problem = verify(environment).problem
    assert problem is not None
    assert "lacks the history of AAPL that run 1 was trained on" in problem.messages[0]
    save(lost)
    assert verify(environment).problem is None
