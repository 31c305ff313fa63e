"""The registry shows whole, unchanged versions or none, serves only what was trained before a bar, and can go back."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import shutil
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.card import card_bytes, hashes_of
from metastackerbandit.domain.errors import ModelMismatch, ModelRefused, MsbError, NotFound, StorageFailed
from metastackerbandit.storage import cleaning
from metastackerbandit.storage.no_pickle import code_in
from metastackerbandit.storage.promotions import champions
from metastackerbandit.storage.registry import Registry, Slot
from metastackerbandit.storage.version_folder import CARD, SUMS
from tests.covering import covers
from tests.storage.model_making import FILES, NOW_NS, USE, card, waiver

SLOT = Slot("BTCUSDT", "5m")
SMUGGLED = {"../../etc/passwd": b""}


@pytest.fixture(autouse=True, scope="module")
def quick_disk() -> Iterator[None]:
    """Hundreds of small registries need not reach the disk; the order of calls is what is tested."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)
        yield


def filled(folder: Path, *series: str, **changed: Any) -> Registry:
    """A registry with one version of each series, or of a default one."""
    registry = Registry(folder)
    for name in series or ("stack-5m-BTCUSDT-0a1b2c3d4e",):
        registry.add(card(name, **changed), FILES)
    return registry


def promote(registry: Registry, series: str, now_ns: int = NOW_NS, **changed: Any) -> None:
    registry.promote(SLOT, series, USE, who="trader", now_ns=now_ns, **changed)


def shown(folder: Path) -> list[Path]:
    """What a look into the folder finds, apart from what is hidden."""
    return [path for path in folder.rglob("*") if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)]


# -- adding and reading ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("changed", "files"), [({"horizon": 0}, FILES), ({"files": hashes_of(SMUGGLED)}, SMUGGLED)])
def test_a_card_that_contradicts_itself_is_refused(changed: dict[str, Any], files: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match="contradicts itself"):
        Registry(tmp_path).add(card(**changed), files)
    assert shown(tmp_path) == []


@settings(max_examples=25)
@given(files=st.dictionaries(st.from_regex(r"[a-z][a-z0-9_.-]{0,12}", fullmatch=True), st.binary(max_size=64), min_size=1, max_size=4))
def test_files_come_back_to_the_byte_or_were_refused(files: dict[str, bytes]) -> None:
    with TemporaryDirectory() as folder:
        registry = Registry(Path(folder))
        if any(code_in(name, content) for name, content in files.items()):
            with pytest.raises(ModelRefused, match="refused"):
                registry.add(card(), files)
            assert registry.series() == ()
            return
        kept = registry.add(card(), files)
        again = Registry(Path(folder))
        assert again.files(kept.model_id) == files
        assert again.card(kept.model_id) == kept and kept.files == hashes_of(files)
        assert again.versions(kept.series) == (kept,) and again.series() == (kept.series,)


def test_the_sums_are_those_that_sha256sum_reads(tmp_path: Path) -> None:
    kept = filled(tmp_path).newest("stack-5m-BTCUSDT-0a1b2c3d4e")
    folder = Registry(tmp_path).path(kept.model_id)
    lines = sorted((folder / SUMS).read_text().splitlines())
    assert lines == sorted(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}" for name in (*FILES, CARD))


def test_the_same_version_again_stays_as_it_is_and_other_bytes_are_refused(tmp_path: Path) -> None:
    registry = filled(tmp_path)
    first = registry.newest("stack-5m-BTCUSDT-0a1b2c3d4e")
    assert registry.add(card(created_ns=NOW_NS), FILES) == first
    with pytest.raises(ModelRefused, match="there with other files") as caught:
        registry.add(card(), {**FILES, "calibrator": b"other"})
    assert "another series" in caught.value.mend
    assert registry.files(first.model_id) == FILES


def test_the_cards_hashes_must_be_those_of_the_files(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match="not those given"):
        Registry(tmp_path).add(card(files=hashes_of({"stack.json": b"x"})), FILES)
    with pytest.raises(ModelRefused, match="no file of a version may be called"):
        Registry(tmp_path).add(card(), {CARD: b"{}"})
    with pytest.raises(ModelRefused, match="no series may be called slots"):
        Registry(tmp_path).add(card("slots"), FILES)
    assert shown(tmp_path) == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"frame": "15m"}, "differs .* in frame"),
        ({"symbols": ("ETHUSDT",), "label_hash": "00"}, "in symbols, label_hash"),
        ({"trained_until_ns": 500}, "not trained in the order"),
    ],
)
def test_a_series_is_one_thing_in_order_of_time(tmp_path: Path, changed: dict[str, Any], words: str) -> None:
    registry = filled(tmp_path)
    with pytest.raises(ModelRefused, match=words):
        registry.add(card(version=2, **changed), FILES)
    assert len(registry.ids("stack-5m-BTCUSDT-0a1b2c3d4e")) == 1


