"""A small design of activation images, for the tests of this floor."""

from transmural.stores.config.activation_images import ActivationImageDesign


def image_design(dimensions=2, **changes):
    given = {
        "dimensions": dimensions,
        "edge_cells": {2: 64, 3: 32}[dimensions],
        "cell_mm": {2: 2.2, 3: 4.0}[dimensions],
        "maps": 6,
        "slice_height": (0.3, 0.85),
        "pacing_zones": (1, 3),
        "velocity_mm_per_ms": (0.4, 0.8),
        "slow_share": 0.5,
        "slow_radius_mm": (8, 20),
        "slow_velocity": (0.2, 0.5),
        "electrode_distance_mm": 30,
        "electrode_spacing_mm": 18,
        "duration_ms": 400,
        "sample_ms": 5,
        "amplitude_mv": 100,
        "shard_maps": 6,
    }
    return ActivationImageDesign(**(given | changes))
