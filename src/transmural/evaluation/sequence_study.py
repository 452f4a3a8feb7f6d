"""What study 3 tests: potentials from a 12-lead ECG, by networks and baselines, on recordings unlike those of training.

Settings, each with the name of its split behind it: ``full`` (experiment I, whole records), ``limited`` (experiment II,
the first 10 ms), and for the network that was trained on records of any length ``length_{ms}`` (only the beginning),
``jitter_{ms}`` (the onset shifted by up to so much) and ``noise_{db}`` (white noise at this signal-to-noise ratio).
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
import xarray as xr

from transmural.cohorts.recording_splits import PARTS, EcgScaling, parts_of
from transmural.evaluation.examples import examples, together
from transmural.evaluation.sequence_inputs import noisy, shifted
from transmural.evaluation.sequence_methods import Audit, Method, Singles, SplitMethods
from transmural.evaluation.sequence_metrics import TruePotentials
from transmural.evaluation.sequence_scores import GIVEN_TRUTH, STUDY, ScoredRecordings, case_scores, score_potentials
from transmural.networks.saved import TrainedNetwork
from transmural.stores.config.sequences import SEGMENT_MS, SEQUENCE_NETWORKS, SequenceModelsStudy, Split
from transmural.stores.random_streams import case_generator

Networks = Mapping[tuple[str, str, str], TrainedNetwork]


class SequenceStudy:
    """Everything that is scored, from recordings and trained networks.

    Parameters
    ----------
    recordings
        All recordings (contract RECORDINGS), with attributes ``rest_mv`` and ``amplitude_mv``.
    networks
        Trained networks by split, model, and what they were trained on (``full``, ``limited``, ``any_length``).
    study
        Settings.
    seed
        Seed of the run, which parts the recordings and draws shifts and noise.
    """

    def __init__(self, recordings: xr.Dataset, networks: Networks, study: SequenceModelsStudy, seed: int) -> None:
        self._recordings, self._networks, self._study, self._seed = recordings, networks, study, seed

    def scores(self) -> tuple[pd.DataFrame, xr.Dataset]:
        """Tidy scores of every setting (`sequence_scores`), and what is kept for figures (contract PREDICTED_TMPS).

        Kept are the recordings whose activation times the best network of a split's whole records predicts best, in the
        middle and worst: those of ``full`` of every split, and the same of ``limited`` of the first.

        Raises
        ------
        ConfigurationError
            If a part of a split has no recordings.
        InferenceError
            If a baseline can't learn, or something can't be scored.
        """
        rows: list[pd.DataFrame] = []
        kept: list[xr.Dataset] = []
        for number, split in enumerate(self._study.splits):
            test = _SplitTest(self._recordings, self._networks_of(split), self._study, self._seed, split)
            full = test.scored("full", test.methods.full(), test.ecg, audited=True)
            rows += [full, test.scored("limited", test.methods.limited(), test.ecg, audited=True)]
            drawn = _examples(full)
            kept.append(test.kept("full", test.methods.full(), drawn))
            if not number:
                kept.append(test.kept("limited", test.methods.limited(), drawn))
            if self._study.is_tested_otherwise(split):
                rows += test.scored_otherwise()
        return pd.concat(rows, ignore_index=True), together(kept)

    def _networks_of(self, split: Split) -> dict[tuple[str, str], TrainedNetwork]:
        return {(model, inputs): found for (name, model, inputs), found in self._networks.items() if name == split}


class _SplitTest:
    """The test recordings of one split, and the methods that have learnt from its training recordings."""

    def __init__(
        self,
        recordings: xr.Dataset,
        networks: Mapping[tuple[str, str], TrainedNetwork],
        study: SequenceModelsStudy,
        seed: int,
        split: Split,
    ) -> None:
        self._split, self._study, self._seed = split, study, seed
        ecg, tmp = (recordings[name].values.astype(np.float32, copy=False) for name in ("ecg", "tmp"))
        part = parts_of(recordings, split, study.test_share, seed)
        training, validation, test = (np.flatnonzero(part == name) for name in PARTS)
        self._scaling = EcgScaling.of(ecg[training])
        known = (
            self._scaling.scaled(ecg[training]),
            tmp[training],
            self._scaling.scaled(ecg[validation]),
            tmp[validation],
        )
        self.methods = SplitMethods(networks, *known, segment_samples=SEGMENT_MS // study.sample_ms)
        self._raw_ecg, self._tmp = ecg[test], tmp[test]
        self.ecg = self._scaling.scaled(self._raw_ecg)
        self._about = recordings.isel(case=test).assign_coords(case=recordings["case"].values[test])
        time_ms, amplitude_mv = recordings["time"].values, float(recordings.attrs["amplitude_mv"])
        hearts, patterns = ([str(name) for name in self._about[key].values] for key in ("heart", "pattern"))
        self._cases = [int(case) for case in self._about["case"].values]
        self._tested = ScoredRecordings(TruePotentials(self._tmp, time_ms, amplitude_mv), hearts, patterns, self._cases)

    def scored(self, kind: str, methods: Mapping[str, Method], ecg: Singles, audited: bool = False) -> pd.DataFrame:
        """Scores of a setting; ``audited`` adds the methods that are given true potentials."""
        setting = self._setting(kind)
        predictions = self._predictions(methods, self.methods.audits() if audited else {}, ecg, self._tmp)
        # One at a time: the predictions of all methods together are gigabytes.
        rows = [score_potentials(self._tested, predicted, setting, method) for method, predicted in predictions]
        return pd.concat(rows, ignore_index=True)

    def scored_otherwise(self) -> list[pd.DataFrame]:
        """Scores with less of the ECG, an onset that isn't known exactly, and noise."""
        model, sample_ms = self._study.any_length, self._study.sample_ms
        if model is None:
            return []
        whole = self.methods.at_length(model, self.ecg.shape[2])
        rows = [
            self.scored(f"length_{ms}", self.methods.at_length(model, ms // sample_ms), self.ecg)
            for ms in self._study.input_ms
        ]
        for ms in self._study.onset_jitter_ms:
            rows.append(self.scored(f"jitter_{ms}", whole, shifted(self.ecg, ms // sample_ms, self._draws("jitter"))))
        for db in self._study.snr_db:
            ecg = self._scaling.scaled(noisy(self._raw_ecg, db, self._draws("noise")))
            rows.append(self.scored(f"noise_{db:g}", whole, ecg))
        return rows

    def kept(self, kind: str, methods: Mapping[str, Method], rows: Mapping[str, int]) -> xr.Dataset:
        """What every method predicts of a few recordings, which ``rows`` names and numbers."""
        chosen = list(rows.values())
        ecg, tmp = self.ecg[chosen], self._tmp[chosen]
        found = dict(self._predictions(methods, self.methods.audits(), ecg, tmp))
        about = self._about.isel(case=chosen)
        return xr.Dataset(
            {
                **{name: about[name] for name in ("ecg", "tmp", "heart", "pattern")},
                "setting": ("case", [self._setting(kind)] * len(chosen)),
                "place": ("case", list(rows)),
                "number": ("case", [self._cases[row] for row in chosen]),
                "predicted": (("method", "case", "time", "point"), np.stack(list(found.values()))),
            },
            coords={"method": list(found)},
            attrs=self._about.attrs,
        ).drop_vars("case", errors="ignore")

    def _predictions(
        self, methods: Mapping[str, Method], audits: Mapping[str, Audit], ecg: Singles, tmp: Singles
    ) -> Iterator[tuple[str, Singles]]:
        for name, method in methods.items():
            yield name, method(ecg)
        for name, audit in audits.items():
            yield name, audit(ecg, tmp)

    def _setting(self, kind: str) -> str:
        return f"{kind}_{self._split}"

    def _draws(self, purpose: str) -> list[np.random.Generator]:
        names = zip(self._tested.hearts, self._cases, strict=True)
        return [case_generator(self._seed, STUDY, purpose, heart, case) for heart, case in names]


def _examples(full: pd.DataFrame) -> dict[str, int]:
    """Rows of the recordings whose activation times the best network predicts best, in the middle and worst."""
    errors = case_scores(full[(full["metric"] == "activation_time_mae") & ~full["method"].isin(GIVEN_TRUTH)])
    networks = errors[errors["method"].isin(SEQUENCE_NETWORKS)]
    by_method = (networks if len(networks) else errors).groupby("method", sort=False)["value"]
    return examples(by_method.get_group(by_method.mean().idxmin()).to_numpy())
