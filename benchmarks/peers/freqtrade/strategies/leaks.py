"""Strategies for freqtrade's own look-ahead analysis: an honest crossing of averages, and the same with one leak planted, each as people write it.

Every class plants what a canary of ours plants (training/leakage/canaries.py), where a strategy has such a stage at all, or a pattern of its own.
"""

from __future__ import annotations

from typing import ClassVar

import pandas as pd
from freqtrade.strategy import IStrategy


class Honest(IStrategy):
    """Long while the average of 10 closes is above that of 30: nothing is known early."""

    INTERFACE_VERSION = 3
    timeframe = "1h"
    stoploss = -0.99
    minimal_roi: ClassVar[dict[str, float]] = {}
    startup_candle_count = 60
    process_only_new_candles = True

    def planted(self, frame: pd.DataFrame) -> pd.Series:
        """Whether the extra condition of an entry holds; the honest one asks the past."""
        return frame["close"] > frame["close"].shift(5)

    def populate_indicators(self, dataframe: pd.DataFrame, metadata: dict[str, str]) -> pd.DataFrame:
        dataframe["fast"] = dataframe["close"].rolling(10).mean()
        dataframe["slow"] = dataframe["close"].rolling(30).mean()
        dataframe["asked"] = self.planted(dataframe).astype(int)
        return dataframe

    def populate_entry_trend(self, dataframe: pd.DataFrame, metadata: dict[str, str]) -> pd.DataFrame:
        dataframe.loc[(dataframe["fast"] > dataframe["slow"]) & (dataframe["asked"] > 0), "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: pd.DataFrame, metadata: dict[str, str]) -> pd.DataFrame:
        dataframe.loc[dataframe["fast"] < dataframe["slow"], "exit_long"] = 1
        return dataframe


class HonestSmoothed(Honest):
    """The same with averages that never end: a start that is forgotten is no leak."""

    def populate_indicators(self, dataframe: pd.DataFrame, metadata: dict[str, str]) -> pd.DataFrame:
        dataframe["fast"] = dataframe["close"].ewm(span=10, adjust=False).mean()
        dataframe["slow"] = dataframe["close"].ewm(span=30, adjust=False).mean()
        dataframe["asked"] = self.planted(dataframe).astype(int)
        return dataframe


class OneBarShift(Honest):
    """A column is shifted by one bar from the future."""

    def planted(self, frame: pd.DataFrame) -> pd.Series:
        return frame["close"].shift(-1) > frame["close"]


class FutureScaler(Honest):
    """A column is scaled by the mean and deviation of all rows."""

    def planted(self, frame: pd.DataFrame) -> pd.Series:
        move = frame["close"].pct_change(5)
        return (move - move.mean()) / move.std() > 0.0


class HigherFrameMerge(Honest):
    """A bar of four hours is merged by the time it opened, before it has closed."""

    def planted(self, frame: pd.DataFrame) -> pd.Series:
        longer = frame.set_index("date").resample("4h").agg({"open": "first", "close": "last"})
        rises = (longer["close"] > longer["open"]).astype(int)
        return rises.reindex(frame["date"], method="ffill").to_numpy() * pd.Series(1, index=frame.index) > 0


class FutureFill(Honest):
    """Bars that are taken for missing, two a day, are filled from behind."""

    def planted(self, frame: pd.DataFrame) -> pd.Series:
        whole = frame["close"].where(~frame["date"].dt.hour.isin((7, 8))).bfill()
        return whole > whole.shift(5)


class TargetInFeatures(Honest):
    """The return of the next twelve bars is joined to the columns."""

    def planted(self, frame: pd.DataFrame) -> pd.Series:
        return frame["close"].shift(-12) / frame["close"] - 1.0 > 0.0


class WholeSample(Honest):
    """A price is compared with the highest of all rows."""

    def planted(self, frame: pd.DataFrame) -> pd.Series:
        return frame["close"] > 0.9 * frame["high"].max()


class CentredWindow(Honest):
    """Swing highs are found with as many bars behind as before, and count at once."""

    def planted(self, frame: pd.DataFrame) -> pd.Series:
        return frame["high"] == frame["high"].rolling(5, center=True).max()


class ThinStretch(Honest):
    """A column looks six bars ahead in one week of the clock only."""

    def planted(self, frame: pd.DataFrame) -> pd.Series:
        honest = frame["close"] > frame["close"].shift(5)
        ahead = frame["close"].shift(-6) > frame["close"]
        since = frame["date"] - pd.Timestamp("2024-02-11 16:00", tz="UTC")
        return honest.where(~since.between(pd.Timedelta(0), pd.Timedelta(hours=167)), ahead)


class WeeklySlip(Honest):
    """At one hour a week, the last of Sunday, a column takes the next bar for this one."""

    def planted(self, frame: pd.DataFrame) -> pd.Series:
        honest = frame["close"] > frame["close"].shift(5)
        slips = (frame["date"].dt.dayofweek == 6) & (frame["date"].dt.hour == 23)
        return honest.where(~slips, honest.shift(-1, fill_value=False))


class Unused(Honest):
    """A column looks ahead that no signal asks."""

    def populate_indicators(self, dataframe: pd.DataFrame, metadata: dict[str, str]) -> pd.DataFrame:
        dataframe = super().populate_indicators(dataframe, metadata)
        dataframe["peek"] = dataframe["close"].shift(-1)
        return dataframe


class LeakingExit(Honest):
    """The exit looks one bar ahead."""

    def populate_exit_trend(self, dataframe: pd.DataFrame, metadata: dict[str, str]) -> pd.DataFrame:
        dataframe.loc[(dataframe["fast"] < dataframe["slow"]) & (dataframe["close"].shift(-1) < dataframe["close"]), "exit_long"] = 1
        return dataframe
