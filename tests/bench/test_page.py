"""Results are only added, the newest counts, and the page is drawn from them."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from metastackerbandit.bench.catalog import BENCHMARKS
from metastackerbandit.bench.measure import measure
from metastackerbandit.bench.page import FIRST, LAST, amount, drawn, figures, seconds
from metastackerbandit.bench.results import append, book, latest
from metastackerbandit.bench.spec import Benchmark, Prepared, Target
from metastackerbandit.domain.errors import DataRefused


def result(name: str = "sweep", rate_of_peer: float | None = 2.0) -> dict[str, Any]:
    def prepare(stack: ExitStack, data: Path | None) -> Prepared:
        return Prepared(lambda: None, 1.0, "bars", notes=("laid end to end",))

    told = measure(Benchmark(name, "adding numbers", prepare, Target("ratio", 3.0, "three times"), rounds=5), None)
    if rate_of_peer is not None:
        told["peers"] = {"abacus": {**told["ours"], "rate": rate_of_peer, "equal": "all sums equal"}}
        told |= {"best_peer": "abacus", "ratio_to_best_peer": 8.0, "ratio_by_least": 7.0, "ratio_by_cpu": 6.5}
        told["versions"]["abacus"] = {"python": "3.11", "abacus": "1.2"}
    return told


def test_the_newest_result_counts_and_one_beside_peers_before_one_without(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    for told in (result(rate_of_peer=2.0), result(rate_of_peer=4.0), result(rate_of_peer=None), result("features", None)):
        append(told, path)
    assert len(path.read_text().splitlines()) == 4
    found = latest(path)
    assert found["sweep"]["peers"]["abacus"]["rate"] == 4.0 and found["features"]["peers"] == {}
    assert latest(tmp_path / "none.jsonl") == {}


def test_a_line_that_is_no_result_is_named(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    append(result(), path)
    path.write_text(path.read_text() + "half a li\n")
    with pytest.raises(DataRefused, match="line 2 is no result"):
        latest(path)


def test_the_page_shows_each_side_and_nothing_else_of_it_changes(tmp_path: Path) -> None:
    path, page = tmp_path / "results.jsonl", tmp_path / "page.md"
    append(result(), path)
    page.write_text(f"before\n{FIRST}old{LAST}\nafter\n")
    text = drawn(page, path)
    assert text.startswith(f"before\n{FIRST}| benchmark |") and text.endswith(f"{LAST}\nafter\n") and "old" not in text
    assert "[sweep](#sweep)" in text and "abacus, 2 bars/s | 8.0, 7.0, 6.5 | three times |" in text
    assert "abacus (python 3.11, abacus 1.2)" in text and "all sums equal" in text and "laid end to end." in text
    assert "`msb bench sweep`" in text
    page.write_text(text)
    assert drawn(page, path) == text, "drawing again changes nothing"
    page.write_text("no marks")
    with pytest.raises(DataRefused, match="marks"):
        drawn(page, path)


def test_nothing_measured_is_said() -> None:
    assert "make bench" in figures([])


def test_numbers_are_told_to_three_digits() -> None:
    assert [amount(value) for value in (0.00073, 12.345, 4_780_000.0, 2.5e9)] == ["0.00073", "12.3", "4.78 M", "2.5 G"]
    assert [seconds(value) for value in (12.3, 0.0456, 7.8e-5, 9e-9)] == ["12.3 s", "45.6 ms", "78 us", "9 ns"]


def test_every_benchmark_has_a_name_of_its_own_and_says_what_it_does() -> None:
    names = [one.name for one in BENCHMARKS]
    assert len(set(names)) == len(names) and set(names) >= {
        "backtest",
        "backtest_stops",
        "pipeline",
        "stored",
        "sweep",
        "features",
        "book",
        "orders",
        "pivots",
        "train",
        "start",
    }
    assert all(one.work and one.rounds >= 5 for one in BENCHMARKS)


def test_the_page_in_the_docs_is_what_the_results_say() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "performance.md"
    assert drawn(page, book()) == page.read_text(), "run `make docs`, or `make bench`"
