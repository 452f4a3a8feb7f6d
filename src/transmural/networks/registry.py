"""Networks by name: a module in this package with a function marked ``@network(…)`` is all that it takes.

What a network declares is read from the source of the package's modules, so adding a network changes no other code, and
a module is imported only when its network is trained. Settings stand in `transmural.stores.config.networks` under the
same name.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from transmural.stores.declared import declarations
from transmural.stores.errors import ConfigurationError

if TYPE_CHECKING:
    from transmural.networks.beats import TrainingBeats
    from transmural.networks.run import TrainingRun
    from transmural.networks.saved import TrainedNetwork


class Train(Protocol):
    """A function that trains a network on ``beats``, watched on ``validation``; settings are of the network's own."""

    __module__: str

    def __call__(
        self, beats: "TrainingBeats", validation: "TrainingBeats", settings: Any, run: "TrainingRun", /
    ) -> "TrainedNetwork":
        """Train."""


@dataclass(frozen=True)
class Network:
    """A registered network.

    Attributes
    ----------
    name, label
        Name in configuration and files; name in tables and figures.
    module
        Name of the module that defines it.
    """

    name: str
    label: str
    module: str

    @property
    def train(self) -> Train:
        """Function that trains it; imports its module if that hasn't been."""
        if self.name not in _TRAINS:
            importlib.import_module(self.module)
        return _TRAINS[self.name]


_Train = TypeVar("_Train", bound=Train)
_NETWORKS: dict[str, Network] = {}
_TRAINS: dict[str, Train] = {}
_READ: set[str] = set()
"""Modules whose source has been read."""


def network(name: str, *, label: str) -> Callable[[_Train], _Train]:
    """Register the decorated function as what trains a network; all arguments must be literals.

    Raises
    ------
    ValueError
        If another function has the name already.
    """

    def register(train: _Train) -> _Train:
        _declare(Network(name, label, train.__module__))
        _TRAINS[name] = train
        return train

    return register


def _declare(declared: Network) -> None:
    known = _NETWORKS.get(declared.name)
    if known is not None and known.module != declared.module:
        raise ValueError(f"network '{declared.name}' is defined in {known.module} already")
    _NETWORKS[declared.name] = declared


def networks() -> dict[str, Network]:
    """All networks by name, in alphabetical order; no module of theirs is imported."""
    for found in declarations("transmural.networks", "network", _READ):
        _declare(Network(found.name, module=found.module, **found.keywords))
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
