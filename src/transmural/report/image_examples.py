"""Example test maps of study 2: through the autoencoder of maps, and predicted from potentials (slices)."""

from collections.abc import Callable, Sequence

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from transmural.report.image_kept import KeptMap, headed, kept_of
from transmural.report.image_labels import OURS, PUBLISHED_FORM, SAMPLED, method_words
from transmural.report.image_maps import (
    Scales,
    colour_bars,
    crop_of,
    draw_error,
    draw_spread,
    draw_times,
    finish,
    map_keys,
    mark_pacing,
    scale_bar,
    scales_of,
)
from transmural.report.style import PAGE_WIDTH_IN, new_figure, split, styled

VIEW = (
    "Seen from the apex, the heart's front up; outside of the wall is blank. Lines are isochrones every {interval:g} "
    "ms, stars the pacing zones, a coloured border the slow region. Truth and predictions share one scale of colours, "
    "which ends at the 98th percentile of the true times"
)
_CHOSEN = {
    "map_vae": "the best, the median and the worst test map by the VAE's mean absolute error",
    "cvae": "the best, the median and the worst test map by the mean absolute error of the fully conditioned β-CVAE",
}
Panel = tuple[str, str]
"""What is shown (``truth``, ``times``, ``error`` or ``spread``) of which method."""


def map_vae_figure(kept: xr.Dataset) -> tuple[Figure, str]:
    """Simulated maps, what the autoencoder and as many principal components make of them, and the errors.

    Parameters
    ----------
    kept
        Contract PREDICTED_MAPS, with attribute ``cell_mm``; settings ``map_vae`` and ``map_vae_heart_out``.

    Returns
    -------
    figure and caption
    """
    panels = [("truth", ""), *((shown, m) for m in ("vae", "pca") for shown in ("times", "error"))]
    figure, interval = _examples(kept, ("map_vae", "map_vae_heart_out"), panels, ("vae", "pca"))
    return figure, (
        "Simulated activation maps of slices and what is left of them after the autoencoder, as the paper shows one: "
        f"{_CHOSEN['map_vae']}, for either split. "
        "Principal components (PCA) are as many as the VAE has latent variables. "
        f"{VIEW.format(interval=interval)}. Below a map: its mean absolute error."
    )


def cvae_figure(kept: xr.Dataset) -> tuple[Figure, str]:
    """Simulated maps, mean and standard deviation of generated ones and their error, for both forms, and ridge.

    Parameters
    ----------
    kept
        Contract PREDICTED_MAPS, with attribute ``cell_mm``; settings ``cvae_2d`` and ``cvae_2d_heart_out``.

    Returns
    -------
    figure and caption
    """
    panels = [("truth", ""), *((shown, m) for m in SAMPLED[::-1] for shown in ("times", "spread", "error"))]
    panels.append(("times", "ridge"))
    figure, interval = _examples(kept, ("cvae_2d", "cvae_2d_heart_out"), panels, SAMPLED)
    return figure, (
        "Simulated activation maps of slices, and predictions from body-surface potentials and wall: mean and "
        "standard deviation of the generated maps, and mean minus simulated, as the paper shows one. Cases are "
        f"{_CHOSEN['cvae']}, "
        f"for either split. {VIEW.format(interval=interval)}; colours of spread and error end at their 95th "
        "percentile. "
        "Below a map: its mean absolute error. Look at whether the earliest cells lie at the stars, whether isochrones "
        "crowd in the slow region, and whether the spread is large where the error is."
    )


def _examples(
    kept: xr.Dataset, settings: Sequence[str], panels: Sequence[Panel], methods: Sequence[str]
) -> tuple[Figure, float]:
    """A row a case, a column a panel; the interval of the isochrones beside the figure."""
    cases = [(setting, one) for setting in settings for one in kept_of(kept, setting)]
    if not cases:
        raise ValueError(f"no kept maps of the settings {list(settings)}")
    cell_mm = float(kept.attrs["cell_mm"])
    maps = [one for _, one in cases]
    scales, crop = scales_of(maps, methods), crop_of(maps, cell_mm)
    width, height = crop[1] - crop[0], crop[3] - crop[2]
    row_in = PAGE_WIDTH_IN / len(panels) * height / width + 0.3
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, row_in * len(cases) + 1.12)
        heights = [row_in + 0.25, *[row_in] * (len(cases) - 1), 0.57]
        *rows, below = split(figure, len(cases) + 1, heights=heights)
        for number, (part, (setting, one)) in enumerate(zip(rows, cases, strict=True)):
            part.suptitle(headed(setting, one), fontsize=7.5, x=0.01, ha="left", weight="bold")
            for axes, panel in zip(part.subplots(1, len(panels)), panels, strict=True):
                _panel(axes, one, panel, cell_mm, scales)
                finish(axes, one.mask, one.slow, cell_mm, crop)
                if number == 0:
                    axes.set_title(_title(panel), fontsize=6.5)
            if number == 0:
                scale_bar(part.axes[0], crop)
        colour_bars(below, scales, any(shown == "spread" for shown, _ in panels))
        keys = map_keys(any(one.slow.any() for one in maps))
        figure.legend(handles=keys, loc="outside lower center", ncols=len(keys))
    return figure, scales.isochrones_ms


def _panel(axes: Axes, one: KeptMap, panel: Panel, cell_mm: float, scales: Scales) -> None:
    shown, method = panel
    draws: dict[str, Callable[[], None]] = {
        "truth": lambda: draw_times(axes, one.truth, cell_mm, scales),
        "times": lambda: draw_times(axes, one.predicted[method], cell_mm, scales),
        "error": lambda: draw_error(axes, one.error(method), cell_mm, scales),
        "spread": lambda: draw_spread(axes, one.spread[method], cell_mm, scales),
    }
    given = {"truth": True, "spread": method in one.spread}.get(shown, method in one.predicted)
    if given:
        draws[shown]()
    if shown in ("truth", "times"):
        mark_pacing(axes, one.pacing_mm)
    if shown == "times" and given:
        axes.set_xlabel(one.mean_error(method), fontsize=6, labelpad=1)


def _title(panel: Panel) -> str:
    shown, method = panel
    if shown == "truth":
        return "Simulated"
    short = {OURS: "Fully conditioned", PUBLISHED_FORM: "As published", "pca": "PCA"}
    words = short.get(method, method_words(method))
    kind = {"times": "mean" if method in SAMPLED else "", "spread": "spread", "error": "error"}[shown]
    return f"{words}\n{kind}" if kind else words
