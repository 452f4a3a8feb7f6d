"""Recordings without a simulation, and the smallest design, for the tests of this floor."""

import numpy as np
import xarray as xr

from transmural.anatomy.recording_points import POINTS
from transmural.stores.config.sequences import RecordingDesign
from transmural.torso.leads import STANDARD_12, leads

SAMPLES = 500


def design(**changes):
    """A design of few recordings at coarse samples."""
    given = {
        "hearts": 4,
        "subjects": [],
        "voxel_mm": 4,
        "recordings": 6,
        "patterns": 8,
        "purkinje_share": 0.25,
        "cycle_length_ms": (500, 1200),
        "rapid_rectifier": (0.5, 1.5),
        "sample_ms": 10,
        "time_step_ms": 0.5,
        "shard_recordings": 6,
    }
    return RecordingDesign(**(given | changes))


def recordings(hearts=5, patterns=6, repeats=2, samples=SAMPLES, sample_ms=1, seed=0):
    """Every pattern in every heart, some times: potentials are random, leads those of random electrodes."""
    draw = np.random.default_rng(seed)
    heart, pattern, _ = (a.ravel() for a in np.meshgrid(*map(np.arange, (hearts, patterns, repeats)), indexing="ij"))
    cases = len(heart)
    electrodes = draw.standard_normal((cases, 10, samples))
    return xr.Dataset(
        {
            "ecg": (("case", "lead", "time"), np.asarray(leads(()).weights @ electrodes, np.float32)),
            "tmp": (("case", "time", "point"), draw.random((cases, samples, len(POINTS)), dtype=np.float32)),
            "heart": ("case", np.array([f"volunteer_{number + 1:02d}" for number in heart])),
            "pattern": ("case", np.array([f"pattern_{number:03d}" for number in pattern])),
            "cycle_length": ("case", 500.0 + np.arange(cases)),
            "rapid_rectifier": ("case", np.round(draw.uniform(0.5, 1.5, cases), 2)),
        },
        coords={
            "case": np.arange(cases),
            "lead": np.array(STANDARD_12),
            "time": sample_ms * np.arange(samples, dtype=float),
            "point": np.array(list(POINTS)),
        },
        attrs={"rest_mv": -80.0, "amplitude_mv": 100.0},
    )
