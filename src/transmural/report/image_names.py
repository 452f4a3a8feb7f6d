"""Tables and figures of study 2, by name: what a run has follows from its configuration."""

from collections.abc import Mapping

from transmural.stores.config.images import ConditionalVAEStudy

TRAINING_FIGURE = "image_training"
_TABLES = ("image_bsp", "image_map_vae", "image_cvae_2d", "image_cvae_3d", "image_sweeps", "image_uncertainty")
_FIGURES = {
    "image_potentials": "Body-surface potentials through an autoencoder",
    "image_map_vae": "Activation maps through an autoencoder",
    "image_cvae": "Activation maps of slices from body-surface potentials",
    "image_volumes": "Activation maps of whole hearts from body-surface potentials",
    "image_accuracy": "Accuracy of predicted maps",
    "image_uncertainty": "Whether the spread of generated maps is to be believed",
    "image_sweeps": "Other weights of the divergence, other numbers of latent variables",
}


def table_names(study: ConditionalVAEStudy) -> list[str]:
    """Names of the tables that a run of this configuration has."""
    return [name for name in _TABLES if name != "image_sweeps" or study.betas or study.latents]


def figure_titles(study: ConditionalVAEStudy) -> Mapping[str, str]:
    """Titles of the figures that a run of this configuration has, by name."""
    return {name: title for name, title in _FIGURES.items() if name != "image_sweeps" or study.betas or study.latents}
