"""Each module of the core has a test file of its own, or stands on a list that may only shrink."""

from __future__ import annotations

from tests.covering import covers
from tools.mutation.own import TESTS, core_packages, has_code, modules_of, own_file, stated

CORE = [module for package in core_packages() for module in modules_of(package)]


@covers("A35")
def test_a_module_has_its_own_test_file_or_is_on_the_list() -> None:
    assert len(CORE) > 200
    assert [module for module in CORE if has_code(module) and not own_file(module).exists()] == list(stated()["elsewhere"])


def test_a_table_has_no_code() -> None:
    assert all(module in CORE and not has_code(module) for module in stated()["tables"])


def test_the_list_only_shrinks() -> None:
    """Whoever takes a module off the list lowers the number; a new module brings its test file."""
    assert len(stated()["elsewhere"]) == stated()["left"]["most"]


def test_where_a_module_is_tested_meanwhile_there_is_a_test() -> None:
    places = [*stated()["elsewhere"].values(), *stated()["tables"].values()]
    missing = [place for some in places for place in some if not (TESTS / place).exists()]
    assert missing == []


def test_a_catalog_s_suite_exists_and_its_folder_has_members() -> None:
    for folder, suite in stated()["catalogs"].items():
        assert (TESTS / suite).exists() and any(module.startswith(f"{folder}.") for module in CORE)


def test_what_decides_sizes_and_executes_has_its_own_tests() -> None:
    left = [module for module in stated()["elsewhere"] if module.split(".")[0] in ("decision", "risk", "execution")]
    assert left == []
