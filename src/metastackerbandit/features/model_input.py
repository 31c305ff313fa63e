"""The standard model input of one instrument, kept ready: advanced once a second, so that asking for it costs a copy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.errors import UsageError
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import entry, layout, row
from metastackerbandit.domain.market_rows import MarkRow
from metastackerbandit.domain.model_input import LastWord, Lineage, ModelInput
from metastackerbandit.domain.prediction import AWAKE
from metastackerbandit.features.batch import too_many
from metastackerbandit.features.funding import settle
from metastackerbandit.features.input_flow import take_row
from metastackerbandit.features.input_now import WRITTEN, Written, advance_input, room_for, take_mark, write_input, write_quality
from metastackerbandit.features.input_schema import HIDDEN, MODELS, SCHEMA
from metastackerbandit.features.input_state import InputState, empty_state
from metastackerbandit.market.bar_ring import Bars
from metastackerbandit.market.cob import Cob, CobTerms, empty_cob
from metastackerbandit.market.quality_rows import Quality


class Watched(NamedTuple):
    """The quality of a feed: its rows, and its limits (1,)."""

    quality: Quality
    limits: Any


class InputStream:
    """The input of the instrument at place `s` of what is kept of the market: its bars and trades, and its consolidated book.

    Without a `cob` or a `reference` their blocks stay masked; `models` names whose last words have a place. The reference is another stream, which
    must be advanced before this one is asked.
    """

    def __init__(
        self,
        instrument: Instrument,
        s: int,
        bars: Bars,
        cob: Cob | None = None,
        *,
        reference: InputStream | None = None,
        watched: Watched | None = None,
        models: tuple[str, ...] = (),
        lineage: Lineage = "live",
    ) -> None:
        if len(set(models)) < len(models) or len(models) > MODELS:
            raise UsageError(f"{len(models)} models {', '.join(models)} have no place each", mend=f"name at most {MODELS}, each once")
        self.instrument, self.models, self.lineage = instrument, models, lineage
        self.state: InputState = empty_state(tuple(bars.frames.tolist()))
        self._s, self._bars, self._watched, self._has_cob = s, bars, watched, cob is not None
        self._cob, self._cob_place = (cob, s) if cob is not None else (_no_cob(), 0)
        self._reference = reference
        self._said: dict[str, LastWord] = {}
        self._tick = float(instrument.tick_size)
        self._grace_ns = int(bars.rules[0]["grace_ns"])
        self._mark = np.zeros(1, layout(MarkRow))
        other = reference.state if reference is not None else self.state
        self._fixed = (self.state, other, reference is not None, self._cob, self._cob_place)
        self._write = entry(write_input, *self._fixed, 0, self._grace_ns, 0, room_for(1), room_for(1, np.bool_))
        self._advance = entry(advance_input, self.state, bars, self._cob, self._cob_place, 0)

    def advance(self, now_ns: int) -> None:
        """Take what the market's rings have closed since the last time, as known at `now_ns`; to be called once a second, at least every 300."""
        self._advance(self.state, self._bars, self._cob, self._cob_place, now_ns)

    def on_second(self, seconds: np.ndarray, place: int) -> None:
        """A second of the order book, seconds[place] in the layout of SecondRow: to be told once `advance` has taken the same second."""
        take_row(self.state, seconds, place)

    def on_mark(self, told: MarkRow) -> None:
        """A venue told a mark price, with the rate of the next settlement."""
        take_mark(self.state, row(told)[0])

    def on_funding(self, at_ns: int, rate: int) -> None:
        """A settlement at `at_ns` of `rate` (1e-8); counts for bars known after it."""
        if not settle(self.state.indicated.settlements, at_ns, rate):
            raise too_many(at_ns)

    def on_prediction(self, model: str, said: LastWord) -> None:
        """Another model has spoken; of one that has no place nothing is kept."""
        if model in self.models:
            self._said[model] = said

    def at(self, at_ns: int) -> ModelInput:
        """The input as of `at_ns`, which is not before anything that was told; yours to keep."""
        out, masks = room_for(1), room_for(1, np.bool_)
        self._write(*self._fixed, at_ns, self._grace_ns, 0, out, masks)
        if self._watched is not None:
            write_quality(self._watched.quality, self._s, self._watched.limits, at_ns, 0, out)
        return self.made(out, masks, 0, at_ns)

    def made(self, out: Written, masks: Written, n: int, at_ns: int) -> ModelInput:
        """Input n of arrays that `write_input` filled as of `at_ns` (a view of them), with what other models said before then."""
        values = {name: array[n] for name, array in zip(WRITTEN, out, strict=False)}
        valid = {name: array[n] for name, array in zip(WRITTEN, masks, strict=False)}
        known_ns = dict(zip(WRITTEN, out.known_ns[n].tolist(), strict=True))
        told, known_ns["predictions"] = said_before(self.models, self._said, at_ns)
        known_ns["hidden"] = known_ns["predictions"]
        values |= told
        valid |= {name: ~np.isnan(array) for name, array in told.items()}
        price, width, freshness, consistency = out.told[n].tolist()
        return ModelInput(
            symbol=self.instrument.symbol,
            at_ns=at_ns,
            schema=SCHEMA,
            values=values,
            valid=valid,
            known_ns=known_ns,
            models=self.models,
            bucket=width * self._tick,
            price=price * self._tick,
            freshness=freshness,
            consistency=consistency,
            lineage=self.lineage,
            notes=self._notes(known_ns, price > 0.0),
        )

    def _notes(self, known_ns: Mapping[str, int], is_priced: bool) -> tuple[str, ...]:
        """What could not be had, in words."""
        absent = {
            "no consolidated book is kept: cob, cob_averages, heatmap, mids and micro are masked": not self._has_cob,
            "no second of the consolidated book could be trusted yet: cob, cob_averages, heatmap and mids are masked": self._has_cob
            and not is_priced,
            "there is no reference instrument, or this is it: reference_1s is masked": self._reference is None,
            "no trade was heard: bars of a second are masked": not known_ns["bars_1s"],
            "nobody watches the feed's quality: the score is not known": self._watched is None,
        }
        return tuple(note for note, is_so in absent.items() if is_so)


@cache
def _no_cob() -> Cob:
    """A book by the second in which nothing is ever written."""
    return empty_cob(np.zeros(1, layout(CobTerms)))


def said_before(models: tuple[str, ...], said: Mapping[str, LastWord], at_ns: int) -> tuple[dict[str, NDArray[np.float32]], int]:
    """The blocks of what other models said strictly before `at_ns`, and when the newest of it was said (0: nothing)."""
    predictions = np.full(SCHEMA.block("predictions").shape, np.nan, np.float32)
    hidden = np.full(SCHEMA.block("hidden").shape, np.nan, np.float32)
    newest_ns = 0
    for place, model in enumerate(models):
        word = said.get(model)
        if word is None or word.prediction.at_ns >= at_ns or word.prediction.silence != AWAKE:
            continue
        one = word.prediction
        age = math.log1p((at_ns - one.at_ns) / 1e9)
        predictions[place] = (one.p_down, one.p_flat, one.p_up, one.long_bps * 1e-2, one.short_bps * 1e-2, one.error_bps * 1e-2, age)
        if word.hidden is not None:
            length = min(len(word.hidden), HIDDEN)
            hidden[place, :length] = word.hidden[:length]
        newest_ns = max(newest_ns, one.at_ns)
    return {"predictions": predictions, "hidden": hidden}, newest_ns
