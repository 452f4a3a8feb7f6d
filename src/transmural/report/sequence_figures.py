"""All figures of study 3."""

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from transmural.report.sequence_accuracy import input_figure, split_figure
from transmural.report.sequence_examples import activation_figure, examples_of, traces_figure
from transmural.report.sequence_leak import leak_figure
from transmural.report.sequence_names import figure_titles
from transmural.stores.config.sequences import SequenceModelsStudy


def figures(
    scores: pd.DataFrame, intervals: pd.DataFrame, predicted: xr.Dataset, study: SequenceModelsStudy
) -> dict[str, tuple[Figure, str]]:
    """Figures and captions by the names of `sequence_names.figure_titles`.

    Parameters
    ----------
    scores
        Tidy rows of `evaluation.sequence_study`.
    intervals
        As `evaluation.sequence_scores.intervals` gives them, of the same scores.
    predicted
        Examples (contract PREDICTED_TMPS).
    study
        Settings; examples of the first split are drawn.
    """
    split = study.splits[0]
    whole, limited = (examples_of(predicted, f"{kind}_{split}") for kind in ("full", "limited"))
    made = {
        "sequence_splits": lambda: split_figure(scores),
        "sequence_leak": lambda: leak_figure(scores, whole),
        "sequence_traces": lambda: traces_figure(whole),
        "sequence_traces_limited": lambda: traces_figure(limited),
        "sequence_activation": lambda: activation_figure(whole),
        "sequence_input": lambda: input_figure(intervals),
    }
    return {name: made[name]() for name in figure_titles(study)}
