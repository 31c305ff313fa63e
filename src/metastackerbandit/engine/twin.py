"""The mirror twin: a decision on the mirrored state must be the mirrored decision (method 15.3).

The twin looks at a copy of the engine's world just before it decides. The same kernels decide on the copy and on its mirror image, and the two
are compared stage by stage: what the arms say, the opinion, its size, every gate, the verdict, the orders. A decision that hangs on the side
where nothing justifies it differs at the first moment at which it matters. Fills and funding are looked at alike: they must cost both sides
the same. The engine knows nothing of its twin.
"""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.rows import KEEP
from metastackerbandit.engine.fills import on_report
from metastackerbandit.engine.mirror import mirror_world
from metastackerbandit.engine.on_market import answer_rule, on_closed, on_funding, on_opened
from metastackerbandit.engine.on_prediction import answer, on_predicted
from metastackerbandit.engine.world import CANCEL, HALTED, SUBMIT
from metastackerbandit.stacking.ask import mirrored_word
from metastackerbandit.stacking.names import RULE_ARMS

# Where a mirrored decision first differs; a place beside it names the arm or the gate.
SAME, BY_ARM, BY_OPINION, BY_SIZE, BY_GATE, BY_VERDICT, BY_ORDER, BY_FILL, BY_FUNDING, BY_SOURCE = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
STAGES = ("the same", "arm", "opinion", "sizing", "gate", "verdict", "order", "fill", "funding", "source")

CLOSE_ENOUGH = 1e-9  # relative: sums over contexts are taken in another order in the mirror


class Found(Struct, frozen=True):
    """What one look came to: decisions compared, the stage that differs first with its place, and the two numbers that differ.

    `source` is 1 where the decision differs only once the mood is what its own source says of the mirrored market. `mood` and `mirror` are those
    of the book, at `mood_ns`.
    """

    compared: int
    stage: int
    place: int
    one: float
    other: float
    source: int
    mood: float
    mirror: float
    mood_ns: int
    decision: int
    closed_ns: int


# -- a decision and its mirror image --------------------------------------------------------------------------------------


@kernel
def clear(out: Any) -> None:
    """Nothing has left yet."""
    cursor = out.cursor[0]
    cursor.effects = cursor.decisions = cursor.orders = cursor.fills = 0
    cursor.ledger = cursor.trips = cursor.controls = cursor.outcomes = cursor.curve = 0


@kernel
def decide_again(world: Any, out: Any, s: int, now_ns: int) -> int:
    """The decision of a copy, from what its arms have said on."""
    clear(out)
    if world.limits[s].hears != 0:
        return answer(world, out, s, now_ns, False)
    return answer_rule(world, out, s, now_ns, False)


@kernel
def differ(one: float, other: float) -> bool:
    """Whether two numbers that should be the same are not; two that are not known are."""
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) != math.isnan(other)
    if one == other:
        return False
    return not abs(one - other) <= CLOSE_ENOUGH * max(abs(one), abs(other))


@kernel
def note(found: Any, stage: int, place: int, one: float, other: float) -> bool:
    """Remember the first difference; True where there is one."""
    if not differ(one, other):
        return False
    found.stage = stage
    found.place = place
    found.one = one
    found.other = other
    return True


@kernel
def other_side(word: int) -> int:
    """A target or side in the mirror."""
    return word if word == KEEP else -word


@kernel
def compare_drafts(draft: Any, image: Any, found: Any) -> bool:
    """The opinion and its size; True where they differ."""
    return (
        note(found, BY_OPINION, 0, draft.signal, other_side(image.signal))
        or note(found, BY_OPINION, 1, draft.side, other_side(image.side))
        or note(found, BY_OPINION, 2, draft.scale, image.scale)
        or note(found, BY_SIZE, 0, draft.alpha, image.alpha)
        or note(found, BY_SIZE, 1, draft.kelly, image.kelly)
        or note(found, BY_SIZE, 2, draft.equity, image.equity)
        or note(found, BY_SIZE, 3, draft.held, -image.held)
        or note(found, BY_SIZE, 4, draft.change, -image.change)
        or note(found, BY_SIZE, 5, draft.legal, -image.legal)
    )


@kernel
def compare_traces(out: Any, image: Any, found: Any) -> bool:
    """What every gate saw and said; True where one differs."""
    for g in range(out.verdict.shape[1]):
        if note(found, BY_GATE, g, out.verdict[0, g], image.verdict[0, g]):
            return True
        if out.verdict[0, g] != 0 and (
            note(found, BY_GATE, g, out.observed[0, g], image.observed[0, g]) or note(found, BY_GATE, g, out.limit[0, g], image.limit[0, g])
        ):
            return True
    return False


