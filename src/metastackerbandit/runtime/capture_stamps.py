"""What the stamps of a capture say: stretches in which nothing came, and messages that the venue stamped far from their arrival."""

from __future__ import annotations

import numpy as np

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.recording import QualityIssue

FAR_S = 60.0  # between the venue's stamp and our own: clocks are never so far apart, so one of the two stamps was not made then
SHOWN = 20  # of a kind told one by one
UNKNOWN = -(2**63) + 1  # a latency that is not known


def place_of(capture: Capture, frame: int) -> str:
    """Where a frame stands, in words: its number, and its line where lines tell."""
    line = f" (line {capture.lines[frame]:,})" if capture.lines else ""
    return f"frame {frame + 1:,}{line}"


def stamp_issues(capture: Capture, latency: np.ndarray, silence_s: float, has_books: bool) -> list[QualityIssue]:
    """Silences longer than `silence_s` (where books are told, which never are silent), and stamps that are apart; `latency` (F,) ns."""
    issues = []
    if has_books:
        came = np.maximum.accumulate(capture.received_ns)
        for frame in np.flatnonzero(np.diff(came) > silence_s * 1e9):
            seconds = (came[frame + 1] - came[frame]) / 1e9
            issues.append(QualityIssue("silence", "medium", place_of(capture, int(frame) + 1), f"nothing had come for {seconds:,.1f} s"))
    behind = latency.astype(np.float64) / 1e9
    for frame in np.flatnonzero((latency != UNKNOWN) & (np.abs(behind) > FAR_S)):
        what = f"it came {behind[frame]:,.1f} s after the venue's stamp: one of the two stamps was not made then"
        issues.append(QualityIssue("stamps_apart", "high", place_of(capture, int(frame)), what))
    return [*_first(issues, "silence", "medium"), *_first(issues, "stamps_apart", "high")]


def _first(issues: list[QualityIssue], kind: str, severity: str) -> list[QualityIssue]:
    of_kind = [issue for issue in issues if issue.kind == kind]
    if len(of_kind) <= SHOWN:
        return of_kind
    return [*of_kind[:SHOWN], QualityIssue(kind, severity, f"and {len(of_kind) - SHOWN:,} more", "as above", len(of_kind) - SHOWN)]
