"""What Binance's refusals mean, spot and USD-M: which were not carried out, which may have been, which are as good as done.

Source: spot errors (2026-07), USD-M Error Codes and General Info (2026-05). A 5xx of spot never says that nothing was done; on USD-M three texts of
503 mean three things.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from metastackerbandit.domain.trading import AmendAsked, CancelAsked, Meaning, NewOrder, Question, Verdict
from metastackerbandit.exchanges.transport.answers import UNTOLD_WAIT_S, limited
from metastackerbandit.exchanges.transport.ports import Answer

_MEANINGS: dict[int, Meaning] = {
    -1000: "unknown",
    -1001: "unknown",
    -1003: "too_fast",
    -1006: "unknown",
    -1007: "unknown",
    -1008: "down",
    -1015: "too_fast",
    -1021: "skew",
    -5028: "skew",  # the matching engine's own look at the clock
    -1022: "key_refused",
    -2014: "key_refused",
    -2015: "key_refused",
    -1125: "gone",  # a stream's key
    -2011: "gone",
    -2013: "gone",
    -2026: "gone",  # so long ago that it was archived
    -4116: "duplicate",
    -4046: "nothing_to_change",
    -4059: "nothing_to_change",
    -5027: "nothing_to_change",
}
_DUPLICATE = "Duplicate order sent"  # of code -2010, which has many texts
_DOWN = "Service Unavailable"  # of USD-M's 503: failed
_SHOWN = 200  # letters of a text that a verdict keeps


class _Refused(Struct):
    code: int = 0
    msg: str = ""


def spot_verdict(question: Question, answer: Answer) -> Verdict:
    """What an answer of Binance spot means."""
    return _verdict(question, answer, is_perp=False)


def perp_verdict(question: Question, answer: Answer) -> Verdict:
    """What an answer of Binance USD-M means."""
    return _verdict(question, answer, is_perp=True)


def _verdict(question: Question, answer: Answer, *, is_perp: bool) -> Verdict:
    """The meaning of an answer; what may have been done counts only where something was to be done."""
    if 200 <= answer.status < 300:
        return Verdict("done")
    code, words = _told(answer)
    meaning = _meaning(answer.status, code, words, is_perp=is_perp)
    if meaning == "unknown" and not isinstance(question, NewOrder | CancelAsked | AmendAsked):
        meaning = "down"
    wait_s = 0.0
    if meaning in ("too_fast", "banned"):
        wait_s = limited(answer.status if answer.status in UNTOLD_WAIT_S else 429, answer.headers, answer.body, "").wait_s
    return Verdict(meaning, code, words, wait_s)


def _meaning(status: int, code: int, words: str, *, is_perp: bool) -> Meaning:
    """What a status, a code and its text mean together."""
    if status == 418:
        return "banned"
    if status in (429, 403):  # 403: the venue's firewall
        return "too_fast"
    if code == -2010 and _DUPLICATE in words:
        return "duplicate"
    if code in _MEANINGS:
        return _MEANINGS[code]
    if status >= 500 or status == 408:
        return "down" if is_perp and _DOWN in words else "unknown"
    return "key_refused" if status == 401 else "rejected"


def _told(answer: Answer) -> tuple[int, str]:
    """The code and text of a refusal; a body that is none is its own text."""
    try:
        told = msgspec.json.decode(answer.body, type=_Refused)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return 0, answer.body[:_SHOWN].decode(errors="replace")
    return told.code, (told.msg or f"status {answer.status}")[:_SHOWN]
