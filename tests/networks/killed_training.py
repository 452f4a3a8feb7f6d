"""Train slowly, a checkpoint every epoch, until killed: ``python killed_training.py CHECKPOINT EPOCHS``."""

import sys
import time
from dataclasses import replace
from pathlib import Path

from line import DATA, RUN, VALIDATION, line, noisy_squares, settings

from transmural.networks import training


def progress(done, epochs):
    print(done, flush=True)
    time.sleep(0.1)


training.SECONDS_BETWEEN_CHECKPOINTS, training.LARGEST_SHARE = 0.0, float("inf")
run = replace(RUN, checkpoint=Path(sys.argv[1]), progress=progress)
plan = settings(epochs=int(sys.argv[2]), patience_epochs=int(sys.argv[2]))
training.fit(line(), noisy_squares, DATA, VALIDATION, plan, run)
