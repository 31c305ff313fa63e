"""A feature's description stands beside the step that computes it; a family is several features of one step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct

Parity = Literal["odd", "even", "swap"]
Needs = Literal["price", "volume", "flow", "funding", "book"]


class FeatureSpec(Struct, frozen=True):
    """One column of the model input.

    `parity` is what the column does when the market is mirrored (prices p -> C / p, buyers and sellers exchanged): `odd` changes
    sign, `even` stays, `swap` takes the value of `partner`. `look_back` is the number of bars, the newest included, from which
    on the column can be valid; features of the higher frame also need `higher_bars` closed bars of it, those of the book so many `seconds` of
    it. `is_event` marks columns
    that wait for something in the market (a pivot) and may therefore come later than that. `needs` says which input it is made
    of. `formerly` is the predecessors' name where theirs was another.
    """

    name: str
    unit: str
    parity: Parity
    look_back: int
    source: str
    meaning: str
    needs: Needs = "price"
    partner: str = ""
    higher_bars: int = 0
    seconds: int = 0
    is_event: bool = False
    formerly: str = ""


class Family(Struct, frozen=True):
    """Features computed together by one kernel, `step(...)`, once a closed bar.

    The step's arguments are taken by name, any of: `bar` (record of Bar), `seen` (record of Seen, already advanced to this bar),
    `past` (ring of log closes), `mine` (record of `memory`), `reals` (R,) and `integers` (I,) cells of its own, all zero at the
    start, `settlements` (funding, kept across holes), and last `out` (F,), where it writes its columns in the order of
    `specs`; NaN, infinite or out of reach means invalid. `revision` is raised by whoever changes a formula.

    A family of the book also has `hears(...)`, called for every second of a trusted book, with any of: `second` (record of SecondRow), `heard`
    (record of Heard, already advanced to it), `mine` and `cells` (C,), which start anew with what is heard and not with the bars. Its step may
    take `heard` and `cells` too, and is asked only while the newest second is young enough.
    """

    name: str
    revision: int
    specs: tuple[FeatureSpec, ...]
    step: Callable[..., Any]
    memory: type[Struct] | None = None
    reals: int = 0
    integers: int = 0
    hears: Callable[..., Any] | None = None
    cells: int = 0