class Interrupted(Exception):
    """The process ends here."""


@covers("A19")
def test_an_add_that_is_interrupted_anywhere_leaves_nothing_visible(tmp_path: Path) -> None:
    """Every call that changes the disk is stopped once, before it and, for writes, in the middle."""
    reached = 0
    for stop in range(100):
        home = tmp_path / str(stop)
        with pytest.MonkeyPatch.context() as patch:
            calls = stopped_at(patch, stop)
            try:
                filled(home)
            except Interrupted:
                reached += 1
        registry = Registry(home)
        if calls[0] <= stop:
            assert registry.files(registry.newest("stack-5m-BTCUSDT-0a1b2c3d4e").model_id) == FILES
            break
        whole = registry.series() == ("stack-5m-BTCUSDT-0a1b2c3d4e",)
        assert whole or (registry.series() == () and shown(home) == []), "the rename is the one moment of change"
        kept = filled(home).newest("stack-5m-BTCUSDT-0a1b2c3d4e")
        assert registry.files(kept.model_id) == FILES
        assert [name for name in os.listdir(home) if name.startswith(".adding")] == [], "the next change drops what was left"
    assert reached > 8


def stopped_at(patch: pytest.MonkeyPatch, stop: int) -> list[int]:
    """Let the call number `stop` of those that change the disk end the process."""
    calls = [0]

    def counted(function: Any) -> Any:
        def stopping(*given: Any, **named: Any) -> Any:
            calls[0] += 1
            if calls[0] - 1 == stop:
                raise Interrupted
            return function(*given, **named)

        return stopping

    for owner, name in ((os, "fsync"), (os, "rename"), (os, "replace"), (os, "mkdir"), (Path, "open")):
        patch.setattr(owner, name, counted(getattr(owner, name)))
    return calls


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFailed, match="No space left") as caught:
        filled(tmp_path)
    assert "free space" in caught.value.mend and Registry(tmp_path).series() == ()


# -- damage ----------------------------------------------------------------------------------------------------------


@covers("A20", "A23")
@settings(max_examples=60)
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), file=st.sampled_from([CARD, *FILES]))
def test_no_bit_of_a_version_can_change_unnoticed(where: float, bit: int, file: str) -> None:
    with TemporaryDirectory() as folder:
        registry = filled(Path(folder))
        (name,) = registry.ids("stack-5m-BTCUSDT-0a1b2c3d4e")
        path = registry.path(name) / file
        body = bytearray(path.read_bytes())
        body[int(where * len(body))] ^= 1 << bit
        path.write_bytes(bytes(body))
        with pytest.raises(ModelRefused) as caught:
            Registry(Path(folder)).files(name)
        assert caught.value.where == str(path) and "train it again" in caught.value.mend


@pytest.mark.parametrize("file", [CARD, SUMS, *FILES])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "longer"])
def test_damage_of_any_file_is_named_and_blocks_promotion(tmp_path: Path, file: str, damage: str) -> None:
    registry = filled(tmp_path)
    series = "stack-5m-BTCUSDT-0a1b2c3d4e"
    (name,) = registry.ids(series)
    path = registry.path(name) / file
    body = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "cut": body[: len(body) // 2], "longer": b" " + body}[damage])
    for fresh in (Registry(tmp_path), registry):
        with pytest.raises(ModelRefused) as caught:
            Registry(tmp_path).files(name)
        assert caught.value.mend and str(registry.path(name)) in caught.value.where
        if file != SUMS or fresh is not registry:  # which has read the card, and need not read the sums again
            with pytest.raises(ModelRefused):
                promote(fresh, series)
    assert registry.promoted(SLOT) is None


def rewritten(registry: Registry, name: str, content: bytes) -> None:
    """Another card in a version's folder, with all hashes right, as somebody would who knows how."""
    folder = registry.path(name)
    (folder / CARD).write_bytes(content)
    lines = [f"{hashlib.sha256((folder / file).read_bytes()).hexdigest()}  {file}" for file in (CARD, *FILES)]
    (folder / SUMS).write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"seed": 7', '"seed": 7, "mood": 1', "unknown field `mood`"),
        ('"version": 1', '"version": 2', "contradicts itself"),
        ("{", "[", "cannot be read"),
    ],
)
def test_a_card_with_a_right_hash_is_still_read_strictly(tmp_path: Path, old: str, new: str, words: str) -> None:
    registry = filled(tmp_path)
    (name,) = registry.ids("stack-5m-BTCUSDT-0a1b2c3d4e")
    text = (registry.path(name) / CARD).read_text()
    assert old in text
    rewritten(registry, name, text.replace(old, new, 1).encode())
    with pytest.raises(ModelRefused, match=words) as caught:
        registry.card(name)
    assert caught.value.where.endswith(CARD) and caught.value.mend


