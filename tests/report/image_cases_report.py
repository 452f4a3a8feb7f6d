"""Hearts of two cavities on images, maps that methods predict of them, and scores in the layout of study 2."""

import numpy as np
import pandas as pd
import xarray as xr
from scipy import ndimage

from transmural.evaluation.metrics import metrics_of
from transmural.stores.config.images import ConditionalVAEStudy
from transmural.tissue.eikonal import activation_times

CELL_MM = {2: 2.2, 3: 4.0}
EDGE = {2: 64, 3: 32}
HEARTS = {
    "bsp_vae": 6, "map_vae": 6, "cvae_2d": 6, "bsp_vae_heart_out": 1, "map_vae_heart_out": 1, "cvae_2d_heart_out": 1,
    "cvae_3d": 1,
}  # fmt: skip
CASES = 12
PLACES = ("best", "median", "worst")
PREDICTED = ("cvae_2d", "cvae_2d_heart_out", "cvae_3d")
SWEPT = ("cvae_beta_0.1", "cvae_beta_1", "cvae_latent_4")
# Mean absolute error in ms on average.
ERROR_MS = {
    "cvae_conditioned": 5.0, "cvae": 16.0, "mean_map": 22.0, "nearest_map": 13.0, "ridge": 9.0, "cvae_shown": 3.0,
    "vae": 8.0, "pca": 6.0, "cvae_beta_0.1": 14.0, "cvae_beta_1": 15.0, "cvae_latent_4": 17.0,
}  # fmt: skip
SPREAD_MS = {
    "cvae_conditioned": 4.0, "cvae": 1.5, "cvae_beta_0.1": 8.0, "cvae_beta_1": 4.0, "cvae_latent_4": 1.2,
}  # fmt: skip
HARDER = {"bsp_vae_heart_out": 1.3, "map_vae_heart_out": 1.4, "cvae_2d_heart_out": 1.6, "cvae_3d": 1.3}


def study(**changes):
    """Settings of a small study."""
    slices = {
        "dimensions": 2, "edge_cells": EDGE[2], "cell_mm": CELL_MM[2], "maps": 20, "slice_height": (0.3, 0.85),
        "pacing_zones": (1, 3), "velocity_mm_per_ms": (0.4, 0.8), "slow_share": 0.5, "slow_radius_mm": (8, 20),
        "slow_velocity": (0.2, 0.5), "electrode_distance_mm": 30, "electrode_spacing_mm": 18, "duration_ms": 400,
        "sample_ms": 5, "amplitude_mv": 100, "shard_maps": 20,
    }  # fmt: skip
    volumes = slices | {"dimensions": 3, "edge_cells": EDGE[3], "cell_mm": CELL_MM[3], "maps": 24}
    vae = {
        "epochs": 5, "least_steps": 0, "batch_cases": 4, "learning_rate": 0.001, "schedule": "constant",
        "weight_decay": 0, "clip_norm": 1.0, "patience_epochs": 5, "latent": 6, "filters": 16, "dense": 64, "beta": 1,
        "misfit": "sum",
    }  # fmt: skip
    published = vae | {"latent": 16, "beta": 5, "bsp_samples": 16, "monitor": "prior_squared_error"}
    ours = published | {"beta": 0.05, "condition_hidden": 256, "condition_units": 64, "fine_filters": 16}
    settings = {
        "hearts": 6, "subjects": [], "voxel_mm": 2.5, "slices": slices, "volumes": volumes, "test_share": 0.2,
        "test_hearts": 1, "test_maps": 200, "validation_share": 0.125, "betas": [0.1, 1], "latents": [4], "samples": 10,
        "networks": {
            "bsp_vae": vae, "map_vae": vae, "cvae_2d": published, "cvae_3d": published, "conditioned_2d": ours,
            "conditioned_3d": ours,
        },
    }  # fmt: skip
    return ConditionalVAEStudy(**(settings | changes))


def scores(seed=0):
    """Tidy rows of every setting."""
    draw = np.random.default_rng(seed)
    known = metrics_of("conditional_vae")
    rows = []
    for setting, hearts in HEARTS.items():
        for case in range(CASES):
            hard, subject = HARDER.get(setting, 1.0) * draw.lognormal(0, 0.4), f"volunteer_{case % hearts:02d}"
            of = _potentials_scores if setting.startswith("bsp") else _map_scores
            for method, metric, value in of(setting, case, hard, draw):
                rows.append((subject, setting, case, method, metric, value, known[metric].unit))
    return pd.DataFrame(rows, columns=["subject", "setting", "case", "method", "metric", "value", "unit"])


