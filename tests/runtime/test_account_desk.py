"""Questions of an account in virtual time: an unanswered change is unknown and an unanswered question is not, keys must be harmless."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import msgspec
import pytest

from metastackerbandit.domain.errors import ConfigRefused, MsbError, RequestFailed
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.trading import CancelAsked, NewOrder, OneWayAsked, OrderAsked, Question
from metastackerbandit.exchanges.orders import Asking
from metastackerbandit.exchanges.streams import RestRequest
from metastackerbandit.runtime.account_desk import require_sound
from tests.covering import covers
from tests.runtime.order_scene import Scene
from tests.runtime.virtual_time import VirtualClock

RIGHTS = {"enableWithdrawals": False, "enableReading": True, "enableSpotAndMarginTrading": True, "enableFutures": True}


@covers("2.125")
@pytest.mark.parametrize(
    ("question", "meaning"), [(NewOrder("a", "buy", "market", 1), "unknown"), (CancelAsked("a"), "unknown"), (OrderAsked("a"), "down")]
)
def test_no_answer_leaves_a_change_unknown(question: Question, meaning: str) -> None:
    scene = Scene("perp")

    async def script() -> None:
        scene.venue.fault = lambda method, path, n: "lost after"
        reply = await scene.account.ask(question, scene.one)
        assert reply.verdict.meaning == meaning and "within 3 s" in reply.verdict.words
        with pytest.raises(RequestFailed, match="within 3 s"):
            await scene.account.told(question, scene.one)

    scene.play(script)


def test_a_question_is_signed_once_unless_it_had_to_wait() -> None:
    scene = Scene("perp")

    async def script() -> None:
        signed: list[Question] = []
        venue = scene.account.venue

        def request(question: Question, one: Instrument, asking: Asking) -> RestRequest:
            signed.append(question)
            return venue.request(question, one, asking)

        scene.account.venue = msgspec.structs.replace(venue, request=request)
        asked = OrderAsked("a")
        await scene.account.ask(asked, scene.one)
        assert signed == [asked]
        scene.account._rest.budget.be_silent(2.0, VirtualClock().now_ns())
        await scene.account.ask(asked, scene.one)
        assert signed == [asked] * 3, "its time is of when it left"

    scene.play(script)


def test_what_is_kept_back_is_not_sent() -> None:
    scene = Scene("perp")

    async def script() -> None:
        reply = await scene.account.ask(CancelAsked("a"), scene.one, lambda venue_ns: False)
        assert not reply.verdict.is_done and scene.venue.asked == []

    scene.play(script)


def test_silence_that_a_refusal_asks_for_is_kept() -> None:
    scene = Scene("perp")

    async def script() -> None:
        scene.venue.fault = lambda method, path, n: "429" if n == 0 else ""
        first = await scene.account.ask(OrderAsked("a"), scene.one)
        assert (first.verdict.meaning, first.verdict.wait_s) == ("too_fast", 3.0)
        await scene.account.ask(OrderAsked("a"), scene.one)
        assert scene.venue.asked[1][0] >= 3.0

    scene.play(script)


@covers("2.123")
@pytest.mark.parametrize(
    ("market", "changes", "words"),
    [
        ("spot", {}, ""),
        ("spot", {"enableFutures": False}, ""),
        ("spot", {"enableWithdrawals": True}, "can withdraw"),
        ("spot", {"enableSpotAndMarginTrading": False}, "cannot trade spot"),
        ("perp", {"enableFutures": False}, "cannot trade perp"),
    ],
)
def test_a_key_that_can_withdraw_or_cannot_trade_is_refused(market: str, changes: dict[str, Any], words: str) -> None:
    scene = Scene(market)
    scene.venue.rights = RIGHTS | changes

    async def script() -> None:
        if not words:
            await require_sound(scene.account, scene.one)
            return
        with pytest.raises(ConfigRefused, match=words):
            await require_sound(scene.account, scene.one)

    scene.play(script)


@pytest.mark.parametrize(("status", "code", "is_sound"), [(200, 200, True), (400, -4059, True), (400, -4068, False)])
def test_futures_hold_one_position_an_instrument(status: int, code: int, is_sound: bool) -> None:
    scene = Scene("perp")
    scene.venue.rights = RIGHTS
    real = scene.venue._do
    scene.venue._do = lambda method, path, query: (status, {"code": code, "msg": "mode"}) if path.endswith("/dual") else real(method, path, query)  # type: ignore[method-assign]

    async def script() -> None:
        if is_sound:
            await require_sound(scene.account, scene.one)
            return
        with pytest.raises(RequestFailed, match="-4068"):
            await require_sound(scene.account, scene.one)

    scene.play(script)


def _always(fault: str, method: str, path: str, n: int) -> str:
    return fault


def test_a_wrong_key_is_the_operator_s_business_and_silence_is_not() -> None:
    scene = Scene("perp")
    raised: list[MsbError] = []

    async def script() -> None:
        for fault in ("", "down"):
            scene.venue._do = lambda method, path, query: (401, {"code": -2015, "msg": "Invalid API-key"})  # type: ignore[method-assign]
            scene.venue.fault = partial(_always, fault)
            with pytest.raises(MsbError) as error:
                await require_sound(scene.account, scene.one)
            raised.append(error.value)
        assert (await scene.account.ask(OneWayAsked(), scene.one)).verdict.meaning == "down"
        await asyncio.sleep(0)

    scene.play(script)
    assert [type(one) for one in raised] == [ConfigRefused, RequestFailed]
