"""What `msb models` shows: a row a series, a row a slot, and the page of one version."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from metastackerbandit.cli.model_evidence import feature_lines, number, reliability_lines, span
from metastackerbandit.domain.card import ModelCard, Waiver, skill
from metastackerbandit.domain.errors import MsbError
from metastackerbandit.domain.quality import time_text
from metastackerbandit.storage.fitness import Refusal, cautions, covers, in_force
from metastackerbandit.storage.promotions import SlotHistory
from metastackerbandit.storage.registry import Registry
from metastackerbandit.training.evidence import Evidence
from metastackerbandit.training.meta_label import BASE_RATE

_LAST = 6  # changes of a slot that a page shows; --json has all


def series_row(registry: Registry, series: str, slots: list[dict[str, Any]]) -> dict[str, Any]:
    """One series by its newest version; `damaged` says why it cannot be read, and is null where it can."""
    row: dict[str, Any] = {"series": series, "versions": list(registry.ids(series)), "damaged": None}
    row["serves"] = [f"{slot['symbol']} {slot['frame']}" for slot in slots if slot["series"] == series]
    try:
        card = registry.newest(series)
    except MsbError as error:
        return row | {"damaged": str(error)}
    return row | {
        "id": card.model_id,
        "symbols": card.symbols,
        "frame": card.frame,
        "family": card.family,
        "n_rows": card.n_rows,
        "n_eff": card.n_eff,
        "size": card.size,
        "skill_mnats": _interval(card),
        "trained_until": time_text(card.trained_until_ns),
        "asleep": card.asleep,
    }


def slot_row(registry: Registry, slot: SlotHistory, now_ns: int) -> dict[str, Any]:
    """One slot: the series that serves it, the version that would answer now or why none does, and its changes, oldest first."""
    series = registry.promoted(slot.slot)
    row: dict[str, Any] = {"symbol": slot.symbol, "frame": slot.frame, "series": series, "answers": None, "silence": ""}
    row["history"] = [
        {"series": one.series, "kind": one.kind, "who": one.who, "at": time_text(one.at_ns), "waived": one.waived} for one in slot.history
    ]
    try:
        chosen = registry.chosen(slot.slot, now_ns)
    except MsbError as error:
        return row | {"silence": str(error)}
    return row | {"answers": chosen.card.model_id if chosen.card else None, "silence": chosen.reason}


def waiver_row(waiver: Waiver, now_ns: int) -> dict[str, Any]:
    """One waiver, and whether it holds."""
    row = {"id": waiver.model_id, "check": waiver.check, "until": time_text(waiver.until_ns), "who": waiver.who, "why": waiver.why}
    return row | {"given": time_text(waiver.given_ns), "in_force": in_force(waiver, now_ns)}


def list_text(payload: dict[str, Any]) -> Any:
    """The list as tables."""
    from rich.console import Group
    from rich.table import Table

    if not payload["models"]:
        return f"no models in {payload['folder']} yet: `msb train --data FOLDER` trains some"
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("series", no_wrap=True)  # to be copied
    for name in ("serves", "versions", "outcomes", "size", "gain, mnats", ""):
        table.add_column(name, overflow="fold", no_wrap=name.startswith("gain"))
    for row in payload["models"]:
        if row["damaged"]:
            table.add_row(row["series"], _listed(row["serves"]), str(len(row["versions"])), "", "", "", f"DAMAGED: {row['damaged']}")
            continue
        told = f"asleep: {row['asleep']}" if row["asleep"] else ""
        numbers = (f"{row['n_eff']:,.0f}", f"x {row['size']:g}", _gain_text(row["skill_mnats"]))
        serves = _listed(row["serves"]) or f"({_listed(row['symbols'])})"  # in brackets: what it was trained for
        table.add_row(row["series"], serves, str(len(row["versions"])), *numbers, told)
    lines = [f"{slot['symbol']} {slot['frame']}: {slot['answers'] or 'nobody answers: ' + slot['silence']}" for slot in payload["slots"]]
    waived = [f"WAIVED until {one['until']} by {one['who']}: check {one['check']} of {one['id']}: {one['why']}" for one in payload["waivers"]]
    return Group(table, "", *(lines or ["no model is promoted: `msb models promote SERIES`"]), *waived)


def page(registry: Registry, card: ModelCard, found: tuple[Refusal, ...], evidence: Evidence | None, now_ns: int) -> dict[str, Any]:
    """Everything about one version; `evidence` is null where it has none, or its files cannot be read."""
    given = [waiver_row(waiver, now_ns) for waiver in registry.waivers() if covers(waiver, card)]
    slots = [slot_row(registry, slot, now_ns) for slot in registry.slots()]
    return {
        "card": card,
        "path": registry.path(card.model_id),
        "versions": registry.ids(card.series),
        "trained": {"from": time_text(card.trained_from_ns), "until": time_text(card.trained_until_ns), "created": time_text(card.created_ns)},
        "skill_mnats": _interval(card),
        "refusals": [
            {"check": one.check, "what": one.what, "mend": one.mend, "waived": None if one.waiver is None else waiver_row(one.waiver, now_ns)}
            for one in found
        ],
        "notes": cautions(card),
        "evidence": evidence,
        "waivers": given,
        "slots": [slot for slot in slots if any(change["series"] == card.series for change in slot["history"])],
    }


def page_text(payload: dict[str, Any], *, with_features: bool = False) -> str:
    """The page in words."""
    card: ModelCard = payload["card"]
    evidence: Evidence | None = payload["evidence"]
    trained = payload["trained"]
    lines = [
        card.model_id,
        f"  {card.family} for {', '.join(card.symbols)} on {card.frame} bars, {card.venue} {card.market}",
        f"  says what becomes of the next {card.horizon} bars, barriers at {card.width:g} volatilities (labels {card.label_hash})",
        f"  {len(card.features)} features ({card.feature_hash}), data {card.data_digest}",
        f"  trained from {trained['from']} until {trained['until']}, made {trained['created']} by {card.code}",
        f"  seed {card.seed}, {card.trials} trials on this market",
        f"  {card.n_rows:,} rows, {card.n_eff:,.0f} independent outcomes: rung {card.rung!r}, size x {card.size:g}",
        f"  {card.effective_dof:.1f} effective coefficients of {card.dof_budget:.1f} that these pay for",
        "",
        "scores out of sample",
        *(f"  {score.name:<24} {number(score.value)} {span(score.low, score.high)} {score.unit}" for score in card.scores),
        f"  {'share of UP':<24} {number(card.share_up)}",
        f"  {'calibration slope':<24} {number(card.calibration_slope)} ({card.calibrator})",
        f"  {'parity':<24} {card.parity:.3g}",
        f"  {'mirror error':<24} {card.mirror_error:.3g}",
        "",
        "learners",
        *(f"  {name:<24} {weight:.3f}" for name, weight in zip(card.learners, card.weights, strict=True)),
        "",
        *meta_label_lines(card),
        "",
        *([*reliability_lines(evidence), ""] if evidence is not None else []),
        *(_told_features(evidence) if with_features else []),
        f"files in {payload['path']}",
        *(f"  {file.name:<32} {file.length:>10,} bytes  {file.sha256[:16]}…" for file in card.files),
        *(f"  needs {name}" for name in card.depends_on),
        "",
        *_standing_lines(payload, card),
    ]
    return "\n".join(lines)


def _told_features(evidence: Evidence | None) -> list[str]:
    if evidence is None:
        return ["features: no walk-forward record is kept with this version; a series' newest has one", ""]
    return [*feature_lines(evidence), ""]


def meta_label_lines(card: ModelCard) -> list[str]:
    """The second model: what it is, what it was made of, how well it tells trades apart."""
    found = card.meta_label
    if found is None:
        return ["meta-label: none on this version, so worth is unknown"]
    lines = [
        f"meta-label: {found.model}",
        f"  {found.n_rows:,} proposed trades, {found.n_eff:,.0f} independent; share that paid {number(found.base_rate)}",
        *(f"  {score.name:<24} {number(score.value)} {span(score.low, score.high)} {score.unit}" for score in found.scores),
    ]
    if found.forced:
        lines.append(f"  {found.forced}{': every trade gets the base rate' if found.model == BASE_RATE else ''}")
    return lines


def _standing_lines(payload: dict[str, Any], card: ModelCard) -> list[str]:
    """What serves, what blocks, what is waived, and what should be known."""
    lines = [f"asleep: {card.asleep}"] if card.asleep else []
    for slot in payload["slots"]:
        lines.append(f"{slot['symbol']} {slot['frame']}: {slot['answers'] or 'nobody answers: ' + slot['silence']}")
        lines += [f"  {one['at']} {one['kind']} of {one['series']} by {one['who']}" for one in slot["history"][-_LAST:]]
    standing = [one for one in payload["refusals"] if one["waived"] is None]
    lines.append("promotion is blocked by" if standing else "nothing blocks its promotion")
    lines += [f"  check {one['check']}: it {one['what']}\n    mend: {one['mend']}" for one in standing]
    for one in payload["waivers"]:
        state = "waived" if one["in_force"] else "waiver ended"
        lines.append(f"{state}: check {one['check']} of {one['id']} until {one['until']} by {one['who']}: {one['why']}")
    return [*lines, *(f"note: {note}" for note in payload["notes"])]


def _interval(card: ModelCard) -> dict[str, float | None] | None:
    score = skill(card)
    if score is None:
        return None
    plain: dict[str, float | None] = {name: msgspec.structs.asdict(score)[name] for name in ("value", "low", "high")}
    return {name: None if value is None or math.isnan(value) else value for name, value in plain.items()}


def _gain_text(interval: dict[str, float | None] | None) -> str:
    if interval is None or interval["value"] is None:
        return "not measured"
    low, high = interval["low"], interval["high"]
    return f"{interval['value']:.1f}" + ("" if low is None or high is None else f" [{low:.1f}, {high:.1f}]")


def _listed(names: Any) -> str:
    return ", ".join(names)
