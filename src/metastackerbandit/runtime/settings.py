"""How live data is kept alive, and how orders are sent: connections, snapshots, audits, prices, caches of bars, order entry."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class BackoffSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How long to wait before something is tried again: doubled each time, up to a bound, less a share that chance decides."""

    first_s: Annotated[float, Meta(gt=0, le=60)] = 0.5  # before the second attempt
    most_s: Annotated[float, Meta(gt=0, le=3_600)] = 60.0  # never longer: a venue that is back should be noticed within a minute
    jitter: Annotated[float, Meta(ge=0, le=1)] = 0.5  # share of a wait that chance takes away, so that many clients do not come back together
    stable_s: Annotated[float, Meta(ge=0, le=86_400)] = 60.0  # what has gone well for so long begins again from the first wait


class LiveSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Live feeds of books."""

    ping_s: Annotated[float, Meta(gt=0, le=600)] = 10.0  # between two pings of ours; Binance takes 5 messages a second
    pong_s: Annotated[float, Meta(gt=0, le=600)] = 10.0  # without an answer to a ping the connection is dead, whatever TCP says
    silence_s: Annotated[float, Meta(gt=0, le=3_600)] = 30.0  # without any message a connection is made anew: some venue always says something
    snapshot_levels: Annotated[int, Meta(ge=5, le=5_000)] = 5_000  # a side, as many as the venue gives; fewer weigh less and see less far
    snapshot_gap_s: Annotated[float, Meta(ge=0, le=60)] = 0.1  # between two requests, so that many symbols do not ask at once
    snapshot_workers: Annotated[int, Meta(ge=1, le=64)] = 4  # requests under way at a time: one slow answer must not hold the others up
    quiet_s: Annotated[float, Meta(gt=0, le=600)] = 5.0  # a symbol without a change for so long is asked for all the same
    most_waiting: Annotated[int, Meta(ge=10, le=1_000_000)] = 20_000  # changes kept of a symbol while its snapshot is fetched; the oldest go
    weight_share: Annotated[float, Meta(gt=0, le=1)] = 0.5  # of the weight that a venue allows; orders and other programs need the rest
    audit_s: Annotated[float, Meta(ge=0, le=86_400)] = 600.0  # between two audits of one symbol's book against a snapshot; 0: none
    audit_wait_s: Annotated[float, Meta(gt=0, le=600)] = 20.0  # for both books to stand at one update; an audit that takes longer says nothing
    look_s: Annotated[float, Meta(gt=0, le=60)] = 1.0  # between two looks at what time alone brings
    backups: Annotated[int, Meta(ge=0, le=3)] = 1  # connections beside the first one, of the same streams; one failure at a time is the usual case
    kept_s: Annotated[float, Meta(gt=0, le=36_000)] = 10.0  # of what a backup hears is kept, to go on from: more than it takes to see a failure
    most_kept: Annotated[int, Meta(ge=100, le=1_000_000)] = 20_000  # messages of a backup kept at most; the oldest go
    sample_s: Annotated[float, Meta(gt=0, le=3_600)] = 1.0  # between two messages of a backup that are read, for how late they are
    behind_s: Annotated[float, Meta(gt=0, le=3_600)] = 0.7  # behind another one, a connection is left: at a message a second, 2 s in all
    watch_s: Annotated[float, Meta(gt=0, le=10)] = 0.2  # between two looks at which connection is to be taken from: below a fifth of 2 s
    overlap_s: Annotated[float, Meta(gt=0, le=3_600)] = 2.0  # a new connection stands beside another so long before it can go on without a hole
    join_s: Annotated[float, Meta(gt=0, le=36_000)] = 30.0  # for a new connection to take over from an old one; else another is tried later
    rotate_before_s: Annotated[float, Meta(gt=0, le=86_400)] = 1_800.0  # before the venue ends a connection a new one is made: time for several tries
    failback_s: Annotated[float, Meta(ge=0, le=86_400)] = 60.0  # the first connection is gone back to after having been green for so long


class HealthSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """When a connection is green, yellow or red. Limits are those that operators of the former systems watched."""

    every_s: Annotated[float, Meta(gt=0, le=3_600)] = 5.0  # between two judgements
    yellow_latency_ms: Annotated[float, Meta(gt=0, le=3_600_000)] = 200.0  # mean of the newest 100, from the venue's stamp to receipt
    red_latency_ms: Annotated[float, Meta(gt=0, le=3_600_000)] = 500.0  # a book that is half a second old is another book
    yellow_rate: Annotated[float, Meta(ge=0, le=10_000)] = 1.0  # messages a second over the last minute; fewer are few for any market
    red_silence_s: Annotated[float, Meta(gt=0, le=86_400)] = 30.0  # without any message
    yellow_uptime: Annotated[float, Meta(ge=0, le=1)] = 0.95  # share of the time since the start
    uptime_after_s: Annotated[float, Meta(ge=0, le=86_400)] = 300.0  # uptime is not judged before: the first connecting would weigh too much
    worse_after: Annotated[int, Meta(ge=1, le=100)] = 2  # judgements in a row, so that one spike changes nothing
    better_after: Annotated[int, Meta(ge=1, le=100)] = 3  # judgements in a row: trust comes back more slowly than it goes


class PriceSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Live prices, and what stands in for a source that does not answer."""

    cache_s: Annotated[float, Meta(ge=0, le=60)] = 0.5  # a price so young is told again without asking
    stale_s: Annotated[float, Meta(gt=0, le=3_600)] = 5.0  # an older price may not price an order
    socket_s: Annotated[float, Meta(gt=0, le=600)] = 2.0  # a followed book that has not changed for so long is not the first source
    tries: Annotated[int, Meta(ge=1, le=10)] = 2  # of one source, before the next one is asked
    retry_s: Annotated[float, Meta(gt=0, le=60)] = 0.1  # before the second try, doubled for each further one
    patience_s: Annotated[float, Meta(gt=0, le=60)] = 2.0  # for one answer
    failures_to_open: Annotated[int, Meta(ge=1, le=1_000)] = 3  # in a row: the source is left alone
    open_s: Annotated[float, Meta(gt=0, le=3_600)] = 30.0  # for so long; then one request tries whether it is back
    successes_to_close: Annotated[int, Meta(ge=1, le=100)] = 1  # of such tries, for it to serve again
    has_fallback: bool = True  # ask the other venue (Binance, MEXC) where the own one does not answer


class UpkeepWorkerSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The worker that keeps caches of bars whole."""

    every_s: Annotated[float, Meta(gt=0, le=86_400)] = 60.0  # between two rounds over every symbol and frame
    audit_bars: Annotated[int, Meta(ge=0, le=1_000)] = 20  # newest bars held against the venue's candles in each round; 0: none
    gap_s: Annotated[float, Meta(ge=0, le=60)] = 0.2  # between two requests


class LiveRunSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Runs on live data."""

    history_bars: Annotated[int, Meta(ge=1, le=1_000_000)] = 2_500  # candles that are heard before: every feature is warm by then
    look_s: Annotated[float, Meta(gt=0, le=10)] = 0.05  # between two looks at what time alone brings: candles and seconds that end
    listen_s: Annotated[float, Meta(ge=0, le=60)] = 1.0  # after a connection stands, before its trades count as heard: both clocks may differ so far
    mend_s: Annotated[float, Meta(gt=0, le=600)] = 0.5  # before a candle that the venue could not give is asked for again
    mend_workers: Annotated[int, Meta(ge=1, le=64)] = 4  # requests for candles under way at a time: where a run begins in one, all need it
    at_end: Literal["flatten", "hold"] = "flatten"  # what an orderly end does with positions; hold leaves them, their stops working at the venue
    flatten_s: Annotated[float, Meta(ge=0, le=600)] = 20.0  # for positions to be left at an end, no longer
    snapshot_s: Annotated[float, Meta(gt=0, le=86_400)] = 60.0  # between two snapshots of a run: a start replays no more than what came since
    heartbeat_s: Annotated[float, Meta(gt=0, le=60)] = 1.0  # between two words of a run to its journal that it is alive
    probe_s: Annotated[float, Meta(ge=0.001, le=60)] = 0.02  # between two looks at how late the event loop wakes a sleeper


class OrderSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Sending orders and following them. Seconds are wall time but where the venue's are named; a practice venue runs faster than we do."""

    window_ms: Annotated[int, Meta(ge=100, le=60_000)] = 5_000  # a request that arrives later than this is refused by the venue; wall time
    patience_s: Annotated[float, Meta(gt=0, le=60)] = 10.0  # for one answer, then its outcome is unknown; Binance itself gives up after 10
    retry_s: Annotated[float, Meta(gt=0, le=60)] = 1.0  # before the same is asked again of a venue that does not serve or does not know
    settle_s: Annotated[float, Meta(gt=0, le=600)] = 10.0  # venue time after a request's window until "no such order" is final
    resends: Annotated[int, Meta(ge=0, le=5)] = 1  # of an order that was not there after that; under its own id, so that a venue sees the double
    stale_s: Annotated[float, Meta(gt=0, le=3_600)] = 30.0  # new risk that could not be sent for so long (venue time) is given up: its price is gone
    fills_s: Annotated[float, Meta(gt=0, le=600)] = 2.0  # a fill that the stream has not told for so long is asked for
    weight_share: Annotated[float, Meta(gt=0, le=1)] = 0.4  # of the weight that a venue allows; live data has its own share
    order_share: Annotated[float, Meta(gt=0, le=1)] = 0.8  # of the orders that a venue allows in each of its windows
    trigger_by: Literal["mark", "last"] = "mark"  # the price that triggers stops, where the venue lets one choose; a mark price is harder to push
    failures_to_open: Annotated[int, Meta(ge=1, le=1_000)] = 5  # refused orders in a row: no new risk is sent; stops, exits and cancellations are
    open_s: Annotated[float, Meta(gt=0, le=86_400)] = 60.0  # for so long; then one order tries
    successes_to_close: Annotated[int, Meta(ge=1, le=100)] = 1  # of such tries, for new risk to be sent again
    clock_every_s: Annotated[float, Meta(gt=0, le=86_400)] = 60.0  # between two measurements of the venue's clock; clocks drift by some ms an hour
    clock_samples: Annotated[int, Meta(ge=1, le=64)] = 5  # questions of one measurement; the shortest round trip counts
    clock_step_s: Annotated[float, Meta(gt=0, le=60)] = 0.5  # a larger step of the venue's clock is told; Binance refuses times 1 s ahead
    key_share: Annotated[float, Meta(gt=0, lt=1)] = 0.3  # of a stream key's life after which it is renewed, so that two may fail
    wallet_slack: Annotated[float, Meta(ge=0, le=1)] = 1e-6  # of the quote asset that a wallet may differ by: venues round fees and funding
    reconcile_s: Annotated[float, Meta(gt=0, le=86_400)] = 60.0  # between two comparisons of our view with the venue's
    rules_s: Annotated[float, Meta(gt=0, le=86_400)] = 600.0  # between two looks at the venue's rules; a refused order brings the next one forward
    leverage: Annotated[int, Meta(ge=1, le=125)] = 1  # that an account is set to, of each symbol; no more than hard limits allow
    margin: Literal["cross", "isolated"] = "cross"  # cross: all of the wallet carries a position; isolated: its own margin alone, and it ends sooner
