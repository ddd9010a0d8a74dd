"""Modules made of modules: Sequential, ModuleList, ModuleDict; and a list of parameters."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from tinygrad_ce.nn.module import Module
from tinygrad_ce.nn.parameter import is_variable
from tinygrad_ce.options import instance, several

__all__ = ["A_MODULE", "ModuleDict", "ModuleList", "ParameterList", "Sequential"]


A_MODULE = "it is a module", "pass a layer that was built, nn.Tanh() instead of np.tanh"


_A_PARAMETER = "it is a parameter", "pass nn.Parameter(array)"


def _named(holder: Module, name: str, module: Module) -> None:
    """Put a module where it has a name."""
    instance("a name of a module", name, str, "it is a text", "pass for example 'head'")
    instance(f"the module {name!r}", module, Module, *A_MODULE)
    setattr(holder, name, module)


class _Numbered(Module):
    """Modules that are named by their place."""

    def __len__(self) -> int:
        return sum(1 for _ in self.named_children())

    def __iter__(self) -> Iterator[Module]:
        return self.children()

    def __getitem__(self, place: int | slice) -> Any:
        found = list(self)[place]
        return found if isinstance(found, Module) else type(self)._of(found)

    def __setitem__(self, place: int, module: Module) -> None:
        instance(f"module {place}", module, Module, *A_MODULE)
        names = [name for name, _ in self.named_children()]
        setattr(self, names[place], module)

    @classmethod
    def _of(cls, modules: list[Module]) -> Self:
        raise NotImplementedError

    def append(self, module: Module) -> Self:
        """Put a module at the end."""
        instance(f"module {len(self)}", module, Module, *A_MODULE)
        setattr(self, str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Put several at the end."""
        several("modules", modules, lambda _, module: self.append(module))
        return self


class Sequential(_Numbered):
    """Modules one after the other; a dict gives them names.

    >>> from tinygrad_ce import nn
    >>> nn.Sequential(nn.Linear(2, 3), nn.Tanh())
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True): weight (3, 2), bias (3,) = 9
      (1): Tanh()
    ): 9 parameters
    """

    def __init__(self, *modules: Any) -> None:
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            for name, module in modules[0].items():
                _named(self, name, module)
        else:
            self.extend(modules)

    @classmethod
    def _of(cls, modules: list[Module]) -> Self:
        return cls(*modules)

    def forward(self, x: Any) -> Any:
        for module in self:
            x = module(x)
        return x


class ModuleList(_Numbered):
    """A list of modules. (A plain list as an attribute does as well, and has the same names.)

    >>> from tinygrad_ce import nn
    >>> len(ModuleList([nn.Linear(2, 2)]).append(nn.Tanh()))
    2
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        self.extend(modules)

    @classmethod
    def _of(cls, modules: list[Module]) -> Self:
        return cls(modules)


class ParameterList(Module):
    """A list of parameters.

    >>> from tinygrad_ce import nn
    >>> weights = ParameterList([nn.Parameter([1.0]), nn.Parameter([2.0])])
    >>> sum(w * w for w in weights)
    tensor([5.], by=add)
    """

    def __init__(self, values: Iterable[Any] = ()) -> None:
        several("values", values, lambda _, value: self.append(value))

    def append(self, value: Any) -> Self:
        """Put a parameter at the end."""
        if not is_variable(value):
            instance(f"value {len(self)}", value, (), *_A_PARAMETER)
        setattr(self, str(len(self)), value)
        return self

    def __len__(self) -> int:
        return len(self._parameters)

    def __iter__(self) -> Iterator[Any]:
        return (getattr(self, name) for name in self._parameters)

    def __getitem__(self, place: int) -> Any:
        return list(self)[place]


class ModuleDict(Module):
    """A dict of modules, whose keys are texts.

    >>> from tinygrad_ce import nn
    >>> list(ModuleDict({"head": nn.Tanh()}))
    ['head']
    """

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        instance("modules", modules or {}, Mapping, "it is a dict", "pass modules by their names")
        for name, module in (modules or {}).items():
            self[name] = module

    def __getitem__(self, name: str) -> Any:
        return dict(self.named_children())[name]

    def __setitem__(self, name: str, module: Module) -> None:
        _named(self, name, module)

    def __len__(self) -> int:
        return sum(1 for _ in self.named_children())

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.named_children())

    def __contains__(self, name: str) -> bool:
        return name in list(self)

    def keys(self) -> list[str]:
        """The names."""
        return list(self)

    def values(self) -> list[Module]:
        """The modules."""
        return list(self.children())

    def items(self) -> list[tuple[str, Module]]:
        """Both."""
        return list(self.named_children())
