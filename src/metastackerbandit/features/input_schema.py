"""The standard model input, block by block: its table is the only place where a block's shape, unit and meaning are written."""

from __future__ import annotations

from metastackerbandit.domain.input_schema import Block, InputSchema
from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS
from metastackerbandit.features.catalog import NAMES, fingerprint
from metastackerbandit.market.cob import AVERAGED, COLUMNS
from metastackerbandit.market.pivots import LEVELS

FRAMES = 300  # of each block along time, and seconds that the consolidated book keeps
FRAMES_NS = (SECOND_NS, MINUTE_NS, HOUR_NS, DAY_NS)  # of the blocks of bars
BARS = ("bars_1s", "bars_1m", "bars_1h", "bars_1d")
INDICATED = 1  # which of them the indicators are of: bars of a minute
HEAT_RADIUS = 10  # buckets on each side that the heatmap shows
MODELS = 8  # models whose last words have a place
HIDDEN = 64  # of a hidden state: the vector before the heads of the order-book network

_BAR = ("log_return", "range", "volume", "flow", "age", "present")
_REFERENCE = ("log_return", "volume", "flow", "imbalance", "ofi")
_COB = ("volume", "change", "traded", "standing")
_MICRO = ("log_return", "spread", "imbalance", "flow", "volume", "trades", "ofi", "queue", "depth", "pulled")
_PIVOT = ("high", "high_age", "prior_high", "prior_high_age", "low", "low_age", "prior_low", "prior_low_age", "trend")
_SAID = ("p_down", "p_flat", "p_up", "long", "short", "error", "age")
_WARM = "before 30 of its kind were seen"


def _bars(name: str, length: str) -> Block:
    """One frame's bars, of the clock."""
    meaning = (
        f"bars of {length}, one row for each of the clock's last 300 that may be known; log return and log(high / low) in sigmas of earlier bars; "
        "log1p of the volume in quote currency as z-score of earlier ones; takers' buying less selling over the volume; age since the opening in "
        "300 frames; 1 where there is a bar"
    )
    absent = f"no bar was made or heard whole, or no bar before it (log return); {_WARM}; age and present are always known"
    return Block(name, ("time", "channel"), (FRAMES, 6), "sigma, share", meaning, absent, _BAR, FRAMES, "range", odd=("log_return", "flow"))


