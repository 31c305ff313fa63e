"""The plans' own keys: what each is called here, and why some have no successor; a configuration that carries one is told both."""

from __future__ import annotations

from typing import NamedTuple


class Successor(NamedTuple):
    """Why a predecessor's key is not taken, and what to write instead."""

    why: str
    mend: str


_SIGN = "a sign belongs to its source and is verified out of sample: a source whose calibration slope is not positive sleeps"
_UNSIGNED = Successor(f"there are no run-time flips; {_SIGN}", "remove it; `msb models show` tells a version's skill")


def _renamed(key: str, why: str) -> Successor:
    return Successor(why, f"write {key}; docs/thresholds.md says what it compares")


SUCCESSORS: dict[str, Successor] = {
    "flip_mood": _UNSIGNED,
    "flip_model": _UNSIGNED,
    "flip_model_bma": _UNSIGNED,
    "conf_min": _renamed("decision.min_confidence", "CONF_MIN was compared with four different quantities; decision.confidence names one"),
    "conf_dir_min": _renamed('decision.min_confidence with decision.confidence = "p_dir_cond"', "that quantity is never below 0.5"),
    "min_conf": _renamed("decision.min_confidence", "its quantity has to be named: decision.confidence"),
    "alpha_min": _renamed("decision.min_alpha (to trade) or decision.alpha_floor (size)", "ALPHA_MIN was both a limit and a floor"),
    "s_min": _renamed("decision.min_model_signal", "S_MIN was compared with the model's strength and with flows of another scale"),
    "strength_min": _renamed("decision.min_model_signal", "it compared |p_up - p_down|"),
    "m_min": _renamed("decision.min_mood, in standard deviations", "M_MIN was compared with flows of a scale that it never reached"),
    "pnn_min": Successor("1 - p_neutral says nothing of the side", 'remove it, or choose decision.confidence = "p_dir"'),
    "require_consensus": _renamed('decision.consensus = "soft", "hard" (true) or "off" (false)', "a veto has to say how hard it is"),
    "veto_confidence_threshold": _renamed("alignment.rules.veto_alpha", "the rules of the overlay compare alphas"),
    "veto_on_timeframe_conflict": _renamed("alignment.rules.veto", "each rule of the overlay is off, in shadow, or on"),
    "shadow_mode": _renamed('alignment.rules.<rule> = "shadow"', "each rule of the overlay is off, in shadow, or on"),
    "sigma_target": _renamed("sizing.volatility_target", "it is a fraction a year"),
    "pos_max": _renamed("risk.max_symbol_exposure", "positions are notional over equity everywhere"),
    "_pos": Successor("a position was a fraction in one place and coins in another", "remove it; positions are whole lots, kept by the ledger"),
    "dry_run": Successor("a mode is a wiring, not a switch", "remove it; `msb backtest` and `msb run --mode paper` are different verbs"),
    "epsilon": Successor("outcomes of every arm are learned from, chosen or not", "remove it; posterior.enter says when an arm is acted on"),
    "cost_bps": _renamed("costs.taker_fee_bps, costs.half_spread_bps and costs.slippage_bps", "costs stand in one place, part by part"),
}


def successor(name: str) -> Successor | None:
    """What became of a key, however its letters are written."""
    return SUCCESSORS.get(name.lower())
