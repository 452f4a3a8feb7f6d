"""All figures of study 4; their names are in `surface_labels`."""

from collections.abc import Mapping

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from transmural.report.surface_accuracy import noise_figure, protocol_figure
from transmural.report.surface_cases import drawn_beats
from transmural.report.surface_histories import history_figure
from transmural.report.surface_labels import figure_titles
from transmural.report.surface_maps import maps_figure
from transmural.stores.config.physics_informed import PhysicsInformedStudy


def figures(
    scores: pd.DataFrame,
    study: PhysicsInformedStudy,
    beats: Mapping[str, xr.Dataset],
    reconstructions: Mapping[str, xr.Dataset],
) -> dict[str, tuple[Figure, str]]:
    """Figures and captions by the names of `surface_labels.figure_titles`.

    Parameters
    ----------
    scores
        Tidy rows of `evaluation.surface_scores`.
    study
        Settings.
    beats, reconstructions
        By the names of `surface_cases.drawn_beats`: what holds the chosen beat (contracts SURFACE_BEATS,
        SURFACE_RECONSTRUCTIONS); other beats and methods may be among them.
    """
    chosen = drawn_beats(scores, study)

    def maps(name: str) -> tuple[Figure, str]:
        return maps_figure(scores, beats[name], reconstructions[name], chosen[name], study)

    made = {
        "surface_noise": lambda: noise_figure(scores, study),
        "surface_protocols": lambda: protocol_figure(scores, study),
        "surface_histories": lambda: history_figure(
            reconstructions["surface_histories"], chosen["surface_histories"], study
        ),
        "surface_maps": lambda: maps("surface_maps"),
        "surface_maps_mismatch": lambda: maps("surface_maps_mismatch"),
    }
    return {name: made[name]() for name in figure_titles(study)}
