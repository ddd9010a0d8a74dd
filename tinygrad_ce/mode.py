"""Whether computing is recorded here, so that gradients can flow back: `no_grad` and what it is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from inspect import (
    CO_ASYNC_GENERATOR,
    CO_GENERATOR,
    isasyncgenfunction,
    iscoroutinefunction,
    isgeneratorfunction,
)
from types import FrameType, TracebackType
from typing import Any, TypeVar

__all__ = ["Mode", "blocks", "no_grad", "recording"]

F = TypeVar("F", bound=Callable[..., Any])


class Mode:
    """Whether computing is recorded, as a context manager and a decorator.

    A block entered in a generator holds while the generator runs, and not for the code that it
    yields to. Other threads and asyncio tasks are not touched.
    """

    __slots__ = ("frames", "records")

    def __init__(self, records: bool) -> None:
        self.records = records
        self.frames: list[tuple[Mode, FrameType | None]] = []

    def __enter__(self) -> None:
        frame = sys._getframe(1)
        suspends = frame.f_code.co_flags & (CO_GENERATOR | CO_ASYNC_GENERATOR)
        block = (self, frame if suspends else None)
        self.frames.append(block)
        _BLOCKS.set((*_BLOCKS.get(), block))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        block = self.frames.pop()
        blocks = _BLOCKS.get()
        _BLOCKS.set(tuple(held for held in blocks if held is not block))

    def __call__(self, function: F) -> F:
        records = self.records
        if isgeneratorfunction(function):

            @wraps(function)
            def generator(*args: Any, **kwargs: Any) -> Any:
                with Mode(records):
                    return (yield from function(*args, **kwargs))

            return generator  # type: ignore[return-value]

        if isasyncgenfunction(function):

            @wraps(function)
            async def async_generator(*args: Any, **kwargs: Any) -> Any:
                with Mode(records):
                    async for item in function(*args, **kwargs):
                        yield item

            return async_generator  # type: ignore[return-value]

        if iscoroutinefunction(function):

            @wraps(function)
            async def coroutine(*args: Any, **kwargs: Any) -> Any:
                with Mode(records):
                    return await function(*args, **kwargs)

            return coroutine  # type: ignore[return-value]

        @wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with Mode(records):
                return function(*args, **kwargs)

        return wrapped  # type: ignore[return-value]


_BLOCKS: ContextVar[tuple[tuple[Mode, FrameType | None], ...]] = ContextVar("blocks", default=())
blocks = _BLOCKS.get


def recording() -> bool:
    """Whether results of variables are recorded here, so that gradients can flow back.

    Where speed counts, ask `not blocks() or recording()`: mostly there are none.
    """
    for mode, frame in reversed(_BLOCKS.get()):
        if frame is None or _is_running(frame):
            return mode.records
    return True


def _is_running(wanted: FrameType) -> bool:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame is wanted:
            return True
        frame = frame.f_back
    return False


def no_grad() -> Mode:
    """Compute without recording, as `with no_grad():` or as the decorator `@no_grad()`.

    Safe under exceptions, in generators (it holds while the generator runs, not for its consumer),
    threads and asyncio tasks.

    >>> import tinygrad_ce as tg
    >>> x = tg.tensor(3.0, requires_grad=True)
    >>> with tg.no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    """
    return Mode(False)
