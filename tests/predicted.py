"""Predictions for tests, generated from a seed: of no model, and never shown as any."""

from __future__ import annotations

import numpy as np

from metastackerbandit.domain.kernel import layout
from metastackerbandit.domain.prediction import FAILED, Prediction
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.timeframe import frame_name, frame_ns
from metastackerbandit.market.frames import frame_bars
from metastackerbandit.risk.settings import RiskSettings

UNRESTED = RiskSettings(max_loss_streak=1_000, max_excess_loss=1_000.0)  # predictions by lot lose, and would soon be given a rest


def predictions_of(
    recording: Recording,
    frame: str,
    seed: int,
    *,
    silent: float = 0.1,
    missing: float = 0.05,
    latency_ns: int = 0,
    edge_bps: float = 60.0,
    barrier_bps: float = 80.0,
    horizon: int = 6,
    others: tuple[str, ...] = (),
) -> tuple[np.ndarray, ...]:
    """One array a symbol: random beliefs about every closed bar of the frame (and of the `others`), some silent, some missing."""
    return tuple(
        _symbol(recording, s, frame, seed * 31 + s, silent, missing, latency_ns, edge_bps, barrier_bps, horizon, others)
        for s in range(len(recording.bars))
    )


def _symbol(
    recording: Recording,
    s: int,
    frame: str,
    seed: int,
    silent: float,
    missing: float,
    latency_ns: int,
    edge_bps: float,
    barrier_bps: float,
    horizon: int,
    others: tuple[str, ...],
) -> np.ndarray:
    rng = np.random.default_rng(seed)
    parts = []
    for name in (*others, frame):
        bars = frame_bars(recording.bars[s], recording.base_ns, frame_ns(name))
        found = np.zeros(len(bars), layout(Prediction))
        lead = rng.uniform(-0.5, 0.5, len(bars))
        found["instrument"], found["frame_ns"] = s, frame_ns(name)
        found["closed_ns"], found["at_ns"] = bars["closed_ns"], bars["known_ns"] + latency_ns
        found["p_flat"] = 0.3
        found["p_up"], found["p_down"] = 0.35 + lead / 2, 0.35 - lead / 2
        found["long_bps"], found["short_bps"] = lead * edge_bps, -lead * edge_bps
        found["error_bps"], found["barrier_bps"], found["horizon"] = 5.0, barrier_bps, horizon
        found["credibility"], found["size_scale"] = rng.uniform(0.02, 1.0, len(bars)), 0.5
        imagine_p_values(found)
        asleep = rng.random(len(bars)) < silent
        found["silence"][asleep] = FAILED
        for number in ("p_down", "p_flat", "p_up", "long_bps", "short_bps", "error_bps", "barrier_bps", "credibility", "size_scale"):
            found[number][asleep] = np.nan
        for number in ("p_value_down", "p_value_flat", "p_value_up"):
            found[number][asleep] = np.nan
        parts.append(found[rng.random(len(bars)) >= missing])
    rows = np.concatenate(parts)
    return rows[np.lexsort((-rows["frame_ns"], rows["at_ns"]))]


def foresight(recording: Recording, *, horizon: int = 6, barrier_bps: float = 80.0, right: bool = True) -> tuple[np.ndarray, ...]:
    """Predictions of the base frame that know the next bars (or their opposite): what a perfect, or a perfectly wrong, source would say."""
    told = predictions_of(recording, _base_name(recording), 0, silent=0.0, missing=0.0, barrier_bps=barrier_bps, horizon=horizon)
    for s, rows in enumerate(told):
        closes = recording.bars[s]["close"].astype(np.float64)
        ahead = np.concatenate((closes[horizon:], np.full(horizon, closes[-1])))
        side = np.sign(ahead - closes) * (1.0 if right else -1.0)
        rows["p_up"], rows["p_down"], rows["p_flat"] = 0.45 + 0.35 * side, 0.45 - 0.35 * side, 0.1
        rows["long_bps"], rows["short_bps"], rows["credibility"] = 50.0 * side, -50.0 * side, 0.5
        imagine_p_values(rows)
    return told


def imagine_p_values(rows: np.ndarray) -> None:
    """Conformal p-values that fall fast with a class's lead on the likeliest, which has the credibility; and the set at the level 0.2."""
    most = np.maximum(np.maximum(rows["p_down"], rows["p_flat"]), rows["p_up"])
    rows["worth"] = np.nan
    rows["conformal_set"] = 0
    for bit, name in ((1, "down"), (2, "flat"), (4, "up")):
        rows[f"p_value_{name}"] = rows["credibility"] * (rows[f"p_{name}"] / most) ** 4
        rows["conformal_set"] += bit * (rows[f"p_value_{name}"] > 0.2)


def _base_name(recording: Recording) -> str:
    return frame_name(recording.base_ns)
