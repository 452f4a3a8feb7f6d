"""Check that overlays of the configuration are data: ``python -m transmural.stores.overlays FILE …``.

Snakemake runs Python code that stands in a configuration file with the key ``__use_yte__``, and does so before it reads
a rule, so an overlay from someone else is checked before Snakemake is given it.
"""

import sys
from pathlib import Path

import yaml

from transmural.stores.errors import ConfigurationError, reason

_CODE = "__use_yte__"


def check_overlay(path: Path) -> None:
    """Raise `ConfigurationError` naming the file if an overlay can't be read, or has code in it."""
    try:
        # Any tag that would make an object is refused here.
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path}: can't be read as YAML: {reason(error)}") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path}: must be a mapping, with sections of the configuration as keys")
    if _CODE in content:
        raise ConfigurationError(f"{path}: has the key {_CODE}, with which Snakemake runs code in it; remove it")


if __name__ == "__main__":
    try:
        for name in sys.argv[1:]:
            check_overlay(Path(name))
    except ConfigurationError as refused:
        sys.exit(str(refused))
