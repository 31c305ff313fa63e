"""What can go wrong, ordered by who must act: the operator, the supervisor, nobody.

Every error says what is, where, and the mend; the shell turns it into an exit code and a JSON object.
"""

from __future__ import annotations


class MsbError(Exception):
    """An error with its place and its mend. `exit_code` is the process's answer (interfaces: 1 error, 4 refused, 6 not found)."""

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.mend = mend

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        mend = f" ({self.mend})" if self.mend else ""
        return f"{place}{self.what}{mend}"


# -- the operator must act -------------------------------------------------------------------------------------------


class OperatorError(MsbError):
    """Something given to the program is wrong; nothing was changed."""

    exit_code = 4


class ConfigRefused(OperatorError):
    """A configuration key or value is unknown, of the wrong type, out of range, or contradicts another."""


class DataRefused(OperatorError):
    """Market data is broken: columns, order, duplicates, prices, units."""


class InstrumentRefused(OperatorError):
    """An instrument's rules are missing, not exact, or could overflow 64-bit money."""


class SettingRefused(OperatorError):
    """A control asks for a value outside its bounds."""


class ModelRefused(OperatorError):
    """A model cannot be used: it does not fit, is damaged, or is not allowed to trade."""


class ModelMismatch(ModelRefused):
    """A model's card says that it was made for something else: symbol, frame, horizon, features, labels."""


class TrainingRefused(OperatorError):
    """Nothing can be trained on this: too few rows, columns that never change, labels of one class."""


class UsageError(OperatorError):
    """The words of a command do not go together."""

    exit_code = 2


class NotFound(OperatorError):
    """A run, decision, symbol or file that was asked for is not there."""

    exit_code = 6


# -- the supervisor must act -----------------------------------------------------------------------------------------


class SupervisorError(MsbError):
    """A part outside the core failed; the runtime decides about retry or stop."""


class StorageFailed(SupervisorError):
    """The journal or a store could not be written or read."""


class VenueError(SupervisorError):
    """A venue could not be reached, or did not answer as it should; what was known before stands."""


class ConnectFailed(VenueError):
    """A connection was not made: name, network, TLS, handshake, or time."""


class RequestFailed(VenueError):
    """A request got no whole answer: network, TLS, time, size."""


class VenueDown(VenueError):
    """A venue answered that it cannot answer (5xx)."""


class RequestRefused(VenueError):
    """A venue refuses the request itself (4xx): asking again changes nothing."""


class RateLimited(VenueError):
    """A venue asks for silence (429, 418) of `wait_s` seconds; nothing may be sent before."""

    def __init__(self, what: str, *, wait_s: float = 0.0, where: str = "", mend: str = "") -> None:
        super().__init__(what, where=where, mend=mend)
        self.wait_s = wait_s


class AnswerRefused(VenueError):
    """A venue's answer is not what was asked for: no JSON, other fields, prices off the grid."""


class NoPrice(VenueError):
    """Nobody could say what an instrument costs."""


class StalePrice(VenueError):
    """A price is too old to price an order."""


class MessageRefused(SupervisorError):
    """What a venue told of an account cannot be read: it is set aside whole, and the account's state must be asked for."""


class InputUnusable(SupervisorError):
    """A model input is wrong or has too few frames: nothing is inferred from it, and its model sleeps until there is a better one."""


# -- nobody can act: a bug or a broken promise of a venue -------------------------------------------------------------


class Fault(MsbError):
    """An invariant is broken; the run ends and start is recovery."""


class IllegalReport(Fault):
    """A venue reported something that an order's life cycle does not allow."""
