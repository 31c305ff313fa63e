"""A killed run loses no decision and no flushed row, and leaves its home free for the next."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from metastackerbandit.domain.errors import StorageFailed
from metastackerbandit.storage import decision_columns
from metastackerbandit.storage.journal import Journal
from metastackerbandit.storage.standing import standing
from tests.covering import covers
from tests.storage.runs import any_decisions, record, same_bits, stretch

ROOT = Path(__file__).resolve().parents[2]

WRITER = """
import sys
from pathlib import Path
import numpy as np
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.rows import OrderRow
from metastackerbandit.storage import decision_columns
from metastackerbandit.storage.journal import Journal
from tests.storage.runs import any_decisions, record, stretch

decision_columns.ROLL_ROWS = 512
given = any_decisions(20_000, 3, np.random.default_rng(5))
writer = Journal.open(Path(sys.argv[1])).begin(record(mode="paper"), 1)
order = rows(OrderRow, 1)
for place in range(20_000):
    order["order"] = place + 1
    writer.orders(order)
    writer.flush()
    writer.decisions(*stretch(given, place, place + 1))
    print(place + 1, flush=True)
"""


@covers("A40")
@pytest.mark.parametrize("after", [3, 700])
def test_a_run_killed_between_two_rows_keeps_every_row_that_it_announced(tmp_path: Path, after: int) -> None:
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": paths}
    )
    assert process.stdout is not None
    announced = 0
    for line in process.stdout:
        announced = int(line)
        if announced == after:
            with pytest.raises(StorageFailed, match=f"process {process.pid}"):
                Journal.open(tmp_path).begin(record(mode="paper"), 1)
            process.send_signal(signal.SIGKILL)
            break
    announced = max([announced, *(int(line) for line in process.stdout if line.endswith("\n"))])
    process.wait()
    journal = Journal.open(tmp_path)
    found = journal.run().decisions()
    assert announced <= len(found.rows) <= announced + 1
    assert same_bits(found, stretch(any_decisions(20_000, 3, np.random.default_rng(5)), 0, len(found.rows)))
    assert len(found.rows) <= len(journal.run().orders()) <= len(found.rows) + 1, "an order's intent is on disk before what follows it"
    said = standing(journal, 2, lambda pid: False)
    assert said.state == "stopped" and "crashed" in said.attention[0]
    journal.begin(record(mode="paper"), 3).finish("finished", {}, 4)


def a_tail(home: Path, count: int) -> tuple[Journal, Path, decision_columns.Decisions]:
    journal = Journal.open(home)
    given = any_decisions(count, 3, np.random.default_rng(1))
    journal.begin(record(), 1).decisions(*given)
    return journal, home / "decisions" / "run=1" / "tail-000001.bin", given


@pytest.mark.parametrize("lost", [1, 8, 100])
def test_a_row_torn_at_the_end_is_left_out(tmp_path: Path, lost: int) -> None:
    journal, tail, given = a_tail(tmp_path, 10)
    tail.write_bytes(tail.read_bytes()[:-lost])
    assert same_bits(journal.run().decisions(), stretch(given, 0, 9))


def test_a_last_row_of_half_written_bytes_is_left_out(tmp_path: Path) -> None:
    journal, tail, given = a_tail(tmp_path, 10)
    body = tail.read_bytes()
    tail.write_bytes(body[:-60] + bytes(60))
    assert same_bits(journal.run().decisions(), stretch(given, 0, 9))


def test_damage_inside_a_tail_is_named(tmp_path: Path) -> None:
    journal, tail, _ = a_tail(tmp_path, 10)
    body = bytearray(tail.read_bytes())
    body[len(body) // 2] ^= 1
    tail.write_bytes(bytes(body))
    with pytest.raises(StorageFailed, match="damaged") as caught:
        journal.run().decisions()
    assert caught.value.where == str(tail)


@pytest.mark.parametrize("head", [b"", b'{"row_b'])
def test_a_tail_killed_at_its_first_line_is_empty(tmp_path: Path, head: bytes) -> None:
    journal, tail, _ = a_tail(tmp_path, 1)
    tail.write_bytes(head)
    assert len(journal.run().decisions().rows) == 0


def test_a_kill_between_part_and_tail_doubles_nothing(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    given = any_decisions(10, 3, np.random.default_rng(1))
    writer = journal.begin(record(), 1)
    writer.decisions(*given)
    tail = tmp_path / "decisions" / "run=1" / "tail-000001.bin"
    left = tail.read_bytes()
    writer.finish("finished", {}, 2)
    tail.write_bytes(left)
    assert same_bits(journal.run().decisions(), given)
