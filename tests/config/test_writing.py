"""Writing: commented TOML that loads back exactly, meanings, the hash and the JSON schema."""

from __future__ import annotations

import tomllib

import msgspec
from hypothesis import given, settings

from metastackerbandit.config.json_schema import json_schema
from metastackerbandit.config.loading import examine_text
from metastackerbandit.config.meaning import key_meaning, table_meaning
from metastackerbandit.config.outline import keys, tables
from metastackerbandit.config.schema import Config
from metastackerbandit.config.writing import config_hash, config_text
from tests.config.strategies import configs
from tests.covering import covers


@covers("0.15", "0.16")
@settings(deadline=None)
@given(configs())
def test_a_configuration_is_written_and_loaded_without_change(config: Config) -> None:
    examined = examine_text(config_text(config).encode(), "f")
    assert examined.problems == []
    assert examined.config == config
    assert config_hash(examined.config) == config_hash(config)


@covers("A03")
@settings(deadline=None)
@given(configs(), configs())
def test_the_hash_differs_exactly_when_a_value_does(one: Config, other: Config) -> None:
    assert (config_hash(one) == config_hash(other)) == (msgspec.json.encode(one) == msgspec.json.encode(other))
    assert len(config_hash(one)) == 16


@covers("0.16")
def test_every_table_and_key_stands_in_the_text_with_its_meaning() -> None:
    text = config_text(Config())
    assert set(tomllib.loads(text)) == set(Config.__struct_fields__) - {"overrides", "waivers"}
    for name in tables():
        assert not name or f"# {table_meaning(name)}\n[{name}]" in text
    for key in keys().values():
        assert f"\n{key.field} = " in text or f"\n# {key.field} = " in text
        assert key_meaning(key) in text


def test_a_meaning_is_the_comment_beside_the_field() -> None:
    assert key_meaning(keys()["costs.slippage_bps"]) == "beyond the touch, market and stop orders"
    assert table_meaning("exits").startswith("Protective exits")


def test_the_json_schema_describes_every_key() -> None:
    definitions = json_schema()["$defs"]
    fee = definitions["CostSettings"]["properties"]["taker_fee_bps"]
    assert (fee["minimum"], fee["maximum"], fee["default"]) == (0, 1000, 5.0)
    assert "taking" in fee["description"]
    for key in keys().values():
        assert key.field in definitions[tables()[key.table].__name__]["properties"]
