"""The few combinations of leads that tell something of the heart, and the noise that all others hear.

With the singular value decomposition H = P diag(s) Qᵀ, the coefficients Pᵀ Y of the ECG are as good as Y, and white
noise stays white. Along mode i the potentials' standard deviation, given Z, is a few tenths (they lie between 0 and 1),
so the mode's signal is a few tenths of s_i; modes with s_i below three times the noise are left out. At 30 dB that
leaves about a third of 120 leads and changes the error on validation beats by 0.3 % of itself; all systems of equations
are of that size. Modes with s_i below the noise hear it alone, which gives its level without any model of the heart.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from transmural.inverse.problem import Problem
from transmural.stores.errors import InferenceError

Doubles = NDArray[np.float64]

# Modes whose signal from potentials of unit standard deviation is at most so many times the noise are left out.
_FAINT = 3.0
# Of those, these tell the noise.
_SILENT = 1.0


@dataclass(frozen=True)
class LeadModes:
    """ECGs and transfer matrix in the modes that tell something.

    Attributes
    ----------
    ecg
        Coefficients in mV, shape (case, time, mode).
    transfer
        mV a unit of TMP, shape (mode, node).
    silent_energy
        Energy of each ECG in all directions that hear nothing of the heart in mV², shape (case,).
    silent_values
        Number of values behind that energy: such directions × frames.
    """

    ecg: Doubles
    transfer: Doubles
    silent_energy: Doubles
    silent_values: int

    @classmethod
    def of(cls, problem: Problem) -> "LeadModes":
        """Modes of a problem; its least noise decides how many (all that aren't zero where there is no noise)."""
        transfer = problem.centred_transfer
        left, values, right = np.linalg.svd(transfer, full_matrices=False)
        least, exact = float(problem.noise_sd_mv.min()), values[0] * max(transfer.shape) * np.finfo(float).eps
        kept, audible = values > max(_FAINT * least, exact), values > max(_SILENT * least, exact)
        kept[0] = audible[0] = True
        ecg = problem.ecg.astype(np.float64).transpose(0, 2, 1)
        coefficients = ecg @ left[:, audible]
        # As a remainder, not a difference of energies, which would lose it in the signal's rounding.
        rest = ecg - coefficients @ left[:, audible].T
        silent = (transfer.shape[0] - int(audible.sum())) * ecg.shape[1]
        modes = np.ascontiguousarray(coefficients[..., kept[audible]])
        return cls(modes, values[kept, None] * right[kept], np.sum(rest**2, axis=(1, 2)), silent)

    def inferred_noise_sd(self) -> Doubles:
        """Standard deviation of the noise in mV, from what the silent directions hear, shape (case,).

        Raises
        ------
        InferenceError
            If there are no silent directions.
        """
        if self.silent_values == 0:
            raise InferenceError(
                "lead modes: every combination of leads hears the heart, so the noise can't be inferred; "
                "choose noise: given"
            )
        return np.asarray(np.sqrt(self.silent_energy / self.silent_values))
