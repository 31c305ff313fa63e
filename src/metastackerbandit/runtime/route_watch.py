"""What time brings to a route: which connection is behind, how each is graded, and which is replaced before the venue ends it.

A replacement stands beside the old connection until it is seen to join: what it tells begins within what is known. Then it takes the old one's place.
"""

from __future__ import annotations

from metastackerbandit.domain.errors import ConnectFailed
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.runtime.feed_events import FeedEvent
from metastackerbandit.runtime.health import facts_of, newest_stamp_ns
from metastackerbandit.runtime.health_grade import judged
from metastackerbandit.runtime.live_line import Line
from metastackerbandit.runtime.live_route import Route

_TRIES = 8  # in the time before a connection's end, where a replacement did not join


class RouteWatch:
    """Looks at the connections of a route."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._begun_ns = self._judged_ns = route.clock.now_ns()

    async def run(self) -> None:
        """Have the route run, and look at it, until cancelled."""
        await self._route.run(self.look)

    def look(self, now_ns: int) -> None:
        """One look."""
        route = self._route
        standing = [line for line in route.lines if line.is_up]
        for line in standing:
            newest_ns = max((other.socket.heard_ns for other in standing if other is not line and self._speaks(other)), default=0)
            if line.compare(newest_ns, now_ns):
                line.is_behind = line.is_behind or self._is_behind(line, standing)
                if not line.is_behind:
                    line.keeps_up()
        if now_ns - self._judged_ns >= route.limits.every_s * SECOND_NS:
            self._judged_ns = now_ns
            for line in route.lines:
                if line.relieves is None:
                    self._judge(line, now_ns)
        route.decide(now_ns)
        for line in standing:
            if line.is_behind and line.is_up:
                line.socket.leave(ConnectFailed("it tells nothing while another connection does", where=line.plan.name, mend="it is made anew"))
        self._rotate(now_ns)

    def _is_behind(self, line: Line, standing: list[Line]) -> bool:
        """Whether another connection has told what the venue said later: one that is late speaks later, and tells nothing new."""
        mine_ns = self._stamp_ns(line)
        return any(self._stamp_ns(other) > mine_ns for other in standing if other is not line)

    def _stamp_ns(self, line: Line) -> int:
        """The venue's time of the newest message of a connection; of that which is taken from every message was read."""
        route = self._route
        return newest_stamp_ns(route.health, line.place) if line is route.active else line.newest_stamp_ns(route.desk)

    def _speaks(self, line: Line) -> bool:
        """Whether it has told anything since it stands."""
        return line.has_spoken or line is self._route.active

    def _judge(self, line: Line, now_ns: int) -> None:
        route, before = self._route, line.grading.grade
        facts = facts_of(route.health, line.place, now_ns)
        line.latency_ms = facts.latency_ms
        stood_s, watched_s = (now_ns - line.opened_ns) / SECOND_NS, (now_ns - self._begun_ns) / SECOND_NS
        if line.grading.hear(judged(facts, stood_s, watched_s, route.limits), now_ns, route.limits):
            self._tell(now_ns, "graded", line, f"{before} -> {line.grading.grade}: {line.grading.why}")

    def _rotate(self, now_ns: int) -> None:
        """Replace connections before the venue ends them, one at a time."""
        route = self._route
        relief = next((line for line in route.lines if line.relieves is not None), None)
        if relief is not None:
            assert relief.relieves is not None, "it was found by that"
            self._relieve(relief.relieves, relief, now_ns)
            return
        old = next((line for line in route.lines if line.is_up and now_ns >= line.rotates_ns), None)
        if old is not None:
            self._tell(now_ns, "rotating", old, f"it has stood for {(now_ns - old.opened_ns) / SECOND_NS:.0f} s")
            relief = route.line(old.rank, old)
            route.lines.append(relief)
            route.start(relief)

    def _relieve(self, old: Line, relief: Line, now_ns: int) -> None:
        """Let a replacement take over once it has joined; where it does not join, another one is tried later."""
        route, lasted_s = self._route, (now_ns - relief.opened_ns) / SECOND_NS
        is_covered = old is not route.active or relief.covers(old.socket.alive_ns)
        if relief is route.active or (is_covered and relief.has_joined(route.desk, route.books, now_ns)):
            if old is route.active:
                route.switch(relief, "rotated", f"after {lasted_s:.1f} s side by side", now_ns, is_free=True)
            else:
                self._tell(now_ns, "rotated", old, f"after {lasted_s:.1f} s beside the one that is taken from")
            route.rotations += 1
            relief.relieves = None
            route.retire(old)
        elif now_ns - relief.begun_ns >= route.settings.join_s * SECOND_NS:
            self._tell(now_ns, "rotation_failed", old, f"the new connection did not join within {route.settings.join_s:g} s; the old one goes on")
            old.rotates_ns = now_ns + round(route.settings.rotate_before_s / _TRIES * SECOND_NS)
            route.retire(relief)

    def _tell(self, now_ns: int, what: str, line: Line, words: str) -> None:
        self._route.tell(FeedEvent(now_ns, what, line.plan.name, "", words))
