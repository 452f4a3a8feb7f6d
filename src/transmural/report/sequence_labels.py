"""How the methods, splits and settings of study 3 are named, and what a setting's name says."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple, get_args

from transmural.stores.config.sequences import SequenceModelsStudy, Split

METHOD_LABELS: Mapping[str, str] = {
    "cnn": "1D CNN",
    "cnn_lstm": "CNN-LSTM",
    "transformer": "Transformer",
    "unet": "1D U-Net",
    "bilstm": "Bidirectional LSTM",
    "ridge": "Ridge",
    "nearest": "Nearest recording",
    "mean_trace": "Mean trace",
    "cnn_zero_padded": "1D CNN, zero-padded",
    "cnn_lstm_zero_padded": "CNN-LSTM, zero-padded",
    "transformer_teacher_forced": "Transformer, teacher-forced (published protocol)",
    "hold_last_segment": "Hold last true segment",
}
SPLITS: tuple[Split, ...] = get_args(Split)
SPLIT_LABELS: Mapping[str, str] = {
    "random": "Random split",
    "heart_out": "Hearts not in training",
    "pattern_out": "Patterns not in training",
    "both_out": "Neither hearts nor patterns in training",
}
_LEVEL = r"-?\d+(?:\.\d+)?"
# Kinds of settings, and how they are said with the level that the name holds.
_KINDS: Mapping[str, str] = {
    "full": "whole record",
    "limited": "first 10 ms",
    "length": "first {level:g} ms",
    "jitter": "shifted by up to {level:g} ms",
    "noise": "noise at {level:g} dB",
}


class Setting(NamedTuple):
    """What a setting's name says: what is tested, at which level (NaN where there is none), on which split."""

    kind: str
    level: float
    split: str


def setting_of(name: str) -> Setting | None:
    """The parts of a setting's name; None for a name that isn't of this study's form."""
    found = re.fullmatch(rf"({'|'.join(_KINDS)})(?:_({_LEVEL}))?_({'|'.join(SPLITS)})", name)
    return Setting(found[1], float(found[2] or "nan"), found[3]) if found else None


def split_words(split: str) -> str:
    """A split in words."""
    return SPLIT_LABELS.get(split, split.replace("_", " "))


def ordered_splits(splits: Iterable[str]) -> list[str]:
    """Each split once, the random one first."""
    present = set(splits)
    return [split for split in SPLITS if split in present]


def sequence_setting_words(name: str) -> str:
    """A setting in words; one of another form by its name."""
    setting = setting_of(name)
    if setting is None:
        return name.replace("_", " ")
    return f"{split_words(setting.split)}: {_KINDS[setting.kind].format(level=setting.level)}"


def settings_of_kind(names: Iterable[str], *kinds: str) -> list[str]:
    """Settings of some kinds, each once: by split, then kind, then level."""
    parts = {name: setting_of(name) for name in dict.fromkeys(names)}
    chosen = {name: setting for name, setting in parts.items() if setting is not None and setting.kind in kinds}
    splits, order = [str(split) for split in SPLITS], list(_KINDS)

    def place(name: str) -> tuple[int, int, float]:
        kind, level, split = chosen[name]
        return splits.index(split), order.index(kind), level

    return sorted(chosen, key=place)


def has_input_tests(study: SequenceModelsStudy) -> bool:
    """Whether a network is tested with shorter, shifted or noisy ECGs."""
    return study.any_length is not None and bool(study.input_ms or study.onset_jitter_ms or study.snr_db)
