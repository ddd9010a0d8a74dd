"""Modules made of modules: Sequential, ModuleList, ModuleDict; and a list of parameters."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from tinygrad_ce.errors import UnsupportedError
from tinygrad_ce.nn.module import Module

__all__ = ["ModuleDict", "ModuleList", "ParameterList", "Sequential"]


def _check_module(owner: Module, x: Any) -> None:
    """Refuse what would be no part of a network, and left out of it in silence."""
    if isinstance(x, Module) or (
        isinstance(x, list | tuple) and x and all(isinstance(part, Module) for part in x)
    ):
        return
    raise UnsupportedError(
        f"{type(owner).__name__} was given {x!r:.80}",
        "it is made of modules",
        "write nn.Tanh() for nn.Tanh or np.tanh, or a class of your own with a forward",
    )


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
        _check_module(self, module)
        names = [name for name, _ in self.named_children()]
        setattr(self, names[place], module)

    @classmethod
    def _of(cls, modules: list[Module]) -> Self:
        raise NotImplementedError

    def append(self, module: Module) -> Self:
        """Put a module at the end."""
        _check_module(self, module)
        setattr(self, str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Put several at the end."""
        for module in modules:
            self.append(module)
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
                _check_module(self, module)
                setattr(self, name, module)
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
        for value in values:
            self.append(value)

    def append(self, value: Any) -> Self:
        """Put a parameter at the end."""
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
        for name, module in (modules or {}).items():
            self[name] = module

    def __getitem__(self, name: str) -> Any:
        return dict(self.named_children())[name]

    def __setitem__(self, name: str, module: Module) -> None:
        _check_module(self, module)
        setattr(self, name, module)

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
