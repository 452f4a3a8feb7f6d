"""Tables of study 2: autoencoders of potentials and of maps, maps predicted in 2-D and 3-D, sweeps, uncertainty."""

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import pandas as pd

from transmural.evaluation.published import published
from transmural.evaluation.statistics import summary
from transmural.report.image_cells import ERRORS, mean_cells, metric_columns, metric_rows, printed_beside
from transmural.report.image_labels import (
    BASELINES,
    COMPARED,
    OURS,
    PREDICTED,
    PUBLISHED_FORM,
    SAMPLED,
    SHOWN,
    STUDY,
    method_words,
    ordered,
    setting_words,
    sweeps,
)
from transmural.report.image_notes import (
    BSP_DEFINITIONS,
    MAP_DEFINITIONS,
    MEAN_NOTE,
    SCALING_NOTE,
    SHOWN_NOTE,
    SWEEP_NOTE,
    TEST_NOTE,
    UNCERTAINTY_DEFINITIONS,
    baseline_note,
    network_note,
)
from transmural.report.image_tests import paired_rows
from transmural.report.quantities import quantity
from transmural.report.table import Block, Column, Row, Table
from transmural.report.tables import published_notes
from transmural.stores.config.images import ConditionalVAEStudy, ImageCohort

_BSP_METRICS = (
    "correlation", "mean_difference", "area_difference", "amplitude_difference", "first_peak", "mse",
)  # fmt: skip
_MAP_METRICS = (*ERRORS, "mae_ms", "correlation", "pacing_mm", "slow_auc", "seconds")
_SWEEP_METRICS = ("mse", "mse_samples", "mae_ms", "correlation", "deviation_ms", "coverage_90")
_UNCERTAINTY_METRICS = (
    "mse", "mse_samples", "mae_ms", "deviation_ms", "deviation_correlation", "coverage_50", "coverage_80",
    "coverage_90", "coverage_50_widened", "coverage_80_widened", "coverage_90_widened",
)  # fmt: skip
_SWEPT_WORDS = {"beta": "Weight β of the divergence", "latent": "Latent variables"}


def tables(scores: pd.DataFrame, study: ConditionalVAEStudy, notes: Sequence[str] = ()) -> list[Table]:
    """All tables for which there are scores.

    Parameters
    ----------
    scores
        Tidy rows of `evaluation.image_study`; settings, methods and metrics may be absent.
    study
        Settings of the networks.
    notes
        Conditions of the run, printed first below each table.

    Returns
    -------
    Those of `image_names.table_names`, as far as they have rows.
    """
    slices, volumes = (
        (MAP_DEFINITIONS, network_note(study, cohort), baseline_note(), SHOWN_NOTE, TEST_NOTE)
        for cohort in get_args(ImageCohort)
    )
    made = [
        _score_table(
            scores, ("bsp_vae", "bsp_vae_heart_out"), _BSP_METRICS, "image_bsp",
            "Body-surface potentials through an autoencoder", (BSP_DEFINITIONS, baseline_note("pca", "mean_bsp")),
        ),
        _score_table(
            scores, ("map_vae", "map_vae_heart_out"), _MAP_METRICS, "image_map_vae",
            "Activation maps of slices through an autoencoder", (MAP_DEFINITIONS, baseline_note("pca", "mean_map")),
        ),
        _score_table(
            scores, ("cvae_2d", "cvae_2d_heart_out"), _MAP_METRICS, "image_cvae_2d",
            "Activation maps of slices from body-surface potentials", slices,
        ),
        _score_table(
            scores, ("cvae_3d",), _MAP_METRICS, "image_cvae_3d",
            "Activation maps of whole hearts from body-surface potentials", volumes,
        ),
        _sweep_table(scores, study),
        _uncertainty_table(scores, study),
    ]  # fmt: skip
    return [replace(table, notes=(*notes, *table.notes)) for table in made if table is not None]


