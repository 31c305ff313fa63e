"""`msb models` tells what there is, promotes what fits, says why not, and goes back, in words and in JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from metastackerbandit.cli.main import app
from metastackerbandit.config.schema import Config
from metastackerbandit.costs.rates import round_trip_bps
from metastackerbandit.domain.card import ModelCard
from metastackerbandit.domain.label import label_spec
from metastackerbandit.features.catalog import fingerprint
from metastackerbandit.storage.registry import Registry
from tests.covering import covers
from tests.storage.model_making import FILES, card

SERIES = "stack-5m-BTCUSDT-0a1b2c3d4e"
OTHER = "stack-5m-BTCUSDT-ffffffffff"


def fitting(series: str = SERIES, **changed: Any) -> ModelCard:
    """A card that this program, at its default costs, would make."""
    digest = label_spec("5m").digest(round_trip_bps(Config().costs))
    return card(series, **{"feature_hash": fingerprint(), "label_hash": digest, "horizon": label_spec("5m").horizon, **changed})


def home_of(tmp_path: Path, *cards: ModelCard) -> Path:
    registry = Registry(tmp_path / "models")
    for one in cards or (fitting(),):
        registry.add(one, FILES)
    return tmp_path


def told(home: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of a verb."""
    result = CliRunner().invoke(app, ["models", *words, "--json", "--home", str(home)])
    return result.exit_code, json.loads(result.stdout)


def said(home: Path, *words: str) -> str:
    """Text of a verb that succeeds, in one line."""
    result = CliRunner().invoke(app, ["models", *words, "--home", str(home)], env={"COLUMNS": "220"})
    assert result.exit_code == 0, result.output
    return " ".join(result.stdout.split())


def done(home: Path, *words: str) -> dict[str, Any]:
    code, answer = told(home, *words)
    assert code == 0, answer
    return answer


@covers("A20")
@pytest.mark.parametrize(
    "words", [("list",), ("show", SERIES), ("promote", SERIES), ("rollback", "--symbol", "BTCUSDT", "--frame", "5m"), ("clean",)]
)
def test_a_home_without_models_says_how_to_get_some_and_stays_as_it_was(tmp_path: Path, words: tuple[str, ...]) -> None:
    code, answer = told(tmp_path, *words)
    assert code == 6 and "msb train" in answer["error"]["mend"] and answer["error"]["where"] == str(tmp_path / "models")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_registry_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    assert done(tmp_path, "list")["models"] == []
    assert "msb train" in said(tmp_path, "list")


@covers("A17", "1.40")
def test_a_fitting_series_is_promoted_serves_and_can_be_rolled_back(tmp_path: Path) -> None:
    home = home_of(tmp_path, fitting(), fitting(version=2), fitting(OTHER))
    assert done(home, "list")["slots"] == []
    answer = done(home, "promote", SERIES)
    assert answer["promoted"] == [{"symbol": "BTCUSDT", "frame": "5m", "series": SERIES, "replaced": None, "waived": []}]
    assert done(home, "promote", OTHER)["promoted"][0]["replaced"] == SERIES
    (slot,) = done(home, "list")["slots"]
    assert (slot["series"], slot["answers"], slot["silence"]) == (OTHER, f"{OTHER}-0001", "")
    back = done(home, "rollback", "--symbol", "BTCUSDT", "--frame", "5m")
    assert (back["series"], back["replaced"]) == (SERIES, OTHER)
    rows = {row["series"]: row for row in done(home, "list")["models"]}
    assert rows[SERIES]["serves"] == ["BTCUSDT 5m"] and rows[OTHER]["serves"] == []
    assert rows[SERIES]["id"] == f"{SERIES}-0002" and rows[SERIES]["versions"] == [f"{SERIES}-0001", f"{SERIES}-0002"]
    assert rows[SERIES]["skill_mnats"] == {"value": 2.1, "low": 0.8, "high": 3.4}
    assert [change["kind"] for change in slot["history"]] == ["promotion", "promotion"]
    code, answer = told(home, "rollback", "--symbol", "BTCUSDT", "--frame", "5m")
    assert code == 6 and "nothing served BTCUSDT 5m before" in answer["error"]["what"]


@covers("K24", "A17")
def test_a_5m_series_offered_to_1h_is_refused_with_the_mend(tmp_path: Path) -> None:
    home = home_of(tmp_path)
    code, answer = told(home, "promote", SERIES, "--frame", "1h")
    assert code == 4 and answer["error"]["type"] == "ModelMismatch"
    assert "was trained on 5m bars, asked to serve 1h: promote a 1h model" in answer["error"]["what"]
    assert "msb train --frames 1h" in answer["error"]["mend"]
    code, answer = told(home, "promote", SERIES, "--symbol", "ETHUSDT")
    assert code == 4 and "promote a model of ETHUSDT" in answer["error"]["what"]
    assert done(home, "list")["slots"] == []


def test_a_series_of_other_features_or_costs_is_refused(tmp_path: Path) -> None:
    home = home_of(tmp_path, fitting(), fitting(OTHER, feature_hash="00"))
    code, answer = told(home, "promote", OTHER)
    assert code == 4 and "check features" in answer["error"]["where"] and fingerprint() in answer["error"]["what"]
    code, answer = told(home, "promote", SERIES, "--set", "costs.taker_fee_bps=99")
    assert code == 4 and "check labels" in answer["error"]["where"]


