"""The frame of every verb: strict JSON, typed errors with exit codes, silence when nobody reads, a light start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from metastackerbandit.cli.answer import JsonFlag, Verbs, answering, encoded, tell
from metastackerbandit.cli.main import app
from metastackerbandit.domain import errors

RUNNER = CliRunner()
ERRORS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.MsbError)]
SOURCE = Path(__file__).resolve().parents[2] / "src"


def verb_that(fails_with: BaseException | None, answer: Any = None) -> typer.Typer:
    """A program of two verbs, of which `do` answers or fails."""
    program = typer.Typer(cls=Verbs, rich_markup_mode=None, pretty_exceptions_enable=False)

    @program.command()
    def do(json: JsonFlag = False) -> None:
        with answering(json):
            if fails_with is not None:
                raise fails_with
            tell(answer, "in words", json)

    @program.command()
    def other() -> None:
        """Stand beside, so that verbs are named."""

    return program


def run_python(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program as a process of its own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MSB_")}
    paths = {**clean, "PYTHONPATH": str(SOURCE), **environment}
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, env=paths, timeout=60, check=False)


@pytest.mark.parametrize("kind", ERRORS)
def test_each_error_of_ours_answers_with_its_exit_code_in_json_and_in_words(kind: type[errors.MsbError]) -> None:
    program = verb_that(kind("it is so", where="here", mend="do this"))
    result = RUNNER.invoke(program, ["do", "--json"])
    assert result.exit_code == kind.exit_code
    assert json.loads(result.stdout) == {"error": {"type": kind.__name__, "what": "it is so", "where": "here", "mend": "do this"}}
    assert "here: it is so (do this)" in result.stderr
    plain = RUNNER.invoke(program, ["do"])
    assert (plain.exit_code, plain.stdout) == (kind.exit_code, "")
    assert "here: it is so (do this)" in plain.stderr


def test_an_error_inside_a_task_group_answers_as_itself() -> None:
    wrapped = ExceptionGroup("tasks", [ValueError("other"), ExceptionGroup("inner", [errors.NotFound("no such run")])])
    result = RUNNER.invoke(verb_that(wrapped), ["do", "--json"])
    assert (result.exit_code, json.loads(result.stdout)["error"]["type"]) == (6, "NotFound")


def test_an_unexpected_error_is_named_without_a_traceback_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    program = verb_that(ZeroDivisionError("by nought"))
    result = RUNNER.invoke(program, ["do", "--json"])
    error = json.loads(result.stdout)["error"]
    assert (result.exit_code, error["type"], error["what"]) == (1, "ZeroDivisionError", "by nought")
    assert "Traceback" not in result.stderr
    monkeypatch.setenv("MSB_DEBUG", "1")
    again = RUNNER.invoke(program, ["do", "--json"])
    assert "Traceback" in again.stderr
    assert json.loads(again.stdout) == json.loads(result.stdout)


@pytest.mark.parametrize("words", [["dp"], ["do", "--jsn"], ["do", "too", "many"]])
def test_a_usage_error_exits_with_2_and_answers_like_the_others(words: list[str]) -> None:
    result = RUNNER.invoke(verb_that(None), [*words, "--json"])
    error = json.loads(result.stdout)["error"]
    assert (result.exit_code, error["type"]) == (2, "UsageError")
    assert "--help" in error["mend"]
    assert error["what"] in result.stderr


def test_a_misspelt_verb_and_flag_are_answered_with_what_was_meant() -> None:
    assert "'config'" in RUNNER.invoke(app, ["confg"]).stderr
    assert "--json" in RUNNER.invoke(app, ["config", "show", "--jsn"]).stderr


@pytest.mark.parametrize(("ending", "code"), [(typer.Exit(5), 5), (typer.Abort(), 1), (KeyboardInterrupt(), 130), (BrokenPipeError(), 0)])
def test_the_terminals_own_endings_pass_without_an_error(ending: BaseException, code: int) -> None:
    result = RUNNER.invoke(verb_that(ending), ["do", "--json"])
    assert (result.exit_code, result.stdout) == (code, "")


@settings(deadline=None)
@given(st.recursive(st.none() | st.floats() | st.integers() | st.text('a"\\\n\x00é😀'), lambda inner: st.lists(inner, max_size=3)))
def test_an_answer_is_always_strict_json(answer: Any) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    assert "answer" in json.loads(encoded({"answer": answer}), parse_constant=refuse)


def test_not_a_number_is_null_and_arrays_are_lists() -> None:
    import numpy as np

    answer = {"ratio": float("nan"), "most": float("inf"), "row": np.array([1.0, np.nan]), "count": np.int64(3), "file": Path("a/b")}
    result = RUNNER.invoke(verb_that(None, answer), ["do", "--json"])
    assert json.loads(result.stdout) == {"ratio": None, "most": None, "row": [1.0, None], "count": 3, "file": "a/b"}
    assert RUNNER.invoke(verb_that(None, answer), ["do"]).stdout == "in words\n"


def test_whatever_rich_can_draw_is_an_answer() -> None:
    from rich.table import Table

    table = Table("symbol")
    table.add_row("BTCUSDT")
    program = typer.Typer()
    program.command()(lambda: tell({}, table, json=False))
    assert "BTCUSDT" in RUNNER.invoke(program, []).stdout


def test_help_lists_the_verbs_and_the_version_is_told() -> None:
    told = run_python("-m", "metastackerbandit", "--help")
    assert told.returncode == 0
    assert told.stdout.startswith("Usage: msb ")
    assert "config" in told.stdout and "init" in told.stdout
    assert run_python("-m", "metastackerbandit", "--version").stdout.startswith("msb ")


def test_the_command_line_starts_without_anything_heavy() -> None:
    heavy = "numpy", "numba", "polars", "pyarrow", "rich", "msgspec"
    seen = run_python("-c", f"import sys, metastackerbandit.cli.main; print([name for name in {heavy} if name in sys.modules])")
    assert seen.stdout.strip() == "[]", seen.stderr


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -m metastackerbandit config schema --json | head -c 10; echo ${{PIPESTATUS[0]}}"
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    told = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert told.stdout.endswith("0\n")
    assert told.stderr == ""
