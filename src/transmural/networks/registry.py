"""Networks by name: a module in this package with a function marked ``@network(…)`` is all that it takes.

Every module of the package is imported when the networks are first asked for, so adding a network changes no other
code; its settings stand in `transmural.stores.config.networks` under the same name.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from transmural.networks.beats import TrainingBeats
from transmural.networks.run import TrainingRun
from transmural.networks.saved import TrainedNetwork
from transmural.stores.errors import ConfigurationError


class Train(Protocol):
    """A function that trains a network on ``beats``, watched on ``validation``; settings are of the network's own."""

    __module__: str

    def __call__(
        self, beats: TrainingBeats, validation: TrainingBeats, settings: Any, run: TrainingRun, /
    ) -> TrainedNetwork:
        """Train."""


@dataclass(frozen=True)
class Network:
    """A registered network.

    Attributes
    ----------
    name, label
        Name in configuration and files; name in tables and figures.
    train
        Function that trains it.
    """

    name: str
    label: str
    train: Train


_Train = TypeVar("_Train", bound=Train)
_NETWORKS: dict[str, Network] = {}


def network(name: str, *, label: str) -> Callable[[_Train], _Train]:
    """Register the decorated function as what trains a network.

    Raises
    ------
    ValueError
        If another function has the name already.
    """

    def register(train: _Train) -> _Train:
        known = _NETWORKS.get(name)
        if known is not None and known.train.__module__ != train.__module__:
            raise ValueError(f"network '{name}' is defined in {known.train.__module__} already")
        _NETWORKS[name] = Network(name, label, train)
        return train

    return register


def networks() -> dict[str, Network]:
    """All registered networks by name, in alphabetical order."""
    package = importlib.import_module("transmural.networks")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"transmural.networks.{module.name}")
    return dict(sorted(_NETWORKS.items()))


def labels() -> dict[str, str]:
    """Label in tables and figures of every registered network, by name."""
    return {name: known.label for name, known in networks().items()}


def get(name: str) -> Network:
    """The network with this name.

    Raises
    ------
    ConfigurationError
        If there is none; the message lists those there are.
    """
    known = networks()
    if name not in known:
        raise ConfigurationError(f"no network '{name}'; known networks are {sorted(known)}")
    return known[name]
