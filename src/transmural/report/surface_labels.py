"""How the methods and settings of study 4 are named, and which tables and figures a run of it has."""

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from transmural.inverse.registry import labels
from transmural.stores.config.physics_informed import (
    CLASSICAL,
    COMPARED_NETWORKS,
    DATA_NETWORK,
    FIELD_NETWORKS,
    PhysicsInformedStudy,
    Protocol,
)

STUDY = "physics_informed"
PROPOSED = "eand_arn"
"""The method that the paper proposes."""
COMPARED = (*CLASSICAL, *COMPARED_NETWORKS)
"""Methods of every setting; `compared` adds those of one."""
GRID = (DATA_NETWORK, *FIELD_NETWORKS)
"""Networks of the ablation: without physics, and all derivatives with all forms."""

_LABELS = {
    "tikhonov0": "Tikhonov, order 0",
    "tikhonov1": "Tikhonov, order 1",
    "tikhonov2": "Tikhonov, order 2",
    "stre": "STRE",
    DATA_NETWORK: "Data-driven network",
    "pinn_ad": "PINN (AD, MLP)",
    "ad_resnet": "AD, residual",
    "ad_adaptive": "AD, adaptive residual",
    "nd_mlp": "ND, MLP",
    "nd_resnet": "ND, residual",
    PROPOSED: "EAND-ARN",
}
METHOD_LABELS: Mapping[str, str] = _LABELS | {name: label for name, label in labels().items() if name not in _LABELS}
"""Of this study's own methods first, then of those of generative_em."""
PROTOCOL_LABELS: Mapping[Protocol, str] = {
    "published": "As published",
    "finer": "Finer mesh",
    "cells": "Other cells",
    "wall": "On the wall",
    "mismatch": "Mismatch",
}
PROTOCOL_WORDS: Mapping[Protocol, str] = {
    "published": "as published, one mesh, one set of parameters and one matrix make the data and reconstruct from them "
    "(an inverse crime)",
    "finer": "finer mesh: data are made on a finer mesh, with its matrix, another velocity and another threshold",
    "cells": "other cells: as finer mesh, but with the action potential of Mitchell and Schaeffer",
    "wall": "on the wall: transmembrane potentials on the muscle's own surface, otherwise as published",
    "mismatch": "mismatch: beats are simulated in the wall's volume with fibres, and electrodes see all of its voxels",
}

_TABLES = ("surface_accuracy", "surface_tests", "surface_ablation", "surface_costs")
_MAPS = "Reconstructed potentials and activation times"
_FIGURES = {
    "surface_noise": "Accuracy against noise",
    "surface_protocols": "Accuracy by protocol and montage",
    "surface_histories": "How fields are fitted to one beat",
    "surface_maps": f"{_MAPS}, protocol as published",
    "surface_maps_mismatch": f"{_MAPS}, model mismatch",
}


class SettingWords(NamedTuple):
    """A setting in words: protocol and, where it isn't the usual one, montage; and noise."""

    protocol: str
    noise: str


def compared(study: PhysicsInformedStudy) -> tuple[str, ...]:
    """Methods that are compared in a run, amortised ones in one setting only."""
    return (*COMPARED, *study.amortised.methods)


def table_names(study: PhysicsInformedStudy) -> list[str]:
    """Names of the tables that a run of this configuration has."""
    return [name for name in _TABLES if name != "surface_ablation" or study.ablation]


def figure_titles(study: PhysicsInformedStudy) -> dict[str, str]:
    """Titles of the figures that a run of this configuration has, by name."""
    shown = {
        "surface_protocols": len(common_noise(study)) > 1,
        "surface_maps_mismatch": "mismatch" in study.protocols,
    }
    return {name: title for name, title in _FIGURES.items() if shown.get(name, True)}


def common_noise(study: PhysicsInformedStudy) -> list[str]:
    """Settings that differ in protocol or montage, not in noise: the published protocol's and all others."""
    return [name for name, setting in study.settings.items() if setting.sigma == study.noise_elsewhere]


def published_noise(study: PhysicsInformedStudy) -> dict[str, float]:
    """Settings of the published protocol with the usual montage, and their noise σ, ascending."""
    usual = study.electrodes[0]
    found = {n: s.sigma for n, s in study.settings.items() if s.protocol == "published" and s.electrodes == usual}
    return dict(sorted(found.items(), key=lambda item: item[1]))


def ordered_settings(study: PhysicsInformedStudy) -> list[str]:
    """All settings: noise levels of the published protocol first, ascending, then other protocols and montages."""
    return list(dict.fromkeys([*published_noise(study), *study.settings]))


def ablation_settings(study: PhysicsInformedStudy) -> list[str]:
    """Settings in which all networks are fitted."""
    return [name for name, sigma in published_noise(study).items() if sigma in study.ablation]


def drawn_settings(study: PhysicsInformedStudy) -> dict[str, str]:
    """The setting of which each figure that shows one beat takes it, by the figure's name."""
    same = common_noise(study)
    found = {
        "surface_histories": (ablation_settings(study) or list(published_noise(study)))[0],
        "surface_maps": same[0],
    }
    mismatch = next((name for name in same if study.settings[name].protocol == "mismatch"), None)
    return found | ({"surface_maps_mismatch": mismatch} if mismatch else {})


def setting_words(setting: str, study: PhysicsInformedStudy) -> SettingWords:
    """A setting in words."""
    sigma, protocol, electrodes = study.settings[setting]
    montage = "" if electrodes == study.electrodes[0] else f", {electrodes} electrodes"
    return SettingWords(f"{PROTOCOL_LABELS[protocol]}{montage}", f"σ = {sigma:g}, {decibels(sigma)}")


def decibels(sigma: float) -> str:
    """Signal-to-noise ratio of noise whose standard deviation is this share of the potentials' root mean square."""
    return f"{-20 * math.log10(sigma):.3g} dB"


def ordered(methods: Iterable[str]) -> list[str]:
    """Each method once, in the order of ``METHOD_LABELS``, others last."""
    present = list(dict.fromkeys(methods))
    return [m for m in METHOD_LABELS if m in present] + [m for m in present if m not in METHOD_LABELS]
