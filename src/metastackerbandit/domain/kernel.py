"""A kernel is one step of arithmetic, compiled once and used at two speeds; this file and kernel_binary alone know numba.

A cached binary is found by a stamp of everything that it was compiled from: its own bytecode, the stamps of the kernels it
calls, the constants it freezes, and the versions and flags of the compiler. An edit anywhere below therefore gives another
stamp, and a stale binary cannot be loaded (numba's own cache looks at one file only).
"""

from __future__ import annotations

import hashlib
import linecache
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from types import CodeType, FunctionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec
import numba
import numpy as np
from numba.core import config

from metastackerbandit.domain.kernel_binary import Dispatcher

F = TypeVar("F", bound=Callable[..., Any])

_FORMAT = 3  # of what is cached; binaries of another are not looked at
_TOOLCHAIN = f"{_FORMAT} numba {numba.__version__} numpy {np.__version__} boundscheck {config.BOUNDSCHECK} opt {config.OPT}"
_FLAGS: dict[str, Any] = {"error_model": "numpy", "fastmath": False, "parallel": False}
_STEP_FLAGS: dict[str, Any] = {
    **_FLAGS,
    "_nrt": False,
}  # steps allocate nothing; counting references of their arrays costs ten times the work
_plain: dict[Any, tuple[Callable[..., Any], dict[str, Any]]] = {}  # compiled -> what it was made from
_stamps: dict[Callable[..., Any], str] = {}


def kernel(function: F) -> F:
    """Compile a step: IEEE division, no fast math, no parallel loops, nothing allocated, cached under its stamp.

    With NUMBA_DISABLE_JIT=1 the function is returned as it is, so that coverage and mutation tests can look inside.
    """
    return _compiled(function, _STEP_FLAGS)


def inlined(function: F) -> F:
    """A kernel whose body is put into its callers: for the few steps through which every bar passes."""
    return _compiled(function, {**_STEP_FLAGS, "inline": "always"})


def allocating(function: F) -> F:
    """A kernel that may make arrays: for statistics over whole series, never for steps."""
    return _compiled(function, _FLAGS)


def _compiled(function: F, flags: dict[str, Any]) -> F:
    _plain[function] = (function, flags)
    if config.DISABLE_JIT:
        return function
    dispatcher: Any = Dispatcher(function, flags)
    _plain[dispatcher] = (function, flags)
    if "inline" not in flags:
        dispatcher.cached_by(stamp_of)
    return dispatcher


def written(name: str, source: str, names: Mapping[str, Any], module: str) -> Callable[..., Any]:
    """A function from text that a composer wrote, with its source kept where tracebacks and stamps can read it."""
    digest = hashlib.sha256(source.encode()).hexdigest()[:12]
    filename = f"<{module}.{name} {digest}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    scope: dict[str, Any] = {"__name__": module, **names}
    exec(compile(source, filename, "exec"), scope)  # noqa: S102 - the text is ours, made from a catalog
    made: Callable[..., Any] = scope[name]
    return made


def rebound(compiled: F, **names: Any) -> F:
    """The same kernel with something else behind some of the names that it uses, such as another codec's scanner.

    It is compiled apart, so that what it calls is settled once and not at every call; its stamp has the stamps of what it calls now.
    """
    function, flags = _plain[compiled]
    unknown = sorted(name for name in names if name not in set(_names(function.__code__)))
    if unknown:
        raise TypeError(f"{function.__name__} uses no {', '.join(unknown)}")
    twin: Any = FunctionType(function.__code__, {**function.__globals__, **names}, function.__name__)
    twin.__module__, twin.__doc__ = function.__module__, function.__doc__
    made: F = _compiled(twin, flags)
    return made


def stamp_of(compiled: Callable[..., Any]) -> str:
    """The stamp that a kernel's binary is cached under.

    It is made when it is first asked for, not when the kernel is: a callee that stands further down in the module must be in it.
    """
    function, flags = _plain[compiled]
    if function not in _stamps:
        _stamps[function] = "being stamped"  # what a kernel that calls itself sees of itself
        _stamps[function] = _stamp(function, flags)
    return _stamps[function]


def entry(compiled: F, *like: Any) -> F:
    """A kernel's machine code for arguments of exactly the types of `like`, called without asking what types there are.

    numba's own call finds out the type of every argument, which takes longer than many a step where one is a tuple of arrays. The code given here
    takes whatever it gets for what it expects (a float is cut to a whole number, a strided array is read as if it were contiguous, a read-only one is
    written to), so it is for loops that hand in the same arrays every time. Without JIT it is the kernel itself.
    """
    if config.DISABLE_JIT:
        return compiled
    dispatcher: Any = compiled
    made: F = dispatcher.compile(tuple(numba.typeof(one) for one in like))
    return made


def signatures_of(compiled: Callable[..., Any]) -> int:
    """How many signatures a kernel was compiled for: a port should have one."""
    return len(getattr(compiled, "signatures", ()))


