"""What a venue's market offers to the owner of an account: how each question is asked, what each answer says, what each refusal means. Pure."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.trading import (
    AssetBalance,
    FillRecord,
    KeyRights,
    OrderState,
    PositionTerms,
    Question,
    Sort,
    SymbolRules,
    VenueTime,
    Verdict,
)
from metastackerbandit.exchanges.credentials import Credentials
from metastackerbandit.exchanges.settings import EndpointSettings
from metastackerbandit.exchanges.streams import RestRequest, SocketPlan
from metastackerbandit.exchanges.transport.ports import Answer

CANCELS_FIRST, QUERIES_NEXT, ORDERS_LAST = 0, 1, 2  # urgency of what waits for a budget


class Asking(Struct, frozen=True, eq=False):
    """What every question to an account is asked with: whose, where, when by the venue's clock (ms), and for how long it is good (ms)."""

    credentials: Credentials
    endpoints: EndpointSettings
    now_ms: int
    window_ms: int


class OrderFamily(Struct, frozen=True):
    """So many orders in a window of so many seconds; `header` (lower case) is where the venue says how many there were."""

    limit: int
    window_s: float
    header: str


class VenueOrders(Struct, frozen=True):
    """What one market of a venue offers.

    `request(question, instrument, asking)` gives the request of a question; a question that the venue does not have is a UsageError. `verdict(
    question, answer)` says what an answer of any status means. The readers take the body of an answer whose verdict is "done" and raise
    AnswerRefused: `read_order` also the answer of a cancellation (None where it only says yes), `read_orders`, `read_fills` (of one page,
    `most_fills` at most), `read_balances`, `read_position` (signed lots) and `read_terms` of the instrument asked for (None on spot, which
    holds balances), `read_rights`, `read_rules`, `read_time`, `read_stream_key`.

    `private_plan(key, asking)` is the connection that tells of the account, with the stream's key where `read_stream_key` is not None
    (good for `key_life_s` of the venue's time), else signed. `reply_of(frame)` is None for a frame that tells an event, "" for a friendly reply,
    else what the venue refuses.

    `waits_apart`: orders that wait for a price are kept apart and are asked for by `waits`. `amends`: sorts whose size and price can be changed in
    place. `locks`: a resting order locks what it would sell, so that a second one for it is refused.
    """

    venue: str
    market: str
    families: tuple[OrderFamily, ...]
    request: Callable[[Question, Instrument, Asking], RestRequest]
    verdict: Callable[[Question, Answer], Verdict]
    read_order: Callable[[bytes, Question, Instrument], OrderState | None]
    read_orders: Callable[[bytes, Question, Instrument], tuple[OrderState, ...]]
    read_fills: Callable[[bytes, Instrument], tuple[FillRecord, ...]]
    read_balances: Callable[[bytes], tuple[AssetBalance, ...]]
    read_position: Callable[[bytes, Instrument], int] | None
    read_terms: Callable[[bytes, Instrument], PositionTerms] | None
    read_rights: Callable[[bytes], KeyRights]
    read_rules: Callable[[bytes], tuple[SymbolRules, ...]]
    read_time: Callable[[bytes], VenueTime]
    read_stream_key: Callable[[bytes], str] | None
    private_plan: Callable[[str, Asking], SocketPlan]
    reply_of: Callable[[bytes], str | None]
    key_life_s: float
    most_fills: int
    waits_apart: bool
    amends: tuple[Sort, ...]
    locks: bool
