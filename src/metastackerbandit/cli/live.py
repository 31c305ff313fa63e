"""The live view of a run in the terminal: equity, positions, the last decisions with the gate that bound them, what needs attention."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from metastackerbandit.domain.effects import Decided
from metastackerbandit.domain.gate import UNKNOWN
from metastackerbandit.domain.inputs import BarClosed, Input
from metastackerbandit.domain.money import money_float
from metastackerbandit.domain.rows import ENTER, EXIT, HOLD, KINDS, REASONS
from metastackerbandit.engine.engine import Engine
from metastackerbandit.engine.gates import GATE_NAMES
from metastackerbandit.engine.plan import Plan

_SIDES = {-1: ("SELL", "red"), 0: ("flat", "dim"), 1: ("BUY", "green")}
_FRAMES_A_SECOND = 8
_ALARMS_SHOWN = 5  # the newest; all stand in the journal


class LiveView:
    """Draws at most a few times a second, whatever the speed of the run."""

    def __init__(self, plan: Plan, title: str, notices: tuple[str, ...], total: int, console: Console, *, is_made: bool = False) -> None:
        self._lineage = "SIMULATED MARKET, paper money" if is_made else "live market, paper money" if total == 0 else "recorded market, paper money"
        self._plan = plan
        self._title = title
        self._notices = notices
        self._total = total
        self._alarms: deque[str] = deque(maxlen=_ALARMS_SHOWN)
        self._decisions: deque[Decided] = deque(maxlen=8)
        self._blocked: Counter[str] = Counter()
        self._unknown: Counter[str] = Counter()
        self._now_ns = 0
        self._done = 0
        self._engine: Engine | None = None
        self._before = 0
        self._started = self._drawn = time.monotonic()
        self._live = Live(console=console, auto_refresh=False, transient=False)

    def __enter__(self) -> LiveView:
        self._live.__enter__()
        return self

    def __exit__(self, *given: Any) -> None:
        if self._engine is not None:
            self._live.update(self._drawing(), refresh=True)
        self._live.__exit__(*given)

    def alarmed(self, lines: Sequence[str]) -> None:
        """Show what monitors raised, the newest."""
        self._alarms.extend(lines)

    def decided(self, decision: Decided) -> None:
        """Remember what is worth showing: everything that acted or was kept from acting."""
        row = decision.row
        if row.kind != HOLD or row.asks_risk:
            self._decisions.append(decision)
        if row.binding >= 0:
            self._blocked[GATE_NAMES[row.binding]] += 1
        if row.asks_risk:
            for place in (decision.verdict == UNKNOWN).nonzero()[0]:
                self._unknown[GATE_NAMES[place]] += 1

    def moved(self, event: Input, engine: Engine, done: int) -> None:
        """Take note of the time, and draw when it is due."""
        if self._engine is None:
            self._before = int(engine.world.account[0].decisions)  # on candles that were heard only to be warm
        self._engine, self._done = engine, done
        if isinstance(event, BarClosed):
            self._now_ns = event.bar.known_ns
        if done % 32 == 0:
            now = time.monotonic()
            if now - self._drawn >= 1 / _FRAMES_A_SECOND:
                self._drawn = now
                self._live.update(self._drawing(), refresh=True)

    def _drawing(self) -> RenderableType:
        assert self._engine is not None
        return Group(self._head(self._engine), self._positions(self._engine), self._recent(), self._attention(self._engine))

    def _head(self, engine: Engine) -> RenderableType:
        account = engine.world.account[0]
        currency = self._plan.settings.account.currency
        equity = money_float(engine.equity, currency)
        start = float(self._plan.settings.account.deposit)
        peak = money_float(int(account.breakers.peak), currency)
        grid = Table.grid(padding=(0, 3))
        change = equity / start - 1
        grid.add_row(
            Text.assemble(("equity ", "dim"), (f"{equity:,.2f} {currency}", "bold"), (f"  {change:+.2%}", "green" if change >= 0 else "red")),
            Text.assemble(("drawdown ", "dim"), f"{max(1 - equity / peak, 0) if peak > 0 else 0:.2%}"),
            Text.assemble(("trips ", "dim"), f"{int(account.trips):,}"),
            Text.assemble(("orders ", "dim"), f"{int(account.orders):,}"),
            Text.assemble(("decisions ", "dim"), f"{int(account.decisions) - self._before:,}"),
        )
        seconds = max(time.monotonic() - self._started, 1e-9)
        run = Table.grid(padding=(0, 3))
        run.add_row(
            Text(_clock(self._now_ns), style="bold"),
            *([ProgressBar(total=self._total, completed=self._done, width=40)] if self._total else []),
            Text((f"{self._done / self._total:.0%}  " if self._total else "") + f"{self._done / seconds:,.0f} inputs/s", style="dim"),
        )
        return Panel(Group(run, grid), title=self._title, title_align="left", subtitle=self._lineage, subtitle_align="right")

    def _positions(self, engine: Engine) -> RenderableType:
        currency = self._plan.settings.account.currency
        table = Table(title="positions", title_justify="left", expand=True, header_style="dim")
        for name, justify in (
            ("book", "left"),
            ("position", "right"),
            ("value", "right"),
            ("entry", "right"),
            ("mark", "right"),
            ("open profit", "right"),
        ):
            table.add_column(name, justify=justify)  # type: ignore[arg-type]
        for s, instrument in enumerate(self._plan.instruments):
            position = engine.world.seats[s].position
            lots, mark = int(position.lots), int(position.mark)
            profit = money_float(int(position.value) - int(position.cost), currency)
            table.add_row(
                f"{instrument.symbol} {self._plan.books[s].frame}",
                instrument.quantity_text(lots) if lots else "-",
                f"{money_float(int(position.value), currency):,.2f}" if lots else "-",
                instrument.price_text(int(position.entry)) if lots else "-",
                instrument.price_text(mark) if mark else "-",
                Text(f"{profit:+,.2f}", style="green" if profit >= 0 else "red") if lots else "-",
            )
        return table

    def _recent(self) -> RenderableType:
        table = Table(title="last decisions that acted or were kept from it", title_justify="left", expand=True, header_style="dim")
        for name in ("time", "book", "opinion", "decision", "reason", "bound by"):
            table.add_column(name)
        for decision in reversed(self._decisions):
            row = decision.row
            side, style = _SIDES[row.side]
            bound = GATE_NAMES[row.binding] if row.binding >= 0 else ""
            more = f" and {row.blocked - 1} more" if row.binding >= 0 and row.blocked > 1 else ""
            table.add_row(
                _clock(row.at_ns),
                f"{self._plan.instruments[row.instrument].symbol} {self._plan.books[row.instrument].frame}",
                Text(side, style=style),
                Text(KINDS[row.kind], style="bold" if row.kind in (ENTER, EXIT) else ""),
                REASONS[row.reason] if row.kind != HOLD else "",
                Text(bound + more, style="yellow"),
            )
        return table

    def _attention(self, engine: Engine) -> RenderableType:
        account = engine.world.account[0]
        lines = [Text(notice, style="dim") for notice in self._notices]
        if account.breakers.daily_tripped:
            lines.append(Text(f"daily loss breaker is open until {_clock(int(account.breakers.next_day_ns))}", style="red"))
        if account.breakers.drawdown_tripped:
            lines.append(Text(f"drawdown breaker is open until {_clock(int(account.breakers.next_day_ns))}", style="red"))
        lines += [Text(line, style="red" if " HALT " in line else "yellow") for line in self._alarms]
        if self._blocked:
            lines.append(Text("blocked so far: " + ", ".join(f"{name} {count:,}" for name, count in self._blocked.most_common(4)), style="yellow"))
        if self._unknown:
            lines.append(
                Text("asked without data: " + ", ".join(f"{name} {count:,}" for name, count in self._unknown.most_common(4)), style="yellow")
            )
        return Panel(Group(*lines) if lines else Text("nothing", style="dim"), title="needs attention", title_align="left")


class PlainView:
    """One line for each decision that acted, for pipes and logs."""

    def __init__(self, plan: Plan, write: Callable[[str], None]) -> None:
        self._plan = plan
        self._write = write

    def __enter__(self) -> PlainView:
        return self

    def __exit__(self, *given: Any) -> None:
        """Nothing is left to draw."""

    def alarmed(self, lines: Sequence[str]) -> None:
        """Say what monitors raised."""
        for line in lines:
            self._write(line)

    def decided(self, decision: Decided) -> None:
        """Say what was done."""
        row = decision.row
        if row.kind == HOLD:
            return
        instrument = self._plan.instruments[row.instrument]
        price = instrument.price_text(row.close)
        equity = money_float(row.equity, self._plan.settings.account.currency)
        self._write(
            f"{_clock(row.at_ns)}  {instrument.symbol:<10} {self._plan.books[row.instrument].frame:<4} {KINDS[row.kind]:<8} {_SIDES[row.side][0]:<4} "
            f"{instrument.quantity_text(row.sent):>14} at about {price:<12} {REASONS[row.reason]:<15} equity {equity:,.2f}"
        )

    def moved(self, event: Input, engine: Engine, done: int) -> None:
        """Nothing to say."""


def _clock(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
