"""The forms of the audit: the corrected method, and each of the release's defects (`audit`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
