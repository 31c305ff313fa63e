"""Rules that several peers share."""

from __future__ import annotations

from metastackerbandit.bench.wide import Rule as Arm
from oracles.differences import Case, Rule
from oracles.scenes import Scene, Ticks

RISING: tuple[Ticks, ...] = (
    (10_000, 10_010, 9_990, 10_000),
    (10_000, 10_110, 9_990, 10_100),
    (10_105, 10_210, 10_090, 10_200),
    (10_203, 10_310, 10_190, 10_300),
    (10_302, 10_310, 10_190, 10_200),
    (10_207, 10_210, 10_090, 10_100),
    (10_101, 10_110, 9_990, 10_000),
)
RISEN: tuple[Ticks, ...] = (  # the close rises: LAST_MOVE goes long at the next open
    (10_000, 10_010, 9_990, 10_000),
    (10_000, 10_060, 9_990, 10_050),
)
ENTRY_REACHES_STOP: tuple[Ticks, ...] = (  # the candle that is entered at its open falls by more than 1 % before it rises again
    *RISEN,
    (10_050, 10_110, 9_900, 10_100),
    (10_100, 10_160, 10_090, 10_150),
    (10_150, 10_160, 10_060, 10_080),
    (10_080, 10_090, 10_040, 10_050),
    (10_050, 10_060, 10_000, 10_010),
)
LAST_MOVE = Arm("sma_cross", fast=1, slow=2)  # long after a rising close, short after a falling one
STOPPED = Arm("sma_cross", fast=1, slow=2, stop_bps=100.0)  # the same with a stop 1 % away


def _is_funding(case: Case) -> bool:
    """All is equal but for what was paid while the position was held."""
    ours, theirs = case.difference.ours, case.difference.theirs
    if not case.scene.funded or ours is None or theirs is None or set(case.difference.fields) - {"funding", "profit"}:
        return False
    return bool(abs(ours["profit"] + ours["funding"] - theirs["profit"] - theirs["funding"]) < 1e-6)


NO_FUNDING = Rule(
    "no funding",
    """The peer has no settlements: a perpetual costs nothing to hold. Where a scene has funding, its trades are compared before funding: times,
    prices, quantity, fee, and our profit with the funding added back.""",
    _is_funding,
    Scene(name="no funding", rule=LAST_MOVE, market="perp", made=RISING, fee_bps=5.0, funded=True, rates=((4, 0.0001),)),
)
