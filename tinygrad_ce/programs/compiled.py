"""`tg.compile`: run a function once, keep the program that it leaves, and run that from then on."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from functools import partial, update_wrapper
from inspect import Parameter, isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from inspect import signature as parameters_of
from math import inf
from pathlib import Path
from threading import Lock
from types import MethodType
from typing import Any

import numpy as np

from tinygrad_ce.arguments import carries
from tinygrad_ce.dispatch import is_plain
from tinygrad_ce.errors import OptionError, TraceError
from tinygrad_ce.mode import blocks, recording
from tinygrad_ce.options import count, function, instance, one_of, several
from tinygrad_ce.programs.backends import BACKENDS, executing, library_of
from tinygrad_ce.programs.effects import LookAgain
from tinygrad_ce.programs.numberless import Known
from tinygrad_ce.programs.program import Pass, Program
from tinygrad_ce.programs.signature import Static, signature
from tinygrad_ce.programs.simplify import SIMPLIFY
from tinygrad_ce.programs.trace import is_dynamic
from tinygrad_ce.programs.version import Version
from tinygrad_ce.tensor import Tensor
from tinygrad_ce.trees import leaves, map_tree

__all__ = ["Compiled", "compile"]

_TRIED = 4  # versions that are tried before a signature is worked out


class Compiled:
    """A function that is written down at its first call with a signature, and runs as NumPy then.

    Attributes:
        function: what was compiled.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        static_argnums: int | Sequence[int] = (),
        static_argnames: str | Sequence[str] = (),
        passes: Iterable[Pass] = SIMPLIFY,
        maxsize: int = 64,
        backend: str = "numpy",
    ) -> None:
        _check_function(f)
        options = _options(static_argnums, static_argnames, passes, maxsize, backend)
        update_wrapper(self, f)
        self.function, self._options = f, options
        self._statics = _statics(f, static_argnums, static_argnames)
        self._library = library_of(backend)
        self._lock = Lock()
        self._versions: OrderedDict[Any, Version] = OrderedDict()
        self._recent: tuple[Version, ...] = ()

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        if not blocks():
            for version in self._recent:
                inputs = version.enter(args, kwargs)
                if inputs is not None:
                    break
            else:
                return self._call(args, kwargs)
            if version is not self._recent[0]:
                self._use(version)
            version.calls += 1
            try:
                return version.leave(*inputs)
            except LookAgain:
                return self._eagerly(args, kwargs)
        return self._call(args, kwargs)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call whose signature is worked out."""
        found = self._version(args, kwargs)
        if found is None:
            return self.function(*args, **kwargs)
        version, inputs = found
        version.calls += 1
        try:
            return version.leave(*inputs)
        except LookAgain:
            return self._eagerly(args, kwargs)

    def _eagerly(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What f itself returns, in silence about inf and nan, as programs are."""
        with np.errstate(all="ignore"):
            return self.function(*args, **kwargs)

    def _version(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Version, list[Any]] | None:
        """The version for arguments, and its inputs; None where f itself is to be called."""
        if any(isinstance(x, Known) for x in leaves((args, kwargs))):
            return None  # inside another trace
        full, named = self._declared(args, kwargs)
        given = full, named
        if self._library is not None:
            full, named = map_tree(self._library.numpy, given)
        key, values = signature(full, named)
        inputs = [x.value if isinstance(x, Tensor) else x for x in values]
        if any(isinstance(x, Tensor) and not is_plain(x.value) for x in values):
            return None  # there too, or for arrays of another kind
        if carries(values) and recording():
            return None
        key = (key, recording())
        version = self._versions.get(key)
        if version is None:
            execute = partial(executing, library=self._library)
            version = Version(key, self.function, full, named, self._options[2], execute)
        self._use(version)
        if self._library is not None:
            pairs = zip(leaves(given), leaves((full, named)), strict=True)
            inputs = [x for x, numbers in pairs if is_dynamic(numbers)]
        return version, inputs

    def _use(self, version: Version) -> None:
        """Keep a version, as the one used last; the one not used for longest goes."""
        with self._lock:
            kept = self._versions.setdefault(version.key, version)
            self._versions.move_to_end(version.key)
            while len(self._versions) > self._options[3]:
                self._versions.popitem(last=False)
            others = [v for v in self._recent if v is not kept and v.key in self._versions]
            self._recent = (kept, *others[: _TRIED - 1])

    def _declared(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments, those that were declared static as leaves."""
        if not self._statics:
            return args, kwargs
        full = (Static(x, f"args[{i}]") if i in self._statics else x for i, x in enumerate(args))
        named = {k: Static(x, k) if k in self._statics else x for k, x in kwargs.items()}
        return tuple(full), named

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        return self if owner is None else MethodType(self, owner)

    def version(self, *args: Any, **kwargs: Any) -> Version:
        """The version for these arguments, without running it: its `program` and its `source`.

        Raises:
            TraceError: the function cannot be written down.
        """
        found = self._version(args, kwargs)
        if found is None:
            raise TraceError(
                "a program was asked for variables, or inside another program",
                "there the function itself is called, so that it is recorded",
                "pass plain arrays",
            )
        return found[0]

    def program(self, *args: Any, **kwargs: Any) -> Program:
        """The program for these arguments as data."""
        return self.version(*args, **kwargs).readable

    @property
    def source(self) -> str:
        """The program of the last call as a module that stands alone.

        Raises:
            TraceError: there was no call.
        """
        if not self._recent:
            raise TraceError(
                "the source was asked for before the first call",
                "the program depends on the shapes and dtypes of the arguments",
                "call the function first, or use version(*arguments).source",
            )
        return self._recent[0].source

    def save(self, path: str | Path) -> None:
        """Write `source` to a file."""
        Path(path).write_text(self.source, encoding="utf-8")

    def report(self) -> str:
        """The programs that are kept: signature, lines, calls, and the time that writing took."""
        with self._lock:
            versions = list(self._versions.values())
        return "\n".join(
            f"{v}: {len(v.program.lines)} lines, {v.calls} calls, written in "
            f"{v.seconds * 1e3:.1f} ms" for v in versions
        )  # fmt: skip

    def clear(self) -> None:
        """Forget all programs."""
        with self._lock:
            self._versions.clear()
            self._recent = ()

    def __repr__(self) -> str:
        name = getattr(self.function, "__name__", repr(self.function))
        return f"<compiled {name}: {len(self._versions)} programs>"

    def __reduce__(self) -> Any:
        """Pickled by name where it stands in a module, else with the function, without programs."""
        name = getattr(self, "__qualname__", "")
        found: Any = sys.modules.get(getattr(self, "__module__", ""))
        for part in name.split("."):
            found = getattr(found, part, None)
        return name if found is self else (Compiled, (self.function, *self._options))


def _check_function(f: Any) -> None:
    if not callable(f):
        raise TraceError(
            f"compile was given {f!r:.60}", "it takes a function", "pass a function of arrays"
        )
    if any(is_kind(f) for is_kind in (iscoroutinefunction, isgeneratorfunction,
                                      isasyncgenfunction)):  # fmt: skip
        raise TraceError(
            f"compile was given {f.__name__}, which is async or yields",
            "a program runs from its first line to its last and returns",
            "compile the function that computes, and call it from there",
        )


def _options(
    numbers: Any, names: Any, passes: Any, maxsize: int, backend: str
) -> tuple[Any, Any, tuple[Pass, ...], int, str]:
    """The options, checked; the passes may come from a generator."""
    several("static_argnums", numbers if isinstance(numbers, Iterable) else [numbers], _integer)
    several("static_argnames", [names] if isinstance(names, str) else names, _text)
    passes = tuple(several("passes", passes, function))
    one_of("backend", backend, BACKENDS)
    return numbers, names, passes, count("maxsize", maxsize), backend


def _integer(name: str, value: Any) -> int:
    return count(name, value, -inf)


def _text(name: str, value: str) -> str:
    return instance(name, value, str, "it is the name of an argument", "pass its name as a text")


def _statics(
    f: Callable[..., Any], numbers: int | Sequence[int], names: str | Sequence[str]
) -> frozenset[int | str]:
    """Static arguments by number and by name, however they are declared and passed."""
    numbers = tuple(numbers) if isinstance(numbers, Iterable) else (numbers,)
    names = (names,) if isinstance(names, str) else tuple(names)
    if not numbers and not names:
        return frozenset()
    try:
        parameters = list(parameters_of(f).parameters.values())
    except (TypeError, ValueError):
        return frozenset((*numbers, *names))
    kinds = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    positional = [p.name for p in parameters if p.kind in kinds]
    every = {p.name for p in parameters}
    open_ended = {p.kind for p in parameters} & {Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD}
    found: set[int | str] = set()
    for n in numbers:
        i = n + len(positional) if n < 0 else n
        if not (0 <= i < len(positional) or (i >= 0 and open_ended)):
            raise OptionError(
                f"static_argnums names argument {n} of {len(positional)}",
                "it names arguments of the function, from 0, or negative ones from the end",
                "pass one of their numbers",
            )
        found |= {i, *positional[i : i + 1]}
    for name in names:
        if name not in every and not open_ended:
            raise OptionError(
                f"static_argnames names {name!r}",
                f"the arguments are {sorted(every)}",
                "pass one of these",
            )
        found |= {name, *([positional.index(name)] if name in positional else [])}
    return frozenset(found)


def compile(
    f: Callable[..., Any] | None = None,
    *,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Sequence[str] = (),
    passes: Iterable[Pass] = SIMPLIFY,
    maxsize: int = 64,
    backend: str = "numpy",
) -> Any:
    """f as a program of NumPy calls, written at the first call with a signature, and run then.

    A signature is the structure of the arguments (trees of arrays), the shape and dtype of each
    array, and the value of whatever else stands in them: a string, a bool, a function. Numbers of
    Python's vary from call to call, as arrays do, unless they are declared static.

    What f looks up outside its arguments is a constant, copied when the program is written: arrays,
    the time, files. What it prints is printed then; `debug_print` prints at every call. Warnings
    about inf and nan are not given. Where variables come in, and inside another compiled function,
    f itself is called.

    Args:
        f: a function of trees of arrays; without it, a decorator is returned.
        static_argnums: numbers of arguments that are static, by value; negative ones from the end.
        static_argnames: names of such; either way they may be passed by place or by name.
        passes: what simplifies the program.
        maxsize: how many programs are kept; the one not used for longest is forgotten.
        backend: what computes: "numpy", "jax" or "torch".

    Raises:
        TraceError: at the first call, where f did what cannot be written down.

    >>> import numpy as np
    >>> import tinygrad_ce as tg
    >>> step = compile(tg.grad(lambda y, t: -np.sum(t * np.log(y))))
    >>> step(np.array([0.25, 0.75]), np.array([0.0, 1.0]))
    array([-0.        , -1.33333333])
    """
    options = _options(static_argnums, static_argnames, passes, maxsize, backend)
    return partial(_compile, options=options) if f is None else Compiled(f, *options)


def _compile(f: Callable[..., Any], options: Any) -> Compiled:
    return Compiled(f, *options)
