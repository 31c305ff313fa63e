"""`msb status --metrics`: how an installation stands as OpenMetrics text, from the same heartbeat as the words; what is not known is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from metastackerbandit.storage.standing import Standing

TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_COUNTS = ("inputs", "decisions", "orders", "fills", "round_trips")
_QUANTILES = {"0.5": "p50_ms", "0.99": "p99_ms", "1.0": "max_ms"}
_STEPS = {"received": "from the venue's stamp to its receipt", "handled": "from receipt to taken", "taken": "from the stamp to taken"}


class Sample(NamedTuple):
    """One value: what stands behind its family's name, its labels, and the value."""

    behind: str
    labels: Mapping[str, str]
    value: float


class Family(NamedTuple):
    """A metric: name with its unit, the kind of it, what it says, and its values; without any it is left out."""

    name: str
    kind: str
    unit: str
    says: str
    samples: list[Sample]


def openmetrics(found: Standing) -> str:
    """The text, ended by `# EOF`."""
    lines = []
    for family in _families(found):
        if family.samples:
            lines.append(f"# TYPE {family.name} {family.kind}")
            lines += [f"# UNIT {family.name} {family.unit}"] if family.unit else []
            lines.append(f"# HELP {family.name} {_escaped(family.says)}")
            lines += [f"{family.name}{one.behind}{_labels(one.labels)} {_number(one.value)}" for one in family.samples]
    return "\n".join([*lines, "# EOF"])


def _families(found: Standing) -> Iterator[Family]:
    yield _gauge("msb_running", "", "1 while a run lives in this home.", float(found.state == "running"))
    yield _gauge("msb_attention", "", "Things that need attention.", len(found.attention))
    yield _gauge("msb_uptime_seconds", "seconds", "Since the run began.", found.uptime_s)
    yield _gauge("msb_heartbeat_time_seconds", "seconds", "When the run was heard of last, UTC.", found.heartbeat_ns and found.heartbeat_ns / 1e9)
    summary = found.summary
    for name in _COUNTS:
        counted = summary.get(name)
        samples = [Sample("_total", {}, counted)] if isinstance(counted, int) else []
        yield Family(f"msb_{name}", "counter", "", f"{name.replace('_', ' ').capitalize()} of the run.", samples)
    yield _gauge("msb_equity", "", "In the account's currency.", summary.get("equity"))
    yield _gauge("msb_positions", "", "Open positions.", len(found.positions))
    yield from _connections(found)
    if isinstance(summary.get("vitals"), Mapping):
        yield from _vitals(summary["vitals"])


def _connections(found: Standing) -> Iterator[Family]:
    told = {str(one["id"]): one for one in found.connections}
    up = [Sample("", {"connection": name}, float(one["state"] == "up")) for name, one in told.items()]
    yield Family("msb_connection_up", "gauge", "", "1 while a connection stands.", up)
    rate = [Sample("", {"connection": name}, one["rate"]) for name, one in told.items() if one["rate"] is not None]
    yield Family("msb_connection_frames_per_second", "gauge", "", "Frames a second over the last minute.", rate)
    drops = [Sample("_total", {"connection": name}, one["drops"]) for name, one in told.items()]
    yield Family("msb_connection_drops", "counter", "", "Connections that ended without our wish.", drops)


def _vitals(told: Mapping[str, Any]) -> Iterator[Family]:
    yield _gauge("msb_cpu_ratio", "ratio", "Share of one core since the last heartbeat.", told["cpu_share"])
    yield _gauge("msb_memory_bytes", "bytes", "Resident memory.", told["memory_bytes"])
    yield _gauge("msb_open_files", "", "Open file descriptors.", told["open_files"])
    yield _gauge("msb_home_free_bytes", "bytes", "Free on the disk of the home.", told["free_bytes"])
    written = [Sample("", {"files": name}, size) for name, size in told["written_bytes"].items()]
    yield Family("msb_written_bytes", "gauge", "bytes", "By which the run's files have grown since it began.", written)
    waiting = [Sample("", {"queue": name}, size) for name, size in told["waiting"].items() if size is not None]
    yield Family("msb_waiting", "gauge", "", "What waits in a queue; socket_bytes are bytes, the others pieces.", waiting)
    gone = [Sample("_total", {"queue": name}, size) for name, size in told["let_go"].items()]
    yield Family("msb_let_go", "counter", "", "What a full queue let go.", gone)
    loop = told["lags"]["loop"]
    late = [Sample("", {"quantile": share}, loop[name] / 1e3) for share, name in _QUANTILES.items()] if loop else []
    yield Family("msb_loop_lag_seconds", "summary", "seconds", "How late the event loop woke a sleeper, since the last heartbeat.", late)
    counted = [one for step, edges in told["frames_at_most"].items() for one in _buckets(step, edges, told["frames"][step])]
    says = "; ".join(f"{step}: {words}" for step, words in _STEPS.items())
    yield Family("msb_frame_lag_seconds", "histogram", "seconds", f"How late frames were. {says}.", counted)


def _buckets(step: str, edges: Mapping[str, int], frames: int) -> list[Sample]:
    """A histogram without a sum: lags are counted, not added."""
    made = [Sample("_bucket", {"step": step, "le": f"{float(edge) / 1e3!r}"}, count) for edge, count in edges.items()]
    return [*made, Sample("_bucket", {"step": step, "le": "+Inf"}, frames)]


def _gauge(name: str, unit: str, says: str, value: float | None) -> Family:
    return Family(name, "gauge", unit, says, [] if value is None else [Sample("", {}, value)])


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}" if labels else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return f"{value}" if isinstance(value, int) else repr(float(value))
