"""Train one version: a sample known at its boundary, the stack that its rung allows, and the card that says what came of it."""

from __future__ import annotations

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.card import MetaLabel, ModelCard, hashes_of, model_id
from metastackerbandit.domain.timeframe import YEAR_NS, frame_ns
from metastackerbandit.features.mirror import mirrored
from metastackerbandit.stacking.ladder import Rung, climb_text, most_coefficients, rung_of
from metastackerbandit.training.control import control_gain
from metastackerbandit.training.dataset import DataSet, SampleFacts, sample_until
from metastackerbandit.training.evidence import FILE as EVIDENCE_FILE
from metastackerbandit.training.evidence import evidence_of, packed
from metastackerbandit.training.fit import FittedStack, fit_stack
from metastackerbandit.training.fitting.catalog import FITTERS, unavailable
from metastackerbandit.training.meta_fit import FittedMetaLabel
from metastackerbandit.training.record import Record
from metastackerbandit.training.sample import Sample
from metastackerbandit.training.scoring import CONTROL, IN_FOLD, OF_TRADES, WORTH_AUC, WORTH_GAIN, fold_gain, interval_score, scores_of
from metastackerbandit.training.seeds import seed_of
from metastackerbandit.training.settings import TrainingSettings
from metastackerbandit.training.stack import Stack, unpack
from metastackerbandit.training.verdict import ASSUMED_IC

Floats = NDArray[np.float64]

FAMILY = "stack"
SAMPLE_FILE = "sample.json"  # what the version was trained on, in numbers
_COMPARED = 32  # rows, evenly through the sample, that the unpacked stack must answer alone as it answers them together


class Recipe(Struct, frozen=True):
    """What a training run is made by, beside its data: settings, program, libraries, how many runs were tried on this market, the time it is."""

    settings: TrainingSettings
    code: str
    libraries: dict[str, str]
    trials: int
    created_ns: int


class Version(Struct, frozen=True, eq=False):
    """A version before it is kept."""

    card: ModelCard
    files: dict[str, bytes]
    stack: Stack


def train_version(
    data: DataSet, recipe: Recipe, series: str, number: int, until_ns: int, record: Record | None, *, control_since_ns: int | None
) -> Version:
    """The version of a boundary. `record` is what earlier versions showed by then. With `control_since_ns`, which a series' last version has, the
    control is made from there on, and the evidence is kept."""
    settings, grid_ns = recipe.settings, frame_ns(data.frame)
    sample, facts = sample_until(data, until_ns, settings)
    rung = rung_of(facts.n_eff)
    families = tuple(family for family in rung.families if family in FITTERS and not unavailable(family))
    fitted = fit_stack(sample, families, facts.n_eff, embargo_of(data, sample, settings), settings, seed_of(settings.seed, number))
    files = fitted.stack.pack() | {SAMPLE_FILE: msgspec.json.format(msgspec.json.encode(facts), indent=1)}
    scores = list(scores_of(record, grid_ns, data.cost_bps)) if record is not None else []
    scores.append(interval_score(IN_FOLD, "mnats of folds", fold_gain(sample, fitted)))  # not "mnats": no skill out of sample
    if control_since_ns is not None:
        found = control_gain(data, families, control_since_ns, until_ns, embargo_of(data, sample, settings), settings, grid_ns)
        scores.append(interval_score(CONTROL, "mnats of moved labels", found))
        if record is not None and len(record):
            files[EVIDENCE_FILE] = packed(evidence_of(data, record, grid_ns, seed_of(settings.seed, "evidence")))
    parity, mirror_error = _checked(fitted, files, sample)
    first = data.markets[0].instrument
    card = ModelCard(
        model_id=model_id(series, number),
        series=series,
        version=number,
        family=FAMILY,
        symbols=data.symbols,
        venue=first.venue,
        market=first.market,
        frame=data.frame,
        horizon=data.spec.horizon,
        width=data.spec.width,
        label_hash=data.label_hash,
        feature_hash=data.feature_hash,
        features=sample.names,
        data_digest=data.digest,
        trained_from_ns=int(sample.start_ns[0]),
        trained_until_ns=until_ns,
        n_rows=len(sample),
        n_eff=facts.n_eff,
        rung=rung.name,
        size=rung.size,
        effective_dof=fitted.effective_dof,
        dof_budget=most_coefficients(ASSUMED_IC, facts.n_eff),
        share_up=fitted.share_up,
        parity=parity,
        mirror_error=mirror_error,
        is_mirrored=settings.mirror,
        calibrator=fitted.stack.calibrator.kind,
        calibration_slope=fitted.stack.calibrator.slope,
        scores=tuple(scores),
        learners=families,
        weights=fitted.stack.facts.weights,
        seed=settings.seed,
        trials=recipe.trials,
        created_ns=recipe.created_ns,
        code=recipe.code,
        libraries=recipe.libraries,
        files=hashes_of(files),
        meta_label=meta_label_of(fitted.meta_label),
        asleep=why_asleep(rung, facts, fitted, sample, settings),
    )
    return Version(card=card, files=files, stack=fitted.stack)


