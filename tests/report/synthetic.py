"""A small ellipsoidal heart in an elliptical torso, with beats and reconstructions that obey the contracts."""

import numpy as np
import pandas as pd
import xarray as xr
from scipy.ndimage import gaussian_filter
from skimage.measure import marching_cubes

METHODS = ["tikhonov0", "greensite", "mean_beat", "nearest_beat"]
SETTINGS = ["unseen_scar", "unseen_origin", "unseen_both"]


def anatomy(spacing: float = 4.0, nodes: int = 250) -> xr.Dataset:
    """Truncated-ellipsoid wall with its nodes, electrodes and surfaces."""
    rng = np.random.default_rng(0)
    extent = np.array([[-60, 60], [-60, 60], [-60, 60]], dtype=float)
    axes = [np.arange(low, high + spacing / 2, spacing) for low, high in extent]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    outer = (x / 36) ** 2 + (y / 34) ** 2 + (z / 52) ** 2
    inner = (x / 25) ** 2 + (y / 23) ** 2 + (z / 42) ** 2
    wall = (outer < 1) & (inner >= 1) & (z < 22)
    labels = np.where(wall, 3, np.where((inner < 1) & (z < 22), 5, 1)).astype(np.uint8)
    index = np.argwhere(wall)
    position = np.stack([a[i] for a, i in zip(axes, index.T, strict=True)], axis=1)
    seeds = position[rng.choice(len(position), nodes, replace=False)]
    voxel_node = np.argmin(((position[:, None] - seeds[None]) ** 2).sum(-1), axis=1)
    _, voxel_node = np.unique(voxel_node, return_inverse=True)
    nodes = voxel_node.max() + 1
    count = np.bincount(voxel_node)
    centroid = np.stack([np.bincount(voxel_node, position[:, k]) / count for k in range(3)], axis=1)
    vertex, face, *_ = marching_cubes(gaussian_filter(np.pad(wall, 2).astype(float), 0.7), 0.5)
    vertex = (vertex - 2) * spacing + extent[:, 0]
    nearest = np.argmin(((vertex[:, None] - centroid[None]) ** 2).sum(-1), axis=1)
    torso_vertex, torso_face = _cylinder()
    electrodes = torso_vertex[rng.choice(len(torso_vertex), 40, replace=False)]
    apicobasal = (position[:, 2] + 52) / 74
    return xr.Dataset(
        {
            "labels": (("x", "y", "z"), labels),
            "voxel_position": (("voxel", "xyz"), position.astype(np.float32)),
            "voxel_index": (("voxel", "xyz"), index),
            "fibre": (("voxel", "xyz"), np.tile(np.float32([1, 0, 0]), (len(index), 1))),
            "transmural": (("voxel",), np.linspace(0, 1, len(index), dtype=np.float32)),
            "apicobasal": (("voxel",), apicobasal.astype(np.float32)),
            "segment": (("voxel",), np.ones(len(index), dtype=np.int32)),
            "voxel_node": (("voxel",), voxel_node),
            "node_position": (("node", "xyz"), centroid.astype(np.float32)),
            "node_volume": (("node",), (count * spacing**3).astype(np.float32)),
            "node_transmural": (("node",), np.full(nodes, 0.5, dtype=np.float32)),
            "node_apicobasal": (("node",), np.full(nodes, 0.5, dtype=np.float32)),
            "node_segment": (("node",), np.ones(nodes, dtype=np.int32)),
            "electrode": (("electrode",), np.array([f"E{k:03d}" for k in range(40)])),
            "electrode_position": (("electrode", "xyz"), electrodes.astype(np.float32)),
            "limb_electrode": (
                ("limb_electrode",),
                np.array(["RA", "LA", "LL", "RL", *[f"V{k}" for k in range(1, 7)]]),
            ),
            "limb_electrode_position": (("limb_electrode", "xyz"), torso_vertex[:10].astype(np.float32)),
            "heart_vertex": (("heart_vertex", "xyz"), vertex.astype(np.float32)),
            "heart_face": (("heart_face", "corner"), face.astype(np.int32)),
            "heart_vertex_node": (("heart_vertex",), nearest.astype(np.int32)),
            "torso_vertex": (("torso_vertex", "xyz"), torso_vertex.astype(np.float32)),
            "torso_face": (("torso_face", "corner"), torso_face.astype(np.int32)),
        },
        attrs={"spacing_mm": spacing, "origin_mm": extent[:, 0].tolist()},
    )


def _cylinder(around: int = 24, levels: int = 16) -> tuple[np.ndarray, np.ndarray]:
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)
    height = np.linspace(-180, 180, levels)
    a, h = np.meshgrid(angle, height)
    vertex = np.stack([150 * np.cos(a).ravel(), 100 * np.sin(a).ravel() + 40, h.ravel()], axis=1)
    faces = []
    for level in range(levels - 1):
        for k in range(around):
            p, q = level * around + k, level * around + (k + 1) % around
            faces += [(p, q, q + around), (p, q + around, p + around)]
    return vertex, np.array(faces)