@covers("A17", "1.07")
def test_a_waiver_lets_an_unfit_series_serve_and_is_shown_everywhere(tmp_path: Path) -> None:
    home = home_of(tmp_path, fitting(share_up=0.93))
    code, answer = told(home, "promote", SERIES)
    assert code == 4 and "UP in 93%" in answer["error"]["what"]
    given = done(home, "waive", SERIES, "--check", "one_sided", "--days", "5", "--why", "paper test of the new labels")
    assert given["waiver"]["in_force"] is True and given["waiver"]["id"] == SERIES
    answer = done(home, "promote", SERIES)
    assert answer["promoted"][0]["waived"] == ["one_sided"] and "waived: check one_sided" in answer["notes"][0]
    (shown,) = done(home, "list")["waivers"]
    assert shown["why"] == "paper test of the new labels"
    assert "WAIVED until" in said(home, "list") and "paper test of the new labels" in said(home, "show", SERIES)
    (refusal,) = done(home, "show", SERIES)["refusals"]
    assert refusal["waived"]["check"] == "one_sided"


@pytest.mark.parametrize(
    ("words", "code", "what"),
    [
        (("--check", "files", "--days", "5", "--why", "x"), 4, "cannot be waived"),
        (("--check", "mood", "--days", "5", "--why", "x"), 4, "no check 'mood'"),
        (("--check", "parity", "--days", "31", "--why", "x"), 4, "31 days"),
        (("--check", "parity", "--days", "nan", "--why", "x"), 2, "nan is no number of days"),
        (("--check", "parity", "--days", "inf", "--why", "x"), 2, "inf is no number of days"),
        (("--check", "parity", "--days", "0", "--why", "x"), 4, "0 days"),
        (("--check", "parity", "--days", "5", "--why", " "), 4, "why"),
        (("--check", "parity", "--days", "soon", "--why", "x"), 2, "--days"),
        (("--check", "parity"), 2, "--days"),
    ],
)
def test_a_waiver_that_may_not_be_given_is_refused(tmp_path: Path, words: tuple[str, ...], code: int, what: str) -> None:
    home = home_of(tmp_path)
    got, answer = told(home, "waive", SERIES, *words)
    assert got == code and what in answer["error"]["what"]
    assert Registry(home / "models").waivers() == ()


@covers("A18", "A20")
def test_the_page_tells_the_card_and_what_would_block(tmp_path: Path) -> None:
    home = home_of(tmp_path, fitting(share_up=1.0, n_eff=60.0, n_rows=218, size=0.0, rung="prior", asleep="60 independent outcomes"))
    page = done(home, "show", SERIES)
    assert [refusal["check"] for refusal in page["refusals"]] == ["samples", "one_sided", "asleep"]
    assert page["card"]["model_id"] == f"{SERIES}-0001" and page["card"]["scores"][1]["low"] is None
    assert page["path"].endswith(f"{SERIES}/0001")
    text = said(home, "show", f"{SERIES}-0001")
    for words in (
        "stack for BTCUSDT on 5m bars, BINANCE perp",
        "218 rows, 60 independent outcomes: rung 'prior', size x 0",
        "gain 2.1 [0.8, 3.4] mnats",
        "auc_up 0.53",
        "lightgbm 0.600",
        "calibrator 256 bytes",
        "promotion is blocked by",
        "check one_sided: it says UP in 100% of its directional predictions, where 35% to 65% is asked mend:",
        "asleep: 60 independent outcomes",
    ):
        assert words in text
    assert "nothing blocks its promotion" in said(home_of(tmp_path / "sound"), "show", SERIES)


@covers("A20")
def test_a_damaged_version_is_listed_with_what_is_wrong(tmp_path: Path) -> None:
    home = home_of(tmp_path, fitting(), fitting(OTHER))
    done(home, "promote", SERIES)
    folder = home / "models" / SERIES / "0001"
    (folder / "calibrator").write_bytes(b"changed")
    page = done(home, "show", SERIES)
    assert [refusal["check"] for refusal in page["refusals"]] == ["files"]
    (folder / "card.json").write_text("{}")
    answer = done(home, "list")
    damaged = {row["series"]: row["damaged"] for row in answer["models"]}
    assert damaged[OTHER] is None and "not the one that was written" in damaged[SERIES]
    assert answer["slots"][0]["answers"] is None and "not the one that was written" in answer["slots"][0]["silence"]
    assert "DAMAGED" in said(home, "list")
    code, answer = told(home, "show", SERIES)
    assert code == 4 and answer["error"]["type"] == "ModelRefused" and answer["error"]["mend"]


def test_names_are_suggested_and_versions_are_not_promoted(tmp_path: Path) -> None:
    home = home_of(tmp_path)
    code, answer = told(home, "show", SERIES.replace("BTC", "BCT"))
    assert code == 6 and answer["error"]["mend"] == f"did you mean {SERIES}?"
    code, answer = told(home, "promote", f"{SERIES}-0001")
    assert code == 2 and f"msb models promote {SERIES}" in answer["error"]["mend"]


def test_clean_names_what_would_go_and_removes_it_when_told(tmp_path: Path) -> None:
    home = home_of(tmp_path, *(fitting(f"s{place}", created_ns=place) for place in range(7)))
    done(home, "promote", "s0")
    assert done(home, "clean") == {"removed": [], "removable": ["s1"]}
    assert "1 series would go: --yes removes them" in said(home, "clean")
    assert done(home, "clean", "--yes")["removed"] == ["s1"]
    assert [row["series"] for row in done(home, "list")["models"]] == ["s0", "s2", "s3", "s4", "s5", "s6"]
