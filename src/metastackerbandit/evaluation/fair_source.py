"""Whether a source is fair to both sides, from what it says of the market and of the market's mirror image.

A fair source names the other side in the mirror, but for a few answers near its own zero: at most a share SLACK of them. Evidence against
that is the likelihood ratio of a source whose answer in the mirror is a coin flip; by Ville's inequality a fair source ever reaches
1 / error with a chance of at most `error`, however long and however often one looks.
"""

from __future__ import annotations

import math

from msgspec import Struct

SLACK = 0.05  # share of answers that a fair source may fail to mirror
STRANGER = 0.5  # share that a source fails to mirror which does not look at the side at all
ERROR = 0.001  # chance that a fair source ever alarms


class Fairness(Struct, frozen=True):
    """Answers compared, those that were not mirrored, and the logarithm of the evidence."""

    answers: int = 0
    unmirrored: int = 0
    log_evidence: float = 0.0

    def is_alarm(self, error: float = ERROR) -> bool:
        """Whether the source is not fair."""
        return self.log_evidence >= -math.log(error)


def heard(fairness: Fairness, said: float, mirror: float) -> Fairness:
    """Take one answer and the one in the mirror; an answer without a side, or not known, tells nothing."""
    if not abs(said) > 0.0 or not abs(mirror) > 0.0:
        return fairness
    is_unmirrored = (said > 0.0) == (mirror > 0.0)
    ratio = STRANGER / SLACK if is_unmirrored else (1.0 - STRANGER) / (1.0 - SLACK)
    return Fairness(fairness.answers + 1, fairness.unmirrored + int(is_unmirrored), fairness.log_evidence + math.log(ratio))
