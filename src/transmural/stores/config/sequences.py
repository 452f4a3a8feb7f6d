"""What study 3 simulates or reads, which networks it trains, and how they are tested."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from transmural.stores.config.model import Number, Section, Whole, cross_check, quantity, repeated
from transmural.stores.config.networks import Training
from transmural.stores.config.subjects import Name

Split = Literal["random", "heart_out", "pattern_out", "both_out"]
SequenceNetwork = Literal["cnn", "cnn_lstm", "transformer", "unet", "bilstm"]
SEQUENCE_NETWORKS: tuple[SequenceNetwork, ...] = ("cnn", "cnn_lstm", "transformer", "unet", "bilstm")
SEGMENT_MS = 10
"""Length of what the limited experiment shows, and of a segment of the Transformer."""

_RECORD_MS = 500


class RecordingDesign(Section):
    """Which recordings there are: hearts, activation patterns, repolarisation."""

    hearts: Whole = quantity("1", "Phantom hearts, shape and pose drawn at random", ge=0, le=1000)
    subjects: list[Name] = Field(description="Further hearts, from the catalogue of subjects")
    voxel_mm: Number = quantity("mm", "Edge of the voxels on which these hearts are simulated", ge=1, le=4)
    recordings: Whole = quantity("1", "Recordings of a heart", ge=4, le=100_000)
    patterns: Whole = quantity("1", "Activation patterns, the same in all hearts", ge=4, le=10_000)
    purkinje_share: Number = quantity("1", "Share of the patterns with many sites, as from Purkinje fibres", ge=0, le=1)
    cycle_length_ms: tuple[Number, Number] = Field(description="Range of the cycle length in ms")
    rapid_rectifier: tuple[Number, Number] = Field(
        description="Range of the conductance g_Kr relative to normal: more shortens the end of repolarisation"
    )
    sample_ms: Whole = quantity("ms", "Time between samples of a record of 500 ms", ge=1, le=10)
    time_step_ms: Number = quantity("ms", "Largest time step of the simulation", gt=0, le=1)
    shard_recordings: Whole = quantity("1", "Recordings of a heart simulated by one job", ge=1, le=5000)

    @cross_check
    def _samples_divide_record_and_segment(self) -> Iterator[str]:
        if SEGMENT_MS % self.sample_ms:
            yield f"sample_ms ({self.sample_ms}) must divide a segment of {SEGMENT_MS} ms"

    @cross_check
    def _ranges_ascend(self) -> Iterator[str]:
        for key, lowest, highest, unit in (("cycle_length_ms", 300, 2000, " ms"), ("rapid_rectifier", 0.3, 2, "")):
            first, last = getattr(self, key)
            if not lowest <= first <= last <= highest:
                yield f"{key} = {[first, last]} must ascend and lie within {lowest} and {highest}{unit}"

    @cross_check
    def _subjects_are_distinct(self) -> Iterator[str]:
        yield from repeated("subjects", self.subjects)

    @property
    def samples(self) -> int:
        """Samples of a record."""
        return _RECORD_MS // self.sample_ms


class SequenceTraining(Training):
    """Training of a network that maps ECGs to potentials; its architecture is fixed by the paper, or by us."""

    dropout: Number = quantity("1", "Share of features left out in training", ge=0, lt=1)


class SequenceNetworks(Section):
    """A section a network."""

    cnn: SequenceTraining
    cnn_lstm: SequenceTraining
    transformer: SequenceTraining
    unet: SequenceTraining
    bilstm: SequenceTraining


class SequenceModelsStudy(RecordingDesign):
    """Study 3 (Ornelas-Munoz et al.)."""

    archive: str | None = Field(
        description="Folder of the published data (pECGData_*.npy, VmData_*.npy), used instead of simulations; or null"
    )
    splits: list[Split] = Field(min_length=1, description="What test and training recordings have in common")
    test_share: Number = quantity(
        "1", "Share of recordings, hearts or patterns for the test; the same again for validation", gt=0, le=0.3
    )
    models: list[SequenceNetwork] = Field(min_length=1, description="Networks that are trained")
    networks: SequenceNetworks
    any_length: SequenceNetwork | None = Field(
        description="Network that is also trained with records cut at random, for errors against input length; or null"
    )
    input_ms: list[Whole] = Field(description="Lengths of ECG at which that network is tested, in ms")
    onset_jitter_ms: list[Whole] = Field(description="By how much the ECG is shifted at most, in tests; in ms")
    snr_db: list[Number] = Field(description="Signal-to-noise ratios of noisy tests, in dB")
    bootstrap: Whole = quantity("1", "Resamples of the group bootstrap", ge=100, le=100_000)

    @cross_check
    def _lists_are_distinct(self) -> Iterator[str]:
        for key in ("splits", "models", "input_ms", "onset_jitter_ms", "snr_db"):
            yield from repeated(key, getattr(self, key))

    @cross_check
    def _any_length_is_trained(self) -> Iterator[str]:
        if self.any_length is not None and self.any_length not in self.models:
            yield f"any_length ({self.any_length}) must be one of models {list(self.models)}"
        if self.any_length == "transformer":
            yield "any_length can't be transformer: it reads the first segment only"

    @cross_check
    def _times_are_samples(self) -> Iterator[str]:
        for key, least in (("input_ms", SEGMENT_MS), ("onset_jitter_ms", 1)):
            for value in getattr(self, key):
                if not least <= value <= _RECORD_MS or value % self.sample_ms:
                    yield (
                        f"{key} ({value}) must be a multiple of sample_ms ({self.sample_ms}) within {least} and "
                        f"{_RECORD_MS} ms"
                    )

    @cross_check
    def _there_are_hearts(self) -> Iterator[str]:
        hearts = self.hearts + len(self.subjects)
        if self.archive is None and hearts < 4:
            yield (
                f"hearts ({self.hearts}) and subjects ({len(self.subjects)}) must be four or more together, or archive "
                "be given"
            )

    def is_tested_otherwise(self, split: Split) -> bool:
        """Whether shorter, shifted and noisy ECGs are tested on a split: on the first one, and on unseen hearts."""
        return self.any_length is not None and (split == self.splits[0] or split == "heart_out")

    def trainings(self, model: SequenceNetwork, split: Split) -> list[str]:
        """Inputs for which a network is trained: ``full``, ``limited`` (the first segment alone), ``any_length``."""
        # The Transformer sees the first segment only, whatever it is given.
        inputs = ["full"] if model == "transformer" else ["full", "limited"]
        return [*inputs, "any_length"] if model == self.any_length and self.is_tested_otherwise(split) else inputs