def test_a_folder_copied_to_another_name_is_refused(tmp_path: Path) -> None:
    registry = filled(tmp_path)
    series = "stack-5m-BTCUSDT-0a1b2c3d4e"
    shutil.copytree(registry.path(registry.ids(series)[0]), tmp_path / series / "0002")
    shutil.copytree(tmp_path / series, tmp_path / "another")
    for name in (f"{series}-0002", "another-0001"):
        with pytest.raises(ModelRefused, match="the card is that of"):
            registry.card(name)


@pytest.mark.parametrize("name", ["none-0001", "stack-5m-BTCUSDT-0a1b2c3d4e-0009", "../models-0001", "x", "", "/etc-0001"])
def test_a_version_that_is_not_there_is_not_found(tmp_path: Path, name: str) -> None:
    registry = filled(tmp_path / "models")
    assert not registry.has(name)
    for ask in (registry.card, registry.files):
        with pytest.raises(NotFound) as caught:
            ask(name)
        assert "msb models list" in caught.value.mend
    assert registry.ids("..") == () and registry.ids("../models") == ()


def test_a_registry_that_is_not_there_holds_nothing_and_looking_makes_nothing(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "models")
    assert (registry.series(), registry.slots(), registry.waivers(), registry.promoted(SLOT), registry.history(SLOT)) == ((), (), (), None, ())
    assert registry.serving(SLOT, NOW_NS) is None
    assert not (tmp_path / "models").exists()


# -- no pickle -------------------------------------------------------------------------------------------------------


class Weights:
    """What a careless trainer would save."""

    def __init__(self) -> None:
        self.values = [0.1, 0.2]


def saved(array: np.ndarray, function: Any = np.save) -> bytes:
    held = io.BytesIO()
    function(held, array)
    return held.getvalue()


PICKLES = [
    *(("weights", pickle.dumps(Weights(), protocol)) for protocol in range(6)),
    *(("weights", pickle.dumps({"a": 1}, protocol)) for protocol in range(6)),
    ("weights", saved(np.array([Weights()], object))),
    ("weights", saved(np.zeros(3), np.savez)),
    ("weights", zlib.compress(pickle.dumps(Weights()))),
    ("weights", b"\x1f\x8b" + b"\x08" * 20),
    ("net.pt", b"anything"),
    ("model.JOBLIB", b"anything"),
]


@pytest.mark.parametrize(("name", "content"), PICKLES)
def test_a_file_that_could_run_code_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    with pytest.raises(ModelRefused, match="refused") as caught:
        Registry(tmp_path).add(card(), {**FILES, name: content})
    assert name in caught.value.what and "ONNX" in caught.value.mend
    assert shown(tmp_path) == []


def test_a_pickle_that_was_smuggled_in_with_right_hashes_is_refused_when_read(tmp_path: Path) -> None:
    registry = filled(tmp_path)
    (name,) = registry.ids("stack-5m-BTCUSDT-0a1b2c3d4e")
    smuggled = {**FILES, "calibrator": pickle.dumps(Weights())}
    (registry.path(name) / "calibrator").write_bytes(smuggled["calibrator"])
    rewritten(registry, name, card_bytes(card(files=hashes_of(smuggled))))
    with pytest.raises(ModelRefused, match="it is a pickle"):
        registry.files(name)


