"""An exchange and a run beside each other: both live, what the run says of itself grows, and both end in order."""

from __future__ import annotations

from metastackerbandit.bench.load_figures import load_figures
from metastackerbandit.bench.under_load import Load, under_load


def test_a_small_load_is_followed_watched_and_ended_in_order() -> None:
    with under_load(Load(symbols=3, flow="normal", history=20, days=2)) as pair:
        pair.wait_until_live()
        pair.watch(4.0)
        ended = pair.ended()
    assert ended["reconciliation_differences"] == [] and ended["stopped"] and len(ended["live"]) == 3
    figures = load_figures(pair.looks, 3)
    assert figures["frames_a_second"] > 0 and figures["let_go"] == 0 and figures["open_files_most"] > 0
    assert sum(ended["vitals"]["let_go"].values()) == 0 and pair.looks[-1].vitals["frames"]["taken"] > pair.looks[0].vitals["frames"]["taken"]
