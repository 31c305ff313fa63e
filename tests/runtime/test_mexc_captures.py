"""A raw log of MEXC, whose messages are no text, is checked as any other capture: its symbols, steps, book and trades."""

from __future__ import annotations

from pathlib import Path

from metastackerbandit.runtime.capture_check import check_capture
from metastackerbandit.runtime.capture_rules import instruments_in, venue_in
from metastackerbandit.storage.captures import read_capture
from metastackerbandit.storage.raw_log import RawLog
from metastackerbandit.storage.settings import RawLogSettings
from tests.covering import covers
from tests.exchanges.mexc.plain import encode

NS, MS = 1_736_412_092 * 10**9, 1_736_412_092_000
URL = "https://api.mexc.com/api/v3/depth?symbol=BTCUSDT&limit=1000"
SNAPSHOT = b'{"lastUpdateId":100,"bids":[["93387.28","3.7"],["93387.2","0.5"]],"asks":[["93387.29","7.5"]],"timestamp":1736412092000}'


def changed(first: int, last: int, bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> bytes:
    """A message of changes."""
    levels = {name: [{"price": price, "quantity": size} for price, size in side] for name, side in (("bids", bids), ("asks", asks))}
    body = {"fromVersion": str(first), "toVersion": str(last), **levels}
    return encode(
        {"channel": "spot@public.aggre.depth.v3.api.pb@100ms@BTCUSDT", "symbol": "BTCUSDT", "sendTime": MS + last, "publicAggreDepths": body}
    )


def dealt(price: str, size: str) -> bytes:
    """A message of one trade."""
    body = {"deals": [{"price": price, "quantity": size, "tradeType": 1, "time": MS + 5}]}
    return encode({"channel": "spot@public.aggre.deals.v3.api.pb@100ms@BTCUSDT", "symbol": "BTCUSDT", "sendTime": MS + 6, "publicAggreDeals": body})


@covers("2.005")
def test_a_recording_of_mexc_is_followed_and_a_gap_in_it_is_told(tmp_path: Path) -> None:
    frames = [
        changed(101, 102, [("93387.28", "1.25")], []),
        dealt("93387.29", "0.001"),
        changed(103, 103, [], [("93387.29", "0")]),
        changed(104, 105, [], [("93388.01", "2.00000001")]),
    ]
    for lost in (False, True):
        log = RawLog(tmp_path / f"log-{lost}", RawLogSettings())
        log.write("reply", "rest", NS, URL, SNAPSHOT)
        for n, frame in enumerate(frames):
            if not (lost and n == 2):
                log.write("frame", "public", NS + (n + 1) * 200_000_000, "", frame)
        log.close()
        capture = read_capture([log.folder])
        assert venue_in(capture) == "MEXC"
        (one,) = instruments_in(capture)
        assert (one.symbol, one.market, one.tick_size, one.lot_size) == ("BTCUSDT", "spot", "0.01", "0.00000001")
        found = check_capture(capture, [one])
        (book,) = found.books
        assert not found.faults and book["trades"] == 1 and found.gaps == int(lost)
        assert book["state"] == ("resync" if lost else "live")
        if not lost:
            assert book["best"] == ["93387.28", "93388.01"]