@settings(max_examples=200)
@given(length=st.integers(0, 2**20), rest=st.binary(max_size=40), floats=st.lists(st.floats(), max_size=8))
@example(length=0x0280, rest=b'{"a":', floats=[])
@example(length=0x0480, rest=b'{"a":', floats=[])
def test_plain_weights_are_no_pickles(length: int, rest: bytes, floats: list[float]) -> None:
    plain = (
        length.to_bytes(8, "little") + b'{"__metadata__":' + rest,  # safetensors: the header's length first
        b"\x08\x09\x12" + rest,  # ONNX
        b"tree\nversion=v4\nnum_class=3\n" + rest,  # LightGBM
        b'{"weights": [' + rest,
        msgspec.json.encode({"a": floats}),
        b"Facts 0123456789abcdef\n" + rest,
        b"x = 1\n" + rest,
    )
    assert [code_in("weights", content) for content in plain] == [""] * len(plain)


# -- serving ---------------------------------------------------------------------------------------------------------

VERSIONS = st.lists(st.tuples(st.integers(1, 60), st.booleans()), min_size=1, max_size=6, unique_by=lambda one: one[0]).map(sorted)


@covers("A17", "A34")
@settings(max_examples=40)
@given(versions=VERSIONS, asked=st.lists(st.integers(0, 70), min_size=1, max_size=8))
def test_a_bar_is_served_by_the_newest_awake_version_that_was_trained_before_it(versions: list[tuple[int, bool]], asked: list[int]) -> None:
    with TemporaryDirectory() as folder:
        registry = Registry(Path(folder))
        for number, (until, is_asleep) in enumerate([*versions, (99, False)]):
            registry.add(card(version=number, trained_until_ns=until, asleep="it dozes" if is_asleep else ""), FILES)
        promote(registry, card().series)
        for known in asked:
            earlier = [(number, is_asleep) for number, (until, is_asleep) in enumerate(versions) if until <= known]
            awake = [number for number, is_asleep in earlier if not is_asleep]
            found = registry.chosen(SLOT, known)
            served = registry.serving(SLOT, known)
            assert served == found.card
            if awake:
                assert served is not None and served.version == awake[-1] and served.trained_until_ns <= known
            else:
                assert served is None
                assert ("it dozes" if earlier else "was trained before this bar") in found.reason


@covers("A17", "1.08")
def test_twelve_hours_with_sixty_outcomes_do_not_trade(tmp_path: Path) -> None:
    words = "60 independent outcomes: prior, size x 0"
    small = card("stack-12h-BTCUSDT-1", frame="12h", horizon=6, n_rows=218, n_eff=60.0, rung="prior", size=0.0, asleep=words)
    registry = Registry(tmp_path)
    registry.add(small, FILES)
    slot, use = Slot("BTCUSDT", "12h"), msgspec.structs.replace(USE, frame="12h", horizon=6)
    with pytest.raises(ModelRefused, match="60 independent outcomes in 218 rows: that rung does not trade"):
        registry.promote(slot, small.series, use, who="trader", now_ns=NOW_NS)
    registry.waive(waiver(small.series, "samples"))
    with pytest.raises(ModelRefused, match=f"asleep: {words}"):
        registry.promote(slot, small.series, use, who="trader", now_ns=NOW_NS)
    assert registry.serving(slot, NOW_NS) is None and "no model is promoted" in registry.chosen(slot, NOW_NS).reason


@covers("K24", "A17", "1.06")
def test_a_5m_series_cannot_be_promoted_to_1h(tmp_path: Path) -> None:
    registry = filled(tmp_path)
    hourly = msgspec.structs.replace(USE, frame="1h")
    with pytest.raises(ModelMismatch, match="was trained on 5m bars, asked to serve 1h: promote a 1h model"):
        registry.promote(Slot("BTCUSDT", "1h"), card().series, hourly, who="trader", now_ns=NOW_NS)
    with pytest.raises(ModelRefused, match="is no promotion to"):
        registry.promote(Slot("BTCUSDT", "1h"), card().series, USE, who="trader", now_ns=NOW_NS)
    assert registry.slots() == ()


def test_one_series_serves_several_symbols(tmp_path: Path) -> None:
    registry = filled(tmp_path, symbols=("BTCUSDT", "ETH/USDT:USDT"))
    for symbol in ("BTCUSDT", "ETH/USDT:USDT"):
        registry.promote(Slot(symbol, "5m"), card().series, msgspec.structs.replace(USE, symbol=symbol), who="trader", now_ns=NOW_NS)
        served = registry.serving(Slot(symbol, "5m"), NOW_NS)
        assert served is not None and served.series == card().series
    assert [found.symbol for found in registry.slots()] == ["BTCUSDT", "ETH/USDT:USDT"]


