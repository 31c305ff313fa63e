"""The candles that a run traded, from the folder that it names or another, checked against what the run decided on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from metastackerbandit.domain.recording import Recording
    from metastackerbandit.storage.run_view import RunView

_LOOKED_AT = 200  # decisions whose closes are compared


def traded_candles(view: RunView, decisions: np.ndarray, data: Path | None, until_ns: int | None = None) -> tuple[Recording | None, str]:
    """All candles of the run's symbols in its folder, or in `data`; none, and the reason, where these are not at hand."""
    import tomllib

    from metastackerbandit.domain.errors import MsbError
    from metastackerbandit.storage.candles import load_recording

    config: dict[str, Any] = tomllib.loads(view.row.config)
    named = data or (Path(config["run"]["data"]).expanduser() if config.get("run", {}).get("data") else None)
    if named is None:
        return None, "name the candles that the run traded with --data"
    symbols = tuple(dict.fromkeys(view.row.symbols))
    try:
        recording = load_recording(named, symbols, market=view.row.instruments[0].market, instruments_file=None, since_ns=None, until_ns=until_ns)
    except (MsbError, OSError) as error:
        return None, str(error)
    if not _is_traded(recording, symbols, view, decisions):
        return None, f"the candles in {named} are not those that the run traded"
    return recording, ""


def _is_traded(recording: Recording, symbols: tuple[str, ...], view: RunView, decisions: np.ndarray) -> bool:
    """Whether decided closes are the recording's, compared in the text of their instrument's prices."""
    import numpy as np

    looked_at = decisions[:: max(len(decisions) // _LOOKED_AT, 1)]
    for row in looked_at:
        instrument = view.row.instruments[int(row["instrument"])]
        place = symbols.index(instrument.symbol)
        bars = recording.bars[place]
        at = int(np.searchsorted(bars["closed_ns"], row["closed_ns"]))
        if at == len(bars) or bars["closed_ns"][at] != row["closed_ns"]:
            continue  # a bar whose last candle never came closes where no candle does
        if recording.instruments[place].price_text(int(bars["close"][at])) != instrument.price_text(int(row["close"])):
            return False
    return True
