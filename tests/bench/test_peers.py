"""A peer is spoken to over a pipe: prepared once, run often, and whatever goes wrong with it is said."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from metastackerbandit.bench import peers
from metastackerbandit.bench.peers import PeerFailed, Playing
from metastackerbandit.domain.errors import UsageError

SCRIPT = """
from serving import serve

def squares(job):
    numbers = list(range(job["n"]))
    print("what a library prints")
    return lambda: sum(x * x for x in numbers)

def dies(job):
    raise SystemExit(3)

serve({"squares": squares, "dies": dies}, versions=())
"""


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A peer of this very interpreter."""
    shutil.copytree(peers.folder() / peers.COMMON, tmp_path / peers.COMMON)
    home = tmp_path / "mirror"
    (home / ".venv" / "bin").mkdir(parents=True)
    (home / "requirements.lock").touch()
    (home / "play.py").write_text(SCRIPT)
    (home / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (home / ".venv" / ".ready").touch()
    monkeypatch.setenv(peers.ENVIRONMENT, str(tmp_path))
    return "mirror"


def test_work_is_prepared_once_and_run_often(mirror: str) -> None:
    with Playing(mirror) as playing:
        assert playing.prepare("squares", {"n": 4}) == {"python": sys.version.split()[0]}
        for _ in range(3):
            told = playing.run()
            assert told["answer"] == 14
            assert told["wall_s"] >= 0.0 and told["cpu_s"] >= 0.0
    assert peers.names() == ["mirror"]


def test_what_goes_wrong_with_a_peer_is_said(mirror: str) -> None:
    with Playing(mirror) as playing, pytest.raises(PeerFailed, match="nothing was prepared"):
        playing.run()
    with Playing(mirror) as playing, pytest.raises(PeerFailed, match="KeyError: 'cubes'"):
        playing.prepare("cubes", {})
    with Playing(mirror) as playing:
        with pytest.raises(PeerFailed, match="exit code 3"):
            playing.prepare("dies", {})
        with pytest.raises(PeerFailed, match="exit code 3"):
            playing.run()


def test_an_unknown_peer_is_refused_with_those_there_are(mirror: str) -> None:
    with pytest.raises(UsageError, match="no peer moon: there are mirror"):
        peers.python_of("moon")


def test_without_peers_the_mend_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(peers.ENVIRONMENT, str(tmp_path))
    with pytest.raises(UsageError, match="run from a checkout"):
        peers.names()


def test_an_environment_that_cannot_be_made_says_why(mirror: str) -> None:
    lock = peers.folder() / mirror / "requirements.lock"
    lock.write_text("no-such-thing-at-all==1.0\n")
    (lock.parent / ".venv" / ".ready").unlink()
    with pytest.raises(PeerFailed, match="could not be made"):
        peers.python_of(mirror)


def test_a_peer_of_the_name_of_a_library_is_not_taken_for_it(mirror: str) -> None:
    (peers.folder() / "astrolabe").mkdir()
    (peers.folder() / mirror / "play.py").write_text("import astrolabe")
    with Playing(mirror) as playing, pytest.raises(PeerFailed, match="No module named 'astrolabe'"):
        playing.run()
