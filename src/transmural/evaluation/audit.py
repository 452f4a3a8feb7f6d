"""The published inference with one defect of the authors' release at a time, each against the corrected form.

The defects are those of the code that Ghimire et al. (2018) released. All forms meet the same beats, noise and random
streams, so a difference is that of the defect alone. One of them needs the truth: no method can have it, and its row
says so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from transmural.evaluation.scores import score
from transmural.inverse.em import em_iterates, expectation_maximisation, least_error
from transmural.inverse.preparation import as_dataset
from transmural.inverse.problem import Problem, Reconstruction
from transmural.inverse.registry import get

CORRECTED, ORACLE = "corrected", "oracle_stopping"
METHOD = "em"


@dataclass(frozen=True)
class Form:
    """One form of the method.

    Attributes
    ----------
    label
        Name in tables.
    defect
        What it does, in a sentence for readers.
    training, inference
        What differs from the configured settings of the network and of the method.
    """

    label: str
    defect: str
    training: Mapping[str, Any] = field(default_factory=dict)
    inference: Mapping[str, Any] = field(default_factory=dict)


FORMS = {
    CORRECTED: Form("Corrected", "the method EM of the other tables"),
    ORACLE: Form(
        "Oracle stopping (uses the truth)",
        "of all iterates the one nearest to the truth is returned, which no one could do with a patient",
    ),
    "bare_heads": Form(
        "Bare heads",
        "means and log-variances stay within (−1, 1), so no standard deviation of a potential falls below 0.61",
        training={"heads": "bare"},
    ),
    "kl_scaling": Form(
        "Divergence scaled",
        "likelihood and divergence are divided by different numbers, so the divergence weighs N over the latent size "
        "times too much in training",
        training={"kl_scaling": "released"},
    ),
    "prior_weighting": Form(
        "Likelihood divided",
        "the M-step divides the likelihood by its number of values and the prior not, so the prior dominates",
        inference={"prior_weighting": "released"},
    ),
    "healthy_start": Form(
        "Healthy start",
        "Z starts at the encoding of a healthy training beat in place of the mean of p(Z)",
        inference={"start": "healthy"},
    ),
}


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
        Folder of the trained network of each form, by the names of `FORMS`.
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
