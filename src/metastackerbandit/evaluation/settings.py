"""What is asked before a start."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Days = Annotated[float, Meta(gt=0, le=3_650)]
Count = Annotated[int, Meta(ge=1, le=10_000_000)]
Chance = Annotated[float, Meta(gt=0, lt=1)]


class PreflightSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What is replayed before a start, and when a gate's record is enough to be judged."""

    days: Days = 30.0  # of the recording that are replayed and shown
    warm_days: Annotated[float, Meta(ge=0, le=365)] = 15.0  # before them, not counted: features and volatilities have to be warm
    record_days: Annotated[float, Meta(ge=0, le=3_650)] = 180.0  # before them, replayed only where a gate would be called unreachable or vacuous
    least_asked: Count = 20  # opinions of a side before its gate is judged; of 20 that all fail, the pass rate is below 14 % at 95 %
    one_sided: Chance = 0.001  # chance that a side's passes are none by luck (Fisher's exact test), below which the gate is one-sided
    spell_bars: Count = 12  # opinions this close to each other count as one where luck is judged: the horizon of most labels
    approached: Annotated[float, Meta(gt=0, le=1)] = 0.5  # share of a safety limit that history must have reached, else it is noted
