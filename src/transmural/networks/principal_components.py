"""Principal components in space of the training potentials: the coordinates in which a small encoder reads them."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# Frames from which the covariance is estimated; ten times the nodes of a large heart is plenty.
_FRAMES = 20_000
# Components of a smaller standard deviation aren't blown up to the size of the leading ones.
_SMALLEST_SD = 0.3


@dataclass(frozen=True)
class PrincipalComponents:
    """Leading components of potentials over beats and frames.

    Attributes
    ----------
    centre
        Mean potential of each node, shape (node,).
    modes, sd
        Orthonormal components (node, component) and the standard deviation of the potentials along each (component,).
    """

    centre: Tensor
    modes: Tensor
    sd: Tensor

    @property
    def whitening(self) -> Tensor:
        """Matrix (node, component) that brings the leading components to unit variance and leaves weak ones weak."""
        return self.modes / (self.sd + _SMALLEST_SD)


def principal_components(tmp: NDArray[np.float32], count: int) -> PrincipalComponents:
    """Leading components of potentials (case, time, node), of which evenly spread frames are used."""
    frames = tmp.reshape(-1, tmp.shape[2])
    frames = frames[:: max(1, frames.shape[0] // _FRAMES)].astype(np.float64)
    centre = frames.mean(axis=0)
    centred = frames - centre
    values, vectors = np.linalg.eigh(centred.T @ centred / frames.shape[0])
    leading = slice(None, -count - 1, -1)
    # Signs of eigenvectors are arbitrary; a fixed choice keeps trainings alike on different machines.
    modes = vectors[:, leading] * np.where(vectors[:, leading].sum(axis=0) < 0, -1.0, 1.0)
    sd = np.sqrt(np.maximum(values[leading], 0.0))
    return PrincipalComponents(*(torch.from_numpy(np.ascontiguousarray(a, np.float32)) for a in (centre, modes, sd)))
