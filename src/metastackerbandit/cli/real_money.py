"""What must stand before orders go to an account as real money's: hard limits, an unlock of this configuration, settings within both, and a key."""

from __future__ import annotations

import os
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from metastackerbandit.cli.venues import Venue
from metastackerbandit.domain.errors import ConfigRefused, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from metastackerbandit.config.loading import Loaded
    from metastackerbandit.config.schema import Config
    from metastackerbandit.domain.hard_limits import HardLimits
    from metastackerbandit.engine.engine import Engine
    from metastackerbandit.engine.plan import Plan
    from metastackerbandit.runtime.new_risk import DayBefore, Guard
    from metastackerbandit.storage.journal import Journal
    from metastackerbandit.storage.unlocks import Locked, Unlock

RECENT_NS = 2 * 86_400 * 10**9  # a run that was not heard of for so long did nothing today


def refuse_unsettled(home: Path, loaded: Loaded) -> None:
    """Refuse a configuration that leans on waivers, or that a rollout did not leave as it is. Raises ConfigRefused."""
    from metastackerbandit.cli.rollout_stages import CLOSED, newest, standing_of
    from metastackerbandit.config.waivers import LIVE, refuse_waivers
    from metastackerbandit.storage.rollouts import read_rollouts

    refuse_waivers(loaded.config, loaded.sources, time.time_ns(), LIVE)
    if read_rollouts(home):
        story = newest(home)
        if story.stage not in CLOSED and not standing_of(home, story).is_on_disk:
            what = f"the configuration is not the one that stage {story.stage!r} of rollout {story.number} left there"
            raise ConfigRefused(
                what, where=str(home), mend="`msb rollout status` tells what is missing, `msb rollout rollback` restores the one before"
            )


def limits_for(home: Path, config: Config, symbols: tuple[str, ...], max_notional: str) -> HardLimits:
    """The hard limits, with settings and an unlock's amount within them. Raises ConfigRefused."""
    from metastackerbandit.config.hard_limits import hard_limits
    from metastackerbandit.config.within_limits import refuse_excess
    from metastackerbandit.domain.money import money_of, money_text

    limits = hard_limits(home, os.environ)
    notional = money_of(max_notional, limits.currency)
    if not 0 < notional <= limits.gross:
        most = money_text(limits.gross, limits.currency)
        raise ConfigRefused(
            f"{max_notional} {limits.currency} is not within max_gross = {most}", where="--max-notional", mend="name no more than that"
        )
    refuse_excess(config, symbols, limits, notional)
    return limits


def refuse_locked(home: Path, loaded: Loaded, venue: Venue, market: str, command: str) -> Unlock:
    """The unlock that this run stands on, everything else that must stand with it.

    Raises:
        ConfigRefused: something of it does not stand; what, and the mend.
    """
    from metastackerbandit.cli.account_key import credentials_of
    from metastackerbandit.config.hard_limits import hard_limits
    from metastackerbandit.config.writing import config_hash
    from metastackerbandit.storage.unlocks import Locked, standing_unlock

    config = loaded.config
    refuse_unsettled(home, loaded)
    hard_limits(home, os.environ)
    found = standing_unlock(home, venue.name, market, time.time_ns(), config_hash(config))
    if isinstance(found, Locked):
        mend = f'msb unlock --venue {venue.name} --market {market} --max-notional AMOUNT --why "..." with the flags of the run'
        raise ConfigRefused(found.why, where=command, mend=mend)
    limits_for(home, config, found.terms.symbols, found.terms.max_notional)
    credentials_of(venue, config, is_real=True)
    return found


def refuse_words(venue: Venue, market: str, frames: tuple[str, ...], *, is_own: bool) -> None:
    """Refuse a way of running that has no account. Raises UsageError."""
    if market != "perp":
        raise UsageError("an account is traded in perpetuals only", where="--live", mend="--market perp")
    if len(frames) != 1:
        raise UsageError("an account has one position a symbol, and each frame wants its own", where="--live", mend="name one frame")
    if is_own:
        raise UsageError("orders go to the account or to our own books, not to both", where="--live", mend=f"leave out --own-broker on {venue.name}")


def guard_of(
    home: Path, config: Config, plan: Plan, venue: Venue, market: str, hashed: str, before: DayBefore, *, leaves: bool
) -> Callable[[Engine], Guard]:
    """What is asked about every order of new risk in a run; one that is taken up only to leave what it holds takes none."""
    from metastackerbandit.config.hard_limits import hard_limits
    from metastackerbandit.domain.hard_limits import HardLimits
    from metastackerbandit.runtime.new_risk import Guard, NewRisk
    from metastackerbandit.storage.unlocks import Locked, standing_unlock

    limits = HardLimits(config.account.currency, 0, 0, 0, 0, 0, 0) if leaves else hard_limits(home, os.environ)
    least = Decimal(0) if leaves else Decimal(config.account.deposit)

    def unlocked() -> Unlock | Locked:
        """As it stands at the moment: an unlock may expire or be taken back while the run goes on."""
        return Locked("this run is only left") if leaves else standing_unlock(home, venue.name, market, time.time_ns(), hashed)

    return lambda engine: Guard(NewRisk(plan, engine, limits, unlocked, before).objection, config.keys.must_be_bound, least)


def day_before(journal: Journal, run: int, now_ns: int) -> DayBefore:
    """What the installation's live runs did today (the UTC day of `now_ns`, the venue's time), before this process of `run` began."""
    from metastackerbandit.domain.rows import DEPOSIT, MARKET, REJECTED
    from metastackerbandit.domain.timeframe import DAY_NS
    from metastackerbandit.runtime.new_risk import DayBefore

    day_ns, sent, lost, wall_ns = now_ns // DAY_NS * DAY_NS, 0, 0, time.time_ns()
    for row in journal.runs():
        if row.mode != "live" or wall_ns - row.heartbeat_ns > RECENT_NS:
            continue
        view = journal.run(row.run)
        orders, ledger = view.orders(), view.ledger()
        is_risk = (orders["kind"] == MARKET) & (orders["reduce_only"] == 0) & (orders["state"] != REJECTED) & (orders["sent_ns"] >= day_ns)
        sent += int(is_risk.sum())
        if row.run != run:
            today = ledger[(ledger["kind"] != DEPOSIT) & (ledger["at_ns"] >= day_ns)]
            lost += int(today["realised"].sum() + today["fees"].sum() + today["funding"].sum())
    return DayBefore(day_ns, sent, lost)