def potentials(seed=1):
    """Kept potentials, as the contract PREDICTED_BSPS has them."""
    draw = np.random.default_rng(seed)
    time = np.arange(0, 400, 5.0)
    row, column = np.meshgrid(np.arange(10), np.arange(10), indexing="ij")
    truth, found = [], []
    for number in range(6):
        centre = draw.uniform(3, 6, 2)
        dipole = ((column - centre[1]) + 0.4 * (row - centre[0])) / (
            6 + (row - centre[0]) ** 2 + (column - centre[1]) ** 2
        )
        course = np.exp(-(((time - 60) / 25) ** 2)) - 0.35 * np.exp(-(((time - 230) / 50) ** 2))
        turned = np.roll(dipole, 2, axis=0)[..., None] * np.exp(-(((time - 95) / 18) ** 2))
        true = 1.4 * dipole[..., None] * course - 0.8 * turned
        truth.append(true)
        flat = ndimage.gaussian_filter(true, (1, 1, 2 + number % 3))
        found.append(flat + 0.01 * ndimage.gaussian_filter(draw.standard_normal(true.shape), (1, 1, 3)))
    space = ("case", "electrode_row", "electrode_column", "time")
    return xr.Dataset(
        {
            "setting": ("case", ["bsp_vae"] * 3 + ["bsp_vae_heart_out"] * 3),
            "place": ("case", list(PLACES) * 2),
            "heart": ("case", [f"volunteer_{k + 1:02d}" for k in range(6)]),
            "number": ("case", np.arange(6)),
            "bsp": (space, np.array(truth, np.float32)),
            "predicted": (space, np.array(found, np.float32)),
        },
        coords={"time": time.astype(np.float32)},
    )


def slices(seed=2):
    """Kept slices of four settings, as the contract PREDICTED_MAPS has them."""
    return _kept(2, ("map_vae", "map_vae_heart_out", "cvae_2d", "cvae_2d_heart_out"), seed)


def volumes(seed=3):
    """Kept hearts, as the contract PREDICTED_VOLUMES has them."""
    return _kept(3, ("cvae_3d",), seed)


def wall(dimensions, size=1.0):
    """A left and a right ventricle, axes as in images of hearts, x to the right ventricle."""
    along = CELL_MM[dimensions] * (np.arange(EDGE[dimensions]) - (EDGE[dimensions] - 1) / 2)
    if dimensions == 2:
        y, x = np.meshgrid(along, along, indexing="ij")
        share = 1.0
    else:
        x, y, z = np.meshgrid(along, along, along, indexing="ij")
        share = np.sqrt(np.clip(1 - ((z + 38) / 82) ** 2, 0, None)) * (z > -36)
    left = np.hypot(x + 14, y)
    outer, inner = left < 29 * size * share, left < 29 * size * share - 10
    right = np.hypot((x - 4) / 1.15, y / 0.95)
    free = (right < 33 * size * share) & ~(right < 33 * size * share - 5) & ~outer & (x > -8)
    return (outer & ~inner) | free


