"""Digest of code with all of this library that it imports.

Snakemake reruns a rule when its parameters change but doesn't see imported modules, so each rule carries the digest of
its script: results follow the code, and a change of plotting code reruns no simulation.
"""

import ast
import hashlib
import json
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import transmural
from transmural.stores.files import write_whole

_PACKAGE = Path(transmural.__file__).parent


@dataclass(frozen=True)
class _Code:
    """A file's code: SHA-256 of the file and of what it does, and the names that it imports."""

    source: str
    content: str
    imports: list[str]


class CodeDigests:
    """Digests of code; each file is read once.

    Parameters
    ----------
    kept
        File that keeps what was found in each file of code for the next time; any other content of it counts as none.
        Several processes may use it at once. Without it nothing is kept.
    """

    def __init__(self, kept: str | Path | None = None) -> None:
        self._kept = None if kept is None else Path(kept)
        self._earlier = {} if self._kept is None else _read(self._kept)
        self._found: dict[Path, _Code] = {}
        self._imports: dict[Path, list[Path]] = {}

    def digest(self, *entries: str | Path) -> str:
        """Digest of the given code and of all of this library that it imports, directly or not.

        Comments, formatting and docstrings don't count.

        Parameters
        ----------
        entries
            Paths of Python files, or names of modules of this library (``"transmural.inverse.greensite"``).
        """
        found = {
            path.relative_to(_PACKAGE).as_posix() if path.is_relative_to(_PACKAGE) else path.name: self._code(path)
            for path in self.files(*entries)
        }
        self._keep()
        return hashlib.sha256("".join(f"{k}:{v.content};" for k, v in sorted(found.items())).encode()).hexdigest()[:16]

    def files(self, *entries: str | Path) -> set[Path]:
        """Files of the given code and of all of this library that it imports; arguments as for `digest`."""
        pending = [_module_path(e) if isinstance(e, str) and e.startswith("transmural") else Path(e) for e in entries]
        reached: set[Path] = set()
        while pending:
            path = pending.pop()
            if path not in reached:
                reached.add(path)
                pending.extend(self._imported(path))
        return reached

    def _imported(self, path: Path) -> list[Path]:
        """Files of the library that a file imports, and its neighbours, which scripts import by their bare names."""
        if path not in self._imports:
            names = self._code(path).imports
            files = [_module_path(n) if n.split(".")[0] == "transmural" else path.parent / f"{n}.py" for n in names]
            self._imports[path] = [file for file in files if file.is_file()]
        return self._imports[path]

    def _code(self, path: Path) -> _Code:
        if path not in self._found:
            text = path.read_bytes()
            source = hashlib.sha256(text).hexdigest()
            earlier = self._earlier.get(str(path))
            known = earlier is not None and earlier.source == source
            self._found[path] = earlier if earlier is not None and known else _Code(source, *_content(text))
        return self._found[path]

    def _keep(self) -> None:
        """Keep what is new."""
        now = self._earlier | {str(path): code for path, code in self._found.items()}
        if self._kept is not None and now != self._earlier:
            self._earlier = now
            files = {path: asdict(code) for path, code in now.items()}
            with suppress(OSError):  # then it is found again the next time
                write_whole(self._kept, json.dumps({"made_by": _made_by(), "files": files}))


def _read(kept: Path) -> dict[str, _Code]:
    """What was kept; nothing if the file isn't one of `CodeDigests` in this version and of this Python."""
    try:
        content = json.loads(kept.read_text())
        if content["made_by"] != _made_by():
            return {}
        return {path: _checked(_Code(**code)) for path, code in content["files"].items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}


def _checked(code: _Code) -> _Code:
    texts = [code.source, code.content, *code.imports]
    if not isinstance(code.imports, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError("not a list of names")
    return code


@cache
def _made_by() -> str:
    """Identity of the form of what is kept: source of this module, and Python, whose syntax trees differ by version."""
    return f"{hashlib.sha256(Path(__file__).read_bytes()).hexdigest()}, Python {sys.version}"


def _module_path(name: str) -> Path:
    base = _PACKAGE.joinpath(*name.split(".")[1:])
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


def _content(text: bytes) -> tuple[str, list[str]]:
    """SHA-256 of what code does, and the names of modules that it may import, sorted."""
    tree = ast.parse(text)
    imports: set[str] = set()
    parts: list[str] = []
    _write(tree, parts, imports)
    return hashlib.sha256("".join(parts).encode()).hexdigest(), sorted(imports)


def _write(node: ast.AST, parts: list[str], imports: set[str]) -> None:
    """Append a syntax tree without docstrings and places to ``parts``, and names that it imports to ``imports``."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        imports.update(_names(node))
    parts.append(f"{type(node).__name__}(")
    for field in node._fields:
        value = getattr(node, field, None)
        if isinstance(value, list):
            parts.append("[")
            for item in _undocumented(node) if field == "body" else value:
                _write_value(item, parts, imports)
            parts.append("]")
        else:
            _write_value(value, parts, imports)
    parts.append(")")


def _write_value(value: object, parts: list[str], imports: set[str]) -> None:
    if isinstance(value, ast.AST):
        _write(value, parts, imports)
    else:
        parts.append(repr(value))
    parts.append(",")


def _undocumented(node: Any) -> list[ast.stmt]:
    """Body of a node without its docstring."""
    body: list[ast.stmt] = node.body
    documented = isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    if documented and ast.get_docstring(node, clean=False) is not None:
        return body[1:] or [ast.Pass()]
    return body


def _names(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Names in an import that may be those of modules here: of this library, or bare."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    else:
        names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)] if node.module else []
    return [name for name in names if "." not in name or name.split(".")[0] == "transmural"]
