"""What a training records of every epoch, and which epoch's weights are kept.

An entry has ``epoch`` (from 1), ``seconds``, ``learning_rate`` (of its last step), ``gradient_norm`` (mean before
clipping), for every term that the loss returns its means ``train_<term>`` and ``validation_<term>``, and ``best``: 1
where the validation term that decides was less than in every epoch before, else 0.
"""

from collections.abc import Sequence

Epoch = dict[str, float]
History = list[Epoch]


def is_history(value: object) -> bool:
    """Whether something that was read is a history: mappings from text to numbers."""
    return isinstance(value, list) and all(
        isinstance(epoch, dict)
        and all(isinstance(key, str) and type(number) in (int, float) for key, number in epoch.items())
        for epoch in value
    )


def appended(history: History, entry: Epoch, monitor: str) -> History:
    """The history with one more epoch; the validation mean of the term ``monitor`` decides whether it is the best."""
    term = f"validation_{monitor}"
    best = all(entry[term] < before[term] for before in history)
    return [*history, {**entry, "best": float(best)}]


def validation_losses(history: Sequence[Epoch]) -> list[float]:
    """Validation mean of the loss that is minimised, an epoch each, whatever term decides which epoch is the best."""
    return [entry["validation_loss"] for entry in history]


def best_epoch(history: Sequence[Epoch]) -> int:
    """Number of the epoch whose weights are kept; 0 when there are no epochs."""
    return max((number for number, entry in enumerate(history, start=1) if entry["best"]), default=0)


def is_exhausted(history: Sequence[Epoch], patience_epochs: int) -> bool:
    """Whether that many epochs have passed since the best one."""
    return len(history) - best_epoch(history) >= patience_epochs
