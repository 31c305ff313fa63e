"""How a kernel becomes machine code, and where that is kept.

numba makes machine code of every function that it compiles, and links it again, whole, into each that calls it: a step five calls below the driver is
optimized and assembled six times. Here what is called by kernels only is kept as unoptimized code (a *part*). A *port*, made where Python first
calls a kernel with some types, links all parts below it, and is optimized and assembled once. Both are cached: parts as bitcode, ports as objects
(docs/decisions/0024). All private names of numba are here, and its version is pinned.
"""

from __future__ import annotations

import copy
import itertools
import os
import secrets
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from llvmlite import binding
from numba.core import caching, compiler, ir, sigutils
from numba.core.bytecode import FunctionIdentity
from numba.core.codegen import JITCodeLibrary, RuntimeLinker
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.environment import Environment
from numba.core.registry import CPUDispatcher
from numba.core.typed_passes import NativeLowering
from numba.core.types.containers import BaseTuple
from numba.core.types.misc import unliteral


def _number_symbols() -> None:
    """Let this process number the symbols of its binaries from a place that no other process uses.

    numba names a symbol by function, argument types and a number that every process counts from one. Two kernels of one name and one
    signature, compiled by two processes, could then share a symbol, and a third kernel that calls both would call one of them twice.
    """
    FunctionIdentity._unique_ids = itertools.count(secrets.randbits(60))


_number_symbols()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_number_symbols)


def _itself(shared: Any, _memo: Any) -> Any:
    """The copy of what never differs between copies."""
    return shared


# Before numba puts a kernel's body into its caller it copies it, block by block, and with every block all variables of the function
# and every source position again, which took a sixth of all compiling.
ir.Scope.__deepcopy__ = ir.Loc.__deepcopy__ = _itself


class Dispatcher(CPUDispatcher):
    """A kernel: from Python it is called through a port, from kernels as a part of theirs."""

    def __init__(self, function: Callable[..., Any], flags: Mapping[str, Any]) -> None:
        super().__init__(function, {}, {**flags, "nopython": True, "boundscheck": None}, _Compiler)
        self._ports: dict[tuple[Any, ...], Any] = {}
        self._port_cache: Any = caching.NullCache()
        self._is_part = False

    def cached_by(self, stamp_of: Callable[[Callable[..., Any]], str]) -> None:
        """Keep its binaries under the stamp that is asked for when one is first looked for."""
        self._cache, self._port_cache = (_LateCache(self.py_func, stamp_of, kind) for kind in ("part", "port"))

    def fold_argument_types(self, args: Any, kws: Any) -> Any:
        """The arguments of a kernel that calls itself. A number written out is a number: numba would compile the kernel anew for each."""
        return super().fold_argument_types(*_numbers(args, kws))

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """What another kernel is told that calls this one, by numbers too."""
        with global_compiler_lock:
            was, self._is_part = self._is_part, True
            try:
                return super().get_call_template(*_numbers(args, kws))
            finally:
                self._is_part = was

    def compile(self, sig: Any) -> Any:
        """Where a kernel asks, the key that its part is called by; else the port for arguments of these types, as a builtin function."""
        with global_compiler_lock:
            if self._is_part:
                self._is_part = False
                return super().compile(sig)
            args = tuple(sigutils.normalize_signature(sig)[0])
            if args not in self._ports:
                self._add_port(args, self._port_cache.load_overload(args, self.targetctx) or self._linked_port(args))
            return self._ports[args].entry_point

    @property
    def signatures(self) -> list[tuple[Any, ...]]:
        """The types of arguments that it was asked for, by Python or by kernels."""
        return list({**self.overloads, **self._ports})

    def add_overload(self, cres: Any) -> None:
        """A part is there for kernels; Python finds ports only."""
        self.overloads[tuple(cres.signature.args)] = cres

    def _add_port(self, args: tuple[Any, ...], port: Any) -> None:
        self._insert([kind._code for kind in args], port.entry_point, objectmode=False)
        self._ports[args] = port

    def _linked_port(self, args: tuple[Any, ...]) -> Any:
        super().compile(args)
        part, context = self.overloads[args], self.targetctx.subtarget(enable_nrt=self.targetoptions.get("_nrt", True))
        described = copy.copy(part.fndesc)
        described.env_name += ".port"  # what Python objects are made from is the port's own, and cached with it
        environment = Environment.from_fndesc(described)
        library = _Port(context.codegen(), f"port {part.library.name}")
        library.enable_object_caching()
        context.create_cpython_wrapper(library, described, environment, part.call_helper)
        library.add_linking_library(part.library)
        entry_point = context.get_executable(library, described, environment)
        port = part._replace(library=library, entry_point=entry_point, fndesc=described, environment=environment)
        environments = port._find_referenced_environments()
        for one in environments:
            library.codegen.set_env(one.env_name, one)
        port = port._replace(referenced_envs=tuple(environments))
        self._port_cache.save_overload(args, port)
        return port