def _stamp(function: Callable[..., Any], flags: dict[str, Any]) -> str:
    parts = [_TOOLCHAIN, repr(flags), function.__module__, function.__qualname__, _code(function.__code__)]
    for name in sorted(_names(function.__code__)):
        if name in function.__globals__:
            parts.append(f"{name} = {_frozen(function.__globals__[name])}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def _code(code: CodeType) -> str:
    """What a function does, from its bytecode: the source file may have been edited since it was imported."""
    constants = [_code(constant) if isinstance(constant, CodeType) else repr(constant) for constant in code.co_consts]
    return repr((code.co_code.hex(), constants, code.co_names, code.co_varnames, code.co_freevars))


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _frozen(value: Any) -> str:
    """What a global contributes to a stamp; never an address."""
    if callable(value):
        if value in _plain:
            return stamp_of(value)
        fields = getattr(value, "_fields", ())  # of a NamedTuple that a kernel makes: their order is in the binary
        return f"{getattr(value, '__qualname__', type(value).__qualname__)}{fields or ''}"
    if isinstance(value, (int, float, bool, str, tuple, np.dtype, np.generic)):
        return repr(value)
    return type(value).__qualname__


# -- layouts ---------------------------------------------------------------------------------------------------------


@cache
def layout(struct: type[msgspec.Struct]) -> np.dtype[Any]:
    """The row dtype of a Struct: int and bool -> int64, float -> float64, a Literal -> its place, a Struct -> its own layout.

    One dtype object for each Struct, since equal but distinct ones slow every call of a kernel. Field names that numpy's
    record already means something by are refused, or compiled and plain runs would read different things.
    """
    fields: list[tuple[str, Any]] = []
    for name, kind in get_type_hints(struct).items():
        if name in _TAKEN:
            raise TypeError(f"{struct.__name__}.{name}: numpy's record has an attribute of that name; call the field otherwise")
        fields.append((name, _column(struct, name, kind)))
    return np.dtype((np.record, fields))


_TAKEN = frozenset(dir(np.record))


def _column(struct: type, name: str, kind: Any) -> Any:
    if kind in (int, bool):
        return np.int64
    if kind is float:
        return np.float64
    if get_origin(kind) is Literal:
        return np.int64
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return layout(kind)
    raise TypeError(f"{struct.__name__}.{name}: {kind} has no column; rows hold int, float, bool, Literal and Struct")


def row(value: msgspec.Struct) -> np.ndarray[Any, Any]:
    """One Struct as an array (1,) of its layout."""
    rows = np.zeros(1, layout(type(value)))
    rows[0] = _values(value)
    return rows


def rows(struct: type[msgspec.Struct], count: int) -> np.ndarray[Any, Any]:
    """An array (count,) of zeros in the layout of a Struct."""
    return np.zeros(count, layout(struct))


def copied(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Rows of any layout in memory of their own, byte for byte: numpy copies a record field by field, which takes ten times as long."""
    return _bytes(rows).copy().view(rows.dtype)


def joined(parts: Sequence[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """Rows of one layout, one part after the other, byte for byte; at least one part."""
    kinds = {part.dtype for part in parts}
    if len(kinds) != 1:
        raise TypeError(f"parts of one layout can be joined, not of {', '.join(sorted(str(kind) for kind in kinds)) or 'none'}")
    return np.concatenate([_bytes(part) for part in parts]).view(parts[0].dtype)


def _bytes(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Records (N,) seen as so many opaque bytes each; other arrays as they are."""
    return rows.view(f"V{rows.dtype.itemsize}") if rows.dtype.names else rows


def _values(value: msgspec.Struct) -> tuple[Any, ...]:
    if not _mends(type(value)):
        return msgspec.structs.astuple(value)
    given = []
    for name, words in _fields(type(value)):
        item = getattr(value, name)
        if isinstance(item, msgspec.Struct):
            item = _values(item)
        elif words is not None:
            item = words.index(item)
        given.append(item)
    return tuple(given)


def struct_of(struct: type[msgspec.Struct], record: Any) -> Any:
    """A row of `layout(struct)` back as that Struct."""
    return _rebuilt(struct, record.item())


def _rebuilt(struct: type[msgspec.Struct], values: tuple[Any, ...]) -> Any:
    mends = _mends(struct)
    if not mends:
        return struct(*values)
    given = list(values)
    for place, mend in mends:
        given[place] = mend(given[place])
    return struct(*given)


@cache
def _mends(struct: type[msgspec.Struct]) -> tuple[tuple[int, Callable[[Any], Any]], ...]:
    """The fields whose column is not already the Python value: Literal, bool, nested Struct."""
    found: list[tuple[int, Callable[[Any], Any]]] = []
    for place, kind in enumerate(get_type_hints(struct).values()):
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            found.append((place, partial(_rebuilt, kind)))
        elif get_origin(kind) is Literal:
            found.append((place, get_args(kind).__getitem__))
        elif kind is bool:
            found.append((place, bool))
    return tuple(found)


@cache
def _fields(struct: type[msgspec.Struct]) -> tuple[tuple[str, tuple[Any, ...] | None], ...]:
    """Field names, with the words of a Literal."""
    return tuple((name, get_args(kind) if get_origin(kind) is Literal else None) for name, kind in get_type_hints(struct).items())
