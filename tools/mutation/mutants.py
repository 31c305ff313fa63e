"""The mutants of a module, made by mutmut's operators, each with what is needed to put it in place.

mutmut leaves decorated functions alone. Under NUMBA_DISABLE_JIT=1 the decorators of domain/kernel.py return the function as it is, so they are
taken off before mutmut looks. Nothing else of a module is changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from msgspec import Struct
from mutmut.mutation.file_mutation import MutationVisitor
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode

DECORATORS = ("kernel", "inlined", "allocating", "staticmethod", "classmethod", "property", "cache")


class Mutant(Struct, frozen=True):
    """One change. `function` is the dotted name of the function or method that holds it, empty at module level; `source` is that function as
    changed, or the whole module. `excluded` says by which rule it does not count; empty where it counts."""

    number: int
    line: int
    function: str
    before: str
    after: str
    source: str
    excluded: str


class _Undecorated(cst.CSTTransformer):
    """The tree without the decorators that mutmut would stop at; the functions are put back into their decorated places at run time."""

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> cst.FunctionDef:
        kept = [one for one in updated_node.decorators if not (isinstance(one.decorator, cst.Name) and one.decorator.value in DECORATORS)]
        return updated_node.with_changes(decorators=kept)


class _Visitor(MutationVisitor):
    """mutmut's visitor; remembers in which call, and under which function or class, each mutation stands."""

    def __init__(self) -> None:
        super().__init__(mutation_operators, IgnoredCode(set(), set(), set()))
        self.trail: list[cst.CSTNode] = []
        self.places: list[tuple[cst.FunctionDef | None, str, tuple[cst.CSTNode, ...]]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        self.trail.append(node)
        before = len(self.mutations)
        goes_on: bool = super().on_visit(node)
        if len(self.mutations) > before:
            place = self._place()
            self.places += [(*place, tuple(self.trail))] * (len(self.mutations) - before)
        return goes_on

    def on_leave(self, original_node: cst.CSTNode) -> None:
        super().on_leave(original_node)
        self.trail.pop()

    def _place(self) -> tuple[cst.FunctionDef | None, str]:
        names: list[str] = []
        for node in self.trail:
            if isinstance(node, cst.ClassDef):
                names.append(node.name.value)
            elif isinstance(node, cst.FunctionDef):
                return node, ".".join([*names, node.name.value])
        return None, ""


def mutants_of(path: Path) -> list[Mutant]:
    """All mutants of a source file, in the order of its text."""
    plain = cst.parse_module(path.read_text())
    wrapper = MetadataWrapper(plain.visit(_Undecorated()))
    visitor = _Visitor()
    wrapper.visit(visitor)
    lines = _lines(path)
    found = []
    for number, (mutation, (function, name, trail)) in enumerate(zip(visitor.mutations, visitor.places, strict=True)):
        original, mutated = mutation.original_node, mutation.mutated_node
        if function is None:
            source = wrapper.module.deep_replace(original, mutated).code
            line = wrapper.resolve(PositionProvider)[original].start.line if original in wrapper.resolve(PositionProvider) else 0
        else:
            changed = function.deep_replace(original, mutated)
            source = cst.Module([changed.with_changes(leading_lines=[], decorators=[])]).code
            offset = _line(wrapper, trail) - wrapper.resolve(PositionProvider)[function].start.line
            line = lines.get(name, 0) + offset
        found.append(Mutant(number, line, name, _text(original), _text(mutated), source, excluded(original, mutated, trail)))
    return found


def excluded(original: cst.CSTNode, mutated: cst.CSTNode, trail: tuple[cst.CSTNode, ...]) -> str:
    """The rule by which a mutant does not count, as a word; empty where it counts.

    wording   a sentence (a text with a blank in it) spelled otherwise: tests hold what a message must name, not each of its letters
    guard     `strict=True` of zip, taken away: it only ever raises on a fault elsewhere
    same      a number so large that one more is the same float
    """
    if isinstance(original, cst.Float) and isinstance(mutated, cst.Float) and original.evaluated_value == mutated.evaluated_value:
        return "same"
    if isinstance(original, cst.SimpleString) and isinstance(mutated, cst.SimpleString) and " " in original.value.strip("\"' "):
        return "wording"
    if isinstance(original, cst.Call) and isinstance(original.func, cst.Name) and original.func.value == "zip" and isinstance(mutated, cst.Call):
        kept = [(one.keyword.value if one.keyword else "", _text(one.value)) for one in mutated.args]
        if [one for one in kept if one[0] != "strict"] == [("", _text(one.value)) for one in original.args if one.keyword is None]:
            return "guard"
    if isinstance(original, cst.Name) and original.value == "True":
        holder = trail[-2]
        if isinstance(holder, cst.Arg) and holder.keyword is not None and holder.keyword.value == "strict":
            return "guard"
    return ""


def _line(wrapper: MetadataWrapper, trail: tuple[cst.CSTNode, ...]) -> int:
    positions = wrapper.resolve(PositionProvider)
    for node in reversed(trail):
        if node in positions:
            return int(positions[node].start.line)
    return 0


def _lines(path: Path) -> dict[str, int]:
    """The line of each function's `def`, by dotted name, in the file as it is."""
    import ast

    found: dict[str, int] = {}

    def walk(body: list[ast.stmt], before: str) -> Iterator[None]:
        for node in body:
            if isinstance(node, ast.FunctionDef):
                found[before + node.name] = node.lineno
            elif isinstance(node, ast.ClassDef):
                yield from walk(node.body, f"{before}{node.name}.")

    list(walk(ast.parse(path.read_text()).body, ""))
    return found


def _text(node: cst.CSTNode) -> str:
    """A node in one line."""
    return " ".join(cst.Module([]).code_for_node(node).split())
