"""A change of the configuration as its file would have it: keys laid over what is written there, and sizes scaled to a share of capital."""

from __future__ import annotations

import tomllib
from decimal import Decimal, localcontext
from typing import Any

from metastackerbandit.config.loading import examine, examine_text
from metastackerbandit.config.outline import value_at
from metastackerbandit.config.problems import refusal
from metastackerbandit.config.schema import Config
from metastackerbandit.config.writing import toml_name, toml_value
from metastackerbandit.domain.errors import ConfigRefused

# What a position's size is proportional to, caps included; scaled alike, every size is.
SIZES = (
    "sizing.volatility_target",
    "sizing.kelly_share",
    "sizing.fraction",
    "sizing.notional",
    "sizing.quantity",
    "risk.max_symbol_exposure",
    "risk.max_gross_exposure",
    "risk.max_side_exposure",
    "risk.max_net_exposure",
    "risk.max_heat",
    "risk.max_correlated_heat",
)

Tables = dict[str, Any]


def tables_of(content: bytes, place: str) -> Tables:
    """What a configuration file says, once it is known to be one."""
    examined = examine_text(content, place)
    if examined.problems:
        raise refusal(examined.problems)
    found: Tables = tomllib.loads(content.decode("utf-8-sig"))
    return found


def tables_of_sets(sets: tuple[str, ...]) -> Tables:
    """The tables that texts such as "decision.min_alpha=0.05" stand for."""
    examined = examine((), None, sets)
    if examined.problems:
        raise refusal(examined.problems)
    found: Tables = {}
    for text in sets:
        name = text.partition("=")[0].strip()
        value = value_at(examined.config, name)
        if value is None:
            raise ConfigRefused(f"{name} cannot be unset by a flag", where="--set", mend="write the change as a file that leaves the key out")
        _put(found, name.split("."), value)
    return found


def laid_over(base: Tables, change: Tables) -> Tables:
    """The base with every key of the change in its place; lists are replaced whole."""
    found = dict(base)
    for name, value in change.items():
        below = found.get(name)
        found[name] = laid_over(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return found


def at_share(tables: Tables, config: Config, share: float) -> Tables:
    """The tables with every size and cap at a share of what it is, also where a frame or symbol has its own."""
    found = laid_over({}, tables)
    for key in SIZES:
        _put(found, key.split("."), scaled(value_at(config, key), share))
    for name, value in config.overrides.items():
        if name.endswith(tuple(f".{key}" for key in SIZES)):
            _put(found, name.split("."), scaled(value, share))
    return found


def scaled(value: float | str, share: float) -> float | str:
    """A size at a share of it, in decimal: amounts stay exact text, and .3 at a tenth is .03."""
    with localcontext() as exact:
        exact.prec = 60
        product = (Decimal(value if isinstance(value, str) else repr(value)) * Decimal(repr(share))).normalize()
    return format(product, "f") if isinstance(value, str) else float(product)


def text_of(tables: Tables, heading: str) -> bytes:
    """Tables as a file that loads back to them."""
    lines = [f"# {line}" for line in heading.splitlines()]
    _write(tables, (), lines)
    return ("\n".join(lines) + "\n").encode()


def _put(tables: Tables, path: list[str], value: Any) -> None:
    for name in path[:-1]:
        tables = tables.setdefault(name, {})
    tables[path[-1]] = value


def _write(tables: Tables, path: tuple[str, ...], lines: list[str]) -> None:
    plain = {name: value for name, value in tables.items() if not isinstance(value, dict) and not _is_tables(value)}
    if path and plain:
        lines += ["", f"[{'.'.join(toml_name(part) for part in path)}]"]
    lines += [f"{toml_name(name)} = {toml_value(value)}" for name, value in plain.items()]
    for name, value in tables.items():
        if isinstance(value, dict):
            _write(value, (*path, name), lines)
        elif _is_tables(value):
            for one in value:
                lines += [
                    "",
                    f"[[{'.'.join(toml_name(part) for part in (*path, name))}]]",
                    *(f"{toml_name(key)} = {toml_value(item)}" for key, item in one.items()),
                ]


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)
