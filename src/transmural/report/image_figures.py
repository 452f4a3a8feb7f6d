"""All figures of study 2, and their names."""

from collections.abc import Mapping

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from transmural.report.image_accuracy import accuracy_figure
from transmural.report.image_examples import cvae_figure, map_vae_figure
from transmural.report.image_potentials import potentials_figure
from transmural.report.image_sweeps import sweeps_figure
from transmural.report.image_uncertainty import uncertainty_figure
from transmural.report.image_volumes import volumes_figure
from transmural.stores.config.images import ConditionalVAEStudy

_FIGURES = {
    "image_potentials": "Body-surface potentials through an autoencoder",
    "image_map_vae": "Activation maps through an autoencoder",
    "image_cvae": "Activation maps of slices from body-surface potentials",
    "image_volumes": "Activation maps of whole hearts from body-surface potentials",
    "image_accuracy": "Accuracy of predicted maps",
    "image_uncertainty": "Whether the spread of generated maps is to be believed",
    "image_sweeps": "Other weights of the divergence, other numbers of latent variables",
}


def figure_titles(study: ConditionalVAEStudy) -> Mapping[str, str]:
    """Titles of the figures that a run of this configuration has, by name."""
    return {name: title for name, title in _FIGURES.items() if name != "image_sweeps" or study.betas or study.latents}


def figures(
    scores: pd.DataFrame, potentials: xr.Dataset, slices: xr.Dataset, volumes: xr.Dataset, study: ConditionalVAEStudy
) -> dict[str, tuple[Figure, str]]:
    """Figures and captions by the names of `figure_titles`.

    Parameters
    ----------
    scores
        Tidy rows of `evaluation.image_study`.
    potentials, slices, volumes
        Kept cases (contracts PREDICTED_BSPS, PREDICTED_MAPS, PREDICTED_VOLUMES).
    study
        Settings.
    """
    made = {
        "image_potentials": lambda: potentials_figure(potentials),
        "image_map_vae": lambda: map_vae_figure(slices),
        "image_cvae": lambda: cvae_figure(slices),
        "image_volumes": lambda: volumes_figure(volumes),
        "image_accuracy": lambda: accuracy_figure(scores),
        "image_uncertainty": lambda: uncertainty_figure(scores),
        "image_sweeps": lambda: sweeps_figure(scores, study),
    }
    return {name: made[name]() for name in figure_titles(study)}
