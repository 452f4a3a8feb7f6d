"""Time finitewave on a sheet of Fenton–Karma tissue: its own process, since it needs an older NumPy than this project.

Usage: python finitewave_sheet_peer.py problem.npz activation.npy. The problem holds ``mesh`` and ``stimulus``
(row, column, with a margin of one node), ``diffusivity`` (mm² a ms), ``spacing_mm``, ``step_ms``, ``steps``,
``repeats``, ``level`` (potential that counts as activated) and the constants of the cell by finitewave's names. Writes
activation times in ms (−1 where there are none), and prints the CPU seconds of the fastest run and the number of
updated nodes on one line.
"""

import sys
import time
from collections.abc import Mapping

import finitewave as fw
import numpy as np

WARM_UP_STEPS = 2


def beat(problem: Mapping[str, np.ndarray], tracker: fw.ActivationTimeTracker | None = None) -> tuple[float, int]:
    """CPU seconds of a beat and its steps, set-up and the first steps left out.

    finitewave compiles the kernel of every model anew in that model's first step.
    """
    tissue = fw.CardiacTissue(problem["mesh"].shape)
    tissue.mesh = problem["mesh"].copy()
    stimuli = fw.StimSequence()
    stimuli.add_stim(fw.StimVoltageMatrix(0, 1, problem["stimulus"]))
    model = fw.FentonKarma()
    model.cardiac_tissue, model.stim_sequence, model.prog_bar = tissue, stimuli, False
    model.dt, model.dr = float(problem["step_ms"]), float(problem["spacing_mm"])
    model.D_model, model.npfloat = float(problem["diffusivity"]), "float32"
    for name in model.default_parameters:
        setattr(model, name, float(problem[name]))
    model.stencil = model.select_stencil(tissue)
    if tracker is not None:
        model.tracker_sequence = fw.TrackerSequence()
        model.tracker_sequence.add_tracker(tracker)
    model.initialize()
    model.t_max = WARM_UP_STEPS * model.dt
    model.run(initialize=False, num_of_threads=1)
    model.t_max, first = int(problem["steps"]) * model.dt, model.step
    start = time.process_time()
    model.run(initialize=False, num_of_threads=1)
    return time.process_time() - start, model.step - first


def main(path: str, activation_path: str) -> None:
    """Run the problem once for its activation times and then to measure."""
    problem = np.load(path)
    tracker = fw.ActivationTimeTracker()
    tracker.threshold = float(problem["level"])
    beat(problem, tracker)
    np.save(activation_path, tracker.output)
    cpu, steps = min(beat(problem) for _ in range(int(problem["repeats"])))
    print(cpu, int((problem["mesh"] == 1).sum()) * steps, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
