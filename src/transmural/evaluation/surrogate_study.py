"""What study 5 tests: the surrogate, its ablations and the baselines, on what training has and hasn't shown them.

Settings: ``test`` (sheets of the same kind), ``stimulus_moved`` (waves from elsewhere), ``electrode_moved_…`` (the same
predictions against another electrode's ECG), ``frames_every_…`` (fewer frames, each held until the next) and
``held_out_…`` (a tissue class that neither training nor validation has shown).
"""

from collections.abc import Mapping
from time import perf_counter

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from transmural.cohorts.sheets import PARTS, REFERENCE, EcgScale, part_of
from transmural.evaluation.surrogate_baselines import (
    LearntLeadField,
    class_mean,
    closed_form,
    frame_currents,
    learnt_lead_field,
    ridge_on_mean_voltage,
    tissue_potentials,
)
from transmural.evaluation.surrogate_scores import (
    SOLVER,
    SURROGATE,
    TEST,
    hold_frames,
    score_predictions,
    seconds_rows,
)
from transmural.networks.forward_surrogate import predict
from transmural.networks.saved import TrainedNetwork
from transmural.stores.config.sheets import WITHOUT, ForwardSurrogateStudy

Doubles = NDArray[np.float64]
Predictions = dict[str, Doubles]


class SurrogateStudy:
    """Everything that is scored, from sheets and trained networks.

    Parameters
    ----------
    published, moved
        Sheets of both cohorts (contract SHEETS).
    networks
        Trained networks by name, as `ForwardSurrogateStudy.trainings` lists them.
    study
        Settings.
    """

    def __init__(
        self,
        published: xr.Dataset,
        moved: xr.Dataset,
        networks: Mapping[str, TrainedNetwork],
        study: ForwardSurrogateStudy,
    ) -> None:
        self._networks, self._study, self._moved = networks, study, moved
        part = part_of(_classes(published), study.test_share)
        self._parts = {name: published.isel(case=part == name) for name in PARTS}
        self._rows: list[pd.DataFrame] = []
        self._lead_fields: dict[str | None, LearntLeadField] = {}

    def scores(self) -> tuple[pd.DataFrame, Predictions]:
        """Tidy scores of every setting, and the scaled predictions of the setting ``test`` by method, (sheet, time)."""
        predictions, seconds = self._on_test_sheets()
        test = self._parts[TEST]
        self._add(TEST, test, predictions)
        self._add("stimulus_moved", self._moved, self._usual(self._moved))
        for lead in test["lead"].values[1:]:
            moved = self._usual(test) | self._unlearnt(test, str(lead))
            self._add(str(lead), test, moved, str(lead))
        for every in self._study.frames_every:
            self._add(f"frames_every_{every}", test, self._usual(_with_frames_held(test, every)))
        for name in self._study.held_out:
            self._add_held_out(name)
        rows = [*self._rows, seconds_rows(seconds, _classes(test), test["case"].values)]
        return pd.concat(rows, ignore_index=True), predictions

    def truth(self, sheets: xr.Dataset, lead: str = REFERENCE) -> Doubles:
        """Scaled ECGs of sheets, shape (sheet, time)."""
        return self._scale(sheets, lead).scaled(sheets["ecg"].sel(lead=lead).values)

    def _scale(self, sheets: xr.Dataset, lead: str = REFERENCE) -> EcgScale:
        known = self._parts["training"]["ecg"].sel(lead=REFERENCE).values
        return EcgScale.of(sheets["ecg"].sel(lead=lead).values, known, self._study.ecg_scale)

    def _known(self, sheets: xr.Dataset, lead: str = REFERENCE) -> Doubles:
        """Closed form for known tissue and electrode."""
        tmp = tissue_potentials(sheets["tmp"].values, sheets["conductive_share"].values)
        found = closed_form(tmp, sheets["lead_field"].sel(lead=lead).values)
        return self._scale(sheets, lead).scaled(found)

    def _from_currents(self, sheets: xr.Dataset, lead: str = REFERENCE) -> Doubles:
        """The frames' currents, with the mean diffusivity of the training sheets for want of the sheet's own."""
        electrode = sheets["electrode_position"].sel(lead=lead).values
        found = frame_currents(sheets["tmp"].values, float(sheets.attrs["cell_mm"]), electrode)
        if self._study.ecg_scale == "each":
            # D is a factor, which goes with the scale.
            return EcgScale.of(found, found, "each").scaled(found)
        diffusivity = float(self._parts["training"]["diffusivity"].mean())
        return self._scale(sheets, lead).scaled(diffusivity * found)

    def _unlearnt(self, sheets: xr.Dataset, lead: str = REFERENCE) -> Predictions:
        return {"closed_form": self._known(sheets, lead), "frame_currents": self._from_currents(sheets, lead)}

    def _learnt(self, sheets: xr.Dataset, without: str | None = None) -> Predictions:
        """Baselines that learn from the training sheets, all of them or all but a class."""
        known = [self._parts[name] for name in PARTS[:2]]
        training, validation = (part.isel(case=part["tissue_class"].values != without) for part in known)
        given = training["tmp"].values, self.truth(training), validation["tmp"].values, self.truth(validation)
        tmp = sheets["tmp"].values
        if without not in self._lead_fields:
            self._lead_fields[without] = learnt_lead_field(*given)
        found = {
            "ridge_mean_voltage": ridge_on_mean_voltage(*given, tmp),
            "ridge_frames": self._lead_fields[without].ecg(tmp),
        }
        if without is None:
            found["class_mean"] = class_mean(given[1], _classes(training), _classes(sheets))
        return found

    def _predicted(self, name: str, sheets: xr.Dataset) -> Doubles:
        return predict(self._networks[name], sheets["tmp"].values).astype(np.float64)

    def _usual(self, sheets: xr.Dataset) -> Predictions:
        return {
            SURROGATE: self._predicted(SURROGATE, sheets),
            **self._unlearnt(sheets),
            **self._learnt(sheets),
        }

    def _on_test_sheets(self) -> tuple[Predictions, dict[str, Doubles]]:
        """Predictions of all methods, and seconds a sheet of those that the cost table compares."""
        test = self._parts[TEST]
        found = {name: self._predicted(name, test) for name in (SURROGATE, *self._study.forms)}
        one = [test.isel(case=[case]) for case in range(test.sizes["case"])]
        seconds = {
            SOLVER: test["seconds"].values.astype(np.float64),
            SURROGATE: np.array([_time(lambda sheet=sheet: self._predicted(SURROGATE, sheet)) for sheet in one]),
            "closed_form": np.array([_time(lambda sheet=sheet: self._known(sheet)) for sheet in one]),
            "frame_currents": np.array([_time(lambda sheet=sheet: self._from_currents(sheet)) for sheet in one]),
        }
        return found | self._unlearnt(test) | self._learnt(test), seconds

    def _add_held_out(self, name: str) -> None:
        sheets = self._parts[TEST]
        sheets = sheets.isel(case=sheets["tissue_class"].values == name)
        found = {SURROGATE: self._predicted(f"{WITHOUT}{name}", sheets), **self._unlearnt(sheets)}
        self._add(f"held_out_{name}", sheets, found | self._learnt(sheets, without=name))

    def _add(self, setting: str, sheets: xr.Dataset, predictions: Predictions, lead: str = REFERENCE) -> None:
        truth, classes, cases = self.truth(sheets, lead), _classes(sheets), sheets["case"].values
        for method, predicted in predictions.items():
            self._rows.append(score_predictions(truth, predicted, classes, cases, setting, method, 1.0))


def _classes(sheets: xr.Dataset) -> list[str]:
    return [str(name) for name in sheets["tissue_class"].values]


def _with_frames_held(sheets: xr.Dataset, every: int) -> xr.Dataset:
    return sheets.assign(tmp=(sheets["tmp"].dims, hold_frames(sheets["tmp"].values, every)))


def _time(work) -> float:  # type: ignore[no-untyped-def]
    started = perf_counter()
    work()
    return perf_counter() - started
