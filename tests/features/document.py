"""docs/features.md from the catalog: run `python -m tests.features.document` after a change; a test holds the two equal."""

from __future__ import annotations

from pathlib import Path

from metastackerbandit.domain.timeframe import FRAMES, frame_name
from metastackerbandit.features.catalog import FAMILIES, FEATURES, fingerprint, warm_up
from metastackerbandit.features.higher import HIGHER, WEEK_NS
from metastackerbandit.features.spec import Family, FeatureSpec

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "features.md"

_HEAD = """# Features

Numbers that a model may look at when a bar closes. The tables are made from the catalog (`features/catalog.py`); a test holds them equal.

- **One step, two speeds.** Each family is a kernel taken once a bar; history is that step repeated, and a stream gives the same bits.
- **Past only.** A value uses bars closed at or before its own close, pivots from their confirmation, a higher frame's bars once they
  have closed, settlements before the instant at which the bar was known.
- **No units of the venue.** Prices enter as differences of logs, volumes as ratios; neither tick nor lot changes a value.
- **Valid or NaN.** A column is NaN in its warm-up, where its input is absent, and where it would divide by nothing; nothing is filled.
- **Parity** says what mirroring the market (prices p -> C / p, buyers and sellers exchanged) does: `odd` changes sign, `even` stays,
  `swap` exchanges with its partner. `features/mirror.py` applies it.
- **Averages** of a span are plain means until the span's half is seen, then exponential with share 2 / (span + 1); valid after `span`
  observations. Windows are summed afresh, or kept as exact integer sums, so that nothing drifts.
- **sigma** is the root of the average squared log return, span 48, the newest in it, so that a column in sigmas cannot be huge (|mom_1| < 5);
  it is not valid while the last 48 returns were all zero.
- **The book** is heard by the second (`domain/seconds.py`), and what was known of it when the bar was known counts. A column of the book is
  valid after as many seconds as its warm-up says (`10 s`), and while the newest second is at most 10 s old;
  after 60 seconds without a book that could be trusted all that was heard starts anew. Flow columns wait for trades.
- **Holes.** Windows count bars, not time. After more than 48 missing bars in a row all memory but that of funding and of the book starts anew.
- **Warm-up** counts bars, the newest included. Columns of the higher frame need that many closed bars of it (`x6`); pivots come when the
  market makes them, and their number is the fewest bars in which they can.
"""

_TAIL = """
## The predecessors' columns

| theirs | what was wrong | here |
|---|---|---|
| mom_1 | nothing but its unit | `mom_1`, in sigmas; plain: `log_return_1` |
| mom_3 | spanned two bars | `mom_3` spans three; plain: `log_return_3` |
| mr_ema20_z | divided by another scale (values of 2e5), then over a changing window | `mr_ema20_z`, over its own root mean square |
| rv_1h | 11 returns, and an hour only on 5m bars | `rv_12`: 12 returns, named in bars |
| regime_high_vol | needed a median whose length changed live | `regime_high_vol`: fast volatility against slow, both averages |
| gk_volatility | one bar: a noise of 60 % | `gk_volatility`: average of span 12 |
| jump_magnitude | a copy of abs(mom_1) | `jump_magnitude` against bipower volatility; `jump_signed`, `jump_share` |
| volume_intensity | mean over a window that shrank in the warm-up | `volume_intensity` |
| price_efficiency | abs(mom_1) over the bar's range: could exceed 1 | `price_efficiency`: way made good over way travelled |
| price_volume_corr | kept its last valid value when there was none | `price_volume_corr`, NaN when there is none |
| vwap_momentum | a copy of mom_3 | `vwap_momentum`: the price against a volume-weighted average |
| funding_rate | 0 in training, real when live | `funding_rate`, NaN where no settlement is known |
| funding_momentum_1h | less the mean of 12 copies of itself | `funding_momentum`: less the mean of 72 hours of settlements |
| depth_proxy | the constant 0 | `queue_imbalance_1` to `_20`, `depth_ratio`, `bid_depth_slope`: of the book |
| S_top, S_bot, flow_diff | the constant 0 in training | wait for the cohorts' fills; nothing stands in for them |

`taker_imbalance`, `taker_flow_12` and `taker_flow_48` tell who took among all traders; they are not the cohorts' flow_diff.

## Range estimators and discreteness

Parkinson, Garman-Klass and Rogers-Satchell assume a price seen all the time. One seen n times a bar misses part of its range: about
1.17 / sqrt(n) sigma (twice 0.5826, Broadie, Glasserman and Kou 1997), so with 4,000 steps a bar sigma comes out about 1 % low, with
100 it is 7 to 10 % (measured in `tests/features/test_range.py`).
"""


def _row(family: Family, spec: FeatureSpec) -> str:
    later = " or later" if spec.is_event else ""
    warm = f"x{spec.higher_bars}, {spec.look_back}" if spec.higher_bars else f"{spec.look_back}{later}"
    warm = f"{spec.seconds} s{later}" if spec.needs == "book" else warm
    parity = f"swap ({spec.partner})" if spec.partner else spec.parity
    was = f" (was {spec.formerly})" if spec.formerly else ""
    return f"| {spec.name} | {spec.meaning}{was} | {spec.unit} | {parity} | {spec.needs} | {warm} | {spec.source} |"


def _higher() -> str:
    return ", ".join(f"{frame_name(frame)} {'7d' if above == WEEK_NS else frame_name(above)}" for frame, above in HIGHER.items())


def text() -> str:
    """The whole document."""
    warm = ", ".join(f"{name} {warm_up(frame)}" for name, frame in FRAMES.items())
    parts = [_HEAD, f"\n{len(FEATURES)} features, fingerprint `{fingerprint()}`. Warm-up in bars: {warm}. Higher frame: {_higher()}.\n"]
    for family in FAMILIES:
        parts.append(f"\n## {family.name} (revision {family.revision})\n\n")
        parts.append("| feature | meaning | unit | parity | needs | warm-up | source |\n|---|---|---|---|---|---|---|\n")
        parts.extend(_row(family, spec) + "\n" for spec in family.specs)
    return "".join((*parts, _TAIL))


if __name__ == "__main__":
    DOCUMENT.write_text(text())