def _score_table(
    scores: pd.DataFrame,
    settings: Sequence[str],
    metrics: Sequence[str],
    name: str,
    title: str,
    definitions: Sequence[str],
) -> Table | None:
    """A block a setting, a row a metric, a column a method, printed columns beside; paired tests where maps are."""
    scores = scores[scores["setting"].isin(settings)]
    # Networks of the sweeps have a table of their own.
    known = [m for m in ordered(scores["method"]) if m == SHOWN or m in COMPARED or not m.startswith("cvae")]
    scores = scores[scores["method"].isin(known)]
    if scores.empty:
        return None
    stated = summary(scores.assign(cohort=""), by=("setting", "method", "metric"))
    printed = published(STUDY)
    printed = printed[printed["setting"].isin(settings)]
    sources = printed[["paper", "short", "table", "method", "method_label"]].drop_duplicates()
    columns = [_column(method) for method in known]
    columns += [
        Column(f"{s.paper}/{s.method}", str(s.method_label), f"Published: {s.short}, {s.table}", True)
        for s in sources.itertuples()
    ]
    blocks = []
    for setting in (s for s in settings if (scores["setting"] == s).any()):
        here = stated[stated["setting"] == setting]
        rows, everywhere = [], int(here["n"].max())
        for metric in (m for m in metrics if (here["metric"] == m).any()):
            shown, found = quantity(metric, STUDY), here[here["metric"] == metric].set_index("method")
            ours = mean_cells(found, known, shown)
            theirs = [
                printed_beside(printed[printed["setting"] == setting], source, metric)
                for source in sources.itertuples(index=False)
            ]
            # Not every map has a slow region.
            fewer = f" (n = {found['n'].max()})" if found["n"].max() != everywhere else ""
            rows.append(Row(metric, shown.label + fewer, (*ours, *theirs), shown.unit))
        if setting in PREDICTED:
            rows += paired_rows(scores, settings, setting, [column.key for column in columns])
        blocks.append(Block(setting, f"{setting_words(setting)} ({_sizes(scores, setting)})", tuple(rows)))
    notes = [MEAN_NOTE, *definitions]
    notes += [SCALING_NOTE] if printed["metric"].isin(ERRORS).any() else []
    notes += published_notes(printed, "other hearts and simulations")
    return Table(name, title, "Metric", tuple(columns), tuple(blocks), tuple(notes))


def _sweep_table(scores: pd.DataFrame, study: ConditionalVAEStudy) -> Table | None:
    """A block for what is varied, a row a network, a column a metric, and below what they compare with."""
    here = scores[scores["setting"] == "cvae_2d"]
    varied = sweeps(here["method"], study)
    if not varied:
        return None
    stated = summary(here.assign(cohort=""), by=("method", "metric"))
    blocks = []
    for kind, networks in varied.items():
        words = {m: f"{value:g}" + (" (as published)" if m == PUBLISHED_FORM else "") for value, m in networks.items()}
        blocks.append(Block(kind, _SWEPT_WORDS[kind], metric_rows(stated, words, _SWEEP_METRICS)))
    beside = {m: method_words(m) for m in (OURS, *BASELINES) if (here["method"] == m).any()}
    blocks.append(Block("beside", "For comparison", metric_rows(stated, beside, _SWEEP_METRICS, ranked=False)))
    notes = (
        f"Slices, {setting_words('cvae_2d').lower()} ({_sizes(scores, 'cvae_2d')}). {MEAN_NOTE}",
        SWEEP_NOTE,
        MAP_DEFINITIONS,
        UNCERTAINTY_DEFINITIONS,
        network_note(study),
    )
    title = "The published β-CVAE with other weights of the divergence and other numbers of latent variables"
    return Table("image_sweeps", title, "Network", metric_columns(_SWEEP_METRICS), tuple(blocks), notes)


def _uncertainty_table(scores: pd.DataFrame, study: ConditionalVAEStudy) -> Table | None:
    """A block a setting, a row a network that draws samples, a column a metric."""
    here = scores[scores["method"].isin(SAMPLED) & scores["setting"].isin(PREDICTED)]
    if here.empty:
        return None
    stated = summary(here.assign(cohort=""), by=("setting", "method", "metric"))
    blocks = []
    for setting in (s for s in PREDICTED if (here["setting"] == s).any()):
        of_setting = stated[stated["setting"] == setting]
        words = {m: method_words(m) for m in ordered(of_setting["method"])}
        label = f"{PREDICTED[setting]} ({_sizes(scores, setting)})"
        blocks.append(Block(setting, label, metric_rows(of_setting, words, _UNCERTAINTY_METRICS)))
    notes = (MEAN_NOTE, MAP_DEFINITIONS, UNCERTAINTY_DEFINITIONS, network_note(study))
    title = f"What the spread of {study.samples} samples says of the error"
    columns = metric_columns(_UNCERTAINTY_METRICS)
    return Table("image_uncertainty", title, "Method", columns, tuple(blocks), notes)


def _column(method: str) -> Column:
    return Column(method, method_words(method), "This run, shown the truth" if method == SHOWN else "This run")


def _sizes(scores: pd.DataFrame, setting: str) -> str:
    here = scores[scores["setting"] == setting]
    maps, hearts = here[["subject", "case"]].drop_duplicates().shape[0], here["subject"].nunique()
    return f"{maps} maps of {hearts} {'heart' if hearts == 1 else 'hearts'}"
