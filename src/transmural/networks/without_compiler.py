"""Optimisers without PyTorch's compiler.

The first step of any optimiser of PyTorch's imports `torch._dynamo` and with it 800 other modules, in a second:
for a function that does nothing where nothing is compiled.
"""

import importlib
import sys
from types import ModuleType
from typing import Any

import torch

_COMPILER = "torch._dynamo"


class _Compiler(ModuleType):
    """What optimisers ask of the compiler while nothing is compiled; whoever asks for more gets the compiler itself."""

    @staticmethod
    def graph_break(*_: Any, **__: Any) -> None:
        """Nothing: there is no graph."""

    @staticmethod
    def disable(function: Any, *_: Any, **__: Any) -> Any:
        """The function: it isn't compiled."""
        return function

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__path__":
            raise AttributeError(name)
        if sys.modules.get(_COMPILER) is self:
            del sys.modules[_COMPILER]
        return getattr(importlib.import_module(_COMPILER), name)


def leave_compiler_out() -> None:
    """Optimisers of this process don't import PyTorch's compiler, unless it is there or something else uses it."""
    if _COMPILER not in sys.modules:
        sys.modules[_COMPILER] = torch._dynamo = _Compiler(_COMPILER)