def _kept(dimensions, settings, seed):
    draw = np.random.default_rng(seed)
    methods = list(ERROR_MS)
    space = {2: ("row", "column"), 3: ("x", "y", "z")}[dimensions]
    cell = CELL_MM[dimensions]
    made = {name: [] for name in ("mask", "slow", "activation_time", "pacing_position", "predicted", "deviation")}
    for setting in settings:
        for number in range(len(PLACES)):
            mask = _largest(wall(dimensions, draw.uniform(0.9, 1.05)))
            cells = np.argwhere(mask)
            zones = cells[draw.choice(len(cells), 1 + number % 2, replace=False)]
            away = (
                cell * np.linalg.norm(np.indices(mask.shape).T - draw.choice(cells)[::-1], axis=-1).T
                if number
                else np.inf
            )
            slow = mask & (away < 14)
            truth = activation_times(mask, np.where(mask, np.where(slow, 0.18, 0.6), np.nan), zones, cell)
            smooth = [_noise(mask, draw) for _ in methods]
            present = _methods_of(setting)
            factor = HARDER.get(setting, 1.0) * (0.5 + 0.6 * number)
            predicted = [
                np.where(mask, truth + 1.25 * factor * ERROR_MS[m] * s, np.nan)
                if m in present
                else np.full(mask.shape, np.nan)
                for m, s in zip(methods, smooth, strict=True)
            ]
            deviation = [
                np.where(mask, factor * SPREAD_MS[m] * np.abs(s + 0.4), np.nan)
                if m in present and m in SPREAD_MS
                else np.full(mask.shape, np.nan)
                for m, s in zip(methods, smooth, strict=True)
            ]
            pacing = np.full((3, 3), np.nan)
            middle = cell * (zones - (np.array(mask.shape) - 1) / 2)
            pacing[: len(zones)] = (
                middle if dimensions == 3 else np.column_stack([middle[:, 1], middle[:, 0], 0 * middle[:, 0]])
            )
            values = (mask, slow, np.where(mask, truth, np.nan), pacing, predicted, deviation)
            for name, value in zip(made, values, strict=True):
                made[name].append(value)
    cases = len(made["mask"])
    by_method = {
        n: (("method", "case", *space), np.swapaxes(np.array(made[n], np.float32), 0, 1))
        for n in ("predicted", "deviation")
    }
    return xr.Dataset(
        {
            "setting": ("case", [s for s in settings for _ in PLACES]),
            "place": ("case", list(PLACES) * len(settings)),
            "heart": ("case", ["volunteer_06"] * cases),
            "number": ("case", np.arange(cases)),
            "mask": (("case", *space), np.array(made["mask"])),
            "slow": (("case", *space), np.array(made["slow"])),
            "activation_time": (("case", *space), np.array(made["activation_time"], np.float32)),
            "pacing_position": (("case", "zone", "xyz"), np.array(made["pacing_position"], np.float32)),
            **by_method,
        },
        coords={"method": methods},
        attrs={"cell_mm": cell},
    )


def _methods_of(setting):
    if setting.startswith("map_vae"):
        return ("vae", "pca", "mean_map")
    swept = SWEPT if setting == "cvae_2d" else ()
    return ("cvae_conditioned", "cvae", "mean_map", "nearest_map", "ridge", "cvae_shown", *swept)


def _map_scores(setting, case, hard, draw):
    for method in _methods_of(setting):
        error = hard * ERROR_MS[method] * draw.lognormal(0, 0.15)
        scaled = (error / 150) ** 2
        yield method, "mae_ms", error
        yield method, "mse", 1.6 * scaled
        yield method, "mse_own", 2.5 * scaled
        yield method, "mse_image", 0.4 * scaled
        yield method, "correlation", 1 / (1 + scaled * 20)
        yield method, "pacing_mm", error * draw.uniform(0, 2)
        yield method, "seconds", 0.002
        if case % 2:
            yield method, "slow_auc", float(np.clip(0.95 - error / 60, 0.45, 1))
        if setting in PREDICTED and method in SPREAD_MS:
            spread = SPREAD_MS[method] * draw.lognormal(0, 0.2)
            yield method, "mse_samples", 1.6 * scaled + (spread / 150) ** 2
            yield method, "deviation_ms", spread
            yield method, "deviation_correlation", float(np.tanh(draw.normal(0.4, 0.2)))
            for level in (50, 80, 90):
                yield method, f"coverage_{level}", level * min(1.0, 1.1 * spread / error)
                yield method, f"coverage_{level}_widened", 0.95 * level


def _potentials_scores(setting, case, hard, draw):
    for number, method in enumerate(("vae", "pca", "mean_bsp")):
        error = hard * (1 + number) * draw.lognormal(0, 0.1)
        yield method, "correlation", 1 - 0.03 * error
        yield method, "mean_difference", 2.0 * error
        yield method, "area_difference", -1.5 * error
        yield method, "amplitude_difference", -2.0 * error
        yield method, "first_peak", 100 - 4 * error
        yield method, "mse", 0.001 * error


def _noise(mask, draw):
    smooth = ndimage.gaussian_filter(draw.standard_normal(mask.shape), 6 if mask.ndim == 2 else 3)
    return smooth / np.abs(smooth[mask]).mean()


def _largest(mask):
    part, _ = ndimage.label(mask)
    return part == np.bincount(part[mask]).argmax()