@kernel
def compare_verdicts(out: Any, image: Any, found: Any) -> bool:
    """The first gate that answers otherwise, with what it saw (or its limit, where that is what differs); True where there is one."""
    for g in range(out.verdict.shape[1]):
        if out.verdict[0, g] == image.verdict[0, g]:
            continue
        if not (note(found, BY_GATE, g, out.observed[0, g], image.observed[0, g]) or note(found, BY_GATE, g, out.limit[0, g], image.limit[0, g])):
            note(found, BY_GATE, g, out.verdict[0, g], image.verdict[0, g])
        return True
    return False


@kernel
def compare_rows(row: Any, image: Any, found: Any) -> bool:
    """The decision; True where it differs."""
    return (
        note(found, BY_VERDICT, 0, row.kind, image.kind)
        or note(found, BY_VERDICT, 1, row.reason, image.reason)
        or note(found, BY_VERDICT, 2, row.asks_risk, image.asks_risk)
        or note(found, BY_VERDICT, 3, row.binding, image.binding)
        or note(found, BY_VERDICT, 4, row.blocked, image.blocked)
        or note(found, BY_VERDICT, 5, row.arm, image.arm)
        or note(found, BY_VERDICT, 6, row.wanted, -image.wanted)
        or note(found, BY_ORDER, 0, row.sent, -image.sent)
    )


@kernel
def compare_effects(out: Any, image: Any, about: int, found: Any) -> bool:
    """The orders that follow; True where they differ."""
    if note(found, BY_ORDER, 1, out.cursor[0].effects, image.cursor[0].effects):
        return True
    for e in range(out.cursor[0].effects):
        one, other = out.effects[e], image.effects[e]
        trigger = 2 * about - other.trigger if other.trigger != 0 else 0
        if note(found, BY_ORDER, 2, one.what, other.what):
            return True
        if one.what != CANCEL and (note(found, BY_ORDER, 4, one.lots, -other.lots) or note(found, BY_ORDER, 5, one.trigger, trigger)):
            return True
        if one.what == SUBMIT and (note(found, BY_ORDER, 3, one.kind, other.kind) or note(found, BY_ORDER, 6, one.reduce_only, other.reduce_only)):
            return True
    return False


@kernel
def compare(plain: Any, mirrored: Any, out: Any, image: Any, about: int, found: Any) -> bool:
    """The first stage at which a decision is not the mirror image of the other; True where there is one."""
    return (
        compare_drafts(plain.draft[0], mirrored.draft[0], found)
        or compare_traces(out, image, found)
        or compare_rows(out.decisions[0], image.decisions[0], found)
        or compare_effects(out, image, about, found)
    )


@kernel
def free_both_sides(world: Any, s: int) -> None:
    """Spot cannot be short: intents are mirrored before that limit, so a copy may be."""
    world.limits[s].rules.is_spot = 0


@kernel
def look(plain: Any, mirrored: Any, sourced: Any, out: Any, image: Any, s: int, now_ns: int, found: Any) -> int:
    """Decide on a copy as it stands and on its mirror image, and compare; returns a fault.

    `mirrored` and `sourced` are copies of `plain` with the arms' words turned; `sourced` is looked at where the mood's own source says something
    else of the mirrored market than the mirror image of what it says of the market. A gate that this makes answer otherwise is named before a size
    that it changes: it stops a side.
    """
    seat = plain.seats[s]
    about = seat.position.mark if seat.position.mark != 0 else seat.done.close
    mood, mirror = seat.mood, seat.mood_mirror
    found.compared = 1
    found.closed_ns = seat.done.closed_ns
    found.decision = plain.account[0].decisions + 1
    found.mood, found.mirror, found.mood_ns = mood, mirror, seat.mood_ns
    free_both_sides(plain, s)
    free_both_sides(mirrored, s)
    mirror_world(mirrored, about, s)
    fault = decide_again(plain, out, s, now_ns)
    if fault != 0 or found.stage != SAME:
        return fault
    fault = decide_again(mirrored, image, s, now_ns)
    if fault != 0 or compare(plain, mirrored, out, image, about, found):
        return fault
    if plain.limits[s].has_mood != 0 and differ(mirror, -mood):
        free_both_sides(sourced, s)
        mirror_world(sourced, about, s)
        sourced.seats[s].mood = mirror
        fault = decide_again(sourced, image, s, now_ns)
        if fault == 0 and (compare_verdicts(out, image, found) or compare(plain, sourced, out, image, about, found)):
            found.source = 1
    return fault


# -- the ports: one event each --------------------------------------------------------------------------------------------


@kernel
def approach_closed(world: Any, out: Any, s: int, bars: Any, place: int) -> int:
    """Take a closed candle on a copy up to its decision; HALTED where there is one."""
    world.draft[0].halts = 1
    code = on_closed(world, out, s, bars[place], False)
    world.draft[0].halts = 0
    return code