def meta_label_of(fitted: FittedMetaLabel) -> MetaLabel:
    """What the card says of the meta-label model."""
    return MetaLabel(
        model="none" if fitted.model is None else fitted.model.facts.family,
        n_rows=fitted.rows,
        n_eff=fitted.n_eff,
        base_rate=fitted.base,
        scores=(interval_score(WORTH_GAIN, OF_TRADES, fitted.gain), interval_score(WORTH_AUC, "probability", fitted.auc)),
        forced=fitted.forced,
    )


def embargo_of(data: DataSet, sample: Sample, settings: TrainingSettings) -> int:
    """Beside an inner test block: the horizon, or a share of the sample's span where that is longer, ns."""
    span = int(sample.start_ns[-1] - sample.start_ns[0]) if len(sample) else 0
    return max(data.spec.horizon * frame_ns(data.frame), int(settings.embargo_share * span))


def why_asleep(rung: Rung, facts: SampleFacts, fitted: FittedStack, sample: Sample, settings: TrainingSettings) -> str:
    """Why the version may not answer, "" where it may."""
    if rung.size == 0.0:
        years = int(sample.start_ns[-1] - sample.start_ns[0]) / YEAR_NS
        return climb_text(facts.n_eff, facts.n_eff / years if years > 0.0 else 0.0)
    if is_one_sided(fitted.share_up, settings):
        side, share = ("UP", fitted.share_up) if fitted.share_up > 0.5 else ("DOWN", 1.0 - fitted.share_up)
        return f"one-sided: {share:.0%} of its directional predictions are {side}"
    if not fitted.stack.calibrator.is_sound:
        return f"its leads point the wrong way: calibration slope {fitted.stack.calibrator.slope:.2f}"
    return ""


def is_one_sided(share_up: float, settings: TrainingSettings) -> bool:
    """Whether nearly all directional predictions name one side; a model that names none is not."""
    return share_up >= settings.most_one_sided or share_up <= 1.0 - settings.most_one_sided


def _checked(fitted: FittedStack, files: dict[str, bytes], sample: Sample) -> tuple[float, float]:
    """Largest differences between the stack and its unpacked self, asked row by row, and between mirrored rows and mirrored answers."""
    places = np.unique(np.linspace(0, len(sample) - 1, min(len(sample), _COMPARED)).astype(np.int64))
    rows = sample.rows[places]
    together = fitted.stack.predict(rows)
    served = unpack(files)
    alone = [served.predict(rows[place : place + 1]) for place in range(len(rows))]
    turned = served.predict(mirrored(rows))
    p, worth = (np.concatenate([getattr(one, name) for one in alone]) for name in ("p", "worth"))
    parity = max(fitted.parity, _difference(p, together.p), _difference(worth, together.worth))
    return parity, max(_difference(turned.p[:, ::-1], together.p), _difference(turned.worth, together.worth))


def _difference(one: Floats, other: Floats) -> float:
    """The largest one; numbers that both do not know are the same, and where only one does the difference is a whole probability."""
    gap = np.where(np.isnan(one) & np.isnan(other), 0.0, np.abs(one - other))
    return float(np.where(np.isnan(gap), 1.0, gap).max())
