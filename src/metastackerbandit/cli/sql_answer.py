"""`msb data sql`: tables, columns and answers, as JSON and as text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metastackerbandit.storage.sql import Answer, Database

_SHOWN = 200  # rows of the text answer; --json has all


def tables_payload(database: Database) -> dict[str, Any]:
    """Tables with their columns."""
    return {"tables": [{"name": name, "columns": list(database.columns(name))} for name in database.names]}


def tables_text(payload: dict[str, Any]) -> str:
    """The same for a reader."""
    if not payload["tables"]:
        return "there is nothing to ask yet: `msb data import` and runs put something in"
    return "\n".join(f"{one['name']}: {', '.join(f'{column.name} {column.type}' for column in one['columns'])}" for one in payload["tables"])


def answer_payload(answer: Answer) -> dict[str, Any]:
    """Columns and rows; what JSON has no form for is text, and NaN is null."""
    return {"columns": list(answer.columns), "rows": [[_plain(value) for value in row] for row in answer.rows]}


def answer_text(answer: Answer) -> Any:
    """A table for a reader."""
    from rich.table import Table

    table = Table(box=None, title=None)
    for column in answer.columns:
        table.add_column(column.name, overflow="fold")
    for row in answer.rows[:_SHOWN]:
        table.add_row(*("" if value is None else str(value) for value in row))
    if len(answer.rows) > _SHOWN:
        table.caption = f"and {len(answer.rows) - _SHOWN:,} more rows (--json has all)"
    return table


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)
