"""What is known of a beat on a closed surface: geometry, body-surface potentials, model. Never the truth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from transmural.networks.surface_physics import SurfaceModel
from transmural.stores.errors import TrainingError


@dataclass(frozen=True, eq=False)
class SurfaceBeat:
    """What is known of a beat on a closed surface.

    Attributes
    ----------
    vertices
        In mm, shape (vertex, 3).
    normals
        Outward unit normals, shape (vertex, 3).
    laplacian
        Laplace–Beltrami matrix in 1/mm², shape (vertex, vertex).
    transfer
        Potential at an electrode per unit of u, shape (electrode, vertex).
    data
        Potentials at the electrodes, shape (electrode, time), in the transfer matrix's unit.
    time_ms
        Times of the data, equally spaced, shape (time,).
    noise_sd
        Standard deviation of the white noise in the data.
    model
        Kinetics and diffusivity.
    stimulus_ms
        When the stimulus begins and when it ends; the tissue rests before.
    """

    vertices: NDArray[np.floating]
    normals: NDArray[np.floating]
    laplacian: sparse.csr_array
    transfer: NDArray[np.floating]
    data: NDArray[np.floating]
    time_ms: NDArray[np.floating]
    noise_sd: float
    model: SurfaceModel
    stimulus_ms: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        vertices, electrodes, times = len(self.vertices), len(self.transfer), len(self.time_ms)
        expected = {
            "vertices": (self.vertices, (vertices, 3)),
            "normals": (self.normals, (vertices, 3)),
            "transfer": (self.transfer, (electrodes, vertices)),
            "data": (self.data, (electrodes, times)),
        }
        for name, (array, shape) in expected.items():
            if array.shape != shape:
                raise TrainingError(f"{name}: has shape {array.shape}, expected {shape}")
            if not np.isfinite(array).all():
                raise TrainingError(f"{name}: has values that are not finite")
        if self.laplacian.shape != (vertices, vertices):
            raise TrainingError(f"laplacian: has shape {self.laplacian.shape}, expected {(vertices, vertices)}")
        if not np.any(self.data):
            raise TrainingError("data: is zero everywhere, so there is nothing to fit")
