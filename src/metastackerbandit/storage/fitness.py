"""Whether a version may serve a use: everything on its card that speaks against it, with the mend, and the waivers that let it pass."""

from __future__ import annotations

import math
from collections.abc import Iterable

from msgspec import Struct

from metastackerbandit.domain.card import ModelCard, Waiver, skill
from metastackerbandit.domain.errors import ConfigRefused, ModelMismatch, ModelRefused
from metastackerbandit.domain.timeframe import DAY_NS, frame_name, frame_ns

LEAST_UP, MOST_UP = 0.35, 0.65  # share of UP among directional predictions; a bull sample's model says UP alone (method 1.7: mirrored .4 to .6)
MOST_PARITY = 1e-6  # difference of a probability between training and serving: float32 runtimes differ by some 1e-7
MOST_MIRROR_ERROR = 1e-6  # failure of a probability to mirror, by the same reason
LONGEST_WAIVER_DAYS = 30  # after which somebody has to look again

MISMATCHES = ("symbol", "venue", "market", "frame", "horizon", "features", "labels")
CHECKS = (*MISMATCHES, "samples", "one_sided", "calibration", "parity", "mirror", "asleep", "files")
UNWAIVABLE = ("asleep", "files")  # a version that cannot answer, or is not what was trained, is not made better by permission


class Use(Struct, frozen=True):
    """What a version is asked to serve; hashes are of the code and costs that serve it."""

    symbol: str
    frame: str
    horizon: int
    feature_hash: str
    label_hash: str
    venue: str
    market: str


class Refusal(Struct, frozen=True):
    """One check that a version fails: what is and what should be, the mend, and the waiver that lets it pass, if one does."""

    check: str
    what: str
    mend: str
    waiver: Waiver | None = None


def refusals(card: ModelCard, use: Use, now_ns: int, waivers: Iterable[Waiver] = ()) -> tuple[Refusal, ...]:
    """Every check that the card fails, in the order of CHECKS; those that a waiver in force covers carry it."""
    given = tuple(waivers)
    found = (*_mismatches(card, use), *_shortcomings(card))
    ordered = sorted(found, key=lambda refusal: CHECKS.index(refusal.check))
    return tuple(Refusal(one.check, one.what, one.mend, _waiver(card, one.check, now_ns, given)) for one in ordered)


def binding(found: Iterable[Refusal], *, allow_waivers: bool = True) -> tuple[Refusal, ...]:
    """The refusals that stand; with `allow_waivers=False`, as in live mode, all of them."""
    return tuple(refusal for refusal in found if not allow_waivers or refusal.waiver is None)


def refuse(card: ModelCard, use: Use, now_ns: int, waivers: Iterable[Waiver] = (), *, allow_waivers: bool = True) -> None:
    """Raise what stands against a use: ModelMismatch where the version was made for something else, else ModelRefused."""
    raise_for(card, binding(refusals(card, use, now_ns, waivers), allow_waivers=allow_waivers))


def raise_for(card: ModelCard, standing: tuple[Refusal, ...]) -> None:
    """Raise the first refusal with the number of the others; nothing where there is none."""
    if not standing:
        return
    first, rest = standing[0], standing[1:]
    others = f"; and fails {', '.join(refusal.check for refusal in rest)}" if rest else ""
    kind = ModelMismatch if first.check in MISMATCHES else ModelRefused
    raise kind(f"{card.model_id} {first.what}{others}", where=f"check {first.check}", mend=first.mend)


def checked_waiver(waiver: Waiver) -> Waiver:
    """A waiver that may be given; ConfigRefused for one that names no check, never ends, or gives no reason."""
    if waiver.check not in CHECKS:
        raise ConfigRefused(f"there is no check {waiver.check!r}", where="waiver", mend=f"the checks are {', '.join(CHECKS)}")
    if waiver.check in UNWAIVABLE:
        raise ConfigRefused(f"check {waiver.check!r} cannot be waived", where="waiver", mend="train or restore the version")
    if not waiver.why.strip() or not waiver.who.strip():
        raise ConfigRefused("a waiver says who gives it and why", where="waiver", mend='give the reason, such as --why "shadow test until the refit"')
    if not _is_short(waiver):
        days = (waiver.until_ns - waiver.given_ns) / DAY_NS
        raise ConfigRefused(f"a waiver of {days:g} days", where="waiver", mend=f"give it for more than 0 and at most {LONGEST_WAIVER_DAYS} days")
    return waiver


def in_force(waiver: Waiver, now_ns: int) -> bool:
    """Whether a waiver holds now; one that was stretched by hand never does."""
    return waiver.given_ns <= now_ns < waiver.until_ns and _is_short(waiver) and waiver.check not in UNWAIVABLE


