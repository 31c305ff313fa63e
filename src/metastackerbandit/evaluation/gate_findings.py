"""What a gate's record in a replay says against its limit: nothing reaches it, nothing fails it, one side alone passes, or nobody asked.

Nothing here knows any gate by name: a gate that is added is judged by its domain, its kind and its verdicts.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from msgspec import Struct

from metastackerbandit.domain.gate import GateSpec
from metastackerbandit.evaluation.finding import CRITICAL, HIGH, LOW, MEDIUM, Book, Evidence, Finding, Written, finding
from metastackerbandit.evaluation.gate_record import GateRecord
from metastackerbandit.evaluation.settings import PreflightSettings

OUT_OF_DOMAIN, UNREACHABLE, VACUOUS, ONE_SIDED, NO_DATA = "out_of_domain", "unreachable", "vacuous", "one_sided", "no_data"
THIN, TIGHT, FAR, WITHOUT_EFFECT = "thin", "tight", "far", "without_effect"

_SAME = 1e-9  # limits that differ by less are one limit


class Asked(Struct, frozen=True):
    """A gate of some books: its record in the days replayed, and the setting behind its limit.

    `is_by_hand` says whether somebody wrote the limit: one that is a default, or derived from costs, is no mistake where nothing reaches it,
    there is no edge. `longer` gives the record with the history before those days; it is only asked where the days alone condemn the gate.
    """

    gate: GateSpec
    books: tuple[Book, ...]
    seen: GateRecord
    written: Written | None = None
    is_by_hand: bool = True
    longer: Callable[[], GateRecord] | None = None

    def says(self, kind: str, severity: str, what: str, evidence: Evidence, mend: str) -> Finding:
        """A finding about this gate."""
        return finding(kind, self.gate.name, self.books, severity, what, evidence, mend)

    def mend(self, advice: str) -> str:
        """The advice, at the setting that it is about."""
        return f"{self.written.key}: {advice}" if self.written is not None else advice

    @property
    def askers(self) -> str:
        """Whom the gate was asked for."""
        return "opinions" if self.gate.kind == "opinion" else "decisions that asked for new risk"


def gate_findings(asked: Asked, settings: PreflightSettings) -> list[Finding]:
    """Everything that the record says."""
    return [
        *(_of_domain(asked) or _of_passing(asked, settings)),
        *_of_data(asked),
        *_of_distance(asked, settings),
        *_of_effect(asked),
    ]


def _of_domain(asked: Asked) -> list[Finding]:
    """A limit that the quantity cannot reach, or cannot fail: the one somebody wrote, or else the one that decided."""
    low, high = asked.gate.domain
    written = asked.written
    given = written.value if written is not None and written.by_hand and math.isfinite(written.value) else asked.seen.limit
    if math.isnan(given) or low <= given <= high:
        return []
    stops_all = given > high if asked.gate.sense == "at least" else given < low
    outcome = "nothing reaches it" if stops_all else "everything passes it"
    what = f"{asked.gate.name}: the limit {given:.4g} is outside of {low:.4g} to {high:.4g}, which is all that its quantity can be: {outcome}"
    evidence: Evidence = {"limit": given, "domain_low": low, "domain_high": high}
    mend = asked.mend(f"choose a limit from {low:.4g} to {high:.4g}")
    return [asked.says(OUT_OF_DOMAIN, CRITICAL if stops_all else HIGH, what, evidence, mend)]


def _of_passing(asked: Asked, settings: PreflightSettings) -> list[Finding]:
    """What the verdicts say; a gate that is condemned by the days alone is looked up in the history before them."""
    seen = asked.seen
    count = seen.asked.both if asked.gate.kind == "opinion" else seen.clear
    if count < settings.least_asked:
        return [_thin(asked, count, settings)] if asked.gate.kind == "opinion" and count > 0 and _passed(asked, seen) == 0 else []
    word = _word(asked, seen, settings)
    if word and asked.longer is not None:
        seen = asked.longer()
        word = _word(asked, seen, settings)
    match word:
        case "unreachable":
            return [_unreachable(asked, seen)]
        case "vacuous":
            return [_vacuous(asked, seen)]
        case "tight":
            return [_tight(asked, seen)]
        case "one_sided":
            return [_one_sided(asked, seen, settings)]
    return []


def _word(asked: Asked, seen: GateRecord, settings: PreflightSettings) -> str:
    """What a gate's counts come to, or nothing."""
    if _passed(asked, seen) == 0:
        return UNREACHABLE
    if asked.gate.kind != "opinion":
        return ""
    if seen.clear >= settings.least_asked and seen.clear_passes == 0:  # for its sake alone nothing trades
        return UNREACHABLE
    if seen.passes.both == seen.asked.both:
        return "" if seen.off or _cannot_fail(asked, seen) else VACUOUS
    if silenced_side(seen, settings):
        return ONE_SIDED
    return TIGHT if seen.clear >= settings.least_asked and seen.clear_passes < settings.least_clear * seen.clear else ""


