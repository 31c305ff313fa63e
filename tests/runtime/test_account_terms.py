"""What an account must be before anything is sent: its key harmless, one position an instrument, leverage and margin mode as they were set."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from metastackerbandit.domain.errors import ConfigRefused, MsbError, RequestFailed
from metastackerbandit.domain.trading import OneWayAsked
from metastackerbandit.runtime.account_terms import require_sound, set_terms
from tests.covering import covers
from tests.runtime.order_scene import Scene

RIGHTS = {"enableWithdrawals": False, "enableReading": True, "enableSpotAndMarginTrading": True, "enableFutures": True, "ipRestrict": True}


@covers("2.123")
@pytest.mark.parametrize(
    ("market", "changes", "words"),
    [
        ("spot", {}, ""),
        ("spot", {"enableFutures": False}, ""),
        ("spot", {"enableWithdrawals": True}, "can withdraw"),
        ("spot", {"enableSpotAndMarginTrading": False}, "cannot trade spot"),
        ("perp", {"enableFutures": False}, "cannot trade perp"),
        ("perp", {"enableReading": False}, "cannot read"),
        ("perp", {"ipRestrict": False}, "from any address"),
    ],
)
def test_a_key_that_can_withdraw_or_cannot_trade_is_refused(market: str, changes: dict[str, Any], words: str) -> None:
    scene = Scene(market)
    scene.venue.rights = RIGHTS | changes

    async def script() -> None:
        if not words:
            await require_sound(scene.account, scene.one, needs_bound=True)
            return
        with pytest.raises(ConfigRefused, match=words):
            await require_sound(scene.account, scene.one, needs_bound=True)

    scene.play(script)


def test_a_key_that_works_from_any_address_is_taken_where_nothing_real_is_at_stake() -> None:
    scene = Scene("spot")
    scene.venue.rights = RIGHTS | {"ipRestrict": False}

    async def script() -> None:
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


@pytest.mark.parametrize(
    ("was", "asked"),
    [
        ({}, []),
        ({"leverage": 20}, ["leverage"]),
        ({"marginType": "ISOLATED"}, ["marginType"]),
        ({"leverage": 3, "marginType": "ISOLATED"}, ["marginType", "leverage"]),
    ],
)
def test_only_what_differs_is_set_and_it_is_read_back(was: dict[str, Any], asked: list[str]) -> None:
    scene = Scene("perp")
    scene.venue.terms = scene.venue.terms | was

    async def script() -> None:
        changed = await set_terms(scene.account, [scene.one], scene.settings)
        assert [path.rpartition("/")[2] for _, method, path in scene.venue.asked if method == "POST"] == asked
        assert bool(changed) == bool(asked) and (scene.venue.terms["leverage"], scene.venue.terms["marginType"]) == (1, "CROSSED")

    scene.play(script)


def test_a_position_that_stands_against_another_margin_mode_is_told() -> None:
    scene = Scene("perp", margin="isolated", leverage=4)
    scene.venue.lots = 5

    async def script() -> None:
        with pytest.raises(ConfigRefused, match="1 times, cross cannot become 4 times, isolated: code -4048") as error:
            await set_terms(scene.account, [scene.one], scene.settings)
        assert "leave what is open" in error.value.mend and scene.venue.terms["leverage"] == 1

    scene.play(script)


def test_a_venue_that_says_yes_and_does_otherwise_is_not_believed() -> None:
    scene = Scene("perp", leverage=2)
    real = scene.venue._do
    scene.venue._do = lambda method, path, query: (200, {"leverage": 2}) if path.endswith("/leverage") else real(method, path, query)  # type: ignore[method-assign]

    async def script() -> None:
        with pytest.raises(ConfigRefused, match="set to 2 times, cross and is at 1 times"):
            await set_terms(scene.account, [scene.one], scene.settings)

    scene.play(script)


def test_terms_that_could_not_be_asked_for_are_nobody_s_refusal() -> None:
    scene = Scene("perp", leverage=2)

    async def script() -> None:
        scene.venue.fault = lambda method, path, n: "down" if path.endswith("/leverage") else ""
        with pytest.raises(RequestFailed, match="leverage and margin mode"):
            await set_terms(scene.account, [scene.one], scene.settings)

    scene.play(script)


def test_spot_has_neither() -> None:
    scene = Scene("spot", leverage=5)

    async def script() -> None:
        assert await set_terms(scene.account, [scene.one], scene.settings) == () and scene.venue.asked == []

    scene.play(script)
