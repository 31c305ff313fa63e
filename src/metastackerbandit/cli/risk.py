"""`msb risk`: what an account holds, how much of each cap it uses, and what it can lose; at a run's end, or at any time of it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import HomeFlag, JsonFlag, answering, tell
from metastackerbandit.cli.looking import RunArgument, TradedFlag, journal_of

if TYPE_CHECKING:
    import numpy as np

    from metastackerbandit.config.schema import Config
    from metastackerbandit.risk.past import Seen
    from metastackerbandit.risk.usage import Use
    from metastackerbandit.risk.value_at_risk import Figure
    from metastackerbandit.storage.holdings import Course, Holdings
    from metastackerbandit.storage.run_record import RunRow
    from metastackerbandit.storage.run_view import RunView

LIMITING = ("filtered", "stress")  # the methods that limits act on, the worse of the two (method 11.4)


def risk(
    run: RunArgument = "last",
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="At that time, UTC. [default: the run's end]", show_default=False)] = None,
    path: Annotated[bool, typer.Option("--path", help="Also each day of the run: value at risk, and what the day brought.")] = False,
    backtest: Annotated[bool, typer.Option("--backtest", help="Also judge each method on the candles, with these positions held all along.")] = False,
    data: TradedFlag = None,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """What is held, how much of each cap is used, what trips next, and what an hour or a day can cost."""
    with answering(json):
        from metastackerbandit.cli.risk_text import risk_text

        with journal_of(home) as journal:
            payload = risk_of(journal.run(run), at, data, path=path, backtest=backtest)
        tell(payload, risk_text(payload), json)


def risk_of(view: RunView, at: str | None, data: Path | None, *, path: bool = False, backtest: bool = False) -> dict[str, Any]:
    """The shape of `msb risk --json`; amounts are in the account's currency."""
    import numpy as np

    from metastackerbandit.cli.traded_candles import traded_candles
    from metastackerbandit.config.loading import examine_text
    from metastackerbandit.decision.explain_text import utc_text
    from metastackerbandit.domain.errors import UsageError
    from metastackerbandit.risk.past import correlations_before
    from metastackerbandit.storage.holdings import course_of, holdings_at
    from metastackerbandit.storage.lookup import time_of
    from metastackerbandit.storage.standing import in_force

    course = course_of(view)
    last_ns = int(course.decisions["at_ns"][-1])
    at_ns = last_ns if at is None else time_of(at)
    if at_ns > last_ns:
        raise UsageError(f"run {view.row.run} decided last at {utc_text(last_ns)}", where="--at", mend="name an earlier time, or leave it out")
    held = holdings_at(course, at_ns)
    examined = examine_text(view.row.config.encode(), f"run {view.row.run}")
    config, notices = examined.config, [str(problem) for problem in examined.problems]
    symbols = tuple(dict.fromkeys(view.row.symbols))
    recording, why = traded_candles(view, course.decisions, data)
    seen = _seen(recording, config) if recording is not None else None
    if seen is None:
        correlation = np.full((len(symbols),) * 2, np.nan)
        np.fill_diagonal(correlation, 1.0)
    else:
        correlation = correlations_before(seen.joint, config.risk, np.array([_place(seen, at_ns)]))[0]
    used = _uses(held, view.row, symbols, correlation, config)
    breakers = list(in_force(view, at_ns))
    figures, of = _figures(course, held, view.row, symbols, seen, config, why)
    drawdown = 1.0 - held.equity / held.peak if held.peak > 0.0 else 1.0
    payload: dict[str, Any] = {
        "run": view.row.run,
        "mode": view.row.mode,
        "at_ns": at_ns,
        "at": utc_text(at_ns),
        "currency": view.row.instruments[0].quote,
        "equity": held.equity,
        "drawdown": {"now": drawdown, "peak": held.peak, "limit": config.risk.max_drawdown},
        "is_flat": not held.books,
        "positions": [_position(one, view.row, config) for one in held.books],
        "exposure": _exposure(held, view.row, symbols),
        "caps": [{"name": use.name, "used": use.used, "limit": use.limit, "share": use.share} for use in used],
        "breakers": breakers,
        "tail": {**of, "figures": [_figure(one, of["equity"]) for one in figures]},
        "alarms": _alarms(used, drawdown, figures, held, config, of),
        "notices": [*view.row.notices, *notices],
    }
    if path:
        payload["path"] = _path(course, view.row, symbols, seen, config, why)
    if backtest:
        payload["backtest"] = _backtest(of["exposures"], symbols, seen, config, at_ns, why)
    return payload


