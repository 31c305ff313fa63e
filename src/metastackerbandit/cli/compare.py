"""`msb compare`: models beside their baselines, one series against another on the same bars, or one run's returns against another's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import JsonFlag, answering, tell
from metastackerbandit.cli.wanted import Wanted, on_market
from metastackerbandit.domain.errors import NotFound, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from metastackerbandit.domain.card import ModelCard
    from metastackerbandit.evaluation.bootstrap import Interval
    from metastackerbandit.storage.registry import Registry

_MEND = "`msb compare`, `msb compare SERIES SERIES --data FOLDER`, or `msb compare RUN RUN`"


@on_market("frames", "arm", "mood")
def compare(
    wanted: Wanted,
    which: Annotated[
        list[str] | None, typer.Argument(metavar="[ONE OTHER]", help="Two series, or two runs of the journal.", show_default=False)
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Models beside their baselines; or, with two names, which of two series or runs did better, with an interval."""
    with answering(json):
        import os

        from metastackerbandit.config.home import home_folder
        from metastackerbandit.storage.registry import Registry

        if which is not None and len(which) not in (0, 2):
            raise UsageError(f"{len(which)} name is given", where="msb compare", mend=_MEND)
        home = home_folder(wanted.home, os.environ)
        registry = Registry(home / "models")
        if not which:
            payload = _all_models(registry)
            tell(payload, _models_text(payload), json)
        elif all(name in registry.series() or registry.has(name) for name in which):
            payload = _two_series(registry, which, wanted, home)
            tell(payload, _series_text(payload), json)
        else:
            payload = _two_runs(home, which)
            tell(payload, _runs_text(payload), json)


# -- every model -----------------------------------------------------------------------------------------------------------


def _all_models(registry: Registry) -> dict[str, Any]:
    names = registry.series()
    if not names:
        raise NotFound("there are no models", where=str(registry.folder), mend="msb train")
    serving = {(slot.symbol, slot.frame): registry.promoted(slot.slot) for slot in registry.slots()}
    rows = [_model(registry.newest(name), serving) for name in names]
    rows.sort(key=lambda row: (row["frame"], row["symbols"], -(row["skill_mnats"]["value"] or -1e9)))
    return {"models": rows}


def _model(card: ModelCard, serving: dict[tuple[str, str], str | None]) -> dict[str, Any]:
    from metastackerbandit.training.scoring import ALONE, AUC, GAIN, NET, TRADES, score_named
    from metastackerbandit.training.verdict import judge_skill

    def figure(name: str) -> dict[str, float | None]:
        score = score_named(card.scores, name)
        return {bound: None if value != value else value for bound, value in (("value", score.value), ("low", score.low), ("high", score.high))}

    alone = {family: figure(ALONE + family) for family in card.learners}
    best = max(alone, key=lambda family: alone[family]["value"] or float("-inf")) if alone else None
    return {
        "id": card.model_id,
        "symbols": list(card.symbols),
        "frame": card.frame,
        "serves": [symbol for symbol in card.symbols if serving.get((symbol, card.frame)) == card.series],
        "n_eff": card.n_eff,
        "size": card.size,
        "asleep": card.asleep,
        "skill_mnats": figure(GAIN),
        "auc": figure(AUC),
        "net_return": figure(NET)["value"],
        "trades": figure(TRADES)["value"],
        "learners": alone,
        "best_learner": best,
        "stack_beats_it": None if best is None else (figure(GAIN)["value"] or 0.0) > (alone[best]["value"] or 0.0),
        "verdict": str(judge_skill(card.scores).word),
    }


def _models_text(payload: dict[str, Any]) -> str:
    lines = [f"{'model':<40} {'serves':<16} {'outcomes':>8}  {'gain, mnats':<24} {'best learner alone':<30} verdict"]
    for row in payload["models"]:
        best = row["best_learner"]
        alone = f"{best} {_figure(row['learners'][best])}" if best else "-"
        serves = ",".join(row["serves"]) or ("asleep" if row["asleep"] else "candidate")
        lines.append(f"{row['id']:<40} {serves:<16} {row['n_eff']:>8,.0f}  {_figure(row['skill_mnats']):<24} {alone:<30} {row['verdict']}")
    return "\n".join(lines)


# -- two series ------------------------------------------------------------------------------------------------------------


