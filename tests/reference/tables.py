"""The 31 published indicator tables against our features: what of each is compared and through which relation, and what is not, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from tests.reference import relations
from tests.reference.relations import Pair, Published


class Table(Struct, frozen=True):
    """A published table: `compared` gives its pairs, `ours` names the features that they come from, `rest` is what is left out and why."""

    file: str
    what: str
    ours: str
    relation: str
    rest: str
    compared: Callable[[Published], Iterable[Pair]] | None = None


TABLES: tuple[Table, ...] = (
    Table(
        "cs-accum.csv",
        "accumulation and distribution",
        "money_flow",
        "a bar alone in the averages leaves its place in the range and that times its volume; their sum is the line",
        "the line itself has no end and no unit, so it is no feature",
        relations.accumulation,
    ),
    Table(
        "cs-adx.csv",
        "average directional index",
        "direction_14, adx_14, atr_14",
        "DX = 100 abs(direction_14), ADX = 100 adx_14; Wilder's sums are 14 of our averages",
        "+DI, -DI: their true range cancels in DX, so we never divide by it",
        relations.direction,
    ),
    Table(
        "cs-atr.csv",
        "average true range, 14",
        "atr_14",
        "the same average; a bar that stands still is put first, because the table counts the first bar's own range",
        "",
        relations.wilder_range,
    ),
    Table("cs-atr2.csv", "average true range, 10", "atr_14", "the true range", "ATR: of 10 bars, ours is of 14", relations.true_range),
    Table(
        "cs-bbands.csv",
        "Bollinger bands, 20 and 2",
        "bollinger_20",
        "percentage = (1 + bollinger_20) / 2; a crossing is bollinger_20 beyond 1 or -1",
        "the bands themselves and their width are prices",
        relations.bands,
    ),
    Table("cs-cci.csv", "commodity channel index", "", "", "not in the catalog; its kin is bollinger_20, which divides by the standard deviation"),
    Table(
        "cs-dc.csv",
        "Donchian channel, 20",
        "donchian_20",
        "percentage = (1 + donchian_20) / 2",
        "bands, middle and width are prices",
        relations.channel,
    ),
    Table(
        "cs-dc2.csv",
        "the same, told a bar later",
        "donchian_20",
        "percentage = (1 + donchian_20 of the bar before) / 2",
        "the same",
        relations.channel_a_bar_late,
    ),
    Table(
        "cs-easeofmovement.csv", "ease of movement", "", "", "not in the catalog; its kin is illiquidity_ratio, how far the price goes for its volume"
    ),
    Table("cs-fi.csv", "force index", "", "", "not in the catalog; its kin are money_flow and price_volume_corr"),
    Table(
        "cs-kama.csv",
        "Kaufman's adaptive average, 10",
        "efficiency_12, price_efficiency",
        "ER: efficiency_12 of ten moves behind two that stand still",
        "the average that ER steers: not in the catalog",
        relations.adaptive,
    ),
    Table(
        "cs-kc.csv",
        "Keltner channel",
        "mr_ema20_z, atr_14",
        "middle = close less the gap to the average of span 20, begun with the first value",
        "bands stand 2 ATR of 10 bars off: not in the catalog",
        relations.keltner,
    ),
    Table(
        "cs-macd.csv",
        "MACD 12, 26, 9",
        "macd, macd_histogram",
        "line and histogram at sigma 1, averages begun with the first value; an average is the close less our gap to it",
        "signal and histogram before row 112: the table begins its signal with -0.129, which nothing in it explains; a fifth of it goes each row",
        relations.crossing,
    ),
    Table(
        "cs-mfi.csv", "money flow index", "", "", "not in the catalog; our money_flow weighs the close's place in the bar, not the sign of its move"
    ),
    Table("cs-obv.csv", "on-balance volume", "", "", "not in the catalog: a sum without end or unit; its kin are money_flow and taker_flow_48"),
    Table(
        "cs-percentr.csv",
        "Williams %R, 14",
        "donchian_20",
        "%R = 50 (place - 1), the place of 14 bars behind six copies of the oldest",
        "",
        relations.williams,
    ),
    Table(
        "cs-ppo.csv",
        "percentage price oscillator",
        "macd",
        "the two averages are the close less our gaps; the line is their difference over the slow one",
        "signal and histogram: averages of that quotient, ours are of the difference",
        relations.percentage_crossing,
    ),
    Table(
        "cs-psar.csv",
        "parabolic stop and reverse",
        "",
        "",
        "not in the catalog; our trailing stop (exits/) follows at a distance that does not speed up",
    ),
    Table(
        "cs-pvo.csv",
        "percentage volume oscillator",
        "volume_trend",
        "the average of span 12, begun with the first value",
        "span 26 and what is made of it: volume_trend compares 12 with 48",
        relations.volume_crossing,
    ),
    Table("cs-roc.csv", "rate of change, 12", "log_return_12", "ROC = 100 (e^log_return_12 - 1)", "", relations.rate_of_change),
    Table(
        "cs-rsi.csv",
        "relative strength, 14",
        "rsi_14",
        "RSI = 50 (1 + rsi_14), averages begun at zero; gain and loss are half of travel plus and less change",
        "",
        relations.relative_strength,
    ),
    Table(
        "cs-soo.csv",
        "stochastic oscillator, 14",
        "donchian_20",
        "%K = 50 (1 + place), the place of 14 bars behind six copies of the oldest",
        "its mean of three bars: not in the catalog",
        relations.stochastic,
    ),
    Table("cs-stc.csv", "Schaff trend cycle", "", "", "not in the catalog; averages of 23 and 50 and two smoothed stochastics of them"),
    Table(
        "cs-stochrsi.csv",
        "stochastic of RSI, 14",
        "rsi_14, donchian_20",
        "the place of our RSI in its own range, both by our steps",
        "not in the catalog as one feature",
        relations.strength_in_its_range,
    ),
    Table(
        "cs-tsi.csv",
        "true strength index",
        "",
        "",
        "not in the catalog; its kin is rsi_14: average change over average size of change, smoothed once",
    ),
    Table(
        "cs-ui.csv",
        "ulcer index",
        "max_drawdown (a score)",
        "the depth below the peak so far",
        "the root mean square of 14 depths: not in the catalog",
        relations.drawdown,
    ),
    Table("cs-ultosc.csv", "ultimate oscillator", "atr_14", "the true range", "the rest: not in the catalog", relations.buying),
    Table("cs-vortex.csv", "vortex indicator", "atr_14", "the true range", "the rest: not in the catalog; its kin is direction_14", relations.vortex),
    Table(
        "cs-vpt.csv",
        "volume-price trend",
        "log_return_1",
        "change = e^log_return_1 - 1",
        "the rest: not in the catalog, a sum without end",
        relations.price_and_volume,
    ),
    Table(
        "cs-vwap.csv",
        "volume-weighted average, 14 bars",
        "",
        "",
        "other weights: vwap_momentum lets old volume fade, the table drops it after 14 bars",
    ),
    Table(
        "cs-wma.csv",
        "linearly weighted average, 9",
        "slope_48",
        "the sums behind the slope after nine bars, of closes and of closes weighted by place",
        "not in the catalog as a feature; of n bars, slope = 6 (WMA - mean) / (n - 1)",
        relations.weighted,
    ),
)
