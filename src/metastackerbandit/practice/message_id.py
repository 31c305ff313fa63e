"""What a client may call a message that it sends over a WebSocket, by which it knows the answer."""

from __future__ import annotations

import re
from typing import Any

_TEXT = re.compile(r"[A-Za-z0-9_-]{1,36}")


def is_message_id(value: Any) -> bool:
    """Whether it is a whole number, a text of up to 36 letters, or null."""
    if isinstance(value, str):
        return _TEXT.fullmatch(value) is not None
    return value is None or (isinstance(value, int) and not isinstance(value, bool))
