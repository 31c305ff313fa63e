"""What a capture says of its instruments: which there are, in which steps their prices and sizes go, and by which rule their changes follow."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

import numpy as np

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.instrument import Instrument

_STREAMS = re.compile(rb'"stream":"([^"@!]{1,32})@')
_NAMED = re.compile(rb'"s":"([^"]{1,32})"')
_LEVEL = re.compile(rb'\["(\d+(?:\.\d*)?)","(\d+(?:\.\d*)?)"')


def symbols_in(capture: Capture) -> tuple[str, ...]:
    """The symbols that a Binance capture tells of, in the order of their first frame; DataRefused where there is none."""
    text = capture.text.tobytes()
    found = dict.fromkeys(name.upper() for name in _STREAMS.findall(text)) or dict.fromkeys(name.upper() for name in _NAMED.findall(text))
    if not found:
        raise DataRefused("no frame is of a venue that can be read", where=capture.source, mend="captures of Binance's streams can be checked so far")
    return tuple(name.decode(errors="replace") for name in found)


def is_by_prior_id(capture: Capture) -> bool:
    """Whether changes tell the id of the message before (futures) or not (spot)."""
    return b'"pu":' in capture.text.tobytes()


def grid_in(capture: Capture, symbol: str) -> tuple[str, str]:
    """The steps of a symbol's prices and sizes as its frames show them: as many decimals as are ever used."""
    needles = tuple(f"{before}{name}{after}".encode() for name in (symbol, symbol.lower()) for before, after in (('"', "@"), ('"s":"', '"')))
    of_symbol = [not url or symbol in parse_qs(urlsplit(url).query).get("symbol", ()) for url in capture.urls]
    decimals = [0, 0]
    for place in range(len(capture.starts)):
        frame, asked = capture.frame(place), int(capture.asked[place])
        if of_symbol[asked] if asked >= 0 else any(needle in frame[:200] for needle in needles):
            for level in _LEVEL.findall(frame):
                for n, text in enumerate(level):
                    used = len(text.partition(b".")[2].rstrip(b"0"))
                    decimals[n] = max(decimals[n], used)
    tick, lot = ("1" if not used else f"0.{'0' * (used - 1)}1" for used in decimals)
    return tick, lot


def instruments_in(capture: Capture) -> tuple[Instrument, ...]:
    """The instruments of a Binance capture with the steps that its frames show; their order limits are not known, and stand as one lot."""
    market = "perp" if is_by_prior_id(capture) else "spot"
    made = []
    for symbol in symbols_in(capture):
        tick, lot = grid_in(capture, symbol)
        made.append(Instrument(symbol, symbol, "", market, "BINANCE", tick, lot, lot, lot, "0", "inferred"))  # type: ignore[arg-type]
    return tuple(made)


def places_of_replies(capture: Capture, symbols: Sequence[str]) -> np.ndarray:
    """Which instrument a REST reply (F,) is of: the one that its URL names, the only one where it names none, -1 for what streams sent."""
    places = []
    for url in capture.urls:
        named = parse_qs(urlsplit(url).query).get("symbol", [""])[0].upper()
        places.append(symbols.index(named) if named in symbols else 0 if not url and len(symbols) == 1 else -1)
    return np.where(capture.asked >= 0, np.array([*places, -1], np.int64)[capture.asked], -1)
