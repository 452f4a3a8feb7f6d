"""How the methods, tissue classes and settings of predicted ECGs are named, and how classes are drawn."""

import re
from collections.abc import Iterable, Mapping

from transmural.evaluation.surrogate_scores import ALL_CLASSES, SOLVER, SURROGATE, TEST

METHOD_LABELS: Mapping[str, str] = {
    SURROGATE: "Surrogate",
    "no_cnn": "without CNN",
    "no_attention": "without attention",
    "no_time_embedding": "without time embedding",
    "no_spectral_entropy": "without spectral entropy",
    "no_currents": "given potentials, not currents",
    "closed_form": "Closed form",
    "frame_currents": "Sum of the frames' currents",
    "ridge_frames": "Ridge, frames",
    "ridge_mean_voltage": "Ridge, mean voltage",
    "class_mean": "Mean ECG of the class",
    SOLVER: "Simulation",
}
CLASS_LABELS: Mapping[str, str] = {
    "healthy": "Healthy",
    "gap_junction": "Gap junctions",
    "fibrotic": "Fibrotic",
    "combined": "Combined",
    ALL_CLASSES: "All classes",
}
CLASS_COLOURS: Mapping[str, str] = {
    "healthy": "#009e73",
    "gap_junction": "#0072b2",
    "fibrotic": "#d55e00",
    "combined": "#aa3377",
}
CLASS_MARKERS: Mapping[str, str] = {"healthy": "o", "gap_junction": "s", "fibrotic": "^", "combined": "D"}

# A setting's name, and how it is said with what the name holds.
_SETTINGS: tuple[tuple[str, str], ...] = (
    (TEST, "Test sheets"),
    (r"held_out_(?P<tissue>\w+)", "{tissue}: class not in training"),
    (r"electrode_moved_(?P<distance>\d+)_mm_(?P<number>\d+)", "Electrode {number}, moved by {distance} mm"),
    (r"electrode_moved_(?P<distance>\d+)_mm", "Electrode moved by {distance} mm"),
    ("stimulus_moved", "Stimulus elsewhere"),
    (r"frames_every_(?P<every>\d+)", "One frame in {every}"),
)


def setting_words(setting: str) -> str:
    """A setting in words; one without an entry here by its name."""
    for pattern, words in _SETTINGS:
        found = re.fullmatch(pattern, setting)
        if found:
            parts = found.groupdict()
            if "tissue" in parts:
                parts["tissue"] = CLASS_LABELS.get(parts["tissue"], parts["tissue"])
            return words.format(**parts)
    return setting.replace("_", " ")


def ordered_surrogate_settings(settings: Iterable[str]) -> list[str]:
    """Each setting once, by kind: the test sheets first, unknown kinds last, else in order of appearance."""

    def kind(setting: str) -> int:
        return next((k for k, (pattern, _) in enumerate(_SETTINGS) if re.fullmatch(pattern, setting)), len(_SETTINGS))

    return sorted(dict.fromkeys(settings), key=kind)


def ordered_classes(classes: Iterable[str]) -> list[str]:
    """Each class once, in the order of ``CLASS_LABELS``."""
    present = list(dict.fromkeys(classes))
    return [c for c in CLASS_LABELS if c in present] + [c for c in present if c not in CLASS_LABELS]
