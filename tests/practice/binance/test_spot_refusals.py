"""Every word of the exchange has the venue's code and text."""

from __future__ import annotations

from typing import get_args

from metastackerbandit.practice.binance.spot_refusals import WORDED, worded
from metastackerbandit.simulation.exchange_words import Refusal, Refused


def test_every_refusal_is_worded() -> None:
    assert set(WORDED) == set(get_args(Refused))
    for why, (http, code, msg) in WORDED.items():
        told = worded(Refusal(why))
        assert (told.http, told.body) == (http, {"code": code, "msg": msg})
        assert http in (400, 503) and code < 0 and msg
