"""Each module of the core with code has a test file of its own."""

from __future__ import annotations

from tests.covering import covers
from tools.mutation.own import TESTS, core_packages, has_code, modules_of, own_file, stated

CORE = [module for package in core_packages() for module in modules_of(package)]


@covers("A35")
def test_a_module_with_code_has_its_own_test_file() -> None:
    assert len(CORE) > 200
    assert [module for module in CORE if has_code(module) and not own_file(module).exists()] == []


def test_tables_have_no_code_and_where_they_are_tested_there_is_a_test() -> None:
    tables = stated()["tables"]
    assert all(module in CORE and not has_code(module) for module in tables)
    assert [place for places in tables.values() for place in places if not (TESTS / place).exists()] == []


def test_a_catalog_s_suite_exists_and_its_folder_has_members() -> None:
    for folder, suite in stated()["catalogs"].items():
        assert (TESTS / suite).exists() and any(module.startswith(f"{folder}.") for module in CORE)
