"""Loading: layers, sources, and every problem with its place and its mend."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.config.loading import examine, examine_text, load, load_home
from metastackerbandit.config.outline import children, join, keys, tables, value_at
from metastackerbandit.config.schema import Config
from metastackerbandit.config.writing import toml_value
from metastackerbandit.domain.errors import ConfigRefused, NotFound
from tests.config.strategies import written_values
from tests.covering import covers

PIECES = ["[costs]", "[", "]", "=", "\n", "a", "taker_fee_bps", '"', "'''", "{", "}", ".", "1", "nan", ",", "[[run]]", "#", " ", "\r\n"]
LAYERS = ("file", "environment", "flag")


def misspelt(name: str) -> st.SearchStrategy[str]:
    """The name with one slip of the finger: a letter lost, doubled, or exchanged with its neighbour."""
    places = range(len(name))
    slips = {name[:i] + name[i + 1 :] for i in places} | {name[: i + 1] + name[i:] for i in places}
    slips |= {name[:i] + name[i + 1] + name[i] + name[i + 2 :] for i in places[:-1]}
    return st.sampled_from(sorted(slips - {name, ""}))


@st.composite
def slips(draw: Any) -> tuple[str, str, str]:
    """A table, one of its children, and the child misspelt so that it is not another name there."""
    table = draw(st.sampled_from([name for name in tables() if children(name)]))
    child = draw(st.sampled_from(children(table)))
    return table, child, draw(misspelt(child).filter(lambda slip: slip not in children(table)))


@covers("0.15", "0.18", "A04", "A12")
@settings(deadline=None)
@given(slips())
def test_a_misspelt_name_at_any_level_is_refused_with_what_was_meant(slip: tuple[str, str, str]) -> None:
    table, child, wrong = slip
    meant = join(table, child)
    line = f"[{join(table, wrong)}]" if meant in tables() else f"{wrong} = 1"
    text = f"# a remark\n{line}" if meant in tables() else f"[{table}]\n{line}"
    (problem,) = [found for found in examine_text(text.encode(), "here.toml").problems if found.what.startswith("unknown")]
    assert problem.mend.startswith("did you mean ") and meant in problem.mend.removesuffix("?").split()
    assert problem.where == "here.toml:2"
    (flagged,) = examine(sets=[f"{join(table, wrong)}=1"]).problems
    assert flagged.mend == problem.mend


@covers("A04")
@settings(deadline=None)
@given(st.sampled_from(sorted(keys())), st.sets(st.sampled_from(LAYERS)))
def test_the_source_names_the_last_layer_that_set_a_key(name: str, layers: set[str]) -> None:
    default = keys()[name].default
    value = 1 if default is None else default
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    variable = f"MSB_{name.upper().replace('.', '__')}"
    with TemporaryDirectory() as folder:
        file = Path(folder) / "msb.toml"
        file.write_text(f"[{keys()[name].table}]\n{keys()[name].field} = {toml_value(value)}\n")
        examined = examine(
            [file] if "file" in layers else [],
            {variable: text} if "environment" in layers else {},
            [f"{name}={text}"] if "flag" in layers else [],
        )
    sources = {"file": f"{file}:2", "environment": f"environment {variable}", "flag": "flag --set"}
    last = next((sources[layer] for layer in reversed(LAYERS) if layer in layers), "default")
    assert examined.problems == []
    assert examined.sources == {**dict.fromkeys(keys(), "default"), name: last}
    assert value_at(examined.config, name) == (value if layers else default)


@covers("0.15")
def test_later_layers_win(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[costs]\ntaker_fee_bps = 1\nmaker_fee_bps = 1\nslippage_bps = 1\n")
    environment = {"MSB_COSTS__MAKER_FEE_BPS": "2", "MSB_COSTS__SLIPPAGE_BPS": "2", "MSB_ARMS__SMA_CROSS__FAST": "20", "MSB_HOME": "x", "PATH": "y"}
    loaded = load_home(tmp_path, environment, ["costs.slippage_bps=3"], {"run.frames": ("1h",), "run.arm": None, "run.symbols": ("A", "B")})
    costs = loaded.config.costs
    assert (costs.taker_fee_bps, costs.maker_fee_bps, costs.slippage_bps) == (1.0, 2.0, 3.0)
    assert loaded.config.arms.sma_cross.fast == 20
    assert (loaded.config.run.frames, loaded.config.run.symbols) == (("1h",), ("A", "B"))
    assert loaded.sources["costs.taker_fee_bps"] == f"{file}:2"
    assert loaded.sources["costs.maker_fee_bps"] == "environment MSB_COSTS__MAKER_FEE_BPS"
    assert loaded.sources["costs.slippage_bps"] == "flag --set"
    assert loaded.sources["run.frames"] == "flag --frames"
    assert loaded.sources["run.arm"] == "default"


@settings(deadline=None)
@given(written_values())
def test_dotted_keys_say_the_same_as_tables_and_keep_their_lines(chosen: dict[str, Any]) -> None:
    present = {name: value for name, value in chosen.items() if value is not None}
    examined = examine_text("".join(f"{name} = {toml_value(value)}\n" for name, value in present.items()).encode(), "f")
    assert examined.problems == []
    assert {name: value_at(examined.config, name) for name in present} == present
    assert [examined.sources[name] for name in present] == [f"f:{line}" for line, _ in enumerate(present, start=1)]


def test_inline_tables_say_the_same_as_tables() -> None:
    examined = examine_text(b"costs = { taker_fee_bps = 4 }\narms.sma_cross = { fast = 3, slw = 9 }", "f")
    assert (examined.config.costs.taker_fee_bps, examined.config.arms.sma_cross.fast) == (4.0, 3)
    assert examined.sources["arms.sma_cross.fast"] == "f:2"
    assert [(problem.where, problem.mend) for problem in examined.problems] == [("f:2", "did you mean arms.sma_cross.slow?")]


@covers("0.18")
@settings(deadline=None)
@given(st.binary(max_size=200))
def test_garbage_is_a_problem_with_a_place_and_never_a_crash(content: bytes) -> None:
    for problem in examine_text(content, "f.toml").problems:
        assert problem.what and problem.where.startswith("f.toml") and problem.mend


@covers("0.18")
@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES)))
def test_nearly_toml_is_a_problem_with_a_place_and_never_a_crash(pieces: list[str]) -> None:
    for problem in examine_text("".join(pieces).encode(), "f.toml").problems:
        assert problem.what and problem.where.startswith("f.toml") and problem.mend


@settings(deadline=None)
@given(st.sampled_from(sorted(keys())), st.text(max_size=20))
def test_any_text_of_a_variable_or_flag_is_a_value_or_a_problem(name: str, text: str) -> None:
    variable = f"MSB_{name.upper().replace('.', '__')}"
    for examined in (examine(environment={variable: text}), examine(sets=[f"{name}={text}"])):
        assert all(problem.what and problem.where and problem.mend for problem in examined.problems)


@covers("0.16", "0.17", "A42", "C16")
@pytest.mark.parametrize(
    ("text", "what", "mend"),
    [
        ("[costs]\ntaker_fee_bps = 2000", "costs.taker_fee_bps = 2000", "a number from 0 to 1000"),
        ("[costs]\ntaker_fee_bps = nan", "not a finite number", "a number from 0 to 1000"),
        ("[run]\npace = inf", "not a finite number", "a number"),
        ('[costs]\ntaker_fee_bps = "4"', "costs.taker_fee_bps = '4'", "a number from 0 to 1000"),
        ("[costs]\ntaker_fee_bps = true", "costs.taker_fee_bps = True", "a number from 0 to 1000"),
        ("[execution]\ncooldown_bars = 1.5", "execution.cooldown_bars = 1.5", "a whole number at least 0"),
        (f"[execution]\ncooldown_bars = {2**63}", "beyond 64 bits", "a whole number"),
        (f"[execution]\ncooldown_bars = 0x{'f' * 5000}", "a very large int", "a whole number"),
        ('[sizing]\nmode = "volatile"', "sizing.mode = 'volatile'", '"volatility"'),
        ('[run]\nsymbols = "BTCUSDT"', "run.symbols = 'BTCUSDT'", "a list of texts"),
        ("[run]\nsymbols = [1]", "run.symbols = [1]", "a list of texts"),
        ("[risk]\nmax_drawdown = 1979-05-27", "datetime.date", "above 0"),
        ("\ncosts = 4", "costs is a table", "costs.taker_fee_bps"),
        ('[run]\nframes = ["7m"]', "unknown timeframe '7m'", "1m"),
        ('[run]\narm = "sma_crss"', "unknown arm 'sma_crss'", 'did you mean "sma_cross"?'),
        ('[account]\ndeposit = "-1"', "account.deposit = '-1' is not above 0", "positive"),
        ('[account]\ndeposit = "lots"', "is not a decimal number", "1000.50"),
        ('[account]\ndeposit = "NaN"', "is not above 0", "positive"),
        ('[account]\ndeposit = "1e999999"', "too large or too fine", "plain amount"),
        ('[account]\ndeposit = "0.000000001"', "finer than its money unit", "round"),
        ('[sizing]\nquantity = "0"', "sizing.quantity = '0' is not above 0", "positive"),
        ("[arms.sma_cross]\nfast = 50", "arms.sma_cross.fast = 50 is not below arms.sma_cross.slow = 50", "below 50"),
        ("[arms.ema_cross]\nslow = 3", "arms.ema_cross.fast = 12 is not below arms.ema_cross.slow = 3", "below 3"),
        ("[market]\nfast_volatility_days = 11", "is above market.slow_volatility_days = 10.0", "exchange"),
        ("[decision]\nmin_volatility = 5", "is above decision.max_volatility = 4.0", "lower"),
        ('[run]\nsymbols = ["A", "A"]', "names A more than once", "once"),
        ("[run]\npace = -1", "run.pace = -1", "0"),
    ],
)
def test_a_wrong_value_names_key_value_what_is_allowed_and_the_line(text: str, what: str, mend: str) -> None:
    (problem,) = examine_text(text.encode(), "f.toml").problems
    assert what in problem.what
    assert mend in problem.mend
    assert problem.where == "f.toml:2"


@covers("0.18")
def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[costs]\ntakr_fee_bps = 4\nmaker_fee_bps = -1\n[arms.sma_cross]\nfast = 60\n")
    with pytest.raises(ConfigRefused) as caught:
        load([file], {"MSB_RUN__FRAME": "7m"}, ["nothing"])
    for words in ("did you mean costs.taker_fee_bps?", f"{file}:3", f"{file}:5", "MSB_RUN__FRAME", "--set KEY=VALUE"):
        assert words in str(caught.value)


def test_a_value_that_is_refused_causes_no_second_problem() -> None:
    (problem,) = examine_text(b'[arms.sma_cross]\nfast = 60\nslow = "x"', "f").problems
    assert problem.key == "arms.sma_cross.slow"


@pytest.mark.parametrize("text", ["[costs]\ntaker_fee_bps = \n", "[costs\n", "run = \n[costs]", "<<<<<<< ours", "[run]\nframe = 5m\n", 'a = """\n\n'])
def test_a_syntax_error_names_its_line(text: str) -> None:
    (problem,) = examine_text(text.encode(), "f.toml").problems
    assert problem.what.startswith("not TOML")
    assert problem.where.removeprefix("f.toml:").isdigit()