# -- what is held --------------------------------------------------------------------------------------------------------


def _position(one: Any, row: RunRow, config: Config) -> dict[str, Any]:
    from metastackerbandit.decision.explain_text import utc_text
    from metastackerbandit.domain.timeframe import frame_name

    instrument = row.instruments[one.book]
    return {
        "symbol": instrument.symbol,
        "frame": frame_name(row.frame_of(one.book)),
        "side": "LONG" if one.lots > 0 else "SHORT",
        "quantity": instrument.quantity_text(abs(one.lots)),
        "mark": instrument.price_text(one.mark),
        "marked": utc_text(one.marked_ns),
        "notional": one.notional,
        "daily_volatility": one.volatility,
        "to_stop": one.to_stop,
    }


def _exposure(held: Holdings, row: RunRow, symbols: tuple[str, ...]) -> dict[str, Any]:
    longs = sum(one.notional for one in held.books if one.lots > 0)
    shorts = -sum(one.notional for one in held.books if one.lots < 0)
    net = {symbol: sum(one.notional for one in held.books if row.symbols[one.book] == symbol) for symbol in symbols}
    return {
        "gross": longs + shorts,
        "net": longs - shorts,
        "long": longs,
        "short": shorts,
        "by_symbol": {symbol: money for symbol, money in net.items() if money},
    }


def _uses(held: Holdings, row: RunRow, symbols: tuple[str, ...], correlation: np.ndarray, config: Config) -> tuple[Use, ...]:
    from metastackerbandit.config.books import engine_settings
    from metastackerbandit.domain.timeframe import frame_name
    from metastackerbandit.risk.usage import Bet, uses

    bets = []
    for one in held.books:
        own = engine_settings(config, row.symbols[one.book], frame_name(row.frame_of(one.book))).risk
        place = symbols.index(row.symbols[one.book])
        bets.append(Bet(place, one.notional, one.to_stop, one.volatility, own.unstopped_deviations, own.max_symbol_exposure))
    return uses(bets, len(symbols), correlation, held.equity, config.risk)


def _by_symbol(notionals: np.ndarray, row: RunRow, symbols: tuple[str, ...]) -> np.ndarray:
    """Notionals (..., B) of books -> of symbols (..., Y)."""
    import numpy as np

    found = np.zeros((*notionals.shape[:-1], len(symbols)))
    for book, symbol in enumerate(row.symbols):
        found[..., symbols.index(symbol)] += notionals[..., book]
    return found


# -- what it can lose ----------------------------------------------------------------------------------------------------


def _seen(recording: Any, config: Config) -> Seen:
    """The candles' returns by the hour, or by their own length where that is longer."""
    from metastackerbandit.domain.timeframe import HOUR_NS
    from metastackerbandit.risk.joint_returns import joint_returns
    from metastackerbandit.risk.past import seen_of

    joint = joint_returns([bars["closed_ns"] for bars in recording.bars], [bars["close"] for bars in recording.bars], max(HOUR_NS, recording.base_ns))
    return seen_of(joint, config.tail)


def _place(seen: Seen, at_ns: int) -> int:
    """How many returns had ended by then."""
    return len(seen.joint.until(at_ns).ended_ns)


