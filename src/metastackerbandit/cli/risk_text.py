"""`msb risk` in words."""

from __future__ import annotations

import math
from typing import Any

_METHODS = {
    "filtered": "filtered history",
    "historical": "plain history",
    "normal": "EWMA normal",
    "cornish_fisher": "Cornish-Fisher",
    "stress": "stress",
}
_DAYS_SHOWN = 5  # of a path: those whose loss was largest beside what was foretold


def risk_text(told: dict[str, Any]) -> str:
    """The whole answer."""
    money = told["currency"]
    drawdown = told["drawdown"]
    lines = [
        f"run {told['run']} ({told['mode']}) at {told['at']}: equity {_money(told['equity'])} {money},"
        f" drawdown {drawdown['now']:.2%} (breaker at {drawdown['limit']:.0%})",
        "",
        *_positions(told),
        "",
        *_caps(told),
        "",
        *_tail(told),
    ]
    for name, made in (("path", _path), ("backtest", _backtest)):
        if name in told:
            lines += ["", *made(told[name])]
    lines += ["", *(f"in force: {line}" for line in told["breakers"]), *(f"alarm: {line}" for line in told["alarms"])]
    if not told["breakers"] and not told["alarms"]:
        lines.append("no breaker is in force, and nothing is near a limit")
    return "\n".join([*lines, *(f"notice: {notice}" for notice in told["notices"])])


def _positions(told: dict[str, Any]) -> list[str]:
    if told["is_flat"]:
        return ["positions: none, the account is flat"]
    lines = ["positions"]
    for one in told["positions"]:
        stop = "no stop" if math.isnan(one["to_stop"]) else f"{_money(one['to_stop'])} to its stop"
        day = "volatility not known" if math.isnan(one["daily_volatility"]) else f"{one['daily_volatility']:.2%} a day"
        lines.append(f"  {one['symbol']} {one['frame']} {one['side']} {one['quantity']} at {one['mark']}: {_money(one['notional'])}, {day}, {stop}")
    exposure = told["exposure"]
    lines.append("  " + "  ".join(f"{name} {_money(exposure[name])}" for name in ("gross", "net", "long", "short")))
    return lines


def _caps(told: dict[str, Any]) -> list[str]:
    lines = [f"{'cap, over equity':<20}{'used':>9}{'limit':>9}{'of it':>8}"]
    for one in told["caps"]:
        lines.append(f"  {one['name'].replace('_', ' '):<18}{_share(one['used']):>9}{_share(one['limit']):>9}{_whole(one['share']):>8}")
    return lines


def _share(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.2%}"


def _whole(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.0%}"


def _tail(told: dict[str, Any]) -> list[str]:
    tail = told["tail"]
    if tail["refused"]:
        return [f"value at risk: {tail['refused']}"]
    held = ", ".join(f"{symbol} {_money(money)}" for symbol, money in tail["exposures"].items())
    history = tail["history"]
    lines = [
        f"what {tail['of']} can lose ({tail['at']}: {held})",
        f"  from {history['joint_returns']:,} joint returns of {history['step_ns'] / 3.6e12:g} h, {history['since']} to {history['until']};"
        f" {told['currency']}, with 95 % intervals",
        f"  {'':<30}{'value at risk':>26}{'expected shortfall':>28}{'of equity':>11}",
    ]
    for one in tail["figures"]:
        label = f"{_METHODS[one['method']]}, {_horizon(one['horizon_ns'])} {one['level']:.0%}"
        if one["refused"]:
            lines.append(f"  {label:<30} refused: {one['refused']}")
            continue
        lines.append(f"  {label:<30}{_ranged(one, 'value_at_risk'):>26}{_ranged(one, 'shortfall'):>28}{_share(_number(one['of_equity'])):>11}")
    return lines


def _ranged(one: dict[str, Any], name: str) -> str:
    low, high = one[f"{name}_low"], one[f"{name}_high"]
    bounds = "" if math.isnan(low) else f" ({_money(low)} to {_money(high)})"
    return _money(one[name]) + bounds


def _horizon(length_ns: int) -> str:
    from metastackerbandit.domain.timeframe import frame_name

    return frame_name(length_ns)


def _path(path: dict[str, Any]) -> list[str]:
    if path["refused"]:
        return [f"through the run: {path['refused']}"]
    lines = [f"through the run, {len(path['days'])} days with positions at midnight; losses of the day against what was foretold"]
    for kind, words in (("held", "had the positions been held"), ("traded", "as they were traded, costs included")):
        lines += [f"  {words}", *_judged(path[kind])]
    known = [day for day in path["days"] if not math.isnan(day["value_at_risk"]["filtered 0.95"])]
    worst = sorted(known, key=lambda day: -day["traded"] / max(day["value_at_risk"]["filtered 0.95"], 1e-12))[:_DAYS_SHOWN]
    if worst:
        largest = max(known, key=lambda day: day["value_at_risk"]["filtered 0.95"])
        lines.append(f"  largest foretold: {_money(largest['value_at_risk']['filtered 0.95'])} at 95 % on {largest['at'][:10]}")
        lines.append("  days that went worst beside it: loss, foretold at 95 % and 99 %")
        for day in worst:
            foretold = ", ".join("refused" if math.isnan(value) else _money(value) for value in day["value_at_risk"].values())
            lines.append(f"    {day['at'][:10]}  {_money(day['traded'])}  {foretold}")
    return lines


def _backtest(backtest: dict[str, Any]) -> list[str]:
    if backtest["refused"]:
        return [f"backtest: {backtest['refused']}"]
    lines = ["backtest: these positions held all along, each forecast from the candles before it"]
    for one in backtest["horizons"]:
        lines += [f"  {one['horizon']}, {one['since']} to {one['until']}", *_judged(one["judged"])]
    return lines


def _judged(rows: list[dict[str, Any]]) -> list[str]:
    head = f"    {'':<22}{'forecasts':>10}{'exceeded':>10}{'expected':>10}{'p coverage':>12}{'p alone':>9}{'Z2':>8}{'e-value':>9}"
    lines = [head]
    for one in rows:
        label = f"{_METHODS[one['method']]} {one['level']:.0%}"
        if not one["forecasts"]:
            lines.append(f"    {label:<22}{'refused: too little history':>30}")
            continue
        chances = f"{_chance(one['coverage']):>12}{_chance(one['independence']):>9}"
        counts = f"{one['forecasts']:>10,}{one['hits']:>10,}{one['expected']:>10.1f}"
        lines.append(f"    {label:<22}{counts}{chances}{one['z2']:>8.2f}{one['most_evidence']:>9.3g}")
    return lines


def _chance(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _money(value: float) -> str:
    return f"{value:,.2f}"
