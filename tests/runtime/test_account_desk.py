"""Questions of an account in virtual time: an unanswered change is unknown and an unanswered question is not."""

from __future__ import annotations

import msgspec
import pytest

from metastackerbandit.domain.errors import RequestFailed
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.trading import CancelAsked, NewOrder, OrderAsked, Question
from metastackerbandit.exchanges.orders import Asking
from metastackerbandit.exchanges.streams import RestRequest
from tests.covering import covers
from tests.runtime.order_scene import Scene
from tests.runtime.virtual_time import VirtualClock


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
