"""What became of a trade that gates prevented, in words."""

from __future__ import annotations

from msgspec import Struct

from metastackerbandit.decision.explain_text import SIDES, utc_text
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.money import money_float
from metastackerbandit.domain.rows import REASONS, DecisionRow, OutcomeRow


class PreventedTrade(Struct, frozen=True):
    """The trade, as it would have been: entered at the open of `opened`, left at `ended` for `reason` after `bars`; net of every cost.

    `gate` alone prevented it, or null where several did. `began_with` is the decision that it began with: this one, or an earlier one of the
    same wish. `net` is money of the account.
    """

    gate: str | None
    began_with: int
    side: str
    quantity: str
    opened: str
    ended: str
    reason: str
    bars: int
    net_bps: float
    net: float
    text: str


def prevented_trade(row: DecisionRow, outcome: OutcomeRow, gate: str | None, instrument: Instrument) -> PreventedTrade:
    """Put one prevented trade into words, beside the decision that was asked about."""
    net = money_float(outcome.net, instrument.quote)
    side, quantity, reason = SIDES[outcome.side], instrument.quantity_text(outcome.lots), REASONS[outcome.reason]
    who = f"{gate} alone" if gate is not None else "gates together"
    same = "" if outcome.decision == row.decision else f" (wished since decision {outcome.decision})"
    text = (
        f"prevented by {who}: {side} {quantity} {instrument.base}{same}, left on {reason} after {outcome.bars} bars: "
        f"{outcome.net_bps:+.1f} bps net, {net:+,.2f} {instrument.quote}"
    )
    return PreventedTrade(
        gate=gate,
        began_with=outcome.decision,
        side=side,
        quantity=quantity,
        opened=utc_text(outcome.opened_ns),
        ended=utc_text(outcome.at_ns),
        reason=reason,
        bars=outcome.bars,
        net_bps=outcome.net_bps,
        net=net,
        text=text,
    )