def _passed(asked: Asked, seen: GateRecord) -> int:
    """Who passed; a gate of safety is judged where the opinion was good enough to be sized."""
    return seen.passes.both if asked.gate.kind == "opinion" else seen.clear_passes


def _cannot_fail(asked: Asked, seen: GateRecord) -> bool:
    """All that was observed lies at the passing end of the domain, as the alpha of a rule does: no limit at all could stop any."""
    low, high = asked.gate.domain
    return seen.observed.min >= high if asked.gate.sense == "at least" else seen.observed.max <= low


def _says_nothing(asked: Asked, seen: GateRecord) -> bool:
    """All that was observed lies at the failing end of the domain, as alpha does where no edge is left: any limit would stop it."""
    low, high = asked.gate.domain
    return seen.observed.max <= low if asked.gate.sense == "at least" else seen.observed.min >= high


def silenced_side(seen: GateRecord, settings: PreflightSettings) -> str:
    """The side that the gate stops wholly while it lets the other pass, where luck does not explain it; else nothing."""
    for name, own, passed, others, others_passed in (
        ("BUY", seen.spells.buy, seen.spell_passes.buy, seen.spells.sell, seen.spell_passes.sell),
        ("SELL", seen.spells.sell, seen.spell_passes.sell, seen.spells.buy, seen.spell_passes.buy),
    ):
        enough = own >= settings.least_asked and passed == 0 and others_passed > 0
        if enough and chance_of_none(own, others, others_passed) < settings.one_sided:
            return name
    return ""


def chance_of_none(asked: int, others: int, others_passed: int) -> float:
    """Chance that none of `asked` passes while `others_passed` of `others` do, if sides do not matter: Fisher's exact test at its corner."""
    everyone = asked + others
    failed = everyone - others_passed
    return math.exp(_log_choose(failed, asked) - _log_choose(everyone, asked)) if asked <= failed else 0.0


def _log_choose(count: int, chosen: int) -> float:
    return math.lgamma(count + 1) - math.lgamma(chosen + 1) - math.lgamma(count - chosen + 1)


def _unreachable(asked: Asked, seen: GateRecord) -> Finding:
    is_opinion = asked.gate.kind == "opinion"
    if is_opinion and seen.passes.both:
        what = f"{_compared(asked, seen)}: none of the {seen.clear:,} opinions that all other gates let pass passed"
        mend = "its limit is the default, or follows from costs: it may start, and stays flat while this holds"
    else:
        count = seen.asked.both if is_opinion else seen.clear
        what = f"{_compared(asked, seen)}: none of {count:,} {asked.askers} passed"
        mend = "no edge is seen after costs: nothing to mend here, it may start and stays flat"
    if is_opinion and (not asked.is_by_hand or _says_nothing(asked, seen)):
        return asked.says(UNREACHABLE, MEDIUM, what, numbers_of(seen), mend)
    return asked.says(UNREACHABLE, CRITICAL, what, numbers_of(seen), asked.mend(_looser(asked)))


def _tight(asked: Asked, seen: GateRecord) -> Finding:
    what = f"{_compared(asked, seen)}: {seen.clear_passes:,} of the {seen.clear:,} opinions that all other gates let pass passed"
    return asked.says(TIGHT, MEDIUM, what, numbers_of(seen), asked.mend(f"nothing, if so few trades are meant; else {_looser(asked)}"))


def _looser(asked: Asked) -> str:
    where = "95th percentile" if asked.gate.sense == "at least" else "5th percentile"
    off = "turn it off, or choose " if asked.gate.switch else ""
    return f"{off}a limit near the {where} of what is observed{'' if off else ' lets some pass'}"


def _vacuous(asked: Asked, seen: GateRecord) -> Finding:
    what = f"{_compared(asked, seen)}: all {seen.asked.both:,} {asked.askers} passed, so it stops nothing"
    if not asked.is_by_hand:
        return asked.says(VACUOUS, LOW, what, numbers_of(seen), "nothing: nobody chose this limit, and all that came was good enough for it")
    mend = asked.mend("tighten it, set it to the end of its range if it should be off, or waive it")
    return asked.says(VACUOUS, HIGH, what, numbers_of(seen), mend)


