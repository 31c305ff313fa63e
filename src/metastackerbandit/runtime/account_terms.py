"""What must be so at an account before anything is sent: a harmless key, one position an instrument, leverage and margin mode as set."""

from __future__ import annotations

from collections.abc import Iterable

from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.trading import KeyRights, LeverageAsked, MarginAsked, OneWayAsked, PositionTerms, RightsAsked, TermsAsked
from metastackerbandit.runtime.account_desk import AccountDesk, refused
from metastackerbandit.runtime.settings import OrderSettings


async def require_sound(account: AccountDesk, one: Instrument, *, needs_bound: bool = False) -> None:
    """Refuse a key that can withdraw, cannot read or trade here, or (`needs_bound`) works from any address; then hold one position an instrument.

    Reduce-only orders need the latter.

    Raises:
        ConfigRefused: the key's own page allows what it should not, or does not allow what is needed; the venue refuses the key.
        RequestFailed, AnswerRefused: the venue did not say.
    """
    refuse_rights(await rights_of(account, one), one, needs_bound=needs_bound)
    if account.venue.read_position is not None:
        one_way = await account.ask(OneWayAsked(), one)
        if not one_way.verdict.is_done:
            raise refused(one_way.verdict, "position mode")


def refuse_rights(rights: KeyRights, one: Instrument, *, needs_bound: bool) -> None:
    """Refuse rights that are too wide or too narrow. Raises ConfigRefused."""
    if rights.can_withdraw:
        raise ConfigRefused("the key can withdraw", where=one.id, mend="take that right from it at the venue: a program that trades needs none")
    if not rights.can_read:
        raise ConfigRefused("the key cannot read the account", where=one.id, mend="give it that right at the venue, or another key")
    if not (rights.can_trade_spot if one.market == "spot" else rights.can_trade_futures):
        raise ConfigRefused(f"the key cannot trade {one.market}", where=one.id, mend="give it that right at the venue, or another key")
    if needs_bound and not rights.is_bound_to_addresses:
        mend = "bind it to this machine's address at the venue, or set keys.must_be_bound = false and know why"
        raise ConfigRefused("the key works from any address", where=one.id, mend=mend)


async def rights_of(account: AccountDesk, one: Instrument) -> KeyRights:
    """What the account's key may do. Raises ConfigRefused where the venue refuses the key itself, RequestFailed and AnswerRefused."""
    reply = await account.ask(RightsAsked(), one)
    if reply.verdict.meaning == "key_refused":
        raise ConfigRefused(
            f"the venue refuses the key: {reply.verdict.words}", where=one.id, mend="check key, secret, and the addresses it is bound to"
        )
    if not reply.verdict.is_done:
        raise refused(reply.verdict, "the key's rights")
    return account.venue.read_rights(reply.body)


async def set_terms(account: AccountDesk, instruments: Iterable[Instrument], settings: OrderSettings) -> tuple[str, ...]:
    """Leverage and margin mode of every instrument as the settings say; what was changed, in words. Nothing is asked for that is so already.

    Raises:
        ConfigRefused: the venue refuses them, mostly since a position or an order is open, or tells others when it is asked again.
        RequestFailed, AnswerRefused: the venue did not answer.
    """
    changed: list[str] = []
    for one in instruments:
        read = account.venue.read_terms
        if read is None:
            continue
        wanted = PositionTerms(settings.leverage, settings.margin)
        was = read(await account.told(TermsAsked(), one), one)
        if was == wanted:
            continue
        for question, differs in (
            (MarginAsked(wanted.mode), was.mode != wanted.mode),
            (LeverageAsked(wanted.leverage), was.leverage != wanted.leverage),
        ):
            reply = await account.ask(question, one) if differs else None
            if reply is not None and reply.verdict.meaning == "rejected":
                words = f"{_words(was)} cannot become {_words(wanted)}: code {reply.verdict.code}, {reply.verdict.words}"
                raise ConfigRefused(words, where=one.id, mend="leave what is open there, or set orders.leverage and orders.margin to what it has")
            if reply is not None and not reply.verdict.is_done:
                raise refused(reply.verdict, "leverage and margin mode")
        now = read(await account.told(TermsAsked(), one), one)
        if now != wanted:
            raise ConfigRefused(f"it was set to {_words(wanted)} and is at {_words(now)}", where=one.id, mend="look at the account at the venue")
        changed.append(f"{one.symbol}: {_words(wanted)}, before {_words(was)}")
    return tuple(changed)


def _words(terms: PositionTerms) -> str:
    return f"{terms.leverage} times, {terms.mode}"
