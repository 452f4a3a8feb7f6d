"""Every method of one split, trained on its training recordings, as functions from an ECG to potentials.

A `Method` is given the scaled ECG of a test recording and cannot be given anything else; only an `Audit` is given true
potentials, too.
"""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from transmural.evaluation.sequence_baselines import (
    EcgRidge,
    ecg_ridge,
    hold_last_segment,
    mean_trace,
    nearest_recording,
)
from transmural.networks.saved import TrainedNetwork
from transmural.networks.sequence_regression import cut_to, predict, predict_teacher_forced
from transmural.stores.config.sequences import SEQUENCE_NETWORKS
from transmural.stores.errors import InferenceError

Singles = NDArray[np.float32]
Method = Callable[[Singles], Singles]
Audit = Callable[[Singles, Singles], Singles]

TRANSFORMER = "transformer"
ZERO_PADDED = "_zero_padded"
# As published, these two, trained on whole records, are also given records of zeros after the first segment.
_PADDED = ("cnn", "cnn_lstm")


class SplitMethods:
    """Networks and baselines that share training and validation recordings.

    Parameters
    ----------
    networks
        Trained networks by model and by what they were trained on: ``full``, ``limited``, ``any_length``.
    ecg, tmp
        Scaled ECGs (case, lead, sample) and potentials (case, sample, point) of the training recordings.
    validation_ecg, validation_tmp
        Those of the validation recordings.
    segment_samples
        Samples of a segment.
    """

    def __init__(
        self,
        networks: Mapping[tuple[str, str], TrainedNetwork],
        ecg: Singles,
        tmp: Singles,
        validation_ecg: Singles,
        validation_tmp: Singles,
        segment_samples: int,
    ) -> None:
        self._networks, self._segment = networks, segment_samples
        self._ecg, self._tmp = ecg, tmp
        self._validation = validation_ecg, validation_tmp
        self._ridges: dict[int, EcgRidge] = {}

    def full(self) -> dict[str, Method]:
        """Methods that are given whole records; the Transformer looks at the first segment only."""
        return self._trained_on("full") | self._baselines(self._ecg.shape[2])

    def limited(self) -> dict[str, Method]:
        """Methods that look at the first segment only: retrained on it, and as published."""
        padded = {f"{name}{ZERO_PADDED}": self._on_cut(name, "full", self._segment) for name in _PADDED}
        return {
            **{name: method for name, method in self._trained_on("full").items() if name == TRANSFORMER},
            **self._trained_on("limited"),
            **{name: method for name, method in padded.items() if method is not None},
            **self._baselines(self._segment),
        }

    def at_length(self, model: str, samples: int) -> dict[str, Method]:
        """The network that was trained on records of any length, and the baselines, with only the first ``samples``."""
        network = self._on_cut(model, "any_length", samples)
        if network is None:
            raise InferenceError(f"sequence models: {model} wasn't trained on records of any length; train it so")
        return {model: network, **self._baselines(samples)}

    def audits(self) -> dict[str, Audit]:
        """What is given true potentials: the published protocol of the Transformer, and a method that holds them."""
        held: dict[str, Audit] = {"hold_last_segment": lambda _, tmp: hold_last_segment(tmp, self._segment)}
        if (TRANSFORMER, "full") not in self._networks:
            return held
        transformer = self._networks[TRANSFORMER, "full"]
        return {"transformer_teacher_forced": partial(predict_teacher_forced, transformer), **held}

    def _trained_on(self, inputs: str) -> dict[str, Method]:
        names = [name for name in SEQUENCE_NETWORKS if (name, inputs) in self._networks]
        return {name: partial(predict, self._networks[name, inputs]) for name in names}

    def _on_cut(self, model: str, inputs: str, samples: int) -> Method | None:
        """A network that is given zeros, the mean of a lead, after ``samples``; None where it isn't trained."""
        if (model, inputs) not in self._networks:
            return None
        network = self._networks[model, inputs]
        return lambda ecg: predict(network, cut_to(ecg, samples))

    def _baselines(self, samples: int) -> dict[str, Method]:
        """Baselines that look at the first ``samples``."""
        known = self._ecg[:, :, :samples]
        return {
            "ridge": lambda ecg: self._ridge(samples).tmp(ecg[:, :, :samples]),
            "nearest": lambda ecg: nearest_recording(known, self._tmp, ecg[:, :, :samples]),
            "mean_trace": lambda ecg: mean_trace(self._tmp, len(ecg)),
        }

    def _ridge(self, samples: int) -> EcgRidge:
        if samples not in self._ridges:
            ecg, tmp = self._validation
            self._ridges[samples] = ecg_ridge(self._ecg[:, :, :samples], self._tmp, ecg[:, :, :samples], tmp)
        return self._ridges[samples]
