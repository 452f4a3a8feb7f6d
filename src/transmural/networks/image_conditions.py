"""Body-surface potentials and wall mask as channels of an image, at any size of the grid.

How the published network joins potentials at 10 × 10 electrodes to a map of another size is not stated. Here the
potentials, standardised, are averaged to fewer times, each of which is a channel. The electrodes' grid is stretched
over the image (bilinear, outermost electrodes on outermost pixels), its rows and columns each along an axis of the
image, the same at every place along a third axis. Rows that stand across a slice are averaged. The mask becomes the
share of wall in a coarser pixel.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool1d, interpolate


class Known(NamedTuple):
    """What a network makes of the conditions of some cases, once for its encoder and its decoder.

    Attributes
    ----------
    mask
        Wall, (case, *space).
    told
        What the network reads of potentials and wall, (case, …) each.
    """

    mask: Tensor
    told: Sequence[Tensor]


class ImageConditions(nn.Module):
    """Channels of potentials and mask.

    Parameters
    ----------
    electrodes
        Electrode rows, electrode columns, times of the potentials.
    samples
        Times that are left.
    axes
        Axes of the image along which electrode rows and electrode columns follow one another; None for rows if they
        stand across a slice.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, electrodes: Sequence[int], samples: int, axes: tuple[int | None, int]) -> None:
        super().__init__()
        rows, columns, times = electrodes
        self._samples, (self._rows, self._columns) = min(samples, times), axes
        self.channels = self._samples + 1
        self.register_buffer("mean", torch.zeros(self._samples, rows, columns))
        self.register_buffer("scale", torch.ones(()))

    def standardise(self, bsp: Tensor) -> None:
        """From now on subtract the mean of these potentials (case, row, column, time) and divide by their spread."""
        averaged = self._averaged(bsp)
        self.mean.copy_(averaged.mean(dim=0))
        spread = (averaged - self.mean).square().mean().sqrt()
        self.scale.copy_(torch.where(spread > 0, spread, torch.ones_like(spread)))

    def potentials(self, bsp: Tensor) -> Tensor:
        """Standardised potentials at fewer times, (case, sample, row, column), of (case, row, column, time)."""
        return (self._averaged(bsp) - self.mean) / self.scale

    def on_grid(self, potentials: Tensor, mask: Tensor, grid: Sequence[int]) -> Tensor:
        """Channels (case, channel, *grid) of `potentials` and masks (case, *space)."""
        rows, columns = self._rows, self._columns
        along = {columns: grid[columns]} if rows is None else {rows: grid[rows], columns: grid[columns]}
        if rows is None:
            potentials = potentials.mean(dim=2, keepdim=True)
        plane = [1 if rows is None else grid[rows], grid[columns]]
        stretched = interpolate(potentials, size=plane, mode="bilinear", align_corners=True)
        if rows is not None and rows > columns:
            stretched = stretched.transpose(2, 3)
        sizes = [along.get(axis, 1) for axis in range(len(grid))]
        spread = stretched.reshape(*potentials.shape[:2], *sizes).expand(-1, -1, *grid)
        share = interpolate(mask.unsqueeze(1), size=list(grid), mode="area")
        return torch.cat([spread, share], dim=1)

    def _averaged(self, bsp: Tensor) -> Tensor:
        averaged: Tensor = adaptive_avg_pool1d(bsp.flatten(1, 2), self._samples)
        return averaged.reshape(*bsp.shape[:3], self._samples).permute(0, 3, 1, 2).contiguous()