def _numbers(args: Any, kws: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Types of arguments, and of those given by name, without what was written out."""
    return tuple(map(unliteral, args)), {name: unliteral(kind) for name, kind in kws.items()}


# -- code ------------------------------------------------------------------------------------------------------------


class _Part(JITCodeLibrary):
    """Code as it was lowered, with the parts that it calls, to be linked into ports."""

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout
        passes = binding.create_new_module_pass_manager()
        passes.add_sroa_pass()  # numba keeps every variable in memory
        passes.add_dead_code_elimination_pass()  # and names every kernel that is called by its address, which no cache could keep
        passes.add_global_dead_code_eliminate_pass()
        passes.run(ll_module, self._codegen._pass_builder())

    def finalize(self) -> None:
        """Link what it calls; nothing is optimized, nothing assembled.

        A call of a kernel that is still being compiled goes by a pointer, which numba fills in when code is loaded: a part is not.
        """
        if any(one.name.startswith(RuntimeLinker.PREFIX) for one in self._final_module.global_variables):
            raise TypeError(f"{self.name}: kernels that call each other in a circle, or themselves with other types, cannot be linked: write a loop")
        for library in dict.fromkeys(self._linking_libraries):
            self._reload_init.update(library._reload_init)
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        for function in self._final_module.functions:
            if function.linkage == binding.Linkage.external and not function.is_declaration:
                function.linkage = binding.Linkage.linkonce_odr
        self._finalize_dynamic_globals()
        self._finalized = True

    def _get_module_for_linking(self) -> Any:
        """Itself: what is linked is copied."""
        self._ensure_finalized()
        return self._final_module

    def serialize_using_object_code(self) -> tuple[str, str, bytes]:
        """Its bitcode."""
        return self.name, "part", self._get_module_for_linking().as_bitcode()

    @classmethod
    def read(cls, codegen: Any, name: str, bitcode: bytes) -> _Part:
        """A part from its bitcode."""
        part = cls(codegen, name)
        part._final_module = binding.parse_bitcode(bitcode)
        part._finalized = True
        return part


class _Port(JITCodeLibrary):
    """A part with what Python calls it by, optimized and assembled."""

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        """Optimize, knowing that nobody else calls the parts in it: one that is called once is put where it is called."""
        module = self._final_module
        for function in module.functions:
            if function.linkage == binding.Linkage.linkonce_odr and not function.is_declaration and not function.name.startswith("NRT_"):
                function.linkage = binding.Linkage.internal
        passes, builder = self._codegen._module_pass_manager()
        passes.run(module, builder)  # once: numba's first run makes way for taking out reference counts


class _Called:
    """What kernels know a part by; there is nothing in it to be called."""


@register_pass(mutates_CFG=True, analysis_only=False)
class _PartLowering(NativeLowering):
    """numba's lowering, which ends where the code of the function stands."""

    _name = "part_lowering"

    def run_pass(self, state: Any) -> bool:
        """Lower a typed function into a part."""
        state.library = library = _Part(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = state.flags.no_cpython_wrapper = state.flags.no_cfunc_wrapper = True
        super().run_pass(state)
        library._ensure_finalized()
        state.reload_init.extend(library._reload_init)
        state["cr"] = lowered = state["cr"]._replace(cfunc=_Called())
        state.targetctx.insert_user_function(lowered.cfunc, lowered.fndesc, [library])
        return True


class _Compiler(compiler.CompilerBase):
    """numba's passes with that lowering."""

    def define_pipelines(self) -> list[Any]:
        """One pipeline, without object mode."""
        build = compiler.DefaultPassBuilder
        passes = PassManager("kernel")
        for define in (build.define_untyped_pipeline, build.define_typed_pipeline, build.define_nopython_lowering_pipeline):
            for step, why in define(self.state).passes:
                passes.passes.append((_PartLowering if step is NativeLowering else step, why))
        passes.finalize()
        return [passes]


# -- cache -----------------------------------------------------------------------------------------------------------


def cache_folder() -> Path:
    """Where binaries are kept: MSB_KERNEL_CACHE, else the user's cache folder."""
    named = os.environ.get("MSB_KERNEL_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "metastackerbandit" / "kernels"


class _LateCache:
    """A kernel's cache of parts or of ports, opened when a binary is first looked for."""

    def __init__(self, function: Callable[..., Any], stamp_of: Callable[[Callable[..., Any]], str], kind: str) -> None:
        self._function, self._stamp_of, self._kind = function, stamp_of, kind
        self._opened: _Cache | None = None

    def __getattr__(self, name: str) -> Any:
        if self._opened is None:
            self._opened = _Cache(self._function, self._stamp_of(self._function), self._kind)
        return getattr(self._opened, name)


class _Cache(caching.FunctionCache):
    """Files of one function and stamp; the index key adds the kind of binary, signature, processor and bytecode."""

    def __init__(self, function: Callable[..., Any], stamp: str, kind: str) -> None:
        self._impl_class = type("_Stamped", (_Stored,), {"_locator_classes": (type("_Located", (_Locator,), {"stamp": stamp}),)})
        super().__init__(function)
        self._cache_file = _Index(self._cache_path, self._impl.filename_base, stamp)
        self._kind = kind

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        return (self._kind, *super()._index_key(sig, codegen), tuple(_field_names(sig)))


class _Locator(caching._CacheLocator):
    """The cache's one folder; a file is known by its function's stamp."""

    stamp = ""
    _py_file = __file__  # where numba's warning says that something cannot be cached

    def __init__(self, _function: Callable[..., Any]) -> None:
        pass

    @classmethod
    def from_function(cls, function: Callable[..., Any], _path: str) -> _Locator:
        located = cls(function)
        located.ensure_cache_path()
        return located

    def get_cache_path(self) -> str:
        return str(cache_folder())

    def get_source_stamp(self) -> str:
        return self.stamp

    def get_disambiguator(self) -> str:
        return self.stamp


class _Stored(caching.CompileResultCacheImpl):
    """Parts and ports as files."""

    def get_filename_base(self, fullname: str, abiflags: str) -> str:
        return super().get_filename_base(fullname.rpartition(".")[2], abiflags)

    def rebuild(self, target_context: Any, payload: Any) -> Any:
        """What `reduce` took apart."""
        (name, kind, data), described, environment, signature, *_, reload_init, environments = payload
        if kind != "part":
            return super().rebuild(target_context, payload)
        for prepare in reload_init:
            prepare()
        return compiler.compile_result(
            target_context=target_context,
            typing_context=target_context.typing_context,
            library=_Part.read(target_context.codegen(), name, data),
            environment=environment,
            entry_point=_Called(),
            fndesc=described,
            signature=signature,
            objectmode=False,
            lifted=(),
            reload_init=reload_init,
            referenced_envs=environments,
        )


class _Index(caching.IndexDataCacheFile):
    """What binaries of one stamp there are, by the types of their arguments; one that names a type which is gone is as good as none.

    A kernel's stamp does not hold the types that it is called with, so another version's types, moved or renamed since, may stand in it.
    A binary's file is named by chance: of two processes that write one index at a time, one may lose its line, never get the other's binary.
    """

    def save(self, key: Any, data: Any) -> None:
        """Keep a binary, then say in the index where it is."""
        name = f"{self._index_name.removesuffix('.nbi')}.{key[0]}.{uuid.uuid4().hex[:16]}.nbc"
        self._save_data(name, data)
        self._save_index({**self._load_index(), key: name})

    def _load_index(self) -> Any:
        try:
            return super()._load_index()
        except (ImportError, AttributeError):
            return {}


def _field_names(kinds: Iterable[Any]) -> Iterator[tuple[str, ...]]:
    """The fields of every named tuple among argument types, in order: a binary knows them by place, and a type does not tell them."""
    for kind in kinds:
        if hasattr(kind, "instance_class"):
            yield kind.fields
        if isinstance(kind, BaseTuple):
            yield from _field_names(kind)
