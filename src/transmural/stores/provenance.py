"""Where a result comes from: a digest of the code that makes it, the configuration, versions and machine.

Snakemake reruns a rule when its parameters change but doesn't see imported modules, so each rule carries
`code_digest` of its script: results follow the code, and a change of plotting code reruns no simulation.
"""

import ast
import hashlib
import importlib.metadata
import platform
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import transmural

_PACKAGE = Path(transmural.__file__).parent
_REPORTED_PACKAGES = (
    "transmural",
    "numpy",
    "scipy",
    "numba",
    "xarray",
    "zarr",
    "pandas",
    "scikit-fem",
    "scikit-image",
    "torch",
    "snakemake",
)


def code_digest(*entries: str | Path) -> str:
    """Digest of the given code and of all of this library that it imports, directly or not.

    Comments, formatting and docstrings don't count.

    Parameters
    ----------
    entries
        Paths of Python files, or names of modules of this library (``"transmural.inverse.greensite"``).
    """
    pending = [_module_path(e) if isinstance(e, str) and e.startswith("transmural") else Path(e) for e in entries]
    found: dict[str, str] = {}
    while pending:
        path = pending.pop()
        key = path.relative_to(_PACKAGE).as_posix() if path.is_relative_to(_PACKAGE) else path.name
        if key not in found:
            content, imports = _parse(path)
            found[key] = content
            pending.extend(imports)
    return hashlib.sha256("".join(f"{k}:{v};" for k, v in sorted(found.items())).encode()).hexdigest()[:16]


def provenance(**settings: Any) -> dict[str, Any]:
    """What a store records of its making: the given settings and the versions of all packages that matter."""
    return {**settings, "versions": versions()}


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on."""
    return {"python": platform.python_version()} | {
        name: importlib.metadata.version(name) for name in _REPORTED_PACKAGES
    }


def machine() -> dict[str, str]:
    """Operating system, architecture and processor, without the host's name."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = f"{len(names)} x {names[0]}" if names else model
    return {"system": platform.system(), "architecture": platform.machine(), "processor": model}


def commit(folder: str | Path) -> str:
    """Commit of a checkout, with ``+changes`` when tracked code or configuration differs; ``unknown`` outside one."""
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True)
        status = subprocess.run(
            [
                "git",
                "status",
                "--porcelain",
                "--untracked-files=no",
                "--",
                ":/",
                ":(top,exclude)results",
                ":(exclude)*.md",
            ],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head.stdout.strip() + ("+changes" if status.stdout.strip() else "")


def _module_path(name: str) -> Path:
    base = _PACKAGE.joinpath(*name.split(".")[1:])
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


@cache
def _parse(path: Path) -> tuple[str, tuple[Path, ...]]:
    tree = ast.parse(path.read_text(), str(path))
    imports: set[Path] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            names = []
        imports.update(_module_path(n) for n in names if n.split(".")[0] == "transmural")
        # A script's neighbours, which it imports by their bare names.
        imports.update(path.parent / f"{n}.py" for n in names if "." not in n)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node, clean=False):
            node.body = node.body[1:] or [ast.Pass()]
    content = hashlib.sha256(ast.dump(tree).encode()).hexdigest()
    return content, tuple(sorted(p for p in imports if p.is_file()))
