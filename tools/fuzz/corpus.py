"""What fuzzing begins from: the documented frames that tests hold the codecs to, and small captures made of them."""

from __future__ import annotations

import bz2
import gzip
import json
import re
from collections.abc import Callable

from tests.exchanges.binance.test_scan import EVERY as BINANCE
from tests.exchanges.binance.test_user import EVENTS
from tests.exchanges.hyperliquid.test_fills import MADE as FILLS
from tests.exchanges.hyperliquid.test_scan import EVERY as HYPERLIQUID
from tests.exchanges.mexc.test_scan import MANY
from tests.exchanges.mexc.test_user import DEALT, ORDERED
from tests.exchanges.mexc.test_user import frame as private

SEPARATOR = b"\xff\xfe\xff"  # between the frames of one input
PACKED: dict[bytes, Callable[[bytes], bytes]] = {
    b"0": bytes,
    b"1": gzip.compress,
    b"2": bz2.compress,
}  # an input's first byte: how its file is packed
_WORDS = re.compile(rb'"[A-Za-z@!0-9_.]{1,24}"')

_SNAPSHOT = b'{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}'


def _combined() -> list[bytes]:
    """Binance's changes in the combined form, three that follow each other, and a list of marks."""
    made = []
    for n in range(3):
        ids = {"U": 161 + n, "u": 161 + n, "pu": 160 + n}
        change = {"e": "depthUpdate", "E": 1672515782136 + n, "s": "BNBBTC", **ids, "b": [["0.0024", str(n)]], "a": []}
        made.append(json.dumps({"stream": "bnbbtc@depth", "data": change}, separators=(",", ":")).encode())
    mark = next(text for text in BINANCE if "markPriceUpdate" in text)
    return [SEPARATOR.join([b"\x01" + _SNAPSHOT, *made]), f"[{mark},{mark}]".encode(), f'{{"stream":"!markPrice@arr","data":[{mark}]}}'.encode()]


def _captures() -> list[bytes]:
    lines = [b"%d %s" % (1_700_000_000_000_000_000 + n, text.encode()) for n, text in enumerate(BINANCE)]
    texts = [b"\n".join(lines), b"1700000000000 {}\nrubbish\n\n"]
    texts.append(b"1633998512.0633569: {}\r\nhttps://x.y/depth?symbol=A -> 1633998512.1: " + _SNAPSHOT)
    texts.append(b"\n".join(b"%d %s" % (1_700_000_000_000 + n, text.encode()) for n, text in enumerate(HYPERLIQUID)))
    return [sort + pack(text) for text in texts for sort, pack in PACKED.items()]


CORPUS: dict[str, list[bytes]] = {
    "binance": [*(text.encode() for text in BINANCE), *_combined()],
    "mexc": [*MANY, private(304, ORDERED)],
    "hyperliquid": [*(text.encode() for text in HYPERLIQUID), *FILLS],
    "binance_user": [json.dumps(event, separators=(",", ":")).encode() for event in EVENTS],
    "mexc_user": [private(304, ORDERED), private(306, DEALT), *MANY[4:5]],
    "capture": _captures(),
}


def words_of(name: str) -> list[bytes]:
    """The quoted words of a corpus, which mutations are made with."""
    return sorted({word for text in CORPUS[name] for word in _WORDS.findall(text)})