def _one_sided(asked: Asked, seen: GateRecord, settings: PreflightSettings) -> Finding:
    side, other = ("BUY", "SELL") if silenced_side(seen, settings) == "BUY" else ("SELL", "BUY")
    own, others, passed = seen.asked.buy, seen.asked.sell, seen.passes.sell
    chance = chance_of_none(seen.spells.buy, seen.spells.sell, seen.spell_passes.sell)
    if side == "SELL":
        own, others, passed = seen.asked.sell, seen.asked.buy, seen.passes.buy
        chance = chance_of_none(seen.spells.sell, seen.spells.buy, seen.spell_passes.buy)
    name = asked.gate.name
    what = f"{name} stops {own:,} of {own:,} {side} opinions and lets {passed:,} of {others:,} {other} pass (by luck: {chance:.1g})"
    mend = asked.mend(f"give {side} a limit that it can reach, or mend the source that never speaks for it")
    return asked.says(ONE_SIDED, CRITICAL, what, numbers_of(seen) | {"chance": chance}, mend)


def _thin(asked: Asked, count: int, settings: PreflightSettings) -> Finding:
    what = f"{asked.gate.name}: none of only {count} {asked.askers} passed; {settings.least_asked} are needed to call it unreachable"
    return asked.says(THIN, MEDIUM, what, numbers_of(asked.seen), "replay more days: --days")


def _of_data(asked: Asked) -> list[Finding]:
    """A gate that had nothing to look at blocks for that alone."""
    judged, lost = asked.seen.asked.both, asked.seen.unknown
    if lost == 0:
        return []
    what = f"{asked.gate.name} had no data for {lost:,} of {lost + judged:,} {asked.askers}"
    mend = f'give it its input, or let it pass knowingly: decision.unknown_passes = ["{asked.gate.name}"]'
    return [asked.says(NO_DATA, MEDIUM if judged else CRITICAL, what, {"unknown": lost, "judged": judged}, mend)]


def _of_distance(asked: Asked, settings: PreflightSettings) -> list[Finding]:
    """A safety limit that nothing in history came near is noted (pain A09)."""
    gate, seen = asked.gate, asked.seen
    if gate.kind != "safety" or gate.sense != "at most" or seen.fired or not seen.limit > 0.0:
        return []
    if not seen.observed.max < settings.approached * seen.limit:
        return []
    what = f"{gate.name}: the largest seen is {seen.observed.max:.4g} {gate.unit}, and the limit {seen.limit:.4g} {gate.unit} never came near"
    return [asked.says(FAR, LOW, what, numbers_of(seen), "nothing, where it guards against what has not happened yet; else tighten it")]


def _of_effect(asked: Asked) -> list[Finding]:
    """A written limit that a stricter one overrules is noted."""
    written, seen = asked.written, asked.seen
    if written is None or not written.by_hand or not math.isfinite(written.value) or math.isnan(seen.limit):
        return []
    is_stricter = seen.limit_low > written.value + _SAME if asked.gate.sense == "at least" else seen.limit_high < written.value - _SAME
    if not is_stricter:
        return []
    what = f"{written.key} = {written.value:g} has no effect: the limit that decides is {seen.limit_low:.4g} to {seen.limit_high:.4g}"
    return [asked.says(WITHOUT_EFFECT, LOW, what, numbers_of(seen), "leave it out, or make it the stricter one")]


def numbers_of(seen: GateRecord) -> Evidence:
    """The numbers behind a finding."""
    return {
        "limit": seen.limit,
        "limit_low": seen.limit_low,
        "limit_high": seen.limit_high,
        "min": seen.observed.min,
        "p05": seen.observed.p05,
        "p50": seen.observed.p50,
        "p95": seen.observed.p95,
        "max": seen.observed.max,
        "percentile": seen.percentile,
        "asked_buy": seen.asked.buy,
        "asked_sell": seen.asked.sell,
        "passed_buy": seen.passes.buy,
        "passed_sell": seen.passes.sell,
    }


def _compared(asked: Asked, seen: GateRecord) -> str:
    unit = f" {asked.gate.unit}" if asked.gate.unit else ""
    return f"{asked.gate.name}: {asked.gate.sense} {seen.limit:.4g} is asked, {seen.observed.min:.4g} to {seen.observed.max:.4g}{unit} was observed"