@covers("A23", "1.40")
@settings(max_examples=30)
@given(steps=st.lists(st.one_of(st.integers(0, 3), st.none()), max_size=14))
def test_promotions_and_rollbacks_are_a_stack(steps: list[int | None]) -> None:
    with TemporaryDirectory() as folder:
        registry = filled(Path(folder), *(f"s{place}" for place in range(4)))
        expected: list[str] = []
        for at, step in enumerate(steps):
            if step is not None:
                promote(registry, f"s{step}", NOW_NS + at)
                expected += [f"s{step}"] if expected[-1:] != [f"s{step}"] else []
            elif len(expected) > 1:
                expected.pop()
                assert registry.rollback(SLOT, who="trader", now_ns=NOW_NS + at).series == expected[-1]
            else:
                with pytest.raises(NotFound, match="nothing"):
                    registry.rollback(SLOT, who="trader", now_ns=NOW_NS + at)
            assert registry.promoted(SLOT) == (expected[-1] if expected else None)
        assert champions(registry.history(SLOT)) == expected
        assert list(registry.history(SLOT)) == sorted(registry.history(SLOT), key=lambda change: change.at_ns)


@covers("A23")
def test_a_refused_promotion_changes_nothing(tmp_path: Path) -> None:
    registry = filled(tmp_path, "good")
    registry.add(card("bad", share_up=1.0), FILES)
    promote(registry, "good")
    before = (tmp_path / "slots" / "BTCUSDT@5m.json").read_bytes()
    with pytest.raises(ModelRefused, match="UP in 100%"):
        promote(registry, "bad")
    assert (tmp_path / "slots" / "BTCUSDT@5m.json").read_bytes() == before
    registry.waive(waiver("bad", "one_sided"))
    with pytest.raises(ModelRefused, match="UP in 100%"):
        promote(registry, "bad", allow_waivers=False)
    promote(registry, "bad")
    assert registry.history(SLOT)[-1].waived == ("one_sided",)


def test_a_rollback_to_damaged_files_is_refused(tmp_path: Path) -> None:
    registry = filled(tmp_path, "old", "new")
    promote(registry, "old")
    promote(registry, "new")
    (registry.path("old-0001") / "calibrator").unlink()
    with pytest.raises(ModelRefused, match="cannot be loaded"):
        registry.rollback(SLOT, who="trader", now_ns=NOW_NS)
    assert registry.promoted(SLOT) == "new"


def test_a_version_needs_what_it_depends_on(tmp_path: Path) -> None:
    registry = filled(tmp_path, "below")
    registry.add(card("above", depends_on=("below-0001",)), FILES)
    promote(registry, "above")
    (registry.path("below-0001") / "calibrator").write_bytes(b"changed")
    (found,) = Registry(tmp_path).refusals(registry.newest("above"), USE, NOW_NS)
    assert found.check == "files" and "calibrator" in found.what
    registry.add(card("orphan", depends_on=("gone-0001",)), FILES)
    with pytest.raises(ModelRefused, match="gone"):
        promote(registry, "orphan")


@pytest.mark.parametrize("content", [b"", b"{}", b'{"symbol":"BTCUSDT","frame":"5m","history":[],"more":1}', b"\xff"])
def test_a_damaged_slot_is_named(tmp_path: Path, content: bytes) -> None:
    registry = filled(tmp_path)
    promote(registry, card().series)
    path = tmp_path / "slots" / "BTCUSDT@5m.json"
    path.write_bytes(content)
    for ask in (lambda: registry.promoted(SLOT), registry.slots):
        with pytest.raises(ModelRefused, match="the slot is damaged") as caught:
            ask()
        assert caught.value.where == str(path) and "promote again" in caught.value.mend
    path.write_bytes(b'{"symbol":"ETHUSDT","frame":"5m","history":[]}')
    with pytest.raises(ModelRefused, match="that of ETHUSDT"):
        registry.promoted(SLOT)
    path.write_bytes(b'{"symbol":"BTCUSDT","frame":"5m","history":[{"series":"x","kind":"rollback","who":"a","at_ns":1}]}')
    with pytest.raises(ModelRefused, match="the slot is damaged"):
        registry.promoted(SLOT)


def test_waivers_are_kept_and_their_damage_is_named(tmp_path: Path) -> None:
    registry = filled(tmp_path)
    one, two = waiver(card().model_id, "parity"), waiver(card().series, "mirror", days=1)
    registry.waive(one)
    registry.waive(two)
    assert Registry(tmp_path).waivers() == (one, two)
    with pytest.raises(NotFound):
        registry.waive(waiver("nobody-0001", "parity"))
    (tmp_path / "waivers.json").write_bytes(b"[{}]")
    with pytest.raises(ModelRefused, match="the waivers cannot be read") as caught:
        registry.waivers()
    assert "nothing is waived then" in caught.value.mend


