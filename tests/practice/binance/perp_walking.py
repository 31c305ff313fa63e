"""A USD-M market for tests: a walk with marks and funding, its side, and an account that asks its desk without a server."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from metastackerbandit.domain.timeframe import HOUR_NS, SECOND_NS
from metastackerbandit.practice.binance.perp_side import perp_side
from metastackerbandit.practice.desk import Answer, Call
from metastackerbandit.practice.faults import Fault
from metastackerbandit.practice.floor import Floor
from metastackerbandit.practice.funding import FundingBoard
from metastackerbandit.practice.hub import Stream
from metastackerbandit.practice.keys import Key
from metastackerbandit.practice.settings import PracticeSettings
from metastackerbandit.practice.side import Side
from metastackerbandit.simulation.exchange import Exchange
from tests.practice.walking import GIVEN, KEY, Ground, Walk

RATE = 10_000  # of funding, 1e-8
BTC, ETH = 0, 1
QUIET = PracticeSettings()


class MarkedWalk(Walk):
    """A walk whose middle is the mark price; funding is settled as it falls due. One that `stands` lets time pass quickly."""

    def __init__(self, funding: FundingBoard, *, stands: bool = False) -> None:
        super().__init__()
        self.funding, self._stands = funding, stands

    def go_on(self, exchange: Exchange, to_ns: int) -> None:
        """Walk on, mark, settle."""
        if not self._stands:
            super().go_on(exchange, to_ns)
        for s, middle in enumerate(self._middle):
            exchange.mark(s, middle, to_ns)
        self.funding.settle_due(exchange, to_ns)


class Usdm:
    """A USD-M side on a ground whose clock tests turn."""

    def __init__(self, speed: float = 1.0, hours: int = 8, settings: PracticeSettings = QUIET, *, stands: bool = False, **terms: Any) -> None:
        self.ground = Ground("perp", speed, settings=settings, terms=terms)
        self.funding = FundingBoard(2, hours * HOUR_NS, self.ground.time.now_ns())
        self.funding.rates[:] = [RATE, -RATE]
        self.exchange = Exchange(self.ground.exchange.listings, prices=512, orders=1_024)
        for owner in (1, 2):
            self.exchange.open(owner, GIVEN)
        self.floor = Floor(self.exchange, MarkedWalk(self.funding, stands=stands), self.ground.time.now_ns(), settings)
        made = self.ground
        self.side: Side = perp_side(self.floor, self.funding, made.keys, made.time, made.faults, made.hub, settings)
        self.turn(1.0)

    def fault(self, name: str, *, is_on: bool = True, **terms: Any) -> None:
        """Switch a fault on or off, and tell those who watch, where no server does."""
        self.ground.faults.watchers[:] = self.side.acts
        if is_on:
            self.ground.faults.switch_on(Fault(name, **terms))
        else:
            self.ground.faults.switch_off(name)

    def turn(self, seconds: float) -> None:
        """Let so many wall seconds pass."""
        self.ground.clock.turn(seconds)
        self.floor.advance(self.ground.time.now_ns())

    def answer(self, method: str, path: str, key: Key | None = KEY, /, **given: Any) -> Answer:
        """What the desk says to a request that is signed by a key, if any."""
        params = {name: str(value) for name, value in given.items()}
        if key is None:
            return self.side.desk.answer(self.side.routes[method, path], Call(params, "", "", "here"))
        params["timestamp"] = str(self.ground.time.told_ms())
        text = "&".join(f"{name}={value}" for name, value in params.items())
        params["signature"] = hmac.new(key.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        return self.side.desk.answer(self.side.routes[method, path], Call(params, text, key.api_key, "here"))

    def ask(self, method: str, path: str, key: Key | None = KEY, /, **given: Any) -> Any:
        """The body of an answer that is no refusal."""
        answer = self.answer(method, path, key, **given)
        assert answer.http == 200, answer.body
        return answer.body

    def code(self, method: str, path: str, key: Key | None = KEY, /, **given: Any) -> int:
        """The code of a refusal."""
        answer = self.answer(method, path, key, **given)
        assert answer.http >= 400, answer.body
        return int(answer.body["code"])

    def order(self, **given: Any) -> dict[str, Any]:
        """A new order of BTCUSDT, a limit order unless it is said otherwise."""
        usual = {} if given.get("type") == "MARKET" else {"type": "LIMIT", "timeInForce": "GTC", "price": "55000.00"}
        return dict(self.ask("POST", "/fapi/v1/order", **{"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.01", **usual, **given}))

    def refusal(self, **given: Any) -> int:
        """Why a new order of BTCUSDT is refused."""
        usual = {} if given.get("type") == "MARKET" else {"type": "LIMIT", "timeInForce": "GTC", "price": "55000.00"}
        return self.code("POST", "/fapi/v1/order", **{"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.01", **usual, **given})

    def stream(self, base: str, name: str) -> Stream:
        """A stream that there is."""
        made = self.side.families[base].opened(name)
        assert made is not None, name
        return made

    def told(self, stream: Stream) -> list[Any]:
        """What a stream tells now."""
        return list(stream.told(self.ground.time.now_ns()))

    def private(self, events: str = "") -> Stream:
        """The private stream of a new listen key."""
        key = self.ask("POST", "/fapi/v1/listenKey")["listenKey"]
        return self.stream("/private", f"{key}?events={events}" if events else key)

    @property
    def now_ms(self) -> int:
        """Venue time."""
        return self.ground.time.now_ns() // 1_000_000


HOUR_S = HOUR_NS / SECOND_NS
