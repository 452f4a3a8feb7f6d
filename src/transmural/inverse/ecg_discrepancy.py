"""How the ECGs of a generative model differ from those that a heart makes, and ECGs made white for it.

Beyond the noise, the ECG of a beat differs from that of its decoded potentials, because the decoder and the nodes'
transfer matrix are approximations. The covariance of that difference is separable in lead and time, R ⊗ Q, with both
factors from training beats. With the eigenvectors P of R and S of Q and their eigenvalues r and q,

    y = Pᵀ Y S / √(r qᵀ + σ²)

is white where the model is right, and |y|² / 2 the negative log-likelihood.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

# Directions of leads beyond which all signals of the heart together are below this share of the noise.
_SILENT = 0.02


@dataclass(frozen=True)
class WhiteECG:
    """ECGs and transfer matrix in which noise and discrepancy are white.

    Attributes
    ----------
    ecg
        y of each case, shape (case, mode, frame mode).
    transfer
        Pᵀ H, shape (mode, node).
    frame_modes
        S, shape (time, frame mode).
    scale
        √(r qᵀ + σ²) of each case in mV, shape (case, mode, frame mode).
    """

    ecg: Tensor
    transfer: Tensor
    frame_modes: Tensor
    scale: Tensor

    @classmethod
    def of(cls, ecg: Tensor, transfer: Tensor, noise_sd_mv: Tensor, difference: Tensor) -> "WhiteECG":
        """Make ECGs white.

        Parameters
        ----------
        ecg
            Shape (case, lead, time) in mV.
        transfer
            Transfer matrix in mV a unit of TMP, shape (lead, node).
        noise_sd_mv
            Standard deviation of the white noise of each case, shape (case,).
        difference
            ECGs of training beats minus those of their decoded potentials in mV, shape (beat, lead, time).
        """
        beats, leads, frames = difference.shape
        wide = difference.double()
        variance = wide.square().mean()
        by_lead, lead_modes = torch.linalg.eigh(torch.einsum("blt,bmt->lm", wide, wide) / (beats * frames))
        by_frame, frame_modes = torch.linalg.eigh(torch.einsum("blt,blu->tu", wide, wide) / (beats * leads * variance))
        seen = lead_modes.T @ transfer.double()
        heard = seen.norm(dim=1) > _SILENT * float(noise_sd_mv.min())
        lead_modes, by_lead, seen = lead_modes[:, heard].float(), by_lead[heard].clamp_min(0), seen[heard].float()
        square = torch.outer(by_lead, by_frame.clamp_min(0)) + noise_sd_mv.double()[:, None, None] ** 2
        scale, frame_modes = square.sqrt().float(), frame_modes.float()
        return cls(lead_modes.T @ ecg @ frame_modes / scale, seen, frame_modes, scale)

    def misfit(self, tmp: Tensor, case: Tensor) -> Tensor:
        """White difference between the ECGs of potentials (sample, time, node) and those of the cases of these numbers.

        Returns
        -------
        Shape (sample, mode × frame mode); half its square is the negative log-likelihood up to a constant.
        """
        predicted = torch.einsum("kn,btn->bkt", self.transfer, tmp) @ self.frame_modes / self.scale[case]
        return (predicted - self.ecg[case]).flatten(1)
