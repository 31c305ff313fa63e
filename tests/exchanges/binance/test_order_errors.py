"""Refusals of both markets: every documented code by its meaning, and that nothing that may have been done is ever taken for undone."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.trading import CancelAsked, Meaning, NewOrder, OrderAsked, Question, Verdict
from metastackerbandit.exchanges.binance.order_errors import perp_verdict, spot_verdict
from metastackerbandit.exchanges.transport.ports import Answer
from tests.covering import covers

ORDER, CANCEL, QUERY = NewOrder("msb-1", "buy", "market", 1), CancelAsked("msb-1"), OrderAsked("msb-1")
Judge = Callable[[Question, Answer], Verdict]


def answer(status: int, code: int = 0, words: str = "", **headers: str) -> Answer:
    return Answer(status, json.dumps({"code": code, "msg": words}).encode() if code else words.encode(), headers, 1)


CASES: list[tuple[int, int, str, Meaning]] = [
    (400, -1013, "Filter failure: LOT_SIZE", "rejected"),
    (400, -2010, "Account has insufficient balance for requested action.", "rejected"),
    (400, -2010, "Duplicate order sent.", "duplicate"),
    (400, -4116, "ClientOrderId is duplicated.", "duplicate"),
    (400, -2019, "Margin is insufficient.", "rejected"),
    (400, -2022, "ReduceOnly Order is rejected.", "rejected"),
    (400, -4164, "Order's notional must be no smaller than 5", "rejected"),
    (400, -1111, "Precision is over the maximum defined for this asset.", "rejected"),
    (400, -2011, "Unknown order sent.", "gone"),
    (400, -2013, "Order does not exist.", "gone"),
    (400, -1125, "This listenKey does not exist.", "gone"),
    (400, -1021, "Timestamp for this request is outside of the recvWindow.", "skew"),
    (400, -5028, "Timestamp for this request is outside of the ME recvWindow.", "skew"),
    (400, -1022, "Signature for this request is not valid.", "key_refused"),
    (401, -2014, "API-key format invalid.", "key_refused"),
    (401, -2015, "Invalid API-key, IP, or permissions for action.", "key_refused"),
    (401, 0, "no", "key_refused"),
    (429, -1003, "Too many requests", "too_fast"),
    (429, -1015, "Too many new orders", "too_fast"),
    (403, 0, "<html>", "too_fast"),
    (418, -1003, "IP banned until 1659146400000", "banned"),
    (400, -4046, "No need to change margin type.", "nothing_to_change"),
    (400, -4059, "No need to change position side.", "nothing_to_change"),
    (503, -1008, "Server is currently overloaded", "down"),
    (408, -1007, "Timeout waiting for response from backend server.", "unknown"),
    (503, 0, "Unknown error, please check your request or try again later.", "unknown"),
    (500, 0, "", "unknown"),
    (502, -1, "\xff", "unknown"),
]


@covers("2.123", "2.125")
@pytest.mark.parametrize(("status", "code", "words", "meaning"), CASES)
@pytest.mark.parametrize("judge", [spot_verdict, perp_verdict])
def test_a_refusal_means_what_the_pages_say(judge: Judge, status: int, code: int, words: str, meaning: Meaning) -> None:
    told = judge(ORDER, answer(status, code, words))
    assert told.meaning == meaning and told.code == code
    assert (told.wait_s > 0) == (meaning in ("too_fast", "banned"))


def test_the_venue_s_own_wait_is_obeyed_and_the_shortest_ban_where_it_does_not_say() -> None:
    assert perp_verdict(ORDER, answer(429, -1003, "", **{"retry-after": "7"})).wait_s == 7.0
    assert perp_verdict(ORDER, answer(418, -1003, "")).wait_s == 120.0


def test_futures_say_service_unavailable_for_failed_and_spot_does_not() -> None:
    down = answer(503, 0, "Service Unavailable.")
    assert perp_verdict(ORDER, down).meaning == "down"
    assert spot_verdict(ORDER, down).meaning == "unknown"


@given(st.integers(300, 599), st.integers(-9_999, 0), st.text(max_size=30), st.sampled_from([spot_verdict, perp_verdict]))
def test_no_server_error_is_taken_for_undone_but_by_its_own_word(status: int, code: int, words: str, judge: Judge) -> None:
    told = judge(ORDER, answer(status, code, words))
    if status >= 500 and told.meaning == "rejected":
        raise AssertionError("a server error is no refusal")
    asked = judge(QUERY, answer(status, code, words))
    assert asked.meaning == ("down" if told.meaning == "unknown" else told.meaning)  # a question changes nothing
    assert judge(CANCEL, answer(status, code, words)) == told


@given(st.binary(max_size=40))
def test_any_body_has_a_meaning(body: bytes) -> None:
    assert spot_verdict(ORDER, Answer(500, body, {}, 1)).meaning in (
        "unknown",
        "down",
        "skew",
        "too_fast",
        "gone",
        "duplicate",
        "key_refused",
        "nothing_to_change",
    )
    assert spot_verdict(ORDER, Answer(200, body, {}, 1)).is_done
