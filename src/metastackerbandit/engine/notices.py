"""What a reader of a run must know about the plan's own settings, in sentences."""

from __future__ import annotations

from metastackerbandit.engine.plan import Book, Plan
from metastackerbandit.stacking.settings import POSTERIOR


def notices_of(plan: Plan) -> tuple[str, ...]:
    """One sentence for each thing that stands behind the plan's decisions and does not show in a single one of them."""
    hard = [book for book in plan.books if book.settings.decision.consensus == "hard"]
    alone = [book for book in hard if not _has_other_source(plan, book)]
    unearned = [book for book in hard if book not in alone and book.settings.decision.veto_unearned]
    earning = [book for book in hard if book not in alone and book not in unearned]
    said = (
        (alone, "hard consensus, and no source beside the opinion to agree with: the gate is not asked"),
        (unearned, "hard consensus whose veto nobody earned (decision.veto_unearned): any source stops the other side, however one-sided it is"),
        (earning, "hard consensus is soft until a source earns its veto: both sides fairly among its last 200, and proven skill"),
    )
    return tuple(f"{_named(books, plan)}{sentence}" for books, sentence in said if books)


def _has_other_source(plan: Plan, book: Book) -> bool:
    return book.has_mood or (plan.arm == POSTERIOR and plan.waits())


def _named(books: list[Book], plan: Plan) -> str:
    """Which books, where it is not all of them."""
    if len(books) == len(plan.books):
        return ""
    return ", ".join(f"{book.instrument.symbol} {book.frame}" for book in books) + ": "
