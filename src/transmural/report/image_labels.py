"""How the methods and settings of study 2 are named."""

import re
from collections.abc import Iterable, Mapping

from transmural.stores.config.images import ConditionalVAEStudy

STUDY = "conditional_vae"
PUBLISHED_FORM, OURS, SHOWN = "cvae", "cvae_conditioned", "cvae_shown"
SAMPLED = (PUBLISHED_FORM, OURS)
"""Methods that draw samples and whose prediction is their mean."""
BASELINES = ("mean_map", "nearest_map", "ridge")
COMPARED = (OURS, PUBLISHED_FORM, *BASELINES)
"""What predicts a map from potentials and wall alone, ours first."""

METHOD_LABELS: Mapping[str, str] = {
    "vae": "VAE",
    "pca": "Principal components",
    "mean_bsp": "Mean potentials",
    OURS: "β-CVAE, fully conditioned",
    PUBLISHED_FORM: "β-CVAE, as published",
    "mean_map": "Mean map",
    "nearest_map": "Nearest map",
    "ridge": "Ridge",
    SHOWN: "β-CVAE, as published",
}
FORM_LABELS: Mapping[str, str] = {
    "bsp_vae": "VAE of potentials",
    "map_vae": "VAE of maps",
    PUBLISHED_FORM: METHOD_LABELS[PUBLISHED_FORM],
    OURS: METHOD_LABELS[OURS],
}
"""Networks whose training is drawn."""

_RANDOM, _HEART_OUT = "Maps split at random", "Hearts not in training"
SETTING_LABELS: Mapping[str, str] = {
    "bsp_vae": _RANDOM,
    "bsp_vae_heart_out": _HEART_OUT,
    "map_vae": _RANDOM,
    "map_vae_heart_out": _HEART_OUT,
    "cvae_2d": _RANDOM,
    "cvae_2d_heart_out": _HEART_OUT,
    "cvae_3d": _HEART_OUT,
}
PREDICTED = {
    "cvae_2d": "Slices, maps split at random",
    "cvae_2d_heart_out": "Slices, hearts not in training",
    "cvae_3d": "Whole hearts, not in training",
}
"""Settings in which maps are predicted, with the images in words."""

_SWEPT = {r"cvae_beta_(?P<value>[\d.e+-]+)": "beta", r"cvae_latent_(?P<value>\d+)": "latent"}


def method_words(method: str) -> str:
    """A method in words; one without an entry here by its name."""
    swept = swept_value(method)
    if swept is not None:
        kind, value = swept
        return f"β = {value:g}" if kind == "beta" else f"{value:g} latent variables"
    return METHOD_LABELS.get(method, method.replace("_", " "))


def swept_value(method: str) -> tuple[str, float] | None:
    """What the name of a network of the sweeps says: ``beta`` or ``latent``, and its value; None for another one."""
    for pattern, kind in _SWEPT.items():
        found = re.fullmatch(pattern, method)
        if found:
            return kind, float(found["value"])
    return None


def sweeps(methods: Iterable[str], study: ConditionalVAEStudy) -> dict[str, dict[float, str]]:
    """Networks by what is varied (``beta``, ``latent``) and its value, ascending, the published form among them.

    Parameters
    ----------
    methods
        Names of those that have scores.
    study
        Settings, which say where the published form stands.

    Returns
    -------
    Only what is varied in some network.
    """
    found: dict[str, dict[float, str]] = {"beta": {}, "latent": {}}
    present = list(dict.fromkeys(methods))
    for method in present:
        swept = swept_value(method)
        if swept is not None:
            found[swept[0]][swept[1]] = method
    own = {"beta": study.networks.cvae_2d.beta, "latent": float(study.networks.cvae_2d.latent)}
    for kind, values in found.items():
        if values and PUBLISHED_FORM in present:
            values[own[kind]] = PUBLISHED_FORM
    return {kind: dict(sorted(values.items())) for kind, values in found.items() if values}


def ordered(methods: Iterable[str]) -> list[str]:
    """Each method once, in the order of ``METHOD_LABELS``, others last."""
    present = list(dict.fromkeys(methods))
    return [m for m in METHOD_LABELS if m in present] + [m for m in present if m not in METHOD_LABELS]


def setting_words(setting: str) -> str:
    """How a setting's maps were split, in words."""
    return SETTING_LABELS.get(setting, setting.replace("_", " "))
