"""Independent clients understand the venue as it is. Each runs where its environment was made: `python -m conformance` makes it."""

from __future__ import annotations

import pytest

from conformance.__main__ import CLIENTS, held
from metastackerbandit.bench import peers

SECONDS = 5.0


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_sees_what_the_exchange_has(client: str) -> None:
    if not (peers.folder() / client / ".venv" / ".ready").is_file():
        pytest.skip(f"the environment of {client} was not made: python -m conformance --client {client}")
    told = held(client, SECONDS)
    assert told["differences"] == []
    assert told["compared"]["books"] >= 10 and told["compared"].get("orders", 3) == 3
