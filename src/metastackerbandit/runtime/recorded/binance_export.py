"""Binance's historical depth export (T_DEPTH): one row a level, `update_type` snap or set, side b or a; USD-M, stamps in ms."""

from __future__ import annotations

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.recording import QualityIssue
from metastackerbandit.runtime.recorded.binance_messages import Written, capture_of_messages, levels_text, messages_of, settled, stamp_ns
from metastackerbandit.runtime.recorded.tables import Table


def read_depth_export(table: Table) -> Capture:
    """The export's rows as snapshots and changes; the venue's stamp stands for the time of arrival, which the export does not tell."""
    rows = table.rows.fill_null("").to_dicts()
    written: list[Written] = []
    issues: list[QualityIssue] = []
    for message in messages_of(rows, ("symbol", "last_update_id", "update_type")):
        shared, found = settled(table, message, ("timestamp", "first_update_id", "pu"))
        issues += found
        head = message.rows[0]
        bids, asks = (levels_text(message.rows, side, "price", "qty", "side") for side in "ba")
        at, last = shared["timestamp"], head["last_update_id"]
        if head["update_type"] == "snap":
            text = f'{{"lastUpdateId":{last},"E":{at},"T":{at},"bids":[{bids}],"asks":[{asks}]}}'
        else:
            ids = f'"U":{shared["first_update_id"]},"u":{last},"pu":{shared["pu"]}'
            name = f"{head['symbol'].lower()}@depth"
            body = f'"e":"depthUpdate","E":{at},"T":{at},"s":"{head["symbol"]}",{ids},"b":[{bids}],"a":[{asks}]'
            text = f'{{"stream":"{name}","data":{{{body}}}}}'
        written.append(Written(stamp_ns(at), text, head["update_type"] == "snap", message.first))
    symbol = table.symbol(str(rows[0]["symbol"]))
    return capture_of_messages(table, written, issues, symbol, table.market("perp"), table.rows["price"], table.rows["qty"])