def _figures(
    course: Course, held: Holdings, row: RunRow, symbols: tuple[str, ...], seen: Seen | None, config: Config, why: str
) -> tuple[tuple[Figure, ...], dict[str, Any]]:
    """The figures, and what they are of: the positions, or where there are none the largest that the run ever had."""
    import numpy as np

    from metastackerbandit.decision.explain_text import utc_text
    from metastackerbandit.risk.past import correlations_before, past_at
    from metastackerbandit.risk.value_at_risk import figures
    from metastackerbandit.storage.holdings import equity_at, largest_exposure_ns, notionals_at

    at_ns = held.at_ns if held.books else largest_exposure_ns(course, held.at_ns)
    exposures = _by_symbol(notionals_at(course, np.array([at_ns])), row, symbols)[0]
    of: dict[str, Any] = {
        "of": "the positions" if held.books else "the largest past exposure" if exposures.any() else "nothing",
        "at": utc_text(at_ns) if exposures.any() else None,
        "equity": float(equity_at(course, np.array([at_ns]))[0]),
        "exposures": {symbol: float(money) for symbol, money in zip(symbols, exposures, strict=True) if money},
        "history": None,
        "refused": "",
    }
    if not exposures.any():
        return (), of | {"refused": "nothing is held, and nothing ever was"}
    if seen is None:
        return (), of | {"refused": f"no figure without returns: {why}"}
    place = _place(seen, at_ns)
    if place == 0:
        return (), of | {"refused": "no candles from before that time"}
    correlation = correlations_before(seen.joint, config.risk, np.array([place]))[0]
    past = past_at(seen, exposures, place, correlation, config.risk.correlation_stress)
    first = max(place - seen.terms.history, 0)
    of["history"] = {
        "since": utc_text(int(seen.joint.ended_ns[first]) - seen.joint.step_ns),
        "until": utc_text(int(seen.joint.ended_ns[place - 1])),
        "step_ns": seen.joint.step_ns,
        "joint_returns": int((~np.isnan(past.returns).any(axis=1)).sum()),
    }
    return figures(past, seen.terms, seen.joint.step_ns, config.tail), of


def _figure(one: Figure, equity: float) -> dict[str, Any]:
    import msgspec

    told: dict[str, Any] = msgspec.structs.asdict(one)
    return {**told, "of_equity": one.value_at_risk / equity if equity > 0.0 else None}


def _alarms(used: tuple[Use, ...], drawdown: float, figures: tuple[Figure, ...], held: Holdings, config: Config, of: dict[str, Any]) -> list[str]:
    """Where a risk manager is alarmed: caps near their limit, a drawdown near its own, and a tail beyond the daily-loss breaker."""
    limits = config.risk
    found = []
    for use in used:
        if use.share >= config.tail.near:
            found.append(f"{use.name} stands at {use.used:.3g} of equity, {use.share:.0%} of its cap of {use.limit:g}")
    if drawdown >= config.tail.near * limits.max_drawdown:
        found.append(f"drawdown {drawdown:.2%} of {limits.max_drawdown:.0%}, at which the breaker trips")
    bare = sum(math.isnan(one.to_stop) for one in held.books)
    if bare:
        found.append(f"{bare} of {len(held.books)} positions have no stop")
    return found + (_tail_alarms(figures, limits.max_daily_loss, of) if held.books else [])


def _tail_alarms(figures: tuple[Figure, ...], limit: float, of: dict[str, Any]) -> list[str]:
    """The larger of filtered historical simulation and the stressed law against the daily-loss breaker (method 11.4), of what is held."""
    from metastackerbandit.domain.timeframe import DAY_NS

    found = []
    for level in sorted({one.level for one in figures}):
        told = [one for one in figures if (one.horizon_ns, one.level) == (DAY_NS, level) and one.method in LIMITING and not one.refused]
        if not told:
            continue
        worst = max(told, key=lambda one: one.value_at_risk)
        if worst.value_at_risk >= limit * of["equity"]:
            share = worst.value_at_risk / of["equity"]
            odds = round(1.0 / (1.0 - level))
            found.append(f"one day in {odds} loses {share:.2%} of equity or more ({worst.method}): the daily-loss breaker is at {limit:.0%}")
    return found


# -- through time --------------------------------------------------------------------------------------------------------


