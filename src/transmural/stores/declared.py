"""What decorators in a package's modules declare, read from their source: importing them may take seconds."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Declaration:
    """What the decorator of a module's function is given: a name, and keywords."""

    module: str
    name: str
    keywords: dict[str, Any]


def declarations(package: str, decorator: str, known: set[str]) -> Iterator[Declaration]:
    """What functions marked ``@decorator(name, …)`` at the top of a package's modules declare.

    Parameters
    ----------
    package
        Name of the package.
    decorator
        Name of the decorator, as the modules import it.
    known
        Modules that have been read already; those read now are added.

    Raises
    ------
    ValueError
        If a decorator is given anything but literals.
    """
    for found in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
        if found.name not in known:
            known.add(found.name)
            spec = find_spec(found.name)
            if spec is not None and spec.origin is not None:
                yield from _of_module(found.name, Path(spec.origin).read_text(encoding="utf-8"), decorator)


def _of_module(module: str, text: str, decorator: str) -> Iterator[Declaration]:
    if f"@{decorator}(" not in text:
        return
    for node in ast.parse(text).body:
        for call in node.decorator_list if isinstance(node, ast.FunctionDef) else []:
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == decorator:
                try:
                    (name,) = map(ast.literal_eval, call.args)
                    values = list(map(ast.literal_eval, [keyword.value for keyword in call.keywords]))
                except ValueError:
                    raise ValueError(f"{module}: @{decorator}(…) takes a name and keywords as literals") from None
                yield Declaration(module, name, {str(k.arg): v for k, v in zip(call.keywords, values, strict=True)})
