"""CSV of a recorder of Binance's streams: one row a level or trade, in the order of arrival; `#` lines above hold its own report.

    TimestampOfReceive, Stream, EventType, EventTime, [TransactionTime], Symbol, FirstUpdateId, FinalUpdateId, [FinalUpdateIdInLastStream], IsAsk,
    Price, Quantity                                                        changes of the book; FinalUpdateIdInLastStream on futures
    ..., TradeId, Price, Quantity, IsBuyerMarketMaker                      trades
    TimestampOfReceive, TimestampOfRequest, LastUpdateId, IsAsk, Price, Quantity     snapshots that were asked for

A merged file has all of them, told apart by StreamType; its FINAL_DEPTH_SNAPSHOT is the book that the recorder carried over from the day before,
each level with the ids of the message that set it last: the newest of these ids is the snapshot's.
"""

from __future__ import annotations

from collections.abc import Sequence

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.recording import QualityIssue
from metastackerbandit.runtime.recorded.binance_messages import (
    Message,
    Row,
    Written,
    capture_of_messages,
    levels_text,
    messages_of,
    settled,
    stamp_ns,
)
from metastackerbandit.runtime.recorded.tables import Table

_ALL = (
    *("TimestampOfReceive", "TimestampOfReceiveUS", "TimestampOfRequest", "Stream", "EventTime", "TransactionTime", "Symbol", "FirstUpdateId"),
    *("FinalUpdateId", "FinalUpdateIdInLastStream", "IsAsk", "Price", "Quantity", "TradeId", "IsBuyerMarketMaker", "LastUpdateId", "StreamType"),
    *("IsLast", "XUnknownParameter"),
)
_SHARED = ("TimestampOfReceive", "TimestampOfReceiveUS", "EventTime", "TransactionTime", "FirstUpdateId", "FinalUpdateIdInLastStream")
_CARRIED = "FINAL_DEPTH_SNAPSHOT"


def read_recorder(table: Table) -> Capture:
    """A recorder's rows as the messages that they were."""
    named = table.rows.columns
    rows = [{**dict.fromkeys(_ALL, ""), **row} for row in table.rows.fill_null("").iter_rows(named=True)]
    first = rows[0]
    market = "perp" if "FinalUpdateIdInLastStream" in named or "XUnknownParameter" in named else "spot" if first["Stream"] else ""
    written: list[Written] = []
    issues: list[QualityIssue] = []
    for message in messages_of(rows, ("StreamType", "Stream", "Symbol", "TradeId", "LastUpdateId")):
        for part in _parts(message):
            told, found = _written(table, part)
            written.append(told)
            issues += found + _ends(table, part)
    symbol = next((row["Symbol"] for row in rows if row["Symbol"]), "")
    return capture_of_messages(table, written, issues, table.symbol(symbol), table.market(market), table.rows["Price"], table.rows["Quantity"])


def _parts(message: Message) -> Sequence[Message]:
    """Changes come one message after another; a carried-over book is one, though each of its levels has the ids of another."""
    head = message.rows[0]
    if head["StreamType"] == _CARRIED or not head["FinalUpdateId"]:
        return (message,)
    return [Message(message.first + part.first, part.rows) for part in messages_of(message.rows, ("FinalUpdateId",))]


def _ends(table: Table, message: Message) -> list[QualityIssue]:
    """The recorder marks a message's last row: a mark on another is told."""
    marked = [place for place, row in enumerate(message.rows[:-1]) if row["IsLast"] == "1"]
    return [QualityIssue("row_differs", "high", table.place(message.first + place), "IsLast is 1 within a message") for place in marked]


def _written(table: Table, message: Message) -> tuple[Written, list[QualityIssue]]:
    head = message.rows[0]
    is_carried = head["StreamType"] == _CARRIED
    shared, issues = settled(table, message, _SHARED[:2] if is_carried or head["LastUpdateId"] else _SHARED)
    received = max(stamp_ns(shared["TimestampOfReceiveUS"]), stamp_ns(shared["TimestampOfReceive"]))
    bids, asks = (levels_text(message.rows, side, "Price", "Quantity", "IsAsk") for side in "01")
    if is_carried or head["LastUpdateId"]:
        newest = max(int(row["FinalUpdateId"]) for row in message.rows) if is_carried else head["LastUpdateId"]
        return Written(received, f'{{"lastUpdateId":{newest},"bids":[{bids}],"asks":[{asks}]}}', True, message.first), issues
    stamps = f'"E":{shared["EventTime"]},' + (f'"T":{shared["TransactionTime"]},' if shared["TransactionTime"] else "")
    if head["TradeId"]:
        return Written(received, _trade(head, stamps), False, message.first), issues
    prior = f',"pu":{shared["FinalUpdateIdInLastStream"]}' if shared["FinalUpdateIdInLastStream"] else ""
    ids = f'"U":{shared["FirstUpdateId"]},"u":{head["FinalUpdateId"]}{prior}'
    body = f'"e":"depthUpdate",{stamps}"s":"{head["Symbol"]}",{ids},"b":[{bids}],"a":[{asks}]'
    return Written(received, f'{{"stream":"{head["Stream"]}","data":{{{body}}}}}', False, message.first), issues


def _trade(row: Row, stamps: str) -> str:
    is_maker = {"1": "true", "0": "false"}.get(row["IsBuyerMarketMaker"], "null")
    body = f'"e":"trade",{stamps}"s":"{row["Symbol"]}","t":{row["TradeId"]},"p":"{row["Price"]}","q":"{row["Quantity"]}","m":{is_maker}'
    return f'{{"stream":"{row["Stream"]}","data":{{{body}}}}}'
