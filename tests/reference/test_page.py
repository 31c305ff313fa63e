"""docs/reference.md has a line for everything that is compared."""

from __future__ import annotations

import pytest

from tests.reference import freqtrade, lookahead
from tests.reference.goog_statistics import STATISTICS
from tests.reference.page import PAGE, PARTS
from tests.reference.tables import TABLES
from tests.reference.talib_chains import CHAINS

LINES = {
    "tables": [table.file.removeprefix("cs-").removesuffix(".csv") for table in TABLES],
    "goog": [statistic.name for statistic in STATISTICS],
    "trades": [figure.name for figure in freqtrade.FIGURES],
    "talib": [chain.feature for chain in CHAINS],
    "leaks": [leak.what for leak in lookahead.LEAKS],
}


@pytest.mark.parametrize("part", PARTS)
def test_the_page_has_a_line_for_each(part: str) -> None:
    between = PAGE.read_text().partition(f"<!-- {part}: ")[2].partition(f"<!-- end of {part} -->")[0]
    told = [line.split(" | ")[0].removeprefix("| ") for line in between.splitlines() if line.startswith("| ")]
    assert told[2:] == LINES[part]
