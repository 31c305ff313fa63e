"""What must be known before a start, from the traces of a replay: each book's gates, what would have traded, and everything that was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial

import numpy as np
from msgspec import Struct, structs

from metastackerbandit.domain.gate import GateSpec
from metastackerbandit.evaluation.finding import HIGH, MEDIUM, Book, Evidence, Finding, Waiver, Written, finding, gravest_first, waived
from metastackerbandit.evaluation.gate_findings import Asked, gate_findings
from metastackerbandit.evaluation.gate_record import SIDES, BySide, GateRecord, Replayed, gate_records
from metastackerbandit.evaluation.settings import PreflightSettings

NO_EDGE, ONE_OPINION, GAPS = "no_edge", "one_opinion", "gaps"


class BookView(Struct, frozen=True):
    """One book's replay: decisions, opinions, wishes for new risk and entries by side, and its gates in their order."""

    symbol: str
    frame: str
    decisions: int
    opinions: BySide
    asked: BySide
    entries: BySide
    gates: tuple[GateRecord, ...]


class Scene(Struct, frozen=True, eq=False):
    """What was replayed, in the order in which rows count books.

    `recent` is the stretch that is shown; `mirror` the same as if shorts were possible: on spot, selling intents are judged there, before they
    can exist anywhere. `record` replays the history of out-of-sample answers before it, and is called at most once, where the stretch alone
    condemns a gate. `written` holds the settings behind each book's limits (None: nothing is known of them, and every limit counts as written by
    somebody; a gate that is not in it has a limit that nobody sets), `domains` what a gate's quantity can be where a setting chooses the quantity.
    """

    books: tuple[Book, ...]
    gates: tuple[GateSpec, ...]
    recent: Replayed
    spell_bars: int
    mirror: Replayed | None = None
    record: Callable[[], Replayed] | None = None
    written: Sequence[Mapping[str, Written]] | None = None
    domains: Mapping[str, tuple[float, float]] = {}

    @property
    def judged(self) -> tuple[GateSpec, ...]:
        """The gates with what their quantities can be here."""
        return tuple(structs.replace(gate, domain=self.domains.get(gate.name, gate.domain)) for gate in self.gates)


def book_views(scene: Scene) -> tuple[BookView, ...]:
    """Every book."""
    return tuple(_view(scene, place) for place in range(len(scene.books)))


def all_gates(scene: Scene) -> tuple[GateRecord, ...]:
    """Every gate over all books together."""
    return _records(scene, tuple(range(len(scene.books))))


def findings(scene: Scene, views: Sequence[BookView], settings: PreflightSettings, waivers: Sequence[Waiver], now_ns: int) -> tuple[Finding, ...]:
    """Everything that was found, the gravest first, with the waivers that are in force."""
    found = [one for group in _groups(scene, settings) for one in _of_group(scene, group, settings)]
    found += [one for book, view in zip(scene.books, views, strict=True) for one in _of_book(book, view)]
    keys = {gate: written.key for own in scene.written or () for gate, written in own.items()}
    return gravest_first([waived(one, keys.get(one.gate, ""), waivers, now_ns) for one in found])


def _groups(scene: Scene, settings: PreflightSettings) -> list[tuple[int, ...]]:
    """Books that are judged alone; of each frame, those with too few opinions of their own are judged as one."""
    alone: list[tuple[int, ...]] = []
    thin: dict[str, list[int]] = {}
    for place, book in enumerate(scene.books):
        rows = scene.recent.rows
        if np.count_nonzero((rows["instrument"] == place) & (rows["side"] != 0)) >= settings.least_asked:
            alone.append((place,))
        else:
            thin.setdefault(book.frame, []).append(place)
    return [*alone, *(tuple(places) for places in thin.values())]


def _of_group(scene: Scene, group: tuple[int, ...], settings: PreflightSettings) -> list[Finding]:
    found: list[Finding] = []
    longer = _longer(scene, group)
    for place, (gate, seen) in enumerate(zip(scene.judged, _records(scene, group), strict=True)):
        written = scene.written[group[0]].get(gate.name) if scene.written is not None else None
        asked = Asked(
            gate=gate,
            books=tuple(scene.books[book] for book in group),
            seen=seen,
            written=written,
            is_by_hand=scene.written is None or (written is not None and written.by_hand),
            longer=None if longer is None else partial(longer, place),
        )
        found += gate_findings(asked, settings)
    return found


def _longer(scene: Scene, group: tuple[int, ...]) -> Callable[[int], GateRecord] | None:
    """How a group's gates are looked up in the history before the replayed days, all of them at the first question."""
    if scene.record is None:
        return None
    record = scene.record

    @cache
    def records() -> tuple[GateRecord, ...]:
        before = record()
        return _records(scene, group, before.taken(np.isin(before.rows["instrument"], group)))

    return lambda place: records()[place]


def _records(scene: Scene, group: tuple[int, ...], more: Replayed | None = None) -> tuple[GateRecord, ...]:
    """Records of books together; opinion gates also of the selling intents that spot cannot have, which no execution follows."""
    own = scene.recent.taken(np.isin(scene.recent.rows["instrument"], group))
    own = own if more is None else own.joined(more)
    found = gate_records(own, scene.judged, scene.spell_bars)
    spot = [place for place in group if scene.books[place].is_spot]
    if scene.mirror is None or not spot:
        return found
    sells = scene.mirror.taken(np.isin(scene.mirror.rows["instrument"], spot) & (scene.mirror.rows["side"] == -1))
    both = gate_records(own.joined(sells), scene.judged, scene.spell_bars)
    return tuple(two if gate.kind == "opinion" else one for gate, one, two in zip(scene.gates, found, both, strict=True))


def _of_book(book: Book, view: BookView) -> list[Finding]:
    counts: Evidence = {
        "decisions": view.decisions,
        "opinions_buy": view.opinions.buy,
        "opinions_sell": view.opinions.sell,
        "entries_buy": view.entries.buy,
        "entries_sell": view.entries.sell,
    }
    if view.decisions == 0:
        return [finding(GAPS, "", (book,), HIGH, "no decision fell into the replayed days", counts, "give candles of these days, or more --days")]
    found: list[Finding] = []
    if view.entries.both == 0:
        what = f"no edge found: none of {view.opinions.both:,} opinions would have traded; it may start, and stays flat"
        found.append(
            finding(NO_EDGE, "", (book,), MEDIUM, what, counts, "nothing, where its gates are right: the table names the one that stops most")
        )
    for name, one, other in (("BUY", view.opinions.buy, view.opinions.sell), ("SELL", view.opinions.sell, view.opinions.buy)):
        if one == 0 and other > 0 and not (book.is_spot and name == "SELL"):
            what = f"no {name} opinion beside {other:,} others: its source speaks for one side"
            found.append(finding(ONE_OPINION, "", (book,), MEDIUM, what, counts, "look at the share of UP on its card: `msb models show`"))
    return found


def _view(scene: Scene, place: int) -> BookView:
    own = scene.recent.rows[scene.recent.rows["instrument"] == place]
    return BookView(
        symbol=scene.books[place].symbol,
        frame=scene.books[place].frame,
        decisions=len(own),
        opinions=_sides(own, own["side"] != 0),
        asked=_sides(own, own["asks_risk"] != 0),
        entries=_sides(own, (own["asks_risk"] != 0) & (own["sent"] != 0)),
        gates=_records(scene, (place,)),
    )


def _sides(rows: np.ndarray, where: np.ndarray) -> BySide:
    return BySide(*(int(np.count_nonzero(where & (rows["side"] == sign))) for _, sign in SIDES))
