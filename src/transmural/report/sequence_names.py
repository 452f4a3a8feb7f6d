"""Tables and figures of study 3, by name: what a run has follows from its configuration."""

from collections.abc import Mapping

from transmural.report.sequence_labels import has_input_tests
from transmural.stores.config.sequences import SequenceModelsStudy

TRAINING_FIGURE = "sequence_training"
_TABLES = (
    "sequence_full",
    "sequence_limited",
    "sequence_leak",
    "sequence_full_cases",
    "sequence_limited_cases",
    "sequence_input",
)
_FIGURES = {
    "sequence_splits": "Accuracy by split",
    "sequence_leak": "What true potentials at test time are worth",
    "sequence_traces": "Potentials from whole ECGs",
    "sequence_traces_limited": "Potentials from the first 10 ms",
    "sequence_activation": "Activation times from whole ECGs",
    "sequence_input": "Shorter, shifted and noisy ECGs",
}


def table_names(study: SequenceModelsStudy) -> list[str]:
    """Names of the tables that a run of this configuration has."""
    return [name for name in _TABLES if name != "sequence_input" or has_input_tests(study)]


def figure_titles(study: SequenceModelsStudy) -> Mapping[str, str]:
    """Titles of the figures that a run of this configuration has, by name."""
    return {name: title for name, title in _FIGURES.items() if name != "sequence_input" or has_input_tests(study)}
