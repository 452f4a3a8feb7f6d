"""Inverse methods by name: a module in this package with a function marked ``@method(…)`` is all that it takes.

What a method declares is read from the source of the package's modules, so adding a method changes no other file, and
a module is imported only when its method is run. What evaluation needs to know of a method (how its scar is defined) is
declared here and travels with the reconstruction; evaluation never sees the method's name.
"""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from transmural.cohorts.plan import NO_TRAINING
from transmural.stores.declared import declarations
from transmural.stores.errors import ConfigurationError

if TYPE_CHECKING:
    from transmural.inverse.problem import Problem, Reconstruction

Need = Literal["training"]
ScarDefinition = Literal["physiological", "amplitude"]
Function = Callable[["Problem"], "Reconstruction"]


@dataclass(frozen=True)
class Method:
    """A registered inverse method.

    Attributes
    ----------
    name, label
        Name in configuration and files; name in tables and figures.
    module
        Name of the module that defines it.
    needs
        What it learns from, beyond ECG, transfer matrix and geometry.
    network
        Name of the trained network that it infers with (see `transmural.networks.registry`); None without one.
    scar
        How a scar shows in its reconstructions: in the ``"physiological"`` shape of the potentials, or, where the
        shape isn't preserved, in their peak ``"amplitude"`` (Ghimire et al. 2018, section 4).
    """

    name: str
    label: str
    module: str
    needs: tuple[Need, ...] = ()
    network: str | None = None
    scar: ScarDefinition = "physiological"

    @property
    def function(self) -> Function:
        """The method itself; imports its module if that hasn't been."""
        if self.name not in _FUNCTIONS:
            importlib.import_module(self.module)
        return _FUNCTIONS[self.name]

    @property
    def learns(self) -> bool:
        """Whether its results depend on a training cohort."""
        return bool(self.needs) or self.network is not None

    def learns_from(self, cohorts: Sequence[str]) -> list[str]:
        """The training cohorts under which the method is run, each apart: all, or «none» if it doesn't learn."""
        return list(cohorts) if self.learns else [NO_TRAINING]


_METHODS: dict[str, Method] = {}
_FUNCTIONS: dict[str, Function] = {}
_READ: set[str] = set()
"""Modules whose source has been read."""


def method(
    name: str,
    *,
    label: str,
    needs: tuple[Need, ...] = (),
    network: str | None = None,
    scar: ScarDefinition = "physiological",
) -> Callable[[Function], Function]:
    """Register the decorated function as an inverse method; all arguments must be literals.

    Raises
    ------
    ValueError
        If another function has the name already.
    """

    def register(function: Function) -> Function:
        _declare(Method(name, label, function.__module__, needs, network, scar))
        _FUNCTIONS[name] = function
        return function

    return register


def _declare(declared: Method) -> None:
    known = _METHODS.get(declared.name)
    if known is not None and known.module != declared.module:
        raise ValueError(f"inverse method '{declared.name}' is defined in {known.module} already")
    _METHODS[declared.name] = declared


def methods() -> dict[str, Method]:
    """All methods by name, in alphabetical order; no module of theirs is imported."""
    for found in declarations("transmural.inverse", "method", _READ):
        _declare(Method(found.name, module=found.module, **found.keywords))
    return dict(sorted(_METHODS.items()))


def labels() -> dict[str, str]:
    """Label in tables and figures of every registered method, by name."""
    return {name: known.label for name, known in methods().items()}


def get(name: str) -> Method:
    """The method with this name.

    Raises
    ------
    ConfigurationError
        If there is none; the message names the known methods.
    """
    known = methods()
    if name not in known:
        raise ConfigurationError(f"there is no inverse method '{name}'; known inverse methods are {list(known)}")
    return known[name]
