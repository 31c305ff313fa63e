"""Fetched candles laid into a cache of bars: what is absent is added, what was not whole is completed, what disagrees is replaced and told."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.market.bars import BAR_FRAMES
from metastackerbandit.market.settings import UpkeepSettings
from metastackerbandit.market.upkeep import Ints, KlineRequest, agreeing, require_bars, require_closed


class Laid(Struct, frozen=True, eq=False):
    """A cache with an answer laid in: `bars` (M,) in the layout of Bar, the newest that a cache should hold.

    Openings (UTC ns) of what was `added`, `completed` (bars that were not heard from their beginning) and `disagreed`; of the last, `before` and
    `after` (K,) are the bars. `silent` are the openings that were asked for and that neither the answer nor the cache has: the venue has no candle
    there.
    """

    bars: np.ndarray
    added: Ints
    completed: Ints
    disagreed: Ints
    before: np.ndarray
    after: np.ndarray
    silent: Ints


def lay_in(cache: np.ndarray, klines: np.ndarray, request: KlineRequest, settings: UpkeepSettings) -> Laid:
    """Lay the answer to a request into a cache (N,); both in the layout of Bar, candles whole (`parts` = `parts_due`), `known_ns` when they came.

    A whole bar that agrees with its candle stays as it is, byte for byte. Laying the same answer twice changes nothing more.

    Raises:
        DataRefused: cache or candles are not sorted bars of the frame, or a candle is forming, not whole, or was not asked for.
    """
    frame_ns, where = BAR_FRAMES[request.frame], f"{request.symbol} {request.frame}"
    require_bars(cache, frame_ns, f"cache of {where}")
    require_bars(klines, frame_ns, f"candles of {where}")
    require_closed(klines, f"candles of {where}")
    strange = (klines["opened_ns"] < request.from_ns) | (klines["closed_ns"] > request.to_ns) | (klines["parts"] < klines["parts_due"])
    if strange.any():
        first = klines[strange][0]
        asked = f"whole candles from {request.from_ns} to {request.to_ns} were asked for"
        raise DataRefused(f"the candle of {first['opened_ns']}: {asked}", where=f"candles of {where}", mend="give the answer to this request")
    _, ours, theirs = np.intersect1d(cache["opened_ns"], klines["opened_ns"], return_indices=True)
    is_partial = cache["parts"][ours] < cache["parts_due"][ours]
    differs = ~is_partial & ~agreeing(cache[ours], klines[theirs], settings.volume_tolerance)
    replaced = is_partial | differs
    is_new = ~np.isin(klines["opened_ns"], cache["opened_ns"])
    laid = cache.copy()
    laid[ours[replaced]] = klines[theirs[replaced]]
    laid = np.concatenate((laid, klines[is_new])).view(cache.dtype)
    laid = laid[np.argsort(laid["opened_ns"], kind="stable")]
    asked_for = np.arange(request.from_ns, request.to_ns, frame_ns)
    return Laid(
        bars=laid[-settings.bars :],
        added=klines["opened_ns"][is_new],
        completed=cache["opened_ns"][ours[is_partial]],
        disagreed=cache["opened_ns"][ours[differs]],
        before=cache[ours[differs]],
        after=klines[theirs[differs]],
        silent=asked_for[~np.isin(asked_for, laid["opened_ns"])],
    )
