"""The market of `msb venue --source captures`: a recorded session of Binance, from its first whole books on."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from metastackerbandit.cli.venue_asked import BOTH, Served, ServedMarkets, SideMarket, fees_of
from metastackerbandit.domain.errors import DataRefused, NotFound, UsageError
from metastackerbandit.domain.quality import time_text
from metastackerbandit.domain.timeframe import HOUR_NS, SECOND_NS
from metastackerbandit.simulation.flow import PRINT

if TYPE_CHECKING:
    from metastackerbandit.config.schema import Config
    from metastackerbandit.domain.capture import Capture
    from metastackerbandit.domain.instrument import Instrument
    from metastackerbandit.runtime.recorded_flow import RecordedFlow

SPEED = 1.0  # a recording is minutes long
_MARKETS = {"binance-spot": "spot", "binance-perp": "perp", "binance-futures-perp": "perp"}  # the last as tardis names it
_FUNDING_NS = 8 * HOUR_NS  # as most of Binance's perpetuals settle
_ROOM = 512  # prices a side beside the recorded ones, for orders of clients
_LEAST_NS = SECOND_NS  # of a recording that is worth serving
_SHOWN = 5  # findings of a recording that are told at the start


def recorded_markets(asked: Served, config: Config) -> ServedMarkets:
    """The markets of these captures that were asked for.

    Raises:
        UsageError: no capture is named, or none of it is of the time that was asked for.
        NotFound: a file, market or symbol is not there.
        DataRefused: it is of another venue, cannot be read, or has no whole book.
    """
    from metastackerbandit.practice.funding import FundingBoard
    from metastackerbandit.practice.recorded_source import RecordedSource
    from metastackerbandit.runtime.recorded_flow import recorded_flow
    from metastackerbandit.simulation.listing import Listing

    played: dict[str, tuple[Capture, list[Instrument], RecordedFlow]] = {}
    said: list[str] = []
    for market, capture in _captures(asked).items():
        instruments = _instruments(capture, asked, config, said)
        flow = recorded_flow(capture, instruments)
        played[market] = capture, instruments, flow
        dealt = np.unique(flow.flow["instrument"][flow.flow["what"] == PRINT])
        said += [f"{one.symbol}: no trades were recorded, its book alone moves" for s, one in enumerate(instruments) if s not in dealt]
    begun_ns = max(asked.since_ns or 0, *(flow.begun_ns for _, _, flow in played.values()))
    ended_ns = min(flow.ended_ns for _, _, flow in played.values())
    if ended_ns - begun_ns < _LEAST_NS:
        what = f"the recording ends at {time_text(ended_ns)}, and would begin at {time_text(begun_ns)}"
        raise UsageError(what, where="--since" if asked.since_ns else "--data", mend="begin earlier, or give a longer recording")
    sides, seen = {}, hashlib.sha256()
    for market, (_, instruments, flow) in played.items():
        board = FundingBoard(len(instruments), _FUNDING_NS, begun_ns) if market == "perp" else None
        source = RecordedSource(len(instruments), flow.flow, flow.marks, flow.ended_ns, board)
        sides[market] = SideMarket(tuple(Listing(one, *fees_of(market)) for one in instruments), source, board, flow.prices + _ROOM)
        seen.update(np.ascontiguousarray(flow.flow).tobytes())
    symbols = dict.fromkeys(one.symbol for _, instruments, _ in played.values() for one in instruments)
    said = [
        "books and trades are the recorded ones, at the venue's own times; orders of clients stand in their queues and change what they meet",
        *(f"from {capture.source}" for capture, _, _ in played.values()),
        *said,
        f"the venue's clock begins at {time_text(begun_ns)}, without candles of before; when the recording is over nothing trades any more",
    ]
    heading = f"REPLAYED RECORDING, not live: {', '.join(symbols)}, {' and '.join(sides)}, from {time_text(begun_ns)} to {time_text(ended_ns)}"
    told = {"begins": time_text(begun_ns), "ends": time_text(ended_ns), "said": said}
    return ServedMarkets(begun_ns, begun_ns, asked.speed or SPEED, f"recording {seen.hexdigest()[:24]} from {begun_ns}", heading, sides, told)


def _captures(asked: Served) -> dict[str, Capture]:
    """The captures of each market that is served."""
    from metastackerbandit.runtime.venue_captures import captures_by_venue
    from metastackerbandit.storage.raw_reading import is_raw_log

    if not asked.data:
        raise UsageError("no capture is named", where="--data", mend="give --data FILE, or the folder of a raw log; several files are one session")
    for path in asked.data:
        if path.is_dir() and not is_raw_log(path):
            inner = ", ".join(sorted(one.name for one in path.iterdir() if one.is_dir() and is_raw_log(one))) or "none of its folders is one"
            raise NotFound("this folder is no raw log", where=str(path), mend=f"name one: {inner}")
    found: dict[str, Capture] = {}
    for name, capture in captures_by_venue(asked.data).items():
        if name not in _MARKETS:
            what = f"it is of {name or 'a venue that its frames do not tell'}, and this exchange speaks as Binance's spot and USD-M markets"
            raise DataRefused(what, where=capture.source, mend="give a recording of one of these; `msb replay` plays others to the engine")
        found[_MARKETS[name]] = capture
    chosen = {market: found[market] for market in asked.markets if market in found}
    if not chosen or (asked.markets != BOTH and len(chosen) < len(asked.markets)):
        raise NotFound(f"the recording is of the {' and '.join(found)} market", where="--market", mend=f"leave --market {asked.markets[0]} out")
    return chosen


def _instruments(capture: Capture, asked: Served, config: Config, said: list[str]) -> list[Instrument]:
    """The instruments of a capture that have a book, with rules; what was found wrong while reading goes to `said`."""
    from metastackerbandit.runtime.capture_check import check_capture
    from metastackerbandit.runtime.capture_recording import best_bid
    from metastackerbandit.runtime.capture_rules import instruments_in
    from metastackerbandit.storage.instruments import rules_of_capture

    seen = instruments_in(capture)
    known = [one.symbol for one in seen]
    unknown = [symbol for symbol in asked.symbols if symbol not in known]
    if unknown:
        raise NotFound(f"no {unknown[0]} in the recording", where="--symbols", mend=f"it has {', '.join(known)}")
    wanted = [one for one in seen if one.symbol in (asked.symbols or known)]
    checked = check_capture(capture, wanted, config.quality)
    chosen = []
    for one in wanted:
        price = best_bid(checked, one.symbol)
        if price is None and asked.symbols:
            raise DataRefused(
                f"there is no book of {one.symbol} at the end of the recording", where=capture.source, mend="`msb data check` tells why"
            )
        if price is None:
            said.append(f"{one.symbol} has no book and is left out")
            continue
        rules, told = rules_of_capture(one, price, None, is_exact=capture.is_rows)
        chosen.append(rules)
        said += told
    if not chosen:
        raise DataRefused("there is no book in the recording", where=capture.source, mend="record books too, with their snapshot: `msb data record`")
    said += [f"{issue.kind}, {issue.severity}: {issue.where}: {issue.what}" for issue in checked.issues[:_SHOWN]]
    if len(checked.issues) > _SHOWN:
        said.append(f"and {len(checked.issues) - _SHOWN} findings more; `msb data check` tells them all")
    return chosen
