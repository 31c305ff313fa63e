"""What a capture says of its instruments: which there are, in which steps their prices and sizes go, and by which rule their changes follow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import parse_qs, urlsplit

import numpy as np
from msgspec import structs

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.market_rows import DEPTH
from metastackerbandit.domain.row_frames import FIELDS
from metastackerbandit.exchanges.catalog import Codec, codec_for, codec_of
from metastackerbandit.exchanges.continuity import WHOLE
from metastackerbandit.exchanges.hyperliquid.grid import PERP_DECIMALS, SPOT_DECIMALS, grid_of_coin, is_spot_coin

_STREAMS = re.compile(rb'"stream":"([^"@!]{1,32})@')
_NAMED = re.compile(rb'"s":"([^"]{1,32})"')
_NAMES = re.compile(rb'"([^"@!]{1,32})@|"s":"([^"]{1,32})"')
_HEAD = 200  # bytes of a frame in which its symbol stands
_PRIOR = re.compile(rb'"pu":')
_COIN, _COINS = re.compile(rb'"coin":"([^"]{1,32})"'), re.compile(rb'"(?:coin|s)":"([^"]{1,32})"')
_PUSHED = re.compile(rb'\{"channel":"(?:l2Book|bbo|trades|candle|activeAssetCtx)","data":')
_PICTURES, _CHANGES = re.compile(rb'@depth\d+[@"]'), re.compile(rb'@depth[@"]')
_LOOKED_AT = 1_000  # frames by which a capture's venue is told
_PRICE, _SIZE = re.compile(rb'"px":"(\d+(?:\.\d*)?)"'), re.compile(rb'"sz":"(\d+(?:\.\d*)?)"')
_TOPIC = re.compile(rb"spot@public\.[a-zA-Z0-9.]+\.pb(?:@\d+ms)?@([A-Z0-9]{2,32})")  # of MEXC's messages, which are protobuf
_ITEM = re.compile(rb"\x0a.(\d+(?:\.\d+)?)\x12.(\d+(?:\.\d+)?)", re.DOTALL)  # a price and a size in one, each text behind its length
_LEVEL = re.compile(rb'\["(\d+(?:\.\d*)?)","(\d+(?:\.\d*)?)"')

_Told = tuple[set[str], Sequence[Sequence[bytes]]]


def venue_in(capture: Capture) -> str:
    """The venue (exchanges.catalog) whose form a capture's frames have."""
    for frame in map(capture.frame, range(min(len(capture.starts), _LOOKED_AT))):
        if _PUSHED.match(frame):
            return "HYPERLIQUID"
        if frame.startswith(b"\n") and _TOPIC.search(frame[:_HEAD]):
            return "MEXC"
    return "BINANCE"


def is_inverse(one: Instrument) -> bool:
    """Whether a contract is settled in coins, so that what it is worth cannot be said of its lots alone."""
    return one.venue == "BINANCE" and "USD_" in one.symbol


def codec_in(capture: Capture, instruments: Sequence[Instrument]) -> Codec:
    """What reads a capture's frames, with the rule by which its books are followed: each picture is the whole book where it holds nothing else."""
    if capture.is_rows:
        _refuse_other_steps(capture, instruments)
    codec = codec_of("ROWS") if capture.is_rows else codec_for(instruments)
    return structs.replace(codec, spot_rule=WHOLE, perp_rule=WHOLE) if has_pictures_alone(capture, codec) else codec


def _refuse_other_steps(capture: Capture, instruments: Sequence[Instrument]) -> None:
    """Rows are ticks and lots already: they mean something in the steps of their reader alone."""
    asked, made = ([(one.symbol, float(one.tick_size), float(one.lot_size)) for one in ones] for ones in (instruments, capture.instruments))
    if asked != made:
        told = "; ".join(f"{symbol} in ticks of {tick:g} and lots of {lot:g}" for symbol, tick, lot in made)
        raise DataRefused(f"the table was read as {told}, and nothing else can be made of it", where=capture.source, mend="use the steps that it has")


def has_pictures_alone(capture: Capture, codec: Codec) -> bool:
    """Whether the book messages of a capture are pictures of the best levels, and none is a change or a snapshot."""
    if codec.venue == "ROWS":
        words, places = capture.text.view(np.int64), capture.starts // 8
        depth = places[words[places] == DEPTH]
        return bool(len(depth) and (words[depth + 1 + FIELDS[DEPTH].index("is_whole")] == 1).all())
    if codec.venue != "BINANCE":
        return False
    text = capture.text.tobytes()
    return bool(_PICTURES.search(text)) and not _CHANGES.search(text) and not (capture.asked >= 0).any()


def symbols_in(capture: Capture) -> tuple[str, ...]:
    """The symbols that a capture tells of, in the order of their first frame; DataRefused where there is none."""
    venue = venue_in(capture)
    if venue == "MEXC":
        found = dict.fromkeys(_upper(_TOPIC, capture))
    elif venue == "HYPERLIQUID":
        found = dict.fromkeys(name for frame in _pushed(capture) for name in _COINS.findall(frame))
    else:
        found = dict.fromkeys(_upper(_STREAMS, capture)) or dict.fromkeys(_upper(_NAMED, capture))
    if not found:
        raise DataRefused(
            "no frame is of a venue that can be read",
            where=capture.source,
            mend="captures of Binance's, MEXC's and Hyperliquid's streams can be read",
        )
    return tuple(name.decode(errors="replace") for name in found)


