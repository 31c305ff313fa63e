"""How much may be asked of a venue: a budget of weight a window, which the venue's own count and its refusals correct. Pure."""

from __future__ import annotations

from collections import deque

from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.exchanges.streams import VenueLimits


class WeightBudget:
    """At most so much weight in any window, whichever way the venue's windows lie on the clock."""

    def __init__(self, limits: VenueLimits, share: float) -> None:
        self.most = max(int(limits.weight * share), 1)
        self._share = share
        self._window_ns = round(limits.window_s * SECOND_NS)
        self._spent: deque[tuple[int, int]] = deque()  # (when, weight), oldest first
        self._sum = 0
        self._silent_until_ns = 0

    def used(self, now_ns: int) -> int:
        """The weight spent within the window that ends now."""
        while self._spent and self._spent[0][0] <= now_ns - self._window_ns:
            self._sum -= self._spent.popleft()[1]
        return self._sum

    def wait_s(self, weight: int, now_ns: int) -> float:
        """Seconds until so much may be spent; 0 for now. What weighs more than the whole budget may go once nothing else is spent."""
        free_ns = self._silent_until_ns
        over = self.used(now_ns) + weight - self.most
        for at_ns, spent in self._spent:
            if over <= 0:
                break
            over -= spent
            free_ns = max(free_ns, at_ns + self._window_ns)
        return max(free_ns - now_ns, 0) / SECOND_NS

    def spend(self, weight: int, now_ns: int) -> None:
        """Something of that weight is asked now."""
        self._spent.append((now_ns, weight))
        self._sum += weight

    def told(self, used: int, now_ns: int) -> None:
        """The venue says that so much is used, by whomever: our part of the allowance counts as used to the same share as the whole."""
        foreign = round(used * self._share) - self.used(now_ns)
        if foreign > 0:
            self.spend(foreign, now_ns)

    def be_silent(self, seconds: float, now_ns: int) -> None:
        """Ask nothing for so long: the venue has said so."""
        self._silent_until_ns = max(self._silent_until_ns, now_ns + round(seconds * SECOND_NS))
