"""Sources beside the opinion that is heard: how much of it they share, and which of them has earned a veto.

A source disagrees while it names the other side beyond its own band. Disagreement shrinks the size by 1 - penalty * D, D the share of
awake sources that disagree, the opinion itself among them. A veto must be earned: over its last outputs the source was fair to both sides,
and its sides have agreed with what came (method 5.4). The predecessor's mood said one side alone for weeks and vetoed every SELL.
"""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel

MOOD_SOURCE, MODEL_SOURCE = 0, 1
SOURCES = ("mood", "model")  # in the order of the places above; a model is one where it is not the opinion itself

OUTPUTS = 200  # newest outputs whose sides must be balanced (method 5.4)
FAIR_MOST = 0.65  # share of one side that a fair source may still have over so many outputs (method 5.5)
UNFAIR_EVIDENCE = 20.0  # e-value at which a source is called one-sided (method 5.5)
PROVEN = 0.9  # chance of skill above which a source may veto (method 5.4)


class Output(Struct, frozen=True):
    """One side that a source named: at the close of bar number `bar`, at `close` ticks; `weight` is its share of an independent outcome."""

    side: int
    close: int
    bar: int
    weight: float


class Standing(Struct, frozen=True):
    """What a source has shown: outputs so far and how many of them have matured; ups and downs among the last 200; discounted weights of matured
    outputs that were right and wrong, by the side they named."""

    outputs: int
    matured: int
    ups: int
    downs: int
    right_up: float
    wrong_up: float
    right_down: float
    wrong_down: float


class VetoTerms(Struct, frozen=True):
    """What earning a veto asks for, as kernels read it: outputs of the rarer side, the horizon (bars) over which a side is judged, the return
    (fraction) that tells a side from costs, and the logarithm of what is kept of old evidence an independent outcome."""

    least_side: int
    horizon: int
    least_return: float
    log_keep: float


def log_unfairness(rarer: int, outputs: int, most: float = FAIR_MOST) -> float:
    """ln e-value against "no side has a larger share than `most`": the beta(1/2, 1/2) mixture over that share (method 5.5)."""

    def log_beta(a: float, b: float) -> float:
        return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)

    often = outputs - rarer
    share = min(most, often / outputs)
    likelihood = often * math.log(share) + rarer * math.log(1.0 - share) if rarer else often * math.log(share)
    return log_beta(0.5 + often, 0.5 + rarer) - log_beta(0.5, 0.5) - likelihood


def least_side_of(outputs: int = OUTPUTS) -> int:
    """Fewest outputs of the rarer side at which a source is not yet called one-sided."""
    return next(rarer for rarer in range(outputs // 2 + 1) if log_unfairness(rarer, outputs) < math.log(UNFAIR_EVIDENCE))


def veto_terms(horizon: int, cost_bps: float, log_keep: float) -> VetoTerms:
    """Terms for a book whose labels last `horizon` bars and whose round trip costs `cost_bps`."""
    return VetoTerms(least_side=least_side_of(), horizon=horizon, least_return=cost_bps / 1e4, log_keep=log_keep)


@kernel
def put_out(outputs: Any, standing: Any, side: int, close: int, bar: int, horizon: int) -> None:
    """A source named a side (+1, -1; anything else is no output) at a bar's close: it joins the ring (W,) and waits to be judged.

    An output that follows another within the horizon is told by much the same returns: it weighs its share of new bars (method 1.5).
    """
    if side != 1 and side != -1:
        return
    width = len(outputs)
    weight = 1.0
    if standing.outputs > 0:
        gap = bar - outputs[(standing.outputs - 1) % width].bar
        weight = min(1.0, gap / horizon)
    place = standing.outputs % width
    if standing.outputs >= width:
        if outputs[place].side > 0:
            standing.ups -= 1
        else:
            standing.downs -= 1
        if standing.matured <= standing.outputs - width:
            standing.matured += 1  # it leaves the ring before it could be judged
    outputs[place].side = side
    outputs[place].close = close
    outputs[place].bar = bar
    outputs[place].weight = weight
    standing.outputs += 1
    if side > 0:
        standing.ups += 1
    else:
        standing.downs += 1


@kernel
def judge_outputs(outputs: Any, standing: Any, close: int, bar: int, terms: Any) -> None:
    """At the close of bar number `bar`, learn from every output whose horizon is over; never from one that is still open.

    It was right where its side's net return is positive, wrong where the other side's is; where costs eat both there is nothing to agree with.
    """
    while standing.matured < standing.outputs:
        output = outputs[standing.matured % len(outputs)]
        if output.bar + terms.horizon > bar:
            return
        standing.matured += 1
        gain = output.side * (close - output.close) / output.close
        if abs(gain) <= terms.least_return:
            continue
        keep = math.exp(output.weight * terms.log_keep)
        standing.right_up *= keep
        standing.wrong_up *= keep
        standing.right_down *= keep
        standing.wrong_down *= keep
        if output.side > 0:
            if gain > 0.0:
                standing.right_up += output.weight
            else:
                standing.wrong_up += output.weight
        elif gain > 0.0:
            standing.right_down += output.weight
        else:
            standing.wrong_down += output.weight


@kernel
def skill_chance(standing: Any) -> float:
    """P(the mean of the two sides' hit rates > 1/2): beta(1, 1) priors, their difference from 1/2 taken as normal.

    The sides are averaged so that a source which always says up has no skill in a market that rises.
    """
    a, b = 1.0 + standing.right_up, 1.0 + standing.wrong_up
    c, d = 1.0 + standing.right_down, 1.0 + standing.wrong_down
    up, down = a / (a + b), c / (c + d)
    variance = 0.25 * (up * (1.0 - up) / (a + b + 1.0) + down * (1.0 - down) / (c + d + 1.0))
    return 0.5 * math.erfc((0.5 - 0.5 * (up + down)) / math.sqrt(2.0 * variance))


@kernel
def may_veto(standing: Any, least_side: int) -> bool:
    """Whether a source has earned its veto: enough outputs, none of the sides too rare among them, and proven skill."""
    if standing.ups + standing.downs < OUTPUTS or min(standing.ups, standing.downs) < least_side:
        return False
    return skill_chance(standing) > PROVEN