# -- several at once -------------------------------------------------------------------------------------------------


def test_readers_see_whole_states_beside_two_writers(tmp_path: Path) -> None:
    names = [f"s{place}" for place in range(4)]
    registry = filled(tmp_path, *names)
    promote(registry, "s0")
    faults: list[str] = []
    seen = [0]
    going = threading.Event()
    going.set()

    def look() -> None:
        beside = Registry(tmp_path)
        while going.is_set():
            try:
                served = beside.serving(SLOT, NOW_NS)
                if served is None or served.series not in names:
                    faults.append(f"{served} serves")
                for series in beside.series():
                    beside.files(beside.newest(series).model_id)
                seen[0] += 1
            except MsbError as error:
                faults.append(str(error))

    def write(series: tuple[str, str], version: int) -> None:
        own = Registry(tmp_path)
        for at in range(12):
            promote(own, series[at % 2], NOW_NS + at)
            own.add(card("fresh", version=version + 2 * at, trained_until_ns=1_000 * (version + 2 * at)), FILES)
            if at % 4 == 3:
                own.rollback(SLOT, who="trader", now_ns=NOW_NS + at)

    readers = [threading.Thread(target=look) for _ in range(2)]
    writers = [threading.Thread(target=write, args=(pair, place)) for place, pair in enumerate((("s0", "s1"), ("s2", "s3")))]
    for thread in (*readers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    going.clear()
    for thread in readers:
        thread.join()
    assert not faults and seen[0] > 1
    history = Registry(tmp_path).history(SLOT)
    assert [change.kind for change in history].count("rollback") == 6, "no change was lost"
    assert [card.version for card in Registry(tmp_path).versions("fresh")] == list(range(24))


# -- cleaning --------------------------------------------------------------------------------------------------------


@covers("2.098")
def test_cleaning_keeps_champions_candidates_and_what_they_need(tmp_path: Path) -> None:
    registry = filled(tmp_path, "needed")
    for place in range(8):
        registry.add(card(f"champion{place}", depends_on=("needed-0001",) if place == 7 else ()), FILES)
        promote(registry, f"champion{place}", NOW_NS + place)
    for place in range(7):
        registry.add(card(f"candidate{place}", created_ns=NOW_NS + place), FILES)
    registry.add(card("of-another-frame", frame="1h", created_ns=0), FILES)
    registry.waive(waiver("champion7", "parity"))
    removed = cleaning.clean(registry)
    assert removed == ("candidate0", "candidate1", "champion0", "champion1", "champion2")
    kept = {"needed", "of-another-frame", *(f"champion{place}" for place in range(3, 8)), *(f"candidate{place}" for place in range(2, 7))}
    assert set(registry.series()) == kept
    for _ in range(4):
        before = registry.rollback(SLOT, who="trader", now_ns=NOW_NS)
        assert registry.files(registry.newest(before.series).model_id) == FILES
    assert cleaning.clean(registry) == (), "the five that served last stay, wherever the slot stands"
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".removing")]


def test_cleaning_leaves_the_way_back_open_after_rolling_back(tmp_path: Path) -> None:
    names = [f"s{place}" for place in range(8)]
    registry = filled(tmp_path, *names)
    for place, name in enumerate(names):
        promote(registry, name, NOW_NS + place)
        registry.add(card(f"newer{place}", created_ns=NOW_NS + place), FILES)
    for _ in range(5):
        registry.rollback(SLOT, who="trader", now_ns=NOW_NS)
    assert registry.promoted(SLOT) == "s2"
    assert cleaning.clean(registry) == ("newer0", "newer1", "newer2", "s7"), "s2 to s6 served last, s0 and s1 lie before"
    assert [registry.rollback(SLOT, who="trader", now_ns=NOW_NS).series for _ in range(2)] == ["s1", "s0"]


def test_cleaning_an_interrupted_removal_finishes_it(tmp_path: Path) -> None:
    registry = filled(tmp_path, "one")
    left = tmp_path / ".removing-two" / "0001"
    left.mkdir(parents=True)
    (left / "card.json").write_bytes(b"{}")
    assert registry.series() == ("one",)
    assert cleaning.clean(registry) == () and not left.exists()
