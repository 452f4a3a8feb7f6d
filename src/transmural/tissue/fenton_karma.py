"""The three-variable model of Fenton and Karma with atrial parameters, written once for SciPy and numba.

With u the dimensionless transmembrane potential and the gates v (fast inward) and w (slow inward), time in ms,

    du/dt = −J_fi − J_so − J_si
    J_fi = −v p (1 − u)(u − u_c) / τ_d          p = 1 where u ≥ u_c, else 0
    J_so = u (1 − p) / τ_o + p / τ_r            q = 1 where u ≥ u_v, else 0
    J_si = −w (1 + tanh(k (u − u_csi))) / 2 τ_si
    dv/dt = (1 − p)(1 − v) / τ_v⁻ − p v / τ_v⁺,    τ_v⁻ = (1 − q) τ_v1⁻ + q τ_v2⁻
    dw/dt = (1 − p)(1 − w) / τ_w⁻ − p w / τ_w⁺.

Source: F. Fenton and A. Karma, «Vortex dynamics in three-dimensional continuous myocardium with fiber rotation», Chaos
8(1), 20–47, 1998, equations 3 to 11; parameters after A. M. Goodman et al., «A membrane model of electrically
remodelled atrial myocardium derived from in vivo measurements», Europace 7, S135–S145, 2005.
"""

from typing import Any, Literal, NamedTuple

AtrialCell = Literal["remodelled", "control"]


class FentonKarma(NamedTuple):
    """The model's constants: times in ms, thresholds and the slope k dimensionless."""

    tau_d: float
    k: float
    tau_r: float
    tau_si: float
    tau_o: float
    tau_v_plus: float
    tau_v1_minus: float
    tau_v2_minus: float
    tau_w_plus: float
    tau_w_minus: float
    u_c: float
    u_v: float
    u_csi: float


ATRIAL_CELLS: dict[AtrialCell, FentonKarma] = {
    "remodelled": FentonKarma(0.125, 10, 70, 114, 32.5, 5.75, 82.5, 60, 300, 400, 0.16, 0.04, 0.85),
    "control": FentonKarma(0.125, 10, 65, 47, 32.5, 5.75, 160, 40, 300, 90, 0.16, 0.04, 0.85),
}


def inward_current(u: Any, v: Any, w: Any, switch: Any, cell: Any, one: Any) -> Any:
    """Return du/dt of a cell, −(J_fi + J_so + J_si) in 1/ms.

    Parameters
    ----------
    u, v, w
        Potential and gates.
    switch
        1 + tanh(k (u − u_csi)), which the caller computes as fast as it needs.
    cell
        Constants, a `FentonKarma` of the precision in which to compute.
    one
        1 in that precision: beside float32 variables numba would promote a literal number to float64.
    """
    excited = v * (one - u) * (u - cell.u_c) / cell.tau_d - one / cell.tau_r
    resting = -u / cell.tau_o
    slow = w * switch / (cell.tau_si + cell.tau_si)
    return (excited if u >= cell.u_c else resting) + slow
