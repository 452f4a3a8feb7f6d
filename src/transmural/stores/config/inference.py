"""How each method infers potentials through a generative model, a section a method."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from transmural.stores.config.model import Number, Section, Whole, cross_check, quantity


class ExpectationMaximisation(Section):
    """Expectation-maximisation as published (Ghimire et al. 2018, section 3)."""

    iterations: Whole = quantity("1", "E-steps at most", ge=1, le=10_000)
    gradient_steps: Whole = quantity("1", "Gradient steps of Adam on Z in an M-step", ge=1, le=1000)
    learning_rate: Number = quantity("1", "Step size of Adam, in prior standard deviations", gt=0, le=1)
    tolerance: Number = quantity(
        "1", "Stops when log p(Y, Z) has grown by less than this share over five iterations", ge=0, le=1
    )
    start: Literal["prior_mean", "healthy"] = Field(
        description="Where Z starts: mean of p(Z), or the encoding of a healthy training beat as released"
    )
    prior_weighting: Literal["proper", "released"] = Field(
        description="Released: the M-step's likelihood is divided by its number of values, and p(Z) is not"
    )


class MarginalMAP(Section):
    """Maximum of the posterior of the latent variables, potentials integrated out."""

    starts: Whole = quantity("1", "Encodings of the training beats with the nearest ECGs to start from", ge=1, le=100)
    survivors: Whole = quantity("1", "Starts of the highest log p(Y, Z) that are followed", ge=1, le=100)
    steps: Whole = quantity("1", "Gradient steps of Adam from each", ge=0, le=10_000)
    learning_rate: Number = quantity("1", "Largest step size of Adam, in prior standard deviations", gt=0, le=1)
    covariance_steps: Whole = quantity(
        "1", "Steps after which the covariance of the ECG given Z is renewed", ge=1, le=10_000
    )
    noise: Literal["given", "inferred"] = Field(
        description="The noise's standard deviation: as given, or inferred with Z (then the given one only starts it)"
    )

    @cross_check
    def _survivors_are_starts(self) -> Iterator[str]:
        if self.survivors > self.starts:
            yield f"survivors ({self.survivors}) exceed starts ({self.starts})"


class ActivationMAP(Section):
    """Maximum of the posterior of the static latent variable behind the activation maps."""

    starts: Whole = quantity("1", "Starts: nearest training beats, and round scars with their origins", ge=1, le=100)
    first_steps: Whole = quantity("1", "Gradient steps of Adam from each, on some fifty frames", ge=1, le=10_000)
    survivors: Whole = quantity("1", "Starts of the highest posterior that are followed", ge=1, le=100)
    rough_steps: Whole = quantity("1", "Gradient steps from each of these", ge=1, le=10_000)
    second_starts: Whole = quantity(
        "1", "Round scars that are tried once more, with the origin and pace found so far", ge=1, le=1000
    )
    steps: Whole = quantity("1", "Gradient steps from the best of all", ge=1, le=10_000)
    newton_steps: Whole = quantity("1", "Steps of Gauss–Newton after these", ge=1, le=100)
    learning_rate: Number = quantity("1", "Largest step size of Adam, in prior standard deviations", gt=0, le=1)
    samples: Whole = quantity("1", "Samples of the posterior behind mean and standard deviation", ge=2, le=10_000)
    temperature: Number = quantity(
        "1", "Factor on the posterior's covariance, chosen on validation beats for the coverage of intervals", gt=0
    )

    @cross_check
    def _survivors_are_starts(self) -> Iterator[str]:
        if self.survivors > self.starts:
            yield f"survivors ({self.survivors}) exceed starts ({self.starts})"


class EPConstrained(Section):
    """Unscented filter constrained by an electrophysiological model (the paper's comparison)."""

    modes: Whole = quantity("1", "Modes of the wall that carry the covariance; the full filter has all", ge=10, le=5000)
    conduction_velocity_m_per_s: Number = quantity("m/s", "Of the model's waves along the wall", ge=0.2, le=2.0)
    model_error_per_ms: Number = quantity(
        "1",
        "Standard deviation of the error that the model makes in u in 1 ms; it grows with the root of time",
        gt=0,
        le=1,
    )
    model_error_length_mm: Number = quantity("mm", "Length along the wall over which the error is alike", gt=0, le=100)


class Inference(Section):
    """How potentials are inferred through a generative model, a section a method."""

    em: ExpectationMaximisation
    marginal_map: MarginalMAP
    activation_map: ActivationMAP
    ep_constrained: EPConstrained

    @classmethod
    def of(cls, method: str, values: Mapping[str, Any]) -> "Inference":
        """The section of one method alone, so that its results depend on no other's; asking for another is an error."""
        section: Any = cls.model_fields[method].annotation
        return cls.model_construct(**{method: section.model_validate(values)})
