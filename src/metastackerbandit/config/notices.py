"""What a configuration may say and a user should know: waivers in force, values that something hides, limits without their input."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from metastackerbandit.config.books import book_config, layers, profile_name
from metastackerbandit.config.outline import keys, value_at
from metastackerbandit.config.problems import closest
from metastackerbandit.config.schema import Config
from metastackerbandit.config.scopes import split
from metastackerbandit.config.waivers import in_force
from metastackerbandit.decision.profiles import PROFILES


class Notice(Struct, frozen=True):
    """One thing to know: the key, what it means, and what to do if it is not meant."""

    key: str
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.what} ({self.mend})" if self.mend else self.what


def notices(config: Config, frames: Sequence[str], now_ns: int, mode: str) -> list[Notice]:
    """Everything worth a notice for the frames that are traded, at a moment, in a mode."""
    found = [
        Notice(waiver.key, f"waiver in force on {waiver.key} until {waiver.until}: {waiver.why}", "") for waiver in in_force(config, now_ns, mode)
    ]
    for frame in frames:
        found += [notice for about in _ABOUT_FRAMES for notice in about(config, frame) if notice not in found]
    return [*found, *_costs_look_usual(config)]


def _profile_fits(config: Config, frame: str) -> Iterator[Notice]:
    name, key = profile_name(config, frame)
    made_for = PROFILES[name].frame
    if made_for and made_for != frame:
        yield Notice(key, f"profile {name} holds the plans' values of {made_for}, and {frame} is traded", f"choose another in [frames.{frame}]")


def _profile_hides(config: Config, frame: str) -> Iterator[Notice]:
    name, key = profile_name(config, frame)
    for layer in layers(config, "", frame):
        written = value_at(config, layer.key)
        if layer.name == key and written not in (keys()[layer.key].default, layer.value):
            what = f"{layer.key} = {written} has no effect on {frame}: profile {name} says {layer.value}"
            yield Notice(layer.key, what, f"write it in [frames.{frame}.{layer.key.rpartition('.')[0]}], which is laid over the profile")


def _consensus_has_a_mood(config: Config, frame: str) -> Iterator[Notice]:
    decision = book_config(config, "", frame).decision
    if decision.consensus == "hard" and not config.run.mood:
        what = f'decision.consensus = "hard" on {frame}, and no mood is named: there is nothing to agree with, and the gate is not asked'
        yield Notice("decision.consensus", what, 'give --mood FOLDER, or write "soft"')


_ABOUT_FRAMES: tuple[Callable[[Config, str], Iterator[Notice]], ...] = (_profile_fits, _profile_hides, _consensus_has_a_mood)


def dead_symbols(config: Config) -> Iterator[Notice]:
    """A table of a symbol that the configuration does not trade is dead, or misspelt."""
    traded = config.run.symbols
    named = dict.fromkeys(split(name)[0].symbol for name in config.overrides)
    for symbol in named:
        if symbol and traded and symbol not in traded:
            meant = closest(symbol, traded)
            mend = "trade the symbol, or remove its tables" + (f"; or did you mean {meant}?" if meant else "")
            yield Notice(f"symbols.{symbol}", f"[symbols.{symbol}] has no effect: run.symbols does not name {symbol}", mend)


def _costs_look_usual(config: Config) -> Iterator[Notice]:
    costs = config.costs
    if costs.round_trip_bps() == 0.0:
        yield Notice("costs", "trading costs nothing here: derived limits ask for nothing, and results will not be met", "for comparisons only")
    if costs.maker_fee_bps > costs.taker_fee_bps:
        what = f"costs.maker_fee_bps = {costs.maker_fee_bps} is above costs.taker_fee_bps = {costs.taker_fee_bps}"
        yield Notice("costs.maker_fee_bps", what, "exchange them if that was not meant")
