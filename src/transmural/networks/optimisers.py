"""The optimisers a training can choose between.

Adam and NAdam (Dozat 2016) with decoupled weight decay (Loshchilov & Hutter 2019); RMSprop with the decay 0.9 of
the mean square and the small number 1e-7 that are Keras's defaults, because those who publish «RMSprop» mostly used it.
"""

import torch
from torch import nn

from transmural.networks.without_compiler import leave_compiler_out
from transmural.stores.config.networks import Training


def optimiser_of(model: nn.Module, settings: Training, rate: float) -> torch.optim.Optimizer:
    """Optimiser of a network's parameters.

    Parameters
    ----------
    model
        The network.
    settings
        Its ``optimiser`` and ``weight_decay``.
    rate
        First learning rate.
    """
    leave_compiler_out()
    if settings.optimiser == "nadam":
        return torch.optim.NAdam(
            model.parameters(), lr=rate, weight_decay=settings.weight_decay, decoupled_weight_decay=True
        )
    if settings.optimiser == "rmsprop":
        return torch.optim.RMSprop(model.parameters(), lr=rate, alpha=0.9, eps=1e-7)
    return torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=settings.weight_decay, fused=True)
