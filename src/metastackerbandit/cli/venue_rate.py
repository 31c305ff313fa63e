"""A venue whose time runs faster than ours: limits of age are told in its time, and meant in ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metastackerbandit.domain.errors import ConfigRefused

if TYPE_CHECKING:
    from metastackerbandit.config.schema import Config

_AGES = (
    *("decision.max_book_age_s", "quality.stale_seconds", "quality.half_life_seconds", "quality.calm_seconds"),
    *("live.silence_s", "live.pong_s", "live.quiet_s", "live.kept_s", "live.sample_s", "live.behind_s", "live.overlap_s", "live.join_s"),
    *("live.failback_s", "health.every_s", "health.yellow_latency_ms", "health.red_latency_ms", "health.red_silence_s", "health.uptime_after_s"),
)  # limits of how old something may be
MOST_RATE = 60.0  # beyond it a frame of data covers more than limits of age allow
_GRACE_S = 0.25  # of ours, that trades may come late on a venue whose time runs faster


def at_rate(config: Config, rate: float) -> tuple[str, ...]:
    """What is set otherwise on a venue whose time runs `rate` times ours: limits of age in its time, so that they mean what they mean elsewhere."""
    if rate == 1.0:
        return ()
    if rate > MOST_RATE:
        what = f"the venue's time runs {rate:g} times ours, and a run follows {MOST_RATE:g} at most"
        raise ConfigRefused(what, where="--venue", mend=f"msb venue --speed {MOST_RATE:g}")
    changed = []
    for key in _AGES:
        table, _, name = key.partition(".")
        changed.append(f"{key}={getattr(getattr(config, table), name) * rate:g}")
    changed.append(f"health.yellow_rate={config.health.yellow_rate / rate:g}")
    return (*changed, f"bars.grace_s={min(max(config.bars.grace_s, _GRACE_S * rate), 60.0):g}")
