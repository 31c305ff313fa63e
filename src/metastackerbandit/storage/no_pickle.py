"""Which files could run code when they are read: pickles, by their first bytes, and what may hide one; the registry keeps none of them.

Weights are text, ONNX, or arrays as bytes. Nothing here reads a pickle: opcodes are named, never followed (pickletools).
"""

from __future__ import annotations

import pickletools
import zlib
from contextlib import suppress

_NEWEST_PROTOCOL = 5
_OPENINGS = frozenset(b"c(]}il")  # of protocols 0 and 1: a name to import, a mark, an empty list or dictionary, an instance
_SUFFIXES = (".pkl", ".pickle", ".joblib", ".dill", ".pt", ".pth", ".ckpt")
_PACKED = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x04\x22\x4d\x18": "lz4",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_ARRAY = b"\x93NUMPY"
_ARRAY_HEADER = 256  # bytes in which the kind of a saved array stands


def code_in(name: str, content: bytes) -> str:
    """Why a file may run code when it is read; "" where it cannot."""
    if name.lower().endswith(_SUFFIXES):
        return "its name is that of a pickle"
    if _is_pickle(content):
        return "it is a pickle"
    if content.startswith(_ARRAY) and b"'descr': '|O" in content[:_ARRAY_HEADER]:
        return "it is an array of pickled objects"
    packed = next((kind for magic, kind in _PACKED.items() if content.startswith(magic)), "zlib" if _is_deflated(content) else "")
    return f"it is packed by {packed}, which may hide a pickle" if packed else ""


def _is_pickle(content: bytes) -> bool:
    if len(content) > 1 and content[0] == 0x80 and 2 <= content[1] <= _NEWEST_PROTOCOL:
        # The header's length of a safetensors file may begin with the same two bytes; it goes on with zeros, which no opcode is.
        return content[2:3] != b"\x00"
    if not content or content[0] not in _OPENINGS:
        return False
    with suppress(ValueError, OverflowError):  # it ends or goes on as no pickle does
        return any(opcode.name == "STOP" and place == len(content.rstrip()) - 1 for opcode, _, place in pickletools.genops(content))
    return False


def _is_deflated(content: bytes) -> bool:
    """Two bytes are too little to tell zlib from text by, so the beginning is unpacked."""
    if content[:1] != b"x":
        return False
    try:
        zlib.decompressobj().decompress(content, 1)
    except zlib.error:
        return False
    return len(content) > 2