@kernel
def approach_opened(world: Any, out: Any, s: int, at_ns: int, price: int) -> int:
    """Take a candle's open on a copy up to its decision."""
    world.draft[0].halts = 1
    code = on_opened(world, out, s, at_ns, price, False)
    world.draft[0].halts = 0
    return code


@kernel
def approach_predicted(world: Any, out: Any, predictions: Any, place: int) -> int:
    """Take a prediction on a copy up to the decision that waits for it."""
    world.draft[0].halts = 1
    code = on_predicted(world, out, predictions[place].instrument, predictions[place], False)
    world.draft[0].halts = 0
    return code


@kernel
def turn_words(mirrored: Any, memory: Any, reals: Any, s: int, found: Any) -> None:
    """Ask the rules among the arms in the mirror, with their memory (A, M), (A, R) from before the bar; their words are turned on the copy."""
    bar = mirrored.seats[s].done
    for a in range(len(mirrored.arms)):
        arm = mirrored.arms[a]
        if arm >= RULE_ARMS:
            continue
        for m in range(memory.shape[1]):
            mirrored.memory[s, a, m] = memory[a, m]
        for r in range(reals.shape[1]):
            mirrored.reals[s, a, r] = reals[a, r]
        said = mirrored.signals[s, a]
        word = mirrored_word(arm, mirrored.memory[s, a], mirrored.reals[s, a], bar.high, bar.low, bar.close, said)
        if found.stage == SAME:
            note(found, BY_ARM, arm, said, other_side(word))


@kernel
def turn_signals(world: Any, s: int) -> None:
    """The arms' words as their mirror images say them."""
    for a in range(len(world.arms)):
        world.signals[s, a] = other_side(world.signals[s, a])


@kernel
def look_at_fill(plain: Any, mirrored: Any, out: Any, image: Any, reports: Any, turned: Any, found: Any) -> int:
    """Book a fill on a copy and its image on the mirrored copy: money, position and protection must be each other's images.

    `reports` (1,) holds the report, `turned` (1,) has room for its image. Money units may differ by one where a part of a cost is rounded.
    """
    report = reports[0]
    s = report.instrument
    about = report.ticks
    image_of = turned[0]
    image_of.instrument, image_of.order, image_of.state, image_of.at_ns = s, report.order, report.state, report.at_ns
    image_of.lots, image_of.ticks, image_of.reference = -report.lots, about, 2 * about - report.reference
    image_of.fee, image_of.slippage, image_of.impact = report.fee, report.slippage, report.impact
    found.compared = 1
    mirror_world(mirrored, about, s)
    equity = plain.account[0].cash + plain.account[0].marked
    clear(out)
    clear(image)
    fault = on_report(plain, out, report)
    if fault != 0:
        return fault
    fault = on_report(mirrored, image, image_of)
    if fault != 0:
        found.stage = BY_FILL
        found.place = 9
        return 0
    one, other = plain.seats[s].position, mirrored.seats[s].position
    gained = plain.account[0].cash + plain.account[0].marked - equity
    regained = mirrored.account[0].cash + mirrored.account[0].marked - equity
    if (
        note(found, BY_FILL, 0, gained, regained)
        or note(found, BY_FILL, 1, one.lots, -other.lots)
        or note(found, BY_FILL, 2, one.fees, other.fees)
        or note(found, BY_FILL, 3, one.funding, other.funding)
        or note(found, BY_FILL, 4, out.cursor[0].trips, image.cursor[0].trips)
        or (abs(one.realised - other.realised) > 1 and note(found, BY_FILL, 5, one.realised, other.realised))
        or (
            out.cursor[0].trips > 0
            and abs(out.trips[0].net - image.trips[0].net) > 1
            and note(found, BY_FILL, 6, out.trips[0].net, image.trips[0].net)
        )
    ):
        return 0
    compare_effects(out, image, about, found)
    return 0


@kernel
def look_at_funding(plain: Any, mirrored: Any, out: Any, image: Any, s: int, at_ns: int, rate: int, mark: int, found: Any) -> int:
    """Settle on a copy, and the other way round on the mirrored copy: what is paid must be the same."""
    price = mark if mark > 0 else plain.seats[s].position.mark
    if plain.seats[s].position.lots == 0 or price == 0:
        return 0
    found.compared = 1
    mirror_world(mirrored, price, s)
    before, again = plain.account[0].cash, mirrored.account[0].cash
    clear(out)
    clear(image)
    on_funding(plain, out, s, at_ns, rate, mark)
    on_funding(mirrored, image, s, at_ns, -rate, mark)
    note(found, BY_FUNDING, 0, plain.account[0].cash - before, mirrored.account[0].cash - again)
    return 0


assert HALTED == -1, "conclude and on_frame return it as a literal"
