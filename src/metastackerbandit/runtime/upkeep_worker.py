"""The worker that keeps caches of bars whole: it looks what they lack, asks the venue for candles, lays them in, and says what it found."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct, structs

from metastackerbandit.domain.errors import DataRefused, VenueError
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.exchanges.catalog import streams_of
from metastackerbandit.exchanges.settings import EndpointSettings
from metastackerbandit.market.backfill import Laid, lay_in
from metastackerbandit.market.bar_ring import LENGTH, Bars, closed_bars, refill
from metastackerbandit.market.bars import BAR_FRAMES
from metastackerbandit.market.settings import UpkeepSettings
from metastackerbandit.market.upkeep import KlineRequest, plan_upkeep
from metastackerbandit.runtime.ports import LiveClock
from metastackerbandit.runtime.rest_desk import RestDesk
from metastackerbandit.runtime.settings import UpkeepWorkerSettings

MOST_SILENT = 3_000  # openings remembered at which a venue has no candle, of a symbol and frame: two caches full


class Upkept(Struct, frozen=True):
    """What one round came to for one symbol and frame.

    `gaps` are bars that were absent, `partial` not heard from their beginning, `differing` said something else than the venue; `filled` were added or
    completed, `replaced` took the venue's word. `silent` are those of which the venue has none, `requests` what was asked. `failed` says what went
    wrong ("" nothing): it is tried again in the next round.
    """

    at_ns: int
    symbol: str
    frame: str
    gaps: int = 0
    partial: int = 0
    differing: int = 0
    filled: int = 0
    replaced: int = 0
    silent: int = 0
    requests: int = 0
    failed: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether nothing was amiss."""
        return not (self.gaps or self.partial or self.differing or self.failed)


class UpkeepWorker:
    """Keeps the rings of `bars` whole, whose instruments and frames stand in this order; `tell` gets each round's words of each."""

    def __init__(
        self,
        bars: Bars,
        instruments: Sequence[Instrument],
        rest: RestDesk,
        *,
        clock: LiveClock,
        settings: UpkeepWorkerSettings,
        upkeep: UpkeepSettings,
        endpoints: EndpointSettings,
        tell: Callable[[Upkept], None],
        listed_ns: int = 0,
    ) -> None:
        self._bars, self._instruments, self._rest, self._clock = bars, tuple(instruments), rest, clock
        self._settings, self._endpoints, self._tell, self._listed_ns = settings, endpoints, tell, listed_ns
        names = {length: name for name, length in BAR_FRAMES.items()}
        self._frames = [names[int(length)] for length in bars.frames]
        self._streams = streams_of(instruments[0].venue, instruments[0].market)
        self._upkeep = structs.replace(upkeep, most_bars=min(upkeep.most_bars, self._streams.most_klines), bars=min(upkeep.bars, LENGTH))
        self._silent: dict[tuple[int, int], np.ndarray] = {}

    async def run(self) -> None:
        """Round after round until cancelled."""
        while True:
            await self.round()
            await self._clock.sleep(self._settings.every_s)

    async def round(self) -> tuple[Upkept, ...]:
        """Each symbol and frame once, one request after another."""
        told = []
        for s in range(len(self._instruments)):
            for f, frame in enumerate(self._frames):
                if frame in self._streams.frames:
                    told.append(await self._keep(s, f))
                    self._tell(told[-1])
        return tuple(told)

    async def _keep(self, s: int, f: int) -> Upkept:
        """Mend one ring; what fails leaves it as it was."""
        one, frame = self._instruments[s], self._frames[f]
        told = Upkept(self._clock.now_ns(), one.symbol, frame)
        try:
            klines = await self._newest(s, f)
            told = structs.replace(told, requests=int(klines is not None))
            plan = plan_upkeep(
                closed_bars(self._bars, s, f),
                one.symbol,
                frame,
                self._clock.now_ns(),
                self._upkeep,
                klines=klines,
                listed_ns=self._listed_ns,
                silent=self._silent.get((s, f)),
            )
            counts = {lack: sum(part.bars for part in plan.stretches if part.lack == lack) for lack in ("gap", "stale_head", "partial", "differs")}
            told = structs.replace(told, gaps=counts["gap"] + counts["stale_head"], partial=counts["partial"], differing=counts["differs"])
            for request in plan.requests:
                laid = await self._fetch(s, f, request)
                told = structs.replace(
                    told,
                    requests=told.requests + 1,
                    filled=told.filled + len(laid.added) + len(laid.completed),
                    replaced=told.replaced + len(laid.disagreed),
                    silent=told.silent + len(laid.silent),
                )
        except (VenueError, DataRefused) as error:
            return structs.replace(told, failed=str(error))
        return told

    async def _newest(self, s: int, f: int) -> np.ndarray | None:
        """The venue's candles of the newest bars that the ring has, to hold them against; None where it has none or none is wanted."""
        held = closed_bars(self._bars, s, f, self._settings.audit_bars) if self._settings.audit_bars else np.zeros(0)
        if not len(held):
            return None
        from_ns, to_ns = int(held[0]["opened_ns"]), int(held[-1]["closed_ns"])
        request = KlineRequest(self._instruments[s].symbol, self._frames[f], from_ns, to_ns, (to_ns - from_ns) // BAR_FRAMES[self._frames[f]])
        if request.limit > self._upkeep.most_bars:
            return None
        return await self._asked(s, request)

    async def _fetch(self, s: int, f: int, request: KlineRequest) -> Laid:
        """Ask for candles, and put the ring back with them in it. What closed meanwhile is in it: the ring is read after the answer."""
        klines = await self._asked(s, request)
        laid = lay_in(closed_bars(self._bars, s, f), klines, request, self._upkeep)
        refill(self._bars, s, f, laid.bars)
        if len(laid.silent):
            known = self._silent.get((s, f), np.zeros(0, np.int64))
            self._silent[s, f] = np.union1d(known, laid.silent)[-MOST_SILENT:]
        return laid

    async def _asked(self, s: int, request: KlineRequest) -> np.ndarray:
        """The venue's whole candles within a request. Raises VenueError."""
        one, length = self._instruments[s], BAR_FRAMES[request.frame]
        answer = await self._rest.ask(self._streams.klines(one, request.frame, request.from_ns, request.to_ns, request.limit, self._endpoints))
        await self._clock.sleep(self._settings.gap_s)
        told = self._streams.read_klines(answer.body, one, length, answer.received_ns)
        return told[(told["opened_ns"] >= request.from_ns) & (told["closed_ns"] <= request.to_ns)]