def _upper(pattern: re.Pattern[bytes], capture: Capture) -> Iterator[bytes]:
    """What the pattern's group finds in a capture, in capitals; the text is looked at where it lies."""
    return (found[1].upper() for found in pattern.finditer(capture.text.data))


def is_by_prior_id(capture: Capture) -> bool:
    """Whether changes tell the id of the message before (futures) or not (spot)."""
    return _PRIOR.search(capture.text.data) is not None


def _pushed(capture: Capture) -> Iterator[bytes]:
    """The frames of Hyperliquid's market channels."""
    return (frame for frame in map(capture.frame, range(len(capture.starts))) if _PUSHED.match(frame))


def _decimals(text: bytes) -> int:
    """How many decimals of a number are not zeros at its end."""
    return len(text.partition(b".")[2].rstrip(b"0"))


def grids_in(capture: Capture, symbols: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The steps of the prices and sizes of each symbol as its frames show them, as many decimals as are ever used: one pass for all symbols."""
    used = {symbol: [0, 0] for symbol in symbols}
    told = {"HYPERLIQUID": _of_coins, "MEXC": _of_topics}.get(venue_in(capture), _of_symbols)(capture)
    for named, pairs in told:
        decimals = [max((_decimals(text) for text in texts), default=0) for texts in pairs]
        for symbol in named & used.keys():
            used[symbol] = [max(pair) for pair in zip(used[symbol], decimals, strict=True)]
    if venue_in(capture) == "HYPERLIQUID":
        return {coin: _grid_of_coin(coin, price, size) for coin, (price, size) in used.items()}
    return {symbol: (_step(price), _step(size)) for symbol, (price, size) in used.items()}


def _step(decimals: int) -> str:
    """One of the last of so many decimals."""
    return f"0.{'0' * (decimals - 1)}1" if decimals else "1"


def _of_coins(capture: Capture) -> Iterator[_Told]:
    """Which Hyperliquid coins a frame tells of, and the texts of its prices and sizes."""
    for frame in _pushed(capture):
        yield {coin.decode(errors="replace") for coin in _COIN.findall(frame)}, (_PRICE.findall(frame), _SIZE.findall(frame))


def _of_topics(capture: Capture) -> Iterator[_Told]:
    """Which MEXC symbols a message tells of, and the texts of its prices and sizes; answers to requests are as Binance's."""
    yield from _of_symbols(capture)
    for frame in map(capture.frame, range(len(capture.starts))):
        topic, items = _TOPIC.search(frame[:_HEAD]), _ITEM.findall(frame)
        if topic is not None and items:
            yield {topic[1].decode()}, tuple(zip(*items, strict=True))


def _of_symbols(capture: Capture) -> Iterator[_Told]:
    """Which Binance symbols a frame tells of (a REST reply: which it was asked for, any where nobody knows), and the texts of its levels."""
    asked_for = [parse_qs(urlsplit(url).query).get("symbol") for url in capture.urls]
    everyone = set(symbols_in(capture))
    for place in range(len(capture.starts)):
        frame, asked = capture.frame(place), int(capture.asked[place])
        levels = _LEVEL.findall(frame)
        if not levels:
            continue
        if asked >= 0:
            named = set(asked_for[asked] or ()) if capture.urls[asked] else everyone
        else:
            named = {(stream or symbol).upper().decode(errors="replace") for stream, symbol in _NAMES.findall(frame[:_HEAD])}
        yield named, tuple(zip(*levels, strict=True))


def _grid_of_coin(coin: str, price: int, size: int) -> tuple[str, str]:
    """The steps of a Hyperliquid coin: as many decimals as its sizes ever use, and the price's that go with them."""
    most = SPOT_DECIMALS if is_spot_coin(coin) else PERP_DECIMALS
    return grid_of_coin(coin, min(size, most - price))


def instruments_in(capture: Capture) -> tuple[Instrument, ...]:
    """The instruments of a capture as its reader knows them, else with the steps that its frames show; order limits are not known: one lot."""
    if capture.instruments:
        return capture.instruments
    venue = venue_in(capture)
    has_prior = venue == "BINANCE" and is_by_prior_id(capture)
    made = []
    for symbol, (tick, lot) in grids_in(capture, symbols_in(capture)).items():
        market = "perp" if has_prior or (venue == "HYPERLIQUID" and not is_spot_coin(symbol)) else "spot"
        quote = "USDC" if venue == "HYPERLIQUID" and market == "perp" and ":" not in symbol else ""  # builders' perps, dex:COIN, may have another
        made.append(Instrument(symbol, symbol, quote, market, venue, tick, lot, lot, lot, "0", "inferred"))  # type: ignore[arg-type]
    return tuple(made)


def places_of_replies(capture: Capture, symbols: Sequence[str]) -> np.ndarray:
    """Which instrument a REST reply (F,) is of: the one that its URL names, the only one where it names none, -1 for what streams sent."""
    places = []
    for url in capture.urls:
        named = parse_qs(urlsplit(url).query).get("symbol", [""])[0].upper()
        places.append(symbols.index(named) if named in symbols else 0 if not url and len(symbols) == 1 else -1)
    return np.where(capture.asked >= 0, np.array([*places, -1], np.int64)[capture.asked], -1)
