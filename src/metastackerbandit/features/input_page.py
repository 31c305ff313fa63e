"""The standard model input's schema as the table in docs/model_input.md."""

from __future__ import annotations

from metastackerbandit.domain.input_schema import Block, InputSchema
from metastackerbandit.domain.model_input import least_frames


def blocks_table(schema: InputSchema) -> str:
    """Markdown: the schema's version and fingerprint, then a block a line."""
    size = sum(block.size for block in schema.blocks)
    lines = [
        f"Version {schema.version}, fingerprint `{schema.fingerprint}`: {len(schema.blocks)} blocks, {size:,} values.",
        "",
        "| block | shape | channels | unit | what it is | frames: whole, usable | not known | mirrored |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for block in schema.blocks:
        shape = ", ".join(f"{axis} {length}" for axis, length in zip(block.axes, block.shape, strict=True))
        cells = (block.name, shape, ", ".join(block.channels), block.unit, block.meaning, f"{block.frames}, {least_frames(block)}", block.absent)
        lines.append(f"| {' | '.join(cells)} | {_mirrored(block)} |")
    return "\n".join(lines)


def _mirrored(block: Block) -> str:
    """What mirroring the market does to it."""
    if not block.mirrors:
        return "masked"
    if block.name == "indicators":
        return "by each feature's parity"
    told = []
    if any(axis in ("bucket", "price") for axis in block.axes):
        told.append("columns reversed")
    if block.odd:
        told.append("negated" if not block.channels or block.odd == block.channels else f"negated: {', '.join(block.odd)}")
    told += [f"{one} and {other} exchanged" for one, other in block.partners]
    return "; ".join(told) or "the same"
