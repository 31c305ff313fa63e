"""What trading cost: fees, spread with slippage, impact and funding, cumulated, and as a share of what was earned before them."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.money import money_digits
from metastackerbandit.report.account import Account
from metastackerbandit.report.reading import Reading

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

KINDS = ("fees", "slippage", "impact", "funding")
WORDS = {"fees": "fees", "slippage": "spread and slippage", "impact": "impact", "funding": "funding"}


class Charges(Struct, frozen=True, eq=False):
    """Cumulated costs by kind (T,) at the times (T,) at which any was paid, account currency; funding may be negative: received.

    `total` is their sum, `before` the profit that there would have been without them, on the same fills; `share` their share of it, None where
    nothing was earned before costs. `slippage` holds the half spread too: fills keep both as one amount.
    """

    times: Ints
    paid: dict[str, Floats]
    totals: dict[str, float]
    total: float
    before: float
    share: float | None


def charges_of(reading: Reading, account: Account) -> Charges:
    """From the fills and the postings of funding; profit is the account's, from the deposit to the end."""
    unit = 10 ** money_digits(reading.currency)
    fills, ledger = reading.fills, reading.ledger
    funded = ledger[ledger["funding"] != 0]
    at = np.concatenate((fills["at_ns"], funded["at_ns"])).astype(np.int64)
    amounts = {
        "fees": np.concatenate((fills["fee"], np.zeros(len(funded), np.int64))),
        "slippage": np.concatenate((fills["slippage"], np.zeros(len(funded), np.int64))),
        "impact": np.concatenate((fills["impact"], np.zeros(len(funded), np.int64))),
        "funding": np.concatenate((np.zeros(len(fills), np.int64), funded["funding"])),
    }
    order = np.argsort(at, kind="stable")
    totals = {name: float(int(amount.sum())) / unit for name, amount in amounts.items()}
    total = sum(totals.values())
    profit = float(account.equity[-1]) - account.capital if len(account.equity) else 0.0
    before = profit + total
    paid = {name: np.cumsum(amount[order]) / unit for name, amount in amounts.items()}
    return Charges(at[order], paid, totals, total, before, total / before if before > 0.0 and total else None)
