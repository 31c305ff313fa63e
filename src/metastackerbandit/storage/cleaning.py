"""Which series of a registry may go: never one that serves, served lately, or is needed by one of these."""

from __future__ import annotations

from metastackerbandit.domain.card import parts_of
from metastackerbandit.storage.promotions import champions
from metastackerbandit.storage.registry import Registry

KEPT_CHAMPIONS = 5  # of a slot, that stay loadable
KEPT_CANDIDATES = 5  # newest series of the same symbols and frame that never served


def kept(registry: Registry) -> frozenset[str]:
    """The last champions of every slot, the newest candidates of the same symbols and frame, and all that they depend on."""
    found = _champions(registry)
    candidates: dict[tuple[tuple[str, ...], str], list[tuple[int, str]]] = {}
    for series in registry.series():
        if series not in found:
            card = registry.newest(series)
            candidates.setdefault((card.symbols, card.frame), []).append((card.created_ns, series))
    for waiting in candidates.values():
        found |= {series for _, series in sorted(waiting)[-KEPT_CANDIDATES:]}
    return frozenset(found | _needed(registry, found))


def clean(registry: Registry) -> tuple[str, ...]:
    """Remove every series that is not kept; gives their names."""
    with registry.changing():
        removed = tuple(sorted(set(registry.series()) - kept(registry)))
        for series in removed:
            registry.remove(series)
    return removed


def _champions(registry: Registry) -> set[str]:
    """The last to serve each slot, and those that rolling back would reach."""
    found: set[str] = set()
    for slot in registry.slots():
        served = dict.fromkeys(change.series for change in reversed(slot.history))
        found |= {*list(served)[:KEPT_CHAMPIONS], *champions(slot.history)[-KEPT_CHAMPIONS:]}
    return found


def _needed(registry: Registry, series: set[str]) -> set[str]:
    """Series of every version that versions of these depend on, however far."""
    needed: set[str] = set()
    waiting = list(series)
    while waiting:
        for card in registry.versions(waiting.pop()):
            named = {found[0] for name in card.depends_on if (found := parts_of(name))}
            waiting += named - needed - series
            needed |= named
    return needed
