"""Tables of study 4: accuracy by setting, paired tests, the ablation of derivatives and blocks, and costs."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from transmural.evaluation.statistics import summary
from transmural.report.image_cells import ABSENT, mean_cells
from transmural.report.quantities import quantity
from transmural.report.style import axis_label, readable
from transmural.report.surface_cases import over_fits, spread_over_fits
from transmural.report.surface_labels import (
    GRID,
    METHOD_LABELS,
    PROTOCOL_WORDS,
    STUDY,
    ablation_settings,
    compared,
    ordered,
    ordered_settings,
    published_noise,
    setting_words,
)
from transmural.report.surface_tests import tests_table
from transmural.report.table import Block, Cell, Column, Row, Table
from transmural.stores.config.physics_informed import PhysicsInformedStudy

_METRICS = ("re", "cc", "mse", "correlation", "activation_time_mae")
_ABLATION_METRICS = ("re", "cc", "activation_time_mae")
_MEAN_NOTE = "Mean ± standard deviation over the beats of all hearts; bold: best of its column."
_NOISE_NOTE = "σ: standard deviation of white noise as a share of the body-surface potentials' root mean square."
_DEFINITIONS = (
    "With u the true and û the reconstructed potential, 0 at rest and 1 on the plateau, at all vertices and instants "
    "of a beat: relative error ‖u − û‖/‖u‖; correlation coefficient, Pearson's of u and û; mean squared error; "
    "correlation without each instant's mean over the vertices; mean absolute error of the activation times."
)
_AMORTISED_NOTE = (
    "Methods of generative_em reconstruct beats of the mismatch alone, for which they were trained on other beats of "
    "the heart, whose time isn't counted."
)
_GRID_NOTE = (
    "AD: automatic derivatives, through the layers of the network; ND: numerical derivatives, differences in time and "
    "the surface's Laplacian matrix. Blocks of layers: plain (MLP), residual, or adaptive residual, (1 − α) x + α h(x) "
    "with α learnt. EAND-ARN is ND with adaptive residual blocks. The data-driven network is the same without physics."
)


def tables(scores: pd.DataFrame, study: PhysicsInformedStudy, notes: Sequence[str] = ()) -> list[Table]:
    """All tables for which there are scores.

    Parameters
    ----------
    scores
        Tidy rows of `evaluation.surface_scores`; settings, methods and metrics may be absent.
    study
        Settings of the study.
    notes
        Conditions of the run, printed first below each table.

    Returns
    -------
    Those of `surface_labels.table_names`, as far as they have rows.
    """
    made = [
        _accuracy_table(scores, study),
        tests_table(scores, study),
        _ablation_table(scores, study),
        _costs_table(scores, study),
    ]
    return [replace(table, notes=(*notes, *table.notes)) for table in made if table is not None]


def _accuracy_table(scores: pd.DataFrame, study: PhysicsInformedStudy) -> Table | None:
    """A block a metric, a row a method, a column a setting."""
    scores = scores[scores["method"].isin(compared(study)) & scores["metric"].isin(_METRICS)]
    if scores.empty:
        return None
    mean = over_fits(scores)
    stated = summary(mean, by=("setting", "method", "metric"))
    present, methods = set(mean["setting"]), ordered(mean["method"])
    settings = [setting for setting in ordered_settings(study) if setting in present]
    blocks = []
    for metric in (m for m in _METRICS if (stated["metric"] == m).any()):
        here, shown = stated[stated["metric"] == metric], quantity(metric, STUDY)
        columns = [mean_cells(here[here["setting"] == s].set_index("method"), methods, shown) for s in settings]
        rows = zip(methods, zip(*columns, strict=True), strict=True)
        blocks.append(
            Block(metric, _heading(metric), tuple(Row(m, readable(m, METHOD_LABELS), cells) for m, cells in rows))
        )
    headings = []
    for setting in settings:
        protocol, noise = setting_words(setting, study)
        headings.append(Column(setting, f"{noise} (n = {_beats(mean, setting)})", protocol))
    title = "Potentials on the heart's surface by method, noise, protocol and montage"
    notes = (f"{_MEAN_NOTE} {_NOISE_NOTE}", _DEFINITIONS, _protocol_note(study), _method_note(study))
    return Table("surface_accuracy", title, "Method", tuple(headings), tuple(blocks), notes)


def _ablation_table(scores: pd.DataFrame, study: PhysicsInformedStudy) -> Table | None:
    """A block a noise level, a row a network; the relative error with both of its spreads, and other metrics."""
    blocks = []
    for setting in ablation_settings(study):
        here = _scored_by_all(scores[(scores["setting"] == setting) & scores["method"].isin(GRID)])
        if here.empty:
            continue
        mean = over_fits(here)
        stated, spread = summary(mean, by=("method", "metric")), spread_over_fits(here)
        methods = ordered(mean["method"])
        columns = [
            mean_cells(stated[stated["metric"] == m].assign(sd=np.nan).set_index("method"), methods, quantity(m, STUDY))
            for m in _ABLATION_METRICS
        ]
        over_beats, over_seeds = (
            _spread_cells(found[found["metric"] == "re"].set_index("method")[name], methods)
            for found, name in ((stated, "sd"), (spread, "spread"))
        )
        rows = zip(methods, zip(columns[0], over_beats, over_seeds, *columns[1:], strict=True), strict=True)
        label = f"{setting_words(setting, study).noise} (n = {_beats(mean, setting)})"
        blocks.append(Block(setting, label, tuple(Row(m, readable(m, METHOD_LABELS), cells) for m, cells in rows)))
    if not blocks:
        return None
    error, *others = _ABLATION_METRICS
    headings = (
        Column(error, "mean", _heading(error)),
        Column("re_over_beats", "sd over beats", _heading(error)),
        Column("re_over_fits", "sd over fits", _heading(error)),
        *(Column(metric, "mean", _heading(metric)) for metric in others),
    )
    fits = f"{study.seeds} fits" if study.seeds > 1 else "one fit, so that there is no spread over fits (–),"
    notes = (
        f"Published protocol, beats that all of these networks were fitted to. Networks have {fits} of a beat from "
        "other first weights: sd over fits is that of one beat, averaged over the beats; sd over beats is that of the "
        f"beats' means over fits. Bold: best of its column. {_NOISE_NOTE}",
        _GRID_NOTE,
    )
    title = "Ablation: how derivatives are taken, and which blocks the network has"
    return Table("surface_ablation", title, "Network", headings, tuple(blocks), notes)


def _costs_table(scores: pd.DataFrame, study: PhysicsInformedStudy) -> Table | None:
    """Wall time of a reconstruction by method."""
    setting = (ablation_settings(study) or list(published_noise(study)))[0]
    amortised = scores["method"].isin(study.amortised.methods)
    here = scores[(scores["metric"] == "seconds") & ((scores["setting"] == setting) | amortised)]
    if here.empty:
        return None
    shown = quantity("seconds", STUDY)
    stated = summary(over_fits(here), by=("method",)).set_index("method")
    rows = []
    for method in ordered(stated.index):
        mean, sd, n = (float(stated[name][method]) for name in ("mean", "sd", "n"))
        cells = (Cell(f"{n:.0f}", {"n": int(n)}), Cell(shown.text(mean, sd), {"mean": mean, "sd": sd}))
        rows.append(Row(method, readable(method, METHOD_LABELS), cells))
    noise = setting_words(setting, study).noise
    notes = (
        f"Published protocol, {noise}. Seconds of wall time on one core, mean ± standard deviation over the beats; "
        "of a network, for one fit." + (f" {_AMORTISED_NOTE}" if amortised.any() else ""),
        _GRID_NOTE,
    )
    columns = (Column("n", "beats"), Column("seconds", "a beat / s"))
    blocks = (Block("seconds", "", tuple(rows)),)
    return Table("surface_costs", "What the reconstruction of a beat costs", "Method", columns, blocks, notes)


def _heading(metric: str) -> str:
    shown = quantity(metric, STUDY)
    return axis_label(shown.label, shown.unit)


def _scored_by_all(scores: pd.DataFrame) -> pd.DataFrame:
    """Rows of the beats that every method has scores of."""
    methods = scores.groupby(["subject", "case"])["method"].transform("nunique")
    return scores[methods == scores["method"].nunique()]


def _spread_cells(spread: "pd.Series[float]", methods: Sequence[str]) -> list[Cell]:
    shown, values = quantity("re", STUDY), [float(spread.get(method, np.nan)) for method in methods]
    return [Cell(shown.text(value), {"value": value}) if np.isfinite(value) else ABSENT for value in values]


def _beats(scores: pd.DataFrame, setting: str) -> int:
    return len(scores.loc[scores["setting"] == setting, ["subject", "case"]].drop_duplicates())


def _protocol_note(study: PhysicsInformedStudy) -> str:
    words = "; ".join(PROTOCOL_WORDS[protocol] for protocol in PROTOCOL_WORDS if protocol in study.protocols)
    return (
        f"Protocols: {words}. Reconstructions don't know how data were made: they assume the same "
        "velocity and kinetics under every protocol, and the matrix of the surface on which they reconstruct. "
        "Of the paper only the abstract is at hand, so that no printed figures stand beside."
    )


def _method_note(study: PhysicsInformedStudy) -> str:
    fits = f"; a beat's score is its mean over {study.seeds} fits from other first weights" if study.seeds > 1 else ""
    return (
        "Tikhonov's orders penalise the potential, its gradient or its Laplacian; STRE adds that potentials of nearby "
        f"instants are alike. Networks are fitted to each beat by itself{fits}. {_GRID_NOTE}"
        + (f" {_AMORTISED_NOTE}" if study.amortised.methods else "")
    )