def _two_series(registry: Registry, names: list[str], wanted: Wanted, home: Path) -> dict[str, Any]:
    from metastackerbandit.cli.market_data import costs_of, opened
    from metastackerbandit.cli.opinions import versions_of
    from metastackerbandit.domain.label import label_spec
    from metastackerbandit.domain.timeframe import frame_ns
    from metastackerbandit.evaluation.labels import label_bars
    from metastackerbandit.market.frames import frame_bars
    from metastackerbandit.training.comparison import compared
    from metastackerbandit.training.serving import predictions_over

    cards = [registry.card(name) if registry.has(name) else registry.newest(name) for name in names]
    frames = {card.frame for card in cards}
    shared = [symbol for symbol in cards[0].symbols if symbol in cards[1].symbols]
    if len(frames) != 1 or not shared:
        one, other = (f"{'/'.join(card.symbols)} {card.frame}" for card in cards)
        raise UsageError(f"{names[0]} is of {one}, {names[1]} of {other}", where="msb compare", mend="compare series of one symbol and frame")
    frame = cards[0].frame
    _, config, recording = opened(wanted._replace(symbols=",".join(shared), home=home))
    pairs = []
    for place, symbol in enumerate(shared):
        bars = frame_bars(recording.bars[place], recording.base_ns, frame_ns(frame))
        costs = costs_of(config, (symbol,), frame)
        labels = label_bars(bars, recording.bars[place], recording.base_ns, recording.funding[place], label_spec(frame), costs)
        said = [predictions_over(recording, place, frame, versions_of(registry, card.series), config.training) for card in cards]
        found = compared(said[0], said[1], labels, frame_ns(frame))
        pairs.append(
            {
                "symbol": symbol,
                "bars": found.bars,
                "outcomes": found.outcomes,
                "gain_mnats": _plain(found.gain_mnats),
                "log_loss": [found.loss, found.other_loss],
                "agreement": found.agreement,
                "correlation": found.correlation,
                "better": _better(found.gain_mnats, [card.series for card in cards]),
            }
        )
    return {"compared": [card.series for card in cards], "frame": frame, "pairs": pairs}


def _series_text(payload: dict[str, Any]) -> str:
    lines = [f"{payload['compared'][0]} against {payload['compared'][1]}, {payload['frame']}, out of sample for both"]
    for pair in payload["pairs"]:
        lines.append(
            f"  {pair['symbol']}: {pair['bars']:,} bars, {pair['outcomes']:,.0f} outcomes; first better by {_figure(pair['gain_mnats'])} mnats; "
            f"same side on {pair['agreement']:.0%}; better: {pair['better'] or 'neither can be told'}"
        )
    return "\n".join(lines)


# -- two runs --------------------------------------------------------------------------------------------------------------


def _two_runs(home: Path, names: list[str]) -> dict[str, Any]:
    import numpy as np

    from metastackerbandit.domain.timeframe import bars_a_year
    from metastackerbandit.evaluation.account import equity_of
    from metastackerbandit.evaluation.time_blocks import mean_around, time_blocks
    from metastackerbandit.storage.journal import Journal

    with Journal.open(home, create=False) as journal:
        views = [journal.run(name) for name in names]
        curves = [equity_of(view.decisions().rows) for view in views]
    shared = np.intersect1d(curves[0][0], curves[1][0])
    if len(shared) < 2:
        what = f"runs {names[0]} and {names[1]} have no bars in common"
        raise UsageError(what, where="msb compare", mend="compare runs over the same time and frame")
    returns = []
    for times, equity in curves:
        levels = equity[np.searchsorted(times, shared)].astype(np.float64)
        returns.append(levels[1:] / levels[:-1] - 1.0)
    difference = returns[0] - returns[1]
    a_year = bars_a_year(int(np.median(np.diff(shared))))
    found = mean_around(difference * a_year, np.ones(len(difference)), time_blocks(shared[:-1], shared[1:]))
    runs = [view.row.run for view in views]
    return {
        "compared": runs,
        "arms": [view.row.arm for view in views],
        "bars": len(difference),
        "net_return": [float(np.prod(1.0 + own) - 1.0) for own in returns],
        "difference_a_year": _plain(found),
        "better": _better(found, [str(run) for run in runs]),
    }


def _runs_text(payload: dict[str, Any]) -> str:
    one, other = payload["compared"]
    nets = payload["net_return"]
    bounds = payload["difference_a_year"]
    told = "-" if bounds["value"] is None else f"{bounds['value']:+.1%} a year [{_share(bounds['low'])}, {_share(bounds['high'])}]"
    first, second = (f"run {run} ({arm}, net {net:+.2%})" for run, arm, net in zip((one, other), payload["arms"], nets, strict=True))
    return (
        f"{first} against {second} over {payload['bars']:,} bars\n"
        f"  difference of mean returns {told}; better: {payload['better'] or 'neither can be told'}"
    )


def _better(found: Interval, names: list[str]) -> str | None:
    """Whose interval lies on one side of zero."""
    if found.low > 0.0:
        return names[0]
    return names[1] if found.high < 0.0 else None


def _plain(found: Interval) -> dict[str, float | None]:
    return {name: None if value != value else value for name, value in (("value", found.value), ("low", found.low), ("high", found.high))}


def _figure(found: dict[str, float | None]) -> str:
    if found["value"] is None:
        return "-"
    if found["low"] is None or found["high"] is None:
        return f"{found['value']:.1f}"
    return f"{found['value']:.1f} [{found['low']:.1f}, {found['high']:.1f}]"


def _share(value: float | None) -> str:
    return "?" if value is None else f"{value:+.1%}"
