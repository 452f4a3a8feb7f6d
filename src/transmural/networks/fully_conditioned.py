"""A β-CVAE whose decoder is told all potentials and the whole wall at once: ours, in 2-D or 3-D.

In the published network (`conditional_network`) a pixel sees the potentials of the electrodes near it only. Here two
dense layers read the potentials of all electrodes, a `Trunk` the mask; what they say starts the decoder and ends the
encoder. The decoder works at a quarter and at half of the image's resolution, is given mask and coordinates there, and
its last layer gives each coarse pixel the values of the 2 × 2 (× 2) fine ones in it (W. Shi et al., «Real-time single
image and video super-resolution using an efficient sub-pixel convolutional neural network», CVPR 2016): in three
dimensions this costs an eighth of convolutions on the fine image.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from transmural.networks.image_conditions import ImageConditions, Known
from transmural.networks.image_vae import Trunk, convolution, transposed_convolution

_MASK_FILTERS, _MASK_UNITS = 8, 32


class FullyConditionedNetwork(nn.Module):
    """Encoder q(z | map, conditions) and decoder p(map | z, conditions), with z ~ N(0, I).

    Parameters
    ----------
    description
        ``shape`` of a map, two or three axes, each a multiple of 4; ``electrodes``, rows, columns and times of the
        potentials; ``electrode_axes``, which aren't used, as every pixel sees all electrodes; ``settings``, of
        `stores.config.image_networks.FullyConditionedVAE`.
    """

    quarter_places: Tensor
    half_places: Tensor

    def __init__(self, description: Mapping[str, Any]) -> None:
        super().__init__()
        self.settings = settings = description["settings"]
        self.shape, rows_columns = tuple(description["shape"]), description["electrodes"][:2]
        axes, filters, fine = len(self.shape), settings["filters"], settings["fine_filters"]
        self.conditions = ImageConditions(
            description["electrodes"], settings["bsp_samples"], tuple(description["electrode_axes"])
        )
        inputs = math.prod(rows_columns) * (self.conditions.channels - 1)
        hidden, units = settings["condition_hidden"], settings["condition_units"]
        self.read_bsp = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, units), nn.ReLU())
        self.read_mask = Trunk(1, self.shape, _MASK_FILTERS, _MASK_UNITS, "relu")
        told = units + _MASK_UNITS
        self.read_map = Trunk(2, self.shape, _MASK_FILTERS, settings["dense"], "relu")
        self.mean = nn.Linear(settings["dense"] + told, settings["latent"])
        self.log_variance = nn.Linear(settings["dense"] + told, settings["latent"])
        half_places = _coarser(coordinates(self.shape).unsqueeze(0))
        self.register_buffer("half_places", half_places, persistent=False)
        self.register_buffer("quarter_places", _coarser(half_places), persistent=False)
        self._quarter = [size // 4 for size in self.shape]
        self.start = nn.Linear(settings["latent"] + told, filters * math.prod(self._quarter))
        self.coarse = convolution(axes)(filters + 1 + axes, filters, 3, padding=1)
        self.grow = transposed_convolution(axes)(filters, fine, 4, stride=2, padding=1)
        self.middle = convolution(axes)(fine + 2**axes + axes, fine, 3, padding=1)
        self.image = convolution(axes)(fine, 2**axes, 1)

    def known(self, bsp: Tensor, mask: Tensor) -> Known:
        """Features (case, unit) that the dense layers and the `Trunk` find in the conditions.

        Parameters
        ----------
        bsp
            Potentials (case, electrode row, electrode column, time).
        mask
            Wall, (case, *space).
        """
        potentials = self.conditions.potentials(bsp).flatten(1)
        return Known(mask, [torch.cat([self.read_bsp(potentials), self.read_mask(mask.unsqueeze(1))], dim=1)])

    def encode(self, maps: Tensor, known: Known) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (case, latent) of q(z | map, conditions) of maps (case, *space), 0 outside of walls."""
        seen = torch.cat([self.read_map(torch.stack([maps, known.mask], dim=1)), *known.told], dim=1)
        return self.mean(seen).float(), self.log_variance(seen).float()

    def decode(self, latent: Tensor, known: Known) -> Tensor:
        """Maps (case, sample, *space), 0 outside of the wall, from latent variables (case, sample, latent)."""
        cases, samples, _ = latent.shape
        walls, told = (each.repeat_interleave(samples, dim=0) for each in (known.mask, *known.told))
        within = folded(walls.unsqueeze(1))
        quarter = torch.cat([folded(within).mean(dim=1, keepdim=True), _of_each(self.quarter_places, walls)], dim=1)
        half = torch.cat([within, _of_each(self.half_places, walls)], dim=1)
        hidden = torch.relu(self.start(torch.cat([latent.flatten(0, 1), told], dim=1)))
        hidden = torch.relu(self.coarse(torch.cat([hidden.reshape(len(hidden), -1, *self._quarter), quarter], dim=1)))
        hidden = torch.relu(self.grow(hidden))
        hidden = torch.relu(self.middle(torch.cat([hidden, half], dim=1)))
        maps = torch.sigmoid(unfolded(self.image(hidden)).float()).squeeze(1) * walls
        return maps.reshape(cases, samples, *self.shape)


def coordinates(shape: Sequence[int]) -> Tensor:
    """Coordinates of pixels from −1 to 1, (axis, *shape)."""
    return torch.stack(torch.meshgrid(*(torch.linspace(-1, 1, size) for size in shape), indexing="ij"))


def folded(images: Tensor) -> Tensor:
    """Images at half the resolution, each pixel's 2 × 2 (× 2) fine ones as channels.

    Parameters
    ----------
    images
        Shape (case, channel, *space), every axis even.

    Returns
    -------
    Shape (case, channel × 2 ** axes, *half); a channel's fine pixels follow one another.
    """
    axes = images.ndim - 2
    halves = [part for size in images.shape[2:] for part in (size // 2, 2)]
    split = images.reshape(*images.shape[:2], *halves)
    first = [2 + 2 * axis for axis in range(axes)]
    return split.permute(0, 1, *(axis + 1 for axis in first), *first).flatten(1, 1 + axes)


def unfolded(images: Tensor) -> Tensor:
    """The inverse of `folded`: shape (case, channel, *space) of (case, channel × 2 ** axes, *half)."""
    axes = images.ndim - 2
    split = images.reshape(len(images), -1, *[2] * axes, *images.shape[2:])
    order = [axis for each in range(axes) for axis in (2 + axes + each, 2 + each)]
    return split.permute(0, 1, *order).reshape(len(images), -1, *(2 * size for size in images.shape[2:]))


def _coarser(places: Tensor) -> Tensor:
    """Means of coordinates (1, axis, *space) on a grid half as fine."""
    finer = folded(places)
    return finer.reshape(1, places.shape[1], -1, *finer.shape[2:]).mean(dim=2)


def _of_each(places: Tensor, cases: Tensor) -> Tensor:
    """Coordinates (1, axis, *grid) for every one of the cases."""
    return places.expand(len(cases), *places.shape[1:])
