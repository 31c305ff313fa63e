"""Configurations drawn at random from the schema itself, so that a new key is covered by being there."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from metastackerbandit.config.outline import keys
from metastackerbandit.config.schema import Config, ThresholdWaiver
from metastackerbandit.config.scopes import Scope
from metastackerbandit.decision.profiles import PROFILES
from metastackerbandit.decision.settings import REGIMES
from metastackerbandit.domain.timeframe import FRAMES, frame_ns

TEXTS = st.text("aZ0 \"'\\#=[]{}.,\n\t\r\x00\x7f\x85\u2028é—😀", max_size=12)  # what a quoting rule could get wrong
AMOUNTS = st.decimals("0.00000001", "1000000", places=8).map(lambda amount: format(amount, "f"))
ARMS = (*Config().arms.__struct_fields__, "model", "aligned")
_ORDERED = (
    ("arms.sma_cross.fast", "arms.sma_cross.slow"),
    ("arms.ema_cross.fast", "arms.ema_cross.slow"),
    ("market.fast_volatility_days", "market.slow_volatility_days"),
    ("decision.min_volatility", "decision.max_volatility"),
)
FREE = ("decision.min_alpha", "decision.min_model_signal_buy", "exits.stop_bps", "alignment.rules.halving", "risk.max_symbol_exposure")  # of no pair


def _special() -> dict[str, st.SearchStrategy[Any]]:
    """Keys whose meaning is narrower than their type."""
    return {
        "run.frames": st.lists(st.sampled_from([*FRAMES]), min_size=1, max_size=3, unique=True).map(tuple),
        "run.arm": st.sampled_from([*ARMS, "posterior", "auto"]),
        "run.arms": st.lists(st.sampled_from(ARMS), unique=True, min_size=2, max_size=4).map(tuple),
        "run.higher_frames": st.lists(st.sampled_from(list(FRAMES)), max_size=3).map(tuple),
        **{f"alignment.{name}": st.just(getattr(Config().alignment, name)) for name in ("frames", "weights", "agreement", "slow")},
        "run.symbols": st.lists(TEXTS.filter(str.strip), unique=True, max_size=3).map(tuple),
        "run.profile": st.sampled_from(list(PROFILES)),
        "decision.allowed_regimes": st.lists(st.sampled_from(REGIMES), unique=True, min_size=1).map(tuple),
        "decision.thresholds": st.just("stricter"),
        **{f"decision.min_confidence{side}": st.none() | st.floats(0.501, 1) for side in ("", "_buy", "_sell")},
        **{f"costs.{name}_bps": st.floats(0, 50) for name in ("taker_fee", "half_spread", "slippage")},
        "risk.max_symbol_exposure": st.floats(0.01, 1),
        "risk.max_gross_exposure": st.floats(1, 20),
        "risk.max_daily_loss": st.floats(0.001, 0.1),
        "risk.max_drawdown": st.floats(0.1, 1),
        "posterior.stay": st.floats(0, 0.5),
        "posterior.enter": st.floats(0.7, 0.99),
        "cob.bucket": st.dictionaries(TEXTS, st.floats(1e-6, 1e9), max_size=3),
        "run.pace": st.floats(0, 1e6),
        "account.currency": st.sampled_from(["USDT", "BTC", "EUR"]),
        "account.deposit": AMOUNTS,
        "sizing.notional": AMOUNTS,
        "sizing.quantity": AMOUNTS,
        **{f"keys.{venue}.perp": st.sampled_from(["", "env:A_KEY,A_SECRET", "file:/a key"]) for venue in ("binance", "loopback")},
    }


@cache
def values(name: str) -> st.SearchStrategy[Any]:
    """Values that a key takes by itself."""
    special = _special()
    return special[name] if name in special else _of_type(inspect.type_info(keys()[name].annotation))


@st.composite
def written_values(draw: Callable[..., Any]) -> dict[str, Any]:
    """Some keys with values that go together, by dotted name."""
    chosen = draw(st.sets(st.sampled_from(list(keys()))))
    drawn = {name: draw(values(name)) for name in keys() if name in chosen}
    for low, high in _ORDERED:
        if low in drawn or high in drawn:
            pair = sorted(draw(st.tuples(values(low), values(high)).filter(lambda two: two[0] != two[1])))
            drawn[low], drawn[high] = (pair[0], max(pair[1], 0.5)) if "volatility" in low else pair
    if "run.higher_frames" in drawn:
        own = min(frame_ns(name) for name in drawn.get("run.frames", Config().run.frames))
        drawn["run.higher_frames"] = tuple(name for name in drawn["run.higher_frames"] if frame_ns(name) > own)
    return drawn


@st.composite
def overrides(draw: Callable[..., Any]) -> dict[str, Any]:
    """Some values of frames and symbols that go with any base, by dotted name."""
    scopes = draw(st.lists(st.sampled_from([Scope("", "5m"), Scope("", "1h"), Scope("BTCUSDT", ""), Scope("BTC/USDT", "5m")]), unique=True))
    chosen: dict[str, Any] = {}
    for scope in scopes:
        for name in sorted(draw(st.sets(st.sampled_from(FREE), max_size=4))):
            value = draw(values(name))
            if value is not None:  # unset: as if not written
                chosen[f"{scope.prefix}.{name}"] = value
        if not scope.symbol and draw(st.booleans()):
            chosen[f"{scope.prefix}.profile"] = draw(values("run.profile"))
    return dict(sorted(chosen.items()))


@st.composite
def configs(draw: Callable[..., Any]) -> Config:
    """A configuration that the checks accept."""
    waivers = draw(
        st.lists(st.builds(ThresholdWaiver, st.sampled_from(FREE), st.dates(), st.sampled_from(["a test", "until the refit"])), max_size=2)
    )
    return msgspec.structs.replace(built(draw(written_values())), overrides=draw(overrides()), waivers=tuple(waivers))


def built(values_by_name: dict[str, Any]) -> Config:
    """The configuration with these values."""
    nested: dict[str, Any] = {}
    for name, value in values_by_name.items():
        inner = nested
        *above, field = name.split(".")
        for part in above:
            inner = inner.setdefault(part, {})
        inner[field] = value
    return msgspec.convert(nested, Config)


def _of_type(kind: inspect.Type) -> st.SearchStrategy[Any]:
    if isinstance(kind, inspect.UnionType):
        return st.one_of([_of_type(member) for member in kind.types])
    if isinstance(kind, inspect.LiteralType):
        return st.sampled_from(kind.values)
    if isinstance(kind, inspect.FloatType):
        low = kind.gt if kind.gt is not None else kind.ge
        high = kind.lt if kind.lt is not None else kind.le
        return st.floats(low, high, exclude_min=kind.gt is not None, exclude_max=kind.lt is not None, allow_nan=False, allow_infinity=False)
    if isinstance(kind, inspect.IntType):
        return st.integers(kind.ge, kind.le if kind.le is not None else 2**63 - 1)
    if isinstance(kind, inspect.VarTupleType):
        return st.lists(_of_type(kind.item_type), max_size=3).map(tuple)
    if isinstance(kind, inspect.TupleType):
        return st.tuples(*map(_of_type, kind.item_types))
    if isinstance(kind, inspect.BoolType):
        return st.booleans()
    return st.none() if isinstance(kind, inspect.NoneType) else TEXTS
