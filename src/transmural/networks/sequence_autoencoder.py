"""Sequential variational autoencoder of transmembrane potentials (Ghimire et al. 2018, section 2).

Encoder and decoder are two layers of LSTM each, the second with separate networks for mean and log-variance; every
frame k has a latent vector of its own:

    q(Z|U) = Π_k N(Z_k | M_φ(U)_k, diag S_φ(U)_k),      p(U|Z) = Π_k N(U_k | M_θ(Z)_k, diag S_θ(Z)_k)      (eq. 1, 2)

An LSTM's output lies in (−1, 1). Left bare, as in the authors' release, that keeps the decoder's standard deviation
above 0.61 for potentials between 0 and 1 and the latent variance above 0.37. Here an affine layer follows every head:
one scale and offset a unit at the published width (a unit a node; the number of parameters hardly changes), a full
matrix where a head is narrower than the nodes. Narrow heads are what makes a small network cheap: the recurrent
matrices of a head with a unit a node take most of the time.

Two aids serve small networks and can be switched off (``components: 0``): the encoder reads the leading principal
components of the training potentials in place of the nodes, and the mean's affine layer starts from them. With 1,200
beats and the same training time the error of encoded and decoded new beats fell from 0.21 to 0.16 of their norm.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from transmural.networks.principal_components import PrincipalComponents
from transmural.networks.sequence_head import SequenceHead
from transmural.stores.config.networks import SequentialVAE as Settings

# log-variances at which training starts; a beat's latent path is soon known far better than the prior.
_FIRST_LOG_VARIANCE = -2.0


class SequentialVAE(nn.Module):
    """Encoder and decoder.

    Parameters
    ----------
    nodes
        Number of nodes, N.
    settings
        Sizes and variants.
    """

    centre: Tensor
    basis: Tensor

    def __init__(self, nodes: int, settings: Settings) -> None:
        super().__init__()
        hidden, latent, bare = settings.hidden, settings.latent, settings.heads == "bare"
        self.settings = settings
        read = settings.components or nodes
        self.register_buffer("centre", torch.zeros(nodes))
        self.register_buffer("basis", torch.zeros(nodes, settings.components))
        self.encoder = nn.LSTM(read, hidden, batch_first=True)
        self.latent_mean = SequenceHead(hidden, latent, 0, bare)
        self.latent_log_variance = SequenceHead(hidden, latent, 0, bare)
        self.decoder = nn.LSTM(latent, hidden, batch_first=True)
        self.mean = SequenceHead(hidden, nodes, settings.mean_units, bare)
        self.log_variance = SequenceHead(hidden, nodes, settings.variance_units, bare)
        for lstm in (self.encoder, self.decoder):
            remember(lstm)
        for head in (self.latent_log_variance, self.log_variance):
            head.start_at(_FIRST_LOG_VARIANCE)

    def start_from(self, components: PrincipalComponents) -> None:
        """Take centre, basis and first weights of the mean from the training potentials' principal components."""
        self.centre.copy_(components.centre)
        if self.settings.components:
            self.basis.copy_(components.whitening)
            self.mean.start_from(components.modes * components.sd)
        if self.settings.heads == "affine":
            self.mean.start_at(components.centre)

    def encode(self, tmp: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (case, time, latent) of the latent variables behind potentials (case, time, node)."""
        read = tmp - self.centre
        if self.settings.components:
            read = read @ self.basis
        features = torch.relu(self.encoder(read)[0])
        return self.latent_mean(features), self.latent_log_variance(features)

    def decode(self, latent: Tensor, frames: slice = slice(None)) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the potentials at these frames, (case, time, node) each, from latent variables."""
        mean, log_excess = self.decode_excess(latent, frames)
        return mean, self._floored(log_excess)

    def decode_excess(self, latent: Tensor, frames: slice = slice(None)) -> tuple[Tensor, Tensor]:
        """As `decode`, with the logarithm of what the variance is above `floor` in place of its own."""
        features = torch.relu(self.decoder(latent)[0])
        return self.mean(features, frames), self.log_variance(features, frames)

    @property
    def floor(self) -> float:
        """Least variance of the potentials; none with bare heads, whose log-variance is bounded anyway."""
        return 0.0 if self.settings.heads == "bare" else self.settings.sd_floor**2

    def decode_observed(self, latent: Tensor, transfer: Tensor) -> Tensor:
        """``H M_θ(Z)``, shape (case, time, row of H); where the mean's head is narrow, not by way of the nodes."""
        return self.mean.projected(torch.relu(self.decoder(latent)[0]), transfer)

    def decode_log_variance(self, latent: Tensor) -> Tensor:
        """Log-variance alone, as `decode` gives it."""
        return self._floored(self.log_variance(torch.relu(self.decoder(latent)[0])))

    def _floored(self, log_excess: Tensor) -> Tensor:
        """Log of ``floor + exp(log_excess)``."""
        if not self.floor:
            return log_excess
        floor = math.log(self.floor)
        floored: Tensor = softplus(log_excess - floor) + floor
        return floored


def remember(lstm: nn.LSTM) -> None:
    """Set the forget gates' bias to 1, so that an untrained LSTM keeps its memory (Jozefowicz et al. 2015)."""
    size = lstm.hidden_size
    with torch.no_grad():
        lstm.get_parameter("bias_ih_l0")[size : 2 * size] = 1.0
