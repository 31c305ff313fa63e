"""Values that are fine alone but contradict each other, or name something that does not exist."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation

from metastackerbandit.config.books import book_config, layers, own_scopes
from metastackerbandit.config.key_references import is_reference
from metastackerbandit.config.outline import value_at
from metastackerbandit.config.problems import Contradiction, closest, shown
from metastackerbandit.config.schema import Config
from metastackerbandit.config.scopes import EVERYWHERE, PROFILE, Scope, split
from metastackerbandit.config.threshold_checks import THRESHOLD_CHECKS
from metastackerbandit.config.waivers import waived
from metastackerbandit.decision.profiles import PROFILES
from metastackerbandit.domain.errors import ConfigRefused, InstrumentRefused
from metastackerbandit.domain.timeframe import FRAMES, frame_ns
from metastackerbandit.stacking.settings import AUTO, OPINION_ARMS, POSTERIOR

_MOST_DIGITS = 18  # what 64-bit money can hold
_SURELY_EXACT = Decimal(1_000_000)  # below it, with eight decimals or fewer, an amount fits the money of every currency


def contradictions(config: Config) -> list[Contradiction]:
    """Everything that the checks find: in the base, and in what any frame or symbol makes of it; what is waived is left out."""
    found = [*_profiles_exist(config), *(problem for check in CHECKS for problem in check(config))]
    said = {problem.what for problem in found}
    for scope in (EVERYWHERE, *own_scopes(config)):
        found += _brought_by(config, scope, said)
    return [problem for problem in found if not (problem.waivable and waived(config, problem.keys[0]))]


def _brought_by(config: Config, scope: Scope, said: set[str]) -> list[Contradiction]:
    """What the checks find in the configuration of a scope and have not `said` yet, under the names that brought each value."""
    book = book_config(config, scope.symbol, scope.frame)
    fresh = [problem for check in CHECKS for problem in check(book) if problem.what not in said] if book != config else []
    brought = {layer.key: layer.name for layer in layers(config, scope.symbol, scope.frame)} if fresh else {}
    found = []
    for problem in fresh:
        said.add(problem.what)
        named = sorted((brought.get(key, key) for key in problem.keys), key=lambda name: name in problem.keys)
        found.append(Contradiction(tuple(named), f"{problem.what} (for {scope})", problem.mend, problem.waivable))
    return found


def _profiles_exist(config: Config) -> Iterator[Contradiction]:
    named = {"run.profile": config.run.profile, **{name: value for name, value in config.overrides.items() if split(name)[1] == PROFILE}}
    for key, name in named.items():
        if name not in PROFILES:
            meant = closest(name, PROFILES)
            yield Contradiction((key,), f"unknown profile {name!r}", f'did you mean "{meant}"?' if meant else f"use one of {', '.join(PROFILES)}")


def _frames_exist(config: Config) -> Iterator[Contradiction]:
    for key, names in (("run.frames", config.run.frames), ("run.higher_frames", config.run.higher_frames)):
        for name in names:
            try:
                frame_ns(name)
            except ConfigRefused as error:
                meant = closest(name, FRAMES)
                yield Contradiction((key,), error.what, f'did you mean "{meant}"?' if meant else error.mend)
    frames = config.run.frames
    if not frames:
        yield Contradiction(("run.frames",), "no frame is named", 'name one or more, such as ["5m"]')
    elif len(set(frames)) != len(frames):
        yield Contradiction(("run.frames",), "run.frames names a frame twice", "name each frame once")


def _arm_exists(config: Config) -> Iterator[Contradiction]:
    arms = (*config.arms.__struct_fields__, *OPINION_ARMS)
    for key, given, known in (("run.arm", (config.run.arm,), (*arms, POSTERIOR, AUTO)), ("run.arms", config.run.arms, arms)):
        for name in given:
            if name not in known:
                meant = closest(name, known)
                yield Contradiction((key,), f"unknown arm {name!r}", f'did you mean "{meant}"?' if meant else f"use one of {', '.join(known)}")


def _arms_are_several_and_unlike(config: Config) -> Iterator[Contradiction]:
    arms = config.run.arms
    if len(set(arms)) != len(arms):
        yield Contradiction(("run.arms",), "run.arms names an arm twice: two votes for one opinion", "name each arm once")
    elif config.run.arm == POSTERIOR and len(arms) < 2:
        yield Contradiction(("run.arms",), "there is nothing to choose among", "name two arms or more, or run one with run.arm")


def _frames_are_higher(config: Config) -> Iterator[Contradiction]:
    lengths = [FRAMES[name] for name in config.run.frames if name in FRAMES]
    for name in config.run.higher_frames:
        if name in FRAMES and lengths and FRAMES[name] <= min(lengths):
            what = f"run.higher_frames names {name}, which is not above any of run.frames = {', '.join(config.run.frames)}"
            yield Contradiction(("run.higher_frames",), what, "name frames above the decision's own")


def _symbols_are_named_once(config: Config) -> Iterator[Contradiction]:
    symbols = config.run.symbols
    if any(not symbol.strip() for symbol in symbols):
        yield Contradiction(("run.symbols",), "run.symbols holds an empty name", "remove it; an empty list takes every symbol")
    repeated = sorted({symbol for symbol in symbols if symbols.count(symbol) > 1})
    if repeated:
        yield Contradiction(("run.symbols",), f"run.symbols names {', '.join(repeated)} more than once", "name each symbol once")


def _pace_runs_forward(config: Config) -> Iterator[Contradiction]:
    if config.run.pace < 0:
        yield Contradiction(("run.pace",), f"run.pace = {config.run.pace}, but it takes a number of at least 0", "0 is as fast as it goes")


def _fast_is_shorter_than_slow(config: Config) -> Iterator[Contradiction]:
    for arm in ("sma_cross", "ema_cross"):
        lengths = getattr(config.arms, arm)
        if lengths.fast >= lengths.slow:
            fast, slow = f"arms.{arm}.fast", f"arms.{arm}.slow"
            what = f"{fast} = {lengths.fast} is not below {slow} = {lengths.slow}: the averages would never cross"
            yield Contradiction((fast, slow), what, f"choose {fast} below {lengths.slow}, or a longer {slow}")


def _half_lives_are_ordered(config: Config) -> Iterator[Contradiction]:
    fast, slow = config.market.fast_volatility_days, config.market.slow_volatility_days
    if fast > slow:
        what = f"market.fast_volatility_days = {fast} is above market.slow_volatility_days = {slow}"
        yield Contradiction(("market.fast_volatility_days", "market.slow_volatility_days"), what, "exchange the two, or make them equal")


def _volatility_band_is_open(config: Config) -> Iterator[Contradiction]:
    low, high = config.decision.min_volatility, config.decision.max_volatility
    if low > high:
        what = f"decision.min_volatility = {low} is above decision.max_volatility = {high}: no market could pass both gates"
        yield Contradiction(("decision.min_volatility", "decision.max_volatility"), what, "lower the minimum or raise the maximum")


def _currency_is_named(config: Config) -> Iterator[Contradiction]:
    if not config.account.currency.isalnum():
        yield Contradiction(("account.currency",), f"account.currency = {config.account.currency!r} names no currency", 'write a code such as "USDT"')


def _amounts_are_positive(config: Config) -> Iterator[Contradiction]:
    for name in ("account.deposit", "sizing.notional", "sizing.quantity"):
        text = value_at(config, name)
        try:
            amount = Decimal(text)
        except InvalidOperation:
            yield Contradiction((name,), f"{name} = {shown(text)} is not a decimal number", 'write a plain amount such as "1000.50"')
            continue
        if not amount.is_finite() or amount <= 0:
            yield Contradiction((name,), f"{name} = {shown(text)} is not above 0", "write a positive amount")
        elif abs(amount.adjusted()) > _MOST_DIGITS or len(amount.as_tuple().digits) > _MOST_DIGITS:
            yield Contradiction((name,), f"{name} = {shown(text)} is too large or too fine for money", "write a plain amount")
        elif name != "sizing.quantity":
            yield from _amount_is_exact(name, text, amount, config.account.currency)


def _amount_is_exact(name: str, text: str, amount: Decimal, currency: str) -> Iterator[Contradiction]:
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -8 and amount < _SURELY_EXACT:
        return
    from metastackerbandit.domain.money import money_of  # compiles kernels on import, and is needed for rare amounts only

    try:
        money_of(text, currency)
    except InstrumentRefused as error:
        yield Contradiction((name, "account.currency"), f"{name}: {error.what}", error.mend)


def _keys_are_references(config: Config) -> Iterator[Contradiction]:
    """What stands there instead may be a secret: it is not shown."""
    for venue in ("binance", "loopback"):
        name = f"keys.{venue}.perp"
        if value_at(config, name) and not is_reference(value_at(config, name)):
            mend = 'write "env:NAME_OF_KEY,NAME_OF_SECRET" (upper-case names of variables) or "file:/path"; if it was a key or secret, make a new one'
            yield Contradiction((name,), f"{name} is no reference to a key (what it is is not shown)", mend)


CHECKS: tuple[Callable[[Config], Iterator[Contradiction]], ...] = (
    _frames_exist,
    _arm_exists,
    _arms_are_several_and_unlike,
    _frames_are_higher,
    _symbols_are_named_once,
    _pace_runs_forward,
    _fast_is_shorter_than_slow,
    _half_lives_are_ordered,
    _volatility_band_is_open,
    *THRESHOLD_CHECKS,
    _currency_is_named,
    _amounts_are_positive,
    _keys_are_references,
)
