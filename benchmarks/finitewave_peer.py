"""Time finitewave on a problem: its own process, since it needs an older NumPy than this project.

Usage: python finitewave_peer.py problem.npz. The file holds ``mesh`` (x, y, z), ``fibre`` (x, y, z, 3) or an empty
array for isotropic tissue, ``along`` and ``across`` (mm² a time unit), ``spacing_mm``, ``step`` (time units), ``steps``
and ``a``. Prints wall seconds, CPU seconds, the number of updated nodes and the
highest potential on one line.
"""

import sys
import time

import finitewave as fw
import numpy as np

_WARM_UP_STEPS = 2


def main(path: str) -> None:
    """Compile in a few steps, then measure the rest."""
    problem = np.load(path)
    tissue = fw.CardiacTissue(problem["mesh"].shape)
    tissue.mesh = problem["mesh"].copy()
    if problem["fibre"].size:
        tissue.fibers = problem["fibre"]
    stimuli = fw.StimSequence()
    stimuli.add_stim(fw.StimVoltageCoord(0, 1, 1, 8, 1, tissue.mesh.shape[1] - 1, 1, tissue.mesh.shape[2] - 1))
    model = fw.AlievPanfilov()
    model.cardiac_tissue, model.stim_sequence, model.prog_bar = tissue, stimuli, False
    model.dt, model.dr = float(problem["step"]), float(problem["spacing_mm"])
    model.D_model, model.a = float(problem["along"]), float(problem["a"])
    model.npfloat = "float32"
    model.stencil = model.select_stencil(tissue)
    if problem["fibre"].size:
        model.stencil.D_al, model.stencil.D_ac = 1.0, float(problem["across"] / problem["along"])
    steps = int(problem["steps"])
    # finitewave compiles a kernel for every model, in its first step.
    model.t_max = _WARM_UP_STEPS * model.dt
    model.initialize()
    model.run(initialize=False, num_of_threads=1)
    model.t_max = (_WARM_UP_STEPS + steps) * model.dt
    start = time.perf_counter(), time.process_time()
    model.run(initialize=False, num_of_threads=1)
    wall, cpu = time.perf_counter() - start[0], time.process_time() - start[1]
    print(wall, cpu, len(tissue.myo_indexes) * steps, float(model.u.max()), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
