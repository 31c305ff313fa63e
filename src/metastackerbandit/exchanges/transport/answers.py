"""What a REST answer's status means, by one rule for every venue."""

from __future__ import annotations

from collections.abc import Mapping

from metastackerbandit.domain.errors import RateLimited, RequestRefused, VenueDown
from metastackerbandit.exchanges.transport.ports import Answer

UNTOLD_WAIT_S = {429: 60.0, 418: 120.0}  # where the venue does not say how long: its window; the shortest ban
LONGEST_WAIT_S = 3 * 86_400.0  # Binance's longest ban
_SHOWN = 160  # bytes of a refusal's body that an error tells


def require_answer(answer: Answer, url: str) -> bytes:
    """The body of an answer of status 200.

    Raises:
        RateLimited: 429 or 418.
        VenueDown: 5xx.
        RequestRefused: any other status.
    """
    if answer.status == 200:
        return answer.body
    if answer.status in UNTOLD_WAIT_S:
        raise limited(answer.status, answer.headers, answer.body, url)
    what = f"status {answer.status}: {_shown(answer.body)}"
    if answer.status >= 500:
        raise VenueDown(what, where=url, mend="it is asked again, later each time")
    raise RequestRefused(what, where=url, mend="check the symbol, the market and the address")


def limited(status: int, headers: Mapping[str, str], body: bytes, url: str) -> RateLimited:
    """The error of 429 and 418, with the seconds to wait: as the venue says, else so long that it must be over."""
    told = headers.get("retry-after", "").strip()
    wait_s = min(float(told), LONGEST_WAIT_S) if told.isdecimal() else UNTOLD_WAIT_S[status]
    banned = "banned" if status == 418 else "too many requests"
    return RateLimited(f"status {status}, {banned}: {_shown(body)}", wait_s=wait_s, where=url, mend=f"nothing is asked for {wait_s:g} s")


def used_weight(answer: Answer) -> int | None:
    """How much of the minute's weight the venue says is used, where it does."""
    told = answer.headers.get("x-mbx-used-weight-1m", "")
    return int(told) if told.isdecimal() and len(told) < 10 else None


def _shown(body: bytes) -> str:
    return body[:_SHOWN].decode(errors="replace") or "no words"
