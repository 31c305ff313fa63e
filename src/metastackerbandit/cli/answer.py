"""How every verb answers: strict JSON or text on stdout, errors as one JSON object and in words on stderr, one exit code each."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Self

import typer
from typer.core import TyperGroup

from metastackerbandit.domain.errors import MsbError, UsageError

PIPED_COLUMNS = 160  # of a file or a pipe, which has no width of its own

HomeFlag = Annotated[
    Path | None, typer.Option("--home", metavar="FOLDER", help="The installation. [default: MSB_HOME, else ./var]", show_default=False)
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Answer with one JSON object.")]
SetFlags = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a setting, such as costs.taker_fee_bps=4; repeatable.", show_default=False),
]


def tell(payload: Any, text: Any, json: bool) -> None:
    """Answer: the payload as strict JSON (NaN and infinities are null), or the text, which may be anything that rich can draw."""
    if json:
        typer.echo(encoded(payload))
    elif isinstance(text, str):
        typer.echo(_printable(text))
    else:
        from rich.console import Console

        narrow = sys.stdout.isatty() or "COLUMNS" in os.environ
        Console(width=None if narrow else PIPED_COLUMNS).print(text)


def encoded(payload: Any) -> bytes:
    """One line of strict JSON; arrays become lists and paths text."""
    import msgspec

    return msgspec.json.encode(payload, enc_hook=_plain)


def answering(json: bool) -> Answering:
    """The frame around a verb's body: `with answering(json): ...` turns whatever goes wrong into its answer."""
    return Answering(json)


class Answering:
    """Leaves with an error's exit code after telling what, where and the mend; lets the terminal's own exits pass."""

    def __init__(self, json: bool) -> None:
        self.json = json

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            return
        cause = _cause(error)
        if isinstance(cause, BrokenPipeError):
            stop_writing()
            raise typer.Exit(0)
        if isinstance(cause, (typer.Exit, typer.Abort, typer.TyperException)) or not isinstance(cause, Exception):
            return
        tell_error(cause, self.json)
        raise typer.Exit(cause.exit_code if isinstance(cause, MsbError) else 1)


class Verbs(TyperGroup):
    """A group of verbs whose usage errors answer like every other error."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run one command line; as a program, leave with its exit code."""
        words = list(sys.argv[1:] if args is None else args)
        if not standalone_mode:
            return super().main(words, prog_name, complete_var, False, windows_expand_args, **extra)
        try:
            code = super().main(words, prog_name, complete_var, False, windows_expand_args, **extra)
        except typer.TyperException as error:
            code = _tell_usage(error, "--json" in words)
        except typer.Abort:
            typer.echo("stopped", err=True)
            code = 1
        except BrokenPipeError:
            stop_writing()
            code = 0
        sys.exit(code if isinstance(code, int) else 0)


def tell_error(error: Exception, json: bool, beside: dict[str, Any] | None = None) -> None:
    """An error as JSON on stdout (with what stands beside it) and in words on stderr; MSB_DEBUG=1 adds the traceback."""
    if json:
        typer.echo(encoded({**(beside or {}), "error": error_object(error)}))
    if os.environ.get("MSB_DEBUG") == "1":
        import traceback

        typer.echo("".join(traceback.format_exception(error)), err=True)
    typer.echo(_printable(f"error: {_in_words(error)}"), err=True)


def error_object(error: Exception) -> dict[str, str]:
    """The stable shape of an error."""
    if isinstance(error, MsbError):
        return {"type": type(error).__name__, "what": error.what, "where": error.where, "mend": error.mend}
    return {"type": type(error).__name__, "what": str(error) or type(error).__name__, "where": "", "mend": _unexpected_mend(error)}


def _unexpected_mend(error: Exception) -> str:
    if isinstance(error, OSError):
        return "the operating system refused: check the path, its permissions and free space"
    return "this is a defect of the program: MSB_DEBUG=1 shows where; please report it"


def _in_words(error: Exception) -> str:
    return str(error) if isinstance(error, MsbError) else f"{type(error).__name__}: {error} ({_unexpected_mend(error)})"


def _cause(error: BaseException) -> BaseException:
    """The error that a task group wraps; the first of ours, if there are several."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    causes = [_cause(inner) for inner in error.exceptions]
    return next((cause for cause in causes if isinstance(cause, MsbError)), causes[0])


def _tell_usage(error: typer.TyperException, json: bool) -> int:
    show = getattr(error, "show", None)
    context = getattr(error, "ctx", None)
    if context is None or type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(error.format_message(), err=True) if show is None else show()
        return error.exit_code
    path = context.command_path
    tell_error(UsageError(error.format_message(), where=path, mend=f"`{path} --help` lists what it takes"), json)
    return UsageError.exit_code


def stop_writing() -> None:
    """Nobody reads any more: what is still buffered goes nowhere, so that the interpreter can end in silence."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _printable(text: str) -> str:
    """The text in what the terminal can show."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):  # numpy's arrays and scalars, without importing numpy
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no JSON form")
