"""Small recordings for the study of sequence models: waves whose times a linear map of the ECG nearly gives away."""

import numpy as np
import xarray as xr

from transmural.torso.leads import STANDARD_12

SAMPLE_MS = 5
SAMPLES = 100
POINTS = 7


def potentials(activation_ms, recovery_ms, samples=SAMPLES):
    """Action potentials, shape (case, sample, point), from times of shape (case, point)."""
    time = np.arange(samples)[:, None] * SAMPLE_MS
    up, down = ((time - np.asarray(t)[:, None]) / width for t, width in ((activation_ms, 3.0), (recovery_ms, 12.0)))
    return (1 / (1 + np.exp(-up)) / (1 + np.exp(down))).astype(np.float32)


def recordings(hearts=5, patterns=4, each=2, seed=0):
    """Recordings of the contract RECORDINGS: every pattern in every heart, ``each`` times."""
    generator = np.random.default_rng(seed)
    cases = hearts * patterns * each
    heart = np.repeat(np.arange(hearts), patterns * each)
    pattern = np.tile(np.repeat(np.arange(patterns), each), hearts)
    late = generator.uniform(20, 120, (patterns, POINTS))
    activation = late[pattern] * (0.8 + 0.1 * heart[:, None]) + generator.uniform(0, 5, (cases, 1))
    tmp = potentials(activation, activation + generator.uniform(200, 300, (cases, 1)))
    ecg = np.einsum("ctp,lp->clt", tmp, generator.normal(size=(len(STANDARD_12), POINTS)))
    return xr.Dataset(
        {
            "ecg": (("case", "lead", "time"), (0.3 + ecg).astype(np.float32)),
            "tmp": (("case", "time", "point"), tmp),
            "heart": ("case", [f"volunteer_{k + 1:02d}" for k in heart]),
            "pattern": ("case", [f"pattern_{k + 1:02d}" for k in pattern]),
            "cycle_length": ("case", np.full(cases, 800, np.float32)),
            "rapid_rectifier": ("case", np.ones(cases, np.float32)),
        },
        coords={
            "time": np.arange(SAMPLES, dtype=np.float32) * SAMPLE_MS,
            "lead": list(STANDARD_12),
            "point": [f"P{k}" for k in range(POINTS)],
            "case": np.tile(np.arange(patterns * each), hearts),
        },
        attrs={"rest_mv": -80.0, "amplitude_mv": 100.0},
    )
