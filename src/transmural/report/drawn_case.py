"""Which cases are drawn, by a rule that looks at no picture, and what is drawn of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as field_

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from transmural.evaluation.activation import reconstructed_activation
from transmural.evaluation.scars import scar_field
from transmural.report.quantities import quantity

EARLY_FRACTION = 0.15


@dataclass(frozen=True)
class Choice:
    """A chosen test case and the sentence that says how it was chosen."""

    subject: str
    setting: str
    case: int
    rule: str


@dataclass(frozen=True)
class DrawnCase:
    """One test case: the truth and what each method made of it.

    Attributes
    ----------
    choice
        Subject, setting and case.
    anatomy
        Anatomy store of the subject.
    truth
        The case of the beats store (without dimension ``case``).
    tmp
        Reconstructed potentials by method, shape (time, node); NaN where the method failed.
    activation_time
        Reconstructed activation times in ms by method, shape (node,); NaN where none.
    scar
        Recovered scar by method, shape (node,), bool.
    """

    choice: Choice
    anatomy: xr.Dataset
    truth: xr.Dataset
    tmp: Mapping[str, NDArray[np.floating]]
    activation_time: Mapping[str, NDArray[np.floating]] = field_(default_factory=dict)
    scar: Mapping[str, NDArray[np.bool_]] = field_(default_factory=dict)

    @property
    def early_frame(self) -> int:
        """First frame at which `EARLY_FRACTION` of the nodes have been activated in truth."""
        times = np.sort(np.nan_to_num(self.truth["activation_time"].values.astype(float), nan=np.inf))
        moment = times[int(EARLY_FRACTION * (len(times) - 1))]
        return int(min(np.searchsorted(self.truth["time"].values, moment), self.truth.sizes["time"] - 1))


def how_chosen(cases: Sequence[DrawnCase]) -> str:
    """The sentence of a caption that says by which rule its cases were chosen."""
    rules = list(dict.fromkeys(case.choice.rule for case in cases))
    if len(rules) == 1:
        return f"Drawn: {rules[0]}."
    each = (f"of {case.choice.subject.replace('_', ' ')}, {case.choice.rule}" for case in cases)
    return f"Drawn: {'; '.join(each)}."


def drawn_case(
    choice: Choice,
    anatomy: xr.Dataset,
    beats: xr.Dataset,
    reconstructions: Mapping[str, xr.Dataset],
    thresholds: Mapping[str, float],
) -> DrawnCase:
    """Pick the chosen case out of its stores and apply the rules that scored it.

    Parameters
    ----------
    choice
        Which case.
    anatomy, beats
        Anatomy of the subject and true beats of the setting (contracts ANATOMY, BEATS).
    reconstructions
        Store of each method for the setting (contract RECONSTRUCTION, attribute ``scar_definition``).
    thresholds
        Scar threshold of each method, from validation beats.

    Raises
    ------
    ValueError
        If the beats don't hold the case.
    """
    numbers = beats["case"].values if "case" in beats.coords else np.arange(beats.sizes["case"])
    places = np.flatnonzero(np.asarray(numbers) == choice.case)
    if places.size != 1:
        raise ValueError(f"beats of {choice.subject}, {choice.setting} hold no case {choice.case}")
    place = int(places[0])
    tmp = {name: np.asarray(store["tmp"].values[place]) for name, store in reconstructions.items()}
    activation, scar = {}, {}
    for name, potential in tmp.items():
        failed = not np.isfinite(potential).all()
        usable = np.zeros_like(potential) if failed else potential
        definition = str(reconstructions[name].attrs["scar_definition"])
        activation[name] = reconstructed_activation(usable[None], beats["time"].values, definition)[0]
        field = scar_field(usable[None], definition)[0]
        scar[name] = (field < thresholds[name]) & (not failed)
    return DrawnCase(choice, anatomy, beats.isel(case=place), tmp, activation, scar)


def choose_case(scores: pd.DataFrame, setting: str, metric: str = "nrmse", subject: str | None = None) -> Choice:
    """The case whose ``metric`` is the (lower) median for the method that is best in this setting.

    Parameters
    ----------
    scores
        Tidy scores: subject, setting, case, method, metric, value.
    setting, metric, subject
        Where to look; all subjects when ``subject`` is None. The best method has the best mean over its cases.

    Raises
    ------
    ValueError
        If no case of this setting has the metric.
    """
    chosen = scores[(scores["setting"] == setting) & (scores["metric"] == metric)].dropna(subset=["value"])
    if subject is not None:
        chosen = chosen[chosen["subject"] == subject]
    if chosen.empty:
        raise ValueError(f"no case of setting '{setting}' has a value of metric '{metric}' for subject {subject!r}")
    shown = quantity(metric)
    means = chosen.groupby("method", sort=True)["value"].mean()
    best = str(means.idxmax() if shown.higher_is_better else means.idxmin())
    of_best = chosen[chosen["method"] == best].sort_values(["value", "subject", "case"], kind="stable")
    median = of_best.iloc[(len(of_best) - 1) // 2]
    rule = f"the case with the median {shown.label} of the method with the best mean ({best.replace('_', ' ')})"
    return Choice(str(median["subject"]), setting, int(median["case"]), rule)
