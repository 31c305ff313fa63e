"""A version knows nothing of what comes after it, and no prediction of what comes after that: the whole way, with one future and another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metastackerbandit.domain.quality import time_text
from metastackerbandit.training.leakage.finding import Checked, Finding
from metastackerbandit.training.leakage.past import judge_past
from metastackerbandit.training.leakage.pipeline import Market, Pipeline
from metastackerbandit.training.leakage.poison import Manner, poisoned
from metastackerbandit.training.leakage.settings import LeakageSettings
from metastackerbandit.training.leakage.watch import Watch, Watched, of_structs

_FIRST, _LAST = 0.5, 0.8  # of the candles: moments of the first and the last version examined
_MANNERS = (Manner.ENDS, Manner.OTHER)
_MEND = "let a version see only rows whose label was known when it was fitted, weighed as of then"


def judge_versions(pipeline: Pipeline, markets: Sequence[Market], settings: LeakageSettings, seed: int) -> Checked:
    """Fit at some moments, from candles to packed files, with the recorded future and with others."""
    assert pipeline.version is not None
    findings, length = [], 0
    for place, until_ns in enumerate(_moments(markets[0], settings.versions)):
        base = pipeline.version(markets, until_ns, seed)
        length += len(base)
        manner = _MANNERS[place % len(_MANNERS)]
        other = pipeline.version(tuple(poisoned(market, until_ns, manner, seed) for market in markets), until_ns, seed)
        if other != base:
            after = "there are none" if manner is Manner.ENDS else "they are others"
            told = f"the version fitted at {time_text(until_ns)} is another when of the candles after it {after}"
            findings.append(Finding("versions", told, {"until_ns": float(until_ns), "bytes": float(len(base))}, _MEND))
    what = f"versions fitted at {settings.versions} moments are the same to the byte whatever comes after them"
    return Checked("versions", what, {"versions": float(settings.versions), "bytes": float(length)}, tuple(findings))


def judge_predictions(pipeline: Pipeline, market: Market, settings: LeakageSettings, seed: int) -> Checked:
    """Fit versions at some moments, let them answer every bar, and replace the future at others: answers known by then stay."""
    predict = pipeline.predict
    assert predict is not None
    moments = _moments(market, settings.versions)

    def answers(pipeline: Pipeline, market: Market) -> Watched:
        rows = predict(market, moments, seed)
        columns = tuple(rows.dtype.names or ())
        return Watched(rows["closed_ns"].astype(np.int64), rows["at_ns"].astype(np.int64), of_structs(rows, columns), columns)

    watch = Watch("predictions", "predictions", "column {column} of the prediction", answers, _MEND, may_end=False)
    answered = market.candles["known_ns"][market.candles["known_ns"] >= moments[0]]  # before it there is no version to answer
    cuts = np.sort(np.random.default_rng(seed).choice(answered[:-1], settings.prediction_cuts, replace=False)).astype(np.int64)
    return judge_past(pipeline, market, watch, settings, seed, cuts=cuts)


def _moments(market: Market, count: int) -> tuple[int, ...]:
    """Moments (ns) at which versions are fitted, on candles' closes."""
    known = market.candles["known_ns"]
    shares = [_FIRST + (_LAST - _FIRST) * place / max(count - 1, 1) for place in range(count)]
    return tuple(int(known[int(share * (len(known) - 1))]) for share in shares)
