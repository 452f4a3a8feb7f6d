"""The published inference with one defect of the authors' release at a time, each against the corrected form.

The defects are those of the code that Ghimire et al. (2018) released. All forms meet the same beats, noise and random
streams, so a difference is that of the defect alone. One of them needs the truth: no method can have it, and its row
says so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from transmural.evaluation.audit_forms import CORRECTED, FORMS, METHOD, ORACLE
from transmural.evaluation.scores import score
from transmural.inverse.em import em_iterates, expectation_maximisation, least_error
from transmural.inverse.preparation import as_dataset
from transmural.inverse.problem import Problem, Reconstruction
from transmural.inverse.registry import get


def audit(
    problem: Problem,
    networks: Mapping[str, Path],
    truth: xr.Dataset,
    anatomy: xr.Dataset,
    threshold: float,
    *,
    subject: str,
    cohort: str,
    setting: str,
) -> pd.DataFrame:
    """Score every form on the same cases.

    Parameters
    ----------
    problem
        The cases, with training beats and the settings of the method.
    networks
        Folder of the trained network of each form, by the names of `audit_forms.FORMS`.
    truth
        The same cases (contract BEATS).
    anatomy
        Geometry of the nodes (contract ANATOMY).
    threshold
        Scar threshold of the corrected form, from validation beats; all forms are scored with it.
    subject, cohort, setting
        Names for the rows.

    Returns
    -------
    Tidy scores as `evaluation.scores` gives them; ``method`` is the form. No costs.
    """
    parts = []
    for name, found in _reconstructions(problem, networks, truth["tmp"].values):
        unmeasured = np.full(problem.cases, np.nan)
        uncosted = replace(found, seconds=unmeasured, memory_mb=unmeasured)
        dataset = as_dataset(uncosted, problem.time_ms, get(METHOD))
        names = {"subject": subject, "cohort": cohort, "setting": setting, "method": name}
        parts.append(score(truth, dataset, anatomy, threshold, **names))
    return pd.concat(parts, ignore_index=True)


def _reconstructions(
    problem: Problem, networks: Mapping[str, Path], truth: NDArray[np.floating]
) -> Iterator[tuple[str, Reconstruction]]:
    for name, form in FORMS.items():
        settings = problem.settings.em.model_copy(update=dict(form.inference))
        if name == CORRECTED:
            # The oracle's choice is among the iterates of this form, which are costly.
            iterates = list(em_iterates(replace(problem, network=networks[name]), settings))
            yield name, Reconstruction(iterates[-1].tmp.numpy(), iterates[-1].variance.sqrt().numpy())
            yield ORACLE, least_error(iterates, truth)
        elif name != ORACLE:
            yield name, expectation_maximisation(replace(problem, network=networks[name]), settings)
