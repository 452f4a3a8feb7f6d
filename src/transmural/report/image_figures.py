"""All figures of study 2."""

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from transmural.report.image_accuracy import accuracy_figure
from transmural.report.image_examples import cvae_figure, map_vae_figure
from transmural.report.image_names import figure_titles
from transmural.report.image_potentials import potentials_figure
from transmural.report.image_sweeps import sweeps_figure
from transmural.report.image_uncertainty import uncertainty_figure
from transmural.report.image_volumes import volumes_figure
from transmural.stores.config.images import ConditionalVAEStudy


def figures(
    scores: pd.DataFrame, potentials: xr.Dataset, slices: xr.Dataset, volumes: xr.Dataset, study: ConditionalVAEStudy
) -> dict[str, tuple[Figure, str]]:
    """Figures and captions by the names of `image_names.figure_titles`.

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