def transfer(heart: xr.Dataset) -> xr.Dataset:
    """Leads of a dipole-like transfer matrix with zero row sums."""
    electrodes = np.concatenate([heart["electrode_position"].values, heart["limb_electrode_position"].values[:8]])
    names = [*heart["electrode"].values, "I", "II", "V1", "V2", "V3", "V4", "V5", "V6"]
    distance = np.linalg.norm(electrodes[:, None] - heart["node_position"].values[None], axis=2)
    matrix = (1 / distance - (1 / distance).mean(axis=1, keepdims=True)).astype(np.float32)
    montage = np.array(["body_surface"] * heart.sizes["electrode"] + ["standard_12"] * 8)
    return xr.Dataset(
        {"transfer": (("lead", "node"), matrix), "transfer_fine": (("lead", "voxel"), matrix[:, heart["voxel_node"]])},
        coords={"lead": np.array(names), "montage": (("lead",), montage)},
    )


def beats(heart: xr.Dataset, operator: xr.Dataset, cases: int = 5, frames: int = 31, seed: int = 1) -> xr.Dataset:
    """Waves that spread at 0.6 mm/ms from an origin and leave a spherical scar silent; every third case is healthy."""
    rng = np.random.default_rng(seed)
    time = np.linspace(0, 550, frames)
    node = heart["node_position"].values.astype(float)
    origin = node[rng.choice(len(node), cases)]
    centre = node[rng.choice(len(node), cases)]
    radius = np.where(np.arange(cases) % 3 == 2, 0.0, 16.0)
    scar = np.linalg.norm(node[None] - centre[:, None], axis=2) < radius[:, None]
    activation = np.linalg.norm(node[None] - origin[:, None], axis=2) / 0.6 + 5
    activation[scar] = np.nan
    tmp = _action_potential(time[None, :, None], np.nan_to_num(activation, nan=1e4)[:, None])
    ecg = np.einsum("ln,ctn->clt", operator["transfer"].values, 100 * tmp)
    return xr.Dataset(
        {
            "tmp": (("case", "time", "node"), tmp.astype(np.float32)),
            "ecg": (("case", "lead", "time"), ecg.astype(np.float32)),
            "activation_time": (("case", "node"), activation.astype(np.float32)),
            "repolarisation_time": (("case", "node"), (activation + 300).astype(np.float32)),
            "scar": (("case", "node"), scar),
            "excitability": (("case", "node"), np.where(scar, 0.5, 0.15).astype(np.float32)),
            "origin": (("case", "xyz"), origin.astype(np.float32)),
            "origin_id": (("case",), np.arange(cases)),
            "tissue_id": (("case",), np.arange(cases) % 3),
        },
        coords={"time": time.astype(np.float32)},
    )


def _action_potential(time: np.ndarray, activation: np.ndarray) -> np.ndarray:
    since = np.clip(time - activation, -60, 2000)
    return 1 / (1 + np.exp(-since / 3)) * 1 / (1 + np.exp((since - 300) / 15))


def reconstruction(truth: xr.Dataset, method: str) -> xr.Dataset:
    """The truth blurred and shrunk differently by each method."""
    rng = np.random.default_rng(len(method))
    shrink = {"tikhonov0": 0.1, "greensite": 0.2, "mean_beat": 0.7, "nearest_beat": 0.9}.get(method, 0.5)
    tmp = truth["tmp"].values
    noise = rng.standard_normal((tmp.shape[0], 1, tmp.shape[2])) * 0.03
    guess = shrink * (tmp - (tmp.mean(axis=2, keepdims=True) if shrink < 0.5 else 0)) + noise
    cases = truth.sizes["case"]
    return xr.Dataset(
        {
            "tmp": (("case", "time", "node"), guess.astype(np.float32)),
            "seconds": (("case",), np.full(cases, 0.1, dtype=np.float32)),
            "memory_mb": (("case",), np.full(cases, 3.0, dtype=np.float32)),
        },
        coords={"time": truth["time"].values},
        attrs={"scar_definition": "amplitude" if shrink < 0.5 else "physiological"},
    )


def cohort(heart: xr.Dataset, truth: xr.Dataset) -> xr.Dataset:
    """The design that the beats of `beats` would follow."""
    scar = truth["scar"].values[:, heart["voxel_node"].values]
    return xr.Dataset(
        {
            "origin": truth["origin"],
            "origin_id": truth["origin_id"],
            "tissue_id": truth["tissue_id"],
            "excitability": (("case", "voxel"), np.where(scar, 0.5, 0.15).astype(np.float32)),
            "scar_voxel": (("case", "voxel"), scar),
        }
    )


def scores(subjects: tuple[str, ...] = ("slender", "broad"), cases: int = 6, seed: int = 0) -> pd.DataFrame:
    """Tidy scores with a known order of the methods."""
    rng = np.random.default_rng(seed)
    base = {"nrmse": 0.3, "dice": 0.4, "origin_distance": 15.0, "nrmse_demeaned": 0.6, "correlation": 0.5}
    base |= {"activation_time_mae": 20.0, "seconds": 0.02, "memory": 30.0}
    unit = {"origin_distance": "mm", "activation_time_mae": "ms", "seconds": "s", "memory": "MB"}
    rows = [
        {
            "subject": subject,
            "cohort": "published",
            "setting": setting,
            "case": case,
            "method": method,
            "metric": metric,
            "value": value * (1 + 0.3 * rank) * rng.uniform(0.8, 1.2),
            "unit": unit.get(metric, "1"),
        }
        for subject in subjects
        for setting in SETTINGS
        for case in range(cases)
        for rank, method in enumerate(METHODS)
        for metric, value in base.items()
        if not (metric == "dice" and setting == "unseen_origin")
    ]
    return pd.DataFrame(rows)