def test_deep_nesting_and_size_are_problems() -> None:
    assert "too deeply" in examine_text(b"a = " + b"[" * 50_000, "f").problems[0].what
    assert "too large" in examine_text(b"#" * 2_000_000, "f").problems[0].what


def test_lines_are_found_behind_remarks_long_values_and_windows_line_ends() -> None:
    text = '# x\r\n[run]\r\nsymbols = [\r\n  "A", # one\r\n  "[costs]",\r\n]\r\nframes = ["1h"]\r\n'
    examined = examine_text(text.encode("utf-8-sig"), "f")
    assert examined.config.run.symbols == ("A", "[costs]")
    assert (examined.sources["run.symbols"], examined.sources["run.frames"]) == ("f:3", "f:7")


def test_a_slip_that_could_be_two_keys_suggests_both() -> None:
    (problem,) = examine_text(b"[costs]\naker_fee_bps = 4", "f").problems
    assert set(problem.mend.removesuffix("?").split()) >= {"costs.maker_fee_bps", "costs.taker_fee_bps"}


def test_a_variable_with_single_underscores_is_refused_with_its_right_name() -> None:
    (problem,) = examine(environment={"MSB_COSTS_TAKER_FEE_BPS": "4"}).problems
    assert "MSB_COSTS__TAKER_FEE_BPS" in problem.mend


def test_a_flag_can_unset_what_a_file_set(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[exits]\nstop_bps = 100\n")
    assert load([file]).config.exits.stop_bps == 100.0
    assert load([file], sets=["exits.stop_bps=null"]).config.exits.stop_bps is None


def test_a_missing_or_unreadable_file_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        load([tmp_path / "absent.toml"])
    with pytest.raises(ConfigRefused):
        load([tmp_path])
    assert load_home(tmp_path / "nowhere", {}).config == Config()
