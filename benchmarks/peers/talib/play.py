"""TA-Lib over recorded candles: a chain of its functions, as arrays or as checksums.

Work `indicators`, job:

    {"candles": "/path.parquet", "rows": 20000, "logs": true, "quiet": false, "every": 1,
     "indicators": [{"as": "rsi", "name": "RSI", "of": ["close"], "with": {"timeperiod": 14}},
                    {"as": "signal", "name": "MACD", "of": ["close"], "with": {}, "output": 1}]}

`of` names columns of the candles or earlier results; `output` chooses one of several outputs. `logs` puts the logs of open, high, low and close,
less that of the first close, in their place. `rows` takes the first so many candles (all without it), `from` skips some first. The answer maps
each `as` to every `every`-th value, NaN told as null; `quiet` answers one checksum each instead (the sum of what is not NaN, and the count), so
that what is timed is the work alone. An `as` that begins with an underscore is an intermediate result and is not answered.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
import talib
from serving import serve

PRICES = ("open", "high", "low", "close")


def indicators(job: dict[str, Any]) -> Callable[[], Any]:
    """Columns ready as contiguous floats, functions looked up."""
    table = parquet.read_table(job["candles"])
    table = table.slice(job.get("from", 0), job.get("rows"))
    given: dict[str, np.ndarray] = {}
    for name in table.column_names:
        column = table[name].to_numpy()
        if column.dtype.kind in "fiu":
            given[name] = np.ascontiguousarray(column, np.float64)
    if job.get("logs"):
        first = given["close"][0]
        given.update({name: np.log(given[name] / first) for name in PRICES})
    steps = [(getattr(talib, one["name"]), one["of"], one.get("with", {}), one.get("output", 0), one["as"]) for one in job["indicators"]]

    def run() -> dict[str, Any]:
        known = dict(given)
        for function, names, parameters, output, called in steps:
            found = function(*(known[name] for name in names), **parameters)
            known[called] = found[output] if isinstance(found, tuple) else found
        told = [called for *_, called in steps if not called.startswith("_")]
        if job.get("quiet"):
            return {called: [float(np.nansum(known[called])), int(np.isfinite(known[called]).sum())] for called in told}
        every = job.get("every", 1)
        return {called: [None if math.isnan(value) else value for value in known[called][::every].tolist()] for called in told}

    return run


if __name__ == "__main__":
    serve({"indicators": indicators}, versions=("ta-lib", "numpy"))
