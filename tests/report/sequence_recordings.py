"""Recordings that follow the contract RECORDINGS, predictions of them, and scores in the layout of study 3."""

import numpy as np
import pandas as pd
import xarray as xr

from transmural.evaluation.sequence_metrics import TruePotentials
from transmural.evaluation.sequence_scores import ScoredRecordings, score_potentials
from transmural.stores.config.sequences import SEQUENCE_NETWORKS, SequenceModelsStudy

LEADS = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
_WALL = [*(f"AHA{k:02d}" for k in (1, 4, 5, 6, 7, 10, 11, 12, 13, 15, 16, 17))]
_WALL += [f"RV{k:02d}" for k in (1, 2, 3, 6, 7, 8, 11, 12)]
_SEPTUM = ("AHA02_RV05", "AHA03_RV04", "AHA08_RV10", "AHA09_RV09", "AHA14_RV13")
POINTS = [
    *(f"AHA{k:02d}" for k in range(1, 18)),
    *(f"RV{k:02d}" for k in range(1, 14)),
    *(f"{layer}_{name}" for layer in ("EPI", "MID") for name in _WALL),
    *(f"SEPTM_{name}" for name in _SEPTUM),
]
# How late each method activates points, in ms, on average.
LATENESS = {
    "cnn": 9.0, "cnn_lstm": 5.0, "transformer": 14.0, "unet": 2.0, "bilstm": 3.0, "ridge": 18.0, "nearest": 12.0,
    "mean_trace": 30.0, "transformer_teacher_forced": 1.5, "hold_last_segment": 4.0,
}  # fmt: skip
ZERO_PADDED = {"cnn_zero_padded": 90.0, "cnn_lstm_zero_padded": 60.0}
INPUTS = ("length_10", "length_50", "length_500", "jitter_10", "jitter_20", "noise_10", "noise_20")
INPUT_METHODS = ("unet", "ridge", "mean_trace")
HARDER = {"random": 1.0, "heart_out": 1.8}


def study(**changes):
    """Settings of a small study with two splits."""
    training = {
        "epochs": 5, "least_steps": 0, "batch_cases": 4, "learning_rate": 0.001, "schedule": "constant",
        "weight_decay": 0.0, "clip_norm": 1.0, "patience_epochs": 5, "dropout": 0.0,
    }  # fmt: skip
    settings = {
        "hearts": 4, "subjects": [], "voxel_mm": 2.0, "recordings": 10, "patterns": 5, "purkinje_share": 0.2,
        "cycle_length_ms": [500, 1200], "rapid_rectifier": [0.5, 1.5], "sample_ms": 10, "time_step_ms": 0.1,
        "shard_recordings": 10, "archive": None, "splits": list(HARDER), "test_share": 0.2,
        "models": list(SEQUENCE_NETWORKS), "networks": dict.fromkeys(SEQUENCE_NETWORKS, training), "any_length": "unet",
        "input_ms": [10, 50, 500], "onset_jitter_ms": [10, 20], "snr_db": [10, 20], "bootstrap": 200,
    }  # fmt: skip
    return SequenceModelsStudy(**(settings | changes))


def recordings(cases=4, seed=0):
    """Waves over the points, each with its own times; recordings are numbered anew in every heart."""
    generator = np.random.default_rng(seed)
    time = np.arange(0, 500, 10.0)
    activation = generator.uniform(10, 130, (cases, 1, len(POINTS)))
    tmp = _potentials(time, activation, activation + generator.uniform(200, 300, (cases, 1, 1)))
    ecg = generator.standard_normal((cases, len(LEADS), len(time)))
    return xr.Dataset(
        {
            "ecg": (("case", "lead", "time"), ecg.astype(np.float32)),
            "tmp": (("case", "time", "point"), tmp),
            "heart": ("case", [f"volunteer_{k // 2 + 1:02d}" for k in range(cases)]),
            "pattern": ("case", [f"pattern_{k:02d}" for k in range(cases)]),
            "cycle_length": ("case", np.full(cases, 800, np.float32)),
            "rapid_rectifier": ("case", np.ones(cases, np.float32)),
        },
        coords={"time": time.astype(np.float32), "lead": LEADS, "point": POINTS, "case": np.arange(cases) % 2},
        attrs={"rest_mv": -80.0, "amplitude_mv": 100.0},
    )


def predictions(made, lateness=LATENESS, factor=1.0, seed=1):
    """Potentials of every method, activated later than in truth."""
    generator = np.random.default_rng(seed)
    time, tmp = made["time"].values.astype(float), made["tmp"].values
    activation = time[(tmp > 0.5).argmax(axis=1)][:, None]
    draws = generator.random(activation.shape)
    return {
        name: _potentials(time, activation + 2 * factor * late * draws, activation + 250, 3 + factor * late)
        for name, late in lateness.items()
    }


def scores(made):
    """Tidy rows of both experiments and of shorter, shifted and noisy ECGs, on two splits."""
    truth = TruePotentials(made["tmp"].values, made["time"].values, 100.0)
    tested = ScoredRecordings(truth, *(made[name].values for name in ("heart", "pattern", "case")))
    parts = []
    for split, harder in HARDER.items():
        settings = {"full": (LATENESS, 1.0), "limited": (LATENESS | ZERO_PADDED, 2.0)}
        only = {name: LATENESS[name] for name in INPUT_METHODS}
        settings |= {kind: (only, 3.0 - 0.3 * number) for number, kind in enumerate(INPUTS)}
        for kind, (lateness, factor) in settings.items():
            for method, tmp in predictions(made, lateness, harder * factor).items():
                parts.append(score_potentials(tested, tmp, f"{kind}_{split}", method))
    return pd.concat(parts, ignore_index=True)


def predicted(made):
    """Three examples of whole and of limited ECGs of the random split, as the contract PREDICTED_TMPS has them."""
    chosen = made.isel(case=[0, 1, 3]).drop_vars(["case", "cycle_length", "rapid_rectifier"])
    methods = [*LATENESS, *ZERO_PADDED]
    parts = []
    for kind, factor in (("full", 1.0), ("limited", 2.0)):
        found = predictions(chosen, LATENESS | (ZERO_PADDED if kind == "limited" else {}), factor)
        nothing = np.full(chosen["tmp"].shape, np.nan, np.float32)
        stacked = np.stack([found.get(method, nothing) for method in methods])
        parts.append(
            chosen.assign(
                setting=("case", [f"{kind}_random"] * 3),
                place=("case", ["best", "median", "worst"]),
                number=("case", [40, 41, 43]),
                predicted=(("method", "case", "time", "point"), stacked),
            ).assign_coords(method=methods)
        )
    return xr.concat(parts, dim="case", combine_attrs="override")


def _potentials(time, activation, repolarisation, width=1.5):
    up, down = ((time[:, None] - t) / w for t, w in ((activation, width), (repolarisation, 12.0)))
    return ((1 / (1 + np.exp(-up))) * (1 / (1 + np.exp(down)))).astype(np.float32)
