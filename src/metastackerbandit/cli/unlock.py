"""`msb unlock` and `msb lock`: an operator allows real money in one market, for so long and so much, in words typed by hand, or takes it back."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import HomeFlag, JsonFlag, answering, tell
from metastackerbandit.cli.wanted import Wanted, on_market

if TYPE_CHECKING:
    from metastackerbandit.storage.unlocks import Locked, Unlock

LONGEST_DAYS = 30  # as for waivers: what should hold longer is decided on again
VenueFlag = Annotated[str, typer.Option("--venue", help="loopback or binance.")]


@on_market("data", "instruments", "funding", "mood", "since", "until")
def unlock(
    wanted: Wanted,
    venue: Annotated[str | None, typer.Option("--venue", help="Where: loopback or binance.", show_default=False)] = None,
    max_notional: Annotated[
        str | None,
        typer.Option(
            "--max-notional", metavar="AMOUNT", help="What all positions together may be worth, in the account's currency.", show_default=False
        ),
    ] = None,
    span: Annotated[str, typer.Option("--for", metavar="7d", help=f"How long it holds, {LONGEST_DAYS}d at most.")] = "7d",
    why: Annotated[str, typer.Option("--why", help="Kept in the audit log.")] = "",
    sentence: Annotated[
        str | None, typer.Option("--yes-i-mean", metavar="SENTENCE", help="The sentence that is asked for, for scripts.", show_default=False)
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Allow `msb run --live` to trade real money with this configuration; without --venue, show what is unlocked."""
    with answering(json):
        from metastackerbandit.config.home import home_folder
        from metastackerbandit.storage.unlocks import unlocks

        home = home_folder(wanted.home, os.environ)
        if venue is None and max_notional is None:
            found = unlocks(home, time.time_ns())
            tell({"unlocks": [_payload(one) for one in found]}, "\n".join(unlock_line(one) for one in found) or "nothing is unlocked", json)
            return
        kept = _unlocked(home, wanted, venue or "", max_notional or "", span, why, sentence)
        tell(_payload(kept), f"{unlock_line(kept)} (entry {kept.entry} of the audit log)\n`msb lock` takes it back", json)


def lock(
    venue: VenueFlag,
    market: Annotated[str, typer.Option("--market", metavar="spot|perp", help="Which market of it.")] = "perp",
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """Take an unlock back: a run that is on sends no new risk any more; exits and stops go on."""
    with answering(json):
        from metastackerbandit.cli.venues import market_named, venue_named
        from metastackerbandit.cli.who import who
        from metastackerbandit.config.home import home_folder
        from metastackerbandit.storage.unlocks import take_back

        named, kind = venue_named(venue), market_named(market)
        entry = take_back(home_folder(home, os.environ), named.name, kind, time.time_ns(), who())
        payload = {"venue": named.name, "market": kind, "entry": entry.number}
        tell(payload, f"{named.name} {kind} is locked: no new risk with real money (entry {entry.number} of the audit log)", json)


def unlock_line(one: Unlock | Locked) -> str:
    """What is unlocked, or why it is not, in a line."""
    from metastackerbandit.storage.unlocks import Locked

    if isinstance(one, Locked):
        return f"locked: {one.why}"
    terms = one.terms
    where = f"{terms.venue} {terms.market} ({', '.join(terms.symbols)})"
    return f"UNLOCKED: real money on {where} up to {terms.max_notional} {terms.currency} until {_when(terms.until_ns)}, by {terms.who}: {terms.why}"


def sentence_of(venue: str, market: str, amount: str, currency: str) -> str:
    """What an operator must type."""
    return f"trade real money on {venue} {market} up to {amount} {currency}"


def _unlocked(home: Path, wanted: Wanted, venue: str, max_notional: str, span: str, why: str, sentence: str | None) -> Unlock:
    """Everything that must stand for a run, the sentence, and then the unlock."""
    from metastackerbandit.cli.market_data import loaded_of
    from metastackerbandit.cli.real_money import limits_for, refuse_unsettled, refuse_words
    from metastackerbandit.cli.record import seconds_of
    from metastackerbandit.cli.venues import market_named, venue_named
    from metastackerbandit.cli.who import who
    from metastackerbandit.config.writing import config_hash
    from metastackerbandit.domain.errors import UsageError
    from metastackerbandit.storage.unlocks import Terms, keep_unlock

    named, market, seconds = venue_named(venue), market_named(wanted.market or "perp"), seconds_of(span, "--for")
    if not max_notional:
        raise UsageError("it is not said up to how much", where="--max-notional", mend="an amount in the account's currency, such as 500")
    if not why.strip() or not why.isprintable():
        raise UsageError(f"{why!r} gives no reason", where="--why", mend='say in a line why, such as --why "a first week with little"')
    if seconds > LONGEST_DAYS * 86_400:
        raise UsageError(f"{span} is longer than an unlock may hold", where="--for", mend=f"{LONGEST_DAYS}d at most; unlock again after that")
    loaded = loaded_of(wanted)
    config = loaded.config
    if not config.run.symbols:
        raise UsageError("no symbols are named", where="--symbols", mend="real money is unlocked for symbols by name: --symbols BTCUSDT")
    refuse_words(named, market, config.run.frames, is_own=False)
    refuse_unsettled(home, loaded)
    limits = limits_for(home, config, config.run.symbols, max_notional)
    wished = sentence_of(named.name, market, max_notional, limits.currency)
    if _typed(wished, sentence) != wished:
        raise UsageError("that is not the sentence; nothing was unlocked", where="msb unlock", mend=f"type exactly: {wished}")
    now_ns = time.time_ns()
    span_ns = round(seconds * 1e9)
    terms = Terms(
        named.name, market, config.run.symbols, max_notional, limits.currency, now_ns, now_ns + span_ns, who(), why.strip(), config_hash(config)
    )
    return keep_unlock(home, terms)


def _typed(wished: str, given: str | None) -> str:
    """What the operator says: by a flag, else by hand on a terminal."""
    from metastackerbandit.domain.errors import UsageError

    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to type the sentence", where="msb unlock", mend=f'--yes-i-mean "{wished}"')
    typer.echo(f"type this sentence to allow it:\n  {wished}", err=True)
    return str(typer.prompt(">", prompt_suffix=" ", err=True)).strip()


def _payload(one: Unlock | Locked) -> dict[str, Any]:
    from msgspec import structs

    from metastackerbandit.storage.unlocks import Locked

    if isinstance(one, Locked):
        return {"is_unlocked": False, "why_not": one.why}
    return {"is_unlocked": True, **structs.asdict(one.terms), "entry": one.entry}


def _when(ns: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
