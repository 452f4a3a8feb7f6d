"""Small sheets that follow the contract SHEETS, with waves that run from left to right, and scores of predictions."""

import numpy as np
import pandas as pd
import xarray as xr
from scipy import ndimage

from transmural.evaluation.surrogate_baselines import closed_form
from transmural.evaluation.surrogate_scores import ABLATIONS, hold_frames, score_predictions, seconds_rows

CLASSES = ("healthy", "gap_junction", "fibrotic", "combined")
CELLS, CELL_MM = 20, 5.0
METHODS = {"surrogate": 0.03, **dict.fromkeys(ABLATIONS, 0.3), "ridge_frames": 0.4, "class_mean": 1.2}
SETTINGS = ("test", "held_out_fibrotic", "electrode_moved_20_mm_1", "stimulus_moved", "frames_every_4")


def sheets(per_class=4, seed=0):
    """Sheets of every class in order, whose ECG is the closed form's and a little more."""
    generator = np.random.default_rng(seed)
    time_ms = np.arange(0, 400, 5.0, dtype=np.float32)
    classes = np.repeat(CLASSES, per_class)
    velocity = np.where(np.isin(classes, ["healthy", "fibrotic"]), 0.6, 0.35) * generator.uniform(
        0.8, 1.2, len(classes)
    )
    x = (np.arange(CELLS) + 0.5) * CELL_MM
    noise = ndimage.gaussian_filter(generator.standard_normal((len(classes), CELLS, CELLS)), (0, 1.5, 1.5))
    share = np.where(noise > np.quantile(noise, 0.9), 0.0, 1.0)
    activation = x / velocity[:, None, None] + 20 * noise
    tmp = 1 / (1 + np.exp(-(time_ms[:, None, None] - activation[:, None]) / 4)) * share[:, None]
    tmp = (tmp * (time_ms[:, None, None] < activation[:, None] + 150)).astype(np.float32)
    distance = np.hypot(np.hypot(x - 50, (x - 50)[:, None]), 40)
    field = share * (1 / distance - (share / distance).sum((1, 2), keepdims=True) / share.sum((1, 2), keepdims=True))
    ecg = closed_form(tmp, field)[:, None] * np.array([1.0, 0.8])[:, None]
    ecg += 0.02 * ecg.std() * ndimage.gaussian_filter(generator.standard_normal(ecg.shape), (0, 0, 3))
    case, space = ("case",), ("row", "column")
    single = {
        "tmp": ((*case, "time", *space), tmp),
        "electrode_position": (("lead", "xyz"), np.array([[50.0, 50, 40], [70, 50, 40]])),
        "ecg": ((*case, "lead", "time"), ecg),
        "lead_field": ((*case, "lead", *space), np.stack([field, 0.8 * field], axis=1)),
        "activation_time": ((*case, *space), np.where(share > 0, activation, np.nan)),
        "diffusivity": (case, np.linspace(0.1, 0.02, len(classes))),
        "conductive_share": ((*case, *space), share),
        "stimulus_position": ((*case, "xyz"), np.tile([2.5, 50.0, 0.0], (len(classes), 1))),
        "seconds": (case, generator.uniform(10, 20, len(classes))),
    }
    names = {"tissue_class": (case, classes), "stimulus": (case, np.full(len(classes), "plane"))}
    return xr.Dataset(
        {name: (dims, values.astype(np.float32)) for name, (dims, values) in single.items()} | names,
        coords={
            "time": time_ms,
            "lead": ["reference", "electrode_moved_20_mm_1"],
            "case": 100 + np.arange(len(classes)),
        },
        attrs={"spacing_mm": 0.25, "cell_mm": CELL_MM},
    )


def predictions(made, seed=1):
    """ECGs of every method, shape (case, time): the truth with an error of the method's size, and the closed form."""
    generator = np.random.default_rng(seed)
    truth = made["ecg"].sel(lead="reference").values
    found = {
        method: truth + size * truth.std() * ndimage.gaussian_filter1d(4 * generator.standard_normal(truth.shape), 3)
        for method, size in METHODS.items()
    }
    return found | {"closed_form": closed_form(hold_frames(made["tmp"].values, 2), made["lead_field"].values[:, 0])}


def scores(made, found):
    """Tidy rows of every setting and method, and the seconds."""
    truth, classes, cases = made["ecg"].sel(lead="reference").values, made["tissue_class"].values, made["case"].values
    parts = []
    for number, setting in enumerate(SETTINGS):
        for method in found if setting == "test" else ("surrogate", "closed_form", "ridge_frames"):
            predicted = truth + (1 + number) * (found[method] - truth)
            parts.append(score_predictions(truth, predicted, classes, cases, setting, method, truth.std()))
    seconds = {
        "solver": made["seconds"].values,
        "closed_form": 1e-3 * made["seconds"].values,
        "surrogate": 0 * cases + 0.1,
    }
    return pd.concat([*parts, seconds_rows(seconds, classes, cases)], ignore_index=True)
