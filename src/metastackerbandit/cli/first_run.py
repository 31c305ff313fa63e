"""What stands between nothing and a run on a live market: the loopback exchange where none is there, its past, models of it, preflight."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import urlopen

from metastackerbandit.cli.venues import PORT, Market, Venue
from metastackerbandit.cli.wanted import Wanted
from metastackerbandit.domain.errors import VenueDown

if TYPE_CHECKING:
    from metastackerbandit.config.schema import Config

DAYS = 200.0  # of candles that models learn from: 19,000 bars of 15m a symbol
USUAL = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
_PATIENCE_S = 2.0


def answers(url: str) -> bool:
    """Whether a loopback exchange is there."""
    try:
        with urlopen(f"{url}/practice", timeout=_PATIENCE_S):
            return True
    except (URLError, OSError):
        return False


@contextmanager
def served(url: str | None, *, is_wanted: bool, is_shown: bool) -> Iterator[None]:
    """The loopback exchange, for as long as this lasts: started where it is wanted and none answers, and stopped again."""
    place = url or f"http://127.0.0.1:{PORT}"
    if not is_wanted or answers(place):
        yield
        return
    say("starting the loopback exchange: a SIMULATED market, made from a seed", is_shown)
    port = place.rpartition(":")[2]
    process = subprocess.Popen(
        [sys.executable, "-m", "metastackerbandit", "venue", "--json", "--port", port], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout is not None
        told = _first_object(iter(process.stdout.readline, ""))
        if told is None:
            raise VenueDown("the loopback exchange did not start", where=place, mend="`msb venue` tells why")
        for line in told["said"]:
            say(line, is_shown)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def _first_object(lines: Iterator[str]) -> dict[str, Any] | None:
    """The first JSON object that is written, over one line or several; None where there is none."""
    text = ""
    for line in lines:
        text += line
        try:
            found: dict[str, Any] = json.loads(text)
        except json.JSONDecodeError:
            continue
        return found if "said" in found else None
    return None


def prepared(
    wanted: Wanted, config: Config, home: Path, venue: Venue, market: Market, url: str | None, *, trains: bool, judges: bool, is_shown: bool
) -> None:
    """Candles of the venue's past, models of every frame of the run, and preflight over them, as far as they are asked for."""
    from metastackerbandit.cli.downloading import download_payload, download_text
    from metastackerbandit.cli.trading import base_of
    from metastackerbandit.domain.timeframe import frame_name
    from metastackerbandit.storage.store import leaf_folder

    base_ns = base_of(config)
    symbols: Sequence[str] = config.run.symbols or USUAL
    say(f"past candles of {', '.join(symbols)}", is_shown)
    payload = download_payload(home, config, venue, market, symbols, [frame_name(base_ns)], DAYS, url)
    say(download_text(payload), is_shown)
    past = wanted._replace(data=leaf_folder(home, venue.name, market, base_ns), symbols=",".join(symbols), market=market)
    if trains:
        _train(past, config, is_shown)
    if judges:
        _judge(past, is_shown)


def _train(past: Wanted, config: Config, is_shown: bool) -> None:
    from metastackerbandit.cli.train import page, trained

    frames = ",".join(dict.fromkeys((*config.run.frames, *config.run.higher_frames)))
    say(f"training models of {frames}", is_shown)
    say(page(trained(past, frames, is_shown=is_shown)), is_shown)


def _judge(past: Wanted, is_shown: bool) -> None:
    """Judge every gate on the venue's past; what it found is told and kept."""
    from metastackerbandit.cli.preflight import keep, preflight_of, preflight_text
    from metastackerbandit.cli.session import open_session
    from metastackerbandit.domain.errors import ConfigRefused

    say("preflight: every gate on the past", is_shown)
    session = open_session(past)
    found = preflight_of(session, past)
    keep(session, found)
    say(preflight_text(found, session), is_shown)
    if not found.is_ready:
        errors = [one.id for one in found.findings if one.is_error]
        raise ConfigRefused(
            f"preflight has {len(errors)} errors: {', '.join(errors)}", where="--preflight", mend="mend or waive them; `msb preflight` tells each"
        )


def say(text: str, is_shown: bool) -> None:
    """A line to the reader, where one looks on."""
    if is_shown:
        print(text, flush=True)
