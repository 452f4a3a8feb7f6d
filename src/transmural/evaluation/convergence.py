"""How fast the published EM and the gradient of the marginal likelihood find the data, step by step."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from transmural.evaluation.followed_methods import EM, MARGINAL_MAP
from transmural.evaluation.metrics import nrmse
from transmural.inverse.em import em_iterates
from transmural.inverse.marginal_map import marginal_map
from transmural.inverse.problem import Problem

COLUMNS = ["method", "step", "case", "misfit", "nrmse"]
# Shares of the configured gradient steps of the marginal MAP; each is a run of its own, because the step size follows
# a schedule over all of them.
_SHARES = (0.0, 0.125, 0.25, 0.5, 1.0)


def convergence(problem: Problem, truth: NDArray[np.floating], steps: int) -> pd.DataFrame:
    """Misfit and error over the gradient steps of both methods, which share the trained network.

    Parameters
    ----------
    problem
        Cases with training beats, trained network and the settings of both methods.
    truth
        True potentials, shape (case, time, node); for the error, which neither method knows.
    steps
        Gradient steps of EM, which is followed beyond where it would stop, as long as log p(Y, Z) grows; the marginal
        MAP takes as many as it is configured to.

    Returns
    -------
    Columns ``COLUMNS``: number of gradient steps done, root-mean-square residual of the decoded mean's ECG in units of
    the noise, and normalised RMSE of the posterior mean.
    """
    rows = [
        pd.DataFrame({"method": method, "step": step, "case": range(problem.cases), "misfit": misfit, "nrmse": error})
        for method, step, misfit, error in _looks(problem, truth, steps)
    ]
    return pd.concat(rows, ignore_index=True)[COLUMNS]


def _looks(
    problem: Problem, truth: NDArray[np.floating], steps: int
) -> Iterator[tuple[str, int, NDArray[np.float64], NDArray[np.float64]]]:
    em, marginal = problem.settings.em, problem.settings.marginal_map
    em = em.model_copy(update={"iterations": max(1, steps // em.gradient_steps), "tolerance": 0.0})
    for number, iterate in enumerate(em_iterates(problem, em)):
        yield EM, number * em.gradient_steps, iterate.misfit, nrmse(truth, iterate.tmp.numpy())
    for done in sorted({round(share * marginal.steps) for share in _SHARES}):
        settings = marginal.model_copy(update={"steps": done})
        inference = problem.settings.model_copy(update={MARGINAL_MAP: settings})
        found = marginal_map(replace(problem, inference=inference))
        yield MARGINAL_MAP, done, np.asarray(found.chosen["misfit"], np.float64), nrmse(truth, found.tmp)
