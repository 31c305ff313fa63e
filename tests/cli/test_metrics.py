"""`msb status --metrics`: what a collector reads is OpenMetrics by its grammar, and says what the heartbeat says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from typer.testing import CliRunner

from metastackerbandit.cli import look
from metastackerbandit.cli.answer import Verbs
from metastackerbandit.cli.metrics import openmetrics
from metastackerbandit.storage.standing import NOTHING, Standing

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf|NaN))')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket",), "summary": ("",)}

app = typer.Typer(cls=Verbs)
app.command("status")(look.status)
app.command("other")(look.status)

LATE = {"count": 40, "p50_ms": 1.5, "p99_ms": 20.0, "max_ms": 30.25}
VITALS: dict[str, Any] = {
    "window_s": 1.0,
    "cpu_share": 0.25,
    "memory_bytes": 1_000_000,
    "open_files": None,
    "lags": {"received": LATE, "handled": LATE, "taken": LATE, "loop": LATE},
    "waiting": {"socket_bytes": None, "changes": 3},
    "let_go": {"changes": 2},
    "free_bytes": 5 * 10**9,
    "written_bytes": {"raw": 10, "inputs": 20},
    "frames": {"received": 9, "handled": 11, "taken": 9},
    "frames_at_most": {step: {"1": 2, "50": 8, "1000": 9} for step in ("received", "handled", "taken")},
    "unknown": {"open_files": "no such folder", "waiting.socket_bytes": "no such folder"},
}


def stands(identity: str = "spot", **vitals: Any) -> Standing:
    """A run on live data."""
    connection = {"id": identity, "state": "up", "latency_ms": 7.0, "rate": 12.5, "drops": 1, "uptime": 1.0}
    summary = {"inputs": 100, "decisions": 7, "orders": 1, "fills": 1, "round_trips": 0, "equity": 9_999.5, "vitals": VITALS | vitals}
    return structs.replace(NOTHING, state="running", uptime_s=12.0, heartbeat_ns=17 * 10**17, connections=(connection,), summary=summary)


def read(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """The samples of a text, held to the grammar: families in one piece, their units in their names, their samples as their kind has them."""
    assert text.endswith("\n# EOF") and "\n\n" not in text
    samples: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    seen: list[str] = []
    kinds: dict[str, str] = {}
    for line in text.split("\n")[:-1]:
        if line.startswith("# "):
            _, word, name, rest = line.split(" ", 3)
            if word == "TYPE":
                assert name not in kinds, "a family is in one piece"
                kinds[name] = rest
                seen.append(name)
            else:
                assert name == seen[-1] and (word == "HELP" or (word == "UNIT" and name.endswith(f"_{rest}")))
            continue
        found = SAMPLE.fullmatch(line)
        assert found, line
        behind = found[1].removeprefix(seen[-1])
        assert found[1].startswith(seen[-1]) and behind in SUFFIXES[kinds[seen[-1]]], line
        unescaped = [
            (name, value.replace("\\\\", "\0").replace('\\"', '"').replace("\\n", "\n").replace("\0", "\\"))
            for name, value in LABEL.findall(found[2] or "")
        ]
        key = found[1], tuple(unescaped)
        assert key not in samples
        samples[key] = float(found[3])
    return samples


def test_what_is_told_is_what_the_heartbeat_says() -> None:
    told = read(openmetrics(stands()))
    assert told["msb_running", ()] == 1.0 and told["msb_decisions_total", ()] == 7 and told["msb_equity", ()] == 9_999.5
    assert told["msb_connection_up", (("connection", "spot"),)] == 1 and told["msb_connection_drops_total", (("connection", "spot"),)] == 1
    assert (told["msb_cpu_ratio", ()], told["msb_memory_bytes", ()], told["msb_home_free_bytes", ()]) == (0.25, 1_000_000, 5 * 10**9)
    assert told["msb_loop_lag_seconds", (("quantile", "0.99"),)] == 0.02
    assert told["msb_waiting", (("queue", "changes"),)] == 3 and told["msb_let_go_total", (("queue", "changes"),)] == 2


def test_what_is_not_known_is_left_out() -> None:
    told = read(openmetrics(stands(cpu_share=None)))
    assert not [name for name, _ in told if name in ("msb_cpu_ratio", "msb_open_files")]
    assert ("msb_waiting", (("queue", "socket_bytes"),)) not in told


def test_a_histogram_rises_to_all_frames() -> None:
    told = read(openmetrics(stands()))
    for step, frames in VITALS["frames"].items():
        edges = [(dict(labels)["le"], value) for (name, labels), value in told.items() if name.endswith("_bucket") and dict(labels)["step"] == step]
        assert [edge for edge, _ in edges] == ["0.001", "0.05", "1.0", "+Inf"]
        assert [value for _, value in edges] == [2, 8, 9, frames]


@given(name=st.text(st.characters(codec="utf-8"), max_size=12))
def test_any_name_of_a_connection_comes_back_whole(name: str) -> None:
    if "\0" not in name and "\r" not in name:
        assert ("msb_connection_up", (("connection", name),)) in read(openmetrics(stands(name)))


def test_where_nothing_has_run_that_is_said(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["status", "--metrics", "--home", str(tmp_path)])
    assert answer.exit_code == look.NOT_RUNNING
    assert read(answer.stdout.rstrip("\n"))["msb_running", ()] == 0.0
