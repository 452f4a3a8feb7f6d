"""Inverse methods by name: a module in this package with a function marked ``@method(…)`` is all that it takes.

Every module of the package is imported when the methods are first asked for, so adding a method changes no other
file. What evaluation needs to know of a method (how its scar is defined) is declared here and travels with the
reconstruction; evaluation never sees the method's name.
"""

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from transmural.cohorts.design import NO_TRAINING
from transmural.inverse.problem import Problem, Reconstruction
from transmural.stores.errors import ConfigurationError

Need = Literal["training"]
ScarDefinition = Literal["physiological", "amplitude"]


@dataclass(frozen=True)
class Method:
    """A registered inverse method.

    Attributes
    ----------
    name, label
        Name in configuration and files; name in tables and figures.
    function
        The method.
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
    function: Callable[[Problem], Reconstruction]
    needs: tuple[Need, ...]
    network: str | None
    scar: ScarDefinition

    @property
    def learns(self) -> bool:
        """Whether its results depend on a training cohort."""
        return bool(self.needs) or self.network is not None

    def learns_from(self, cohorts: Sequence[str]) -> list[str]:
        """The training cohorts under which the method is run, each apart: all, or «none» if it doesn't learn."""
        return list(cohorts) if self.learns else [NO_TRAINING]


_METHODS: dict[str, Method] = {}


def method(
    name: str,
    *,
    label: str,
    needs: tuple[Need, ...] = (),
    network: str | None = None,
    scar: ScarDefinition = "physiological",
) -> Callable[[Callable[[Problem], Reconstruction]], Callable[[Problem], Reconstruction]]:
    """Register the decorated function as an inverse method.

    Raises
    ------
    ValueError
        If another function has the name already.
    """

    def register(function: Callable[[Problem], Reconstruction]) -> Callable[[Problem], Reconstruction]:
        known = _METHODS.get(name)
        if known is not None and known.function.__module__ != function.__module__:
            raise ValueError(f"inverse method '{name}' is defined in {known.function.__module__} already")
        _METHODS[name] = Method(name, label, function, needs, network, scar)
        return function

    return register


def methods() -> dict[str, Method]:
    """All registered methods by name, in alphabetical order."""
    package = importlib.import_module("transmural.inverse")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"transmural.inverse.{module.name}")
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
    if name not in _METHODS:
        _import_namesake(name)
    known = _METHODS if name in _METHODS else methods()
    if name not in known:
        raise ConfigurationError(f"there is no inverse method '{name}'; known inverse methods are {list(known)}")
    return known[name]


def _import_namesake(name: str) -> None:
    """Import the modules that a method of this name is named after: a job that runs one needn't import all others."""
    package = importlib.import_module("transmural.inverse")
    for module in pkgutil.iter_modules(package.__path__):
        if name.startswith(module.name):
            importlib.import_module(f"transmural.inverse.{module.name}")