def covers(waiver: Waiver, card: ModelCard) -> bool:
    """Whether a waiver is for this version or its series."""
    return waiver.model_id in (card.model_id, card.series)


def cautions(card: ModelCard) -> tuple[str, ...]:
    """What does not forbid a version and should be known: no skill shown, more freedom than its outcomes pay for."""
    told = []
    gain = skill(card)
    if gain is None or not gain.low > 0.0:
        shown = "was not measured" if gain is None else f"{gain.value:.2f} mnats, 95 % {gain.low:.2f} to {gain.high:.2f}"
        told.append(f"no edge found: its gain over the base rate {'' if gain is None else 'is '}{shown}")
    if card.effective_dof > card.dof_budget:
        told.append(f"{card.effective_dof:.1f} effective coefficients where {card.n_eff:,.0f} independent outcomes pay for {card.dof_budget:.1f}")
    return tuple(told)


def _is_short(waiver: Waiver) -> bool:
    return 0 < waiver.until_ns - waiver.given_ns <= LONGEST_WAIVER_DAYS * DAY_NS


def _waiver(card: ModelCard, check: str, now_ns: int, waivers: tuple[Waiver, ...]) -> Waiver | None:
    """The longest one in force."""
    held = [waiver for waiver in waivers if covers(waiver, card) and waiver.check == check and in_force(waiver, now_ns)]
    return max(held, key=lambda waiver: waiver.until_ns, default=None)


def _mismatches(card: ModelCard, use: Use) -> list[Refusal]:
    """What the version was made for, against what it is asked for."""
    frame = frame_name(frame_ns(use.frame))
    again = f"msb train --frames {frame} --symbols {use.symbol}"
    found = []
    if use.symbol not in card.symbols:
        trained = ", ".join(card.symbols)
        found.append(Refusal("symbol", f"was trained on {trained}, asked to serve {use.symbol}: promote a model of {use.symbol}", again))
    if card.frame != frame:
        found.append(Refusal("frame", f"was trained on {card.frame} bars, asked to serve {frame}: promote a {frame} model", again))
    for check, is_made, is_asked, noun in (
        ("venue", card.venue, use.venue, "candles of {}"),
        ("market", card.market, use.market, "a {} market"),
        ("horizon", card.horizon, use.horizon, "a horizon of {} bars"),
        ("features", card.feature_hash, use.feature_hash, "features {}"),
        ("labels", card.label_hash, use.label_hash, "labels {} (specification and costs)"),
    ):
        if is_made != is_asked:
            what = f"was trained on {noun.format(is_made)}, asked to serve {noun.format(is_asked)}: promote a model trained on these"
            found.append(Refusal(check, what, again))
    return found


def _shortcomings(card: ModelCard) -> list[Refusal]:
    """What the version is not good enough in; a number that is not known is never good enough."""
    found = []
    if not card.size > 0.0:
        what = f"stands on the rung {card.rung!r} with {card.n_eff:,.0f} independent outcomes in {card.n_rows:,} rows: that rung does not trade"
        found.append(Refusal("samples", what, "train on a longer history, a faster frame, or more symbols together"))
    if not LEAST_UP <= card.share_up <= MOST_UP:
        what = f"says UP in {_told(card.share_up, '.0%')} of its directional predictions, where {LEAST_UP:.0%} to {MOST_UP:.0%} is asked"
        found.append(Refusal("one_sided", what, "train with mirrored rows (training.mirror) on a history that rose and fell"))
    if not card.calibration_slope > 0.0:
        what = f"has a calibration slope of {_told(card.calibration_slope, '.3g')} out of sample, where more than 0 is asked: its word does not tell"
        found.append(Refusal("calibration", what, "train again on more data; a sign is never flipped"))
    if not card.parity <= MOST_PARITY:
        what = f"answers {_told(card.parity, '.3g')} beside what training computed, where at most {MOST_PARITY:g} is asked"
        found.append(Refusal("parity", what, "pack it again with the libraries that serve it"))
    if not card.mirror_error <= MOST_MIRROR_ERROR:
        what = f"fails to mirror by {_told(card.mirror_error, '.3g')}, where at most {MOST_MIRROR_ERROR:g} is asked"
        found.append(Refusal("mirror", what, "train with mirrored rows (training.mirror)"))
    if card.asleep:
        found.append(Refusal("asleep", f"is asleep: {card.asleep}", "train a version that may answer"))
    if not card.files:
        found.append(Refusal("files", "names no files", "train it again"))
    return found


def _told(value: float, how: str) -> str:
    return "an unknown amount" if math.isnan(value) else format(value, how)