def _judged(told: Any, lost: np.ndarray) -> dict[str, Any]:
    """One method's forecasts against what was lost."""
    import msgspec
    import numpy as np

    from metastackerbandit.evaluation.exceedances import exceedances
    from metastackerbandit.evaluation.shortfalls import shortfalls

    known = np.isfinite(told.value_at_risk) & np.isfinite(lost)
    foretold, lost = told.value_at_risk[known], lost[known]
    found = exceedances(lost > foretold, 1.0 - told.level)
    beyond = shortfalls(lost, foretold, told.shortfall[known], 1.0 - told.level)
    return {"method": told.method, "level": told.level, **msgspec.structs.asdict(found), **msgspec.structs.asdict(beyond)}


def _path(course: Course, row: RunRow, symbols: tuple[str, ...], seen: Seen | None, config: Config, why: str) -> dict[str, Any]:
    """Each UTC midnight of the run with positions: value at risk of the next day, and what that day cost, held still and as it was traded."""
    import numpy as np

    from metastackerbandit.decision.explain_text import utc_text
    from metastackerbandit.domain.timeframe import DAY_NS
    from metastackerbandit.risk.forecasts import foretold
    from metastackerbandit.risk.value_at_risk import LEVELS
    from metastackerbandit.storage.holdings import equity_at, notionals_at

    first, last = int(course.decisions["at_ns"][0]), int(course.decisions["at_ns"][-1])
    times = np.arange(-(-first // DAY_NS), last // DAY_NS, dtype=np.int64) * DAY_NS
    if seen is None or DAY_NS % seen.joint.step_ns:
        return {"refused": why or "the candles' length does not divide a day", "days": [], "held": [], "traded": []}
    steps = DAY_NS // seen.joint.step_ns
    exposures = _by_symbol(notionals_at(course, times), row, symbols)
    at = np.searchsorted(seen.joint.ended_ns, times, "right")
    on = exposures.any(axis=1) & (at > 0) & (at + steps <= len(seen.joint.ended_ns))
    times, exposures, at = times[on], exposures[on], at[on]
    told = foretold(seen, exposures, at, steps, LEVELS, config.tail, config.risk)
    before, after = equity_at(course, times), equity_at(course, times + DAY_NS)
    days = [
        {
            "at": utc_text(int(time)),
            "gross": float(np.abs(exposures[place]).sum()),
            "held": float(told[0].loss[place]) if len(told) else None,
            "traded": float(before[place] - after[place]),
            "value_at_risk": {f"{one.method} {one.level}": float(one.value_at_risk[place]) for one in told if one.method == "filtered"},
        }
        for place, time in enumerate(times)
    ]
    return {
        "refused": "" if days else "nothing was held at any midnight of the run",
        "days": days,
        "held": [_judged(one, one.loss) for one in told],
        "traded": [_judged(one, before - after) for one in told],
    }


def _backtest(exposures: dict[str, float], symbols: tuple[str, ...], seen: Seen | None, config: Config, at_ns: int, why: str) -> dict[str, Any]:
    """Every method at both horizons through the candles before a time, with the same money in each symbol all along."""
    import numpy as np

    from metastackerbandit.decision.explain_text import utc_text
    from metastackerbandit.domain.timeframe import frame_name
    from metastackerbandit.risk.forecasts import foretold, moments_of
    from metastackerbandit.risk.past import seen_of
    from metastackerbandit.risk.value_at_risk import HORIZONS_NS, LEVELS

    if seen is None or not exposures:
        return {"refused": why or "nothing is held, and nothing ever was", "horizons": []}
    known = seen_of(seen.joint.until(at_ns), config.tail)
    money = np.array([exposures.get(symbol, 0.0) for symbol in symbols])
    found = []
    for horizon_ns in HORIZONS_NS:
        steps = horizon_ns // seen.joint.step_ns
        if steps == 0 or horizon_ns % seen.joint.step_ns:
            continue
        at = moments_of(known, steps, steps)
        told = foretold(known, money, at, steps, LEVELS, config.tail, config.risk)
        if not len(told[0].at_ns):
            continue
        found.append(
            {
                "horizon": frame_name(horizon_ns),
                "since": utc_text(int(told[0].at_ns[0])),
                "until": utc_text(int(told[0].at_ns[-1])),
                "judged": [_judged(one, one.loss) for one in told],
            }
        )
    return {"refused": "" if found else "too few candles", "horizons": found}
