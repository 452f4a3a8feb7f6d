"""Where a result comes from: settings, versions, machine and commit."""

import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import Any

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
