"""The broker of a run whose orders go to a venue's account: requests leave at once, and what the venue says comes back as reports, later."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from msgspec import structs

from metastackerbandit.domain.effects import AmendOrder, CancelOrder, SubmitOrder
from metastackerbandit.domain.errors import ConfigRefused, VenueError
from metastackerbandit.domain.inputs import OrderReport
from metastackerbandit.domain.money import money_digits
from metastackerbandit.domain.trading import BalancesAsked
from metastackerbandit.engine.engine import Engine
from metastackerbandit.engine.plan import Plan
from metastackerbandit.exchanges.credentials import Credentials
from metastackerbandit.execution.held_past import held_past
from metastackerbandit.execution.reconcile import AccountView, Amount
from metastackerbandit.runtime.feed_events import Tell
from metastackerbandit.runtime.live_account import LiveAccount, LiveAccountSettings
from metastackerbandit.runtime.live_feed import World
from metastackerbandit.runtime.live_take import Taken
from metastackerbandit.runtime.new_risk import NO_GUARD, Guard
from metastackerbandit.runtime.order_view import Keep
from metastackerbandit.runtime.recovery import Past
from metastackerbandit.runtime.replay import FilledElsewhere


class AccountBroker(FilledElsewhere):
    """Orders of a plan to one account in one market. `world` has our own clock; `codec` is the venue whose protocol is spoken.

    `begun` is what the account had of the quote asset when the run began (None: it is asked for); what it should have now follows from the engine's
    ledger; `begins` is told of it before anything is sent. `keep` gets what must be written down of orders at the venue, `guard` is what real money
    asks for.
    """

    def __init__(
        self,
        plan: Plan,
        codec: str,
        run_id: str,
        credentials: Credentials,
        world: World,
        settings: LiveAccountSettings,
        deliver: Callable[[OrderReport], None],
        tell: Tell,
        since_ns: int,
        keep: Keep,
        begun: Decimal | None = None,
        begins: Callable[[Decimal], None] = lambda wallet: None,
        guard: Guard = NO_GUARD,
    ) -> None:
        books = [structs.replace(one, venue=codec) for one in plan.instruments]
        self._plan, self.begun, self._unread = plan, begun, "nobody has compared yet"
        self._engine: Engine | None = None
        self._begins = begins
        self._slack = Decimal(str(settings.orders.wallet_slack))
        self.account = LiveAccount(
            books, run_id, credentials, world, settings, report=deliver, tell=tell, ours=self._ours, since_ns=since_ns, keep=keep, guard=guard
        )
        self._one, self._least = books[0], guard.least_wallet

    async def begin(self, engine: Engine) -> None:
        """Know that the account is as it should be, and what it has, before anything is sent. Raises VenueError, ConfigRefused."""
        self._engine = engine
        desk = self.account.account
        await self.account.prepare()
        balances = desk.venue.read_balances(await desk.told(BalancesAsked(), self._one))
        if self.begun is None:
            self.begun = next((one.whole for one in balances if one.asset == self._one.quote), Decimal(0))
            if self.begun < self._least:
                what = f"the wallet holds {self.begun:f} {self._one.quote}, and account.deposit says {self._least:f}"
                raise ConfigRefused(what, where=self._one.id, mend="set account.deposit to what this run may use of the wallet")
            self._begins(self.begun)

    def take_up(self, past: Past) -> None:
        """Know the orders of a killed process, before anything is heard or sent."""
        self.account.desk.take_up(held_past(past.intents, past.legs))

    def act(self, effect: SubmitOrder | CancelOrder | AmendOrder) -> list[OrderReport]:
        """Send; the answers come later."""
        self.account.desk.act(effect)
        return []

    def passing(self, now_ns: int) -> None:
        """The market's time is nothing to the account."""

    def hear(self, taken: Taken, received_ns: int) -> None:
        """The market's frames are nothing to the account."""

    def differences(self, engine: Engine) -> list[dict[str, str]]:
        """What differed between the engine's view and the venue's when they were compared last; that they could not be is the first difference."""
        unread = {"kind": "not compared", "symbol": "", "name": "account", "ours": "", "venue": self._unread}
        return [
            *([unread] if self._unread else []),
            *(
                {"kind": one.kind, "symbol": one.symbol, "name": one.name, "ours": f"{one.ours:f}", "venue": f"{one.theirs:f}", "key": one.key}
                for one in self.account.reconciler.found
            ),
        ]

    async def compare(self) -> None:
        """Compare now. Raises VenueError."""
        try:
            await self.account.reconciler.check()
        except VenueError as error:
            self._unread = str(error)
            raise
        self._unread = ""

    @property
    def holds_risk(self) -> bool:
        """While one stands, nothing new is sent."""
        return bool(self.account.reconciler.found)

    def accept(self, key: str) -> bool:
        """Take a difference as it is; whether there is one of this key."""
        return self.account.reconciler.accept(key)

    @property
    def is_idle(self) -> bool:
        """Whether nothing of ours is under way or works at the venue."""
        return not self.account.desk.view.register.active

    async def run(self) -> None:
        """Follow the account until cancelled."""
        await self.account.run()

    def _ours(self) -> AccountView:
        """What the engine believes: positions by symbol, and the wallet where one book a symbol makes it exact."""
        assert self._engine is not None
        seats, lots = self._engine.world.seats, dict.fromkeys(self._plan.symbols, 0)
        for s, book in enumerate(self._plan.books):
            lots[book.instrument.symbol] += int(seats[s].position.lots)
        amounts: tuple[Amount, ...] = ()
        if self._one.market == "perp" and len(self._plan.books) == len(self._plan.symbols):
            digits = money_digits(self._one.quote)
            held = int(self._engine.world.account[0].cash) + sum(int(seats[s].position.cost) for s in range(len(self._plan.books)))
            earned = Decimal(held).scaleb(-digits) - Decimal(self._plan.settings.account.deposit)
            amounts = (Amount(self._one.quote, (self.begun or Decimal(0)) + earned, self._slack),)
        return AccountView(positions=tuple(lots.items()), amounts=amounts)
