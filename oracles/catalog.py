"""The peers there are: what each has no word for, and its rules; a new one is a folder below benchmarks/peers, a file in rules, and a line here."""

from __future__ import annotations

from msgspec import Struct

from oracles.compare import COMPARED, Limits
from oracles.differences import Rule
from oracles.rules import backtesting, backtrader, nautilus, vectorbt
from oracles.scenes import SCENES, Scene


class Lack(Struct, frozen=True):
    """In scenes that have all of `where` (slippage, stop, target, funding) the peer has no word for `fields`, and they are not compared."""

    where: tuple[str, ...]
    fields: tuple[str, ...]


class Peer(Struct, frozen=True):
    """An engine of other people, with what it has no word for, the rules by which it differs, and how its script drives it.

    `rounds`: it slips to whole ticks, as we do.
    """

    name: str
    title: str
    lacks: tuple[Lack, ...]
    rules: tuple[Rule, ...]
    driven: str
    rounds: bool = False

    def fields(self, scene: Scene) -> tuple[str, ...]:
        """What is compared in a scene: all that the peer has a word for."""
        has = scene.features()
        lacking = {name for lack in self.lacks if has.issuperset(lack.where) for name in lack.fields}
        return tuple(name for name in COMPARED if name not in lacking)

    def scenes(self) -> tuple[Scene, ...]:
        """All that it plays: the scenes, and the example of each rule."""
        return (*SCENES, *(rule.example for rule in self.rules))


NO_FUNDING = Lack(("funding",), ("funding",))  # profit is then compared before funding
EXIT = ("exit", "fee", "profit")

PEERS: tuple[Peer, ...] = (
    Peer("backtesting", "backtesting.py", (NO_FUNDING, Lack(("slippage",), EXIT)), backtesting.RULES, backtesting.DRIVEN),
    Peer("backtrader", "backtrader", (), backtrader.RULES, backtrader.DRIVEN, rounds=True),
    Peer("nautilus", "NautilusTrader", (NO_FUNDING,), nautilus.RULES, nautilus.DRIVEN, rounds=True),
    Peer("vectorbt", "vectorbt", (NO_FUNDING, Lack(("slippage", "target"), EXIT)), vectorbt.RULES, vectorbt.DRIVEN),
)


def limits_of(peer: Peer, scene: Scene, money: float, fields: tuple[str, ...]) -> Limits:
    """What equal means in a scene; `money` is what one tick of one lot is worth."""
    fraction = 1.0 if scene.slippage_bps and not peer.rounds else 0.0
    return Limits(fraction=fraction, money=money, fee=scene.fee_bps * 1e-4, fields=fields)