SCHEMA = InputSchema(
    2,
    (
        *(_bars(name, length) for name, length in zip(BARS, ("a second", "a minute", "an hour", "a day"), strict=True)),
        Block(
            "reference_1s",
            ("time", "channel"),
            (FRAMES, len(_REFERENCE)),
            "sigma, share",
            "the reference instrument's (BTC) bars of a second, as in bars_1s, and of the same second the imbalance of its book at the end and the "
            "order-flow imbalance, as in micro",
            "for the reference itself, so that no model sees its target twice; else as in bars_1s and micro",
            _REFERENCE,
            FRAMES,
            "log_return",
            odd=("log_return", "flow", "imbalance", "ofi"),
        ),
        Block(
            "cob",
            ("channel", "time", "bucket"),
            (len(_COB), FRAMES, COLUMNS),
            "sigma, log",
            "the consolidated book by second and bucket (-20 .. 20 around the middle): log1p of what rests, in quote currency, as z-score of "
            "the column's earlier seconds; its change since the second before in the same absolute bucket, in the same sigmas; what takers bought "
            "less sold in it, sign x log1p in units of what usually rests in a bucket; log1p of the seconds (at most 300) that something has rested "
            "in it, and in the middle's column log1p of the number of trades",
            f"the second's book could not be trusted, the snapshot did not reach so far, or {_WARM}; without the bucket's second before (change), "
            "without trades or their sides (traded)",
            _COB,
            FRAMES,
            "volume",
            odd=("traded",),
        ),
        Block(
            "cob_averages",
            ("channel",),
            (len(AVERAGED),),
            "-1..1",
            "imbalance of the buckets within 5 of the middle, means of the last 1, 5, 15 and 60 seconds that are known",
            "none of these seconds is known",
            tuple(f"average_{seconds}" for seconds in AVERAGED),
            odd=tuple(f"average_{seconds}" for seconds in AVERAGED),
            low=-1.0,
            high=1.0,
        ),
        Block(
            "heatmap",
            ("time", "price"),
            (FRAMES, 2 * HEAT_RADIUS + 1),
            "-1..1",
            "imbalance (bid - ask) / (bid + ask) by second and bucket, 10 on each side of the middle (docs/heatmaps.md)",
            "nothing rests in the bucket, or the second's book could not be trusted",
            frames=FRAMES,
            odd=("all",),
            low=-1.0,
            high=1.0,
        ),
        Block(
            "mids", ("time",), (FRAMES,), "bps", "log of the middle price over the newest one, by second", "as heatmap", frames=FRAMES, odd=("all",)
        ),
        Block(
            "micro",
            ("time", "channel"),
            (FRAMES, len(_MICRO)),
            "sigma, share, log",
            "by second: log return of the middle in sigmas of earlier ones; log of the spread over that sigma; imbalance of the buckets within 5; "
            "what takers bought less sold over both; log1p of the value traded as z-score; log1p of the number of trades; order-flow "
            "imbalance of the best level over what rests on the nearest 5; bids less asks over both, on the best level and on the nearest 20; what "
            "was pulled on the nearest 20 without a trade, bids less asks, as log (domain/seconds.py)",
            f"the second's book could not be trusted (the first three), its trades were not heard throughout (the rest), none was "
            f"made (flow), nobody tells seconds of the book (the last four), or {_WARM}",
            _MICRO,
            FRAMES,
            "log_return",
            odd=("log_return", "imbalance", "flow", "ofi", "queue", "depth", "pulled"),
        ),
        Block(
            "indicators",
            ("feature",),
            (len(NAMES),),
            "docs/features.md",
            f"the features of the newest closed bar of a minute, in the order of the catalog {fingerprint()}",
            "a feature is not valid, or no bar has closed in the last two minutes",
        ),
        Block(
            "pivots",
            ("level", "channel"),
            (LEVELS, len(_PIVOT)),
            "sigma of its swing, log, -1 0 1",
            "the newest two swing highs and lows of each level on bars of a second, from their confirmation: log of the pivot over the close, in "
            "sigma times 2^level; log1p of the seconds since it stood; trend: 1 where the last high and low are higher than those before, -1 where "
            "lower, else 0",
            f"the market has not made it yet, or {_WARM}",
            _PIVOT,
            odd=(*(name for name in _PIVOT if not name.endswith("age")),),
            partners=tuple((name, name.replace("high", "low")) for name in _PIVOT if "high" in name),
        ),
        Block(
            "predictions",
            ("model", "channel"),
            (MODELS, len(_SAID)),
            "probability, %, log",
            "what other models said last, strictly before now: probabilities of the label's classes, expected gross returns of a long and a short "
            "and their error in % of the price, log1p of the seconds since",
            "no such model, it has not spoken yet, or it is asleep",
            _SAID,
            partners=(("p_down", "p_up"), ("long", "short")),
        ),
        Block(
            "hidden",
            ("model", "unit"),
            (MODELS, HIDDEN),
            "the model's",
            "the hidden state that a model exported with its last word; one that is shorter than 64 leaves the rest unknown",
            "as predictions, or the model exports none; in a mirrored input, since only the model could say what it would have been",
            mirrors=False,
        ),
        Block(
            "funding",
            ("channel",),
            (3,),
            "bps, bps, share of 8 h",
            "rate of the next settlement, mark price over index price, time until that settlement",
            "not a perpetual, or nothing newer than a minute (basis) or than the settlement (rate) was told",
            ("rate", "basis", "until"),
            odd=("rate", "basis"),
        ),
        Block(
            "calendar",
            ("channel",),
            (4,),
            "-1..1",
            "sine and cosine of the time of day, and of the time of week from Monday, UTC, at the time of the input",
            "never",
            ("day_sin", "day_cos", "week_sin", "week_cos"),
            low=-1.0,
            high=1.0,
        ),
    ),
)
