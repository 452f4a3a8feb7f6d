"""The β-CVAE of activation maps and its loss (Bacoyannis et al. 2019, section 3.2, figure 3).

The encoder's first convolution reads the map joined with potentials and mask (C1); what each of the decoder's layers of
stride 2 gives is joined with both at its own grid (C2, C3). Layers are those of `image_vae`, with ReLU and a sigmoid at
the end, as the paper names no others here; what is decoded is set to 0 outside of the wall, where errors don't count.

In this network the decoder knows the potentials only near each pixel: two kernels of 3 stand behind C2. In ours
(`fully_conditioned`) it knows all of them everywhere.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from transmural.networks.image_conditions import ImageConditions, Known
from transmural.networks.image_vae import Decoder, Encoder, loss_terms, reparametrised


class ConditionalNetwork(nn.Module):
    """Encoder q(z | map, conditions) and decoder p(map | z, conditions), with z ~ N(0, I).

    Parameters
    ----------
    description
        ``shape`` of a map, two or three axes; ``electrodes``, rows, columns and times of the potentials;
        ``electrode_axes``, as for `ImageConditions`; ``settings``, of `stores.config.image_networks.ConditionalVAE`.
    """

    def __init__(self, description: Mapping[str, Any]) -> None:
        super().__init__()
        self.settings = settings = description["settings"]
        self.shape, filters = tuple(description["shape"]), settings["filters"]
        self.conditions = ImageConditions(
            description["electrodes"], settings["bsp_samples"], description["electrode_axes"]
        )
        channels = self.conditions.channels
        self.encoder = Encoder(1 + channels, self.shape, settings, "relu")
        self.decoder = Decoder(settings["latent"], self.shape, filters, "relu", "sigmoid", channels)

    def known(self, bsp: Tensor, mask: Tensor) -> Known:
        """Conditions as channels of images on the decoder's two grids, the second of which is that of the maps.

        Parameters
        ----------
        bsp
            Potentials (case, electrode row, electrode column, time).
        mask
            Wall, (case, *space).
        """
        potentials = self.conditions.potentials(bsp)
        return Known(mask, [self.conditions.on_grid(potentials, mask, grid) for grid in self.decoder.grids])

    def encode(self, maps: Tensor, known: Known) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (case, latent) of q(z | map, conditions) of maps (case, *space), 0 outside of walls."""
        mean, log_variance = self.encoder(torch.cat([maps.unsqueeze(1), known.told[-1]], dim=1))
        return mean, log_variance

    def decode(self, latent: Tensor, known: Known) -> Tensor:
        """Maps (case, sample, *space), 0 outside of the wall, from latent variables (case, sample, latent)."""
        cases, samples, _ = latent.shape
        joined = [each.repeat_interleave(samples, dim=0) for each in known.told]
        maps = self.decoder(latent.flatten(0, 1), joined).float()
        in_wall: Tensor = maps.reshape(cases, samples, *self.shape) * known.mask.unsqueeze(1)
        return in_wall


class Conditional(Protocol):
    """What the loss asks of a network: `ConditionalNetwork`, or one with the same parts."""

    settings: Mapping[str, Any]
    training: bool

    def known(self, bsp: Tensor, mask: Tensor) -> Known:
        """As `ConditionalNetwork.known`."""

    def encode(self, maps: Tensor, known: Known) -> tuple[Tensor, Tensor]:
        """As `ConditionalNetwork.encode`."""

    def decode(self, latent: Tensor, known: Known) -> Tensor:
        """As `ConditionalNetwork.decode`."""


def conditional_loss(model: Conditional, batch: Mapping[str, Tensor], progress: float) -> dict[str, Tensor]:
    """Loss of a batch.

    Parameters
    ----------
    model
        The network.
    batch
        ``maps``, ``mask`` (case, *space); ``bsp`` (case, electrode row, electrode column, time).
    progress
        Ignored.

    Returns
    -------
    As `image_vae.loss_terms`, errors counting in the wall; in validation also ``prior_squared_error``, that of a map
    decoded from a sample of the prior.
    """
    maps, mask = batch["maps"], batch["mask"]
    known = model.known(batch["bsp"], mask)
    mean, log_variance = model.encode(maps, known)
    found = model.decode(reparametrised(mean, log_variance).unsqueeze(1), known).squeeze(1)
    terms = loss_terms(model.settings, found, maps, mask, mean, log_variance)
    if not model.training:
        blind = model.decode(torch.randn_like(mean).unsqueeze(1), known).squeeze(1)
        squares = ((blind - maps) * mask).square().flatten(1).sum(dim=1)
        terms["prior_squared_error"] = (squares / mask.flatten(1).sum(dim=1)).mean()
    return terms
